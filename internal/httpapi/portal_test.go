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
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/proofing"
)

const numbers = "urn:oid:1.2.36.146.595.217.0.1" // the system of the practice's record numbers

// portalWorld is an identityWorld whose practice has a portal.
func portalWorld(t *testing.T, change ...func(*oidctest.Provider, *hub.Portal)) (*world, *oidctest.Provider) {
	t.Helper()
	w, _ := identityWorld(t)
	p := oidctest.New(t, w.clock.now)
	s := &hub.Portal{Name: "MyRiverside", Issuer: p.Name(), ClientID: p.Client, Secret: w.hub.SealPortalSecret(w.clinic.ID, p.Secret)}
	for _, c := range change {
		c(p, s)
	}
	w.portal(w.clinic, s)
	return w, p
}

func (w *world) portal(p *practice, s *hub.Portal) {
	w.t.Helper()
	p.Identity.Portal = s
	saved, err := w.hub.SavePractice(w.ctx, p.Practice)
	w.must(err)
	p.Practice = saved
}

// byNumber has the portal guard a FHIR server that knows record numbers.
func byNumber(identifiers ...oidctest.Claims) func(*oidctest.Provider, *hub.Portal) {
	return func(p *oidctest.Provider, s *hub.Portal) {
		s.FHIR, s.RecordSystem = p.Guard("pt-1", identifiers...), numbers
	}
}

func number(value string) oidctest.Claims { return oidctest.Claims{"system": numbers, "value": value} }

// visit begins, and returns what the browser comes back with.
func (d *device) visit(p *oidctest.Provider) (api.FinishPortal, string) {
	d.w.t.Helper()
	begun, err := d.BeginPortal(d.w.ctx)
	d.w.must(err)
	redirect, back := p.Visit(begun.Address)
	return api.FinishPortal{Attempt: begun.Attempt, State: back.Get("state"), Code: back.Get("code"), Issuer: back.Get("iss"), Error: back.Get("error")}, redirect
}

func (d *device) atPortal(p *oidctest.Provider) (*api.OwnVerification, error) {
	d.w.t.Helper()
	f, _ := d.visit(p)
	return d.FinishPortal(d.w.ctx, f)
}

// TestPortalRaisesTheDevice: an account whose number is one on file raises the
// device that asked, and no other; the record is shown to staff.
func TestPortalRaisesTheDevice(t *testing.T) {
	w, p := portalWorld(t, byNumber(number("R-3"), oidctest.Claims{"system": "urn:other", "value": "R-2"}, oidctest.Claims{"system": numbers, "value": "R-2", "use": "old"}))
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.Steps.Portal != "MyRiverside" {
		t.Errorf("the patient is offered %q", own.Steps.Portal)
	}
	f, redirect := patient.visit(p)
	if redirect != w.server.URL+"/c/riverside/portal" {
		t.Errorf("sent back to %s", redirect)
	}
	own, err = patient.FinishPortal(w.ctx, f)
	w.must(err)
	if own.Verification.Level != "signed-in" || own.Verification.Method != "portal" || own.PortalWaits != 0 {
		t.Errorf("%+v", own)
	}
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Record == nil || seen.Record.Number != "R-3" || !seen.PortalLinked || seen.Verification.Level != "signed-in" {
		t.Errorf("%+v", seen)
	}
	// It is a step of that device: no chat comes to another by it (T11).
	other := w.patient()
	_, err = other.atPortal(p)
	w.must(err)
	_, err = other.Conversation(w.ctx, id)
	wantCode(t, err, api.CodeNotFound)
	if logs := w.logs.String(); strings.Contains(logs, p.Subject) || strings.Contains(logs, p.Secret) || strings.Contains(logs, f.Code) {
		t.Error("a subject, a secret or a code is in the log")
	}
	// Once staff say that the record is somebody else's, the portal does not bring
	// it back: they say whose the account is.
	_, err = nurse.PatientVerification(w.ctx, id, "confirm", api.ConfirmPatient{
		Method: "phone", Identifiers: []string{"name", "photo"}, Reason: "It is their son who writes.", WrongRecord: true,
	})
	w.must(err)
	own, err = patient.atPortal(p)
	w.must(err)
	seen, err = nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if own.PortalWaits == 0 || seen.PortalWaits == 0 || seen.Record != nil {
		t.Errorf("the portal brings the wrong record back: %+v, %+v", own, seen)
	}
	// It lapses like any step.
	w.clock.advance(30 * 24 * time.Hour)
	patient.signIn()
	if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "guest" || !own.Lapsed {
		t.Errorf("%+v, %v", own, err)
	}
}

