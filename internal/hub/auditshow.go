package hub

import (
	"context"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// This file shows whole logs to the operator, at the command line.

// AuditLogs returns the log of each practice as it stands. With grow, what
// waits for its number gets it first; without, nothing is written.
func (h *Hub) AuditLogs(ctx context.Context, grow bool) ([]*auditlog.Log, error) {
	practices, err := h.store.Practices(ctx)
	if err != nil {
		return nil, at("list practices", err)
	}
	logs := make([]*auditlog.Log, 0, len(practices))
	for i := range practices {
		log, err := h.auditLog(ctx, &practices[i], grow)
		if err != nil {
			return nil, err
		}
		logs = append(logs, log)
	}
	return logs, nil
}

// AuditLog is the log of one practice as it stands.
func (h *Hub) AuditLog(ctx context.Context, p *Practice) (*auditlog.Log, error) {
	return h.auditLog(ctx, p, false)
}

func (h *Hub) auditLog(ctx context.Context, p *Practice, grow bool) (*auditlog.Log, error) {
	if grow {
		if err := h.growLog(ctx, p.ID); err != nil {
			return nil, err
		}
	}
	s, err := auditlog.NewSigner(h.auditSeed, p.ID)
	if err != nil {
		return nil, err
	}
	head, err := h.store.LogHead(ctx, p.ID)
	if err != nil {
		return nil, at("load the log's head", err)
	}
	signed, err := s.Sign(head.Size, head.Root)
	return &auditlog.Log{Name: p.Slug, Practice: p.ID, Signed: signed, Verifier: s.Verifier(), Source: &auditSource{h.store, p.ID}}, err
}

// NoteAuditExport records in each practice's log that it is exported.
func (h *Hub) NoteAuditExport(ctx context.Context) error {
	return h.note(ctx, operator, audit.AuditExported)
}

// NoteStarted records in each practice's log that this hub begins to serve, and
// before it, if that is so, that its clock is behind the log. Settings are what
// protects what it serves, in codes: "tls=yes,proxies=1".
func (h *Hub) NoteStarted(ctx context.Context, settings string) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range practices {
		events := []audit.Event{h.event(ctx, itself(id), audit.HubStarted, "").With(settings)}
		newest, err := h.newestEntry(ctx, id)
		if err != nil {
			return err
		}
		if back := time.Duration(events[0].At-newest) * time.Millisecond; -back > auditlog.ClockTolerance {
			events = append([]audit.Event{h.clockEvent(ctx, id, back)}, events...)
		}
		if err := h.store.Record(ctx, events...); err != nil {
			return at("record that the hub starts", err)
		}
	}
	return nil
}

// newestEntry returns the time of the last entry of a practice's log, in Unix
// milliseconds; 0 if it is empty.
func (h *Hub) newestEntry(ctx context.Context, practice string) (int64, error) {
	if err := h.growLog(ctx, practice); err != nil {
		return 0, err
	}
	size, err := h.LogSize(ctx, practice)
	if err != nil {
		return 0, err
	}
	last, err := h.LogRange(ctx, practice, max(0, size-1), 1)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].Event.At, nil
}

// NoteClockChanged records in each practice's log that this machine's clock was
// set, by how much; below zero is back.
func (h *Hub) NoteClockChanged(ctx context.Context, by time.Duration) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range practices {
		if err := h.store.Record(ctx, h.clockEvent(ctx, id, by)); err != nil {
			return at("record that the clock was set", err)
		}
	}
	return nil
}

func (h *Hub) clockEvent(ctx context.Context, practice string, by time.Duration) audit.Event {
	detail := fmt.Sprintf("ahead=%d", int64(by.Seconds()))
	if by < 0 {
		detail = fmt.Sprintf("back=%d", int64(-by.Seconds()))
	}
	return h.event(ctx, itself(practice), audit.ClockChanged, "").With(detail)
}

// NoteStopped records in each practice's log that this hub ends by itself. A
// start without one follows a crash.
func (h *Hub) NoteStopped(ctx context.Context) error { return h.note(ctx, itself, audit.HubStopped) }

// NoteKeyMade records that a key of the hub's was made for the first time.
func (h *Hub) NoteKeyMade(ctx context.Context, name string) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		return h.event(ctx, itself(practice), audit.KeyMade, name), nil
	})
}

// NoteKeyReplaced records that a key of the hub's was lost and another made.
func (h *Hub) NoteKeyReplaced(ctx context.Context, name string) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		return h.event(ctx, operator(practice), audit.KeyReplaced, name), nil
	})
}

// note records in each practice's log what was done to all of them.
func (h *Hub) note(ctx context.Context, by func(practice string) Actor, kind audit.Kind) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		return h.event(ctx, by(practice), kind, ""), nil
	})
}

// An auditSource is a log as the store has it.
type auditSource struct {
	store    Store
	practice string
}

func (s *auditSource) Tile(ctx context.Context, level int, n int64, width int) ([]byte, error) {
	hashes, err := s.store.LogTile(ctx, s.practice, level, n)
	if err != nil {
		return nil, at("read the audit log", err)
	}
	return hashes[:min(len(hashes), width*auditlog.HashBytes)], nil
}

func (s *auditSource) Entries(ctx context.Context, n int64, width int) ([]auditlog.Entry, error) {
	first := n * auditlog.TileWidth
	all, err := s.store.LogRange(ctx, s.practice, first, width)
	if err != nil {
		return nil, at("read the audit log", err)
	}
	for len(all) > 0 && all[len(all)-1].Leaf >= first+int64(width) {
		all = all[:len(all)-1] // where one is missing, the next tile's come
	}
	return all, nil
}

func (s *auditSource) Beyond(ctx context.Context, size int64) ([]*auditlog.DamageError, error) {
	more, err := s.store.LogRange(ctx, s.practice, size, 1)
	if err != nil {
		return nil, at("read the audit log", err)
	}
	head, err := s.store.LogHead(ctx, s.practice)
	if err != nil {
		return nil, at("load the log's head", err)
	}
	if len(more) == 0 || more[0].Leaf < head.Size { // the log has grown meanwhile
		return nil, nil
	}
	return []*auditlog.DamageError{{What: "entry", At: more[0].Leaf, How: "was added: it is beyond the log's head"}}, nil
}
