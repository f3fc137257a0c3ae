package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
)

const (
	clockLookEvery = 10 * time.Second
	// clockStep is what the clock is set by before it is noted: far less than
	// what a check of the log takes for a time that goes back.
	clockStep = auditlog.ClockTolerance / 5
)

// watchClock notes in the audit logs when this machine's clock is set, until ctx
// ends: who reads the log then knows that its times go back, or leave some out,
// for that reason.
func watchClock(ctx context.Context, h *OpenHub, log *slog.Logger) {
	tick := time.NewTicker(clockLookEvery)
	defer tick.Stop()
	var w clockWatch
	begun := time.Now() // with the reading of a clock that nobody sets
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		by := w.changed(now.Round(0).Sub(begun.Round(0)), now.Sub(begun))
		if by == 0 {
			continue
		}
		log.WarnContext(ctx, "the clock of this machine was set", slog.Duration("by", by))
		if err := h.NoteClockChanged(ctx, by); err != nil {
			if ctx.Err() == nil {
				log.ErrorContext(ctx, "that the clock was set could not be written down")
			}
			continue // the next look finds it again
		}
		w.noted += by
	}
}

// A clockWatch compares the time of day with how much time has passed.
type clockWatch struct {
	noted time.Duration // by how much the time of day was set, as far as noted
}

// changed returns by how much the clock was set since that was noted, 0 if by
// little: by the time of day told has gone by, by a clock that nobody sets
// passed.
func (w *clockWatch) changed(told, passed time.Duration) time.Duration {
	by := told - passed - w.noted
	if by.Abs() < clockStep {
		return 0
	}
	return by
}
