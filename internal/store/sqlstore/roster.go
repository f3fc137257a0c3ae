package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// PutRoster implements [hub.Roster].
func (s *Store) PutRoster(ctx context.Context, practice string, all []hub.RosterEntry) error {
	const put = `
INSERT INTO roster_entry (practice, id, number, born, facts, sealed, pin) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (practice, number) DO UPDATE SET born = excluded.born, facts = excluded.facts, sealed = excluded.sealed,
    pin = CASE WHEN roster_entry.born = excluded.born THEN roster_entry.pin ELSE excluded.pin END`
	return s.write(ctx, practice, func(t *tx) error {
		for _, e := range all {
			if _, err := t.exec(put, practice, e.ID, e.Number, e.Born, document(e.Facts), e.Sealed, some(e.PIN)); err != nil {
				return err
			}
		}
		return nil
	})
}

// some is b, or no bytes where NULL may not be.
func some(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

const rosterColumns = `SELECT practice, id, number, born, facts, sealed, pin FROM roster_entry `

func scanRoster(row scanner) (e hub.RosterEntry, err error) {
	var facts string
	if err := row.Scan(&e.Practice, &e.ID, &e.Number, &e.Born, &facts, &e.Sealed, &e.PIN); err != nil {
		return e, err
	}
	if json.Unmarshal([]byte(facts), &e.Facts) != nil {
		return e, errors.New("facts of a roster entry are damaged")
	}
	return e, nil
}

// RosterByBorn implements [hub.Roster].
func (s *Store) RosterByBorn(ctx context.Context, practice string, born []byte) ([]hub.RosterEntry, error) {
	all, err := collect(ctx, s.reader(), scanRoster, rosterColumns+`WHERE practice = $1 AND born = $2 ORDER BY id`, practice, born)
	return all, s.translate(err)
}

// RosterByNumber implements [hub.Roster].
func (s *Store) RosterByNumber(ctx context.Context, practice string, number []byte) (hub.RosterEntry, error) {
	e, err := scanRoster(s.reader().row(ctx, rosterColumns+`WHERE practice = $1 AND number = $2`, practice, number))
	return e, s.translate(err)
}

// RosterEntry implements [hub.Roster].
func (s *Store) RosterEntry(ctx context.Context, practice, id string) (hub.RosterEntry, error) {
	e, err := scanRoster(s.reader().row(ctx, rosterColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	return e, s.translate(err)
}

// SetRosterPIN implements [hub.Roster].
func (s *Store) SetRosterPIN(ctx context.Context, practice, id string, pin []byte) error {
	const update = `UPDATE roster_entry SET pin = $3 WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(update, practice, id, some(pin))
	})
}

// HasRoster implements [hub.Roster].
func (s *Store) HasRoster(ctx context.Context, practice string) (bool, error) {
	_, err := scanString(s.reader().row(ctx, `SELECT id FROM roster_entry WHERE practice = $1 AND id > '' ORDER BY id LIMIT 1`, practice))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, s.translate(err)
}

// AddContactCode implements [hub.ContactCodes].
func (s *Store) AddContactCode(ctx context.Context, c hub.ContactCode) error {
	const earlier = `UPDATE contact_code SET used_at = $3 WHERE practice = $1 AND device = $2 AND used_at = 0`
	const insert = `
INSERT INTO contact_code (practice, id, device, channel, contact, sealed, code, tries, created_at, expires_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, 0)`
	return s.write(ctx, c.Practice, func(t *tx) error {
		if _, err := t.exec(earlier, c.Practice, c.Device, c.CreatedAt); err != nil {
			return err
		}
		_, err := t.exec(insert, c.Practice, c.ID, c.Device, string(c.Channel), c.Contact, c.Sealed, c.Code, c.CreatedAt, c.ExpiresAt)
		return err
	})
}

const codeColumns = `
SELECT practice, id, device, channel, contact, sealed, code, tries, created_at, expires_at, used_at FROM contact_code `

func scanCode(row scanner) (c hub.ContactCode, err error) {
	err = row.Scan(&c.Practice, &c.ID, &c.Device, &c.Channel, &c.Contact, &c.Sealed, &c.Code, &c.Tries, &c.CreatedAt, &c.ExpiresAt, &c.UsedAt)
	return c, err
}

// LastContactCode implements [hub.ContactCodes].
func (s *Store) LastContactCode(ctx context.Context, practice, device string) (hub.ContactCode, error) {
	c, err := scanCode(s.reader().row(ctx, codeColumns+`WHERE practice = $1 AND device = $2 ORDER BY created_at DESC, id LIMIT 1`, practice, device))
	return c, s.translate(err)
}

// usableCode refuses a code that is not to be tried.
func (s *Store) usableCode(ctx context.Context, t *tx, practice, device, id string, now int64, most int) error {
	c, err := scanCode(t.row(ctx, codeColumns+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id))
	if err != nil {
		return err
	}
	if c.Device != device || c.UsedAt != 0 || now >= c.ExpiresAt || c.Tries >= most {
		return hub.ErrNotFound
	}
	return nil
}

// MissContactCode implements [hub.ContactCodes].
func (s *Store) MissContactCode(ctx context.Context, practice, device, id string, now int64, most int) error {
	const count = `UPDATE contact_code SET tries = tries + 1 WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		if err := s.usableCode(ctx, t, practice, device, id, now, most); err != nil {
			return err
		}
		_, err := t.exec(count, practice, id)
		return err
	})
}

// UseContactCode implements [hub.ContactCodes].
func (s *Store) UseContactCode(ctx context.Context, id string, v hub.Verification, most int) error {
	const use = `UPDATE contact_code SET used_at = $3 WHERE practice = $1 AND id = $2`
	return s.write(ctx, v.Practice, func(t *tx) error {
		if err := s.usableCode(ctx, t, v.Practice, v.Device, id, v.At, most); err != nil {
			return err
		}
		if _, err := t.exec(use, v.Practice, id, v.At); err != nil {
			return err
		}
		return s.putVerification(ctx, t, v)
	})
}

// IdentityCheck implements [hub.IdentityChecks].
func (s *Store) IdentityCheck(ctx context.Context, practice, subject string) (c hub.IdentityCheck, err error) {
	const query = `SELECT failures, began_at, asked_at FROM identity_check WHERE practice = $1 AND subject = $2`
	err = s.reader().row(ctx, query, practice, subject).Scan(&c.Failures, &c.BeganAt, &c.AskedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return hub.IdentityCheck{}, nil
	}
	return c, s.translate(err)
}

// CountIdentityFailure implements [hub.IdentityChecks].
func (s *Store) CountIdentityFailure(ctx context.Context, practice string, subjects []string, now, since int64, recorded func([]int) []audit.Event) (failures []int, err error) {
	const count = `
INSERT INTO identity_check (practice, subject, failures, began_at, asked_at) VALUES ($1, $2, 1, $3, 0)
ON CONFLICT (practice, subject) DO UPDATE SET
    failures = CASE WHEN identity_check.failures = 0 OR identity_check.began_at < $4 THEN 1 ELSE identity_check.failures + 1 END,
    began_at = CASE WHEN identity_check.failures = 0 OR identity_check.began_at < $5 THEN excluded.began_at ELSE identity_check.began_at END
RETURNING failures`
	err = s.write(ctx, practice, func(t *tx) error {
		failures = make([]int, len(subjects))
		for i, subject := range subjects {
			if err := t.change(count, practice, subject, now, since, since).Scan(&failures[i]); err != nil {
				return err
			}
		}
		for _, e := range recorded(slices.Clone(failures)) {
			row, err := newPendingEvent(&e)
			if err != nil {
				return err
			}
			if err := insertPending(t, []pendingEvent{row}); err != nil {
				return err
			}
		}
		return nil
	})
	return failures, err
}

// ClearIdentityFailures implements [hub.IdentityChecks].
func (s *Store) ClearIdentityFailures(ctx context.Context, practice string, subjects []string, person string, now int64) error {
	const update = `UPDATE identity_check SET failures = 0 WHERE practice = $1 AND subject = $2`
	const lapsed = `DELETE FROM verification WHERE practice = $1 AND person = $2 AND record <> '' AND lapses_at <= $3`
	// A passkey keeps the record that a proof which holds has too.
	const passkeys = `
UPDATE factor SET record = '' WHERE practice = $1 AND person = $2 AND record <> ''
AND NOT EXISTS (SELECT 1 FROM verification v WHERE v.practice = factor.practice AND v.person = factor.person AND v.record = factor.record)`
	return s.write(ctx, practice, func(t *tx) error {
		if err := s.lockPerson(t, practice, person); err != nil {
			return err
		}
		for _, subject := range subjects {
			if _, err := t.exec(update, practice, subject); err != nil {
				return err
			}
		}
		if _, err := t.exec(lapsed, practice, person, now); err != nil {
			return err
		}
		if _, err := t.exec(passkeys, practice, person); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM wrong_record WHERE practice = $1 AND person = $2`, practice, person)
		return err
	})
}

// SetIdentityAsked implements [hub.IdentityChecks].
func (s *Store) SetIdentityAsked(ctx context.Context, practice, person string, at int64) error {
	const put = `
INSERT INTO identity_check (practice, subject, failures, began_at, asked_at) VALUES ($1, $2, 0, 0, $3)
ON CONFLICT (practice, subject) DO UPDATE SET asked_at = excluded.asked_at`
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(put, practice, person, at)
		return err
	})
}
