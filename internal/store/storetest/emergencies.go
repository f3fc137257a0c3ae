package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// testEmergencies: each is kept, ends once, and is reviewed by another (T47).
func testEmergencies(t *testing.T, store hub.Store) {
	ctx := t.Context()
	here, elsewhere := newID("t"), newID("t")
	add := func(practice string, at int64) hub.Emergency {
		e := hub.Emergency{
			ID: newID("e"), Practice: practice, Conversation: newID("c"), Queue: "nurse", Patient: newID("p"), Person: newID("p"),
			Reason: "danger", Words: "she \"may\" fall", OpenedAt: at, EndsAt: at + 10, DueAt: at + 100,
		}
		if _, err := store.OpenEmergency(ctx, e, nil); err != nil {
			t.Fatal(err)
		}
		return e
	}
	first, last, other := add(here, 1000), add(here, 2000), add(elsewhere, 1500)
	lists := func(name string, got []hub.Emergency, err error, want ...hub.Emergency) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	got, err := store.Emergencies(ctx, here, 0, 10)
	lists("of a practice", got, err, last, first)
	got, err = store.Emergencies(ctx, here, 0, 1)
	lists("the newest", got, err, last)
	got, err = store.Emergencies(ctx, here, 2000, 10)
	lists("of late", got, err, last)
	got, err = store.UnreviewedEmergencies(ctx, here)
	lists("that nobody reviewed", got, err, first, last)
	got, err = store.LastingEmergencies(ctx, here)
	lists("that last", got, err, last, first)
	ending := func(now int64) (mine []hub.Emergency) {
		t.Helper()
		all, err := store.EndingEmergencies(ctx, now, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all { // the store is shared with other tests
			if e.Practice == here || e.Practice == elsewhere {
				mine = append(mine, e)
			}
		}
		return mine
	}
	lists("before their time", ending(1009), nil)
	lists("over", ending(2010), nil, first, other, last)
	for _, at := range []int64{1010, 9999} {
		if _, err := store.EndEmergency(ctx, first, at, nil); err != nil {
			t.Fatal(err)
		}
	}
	first.EndedAt = 1010
	got, err = store.LastingEmergencies(ctx, here)
	lists("that still last", got, err, last)
	lists("ended", ending(2010), nil, other, last)

	review := hub.EmergencyReview{Verdict: hub.VerdictLook, Note: "why?", Reviewer: newID("p"), At: 3000}
	if _, err := store.ReviewEmergency(ctx, elsewhere, first.ID, review); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("review of another practice's: %v", err)
	}
	own := review
	own.Reviewer = first.Person
	if _, err := store.ReviewEmergency(ctx, here, first.ID, own); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("review of one's own: %v", err)
	}
	for _, verdict := range []string{hub.VerdictLook, hub.VerdictFine} {
		review.Verdict = verdict
		first.Verdict, first.Note, first.Reviewer, first.ReviewedAt = verdict, review.Note, review.Reviewer, review.At
		got, err := store.ReviewEmergency(ctx, here, first.ID, review)
		lists("reviewed", []hub.Emergency{got}, err, first)
	}
	got, err = store.UnreviewedEmergencies(ctx, here)
	lists("that nobody reviewed yet", got, err, last)
	if _, err := store.ReviewEmergency(ctx, here, first.ID, review); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("review of what was found fine: %v", err)
	}

	// Who may go in and the record of it are one, and so is the end of both.
	c := newClinic(t, store)
	patient, nurse := c.device(api.KindPatient), c.device(api.KindStaff)
	v := c.conversation(patient, c.device(api.KindService))
	e := hub.Emergency{
		ID: newID("e"), Practice: c.id, Conversation: v.ID, Queue: "nurse", Patient: patient.Person, Person: nurse.Person,
		Reason: "danger", Words: "she may fall", OpenedAt: 1, EndsAt: 10, DueAt: 100,
	}
	no := func(*hub.Conversation) error { return hub.ErrForbidden }
	opening := store.Recording(c.event(audit.EmergencyOpened, e.ID).In(v.ID, patient.Person))
	_, err = opening.OpenEmergency(ctx, e, no)
	wants(t, err, hub.ErrForbidden)
	got, err = store.LastingEmergencies(ctx, c.id)
	lists("after a refusal", got, err)
	same(t, len(c.waiting()), 0)
	after, err := opening.OpenEmergency(ctx, e, func(v *hub.Conversation) error {
		v.Participants = append(v.Participants, hub.Participant{Person: nurse.Person, Wanted: true})
		return nil
	})
	must(t, err)
	same(t, load(t, store, v).Participants, after.Participants)
	same(t, len(after.Participants), len(v.Participants)+1)
	ended := store.Recording(c.event(audit.EmergencyEnded, e.ID).In(v.ID, patient.Person))
	_, err = ended.EndEmergency(ctx, e, 50, no)
	wants(t, err, hub.ErrForbidden)
	got, err = store.LastingEmergencies(ctx, c.id)
	lists("that did not end", got, err, e)
	_, err = ended.EndEmergency(ctx, e, 50, nil)
	must(t, err)
	same(t, pick(c.waiting(), func(e audit.Event) audit.Kind { return e.Kind }), []audit.Kind{audit.EmergencyOpened, audit.EmergencyEnded})
}
