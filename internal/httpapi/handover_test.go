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

// as is the staff person of a device.
func (w *world) as(d *device) *hub.StaffCaller {
	w.t.Helper()
	p, err := w.store.Person(w.ctx, d.practice.ID, d.person)
	w.must(err)
	return &hub.StaffCaller{Person: p}
}

// way is in which way a person can read a conversation.
func (w *world) way(who *hub.StaffCaller, id, person string) string {
	w.t.Helper()
	got, err := w.hub.Readers(w.ctx, who, id)
	w.must(err)
	i := slices.IndexFunc(got.Readers, func(r api.ConversationReader) bool { return r.Person.ID == person })
	if i < 0 {
		w.t.Fatal("nobody of that id")
	}
	return got.Readers[i].Way
}

// TestT47ClaimedIsClosed: a chat that somebody has taken is closed to staff
// who are not in it: they neither join, nor take over, nor let others in. A
// member brings them in; a supervisor comes by themselves, and says why.
func TestT47ClaimedIsClosed(t *testing.T) {
	w := newWorld(t)
	auditor := w.member("ava", "auditor")
	patient, dana, lee, boss := w.patient(), w.staff("dana"), w.staff("lee"), w.staffAs(w.clinic, "supervisor", "alex")
	id := patient.open("nurse")
	if got := w.way(auditor, id, lee.person); got != api.CouldJoin {
		t.Errorf("while it waits: %s", got)
	}
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	for _, act := range []string{"join", "take-over", "close", "reopen"} {
		_, err := lee.Act(w.ctx, id, act)
		wantCode(t, err, api.CodeForbidden)
	}
	if v, err := dana.Conversation(w.ctx, id); err != nil || v.State != api.StateOpen || v.Assignee != dana.person {
		t.Errorf("after all they tried: %+v, %v", v, err)
	}
	if _, err := lee.Act(w.ctx, id, "take"); err == nil {
		t.Error("somebody took what was taken")
	}
	if got := w.way(auditor, id, lee.person); got != api.CouldBreakGlass {
		t.Errorf("a clinician outside: %s", got)
	}
	if _, err := w.hub.BringColleague(w.ctx, w.as(lee), id, api.BringColleague{Person: lee.person}); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("somebody brings themselves in: %v", err)
	}
	if _, err := w.hub.Colleagues(w.ctx, w.as(lee), id); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("somebody outside lists colleagues: %v", err)
	}
	list, err := w.hub.Colleagues(w.ctx, w.as(dana), id)
	w.must(err)
	var ids []string
	for _, p := range list.People {
		ids = append(ids, p.ID)
	}
	if !slices.Contains(ids, lee.person) || slices.Contains(ids, dana.person) || slices.Contains(ids, auditor.Person.ID) {
		t.Errorf("colleagues: %v", ids)
	}
	var malformed *hub.MalformedError
	if _, err := w.hub.BringColleague(w.ctx, w.as(dana), id, api.BringColleague{Person: auditor.Person.ID}); !errors.As(err, &malformed) {
		t.Errorf("an auditor is brought in: %v", err)
	}
	_, err = w.hub.BringColleague(w.ctx, w.as(dana), id, api.BringColleague{Person: lee.person})
	w.must(err)
	if got := w.way(auditor, id, lee.person); got != api.ReadsSoon {
		t.Errorf("brought in: %s", got)
	}
	if got := w.way(auditor, id, boss.person); got != api.CouldJoin {
		t.Errorf("a supervisor: %s", got)
	}
	_, err = boss.Client.Act(w.ctx, id, "take-over", "absent")
	w.must(err)
	if got := w.way(auditor, id, dana.person); got != api.DidRead {
		t.Errorf("who was taken over from: %s", got)
	}
}

