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
	"github.com/sotto-health/sotto/internal/policy"
)

// begin founds a conversation in a queue for whom somebody writes, with the
// chat's form agreed to and others. After a slash, kind says the other's age.
func (d *device) begin(queue, kind string, forms ...string) (string, error) {
	d.w.t.Helper()
	id, n := d.founding(queue)
	if kind != "" {
		kind, age, _ := strings.Cut(kind, "/")
		n.For = &api.WritingFor{Kind: kind, Age: age}
	}
	for _, form := range forms {
		f, err := d.ConsentForm(d.w.ctx, d.practice.Slug, form, 0)
		d.w.must(err)
		n.MoreConsents = append(n.MoreConsents, d.sign(f, id))
	}
	_, err := d.CreateConversation(d.w.ctx, id, n)
	if err == nil {
		d.practice.keeper.join()
	}
	return id, err
}

// TestT50FormForMinors: the form about minors stands before chats in which
// somebody says that they write for one, as a parent or guardian does unless they
// say otherwise, and before no other: those that begin, and those that go on when
// it is published.
func TestT50FormForMinors(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	grown, parent := w.patient(), w.patient()
	own, err := grown.begin("nurse", "")
	w.must(err)
	child, err := parent.begin("nurse", "parent")
	w.must(err)

	d := draftOf(plainParts(), 0)
	d.Kind = "minor"
	w.publish(author, approver, "minors", d)
	grown.say(own, "goes on")
	waits := parent.seal(child, "waits")
	_, err = parent.Send(w.ctx, child, waits)
	wantCode(t, err, api.CodeConsentDue)
	w.must(parent.agree(child, "minors"))
	_, err = parent.Send(w.ctx, child, waits)
	w.must(err)

	for kind, needed := range map[string]bool{
		"": false, "carer": false, "representative": false, "parent": true, "guardian": true,
		"carer/minor": true, "representative/minor": true, "guardian/adult": false, "parent/adult": false,
	} {
		patient := w.patient()
		_, err := patient.begin("nurse", kind)
		if needed {
			wantCode(t, err, api.CodeConsentMissing)
			_, err = patient.begin("nurse", kind, "minors")
		}
		if err != nil {
			t.Errorf("who writes as %q: %v", kind, err)
		}
	}
}

// TestT50FormForMinorsByGrant: where the practice gave a grant, it says whether
// the other is a minor, whatever the holder is to them and whatever they say.
func TestT50FormForMinorsByGrant(t *testing.T) {
	w := newWorld(t)
	author, approver, super := w.proven("ana", "compliance"), w.proven("bo", "administrator"), w.member("sam", "supervisor")
	d := draftOf(plainParts(), 0)
	d.Kind = "minor"
	type held struct {
		who   *device
		word  string
		chat  string
		minor bool
	}
	var all []held
	for _, g := range []struct {
		kind, age, born, word string
		minor                 bool
	}{
		{kind: "carer", born: "2015-06-01", word: "carer", minor: true},
		{kind: "carer", age: "minor", born: "2015-06-01", word: "carer/adult", minor: true},
		{kind: "carer", word: "carer"},
		{kind: "guardian", age: "adult", word: "guardian"},
		{kind: "guardian", born: "2015-06-01", word: "guardian", minor: true},
	} {
		p := w.patient()
		r, err := w.hub.GrantRelation(w.ctx, super, api.NewRelation{Holder: p.person, Kind: g.kind, Age: g.age, Born: g.born, Evidence: "court-order"})
		w.must(err)
		if r.Minor != g.minor || g.minor != (r.EndsAt != 0) {
			t.Errorf("%+v gave %+v", g, r)
		}
		chat, err := p.begin("nurse", g.word)
		w.must(err)
		all = append(all, held{p, g.word, chat, g.minor})
	}
	w.publish(author, approver, "minors", d)
	for _, h := range all {
		v, err := h.who.Conversation(w.ctx, h.chat)
		w.must(err)
		if want := map[bool]string{true: "due", false: "given"}[h.minor]; v.Consent != want {
			t.Errorf("%s, minor %v: consent is %s in what goes on", h.word, h.minor, v.Consent)
		}
		_, err = h.who.begin("nurse", h.word)
		if h.minor {
			wantCode(t, err, api.CodeConsentMissing)
			_, err = h.who.begin("nurse", h.word, "minors")
		}
		if err != nil {
			t.Errorf("%s, minor %v: %v", h.word, h.minor, err)
		}
	}
}

