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
	both := of(d, proofing.InPerson, 85, 1085)
	both.Staff, vouched.Staff = "p_staff", "p_staff"
	testWrongRecord(t, store, c, both, vouched, one)
	if diff := cmp.Diff([]hub.Verification{contact, away, both, vouched}, list(c.id, d.Person)); diff != "" {
		t.Errorf("once the record is said to be wrong: %s", diff)
	}
	one.Record = "r_3"
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
	// Staff who vouch for somebody do not bring back what had lapsed: they did not
	// see it. What holds they did.
	one.At, one.Until = 80, 90
	must(t, store.PutVerification(ctx, one))
	for until, want := range map[int64]string{90: "", 91: "r_3"} {
		one.Until = until
		must(t, store.PutVerification(ctx, one))
		must(t, store.PutVerification(ctx, of(second, proofing.InPerson, 90, 1090)))
		if got := list(c.id, d.Person); got[len(got)-1].Record != want {
			t.Errorf("vouched for as a record lapses at %d: %+v", until, got)
		}
	}
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

// testWrongRecord has staff say, as they vouch for two devices, that the record
// is wrong which was shown before.
func testWrongRecord(t *testing.T, store hub.Store, c *clinic, one, two, before hub.Verification) {
	t.Helper()
	ctx := t.Context()
	key := hub.Factor{Practice: c.id, ID: newID("f"), Person: one.Person, Kind: hub.FactorPasskey, Credential: []byte("wrong"), Key: []byte("k"), Record: "r_key"}
	must(t, store.AddFactor(ctx, key))
	account := hub.PortalAccount{Practice: c.id, Account: []byte("wrong"), Record: "r_portal", Person: one.Person, Device: one.Device, Staff: "p_before"}
	must(t, store.SeePortalAccount(ctx, account))

	one.WrongRecord, two.WrongRecord = true, true
	both := two
	both.Record, both.Staff = "r_1", "" // no staff: refused, after the first was put
	wants(t, store.PutVerification(ctx, one, both), hub.ErrOtherPatient)
	if wrong, err := store.SaidWrong(ctx, c.id, one.Person, "r_1"); wrong || err != nil {
		t.Errorf("half of it was stored: %v", err)
	}
	must(t, store.PutVerification(ctx, one, two))
	for _, record := range []string{"r_1", "r_key", "r_portal"} {
		if wrong, err := store.SaidWrong(ctx, c.id, one.Person, record); !wrong || err != nil {
			t.Errorf("%s is not said to be wrong: %v", record, err)
		}
		before.Record = record
		wants(t, store.PutVerification(ctx, before), hub.ErrOtherPatient)
	}
	if wrong, err := store.SaidWrong(ctx, c.id, newID("p"), "r_1"); wrong || err != nil {
		t.Errorf("said of somebody else: %v", err)
	}
	left, err := store.PortalAccount(ctx, c.id, account.Account)
	must(t, err)
	same(t, left.Record+left.Staff, "p_staff") // so that no number gives it back
	account.Staff = ""                         // a sign-in that had read the account before
	wants(t, store.SeePortalAccount(ctx, account), hub.ErrOtherPatient)
	// Staff who name the record take it back.
	before.Record, before.Staff, before.Device = "r_1", "p_staff", newID("d")
	must(t, store.PutVerification(ctx, before))
	if wrong, err := store.SaidWrong(ctx, c.id, one.Person, "r_1"); wrong || err != nil {
		t.Errorf("what staff took back is still said: %v", err)
	}
	must(t, store.PutVerification(ctx, two))
}
