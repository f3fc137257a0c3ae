package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

const disclosureColumns = `practice, id, patient, at, recorded_at, person, source, recipient, address, what, purpose, struck_at, struck_by, struck_why`

func scanDisclosure(row scanner) (d hub.Disclosure, err error) {
	return d, row.Scan(&d.Practice, &d.ID, &d.Patient, &d.At, &d.RecordedAt, &d.Person, &d.Source, &d.Recipient, &d.Address,
		&d.What, &d.Purpose, &d.StruckAt, &d.StruckBy, &d.StruckWhy)
}

// AddDisclosure implements [hub.Disclosures].
func (s *Store) AddDisclosure(ctx context.Context, d hub.Disclosure) error {
	const insert = `INSERT INTO disclosure (` + disclosureColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	return s.write(ctx, d.Practice, func(t *tx) error {
		_, err := t.exec(insert, d.Practice, d.ID, d.Patient, d.At, d.RecordedAt, d.Person, d.Source, d.Recipient, d.Address,
			d.What, d.Purpose, d.StruckAt, d.StruckBy, d.StruckWhy)
		return err
	})
}

// Disclosures implements [hub.Disclosures].
func (s *Store) Disclosures(ctx context.Context, q hub.DisclosureQuery) ([]hub.Disclosure, error) {
	const from = `SELECT ` + disclosureColumns + ` FROM disclosure WHERE practice = $1 AND at >= $2 AND `
	query := from + s.dialect.in("patient", "$3") + ` UNION ` + from + s.dialect.in("id", "$4") + ` ORDER BY at DESC, id`
	all, err := collect(ctx, s.reader(), scanDisclosure, query, q.Practice, q.Since, document(append([]string{}, q.Patients...)), document(append([]string{}, q.IDs...)))
	return all, s.translate(err)
}

// StrikeDisclosure implements [hub.Disclosures].
func (s *Store) StrikeDisclosure(ctx context.Context, practice, id string, by hub.Strike) (d hub.Disclosure, err error) {
	const load = `SELECT ` + disclosureColumns + ` FROM disclosure WHERE practice = $1 AND id = $2`
	const strike = `UPDATE disclosure SET struck_at = $3, struck_by = $4, struck_why = $5 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		if d, err = scanDisclosure(t.row(ctx, load+s.dialect.Lock, practice, id)); err != nil {
			return err
		}
		if d.StruckAt != 0 {
			return hub.ErrConflict
		}
		d.StruckAt, d.StruckBy, d.StruckWhy = by.At, by.By, by.Why
		_, err := t.exec(strike, practice, id, by.At, by.By, by.Why)
		return err
	})
	return d, err
}
