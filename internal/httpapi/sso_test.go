package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/oidc/oidctest"
	"github.com/sotto-health/sotto/internal/passkey"
)

// A browser keeps cookies by name, as one person's does.
type browser struct {
	w       *world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{w: w, cookies: map[string]string{}} }

func (b *browser) call(method, path string, body, to any) (*http.Response, string) {
	b.w.t.Helper()
	var all []string
	for name, value := range b.cookies {
		all = append(all, name+"="+value)
	}
	text := ""
	if body != nil {
		text = mustJSON(body)
	}
	resp, got := b.w.raw(method, path, text, "Cookie", strings.Join(all, "; "), "Origin", b.w.server.URL)
	for _, k := range resp.Cookies() {
		if b.cookies[k.Name] = k.Value; k.MaxAge < 0 {
			delete(b.cookies, k.Name)
		}
	}
	if to != nil && resp.StatusCode == http.StatusOK {
		b.w.must(json.Unmarshal([]byte(got), to))
	}
	return resp, got
}

// begin returns where the browser is sent.
func (b *browser) begin(purpose string) string {
	b.w.t.Helper()
	var begun api.SSOBegun
	resp, body := b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: purpose, Page: "staff"}, &begun)
	if resp.StatusCode != http.StatusOK {
		b.w.t.Fatalf("begin: %d %s", resp.StatusCode, body)
	}
	return begun.Address
}

// finish hands over what the provider answered, and returns "" or the code of
// the refusal.
func (b *browser) finish(back url.Values) (code api.Code, done api.SSODone) {
	b.w.t.Helper()
	resp, body := b.call("POST", "/v1/staff/sso/finish", api.FinishSSO{
		Practice: "riverside", State: back.Get("state"), Code: back.Get("code"), Issuer: back.Get("iss"), Error: back.Get("error"),
	}, &done)
	if resp.StatusCode == http.StatusOK {
		return "", done
	}
	var p api.Problem
	b.w.must(json.Unmarshal([]byte(body), &p))
	if slices.ContainsFunc(resp.Cookies(), func(k *http.Cookie) bool { return k.Name == "__Host-sotto_staff" }) {
		b.w.t.Errorf("a session came with a refusal: %s", p.Code)
	}
	return p.Code, done
}

// sso is all of it.
func (b *browser) sso(p *oidctest.Provider) (api.Code, api.SSODone) {
	b.w.t.Helper()
	_, back := p.Visit(b.begin("sign-in"))
	return b.finish(back)
}

// ssoWorld is a world whose practice has an OpenID provider.
func ssoWorld(t *testing.T, change ...func(*hub.Access)) (*world, *oidctest.Provider) {
	t.Helper()
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) { c.Limits.SignIns = hub.Rate{PerSecond: 1000, Burst: 1000} })
	p := oidctest.New(t, w.clock.now)
	w.access(func(a *hub.Access) {
		a.SSO = &hub.SSO{Name: "Riverside account", Issuer: p.Name(), ClientID: p.Client, Secret: w.hub.SealSecret(w.clinic.ID, p.Secret)}
		for _, c := range change {
			c(a)
		}
	})
	return w, p
}

func (w *world) access(change func(*hub.Access)) {
	w.t.Helper()
	pr := w.clinic.Practice
	change(&pr.Access)
	saved, err := w.hub.SavePractice(w.ctx, pr)
	w.must(err)
	w.clinic.Practice = saved
}

// linked adds a person who has the account at the provider.
func (w *world) linked(login, role, subject string) hub.Person {
	w.t.Helper()
	p, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: role, Name: login, Login: login})
	w.must(err)
	w.must(w.hub.LinkIdentity(w.ctx, w.clinic.ID, p.ID, subject))
	return p
}

