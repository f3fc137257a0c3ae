package httpapi_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/policy"
)

// member adds somebody with a role, as a caller who is signed in.
func (w *world) member(login, role string) *hub.StaffCaller {
	w.t.Helper()
	p, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: w.clinic.ID, Role: role, Name: login, Login: login})
	w.must(err)
	return &hub.StaffCaller{Person: p}
}

// proven is a member who has shown both factors a moment ago.
func (w *world) proven(login, role string) *hub.StaffCaller {
	w.t.Helper()
	p := w.member(login, role).Person
	token, err := w.hub.NewSetUpLink(w.ctx, p.Practice, p.ID)
	w.must(err)
	browser := w.client()
	_, _, err = browser.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	s, err := w.hub.AuthenticateLocked(w.ctx, browser.Cookie())
	w.must(err)
	return s
}

func pointer[T any](v T) *T { return &v }

// TestPeople: administrators run the list of people, and nobody else does
// (T22: function level).
func TestPeople(t *testing.T) {
	w := newWorld(t)
	admin := w.proven("robin", "administrator")
	added, err := w.hub.AddStaffMember(w.ctx, admin, api.NewStaffMember{Login: "Kim", Name: "Kim Tran", Role: "nurse"})
	w.must(err)
	if added.Person.Access != "clinician" || added.Link.Token == "" {
		t.Errorf("added %+v", added.Person)
	}
	for name, want := range map[string]struct {
		n    api.NewStaffMember
		want error
	}{
		"a login in use":    {api.NewStaffMember{Login: "kim", Name: "x", Role: "nurse"}, hub.ErrConflict},
		"an unknown role":   {api.NewStaffMember{Login: "a", Name: "x", Role: "wizard"}, nil},
		"a patient's role":  {api.NewStaffMember{Login: "b", Name: "x", Role: "patient"}, nil},
		"the keeper's role": {api.NewStaffMember{Login: "c", Name: "x", Role: "keeper"}, nil},
		"an unknown queue":  {api.NewStaffMember{Login: "d", Name: "x", Role: "nurse", Queues: []string{"nowhere"}}, nil},
	} {
		_, err := w.hub.AddStaffMember(w.ctx, admin, want.n)
		var malformed *hub.MalformedError
		if want.want != nil && !errors.Is(err, want.want) || want.want == nil && !errors.As(err, &malformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, role := range []string{"nurse", "front-desk", "supervisor", "compliance", "auditor"} {
		other := w.member("other-"+role, role)
		for what, call := range map[string]func() error{
			"adds": func() error {
				_, err := w.hub.AddStaffMember(w.ctx, other, api.NewStaffMember{Login: "z", Name: "z", Role: "nurse"})
				return err
			},
			"grants": func() error {
				return w.change(other, added.Person.ID, api.ChangeStaffMember{Role: pointer("administrator")})
			},
			"disables": func() error { return w.change(other, added.Person.ID, api.ChangeStaffMember{Disable: true}) },
			"invites":  func() error { _, err := w.hub.SetUpLinkFor(w.ctx, other, added.Person.ID); return err },
			"rises": func() error {
				return w.change(other, other.Person.ID, api.ChangeStaffMember{Role: pointer("administrator")})
			},
		} {
			if err := call(); !errors.Is(err, hub.ErrForbidden) {
				t.Errorf("a %s %s: got %v", role, what, err)
			}
		}
		_, err := w.hub.StaffMembers(w.ctx, other)
		if listed := err == nil; listed != (role == "compliance" || role == "auditor") {
			t.Errorf("a %s lists people: %v", role, err)
		}
	}
}

// TestPeopleAreAddedWhole: somebody is added with the link that they begin with,
// and what is asked for them, or not at all, whichever of it cannot be recorded.
func TestPeopleAreAddedWhole(t *testing.T) {
	w := newWorld(t)
	admin := w.proven("robin", "administrator")
	n := api.NewStaffMember{Login: "kim", Name: "Kim Tran", Role: "supervisor"}
	for _, kind := range []audit.Kind{audit.PersonAdded, audit.GrantRequested, audit.SetUpLinkMade} {
		before := w.kinds()
		w.store.unwritten.Store(&kind)
		_, err := w.hub.AddStaffMember(w.ctx, admin, n)
		w.store.unwritten.Store(nil)
		if after := w.kinds(); !errors.Is(err, audit.ErrEvent) || !maps.Equal(before, after) {
			t.Errorf("without %s: %v, and the log went from %v to %v", kind, err, before, after)
		}
	}
	added, err := w.hub.AddStaffMember(w.ctx, admin, n) // the login is free still
	w.must(err)
	if added.Person.Role != "" || added.Request == nil || added.Request.Role != "supervisor" || added.Link.Token == "" {
		t.Errorf("added %+v", added)
	}
	for _, kind := range []audit.Kind{audit.GrantRequested, audit.SetUpLinkMade} {
		page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(kind), Object: added.Person.ID})
		w.must(err)
		if len(page.Events) != 1 {
			t.Errorf("%d events of %s", len(page.Events), kind)
		}
	}
}

