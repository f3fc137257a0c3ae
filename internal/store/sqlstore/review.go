package sqlstore

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sotto-health/sotto/internal/hub"
)

// ReviewsBegan implements [hub.AccessReviews].
func (s *Store) ReviewsBegan(ctx context.Context, practice string, now int64) (at int64, err error) {
	const query = `SELECT at FROM review_start WHERE practice = $1`
	const begin = `INSERT INTO review_start (practice, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	err = s.reader().row(ctx, query, practice).Scan(&at)
	if !isNone(err) {
		return at, s.translate(err)
	}
	err = s.write(ctx, practice, func(t *tx) error {
		if _, err := t.exec(begin, practice, now); err != nil {
			return err
		}
		return t.row(ctx, query, practice).Scan(&at)
	})
	return at, err
}

// ConfirmAccess implements [hub.AccessReviews].
func (s *Store) ConfirmAccess(ctx context.Context, practice string, persons []string, confirm func(hub.Person) (hub.AccessReview, error)) error {
	const insert = `
INSERT INTO access_review (practice, id, person, role, queues, departments, reviewer, reviewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	return s.write(ctx, practice, func(t *tx) error {
		if err := s.lockPeople(ctx, t, practice); err != nil {
			return err
		}
		var all []hub.AccessReview
		for _, id := range persons {
			p, err := scanPerson(t.row(ctx, personColumns+`WHERE practice = $1 AND id = $2`, practice, id))
			if err != nil {
				return err
			}
			r, err := confirm(p)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		for _, r := range all {
			if _, err := t.exec(insert, practice, r.ID, r.Person, r.Role, document(r.Queues), document(r.Departments), r.Reviewer, r.ReviewedAt); err != nil {
				return err
			}
		}
		return nil
	})
}

const accessReviewColumns = `
SELECT r.practice, r.id, r.person, r.role, r.queues, r.departments, r.reviewer, r.reviewed_at FROM `

func scanAccessReview(row scanner) (r hub.AccessReview, err error) {
	var queues, departments string
	if err := row.Scan(&r.Practice, &r.ID, &r.Person, &r.Role, &queues, &departments, &r.Reviewer, &r.ReviewedAt); err != nil {
		return r, err
	}
	if errors.Join(json.Unmarshal([]byte(queues), &r.Queues), json.Unmarshal([]byte(departments), &r.Departments)) != nil {
		return r, errors.New("access review " + r.ID + " is damaged")
	}
	return r, nil
}

// AccessReviews implements [hub.AccessReviews].
func (s *Store) AccessReviews(ctx context.Context, practice string, since int64, limit int) ([]hub.AccessReview, error) {
	const query = accessReviewColumns + `access_review r
WHERE r.practice = $1 AND r.reviewed_at >= $2 ORDER BY r.reviewed_at DESC, r.id LIMIT $3`
	all, err := collect(ctx, s.reader(), scanAccessReview, query, practice, since, limit)
	return all, s.translate(err)
}

// AccessConfirmed implements [hub.AccessReviews].
func (s *Store) AccessConfirmed(ctx context.Context, practice string) (map[string]hub.AccessReview, error) {
	const query = accessReviewColumns + `person p JOIN access_review r ON r.practice = p.practice AND r.id = (
    SELECT l.id FROM access_review l WHERE l.practice = p.practice AND l.person = p.id ORDER BY l.reviewed_at DESC, l.id DESC LIMIT 1)
WHERE p.practice = $1 AND p.kind = 'staff' AND p.kind <> 'patient'`
	all, err := collect(ctx, s.reader(), scanAccessReview, query, practice)
	if err != nil {
		return nil, s.translate(err)
	}
	last := make(map[string]hub.AccessReview, len(all))
	for _, r := range all {
		last[r.Person] = r
	}
	return last, nil
}

// LastSignIns implements [hub.AccessReviews].
func (s *Store) LastSignIns(ctx context.Context, practice string) (map[string]int64, error) {
	const query = `
SELECT p.id, coalesce((SELECT max(s.at) FROM sign_in s WHERE s.practice = p.practice AND s.person = p.id AND s.outcome = 'signed-in'), 0)
FROM person p WHERE p.practice = $1 AND p.kind = 'staff' AND p.kind <> 'patient'`
	last := make(map[string]int64)
	_, err := collect(ctx, s.reader(), func(row scanner) (person string, err error) {
		var at int64
		if err = row.Scan(&person, &at); at != 0 {
			last[person] = at
		}
		return person, err
	}, query, practice)
	return last, s.translate(err)
}