// TestSSO: a linked person signs in at the provider, and only a linked one.
func TestSSO(t *testing.T) {
	w, p := ssoWorld(t)
	practice, err := w.client().Practice(w.ctx, "riverside")
	w.must(err)
	if practice.StaffSSO != "Riverside account" {
		t.Errorf("the page is told of %q", practice.StaffSSO)
	}
	b := w.browser()
	if code, _ := b.sso(p); code != api.CodeNotLinked {
		t.Errorf("a stranger: %q", code)
	}
	person := w.linked("dana@clinic.example", "nurse", p.Subject)
	p.Claims["email"] = "somebody.else@clinic.example"
	code, done := b.sso(p)
	if code != "" || done.Session.Person.ID != person.ID || done.Page != "staff" || done.Session.SSO != "Riverside account" {
		t.Fatalf("%q %+v", code, done)
	}
	if _, kept := b.cookies["__Host-sotto_sso"]; kept {
		t.Error("the attempt's cookie is kept")
	}
	resp, body := b.call("GET", "/v1/staff/session", nil, nil)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, person.ID) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	// The address of a person is no proof: an account with the same one, and
	// another subject, is a stranger's.
	p.Subject, p.Claims["email"] = "sub-2", "dana@clinic.example"
	if code, _ := w.browser().sso(p); code != api.CodeNotLinked {
		t.Errorf("by the same address: %q", code)
	}
	if logs := w.logs.String(); strings.Contains(logs, p.Secret) || strings.Contains(logs, "sub-1") || strings.Contains(logs, "clinic.example") {
		t.Error("a secret, a subject or an address is in the log")
	}
	if strings.Contains(mustJSON(w.clinic.Settings), p.Secret) {
		t.Error("the client secret is stored in the clear")
	}
}

// TestT29fForgedTokens: whatever is wrong with a token, there is no session.
func TestT29fForgedTokens(t *testing.T) {
	w, p := ssoWorld(t)
	w.linked("dana", "nurse", p.Subject)
	claim := func(name string, value any) func(_, c oidctest.Claims) {
		return func(_, c oidctest.Claims) { c[name] = value }
	}
	without := func(name string) func(_, c oidctest.Claims) {
		return func(_, c oidctest.Claims) { delete(c, name) }
	}
	alg := func(name string) func(h, _ oidctest.Claims) {
		return func(h, _ oidctest.Claims) { h["alg"] = name }
	}
	now := w.clock.now
	for name, tt := range map[string]struct {
		alter func(header, claims oidctest.Claims)
		sign  func([]byte) []byte
		want  api.Code
	}{
		"alg none":                     {alg("none"), func([]byte) []byte { return nil }, api.CodeSSORefused},
		"alg none with a signature":    {alg("none"), nil, api.CodeSSORefused},
		"HS256 by the client's secret": {alg("HS256"), oidctest.HMAC([]byte(p.Secret)), api.CodeSSORefused},
		"HS256 by the public key":      {alg("HS256"), oidctest.HMAC(p.PublicKey()), api.CodeSSORefused},
		"another key":                  {func(_, _ oidctest.Claims) {}, oidctest.HMAC([]byte("x")), api.CodeSSORefused},
		"a key of its own":             {func(h, _ oidctest.Claims) { h["jku"], h["kid"] = "https://evil.example/keys", "k9" }, nil, api.CodeSSORefused},
		"another audience":             {claim("aud", "other"), nil, api.CodeSSORefused},
		"more audiences":               {claim("aud", []string{"sotto", "other"}), nil, api.CodeSSORefused},
		"another party":                {claim("azp", "other"), nil, api.CodeSSORefused},
		"another issuer":               {claim("iss", "https://evil.example"), nil, api.CodeSSORefused},
		"another nonce":                {claim("nonce", "x"), nil, api.CodeSSORefused},
		"no nonce":                     {without("nonce"), nil, api.CodeSSORefused},
		"expired":                      {claim("exp", now().Add(-2*time.Minute).Unix()), nil, api.CodeSSORefused},
		"not yet valid":                {claim("nbf", now().Add(time.Hour).Unix()), nil, api.CodeSSORefused},
		"of tomorrow":                  {claim("iat", now().Add(24*time.Hour).Unix()), nil, api.CodeSSORefused},
		"nobody":                       {claim("sub", ""), nil, api.CodeSSORefused},
		"a huge subject":               {claim("sub", strings.Repeat("x", 300)), nil, api.CodeSSORefused},
		"no auth_time":                 {without("auth_time"), nil, api.CodeSSORefused},
		"signed in yesterday":          {claim("auth_time", now().Add(-24*time.Hour).Unix()), nil, api.CodeSSORefused},
		"signed in tomorrow":           {claim("auth_time", now().Add(24*time.Hour).Unix()), nil, api.CodeSSORefused},
		"another access token":         {claim("at_hash", "AAAA"), nil, api.CodeSSORefused},
		"one factor":                   {claim("amr", []string{"pwd"}), nil, api.CodeSecondFactor},
		"no amr":                       {without("amr"), nil, api.CodeSecondFactor},
		"an amr of numbers":            {claim("amr", 7), nil, api.CodeSecondFactor},
		"a logout token":               {func(h, c oidctest.Claims) { h["typ"] = "logout+jwt"; delete(c, "nonce") }, nil, api.CodeSSORefused},
		"exactly right":                {func(_, _ oidctest.Claims) {}, nil, ""},
	} {
		p.Alter, p.Sign = tt.alter, tt.sign
		if code, _ := w.browser().sso(p); code != tt.want {
			t.Errorf("%s: got %q, want %q", name, code, tt.want)
		}
	}
}

