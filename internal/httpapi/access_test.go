package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/mls/wire"
)

// A described is what the tests read of the API's description.
type described struct {
	Paths map[string]map[string]struct {
		Security   []map[string][]string   `json:"security"`
		Parameters []struct{ Name string } `json:"parameters"`
	} `json:"paths"`
}

func (w *world) described() described {
	w.t.Helper()
	b, err := w.api.OpenAPI()
	w.must(err)
	var d described
	w.must(json.Unmarshal(b, &d))
	return d
}

func TestDescriptionIsCurrent(t *testing.T) {
	w := newWorld(t)
	want, err := w.api.OpenAPI()
	w.must(err)
	got, err := os.ReadFile("../../api/openapi.json")
	w.must(err)
	if !bytes.Equal(got, want) {
		t.Error("api/openapi.json is old: run make api")
	}
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// fill puts an id of the right form into a route's path.
func fill(path, id string) string {
	return inPath.ReplaceAllStringFunc(path, func(string) string { return id })
}

// openRoutes are those that need no session; all others must.
var openRoutes = []string{
	"get /v1/practices/{slug}", "post /v1/challenges", "post /v1/guests", "post /v1/device-sessions",
	"post /v1/patients/return", // with a passkey
	"post /v1/staff/set-up/inspect", "post /v1/staff/set-up", "post /v1/staff/sign-in", "get /v1/staff/session",
	"post /v1/staff/password-strength", // with a set-up link
	"post /v1/staff/sso/begin", "post /v1/staff/sso/finish",
	"get /v1/practices/{slug}/forms/{form}", "post /v1/practices/{slug}/declined",
	"get /v1/events",
	"post /v1/invitations/open", // with a one-time link
	"get /v1/staff/session",     // which says whether there is one
}

func isOpen(method, path string) bool {
	for _, o := range openRoutes {
		if o == method+" "+path {
			return true
		}
	}
	return false
}

// TestEveryRouteNeedsASession goes through the description: a route that is
// not named open refuses strangers, whatever they send.
func TestEveryRouteNeedsASession(t *testing.T) {
	w := newWorld(t, func(hc *hub.Config, _ *httpapi.Config) {
		hc.Limits.Anonymous = hub.Rate{PerSecond: 1e6, Burst: 1e6} // there are more routes than strangers may try
	})
	watch, _, err := w.hub.NewWatchToken(w.ctx, w.clinic.ID, "x", 1)
	w.must(err)
	directory, routes := w.directory(), 0
	for path, methods := range w.described().Paths {
		for method, op := range methods {
			if isOpen(method, path) {
				if len(op.Security) != 0 {
					t.Errorf("%s %s is open, yet described as needing a session", method, path)
				}
				continue
			}
			routes++
			if len(op.Security) == 0 {
				t.Errorf("%s %s is described as open", method, path)
			}
			for _, auth := range []string{"", "Bearer ", "Bearer made-up", "Basic bWFkZTp1cA==", "Bearer " + directory.token, "Bearer " + watch} {
				resp, _ := w.raw(strings.ToUpper(method), fill(path, hub.NewID("c")), "", "Authorization", auth, "Cookie", "__Host-sotto_staff=made-up")
				if meant := auth == "Bearer "+watch && (path == "/v1/audit/growth" || path == "/v1/audit/checkpoint"); (resp.StatusCode == http.StatusUnauthorized) == meant {
					t.Errorf("%s %s with %q: status %d", method, path, auth, resp.StatusCode)
				}
			}
		}
	}
	if routes < 30 {
		t.Errorf("only %d routes were tried", routes)
	}
}

// TestT22StrangersSeeNothing tries each route of a conversation and of an
// attachment as another patient, as staff of another queue, and as everybody
// of another practice. The answer is the one for an id that does not exist.
func TestT22StrangersSeeNothing(t *testing.T) {
	w := newWorld(t)
	other := w.newPractice("hilltop")
	owner := w.patient()
	id := owner.open("nurse")
	owner.say(id, "mine")
	a, err := owner.NewAttachment(w.ctx, id, api.NewAttachment{Size: 4})
	w.must(err)
	_, err = owner.Upload(w.ctx, a.ID, 0, []byte("seal"))
	w.must(err)

	strangers := map[string]*device{
		"another patient":             w.patient(),
		"staff of another queue":      w.staff("front", "front-desk"),
		"a patient of another clinic": w.patientOf(other),
		"staff of another clinic":     w.staffOf(other, "there"),
		"another clinic's keeper":     other.keeper,
	}
	bodies := func(route, id string) string {
		switch route {
		case "post /v1/conversations/{id}/frames":
			m := wire.Message{Private: &wire.PrivateMessage{GroupID: []byte(id), Epoch: 1, Type: wire.ContentApplication}}
			return mustJSON(api.SendFrame{ClientID: "12345678", Kind: api.FrameApplication, Payload: m.Marshal()})
		case "post /v1/conversations/{id}/ack":
			return `{"position":1}`
		case "post /v1/conversations/{id}/typing":
			return `{"typing":true}`
		case "post /v1/conversations/{id}/rating":
			return `{"score":3}`
		case "post /v1/conversations/{id}/attachments":
			return `{"size":5}`
		}
		return ""
	}
	for who, d := range strangers {
		for path, methods := range w.described().Paths {
			for method := range methods {
				real, absent := id, hub.NewID("c")
				if strings.HasPrefix(path, "/v1/attachments/") {
					real, absent = a.ID, hub.NewID("a")
				} else if !strings.HasPrefix(path, "/v1/conversations/{id}") || method == "put" {
					continue
				}
				call := func(id string) (int, string) {
					resp, body := w.raw(strings.ToUpper(method), fill(path, id), bodies(method+" "+path, id),
						"Authorization", "Bearer "+d.Token(), "Upload-Offset", "0", "Content-Type", contentType(method))
					return resp.StatusCode, withoutRequestID(body)
				}
				status, body := call(real)
				absentStatus, absentBody := call(absent)
				if status != absentStatus || body != absentBody {
					t.Errorf("%s: %s %s: real %d %s, absent %d %s", who, method, path, status, body, absentStatus, absentBody)
				}
				if status != http.StatusNotFound && status != http.StatusForbidden {
					t.Errorf("%s: %s %s: status %d", who, method, path, status)
				}
			}
		}
	}
}

func contentType(method string) string {
	if method == "patch" {
		return "application/offset+octet-stream"
	}
	return "application/json"
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var requestID = regexp.MustCompile(`"request_id":"[0-9a-f]+"`)

func withoutRequestID(body string) string { return requestID.ReplaceAllString(body, "") }

// TestT22AnIDOfAnother cannot be taken over by creating it again.
func TestT22AnIDOfAnother(t *testing.T) {
	w := newWorld(t)
	owner, thief := w.patient(), w.patient()
	id := owner.open("nurse")
	_, n := thief.founding("nurse")
	_, err := thief.CreateConversation(w.ctx, id, n)
	wantCode(t, err, api.CodeConflict)
}

// TestT22ADeviceOfAnother: a colleague's session speaks for none of one's devices,
// also if one has the device's key at hand, as on a desk that two share.
func TestT22ADeviceOfAnother(t *testing.T) {
	w := newWorld(t)
	dana, lee := w.staff("dana"), w.staff("lee")
	browser := w.client() // of lee, with no device yet
	_, err := browser.SignIn(w.ctx, lee.in("lee"))
	w.must(err)
	_, err = browser.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = browser.SignInDevice(w.ctx, lee.signer, lee.id)
	w.must(err)
}

// TestT23OwnSessionsAndDevices: one ends one's other sessions and devices, and
// what they had open ends with them. Another's cannot be told from none, and go on.
func TestT23OwnSessionsAndDevices(t *testing.T) {
	w := newWorld(t)
	dana, lee := w.staff("dana"), w.staff("lee")
	l := dana.listen()
	browser := w.client()
	_, err := browser.SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	call := func(cookie, method, path string) int {
		t.Helper()
		resp, _ := w.raw(method, path, "", "Cookie", "__Host-sotto_staff="+cookie)
		return resp.StatusCode
	}
	own, err := dana.StaffSession(w.ctx)
	w.must(err)
	theirs, err := lee.StaffSession(w.ctx)
	w.must(err)
	for what, path := range map[string]string{
		"a session": "/v1/staff/sessions/" + theirs.ID, "a device": "/v1/staff/devices/" + lee.id,
		"no session": "/v1/staff/sessions/" + hub.NewID("s"), "no device": "/v1/staff/devices/" + hub.NewID("d"),
	} {
		if status := call(dana.Cookie(), "DELETE", path); status != http.StatusNotFound {
			t.Errorf("%s of another: %d", what, status)
		}
	}
	if _, err := lee.Self(w.ctx); err != nil || call(lee.Cookie(), "GET", "/v1/staff/session") != http.StatusOK {
		t.Errorf("the other does not go on: %v", err)
	}
	if status := call(browser.Cookie(), "DELETE", "/v1/staff/sessions/"+own.ID); status != http.StatusNoContent {
		t.Fatalf("one's other session: %d", status)
	}
	l.next(api.EventEnded)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	if status := call(dana.Cookie(), "GET", "/v1/staff/session"); status != http.StatusUnauthorized {
		t.Errorf("the session that was ended: %d", status)
	}
	if status := call(browser.Cookie(), "GET", "/v1/staff/session"); status != http.StatusOK {
		t.Errorf("the session that ended it: %d", status)
	}
	_, err = dana.SignIn(w.ctx, dana.in("dana"))
	w.must(err)
	dana.signIn()
	l = dana.listen()
	if status := call(browser.Cookie(), "DELETE", "/v1/staff/devices/"+dana.id); status != http.StatusNoContent {
		t.Fatalf("one's device: %d", status)
	}
	l.next(api.EventEnded)
	_, err = dana.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = dana.SignInDevice(w.ctx, dana.signer, dana.id)
	if err == nil {
		t.Error("a lost device comes back")
	}
}

// TestFunctionsOfOthers tries what only another kind of caller may do.
func TestFunctionsOfOthers(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	tests := []struct {
		name string
		call func() error
	}{
		{"a patient asks for the keeper's work", func() error { _, err := patient.Work(w.ctx); return err }},
		{"a nurse asks for the keeper's work", func() error { _, err := nurse.Work(w.ctx); return err }},
		{"a nurse certifies a device", func() error {
			_, err := nurse.PutCertificate(w.ctx, patient.id, api.PutCertificate{Certificate: nurse.certificate})
			return err
		}},
		{"a patient takes a conversation", func() error { _, err := patient.Act(w.ctx, id, "take"); return err }},
		{"a nurse withdraws consent", func() error { _, err := nurse.Act(w.ctx, id, "withdraw"); return err }},
		{"the keeper closes a conversation", func() error { _, err := w.clinic.keeper.Act(w.ctx, id, "close"); return err }},
		{"a patient lists what waits", func() error { _, err := patient.Conversations(w.ctx, "waiting", ""); return err }},
		{"a nurse lists all", func() error { _, err := nurse.Conversations(w.ctx, "all", ""); return err }},
		{"a nurse starts a conversation", func() error {
			id, n := nurse.founding("nurse")
			_, err := nurse.CreateConversation(w.ctx, id, n)
			return err
		}},
		{"a patient claims a nurse's key packages", func() error {
			_, err := patient.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: nurse.person})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			if p := wantCode(t, err, api.CodeForbidden); p.Status != http.StatusForbidden {
				t.Errorf("status %d", p.Status)
			}
		})
	}
}