// TestT47ClosedIsNoWayIn: that a chat is over opens it to nobody. Who took part
// opens it again, or a supervisor, or its patient, and then it waits in the sight
// of all. One that nobody had taken is its queue's, as it was while it waited.
func TestT47ClosedIsNoWayIn(t *testing.T) {
	w := newWorld(t)
	auditor := w.member("ava", "auditor")
	patient, dana, lee, boss := w.patient(), w.staff("dana"), w.staff("lee"), w.staffAs(w.clinic, "supervisor", "alex")
	act := func(d *device, id, name string) {
		t.Helper()
		_, err := d.Act(w.ctx, id, name)
		w.must(err)
	}
	ways := func(id string, want map[*device]string) {
		t.Helper()
		for d, way := range want {
			if got := w.way(auditor, id, d.person); got != way {
				t.Errorf("%s: %s, want %s", d.person, got, way)
			}
		}
	}
	id := patient.open("nurse")
	dana.take(id)
	act(dana, id, "close")
	w.clinic.keeper.admit()
	for name, code := range map[string]api.Code{"reopen": api.CodeForbidden, "join": api.CodeClosed, "take-over": api.CodeClosed, "take": api.CodeClosed} {
		_, err := lee.Act(w.ctx, id, name)
		wantCode(t, err, code)
	}
	ways(id, map[*device]string{dana: api.CouldJoin, boss: api.CouldJoin, lee: api.CannotRead})
	v, err := lee.Conversation(w.ctx, id)
	w.must(err)
	if !slices.Equal(v.Served, []string{dana.person}) {
		t.Errorf("who may open it again: %v", v.Served)
	}
	act(dana, id, "reopen")
	ways(id, map[*device]string{dana: api.ReadsSoon, lee: api.CouldBreakGlass})
	act(boss, id, "close") // a supervisor of its queue may, without being in it
	_, err = boss.Act(w.ctx, id, "reopen")
	wantCode(t, err, api.CodeNoReason)
	_, err = boss.Client.Act(w.ctx, id, "reopen", "complaint")
	w.must(err)
	ways(id, map[*device]string{boss: api.ReadsSoon})
	act(patient, id, "close")
	act(patient, id, "reopen")
	act(lee, id, "take")
	ways(id, map[*device]string{lee: api.ReadsSoon})

	never := patient.open("nurse")
	act(lee, never, "close")
	ways(never, map[*device]string{dana: api.CouldJoin})
	act(dana, never, "reopen")
}

// TestT47SupervisorsSayWhy: a supervisor goes into a chat that somebody else has
// for a reason, which the log keeps, and by no other way without one. Who was
// brought, or takes what nobody has, is asked nothing.
func TestT47SupervisorsSayWhy(t *testing.T) {
	w := newWorld(t)
	patient, dana, boss := w.patient(), w.staff("dana"), w.staffAs(w.clinic, "supervisor", "alex")
	id := patient.open("nurse")
	dana.take(id)
	for _, act := range []string{"join", "take-over"} {
		_, err := boss.Act(w.ctx, id, act)
		wantCode(t, err, api.CodeNoReason)
		if p := (*api.Problem)(nil); errors.As(err, &p) && !strings.Contains(p.Hint, "coaching") {
			t.Errorf("the hint: %q", p.Hint)
		}
		for _, words := range []string{"I would like to see what she said", strings.Repeat("x", 4000)} {
			_, err = boss.Client.Act(w.ctx, id, act, words)
			wantCode(t, err, api.CodeMalformed)
		}
	}
	var malformed *hub.MalformedError
	if _, err := w.hub.BringColleague(w.ctx, w.as(boss), id, api.BringColleague{Person: boss.person}); !errors.As(err, &malformed) {
		t.Errorf("a supervisor brings themselves: %v", err)
	}
	if _, err := w.hub.Transfer(w.ctx, w.as(boss), id, api.Transfer{Person: boss.person}); !errors.As(err, &malformed) {
		t.Errorf("a supervisor hands it to themselves: %v", err)
	}
	for _, queue := range []string{"nurse", "front-desk"} { // where it waits for them
		if _, err := w.hub.Transfer(w.ctx, w.as(boss), id, api.Transfer{Queue: queue}); !errors.Is(err, hub.ErrSayWhy) {
			t.Errorf("a supervisor puts it in line for %s: %v", queue, err)
		}
	}
	lee := w.staff("lee")
	_, err := w.hub.Transfer(w.ctx, w.as(boss), id, api.Transfer{Person: lee.person}) // no way in
	w.must(err)
	if got := w.events(string(audit.CallRefused)); len(got) < 2 || !strings.Contains(got[0], "no-reason") {
		t.Errorf("what was refused is in the log as %q", got)
	}
	_, err = boss.Client.Act(w.ctx, id, "join", "coaching")
	w.must(err)
	if got := w.events(string(audit.ConversationJoined)); len(got) != 1 || got[0] != strings.Join([]string{boss.person, patient.person, "", "coaching", ""}, " ") {
		t.Errorf("the log: %q", got)
	}
	for _, act := range []string{"join", "take-over", "close", "reopen"} { // in it, or once in it
		_, err = boss.Act(w.ctx, id, act)
		w.must(err)
	}
	_, err = w.hub.Transfer(w.ctx, w.as(boss), id, api.Transfer{Queue: "nurse"})
	w.must(err)

	brought, left := patient.open("nurse"), patient.open("nurse")
	dana.take(brought)
	_, err = w.hub.BringColleague(w.ctx, w.as(dana), brought, api.BringColleague{Person: boss.person})
	w.must(err)
	dana.take(left)
	_, err = dana.Act(w.ctx, left, "leave")
	w.must(err)
	for _, id := range []string{brought, left} {
		_, err = boss.Act(w.ctx, id, "take-over")
		w.must(err)
	}
}

