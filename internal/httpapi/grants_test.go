package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// approveAll answers what waits, as who runs the hub.
func (w *world) approveAll() {
	w.t.Helper()
	open, err := w.hub.OpenGrants(w.ctx, w.clinic.ID)
	w.must(err)
	for _, r := range open {
		_, err := w.hub.AnswerGrant(w.ctx, w.clinic.ID, r.ID, hub.GrantApproved, "")
		w.must(err)
	}
}

func (w *world) roleOf(person string) string {
	w.t.Helper()
	p, err := w.store.Person(w.ctx, w.clinic.ID, person)
	w.must(err)
	return p.Role
}

// rules are those that refused.
func rules(err error) []string {
	var why *hub.ForbiddenError
	errors.As(err, &why)
	if why == nil {
		return nil
	}
	return why.Rules
}

// TestT22TwoForMuchPower: a role with much power is asked for by one and
// approved by another, who is neither who asked nor who is meant (T22: function
// level).
func TestT22TwoForMuchPower(t *testing.T) {
	for _, role := range []string{"supervisor", "compliance", "administrator", "auditor"} {
		t.Run(role, func(t *testing.T) {
			w := newWorld(t)
			robin, ava, kim := w.proven("robin", "administrator"), w.proven("ava", "administrator"), w.proven("kim", "nurse")
			who := kim.Person.ID
			if err := w.change(robin, who, api.ChangeStaffMember{Role: &role}); !slices.Contains(rules(err), "two-for-much-power") {
				t.Errorf("one alone: %v", err)
			}
			if _, err := w.hub.RequestGrant(w.ctx, kim, who, api.NewGrantRequest{Kind: "role", Role: role, Reason: "me"}); !errors.Is(err, hub.ErrForbidden) {
				t.Errorf("a nurse asks: %v", err)
			}
			if _, err := w.hub.RequestGrant(w.ctx, robin, robin.Person.ID, api.NewGrantRequest{Kind: "role", Role: role, Reason: "me"}); !slices.Contains(rules(err), "no-role-for-oneself") {
				t.Errorf("one asks for themselves: %v", err)
			}
			asked, err := w.hub.RequestGrant(w.ctx, robin, who, api.NewGrantRequest{Kind: "role", Role: role, Reason: "leads the ward from Monday"})
			w.must(err)
			if _, err := w.hub.RequestGrant(w.ctx, ava, who, api.NewGrantRequest{Kind: "role", Role: role, Reason: "again"}); !errors.Is(err, hub.ErrConflict) {
				t.Errorf("asked twice: %v", err)
			}
			approve := api.DecideGrant{Decision: "approve"}
			for name, who := range map[string]*hub.StaffCaller{
				"who asked": robin, "whom it is for": kim, "a nurse": w.proven("dana", "nurse"), "a supervisor": w.proven("alex", "supervisor"), "an auditor": w.proven("sam", "auditor"),
			} {
				if _, err := w.hub.DecideGrant(w.ctx, who, asked.ID, approve); !errors.Is(err, hub.ErrForbidden) {
					t.Errorf("%s approves: %v", name, err)
				}
			}
			if got := w.roleOf(who); got != "nurse" {
				t.Fatalf("before anybody approved: %q", got)
			}
			w.clock.advance(6 * time.Minute)
			if _, err := w.hub.DecideGrant(w.ctx, ava, asked.ID, approve); !errors.Is(err, hub.ErrStepUp) {
				t.Errorf("without both factors again: %v", err)
			}
			officer := w.proven("cleo", "compliance")
			done, err := w.hub.DecideGrant(w.ctx, officer, asked.ID, api.DecideGrant{Decision: "approve", Note: "called her"})
			w.must(err)
			if got := w.roleOf(who); got != role || done.State != "approved" || done.DecidedBy != "cleo" {
				t.Errorf("approved: a %q, %+v", got, done)
			}
			if _, err := w.hub.DecideGrant(w.ctx, officer, asked.ID, api.DecideGrant{Decision: "refuse"}); !errors.Is(err, hub.ErrConflict) {
				t.Errorf("answered twice: %v", err)
			}
		})
	}
}

