package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
)

// browserKey is a browser's own key.
type browserKey struct {
	t   *testing.T
	key *ecdsa.PrivateKey
}

func newBrowserKey(t *testing.T) *browserKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &browserKey{t, key}
}

// shows is the value of Sotto-Browser for one call.
func (b *browserKey) shows(method, path string, at time.Time) string {
	b.t.Helper()
	when := strconv.FormatInt(at.UnixMilli(), 10)
	path, _, _ = strings.Cut(path, "?")
	sum := sha256.Sum256([]byte("sotto staff call v1\n" + method + "\n" + path + "\n" + when))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, sum[:])
	if err != nil {
		b.t.Fatal(err)
	}
	public, err := b.key.PublicKey.Bytes()
	if err != nil {
		b.t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	encode := base64.RawURLEncoding.EncodeToString
	return encode(public) + "." + when + "." + encode(signature[:])
}

// signsIn opens a session in a browser with a key, and returns its cookie.
func (w *world) signsIn(b *browserKey, d *device, login string) string {
	w.t.Helper()
	resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(d.in(login)), "Sotto-Browser", b.shows("POST", "/v1/staff/sign-in", w.clock.now()))
	for _, k := range resp.Cookies() {
		if k.Name == "__Host-sotto_staff" {
			return k.Value
		}
	}
	w.t.Fatalf("sign-in: %d %s", resp.StatusCode, body)
	return ""
}

// TestT23StolenCookieOpensNothing: of all that the API has, the cookie of a
// session opens nothing in another browser than the one that signed in: without
// a key, with a key of the thief's own, with a call of the owner's that was
// overheard, or with an old one. That holds for each route that takes the
// cookie; in the owner's browser they do answer.
func TestT23StolenCookieOpensNothing(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Limits.Anonymous, c.Limits.Guests = hub.Rate{PerSecond: 1e6, Burst: 1e6}, hub.Rate{PerSecond: 1e6, Burst: 1e6}
	})
	admin := w.staffAs(w.clinic, "administrator", "robin")
	owner, thief := newBrowserKey(t), newBrowserKey(t)
	cookie := w.signsIn(owner, admin, "robin")
	routes := map[string]string{ // that take the cookie, and do not need it
		"GET /v1/staff/session":            "",
		"POST /v1/staff/password-strength": `{"password":"seven grey herons"}`,
		"POST /v1/staff/sso/begin":         `{"practice":"riverside","purpose":"link","page":"admin"}`,
	}
	for path, methods := range w.described().Paths {
		for method, o := range methods {
			for _, need := range o.Security {
				if _, takes := need["staff"]; takes {
					routes[strings.ToUpper(method)+" "+fill(path, "x")] = "{}"
				}
			}
		}
	}
	if len(routes) < 90 {
		t.Fatalf("only %d routes take the cookie", len(routes))
	}
	for route, body := range routes {
		method, path, _ := strings.Cut(route, " ")
		now := w.clock.now()
		for what, shown := range map[string]string{
			"without a key":                "",
			"with another key":             thief.shows(method, path, now),
			"overheard at another path":    owner.shows(method, "/v1/staff/another", now),
			"overheard of another method":  owner.shows("OPTIONS", path, now),
			"overheard three minutes ago":  owner.shows(method, path, now.Add(-3*time.Minute)),
			"signed for in three minutes":  owner.shows(method, path, now.Add(3*time.Minute)),
			"with the key, signed by mine": mixed(owner.shows(method, path, now), thief.shows(method, path, now)),
		} {
			resp, got := w.raw(method, path, body, "Cookie", "__Host-sotto_staff="+cookie, "Sotto-Browser", shown)
			if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(got, string(api.CodeUnauthenticated)) {
				t.Errorf("%s %s: %d %s", route, what, resp.StatusCode, got)
			}
		}
	}
	for _, path := range []string{"/v1/staff/session", "/v1/admin/people", "/v1/staff/devices"} {
		resp, got := w.raw("GET", path, "", "Cookie", "__Host-sotto_staff="+cookie, "Sotto-Browser", owner.shows("GET", path, w.clock.now()))
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s in the owner's browser: %d %s", path, resp.StatusCode, got)
		}
	}
	// The log says so: once a minute and session, whatever was tried.
	tried := func() (reasons []string) {
		t.Helper()
		for _, line := range w.events(string(audit.CallRefused)) {
			if f := strings.Fields(line); f[0] == admin.person {
				reasons = append(reasons, f[2])
			}
		}
		slices.Sort(reasons)
		return reasons
	}
	if got := tried(); !slices.Equal(got, []string{"browser-proof", "other-browser"}) {
		t.Errorf("the log says %q", got)
	}
	// Both factors anew change the cookie and not the key.
	proof := mustJSON(api.Authentication{Password: phrase, Code: admin.code()})
	resp, got := w.raw("POST", "/v1/staff/step-up", proof, "Cookie", "__Host-sotto_staff="+cookie, "Sotto-Browser", owner.shows("POST", "/v1/staff/step-up", w.clock.now()))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("step-up: %d %s", resp.StatusCode, got)
	}
	cookie = resp.Cookies()[0].Value
	resp, got = w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+cookie)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the new cookie without the key: %d %s", resp.StatusCode, got)
	}
	// A locked session is no more the thief's to know of than an open one.
	before := len(tried())
	w.clock.advance(time.Minute)
	locked, err := w.hub.AuthenticateLocked(w.ctx, cookie)
	w.must(err)
	w.must(w.hub.Lock(w.ctx, locked))
	resp, got = w.raw("GET", "/v1/staff/devices", "", "Cookie", "__Host-sotto_staff="+cookie)
	if n := len(tried()) - before; resp.StatusCode != http.StatusUnauthorized || strings.Contains(got, string(api.CodeLocked)) || n != 1 {
		t.Errorf("a locked one: %d %s, and %d lines in the log", resp.StatusCode, got, n)
	}
}

// mixed has one proof's key and time, and the other's signature.
func mixed(key, signature string) string {
	return key[:strings.LastIndexByte(key, '.')] + signature[strings.LastIndexByte(signature, '.'):]
}

// TestT23StolenCookieNoDevice: the cookie without the browser's key gives a
// device of the owner's no session either, though the device's own key is there.
func TestT23StolenCookieNoDevice(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	owner := newBrowserKey(t)
	dana.SetCookie(w.signsIn(owner, dana, "dana"))
	_, err := dana.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
	resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(dana.in("dana")), "Sotto-Browser", "a.b.c")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a browser whose proof is not good signs in, unbound: %d %s", resp.StatusCode, body)
	}
}