// TestT29fPortalAnswers: an answer is good once, in time, for the device that
// began, from the portal that was asked.
func TestT29fPortalAnswers(t *testing.T) {
	w, p := portalWorld(t, byNumber(number("R-3")))
	patient := w.patient()
	refuse := func(name string, change func(f *api.FinishPortal)) {
		t.Helper()
		w.clock.advance(10 * time.Second) // calls are limited
		f, _ := patient.visit(p)
		change(&f)
		if _, err := patient.FinishPortal(w.ctx, f); codeOf(err) != api.CodeSSORefused {
			t.Errorf("%s: %v", name, err)
		}
		if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "guest" {
			t.Errorf("%s: raised to %+v, %v", name, own, err)
		}
	}
	mallory := w.patient()
	refuse("no attempt", func(f *api.FinishPortal) { f.Attempt = "" })
	refuse("an attempt of an attacker's making", func(f *api.FinishPortal) { f.Attempt = "AAAA" })
	refuse("another state", func(f *api.FinishPortal) { f.State = "x" })
	refuse("no code", func(f *api.FinishPortal) { f.Code = "" })
	refuse("an unknown code", func(f *api.FinishPortal) { f.Code = "x" })
	refuse("an error", func(f *api.FinishPortal) { f.Error = "access_denied" })
	refuse("mix-up: another iss", func(f *api.FinishPortal) { f.Issuer = "https://evil.example" })
	refuse("mix-up: no iss", func(f *api.FinishPortal) { f.Issuer = "" })
	refuse("another device's answer (T24)", func(f *api.FinishPortal) { *f, _ = mallory.visit(p) })
	refuse("another device's attempt", func(f *api.FinishPortal) {
		theirs, _ := mallory.visit(p)
		f.Attempt, f.State = theirs.Attempt, theirs.State
	})
	refuse("an unsigned token", func(*api.FinishPortal) {
		p.Sign = func([]byte) []byte { return nil }
		p.Alter = func(h, _ oidctest.Claims) { h["alg"] = "none" }
	})
	p.Sign, p.Alter = nil, nil
	for _, careless := range []bool{false, true} {
		p.Careless = careless // the provider does not look at the verifier: the nonce does
		refuse("an injected code", func(f *api.FinishPortal) {
			theirs, _ := mallory.visit(p)
			f.Code = theirs.Code
		})
	}
	p.Careless = false
	refuse("signed in there yesterday", func(*api.FinishPortal) { p.Claims["auth_time"] = w.clock.now().Add(-24 * time.Hour).Unix() })
	delete(p.Claims, "auth_time")

	f, _ := patient.visit(p)
	_, err := patient.FinishPortal(w.ctx, f)
	w.must(err)
	_, err = patient.FinishPortal(w.ctx, f)
	wantCode(t, err, api.CodeSSORefused) // the same answer again
	late, _ := mallory.visit(p)
	w.clock.advance(16 * time.Minute)
	_, err = mallory.FinishPortal(w.ctx, late)
	wantCode(t, err, api.CodeSSORefused)
	// Staff have no business here, and nor has somebody without a session.
	nurse := w.staff("dana")
	_, err = nurse.BeginPortal(w.ctx)
	wantCode(t, err, api.CodeForbidden)
	resp, _ := w.raw("POST", "/v1/verification/portal", "")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody begins: %d", resp.StatusCode)
	}
}

