package hub

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// An Inspector looks at the installation that the hub is part of. The hub
// itself knows neither its machine nor what the rules ask.
type Inspector interface {
	// Controls are all that the rules ask.
	Controls() []api.Control
	// LookAtControls finds out how they are met, and keeps it as a
	// [ControlRuns]. It answers with the newest look if that is a few seconds
	// old.
	LookAtControls(ctx context.Context, practice string) (api.ControlRun, error)
	// Evidence makes a signed evidence pack, a zip file.
	Evidence(ctx context.Context, practice string) (*bytes.Buffer, error)
	Inventory(ctx context.Context, practice string) (*api.Inventory, error)
}

// controlHistory is how far back the page of controls goes.
const controlHistory = 366 * 24 * time.Hour

// mayInspect returns the inspector, for those who may ask it.
func (h *Hub) mayInspect(s *StaffCaller) (Inspector, error) {
	if err := h.mayStaff(s, policy.Inspect, s.practice()); err != nil {
		return nil, err
	}
	if h.inspector == nil {
		return nil, ErrNotFound
	}
	return h.inspector, nil
}

func (h *Hub) inspected(ctx context.Context, s *StaffCaller, kind audit.Kind) error {
	if err := h.store.Record(ctx, h.event(ctx, s, kind, "")); err != nil {
		return at("record a read", err)
	}
	return nil
}

// Controls answers what the rules ask and what the newest look found.
func (h *Hub) Controls(ctx context.Context, s *StaffCaller) (api.Controls, error) {
	i, err := h.mayInspect(s)
	if err != nil {
		return api.Controls{}, err
	}
	out := api.Controls{Controls: i.Controls(), History: []api.ControlRun{}}
	run, err := h.store.LastControlRun(ctx, s.Person.Practice)
	if err == nil {
		out.Run = &run
	} else if !errors.Is(err, ErrNotFound) {
		return api.Controls{}, err
	}
	history, err := h.store.ControlRuns(ctx, s.Person.Practice, h.now().Add(-controlHistory).UnixMilli(), 400)
	if err != nil {
		return api.Controls{}, err
	}
	out.History = append(out.History, history...)
	return out, h.inspected(ctx, s, audit.ControlsRead)
}

// LookAtControls looks at all controls now.
func (h *Hub) LookAtControls(ctx context.Context, s *StaffCaller) (api.ControlRun, error) {
	i, err := h.mayInspect(s)
	if err != nil {
		return api.ControlRun{}, err
	}
	if err := h.inspected(ctx, s, audit.ControlsLooked); err != nil {
		return api.ControlRun{}, err
	}
	return i.LookAtControls(ctx, s.Person.Practice)
}

// Evidence makes an evidence pack.
func (h *Hub) Evidence(ctx context.Context, s *StaffCaller) (*bytes.Buffer, error) {
	i, err := h.mayInspect(s)
	if err != nil {
		return nil, err
	}
	if err := h.inspected(ctx, s, audit.EvidenceExported); err != nil {
		return nil, err
	}
	return i.Evidence(ctx, s.Person.Practice)
}

// Inventory lists what there is and where data flows.
func (h *Hub) Inventory(ctx context.Context, s *StaffCaller) (*api.Inventory, error) {
	i, err := h.mayInspect(s)
	if err != nil {
		return nil, err
	}
	if err := h.inspected(ctx, s, audit.ControlsRead); err != nil {
		return nil, err
	}
	return i.Inventory(ctx, s.Person.Practice)
}

// NoteControlsRead, NoteControlsLooked and NoteEvidence record, for who runs the
// hub, what the command line is about to show of the controls and the inventory.
// No route leads here.
func (h *Hub) NoteControlsRead(ctx context.Context, practice string) error {
	return h.noteInspected(ctx, practice, audit.ControlsRead)
}

// NoteDailyLook records that the hub looks at the controls by itself.
func (h *Hub) NoteDailyLook(ctx context.Context, practice string) error {
	return h.store.Record(ctx, h.event(ctx, itself(practice), audit.ControlsLooked, ""))
}

// NoteControlsLooked records that the controls are looked at anew.
func (h *Hub) NoteControlsLooked(ctx context.Context, practice string) error {
	return h.noteInspected(ctx, practice, audit.ControlsLooked)
}

// NoteEvidence records that an evidence pack is made.
func (h *Hub) NoteEvidence(ctx context.Context, practice string) error {
	return h.noteInspected(ctx, practice, audit.EvidenceExported)
}

func (h *Hub) noteInspected(ctx context.Context, practice string, kind audit.Kind) error {
	if err := h.store.Record(ctx, h.event(ctx, operator(practice), kind, "")); err != nil {
		return at("record a look at the controls", err)
	}
	return nil
}
