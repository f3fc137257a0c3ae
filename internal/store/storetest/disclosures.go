package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/internal/hub"
)

// testDisclosures: each is kept under its patient, and is struck once.
func testDisclosures(t *testing.T, store hub.Store) {
	ctx := t.Context()
	here, elsewhere, ana := newID("t"), newID("t"), newID("p")
	add := func(practice, patient string, at int64) hub.Disclosure {
		d := hub.Disclosure{
			ID: newID("x"), Practice: practice, Patient: patient, At: at, RecordedAt: at + 5, Person: newID("p"), Source: "hand",
			Recipient: "County \"health\" department", Address: "1 Main St", What: "lab result", Purpose: "public-health",
		}
		if err := store.AddDisclosure(ctx, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	first, last := add(here, ana, 1000), add(here, ana, 2000)
	add(here, newID("p"), 1500)
	add(elsewhere, ana, 1500)
	theirs := add(here, newID("p"), 1700)
	lists := func(name string, q hub.DisclosureQuery, want ...hub.Disclosure) {
		t.Helper()
		q.Practice = here
		got, err := store.Disclosures(ctx, q)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	hers := hub.DisclosureQuery{Patients: []string{ana}}
	lists("of a patient", hers, last, first)
	lists("of late", hub.DisclosureQuery{Patients: []string{ana}, Since: 1001}, last)
	lists("of two", hub.DisclosureQuery{Patients: []string{ana, theirs.Patient}}, last, theirs, first)
	lists("hers, and some by their ids", hub.DisclosureQuery{Patients: []string{ana}, IDs: []string{theirs.ID, first.ID, newID("x")}}, last, theirs, first)
	lists("by their ids, of late", hub.DisclosureQuery{IDs: []string{theirs.ID, first.ID}, Since: 1001}, theirs)
	lists("of nobody", hub.DisclosureQuery{})

	by := hub.Strike{At: 3000, By: newID("p"), Why: "another patient's"}
	if _, err := store.StrikeDisclosure(ctx, elsewhere, first.ID, by); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("by another practice: %v", err)
	}
	got, err := store.StrikeDisclosure(ctx, here, first.ID, by)
	first.StruckAt, first.StruckBy, first.StruckWhy = by.At, by.By, by.Why
	if diff := cmp.Diff(first, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := store.StrikeDisclosure(ctx, here, first.ID, by); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("struck twice: %v", err)
	}
	lists("with what was struck", hers, last, first)
}
