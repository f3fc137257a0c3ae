package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

// AddDirectoryToken implements [hub.Directories].
func (s *Store) AddDirectoryToken(ctx context.Context, n hub.DirectoryToken) error {
	const insert = `
INSERT INTO directory_token (token, practice, id, name, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	return s.write(ctx, n.Practice, func(t *tx) error {
		_, err := t.exec(insert, n.Token[:], n.Practice, n.ID, n.Name, n.Purpose, n.CreatedAt, n.ExpiresAt)
		return err
	})
}

const tokenColumns = `SELECT token, practice, id, name, purpose, created_at, expires_at FROM directory_token `

func scanToken(row scanner) (n hub.DirectoryToken, err error) {
	var token []byte
	err = row.Scan(&token, &n.Practice, &n.ID, &n.Name, &n.Purpose, &n.CreatedAt, &n.ExpiresAt)
	copy(n.Token[:], token)
	return n, err
}

// DirectoryToken implements [hub.Directories].
func (s *Store) DirectoryToken(ctx context.Context, token [32]byte, now int64) (hub.DirectoryToken, error) {
	n, err := scanToken(s.reader().row(ctx, tokenColumns+`WHERE token = $1 AND expires_at > $2`, token[:], now))
	return n, s.translate(err)
}

// DirectoryTokens implements [hub.Directories].
func (s *Store) DirectoryTokens(ctx context.Context, practice string) ([]hub.DirectoryToken, error) {
	all, err := collect(ctx, s.reader(), scanToken, tokenColumns+`WHERE practice = $1 ORDER BY created_at, id`, practice)
	return all, s.translate(err)
}

// DeleteDirectoryToken implements [hub.Directories].
func (s *Store) DeleteDirectoryToken(ctx context.Context, practice, id string) error {
	const remove = `DELETE FROM directory_token WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(remove, practice, id)
	})
}

// SaveDirectoryGroup implements [hub.Directories].
func (s *Store) SaveDirectoryGroup(ctx context.Context, before, g hub.DirectoryGroup) error {
	const taken = `SELECT id FROM directory_group WHERE practice = $1 AND name = $2 AND id <> $3`
	const upsert = `
INSERT INTO directory_group (practice, id, name, external_id, members, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (practice, id) DO UPDATE SET name = excluded.name, external_id = excluded.external_id, members = excluded.members`
	return s.write(ctx, g.Practice, func(t *tx) error {
		stored, err := s.lockGroup(ctx, t, g.Practice, g.ID)
		if err != nil && !isNone(err) {
			return err
		}
		if stored.Name != before.Name || stored.ExternalID != before.ExternalID || !slices.Equal(stored.Members, before.Members) {
			return hub.ErrConflict
		}
		others, err := collect(ctx, t, scanString, taken, g.Practice, g.Name, g.ID)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return hub.ErrExists
		}
		if _, err = t.exec(upsert, g.Practice, g.ID, g.Name, g.ExternalID, document(g.Members), g.CreatedAt); err != nil {
			return err
		}
		return s.followChange(t, &before, &g)
	})
}

const groupColumns = `SELECT practice, id, name, external_id, members, created_at FROM directory_group `

func scanGroup(row scanner) (g hub.DirectoryGroup, err error) {
	var members string
	if err := row.Scan(&g.Practice, &g.ID, &g.Name, &g.ExternalID, &members, &g.CreatedAt); err != nil {
		return g, err
	}
	if err := json.Unmarshal([]byte(members), &g.Members); err != nil {
		return g, errors.New("members of group " + g.ID + " are damaged")
	}
	return g, nil
}

// lockGroup returns a group, and has who else changes it wait.
func (s *Store) lockGroup(ctx context.Context, t *tx, practice, id string) (hub.DirectoryGroup, error) {
	return scanGroup(t.row(ctx, groupColumns+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id))
}

// DirectoryGroup implements [hub.Directories].
func (s *Store) DirectoryGroup(ctx context.Context, practice, id string) (hub.DirectoryGroup, error) {
	g, err := scanGroup(s.reader().row(ctx, groupColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	return g, s.translate(err)
}

// DirectoryGroups implements [hub.Directories].
func (s *Store) DirectoryGroups(ctx context.Context, practice string) ([]hub.DirectoryGroup, error) {
	all, err := collect(ctx, s.reader(), scanGroup, groupColumns+`WHERE practice = $1 ORDER BY name, id`, practice)
	return all, s.translate(err)
}

// DeleteDirectoryGroup implements [hub.Directories].
func (s *Store) DeleteDirectoryGroup(ctx context.Context, practice, id string) error {
	const remove = `DELETE FROM directory_group WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		before, err := s.lockGroup(ctx, t, practice, id)
		if err != nil {
			return err
		}
		if err := t.must(remove, practice, id); err != nil {
			return err
		}
		return s.follow(t, practice, before.Members, true)
	})
}

// NamePerson implements [hub.Directories].
func (s *Store) NamePerson(ctx context.Context, before, p hub.Person) error {
	const taken = `
SELECT id FROM person WHERE practice = $1 AND id <> $2 AND (login = $3 OR external_id = $4)`
	const update = `
UPDATE person SET login = $3, name = $4, title = $5, external_id = $6 WHERE practice = $1 AND id = $2 AND kind = 'staff'`
	var external any
	if p.ExternalID != "" {
		external = p.ExternalID
	}
	return s.write(ctx, p.Practice, func(t *tx) error {
		if err := s.lockPeople(ctx, t, p.Practice); err != nil {
			return err
		}
		stored, err := scanPerson(t.row(ctx, personColumns+`WHERE practice = $1 AND id = $2`, p.Practice, p.ID))
		if err != nil {
			return err
		}
		if stored.Login != before.Login || stored.Name != before.Name || stored.Title != before.Title || stored.ExternalID != before.ExternalID ||
			stored.Role != before.Role || (stored.DisabledAt != 0) != (before.DisabledAt != 0) {
			return hub.ErrConflict
		}
		others, err := collect(ctx, t, scanString, taken, p.Practice, p.ID, p.Login, p.ExternalID)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return hub.ErrExists
		}
		return t.must(update, p.Practice, p.ID, p.Login, p.Name, p.Title, external)
	})
}
