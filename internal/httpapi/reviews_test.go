package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

const oneDay = 24 * time.Hour

// reviewOf is where a person stands, as somebody is shown it.
func (w *world) reviewOf(by *hub.StaffCaller, person string) api.AccessReview {
	w.t.Helper()
	all, err := w.hub.AccessReviews(w.ctx, by)
	w.must(err)
	i := slices.IndexFunc(all.Reviews, func(r api.AccessReview) bool { return r.Person.ID == person })
	if i < 0 {
		w.t.Fatalf("%s is not listed", person)
	}
	return all.Reviews[i]
}

func (w *world) confirm(by *hub.StaffCaller, reviews ...api.AccessReview) error {
	var c api.ConfirmAccess
	for _, r := range reviews {
		c.People = append(c.People, api.ConfirmedPerson{ID: r.Person.ID, Version: r.Version})
	}
	return w.hub.ConfirmAccess(w.ctx, by, c)
}

// TestT22AccessReviews: what somebody may do is confirmed by an administrator or
// a compliance officer who is not them, as they have seen it, with both factors
// (T22: function level).
func TestT22AccessReviews(t *testing.T) {
	w := newWorld(t)
	elsewhere := w.newPractice("hilltop")
	w.must(w.hub.Sweep(w.ctx)) // reviews begin
	kim, patient := w.member("kim", "nurse").Person.ID, w.patient().person
	w.clock.advance(91 * oneDay)
	robin, cleo, lee := w.proven("robin", "administrator"), w.proven("cleo", "compliance"), w.member("lee", "billing").Person.ID
	late := w.reviewOf(robin, kim)
	if late.State != "late" || late.ConfirmedAt != 0 || !late.MayConfirm || late.FallsAt != 0 {
		t.Errorf("after 91 days: %+v", late)
	}
	for role, who := range map[string]*hub.StaffCaller{
		"nurse": w.proven("dana", "nurse"), "front desk": w.proven("flo", "front-desk"), "supervisor": w.proven("alex", "supervisor"), "auditor": w.proven("sam", "auditor"),
	} {
		if err := w.confirm(who, late); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s confirms: %v", role, err)
		}
		_, err := w.hub.AccessReviews(w.ctx, who)
		if listed := err == nil; listed != (role == "auditor") {
			t.Errorf("a %s looks: %v", role, err)
		}
		_, err = w.hub.ExportAccessReviews(w.ctx, who)
		if taken := err == nil; taken != (role == "auditor") {
			t.Errorf("a %s takes them out: %v", role, err)
		}
	}
	for _, who := range []*hub.StaffCaller{robin, cleo} {
		own := w.reviewOf(who, who.Person.ID)
		if err := w.confirm(who, own); !slices.Contains(rules(err), "nobody-confirms-themselves") || own.MayConfirm {
			t.Errorf("one confirms themselves: %v", err)
		}
		if err := w.confirm(who, late, own); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("one confirms themselves among others: %v", err)
		}
	}
	stranger, err := w.hub.AddStaff(w.ctx, hub.Person{Practice: elsewhere.ID, Role: "nurse", Name: "x", Login: "x"})
	w.must(err)
	for name, id := range map[string]string{"of another practice": stranger.ID, "a patient": patient, "nobody": hub.NewID("p"), "no id": "x"} {
		if err := w.confirm(robin, late, api.AccessReview{Person: api.StaffMember{ID: id}, Version: late.Version}); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s is confirmed: %v", name, err)
		}
	}
	var malformed *hub.MalformedError
	if err := w.confirm(robin, late, late); !errors.As(err, &malformed) {
		t.Errorf("twice in one call: %v", err)
	}
	fresh := w.reviewOf(robin, lee)
	w.must(w.change(robin, lee, api.ChangeStaffMember{Queues: &[]string{"nurse"}}))
	if err := w.confirm(robin, late, fresh); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("what was changed meanwhile: %v", err)
	}
	if got := w.reviewOf(robin, kim); got.ConfirmedAt != 0 {
		t.Errorf("a call that was refused confirmed some: %+v", got)
	}

	w.must(w.confirm(cleo, late, w.reviewOf(cleo, lee)))
	for _, id := range []string{kim, lee} {
		if got := w.reviewOf(robin, id); got.State != "fine" || got.ConfirmedBy != "cleo" || got.DueAt != got.ConfirmedAt+(90*oneDay).Milliseconds() || got.Changed {
			t.Errorf("confirmed: %+v", got)
		}
	}
	if n := len(w.events(string(audit.AccessConfirmed))); n != 2 {
		t.Errorf("%d confirmations are in the log", n)
	}
	w.must(w.change(robin, lee, api.ChangeStaffMember{Role: pointer("front-desk")}))
	if got := w.reviewOf(robin, lee); !got.Changed {
		t.Errorf("changed since: %+v", got)
	}
	w.clock.advance(6 * time.Minute)
	if err := w.confirm(robin, w.reviewOf(robin, lee)); !errors.Is(err, hub.ErrStepUp) {
		t.Errorf("without both factors again: %v", err)
	}
	csv, err := w.hub.ExportAccessReviews(w.ctx, robin)
	w.must(err)
	if lines := strings.Split(strings.TrimSpace(string(csv)), "\n"); len(lines) != 3 || !strings.Contains(string(csv), kim) || !strings.Contains(lines[0], "reviewer") {
		t.Errorf("table:\n%s", csv)
	}
	if len(w.events(string(audit.ReviewsExported))) != 2 { // robin's and the auditor's
		t.Error("taking the table out is not in the log")
	}
}