func (w *world) change(by *hub.StaffCaller, person string, n api.ChangeStaffMember) error {
	_, err := w.hub.ChangeStaffMember(w.ctx, by, person, n)
	return err
}

// TestOwnRole: nobody grants themselves a role, and the last administrator
// cannot be removed; the refusal says by which rule.
func TestOwnRole(t *testing.T) {
	w := newWorld(t)
	robin, ava := w.proven("robin", "administrator"), w.member("ava", "administrator")
	var why *hub.ForbiddenError
	if err := w.change(robin, robin.Person.ID, api.ChangeStaffMember{Role: pointer("nurse")}); !errors.As(err, &why) || !slices.Contains(why.Rules, "no-role-for-oneself") || why.Says == "" {
		t.Errorf("an administrator changes their own role: %v %+v", err, why)
	}
	w.must(w.change(robin, ava.Person.ID, api.ChangeStaffMember{Role: pointer("nurse")}))
	kim := w.proven("kim", "administrator")
	w.must(w.change(kim, robin.Person.ID, api.ChangeStaffMember{Disable: true}))
	if err := w.change(kim, kim.Person.ID, api.ChangeStaffMember{Disable: true}); !errors.As(err, &why) || !slices.Contains(why.Rules, "last-administrator-stays") {
		t.Errorf("the last administrator goes: %v", err)
	}
	if err := w.change(kim, robin.Person.ID, api.ChangeStaffMember{Role: pointer("nurse")}); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("somebody who is disabled gets a role: %v", err)
	}
}

// TestT23CookieAloneMakesNobody: with an administrator's session alone, as from
// a stolen cookie or a browser that was left open, nobody is added, becomes
// another, gets other rights or loses them, by a department as by themselves: both factors are asked for again
// first. Who may not do it anyway is told that.
func TestT23CookieAloneMakesNobody(t *testing.T) {
	w := newWorld(t)
	robin, kim := w.proven("robin", "administrator"), w.member("kim", "nurse").Person.ID
	triage, err := w.hub.AddDepartment(w.ctx, robin, api.NewDepartment{Name: "Triage"})
	w.must(err)
	arrange := func(n api.ChangeDepartment) func(*hub.StaffCaller) error {
		return func(s *hub.StaffCaller) error {
			_, err := w.hub.ChangeDepartment(w.ctx, s, triage.ID, n)
			return err
		}
	}
	calls := map[string]func(*hub.StaffCaller) error{
		"adds": func(s *hub.StaffCaller) error {
			_, err := w.hub.AddStaffMember(w.ctx, s, api.NewStaffMember{Login: hub.NewID("p"), Name: "z", Role: "nurse"})
			return err
		},
		"becomes": func(s *hub.StaffCaller) error { _, err := w.hub.SetUpLinkFor(w.ctx, s, kim); return err },
		"links":   func(s *hub.StaffCaller) error { return w.hub.LinkStaffIdentity(w.ctx, s, kim, "mine") },
		"promotes": func(s *hub.StaffCaller) error {
			return w.change(s, kim, api.ChangeStaffMember{Role: pointer("physician")})
		},
		"queues": func(s *hub.StaffCaller) error {
			return w.change(s, kim, api.ChangeStaffMember{Queues: &[]string{"nurse"}})
		},
		"makes a department": func(s *hub.StaffCaller) error {
			_, err := w.hub.AddDepartment(w.ctx, s, api.NewDepartment{Name: hub.NewID("g"), Queues: []string{}})
			return err
		},
		"arranges queues": arrange(api.ChangeDepartment{Queues: &[]string{"nurse"}}),
		"retires":         arrange(api.ChangeDepartment{Retire: true}),
	}
	for what, call := range calls {
		if err := call(robin); errors.Is(err, hub.ErrStepUp) {
			t.Errorf("%s, both factors just shown: %v", what, err)
		}
	}
	w.clock.advance(6 * time.Minute)
	calls["disables"] = func(s *hub.StaffCaller) error { return w.change(s, kim, api.ChangeStaffMember{Disable: true}) }
	nurse := w.member("lee", "nurse")
	for what, call := range calls {
		if err := call(robin); !errors.Is(err, hub.ErrStepUp) {
			t.Errorf("%s by the session alone: %v", what, err)
		}
		if err := call(nurse); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a nurse %s: %v", what, err)
		}
	}
	if err := arrange(api.ChangeDepartment{Name: pointer("Front")})(robin); errors.Is(err, hub.ErrStepUp) {
		t.Error("a name alone takes both factors")
	}
}

