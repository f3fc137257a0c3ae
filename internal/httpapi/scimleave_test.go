package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/scim"
)

// known adds a person whom the practice keeps, with a title as the console
// gives one, and returns the id.
func (w *world) known(login, name, role string) string {
	w.t.Helper()
	p, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: role, Name: name, Login: login, Title: "Manager"})
	w.must(err)
	return p.ID
}

func (w *world) kept(id string) hub.Person {
	w.t.Helper()
	p, err := w.store.Person(w.ctx, w.clinic.ID, id)
	w.must(err)
	return p
}

// TestSCIMDisablesFirst: a directory that sends whole users disables who leaves,
// also an administrator, whose name is not its to change, and also if the rest
// of what it asks is refused, which the answer says (T43). The last
// administrator stays.
func TestSCIMDisablesFirst(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	robin, alex, sam := w.known("robin", "Robin Day", "administrator"), w.known("alex", "Alex Roe", "administrator"), w.known("sam", "Sam Lee", "administrator")
	w.known("taken", "Lou Poe", "nurse")
	whole := func(login, given, family, rest string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + login + `","name":{"givenName":"` + given + `","familyName":"` + family + `"}` + rest + `}`
	}
	refused := func(want int, id, body string) {
		t.Helper()
		r := d.do(want, "PUT", "/Users/"+id, body)
		if detail, _ := r["detail"].(string); !strings.HasPrefix(detail, "The person is disabled. What else was asked for was refused: ") {
			t.Errorf("%s: %v", body, r)
		}
		if w.kept(id).DisabledAt == 0 {
			t.Errorf("%s: the person is enabled", body)
		}
	}
	if r := d.do(http.StatusOK, "PUT", "/Users/"+robin, whole("Robin", "Robin", "Day", `,"active":false`)); r["active"] != false || r["displayName"] != "Robin Day" || r["title"] != "Manager" {
		t.Errorf("an administrator who leaves: %v", r)
	}
	if w.kept(robin).DisabledAt == 0 {
		t.Error("the administrator is enabled")
	}
	refused(http.StatusForbidden, alex, whole("alex", "Alexandra", "Roe", `,"active":false`))
	if p := w.kept(alex); p.Name != "Alex Roe" {
		t.Errorf("an administrator is now called %s", p.Name)
	}
	// The last: neither disabled nor renamed.
	if r := d.do(http.StatusForbidden, "PUT", "/Users/"+sam, whole("sam", "Samuel", "Lee", `,"active":false`)); strings.Contains(r["detail"].(string), "disabled") {
		t.Errorf("the last administrator: %v", r)
	}
	if p := w.kept(sam); p.DisabledAt != 0 || p.Name != "Sam Lee" {
		t.Errorf("the last administrator is %+v", p)
	}

	kim := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	refused(http.StatusConflict, kim, whole("taken", "Kim", "Tran", `,"active":false`))
	if p := w.kept(kim); p.Login != "kim@clinic.example" {
		t.Errorf("the login is %s", p.Login)
	}
	d.do(http.StatusConflict, "PUT", "/Users/"+kim, whole("taken", "Kim", "Tran", `,"active":true`))
	if w.kept(kim).DisabledAt == 0 {
		t.Error("who could not be named was enabled")
	}
}

// TestSCIMWholeUsers: what a whole user leaves out stays as it is, and the name
// that is shown does not go to and fro between those that it brings.
func TestSCIMWholeUsers(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	id := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	put := func(body, name, title string, active bool) {
		t.Helper()
		for range 2 {
			if r := d.do(http.StatusOK, "PUT", "/Users/"+id, body); r["displayName"] != name || r["active"] != active || r["externalId"] != "object-1" {
				t.Errorf("%s: %v", body, r)
			} else if got, _ := r["title"].(string); got != title {
				t.Errorf("%s: %v", body, r)
			}
		}
	}
	put(`{"userName":"kim@clinic.example"}`, "Kim Tran", "Nurse", true)
	put(`{"userName":"kim@clinic.example","displayName":"Dr. Tran","name":{"givenName":"Kim","familyName":"Tran"}}`, "Dr. Tran", "Nurse", true)
	put(`{"userName":"kim@clinic.example","name":{"givenName":"Kim","familyName":"Ito"},"title":null}`, "Kim Ito", "", true)
	put(`{"userName":"kim@clinic.example","active":false}`, "Kim Ito", "", false)
	put(`{"userName":"kim@clinic.example","title":"Nurse"}`, "Kim Ito", "Nurse", false)
	put(`{"userName":"kim@clinic.example","active":true}`, "Kim Ito", "Nurse", true)
	d.do(http.StatusBadRequest, "PUT", "/Users/"+id, `{"displayName":"Kim"}`)
}

