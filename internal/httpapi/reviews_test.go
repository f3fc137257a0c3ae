package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
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
	var all api.AccessReviews
	robin.asks("GET /v1/admin/reviews/access", nil, &all, http.StatusOK)
	robin.reviewsWait(0)
	w.clock.advance(5 * time.Minute)
	_, err = robin.StepUp(w.ctx, api.Authentication{Password: phrase, Code: robin.code()})
	w.must(err)
	robin.reviewsWait(2)
	nurse.reviewsWait(0)
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
	robin.reviewsWait(0)
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

// periods lists those of the log as somebody is shown them, the newest first.
func (w *world) periods(by *hub.StaffCaller) []api.ActivityPeriod {
	w.t.Helper()
	all, err := w.hub.ActivityReviews(w.ctx, by)
	w.must(err)
	return all.Periods
}

func (w *world) sign(by *hub.StaffCaller, p api.ActivityPeriod, note string) error {
	return w.hub.SignActivity(w.ctx, by, api.SignActivity{From: p.From, Until: p.Until, Note: note})
}

// TestT22ActivityReviews: a period of the log that is over is signed off once, by
// an auditor or a compliance officer, with what they found, which is not in the
// log (T22: function level).
func TestT22ActivityReviews(t *testing.T) {
	w := newWorld(t)
	w.must(w.hub.Sweep(w.ctx)) // reviews begin
	elsewhere := w.newPractice("hilltop")
	w.clock.advance(31 * oneDay)
	sam, cleo := w.proven("sam", "auditor"), w.proven("cleo", "compliance")
	all := w.periods(sam)
	if len(all) != 2 || all[0].State != "open" || all[1].State != "waits" || all[1].Until != all[0].From {
		t.Fatalf("after 31 days: %+v", all)
	}
	over := all[1]
	for role, who := range map[string]*hub.StaffCaller{
		"nurse": w.proven("dana", "nurse"), "supervisor": w.proven("alex", "supervisor"), "administrator": w.proven("robin", "administrator"),
	} {
		if err := w.sign(who, over, "fine"); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s signs: %v", role, err)
		}
		if _, err := w.hub.ActivityReviews(w.ctx, who); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s sees what was found: %v", role, err)
		}
		if _, err := w.hub.ActivityFigures(w.ctx, who, over.From, over.Until); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s sees figures: %v", role, err)
		}
		if _, err := w.hub.ExportActivityReviews(w.ctx, who); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s takes it out: %v", role, err)
		}
	}
	longer := over
	longer.Until += oneDay.Milliseconds()
	for name, p := range map[string]api.ActivityPeriod{"one that is not over": all[0], "one that is none": longer} {
		if err := w.sign(sam, p, "fine"); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("%s is signed: %v", name, err)
		}
	}
	var malformed *hub.MalformedError
	if err := w.sign(sam, over, "  "); !errors.As(err, &malformed) {
		t.Errorf("without a word: %v", err)
	}
	w.must(w.sign(sam, over, "two wrong sign-ins "+canary))
	if err := w.sign(cleo, over, "again"); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("signed twice: %v", err)
	}
	if got := w.periods(cleo)[1]; got.State != "signed" || got.SignedBy != "sam" || !strings.Contains(got.Note, canary) {
		t.Errorf("signed: %+v", got)
	}
	found := w.events(string(audit.LogReviewed))
	if len(found) != 1 || strings.Contains(found[0], canary) || !strings.Contains(found[0], "from=") {
		t.Errorf("the log says %q", found)
	}
	w.clock.advance(30*oneDay + 6*time.Minute)
	if err := w.sign(sam, w.periods(sam)[1], "late"); !errors.Is(err, hub.ErrStepUp) {
		t.Errorf("without both factors again: %v", err)
	}
	csv, err := w.hub.ExportActivityReviews(w.ctx, sam)
	w.must(err)
	if !strings.Contains(string(csv), canary) || !strings.Contains(string(csv), "waits") || len(w.events(string(audit.ReviewsExported))) != 1 {
		t.Errorf("table:\n%s", csv)
	}
	state, err := w.hub.ActivityState(w.ctx, &elsewhere.Practice, w.clock.now().UnixMilli())
	w.must(err)
	if state.Signed != 0 {
		t.Errorf("what was signed here counts elsewhere: %+v", state)
	}
}

