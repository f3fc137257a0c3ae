package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		if err := store.AddEmergency(ctx, e); err != nil {
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
		if err := store.EndEmergency(ctx, here, first.ID, at); err != nil {
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
}