// TestTransfer: a chat goes to a colleague, or to another queue, and who
// handed it over is out.
func TestTransfer(t *testing.T) {
	w := newWorld(t)
	patient, dana, lee := w.patient(), w.staff("dana"), w.staff("lee")
	id := patient.open("nurse")
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	done, err := w.hub.Transfer(w.ctx, w.as(dana), id, api.Transfer{Person: lee.person})
	w.must(err)
	if c := done.Conversation; c.Assignee != lee.person || c.State != api.StateOpen {
		t.Errorf("to a colleague: %+v", c)
	}
	if _, err := w.hub.Transfer(w.ctx, w.as(dana), id, api.Transfer{Queue: "front-desk"}); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("who is out hands it on: %v", err)
	}
	for _, bad := range []api.Transfer{{}, {Person: lee.person, Queue: "front-desk"}, {Queue: "nowhere"}, {Person: patient.person}} {
		var malformed *hub.MalformedError
		if _, err := w.hub.Transfer(w.ctx, w.as(lee), id, bad); !errors.As(err, &malformed) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	done, err = w.hub.Transfer(w.ctx, w.as(lee), id, api.Transfer{Queue: "front-desk"})
	w.must(err)
	if c := done.Conversation; c.Assignee != "" || c.State != api.StateWaiting || c.Queue != "front-desk" || c.WaitingFrom == 0 {
		t.Errorf("to a queue: %+v", c)
	}
}

