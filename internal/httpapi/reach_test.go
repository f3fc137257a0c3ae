package httpapi_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
)

var updateReach = flag.Bool("reach", false, "write who reaches which route now")

const reachFile = "testdata/reach.txt"

// reachers are the callers that every route is tried with: all roles that can
// hold a session, and somebody without one.
var reachers = []string{"nobody", "patient", "agent", "clinician", "supervisor", "compliance", "administrator", "auditor", "keeper"}

// jobs are what the staff among them are, where that is not their role's name.
var jobs = map[string]string{"agent": "front-desk", "clinician": "nurse"}

// stands are the ways in which a caller may stand to a conversation.
var stands = []string{"theirs", "waits in their queue", "taken, in their queue", "taken, in another queue"}

// A reach is the world of the walk.
type reach struct {
	*world
	elsewhere       *practice
	owner, stranger *device // patients
	callers         map[string]*device
	chats           map[string]string // by caller and stand, each its own
	description     described
	schemas         schemas
}

func newReach(t *testing.T) *reach {
	t.Helper()
	much := hub.Rate{PerSecond: 1e6, Burst: 1e6}
	w := newWorld(t, func(hc *hub.Config, _ *httpapi.Config) {
		hc.Limits = hub.Limits{
			Anonymous: much, Guests: much, Invitations: much, SignIns: much, AppCodes: much, Calls: much, Sends: much, Claims: much,
			Uploads: much, OpenChats: 1 << 20,
		}
	})
	r := &reach{world: w, elsewhere: w.newPractice("hilltop"), callers: make(map[string]*device), chats: make(map[string]string), description: w.described()}
	b, err := w.api.OpenAPI()
	w.must(err)
	w.must(json.Unmarshal(b, &r.schemas))
	r.owner, r.stranger = w.patient(), w.patient()
	for _, who := range reachers {
		r.callers[who] = r.caller(who)
	}
	for _, who := range reachers {
		for _, stand := range stands {
			r.chats[who+stand] = r.owner.open("nurse")
			if stand == "theirs" && slices.Contains([]string{"agent", "clinician", "supervisor"}, who) {
				r.callers[who].take(r.chats[who+stand])
			}
		}
	}
	return r
}

// caller makes somebody anew: some routes end their caller's session.
func (r *reach) caller(who string) *device {
	r.t.Helper()
	switch who {
	case "nobody":
		return nil
	case "patient":
		return r.stranger
	case "keeper":
		return r.clinic.keeper
	}
	job := jobs[who]
	if job == "" {
		job = who
	}
	return r.staffAs(r.clinic, job, hub.NewID("p"), "nurse")
}

// as returns who calls, for a conversation in which a patient writes.
func (r *reach) as(who, stand string) *device {
	if who == "patient" && stand == "theirs" {
		return r.owner
	}
	return r.callers[who]
}

// settle puts the conversation of a caller and a stand back to what it should
// be, whatever the last call did to it.
func (r *reach) settle(who, stand string, over bool) string {
	r.t.Helper()
	id, other := r.chats[who+stand], r.colleague().person
	_, err := r.store.MoveConversation(r.ctx, r.clinic.ID, id, func(v *hub.Conversation) error {
		v.Queue, v.State, v.Assignee, v.WithdrawnAt, v.ClosedAt, v.WaitingFrom, v.Confidential = "nurse", api.StateOpen, "", 0, 0, 0, false
		if stand == "taken, in another queue" {
			v.Queue = "front-desk"
		}
		for i := range v.Participants { // the patient and the archive stay in
			v.Participants[i].Wanted = v.Participants[i].Person == r.owner.person || v.Participants[i].Person == r.clinic.keeper.person
		}
		switch c := r.callers[who]; {
		case stand == "waits in their queue":
			v.State, v.WaitingFrom = api.StateWaiting, 1
		case stand != "theirs":
			v.Assignee = other
		case c != nil && slices.Contains([]string{"agent", "clinician", "supervisor"}, who):
			v.Assignee = c.person
			want(v, c.person)
		}
		if v.Assignee != "" {
			want(v, v.Assignee)
		}
		if over {
			v.State, v.ClosedAt = api.StateClosed, r.clock.now().UnixMilli()
		}
		return nil
	}, func([]hub.ConsentForm, []hub.Receipt) (int64, error) { return 0, nil })
	r.must(err)
	return id
}

