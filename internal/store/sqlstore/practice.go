package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/internal/hub"
)

// SavePractice implements [hub.Practices].
func (s *Store) SavePractice(ctx context.Context, p hub.Practice) error {
	const slugOwner = `SELECT id FROM practice WHERE slug = $1 AND id <> $2`
	const upsert = `
INSERT INTO practice (id, number, logs, slug, settings)
SELECT $1, coalesce(max(number), 0) + 1, 0, $2, $3 FROM practice WHERE 1 = 1
ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, settings = excluded.settings`
	settings := document(p.Settings)
	return s.write(ctx, p.ID, func(t *tx) error {
		others, err := collect(ctx, t, scanString, slugOwner, p.Slug, p.ID)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return fmt.Errorf("slug: %w", hub.ErrExists)
		}
		// First, as it locks the practice.
		if err := s.lockPeople(ctx, t, p.ID); err != nil && !isNone(err) {
			return err
		}
		before, err := scanPractice(t.row(ctx, practiceColumns+`WHERE id = $1`, p.ID))
		if err != nil && !isNone(err) {
			return err
		}
		if _, err = t.exec(upsert, p.ID, p.Slug, settings); err != nil {
			return err
		}
		if err := s.followRules(ctx, t, p.ID, &before.Access.Groups, &p.Access.Groups); err != nil || p.Consent.ID == "" {
			return err
		}
		all, err := formsOf(ctx, t, p.ID)
		if err != nil {
			return err
		}
		c, err := p.FileForm(all, s.now().UnixMilli())
		if err != nil {
			return err
		}
		return s.storeForms(t, p.ID, all, c)
	})
}

const practiceColumns = `SELECT id, slug, settings FROM practice `

func scanPractice(row scanner) (p hub.Practice, err error) {
	var settings string
	if err := row.Scan(&p.ID, &p.Slug, &settings); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(settings), &p.Settings); err != nil {
		return p, errors.New("settings of practice " + p.ID + " are damaged")
	}
	return p, nil
}

// Practice implements [hub.Practices].
func (s *Store) Practice(ctx context.Context, id string) (hub.Practice, error) {
	p, err := scanPractice(s.reader().row(ctx, practiceColumns+`WHERE id = $1`, id))
	return p, s.translate(err)
}

// PracticeBySlug implements [hub.Practices].
func (s *Store) PracticeBySlug(ctx context.Context, slug string) (hub.Practice, error) {
	p, err := scanPractice(s.reader().row(ctx, practiceColumns+`WHERE slug = $1`, slug))
	return p, s.translate(err)
}

// Practices implements [hub.Practices].
func (s *Store) Practices(ctx context.Context) ([]hub.Practice, error) {
	all, err := collect(ctx, s.reader(), scanPractice, practiceColumns+`ORDER BY slug`)
	return all, s.translate(err)
}
