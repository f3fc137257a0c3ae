package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

func testVerifications(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	d := c.device(api.KindPatient)
	second, stranger := c.further(d), c.device(api.KindPatient)
	of := func(d hub.Device, by proofing.Method, at, until int64) hub.Verification {
		return hub.Verification{Practice: c.id, Person: d.Person, Device: d.ID, Proof: proofing.Proof{Level: by.Level(), Method: by, At: at, Until: until}}
	}
	list := func(practice string, persons ...string) []hub.Verification {
		t.Helper()
		all, err := store.VerificationsOf(ctx, practice, persons)
		must(t, err)
		return all
	}
	contact, matched := of(d, proofing.EmailCode, 10, 1010), of(d, proofing.PIN, 20, 1020)
	matched.Record, matched.Staff, matched.Reason = "r_1", "p_staff", "reason"
	contact.Contact = []byte("hash of an address")
	away, foreign := of(second, proofing.SMSCode, 30, 1030), of(stranger, proofing.SMSCode, 40, 1040)
	for _, v := range []hub.Verification{contact, matched, away, foreign} {
		must(t, store.PutVerification(ctx, v))
	}
	if diff := cmp.Diff([]hub.Verification{contact, matched, away}, list(c.id, d.Person)); diff != "" {
		t.Errorf("of a person: %s", diff)
	}
	if got := list(c.id, d.Person, stranger.Person); len(got) != 4 {
		t.Errorf("of two persons: %d", len(got))
	}
	if got := list(other.id, d.Person); len(got) != 0 {
		t.Errorf("another practice sees %v", got)
	}
	again := of(d, proofing.Facts, 50, 1050)
	must(t, store.PutVerification(ctx, again))
	again.Record = "r_1" // who proves the level in another way is of the same record
	if diff := cmp.Diff([]hub.Verification{contact, away, again}, list(c.id, d.Person)); diff != "" {
		t.Errorf("a level proved anew takes the place of the old proof: %s", diff)
	}
	// Nobody becomes a second patient: not on another device, and not once the
	// first record has lapsed, nor when staff vouch: they say that it is wrong.
	one, two := of(second, proofing.PIN, 60, 70), of(d, proofing.Passkey, 80, 1080)
	one.Record, two.Record = "r_1", "r_2"
	must(t, store.PutVerification(ctx, one))
	if err := store.PutVerification(ctx, two); !errors.Is(err, hub.ErrOtherPatient) {
		t.Errorf("a second record: %v", err)
	}
	foreign.Record = "r_2"
	must(t, store.PutVerification(ctx, foreign)) // somebody else's may be any
	vouched := of(second, proofing.InPerson, 90, 1090)
	must(t, store.PutVerification(ctx, vouched))
	if err := store.PutVerification(ctx, two); !errors.Is(err, hub.ErrOtherPatient) {
		t.Errorf("a second record, as staff vouched for the first: %v", err)
	}
	vouched.WrongRecord = true
	must(t, store.PutVerification(ctx, vouched))
	vouched.WrongRecord = false
	if diff := cmp.Diff([]hub.Verification{contact, away, vouched}, list(c.id, d.Person)); diff != "" {
		t.Errorf("once the record is said to be wrong: %s", diff)
	}
	must(t, store.PutVerification(ctx, two))
	// Staff who let a patient try again have what lapsed forgotten, and no more.
	if err := store.PutVerification(ctx, one); !errors.Is(err, hub.ErrOtherPatient) {
		t.Errorf("the first record again: %v", err)
	}
	must(t, store.ClearIdentityFailures(ctx, c.id, []string{second.ID}, d.Person, two.Until-1))
	if err := store.PutVerification(ctx, one); !errors.Is(err, hub.ErrOtherPatient) {
		t.Errorf("after one more try, while the other holds: %v", err)
	}
	must(t, store.ClearIdentityFailures(ctx, c.id, []string{second.ID}, d.Person, two.Until))
	if got := list(c.id, d.Person); slices.ContainsFunc(got, func(v hub.Verification) bool { return v.Record != "" }) {
		t.Errorf("what lapsed is kept: %v", got)
	}
	must(t, store.PutVerification(ctx, one))
	must(t, store.ClearIdentityFailures(ctx, c.id, []string{second.ID}, d.Person, one.Until))
	must(t, store.PutVerification(ctx, of(second, proofing.InPerson, 90, 1090)))
	lapsed, err := store.LapsedVerifications(ctx, 1010, 1040, 1000)
	must(t, err)
	var mine []string
	for _, v := range lapsed {
		if v.Practice == c.id {
			mine = append(mine, v.Device)
		}
	}
	if diff := cmp.Diff([]string{second.ID, stranger.ID}, mine); diff != "" {
		t.Errorf("lapsed after the first and up to the last time: %s", diff)
	}
}
