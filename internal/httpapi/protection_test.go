package httpapi_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT54ProtectionsAreNamed: a setting that is made to protect less is found
// whatever way it is, and one that protects more is no weaker.
func TestT54ProtectionsAreNamed(t *testing.T) {
	all := netip.MustParsePrefix("10.0.0.0/8")
	base := func() hub.Settings {
		return hub.Settings{
			IdleStaff: 10, Origins: []string{"https://clinic.example"}, Queues: []api.Queue{{ID: "nurse", Level: "matched"}, {ID: "desk"}},
			Access: hub.Access{Networks: map[string][]netip.Prefix{"": {all}}, SSO: &hub.SSO{Only: true, MaxAgeMinutes: 10}},
		}
	}
	for id, change := range map[string]func(s *hub.Settings, more bool){
		"idle-staff":   func(s *hub.Settings, more bool) { s.IdleStaff = pick(more, 5, 20) },
		"idle-patient": func(s *hub.Settings, more bool) { s.IdlePatient = pick(more, 5, 20) },
		"proof-days":   func(s *hub.Settings, more bool) { s.Identity.Days = pick(more, 5, 90) },
		"sso-second-factor": func(s *hub.Settings, more bool) {
			s.Access.SSO.SecondFactor = []hub.Requirement{{Claim: "amr", Values: pick(more, []string{"mfa"}, []string{"mfa", "sms"})}}
		},
		"portal-age":           func(s *hub.Settings, more bool) { s.Identity.Portal = &hub.Portal{MaxAgeMinutes: pick(more, 5, -1)} },
		"sso-age":              func(s *hub.Settings, more bool) { s.Access.SSO.MaxAgeMinutes = pick(more, 5, 20) },
		"level.desk":           func(s *hub.Settings, more bool) { s.Queues[1].Level = pick(more, "signed-in", "guest") },
		"activity-review-days": func(s *hub.Settings, more bool) { s.Reviews.ActivityDays = pick(more, 7, 60) },
		"access-review-days":   func(s *hub.Settings, more bool) { s.Reviews.AccessDays = pick(more, 60, 180) },
		"level.nurse":          func(s *hub.Settings, more bool) { s.Queues[0].Level = pick(more, "signed-in", "contact") },
		"sso-only":             func(s *hub.Settings, more bool) { s.Access.SSO.Only = more },
		"group-administrators": func(s *hub.Settings, more bool) { s.Access.Groups.Administrators = !more },
		"networks": func(s *hub.Settings, more bool) {
			s.Access.Networks[""] = []netip.Prefix{netip.MustParsePrefix(pick(more, "10.1.0.0/16", "0.0.0.0/0"))}
		},
		"origins": func(s *hub.Settings, more bool) {
			s.Origins = pick(more, nil, []string{"https://elsewhere.example"})
		},
	} {
		for _, more := range []bool{true, false} {
			after := base()
			change(&after, more)
			weaker := ""
			for _, c := range hub.ProtectionChanges(base(), after) {
				if c.Weaker {
					weaker += c.ID
				}
			}
			if want := pick(more, "", id); weaker != want {
				t.Errorf("%s, to protect more %v: weaker %q, want %q", id, more, weaker, want)
			}
		}
	}
	open := base()
	open.Access.Networks = nil
	open.Access.Password.MinLength = 12
	changes := hub.ProtectionChanges(open, base())
	for _, c := range changes {
		if c.Weaker != (c.ID == "password-length") {
			t.Errorf("%+v", c)
		}
	}
	// A role that is named without a network works from nowhere.
	shut := func(networks ...netip.Prefix) hub.Settings {
		s := base()
		s.Access.Networks["nurse"] = networks
		return s
	}
	if changes := hub.ProtectionChanges(base(), shut()); len(changes) != 1 || changes[0].Weaker {
		t.Errorf("nurses shut out: %+v", changes)
	}
	for i, opened := range []hub.Settings{shut(all), base(), {}} {
		changes := hub.ProtectionChanges(shut(), opened)
		if !slices.ContainsFunc(changes, func(c hub.ProtectionChange) bool { return c.ID == "networks" && c.Weaker }) {
			t.Errorf("nurses let in again (%d): %+v", i, changes)
		}
	}
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// TestProtections: those who answer for the practice see each protecting
// setting, and what was changed and weakened.
func TestProtections(t *testing.T) {
	w := newWorld(t)
	w.access(func(a *hub.Access) { a.Password.MinLength = 12 })
	w.access(func(a *hub.Access) { a.Password.MinLength = 9 })
	for login, role := range map[string]string{"kim": "nurse", "alex": "supervisor"} {
		if _, err := w.hub.Protections(w.ctx, w.member(login, role)); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s looks: %v", role, err)
		}
	}
	got, err := w.hub.Protections(w.ctx, w.member("cleo", "compliance"))
	w.must(err)
	if len(got.Changes) != 2 || got.Changes[0].ID != "password-length" || got.Changes[0].From != "12" || got.Changes[0].To != "9" || !got.Changes[0].Weaker || got.Changes[1].Weaker {
		t.Errorf("changes %+v", got.Changes)
	}
	for _, p := range got.Protections {
		if p.ID == "password-length" && (p.Value != "9" || p.Usual != "8" || p.Weaker) || p.ID == "step-up-minutes" && (!p.Fixed || p.Value != "5") {
			t.Errorf("%+v", p)
		}
	}
}