// TestSCIMEnablesItsOwn: a directory enables whom it disabled, and nobody whom
// the practice did, in the console or by the command line (T43).
func TestSCIMEnablesItsOwn(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	admin := w.proven("robin", "administrator")
	console := func(id string) {
		t.Helper()
		_, err := w.hub.ChangeStaffMember(w.ctx, admin, id, api.ChangeStaffMember{Disable: true})
		w.must(err)
	}
	commandLine := func(id string) { t.Helper(); w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, id)) }
	off := func(id string) {
		t.Helper()
		d.do(http.StatusOK, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
	}
	deleted := func(id string) { t.Helper(); d.do(http.StatusNoContent, "DELETE", "/Users/"+id, "") }
	on := func(want int, id string) resource {
		t.Helper()
		return d.do(want, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":true}]}`)
	}
	for name, disable := range map[string][]func(string){
		"console": {console}, "command line": {commandLine}, "console, then directory": {console, off}, "command line, then directory": {commandLine, deleted},
		"directory, then command line": {off, commandLine}, "directory, then console": {off, console}, "directory, undone, then console": {off, func(id string) { on(http.StatusOK, id) }, console},
	} {
		id := w.known("kim "+name, "Kim", "nurse")
		for _, f := range disable {
			f(id)
		}
		if r := on(http.StatusForbidden, id); !strings.Contains(r["detail"].(string), "The practice has disabled this person") {
			t.Errorf("%s: %v", name, r)
		}
		d.do(http.StatusForbidden, "PUT", "/Users/"+id, `{"userName":"lee `+name+`","active":true}`)
		if r := d.do(http.StatusOK, "PUT", "/Users/"+id, `{"userName":"kim `+name+`","title":"Nurse"}`); r["active"] != false || r["title"] != "Nurse" {
			t.Errorf("%s: a PUT that does not say: %v", name, r)
		}
		if p := w.kept(id); p.DisabledAt == 0 || p.Login != "kim "+name {
			t.Errorf("%s: %+v", name, p)
		}
		p, err := w.hub.EnablePerson(w.ctx, w.clinic.ID, id)
		if err != nil || p.DisabledAt != 0 || p.Role != "nurse" {
			t.Errorf("%s: enabled by the operator: %+v, %v", name, p, err)
		}
		if _, err := w.hub.EnablePerson(w.ctx, w.clinic.ID, id); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("%s: enabled twice: %v", name, err)
		}
	}
	for _, f := range []func(string){off, deleted} {
		id := w.known(hub.NewID("p"), "Kim", "nurse")
		f(id)
		if r := on(http.StatusOK, id); r["active"] != true {
			t.Errorf("its own: %v", r)
		}
	}
	id := d.do(http.StatusCreated, "POST", "/Users", `{"userName":"new","active":false}`)["id"].(string)
	on(http.StatusOK, id)
}

