package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// LinkIdentity implements [hub.Identities].
func (s *Store) LinkIdentity(ctx context.Context, l hub.IdentityLink, by *hub.Agreement) error {
	const insert = `
INSERT INTO identity_link (practice, issuer, subject, person, way, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`
	return s.write(ctx, l.Practice, func(t *tx) error {
		if err := s.useAgreement(ctx, t, l.Practice, l.Person, by); err != nil {
			return err
		}
		return t.mustOr(hub.ErrExists, insert, l.Practice, l.Issuer, l.Subject, l.Person, l.Way, l.CreatedAt)
	})
}

const linkColumns = `SELECT practice, issuer, subject, person, way, created_at FROM identity_link `

func scanIdentity(row scanner) (l hub.IdentityLink, err error) {
	err = row.Scan(&l.Practice, &l.Issuer, &l.Subject, &l.Person, &l.Way, &l.CreatedAt)
	return l, err
}

// IdentityLink implements [hub.Identities].
func (s *Store) IdentityLink(ctx context.Context, practice, issuer, subject string) (hub.IdentityLink, error) {
	const query = linkColumns + `WHERE practice = $1 AND issuer = $2 AND subject = $3`
	l, err := scanIdentity(s.reader().row(ctx, query, practice, issuer, subject))
	return l, s.translate(err)
}

// IdentityOf implements [hub.Identities].
func (s *Store) IdentityOf(ctx context.Context, practice, person, issuer string) (hub.IdentityLink, error) {
	const query = linkColumns + `WHERE practice = $1 AND person = $2 AND issuer = $3`
	l, err := scanIdentity(s.reader().row(ctx, query, practice, person, issuer))
	return l, s.translate(err)
}

// UnlinkIdentity implements [hub.Identities].
func (s *Store) UnlinkIdentity(ctx context.Context, practice, person, issuer string) error {
	const remove = `DELETE FROM identity_link WHERE practice = $1 AND person = $2 AND issuer = $3`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(remove, practice, person, issuer)
	})
}

// PersonByExternalID implements [hub.Identities].
func (s *Store) PersonByExternalID(ctx context.Context, practice, id string) (hub.Person, error) {
	p, err := scanPerson(s.reader().row(ctx, personColumns+`WHERE practice = $1 AND external_id = $2`, practice, id))
	return p, s.translate(err)
}

// SetSessionProvider implements [hub.Identities].
func (s *Store) SetSessionProvider(ctx context.Context, id string, p hub.ProviderSession) error {
	const update = `UPDATE staff_session SET issuer = $2, subject = $3, sid = $4, hint = $5 WHERE id = $1`
	return s.changeSession(ctx, update, id, p.Issuer, p.Subject, p.Sid, orNull(p.Hint))
}

// SessionHint implements [hub.Identities].
func (s *Store) SessionHint(ctx context.Context, id string) (hint []byte, err error) {
	const query = `SELECT hint FROM staff_session WHERE id = $1`
	err = s.reader().row(ctx, query, id).Scan(&hint)
	return hint, s.translate(err)
}

// EndProviderSessions implements [hub.Identities].
func (s *Store) EndProviderSessions(ctx context.Context, practice, issuer, subject, sid string) (ended []hub.StaffSession, err error) {
	const query = sessionColumns + `
WHERE practice = $1 AND issuer = $2 AND issuer <> '' AND ($3 = '' OR subject = $4) AND ($5 = '' OR sid = $6)`
	err = s.write(ctx, practice, func(t *tx) error {
		var err error
		if ended, err = collect(ctx, t, scanSession, query, practice, issuer, subject, subject, sid, sid); err != nil {
			return err
		}
		for _, session := range ended {
			if err := deleteStaffSession(t, session.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return ended, err
}