func want(v *hub.Conversation, person string) {
	i := slices.IndexFunc(v.Participants, func(p hub.Participant) bool { return p.Person == person })
	if i < 0 {
		v.Participants = append(v.Participants, hub.Participant{Person: person})
		i = len(v.Participants) - 1
	}
	v.Participants[i].Wanted = true
}

// colleague is a nurse who calls nothing.
func (r *reach) colleague() *device {
	if r.callers["colleague"] == nil {
		r.callers["colleague"] = r.staffAs(r.clinic, "nurse", "colleague", "nurse")
	}
	return r.callers["colleague"]
}

// reached says how an answer counts: refused by policy, or past it. A route
// that hides answers those who may not as if there were nothing.
func reached(t testing.TB, call string, hides bool, resp *http.Response, body string) bool {
	t.Helper()
	var p api.Problem
	_ = json.Unmarshal([]byte(body), &p)
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusMethodNotAllowed:
		t.Errorf("%s: status %d: %s", call, resp.StatusCode, body)
	case p.Code == api.CodeMalformed && !pastPolicy(body):
		t.Errorf("%s: the body was refused before policy was asked: %s", call, body)
	case resp.StatusCode == http.StatusUnauthorized:
		return false
	case resp.StatusCode == http.StatusNotFound:
		return !hides // what is missing is looked for once policy has let somebody in
	case resp.StatusCode == http.StatusForbidden:
		return p.Code != api.CodeForbidden && p.Code != api.CodeNotAMember && p.Code != ""
	}
	return true
}

// pastPolicy reports whether a body was refused by the hub, which asks policy
// first, and not by its schema.
func pastPolicy(body string) bool { return strings.Contains(body, `"hint":"Field: `) }

// TestDescribedRoutesHaveAReach holds that whoever adds a route says who may
// call it.
func TestDescribedRoutesHaveAReach(t *testing.T) {
	b, err := os.ReadFile(reachFile)
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, " ") {
			known[strings.TrimSpace(strings.SplitN(line, ":", 2)[0])] = true
		}
	}
	w := newWorld(t)
	for path, methods := range w.described().Paths {
		for method := range methods {
			if !known[method+" "+path] {
				t.Errorf("%s %s: nothing says who may call it. Run go test ./internal/httpapi -run TestT22Reach -reach, and see that %s is right", method, path, reachFile)
			}
			delete(known, method+" "+path)
		}
	}
	for route := range known {
		t.Errorf("%s: there is no such route", route)
	}
}

