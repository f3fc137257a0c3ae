package sqlstore

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sotto-health/sotto/api"
)

// AddControlRun implements [hub.ControlRuns].
func (s *Store) AddControlRun(ctx context.Context, r api.ControlRun) error {
	const insert = `
INSERT INTO control_run (practice, id, at, version, met, decision, short, not_applicable, results)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	results := document(r.Results)
	return s.write(ctx, r.Practice, func(t *tx) error {
		_, err := t.exec(insert, r.Practice, r.ID, r.At, r.Version, r.Counts.Met, r.Counts.Decision, r.Counts.Short, r.Counts.NotApplicable, results)
		return err
	})
}

const controlRunColumns = `SELECT practice, id, at, version, met, decision, short, not_applicable`

func controlRunTargets(r *api.ControlRun) []any {
	return []any{&r.Practice, &r.ID, &r.At, &r.Version, &r.Counts.Met, &r.Counts.Decision, &r.Counts.Short, &r.Counts.NotApplicable}
}

func scanControlRun(row scanner) (r api.ControlRun, err error) {
	return r, row.Scan(controlRunTargets(&r)...)
}

func scanWholeControlRun(row scanner) (r api.ControlRun, err error) {
	var results string
	if err := row.Scan(append(controlRunTargets(&r), &results)...); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(results), &r.Results); err != nil {
		return r, errors.New("results of control run " + r.ID + " are damaged")
	}
	return r, nil
}

// LastControlRun implements [hub.ControlRuns].
func (s *Store) LastControlRun(ctx context.Context, practice string) (api.ControlRun, error) {
	r, err := scanWholeControlRun(s.reader().row(ctx, controlRunColumns+`, results FROM control_run
WHERE practice = $1 AND at >= 0 ORDER BY at DESC, id DESC LIMIT 1`, practice))
	return r, s.translate(err)
}

// ControlRuns implements [hub.ControlRuns].
func (s *Store) ControlRuns(ctx context.Context, practice string, since int64, limit int) ([]api.ControlRun, error) {
	all, err := collect(ctx, s.reader(), scanControlRun, controlRunColumns+` FROM control_run
WHERE practice = $1 AND at >= $2 ORDER BY at DESC, id DESC LIMIT $3`, practice, since, limit)
	return all, s.translate(err)
}
