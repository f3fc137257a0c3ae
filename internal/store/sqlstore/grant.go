package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

const grantColumns = `
SELECT practice, id, kind, person, role, was, requester, reason, requested_at, expires_at, decision, decider, decided_at, note, used_at
FROM grant_request `

func scanGrant(row scanner) (r hub.GrantRequest, err error) {
	return r, row.Scan(&r.Practice, &r.ID, &r.Kind, &r.Person, &r.Role, &r.Was, &r.Requester, &r.Reason, &r.RequestedAt, &r.ExpiresAt,
		&r.Decision, &r.Decider, &r.DecidedAt, &r.Note, &r.UsedAt)
}

// lockPeople has whoever changes people of a practice, or what they may become,
// wait for the others.
func (s *Store) lockPeople(ctx context.Context, t *tx, practice string) error {
	const lock = `SELECT id FROM practice WHERE id = $1`
	_, err := scanString(t.row(ctx, lock+s.dialect.Lock, practice))
	return err
}

// AddGrantRequest implements [hub.Grants].
func (s *Store) AddGrantRequest(ctx context.Context, r hub.GrantRequest) error {
	const open = `
SELECT count(*) FROM grant_request WHERE practice = $1 AND person = $2 AND kind = $3 AND decision = '' AND expires_at > $4`
	return s.write(ctx, r.Practice, func(t *tx) error {
		if err := s.lockPeople(ctx, t, r.Practice); err != nil {
			return err
		}
		var n int
		if err := t.row(ctx, open, r.Practice, r.Person, r.Kind, r.RequestedAt).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return hub.ErrExists
		}
		return insertGrantRequest(t, r)
	})
}

func insertGrantRequest(t *tx, r hub.GrantRequest) error {
	const insert = `
INSERT INTO grant_request (practice, id, kind, person, role, was, requester, reason, requested_at, expires_at, decision, decider, decided_at, note, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 0, '', 0)`
	_, err := t.exec(insert, r.Practice, r.ID, r.Kind, r.Person, r.Role, r.Was, r.Requester, r.Reason, r.RequestedAt, r.ExpiresAt)
	return err
}

// GrantRequest implements [hub.Grants].
func (s *Store) GrantRequest(ctx context.Context, practice, id string) (hub.GrantRequest, error) {
	r, err := scanGrant(s.reader().row(ctx, grantColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	return r, s.translate(err)
}

// GrantRequests implements [hub.Grants].
func (s *Store) GrantRequests(ctx context.Context, practice string, since int64, limit int) ([]hub.GrantRequest, error) {
	const query = grantColumns + `WHERE practice = $1 AND requested_at >= $2 ORDER BY requested_at DESC, id LIMIT $3`
	all, err := collect(ctx, s.reader(), scanGrant, query, practice, since, limit)
	return all, s.translate(err)
}

// OpenGrantRequests implements [hub.Grants].
func (s *Store) OpenGrantRequests(ctx context.Context, practice string, now int64) ([]hub.GrantRequest, error) {
	const query = grantColumns + `WHERE practice = $1 AND decision = '' AND expires_at > $2 ORDER BY requested_at, id`
	all, err := collect(ctx, s.reader(), scanGrant, query, practice, now)
	return all, s.translate(err)
}

// GrantRequestsFor implements [hub.Grants].
func (s *Store) GrantRequestsFor(ctx context.Context, practice, person string) ([]hub.GrantRequest, error) {
	const query = grantColumns + `WHERE practice = $1 AND person = $2 ORDER BY requested_at DESC, id`
	all, err := collect(ctx, s.reader(), scanGrant, query, practice, person)
	return all, s.translate(err)
}

// DecideGrantRequest implements [hub.Grants].
func (s *Store) DecideGrantRequest(ctx context.Context, practice, id string, d hub.GrantDecision, change func(*hub.Person, bool) error) (r hub.GrantRequest, err error) {
	const decide = `
UPDATE grant_request SET decision = $3, decider = $4, decided_at = $5, note = $6 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		if err := s.lockPeople(ctx, t, practice); err != nil {
			return err
		}
		r, err = scanGrant(t.row(ctx, grantColumns+`WHERE practice = $1 AND id = $2`, practice, id))
		if err != nil {
			return err
		}
		if r.Decision != "" || r.ExpiresAt <= d.At {
			return hub.ErrConflict
		}
		r.Decision, r.Decider, r.DecidedAt, r.Note = d.Decision, d.Decider, d.At, d.Note
		if _, err := t.exec(decide, practice, id, d.Decision, d.Decider, d.At, d.Note); err != nil || change == nil {
			return err
		}
		_, err := s.changePerson(ctx, t, practice, r.Person, d.At, change)
		return err
	})
	return r, err
}

// useAgreement uses up the oldest approved request of the requester's for the
// person, if one must be.
func (s *Store) useAgreement(ctx context.Context, t *tx, practice, person string, by *hub.Agreement) error {
	const find = `
SELECT id FROM grant_request
WHERE practice = $1 AND person = $2 AND requester = $3 AND kind = 'link' AND decision = 'approve' AND decided_at > $4 AND used_at = 0
ORDER BY decided_at LIMIT 1`
	const use = `UPDATE grant_request SET used_at = $3 WHERE practice = $1 AND id = $2`
	if by == nil {
		return nil
	}
	if err := s.lockPeople(ctx, t, practice); err != nil {
		return err
	}
	id, err := scanString(t.row(ctx, find, practice, person, by.Requester, by.Since))
	if isNone(err) {
		return hub.ErrNotAgreed
	} else if err != nil {
		return err
	}
	_, err = t.exec(use, practice, id, by.At)
	return err
}