// TestNewRoleEndsAccess: with a new role a person's devices and connections end
// at once.
func TestNewRoleEndsAccess(t *testing.T) {
	w := newWorld(t)
	admin, nurse := w.proven("robin", "administrator"), w.staff("dana")
	w.must(w.change(admin, nurse.person, api.ChangeStaffMember{Queues: &[]string{}}))
	if _, err := nurse.Self(w.ctx); err != nil {
		t.Errorf("new queues ended access: %v", err)
	}
	w.must(w.change(admin, nurse.person, api.ChangeStaffMember{Role: pointer("physician")}))
	if _, err := nurse.Self(w.ctx); err == nil {
		t.Error("a device with the former role still has access")
	}
}

// TestAdministratorsDoNotHearOfChats: who runs the system is not told that a
// chat is there (T22), though they are staff without queues of their own.
func TestAdministratorsDoNotHearOfChats(t *testing.T) {
	w := newWorld(t)
	patient, nurse, admin := w.patient(), w.staff("dana"), w.staffAs(w.clinic, "administrator", "robin")
	nl, al := nurse.listen(), admin.listen()
	patient.open("nurse")
	nl.next(api.EventConversation)
	w.must(w.hub.DisableLastAdministrator(w.ctx, w.clinic.ID, admin.person))
	al.until("the end, and nothing of the chat", func(e api.Event) bool {
		if e.ConversationID != "" || e.Summary != nil {
			t.Errorf("an administrator hears %s of a chat", e.Type)
		}
		return e.Type == api.EventEnded
	})
	if _, err := admin.Conversations(w.ctx, "waiting", ""); err == nil {
		t.Error("an administrator lists the chats that wait")
	}
}

// TestOperatorKeepsTheLastAdministrator: the command line disables the last
// administrator no more than the API does, unless that is what it says; and
// nobody twice.
func TestOperatorKeepsTheLastAdministrator(t *testing.T) {
	w := newWorld(t)
	robin, kim := w.member("robin", "administrator").Person.ID, w.member("kim", "administrator").Person.ID
	at := func(person string) int64 {
		t.Helper()
		p, err := w.store.Person(w.ctx, w.clinic.ID, person)
		w.must(err)
		return p.DisabledAt
	}
	if err := w.hub.DisableLastAdministrator(w.ctx, w.clinic.ID, kim); !errors.Is(err, hub.ErrConflict) || at(kim) != 0 {
		t.Errorf("one of two is disabled as the last: %v", err)
	}
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, kim))
	first := at(kim)
	w.clock.advance(time.Minute)
	w.must(w.hub.DisablePerson(w.ctx, w.clinic.ID, kim))
	if first == 0 || at(kim) != first {
		t.Errorf("disabled at %d, and again at %d", first, at(kim))
	}
	var refused *hub.ForbiddenError
	if err := w.hub.DisablePerson(w.ctx, w.clinic.ID, robin); !errors.As(err, &refused) || !slices.Contains(refused.Rules, "last-administrator-stays") || at(robin) != 0 {
		t.Errorf("the last administrator: %v, %+v", err, refused)
	}
	w.must(w.hub.DisableLastAdministrator(w.ctx, w.clinic.ID, robin))
	if at(robin) == 0 {
		t.Error("the last administrator is not disabled by who means it")
	}
	if err := w.hub.DisablePerson(w.ctx, w.clinic.ID, hub.NewID("p")); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// TestReaders: who can read a conversation, and why, for those who may ask.