// TestT47BreakGlass: a clinician goes in with a reason and both factors, for an
// hour, and somebody else reviews it in time.
func TestT47BreakGlass(t *testing.T) {
	w := newWorld(t)
	auditor := w.member("ava", "auditor")
	patient, dana, lee, clerk := w.patient(), w.staff("dana"), w.staff("lee", "front-desk"), w.staffAs(w.clinic, "front-desk", "kim")
	id := patient.open("nurse")
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	why := api.BreakGlass{Reason: "danger", Words: "the patient wrote of a fall and nobody answers"}
	path := "/v1/staff/conversations/" + id + "/break-glass"
	call := func(d *device, b api.BreakGlass) (int, string) {
		resp, body := w.raw("POST", path, mustJSON(b), "Cookie", "__Host-sotto_staff="+d.Cookie())
		return resp.StatusCode, body
	}
	for name, tt := range map[string]struct {
		who  *device
		why  api.BreakGlass
		code api.Code
	}{
		"without a reason":   {lee, api.BreakGlass{Words: why.Words}, api.CodeNoReason},
		"without words":      {lee, api.BreakGlass{Reason: "danger", Words: "  because   "}, api.CodeNoReason},
		"with a made-up one": {lee, api.BreakGlass{Reason: "curious", Words: why.Words}, api.CodeNoReason},
		"by a clerk":         {clerk, why, api.CodeForbidden},
		"by who is in it":    {dana, why, api.CodeForbidden},
	} {
		if status, body := call(tt.who, tt.why); status != http.StatusForbidden || !strings.Contains(body, string(tt.code)) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	w.clock.advance(6 * time.Minute)
	if status, body := call(lee, why); status != http.StatusForbidden || !strings.Contains(body, string(api.CodeStepUp)) {
		t.Errorf("without both factors again: %d %s", status, body)
	}
	_, err = lee.StepUp(w.ctx, api.Authentication{Password: phrase, Code: lee.code()})
	w.must(err)
	if status, body := call(lee, why); status != http.StatusOK {
		t.Fatalf("with all of it: %d %s", status, body)
	}
	if got := w.way(auditor, id, lee.person); got != api.ReadsSoon {
		t.Errorf("in an emergency: %s", got)
	}
	seen, err := patient.Conversation(w.ctx, id)
	w.must(err)
	if !slices.ContainsFunc(seen.Participant, func(p api.Participant) bool { return p.Person.ID == lee.person && p.Emergency }) {
		t.Errorf("the patient does not see it: %+v", seen.Participant)
	}

	boss, robin := w.member("alex", "supervisor"), w.member("robin", "compliance")
	state := func(who *hub.StaffCaller) string {
		t.Helper()
		got, err := w.hub.Emergencies(w.ctx, who)
		w.must(err)
		if len(got.Emergencies) != 1 {
			t.Fatalf("%d emergencies", len(got.Emergencies))
		}
		return got.Emergencies[0].State
	}
	if got := state(boss); got != "open" {
		t.Errorf("a supervisor is told %q", got)
	}
	for _, other := range []*hub.StaffCaller{w.as(lee), auditor, w.member("pat", "administrator")} {
		if _, err := w.hub.Emergencies(w.ctx, other); !errors.Is(err, hub.ErrForbidden) {
			t.Errorf("a %s reviews: %v", other.Person.Role, err)
		}
	}
	w.clock.advance(59 * time.Minute)
	w.must(w.hub.EndEmergencies(w.ctx))
	if got := w.way(auditor, id, lee.person); got != api.ReadsSoon {
		t.Errorf("within the hour: %s", got)
	}
	w.clock.advance(2 * time.Minute)
	w.must(w.hub.EndEmergencies(w.ctx))
	if got := w.way(auditor, id, lee.person); got != api.CouldBreakGlass {
		t.Errorf("after the hour: %s", got)
	}
	w.clock.advance(72 * time.Hour)
	if got := state(robin); got != "overdue" {
		t.Errorf("nobody reviewed it, and it is %q", got)
	}
	list, err := w.hub.Emergencies(w.ctx, robin)
	w.must(err)
	e := list.Emergencies[0].ID
	if _, err := w.hub.ReviewEmergency(w.ctx, w.as(lee), e, api.ReviewEmergency{Verdict: "fine"}); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a review by who broke it: %v", err)
	}
	_, err = w.hub.ReviewEmergency(w.ctx, robin, e, api.ReviewEmergency{Verdict: "fine", Note: "called the patient"})
	w.must(err)
	if got := state(robin); got != "fine" {
		t.Errorf("reviewed, and it is %q", got)
	}
}

// TestT47EndOfWhoLeft: that an emergency ended is in the log, once, also of who
// left before their hour was over; the patient is shown that, and its beginning.
func TestT47EndOfWhoLeft(t *testing.T) {
	w := newWorld(t)
	patient, dana, lee := w.patient(), w.staff("dana"), w.staff("lee", "front-desk")
	id := patient.open("nurse")
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	why := api.BreakGlass{Reason: "danger", Words: "the patient wrote of a fall and nobody answers"}
	resp, body := w.raw("POST", "/v1/staff/conversations/"+id+"/break-glass", mustJSON(why), "Cookie", "__Host-sotto_staff="+lee.Cookie())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	_, err = lee.Act(w.ctx, id, "leave")
	w.must(err)
	w.clock.advance(61 * time.Minute)
	w.must(w.hub.EndEmergencies(w.ctx))
	w.must(w.hub.EndEmergencies(w.ctx))
	if ended := w.events(string(audit.EmergencyEnded)); len(ended) != 1 {
		t.Errorf("the log says %q", ended)
	}
	_, own := w.raw("GET", "/v1/audit/own", "", "Authorization", "Bearer "+patient.Token())
	for _, kind := range []audit.Kind{audit.EmergencyOpened, audit.EmergencyEnded} {
		if strings.Count(own, `"kind":"`+string(kind)+`"`) != 1 {
			t.Errorf("the patient is not told of %s: %s", kind, own)
		}
	}
}

