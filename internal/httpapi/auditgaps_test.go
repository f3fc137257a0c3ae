package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT54LookingSomebodyUpIsSeen: who narrows the log to somebody, by their id or
// by that of something of theirs, is in that person's own report, and the log
// says what was asked for; what somebody typed is not in it.
func TestT54LookingSomebodyUpIsSeen(t *testing.T) {
	w := newWorld(t)
	patient, auditor, nurse := w.patient(), w.staffAs(w.clinic, "auditor", "ada"), w.staff("dana")
	id := patient.open("nurse")
	for _, f := range []hub.AuditFilter{{Subject: patient.person}, {Object: patient.id}, {Object: id}, {Person: patient.person}, {Conversation: id}} {
		before := w.looks(hub.AuditFilter{Patient: patient.person})
		_, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, f)
		w.must(err)
		if n := w.looks(hub.AuditFilter{Patient: patient.person}) - before; n != 2 { // and the count itself
			t.Errorf("%+v: %d entries about the patient, want 2", f, n)
		}
	}
	_, err := auditor.AuditEvents(w.ctx, url.Values{"kind": {"frame.sent"}, "subject": {nurse.person}, "object": {canary}})
	w.must(err)
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Person: auditor.person, Kind: string(audit.AuditRead)})
	w.must(err)
	if len(page.Events) != 1 {
		t.Fatalf("%d reads", len(page.Events))
	}
	e := page.Events[0]
	if e.Subject != nurse.person || e.Reason != audit.ForReview || e.Detail != "what=list,kind=frame.sent,subject="+nurse.person+",object=other" {
		t.Errorf("the log says %+v", e)
	}
}

// looks counts what the log has of who read it.
func (w *world) looks(f hub.AuditFilter) (n int) {
	w.t.Helper()
	f.Kind = string(audit.AuditRead)
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, f)
	w.must(err)
	return len(page.Events)
}

// TestRefusedSignInsAreRecorded: who is right and may not sign in so, who has to
// wait, and a directory whose token is none are in the log; who is told to wait
// is there once, however often they try.
func TestRefusedSignInsAreRecorded(t *testing.T) {
	w, _ := ssoWorld(t)
	dana := w.staff("dana")
	w.directory()
	(&directory{w, "made-up"}).do(http.StatusUnauthorized, "GET", "/Users", "")
	(&directory{w, "made-up"}).do(http.StatusUnauthorized, "GET", "/Users", "")
	for range 10 {
		_, err := w.client().SignIn(w.ctx, api.SignIn{Practice: "riverside", Login: "nobody", Authentication: api.Authentication{Password: "wrong " + canary, Code: "000000"}})
		if err == nil {
			t.Fatal("signed in")
		}
	}
	w.access(func(a *hub.Access) { a.SSO.Only = true })
	_, err := w.client().SignIn(w.ctx, dana.in("dana"))
	wantCode(t, err, api.CodeSSOOnly)
	w.hub.Close() // waits for what is done after its answer
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.SignInRefused)})
	w.must(err)
	got := make(map[string]int)
	for _, e := range page.Events {
		got[e.Reason]++
		if e.Reason == "sso-only" && (e.Person != dana.person || !strings.HasPrefix(e.Detail, "method=")) {
			t.Errorf("%+v", e)
		}
	}
	if got["token"] != 1 || got["rate"] != 1 || got["sso-only"] != 1 || got["unauthenticated"] != 5 {
		t.Errorf("refusals by reason: %v", got)
	}
}

// TestRefusedTokensCrowdNobodyOut: however many networks show tokens that are none,
// one whose refusal found no room in the log is there when it tries again.
func TestRefusedTokensCrowdNobodyOut(t *testing.T) {
	w, _ := ssoWorld(t)
	w.directory()
	try := func(address string) int {
		ctx := audit.WithRequest(w.ctx, audit.Request{ID: "r", Address: address})
		if _, err := w.hub.AuthenticateDirectory(ctx, "made-up"); !errors.Is(err, hub.ErrUnauthenticated) {
			t.Fatal(err)
		}
		return w.times(audit.SignInRefused)
	}
	for i := range 11 {
		try(fmt.Sprintf("192.0.2.%d", i))
	}
	if n := try("192.0.2.99"); n != 10 {
		t.Errorf("%d refusals of twelve at once are in the log, want 10", n)
	}
	w.clock.advance(7 * time.Second)
	if n := try("192.0.2.99"); n != 11 {
		t.Errorf("%d refusals are in the log, want one more", n)
	}
}

// TestThrottledWaysInAreRecorded: also who tries by the practice's provider, or
// by a patient's passkey, leaves a line when told to wait.
func TestThrottledWaysInAreRecorded(t *testing.T) {
	no := api.PasskeyAssertion{Nonce: "n", Credential: []byte{1}, ClientData: []byte{1}, AuthenticatorData: []byte{1}, Signature: []byte{1}}
	for name, try := range map[string]func(*world) int{
		"single sign-on": func(w *world) int {
			resp, _ := w.raw("POST", "/v1/staff/sso/begin", `{"practice":"riverside","purpose":"sign-in","page":"staff"}`)
			return resp.StatusCode
		},
		"an answer to no attempt": func(w *world) int {
			w.access(func(a *hub.Access) {
				a.SSO = &hub.SSO{Name: "A provider", Issuer: "https://id.example", ClientID: "sotto"}
			})
			resp, _ := w.raw("POST", "/v1/staff/sso/finish", `{"practice":"riverside","state":"x","code":"x"}`)
			return resp.StatusCode
		},
		"a patient's passkey": func(w *world) int {
			d := w.newDevice(w.clinic)
			proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeRegister, w.clinic.ID)
			w.must(err)
			_, err = d.ReturnPatient(w.ctx, api.ReturnPatient{Practice: "riverside", PublicKey: d.signer.Public(), Proof: proof, Passkey: no})
			if p, ok := err.(*api.Problem); ok {
				return p.Status
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) { c.Limits.SignIns = hub.Rate{PerSecond: 0.01, Burst: 2} })
			status := 0
			for range 4 {
				status = try(w)
			}
			if status != http.StatusTooManyRequests {
				t.Errorf("answered %d", status)
			}
			w.hub.Close()
			page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.SignInRefused)})
			w.must(err)
			n := 0
			for _, e := range page.Events {
				if e.Reason == "rate" {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d lines: %+v", n, page.Events)
			}
		})
	}
}
