package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// A onceOnly is a key that is kept by the next write, or refuses it.
type onceOnly struct {
	key    hub.RequestKey
	before int64
}

// Once implements [hub.RequestKeys].
func (s *Store) Once(k hub.RequestKey, before int64) hub.Store {
	view := *s
	view.once = &onceOnly{k, before}
	return &view
}

// then returns what keeps the key, followed by fn.
func (o *onceOnly) then(fn func(*tx) error) func(*tx) error {
	const insert = `
INSERT INTO request_key (id, request, object, at, answer) VALUES ($1, $2, $3, $4, '')
ON CONFLICT (id) DO UPDATE SET request = excluded.request, object = excluded.object, at = excluded.at, answer = ''
WHERE request_key.at <= $5`
	return func(t *tx) error {
		if err := t.mustOr(hub.ErrKeyInUse, insert, o.key.ID[:], o.key.Request[:], o.key.Object, o.key.At, o.before); err != nil {
			return err
		}
		return fn(t)
	}
}

// RequestKey implements [hub.RequestKeys].
func (s *Store) RequestKey(ctx context.Context, id [32]byte, before int64) (hub.RequestKey, error) {
	const query = `SELECT request, object, at, answer FROM request_key WHERE id = $1 AND at > $2`
	k := hub.RequestKey{ID: id}
	var request []byte
	err := s.reader().row(ctx, query, id[:], before).Scan(&request, &k.Object, &k.At, &k.Answer)
	copy(k.Request[:], request)
	return k, s.translate(err)
}

// NoteAnswer implements [hub.RequestKeys].
func (s *Store) NoteAnswer(ctx context.Context, id [32]byte, answer string) error {
	return s.write(ctx, "", func(t *tx) error {
		return t.must(`UPDATE request_key SET answer = $1 WHERE id = $2`, answer, id[:])
	})
}