// TestAccessReviewsWait: the session says how many wait for its person, two weeks
// before they are late, over HTTP.
func TestAccessReviewsWait(t *testing.T) {
	w := newWorld(t)
	set := w.clinic.Practice
	set.Reviews.AccessDays = 30
	_, err := w.hub.SavePractice(w.ctx, set)
	w.must(err)
	w.must(w.hub.Sweep(w.ctx)) // reviews begin
	kim, lou := w.member("kim", "nurse").Person.ID, w.member("lou", "supervisor").Person.ID
	w.clock.advance(16*oneDay - 4*time.Minute)
	w.clinic.keeper.signIn()
	robin, nurse := w.staffAs(w.clinic, "administrator", "robin"), w.staff("dana")
	waits := func(d *device, want int) {
		t.Helper()
		s, err := d.StaffSession(w.ctx)
		w.must(err)
		if s.Reviews != want {
			t.Errorf("%d wait, want %d", s.Reviews, want)
		}
	}
	var all api.AccessReviews
	robin.asks("GET /v1/admin/reviews/access", nil, &all, http.StatusOK)
	waits(robin, 0)
	w.clock.advance(5 * time.Minute)
	_, err = robin.StepUp(w.ctx, api.Authentication{Password: phrase, Code: robin.code()})
	w.must(err)
	waits(robin, 2)
	waits(nurse, 0)
	robin.asks("GET /v1/admin/reviews/access", nil, &all, http.StatusOK)
	if all.Days != 30 || all.Reviews[0].Person.ID != lou || all.Reviews[1].Person.ID != kim || all.Reviews[0].State != "soon" {
		t.Errorf("the most urgent with the most power are not first: %+v", all)
	}
	var c api.ConfirmAccess
	for _, r := range all.Reviews[:2] {
		c.People = append(c.People, api.ConfirmedPerson{ID: r.Person.ID, Version: r.Version})
	}
	nurse.asks("POST /v1/admin/reviews/access", c, nil, http.StatusForbidden)
	robin.asks("POST /v1/admin/reviews/access", api.ConfirmAccess{}, nil, http.StatusUnprocessableEntity)
	robin.asks("POST /v1/admin/reviews/access", c, nil, http.StatusNoContent)
	waits(robin, 0)
}

// TestUnconfirmedRolesFall: who runs the practice or answers for it loses the
// role a month after it should have been confirmed, but for the last
// administrator; who looks after patients keeps theirs (T22).
func TestUnconfirmedRolesFall(t *testing.T) {
	w := newWorld(t)
	w.must(w.hub.Sweep(w.ctx)) // reviews begin
	people := map[string]string{}
	for _, role := range []string{"nurse", "front-desk", "supervisor", "compliance", "auditor", "administrator"} {
		people[role] = w.member(role, role).Person.ID
	}
	ava := w.member("ava", "administrator").Person.ID
	w.clock.advance(119 * oneDay)
	w.must(w.hub.Sweep(w.ctx))
	for role, id := range people {
		if got := w.roleOf(id); got != role {
			t.Errorf("after 119 days the %s is a %q", role, got)
		}
	}
	robin := w.proven("robin", "administrator")
	w.must(w.confirm(robin, w.reviewOf(robin, ava)))
	w.must(w.change(w.proven("lou", "administrator"), robin.Person.ID, api.ChangeStaffMember{Disable: true}))
	w.clock.advance(2 * oneDay)
	w.must(w.hub.Sweep(w.ctx))
	for role, id := range people {
		want := role
		if slices.Contains([]string{"compliance", "auditor", "administrator"}, role) {
			want = ""
		}
		if got := w.roleOf(id); got != want {
			t.Errorf("after 121 days the %s is a %q", role, got)
		}
	}
	if got := w.roleOf(ava); got != "administrator" {
		t.Errorf("who was confirmed is a %q", got)
	}
	if n := len(w.events(string(audit.AccessLapsed))); n != 3 {
		t.Errorf("%d roles fell by the log", n)
	}

	officer := people["compliance"]
	_, err := w.hub.RequestGrant(w.ctx, w.proven("bo", "administrator"), officer, api.NewGrantRequest{Kind: "role", Role: "compliance", Reason: "still is"})
	w.must(err)
	w.approveAll()
	w.must(w.hub.Sweep(w.ctx))
	if got := w.roleOf(officer); got != "compliance" {
		t.Errorf("given again by two, and a %q", got)
	}

	w.clock.advance(400 * oneDay)
	w.must(w.hub.Sweep(w.ctx))
	left := 0
	staff, err := w.hub.Staff(w.ctx, w.clinic.ID)
	w.must(err)
	for _, p := range staff {
		if p.Role == "administrator" && p.DisabledAt == 0 {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d administrators are left", left)
	}
}
