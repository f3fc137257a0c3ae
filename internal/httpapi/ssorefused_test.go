package httpapi_test

import (
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// refusals are the sign-ins of which the log says that they were refused, newest
// first.
func (w *world) refusals() []api.AuditEvent {
	w.t.Helper()
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.SignInRefused)})
	w.must(err)
	return page.Events
}

// TestRefusedSSOIsRecorded: whoever comes back from the provider and is not let
// in leaves one line with the reason, and with who it is where that is known.
func TestRefusedSSOIsRecorded(t *testing.T) {
	w, p := ssoWorld(t)
	dana := w.linked("dana", "nurse", "sub-dana")
	left := w.linked("left", "nurse", "sub-left")
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, left.ID))
	visit := func(b *browser, subject, purpose string) url.Values {
		p.Subject = subject
		_, back := p.Visit(b.begin(purpose))
		return back
	}
	signIn := func(subject string) api.Code {
		b := w.browser()
		code, _ := b.finish(visit(b, subject, "sign-in"))
		return code
	}
	danas := func() *browser {
		b := w.browser()
		if code, _ := b.finish(visit(b, "sub-dana", "sign-in")); code != "" {
			t.Fatalf("refused: %s", code)
		}
		return b
	}
	during := func(change func(*hub.Access), then func() api.Code) api.Code {
		before := w.clinic.Access
		defer w.access(func(a *hub.Access) { *a = before })
		w.access(change)
		return then()
	}
	for _, tt := range []struct {
		name, reason, person string
		code                 api.Code
		try                  func() api.Code
	}{
		{"nobody here", "not-linked", "", api.CodeNotLinked, func() api.Code { return signIn("sub-nobody") }},
		{"who left", "disabled", left.ID, api.CodeUnauthenticated, func() api.Code { return signIn("sub-left") }},
		{"from another network", "network", dana.ID, api.CodeNetwork, func() api.Code {
			return during(func(a *hub.Access) {
				a.Networks = map[string][]netip.Prefix{"nurse": {netip.MustParsePrefix("192.0.2.0/24")}}
			}, func() api.Code { return signIn("sub-dana") })
		}},
		{"one factor", "one-factor", "", api.CodeSecondFactor, func() api.Code {
			amr := p.Claims["amr"]
			defer func() { p.Claims["amr"] = amr }()
			p.Claims["amr"] = []string{"pwd"}
			return signIn("sub-dana")
		}},
		{"the provider said no", "denied", "", api.CodeSSORefused, func() api.Code {
			b := w.browser()
			back := visit(b, "sub-dana", "sign-in")
			back.Set("error", "access_denied")
			code, _ := b.finish(back)
			return code
		}},
		{"another browser's attempt", "state", "", api.CodeSSORefused, func() api.Code {
			code, _ := w.browser().finish(visit(w.browser(), "sub-dana", "sign-in"))
			return code
		}},
		{"too late", "state", "", api.CodeSSORefused, func() api.Code {
			b := w.browser()
			back := visit(b, "sub-dana", "sign-in")
			w.clock.advance(16 * time.Minute)
			code, _ := b.finish(back)
			return code
		}},
		{"a second time", "state", "", api.CodeSSORefused, func() api.Code {
			b := w.browser()
			back := visit(b, "sub-dana", "sign-in")
			jar := b.cookies["__Host-sotto_sso"]
			if code, _ := b.finish(back); code != "" {
				t.Fatalf("refused: %s", code)
			}
			b.cookies["__Host-sotto_sso"] = jar
			code, _ := b.finish(back)
			return code
		}},
		{"confirmed with another's account", "other-account", dana.ID, api.CodeUnauthenticated, func() api.Code {
			b := danas()
			code, _ := b.finish(visit(b, "sub-left", "confirm"))
			return code
		}},
		{"confirmed in another session", "other-session", "", api.CodeUnauthenticated, func() api.Code {
			b := danas()
			back := visit(b, "sub-dana", "confirm")
			delete(b.cookies, "__Host-sotto_staff")
			code, _ := b.finish(back)
			return code
		}},
		{"linked another's account", "linked-otherwise", dana.ID, api.CodeConflict, func() api.Code {
			b := danas()
			code, _ := b.finish(visit(b, "sub-left", "link"))
			return code
		}},
		{"in no group, which takes the role away", "no-role", dana.ID, api.CodeNoRole, func() api.Code {
			return during(func(a *hub.Access) {
				sso := *a.SSO
				sso.GroupsClaim, a.SSO = "groups", &sso
			}, func() api.Code { return signIn("sub-dana") })
		}},
	} {
		before := len(w.refusals())
		if code := tt.try(); code != tt.code {
			t.Errorf("%s: answered %q, want %q", tt.name, code, tt.code)
		}
		all := w.refusals()
		if len(all) != before+1 {
			t.Errorf("%s: %d lines in the log, want one", tt.name, len(all)-before)
			continue
		}
		if e := all[0]; e.Reason != tt.reason || e.Object != tt.person || e.Person != tt.person || e.Detail != "method=sso" {
			t.Errorf("%s: the log says %+v", tt.name, e)
		}
	}
}

// TestRefusedSetUpIsRecorded: also who would set a sign-in up that the practice
// does not take any more.
func TestRefusedSetUpIsRecorded(t *testing.T) {
	w, _ := ssoWorld(t, func(a *hub.Access) { a.SSO.Only = true })
	robin, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: "nurse", Name: "Robin", Login: "robin"})
	w.must(err)
	token, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, robin.ID)
	w.must(err)
	_, _, err = w.newDevice(w.clinic).SetUpApp(w.ctx, token, phrase, w.clock.now())
	wantCode(t, err, api.CodeSSOOnly)
	all := w.refusals()
	if len(all) != 1 || all[0].Reason != "sso-only" || all[0].Object != robin.ID || all[0].Person != "" {
		t.Errorf("the log says %+v", all)
	}
}