// TestT29fAnswers: an answer is good once, in time, in the browser that began,
// from the provider that it was asked of.
func TestT29fAnswers(t *testing.T) {
	w, p := ssoWorld(t)
	w.linked("dana", "nurse", p.Subject)
	b := w.browser()
	redirect, back := p.Visit(b.begin("sign-in"))
	if want := w.server.URL + "/staff/sso/riverside"; redirect != want {
		t.Errorf("sent back to %s, want %s", redirect, want)
	}
	jar := b.cookies["__Host-sotto_sso"]
	if code, _ := b.finish(back); code != "" {
		t.Fatalf("refused: %s", code)
	}
	b.cookies["__Host-sotto_sso"] = jar
	if code, _ := b.finish(back); code != api.CodeSSORefused {
		t.Errorf("the same answer again: %q", code)
	}

	refuse := func(name string, change func(b *browser, back url.Values)) {
		t.Helper()
		b := w.browser()
		_, back := p.Visit(b.begin("sign-in"))
		change(b, back)
		if code, _ := b.finish(back); code != api.CodeSSORefused {
			t.Errorf("%s: got %q", name, code)
		}
	}
	refuse("without the cookie", func(b *browser, _ url.Values) { delete(b.cookies, "__Host-sotto_sso") })
	refuse("another state", func(_ *browser, back url.Values) { back.Set("state", "x") })
	refuse("no state", func(_ *browser, back url.Values) { back.Del("state") })
	refuse("no code", func(_ *browser, back url.Values) { back.Del("code") })
	refuse("an unknown code", func(_ *browser, back url.Values) { back.Set("code", "x") })
	refuse("an error", func(_ *browser, back url.Values) { back.Set("error", "access_denied") })
	refuse("mix-up: another iss", func(_ *browser, back url.Values) { back.Set("iss", "https://evil.example") })
	refuse("mix-up: no iss", func(_ *browser, back url.Values) { back.Del("iss") })
	refuse("a cookie of an attacker's making", func(b *browser, _ url.Values) { b.cookies["__Host-sotto_sso"] = "AAAA" })
	refuse("too late", func(*browser, url.Values) { w.clock.advance(16 * time.Minute) })

	// A code that was meant for somebody else's browser (RFC 9700, section 4.5):
	// the provider knows that another verifier belongs to it, and if the provider
	// does not look, the nonce does.
	for _, careless := range []bool{false, true} {
		p.Careless = careless
		victim, attacker := w.browser(), w.browser()
		_, stolen := p.Visit(victim.begin("sign-in"))
		_, own := p.Visit(attacker.begin("sign-in"))
		own.Set("code", stolen.Get("code"))
		if code, _ := attacker.finish(own); code != api.CodeSSORefused {
			t.Errorf("an injected code, careless %v: %q", careless, code)
		}
		// The other way round: an attacker's answer in the victim's browser (T23).
		_, planted := p.Visit(w.browser().begin("sign-in"))
		if code, _ := victim.finish(planted); code != api.CodeSSORefused {
			t.Errorf("a planted answer: %q", code)
		}
	}
}

