package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// A directory speaks SCIM to the world's server.
type directory struct {
	w     *world
	token string
}

func (w *world) directory() *directory {
	w.t.Helper()
	token, _, err := w.hub.NewDirectoryToken(w.ctx, w.clinic.ID, "Entra ID", 30)
	w.must(err)
	return &directory{w, token}
}

type resource = map[string]any

func (d *directory) call(method, path, body string, headers ...string) (int, resource) {
	d.w.t.Helper()
	resp, got := d.w.raw(method, "/scim/v2"+path, body, append([]string{"Authorization", "Bearer " + d.token, "Content-Type", "application/scim+json"}, headers...)...)
	var r resource
	if got != "" {
		if err := json.Unmarshal([]byte(got), &r); err != nil {
			d.w.t.Fatalf("%s %s: %v in %s", method, path, err, got)
		}
	}
	if ct := resp.Header.Get("Content-Type"); got != "" && ct != "application/scim+json" {
		d.w.t.Errorf("%s %s: content type %s", method, path, ct)
	}
	return resp.StatusCode, r
}

// do is call where only one status is good.
func (d *directory) do(want int, method, path, body string, headers ...string) resource {
	d.w.t.Helper()
	status, r := d.call(method, path, body, headers...)
	if status != want {
		d.w.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, status, r, want)
	}
	return r
}

const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Kim@clinic.example","externalId":"object-1","name":{"givenName":"Kim","familyName":"Tran"},
	"emails":[{"primary":true,"type":"work","value":"kim@clinic.example"}],"title":"Nurse","active":true}`

// TestSCIMUsers: a directory adds people, finds them, changes them in the ways
// of Okta and of Entra ID, and disables them.
func TestSCIMUsers(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	made := d.do(http.StatusCreated, "POST", "/Users", user)
	id := made["id"].(string)
	if made["userName"] != "kim@clinic.example" || made["displayName"] != "Kim Tran" || made["active"] != true || made["emails"] != nil {
		t.Errorf("made %v", made)
	}
	if r := d.do(http.StatusConflict, "POST", "/Users", user); r["scimType"] != "uniqueness" || r["status"] != "409" {
		t.Errorf("twice: %v", r)
	}
	for filter, want := range map[string]float64{
		`userName eq "KIM@clinic.example"`:                       1,
		`externalId eq "object-1"`:                               1,
		`externalId eq "OBJECT-1"`:                               0,
		`userName eq "kim@clinic.example" and active eq true`:    1,
		`userName eq "kim@clinic.example" AND active eq false`:   0,
		`urn:ietf:params:scim:schemas:core:2.0:User:id eq "nil"`: 0,
		`emails.value eq "kim@clinic.example"`:                   0,
	} {
		if r := d.do(http.StatusOK, "GET", "/Users?filter="+strings.NewReplacer(" ", "%20", `"`, "%22").Replace(filter), ""); r["totalResults"] != want {
			t.Errorf("%s: %v", filter, r)
		}
	}
	for _, filter := range []string{`userName%20co%20%22k%22`, `userName%20eq%20`, `userName%20eq%20%22a%22%20or%20id%20eq%20%22b%22`, `(userName%20eq%20%22a%22)`} {
		if r := d.do(http.StatusBadRequest, "GET", "/Users?filter="+filter, ""); r["scimType"] != "invalidFilter" {
			t.Errorf("%s: %v", filter, r)
		}
	}
	w.member("second", "nurse")
	if r := d.do(http.StatusOK, "GET", "/Users?startIndex=2&count=1", ""); r["totalResults"] != 2.0 || r["itemsPerPage"] != 1.0 || r["startIndex"] != 2.0 {
		t.Errorf("a page: %v", r)
	}

	patch := func(ops string) resource {
		t.Helper()
		return d.do(http.StatusOK, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+ops+`]}`)
	}
	if r := patch(`{"op":"Replace","path":"name.familyName","value":"Nguyen"},{"op":"Add","path":"name.givenName","value":"Kim"}`); r["displayName"] != "Kim Nguyen" {
		t.Errorf("Entra ID's names: %v", r)
	}
	if r := patch(`{"op":"replace","value":{"displayName":"Kim N.","title":"Charge nurse","emails":[]}}`); r["displayName"] != "Kim N." || r["title"] != "Charge nurse" {
		t.Errorf("Okta's names: %v", r)
	}
	if r := patch(`{"op":"remove","path":"title"}`); r["title"] != nil {
		t.Errorf("removed: %v", r)
	}
	for _, bad := range []string{`{"op":"remove","path":"userName"}`, `{"op":"move","path":"title"}`, `{"op":"remove"}`, `{"op":"replace","path":"active","value":"perhaps"}`, `{"op":"replace","value":7}`, `{"op":"replace","path":"userName","value":""}`} {
		d.do(http.StatusBadRequest, "PATCH", "/Users/"+id, `{"Operations":[`+bad+`]}`)
	}
	got := d.do(http.StatusOK, "GET", "/Users/"+id, "")
	version := got["meta"].(resource)["version"].(string)
	d.do(http.StatusPreconditionFailed, "PUT", "/Users/"+id, user, "If-Match", `W/"old"`)
	if r := d.do(http.StatusOK, "PUT", "/Users/"+id, user, "If-Match", version); r["displayName"] != "Kim Tran" || r["title"] != "Nurse" {
		t.Errorf("replaced: %v", r)
	}
	if r := patch(`{"op":"Replace","path":"active","value":"False"}`); r["active"] != false {
		t.Errorf("disabled: %v", r)
	}
	if r := patch(`{"op":"replace","value":{"active":true}}`); r["active"] != true {
		t.Errorf("enabled: %v", r)
	}
	d.do(http.StatusNoContent, "DELETE", "/Users/"+id, "")
	if r := d.do(http.StatusOK, "GET", "/Users/"+id, ""); r["active"] != false {
		t.Errorf("deleted: %v", r)
	}
	d.do(http.StatusNotFound, "GET", "/Users/p_nobody", "")
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
		d.do(http.StatusOK, "GET", path, "")
	}
}

