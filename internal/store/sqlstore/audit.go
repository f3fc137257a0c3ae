package sqlstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// Recording implements [hub.Audit].
func (s *Store) Recording(events ...audit.Event) hub.Store {
	view := *s
	view.recording = slices.Concat(s.recording, events)
	return &view
}

// Record implements [hub.Audit].
func (s *Store) Record(ctx context.Context, events ...audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	view := &Store{database: s.database, recording: events, once: s.once}
	return view.write(ctx, events[0].Practice, func(*tx) error { return nil })
}

// WaitingEvents implements [hub.Audit].
func (s *Store) WaitingEvents(ctx context.Context, practice string, limit int) ([]audit.Event, error) {
	const query = `SELECT event FROM audit_pending WHERE practice = $1 ORDER BY id LIMIT $2`
	all, err := collect(ctx, s.reader(), func(row scanner) (audit.Event, error) {
		var encoded []byte
		if err := row.Scan(&encoded); err != nil {
			return audit.Event{}, err
		}
		return audit.Parse(encoded)
	}, query, practice, limit)
	return all, s.translate(err)
}

// recorded returns fn followed by the insertion of what s is recording. An
// event that is not whole is refused before anything is written.
func (s *Store) recorded(fn func(*tx) error) (func(*tx) error, error) {
	rows := make([]pendingEvent, len(s.recording))
	for i := range s.recording {
		var err error
		if rows[i], err = newPendingEvent(&s.recording[i]); err != nil {
			return nil, err
		}
	}
	return func(t *tx) error {
		if err := fn(t); err != nil {
			return err
		}
		return insertPending(t, rows)
	}, nil
}

// A pendingEvent is an event as it is stored until it is in the log.
type pendingEvent struct {
	practice string
	at       int64
	salt     audit.Salt
	event    []byte
}

func newPendingEvent(e *audit.Event) (pendingEvent, error) {
	encoded, err := e.Encode()
	return pendingEvent{practice: e.Practice, at: e.At, salt: audit.NewSalt(), event: encoded}, err
}

func insertPending(t *tx, rows []pendingEvent) error {
	const insert = `INSERT INTO audit_pending (practice, at, salt, event) VALUES ($1, $2, $3, $4)`
	for _, r := range rows {
		if _, err := t.exec(insert, r.practice, r.at, r.salt[:], r.event); err != nil {
			return err
		}
	}
	return nil
}

// recordFrame stores the events of a frame, with what is known of it only now.
func recordFrame(t *tx, events []audit.Event, patient string, position uint64) error {
	rows := make([]pendingEvent, len(events))
	for i, e := range events {
		if e.Conversation != "" {
			e.Patient = patient
		}
		switch e.Kind {
		case audit.FrameSent, audit.HandshakeSent, audit.HistoryShared:
			e.Object = strconv.FormatUint(position, 10)
		}
		var err error
		if rows[i], err = newPendingEvent(&e); err != nil {
			return err
		}
	}
	return insertPending(t, rows)
}
