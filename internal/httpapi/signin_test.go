package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
	"github.com/sotto-health/sotto/internal/totp"
)

// authenticator is one at a page of the world's server.
func (w *world) authenticator() *passkeytest.Authenticator {
	host, _, _ := strings.Cut(strings.TrimPrefix(w.server.URL, "http://"), ":")
	return passkeytest.New(host, w.server.URL)
}

func (w *world) nonce() string {
	w.t.Helper()
	c, err := w.hub.NewChallenge(w.ctx)
	w.must(err)
	return c.Nonce
}

// asks has a passkey sign for a purpose with a fresh nonce.
func (w *world) asks(a *passkeytest.Authenticator, c passkey.Challenge) *api.PasskeyAssertion {
	w.t.Helper()
	c.Practice, c.Nonce = "riverside", w.nonce()
	got := a.Get(c)
	return &api.PasskeyAssertion{
		Nonce: c.Nonce, Credential: got.Credential, ClientData: got.ClientData, AuthenticatorData: got.Data, Signature: got.Signature, UserHandle: got.User,
	}
}

// passkeyStaff sets a person up with a passkey.
func (w *world) passkeyStaff(login string) (hub.Person, *device, *passkeytest.Authenticator) {
	w.t.Helper()
	p, token := w.link(login)
	a, d := w.authenticator(), w.newDevice(w.clinic)
	w.usePasskey(d, a, token, p.ID)
	d.person = p.ID
	return p, d, a
}

// usePasskey uses a set-up link to make a passkey.
func (w *world) usePasskey(d *device, a *passkeytest.Authenticator, token, person string) {
	w.t.Helper()
	c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: "riverside", Person: person, Nonce: w.nonce()}
	made := a.Create(c, person)
	done, err := d.SetUp(w.ctx, api.SetUp{Token: token, Passkey: &api.PasskeyRegistration{
		Nonce: c.Nonce, Name: "my phone", Credential: made.Credential, ClientData: made.ClientData, Attestation: made.Attestation,
	}})
	w.must(err)
	if !done.Session.HasPasskey || len(done.RecoveryCodes) != 0 {
		w.t.Errorf("set up: %+v", done)
	}
}

func (w *world) signInPasskey(a *api.PasskeyAssertion) error {
	_, err := w.client().SignIn(w.ctx, api.SignIn{Practice: "riverside", Authentication: api.Authentication{Passkey: a}})
	return err
}

// TestT29PasskeyReplay: an assertion signs in once, in time, for what it was
// made for, and only on our page.
func TestT29PasskeyReplay(t *testing.T) {
	w := newWorld(t)
	p, _, a := w.passkeyStaff("omar")
	signIn := passkey.Challenge{Purpose: passkey.PurposeSignIn}
	good := w.asks(a, signIn)
	w.must(w.signInPasskey(good))
	wantCode(t, w.signInPasskey(good), api.CodeUnauthenticated)

	late := w.asks(a, signIn)
	w.clock.advance(6 * time.Minute)
	wantCode(t, w.signInPasskey(late), api.CodeUnauthenticated)
	wantCode(t, w.signInPasskey(w.asks(a, passkey.Challenge{Purpose: passkey.PurposeConfirm, Person: p.ID})), api.CodeUnauthenticated)
	wantCode(t, w.signInPasskey(w.asks(w.authenticator(), signIn)), api.CodeUnauthenticated)
	phished := *a
	phished.Origin = "https://r1verside.example"
	wantCode(t, w.signInPasskey(w.asks(&phished, signIn)), api.CodeUnauthenticated) // T28
	unverified := *a
	unverified.Unverified = true
	wantCode(t, w.signInPasskey(w.asks(&unverified, signIn)), api.CodeUnauthenticated)
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, p.ID))
	wantCode(t, w.signInPasskey(w.asks(a, signIn)), api.CodeUnauthenticated)
}

