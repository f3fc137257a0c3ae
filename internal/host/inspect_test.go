package host

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestSignInAtTheProvider: who has nothing but an account at the practice's
// provider can sign in, and what the provider must say is among the facts; so
// are the tokens of a directory that have not expired.
func TestSignInAtTheProvider(t *testing.T) {
	ctx, folder := t.Context(), Folder(t.TempDir())
	h := openHub(t, string(folder))
	makePractice(t, h)
	const issuer = "https://login.clinic.example"
	for _, id := range []string{"p_linked", "p_before"} {
		if err := h.store.AddPerson(ctx, hub.Person{Practice: "t_here", ID: id, Kind: api.KindStaff, Role: "nurse", Login: id, CreatedAt: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for id, at := range map[string]string{"p_linked": issuer, "p_before": "https://login.before.example"} {
		if err := h.store.LinkIdentity(ctx, hub.IdentityLink{Practice: "t_here", Issuer: at, Subject: id, Person: id, Way: hub.LinkedByOwner, CreatedAt: 2}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, until := range map[string]int64{"Entra ID": time.Now().Add(time.Hour).UnixMilli(), "Okta": 5} {
		if err := h.store.AddDirectoryToken(ctx, hub.DirectoryToken{Token: sha256.Sum256([]byte(name)), ID: name, Practice: "t_here", Name: name, Purpose: hub.ForDirectory, CreatedAt: 1, ExpiresAt: until}); err != nil {
			t.Fatal(err)
		}
	}
	practice, err := h.store.Practice(ctx, "t_here")
	if err != nil {
		t.Fatal(err)
	}
	practice.Queues = []api.Queue{{ID: "desk"}}
	for _, asked := range []string{"mfa", "pwd"} {
		practice.Access.SSO = &hub.SSO{Name: "Clinic account", Issuer: issuer, ClientID: "sotto", SecondFactor: []hub.Requirement{{Claim: "amr", Values: []string{asked}}}}
		if _, err := h.SavePractice(ctx, practice); err != nil {
			t.Fatal(err)
		}
		facts, err := Inspect(ctx, h, InspectConfig{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		p := facts.Practice("t_here")
		if p.Provider == nil || p.Provider.TwoFactors != (asked == "mfa") {
			t.Errorf("the provider that must say %s is %+v", asked, p.Provider)
		}
		for i := range p.People {
			if who := &p.People[i]; p.CanSignIn(who) != (who.ID == "p_linked") {
				t.Errorf("%+v can sign in: %v", who, p.CanSignIn(who))
			}
		}
		if len(p.Directories) != 1 || p.Directories[0].Name != "Entra ID" {
			t.Errorf("directories are %+v", p.Directories)
		}
		if len(p.People) != 2 || p.EmptyQueues != 0 {
			t.Errorf("%d people, and %d queues without one of them", len(p.People), p.EmptyQueues)
		}
	}
}
