package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// SaveWatcher implements [hub.LogWatchers].
func (s *Store) SaveWatcher(ctx context.Context, w hub.LogWatcher) error {
	const put = `
INSERT INTO audit_watcher (practice, name, target, begun_at, seen_at, stopped_at, damage, damaged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (practice, name, target) DO UPDATE SET begun_at = $4, seen_at = $5, stopped_at = $6, damage = $7, damaged_at = $8`
	return s.write(ctx, w.Practice, func(t *tx) error {
		_, err := t.exec(put, w.Practice, w.Name, w.Target, w.BegunAt, w.SeenAt, w.StoppedAt, w.Damage, w.DamagedAt)
		return err
	})
}

// SeeWatcher implements [hub.LogWatchers].
func (s *Store) SeeWatcher(ctx context.Context, name, target string, at int64) error {
	const see = `UPDATE audit_watcher SET seen_at = $3 WHERE name = $1 AND target = $2 AND stopped_at = 0`
	return s.write(ctx, "", func(t *tx) error {
		_, err := t.exec(see, name, target, at)
		return err
	})
}

// LogWatchers implements [hub.LogWatchers].
func (s *Store) LogWatchers(ctx context.Context, practice string) ([]hub.LogWatcher, error) {
	const query = `
SELECT practice, name, target, begun_at, seen_at, stopped_at, damage, damaged_at FROM audit_watcher WHERE practice = $1 ORDER BY name, target`
	all, err := collect(ctx, s.reader(), func(row scanner) (w hub.LogWatcher, err error) {
		return w, row.Scan(&w.Practice, &w.Name, &w.Target, &w.BegunAt, &w.SeenAt, &w.StoppedAt, &w.Damage, &w.DamagedAt)
	}, query, practice)
	return all, s.translate(err)
}
