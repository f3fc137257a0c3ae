package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/oidc/oidctest"
)

// logout posts a logout token as the provider does.
func (w *world) logout(slug, token string) int {
	w.t.Helper()
	resp, err := w.server.Client().PostForm(w.server.URL+"/v1/sso/"+slug+"/logout", url.Values{"logout_token": {token}})
	w.must(err)
	w.must(resp.Body.Close())
	return resp.StatusCode
}

// ssoDevice signs a linked person in at the provider, with a device that is
// connected.
func (w *world) ssoDevice(p *oidctest.Provider, login, subject string) (*device, *listener, *browser) {
	w.t.Helper()
	w.linked(login, "nurse", subject)
	p.Subject = subject
	b := w.browser()
	if code, _ := b.sso(p); code != "" {
		w.t.Fatalf("refused: %s", code)
	}
	d := w.newDevice(w.clinic)
	d.SetCookie(b.cookies["__Host-sotto_staff"])
	proof, err := d.Prove(w.ctx, d.signer, "register", w.clinic.ID)
	w.must(err)
	made, err := d.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: d.signer.Public(), Name: "Chrome", Proof: proof})
	w.must(err)
	d.id, d.person = made.ID, made.Person
	d.signIn()
	return d, d.listen(), b
}

// TestT29fBackChannelLogout: when the provider says so, sessions and sockets
// end; and it must be the provider who says so, once, about this client.
func TestT29fBackChannelLogout(t *testing.T) {
	w, p := ssoWorld(t)
	dana, danas, b := w.ssoDevice(p, "dana", "sub-1")
	p.Claims["sid"] = "sid-2"
	_, _, other := w.ssoDevice(p, "priya", "sub-2")
	p.Subject = "sub-1"
	set := func(name string, v any) func(_, c oidctest.Claims) {
		return func(_, c oidctest.Claims) { c[name] = v }
	}
	long := w.clock.now().Add(-time.Hour).Unix()
	for name, change := range map[string]func(h, c oidctest.Claims){
		"an ID token's type":  func(h, _ oidctest.Claims) { h["typ"] = "JWT" },
		"a nonce":             set("nonce", "x"),
		"no event":            set("events", oidctest.Claims{}),
		"another event":       set("events", oidctest.Claims{"http://schemas.openid.net/event/other": oidctest.Claims{}}),
		"another audience":    set("aud", "other"),
		"two audiences":       set("aud", []string{"sotto", "other"}),
		"another issuer":      set("iss", "https://evil.example"),
		"expired":             set("exp", long),
		"old":                 set("iat", long),
		"no jti":              set("jti", ""),
		"nobody":              set("sub", ""),
		"alg none":            func(h, _ oidctest.Claims) { h["alg"] = "none" },
		"a key of our secret": func(h, _ oidctest.Claims) { h["alg"] = "HS256"; p.Sign = oidctest.HMAC([]byte(p.Secret)) },
	} {
		if status := w.logout("riverside", p.Logout(change)); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, status)
		}
		p.Sign = nil
	}
	for path, want := range map[string]int{"nowhere": http.StatusNotFound, "riverside": http.StatusUnprocessableEntity} {
		if status := w.logout(path, "x.y.z"); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if resp, _ := b.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusOK {
		t.Fatal("a bad logout token ended a session")
	}

	began := time.Now()
	token := p.Logout(set("sid", "sid-1"))
	if status := w.logout("riverside", token); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	danas.next(api.EventEnded)
	withinASecond(t, began)
	_, err := dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	if resp, _ := b.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session is still there: %d", resp.StatusCode)
	}
	if resp, _ := other.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusOK {
		t.Error("another person's session ended too")
	}
	// The same word again, when the person is back: it is used up.
	p.Claims["sid"] = "sid-1"
	if code, _ := b.sso(p); code != "" {
		t.Fatal(code)
	}
	if status := w.logout("riverside", token); status != http.StatusUnprocessableEntity {
		t.Errorf("replayed: %d", status)
	}
	if resp, _ := b.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusOK {
		t.Error("a replayed logout token ended a session")
	}
	// Without a sid all of the person's sessions are meant.
	if status := w.logout("riverside", p.Logout(func(_, _ oidctest.Claims) {})); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if resp, _ := b.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Error("the session is still there")
	}
}

