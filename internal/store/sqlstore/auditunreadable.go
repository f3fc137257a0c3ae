package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// pendingPage is how many events that wait are read at once: a log that has
// stood for long has many.
const pendingPage = 1000

// UnreadableEvents implements [hub.UnreadableEvents].
func (s *Store) UnreadableEvents(ctx context.Context, practice string) (found []hub.UnreadableEvent, err error) {
	const query = `SELECT id, at, salt, event FROM audit_pending WHERE practice = $1 AND id > $2 ORDER BY id LIMIT $3`
	last, full := int64(-1), true
	for full {
		page, err := collect(ctx, s.reader(), func(row scanner) (u hub.UnreadableEvent, err error) {
			u.Practice = practice
			return u, row.Scan(&u.Row, &u.At, &u.Salt, &u.Event)
		}, query, practice, last, pendingPage)
		if err != nil {
			return nil, s.translate(err)
		}
		for _, u := range page {
			last = u.Row
			if _, err := audit.Parse(u.Event); err != nil {
				found = append(found, u)
			}
		}
		full = len(page) == pendingPage
	}
	return found, nil
}

// SetAside implements [hub.UnreadableEvents].
func (s *Store) SetAside(ctx context.Context, u hub.UnreadableEvent) error {
	const take = `DELETE FROM audit_pending WHERE practice = $1 AND id = $2 AND at = $3 AND salt = $4 AND event = $5`
	const keep = `
INSERT INTO audit_unreadable (id, practice, waited_as, at, salt, event, set_aside_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := audit.Parse(u.Event); err == nil {
		return hub.ErrConflict
	}
	return s.write(ctx, u.Practice, func(t *tx) error {
		if err := t.must(take, u.Practice, u.Row, u.At, u.Salt, u.Event); err != nil {
			return err
		}
		_, err := t.exec(keep, u.ID, u.Practice, u.Row, u.At, u.Salt, u.Event, u.SetAsideAt)
		return err
	})
}

// EventsSetAside implements [hub.UnreadableEvents].
func (s *Store) EventsSetAside(ctx context.Context, practice string) ([]hub.UnreadableEvent, error) {
	const query = `
SELECT id, practice, waited_as, at, salt, event, set_aside_at FROM audit_unreadable WHERE practice = $1 ORDER BY set_aside_at, id`
	all, err := collect(ctx, s.reader(), func(row scanner) (u hub.UnreadableEvent, err error) {
		return u, row.Scan(&u.ID, &u.Practice, &u.Row, &u.At, &u.Salt, &u.Event, &u.SetAsideAt)
	}, query, practice)
	return all, s.translate(err)
}
