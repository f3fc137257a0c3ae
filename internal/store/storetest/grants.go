package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// testGrants: what takes two is asked for once, answered once, and done with the
// answer or not at all.
func testGrants(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	p := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: "nurse", Login: newID("login"), CreatedAt: 1}
	must(t, store.AddPerson(ctx, p))
	ask := func(kind string, at int64) (hub.GrantRequest, error) {
		r := hub.GrantRequest{
			ID: newID("q"), Practice: here.id, Kind: kind, Person: p.ID, Role: "supervisor", Was: "nurse", Requester: "p_boss", Reason: "she leads the ward",
			RequestedAt: at, ExpiresAt: at + 100,
		}
		return r, store.AddGrantRequest(ctx, r)
	}
	ids := func(all []hub.GrantRequest, err error) (ids []string) {
		t.Helper()
		must(t, err)
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return ids
	}
	is := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	first, err := ask(hub.GrantRole, 1000)
	must(t, err)
	_, err = ask(hub.GrantRole, 1050)
	wants(t, err, hub.ErrExists)
	link, err := ask(hub.GrantLink, 1060)
	must(t, err)
	got, err := store.GrantRequest(ctx, here.id, first.ID)
	must(t, err)
	if got != first {
		t.Errorf("kept %+v, want %+v", got, first)
	}
	_, err = store.GrantRequest(ctx, elsewhere.id, first.ID)
	wants(t, err, hub.ErrNotFound)
	is("open", ids(store.OpenGrantRequests(ctx, here.id, 1070)), first.ID, link.ID)
	is("not lapsed", ids(store.OpenGrantRequests(ctx, here.id, 1100)), link.ID)
	is("of late", ids(store.GrantRequests(ctx, here.id, 1001, 10)), link.ID)
	is("all", ids(store.GrantRequests(ctx, here.id, 0, 10)), link.ID, first.ID)
	is("for the person", ids(store.GrantRequestsFor(ctx, here.id, p.ID)), link.ID, first.ID)
	is("elsewhere", ids(store.GrantRequests(ctx, elsewhere.id, 0, 10)))

	second, err := ask(hub.GrantRole, 1100) // the first has lapsed
	must(t, err)
	approve := hub.GrantDecision{Decision: hub.GrantApproved, Decider: "p_other", Note: "yes", At: 1110}
	grant := func(p *hub.Person, _ bool) error { p.Role = "supervisor"; return nil }
	_, err = store.DecideGrantRequest(ctx, here.id, first.ID, approve, grant)
	wants(t, err, hub.ErrConflict)
	_, err = store.DecideGrantRequest(ctx, elsewhere.id, second.ID, approve, grant)
	if err == nil {
		t.Error("another practice answers")
	}
	no := errors.New("no")
	_, err = store.DecideGrantRequest(ctx, here.id, second.ID, approve, func(*hub.Person, bool) error { return no })
	wants(t, err, no)
	is("still open", ids(store.OpenGrantRequests(ctx, here.id, 1110)), link.ID, second.ID)

	var both sync.WaitGroup
	answers := make([]error, 4)
	for i := range answers {
		both.Go(func() { _, answers[i] = store.DecideGrantRequest(ctx, here.id, second.ID, approve, grant) })
	}
	both.Wait()
	done := 0
	for _, err := range answers {
		if err == nil {
			done++
		} else if !errors.Is(err, hub.ErrConflict) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("answered %d times", done)
	}
	after, err := store.Person(ctx, here.id, p.ID)
	must(t, err)
	if after.Role != "supervisor" {
		t.Errorf("approved, and the role is %q", after.Role)
	}

	links := 0
	become := func(requester string, since int64) func(hub.Store) error {
		by := &hub.Agreement{Requester: requester, Since: since, At: 1130}
		return func(s hub.Store) error {
			if links++; links%2 == 0 {
				return s.AddSetUpLink(ctx, hub.SetUpLink{Token: newToken(), Practice: here.id, Person: p.ID, CreatedAt: 1130, ExpiresAt: 2000}, by)
			}
			return s.LinkIdentity(ctx, hub.IdentityLink{Practice: here.id, Issuer: "https://login.example", Subject: newID("s"), Person: p.ID, Way: hub.LinkedByAdministrator}, by)
		}
	}
	refused := func(do func(hub.Store) error) {
		t.Helper()
		wants(t, do(store), hub.ErrNotAgreed)
		wants(t, do(store), hub.ErrNotAgreed)
	}
	refused(become("p_boss", 0))
	_, err = store.DecideGrantRequest(ctx, here.id, link.ID, approve, nil)
	must(t, err)
	refused(become("p_other", 0))
	refused(become("p_boss", 1110))
	here.unwritten("an account is linked", become("p_boss", 1109))
	here.unwritten("a link is made", become("p_boss", 1109))
	must(t, become("p_boss", 1109)(store))
	refused(become("p_boss", 1109))
	used, err := store.GrantRequest(ctx, here.id, link.ID)
	must(t, err)
	if used.UsedAt != 1130 || used.Decider != "p_other" || used.Note != "yes" || used.DecidedAt != 1110 {
		t.Errorf("used: %+v", used)
	}
}