// TestT24ForeignOrigins refuses calls by pages of other origins, also those
// of a sister sub-domain, and tokens in addresses.
func TestT24ForeignOrigins(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	bearer := "Bearer " + d.Token()
	tests := []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"own origin", "POST", "/v1/challenges", []string{"Origin", w.server.URL}, 200},
		{"no page at all", "POST", "/v1/challenges", nil, 200},
		{"foreign origin", "POST", "/v1/challenges", []string{"Origin", "https://evil.example"}, 403},
		{"opaque origin", "POST", "/v1/challenges", []string{"Origin", "null"}, 403},
		{"foreign sign-in", "POST", "/v1/staff/sign-in", []string{"Origin", "https://evil.example"}, 403},
		{"same site is not same origin", "POST", "/v1/staff/sign-out", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"foreign read", "GET", "/v1/devices/self", []string{"Origin", "https://evil.example", "Authorization", bearer}, 403},
		{"foreign socket", "GET", "/v1/events", []string{"Origin", "https://evil.example", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, 403},
		{"token in the address", "GET", "/v1/devices/self?access_token=" + d.Token(), nil, 422},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := w.raw(tt.method, tt.path, "", tt.headers...)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, tt.want, body)
			}
			if h := resp.Header.Get("Access-Control-Allow-Origin"); h != "" {
				t.Errorf("another origin may read the answer: %s", h)
			}
		})
	}
}

