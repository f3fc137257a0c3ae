package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// testAccessReviews: who confirmed what is kept as it was then, all of a call or
// nothing.
func testAccessReviews(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	for _, now := range []int64{5000, 6000} { // the second who asks learns of the first
		if at, err := store.ReviewsBegan(ctx, here.id, now); err != nil || at != 5000 {
			t.Errorf("began %d, %v", at, err)
		}
	}
	staff := func(role string) hub.Person {
		p := hub.Person{
			ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: role, Login: newID("login"), Queues: []string{"nurse"}, CreatedAt: 1,
		}
		must(t, store.AddPerson(ctx, p))
		return p
	}
	kim, lee, other := staff("nurse"), staff("billing"), here.device(api.KindPatient).Person
	confirm := func(at int64) (func(p hub.Person) (hub.AccessReview, error), *[]hub.AccessReview) {
		var made []hub.AccessReview
		return func(p hub.Person) (hub.AccessReview, error) {
			r := hub.AccessReview{
				ID: newID("v"), Practice: p.Practice, Person: p.ID, Role: p.Role, Queues: p.Queues, Departments: p.Departments, Reviewer: "p_boss", ReviewedAt: at,
			}
			made = append(made, r)
			return r, nil
		}, &made
	}
	lists := func(what string, since int64, limit int, want ...hub.AccessReview) {
		t.Helper()
		got, err := store.AccessReviews(ctx, here.id, since, limit)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	add, made := confirm(1000)
	must(t, store.ConfirmAccess(ctx, here.id, []string{kim.ID}, add))
	first := (*made)[0]
	if first.Role != "nurse" || len(first.Queues) != 1 {
		t.Errorf("confirmed %+v", first)
	}
	lists("kept", 0, 10, first)

	add, _ = confirm(1500)
	no := errors.New("no")
	wants(t, store.ConfirmAccess(ctx, here.id, []string{lee.ID, kim.ID}, func(p hub.Person) (hub.AccessReview, error) {
		if p.ID == kim.ID {
			return hub.AccessReview{}, no
		}
		return add(p)
	}), no)
	wants(t, store.ConfirmAccess(ctx, here.id, []string{lee.ID, newID("p")}, add), hub.ErrNotFound)
	wants(t, store.ConfirmAccess(ctx, elsewhere.id, []string{lee.ID}, add), hub.ErrNotFound)
	lists("none of a call that was refused", 0, 10, first)

	add, made = confirm(2000)
	must(t, store.ConfirmAccess(ctx, here.id, []string{kim.ID, lee.ID}, add))
	again, lees := (*made)[0], (*made)[1]
	newest, next := again, lees
	if lees.ID < again.ID {
		newest, next = lees, again
	}
	lists("all", 0, 10, newest, next, first)
	lists("of late", 2000, 10, newest, next)
	lists("the newest", 0, 1, newest)
	last, err := store.AccessConfirmed(ctx, here.id)
	if diff := cmp.Diff(map[string]hub.AccessReview{kim.ID: again, lee.ID: lees}, last); err != nil || diff != "" {
		t.Errorf("last: %v\n%s", err, diff)
	}
	last, err = store.AccessConfirmed(ctx, elsewhere.id)
	if err != nil || len(last) != 0 {
		t.Errorf("elsewhere: %v %v", last, err)
	}

	for i, n := range []hub.SignIn{
		{Person: kim.ID, At: 10, Outcome: hub.OutcomeSignedIn},
		{Person: kim.ID, At: 20, Outcome: hub.OutcomeSignedIn},
		{Person: kim.ID, At: 30, Outcome: "wrong"},
		{Person: other, At: 40, Outcome: hub.OutcomeSignedIn},
	} {
		n.ID, n.Practice = newID("n"), here.id
		if err := store.AddSignIn(ctx, n); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	ins, err := store.LastSignIns(ctx, here.id)
	if diff := cmp.Diff(map[string]int64{kim.ID: 20}, ins); err != nil || diff != "" {
		t.Errorf("sign-ins: %v\n%s", err, diff)
	}
}

// testActivityReviews: a time is signed off once, and what the log has of it is
// counted.
func testActivityReviews(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	sign := func(practice string, from, until int64) error {
		return store.AddActivityReview(ctx, hub.ActivityReview{Practice: practice, From: from, Until: until, Reviewer: "p_sam", Note: "she \"looked\"", SignedAt: until + 5})
	}
	must(t, sign(here.id, 2000, 3000))
	for _, taken := range [][2]int64{{2000, 3000}, {1000, 2001}, {2999, 4000}, {2100, 2200}, {1000, 9000}} {
		wants(t, sign(here.id, taken[0], taken[1]), hub.ErrConflict)
	}
	must(t, sign(elsewhere.id, 2000, 3000))
	must(t, sign(here.id, 1000, 2000))
	of := func(from, until int64) hub.ActivityReview {
		return hub.ActivityReview{Practice: here.id, From: from, Until: until, Reviewer: "p_sam", Note: "she \"looked\"", SignedAt: until + 5}
	}
	for since, want := range map[int64][]hub.ActivityReview{0: {of(1000, 2000), of(2000, 3000)}, 1001: {of(2000, 3000)}, 5000: nil} {
		got, err := store.ActivityReviews(ctx, here.id, since)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("since %d: %v\n%s", since, err, diff)
		}
	}

	here.record(60) // three kinds by turns, from 1000 on, a millisecond apart
	_, err := store.GrowLog(ctx, here.id, 100)
	must(t, err)
	counts, err := store.CountLog(ctx, here.id, []string{"conversation.opened", "file.downloaded", "sign-in.refused"}, 1000, 1030)
	if diff := cmp.Diff(map[string]int64{"conversation.opened": 10, "file.downloaded": 10}, counts); err != nil || diff != "" {
		t.Errorf("counts: %v\n%s", err, diff)
	}
	counts, err = store.CountLog(ctx, elsewhere.id, []string{"conversation.opened"}, 0, 9000)
	if err != nil || len(counts) != 0 {
		t.Errorf("elsewhere: %v %v", counts, err)
	}
}