// TestT29fMixUp: the answer of one practice's provider is of no use at another
// practice, though that is the same hub.
func TestT29fMixUp(t *testing.T) {
	w, p := ssoWorld(t)
	p.Silent = true
	evil := w.newPractice("hilltop")
	evil.Access.SSO = &hub.SSO{Name: "Evil", Issuer: p.Name(), ClientID: p.Client, Secret: w.hub.SealSecret(evil.ID, p.Secret)}
	_, err := w.hub.SavePractice(w.ctx, evil.Practice)
	w.must(err)
	w.linked("dana", "nurse", p.Subject)
	b := w.browser()
	var begun api.SSOBegun
	b.call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "hilltop", Purpose: "sign-in", Page: "staff"}, &begun)
	redirect, back := p.Visit(begun.Address)
	if !strings.HasSuffix(redirect, "/staff/sso/hilltop") {
		t.Errorf("two practices share %s", redirect)
	}
	if code, _ := b.finish(back); code != api.CodeSSORefused { // at riverside
		t.Errorf("got %q", code)
	}
}

// TestT29fNoOpenRedirect: nothing that a caller says becomes an address that a
// browser is sent to.
func TestT29fNoOpenRedirect(t *testing.T) {
	w, p := ssoWorld(t)
	resp, body := w.raw("POST", "/v1/staff/sso/begin", `{"practice":"riverside","purpose":"sign-in","page":"https://evil.example"}`)
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, body = w.raw("POST", "/v1/staff/sso/begin", `{"practice":"riverside","purpose":"sign-in","page":"staff"}`, "Origin", "https://evil.example")
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	var begun api.SSOBegun
	resp, body = w.raw("POST", "/v1/staff/sso/begin", `{"practice":"riverside","purpose":"sign-in","page":"staff"}`, "X-Forwarded-Host", "evil.example")
	w.must(json.Unmarshal([]byte(body), &begun))
	if !strings.HasPrefix(begun.Address, p.URL+"/authorize?") || strings.Contains(begun.Address, "evil") {
		t.Errorf("%d: sent to %s", resp.StatusCode, begun.Address)
	}
}

// TestT29fDiscovery: nobody is sent to a provider that says of itself what the
// practice's would not.
func TestT29fDiscovery(t *testing.T) {
	for name, change := range map[string]func(oidctest.Claims){
		"another issuer":         func(c oidctest.Claims) { c["issuer"] = "https://evil.example" },
		"no issuer":              func(c oidctest.Claims) { delete(c, "issuer") },
		"sign-in without TLS":    func(c oidctest.Claims) { c["authorization_endpoint"] = "http://evil.example/authorize" },
		"tokens without TLS":     func(c oidctest.Claims) { c["token_endpoint"] = "http://evil.example/token" },
		"keys without TLS":       func(c oidctest.Claims) { c["jwks_uri"] = "http://evil.example/keys" },
		"no address of sign-ins": func(c oidctest.Claims) { delete(c, "authorization_endpoint") },
	} {
		t.Run(name, func(t *testing.T) {
			w, p := ssoWorld(t)
			p.Describe = change
			resp, body := w.browser().call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "sign-in", Page: "staff"}, nil)
			if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, string(api.CodeProvider)) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
}

