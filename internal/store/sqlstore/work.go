package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// SQLite takes the tables of a CROSS JOIN in the order written. Left to itself
// it would begin with all devices of a practice: every index begins with the
// practice, and it does not know how much that one holds.

// Who should join: certified devices of wanted persons that are not in the
// group. Once consent was taken back, nobody.
const toAdd = `
FROM participant p CROSS JOIN device d
WHERE d.practice = p.practice AND d.person = p.person AND d.certified_at > 0 AND d.revoked_at = 0
    AND p.wanted = 1 AND NOT EXISTS (
    SELECT 1 FROM member m
    WHERE m.practice = p.practice AND m.conversation = p.conversation AND m.device = d.id
        AND m.until_position = 0) AND NOT EXISTS (
    SELECT 1 FROM conversation w
    WHERE w.practice = p.practice AND w.id = p.conversation AND w.withdrawn_at > 0)`

// Who should leave: devices in the group that are revoked, or whose person is
// not wanted.
const toRemove = `
FROM member m CROSS JOIN device d
WHERE d.practice = m.practice AND d.id = m.device AND m.until_position = 0 AND (
    d.revoked_at > 0 OR NOT EXISTS (
        SELECT 1 FROM participant p
        WHERE p.practice = m.practice AND p.conversation = m.conversation AND p.person = m.person AND p.wanted = 1))`

// Each conversation's row notes since when its group has lacked what policy
// wants, so that Work need not look at those that lack nothing. Whatever
// changes participants, members or devices settles the note, by touching the
// rows alone in which it is wrong.
const settle = `
UPDATE conversation AS c SET work_since = CASE WHEN c.work_since = 0 THEN CAST($2 AS BIGINT) ELSE 0 END
WHERE c.practice = $1 AND (c.work_since > 0) <> (
    EXISTS (SELECT 1 ` + toAdd + ` AND p.practice = c.practice AND p.conversation = c.id)
    OR EXISTS (SELECT 1 ` + toRemove + ` AND m.practice = c.practice AND m.conversation = c.id))
    AND `

// settleConversation settles one conversation, whose row is locked. It first
// waits for changes to its persons' devices: of two transactions that change
// a conversation and a device at once, the later must see both.
func (s *Store) settleConversation(t *tx, practice, id string) error {
	const persons = `
SELECT id FROM person
WHERE practice = $1 AND id IN (SELECT person FROM participant WHERE practice = $1 AND conversation = $2)
ORDER BY id`
	if s.dialect.LockShared != "" {
		if _, err := collect(t.ctx, t, scanString, persons+s.dialect.LockShared, practice, id); err != nil {
			return err
		}
	}
	_, err := t.exec(settle+`c.id = $3`, practice, s.now().UnixMilli(), id)
	return err
}

// lockPerson keeps conversations from being settled until the transaction,
// which changes one of the person's devices, ends.
func (s *Store) lockPerson(t *tx, practice, id string) error {
	const query = `SELECT id FROM person WHERE practice = $1 AND id = $2`
	if s.dialect.Lock == "" {
		return nil
	}
	_, err := collect(t.ctx, t, scanString, query+s.dialect.Lock, practice, id)
	return err
}

// settlePerson settles every conversation that the person is or was in.
func (s *Store) settlePerson(t *tx, practice, person string) error {
	const theirs = `c.id IN (SELECT o.conversation FROM participant o WHERE o.practice = $1 AND o.person = $3)`
	_, err := t.exec(settle+theirs, practice, s.now().UnixMilli(), person)
	return err
}

// Work implements [hub.Conversations].
func (s *Store) Work(ctx context.Context, practice string, limit int) (all []hub.Work, err error) {
	const undone = `
SELECT id FROM conversation WHERE practice = $1 AND work_since > 0 ORDER BY work_since, id LIMIT $2`
	const add = `SELECT ` + deviceFields + toAdd + `
    AND p.practice = $1 AND p.conversation = $2 ORDER BY p.place, d.created_at, d.id`
	const remove = `SELECT ` + deviceFields + toRemove + `
    AND m.practice = $1 AND m.conversation = $2 ORDER BY m.from_position, d.id`
	err = s.snapshot(ctx, func(q querier) error {
		all = nil
		ids, err := collect(ctx, q, scanString, undone, practice, limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			w := hub.Work{Conversation: id}
			if w.Add, err = collect(ctx, q, scanDevice, add, practice, id); err != nil {
				return err
			}
			if w.Remove, err = collect(ctx, q, scanDevice, remove, practice, id); err != nil {
				return err
			}
			if len(w.Add)+len(w.Remove) > 0 {
				all = append(all, w)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