// TestSCIMGroupsWhileDisabled: who comes back is what their groups are by then:
// a group that they left meanwhile gives nothing, and one that they joined does.
func TestSCIMGroupsWhileDisabled(t *testing.T) {
	w := newWorld(t)
	w.access(func(a *hub.Access) {
		a.Groups.Rules = []hub.GroupRule{
			{Group: "Nurses", Role: "nurse", Queues: []string{"nurse"}}, {Group: "Desk", Role: "front-desk"}, {Group: "Leads", Role: "supervisor"},
		}
	})
	d := w.directory()
	groups := map[string]string{}
	for _, name := range []string{"Nurses", "Desk", "Leads"} {
		groups[name] = d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"`+name+`"}`)["id"].(string)
	}
	patch := func(path, op string) { t.Helper(); d.do(http.StatusOK, "PATCH", path, `{"Operations":[`+op+`]}`) }
	join := func(group, id string) {
		t.Helper()
		patch("/Groups/"+groups[group], `{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`)
	}
	leave := func(group, id string) {
		t.Helper()
		patch("/Groups/"+groups[group], `{"op":"remove","path":"members","value":[{"value":"`+id+`"}]}`)
	}
	active := func(id, is string) {
		t.Helper()
		patch("/Users/"+id, `{"op":"replace","path":"active","value":`+is+`}`)
	}
	is := func(what, id, role string, queues ...string) {
		t.Helper()
		if p := w.kept(id); p.DisabledAt != 0 || p.Role != role || len(queues)+len(p.Queues) > 0 && !slices.Equal(p.Queues, queues) {
			t.Errorf("%s: a %q of %v, want %q of %v", what, p.Role, p.Queues, role, queues)
		}
	}
	for name, external := range map[string]string{"named": `,"externalId":"object-1"`, "not named": ""} {
		id := d.do(http.StatusCreated, "POST", "/Users", `{"userName":"kim `+name+`"`+external+`}`)["id"].(string)
		join("Nurses", id)
		is(name, id, "nurse", "nurse")
		active(id, "false")
		leave("Nurses", id)
		active(id, "true")
		is(name+", left", id, "")
		active(id, "false")
		join("Desk", id)
		active(id, "true")
		is(name+", joined", id, "front-desk")
		active(id, "false")
		leave("Desk", id)
		join("Nurses", id)
		active(id, "true")
		is(name+", moved", id, "nurse", "nurse")
		active(id, "false")
		leave("Nurses", id)
		join("Leads", id)
		active(id, "true")
		is(name+", with much power", id, "") // which somebody is asked for
	}
	if open, err := w.hub.OpenGrants(w.ctx, w.clinic.ID); err != nil || len(open) != 2 || open[0].Role != "supervisor" {
		t.Errorf("asked for: %+v, %v", open, err)
	}
	// Who has a role from here comes back to it.
	lee := w.known("lee", "Lee", "nurse")
	active(lee, "false")
	active(lee, "true")
	is("from here", lee, "nurse")
}

func (s *faultyStore) ChangePerson(ctx context.Context, practice, id string, at int64, change func(*hub.Person, bool) error) (hub.Person, error) {
	if s.unchanged.Add(-1) == 0 {
		return hub.Person{}, fmt.Errorf("change %s: %w", canary, hub.ErrUnavailable)
	}
	return s.Store.ChangePerson(ctx, practice, id, at, change)
}

// TestSCIMGroupsAreFollowed: who leaves a group, or whose group no rule speaks of
// any more, loses the role, also if the store failed halfway: with the next try
// of the directory, or without one (T43).
func TestSCIMGroupsAreFollowed(t *testing.T) {
	w := newWorld(t)
	nurses := hub.GroupRule{Group: "Nurses", Role: "nurse", Queues: []string{"nurse"}}
	desk := hub.GroupRule{Group: "Desk", Role: "front-desk"}
	w.access(func(a *hub.Access) { a.Groups.Rules = []hub.GroupRule{nurses, desk} })
	d := w.directory()
	var members []string
	for _, name := range []string{"kim", "lee", "sam"} {
		id := d.do(http.StatusCreated, "POST", "/Users", `{"userName":"`+name+`"}`)["id"].(string)
		members = append(members, `{"value":"`+id+`"}`)
	}
	all := func() string { return `{"displayName":"Nurses","members":[` + strings.Join(members, ",") + `]}` }
	roles := func(what string, want int) {
		t.Helper()
		staff, err := w.store.PersonsOfKind(w.ctx, w.clinic.ID, api.KindStaff)
		w.must(err)
		if n := len(slices.DeleteFunc(staff, func(p hub.Person) bool { return p.Role != "nurse" })); n != want {
			t.Errorf("%s: %d nurses, want %d", what, n, want)
		}
	}
	const empty = `{"displayName":"Nurses","members":[]}`
	group := "/Groups/" + d.do(http.StatusCreated, "POST", "/Groups", all())["id"].(string)
	roles("joined", 3)
	w.store.unchanged.Store(2)
	d.do(http.StatusServiceUnavailable, "PUT", group, empty)
	roles("one could not be changed", 1)
	d.do(http.StatusOK, "PUT", group, empty)
	roles("the directory tried again", 0)
	d.do(http.StatusOK, "PUT", group, all())
	w.store.unchanged.Store(2)
	d.do(http.StatusServiceUnavailable, "DELETE", group, "")
	roles("one could not be changed", 1)
	w.must(w.hub.Sweep(w.ctx))
	roles("swept", 0)

	d.do(http.StatusCreated, "POST", "/Groups", all())
	w.access(func(a *hub.Access) { a.Groups.Rules = []hub.GroupRule{desk} })
	w.must(w.hub.Sweep(w.ctx))
	roles("without its rule", 0)
	w.access(func(a *hub.Access) { a.Groups.Rules = []hub.GroupRule{nurses} })
	w.must(w.hub.Sweep(w.ctx))
	roles("with it", 3)
	if left, err := w.store.Followers(w.ctx, w.clinic.ID); err != nil || len(left) != 0 {
		t.Errorf("still to be followed: %v, %v", left, err)
	}

	nurses.Queues = []string{"a queue that is no more"}
	w.access(func(a *hub.Access) { a.Groups.Rules = []hub.GroupRule{nurses, desk} })
	w.must(w.hub.Sweep(w.ctx))
	d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Desk"}`) // is about nobody of them
}