// TestT50FormForPart2: the form about treatment for substance use (42 CFR 2.31)
// stands beside the chat's before the chats of its queue, new and old, and
// before no other; taken back, it takes the chat with it.
func TestT50FormForPart2(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	patient, other := w.patient(), w.patient()
	chat, err := patient.begin("nurse", "")
	w.must(err)
	desk, err := other.begin("front-desk", "")
	w.must(err)

	d := draftOf(plainParts(), 0)
	d.Kind, d.Queues = "part2", []string{"nurse"}
	w.publish(author, approver, "recovery", d)
	other.say(desk, "goes on")
	_, err = w.patient().begin("front-desk", "")
	w.must(err)
	waits := patient.seal(chat, "waits")
	_, err = patient.Send(w.ctx, chat, waits)
	wantCode(t, err, api.CodeConsentDue)
	_, err = w.patient().begin("nurse", "")
	wantCode(t, err, api.CodeConsentMissing)

	w.must(patient.agree(chat, "recovery"))
	_, err = patient.Send(w.ctx, chat, waits)
	w.must(err)
	_, err = w.patient().begin("nurse", "", "recovery")
	w.must(err)

	mine, err := patient.Agreements(w.ctx)
	w.must(err)
	for _, a := range mine.Agreements {
		if a.Kind == "part2" {
			_, err = patient.WithdrawConsent(w.ctx, a.ID)
			w.must(err)
		}
	}
	_, err = patient.Send(w.ctx, chat, patient.seal(chat, "too late"))
	wantCode(t, err, api.CodeConsentWithdrawn)
}

// TestT50TransferAsks: a chat that is transferred to another queue stands on what
// stands before that one. Where nothing new does, it asks for nothing.
func TestT50TransferAsks(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	d := draftOf(plainParts(), 0)
	d.Kind, d.Queues = "part2", []string{"front-desk"}
	w.publish(author, approver, "recovery", d)
	patient, dana := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	transfer := func(queue, consent string) {
		t.Helper()
		_, err := dana.Act(w.ctx, id, "take")
		w.must(err)
		done, err := w.hub.Transfer(w.ctx, w.as(dana), id, api.Transfer{Queue: queue})
		w.must(err)
		seen, err := patient.Conversation(w.ctx, id)
		w.must(err)
		if done.Conversation.Consent != consent || seen.Consent != consent || seen.Queue != queue {
			t.Errorf("in %s staff see %s and the patient %s, want %s", queue, done.Conversation.Consent, seen.Consent, consent)
		}
	}
	transfer("front-desk", "due")
	waits := patient.seal(id, "waits")
	_, err := patient.Send(w.ctx, id, waits)
	wantCode(t, err, api.CodeConsentDue)
	w.must(patient.agree(id, "recovery"))
	_, err = patient.Send(w.ctx, id, waits)
	w.must(err)
	transfer("nurse", "given")
	transfer("front-desk", "given") // it was agreed to
	patient.say(id, "goes on")
}

