package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

// SeePortalAccount implements [hub.PortalAccounts].
func (s *Store) SeePortalAccount(ctx context.Context, a hub.PortalAccount, proved ...hub.Verification) error {
	const put = `
INSERT INTO portal_account (practice, account, record, person, device, at, staff)
VALUES ($1, $2, NULLIF($3, ''), $4, $5, $6, $7)
ON CONFLICT (practice, account) DO UPDATE SET person = excluded.person, device = excluded.device, at = excluded.at,
    record = COALESCE(excluded.record, portal_account.record),
    staff = CASE WHEN excluded.staff = '' THEN portal_account.staff ELSE excluded.staff END`
	return s.write(ctx, a.Practice, func(t *tx) error {
		if a.Record != "" && a.Staff == "" {
			if err := s.lockPerson(t, a.Practice, a.Person); err != nil {
				return err
			}
			if wrong, err := saidWrong(ctx, t, a.Practice, a.Person, a.Record); err != nil {
				return err
			} else if wrong {
				return hub.ErrOtherPatient
			}
		}
		if _, err := t.exec(put, a.Practice, a.Account, a.Record, a.Person, a.Device, a.At, a.Staff); err != nil {
			return err
		}
		return s.putVerification(ctx, t, proved...)
	})
}

const portalColumns = `SELECT practice, account, COALESCE(record, ''), person, device, at, staff FROM portal_account `

func scanPortal(row scanner) (a hub.PortalAccount, err error) {
	err = row.Scan(&a.Practice, &a.Account, &a.Record, &a.Person, &a.Device, &a.At, &a.Staff)
	return a, err
}

// PortalAccount implements [hub.PortalAccounts].
func (s *Store) PortalAccount(ctx context.Context, practice string, account []byte) (hub.PortalAccount, error) {
	a, err := scanPortal(s.reader().row(ctx, portalColumns+`WHERE practice = $1 AND account = $2`, practice, account))
	return a, s.translate(err)
}

// portalOf finds the accounts of a person: those that they last signed in with,
// and those of whose record they have shown by the portal that it is theirs, or
// by a passkey, whose proof takes the place of the portal's.
const portalOf = portalColumns + `WHERE practice = $1 AND person = $2
UNION ` + portalColumns + `WHERE practice = $3 AND record IN
    (SELECT v.record FROM verification v WHERE v.practice = $4 AND v.person = $5 AND v.level = $6 AND v.record <> '')
ORDER BY 6 DESC, 2`

func portalAccounts(ctx context.Context, from querier, practice, person string) ([]hub.PortalAccount, error) {
	return collect(ctx, from, scanPortal, portalOf, practice, person, practice, practice, person, string(proofing.SignedIn))
}

// PortalAccountsOf implements [hub.PortalAccounts].
func (s *Store) PortalAccountsOf(ctx context.Context, practice, person string) ([]hub.PortalAccount, error) {
	all, err := portalAccounts(ctx, s.reader(), practice, person)
	return all, s.translate(err)
}

// DropPortalAccounts implements [hub.PortalAccounts].
func (s *Store) DropPortalAccounts(ctx context.Context, practice, person, staff string) error {
	const update = `UPDATE portal_account SET record = NULL, staff = $3 WHERE practice = $1 AND account = $2`
	// A passkey says the record that its owner had when they added it.
	const passkeys = `UPDATE factor SET record = '' WHERE practice = $1 AND record = $2`
	const proofs = `DELETE FROM verification WHERE practice = $1 AND record = $2 AND level = $3`
	return s.write(ctx, practice, func(t *tx) error {
		all, err := portalAccounts(ctx, t, practice, person)
		if err != nil {
			return err
		}
		dropped := false
		for _, a := range all {
			if a.Record == "" {
				continue
			}
			dropped = true
			if err := t.must(update, practice, a.Account, staff); err != nil {
				return err
			}
			if _, err := t.exec(passkeys, practice, a.Record); err != nil {
				return err
			}
			if _, err := t.exec(proofs, practice, a.Record, string(proofing.SignedIn)); err != nil {
				return err
			}
		}
		if !dropped {
			return hub.ErrNotFound
		}
		return nil
	})
}
