package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/totp"
)

// under asks for something under a key.
func (d *device) under(key, path string, body any) (int, string) {
	d.w.t.Helper()
	text := ""
	if body != nil {
		text = mustJSON(body)
	}
	resp, got := d.w.raw("POST", path, text, "Cookie", "__Host-sotto_staff="+d.Cookie(), "Idempotency-Key", key)
	return resp.StatusCode, got
}

// keyless are the routes by which staff POST without a key, and why none is
// needed: who asks again makes nothing more, but perhaps an event that says so.
var keyless = map[string]string{
	"/v1/admin/alerts/{id}/review":                              "reviewed, as before, or refused",
	"/v1/admin/consents/{form}/preview":                         "nothing is stored",
	"/v1/admin/consents/{form}/{version}/approve":               "the form is in that state, as before, or refused",
	"/v1/admin/consents/{form}/{version}/publish":               "the form is in that state, as before, or refused",
	"/v1/admin/consents/{form}/{version}/retire":                "the form is in that state, as before, or refused",
	"/v1/admin/consents/{form}/{version}/return":                "the form is in that state, as before, or refused",
	"/v1/admin/consents/{form}/{version}/submit":                "the form is in that state, as before, or refused",
	"/v1/admin/controls/evidence":                               "a read, as a file: each one that leaves is in the log",
	"/v1/admin/controls/looks":                                  "a look finds what there is at its time; the hub looks by itself each day too, and the newest is shown",
	"/v1/admin/disclosures/{id}/strike":                         "struck, as before, or refused",
	"/v1/admin/emergencies/{id}/review":                         "reviewed, as before, or refused",
	"/v1/admin/requests/{id}/decision":                          "decided, as before, or refused",
	"/v1/admin/reviews/access":                                  "confirmed, as before: what is confirmed is named by its version",
	"/v1/staff/active":                                          "a sign of life",
	"/v1/staff/conversations/{id}/colleagues":                   "the colleague is wanted there, as before",
	"/v1/staff/conversations/{id}/transfer":                     "it is with the colleague or queue that is named, as before",
	"/v1/staff/conversations/{id}/verification/ask":             "refused for a while",
	"/v1/staff/conversations/{id}/verification/confirm":         "the patient is confirmed, as before",
	"/v1/staff/conversations/{id}/verification/forget-passkeys": "none are there, as before",
	"/v1/staff/conversations/{id}/verification/portal":          "linked, as before, or refused",
	"/v1/staff/conversations/{id}/verification/portal/unlink":   "nothing is linked, as before",
	"/v1/staff/conversations/{id}/verification/reset":           "the tries are new, as before",
	"/v1/staff/devices":                                         "a browser's key stands for one device, which is found again",
	"/v1/staff/devices/seen":                                    "seen, as before",
	"/v1/staff/devices/{id}/voucher":                            "the passkey's answer is good once",
	"/v1/staff/factors/app-offers":                              "nothing is stored",
	"/v1/staff/invitations/{id}/revoke":                         "taken back, as before, or refused",
	"/v1/staff/lock":                                            "locked, as before",
	"/v1/staff/person-links/{id}/undo":                          "undone, as before, or refused",
	"/v1/staff/relations/{id}/end":                              "ended, as before, or refused",
	"/v1/staff/sign-ins/seen":                                   "seen, as before",
	"/v1/staff/sign-out":                                        "the session is over",
	"/v1/staff/sso/sign-out":                                    "the session is over",
	"/v1/staff/step-up":                                         "factors are good once",
	"/v1/staff/unlock":                                          "factors are good once",
}