// TestT29CodesWorkOnce: neither the code of an app nor a recovery code signs in
// twice, also not a second session of the same moment.
func TestT29CodesWorkOnce(t *testing.T) {
	w := newWorld(t)
	_, token := w.link("dana")
	d := w.newDevice(w.clinic)
	secret, done, err := d.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	signIn := func(code string) error {
		_, err := w.client().SignIn(w.ctx, api.SignIn{Practice: "riverside", Login: "dana", Authentication: api.Authentication{Password: phrase, Code: code}})
		return err
	}
	wantCode(t, signIn(totp.Code(secret, totp.Step(w.clock.now()))), api.CodeUnauthenticated) // used by the set-up
	w.clock.advance(30 * time.Second)
	for _, code := range []string{totp.Code(secret, totp.Step(w.clock.now())), done.RecoveryCodes[0]} {
		w.clock.advance(time.Minute / 4) // who guessed wrong waits
		in, out := w.times(audit.SignedIn), w.times(audit.SignInRefused)
		results := make(chan error, 4)
		for range cap(results) {
			go func() { results <- signIn(code) }()
		}
		good := 0
		for range cap(results) {
			if err := <-results; err == nil {
				good++
			} else {
				wantCode(t, err, api.CodeUnauthenticated)
			}
		}
		in, out = w.times(audit.SignedIn)-in, w.times(audit.SignInRefused)-out
		if good != 1 || in != 1 || out != cap(results)-1 {
			t.Errorf("one code signed in %d times; the log has %d, and %d refused", good, in, out)
		}
	}
	kept, err := w.store.RecoveryCodes(w.ctx, w.clinic.ID, done.Session.Person.ID)
	if err != nil || len(kept) != len(done.RecoveryCodes)-1 {
		t.Errorf("%d codes are kept, %v", len(kept), err)
	}
	for _, k := range kept {
		if len(k.Salt) < 16 || len(k.Hash) < 32 || slices.ContainsFunc(done.RecoveryCodes, func(code string) bool { return bytes.Contains(k.Hash, []byte(code)) }) {
			t.Errorf("a code is kept as %x, salted with %x", k.Hash, k.Salt)
		}
	}
	w.must(signIn(done.RecoveryCodes[3]))
	wantCode(t, signIn(done.RecoveryCodes[3]), api.CodeUnauthenticated)
	w.must(signIn(strings.ToUpper(strings.ReplaceAll(done.RecoveryCodes[4], "-", " "))))
}

// TestT43IdleSessionsLock: at the practice's time the server refuses calls and
// closes the socket by itself, and both factors open the session again, with a
// new cookie (T23). A sign of life puts it off; nothing puts off its end.
func TestT43IdleSessionsLock(t *testing.T) {
	w := newWorld(t)
	dana, opened := w.staff("dana"), w.clock.now()
	l := dana.listen()
	s, err := dana.StaffSession(w.ctx)
	w.must(err)
	if s.IdleSeconds != 600 || s.Locked {
		t.Fatalf("%+v", s)
	}
	w.clock.advance(9 * time.Minute)
	_, err = dana.Active(w.ctx)
	w.must(err)
	w.clock.advance(9 * time.Minute)
	w.must(w.hub.CheckSessions(w.ctx))
	_, err = dana.Self(w.ctx)
	w.must(err)
	w.clock.advance(time.Minute + time.Second)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeLocked)
	w.must(w.hub.CheckSessions(w.ctx))
	l.next(api.EventEnded)
	if got, want := w.events("session.locked"), []string{"  minutes=10 idle " + s.ID}; !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	_, err = dana.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeLocked)
	_, err = dana.Active(w.ctx)
	wantCode(t, err, api.CodeLocked)
	if s, err = dana.StaffSession(w.ctx); err != nil || !s.Locked {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = dana.Unlock(w.ctx, api.Authentication{Password: phrase, Code: "000000"})
	wantCode(t, err, api.CodeUnauthenticated)
	before := dana.Cookie()
	_, err = dana.Unlock(w.ctx, api.Authentication{Password: phrase, Code: dana.code()})
	w.must(err)
	if dana.Cookie() == before {
		t.Error("the session kept its token")
	}
	resp, _ := w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+before)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old cookie answers %d", resp.StatusCode)
	}
	_, err = dana.Self(w.ctx) // the device's session goes on: no draft, no queue is lost
	w.must(err)
	for w.clock.now().Before(opened.Add(11*time.Hour + 40*time.Minute)) { // a day of work
		w.clock.advance(9 * time.Minute)
		_, err = dana.Active(w.ctx)
		w.must(err)
	}
	w.clock.advance(opened.Add(12 * time.Hour).Sub(w.clock.now()))
	_, err = dana.Active(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
}

