package sqlstore

import (
	"context"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

const streamColumns = `
SELECT practice, name, target, position, sent_at, problem, problem_at, rejected, rejected_first, rejected_last, begun_at, stopped_at, holder, held_until
FROM audit_stream WHERE practice = $1`

// heldStream is a stream and until when its holder has it.
type heldStream struct {
	auditlog.Stream
	until int64
}

func scanStream(row scanner) (s heldStream, err error) {
	return s, row.Scan(&s.Practice, &s.Name, &s.Target, &s.Position, &s.SentAt, &s.Problem, &s.ProblemAt, &s.Rejected, &s.RejectedFirst, &s.RejectedLast, &s.BegunAt, &s.StoppedAt, &s.Holder, &s.until)
}

// engineTime is the engine's time within a transaction, so that all hubs of one
// database judge leases by one clock.
func (s *Store) engineTime(t *tx) (millis int64, err error) {
	if s.dialect.Clock == "" {
		return s.now().UnixMilli(), nil
	}
	err = t.row(t.ctx, s.dialect.Clock).Scan(&millis)
	return millis, err
}

// TakeStream implements [hub.LogStreams].
func (s *Store) TakeStream(ctx context.Context, want auditlog.Stream, lease time.Duration) (found auditlog.Stream, err error) {
	const begin = `
INSERT INTO audit_stream (practice, name, target, position, sent_at, problem, problem_at, rejected, begun_at, stopped_at, holder, held_until)
VALUES ($1, $2, $3, $4, 0, '', 0, 0, $5, 0, $6, $7)
ON CONFLICT DO NOTHING`
	const take = `UPDATE audit_stream SET target = $3, stopped_at = 0, holder = $4, held_until = $5 WHERE practice = $1 AND name = $2`
	err = s.write(ctx, want.Practice, func(t *tx) error {
		now, err := s.engineTime(t)
		if err != nil {
			return err
		}
		until := now + lease.Milliseconds()
		held, err := scanStream(t.row(ctx, streamColumns+` AND name = $2`+s.dialect.Lock, want.Practice, want.Name))
		switch {
		case isNone(err):
			found = auditlog.Stream{Practice: want.Practice, Name: want.Name, Target: want.Target, Position: want.Position, BegunAt: want.BegunAt, Holder: want.Holder}
			// No row: another hub was first, a moment ago.
			return t.mustOr(hub.ErrConflict, begin, want.Practice, want.Name, want.Target, want.Position, want.BegunAt, want.Holder, until)
		case err != nil:
			return err
		}
		found = held.Stream
		if held.Holder != want.Holder && held.until > now {
			return hub.ErrConflict
		}
		found.Target, found.StoppedAt, found.Holder = want.Target, 0, want.Holder
		return t.must(take, want.Practice, want.Name, want.Target, want.Holder, until)
	})
	return found, err
}

// SaveStream implements [hub.LogStreams].
func (s *Store) SaveStream(ctx context.Context, w auditlog.Stream) error {
	const save = `
UPDATE audit_stream SET position = $4, sent_at = $5, problem = $6, problem_at = $7, rejected = $8, rejected_first = $9, rejected_last = $10
WHERE practice = $1 AND name = $2 AND holder = $3`
	return s.write(ctx, w.Practice, func(t *tx) error {
		return t.mustOr(hub.ErrConflict, save, w.Practice, w.Name, w.Holder, w.Position, w.SentAt, w.Problem, w.ProblemAt, w.Rejected, w.RejectedFirst, w.RejectedLast)
	})
}

// ReleaseStream implements [hub.LogStreams].
func (s *Store) ReleaseStream(ctx context.Context, practice, name, holder string) error {
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(`UPDATE audit_stream SET held_until = 0 WHERE practice = $1 AND name = $2 AND holder = $3`, practice, name, holder)
		return err
	})
}

// StopStream implements [hub.LogStreams].
func (s *Store) StopStream(ctx context.Context, practice, name string, at int64) error {
	const stop = `UPDATE audit_stream SET stopped_at = $3, problem = '', problem_at = 0 WHERE practice = $1 AND name = $2 AND stopped_at = 0 AND held_until <= $4`
	return s.write(ctx, practice, func(t *tx) error {
		now, err := s.engineTime(t)
		if err != nil {
			return err
		}
		return t.mustOr(hub.ErrConflict, stop, practice, name, at, now)
	})
}

// LogStreams implements [hub.LogStreams].
func (s *Store) LogStreams(ctx context.Context, practice string) ([]auditlog.Stream, error) {
	all, err := collect(ctx, s.reader(), func(row scanner) (auditlog.Stream, error) {
		held, err := scanStream(row)
		return held.Stream, err
	}, streamColumns+` ORDER BY name`, practice)
	return all, s.translate(err)
}