// TestT47EmergencyIsForItsHour: who is in by breaking the glass reads, writes and
// leaves. They make nothing lasting of it, and nobody's leaving does.
func TestT47EmergencyIsForItsHour(t *testing.T) {
	w := newWorld(t)
	auditor := w.member("ava", "auditor")
	patient, dana, lee, sam := w.patient(), w.staff("dana"), w.staff("lee"), w.staff("sam")
	id := patient.open("nurse")
	dana.take(id)
	breaks := func() {
		t.Helper()
		_, err := lee.StepUp(w.ctx, api.Authentication{Password: phrase, Code: lee.code()})
		w.must(err)
		who, err := w.hub.AuthenticateLocked(w.ctx, lee.Cookie())
		w.must(err)
		_, err = w.hub.BreakGlass(w.ctx, who, id, api.BreakGlass{Reason: "danger", Words: "nobody answers, and she has fallen"})
		w.must(err)
		w.clinic.keeper.admit()
		lee.join()
	}
	refused := func(name string, err error) {
		t.Helper()
		var p *api.Problem
		if !errors.Is(err, hub.ErrForbidden) && (!errors.As(err, &p) || p.Code != api.CodeForbidden) {
			t.Errorf("in an emergency, %s: %v", name, err)
		}
	}
	breaks()
	for _, name := range []string{"take-over", "close"} {
		_, err := lee.Act(w.ctx, id, name)
		refused(name, err)
	}
	_, err := w.hub.BringColleague(w.ctx, w.as(lee), id, api.BringColleague{Person: sam.person})
	refused("brings", err)
	_, err = w.hub.Transfer(w.ctx, w.as(lee), id, api.Transfer{Queue: "front-desk"})
	refused("hands on to a queue", err)
	_, err = w.hub.Transfer(w.ctx, w.as(lee), id, api.Transfer{Person: lee.person})
	refused("hands it to themselves", err)
	_, err = w.hub.Hide(w.ctx, w.as(lee), id, true)
	refused("hides", err)
	for _, act := range []string{"confirm", "reset", "forget-passkeys", "portal", "portal/unlink"} {
		var n any
		switch act {
		case "confirm":
			n = api.ConfirmPatient{Method: "phone", Identifiers: []string{"name", "date-of-birth"}, Reason: "I know their voice."}
		case "portal":
			n = api.LinkPortal{Number: "R-1"}
		}
		_, err = lee.PatientVerification(w.ctx, id, act, n)
		refused("says who the patient is: "+act, err)
	}
	_, err = lee.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	var malformed *hub.MalformedError
	if _, err := w.hub.Transfer(w.ctx, w.as(dana), id, api.Transfer{Person: lee.person}); !errors.As(err, &malformed) {
		t.Errorf("it is handed to who is in by an emergency: %v", err)
	}
	lee.say(id, "I look after you until dana is back")

	// Who had it leaves: then it waits, and is not theirs.
	left, err := dana.Act(w.ctx, id, "leave")
	w.must(err)
	if c := left.Conversation; c.State != api.StateWaiting || c.Assignee != "" {
		t.Errorf("an emergency made somebody a successor: %s, %q", c.State, c.Assignee)
	}
	for _, name := range []string{"take", "take-over"} {
		_, err = lee.Act(w.ctx, id, name)
		refused(name, err)
	}
	dana.take(id)
	w.clock.advance(61 * time.Minute)
	w.must(w.hub.EndEmergencies(w.ctx))
	w.clock.advance(-61 * time.Minute) // nobody's sign-in is to lapse
	w.clinic.keeper.admit()
	if got := w.way(auditor, id, lee.person); got != api.CouldBreakGlass {
		t.Errorf("after the hour: %s", got)
	}
	if _, err := lee.Act(w.ctx, id, "join"); err == nil {
		t.Error("out, and in again")
	}
	if page, err := lee.Frames(w.ctx, id, 0, 0); err == nil {
		t.Errorf("after the hour they are given %d frames", len(page.Frames))
	}
	_, err = dana.Act(w.ctx, id, "close")
	w.must(err)
	_, err = lee.Act(w.ctx, id, "reopen")
	refused("opens what is over", err)
	if got := w.way(auditor, id, lee.person); got != api.CannotRead {
		t.Errorf("once it is over: %s", got)
	}

	// Who leaves an emergency takes what waits as anybody does, and keeps it.
	_, err = dana.Act(w.ctx, id, "reopen")
	w.must(err)
	breaks()
	for _, d := range []*device{dana, lee} {
		_, err = d.Act(w.ctx, id, "leave")
		w.must(err)
	}
	w.clinic.keeper.admit()
	lee.take(id)
	_, err = w.hub.BringColleague(w.ctx, w.as(lee), id, api.BringColleague{Person: sam.person})
	w.must(err)
	w.clock.advance(61 * time.Minute)
	w.must(w.hub.EndEmergencies(w.ctx))
	if got := w.way(auditor, id, lee.person); got != api.ReadsNow {
		t.Errorf("taken in the open: %s", got)
	}
	w.clock.advance(-61 * time.Minute)
	_, err = lee.Act(w.ctx, id, "close")
	w.must(err)
	_, err = lee.Act(w.ctx, id, "reopen") // they took part, as they had not by the emergencies
	w.must(err)
}