// TestT22Reach calls every route of the API as every role, upon whatever of
// the practice's the route is about, and holds who got past policy against
// what was agreed: testdata/reach.txt. Nothing of another practice's can be
// reached by anybody, and says nothing of whether it is there (T22, ASVS 8.2.1,
// 8.2.2, 8.4.1).
func TestT22Reach(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand calls")
	}
	r := newReach(t)
	before, err := r.store.Practice(r.ctx, r.clinic.ID)
	r.must(err)
	var b strings.Builder
	paths := slices.SortedFunc(maps.Keys(r.description.Paths), func(a, b string) int {
		// What changes the consent form comes last: the chats stand on it.
		return cmp.Or(cmp.Compare(strings.Count(a, "consents"), strings.Count(b, "consents")), strings.Compare(a, b))
	})
	for _, path := range paths {
		methods := r.description.Paths[path]
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			route := method + " " + path
			switch {
			case len(methods[method].Security) == 0:
				fmt.Fprintf(&b, "%s: anybody\n", route) // TestEveryRouteNeedsASession has the list
			case ofChat(path):
				fmt.Fprintf(&b, "%s\n", route)
				for _, stand := range stands {
					fmt.Fprintf(&b, "  %s: %s\n", stand, r.who(route, stand))
				}
				r.abroad(route)
			default:
				fmt.Fprintf(&b, "%s: %s\n", route, r.who(route, ""))
				if strings.Contains(path, "{id}") {
					r.abroad(route)
				}
			}
		}
	}
	// After every call by everybody: what protects is the practice's alone.
	after, err := r.store.Practice(r.ctx, r.clinic.ID)
	r.must(err)
	if changed := hub.ProtectionChanges(before.Settings, after.Settings); len(changed) > 0 {
		t.Errorf("a call changed settings that protect: %+v", changed)
	}
	if *updateReach {
		r.must(os.WriteFile(reachFile, []byte(b.String()), 0o644))
	}
	agreed, err := os.ReadFile(reachFile)
	r.must(err)
	if b.String() != string(agreed) {
		t.Errorf("routes are open to others than %s says; if that is meant, run with -reach and review the difference. Now:\n%s", reachFile, &b)
	}
}

// ofChat reports whether a route is about one conversation.
func ofChat(path string) bool {
	return strings.Contains(path, "conversations/{id}") || strings.HasPrefix(path, "/v1/attachments/")
}

// who lists the callers who get past policy.
func (r *reach) who(route, stand string) string {
	var may []string
	for _, who := range reachers {
		d := r.as(who, stand)
		if endsCaller(route) && d != nil && who != "patient" && who != "keeper" {
			d = r.caller(who)
		}
		var id string
		if stand != "" {
			id = r.settle(who, stand, strings.HasSuffix(route, "/reopen") || strings.HasSuffix(route, "/rating"))
		}
		path, body := r.call(route, r.clinic, d, id)
		if resp, got := r.send(route, path, body, d); reached(r.t, who+" "+stand+" "+route, stand != "", resp, got) {
			may = append(may, who)
		}
		if endsCaller(route) && (who == "patient" || who == "keeper") {
			d.signIn()
		}
	}
	if may == nil {
		return "nobody at all"
	}
	return strings.Join(may, " ")
}

// abroad tries a route upon what is another practice's. The answer must be that
// of an id which nobody has.
func (r *reach) abroad(route string) {
	r.t.Helper()
	for _, who := range reachers {
		d := r.callers[who]
		if endsCaller(route) || d == nil || route == "put /v1/conversations/{id}" { // see TestT22AnIDOfAnother
			continue
		}
		path, body := r.call(route, r.elsewhere, d, r.there(route))
		resp, got := r.send(route, path, body, d)
		if reached(r.t, who+" "+route, true, resp, got) && route != "delete /v1/welcomes/{id}" { // which is done if there is none
			r.t.Errorf("%s: %s upon another practice's: status %d: %s", who, route, resp.StatusCode, got)
		}
		path, body = r.call(route, nil, d, hub.NewID("c"))
		never, said := r.send(route, path, body, d)
		if never.StatusCode != resp.StatusCode || withoutRequestID(said) != withoutRequestID(got) {
			r.t.Errorf("%s: %s tells what another practice has: %d %s; of what never was: %d %s", who, route, resp.StatusCode, got, never.StatusCode, said)
		}
	}
}

func (r *reach) send(route, path, body string, d *device) (*http.Response, string) {
	r.t.Helper()
	method, _, _ := strings.Cut(route, " ")
	headers := []string{"Content-Type", "application/json", "Upload-Offset", "0"}
	if strings.HasPrefix(path, "/v1/attachments/") {
		headers[1] = contentType(method)
	}
	if d != nil {
		headers = append(headers, "Authorization", "Bearer "+d.Token(), "Cookie", "__Host-sotto_staff="+d.Cookie())
	}
	return r.raw(strings.ToUpper(method), path, body, headers...)
}
