package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// OpenEmergency implements [hub.Emergencies].
func (s *Store) OpenEmergency(ctx context.Context, e hub.Emergency, change func(*hub.Conversation) error) (v hub.Conversation, err error) {
	const insert = `
INSERT INTO emergency (practice, id, conversation, patient, person, reason, words, opened_at, ends_at, ended_at, due_at, verdict, note, reviewer, reviewed_at, queue)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	return s.changeEmergency(ctx, e, change, insert, e.Practice, e.ID, e.Conversation, e.Patient, e.Person, e.Reason, e.Words,
		e.OpenedAt, e.EndsAt, e.EndedAt, e.DueAt, e.Verdict, e.Note, e.Reviewer, e.ReviewedAt, e.Queue)
}

// changeEmergency executes a statement, and changes the conversation of e unless
// change is nil, in one transaction.
func (s *Store) changeEmergency(ctx context.Context, e hub.Emergency, change func(*hub.Conversation) error, statement string, args ...any) (v hub.Conversation, err error) {
	err = s.write(ctx, e.Conversation, func(t *tx) error {
		if _, err := t.exec(statement, args...); err != nil || change == nil {
			return err
		}
		v, err = s.changeConversation(t, e.Practice, e.Conversation, change, nil)
		return err
	})
	if err != nil {
		return hub.Conversation{}, err
	}
	return v, nil
}

const emergencyColumns = `
SELECT practice, id, conversation, patient, person, reason, words, opened_at, ends_at, ended_at, due_at, verdict, note, reviewer, reviewed_at, queue
FROM emergency `

func scanEmergency(row scanner) (e hub.Emergency, err error) {
	return e, row.Scan(&e.Practice, &e.ID, &e.Conversation, &e.Patient, &e.Person, &e.Reason, &e.Words,
		&e.OpenedAt, &e.EndsAt, &e.EndedAt, &e.DueAt, &e.Verdict, &e.Note, &e.Reviewer, &e.ReviewedAt, &e.Queue)
}

// Emergencies implements [hub.Emergencies].
func (s *Store) Emergencies(ctx context.Context, practice string, since int64, limit int) ([]hub.Emergency, error) {
	const query = emergencyColumns + `WHERE practice = $1 AND opened_at >= $2 ORDER BY opened_at DESC, id LIMIT $3`
	all, err := collect(ctx, s.reader(), scanEmergency, query, practice, since, limit)
	return all, s.translate(err)
}

// UnreviewedEmergencies implements [hub.Emergencies].
func (s *Store) UnreviewedEmergencies(ctx context.Context, practice string) ([]hub.Emergency, error) {
	const query = emergencyColumns + `WHERE practice = $1 AND verdict = '' ORDER BY opened_at, id`
	all, err := collect(ctx, s.reader(), scanEmergency, query, practice)
	return all, s.translate(err)
}

// LastingEmergencies implements [hub.Emergencies].
func (s *Store) LastingEmergencies(ctx context.Context, practice string) ([]hub.Emergency, error) {
	const query = emergencyColumns + `WHERE practice = $1 AND ended_at = 0 ORDER BY opened_at DESC, id`
	all, err := collect(ctx, s.reader(), scanEmergency, query, practice)
	return all, s.translate(err)
}

// EndingEmergencies implements [hub.Emergencies].
func (s *Store) EndingEmergencies(ctx context.Context, now int64, limit int) ([]hub.Emergency, error) {
	const query = emergencyColumns + `WHERE ended_at = 0 AND ends_at <= $1 ORDER BY ends_at LIMIT $2`
	all, err := collect(ctx, s.reader(), scanEmergency, query, now, limit)
	return all, s.translate(err)
}

// EndEmergency implements [hub.Emergencies].
func (s *Store) EndEmergency(ctx context.Context, e hub.Emergency, at int64, change func(*hub.Conversation) error) (hub.Conversation, error) {
	const end = `UPDATE emergency SET ended_at = $3 WHERE practice = $1 AND id = $2 AND ended_at = 0`
	return s.changeEmergency(ctx, e, change, end, e.Practice, e.ID, at)
}

// ReviewEmergency implements [hub.Emergencies].
func (s *Store) ReviewEmergency(ctx context.Context, practice, id string, r hub.EmergencyReview) (e hub.Emergency, err error) {
	const review = `
UPDATE emergency SET verdict = $3, note = $4, reviewer = $5, reviewed_at = $6 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		e, err = scanEmergency(t.row(ctx, emergencyColumns+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id))
		if err != nil {
			return err
		}
		if e.Person == r.Reviewer {
			return hub.ErrForbidden
		}
		if e.Verdict == hub.VerdictFine {
			return hub.ErrConflict
		}
		e.Verdict, e.Note, e.Reviewer, e.ReviewedAt = r.Verdict, r.Note, r.Reviewer, r.At
		_, err := t.exec(review, practice, id, r.Verdict, r.Note, r.Reviewer, r.At)
		return err
	})
	return e, err
}