// TestT47SupervisorsAreTold: who answers for the queue hears of an emergency
// access at once and until somebody has reviewed it, and nobody else does.
func TestT47SupervisorsAreTold(t *testing.T) {
	w := newWorld(t)
	patient, dana, lee := w.patient(), w.staff("dana"), w.staff("lee")
	boss, away := w.staffAs(w.clinic, "supervisor", "alex", "nurse"), w.staffAs(w.clinic, "supervisor", "sky", "front-desk")
	id := patient.open("nurse")
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	told := boss.listen()
	quiet, quieter := away.listen(), dana.listen()
	clinician, err := w.hub.AuthenticateLocked(w.ctx, lee.Cookie())
	w.must(err)
	e, err := w.hub.BreakGlass(w.ctx, clinician, id, api.BreakGlass{Reason: "danger", Words: "nobody answers, and she has fallen"})
	w.must(err)
	told.next(api.EventEmergency)
	count := func(d *device, want int) {
		t.Helper()
		s, err := d.StaffSession(w.ctx)
		w.must(err)
		if s.Emergencies != want {
			t.Errorf("%s is to review %d, want %d", s.Person.Role, s.Emergencies, want)
		}
	}
	count(boss, 1)
	count(away, 0)
	count(dana, 0)
	count(lee, 0)
	_, err = w.hub.ReviewEmergency(w.ctx, w.as(boss), e.ID, api.ReviewEmergency{Verdict: "fine"})
	w.must(err)
	told.next(api.EventEmergency) // so that the banner goes
	count(boss, 0)

	// Where nobody answers for the queue, all hear of it who may review it.
	_, err = w.hub.ChangeStaffMember(w.ctx, w.proven("pat", "administrator"), boss.person, api.ChangeStaffMember{Queues: &[]string{"front-desk"}})
	w.must(err)
	other := w.patient().open("nurse")
	_, err = dana.Act(w.ctx, other, "take")
	w.must(err)
	again, err := w.hub.BreakGlass(w.ctx, clinician, other, api.BreakGlass{Reason: "urgent", Words: "care can not wait for dana"})
	w.must(err)
	if again.Queue != "nurse" {
		t.Errorf("of the queue %q", again.Queue)
	}
	quiet.next(api.EventEmergency)
	count(boss, 1)
	count(away, 1)
	for len(quieter.events) > 0 {
		if e := <-quieter.events; e.Type == api.EventEmergency {
			t.Error("somebody who reviews nothing is told")
		}
	}
}
