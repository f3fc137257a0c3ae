package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/passkey"
)

// behindProxy has the tests say where a call comes from. Limits are the usual.
func behindProxy(_ *hub.Config, c *httpapi.Config) {
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// tries signs in from an address with what a browser there has, and returns what
// it then has.
func (w *world) tries(address, known string, s api.SignIn) (resp *http.Response, knownNow, session string) {
	w.t.Helper()
	resp, _ = w.raw("POST", "/v1/staff/sign-in", mustJSON(s), "X-Forwarded-For", address, "Cookie", "__Host-sotto_known="+known)
	for _, k := range resp.Cookies() {
		switch k.Name {
		case "__Host-sotto_known":
			known = k.Value
		case "__Host-sotto_staff":
			session = k.Value
		}
	}
	return resp, known, session
}

// TestT28Guessing: guesses become slow for who guesses, and who is guessed at
// gets in meanwhile: from a browser that was known, with a passkey from anywhere,
// with a recovery code, and by a new link.
func TestT28Guessing(t *testing.T) {
	w := newWorld(t, behindProxy)
	person, token := w.link("dana")
	dana := w.newDevice(w.clinic)
	secret, done, err := dana.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	dana.secret = secret
	w.clock.advance(time.Minute)
	_, _, omar := w.passkeyStaff("omar")
	wrong := api.SignIn{Practice: "riverside", Login: "dana", Authentication: api.Authentication{Password: "guess", Code: "000000"}}
	guess := func(address string) (status int, wait string) {
		resp, _, _ := w.tries(address, "", wrong)
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for range 5 {
		if status, _ := guess("203.0.113.7"); status != http.StatusUnauthorized {
			t.Fatalf("status %d", status)
		}
	}
	waits := []string{}
	for range 4 {
		status, wait := guess("203.0.113.7")
		if status != http.StatusTooManyRequests {
			t.Fatalf("status %d", status)
		}
		waits = append(waits, wait)
		w.clock.advance(16 * time.Minute)
		guess("203.0.113.7")
	}
	if strings.Join(waits, " ") != "1 2 4 8" {
		t.Errorf("waits %v", waits)
	}
	// Who knows the password guesses codes from many places: who guesses right
	// now is a stranger.
	wrong.Password = phrase
	for i := range 50 {
		guess("198.51.100.1" + string(rune('0'+i%10)))
		w.clock.advance(time.Minute)
	}
	failures := func() (strangers, known int) {
		p, err := w.store.Person(w.ctx, w.clinic.ID, person.ID)
		w.must(err)
		return p.Failures, p.KnownFailures
	}
	for deadline := time.Now().Add(10 * time.Second); ; { // they are counted after their answers
		n, _ := failures()
		if n >= 40 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wrong codes were counted", n)
		}
	}
	stranger := w.client()
	_, err = stranger.SignIn(w.ctx, dana.in("dana"))
	if p := wantCode(t, err, api.CodeUnauthenticated); !strings.Contains(p.Hint, "recovery code") || !strings.Contains(p.Hint, "administrator") {
		t.Errorf("the hint says no way in: %q", p.Hint)
	}
	never := wrong
	never.Login = "nobody-of-this-name"
	resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(never), "X-Forwarded-For", "192.0.2.1")
	if !strings.Contains(body, "recovery code") {
		t.Errorf("the hint tells who is there (T27): %d %s", resp.StatusCode, body)
	}
	w.must(w.signInPasskey(w.asks(omar, passkey.Challenge{Purpose: passkey.PurposeSignIn})))

	in := dana.in("dana")
	in.Code = done.RecoveryCodes[0]
	in.Password = "guess"
	_, err = stranger.SignIn(w.ctx, in)
	wantCode(t, err, api.CodeUnauthenticated)
	known := dana.in("dana") // in the browser that was set up
	_, err = dana.SignIn(w.ctx, known)
	w.must(err)
	if n, k := failures(); n != 0 || k != 0 {
		t.Errorf("%d and %d failures after a sign-in", n, k)
	}

	count := func(known bool) {
		t.Helper()
		for range 40 {
			w.must(w.store.RefuseSignIn(w.ctx, hub.SignIn{ID: hub.NewID("n"), Practice: w.clinic.ID, Person: person.ID, New: !known}, true))
		}
	}
	count(true) // somebody at a known browser: strangers have their own
	_, err = dana.SignIn(w.ctx, dana.in("dana"))
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = w.client().SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	if n, k := failures(); n != 0 || k != 0 {
		t.Errorf("%d and %d failures after a sign-in", n, k)
	}

	count(false) // again, and this time no browser is left
	_, err = w.client().SignIn(w.ctx, dana.in("dana"))
	wantCode(t, err, api.CodeUnauthenticated)
	in.Password = phrase
	_, err = w.client().SignIn(w.ctx, in)
	w.must(err)

	count(false)
	token, err = w.hub.NewSetUpLink(w.ctx, w.clinic.ID, person.ID)
	w.must(err)
	fresh := w.client()
	dana.secret, _, err = fresh.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	_, err = w.client().SignIn(w.ctx, dana.in("dana"))
	w.must(err)
}

