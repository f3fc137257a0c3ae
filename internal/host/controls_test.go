package host

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestWhoSeesTheControls: those who run the practice and those who answer for
// it, each with an event in the log; nobody else (T22: function level).
func TestWhoSeesTheControls(t *testing.T) {
	ctx := t.Context()
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	for role, may := range map[string]bool{"administrator": true, "auditor": true, "compliance": true, "nurse": false, "front-desk": false, "supervisor": false} {
		s := &hub.StaffCaller{Person: hub.Person{ID: hub.NewID("p"), Practice: "t_here", Kind: "staff", Role: role}}
		for what, call := range map[string]func() error{
			"controls":  func() error { _, err := h.Controls(ctx, s); return err },
			"look":      func() error { _, err := h.LookAtControls(ctx, s); return err },
			"evidence":  func() error { _, err := h.Evidence(ctx, s); return err },
			"inventory": func() error { _, err := h.Inventory(ctx, s); return err },
		} {
			if err := call(); may && err != nil || !may && !errors.Is(err, hub.ErrForbidden) {
				t.Errorf("%s asks for %s: %v", role, what, err)
			}
		}
	}
	events, err := h.store.WaitingEvents(ctx, "t_here", 1000)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[audit.Kind]int{}
	for _, e := range events {
		counts[e.Kind]++
	}
	if counts[audit.ControlsRead] != 6 || counts[audit.ControlsLooked] != 3 || counts[audit.EvidenceExported] != 3 {
		t.Errorf("recorded %v", counts)
	}

	run, err := h.store.LastControlRun(ctx, "t_here")
	if err != nil || run.Counts.Short == 0 {
		t.Fatalf("%+v, %v", run.Counts, err)
	}
	for _, r := range run.Results {
		if r.ID == "506, 508" && !strings.Contains(r.Says, "No form is published") {
			t.Errorf("found %q of a practice without a form", r.Says)
		}
	}
	if err := h.LookDaily(ctx); err != nil {
		t.Fatal(err)
	}
	if again, err := h.store.LastControlRun(ctx, "t_here"); err != nil || again.ID != run.ID {
		t.Errorf("looked again on the same day: %v, %v", again.ID, err)
	}

	// Where nobody has looked, the hub does, and says so.
	h = openHub(t, t.TempDir())
	makePractice(t, h)
	if err := h.LookDaily(ctx); err != nil {
		t.Fatal(err)
	}
	events, err = h.store.WaitingEvents(ctx, "t_here", 1000)
	if err != nil || !slices.ContainsFunc(events, func(e audit.Event) bool { return e.Kind == audit.ControlsLooked && e.Role == audit.System }) {
		t.Errorf("the hub looked by itself: %v, %v", events, err)
	}
}
