package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// SaveWitness implements [hub.Audit].
func (s *Store) SaveWitness(ctx context.Context, w hub.LogWitness) error {
	const put = `
INSERT INTO audit_witness (practice, witness, size, at, signed, tried_at, problem) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (practice, witness) DO UPDATE SET size = $3, at = $4, signed = $5, tried_at = $6, problem = $7`
	if w.Signed == nil {
		w.Signed = []byte{}
	}
	return s.write(ctx, w.Practice, func(t *tx) error {
		_, err := t.exec(put, w.Practice, w.Key, w.Size, w.At, w.Signed, w.TriedAt, w.Problem)
		return err
	})
}

// LogWitnesses implements [hub.Audit].
func (s *Store) LogWitnesses(ctx context.Context, practice string) ([]hub.LogWitness, error) {
	const query = `
SELECT audit_witness.practice, witness, size, at, signed, tried_at, problem, COALESCE(stopped_at, 0) FROM audit_witness
LEFT JOIN audit_watcher ON audit_watcher.practice = audit_witness.practice AND name = $2 AND target = witness
WHERE audit_witness.practice = $1 ORDER BY witness`
	all, err := collect(ctx, s.reader(), func(row scanner) (w hub.LogWitness, err error) {
		return w, row.Scan(&w.Practice, &w.Key, &w.Size, &w.At, &w.Signed, &w.TriedAt, &w.Problem, &w.StoppedAt)
	}, query, practice, hub.WatcherWitness)
	return all, s.translate(err)
}

// DropWitness implements [hub.Audit].
func (s *Store) DropWitness(ctx context.Context, practice, key string) error {
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(`DELETE FROM audit_witness WHERE practice = $1 AND witness = $2`, practice, key)
		return err
	})
}
