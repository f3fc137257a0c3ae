package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testDirectories(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	token := hub.DirectoryToken{Token: newToken(), ID: newID("k"), Practice: c.id, Name: "Entra ID", Purpose: hub.ForWatch, CreatedAt: 5, ExpiresAt: 100}
	must(t, store.AddDirectoryToken(ctx, token))
	got, err := store.DirectoryToken(ctx, token.Token, 99)
	must(t, err)
	equal(t, got, token)
	if _, err := store.DirectoryToken(ctx, token.Token, 100); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("an expired token: %v", err)
	}
	all, err := store.DirectoryTokens(ctx, c.id)
	must(t, err)
	equal(t, all, []hub.DirectoryToken{token})
	if err := store.DeleteDirectoryToken(ctx, other.id, token.ID); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("another practice revokes: %v", err)
	}
	must(t, store.DeleteDirectoryToken(ctx, c.id, token.ID))
	if _, err := store.DirectoryToken(ctx, token.Token, 1); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a revoked token: %v", err)
	}

	followed := func(what string, want ...hub.Follower) {
		t.Helper()
		got, err := store.Followers(ctx, c.id)
		must(t, err)
		must(t, store.Followed(ctx, c.id, got))
		for i := range got {
			got[i].Mark = 0
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: to be followed are %v, not %v", what, got, want)
		}
	}
	g := hub.DirectoryGroup{ID: newID("g"), Practice: c.id, Name: "Nurses", ExternalID: "x", Members: []string{"p_1", "p_2"}, CreatedAt: 3}
	must(t, store.SaveDirectoryGroup(ctx, hub.DirectoryGroup{}, g))
	before := g
	followed("a new group", hub.Follower{Person: "p_1"}, hub.Follower{Person: "p_2"})
	g.Members = []string{"p_2", "p_3"}
	must(t, store.SaveDirectoryGroup(ctx, before, g))
	stale, err := store.Followers(ctx, c.id)
	must(t, err)
	followed("one left", hub.Follower{Person: "p_1", Had: true}, hub.Follower{Person: "p_3"})
	must(t, store.Followed(ctx, c.id, stale)) // of another hub, which was slower
	followed("once more", hub.Follower{Person: "p_1", Had: true}, hub.Follower{Person: "p_3"})
	// What another hub has changed meanwhile is not lost.
	for _, other := range []hub.DirectoryGroup{{}, before} {
		if err := store.SaveDirectoryGroup(ctx, other, before); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("a group that is another by now: %v", err)
		}
	}
	before = g
	g.Members, g.Name = []string{"p_2"}, "All nurses"
	must(t, store.SaveDirectoryGroup(ctx, before, g))
	followed("another name", hub.Follower{Person: "p_2", Had: true}, hub.Follower{Person: "p_3", Had: true})
	practice, err := store.Practice(ctx, c.id)
	must(t, err)
	practice.Access.Groups.Rules = []hub.GroupRule{{Group: "Desk"}, {Group: "x"}}
	must(t, store.SavePractice(ctx, practice))
	followed("a rule", hub.Follower{Person: "p_2"})
	practice.Access.Groups.Rules = practice.Access.Groups.Rules[:1]
	must(t, store.SavePractice(ctx, practice))
	followed("no rule", hub.Follower{Person: "p_2", Had: true})
	must(t, store.SavePractice(ctx, practice))
	followed("the same rules")
	same := hub.DirectoryGroup{ID: newID("g"), Practice: c.id, Name: "All nurses", Members: []string{}}
	if err := store.SaveDirectoryGroup(ctx, hub.DirectoryGroup{}, same); !errors.Is(err, hub.ErrExists) {
		t.Errorf("two groups of one name: %v", err)
	}
	same.Practice = other.id
	must(t, store.SaveDirectoryGroup(ctx, hub.DirectoryGroup{}, same))
	found, err := store.DirectoryGroup(ctx, c.id, g.ID)
	must(t, err)
	equal(t, found, g)
	groups, err := store.DirectoryGroups(ctx, c.id)
	must(t, err)
	equal(t, groups, []hub.DirectoryGroup{g})
	must(t, store.DeleteDirectoryGroup(ctx, c.id, g.ID))
	followed("deleted", hub.Follower{Person: "p_2", Had: true})
	if err := store.DeleteDirectoryGroup(ctx, c.id, g.ID); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}

	a, b := c.device(api.KindStaff), c.device(api.KindStaff)
	p := hub.Person{ID: a.Person, Practice: c.id, Login: "kim", Name: "Kim", Title: "Nurse", ExternalID: "object-1"}
	was, err := store.Person(ctx, c.id, a.Person)
	must(t, err)
	must(t, store.NamePerson(ctx, was, p))
	if err := store.NamePerson(ctx, was, p); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("named as of before: %v", err)
	}
	named, err := store.PersonByExternalID(ctx, c.id, "object-1")
	must(t, err)
	if named.ID != a.Person || named.Login != "kim" || named.Name != "Kim" || named.Title != "Nurse" {
		t.Errorf("named %+v", named)
	}
	for _, taken := range []hub.Person{{ID: b.Person, Practice: c.id, Login: "kim"}, {ID: b.Person, Practice: c.id, Login: "lee", ExternalID: "object-1"}} {
		was, err := store.Person(ctx, c.id, b.Person)
		must(t, err)
		if err := store.NamePerson(ctx, was, taken); !errors.Is(err, hub.ErrExists) {
			t.Errorf("%+v: %v", taken, err)
		}
	}
	if err := store.NamePerson(ctx, hub.Person{}, hub.Person{ID: newID("p"), Practice: c.id, Login: "nobody"}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("nobody is named: %v", err)
	}
}
