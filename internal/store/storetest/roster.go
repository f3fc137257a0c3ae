package storetest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

func testRoster(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	entry := func(id, number, born string) hub.RosterEntry {
		return hub.RosterEntry{
			Practice: c.id, ID: id, Number: []byte(number), Born: []byte(born), Sealed: []byte("sealed " + id), PIN: []byte{},
			Facts: map[roster.Fact][]byte{roster.Phone: []byte("hash of " + id)},
		}
	}
	a, b := entry("r_1", "n1", "1984"), entry("r_2", "n2", "1984")
	must(t, store.PutRoster(ctx, c.id, []hub.RosterEntry{a, b, entry("r_3", "n3", "2001")}))
	byBorn := func(practice string) []hub.RosterEntry {
		t.Helper()
		all, err := store.RosterByBorn(ctx, practice, []byte("1984"))
		must(t, err)
		return all
	}
	if diff := cmp.Diff([]hub.RosterEntry{a, b}, byBorn(c.id)); diff != "" {
		t.Errorf("of a birthday: %s", diff)
	}
	if got := byBorn(other.id); len(got) != 0 {
		t.Errorf("another practice sees %v", got)
	}
	must(t, store.SetRosterPIN(ctx, c.id, "r_1", []byte("pin")))
	if err := store.SetRosterPIN(ctx, other.id, "r_1", []byte("pin")); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("another practice sets a PIN: %v", err)
	}
	changed := entry("r_9", "n1", "1984")
	must(t, store.PutRoster(ctx, c.id, []hub.RosterEntry{changed}))
	got, err := store.RosterByNumber(ctx, c.id, []byte("n1"))
	must(t, err)
	if got.ID != "r_1" || !bytes.Equal(got.Sealed, changed.Sealed) || string(got.PIN) != "pin" {
		t.Errorf("changed by its number: %+v", got)
	}
	must(t, store.PutRoster(ctx, c.id, []hub.RosterEntry{entry("r_9", "n1", "1985")}))
	if got, err := store.RosterEntry(ctx, c.id, "r_1"); err != nil || len(got.PIN) != 0 {
		t.Errorf("a PIN outlives the date of birth that it goes with: %+v, %v", got, err)
	}
	for practice, want := range map[string]bool{c.id: true, other.id: false} {
		if some, err := store.HasRoster(ctx, practice); some != want || err != nil {
			t.Errorf("somebody is on file: %v, %v", some, err)
		}
	}
}

func testContactCodes(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	d := c.device(api.KindPatient)
	code := func(id string, at int64) hub.ContactCode {
		return hub.ContactCode{
			Practice: c.id, ID: id, Device: d.ID, Channel: proofing.Email, Contact: []byte("who"), Sealed: []byte("sealed"),
			Code: []byte("right"), CreatedAt: at, ExpiresAt: at + 100,
		}
	}
	miss := func(id, device string, at int64) error {
		return store.MissContactCode(ctx, c.id, device, id, at, 2)
	}
	use := func(store hub.Store, id, device string, at int64) error {
		v := hub.Verification{Practice: c.id, Person: d.Person, Device: device, Proof: proofing.Proof{Level: proofing.Contact, Method: proofing.EmailCode, At: at, Until: at + 1000}}
		return store.UseContactCode(ctx, id, v, 2)
	}
	shown := func() int {
		all, err := store.VerificationsOf(ctx, c.id, []string{d.Person})
		must(t, err)
		return len(all)
	}
	old, now := newID("k"), newID("k")
	must(t, store.AddContactCode(ctx, code(old, 10)))
	must(t, store.AddContactCode(ctx, code(now, 20)))
	if last, err := store.LastContactCode(ctx, c.id, d.ID); err != nil || last.ID != now || last.Channel != proofing.Email {
		t.Errorf("%+v, %v", last, err)
	}
	for _, no := range []struct {
		why, id, device string
		at              int64
	}{
		{"an older one", old, d.ID, 30},
		{"another device's", now, "d_other", 30},
		{"one past its end", now, d.ID, 120},
		{"one of nobody", "k_none", d.ID, 30},
	} {
		if err := miss(no.id, no.device, no.at); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s is tried: %v", no.why, err)
		}
		if err := use(store, no.id, no.device, no.at); !errors.Is(err, hub.ErrNotFound) || shown() != 0 {
			t.Errorf("%s is used: %v", no.why, err)
		}
	}
	for range 3 {
		c.unwritten("a wrong code is counted", func(s hub.Store) error { return s.MissContactCode(ctx, c.id, d.ID, now, 30, 2) })
	}
	must(t, miss(now, d.ID, 30))
	c.unwritten("a code is used", func(s hub.Store) error { return use(s, now, d.ID, 31) })
	if shown() != 0 {
		t.Error("the patient is shown, and nothing says so")
	}
	var good atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if use(store, now, d.ID, 31) == nil {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if good.Load() != 1 || shown() != 1 {
		t.Errorf("a code was good %d times, and showed %d", good.Load(), shown())
	}
	third := newID("k")
	must(t, store.AddContactCode(ctx, code(third, 40)))
	for range 2 {
		must(t, miss(third, d.ID, 50))
	}
	if err := use(store, third, d.ID, 50); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("good after too many tries: %v", err)
	}
}

