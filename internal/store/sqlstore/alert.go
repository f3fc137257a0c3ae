package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// LogSearch implements [hub.Alerts].
func (s *Store) LogSearch(ctx context.Context, practice string) (l hub.LogSearch, err error) {
	const query = `SELECT position, state FROM audit_searched WHERE practice = $1`
	var state string
	err = s.reader().row(ctx, query, practice).Scan(&l.Position, &state)
	if isNone(err) {
		return hub.LogSearch{}, nil
	}
	l.State = []byte(state)
	return l, s.translate(err)
}

// SaveLogSearch implements [hub.Alerts].
func (s *Store) SaveLogSearch(ctx context.Context, practice string, before int64, now hub.LogSearch, found []hub.Alert) error {
	const begin = `INSERT INTO audit_searched (practice, position, state) VALUES ($1, 0, '') ON CONFLICT DO NOTHING`
	const advance = `UPDATE audit_searched SET position = $3, state = $4 WHERE practice = $1 AND position = $2`
	const insert = `
INSERT INTO alert (practice, id, rule, person, patient, day, at, leaf, counted, raised_at, verdict, note, reviewer, reviewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', '', 0)`
	return s.write(ctx, practice, func(t *tx) error {
		if _, err := t.exec(begin, practice); err != nil {
			return err
		}
		n, err := t.exec(advance, practice, before, now.Position, string(now.State))
		if err != nil {
			return err
		}
		if n == 0 {
			return hub.ErrConflict
		}
		for _, a := range found {
			if _, err := t.exec(insert, practice, a.ID, string(a.Rule), a.Person, a.Patient, a.Day, a.At, a.Leaf, a.Count, a.RaisedAt); err != nil {
				return err
			}
		}
		return nil
	})
}

const alertColumns = `
SELECT practice, id, rule, person, patient, day, at, leaf, counted, raised_at, verdict, note, reviewer, reviewed_at
FROM alert `

func scanAlert(row scanner) (a hub.Alert, err error) {
	return a, row.Scan(&a.Practice, &a.ID, &a.Rule, &a.Person, &a.Patient, &a.Day, &a.At, &a.Leaf, &a.Count, &a.RaisedAt,
		&a.Verdict, &a.Note, &a.Reviewer, &a.ReviewedAt)
}

// Alerts implements [hub.Alerts].
func (s *Store) Alerts(ctx context.Context, practice string, since int64, limit int) ([]hub.Alert, error) {
	const query = alertColumns + `WHERE practice = $1 AND raised_at >= $2 ORDER BY raised_at DESC, id LIMIT $3`
	all, err := collect(ctx, s.reader(), scanAlert, query, practice, since, limit)
	return all, s.translate(err)
}

// OpenAlerts implements [hub.Alerts].
func (s *Store) OpenAlerts(ctx context.Context, practice string) ([]hub.Alert, error) {
	const query = alertColumns + `WHERE practice = $1 AND verdict = '' ORDER BY raised_at, id`
	all, err := collect(ctx, s.reader(), scanAlert, query, practice)
	return all, s.translate(err)
}

// CountOpenAlerts implements [hub.Alerts].
func (s *Store) CountOpenAlerts(ctx context.Context, practice, person string) (n int, err error) {
	const query = `SELECT count(*) FROM alert WHERE practice = $1 AND verdict = '' AND person <> $2`
	err = s.reader().row(ctx, query, practice, person).Scan(&n)
	return n, s.translate(err)
}

// ReviewAlert implements [hub.Alerts].
func (s *Store) ReviewAlert(ctx context.Context, practice, id string, r hub.AlertReview) (a hub.Alert, err error) {
	const review = `
UPDATE alert SET verdict = $3, note = $4, reviewer = $5, reviewed_at = $6 WHERE practice = $1 AND id = $2`
	err = s.write(ctx, practice, func(t *tx) error {
		a, err = scanAlert(t.row(ctx, alertColumns+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, id))
		if err != nil {
			return err
		}
		if a.Person == r.Reviewer {
			return hub.ErrForbidden
		}
		if a.Verdict == hub.VerdictFine {
			return hub.ErrConflict
		}
		a.AlertReview = r
		_, err := t.exec(review, practice, id, r.Verdict, r.Note, r.Reviewer, r.ReviewedAt)
		return err
	})
	return a, err
}

// AddPatientWatch implements [hub.Alerts].
func (s *Store) AddPatientWatch(ctx context.Context, w hub.PatientWatch) error {
	const insert = `
INSERT INTO patient_watch (practice, id, patient, person, reason, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	return s.write(ctx, w.Practice, func(t *tx) error {
		_, err := t.exec(insert, w.Practice, w.ID, w.Patient, w.Person, w.Reason, w.AddedBy, w.AddedAt)
		return err
	})
}

// EndPatientWatch implements [hub.Alerts].
func (s *Store) EndPatientWatch(ctx context.Context, practice, id string) error {
	const query = `DELETE FROM patient_watch WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		n, err := t.exec(query, practice, id)
		if err == nil && n == 0 {
			return hub.ErrNotFound
		}
		return err
	})
}

const watchColumns = `SELECT id, practice, patient, person, reason, added_by, added_at FROM patient_watch `

func scanWatch(row scanner) (w hub.PatientWatch, err error) {
	return w, row.Scan(&w.ID, &w.Practice, &w.Patient, &w.Person, &w.Reason, &w.AddedBy, &w.AddedAt)
}

// PatientWatch implements [hub.Alerts].
func (s *Store) PatientWatch(ctx context.Context, practice, id string) (hub.PatientWatch, error) {
	w, err := scanWatch(s.reader().row(ctx, watchColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	return w, s.translate(err)
}

// PatientWatches implements [hub.Alerts].
func (s *Store) PatientWatches(ctx context.Context, practice string) ([]hub.PatientWatch, error) {
	all, err := collect(ctx, s.reader(), scanWatch, watchColumns+`WHERE practice = $1 ORDER BY added_at, id`, practice)
	return all, s.translate(err)
}
