package sqlstore

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

// follow keeps that persons have to be made what their groups say.
func (s *Store) follow(t *tx, practice string, persons []string, had bool) error {
	const upsert = `
INSERT INTO directory_follower (practice, person, had, mark) VALUES ($1, $2, $3, $4)
ON CONFLICT (practice, person) DO UPDATE SET mark = excluded.mark,
    had = CASE WHEN excluded.had = 1 THEN 1 ELSE directory_follower.had END`
	mark := s.now().UnixNano()
	for _, person := range persons {
		if _, err := t.exec(upsert, practice, person, integer(had), mark); err != nil {
			return err
		}
	}
	return nil
}

// followChange keeps whom a change to a group may have changed: who joins and
// leaves it, and everybody in it if it is called something else.
func (s *Store) followChange(t *tx, before, after *hub.DirectoryGroup) error {
	left, joined := before.Members, after.Members
	if before.Name == after.Name && before.ExternalID == after.ExternalID {
		left, joined = without(before.Members, after.Members), without(after.Members, before.Members)
	}
	if err := s.follow(t, after.Practice, joined, false); err != nil {
		return err
	}
	return s.follow(t, after.Practice, left, true)
}

func without(all, some []string) []string {
	not := make(map[string]struct{}, len(some))
	for _, id := range some {
		not[id] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { _, ok := not[id]; return ok })
}

// followRules keeps whom other rules for groups may have changed.
func (s *Store) followRules(ctx context.Context, t *tx, practice string, before, after *hub.GroupRules) error {
	if before.Equal(after) {
		return nil
	}
	groups, err := collect(ctx, t, scanGroup, groupColumns+`WHERE practice = $1`, practice)
	if err != nil {
		return err
	}
	for i := range groups {
		g := &groups[i]
		if had := before.Names(g); had || after.Names(g) {
			if err := s.follow(t, practice, g.Members, had); err != nil {
				return err
			}
		}
	}
	return nil
}

// Followers implements [hub.Directories].
func (s *Store) Followers(ctx context.Context, practice string) ([]hub.Follower, error) {
	const query = `SELECT person, had, mark FROM directory_follower WHERE practice = $1 ORDER BY person`
	all, err := collect(ctx, s.reader(), func(row scanner) (f hub.Follower, err error) {
		var had int64
		err = row.Scan(&f.Person, &had, &f.Mark)
		f.Had = had == 1
		return f, err
	}, query, practice)
	return all, s.translate(err)
}

// Followed implements [hub.Directories].
func (s *Store) Followed(ctx context.Context, practice string, who []hub.Follower) error {
	const remove = `DELETE FROM directory_follower WHERE practice = $1 AND person = $2 AND mark = $3`
	return s.write(ctx, practice, func(t *tx) error {
		for _, f := range who {
			if n, err := t.exec(remove, practice, f.Person, f.Mark); err != nil {
				return err
			} else if n > 0 {
				continue
			}
			// Another hub was as fast, and may have known better: once more.
			if err := s.follow(t, practice, []string{f.Person}, f.Had); err != nil {
				return err
			}
		}
		return nil
	})
}