// TestGrantsAreRefusedAndLapse: what was refused, taken back or has lapsed gives
// nothing.
func TestGrantsAreRefusedAndLapse(t *testing.T) {
	w := newWorld(t)
	robin, ava, kim := w.proven("robin", "administrator"), w.proven("ava", "administrator"), w.member("kim", "nurse")
	ask := func() string {
		t.Helper()
		r, err := w.hub.RequestGrant(w.ctx, robin, kim.Person.ID, api.NewGrantRequest{Kind: "role", Role: "supervisor", Reason: "leads"})
		w.must(err)
		return r.ID
	}
	decide := func(who *hub.StaffCaller, id, decision string) error {
		_, err := w.hub.DecideGrant(w.ctx, who, id, api.DecideGrant{Decision: decision})
		return err
	}
	refused := ask()
	w.must(decide(ava, refused, "refuse"))
	taken := ask()
	if err := decide(ava, taken, "withdraw"); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("another takes it back: %v", err)
	}
	w.must(decide(robin, taken, "withdraw"))
	ask()
	w.clock.advance(8 * 24 * time.Hour)
	late := w.proven("lou", "administrator")
	all, err := w.hub.GrantRequests(w.ctx, late)
	w.must(err)
	var states []string
	for _, r := range all.Requests {
		states = append(states, r.State)
		if err := decide(late, r.ID, "approve"); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("%s, and approved: %v", r.State, err)
		}
	}
	slices.Sort(states)
	if !slices.Equal(states, []string{"expired", "refused", "withdrawn"}) || w.roleOf(kim.Person.ID) != "nurse" {
		t.Errorf("%v, a %q", states, w.roleOf(kim.Person.ID))
	}
}

// TestAddedWithoutPower: who is added with such a role has none until it is
// approved.
func TestAddedWithoutPower(t *testing.T) {
	w := newWorld(t)
	robin, ava := w.staffAs(w.clinic, "administrator", "robin"), w.staffAs(w.clinic, "administrator", "ava")
	var added api.StaffMemberAdded
	robin.asks("POST /v1/admin/people", api.NewStaffMember{Login: "cleo", Name: "Cleo Diaz", Role: "compliance"}, &added, http.StatusOK)
	if added.Person.Role != "" || added.Person.Access != "" || added.Request == nil || added.Request.State != "open" {
		t.Fatalf("added %+v, %+v", added.Person, added.Request)
	}
	browser := w.client()
	_, _, err := browser.SetUpApp(w.ctx, added.Link.Token, phrase, w.clock.now())
	w.must(err)
	s, err := browser.StaffSession(w.ctx)
	w.must(err)
	if slices.ContainsFunc(s.May, func(a string) bool { return a != "person.revoke" && a != "audit.own" }) {
		t.Errorf("without a role one may %v", s.May)
	}
	count := func(d *device, want int) {
		t.Helper()
		s, err := d.StaffSession(w.ctx)
		w.must(err)
		if s.Approvals != want {
			t.Errorf("%d requests wait, want %d", s.Approvals, want)
		}
	}
	count(robin, 0)
	count(ava, 1)
	ava.asks("POST /v1/admin/requests/"+added.Request.ID+"/decision", api.DecideGrant{Decision: "approve"}, nil, http.StatusOK)
	count(ava, 0)
	if got := w.roleOf(added.Person.ID); got != "compliance" {
		t.Errorf("approved, and the role is %q", got)
	}
}

// TestT43NobodyBecomesThem: a new sign-in of who has much power, by a link or by
// an account at the provider, takes two as well, and is good once.
func TestT43NobodyBecomesThem(t *testing.T) {
	w, _ := ssoWorld(t)
	robin, ava, cleo := w.proven("robin", "administrator"), w.proven("ava", "administrator"), w.proven("cleo", "compliance")
	who := cleo.Person.ID
	link := func() error { _, err := w.hub.SetUpLinkFor(w.ctx, robin, who); return err }
	if err := link(); !slices.Contains(rules(err), "two-for-much-power") {
		t.Errorf("one alone makes a link: %v", err)
	}
	if err := w.hub.LinkStaffIdentity(w.ctx, robin, who, "mine"); !slices.Contains(rules(err), "two-for-much-power") {
		t.Errorf("one alone links an account: %v", err)
	}
	fresh := w.member("new", "auditor") // has never set up a sign-in: nobody can be replaced
	_, err := w.hub.SetUpLinkFor(w.ctx, robin, fresh.Person.ID)
	w.must(err)
	asked, err := w.hub.RequestGrant(w.ctx, robin, who, api.NewGrantRequest{Kind: "link", Reason: "lost her phone"})
	w.must(err)
	if err := link(); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("before anybody agreed: %v", err)
	}
	_, err = w.hub.DecideGrant(w.ctx, ava, asked.ID, api.DecideGrant{Decision: "approve"})
	w.must(err)
	if _, err := w.hub.SetUpLinkFor(w.ctx, ava, who); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("who agreed makes the link: %v", err)
	}
	w.must(link())
	if err := link(); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a second link by one agreement: %v", err)
	}
}