// TestT29fPortalMixUp: one practice's attempt is of no use at another, and a
// FHIR server cannot send people to somebody else's sign-in.
func TestT29fPortalMixUp(t *testing.T) {
	w, p := portalWorld(t, byNumber(number("R-3")))
	p.Silent = true
	evil := w.newPractice("hilltop")
	s := *w.clinic.Identity.Portal
	s.Secret = w.hub.SealPortalSecret(evil.ID, p.Secret)
	w.portal(evil, &s)
	f, redirect := w.patientOf(evil).visit(p)
	if !strings.HasSuffix(redirect, "/c/hilltop/portal") {
		t.Errorf("two practices share %s", redirect)
	}
	_, err := w.patient().FinishPortal(w.ctx, f)
	wantCode(t, err, api.CodeSSORefused)
	for name, change := range map[string]func(c oidctest.Claims){
		"another issuer": func(c oidctest.Claims) { c["issuer"] = "https://evil.example" },
		"no PKCE":        func(c oidctest.Claims) { c["code_challenge_methods_supported"] = []string{"plain"} },
		"no identity":    func(c oidctest.Claims) { c["capabilities"] = []string{"launch-ehr"} },
		"no TLS":         func(c oidctest.Claims) { c["token_endpoint"] = "http://evil.example/token" },
	} {
		t.Run(name, func(t *testing.T) {
			w, p := portalWorld(t, byNumber(number("R-3")))
			change(p.FHIR)
			_, err := w.patient().BeginPortal(w.ctx)
			wantCode(t, err, api.CodeProvider)
		})
	}
}

func TestSMARTAsksForThePatient(t *testing.T) {
	w, p := portalWorld(t, byNumber(number("R-3")))
	begun, err := w.patient().BeginPortal(w.ctx)
	w.must(err)
	u, err := url.Parse(begun.Address)
	w.must(err)
	q := u.Query()
	if q.Get("aud") != p.URL+"/fhir" || q.Get("scope") != "openid fhirUser launch/patient patient/Patient.read" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" {
		t.Errorf("%v", q)
	}
}

