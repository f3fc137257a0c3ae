package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/internal/audit/alert"
	"github.com/sotto-health/sotto/internal/hub"
)

// testAlerts: how far a log was searched moves from where it was, with what was
// found; each is reviewed by another (T42).
func testAlerts(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store).id, newClinic(t, store).id
	found := func(practice string, at int64) hub.Alert {
		return hub.Alert{
			ID: newID("a"), Practice: practice, RaisedAt: at,
			Alert: alert.Alert{Rule: alert.Watched, Person: newID("p"), Patient: newID("p"), Day: "2026-11-29", At: at - 5, Leaf: 7, Count: 3},
		}
	}
	search, err := store.LogSearch(ctx, here)
	if diff := cmp.Diff(hub.LogSearch{}, search); err != nil || diff != "" {
		t.Errorf("before the first: %v\n%s", err, diff)
	}
	first, last := found(here, 1000), found(here, 2000)
	must(t, store.SaveLogSearch(ctx, here, 0, hub.LogSearch{Position: 10, State: []byte(`{"people":{}}`)}, []hub.Alert{first}))
	wants(t, store.SaveLogSearch(ctx, here, 0, hub.LogSearch{Position: 20}, []hub.Alert{found(here, 1)}), hub.ErrConflict)
	must(t, store.SaveLogSearch(ctx, here, 10, hub.LogSearch{Position: 20, State: []byte(`{"people":{"p":{}}}`)}, []hub.Alert{last}))
	must(t, store.SaveLogSearch(ctx, elsewhere, 0, hub.LogSearch{Position: 5, State: []byte(`{}`)}, []hub.Alert{found(elsewhere, 1500)}))
	search, err = store.LogSearch(ctx, here)
	if diff := cmp.Diff(hub.LogSearch{Position: 20, State: []byte(`{"people":{"p":{}}}`)}, search); err != nil || diff != "" {
		t.Errorf("then: %v\n%s", err, diff)
	}
	lists := func(name string, got []hub.Alert, err error, want ...hub.Alert) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	got, err := store.Alerts(ctx, here, 0, 10)
	lists("all", got, err, last, first)
	got, err = store.Alerts(ctx, here, 0, 1)
	lists("the newest", got, err, last)
	got, err = store.Alerts(ctx, here, 1001, 10)
	lists("of late", got, err, last)
	got, err = store.OpenAlerts(ctx, here)
	lists("open", got, err, first, last)
	for person, want := range map[string]int{first.Person: 1, newID("p"): 2} {
		if n, err := store.CountOpenAlerts(ctx, here, person); err != nil || n != want {
			t.Errorf("%d are open (%v), want %d", n, err, want)
		}
	}

	look := hub.AlertReview{Verdict: hub.VerdictLook, Note: "I \"ask\"", Reviewer: newID("p"), ReviewedAt: 3000}
	_, err = store.ReviewAlert(ctx, here, first.ID, hub.AlertReview{Verdict: hub.VerdictFine, Reviewer: first.Person})
	wants(t, err, hub.ErrForbidden)
	_, err = store.ReviewAlert(ctx, elsewhere, first.ID, look)
	wants(t, err, hub.ErrNotFound)
	reviewed, err := store.ReviewAlert(ctx, here, first.ID, look)
	first.AlertReview = look
	lists("reviewed", []hub.Alert{reviewed}, err, first)
	look.Verdict = hub.VerdictFine
	_, err = store.ReviewAlert(ctx, here, first.ID, look)
	must(t, err)
	_, err = store.ReviewAlert(ctx, here, first.ID, look)
	wants(t, err, hub.ErrConflict)
	first.AlertReview = look
	got, err = store.OpenAlerts(ctx, here)
	lists("still open", got, err, last)
	got, err = store.Alerts(ctx, here, 0, 10)
	lists("all, once reviewed", got, err, last, first)
}

// testPatientWatches: of a patient and a person there is one.
func testPatientWatches(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newID("t"), newID("t")
	watch := func(practice, patient, person string, at int64) hub.PatientWatch {
		return hub.PatientWatch{ID: newID("w"), Practice: practice, Watch: alert.Watch{Patient: patient, Person: person}, Reason: "family", AddedBy: newID("p"), AddedAt: at}
	}
	all, pair, other := watch(here, "p_a", "", 10), watch(here, "p_a", "p_kim", 20), watch(elsewhere, "p_a", "", 5)
	for _, w := range []hub.PatientWatch{all, pair, other} {
		must(t, store.AddPatientWatch(ctx, w))
	}
	wants(t, store.AddPatientWatch(ctx, watch(here, "p_a", "p_kim", 30)), hub.ErrExists)
	lists := func(want ...hub.PatientWatch) {
		t.Helper()
		got, err := store.PatientWatches(ctx, here)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	lists(all, pair)
	got, err := store.PatientWatch(ctx, here, pair.ID)
	if diff := cmp.Diff(pair, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	_, err = store.PatientWatch(ctx, here, other.ID)
	wants(t, err, hub.ErrNotFound)
	wants(t, store.EndPatientWatch(ctx, here, other.ID), hub.ErrNotFound)
	must(t, store.EndPatientWatch(ctx, here, all.ID))
	wants(t, store.EndPatientWatch(ctx, here, all.ID), hub.ErrNotFound)
	lists(pair)
}