func TestReaders(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	admin, auditor, clerk := w.member("robin", "administrator"), w.member("ava", "auditor"), w.member("kim", "front-desk")
	why := map[string][]string{}
	way := func() map[string]string {
		t.Helper()
		got, err := w.hub.Readers(w.ctx, auditor, id)
		w.must(err)
		ways := map[string]string{}
		for _, r := range got.Readers {
			ways[r.Person.ID], why[r.Person.ID] = r.Way, r.Rules
			if len(r.Rules) == 0 && r.Way != api.CannotRead {
				t.Errorf("%s %s by no rule", r.Person.Name, r.Way)
			}
		}
		return ways
	}
	ways := way()
	for person, want := range map[string]string{
		patient.person: api.ReadsNow, w.clinic.keeper.person: api.ReadsNow, nurse.person: api.CouldJoin, clerk.Person.ID: api.CouldJoin,
		admin.Person.ID: api.CannotRead, auditor.Person.ID: api.CannotRead,
	} {
		if ways[person] != want {
			t.Errorf("%s: got %q, want %q", person, ways[person], want)
		}
	}
	because := func(person, rule string) {
		t.Helper()
		if !slices.Contains(why[person], rule) {
			t.Errorf("by %v, want %s", why[person], rule)
		}
	}
	because(patient.person, "patients-own-chats")
	because(w.clinic.keeper.person, "keeper-everywhere")
	because(nurse.person, "staff-join-unclaimed")
	because(clerk.Person.ID, "staff-join-unclaimed")
	because(admin.Person.ID, "administrators-run-and-do-not-read")
	_, err := nurse.Act(w.ctx, id, "take")
	w.must(err)
	if got := way()[nurse.person]; got != api.ReadsSoon {
		t.Errorf("a nurse who took it: %q", got)
	}
	because(nurse.person, "staff-in-a-chat")
	for _, who := range []*hub.StaffCaller{admin, clerk} {
		if _, err := w.hub.Readers(w.ctx, who, id); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("a %s asks: %v", who.Person.Role, err)
		}
	}
}

// TestPolicyTable: those who answer for the rules are served what the engine
// decides, cell by cell, by rules that they can read; others are refused.
func TestPolicyTable(t *testing.T) {
	w := newWorld(t)
	engine, err := policy.New()
	w.must(err)
	var served api.PolicyTable
	for login, role := range map[string]string{"cyd": "compliance", "ada": "administrator", "ode": "auditor"} {
		w.staffAs(w.clinic, role, login).asks("GET /v1/admin/policy", nil, &served, 200)
	}
	for login, role := range map[string]string{"nan": "nurse", "fay": "front-desk", "sue": "supervisor"} {
		w.staffAs(w.clinic, role, login).asks("GET /v1/admin/policy", nil, nil, 403)
	}
	same := func(got []string, want string) bool { return fmt.Sprint(got) == want }
	if !same(served.Roles, fmt.Sprint(policy.Roles())) || len(served.Rows) != len(policy.Actions()) {
		t.Fatalf("served %v and %d rows", served.Roles, len(served.Rows))
	}
	for i, want := range engine.Table() {
		row := served.Rows[i]
		if row.Action != string(want.Action) || row.Area != want.Area || len(row.Cells) != len(want.Cells) {
			t.Fatalf("row %d is %s in %s", i, row.Action, row.Area)
		}
		for k, cell := range want.Cells {
			got := row.Cells[k]
			if got.Role != string(cell.Role) || !same(got.When, fmt.Sprint(cell.When)) || !same(got.Unless, fmt.Sprint(cell.Unless)) || !slices.Equal(got.Rules, cell.Rules) {
				t.Errorf("%s: served %+v, the engine says %+v", row.Action, got, cell)
			}
			for _, id := range got.Rules {
				if _, ok := engine.Rule(id); !ok {
					t.Errorf("%s: no rule %s", row.Action, id)
				}
			}
		}
	}
}