// TestSCIMTokens: a token is good for its practice, until it ends or is revoked,
// and for nothing else.
func TestSCIMTokens(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	id := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	other := w.newPractice("hilltop")
	token, _, err := w.hub.NewDirectoryToken(w.ctx, other.ID, "x", 1)
	w.must(err)
	stranger := &directory{w, token}
	stranger.do(http.StatusNotFound, "GET", "/Users/"+id, "")
	stranger.do(http.StatusNotFound, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
	if r := stranger.do(http.StatusOK, "GET", "/Users", ""); r["totalResults"] != 0.0 {
		t.Errorf("another practice's people: %v", r)
	}
	dana := w.staff("dana")
	for _, token := range []string{"", "made-up", dana.Token(), dana.Cookie()} {
		for route := range leaves { // all that a directory may call
			if method, path, ok := strings.Cut(route, " /scim/v2"); ok {
				(&directory{w, token}).do(http.StatusUnauthorized, strings.ToUpper(method), strings.Replace(path, "{id}", id, 1), user)
			}
		}
	}
	if resp, _ := w.raw("GET", "/v1/devices/self", "", "Authorization", "Bearer "+d.token); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the API takes a directory's token: %d", resp.StatusCode)
	}
	all, err := w.hub.DirectoryTokens(w.ctx, w.clinic.ID)
	w.must(err)
	w.must(w.hub.RevokeDirectoryToken(w.ctx, w.clinic.ID, all[0].ID))
	d.do(http.StatusUnauthorized, "GET", "/Users", "")
	w.clock.advance(25 * time.Hour)
	stranger.do(http.StatusUnauthorized, "GET", "/Users", "")
	if logs := w.logs.String(); strings.Contains(logs, token) || strings.Contains(logs, "clinic.example") {
		t.Error("a token or an address is in the log")
	}
}

