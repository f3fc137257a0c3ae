package host

import (
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

// TestLateReviews: a consent form, an emergency access and a person's access and
// a period of the log that wait too long for whoever reviews them are among the facts, and not before.
func TestLateReviews(t *testing.T) {
	ctx, folder := t.Context(), Folder(t.TempDir())
	h := openHub(t, string(folder))
	makePractice(t, h)
	begun := time.Now()
	f := hub.ConsentForm{Practice: "t_here", Form: "f_1", Version: 1, State: hub.FormSubmitted}
	f.History = []hub.FormEvent{{At: begun.UnixMilli(), Act: "submit"}}
	if err := h.store.ChangeConsentForms(ctx, "t_here", func([]hub.ConsentForm) (hub.FormChange, error) {
		return hub.FormChange{Put: []hub.ConsentForm{f}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.OpenEmergency(ctx, hub.Emergency{Practice: "t_here", ID: "e_1", Conversation: "c_1", Person: "p_1", OpenedAt: begun.UnixMilli(), DueAt: begun.Add(72 * time.Hour).UnixMilli()}, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.store.AddPerson(ctx, hub.Person{Practice: "t_here", ID: "p_1", Kind: "staff", Role: "nurse", Login: "kim", CreatedAt: begun.UnixMilli()}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.ReviewsBegan(ctx, "t_here", begun.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int][4]int{1: {0, 0, 0, 0}, 4: {0, 1, 0, 0}, 13: {0, 1, 0, 0}, 15: {1, 1, 0, 0}, 42: {1, 1, 0, 0}, 46: {1, 1, 0, 1}, 89: {1, 1, 0, 2}, 91: {1, 1, 1, 2}} {
		facts, err := Inspect(ctx, h, InspectConfig{Folder: folder, Now: func() time.Time { return begun.Add(time.Duration(days) * 24 * time.Hour) }})
		if err != nil {
			t.Fatal(err)
		}
		p := facts.Practice("t_here")
		if p.FormsLate != want[0] || p.EmergenciesDue != want[1] || p.AccessLate != want[2] || p.ActivityGaps != want[3] {
			t.Errorf("after %d days %d forms, %d emergency accesses and %d confirmations are late, and %d periods unsigned, want %v", days, p.FormsLate, p.EmergenciesDue, p.AccessLate, p.ActivityGaps, want)
		}
	}
}
