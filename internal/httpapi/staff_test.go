package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/totp"
)

// link adds a staff person who has nothing to sign in with yet.
func (w *world) link(login string) (hub.Person, string) {
	w.t.Helper()
	p, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: "nurse", Name: "Dana Ortiz", Login: login})
	w.must(err)
	token, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, p.ID)
	w.must(err)
	return p, token
}

func TestSetUpLinks(t *testing.T) {
	w := newWorld(t)
	person, token := w.link("Dana@Clinic.example")
	if _, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: "nurse", Login: "dana@clinic.EXAMPLE"}); err == nil {
		t.Error("a login exists twice")
	}
	c := w.client()
	var invitation *api.Invitation
	for range 2 { // to look does not use it up
		var err error
		invitation, err = c.InspectSetUp(w.ctx, token)
		w.must(err)
		if invitation.Login != "dana@clinic.example" || invitation.Person.Name != "Dana Ortiz" || invitation.Practice != "riverside" || invitation.Password.MinLength != 8 {
			t.Errorf("the link is for %+v", invitation)
		}
	}
	secret, err := totp.ParseText(invitation.App.Secret)
	w.must(err)
	app := func() *api.TakeApp {
		return &api.TakeApp{Offer: invitation.App.Offer, Code: totp.Code(secret, totp.Step(w.clock.now()))}
	}
	_, otherToken := w.link("other")
	other, err := c.InspectSetUp(w.ctx, otherToken)
	w.must(err)
	wrong, foreign := app(), app()
	wrong.Code = "000000"
	foreign.Offer = other.App.Offer
	for name, s := range map[string]api.SetUp{
		"a password alone":          {Token: token, Password: phrase},
		"an app alone":              {Token: token, App: app()},
		"nothing":                   {Token: token},
		"a short password":          {Token: token, Password: "sh0rt!?", App: app()},
		"a common password":         {Token: token, Password: "password1", App: app()},
		"the person's name":         {Token: token, Password: "danaortiz77", App: app()},
		"a wrong code":              {Token: token, Password: phrase, App: wrong},
		"an offer of somebody else": {Token: token, Password: phrase, App: foreign},
	} {
		resp, body := w.raw("POST", "/v1/staff/set-up", mustJSON(s))
		if resp.StatusCode != http.StatusUnprocessableEntity || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	done, err := c.SetUp(w.ctx, api.SetUp{Token: token, Password: phrase, App: app()})
	w.must(err)
	if len(done.RecoveryCodes) != 10 || done.Session.Login != "dana@clinic.example" {
		t.Errorf("set up: %+v", done)
	}
	if _, err := c.StaffSession(w.ctx); err != nil {
		t.Errorf("set-up signs in: %v", err)
	}
	_, err = c.SetUp(w.ctx, api.SetUp{Token: token, Password: phrase + "2", App: app()})
	wantCode(t, err, api.CodeNotFound)
	_, err = c.InspectSetUp(w.ctx, token)
	wantCode(t, err, api.CodeNotFound)

	old, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, person.ID)
	w.must(err)
	w.clock.advance(73 * time.Hour)
	_, _, err = c.SetUpApp(w.ctx, old, phrase, w.clock.now())
	wantCode(t, err, api.CodeNotFound)
}

// TestT27SignInSaysNothing: whatever is wrong, the answer is the same.
func TestT27SignInSaysNothing(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Limits.AppCodes = hub.Rate{PerSecond: 100, Burst: 100}
	})
	dana := w.staff("dana")
	w.link("new")
	gone := w.staff("gone")
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, gone.person))
	want := ""
	in := func(practice, login, password, code string) api.SignIn {
		return api.SignIn{Practice: practice, Login: login, Authentication: api.Authentication{Password: password, Code: code}}
	}
	for name, s := range map[string]api.SignIn{
		"a wrong password":         in("riverside", "dana", "wrong", dana.code()),
		"a wrong code":             in("riverside", "dana", phrase, "000000"),
		"no code":                  in("riverside", "dana", phrase, ""),
		"no password":              in("riverside", "dana", "", dana.code()),
		"a wrong recovery code":    in("riverside", "dana", phrase, "aaaa-aaaa-aaaa-aaaa"),
		"nobody":                   in("riverside", "nobody", phrase, dana.code()),
		"nobody's recovery code":   in("riverside", "nobody", phrase, "aaaa-aaaa-aaaa-aaaa"),
		"no practice":              in("nowhere", "dana", phrase, dana.code()),
		"somebody disabled":        in("riverside", "gone", phrase, gone.code()),
		"somebody not set up":      in("riverside", "new", "", ""),
		"an unknown passkey":       {Practice: "riverside", Authentication: api.Authentication{Passkey: &api.PasskeyAssertion{Nonce: "n", Credential: []byte("c"), ClientData: []byte("{}"), AuthenticatorData: []byte("d"), Signature: []byte("s")}}},
		"a passkey of no practice": {Practice: "nowhere", Authentication: api.Authentication{Passkey: &api.PasskeyAssertion{Nonce: "n", Credential: []byte("c"), ClientData: []byte("{}"), AuthenticatorData: []byte("d"), Signature: []byte("s")}}},
	} {
		resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(s))
		if body = withoutRequestID(body); want == "" {
			want = body
		}
		if resp.StatusCode != http.StatusUnauthorized || body != want || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
}

