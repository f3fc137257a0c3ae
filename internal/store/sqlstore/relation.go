package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/sotto-health/sotto/internal/hub"
)

const relationFields = `
SELECT practice, id, holder, subject, kind, minor, queues, evidence, starts_at, ends_at, granted_by, approved_by, granted_at, ended_by, end_reason
FROM relation `

func scanRelation(row scanner) (r hub.Relation, err error) {
	var queues string
	var minor int64
	err = row.Scan(&r.Practice, &r.ID, &r.Holder, &r.Subject, &r.Kind, &minor, &queues, &r.Evidence, &r.StartsAt, &r.EndsAt,
		&r.GrantedBy, &r.ApprovedBy, &r.GrantedAt, &r.EndedBy, &r.EndReason)
	if err == nil && json.Unmarshal([]byte(queues), &r.Queues) != nil {
		err = errors.New("a relation's queues are damaged")
	}
	r.Minor = minor != 0
	return r, err
}

// AddRelation implements [hub.Relations].
func (s *Store) AddRelation(ctx context.Context, r hub.Relation, subject *hub.Person) error {
	const insert = `
INSERT INTO relation (practice, id, holder, subject, kind, minor, queues, evidence, starts_at, ends_at, granted_by, approved_by, granted_at,
    ended_by, end_reason, settled)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', 0)`
	return s.write(ctx, r.Practice, func(t *tx) error {
		if subject != nil {
			if err := addPerson(t, *subject); err != nil {
				return err
			}
		}
		_, err := t.exec(insert, r.Practice, r.ID, r.Holder, r.Subject, r.Kind, integer(r.Minor), document(r.Queues), r.Evidence, r.StartsAt, r.EndsAt,
			r.GrantedBy, r.ApprovedBy, r.GrantedAt)
		return err
	})
}

// Relation implements [hub.Relations].
func (s *Store) Relation(ctx context.Context, practice, id string) (hub.Relation, error) {
	r, err := scanRelation(s.reader().row(ctx, relationFields+`WHERE practice = $1 AND id = $2`, practice, id))
	return r, s.translate(err)
}

// RelationsOf implements [hub.Relations].
func (s *Store) RelationsOf(ctx context.Context, practice string, persons []string) ([]hub.Relation, error) {
	query := relationFields + `WHERE practice = $1 AND ` + s.dialect.in("holder", "$2") + ` UNION ` +
		relationFields + `WHERE practice = $1 AND ` + s.dialect.in("subject", "$2") + ` ORDER BY granted_at, id`
	all, err := collect(ctx, s.reader(), scanRelation, query, practice, document(persons))
	return all, s.translate(err)
}

// RelationsStated implements [hub.Relations].
func (s *Store) RelationsStated(ctx context.Context, practice, approver string, since, now int64) ([]hub.Relation, error) {
	const query = relationFields + `
WHERE practice = $1 AND approved_by = $2 AND granted_by <> $2 AND granted_at >= $3 AND (ends_at = 0 OR ends_at > $4)
ORDER BY granted_at DESC, id LIMIT 100`
	all, err := collect(ctx, s.reader(), scanRelation, query, practice, approver, since, now)
	return all, s.translate(err)
}

