package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

// PutVerification implements [hub.Verifications].
func (s *Store) PutVerification(ctx context.Context, all ...hub.Verification) error {
	return s.write(ctx, all[0].Practice, func(t *tx) error { return s.putVerification(ctx, t, all...) })
}

func (s *Store) putVerification(ctx context.Context, t *tx, all ...hub.Verification) error {
	const put = `
INSERT INTO verification (practice, person, device, level, method, at, lapses_at, record, staff, reason, contact)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (practice, device, level) DO UPDATE SET person = excluded.person, method = excluded.method, at = excluded.at,
    lapses_at = excluded.lapses_at, staff = excluded.staff, reason = excluded.reason,
    contact = excluded.contact,
    record = CASE WHEN excluded.record = '' AND verification.person = excluded.person AND verification.lapses_at > excluded.at
        THEN verification.record ELSE excluded.record END`
	for i, v := range all {
		if v.WrongRecord || v.Record != "" {
			// What is kept of the person does not change meanwhile.
			if err := s.lockPerson(t, v.Practice, v.Person); err != nil {
				return err
			}
		}
		if v.WrongRecord && i == 0 {
			if err := s.forgetRecords(ctx, t, v); err != nil {
				return err
			}
		}
		if v.Record != "" {
			if err := s.checkRecord(ctx, t, v); err != nil {
				return err
			}
		}
		if _, err := t.exec(put, v.Practice, v.Person, v.Device, string(v.Level), string(v.Method), v.At, v.Until, v.Record, v.Staff, v.Reason, orNull(v.Contact)); err != nil {
			return err
		}
	}
	return nil
}

// forgetRecords notes that all records which anything says a person to be are
// somebody else's. Accounts at the portal that the person had are nobody's, as
// after [Store.DropPortalAccounts].
func (s *Store) forgetRecords(ctx context.Context, t *tx, v hub.Verification) error {
	const wrong = `
INSERT INTO wrong_record (practice, person, record, staff, at)
SELECT practice, person, record, CAST($1 AS TEXT), CAST($2 AS BIGINT) FROM (
    SELECT practice, person, record FROM verification WHERE practice = $3 AND person = $4
    UNION ALL SELECT practice, person, record FROM factor WHERE practice = $5 AND person = $6
    UNION ALL SELECT practice, person, record FROM portal_account WHERE practice = $7 AND person = $8 AND record IS NOT NULL
) AS said WHERE record <> ''
ON CONFLICT (practice, person, record) DO NOTHING`
	const accounts = `
UPDATE portal_account SET record = NULL, staff = $3 WHERE practice = $1 AND record IS NOT NULL AND (person = $2
    OR record IN (SELECT v.record FROM verification v WHERE v.practice = $4 AND v.person = $5 AND v.method = $6))`
	const proofs = `DELETE FROM verification WHERE practice = $1 AND person = $2 AND record <> ''`
	if _, err := t.exec(wrong, v.Staff, v.At, v.Practice, v.Person, v.Practice, v.Person, v.Practice, v.Person); err != nil {
		return err
	}
	if _, err := t.exec(accounts, v.Practice, v.Person, v.Staff, v.Practice, v.Person, string(proofing.Portal)); err != nil {
		return err
	}
	_, err := t.exec(proofs, v.Practice, v.Person)
	return err
}

// checkRecord refuses a record of another patient than the person's. Staff who
// name one that was said to be wrong take that back.
func (s *Store) checkRecord(ctx context.Context, t *tx, v hub.Verification) error {
	const others = `SELECT record FROM verification WHERE practice = $1 AND person = $2 AND record <> '' AND record <> $3 LIMIT 1`
	const takeBack = `DELETE FROM wrong_record WHERE practice = $1 AND person = $2 AND record = $3`
	_, err := scanString(t.row(ctx, others, v.Practice, v.Person, v.Record))
	refused := err == nil
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case !refused && v.Staff != "":
		_, err := t.exec(takeBack, v.Practice, v.Person, v.Record)
		return err
	case !refused:
		if refused, err = saidWrong(ctx, t, v.Practice, v.Person, v.Record); err != nil {
			return err
		}
	}
	if refused {
		return hub.ErrOtherPatient
	}
	return nil
}

func saidWrong(ctx context.Context, from querier, practice, person, record string) (bool, error) {
	_, err := scanString(from.row(ctx, `SELECT record FROM wrong_record WHERE practice = $1 AND person = $2 AND record = $3`, practice, person, record))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// SaidWrong implements [hub.Verifications].
func (s *Store) SaidWrong(ctx context.Context, practice, person, record string) (bool, error) {
	wrong, err := saidWrong(ctx, s.reader(), practice, person, record)
	return wrong, s.translate(err)
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