// TestSSOProviderAway: the refusal says so, and an administrator's passkey works
// all the same, where nothing else does.
func TestSSOProviderAway(t *testing.T) {
	w, p := ssoWorld(t)
	_, _, key := w.passkeyStaff("omar")
	robin, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: "administrator", Name: "Robin", Login: "robin"})
	w.must(err)
	token, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, robin.ID)
	w.must(err)
	dana := w.staff("dana")
	w.access(func(a *hub.Access) { a.SSO.Only = true })
	p.Down = true
	resp, body := w.browser().call("POST", "/v1/staff/sso/begin", api.BeginSSO{Practice: "riverside", Purpose: "sign-in", Page: "staff"}, nil)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, string(api.CodeProvider)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	_, err = w.client().SignIn(w.ctx, dana.in("dana"))
	wantCode(t, err, api.CodeSSOOnly)
	wantCode(t, w.signInPasskey(w.asks(key, passkey.Challenge{Purpose: passkey.PurposeSignIn})), api.CodeSSOOnly) // a physician
	_, _, err = w.newDevice(w.clinic).SetUpApp(w.ctx, token, phrase, w.clock.now())
	wantCode(t, err, api.CodeSSOOnly) // an administrator, but no passkey
	own := w.authenticator()
	w.usePasskey(w.newDevice(w.clinic), own, token, robin.ID)
	w.must(w.signInPasskey(w.asks(own, passkey.Challenge{Purpose: passkey.PurposeSignIn})))
}

// TestSSOGroups: the practice's rules make of groups a role and queues. Groups
// that it does not know give nothing, and administrators come from groups only
// where the practice says so.
func TestSSOGroups(t *testing.T) {
	w, p := ssoWorld(t, func(a *hub.Access) {
		a.SSO.GroupsClaim = "groups"
		a.Groups = hub.GroupRules{Rules: []hub.GroupRule{
			{Group: "IT", Role: "administrator"},
			{Group: "Nurses", Role: "nurse", Queues: []string{"nurse"}},
			{Group: "Desk", Role: "front-desk"},
			{Group: "Night", Role: "nurse", Queues: []string{"front-desk"}},
		}}
	})
	person := w.linked("dana", "front-desk", p.Subject)
	robin := w.linked("robin", "administrator", "sub-robin")
	try := func(subject string, groups any) (api.Code, hub.Person) {
		p.Subject, p.Claims["groups"] = subject, groups
		code, _ := w.browser().sso(p)
		got, err := w.store.Person(w.ctx, w.clinic.ID, person.ID)
		w.must(err)
		return code, got
	}
	for _, tt := range []struct {
		groups any
		code   api.Code
		role   string
		queues []string
	}{
		{[]string{"Nurses", "Everybody"}, "", "nurse", []string{"nurse"}},
		{[]string{"Night", "Nurses"}, "", "nurse", []string{"nurse", "front-desk"}},
		{"Desk", "", "front-desk", []string{}},
		{[]string{"IT", "Desk"}, "", "front-desk", []string{}}, // not by groups here
		{[]string{"IT"}, api.CodeNoRole, "", []string{}},
		{[]string{"Nurses"}, "", "nurse", []string{"nurse"}},
		{[]string{"Strangers"}, api.CodeNoRole, "", []string{}},
		{"Desk", "", "front-desk", []string{}},
		{nil, api.CodeNoRole, "", []string{}},
		{"Desk", "", "front-desk", []string{}},
	} {
		code, got := try("sub-1", tt.groups)
		if code != tt.code || got.Role != tt.role || !slices.Equal(got.Queues, tt.queues) {
			t.Errorf("%v: %q, %s of %v; want %q, %s of %v", tt.groups, code, got.Role, got.Queues, tt.code, tt.role, tt.queues)
		}
	}
	if code, _ := try("sub-robin", []string{"Nurses"}); code != api.CodeNoRole {
		t.Errorf("groups unmade an administrator: %q", code)
	}
	w.access(func(a *hub.Access) { a.Groups.Administrators = true })
	if code, got := try("sub-1", []string{"IT"}); code != "" || got.Role != "front-desk" {
		t.Errorf("a group alone made an administrator: %q, %s", code, got.Role)
	}
	w.approveAll()
	if code, got := try("sub-1", []string{"IT"}); code != "" || got.Role != "administrator" {
		t.Errorf("%q, %s", code, got.Role)
	}
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, person.ID))
	if code, _ := try("sub-1", []string{"IT"}); code != api.CodeUnauthenticated {
		t.Errorf("somebody disabled: %q", code)
	}
	if code, _ := try("sub-robin", nil); code != api.CodeNoRole { // the last administrator
		t.Errorf("%q", code)
	}
	robin, err := w.store.Person(w.ctx, w.clinic.ID, robin.ID)
	if w.must(err); robin.Role != "administrator" {
		t.Errorf("groups unmade the last administrator, now %q", robin.Role)
	}
}