// TestT11NobodyIsMerged: whoever signs in is the patient of one record or waits
// for staff; in doubt there is no step.
func TestT11NobodyIsMerged(t *testing.T) {
	ana := "R-" + canary + "-4417"
	for name, tt := range map[string]struct {
		change func(*oidctest.Provider, *hub.Portal)
		before func(w *world, d *device, p *oidctest.Provider)
		want   api.Code // none for one who waits
	}{
		"no number":            {byNumber(), nil, ""},
		"a number not on file": {byNumber(number("R-99")), nil, ""},
		"almost the number":    {byNumber(number("r-3")), nil, ""},
		"two records":          {byNumber(number("R-2"), number("R-3")), nil, api.CodeNotMatched},
		"a parent's own account": {func(p *oidctest.Provider, s *hub.Portal) {
			byNumber(number("R-3"))(p, s)
			p.Claims["fhirUser"] = p.URL + "/fhir/RelatedPerson/mum"
		}, nil, api.CodeOtherPatient},
		"another patient's account": {func(p *oidctest.Provider, s *hub.Portal) {
			byNumber(number("R-3"))(p, s)
			p.Claims["fhirUser"] = p.URL + "/fhir/Patient/pt-2"
		}, nil, api.CodeOtherPatient},
		"a user of another server": {func(p *oidctest.Provider, s *hub.Portal) {
			byNumber(number("R-3"))(p, s)
			p.Claims["fhirUser"] = "https://evil.example/fhir/Patient/pt-1"
		}, nil, api.CodeOtherPatient},
		"who is somebody else already": {byNumber(number("R-3")), func(w *world, d *device, _ *oidctest.Provider) {
			_, err := d.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
			w.must(err)
		}, api.CodeOtherPatient},
		"a record that has an account": {byNumber(number("R-3")), func(w *world, _ *device, p *oidctest.Provider) {
			_, err := w.patient().atPortal(p)
			w.must(err)
			p.Subject = "sub-2"
		}, api.CodeNotMatched},
		"an account that was another's": {byNumber(number("R-3")), func(w *world, _ *device, p *oidctest.Provider) {
			_, err := w.patient().atPortal(p)
			w.must(err)
			p.Guard("pt-1", number("R-2"))
		}, api.CodeNotMatched},
		"a claim of the token": {func(_ *oidctest.Provider, s *hub.Portal) { s.RecordClaim = "mrn" }, func(_ *world, _ *device, p *oidctest.Provider) {
			p.Claims["mrn"] = []string{"R-2", "R-3"}
		}, api.CodeNotMatched},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := portalWorld(t, tt.change)
			d := w.patient()
			if tt.before != nil {
				tt.before(w, d, p)
			}
			own, err := d.atPortal(p)
			if tt.want != "" {
				wantCode(t, err, tt.want)
				own, err = d.Verification(w.ctx)
			} else if err == nil && own.PortalWaits == 0 {
				t.Error("staff are not waited for")
			}
			w.must(err)
			if own.Verification.Method == "portal" {
				t.Errorf("raised: %+v", own)
			}
		})
	}
	w, p := portalWorld(t, func(p *oidctest.Provider, s *hub.Portal) { s.RecordClaim, p.Claims["mrn"] = "mrn", ana })
	own, err := w.patient().atPortal(p)
	w.must(err)
	if own.Verification.Method != "portal" {
		t.Errorf("by the claim: %+v", own)
	}
}

// TestStaffLinkAPortalAccount: staff in the chat say whose account it is, by
// the very record number; the device is raised as of its sign-in. They can take
// it back, and then no number gives it again.
func TestStaffLinkAPortalAccount(t *testing.T) {
	w, p := portalWorld(t)
	patient, nurse, omar := w.patient(), w.staff("dana"), w.staff("omar")
	id := patient.open("nurse")
	nurse.take(id)
	post := func(d *device, act string, body any) (*api.PatientVerification, error) {
		t.Helper()
		return d.PatientVerification(w.ctx, id, act, body)
	}
	_, err := post(nurse, "portal", api.LinkPortal{Number: "R-3"})
	wantCode(t, err, api.CodeConflict) // there is none
	own, err := patient.atPortal(p)
	w.must(err)
	at := own.PortalWaits
	if at == 0 || own.Verification.Level != "guest" {
		t.Fatalf("%+v", own)
	}
	seen, err := post(nurse, "", nil)
	w.must(err)
	if seen.PortalWaits != at || seen.PortalLinked {
		t.Errorf("%+v", seen)
	}
	_, err = post(omar, "portal", api.LinkPortal{Number: "R-3"})
	wantCode(t, err, api.CodeNotFound) // T22: not in the chat
	_, err = post(nurse, "portal", api.LinkPortal{Number: "R-33"})
	wantCode(t, err, api.CodeMalformed)
	w.clock.advance(time.Hour)
	nurse.signInAgain("dana")
	patient.signIn()
	seen, err = post(nurse, "portal", api.LinkPortal{Number: "R-3"})
	w.must(err)
	if v := seen.Verification; v.Level != "signed-in" || v.At != at || v.Until != at+(30*24*time.Hour).Milliseconds() || seen.Record.Number != "R-3" || seen.PortalWaits != 0 {
		t.Errorf("%+v", seen)
	}
	if own, err := patient.atPortal(p); err != nil || own.Verification.Level != "signed-in" || own.PortalWaits != 0 {
		t.Errorf("again: %+v, %v", own, err)
	}

	seen, err = post(nurse, "portal/unlink", nil)
	w.must(err)
	if seen.Verification.Level != "guest" || seen.PortalLinked {
		t.Errorf("%+v", seen)
	}
	s := *w.clinic.Identity.Portal
	s.RecordClaim, p.Claims["mrn"] = "mrn", "R-3"
	w.portal(w.clinic, &s)
	if own, err := patient.atPortal(p); err != nil || own.PortalWaits == 0 || own.Verification.Level != "guest" {
		t.Errorf("a number gave back what staff took: %+v, %v", own, err)
	}
	_, err = post(nurse, "portal/unlink", nil)
	wantCode(t, err, api.CodeNotFound)
}

