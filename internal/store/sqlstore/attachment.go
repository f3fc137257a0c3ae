package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// AddAttachment implements [hub.Attachments].
func (s *Store) AddAttachment(ctx context.Context, a hub.Attachment) error {
	const insert = `
INSERT INTO attachment (practice, id, conversation, device, size, created_at, completed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING`
	return s.write(ctx, a.Practice, func(t *tx) error {
		return t.mustOr(hub.ErrExists, insert, a.Practice, a.ID, a.Conversation, a.Device, a.Size, a.CreatedAt, a.CompletedAt)
	})
}

const attachmentColumns = `
SELECT practice, id, conversation, device, size, created_at, completed_at FROM attachment `

func scanAttachment(row scanner) (a hub.Attachment, err error) {
	err = row.Scan(&a.Practice, &a.ID, &a.Conversation, &a.Device, &a.Size, &a.CreatedAt, &a.CompletedAt)
	return a, err
}

const oneAttachment = attachmentColumns + `WHERE practice = $1 AND id = $2`

// Attachment implements [hub.Attachments].
func (s *Store) Attachment(ctx context.Context, practice, id string) (hub.Attachment, error) {
	a, err := scanAttachment(s.reader().row(ctx, oneAttachment, practice, id))
	return a, s.translate(err)
}

// CompleteAttachment implements [hub.Attachments].
func (s *Store) CompleteAttachment(ctx context.Context, practice, id string, at int64) error {
	const update = `
UPDATE attachment SET completed_at = $3 WHERE practice = $1 AND id = $2 AND completed_at = 0`
	return s.write(ctx, practice, func(t *tx) error {
		if _, err := scanAttachment(t.row(ctx, oneAttachment, practice, id)); err != nil {
			return err
		}
		return t.mustOr(hub.ErrConflict, update, practice, id, at)
	})
}

// DeleteAttachment implements [hub.Attachments].
func (s *Store) DeleteAttachment(ctx context.Context, practice, id string) error {
	const del = `DELETE FROM attachment WHERE practice = $1 AND id = $2 AND completed_at = 0`
	return s.write(ctx, practice, func(t *tx) error {
		a, err := scanAttachment(t.row(ctx, oneAttachment+s.dialect.Lock, practice, id))
		if err != nil {
			return err
		}
		if a.CompletedAt != 0 {
			return hub.ErrConflict
		}
		_, err = t.exec(del, practice, id)
		return err
	})
}

// PendingBytes implements [hub.Attachments].
func (s *Store) PendingBytes(ctx context.Context, practice, conversation string) (n int64, err error) {
	const sum = `
SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM attachment
WHERE practice = $1 AND conversation = $2 AND completed_at = 0`
	err = s.reader().row(ctx, sum, practice, conversation).Scan(&n)
	return n, s.translate(err)
}

// UnfinishedAttachments implements [hub.Attachments].
func (s *Store) UnfinishedAttachments(ctx context.Context, before int64, limit int) ([]hub.Attachment, error) {
	const query = attachmentColumns + `WHERE completed_at = 0 AND created_at < $1 ORDER BY created_at, id LIMIT $2`
	all, err := collect(ctx, s.reader(), scanAttachment, query, before, limit)
	return all, s.translate(err)
}

// DeleteExpired implements [hub.Store].
func (s *Store) DeleteExpired(ctx context.Context, now int64) error {
	return s.write(ctx, "", func(t *tx) error {
		for _, del := range []string{
			`DELETE FROM device_session WHERE expires_at <= $1`,
			`DELETE FROM staff_session WHERE expires_at <= $1`,
			`DELETE FROM set_up_link WHERE expires_at <= $1`,
			`DELETE FROM spent_nonce WHERE expires_at <= $1`,
			`DELETE FROM known_browser WHERE expires_at <= $1`,
			`DELETE FROM contact_code WHERE expires_at <= $1`,
			`DELETE FROM key_package WHERE last_resort = 0 AND not_after > 0 AND not_after <= $1`,
		} {
			if _, err := t.exec(del, now); err != nil {
				return err
			}
		}
		if _, err := t.exec(`DELETE FROM sign_in WHERE at <= $1`, now-hub.SignInsKept.Milliseconds()); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM request_key WHERE at <= $1`, now-hub.RequestKeysKept.Milliseconds())
		return err
	})
}