// EndRelation implements [hub.Relations].
func (s *Store) EndRelation(ctx context.Context, practice, id, by, reason string, at int64) (r hub.Relation, err error) {
	const end = `UPDATE relation SET ends_at = $3, ended_by = $4, end_reason = $5 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		if r, err = scanRelation(t.row(ctx, relationFields+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id)); err != nil {
			return err
		}
		if r.EndsAt != 0 && r.EndsAt <= at {
			return hub.ErrConflict
		}
		r.EndsAt, r.EndedBy, r.EndReason = at, by, reason
		_, err := t.exec(end, practice, id, at, by, reason)
		return err
	})
	return r, err
}

// EndedRelations implements [hub.Relations].
func (s *Store) EndedRelations(ctx context.Context, now int64, limit int) ([]hub.Relation, error) {
	all, err := collect(ctx, s.reader(), scanRelation, relationFields+`
WHERE settled = 0 AND ends_at > 0 AND ends_at <= $1 ORDER BY ends_at, id LIMIT $2`, now, limit)
	return all, s.translate(err)
}

// SettleRelation implements [hub.Relations].
func (s *Store) SettleRelation(ctx context.Context, practice, id string) error {
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(`UPDATE relation SET settled = 1 WHERE practice = $1 AND id = $2 AND settled = 0`, practice, id)
	})
}

const linkFields = `
SELECT practice, id, person, other, reason, linked_by, linked_at, undone_by, undone_at, undone_for FROM person_link `

func scanPersonLink(row scanner) (l hub.PersonLink, err error) {
	err = row.Scan(&l.Practice, &l.ID, &l.Person, &l.Other, &l.Reason, &l.LinkedBy, &l.LinkedAt, &l.UndoneBy, &l.UndoneAt, &l.UndoneFor)
	return l, err
}

// AddPersonLink implements [hub.Relations].
func (s *Store) AddPersonLink(ctx context.Context, l hub.PersonLink) error {
	const insert = `
INSERT INTO person_link (practice, id, person, other, reason, linked_by, linked_at, undone_by, undone_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0)
ON CONFLICT DO NOTHING`
	const lock = `SELECT id FROM practice WHERE id = $1`
	const linked = `
WITH RECURSIVE same(id) AS (
    SELECT CASE WHEN l.person = $1 THEN l.other ELSE l.person END
    FROM person_link l WHERE l.practice = $2 AND l.undone_at = 0 AND (l.person = $3 OR l.other = $4)
    UNION SELECT CASE WHEN l.person = same.id THEN l.other ELSE l.person END
    FROM same JOIN person_link l ON l.practice = $5 AND l.undone_at = 0 AND (l.person = same.id OR l.other = same.id)
) SELECT id FROM same WHERE id = $6`
	return s.write(ctx, l.Practice, func(t *tx) error {
		// One at a time in a practice: two that begin at once make no ring.
		if _, err := collect(ctx, t, scanString, lock+s.dialect.Lock, l.Practice); err != nil {
			return err
		}
		ring, err := collect(ctx, t, scanString, linked, l.Person, l.Practice, l.Person, l.Person, l.Practice, l.Other)
		if err != nil {
			return err
		}
		if len(ring) > 0 {
			return hub.ErrExists
		}
		n, err := t.exec(insert, l.Practice, l.ID, l.Person, l.Other, l.Reason, l.LinkedBy, l.LinkedAt)
		if err == nil && n == 0 {
			return hub.ErrExists
		}
		return err
	})
}

// PersonLink implements [hub.Relations].
func (s *Store) PersonLink(ctx context.Context, practice, id string) (hub.PersonLink, error) {
	l, err := scanPersonLink(s.reader().row(ctx, linkFields+`WHERE practice = $1 AND id = $2`, practice, id))
	return l, s.translate(err)
}

// PersonLinksOf implements [hub.Relations].
func (s *Store) PersonLinksOf(ctx context.Context, practice string, persons []string) ([]hub.PersonLink, error) {
	query := linkFields + `WHERE practice = $1 AND ` + s.dialect.in("person", "$2") + ` UNION ` +
		linkFields + `WHERE practice = $1 AND ` + s.dialect.in("other", "$2") + ` ORDER BY linked_at, id`
	all, err := collect(ctx, s.reader(), scanPersonLink, query, practice, document(persons))
	return all, s.translate(err)
}

// UndoPersonLink implements [hub.Relations].
func (s *Store) UndoPersonLink(ctx context.Context, practice, id, by, reason string, at int64) (l hub.PersonLink, err error) {
	const undo = `UPDATE person_link SET undone_by = $3, undone_at = $4, undone_for = $5 WHERE practice = $1 AND id = $2 AND undone_at = 0`
	err = s.write(ctx, practice, func(t *tx) error {
		if err := t.must(undo, practice, id, by, at, reason); err != nil {
			return err
		}
		l, err = scanPersonLink(t.row(ctx, linkFields+`WHERE practice = $1 AND id = $2`, practice, id))
		return err
	})
	return l, err
}

// ListPersonLinks implements [hub.Relations].
func (s *Store) ListPersonLinks(ctx context.Context, q hub.PersonLinkQuery) ([]hub.PersonLink, error) {
	before := q.Before
	if q.BeforeID == "" {
		before = math.MaxInt64
	}
	query, args := linkFields+`WHERE practice = $1 AND (linked_at, id) < ($2, $3) AND linked_at > 0`, []any{q.Practice, before, q.BeforeID}
	switch q.Standing {
	case "standing":
		query += ` AND undone_at = 0`
	case "undone":
		query += ` AND undone_at <> 0`
	}
	if q.Person != "" {
		query += ` AND (person = $4 OR other = $5)`
		args = append(args, q.Person, q.Person)
	}
	query += fmt.Sprintf(` ORDER BY linked_at DESC, id DESC LIMIT $%d`, len(args)+1)
	all, err := collect(ctx, s.reader(), scanPersonLink, query, append(args, q.Limit)...)
	return all, s.translate(err)
}
