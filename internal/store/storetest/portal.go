package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

func testPortalAccounts(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	d, e := c.device(api.KindPatient), c.device(api.KindPatient)
	seen := hub.PortalAccount{Practice: c.id, Account: []byte("a"), Person: d.Person, Device: d.ID, At: 5}
	must(t, store.SeePortalAccount(ctx, seen))
	of := func(person string) []hub.PortalAccount {
		t.Helper()
		all, err := store.PortalAccountsOf(ctx, c.id, person)
		must(t, err)
		return all
	}
	if diff := cmp.Diff([]hub.PortalAccount{seen}, of(d.Person)); diff != "" {
		t.Error(diff)
	}
	for name, err := range map[string]error{
		"another practice":  errorOf(store.PortalAccount(ctx, other.id, seen.Account)),
		"another account":   errorOf(store.PortalAccount(ctx, c.id, []byte("b"))),
		"nothing to remove": store.DropPortalAccounts(ctx, c.id, d.Person, "p_staff"),
	} {
		if !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	linked := seen
	linked.Record, linked.Staff = "r_1", "p_staff"
	must(t, store.SeePortalAccount(ctx, linked))
	// Seen again by somebody else's device, with nothing said: what was said stands.
	moved := hub.PortalAccount{Practice: c.id, Account: []byte("a"), Person: e.Person, Device: e.ID, At: 9}
	must(t, store.SeePortalAccount(ctx, moved))
	moved.Record, moved.Staff = "r_1", "p_staff"
	got, err := store.PortalAccount(ctx, c.id, seen.Account)
	must(t, err)
	equal(t, got, moved)
	second := hub.PortalAccount{Practice: c.id, Account: []byte("b"), Record: "r_1", Person: d.Person, Device: d.ID, At: 9}
	if err := store.SeePortalAccount(ctx, second); !errors.Is(err, hub.ErrExists) {
		t.Errorf("two accounts of one record: %v", err)
	}
	second.Practice = other.id
	must(t, store.SeePortalAccount(ctx, second))

	// Whoever has shown by it who they are has it too, until it is dropped.
	proof := func(d hub.Device, by proofing.Method, record string) hub.Verification {
		return hub.Verification{Practice: c.id, Person: d.Person, Device: d.ID, Record: record, Proof: proofing.Proof{Level: by.Level(), Method: by, Until: 99}}
	}
	must(t, store.SeePortalAccount(ctx, moved, proof(d, proofing.Portal, "r_1")))
	// A proof that is refused leaves no account either.
	third := hub.PortalAccount{Practice: c.id, Account: []byte("c"), Record: "r_3", Person: d.Person, Device: d.ID}
	wants(t, store.SeePortalAccount(ctx, third, proof(d, proofing.Portal, "r_3")), hub.ErrOtherPatient)
	wants(t, errorOf(store.PortalAccount(ctx, c.id, third.Account)), hub.ErrNotFound)
	must(t, store.PutVerification(ctx, proof(d, proofing.PIN, "r_1")))
	must(t, store.PutVerification(ctx, proof(e, proofing.Portal, "r_1")))
	if len(of(d.Person)) != 1 || len(of(e.Person)) != 1 {
		t.Errorf("%v, %v", of(d.Person), of(e.Person))
	}
	// A passkey that was added then says the record too, and its proof takes the
	// place of the portal's.
	for name, record := range map[string]string{"rests on it": "r_1", "does not": "r_2"} {
		f := hub.Factor{Practice: c.id, ID: newID("f"), Person: d.Person, Kind: hub.FactorPasskey, Name: name, Credential: []byte(name), Key: []byte("k"), Record: record}
		must(t, store.AddFactor(ctx, f))
	}
	must(t, store.PutVerification(ctx, proof(d, proofing.Passkey, "r_1")))
	if len(of(d.Person)) != 1 {
		t.Errorf("after the passkey was used: %v", of(d.Person))
	}
	must(t, store.DropPortalAccounts(ctx, c.id, d.Person, "p_other"))
	got, err = store.PortalAccount(ctx, c.id, seen.Account)
	must(t, err)
	moved.Record, moved.Staff = "", "p_other"
	equal(t, got, moved)
	left, err := store.VerificationsOf(ctx, c.id, []string{d.Person, e.Person})
	must(t, err)
	if len(left) != 1 || left[0].Method != proofing.PIN {
		t.Errorf("what the account proved is left: %+v", left)
	}
	factors, err := store.FactorsOf(ctx, c.id, d.Person)
	must(t, err)
	for _, f := range factors {
		if want := map[string]string{"does not": "r_2"}[f.Name]; f.Record != want {
			t.Errorf("a passkey that %s says %q", f.Name, f.Record)
		}
	}
}