// TestMadeOnce: what staff ask for twice under one key is made once, and they
// are given the answer of the first, if that is no secret.
func TestMadeOnce(t *testing.T) {
	w := newWorld(t)
	admin, officer, super := w.staffAs(w.clinic, "administrator", "robin"), w.staffAs(w.clinic, "compliance", "kim"), w.staffAs(w.clinic, "supervisor", "eli")
	dana, patient, other := w.staff("dana"), w.patient(), w.patient()
	chat, taken := patient.open("front-desk"), patient.open("nurse")
	dana.take(taken)
	var offer api.AppOffer
	dana.asks("POST /v1/staff/factors/app-offers", nil, &offer, http.StatusOK)
	seed, err := totp.ParseText(offer.Secret)
	w.must(err)
	app := api.TakeApp{Offer: offer.Offer, Code: (&device{w: w, secret: seed}).code(), Name: "tablet"}
	c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: "riverside", Person: dana.person, Nonce: w.nonce()}
	answer := w.authenticator().Create(c, dana.person)
	key := api.AddPasskey{Passkey: api.PasskeyRegistration{
		Nonce: c.Nonce, Name: "phone", Credential: answer.Credential, ClientData: answer.ClientData, Attestation: answer.Attestation,
	}}
	otherApp, otherKey := app, key
	otherApp.Name, otherKey.Passkey.Name = "other", "other"
	const secret = true
	made := map[string]bool{"/v1/admin/reviews/activity": true} // TestActivityGaps has it
	for _, tt := range []struct {
		who         *device
		route, path string
		body, not   any // what is asked for, and something else
		secret      bool
	}{
		{
			officer, "/v1/admin/patients/{id}/disclosures", "/v1/admin/patients/" + patient.person + "/disclosures",
			api.RecordDisclosure{At: w.clock.now().UnixMilli() - 1000, Recipient: "County health", What: "Rash", Purpose: "public-health"},
			api.RecordDisclosure{At: w.clock.now().UnixMilli() - 1000, Recipient: "County health", What: "Rashes", Purpose: "public-health"},
			!secret,
		},
		{admin, "/v1/admin/people", "/v1/admin/people", api.NewStaffMember{Login: "cleo", Name: "Cleo", Role: "nurse"}, api.NewStaffMember{Login: "cleo2", Name: "Cleo", Role: "nurse"}, secret},
		{
			admin, "/v1/admin/people/{id}/requests", "/v1/admin/people/" + dana.person + "/requests",
			api.NewGrantRequest{Kind: "role", Role: "auditor", Reason: "reads the log"},
			api.NewGrantRequest{Kind: "role", Role: "auditor", Reason: "will read the log"},
			!secret,
		},
		{officer, "/v1/admin/patient-watches", "/v1/admin/patient-watches", api.NewPatientWatch{Patient: patient.person, Reason: "known"}, api.NewPatientWatch{Patient: other.person, Reason: "known"}, !secret},
		{admin, "/v1/admin/departments", "/v1/admin/departments", api.NewDepartment{Name: "Front", Queues: []string{"nurse"}}, api.NewDepartment{Name: "Back", Queues: []string{"nurse"}}, !secret},
		{dana, "/v1/staff/invitations", "/v1/staff/invitations", api.NewInvitation{Queue: "nurse", Language: "en"}, api.NewInvitation{Queue: "nurse", Language: "es"}, secret},
		{
			super, "/v1/staff/relations", "/v1/staff/relations",
			api.NewRelation{Holder: patient.person, Subject: other.person, Kind: "carer", Evidence: "court-order"},
			api.NewRelation{Holder: other.person, Subject: patient.person, Kind: "carer", Evidence: "court-order"},
			!secret,
		},
		{
			super, "/v1/staff/person-links", "/v1/staff/person-links",
			api.NewPersonLink{Person: patient.person, Other: other.person, Reason: "patient-said"},
			api.NewPersonLink{Person: patient.person, Other: other.person, Reason: "duplicate"},
			!secret,
		},
		{
			dana, "/v1/staff/conversations/{id}/break-glass", "/v1/staff/conversations/" + chat + "/break-glass",
			api.BreakGlass{Reason: "danger", Words: "it cannot wait any longer"},
			api.BreakGlass{Reason: "urgent", Words: "it cannot wait any longer"},
			!secret,
		},
		{
			dana, "/v1/staff/conversations/{id}/hold-backs", "/v1/staff/conversations/" + taken + "/hold-backs",
			api.HoldBack{Kinds: []string{"ssn"}, Reason: "urgent"},
			api.HoldBack{Kinds: []string{"phone"}, Reason: "urgent"},
			!secret,
		},
		{dana, "/v1/staff/factors/apps", "/v1/staff/factors/apps", app, otherApp, !secret},
		{dana, "/v1/staff/factors/passkeys", "/v1/staff/factors/passkeys", key, otherKey, !secret},
		{admin, "/v1/admin/people/{id}/set-up-link", "/v1/admin/people/" + dana.person + "/set-up-link", nil, nil, secret},
		{admin, "/v1/staff/recovery-codes", "/v1/staff/recovery-codes", nil, nil, secret},
	} {
		made[tt.route] = true
		kind := strings.Fields(leaves["post "+tt.route])[0]
		before := len(w.events(kind))
		status, first := tt.who.under("a", tt.path, tt.body)
		disk := w.disk()
		again, second := tt.who.under("a", tt.path, tt.body)
		if w.disk() != disk {
			t.Errorf("%s again stores something", tt.route)
		}
		switch {
		case status != http.StatusOK && status != http.StatusNoContent:
			t.Errorf("%s: %d %s", tt.route, status, first)
		case tt.secret:
			var p api.Problem
			w.must(json.Unmarshal([]byte(second), &p))
			if again != http.StatusConflict || p.Code != api.CodeMadeAlready || p.Hint == "" {
				t.Errorf("%s again: %d %s", tt.route, again, second)
			}
		case again != status || second != first:
			t.Errorf("%s again: %d %s, first %s", tt.route, again, second, first)
		}
		if n := len(w.events(kind)) - before; n != 1 {
			t.Errorf("%s twice left %d of %s", tt.route, n, kind)
		}
		if tt.not == nil {
			continue
		}
		if status, body := tt.who.under("a", tt.path, tt.not); status != http.StatusUnprocessableEntity || !strings.Contains(body, string(api.CodeKeyReused)) {
			t.Errorf("%s with another body: %d %s", tt.route, status, body)
		}
	}
	for path, methods := range w.described().Paths {
		post := methods["post"]
		takes := slices.ContainsFunc(post.Parameters, func(p struct{ Name string }) bool { return p.Name == "Idempotency-Key" })
		ofStaff := slices.ContainsFunc(post.Security, func(s map[string][]string) bool { _, is := s["staff"]; return is })
		switch why := keyless[path]; {
		case takes && !made[path]:
			t.Errorf("%s takes a key, and is not tried", path)
		case takes && why != "", why != "" && !ofStaff:
			t.Errorf("%s is among those that need no key", path)
		case ofStaff && !takes && why == "":
			t.Errorf("%s takes no key: why does it need none?", path)
		}
	}

	link := "/v1/staff/invitations"
	ask := api.NewInvitation{Queue: "nurse", Language: "en"}
	for what, tt := range map[string]struct {
		who  *device
		key  string
		want int
	}{
		"another person":  {super, "a", http.StatusOK},
		"another key":     {dana, `"b"`, http.StatusOK},
		"too long a key":  {dana, strings.Repeat("k", 65), http.StatusUnprocessableEntity},
		"an invisible":    {dana, "a b", http.StatusUnprocessableEntity},
		"a key of no one": {dana, "", http.StatusOK},
	} {
		if status, body := tt.who.under(tt.key, link, ask); status != tt.want {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}

	var codes []int // of calls that come at once
	done := make(chan int)
	before := len(w.events("disclosure.recorded"))
	for range 4 {
		go func() {
			status, _ := officer.under("c", "/v1/admin/patients/"+patient.person+"/disclosures",
				api.RecordDisclosure{At: w.clock.now().UnixMilli() - 1000, Recipient: "At once", What: "Rash", Purpose: "public-health"})
			done <- status
		}()
	}
	for range 4 {
		codes = append(codes, <-done)
	}
	if n := len(w.events("disclosure.recorded")); n != before+1 || !slices.Contains(codes, http.StatusOK) || slices.ContainsFunc(codes, func(c int) bool { return c != http.StatusOK && c != http.StatusConflict }) {
		t.Errorf("at once: %v, %d made", codes, n-before)
	}
}