// TestSCIMGroups: what people are follows their groups by the practice's rules;
// administrators are not the directory's.
func TestSCIMGroups(t *testing.T) {
	w := newWorld(t)
	w.access(func(a *hub.Access) {
		a.Groups.Rules = []hub.GroupRule{{Group: "Nurses", Role: "nurse", Queues: []string{"nurse"}}, {Group: "desk-id", Role: "front-desk"}, {Group: "IT", Role: "administrator"}}
	})
	d := w.directory()
	robin := w.proven("robin", "administrator")
	id := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	is := func(person, role string, queues ...string) {
		t.Helper()
		p, err := w.store.Person(w.ctx, w.clinic.ID, person)
		w.must(err)
		if p.Role != role || len(queues)+len(p.Queues) > 0 && !slices.Equal(p.Queues, queues) {
			t.Errorf("a %q of %v, want %q of %v", p.Role, p.Queues, role, queues)
		}
	}
	is(id, "")
	group := d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Nurses","members":[{"value":"`+id+`"}]}`)["id"].(string)
	is(id, "nurse", "nurse")
	patch := func(path, ops string) {
		t.Helper()
		d.do(http.StatusOK, "PATCH", path, `{"Operations":[`+ops+`]}`)
	}
	patch("/Groups/"+group, `{"op":"Remove","path":"members","value":[{"value":"`+id+`"}]}`) // Entra ID
	is(id, "")
	patch("/Groups/"+group, `{"op":"Add","path":"members","value":[{"value":"`+id+`"}]}`)
	is(id, "nurse", "nurse")
	patch("/Groups/"+group, `{"op":"remove","path":"members[value eq \"`+id+`\"]"}`) // Okta
	is(id, "")
	desk := d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Front desk","externalId":"desk-id"}`)["id"].(string)
	patch("/Groups/"+desk, `{"op":"replace","path":"members","value":[{"value":"`+id+`"}]}`)
	is(id, "front-desk")
	it := d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"IT","members":[{"value":"`+id+`"}]}`)["id"].(string)
	is(id, "front-desk") // administrators do not come from groups here
	patch("/Groups/"+it, `{"op":"add","path":"members","value":[{"value":"`+robin.Person.ID+`"}]}`)
	patch("/Groups/"+group, `{"op":"add","path":"members","value":[{"value":"`+robin.Person.ID+`"}]}`)
	is(robin.Person.ID, "administrator")
	d.do(http.StatusForbidden, "PATCH", "/Users/"+robin.Person.ID, `{"Operations":[{"op":"replace","path":"externalId","value":"mine"}]}`)
	d.do(http.StatusForbidden, "PATCH", "/Users/"+robin.Person.ID, `{"Operations":[{"op":"replace","path":"active","value":false}]}`) // the last
	d.do(http.StatusBadRequest, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"add","path":"members","value":[{"value":"p_nobody"}]}]}`)
	d.do(http.StatusConflict, "POST", "/Groups", `{"displayName":"Nurses"}`)
	if r := d.do(http.StatusOK, "GET", "/Groups?filter=displayName%20eq%20%22IT%22&excludedAttributes=members", ""); r["totalResults"] != 1.0 || strings.Contains(mustJSON(r), "members") {
		t.Errorf("%v", r)
	}
	d.do(http.StatusNoContent, "DELETE", "/Groups/"+desk, "")
	is(id, "")

	// Whom the directory names by no id of its own are its members' all the same.
	kim := d.do(http.StatusCreated, "POST", "/Users", `{"userName":"kim","displayName":"Kim Ito","active":true}`)["id"].(string)
	member := `{"op":"add","path":"members","value":[{"value":"` + kim + `"}]}`
	patch("/Groups/"+group, member)
	is(kim, "nurse", "nurse")
	patch("/Groups/"+group, `{"op":"remove","path":"members[value eq \"`+kim+`\"]"}`)
	is(kim, "")
	patch("/Groups/"+group, member)
	patch("/Groups/"+group, `{"op":"replace","path":"displayName","value":"Nurses of before"}`)
	is(kim, "")
	patch("/Groups/"+group, `{"op":"replace","path":"displayName","value":"Nurses"}`)
	is(kim, "nurse", "nurse")
	d.do(http.StatusNoContent, "DELETE", "/Groups/"+group, "")
	is(kim, "")
	// Who has a role from here keeps it in a group that says nothing.
	lee, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: "nurse", Name: "Lee", Login: "lee"})
	w.must(err)
	patch("/Groups/"+it, `{"op":"add","path":"members","value":[{"value":"`+lee.ID+`"}]}`)
	is(lee.ID, "nurse")
}