// TestT29dUnknownFields refuses a role, or any other field, in a body.
func TestT29dUnknownFields(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	for path, body := range map[string]string{
		"/v1/guests":                           `{"practice":"riverside","public_key":"AA==","proof":{"nonce":"x","signature":"AA=="},"role":"keeper"}`,
		"/v1/conversations/" + id + "/ack":     `{"position":1,"person":"p_x"}`,
		"/v1/conversations/" + id + "/frames":  `{"client_id":"12345678","kind":"application","payload":"AA==","device":"d_x"}`,
		"/v1/conversations/" + id + "/typing":  `{"typing":"yes"}`,
		"/v1/conversations/" + id + "/typing?": `{`,
		"/v1/key-packages/claim":               `[]`,
	} {
		resp, got := w.raw("POST", path, body, "Authorization", "Bearer "+d.Token())
		if resp.StatusCode != http.StatusUnprocessableEntity && resp.StatusCode != http.StatusBadRequest || !strings.Contains(got, `"code":"malformed"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
	}
	admin := w.staffAs(w.clinic, "administrator", "pat")
	for path, body := range map[string]string{
		"/v1/admin/people":                  `{"login":"eve","name":"Eve","role":"nurse","person":"p_x"}`,
		"/v1/staff/unlock":                  `{"password":"x","proved_at":1}`,
		"/v1/admin/consents/chat/2/approve": `{"reason":"x","person":"p_x"}`,
	} {
		resp, got := w.raw("POST", path, body, "Cookie", "__Host-sotto_staff="+admin.Cookie())
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got, `"code":"malformed"`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
	}
}

// TestProblems checks the form of refusals: RFC 9457, a request id, no cache,
// and nothing of what the caller sent.
func TestProblems(t *testing.T) {
	w := newWorld(t)
	for _, call := range [][3]string{
		{"GET", "/v1/" + canary, ""},
		{"GET", "/" + canary, ""},
		{"GET", "/v1/practices/" + canary, ""},
		{"POST", "/v1/guests", `{"practice":"` + canary + `","` + canary + `":1}`},
		{"POST", "/v1/guests", canary},
		{"POST", "/v1/staff/sign-in", `{"practice":"` + canary + `","login":"` + canary + `","password":"` + canary + `"}`},
	} {
		resp, body := w.raw(call[0], call[1], call[2])
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Errorf("%v: %v in %q", call, err, body)
			continue
		}
		if p.Status != resp.StatusCode || !strings.HasSuffix(p.Type, string(p.Code)) || p.Title == "" || p.RequestID != resp.Header.Get("X-Request-Id") {
			t.Errorf("%v: %+v", call, p)
		}
		if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%v: content type %s", call, ct)
		}
		if strings.Contains(body, canary) {
			t.Errorf("%v quotes the caller: %s", call, body)
		}
		if strings.HasPrefix(call[1], "/v1/") && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v may be cached", call)
		}
	}
}
