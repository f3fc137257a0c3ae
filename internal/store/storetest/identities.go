package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testIdentities(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	a, b := c.device(api.KindStaff), c.device(api.KindStaff)
	const issuer = "https://login.example"
	link := hub.IdentityLink{Practice: c.id, Issuer: issuer, Subject: "sub-a", Person: a.Person, Way: hub.LinkedByOwner, CreatedAt: 7}
	must(t, store.LinkIdentity(ctx, link, nil))
	taken := link
	taken.Person = b.Person
	if err := store.LinkIdentity(ctx, taken, nil); !errors.Is(err, hub.ErrExists) {
		t.Errorf("one identity of two people: %v", err)
	}
	second := link
	second.Subject = "sub-other"
	if err := store.LinkIdentity(ctx, second, nil); !errors.Is(err, hub.ErrExists) {
		t.Errorf("one person with two identities: %v", err)
	}
	elsewhere := link
	elsewhere.Practice, elsewhere.Person = other.id, newID("p")
	must(t, store.LinkIdentity(ctx, elsewhere, nil))
	got, err := store.IdentityLink(ctx, c.id, issuer, "sub-a")
	must(t, err)
	equal(t, got, link)
	got, err = store.IdentityOf(ctx, c.id, a.Person, issuer)
	must(t, err)
	equal(t, got, link)
	for name, err := range map[string]error{
		"another issuer":  errorOf(store.IdentityLink(ctx, c.id, "https://other.example", "sub-a")),
		"another subject": errorOf(store.IdentityLink(ctx, c.id, issuer, "SUB-A")),
		"another person":  errorOf(store.IdentityOf(ctx, c.id, b.Person, issuer)),
	} {
		if !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, store.UnlinkIdentity(ctx, c.id, a.Person, issuer))
	if err := store.UnlinkIdentity(ctx, c.id, a.Person, issuer); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("unlinked twice: %v", err)
	}
	if _, err := store.IdentityLink(ctx, other.id, issuer, "sub-a"); err != nil {
		t.Errorf("another practice's link went too: %v", err)
	}
	testProviderSessions(t, store, c.id, issuer, a.Person, b.Person)
}

func errorOf[T any](_ T, err error) error { return err }

func testProviderSessions(t *testing.T, store hub.Store, practice, issuer, a, b string) {
	ctx := t.Context()
	open := func(person, subject, sid string) hub.StaffSession {
		s := hub.StaffSession{Token: newToken(), ID: newID("s"), Practice: practice, Person: person, Method: hub.MethodSSO, ExpiresAt: 1000}
		if subject != "" {
			s.Provider = hub.ProviderSession{Issuer: issuer, Subject: subject, Sid: sid, Hint: []byte("sealed")}
		}
		must(t, store.AddStaffSession(ctx, s))
		s.Provider.Hint = nil // SessionHint alone reads it
		return s
	}
	first, second, others, local := open(a, "sub-a", "sid-1"), open(a, "sub-a", "sid-2"), open(b, "sub-b", "sid-3"), open(a, "", "")
	got, err := store.StaffSession(ctx, first.Token, 1)
	must(t, err)
	equal(t, got, first)
	hint, err := store.SessionHint(ctx, first.ID)
	must(t, err)
	if string(hint) != "sealed" {
		t.Errorf("the hint is %q", hint)
	}
	if hint, err := store.SessionHint(ctx, local.ID); err != nil || len(hint) != 0 {
		t.Errorf("a session without one: %q, %v", hint, err)
	}
	end := func(subject, sid string) (ended []string) {
		t.Helper()
		all, err := store.EndProviderSessions(ctx, practice, issuer, subject, sid)
		must(t, err)
		for _, s := range all {
			ended = append(ended, s.ID)
		}
		return ended
	}
	if got := end("sub-b", "sid-1"); got != nil {
		t.Errorf("another's sid ended %v", got)
	}
	equal(t, end("sub-a", "sid-1"), []string{first.ID})
	must(t, store.SetSessionProvider(ctx, second.ID, hub.ProviderSession{Issuer: issuer, Subject: "sub-a", Sid: "sid-9"}))
	equal(t, end("", "sid-9"), []string{second.ID})
	equal(t, end("sub-b", ""), []string{others.ID})
	if _, err := store.StaffSession(ctx, local.Token, 1); err != nil {
		t.Errorf("a session of our own went too: %v", err)
	}
	for _, gone := range []hub.StaffSession{first, second, others} {
		if _, err := store.StaffSession(ctx, gone.Token, 1); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("an ended session: %v", err)
		}
	}
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}
