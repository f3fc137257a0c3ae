package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testChangePerson(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	add := func(role string) hub.Person {
		t.Helper()
		p := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: role, Login: newID("login"), CreatedAt: 1}
		must(t, store.AddPerson(ctx, p))
		return p
	}
	keep := func(*hub.Person, bool) error { return nil }
	t.Run("what is changed is kept, and the rest stays", func(t *testing.T) {
		p := add("nurse")
		got, err := store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, last bool) error {
			if last {
				t.Error("a nurse is the last administrator")
			}
			p.Queues, p.Name, p.Login = []string{"refills"}, "Somebody Else", "other"
			return nil
		})
		must(t, err)
		p.Queues = []string{"refills"}
		same(t, got, p)
		got, err = store.Person(ctx, here.id, p.ID)
		must(t, err)
		same(t, got, p)
	})
	t.Run("who disabled a person is kept", func(t *testing.T) {
		p := add("nurse")
		for _, directory := range []bool{true, false} {
			got, err := store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, _ bool) error {
				p.DisabledAt, p.DisabledByDirectory = 5, directory
				return nil
			})
			must(t, err)
			same(t, got.DisabledByDirectory, directory)
		}
		p = hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Queues: []string{}, DisabledAt: 5, DisabledByDirectory: true}
		must(t, store.AddPerson(ctx, p))
		got, err := store.Person(ctx, here.id, p.ID)
		must(t, err)
		same(t, got, p)
	})
	t.Run("a new role ends all access", func(t *testing.T) {
		d := here.device(api.KindStaff)
		must(t, store.AddStaffSession(ctx, hub.StaffSession{Token: newToken(), Practice: here.id, Person: d.Person, ExpiresAt: 1 << 40}))
		_, err := store.ChangePerson(ctx, here.id, d.Person, 5, keep)
		must(t, err)
		known, err := store.Device(ctx, here.id, d.ID)
		must(t, err)
		if known.RevokedAt != 0 {
			t.Error("a device was revoked although nothing changed")
		}
		_, err = store.ChangePerson(ctx, here.id, d.Person, 5, func(p *hub.Person, _ bool) error { p.Role = "supervisor"; return nil })
		must(t, err)
		known, err = store.Device(ctx, here.id, d.ID)
		must(t, err)
		if known.RevokedAt != 5 {
			t.Errorf("the device was revoked at %d, want 5", known.RevokedAt)
		}
	})
	t.Run("a refusal changes nothing", func(t *testing.T) {
		p, refusal := add("nurse"), errors.New("no")
		_, err := store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, _ bool) error { p.Role = "auditor"; return refusal })
		wants(t, err, refusal)
		got, err := store.Person(ctx, here.id, p.ID)
		must(t, err)
		same(t, got, p)
	})
	t.Run("another practice's person is not there", func(t *testing.T) {
		_, err := store.ChangePerson(ctx, elsewhere.id, add("nurse").ID, 5, keep)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("two administrators who remove each other leave one", func(t *testing.T) {
		refusal := errors.New("the last one stays")
		for range 10 {
			pair := []hub.Person{add("administrator"), add("administrator")}
			var wait sync.WaitGroup
			failed := make([]error, len(pair))
			for i, p := range pair {
				wait.Go(func() {
					_, failed[i] = store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, last bool) error {
						if last {
							return refusal
						}
						p.DisabledAt = 5
						return nil
					})
				})
			}
			wait.Wait()
			if (failed[0] == nil) == (failed[1] == nil) {
				t.Fatalf("got %v and %v, want one refusal", failed[0], failed[1])
			}
			for i, p := range pair { // for the next round
				if failed[i] != nil {
					_, err := store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, _ bool) error { p.Role = "nurse"; return nil })
					must(t, err)
				}
			}
		}
	})
}
