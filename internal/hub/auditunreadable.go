package hub

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/sotto-health/sotto/internal/audit"
)

// This file is about events that wait for their numbers and cannot be read:
// somebody changed the row, a disk did, or a newer version wrote it. Such a one
// stops its practice's log, as nothing that was recorded is ever skipped by
// itself. Only the operator takes it out of the way, and the log says so.

// An UnreadableEvent is an event that cannot be read, as it is stored.
type UnreadableEvent struct {
	ID          string // of one that was set aside
	Practice    string
	Row         int64 // where it waits, or waited; good until it is set aside
	At          int64 // Unix milliseconds, as all times here
	Salt, Event []byte
	SetAsideAt  int64 // 0 if it waits
}

// Hash is the SHA-256 of its bytes, in base64url without padding.
func (u *UnreadableEvent) Hash() string {
	sum := sha256.Sum256(u.Event)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// UnreadableEvents keeps events that cannot be read.
type UnreadableEvents interface {
	// UnreadableEvents lists a practice's that wait, in the order in which they
	// came.
	UnreadableEvents(ctx context.Context, practice string) ([]UnreadableEvent, error)
	// SetAside keeps one under its ID, as it is, and has it wait no more. It
	// returns [ErrConflict] if it can be read, and [ErrNotFound] if its row is not
	// there, or is another by now.
	SetAside(ctx context.Context, u UnreadableEvent) error
	// EventsSetAside lists a practice's that wait no more, the earliest first.
	EventsSetAside(ctx context.Context, practice string) ([]UnreadableEvent, error)
}

// UnreadableEvents lists a practice's events that stop its log.
func (h *Hub) UnreadableEvents(ctx context.Context, practice string) ([]UnreadableEvent, error) {
	all, err := h.store.UnreadableEvents(ctx, practice)
	if err != nil {
		return nil, at("look for events that cannot be read", err)
	}
	return all, nil
}

// EventsSetAside lists what [Hub.SetAside] took out of the way of a practice's
// log.
func (h *Hub) EventsSetAside(ctx context.Context, practice string) ([]UnreadableEvent, error) {
	all, err := h.store.EventsSetAside(ctx, practice)
	if err != nil {
		return nil, at("list events that could not be read", err)
	}
	return all, nil
}

// SetAside takes the event of a row, which waits and cannot be read, out of the
// way of its practice's log, for the operator's reason, a code. The log says so,
// with the row and the hash of its bytes, which are kept. It returns
// [ErrNotFound] if there is none, or it can be read.
func (h *Hub) SetAside(ctx context.Context, row int64, reason string) (UnreadableEvent, error) {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return UnreadableEvent{}, err
	}
	for _, practice := range practices {
		all, err := h.UnreadableEvents(ctx, practice)
		if err != nil {
			return UnreadableEvent{}, err
		}
		for _, u := range all {
			if u.Row != row {
				continue
			}
			u.ID, u.SetAsideAt = NewID("u"), h.millis()
			e := h.event(ctx, operator(practice), audit.UnreadableSetAside, u.ID).Because(reason, "").
				With(fmt.Sprintf("row=%d,at=%d,sha256=%s", u.Row, u.At, u.Hash()))
			if err := h.store.Recording(e).SetAside(ctx, u); err != nil {
				return UnreadableEvent{}, at("set an event aside", err)
			}
			return u, nil
		}
	}
	return UnreadableEvent{}, ErrNotFound
}