// TestT50NarrowingTakesTwo: nobody alone takes a published form away from before
// chats, whether from one queue or by ending it. What asks for more needs nobody
// else, nor does what turns chat off.
func TestT50NarrowingTakesTwo(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	d := draftOf(plainParts(), 0)
	d.Kind, d.Queues = "part2", []string{"nurse"}
	w.publish(author, approver, "recovery", d)

	attach := func(who *hub.StaffCaller, queues ...string) api.FormVersion {
		t.Helper()
		v, err := w.hub.AttachForm(w.ctx, who, "recovery", 1, api.FormQueues{Queues: queues})
		w.must(err)
		return v
	}
	act := func(who *hub.StaffCaller, act string, base int, want api.Code) {
		t.Helper()
		if _, err := w.hub.ActOnForm(w.ctx, who, "recovery", 1, act, api.FormAct{Base: base, Reason: "It is not needed there."}); errorCode(err) != want {
			t.Errorf("%s by %s: %v, want %q", act, who.Person.Login, err, want)
		}
	}
	begins := func(queue string, want api.Code) {
		t.Helper()
		if _, err := w.patient().begin(queue, ""); codeIn(err) != want {
			t.Errorf("a chat in %s without the form: %v, want %q", queue, err, want)
		}
	}
	if v := attach(author, "nurse", "front-desk"); v.Waits != nil || len(v.Queues) != 2 {
		t.Fatalf("to ask for more waits: %+v", v)
	}
	begins("front-desk", api.CodeConsentMissing)

	v := attach(author, "nurse")
	if v.Waits == nil || v.Waits.Person != author.Person.ID || len(v.Queues) != 2 || slices.Contains(v.May, "approve") || !slices.Contains(v.May, "return") {
		t.Fatalf("narrowed by one person: %+v", v)
	}
	begins("front-desk", api.CodeConsentMissing)
	act(author, "approve", v.Revision, api.CodeForbidden)
	act(approver, "approve", v.Revision-1, api.CodeConflict) // not what they looked at
	if _, err := w.hub.AttachForm(w.ctx, approver, "recovery", 1, api.FormQueues{Queues: []string{"front-desk"}}); errorCode(err) != api.CodeFormState {
		t.Errorf("another change while one waits: %v", err)
	}
	w.clock.advance(6 * time.Minute)
	if _, err := w.hub.ActOnForm(w.ctx, approver, "recovery", 1, "approve", api.FormAct{Base: v.Revision}); !errors.Is(err, hub.ErrStepUp) {
		t.Errorf("approved long after both factors: %v", err)
	}
	w.clock.advance(-6 * time.Minute)
	act(approver, "return", v.Revision, "")
	act(approver, "approve", v.Revision+1, api.CodeFormState)
	begins("front-desk", api.CodeConsentMissing)
	v = attach(author, "nurse")
	act(approver, "approve", v.Revision, "")
	begins("front-desk", "")
	begins("nurse", api.CodeConsentMissing)

	act(approver, "retire", 0, "") // asks
	begins("nurse", api.CodeConsentMissing)
	all, err := w.hub.ConsentForms(w.ctx, author)
	w.must(err)
	i := slices.IndexFunc(all.Forms, func(f api.FormVersion) bool { return f.Form == "recovery" })
	if v = all.Forms[i]; v.State != "published" || v.Waits == nil || v.Waits.Act != "retire" || v.Waits.Reason == "" {
		t.Fatalf("ended by one person: %+v", v)
	}
	w.clock.advance(8 * 24 * time.Hour) // a request lapses
	act(author, "approve", v.Revision, api.CodeFormState)
	w.clock.advance(-8 * 24 * time.Hour)
	act(approver, "approve", v.Revision, api.CodeForbidden)
	act(author, "approve", v.Revision, "")
	begins("nurse", "")
	for kind, n := range map[audit.Kind]int{audit.FormAttached: 2, audit.FormRetired: 1, audit.FormReturned: 1} {
		if got := w.events(string(kind)); len(got) != n {
			t.Errorf("the log has %s %d times, want %d: %v", kind, len(got), n, got)
		}
	}
	if _, err := w.hub.ActOnForm(w.ctx, author, "chat", 1, "retire", api.FormAct{Reason: "Stop."}); err != nil {
		t.Errorf("to turn chat off: %v", err)
	}
	_, err = w.patient().begin("nurse", "")
	wantCode(t, err, api.CodeConsentMissing)
}

