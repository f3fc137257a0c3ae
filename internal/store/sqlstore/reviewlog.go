package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// AddActivityReview implements [hub.ActivityReviews].
func (s *Store) AddActivityReview(ctx context.Context, r hub.ActivityReview) error {
	const overlap = `SELECT count(*) FROM activity_review WHERE practice = $1 AND from_at < $2 AND until_at > $3`
	const insert = `
INSERT INTO activity_review (practice, from_at, until_at, reviewer, note, signed_at) VALUES ($1, $2, $3, $4, $5, $6)`
	return s.write(ctx, r.Practice, func(t *tx) error {
		if err := s.lockPeople(ctx, t, r.Practice); err != nil {
			return err
		}
		var n int
		if err := t.row(ctx, overlap, r.Practice, r.Until, r.From).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return hub.ErrConflict
		}
		_, err := t.exec(insert, r.Practice, r.From, r.Until, r.Reviewer, r.Note, r.SignedAt)
		return err
	})
}

// ActivityReviews implements [hub.ActivityReviews].
func (s *Store) ActivityReviews(ctx context.Context, practice string, since int64) ([]hub.ActivityReview, error) {
	const query = `
SELECT practice, from_at, until_at, reviewer, note, signed_at FROM activity_review WHERE practice = $1 AND from_at >= $2 ORDER BY from_at`
	all, err := collect(ctx, s.reader(), func(row scanner) (r hub.ActivityReview, err error) {
		return r, row.Scan(&r.Practice, &r.From, &r.Until, &r.Reviewer, &r.Note, &r.SignedAt)
	}, query, practice, since)
	return all, s.translate(err)
}

// CountLog implements [hub.ActivityReviews].
func (s *Store) CountLog(ctx context.Context, practice string, kinds []string, from, until int64) (map[string]int64, error) {
	number, err := s.logNumber(ctx, practice)
	if err != nil {
		return nil, s.translate(err)
	}
	query := `
SELECT kind, count(*) FROM audit_entry
WHERE practice = $1 AND ` + s.dialect.in("kind", "$2") + ` AND outcome IN ('done', 'refused', 'failed') AND at >= $3 AND at < $4 GROUP BY kind`
	counts := make(map[string]int64)
	_, err = collect(ctx, s.reader(), func(row scanner) (kind string, err error) {
		var n int64
		err = row.Scan(&kind, &n)
		counts[kind] = n
		return kind, err
	}, query, number, document(kinds), from, until)
	return counts, s.translate(err)
}
