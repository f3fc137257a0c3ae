package scim_test

import (
	"errors"
	"reflect"
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
		`{"Operations":[{"op":"add","value":{"displayName":"c","members":[{"value":"y"}]}}]}`,
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

// TestPatchGroup: to add is to add, with a path and without one, and names and
// operations are what they are in any case (RFC 7644, sections 3.5.2 and 3.10).
func TestPatchGroup(t *testing.T) {
	with := func(ids ...string) (all []scim.Member) {
		for _, id := range ids {
			all = append(all, scim.Member{Value: id})
		}
		return all
	}
	for ops, want := range map[string][]scim.Member{
		`{"op":"add","value":{"members":[{"value":"c"},{"value":"a"}]}}`:                                          with("a", "b", "c"),
		`{"op":"ADD","value":{"urn:ietf:params:scim:schemas:core:2.0:group:MEMBERS":{"value":"c"}}}`:              with("a", "b", "c"),
		`{"op":"add","path":"Members","value":{"value":"c"}}`:                                                     with("a", "b", "c"),
		`{"op":"replace","value":{"members":[{"value":"c"}]}}`:                                                    with("c"),
		`{"op":"Replace","path":"members","value":[{"value":"c"},{"value":"c"}]}`:                                 with("c"),
		`{"op":"remove","path":"members"}`:                                                                        nil,
		`{"op":"Remove","path":"URN:ietf:params:scim:schemas:core:2.0:Group:members[VALUE EQ \"a\"]"}`:            with("b"),
		`{"op":"remove","path":"members","value":[{"value":"b"},{"value":"stranger"}]}`:                           with("a"),
		`{"op":"remove","path":"members","value":{"value":"a"}},{"op":"add","value":{"members":[{"value":"d"}]}}`: with("b", "d"),
		`{"op":"add","value":{"displayName":"Nurses","emails":[{"value":"x"}]}}`:                                  with("a", "b"),
	} {
		g := scim.Group{DisplayName: "Nurses", Members: with("a", "b")}
		if err := g.Patch([]byte(`{"Operations":[` + ops + `]}`)); err != nil || !reflect.DeepEqual(g.Members, want) {
			t.Errorf("%s: %v, %v, want %v", ops, g.Members, err, want)
		}
	}
	for ops, want := range map[string]string{
		`{"op":"remove"}`:                                                         "noTarget",
		`{"op":"remove","path":" "}`:                                              "noTarget",
		`{"op":"remove","value":{"members":[{"value":"a"}]}}`:                     "noTarget",
		`{"op":"remove","path":"members[display eq \"a\"]"}`:                      "invalidPath",
		`{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"c"}}`: "invalidPath",
		`{"op":"add","path":"members[value eq \"a\"].value","value":"c"}`:         "invalidPath",
		`{"op":"add","value":[{"value":"a"}]}`:                                    "invalidSyntax",
		`{"op":"add","value":{"members":"a"}}`:                                    "invalidValue",
		`{"op":"move","path":"members"}`:                                          "invalidSyntax",
		`{"op":"remove","path":"displayName"}`:                                    "mutability",
	} {
		g := scim.Group{DisplayName: "Nurses", Members: with("a", "b")}
		var refused *scim.Error
		if err := g.Patch([]byte(`{"Operations":[` + ops + `]}`)); !errors.As(err, &refused) || refused.Type != want || refused.Status != 400 {
			t.Errorf("%s: %v, want %s", ops, err, want)
		}
	}
}
