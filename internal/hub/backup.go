package hub

import (
	"context"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// This file records what whoever runs the hub does with backups of it. A backup
// is of all practices, so each one's log says so. No route leads here.

// NoteBackupMade records that a backup of that name was made, whose manifest has
// that SHA-256, in hex.
func (h *Hub) NoteBackupMade(ctx context.Context, name, manifest string) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		e := h.event(ctx, operator(practice), audit.BackupMade, name)
		e.Reference = manifest
		return e, nil
	})
}

// NoteBackupVerified records that a backup was restored for a trial, and how
// much of it is not as it was written.
func (h *Hub) NoteBackupVerified(ctx context.Context, name, manifest string, problems int) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		e := h.event(ctx, operator(practice), audit.BackupVerified, name).With(fmt.Sprintf("problems=%d", problems))
		e.Reference = manifest
		if problems > 0 {
			e.Outcome, e.Reason = audit.Failed, "damaged"
		}
		return e, nil
	})
}

// NoteKeysCopied records that the installation's keys, so many, are about to be
// copied.
func (h *Hub) NoteKeysCopied(ctx context.Context, keys int) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		return h.event(ctx, operator(practice), audit.KeysCopied, "").With(fmt.Sprintf("keys=%d", keys)), nil
	})
}

// NoteBackupRestored records that this hub goes on from a backup, and ends all
// sessions of staff: one that was ended after the backup was made is alive again
// in it. The event says how long the log is, and how long it is known to have
// been, by practice, if somebody knows.
func (h *Hub) NoteBackupRestored(ctx context.Context, name, manifest string, known map[string]int64) error {
	return h.noteAll(ctx, func(practice string) (audit.Event, error) {
		ended, err := h.endStaffSessions(ctx, practice)
		if err != nil {
			return audit.Event{}, err
		}
		if err := h.growLog(ctx, practice); err != nil {
			return audit.Event{}, err
		}
		size, err := h.LogSize(ctx, practice)
		if err != nil {
			return audit.Event{}, err
		}
		detail := fmt.Sprintf("size=%d,sessions=%d", size, ended)
		if n, ok := known[practice]; ok {
			detail += fmt.Sprintf(",known=%d", n)
		}
		e := h.event(ctx, operator(practice), audit.BackupRestored, name).With(detail)
		e.Reference = manifest
		return e, nil
	})
}

// endStaffSessions ends the sessions of all staff of a practice.
func (h *Hub) endStaffSessions(ctx context.Context, practice string) (ended int, err error) {
	staff, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
	if err != nil {
		return 0, at("list staff", err)
	}
	for i := range staff {
		sessions, err := h.store.StaffSessionsOf(ctx, practice, staff[i].ID, h.millis())
		if err != nil {
			return ended, at("load staff sessions", err)
		}
		for _, s := range sessions {
			if err := h.store.DeleteStaffSession(ctx, s.ID); err != nil {
				return ended, at("end a session", err)
			}
			ended++
		}
	}
	return ended, nil
}

// noteAll records one event in each practice's log.
func (h *Hub) noteAll(ctx context.Context, event func(practice string) (audit.Event, error)) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range practices {
		e, err := event(id)
		if err != nil {
			return err
		}
		if err := h.store.Record(ctx, e); err != nil {
			return at("record an act on all practices", err)
		}
	}
	return nil
}