// TestActivityGaps: what nobody signs off in two weeks is a gap until somebody
// does, and is not cut anew by another length of periods.
func TestActivityGaps(t *testing.T) {
	w := newWorld(t)
	w.must(w.hub.Sweep(w.ctx)) // reviews begin
	length := func(days int) {
		set := w.clinic.Practice
		set.Reviews.ActivityDays = days
		_, err := w.hub.SavePractice(w.ctx, set)
		w.must(err)
	}
	is := func(want hub.ActivityState) {
		t.Helper()
		if got, err := w.hub.ActivityState(w.ctx, &w.clinic.Practice, w.clock.now().UnixMilli()); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	w.clock.advance(43 * oneDay)
	is(hub.ActivityState{Waits: 1})
	w.clock.advance(2 * oneDay)
	is(hub.ActivityState{Gaps: 1})
	w.clock.advance(20 * oneDay)
	is(hub.ActivityState{Waits: 1, Gaps: 1})
	w.clinic.keeper.signIn()
	sam, nurse := w.staffAs(w.clinic, "auditor", "sam"), w.staff("dana")
	sam.reviewsWait(2)
	nurse.reviewsWait(0)
	var list api.ActivityReviews
	sam.asks("GET /v1/admin/reviews/activity", nil, &list, http.StatusOK)
	second := list.Periods[1]
	body := api.SignActivity{From: second.From, Until: second.Until, Note: "nothing unusual"}
	nurse.asks("POST /v1/admin/reviews/activity", body, nil, http.StatusForbidden)
	for range 2 { // under one key it is signed once
		if status, got := sam.under("k", "/v1/admin/reviews/activity", body); status != http.StatusNoContent {
			t.Errorf("%d %s", status, got)
		}
	}
	sam.reviewsWait(1)
	is(hub.ActivityState{Signed: 1, Gaps: 1})
	length(7)
	sam.asks("GET /v1/admin/reviews/activity", nil, &list, http.StatusOK)
	if len(list.Periods) != 7 { // five in the thirty days of the gap, the signed one, and one that runs
		t.Errorf("cut into %+v", list.Periods)
	}
	for i, p := range list.Periods {
		if i > 0 && p.Until != list.Periods[i-1].From {
			t.Errorf("a hole in time: %+v", list.Periods)
		}
		if p.State == "signed" && (p.From != second.From || p.Until != second.Until) {
			t.Errorf("what was signed is now %+v", p)
		}
	}
	var figures api.ActivityFigures
	count := func(kind string) int64 {
		t.Helper()
		last := list.Periods[0]
		sam.asks("GET /v1/admin/reviews/activity/figures?from="+millis(last.From)+"&until="+millis(last.Until), nil, &figures, http.StatusOK)
		i := slices.IndexFunc(figures.Figures, func(f api.ActivityFigure) bool { return f.Kind == kind })
		return figures.Figures[i].Count
	}
	before := count("call.refused")
	nurse.asks("GET /v1/admin/reviews/activity", nil, nil, http.StatusForbidden)
	if after := count("call.refused"); after != before+1 || before == 0 {
		t.Errorf("refusals: %d, then %d", before, after)
	}
	sam.asks("GET /v1/admin/reviews/activity/figures?from=1&until=99999999999999", nil, nil, http.StatusUnprocessableEntity)
}

func millis(n int64) string { return strconv.FormatInt(n, 10) }

// reviewsWait holds the session to say that so many reviews wait for its person.
func (d *device) reviewsWait(want int) {
	d.w.t.Helper()
	s, err := d.StaffSession(d.w.ctx)
	d.w.must(err)
	if s.Reviews != want {
		d.w.t.Errorf("%d wait, want %d", s.Reviews, want)
	}
}