// TestT43IdleTimeIsThePractices: a practice that says two minutes has screens
// locked after two.
func TestT43IdleTimeIsThePractices(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	pr := w.clinic.Practice
	pr.IdleStaff = hub.LeastIdleMinutes
	_, err := w.hub.SavePractice(w.ctx, pr)
	w.must(err)
	_, err = dana.Active(w.ctx)
	w.must(err)
	w.clock.advance(2*time.Minute - time.Second)
	s, err := dana.StaffSession(w.ctx)
	w.must(err)
	if s.IdleSeconds != 120 || s.Locked {
		t.Errorf("%+v", s)
	}
	w.clock.advance(2 * time.Second)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeLocked)
}

// TestT23StolenCookie: the cookie in another browser neither speaks for the
// device nor makes another.
func TestT23StolenCookie(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	thief := w.newDevice(w.clinic)
	thief.SetCookie(dana.Cookie())
	proof, err := thief.Prove(w.ctx, thief.signer, "register", w.clinic.ID)
	w.must(err)
	_, err = thief.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: thief.signer.Public(), Name: "x", Proof: proof})
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = thief.SignInDevice(w.ctx, thief.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
}

// TestT43DisabledElsewhere: who is disabled by another program on the same
// database, such as the command line, has no call and no socket here either, and
// the keeper here is given their removal.
func TestT43DisabledElsewhere(t *testing.T) {
	w := newWorld(t)
	patient, dana := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	dana.take(id)
	w.clinic.keeper.admit()
	l := dana.listen()
	elsewhere, err := hub.New(hub.Config{Store: w.store, Blobs: newMemoryBlobs(), Now: w.clock.now})
	w.must(err)
	defer elsewhere.Close()
	w.must(elsewhere.DisablePerson(w.ctx, w.clinic.ID, dana.person))
	w.must(w.hub.CheckSessions(w.ctx)) // as it does every second
	l.next(api.EventEnded)
	wantCode(t, <-l.ended, api.CodeUnauthenticated)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = dana.StaffSession(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	work, err := w.clinic.keeper.Work(w.ctx)
	w.must(err)
	if len(work.Groups) != 1 || len(work.Groups[0].Remove) != 1 || work.Groups[0].Remove[0].ID != dana.id {
		t.Errorf("the keeper is to do %+v", work.Groups)
	}
	v, err := w.store.Conversation(w.ctx, w.clinic.ID, id)
	w.must(err)
	if v.State != api.StateWaiting || v.Assignee != "" {
		t.Errorf("the chat is %s, of %q", v.State, v.Assignee)
	}
}

// TestFactorsNeedBothFactorsAgain: a browser that was left open cannot be used
// to change what its person signs in with.
func TestFactorsNeedBothFactorsAgain(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	call := func(method, path, body string) (int, string) {
		resp, got := w.raw(method, path, body, "Cookie", "__Host-sotto_staff="+dana.Cookie())
		return resp.StatusCode, got
	}
	w.clock.advance(6 * time.Minute)
	for _, c := range [][3]string{
		{"POST", "/v1/staff/recovery-codes", ""},
		{"PUT", "/v1/staff/password", `{"password":"seven grey herons"}`},
		{"DELETE", "/v1/staff/factors/f_x", ""},
		{"POST", "/v1/staff/factors/apps", `{"offer":"x","code":"123456"}`},
		{"POST", "/v1/staff/factors/passkeys", `{"passkey":{"nonce":"n","name":"n","credential":"AA==","client_data":"AA==","attestation":"AA=="}}`},
	} {
		if status, body := call(c[0], c[1], c[2]); status != http.StatusForbidden || !strings.Contains(body, string(api.CodeStepUp)) {
			t.Errorf("%s %s: %d %s", c[0], c[1], status, body)
		}
	}
	other := w.client()
	_, err := other.SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	before := dana.Cookie()
	_, err = dana.StepUp(w.ctx, api.Authentication{Password: phrase, Code: dana.code()})
	w.must(err)
	if resp, _ := w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+before); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the cookie from before both factors answers %d", resp.StatusCode) // T23
	}
	if status, body := call("PUT", "/v1/staff/password", `{"password":"riverside1"}`); status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", status, body)
	}
	if status, body := call("PUT", "/v1/staff/password", `{"password":"seven grey herons"}`); status != http.StatusNoContent {
		t.Errorf("%d %s", status, body)
	}
	_, err = other.StaffSession(w.ctx) // the person's other sessions end
	wantCode(t, err, api.CodeUnauthenticated)
	_, body := call("GET", "/v1/staff/factors", "")
	id := body[strings.Index(body, `"f_`)+1:][:28]
	if status, body := call("DELETE", "/v1/staff/factors/"+id, ""); status != http.StatusConflict || !strings.Contains(body, string(api.CodeLastFactor)) {
		t.Errorf("the last factor went: %d %s", status, body)
	}
}