// TestT28AFloodKeepsNobodyOut: machines that guess at one login without a pause,
// from however many networks, keep its person out of no new browser, neither with
// an app's code nor with a recovery code. Those who know the password too are
// bounded together, and keep nobody out of a known browser.
func TestT28AFloodKeepsNobodyOut(t *testing.T) {
	w := newWorld(t, behindProxy)
	_, token := w.link("dana")
	dana := w.newDevice(w.clinic)
	secret, done, err := dana.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	dana.secret = secret
	flood := func(password, code string, networks, each int) (looked int) {
		s := api.SignIn{Practice: "riverside", Login: "dana", Authentication: api.Authentication{Password: password, Code: code}}
		for n := range networks {
			for range each {
				if resp, _, _ := w.tries(fmt.Sprint("198.51.100.", n), "", s); resp.StatusCode == http.StatusUnauthorized {
					looked++
				}
			}
		}
		return looked
	}
	w.clock.advance(time.Minute)
	// Codes are made at the beginning of their half minute, so that they last.
	w.clock.advance(30*time.Second - time.Duration(w.clock.now().UnixNano()%int64(30*time.Second)))
	in := dana.in("dana")
	if looked := flood("guess", "000000", 1, 20); looked > 7 {
		t.Errorf("%d guesses of one network were looked at", looked)
	}
	flood("guess", "000000", 120, 1)
	if looked := flood("guess", "aaaa-aaaa-aaaa-aaaa", 4, 20); looked > 7*4 {
		t.Errorf("%d guesses at recovery codes were looked at", looked)
	}
	resp, known, _ := w.tries("192.0.2.44", "", in)
	if resp.StatusCode != http.StatusOK || known == "" {
		t.Errorf("strangers who know a login keep its person out: %d", resp.StatusCode)
	}

	in = dana.in("dana")
	flood(phrase, "000000", 12, 1) // at once: more than strangers may
	if resp, _, _ := w.tries("192.0.2.45", "", in); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("how many guess at codes at once is not bounded: %d", resp.StatusCode)
	}
	recovery := in
	recovery.Code = done.RecoveryCodes[0]
	if resp, _, _ := w.tries("192.0.2.46", "", recovery); resp.StatusCode != http.StatusOK {
		t.Errorf("a recovery code from a network that guessed nothing: %d", resp.StatusCode)
	}
	if resp, _, _ := w.tries("192.0.2.45", known, in); resp.StatusCode != http.StatusOK {
		t.Errorf("a known browser: %d", resp.StatusCode)
	}
	if resp, _, _ := w.tries("192.0.2.45", "", dana.in("dana")); resp.StatusCode != http.StatusOK { // half a minute later
		t.Errorf("a new browser later: %d", resp.StatusCode)
	}
}

