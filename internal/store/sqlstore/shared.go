package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sotto-health/sotto/internal/hub"
)

// Secret implements [hub.Shared].
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) (value []byte, err error) {
	const read = `SELECT value FROM hub_secret WHERE name = $1`
	const insert = `INSERT INTO hub_secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	err = s.reader().row(ctx, read, name).Scan(&value)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return value, s.translate(err)
	}
	err = s.write(ctx, "", func(t *tx) error { return t.mustOr(hub.ErrExists, insert, name, fresh) })
	if errors.Is(err, hub.ErrExists) { // another hub was first
		return value, s.translate(s.reader().row(ctx, read, name).Scan(&value))
	}
	return fresh, err
}

// SpendNonce implements [hub.Shared].
func (s *Store) SpendNonce(ctx context.Context, nonce []byte, expires int64) error {
	const insert = `INSERT INTO spent_nonce (nonce, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	return s.write(ctx, "", func(t *tx) error {
		return t.mustOr(hub.ErrExists, insert, nonce, expires)
	})
}