// withinASecond holds the promise that who loses access loses it within a second.
// It is the one promise here that is a time; the work takes milliseconds.
func withinASecond(t testing.TB, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

// isOut disables a nurse who has a chat, and holds that from then on the
// person's calls and sockets are over, the devices are revoked and taken out of
// every conversation, which waits for somebody else.
func (w *world) isOut(nurse *device, disable func()) {
	w.t.Helper()
	id := w.patient().open("nurse")
	nurse.take(id)
	l := nurse.listen()
	began := time.Now()
	disable()
	l.next(api.EventEnded)
	_, err := nurse.Self(w.ctx)
	wantCode(w.t, err, api.CodeUnauthenticated)
	_, err = nurse.StaffSession(w.ctx)
	wantCode(w.t, err, api.CodeUnauthenticated)
	d, err := w.store.Device(w.ctx, w.clinic.ID, nurse.id)
	w.must(err)
	if d.RevokedAt == 0 {
		w.t.Error("the device is not revoked")
	}
	withinASecond(w.t, began)
	_, err = nurse.SignIn(w.ctx, nurse.in("dana"))
	wantCode(w.t, err, api.CodeUnauthenticated)
	work, err := w.clinic.keeper.Work(w.ctx)
	w.must(err)
	if len(work.Groups) != 1 || len(work.Groups[0].Remove) != 1 || work.Groups[0].Remove[0].ID != nurse.id {
		w.t.Errorf("the keeper is to do %+v", work.Groups)
	}
	v, err := w.store.Conversation(w.ctx, w.clinic.ID, id)
	w.must(err)
	if v.State != api.StateWaiting || v.Assignee != "" {
		w.t.Errorf("the conversation is %s, of %q", v.State, v.Assignee)
	}
}

// TestT43DisabledByTheDirectory: the directory's word ends all that a person has.
func TestT43DisabledByTheDirectory(t *testing.T) {
	w := newWorld(t)
	d, nurse := w.directory(), w.staff("dana")
	w.isOut(nurse, func() {
		d.do(http.StatusOK, "PATCH", "/Users/"+nurse.person, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`)
	})
	// Access that is given back gives nothing of before back.
	d.do(http.StatusOK, "PATCH", "/Users/"+nurse.person, `{"Operations":[{"op":"replace","value":{"active":true}}]}`)
	_, err := nurse.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	work, err := w.clinic.keeper.Work(w.ctx)
	if err != nil || len(work.Groups) != 1 || len(work.Groups[0].Add) != 0 {
		t.Errorf("the keeper is to do %+v, %v", work, err)
	}
}

// TestT43DisabledByAnAdministrator: a press on the administrators' page does too.
func TestT43DisabledByAnAdministrator(t *testing.T) {
	w := newWorld(t)
	robin, nurse := w.staffAs(w.clinic, "administrator", "robin"), w.staff("dana")
	w.isOut(nurse, func() {
		robin.asks("PATCH /v1/admin/people/"+nurse.person, api.ChangeStaffMember{Disable: true}, nil, http.StatusOK)
	})
}

// TestSCIMIsAudited: what a directory reads and writes of people and of groups
// is in the practice's log (T41).
func TestSCIMIsAudited(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	id := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	d.do(http.StatusOK, "GET", "/Users/"+id, "")
	g := d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Nurses","members":[{"value":"`+id+`"}]}`)["id"].(string)
	d.do(http.StatusOK, "GET", "/Groups", "")
	d.do(http.StatusOK, "GET", "/Groups/"+g, "")
	d.do(http.StatusOK, "PATCH", "/Groups/"+g, `{"Operations":[{"op":"replace","path":"displayName","value":"All nurses"}]}`)
	d.do(http.StatusOK, "PUT", "/Groups/"+g, `{"displayName":"Nobody","members":[]}`)
	d.do(http.StatusNoContent, "DELETE", "/Groups/"+g, "")
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{})
	w.must(err)
	var got []string
	for _, e := range slices.Backward(page.Events) {
		if e.Role == string(audit.Service) && e.Person == "" {
			got = append(got, e.Kind+" "+e.Object)
		}
	}
	want := []string{
		"person.added " + id, "directory.read " + id, "directory-group.changed " + g, "directory.read ", "directory.read " + g,
		"directory-group.changed " + g, "directory-group.changed " + g, "directory-group.deleted " + g,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says %v, want %v", got, want)
	}
}