// TestSSOConfirms: who signed in at the provider unlocks, and steps up, by
// signing in there again: the same person, anew, with a new cookie (T23).
func TestSSOConfirms(t *testing.T) {
	w, p := ssoWorld(t)
	_, _, b := w.ssoDevice(p, "dana", "sub-1")
	w.linked("priya", "nurse", "sub-2")
	w.clock.advance(11 * time.Minute)
	if _, body := b.call("GET", "/v1/staff/session", nil, nil); !strings.Contains(body, `"locked":true`) {
		t.Fatal(body)
	}
	address := b.begin("confirm")
	if u, err := url.Parse(address); err != nil || u.Query().Get("prompt") != "login" || u.Query().Get("max_age") != "0" {
		t.Errorf("asked for %s", address)
	}
	before := b.cookies["__Host-sotto_staff"]
	p.Claims["auth_time"] = w.clock.now().Add(-11 * time.Minute).Unix() // the provider did not ask anew
	_, back := p.Visit(address)
	if code, _ := b.finish(back); code != api.CodeSSORefused {
		t.Errorf("an old sign-in: %q", code)
	}
	delete(p.Claims, "auth_time")
	p.Subject = "sub-2"
	_, back = p.Visit(b.begin("confirm"))
	if code, _ := b.finish(back); code != api.CodeUnauthenticated {
		t.Errorf("somebody else: %q", code)
	}
	p.Subject = "sub-1"
	_, back = p.Visit(b.begin("confirm"))
	thief := w.browser()
	thief.cookies["__Host-sotto_sso"] = b.cookies["__Host-sotto_sso"]
	if code, _ := thief.finish(back); code != api.CodeUnauthenticated {
		t.Errorf("without the session: %q", code)
	}
	_, back = p.Visit(b.begin("confirm"))
	if code, done := b.finish(back); code != "" || done.Session.Locked {
		t.Fatalf("%q %+v", code, done)
	}
	if b.cookies["__Host-sotto_staff"] == before {
		t.Error("the session kept its token")
	}
	if resp, body := b.call("POST", "/v1/staff/factors/app-offers", struct{}{}, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := b.call("DELETE", "/v1/staff/sso/identity", nil, nil); resp.StatusCode != http.StatusConflict || !strings.Contains(body, string(api.CodeLastFactor)) {
		t.Errorf("the last way to sign in went: %d %s", resp.StatusCode, body)
	}
	var out api.SSOSignedOut
	b.call("POST", "/v1/staff/sso/sign-out", struct{}{}, &out)
	u, err := url.Parse(out.Address)
	w.must(err)
	if !strings.HasPrefix(out.Address, p.URL+"/end?") || u.Query().Get("id_token_hint") == "" || u.Query().Get("post_logout_redirect_uri") != w.server.URL+"/staff/" {
		t.Errorf("sent to %s", out.Address)
	}
	if resp, _ := w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+before); resp.StatusCode != http.StatusUnauthorized {
		t.Error("signed out, and the session is there")
	}
}

