package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// This file keeps how far the streams of the audit logs to receivers outside
// have come. What sends them is package auditlog/stream; who sets them up is the
// operator, by settings of the program.

// LogStreams keeps how far each stream of a practice's log to a receiver
// outside has come, and which hub sends it.
type LogStreams interface {
	// TakeStream makes one holder the only one who sends a stream, for so long by
	// the store's clock, and returns the stream as it stands. One that is not
	// there begins at want.Position and want.BegunAt; one that is gets
	// want.Target, and has not stopped. While another holds it, it is left as it
	// is and returned with [ErrConflict].
	TakeStream(ctx context.Context, want auditlog.Stream, lease time.Duration) (auditlog.Stream, error)
	// SaveStream sets Position, SentAt, Problem, ProblemAt and Rejected. If
	// another holder has taken the stream since it gives [ErrConflict].
	SaveStream(ctx context.Context, s auditlog.Stream) error
	// ReleaseStream lets another take it. It is no error if the holder is not.
	ReleaseStream(ctx context.Context, practice, name, holder string) error
	// StopStream sets StoppedAt and forgets the problem. It gives [ErrConflict] if
	// the stream is held, has stopped, or is not there.
	StopStream(ctx context.Context, practice, name string, at int64) error
	// LogStreams lists a practice's by name, those that have stopped too.
	LogStreams(ctx context.Context, practice string) ([]auditlog.Stream, error)
}

// LogSize is how many entries a practice's log has.
func (h *Hub) LogSize(ctx context.Context, practice string) (int64, error) {
	head, err := h.store.LogHead(ctx, practice)
	if err != nil {
		return 0, at("load the log's head", err)
	}
	return head.Size, nil
}

// LogRange lists at most limit entries of a practice's log by their numbers,
// from first on, as they stand: nothing says that they are as they were logged.
func (h *Hub) LogRange(ctx context.Context, practice string, first int64, limit int) ([]auditlog.Entry, error) {
	all, err := h.store.LogRange(ctx, practice, first, limit)
	if err != nil {
		return nil, at("read the audit log", err)
	}
	return all, nil
}

// LogStreams lists the streams of a practice's log, those that have stopped
// too.
func (h *Hub) LogStreams(ctx context.Context, practice string) ([]auditlog.Stream, error) {
	all, err := h.store.LogStreams(ctx, practice)
	if err != nil {
		return nil, at("list the streams of the log", err)
	}
	return all, nil
}

// TakeStream makes a holder the one who sends a stream, for so long, and
// returns how the stream stands; mine is false while another sends it. That a
// stream begins, goes on after it had stopped, or has another receiver is
// recorded. A new one begins with the log, or after what is in it already.
func (h *Hub) TakeStream(ctx context.Context, want auditlog.Stream, afterwards bool, lease time.Duration) (s auditlog.Stream, mine bool, err error) {
	all, err := h.LogStreams(ctx, want.Practice)
	if err != nil {
		return s, false, err
	}
	store := h.store
	i := slices.IndexFunc(all, func(s auditlog.Stream) bool { return s.Name == want.Name })
	if i < 0 || all[i].StoppedAt != 0 || all[i].Target != want.Target {
		store = store.Recording(h.event(ctx, itself(want.Practice), audit.StreamConfigured, want.Name).With("to=" + want.Target))
	}
	if i < 0 && afterwards {
		if want.Position, err = h.LogSize(ctx, want.Practice); err != nil {
			return s, false, err
		}
	}
	s, err = store.TakeStream(ctx, want, lease)
	if errors.Is(err, ErrConflict) {
		return s, false, nil
	} else if err != nil {
		return s, false, at("take a stream of the log", err)
	}
	return s, true, nil
}

// SaveStream keeps how far a stream has come. That it began to fail, fails for
// another reason, or goes on again is recorded.
func (h *Hub) SaveStream(ctx context.Context, before, now auditlog.Stream) error {
	store := h.store
	e := h.event(ctx, itself(now.Practice), audit.StreamResumed, now.Name).With("to=" + now.Target)
	switch now.Problem {
	case before.Problem:
	case "":
		store = store.Recording(e)
	default:
		e.Kind, e.Outcome, e.Reason = audit.StreamFailed, audit.Failed, now.Problem
		store = store.Recording(e)
	}
	if err := store.SaveStream(ctx, now); err != nil {
		return at("keep how far a stream of the log has come", err)
	}
	return nil
}

// ReleaseStream lets another hub send a stream.
func (h *Hub) ReleaseStream(ctx context.Context, s auditlog.Stream) error {
	if err := h.store.ReleaseStream(ctx, s.Practice, s.Name, s.Holder); err != nil {
		return at("let a stream of the log go", err)
	}
	return nil
}

// StopStreams stops, in every practice, the streams that are set up no more and
// that no hub sends, and records that.
func (h *Hub) StopStreams(ctx context.Context, setUp map[string]bool) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, practice := range practices {
		all, err := h.LogStreams(ctx, practice)
		if err != nil {
			return err
		}
		for _, s := range all {
			if setUp[s.Name] || s.StoppedAt != 0 {
				continue
			}
			e := h.event(ctx, itself(practice), audit.StreamStopped, s.Name).With("to=" + s.Target)
			err := h.store.Recording(e).StopStream(ctx, practice, s.Name, h.millis())
			if err != nil && !errors.Is(err, ErrConflict) {
				return at("stop a stream of the log", err)
			}
		}
	}
	return nil
}

// NoteStream takes note of how the streams of one name fare, for [Hub.Stats].
func (h *Hub) NoteStream(name string, f auditlog.StreamFigures) { h.streams.Store(name, f) }