// TestT50WhoReadsByDepartment: a form names the departments that work on the
// queues it stands before, be it some or all, and others who work there. It
// stands before no queues of staff whom its text does not name, and where more
// come to read later, a new version is asked for.
func TestT50WhoReadsByDepartment(t *testing.T) {
	w := newWorld(t)
	author, approver := w.proven("ana", "compliance"), w.proven("bo", "administrator")
	department := func(name string, queues ...string) api.Department {
		d, err := w.hub.AddDepartment(w.ctx, approver, api.NewDepartment{Name: name, Queues: queues})
		w.must(err)
		return d
	}
	changed := func(d api.Department, c api.ChangeDepartment) {
		_, err := w.hub.ChangeDepartment(w.ctx, approver, d.ID, c)
		w.must(err)
	}
	readers := func(text api.ConsentText) string {
		_, says, _ := strings.Cut(text.Full, "Who can read it: ")
		says, _, _ = strings.Cut(says, " So can the record keeper")
		return says
	}
	draft := func(queues ...string) api.DraftForm {
		d := draftOf(plainParts(), 0)
		d.Kind, d.Queues = "part2", queues
		return d
	}
	shown := func(queues ...string) string {
		v, err := w.hub.PreviewForm(w.ctx, author, "any", draft(queues...))
		w.must(err)
		return readers(*v.Languages[0].Text)
	}
	widened := func(form string) []string {
		all, err := w.hub.ConsentForms(w.ctx, author)
		w.must(err)
		return all.Forms[slices.IndexFunc(all.Forms, func(f api.FormVersion) bool { return f.Form == form })].Widened
	}
	const practice, recovery, both = "You can. So can the staff of Riverside Family Clinic who join your chat.",
		"You can. So can the staff of Riverside Family Clinic in Recovery who join your chat.",
		"You can. So can the staff of Riverside Family Clinic in Desk, Recovery who join your chat."
	// Whom the rules let in beside them: BringColleague and BreakGlass ask no department.
	const help = " They can bring in a colleague to help. In an emergency, someone else who treats patients can read it too. We keep a record of that."

	department("Recovery", "nurse")
	if got := shown(); got != practice {
		t.Errorf("a queue of no department: %s", got)
	}
	w.publish(author, approver, "recovery", draft("nurse"))
	f, err := w.hub.ConsentForm(w.ctx, "riverside", "recovery", 0)
	w.must(err)
	if got := readers(f.Texts["en"]); got != recovery+help || !strings.Contains(f.Texts["en"].Full, "No helper program can.") {
		t.Errorf("who can read: %s", f.Texts["en"].Full)
	}
	for name, queues := range map[string][]string{"another queue": {"nurse", "front-desk"}, "all queues": nil} {
		_, err = w.hub.AttachForm(w.ctx, author, "recovery", 1, api.FormQueues{Queues: queues})
		if errorCode(err) != api.CodeFormUnfinished {
			t.Errorf("before %s, of staff whom its text does not name: %v", name, err)
		}
	}

	desk := department("Desk", "front-desk")
	if got := shown(); got != both+help {
		t.Errorf("of all queues: %s", got)
	}
	w.publish(author, approver, "house", draft())
	if got := widened("house"); len(got) != 0 {
		t.Errorf("all are named, but: %v", got)
	}
	changed(desk, api.ChangeDepartment{Queues: &[]string{}})
	if got := widened("house"); !slices.Equal(got, []string{"staff"}) {
		t.Errorf("a queue is of no department any more: %v", got)
	}
	changed(department("Night", "front-desk"), api.ChangeDepartment{})
	if got := widened("house"); !slices.Equal(got, []string{"staff"}) {
		t.Errorf("a queue is another department's: %v", got)
	}

	w.member("floats", "nurse") // in no department, for every queue
	if got := shown("nurse"); got != recovery+" So can others of its staff who help there."+help {
		t.Errorf("staff of no department: %s", got)
	}
	if got := widened("recovery"); !slices.Equal(got, []string{"staff"}) {
		t.Errorf("staff of no department, whom the text does not name: %v", got)
	}

	w.enrolService(w.clinic, string(policy.Service), "Clinic helper", "Assistant")
	v, err := w.hub.PreviewForm(w.ctx, author, "any", draft("nurse"))
	w.must(err)
	if text := v.Languages[0].Text.Full; !strings.Contains(text, "So can a helper program of Riverside Family Clinic.") || strings.Contains(text, "No helper program can.") {
		t.Errorf("a program that reads is not named: %s", text)
	}
	if got := widened("house"); !slices.Equal(got, []string{"assistant", "staff"}) && !slices.Equal(got, []string{"staff", "assistant"}) {
		t.Errorf("a program reads, which the text denies: %v", got)
	}
}