// TestT43OldLinksAreNone: a link that was kept back does not outlive the one that
// was used, or the approval of a role: who made it alone does not become them.
func TestT43OldLinksAreNone(t *testing.T) {
	w := newWorld(t)
	robin, ava := w.staffAs(w.clinic, "administrator", "robin"), w.staffAs(w.clinic, "administrator", "ava")
	opens := func(token string, want bool) {
		t.Helper()
		if _, err := w.client().InspectSetUp(w.ctx, token); (err == nil) != want {
			t.Errorf("the link opens: %v, want %v", err, want)
		}
	}
	add := func(login, role string) (added api.StaffMemberAdded) {
		robin.asks("POST /v1/admin/people", api.NewStaffMember{Login: login, Name: login, Role: role}, &added, http.StatusOK)
		return added
	}
	another := func(of api.StaffMemberAdded) (made api.SetUpLinkMade) {
		robin.asks("POST /v1/admin/people/"+of.Person.ID+"/set-up-link", nil, &made, http.StatusOK)
		return made
	}
	approve := func(of api.StaffMemberAdded) {
		ava.asks("POST /v1/admin/requests/"+of.Request.ID+"/decision", api.DecideGrant{Decision: "approve"}, nil, http.StatusOK)
	}
	cleo := add("cleo", "compliance")
	given := another(cleo)
	opens(cleo.Link.Token, false)
	browser := w.client()
	_, _, err := browser.SetUpApp(w.ctx, given.Token, phrase, w.clock.now())
	w.must(err)
	kept := another(cleo) // she has no power yet
	approve(cleo)
	opens(kept.Token, false)
	_, _, err = w.client().SetUpApp(w.ctx, kept.Token, phrase, w.clock.now())
	wantCode(t, err, api.CodeNotFound)
	robin.asks("POST /v1/admin/people/"+cleo.Person.ID+"/set-up-link", nil, nil, http.StatusForbidden)

	// Who was approved before they ever came still comes by the link they have.
	alex := add("alex", "supervisor")
	approve(alex)
	opens(alex.Link.Token, true)
	robin.asks("PATCH /v1/admin/people/"+alex.Person.ID, api.ChangeStaffMember{Disable: true}, nil, http.StatusOK)
	opens(alex.Link.Token, false)
}

// TestT43WhoSignsInElsewhere: a link takes two also for somebody with much power
// who signs in at the practice's provider alone.
func TestT43WhoSignsInElsewhere(t *testing.T) {
	w, p := ssoWorld(t)
	robin, cleo := w.proven("robin", "administrator"), w.linked("cleo", "compliance", p.Subject)
	if _, err := w.hub.SetUpLinkFor(w.ctx, robin, cleo.ID); !slices.Contains(rules(err), "two-for-much-power") {
		t.Errorf("one alone makes a link: %v", err)
	}
}

// TestDirectoryAsksToo: a group gives no role with much power by itself, also not
// to who comes back.
func TestDirectoryAsksToo(t *testing.T) {
	w := newWorld(t)
	w.access(func(a *hub.Access) {
		a.Groups = hub.GroupRules{Administrators: true, Rules: []hub.GroupRule{{Group: "Leads", Role: "supervisor"}, {Group: "Nurses", Role: "nurse"}}}
	})
	d := w.directory()
	id := d.do(http.StatusCreated, "POST", "/Users", user)["id"].(string)
	d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Leads","members":[{"value":"`+id+`"}]}`)
	if got := w.roleOf(id); got != "" {
		t.Errorf("a group alone made a %q", got)
	}
	open, err := w.hub.OpenGrants(w.ctx, w.clinic.ID)
	w.must(err)
	if len(open) != 1 || open[0].Requester != "" || open[0].Role != "supervisor" {
		t.Fatalf("asked: %+v", open)
	}
	w.approveAll()
	if got := w.roleOf(id); got != "supervisor" {
		t.Errorf("approved, and a %q", got)
	}
	active := func(on string) {
		t.Helper()
		d.do(http.StatusOK, "PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"active","value":`+on+`}]}`)
	}
	active("false")
	active("true")
	if got := w.roleOf(id); got != "" {
		t.Errorf("who comes back is a %q at once", got)
	}
	open, err = w.hub.OpenGrants(w.ctx, w.clinic.ID)
	w.must(err)
	if len(open) != 1 {
		t.Fatalf("asked again: %+v", open)
	}
	_, err = w.hub.AnswerGrant(w.ctx, w.clinic.ID, open[0].ID, hub.GrantRefused, "")
	w.must(err)
	d.do(http.StatusCreated, "POST", "/Groups", `{"displayName":"Others","members":[{"value":"`+id+`"}]}`)
	if open, err := w.hub.OpenGrants(w.ctx, w.clinic.ID); err != nil || len(open) != 0 {
		t.Errorf("asked at once after a refusal: %v %+v", err, open)
	}
}