// TestSSOLeftAllGroups: who comes back from the provider in no group that counts
// has lost what groups gave, in every browser and by every way to sign in.
func TestSSOLeftAllGroups(t *testing.T) {
	w, p := ssoWorld(t, func(a *hub.Access) {
		a.SSO.GroupsClaim = "groups"
		a.Groups.Rules = []hub.GroupRule{{Group: "Nurses", Role: "nurse", Queues: []string{"nurse"}}}
	})
	dana := w.staff("dana")
	w.must(w.hub.LinkIdentity(w.ctx, w.clinic.ID, dana.person, p.Subject))
	p.Claims["groups"] = []string{"Nurses"}
	first := w.browser()
	if code, _ := first.sso(p); code != "" {
		t.Fatalf("in the group: %q", code)
	}
	p.Claims["groups"] = []string{"Strangers"}
	if code, _ := w.browser().sso(p); code != api.CodeNoRole {
		t.Errorf("in no group: %q", code)
	}
	if resp, _ := first.call("GET", "/v1/staff/session", nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session of before: %d", resp.StatusCode)
	}
	_, err := dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	if now, err := w.store.Person(w.ctx, w.clinic.ID, dana.person); err != nil || now.Role != "" || len(now.Queues) != 0 {
		t.Errorf("another way in still makes a %q of %v: %v", now.Role, now.Queues, err)
	}
}

// TestSSOSecondFactor: what counts as one is the practice's to say.
func TestSSOSecondFactor(t *testing.T) {
	w, p := ssoWorld(t, func(a *hub.Access) {
		a.SSO.SecondFactor = []hub.Requirement{{Claim: "acr", Values: []string{"urn:two"}}, {Claim: "acrs", Values: []string{"c1"}}}
	})
	w.linked("dana", "nurse", p.Subject)
	address := w.browser().begin("sign-in")
	if u, err := url.Parse(address); err != nil || u.Query().Get("acr_values") != "urn:two" || !strings.Contains(u.Query().Get("claims"), `"c1"`) ||
		u.Query().Get("code_challenge_method") != "S256" || u.Query().Get("max_age") != "600" {
		t.Errorf("asked for %s", address)
	}
	for _, tt := range []struct {
		claims oidctest.Claims
		want   api.Code
	}{
		{oidctest.Claims{"amr": []string{"mfa"}}, api.CodeSecondFactor},
		{oidctest.Claims{"acr": "urn:one"}, api.CodeSecondFactor},
		{oidctest.Claims{"acr": "urn:two"}, ""},
		{oidctest.Claims{"acrs": []string{"c1"}}, ""},
	} {
		p.Claims = tt.claims
		if code, _ := w.browser().sso(p); code != tt.want {
			t.Errorf("%v: %q", tt.claims, code)
		}
	}
}
