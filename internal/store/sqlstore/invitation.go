package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

const invitationFields = `
SELECT practice, id, token, queue, language, level, staff, channel, created_at, expires_at, opened_at, used_at, revoked_at, conversation,
    contact, failed_at
FROM invitation `

func scanInvitation(row scanner) (i hub.Invitation, err error) {
	var token []byte
	err = row.Scan(&i.Practice, &i.ID, &token, &i.Queue, &i.Language, &i.Level, &i.Staff, &i.Channel, &i.CreatedAt, &i.ExpiresAt,
		&i.OpenedAt, &i.UsedAt, &i.RevokedAt, &i.Conversation, &i.Contact, &i.FailedAt)
	copy(i.Token[:], token)
	return i, err
}

// AddInvitation implements [hub.Invitations].
func (s *Store) AddInvitation(ctx context.Context, i hub.Invitation) error {
	const insert = `
INSERT INTO invitation (practice, id, token, queue, language, level, staff, channel, created_at, expires_at, opened_at, used_at, revoked_at, conversation, contact)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, '', $11)`
	return s.write(ctx, i.Practice, func(t *tx) error {
		_, err := t.exec(insert, i.Practice, i.ID, i.Token[:], i.Queue, i.Language, i.Level, i.Staff, i.Channel, i.CreatedAt, i.ExpiresAt, i.Contact)
		return err
	})
}

// OpenInvitation implements [hub.Invitations].
func (s *Store) OpenInvitation(ctx context.Context, practice string, token, holder [32]byte, now int64) (i hub.Invitation, err error) {
	const open = `
UPDATE invitation SET holder = $3, opened_at = CASE WHEN opened_at = 0 THEN $4 ELSE opened_at END
WHERE practice = $1 AND token = $2 AND used_at = 0 AND revoked_at = 0 AND expires_at > $4 AND (holder IS NULL OR holder = $3)`
	err = s.write(ctx, practice, func(t *tx) error {
		if err := t.must(open, practice, token[:], holder[:], now); err != nil {
			return err
		}
		i, err = scanInvitation(t.row(ctx, invitationFields+`WHERE practice = $1 AND token = $2`, practice, token[:]))
		return err
	})
	return i, err
}

// spendInvitation uses one up for the conversation that it begins.
func spendInvitation(t *tx, c hub.Conversation, i *hub.SpentInvitation) error {
	const spend = `
UPDATE invitation SET used_at = $4, conversation = $5
WHERE practice = $1 AND token = $2 AND holder = $3 AND used_at = 0 AND revoked_at = 0 AND expires_at > $4`
	if i == nil {
		return nil
	}
	return t.must(spend, c.Practice, i.Token[:], i.Holder[:], i.At, c.ID)
}

// InvitationByToken implements [hub.Invitations].
func (s *Store) InvitationByToken(ctx context.Context, practice string, token [32]byte) (hub.Invitation, error) {
	i, err := scanInvitation(s.reader().row(ctx, invitationFields+`WHERE practice = $1 AND token = $2`, practice, token[:]))
	return i, s.translate(err)
}

// InvitationsBy implements [hub.Invitations].
func (s *Store) InvitationsBy(ctx context.Context, practice, staff string, limit int) ([]hub.Invitation, error) {
	all, err := collect(ctx, s.reader(), scanInvitation, invitationFields+`
WHERE practice = $1 AND staff = $2 ORDER BY created_at DESC, id LIMIT $3`, practice, staff, limit)
	return all, s.translate(err)
}

// InvitationsTo implements [hub.Invitations].
func (s *Store) InvitationsTo(ctx context.Context, practice string, conversations []string) ([]hub.Invitation, error) {
	all, err := collect(ctx, s.reader(), scanInvitation, invitationFields+`
WHERE practice = $1 AND conversation <> '' AND `+s.dialect.in("conversation", "$2")+` ORDER BY created_at DESC, id`, practice, document(conversations))
	return all, s.translate(err)
}

// FailInvitation implements [hub.Invitations].
func (s *Store) FailInvitation(ctx context.Context, practice, id string, at int64) error {
	const fail = `UPDATE invitation SET failed_at = $3 WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(fail, practice, id, at)
	})
}

// RevokeInvitation implements [hub.Invitations].
func (s *Store) RevokeInvitation(ctx context.Context, practice, id, staff string, at int64) (i hub.Invitation, err error) {
	const revoke = `UPDATE invitation SET revoked_at = $3 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		i, err = scanInvitation(t.row(ctx, invitationFields+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id))
		switch {
		case err != nil:
			return err
		case i.Staff != staff:
			return hub.ErrNotFound
		case i.UsedAt != 0 || i.RevokedAt != 0:
			return hub.ErrConflict
		}
		i.RevokedAt = at
		_, err := t.exec(revoke, practice, id, at)
		return err
	})
	return i, err
}