// TestLinkingNeedsBothFactors: a person links their own account after both
// factors, and an administrator anybody's; no account is two people's.
func TestLinkingNeedsBothFactors(t *testing.T) {
	w, p := ssoWorld(t)
	dana := w.staff("dana")
	b := w.browser()
	b.cookies["__Host-sotto_staff"] = dana.Cookie()
	_, back := p.Visit(b.begin("link"))
	w.clock.advance(6 * time.Minute)
	if code, _ := b.finish(back); code != api.CodeStepUp {
		t.Errorf("long after: %q", code)
	}
	resp, body := b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "link", Page: "staff"}, nil)
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, string(api.CodeStepUp)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	_, err := dana.StepUp(w.ctx, api.Authentication{Password: phrase, Code: dana.code()})
	w.must(err)
	b.cookies["__Host-sotto_staff"] = dana.Cookie()
	_, back = p.Visit(b.begin("link"))
	if code, _ := b.finish(back); code != "" {
		t.Fatal(code)
	}
	if code, done := w.browser().sso(p); code != "" || done.Session.Person.ID != dana.person {
		t.Errorf("%q %+v", code, done)
	}
	admin, nurse := w.proven("robin", "administrator"), w.member("kim", "nurse")
	if err := w.hub.LinkStaffIdentity(w.ctx, admin, nurse.Person.ID, p.Subject); err == nil {
		t.Error("one account is two people's")
	}
	if err := w.hub.LinkStaffIdentity(w.ctx, nurse, nurse.Person.ID, "sub-9"); err == nil {
		t.Error("a nurse links accounts")
	}
	w.must(w.hub.UnlinkStaffIdentity(w.ctx, admin, dana.person))
	if code, _ := w.browser().sso(p); code != api.CodeNotLinked {
		t.Errorf("unlinked: %q", code)
	}
	w.must(w.hub.LinkStaffIdentity(w.ctx, admin, nurse.Person.ID, p.Subject))
	if code, done := w.browser().sso(p); code != "" || done.Session.Person.ID != nurse.Person.ID {
		t.Errorf("%q %+v", code, done)
	}
}

// TestT43NoSilentReturn: a session that has locked is not got round by signing
// out, or by clearing the cookies, and in again while the provider remembers who
// was there; and what it remembers is no factor that was shown just now.
func TestT43NoSilentReturn(t *testing.T) {
	w, p := ssoWorld(t)
	_, _, b := w.ssoDevice(p, "dana", "sub-1")
	remembers := func(age time.Duration) { p.Claims["auth_time"] = w.clock.now().Add(-age).Unix() }
	enters := func(b *browser, minutes time.Duration, want api.Code) {
		t.Helper()
		remembers(minutes * time.Minute)
		address := b.begin("sign-in")
		_, back := p.Visit(address)
		if code, _ := b.finish(back); code != want {
			t.Errorf("signed in at the provider %d minutes ago, asked for %s: %q, want %q", minutes, address, code, want)
		}
	}
	for _, out := range []func(){
		func() {},
		func() { b.call("POST", "/v1/staff/sso/sign-out", struct{}{}, nil) },
		func() { clear(b.cookies) },
	} {
		w.clock.advance(12 * time.Minute)
		out()
		enters(b, 7*60, api.CodeSSORefused)
		enters(b, 12, api.CodeSSORefused)
	}
	// The practice may ask for less, and for no more.
	for _, a := range []struct{ idle, age, in, out time.Duration }{{2, 30, 2, 4}, {30, 0, 30, 32}, {30, 5, 5, 7}} {
		w.clinic.IdleStaff = int(a.idle)
		w.access(func(x *hub.Access) { x.SSO.MaxAgeMinutes = int(a.age) })
		enters(w.browser(), a.out, api.CodeSSORefused)
		enters(w.browser(), a.in, "")
	}
	// Both factors are asked for again, as if the session were that old.
	enters(b, 5, "")
	if resp, body := b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "link", Page: "staff"}, nil); resp.StatusCode != http.StatusForbidden || !strings.Contains(body, string(api.CodeStepUp)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	enters(b, 4, "")
	if resp, body := b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "link", Page: "staff"}, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestT43NoLinkOfALockedSession: whoever finds a session that was locked a moment
// after both factors were shown links no account to it, and does not unlock it.
func TestT43NoLinkOfALockedSession(t *testing.T) {
	w, p := ssoWorld(t)
	p.Subject = "sub-of-another"
	dana := w.staff("dana")
	b := w.browser()
	b.cookies["__Host-sotto_staff"] = dana.Cookie()
	_, begun := p.Visit(b.begin("link"))
	if resp, body := b.call("POST", "/v1/staff/lock", struct{}{}, nil); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if code, _ := b.finish(begun); code != api.CodeLocked {
		t.Errorf("begun before it was locked: %q", code)
	}
	resp, body := b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "link", Page: "staff"}, nil)
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, string(api.CodeLocked)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, body := b.call("GET", "/v1/staff/session", nil, nil); !strings.Contains(body, `"locked":true`) {
		t.Errorf("unlocked: %s", body)
	}
	if got := w.events("identity.linked"); len(got) != 0 {
		t.Errorf("linked: %v", got)
	}
}