// TestT28ANeighbourKeepsNobodyOut: a machine of the same network as a clinic's
// staff, at the usual limits, may guess and ask as often as it likes: from known
// browsers, with passkeys and in open sessions all go on. Strangers there wait.
func TestT28ANeighbourKeepsNobodyOut(t *testing.T) {
	w := newWorld(t, behindProxy)
	w.clock.advance(time.Minute)
	const clinic = "203.0.113.7"
	dana := w.staff("dana")
	_, _, omar := w.passkeyStaff("omar")
	resp, known, session := w.tries("192.0.2.44", "", dana.in("dana"))
	if known == "" || session == "" {
		t.Fatalf("sign-in: %d", resp.StatusCode)
	}
	// Codes are made at the beginning of their half minute, so that they last.
	w.clock.advance(30*time.Second - time.Duration(w.clock.now().UnixNano()%int64(30*time.Second)))
	again := dana.in("dana") // takes time, in which a bucket would fill
	proof := mustJSON(api.Authentication{Password: phrase, Code: dana.code()})
	spent := 0
	for i := range 300 {
		s := api.SignIn{Practice: "riverside", Login: fmt.Sprint("nobody", i), Authentication: api.Authentication{Password: "guess", Code: "000000"}}
		if resp, _, _ := w.tries(clinic, "", s); resp.StatusCode == http.StatusTooManyRequests {
			spent++
		}
		s = api.SignIn{Practice: "riverside", Authentication: api.Authentication{Passkey: &api.PasskeyAssertion{
			Nonce: "x", Credential: []byte("x"), ClientData: []byte("{}"), AuthenticatorData: []byte("x"), Signature: []byte("x"),
		}}}
		w.tries(clinic, "", s)
		w.raw("POST", "/v1/challenges", "{}", "X-Forwarded-For", clinic)
		w.raw("POST", "/v1/guests", "{}", "X-Forwarded-For", clinic)
		w.raw("POST", "/v1/staff/sso/begin", `{"practice":"riverside","purpose":"sign-in","page":"staff"}`, "X-Forwarded-For", clinic)
	}
	if spent == 0 {
		t.Fatal("nobody who guesses was slowed down")
	}
	if resp, _, _ := w.tries(clinic, "", again); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a stranger there: %d", resp.StatusCode)
	}
	if resp, _, _ := w.tries(clinic, known, again); resp.StatusCode != http.StatusOK {
		t.Errorf("a known browser there: %d", resp.StatusCode)
	}
	w.raw("POST", "/v1/staff/lock", "{}", "Cookie", "__Host-sotto_staff="+session)
	resp, body := w.raw("POST", "/v1/staff/unlock", proof, "Cookie", "__Host-sotto_staff="+session, "X-Forwarded-For", clinic)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("unlock: %d %s", resp.StatusCode, body)
	}
	w.clock.advance(time.Second) // for who is not known at all, the calls of a moment
	resp, body = w.raw("POST", "/v1/challenges", "{}", "X-Forwarded-For", clinic)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a challenge: %d %s", resp.StatusCode, body)
	}
	s := api.SignIn{Practice: "riverside", Authentication: api.Authentication{Passkey: w.asks(omar, passkey.Challenge{Purpose: passkey.PurposeSignIn})}}
	if resp, _, _ := w.tries(clinic, "", s); resp.StatusCode != http.StatusOK {
		t.Errorf("a passkey in a browser that was never seen: %d", resp.StatusCode)
	}
}

// TestT28SharedDesk: a browser is known to each of those who share it, and a
// guess at one of them there slows down none of the others. The ninth takes the
// place of the first.
func TestT28SharedDesk(t *testing.T) {
	w := newWorld(t, behindProxy)
	const desk = "203.0.113.7"
	known, who := "", make([]*device, 9)
	signIn := func(i int, known string) (*http.Response, string) {
		t.Helper()
		resp, now, _ := w.tries(desk, known, who[i].in(fmt.Sprint("p", i)))
		return resp, now
	}
	for i := range who {
		who[i] = w.newDevice(w.clinic)
		_, token := w.link(fmt.Sprint("p", i))
		var err error
		who[i].secret, _, err = who[i].SetUpApp(w.ctx, token, phrase, w.clock.now())
		w.must(err)
		w.clock.advance(time.Minute)
		var resp *http.Response
		if resp, known = signIn(i, known); resp.StatusCode != http.StatusOK {
			t.Fatalf("%d: status %d", i, resp.StatusCode)
		}
	}
	if len(known) > 400 {
		t.Errorf("the cookie has %d bytes", len(known))
	}
	before := known
	late := func(i int, known string) (*http.Response, string) { // when what strangers of this network may try is spent
		s := who[i].in(fmt.Sprint("p", i))
		for range 40 {
			w.tries(desk, "", api.SignIn{Practice: "riverside", Login: "p1", Authentication: api.Authentication{Password: "guess", Code: "000000"}})
		}
		resp, now, _ := w.tries(desk, known, s)
		return resp, now
	}
	for i := range who {
		resp, now := late(i, known)
		if want := map[bool]int{true: http.StatusTooManyRequests, false: http.StatusOK}[i == 0]; resp.StatusCode != want {
			t.Errorf("the %d. person: status %d, want %d", i, resp.StatusCode, want)
		}
		if now != before {
			t.Errorf("the cookie of who was known changed")
		}
	}
	if resp, _ := late(3, strings.Repeat("x.", 200)+known); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("an endless cookie is read: %d", resp.StatusCode)
	}
}