// TestSCIMGroupsOfTwoHubs: what another hub does to a group between this one's
// look at it and its write is in what is written: the change, which checks
// If-Match too, is made anew.
func TestSCIMGroupsOfTwoHubs(t *testing.T) {
	w := newWorld(t)
	d := w.directory()
	group := d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Nurses"}`)["id"].(string)
	kim, lee := w.known("kim", "Kim", "nurse"), w.known("lee", "Lee", "nurse")
	asked := 0
	_, err := w.hub.ChangeDirectoryGroup(w.ctx, &hub.Directory{Practice: w.clinic.ID}, group, func(g *scim.Group) error {
		if asked++; asked == 1 {
			before, err := w.store.DirectoryGroup(w.ctx, w.clinic.ID, group)
			w.must(err)
			other := before
			other.Members = []string{lee}
			w.must(w.store.SaveDirectoryGroup(w.ctx, before, other))
		}
		g.Members = append(g.Members, scim.Member{Value: kim})
		return nil
	})
	w.must(err)
	g, err := w.store.DirectoryGroup(w.ctx, w.clinic.ID, group)
	if err != nil || asked != 2 || !slices.Equal(g.Members, []string{lee, kim}) {
		t.Errorf("asked %d times: %v, %v", asked, g.Members, err)
	}
}

// TestSCIMTwoWriters: a change to a person is made anew, and If-Match checked
// with it, where another changed them between the look at them and the write,
// whichever part is written first.
func TestSCIMTwoWriters(t *testing.T) {
	w := newWorld(t)
	d := &hub.Directory{Practice: w.clinic.ID}
	for what, change := range map[string]func(u *scim.User){
		"renamed":  func(u *scim.User) { u.ExternalID = "object-1" },
		"disabled": func(u *scim.User) { u.Active = false },
		"enabled":  func(u *scim.User) { u.Active = true },
	} {
		kim := w.known("kim "+what, "Kim", "nurse")
		if what == "enabled" {
			_, err := w.hub.ChangeDirectoryUser(w.ctx, d, kim, func(u *scim.User) error { u.Active = false; return nil })
			w.must(err)
		}
		seen, err := w.hub.DirectoryUser(w.ctx, d, kim)
		w.must(err)
		write := func(ifMatch bool) (asked int, err error) {
			_, err = w.hub.ChangeDirectoryUser(w.ctx, d, kim, func(u *scim.User) error {
				if asked++; asked == 1 {
					_, err := w.hub.ChangeDirectoryUser(w.ctx, d, kim, func(u *scim.User) error { u.Title += "+"; return nil })
					w.must(err)
				} else if ifMatch && scim.Version(*u) != scim.Version(seen) {
					return &scim.Error{Status: http.StatusPreconditionFailed}
				}
				change(u)
				return nil
			})
			return asked, err
		}
		if asked, err := write(true); asked != 2 || !errors.As(err, new(*scim.Error)) {
			t.Errorf("%s: asked %d times, and then %v", what, asked, err)
		}
		got, err := w.hub.DirectoryUser(w.ctx, d, kim)
		w.must(err)
		seen.Title += "+"
		if scim.Version(got) != scim.Version(seen) {
			t.Errorf("%s: refused, and they are %+v", what, got)
		}
		asked, err := write(false)
		w.must(err)
		got, err = w.hub.DirectoryUser(w.ctx, d, kim)
		w.must(err)
		want := seen
		want.Title += "+"
		change(&want)
		if asked != 2 || scim.Version(got) != scim.Version(want) {
			t.Errorf("%s: asked %d times, and they are %+v, want %+v", what, asked, got, want)
		}
	}
}

// TestEnabledWithoutPower: the operator gives nobody back a role that two people
// give.
func TestEnabledWithoutPower(t *testing.T) {
	w := newWorld(t)
	w.member("robin", "administrator")
	cleo := w.member("cleo", "compliance").Person.ID
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, cleo))
	p, err := w.hub.EnablePerson(w.ctx, w.clinic.ID, cleo)
	if err != nil || p.Role != "" || p.DisabledAt != 0 {
		t.Errorf("enabled: %+v, %v", p, err)
	}
	if found := w.events(string(audit.PersonEnabled)); len(found) != 1 || !strings.Contains(found[0], "was=compliance") {
		t.Errorf("the log: %q", found)
	}
}
