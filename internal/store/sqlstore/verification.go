package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sotto-health/sotto/internal/hub"
)

// PutVerification implements [hub.Verifications].
func (s *Store) PutVerification(ctx context.Context, v hub.Verification) error {
	return s.write(ctx, v.Practice, func(t *tx) error { return s.putVerification(ctx, t, v) })
}

func (s *Store) putVerification(ctx context.Context, t *tx, v hub.Verification) error {
	const person = `SELECT id FROM person WHERE practice = $1 AND id = $2`
	const others = `SELECT record FROM verification WHERE practice = $1 AND person = $2 AND record <> '' AND record <> $3 LIMIT 1`
	const put = `
INSERT INTO verification (practice, person, device, level, method, at, lapses_at, record, staff, reason, contact)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (practice, device, level) DO UPDATE SET person = excluded.person, method = excluded.method, at = excluded.at,
    lapses_at = excluded.lapses_at, staff = excluded.staff, reason = excluded.reason,
    contact = excluded.contact,
    record = CASE WHEN excluded.record = '' AND verification.person = excluded.person THEN verification.record ELSE excluded.record END`
	if v.WrongRecord {
		if _, err := t.exec(`DELETE FROM verification WHERE practice = $1 AND person = $2 AND record <> ''`, v.Practice, v.Person); err != nil {
			return err
		}
	}
	if v.Record != "" {
		// The person's row is locked, so that two records do not come at once.
		if _, err := scanString(t.row(ctx, person+s.dialect.Lock, v.Practice, v.Person)); err != nil {
			return err
		}
		_, err := scanString(t.row(ctx, others, v.Practice, v.Person, v.Record))
		if err == nil {
			return hub.ErrOtherPatient
		} else if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	_, err := t.exec(put, v.Practice, v.Person, v.Device, string(v.Level), string(v.Method), v.At, v.Until, v.Record, v.Staff, v.Reason, orNull(v.Contact))
	return err
}

const verificationColumns = `
SELECT practice, person, device, level, method, at, lapses_at, record, staff, reason, contact FROM verification `

func scanVerification(row scanner) (v hub.Verification, err error) {
	err = row.Scan(&v.Practice, &v.Person, &v.Device, &v.Level, &v.Method, &v.At, &v.Until, &v.Record, &v.Staff, &v.Reason, &v.Contact)
	return v, err
}

// VerificationsOf implements [hub.Verifications].
func (s *Store) VerificationsOf(ctx context.Context, practice string, persons []string) ([]hub.Verification, error) {
	if len(persons) == 0 {
		return nil, nil
	}
	query := verificationColumns + `WHERE practice = $1 AND ` + s.dialect.in("person", "$2") + ` ORDER BY at, device`
	all, err := collect(ctx, s.reader(), scanVerification, query, practice, document(persons))
	return all, s.translate(err)
}

// LapsedVerifications implements [hub.Verifications].
func (s *Store) LapsedVerifications(ctx context.Context, after, upTo int64, limit int) ([]hub.Verification, error) {
	const query = verificationColumns + `WHERE lapses_at > $1 AND lapses_at <= $2 ORDER BY lapses_at LIMIT $3`
	all, err := collect(ctx, s.reader(), scanVerification, query, after, upTo, limit)
	return all, s.translate(err)
}