// TestNetworks: staff work from where their practice says, and are refused
// elsewhere with both factors right, and with a session that was opened at the
// right place. Patients are not meant.
func TestNetworks(t *testing.T) {
	w := newWorld(t, func(_ *hub.Config, ac *httpapi.Config) {
		ac.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	dana, patient := w.staff("dana"), w.patient()
	p := w.clinic.Practice
	p.Access.Networks = map[string][]netip.Prefix{"": {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")}}
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	for address, want := range map[string]int{"10.1.2.3": http.StatusOK, "10.2.2.3": http.StatusForbidden, "2001:db8::1": http.StatusForbidden} {
		resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(dana.in("dana")), "X-Forwarded-For", address)
		if resp.StatusCode != want || want != http.StatusOK && resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("sign-in from %s: %d %s", address, resp.StatusCode, body)
		}
		for who, d := range map[string]*device{"staff": dana, "patient": patient} {
			resp, body := w.raw("GET", "/v1/devices/self", "", "Authorization", "Bearer "+d.Token(), "X-Forwarded-For", address)
			if allowed := resp.StatusCode == http.StatusOK; allowed != (want == http.StatusOK || who == "patient") {
				t.Errorf("%s from %s: %d %s", who, address, resp.StatusCode, body)
			}
		}
	}
}

// TestT29CodesOfTheWrongPlaceAreSpent: both factors, shown where their owner may
// not come from, were perhaps shown by somebody else: they are good nowhere after.
func TestT29CodesOfTheWrongPlaceAreSpent(t *testing.T) {
	w := newWorld(t, func(_ *hub.Config, ac *httpapi.Config) {
		ac.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	dana := w.staff("dana")
	p := w.clinic.Practice
	p.Access.Networks = map[string][]netip.Prefix{"": {netip.MustParsePrefix("10.1.0.0/16")}}
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	shown := mustJSON(dana.in("dana"))
	for _, c := range []struct {
		address string
		want    int
	}{{"10.2.2.3", http.StatusForbidden}, {"10.1.2.3", http.StatusUnauthorized}} {
		if resp, body := w.raw("POST", "/v1/staff/sign-in", shown, "X-Forwarded-For", c.address); resp.StatusCode != c.want {
			t.Errorf("from %s: %d %s, want %d", c.address, resp.StatusCode, body, c.want)
		}
	}
}

// TestNetworksByRole: each role comes from where the practice says of that role,
// at sign-in, with a session, with a device, and as long as a socket is open.
func TestNetworksByRole(t *testing.T) {
	w := newWorld(t, behindProxy)
	ward, desk := "10.1.0.7", "10.2.0.7"
	who := map[string]*device{"nurse": w.staff("dana"), "front-desk": w.staffAs(w.clinic, "front-desk", "lee"), "billing": w.staffAs(w.clinic, "billing", "bo")}
	logins := map[string]string{"nurse": "dana", "front-desk": "lee", "billing": "bo"}
	may := map[string][]string{"nurse": {ward}, "front-desk": {desk}, "billing": {ward, desk}}
	sockets := make(map[string]*websocket.Conn)
	for role, d := range who { // all are opened at the ward, while anybody may
		conn, _, err := websocket.Dial(w.ctx, "ws"+strings.TrimPrefix(w.server.URL, "http")+"/v1/events",
			&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {ward}}})
		w.must(err)
		defer func() { _ = conn.CloseNow() }()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready))
		sockets[role] = conn
	}
	p := w.clinic.Practice
	p.Access.Networks = map[string][]netip.Prefix{
		"": {netip.MustParsePrefix("10.0.0.0/8")}, "nurse": {netip.MustParsePrefix("10.1.0.0/16")}, "front-desk": {netip.MustParsePrefix("10.2.0.0/16")},
	}
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	for role, d := range who {
		for _, address := range []string{ward, desk} {
			allowed := slices.Contains(may[role], address)
			for what, call := range map[string]func() (*http.Response, string){
				"signs in": func() (*http.Response, string) {
					return w.raw("POST", "/v1/staff/sign-in", mustJSON(d.in(logins[role])), "X-Forwarded-For", address)
				},
				"has a session": func() (*http.Response, string) {
					return w.raw("GET", "/v1/staff/factors", "", "Cookie", "__Host-sotto_staff="+d.Cookie(), "X-Forwarded-For", address)
				},
				"has a device": func() (*http.Response, string) {
					return w.raw("GET", "/v1/devices/self", "", "Authorization", "Bearer "+d.Token(), "X-Forwarded-For", address)
				},
			} {
				if resp, body := call(); (resp.StatusCode == http.StatusOK) != allowed {
					t.Errorf("%s %s from %s: %d %s", role, what, address, resp.StatusCode, body)
				}
			}
		}
	}
	// Whoever is elsewhere by now is told nothing of the practice, and gets out.
	resp, body := w.raw("GET", "/v1/staff/session", "", "Cookie", "__Host-sotto_staff="+who["front-desk"].Cookie(), "X-Forwarded-For", ward)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"stated_grants":[]`) {
		t.Errorf("the front desk's session at the ward: %d %s", resp.StatusCode, body)
	}
	w.must(w.hub.CheckSessions(w.ctx))
	patience, stop := context.WithTimeout(w.ctx, 20*time.Second)
	defer stop()
	for role, conn := range sockets {
		if role != "front-desk" {
			w.must(wsjson.Write(w.ctx, conn, api.ClientMessage{Type: "ping", Call: 3}))
		}
		for {
			var e api.Reply
			err := wsjson.Read(patience, conn, &e)
			if err == nil && e.Type != "pong" {
				continue
			}
			if ended := websocket.CloseStatus(err) == websocket.StatusPolicyViolation; ended != (role == "front-desk") {
				t.Errorf("the %s's socket at the ward: %v", role, err)
			}
			break
		}
	}
	// A role's name is good for its professions, unless they are named themselves.
	p.Access.Networks = map[string][]netip.Prefix{"clinician": {netip.MustParsePrefix("10.1.0.0/16")}}
	_, err = w.hub.SavePractice(w.ctx, p)
	w.must(err)
	for address, want := range map[string]int{ward: http.StatusOK, desk: http.StatusForbidden} {
		if resp, body := w.raw("POST", "/v1/staff/sign-in", mustJSON(who["nurse"].in("dana")), "X-Forwarded-For", address); resp.StatusCode != want {
			t.Errorf("a nurse from %s, where clinicians come from the ward: %d %s", address, resp.StatusCode, body)
		}
	}
	resp, body = w.raw("POST", "/v1/staff/sign-out", "{}", "Cookie", "__Host-sotto_staff="+who["nurse"].Cookie(), "X-Forwarded-For", desk)
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("a nurse signs out from elsewhere: %d %s", resp.StatusCode, body)
	}
}

// TestNetworksThatChange: once the practice lets staff work from fewer networks,
// sessions and sockets outside end by themselves, and those inside and the
// patients' go on.
func TestNetworksThatChange(t *testing.T) {
	w := newWorld(t, func(_ *hub.Config, ac *httpapi.Config) {
		ac.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	from := map[string]string{"inside": "10.1.0.7", "outside": "10.2.0.7", "patient": "198.51.100.4"}
	who := map[string]*device{"inside": w.staff("dana"), "outside": w.staff("lee"), "patient": w.patient()}
	sockets := map[string]*websocket.Conn{}
	for name, d := range who {
		conn, _, err := websocket.Dial(w.ctx, "ws"+strings.TrimPrefix(w.server.URL, "http")+"/v1/events",
			&websocket.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {from[name]}}})
		w.must(err)
		defer func() { _ = conn.CloseNow() }()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready))
		sockets[name] = conn
	}
	p := w.clinic.Practice
	p.Access.Networks = map[string][]netip.Prefix{"": {netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8")}}
	w.must(w.store.SavePractice(w.ctx, p)) // as another process does: nobody tells this hub
	w.must(w.hub.CheckSessions(w.ctx))     // which looks twice a second

	patience, stop := context.WithTimeout(w.ctx, 20*time.Second)
	defer stop()
	for { // what was pushed before comes first
		var e api.Event
		err := wsjson.Read(patience, sockets["outside"], &e)
		if err == nil {
			continue
		}
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("the socket outside ended with %v", err)
		}
		break
	}
	for name, want := range map[string]bool{"inside": true, "outside": false, "patient": true} {
		if want {
			w.must(wsjson.Write(w.ctx, sockets[name], api.ClientMessage{Type: "ping", Call: 3}))
			for {
				var r api.Reply
				w.must(wsjson.Read(w.ctx, sockets[name], &r))
				if r.Type == "pong" {
					break
				}
			}
		}
		resp, body := w.raw("GET", "/v1/devices/self", "", "Authorization", "Bearer "+who[name].Token(), "X-Forwarded-For", from[name])
		if (resp.StatusCode == http.StatusOK) != want {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if _, err := who["outside"].StaffSession(w.ctx); err == nil {
		t.Error("the session outside goes on, from inside")
	}
}

// TestSignInsAreShown: from a browser that was not known, and where somebody
// knew the password and not the code.
func TestSignInsAreShown(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	hears := dana.listen()
	stranger := w.client()
	in, err := stranger.SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	hears.next(api.EventDevices) // at once, to look
	if in.NewSignIns != 0 {
		t.Errorf("a session is told of %d sign-ins, which is itself", in.NewSignIns)
	}
	wrong := dana.in("dana")
	wrong.Code = "000000"
	_, err = w.client().SignIn(w.ctx, wrong)
	wantCode(t, err, api.CodeUnauthenticated)
	deadline := time.Now().Add(10 * time.Second)
	for {
		s, err := dana.StaffSession(w.ctx)
		w.must(err)
		if s.NewSignIns == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d new sign-ins", s.NewSignIns)
		}
	}
	_, body := w.raw("GET", "/v1/staff/sign-ins", "", "Cookie", "__Host-sotto_staff="+dana.Cookie())
	for _, want := range []string{hub.OutcomeCodeRefused, hub.MethodSetUp, `"new":true`, `"session":"` + in.ID + `"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	// Who came in with what they stole says that all is known: their own is not.
	w.raw("POST", "/v1/staff/sign-ins/seen", "", "Cookie", "__Host-sotto_staff="+stranger.Cookie())
	if s, err := dana.StaffSession(w.ctx); err != nil || s.NewSignIns != 1 {
		t.Errorf("%d new sign-ins once the new one has called itself known: %v", s.NewSignIns, err)
	}
	w.raw("POST", "/v1/staff/sign-ins/seen", "", "Cookie", "__Host-sotto_staff="+dana.Cookie())
	if s, err := dana.StaffSession(w.ctx); err != nil || s.NewSignIns != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	// A later set-up link may be anybody's who had it (T43).
	first, err := w.store.SignIns(w.ctx, w.clinic.ID, in.Person.ID, 10)
	w.must(err)
	token, err := w.hub.NewSetUpLink(w.ctx, w.clinic.ID, in.Person.ID)
	w.must(err)
	_, _, err = w.client().SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	all, err := w.store.SignIns(w.ctx, w.clinic.ID, in.Person.ID, 10)
	w.must(err)
	if last := all[0]; len(all) != len(first)+1 || last.Method != hub.MethodSetUp || !last.New || last.Seen {
		t.Errorf("by a later link: %+v", last)
	}
	if begin := first[len(first)-1]; begin.Method != hub.MethodSetUp || begin.New || !begin.Seen {
		t.Errorf("by the first: %+v", begin)
	}
}