// TestUnlinkingReachesPasskeys: what a passkey says of whose record it is rests on
// what its owner had shown when they added it. Staff who take the account back
// take that too, whatever device came by it.
func TestUnlinkingReachesPasskeys(t *testing.T) {
	w, p := portalWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	_, err := patient.atPortal(p)
	w.must(err)
	_, err = nurse.PatientVerification(w.ctx, id, "portal", api.LinkPortal{Number: "R-3"}) // the wrong one
	w.must(err)
	key := w.authenticator()
	_, err = patient.AddPatientPasskey(w.ctx, patient.newPasskey(key))
	w.must(err)
	use := func() *api.OwnVerification {
		t.Helper()
		own, err := patient.UsePatientPasskey(w.ctx, api.UsePatientPasskey{
			Passkey: *w.asks(key, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: patient.signer.Public()}),
		})
		w.must(err)
		return own
	}
	if own := use(); own.Verification.Method != "passkey" {
		t.Fatalf("%+v", own)
	}
	back := w.newDevice(w.clinic)
	back.comeBack(key)
	w.clinic.keeper.admit()
	back.join()
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Record == nil || seen.Record.Number != "R-3" || !seen.PortalLinked {
		t.Fatalf("staff see %+v", seen)
	}

	seen, err = nurse.PatientVerification(w.ctx, id, "portal/unlink", nil)
	w.must(err)
	if seen.Record != nil || seen.PortalLinked || seen.Verification.Level != "guest" || len(seen.Proofs) != 0 {
		t.Errorf("the passkey keeps what staff took: %+v", seen)
	}
	// It still says which person it is, and no more.
	if own := use(); own.Verification.Level != "signed-in" {
		t.Errorf("%+v", own)
	}
	seen, err = nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Record != nil || seen.Conflict {
		t.Errorf("the passkey brings the record back: %+v", seen)
	}
}

// TestNoPortalNoStep: a practice without one, and one that cannot be reached.
func TestNoPortalNoStep(t *testing.T) {
	w, _ := identityWorld(t)
	patient := w.patient()
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.Steps.Portal != "" {
		t.Errorf("offered %q", own.Steps.Portal)
	}
	_, err = patient.BeginPortal(w.ctx)
	wantCode(t, err, api.CodeNotFound)

	w, p := portalWorld(t, byNumber(number("R-3")))
	patient = w.patient()
	f, _ := patient.visit(p)
	p.Down = true
	_, err = patient.FinishPortal(w.ctx, f)
	wantCode(t, err, api.CodeProvider)
	if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "guest" {
		t.Errorf("%+v, %v", own, err)
	}
	// A portal that does not say when somebody signed in is for the practice to accept.
	w, p = portalWorld(t, func(p *oidctest.Provider, s *hub.Portal) { s.RecordClaim, p.Claims["mrn"] = "mrn", "R-3" })
	p.Alter = func(_, c oidctest.Claims) { delete(c, "auth_time") }
	_, err = w.patient().atPortal(p)
	wantCode(t, err, api.CodeSSORefused)
	s := *w.clinic.Identity.Portal
	s.MaxAgeMinutes = -1
	w.portal(w.clinic, &s)
	own, err = w.patient().atPortal(p)
	w.must(err)
	if own.Verification.Method != string(proofing.Portal) {
		t.Errorf("%+v", own)
	}
}