func testIdentityChecks(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	check := func(subject string, want hub.IdentityCheck) {
		t.Helper()
		got, err := store.IdentityCheck(ctx, c.id, subject)
		must(t, err)
		if got != want {
			t.Errorf("%s: %+v, want %+v", subject, got, want)
		}
	}
	check("a", hub.IdentityCheck{})
	count := func(now, since int64, want []int, subjects ...string) {
		t.Helper()
		got, err := store.CountIdentityFailure(ctx, c.id, subjects, now, since, func([]int) []audit.Event { return nil })
		must(t, err)
		if !slices.Equal(got, want) {
			t.Errorf("%v at %d: %v failures, want %v", subjects, now, got, want)
		}
	}
	count(100, 0, []int{1, 1}, "a", "b")
	count(200, 50, []int{2}, "a")
	check("a", hub.IdentityCheck{Failures: 2, BeganAt: 100})
	check("b", hub.IdentityCheck{Failures: 1, BeganAt: 100})
	// One a little before each end keeps no window open.
	count(250, 100, []int{3}, "a")
	count(260, 110, []int{1}, "a")
	check("a", hub.IdentityCheck{Failures: 1, BeganAt: 260})
	must(t, store.SetIdentityAsked(ctx, c.id, "a", 950))
	must(t, store.SetIdentityAsked(ctx, c.id, "c", 960))
	must(t, store.ClearIdentityFailures(ctx, c.id, []string{"a", "never seen"}, newID("p"), 1))
	check("a", hub.IdentityCheck{BeganAt: 260, AskedAt: 950})
	check("c", hub.IdentityCheck{AskedAt: 960})
	count(300, 200, []int{1, 1}, "a", "c")
	check("a", hub.IdentityCheck{Failures: 1, BeganAt: 300, AskedAt: 950})
	check("c", hub.IdentityCheck{Failures: 1, BeganAt: 300, AskedAt: 960})

	// What is recorded of a count is there with it, or neither is.
	waits := func() int {
		all, err := store.WaitingEvents(ctx, c.id, 1000)
		must(t, err)
		return len(all)
	}
	before := waits()
	for _, e := range []audit.Event{c.event(audit.HubStarted, ""), {}} {
		_, err := store.CountIdentityFailure(ctx, c.id, []string{"d"}, 400, 0, func(failures []int) []audit.Event {
			if !slices.Equal(failures, []int{1}) && !slices.Equal(failures, []int{2}) {
				t.Errorf("asked what to record of %v", failures)
			}
			return []audit.Event{e}
		})
		if (err == nil) != (e.Kind != "") {
			t.Errorf("with the event %q: %v", e.Kind, err)
		}
	}
	check("d", hub.IdentityCheck{Failures: 1, BeganAt: 400})
	if n := waits() - before; n != 1 {
		t.Errorf("%d events of one count", n)
	}
}
