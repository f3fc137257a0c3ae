package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// ChangePerson implements [hub.People].
func (s *Store) ChangePerson(ctx context.Context, practice, id string, at int64, change func(*hub.Person, bool) error) (stored hub.Person, err error) {
	// Whoever changes people of a practice waits for the others: two
	// administrators who remove each other must not both succeed.
	const lock = `SELECT id FROM practice WHERE id = $1`
	const others = `
SELECT count(*) FROM person
WHERE practice = $1 AND kind = 'staff' AND kind <> 'patient' AND role = 'administrator' AND disabled_at = 0 AND id <> $2`
	const update = `
UPDATE person SET role = $3, queues = $4, disabled_at = $5 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		if _, err := scanString(t.row(ctx, lock+s.dialect.Lock, practice)); err != nil {
			return err
		}
		before, err := scanPerson(t.row(ctx, personColumns+`WHERE practice = $1 AND id = $2`, practice, id))
		if err != nil {
			return err
		}
		var administrators int
		if err := t.row(ctx, others, practice, id).Scan(&administrators); err != nil {
			return err
		}
		after := before
		last := administrators == 0 && before.Role == "administrator" && before.DisabledAt == 0
		if err := change(&after, last); err != nil {
			return err
		}
		stored = before
		stored.Role, stored.Queues, stored.DisabledAt = after.Role, after.Queues, after.DisabledAt
		if _, err := t.exec(update, practice, id, stored.Role, document(stored.Queues), stored.DisabledAt); err != nil {
			return err
		}
		if stored.Role == before.Role && stored.DisabledAt == before.DisabledAt {
			return nil
		}
		return s.endAccess(ctx, t, practice, id, at)
	})
	if err != nil {
		return hub.Person{}, err
	}
	return stored, nil
}

// endAccess revokes all devices of a person and ends their sessions.
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
	return deleteStaffSessions(t, practice, id)
}
