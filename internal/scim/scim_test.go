package scim_test

import (
	"testing"

	"github.com/sotto-health/sotto/internal/scim"
)

// FuzzFilter: what parses is within its limits, and parses to the same again
// when it is spaced otherwise.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{``, `userName eq "a"`, `userName eq "a b" and active eq true`, `id eq "\u0041"`, `a eq "x"and b eq "y"`, `emails[type eq "work"].value eq "x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := scim.ParseFilter(s)
		if err != nil {
			return
		}
		if len(got) > 10 {
			t.Errorf("%d conditions", len(got))
		}
		again, err := scim.ParseFilter("  " + s + "  ")
		if len(s) < 2000 && (err != nil || len(again) != len(got)) {
			t.Errorf("with spaces: %v, %v", again, err)
		}
		got.User(&scim.User{UserName: "a"})
		got.Group(&scim.Group{DisplayName: "a"})
	})
}

// FuzzPatch: no patch leaves a user or a group without a name, nor breaks.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"Operations":[{"op":"replace","value":{"active":false}}]}`, `{"Operations":[{"op":"Add","path":"members","value":[{"value":"x"}]}]}`,
		`{"Operations":[{"op":"remove","path":"members[value eq \"x\"]"}]}`, `{"Operations":[{"op":"replace","path":"name","value":{"formatted":"a"}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		u, g := scim.User{UserName: "a"}, scim.Group{DisplayName: "b", Members: []scim.Member{{Value: "x"}}}
		if u.Patch(b) == nil && u.UserName == "" {
			t.Error("a user without a name")
		}
		if g.Patch(b) == nil && g.DisplayName == "" {
			t.Error("a group without a name")
		}
	})
}