// TestFormRoutes walks a form over HTTP from its draft to its end: two people,
// each step as the next read shows it, and refused to who writes no forms.
func TestFormRoutes(t *testing.T) {
	w := newWorld(t)
	ana, bo, nurse := w.staffAs(w.clinic, "compliance", "ana"), w.staffAs(w.clinic, "administrator", "bo"), w.staff("cy")
	const form = " /v1/admin/consents/photos"
	d := draftOf(plainParts(), 0)
	d.Kind, d.Queues = "part2", []string{"nurse"}
	nurse.asks("PUT"+form+"/draft", d, nil, http.StatusForbidden)
	var v api.FormVersion
	ana.asks("PUT"+form+"/draft", d, &v, http.StatusOK)
	for _, step := range []struct {
		who        *device
		act, state string
	}{
		{ana, "submit", "submitted"}, {bo, "return", "draft"}, {ana, "submit", "submitted"}, {bo, "approve", "approved"}, {ana, "publish", "published"},
	} {
		route := "POST" + form + "/1/" + step.act
		nurse.asks(route, api.FormAct{}, nil, http.StatusForbidden)
		if step.act == "approve" {
			ana.asks(route, api.FormAct{}, nil, http.StatusForbidden) // her own
		}
		step.who.asks(route, api.FormAct{Reason: "Say who can read it."}, &v, http.StatusOK)
		if v.State != step.state {
			t.Errorf("%s made it %s", step.act, v.State)
		}
	}
	says := func(status int) {
		t.Helper()
		if resp, _ := w.raw("POST", "/v1/practices/riverside/declined", mustJSON(api.ConsentDeclined{Form: "photos", Version: 1})); resp.StatusCode != status {
			t.Errorf("a patient's no: %d, want %d", resp.StatusCode, status)
		}
	}
	says(http.StatusNoContent)
	nurse.asks("PUT"+form+"/1/queues", api.FormQueues{Queues: []string{"nurse"}}, nil, http.StatusForbidden)
	ana.asks("PUT"+form+"/1/queues", api.FormQueues{Queues: []string{"nurse", "front-desk"}}, &v, http.StatusOK)
	if len(v.Queues) != 2 || v.Declined != 1 {
		t.Errorf("it stands before %v, and %d said no", v.Queues, v.Declined)
	}
	nurse.asks("POST"+form+"/1/retire", api.FormAct{Reason: "No more photos."}, nil, http.StatusForbidden)
	ana.asks("POST"+form+"/1/retire", api.FormAct{Reason: "No more photos."}, &v, http.StatusOK)
	bo.asks("POST"+form+"/1/approve", api.FormAct{Base: v.Revision}, &v, http.StatusOK)
	if v.State != "retired" {
		t.Errorf("after both it is %s", v.State)
	}
	says(http.StatusNotFound)
}