// TestT22NeitherBecomesTheOther: a patient's token is nothing on the paths of
// staff, the staff cookie nothing on those of devices, and neither opens a
// session for the other's device.
func TestT22NeitherBecomesTheOther(t *testing.T) {
	w := newWorld(t)
	dana, patient := w.staff("dana"), w.patient()
	for path, methods := range w.described().Paths {
		for method, op := range methods {
			if len(op.Security) > 1 {
				continue // what the log proves, it proves to either
			}
			for _, need := range op.Security {
				headers := []string{"Cookie", "__Host-sotto_staff=" + dana.Cookie()}
				if _, staff := need["staff"]; staff {
					headers = []string{"Authorization", "Bearer " + patient.Token(), "Cookie", "__Host-sotto_staff=" + patient.Token()}
				}
				resp, body := w.raw(strings.ToUpper(method), fill(path, "x"), "{}", headers...)
				if resp.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s %s: %d %s", method, path, resp.StatusCode, body)
				}
			}
		}
	}
	patient.SetCookie(dana.Cookie())
	if s, err := patient.SignInDevice(w.ctx, patient.signer, patient.id); err != nil || s.Device.Kind != api.KindPatient {
		t.Errorf("%+v, %v", s, err)
	}
	_, err := patient.Work(w.ctx)
	var p *api.Problem
	if !errors.As(err, &p) || p.Code != api.CodeForbidden {
		t.Errorf("%v", err)
	}
}