// TestT27SignInWorksTheSame: whatever is wrong, the server does the same work:
// one slow hash for the password, and one more where a recovery code is typed.
// How long that takes is for BenchmarkT27SignIn to print.
func TestT27SignInWorksTheSame(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Limits.AppCodes = hub.Rate{PerSecond: 100, Burst: 100}
	})
	w.staff("dana")
	w.link("new")
	gone := w.staff("gone")
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, gone.person))
	for name, who := range map[string][2]string{
		"somebody": {"riverside", "dana"}, "nobody": {"riverside", "nobody"}, "somebody of no practice": {"nowhere", "dana"},
		"somebody disabled": {"riverside", "gone"}, "somebody not set up": {"riverside", "new"},
	} {
		for code, want := range map[string]uint64{"000000": 1, "": 1, "aaaa-aaaa-aaaa-aaaa": 2} {
			before := w.hub.Stats().Hashes
			resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(api.SignIn{Practice: who[0], Login: who[1], Authentication: api.Authentication{Password: "wrong", Code: code}}))
			if did := w.hub.Stats().Hashes - before; did != want || resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s, code %q: %d hashes, want %d; %d %s", name, code, did, want, resp.StatusCode, body)
			}
		}
	}
}

// TestT23StaffCookie: its attributes, 256 bits that the hub keeps as a hash, a new
// value for each sign-in, none that a client brought along, and none that works
// after signing out.
func TestT23StaffCookie(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	const planted = "fixated-by-an-attacker"
	signIn := func() (value string) {
		resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(dana.in(" DANA ")), "Cookie", "__Host-sotto_staff="+planted)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		for _, header := range resp.Header.Values("Set-Cookie") {
			for _, want := range []string{"__Host-sotto_", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
				if !strings.Contains(header, want) {
					t.Errorf("the cookie lacks %s: %s", want, header)
				}
			}
		}
		return resp.Cookies()[0].Value
	}
	first, second := signIn(), signIn()
	if first == second || first == planted {
		t.Error("two sessions have one token")
	}
	bits, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || len(bits)*8 != 256 {
		t.Errorf("a token of %d bits, %v", len(bits)*8, err)
	}
	_, err = w.store.StaffSession(w.ctx, sha256.Sum256([]byte(first)), w.clock.now().UnixMilli())
	w.must(err)
	status := func(cookie string) int {
		resp, _ := w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+cookie)
		return resp.StatusCode
	}
	if status(first) != http.StatusOK || status(second) != http.StatusOK || status(planted) != http.StatusUnauthorized {
		t.Error("a session does not work, or one that nobody opened does")
	}
	w.raw("POST", "/v1/staff/sign-out", "", "Cookie", "__Host-sotto_staff="+first)
	if status(first) != http.StatusUnauthorized || status(second) != http.StatusOK {
		t.Errorf("after signing out: %d and the other %d", status(first), status(second))
	}
	if resp, body := w.raw("GET", "/v1/staff/session", ""); resp.StatusCode != http.StatusNoContent || len(body) != 0 {
		t.Errorf("without a cookie: %d %q", resp.StatusCode, body)
	}
}

// TestPasswordStrength: what is told of a password that somebody thinks of.
func TestPasswordStrength(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	for password, fault := range map[string]string{"seven grey herons": "", "password123": "common", "aB3$": "short"} {
		resp, body := w.raw("POST", "/v1/staff/password-strength", mustJSON(api.CheckPassword{Password: password}), "Cookie", "__Host-sotto_staff="+dana.Cookie())
		var got api.PasswordStrength
		w.must(json.Unmarshal([]byte(body), &got))
		if resp.StatusCode != http.StatusOK || got.Fault != fault || (got.Bits >= 30) != (fault == "") {
			t.Errorf("%d: %s", resp.StatusCode, body)
		}
	}
	if resp, body := w.raw("POST", "/v1/staff/password-strength", `{"password":"seven grey herons"}`); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger: %d %s", resp.StatusCode, body)
	}
}
