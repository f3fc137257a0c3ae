package sqlstore

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

// ChangePerson implements [hub.People].
func (s *Store) ChangePerson(ctx context.Context, practice, id string, at int64, change func(*hub.Person, bool) error) (stored hub.Person, err error) {
	err = s.write(ctx, practice, func(t *tx) error {
		stored, err = s.changePerson(ctx, t, practice, id, at, change)
		return err
	})
	return stored, err
}

func (s *Store) changePerson(ctx context.Context, t *tx, practice, id string, at int64, change func(*hub.Person, bool) error) (stored hub.Person, err error) {
	// Whoever changes people of a practice waits for the others: two
	// administrators who remove each other must not both succeed.
	const others = `
SELECT count(*) FROM person
WHERE practice = $1 AND kind = 'staff' AND kind <> 'patient' AND role = 'administrator' AND disabled_at = 0 AND id <> $2`
	const update = `
UPDATE person SET role = $3, queues = $4, disabled_at = $5, disabled_by_directory = $6 WHERE practice = $1 AND id = $2`
	if err := s.lockPeople(ctx, t, practice); err != nil {
		return hub.Person{}, err
	}
	one := func() (hub.Person, error) {
		return scanPerson(t.row(ctx, personColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	}
	before, err := one()
	if err != nil {
		return hub.Person{}, err
	}
	var administrators int
	if err := t.row(ctx, others, practice, id).Scan(&administrators); err != nil {
		return hub.Person{}, err
	}
	after := before
	last := administrators == 0 && before.Role == "administrator" && before.DisabledAt == 0
	if err := change(&after, last); err != nil {
		return hub.Person{}, err
	}
	if !slices.Equal(before.Departments, after.Departments) {
		if err := putDepartments(t, practice, id, after.Departments); err != nil {
			return hub.Person{}, err
		}
	}
	if _, err := t.exec(update, practice, id, after.Role, document(after.Queues), after.DisabledAt, integer(after.DisabledByDirectory)); err != nil {
		return hub.Person{}, err
	}
	if after.Role != before.Role || after.DisabledAt != before.DisabledAt {
		if err := s.endAccess(ctx, t, practice, id, at); err != nil {
			return hub.Person{}, err
		}
	}
	return one()
}

// endAccess revokes all devices of a person and ends their sessions, and the
// set-up links that were made for who they were. A link by which somebody is to
// sign in for the first time stays: there is nobody whom it could replace.
func (s *Store) endAccess(ctx context.Context, t *tx, practice, id string, at int64) error {
	const devices = `SELECT id FROM device WHERE practice = $1 AND person = $2`
	owned, err := collect(ctx, t, scanString, devices, practice, id)
	if err != nil {
		return err
	}
	for _, device := range owned {
		if err := s.revoke(t, practice, device, at); err != nil {
			return err
		}
	}
	const replaceable = `
SELECT count(*) FROM person p
WHERE p.practice = $1 AND p.id = $2 AND (p.disabled_at <> 0 OR p.password <> ''
    OR EXISTS (SELECT 1 FROM factor f WHERE f.practice = p.practice AND f.person = p.id)
    OR EXISTS (SELECT 1 FROM identity_link l WHERE l.practice = p.practice AND l.person = p.id))`
	var n int
	if err := t.row(ctx, replaceable, practice, id).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		if err := dropLinks(t, practice, id); err != nil {
			return err
		}
	}
	return deleteStaffSessions(t, practice, id)
}