// TestExpiredPassword: where a practice is told to have passwords expire, an old
// one opens nothing but the way to another.
func TestExpiredPassword(t *testing.T) {
	w := newWorld(t)
	dana, robin := w.staff("dana"), w.staffAs(w.clinic, "administrator", "robin")
	p := w.clinic.Practice
	p.Access.Password.ExpiryDays = 90
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	w.clock.advance(91 * 24 * time.Hour)
	s, err := dana.SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	if !s.PasswordExpired {
		t.Error("nobody is told")
	}
	_, err = dana.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodePasswordExpired)
	admin := func(want int) {
		t.Helper()
		robin.asks("GET /v1/admin/people", nil, nil, want)
		robin.asks("GET /v1/staff/sign-ins", nil, nil, want)
	}
	_, err = robin.SignIn(w.ctx, robin.in("robin"))
	w.must(err)
	admin(http.StatusForbidden)
	if resp, body := w.raw("GET", "/v1/admin/people", "", "Cookie", "__Host-sotto_staff="+robin.Cookie()); !strings.Contains(body, string(api.CodePasswordExpired)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	robin.asks("GET /v1/staff/session", nil, nil, http.StatusOK)
	robin.asks("GET /v1/staff/factors", nil, nil, http.StatusOK)
	robin.asks("POST /v1/staff/password-strength", api.CheckPassword{Password: "seven grey herons"}, nil, http.StatusOK)
	robin.asks("PUT /v1/staff/password", api.SetPassword{Password: "seven grey herons"}, nil, http.StatusNoContent)
	admin(http.StatusOK)
	resp, body := w.raw("PUT", "/v1/staff/password", `{"password":"seven grey herons"}`, "Cookie", "__Host-sotto_staff="+dana.Cookie())
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	_, err = dana.SignInDevice(w.ctx, dana.signer, dana.id)
	w.must(err)
}