// TestDirectoryLinks: whom the directory told us of is linked at the first
// sign-in, by the directory's own id and by nothing else.
func TestDirectoryLinks(t *testing.T) {
	w, p := ssoWorld(t, func(a *hub.Access) { a.SSO.ExternalIDClaim = "oid" })
	person := hub.Person{ID: hub.NewID("p"), Practice: w.clinic.ID, Kind: api.KindStaff, Role: "nurse", Login: "dana", ExternalID: "object-1"}
	w.must(w.store.AddPerson(w.ctx, person))
	for _, oid := range []any{nil, "object-2", []string{"object-1", "object-2"}} {
		p.Claims["oid"] = oid
		if code, _ := w.browser().sso(p); code != api.CodeNotLinked {
			t.Errorf("%v: %q", oid, code)
		}
	}
	p.Claims["oid"] = "object-1"
	if code, done := w.browser().sso(p); code != "" || done.Session.Person.ID != person.ID {
		t.Fatalf("%q %+v", code, done)
	}
	// From now on the subject counts: another who comes with this id is refused.
	p.Subject = "sub-2"
	if code, _ := w.browser().sso(p); code != api.CodeNotLinked {
		t.Errorf("another subject with the same id: %q", code)
	}
}

// TestIdentityRoutes: an administrator says over HTTP who somebody is at the
// provider, and takes that back, as the person can who has another way to sign
// in. Until then that account signs in, and from then on no more.
func TestIdentityRoutes(t *testing.T) {
	w, p := ssoWorld(t)
	robin, dana := w.staffAs(w.clinic, "administrator", "robin"), w.staff("dana")
	path := " /v1/admin/people/" + dana.person + "/identity"
	link := func() { robin.asks("PUT"+path, api.LinkIdentity{Subject: p.Subject}, nil, http.StatusNoContent) }
	signs := func(want api.Code) {
		t.Helper()
		if code, done := w.browser().sso(p); code != want || code == "" && done.Session.Person.ID != dana.person {
			t.Errorf("%q %s, want %q", code, done.Session.Person.ID, want)
		}
	}
	dana.asks("PUT"+path, api.LinkIdentity{Subject: p.Subject}, nil, http.StatusForbidden)
	signs(api.CodeNotLinked)
	link()
	signs("")
	shown := func() api.LinkedIdentity {
		t.Helper()
		var detail api.StaffPerson
		robin.asks("GET /v1/admin/people/"+dana.person, nil, &detail, http.StatusOK)
		return *detail.Identity
	}
	if got := shown(); !got.Linked || got.LinkedAt == 0 || got.Provider == "" {
		t.Errorf("the person's page: %+v", got)
	}
	dana.asks("DELETE"+path, nil, nil, http.StatusForbidden)
	w.clock.advance(6 * time.Minute)
	robin.asks("DELETE"+path, nil, nil, http.StatusForbidden) // both factors were shown too long ago
	_, err := robin.StepUp(w.ctx, api.Authentication{Password: phrase, Code: robin.code()})
	w.must(err)
	robin.asks("DELETE"+path, nil, nil, http.StatusNoContent)
	signs(api.CodeNotLinked)
	if got := shown(); got.Linked || got.LinkedAt != 0 {
		t.Errorf("unlinked, the person's page: %+v", got)
	}
	link()
	_, err = dana.StepUp(w.ctx, api.Authentication{Password: phrase, Code: dana.code()})
	w.must(err)
	dana.asks("DELETE /v1/staff/sso/identity", nil, nil, http.StatusNoContent)
	signs(api.CodeNotLinked)
	if got := w.events("identity.unlinked"); len(got) != 2 {
		t.Errorf("unlinked twice, and the log says %v", got)
	}
}
