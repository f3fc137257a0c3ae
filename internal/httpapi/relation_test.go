package httpapi_test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// callID is what differs between two answers that say the same.
var callID = regexp.MustCompile(`"(?:request_id|instance|request)":\s*"[^"]*"`)

func signedIn(w *world, d *device) *hub.StaffCaller {
	w.t.Helper()
	p, err := w.store.Person(w.ctx, w.clinic.ID, d.person)
	w.must(err)
	return &hub.StaffCaller{Person: p}
}

// beginFor starts a chat of a patient about somebody else.
func (d *device) beginFor(queue, kind string) string {
	d.w.t.Helper()
	id, n := d.founding(queue)
	n.For = &api.WritingFor{Kind: kind}
	_, err := d.CreateConversation(d.w.ctx, id, n)
	d.w.must(err)
	d.practice.keeper.join()
	return id
}

// gone holds that a conversation is, to a device, as one that never was (T22).
func (d *device) gone(id string) {
	d.w.t.Helper()
	page, err := d.Conversations(d.w.ctx, "own", "")
	d.w.must(err)
	for _, v := range page.Conversations {
		if v.ID == id {
			d.w.t.Error("it is still listed")
		}
	}
	for _, route := range []string{"GET /v1/conversations/{id}", "GET /v1/conversations/{id}/frames", "POST /v1/conversations/{id}/close", "POST /v1/conversations/{id}/withdraw", "GET /v1/conversations/{id}/group-info"} {
		method, path, _ := strings.Cut(route, " ")
		there, said := d.raw(method, strings.Replace(path, "{id}", id, 1))
		absent, never := d.raw(method, strings.Replace(path, "{id}", hub.NewID("c"), 1))
		if there != http.StatusNotFound || there != absent || said != never {
			d.w.t.Errorf("%s: %d %s; one that never was: %d %s", route, there, said, absent, never)
		}
	}
	_, err = d.Send(d.w.ctx, id, d.seal(id, "still here?"))
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusNotFound {
		d.w.t.Errorf("a message was answered with %v", err)
	}
}

// raw calls a route as the device, and returns what was said but for what
// names the call.
func (d *device) raw(method, path string) (int, string) {
	d.w.t.Helper()
	resp, body := d.w.raw(method, path, "", "Authorization", "Bearer "+d.Token())
	body = callID.ReplaceAllString(body, "")
	return resp.StatusCode, body
}

// TestT22ExProxy: who writes for a child sees and says nothing more once the
// grant is taken back, in the same words as if the chat had never been; and the
// child's own chats were never theirs.
func TestT22ExProxy(t *testing.T) {
	w := newWorld(t)
	super, nurse := w.member("sam", "supervisor"), w.member("nan", "nurse")
	mother, child := w.patient(), w.patient()
	own := child.open("nurse")
	grant := api.NewRelation{Holder: mother.person, Subject: child.person, Kind: "parent", Born: "2015-06-01", Evidence: "birth-certificate"}

	for what, change := range map[string]func(n *api.NewRelation, s **hub.StaffCaller){
		"a nurse alone":                 func(_ *api.NewRelation, s **hub.StaffCaller) { *s = nurse },
		"a nurse with a nurse":          func(n *api.NewRelation, s **hub.StaffCaller) { *s, n.Approver = nurse, nurse.Person.ID },
		"an administrator":              func(_ *api.NewRelation, s **hub.StaffCaller) { *s = w.member("adm", "administrator") },
		"a parent of no age":            func(n *api.NewRelation, _ **hub.StaffCaller) { n.Born = "" },
		"a grown-up's parent":           func(n *api.NewRelation, _ **hub.StaffCaller) { n.Born = "1990-01-01" },
		"a parent of an adult":          func(n *api.NewRelation, _ **hub.StaffCaller) { n.Age, n.Born = "adult", "" },
		"a minor of no birthday":        func(n *api.NewRelation, _ **hub.StaffCaller) { n.Kind, n.Age, n.Born = "carer", "minor", "" },
		"a guardian who says nothing":   func(n *api.NewRelation, _ **hub.StaffCaller) { n.Kind, n.Born = "guardian", "" },
		"an adult's birthday":           func(n *api.NewRelation, _ **hub.StaffCaller) { n.Kind, n.Age = "guardian", "adult" },
		"for oneself":                   func(n *api.NewRelation, _ **hub.StaffCaller) { n.Subject = n.Holder },
		"for staff":                     func(n *api.NewRelation, _ **hub.StaffCaller) { n.Subject = nurse.Person.ID },
		"for queues that are not there": func(n *api.NewRelation, _ **hub.StaffCaller) { n.Queues = []string{"nowhere"} },
		"a date that is none":           func(n *api.NewRelation, _ **hub.StaffCaller) { n.Born = "2015-02-30" },
	} {
		n, by := grant, super
		change(&n, &by)
		if _, err := w.hub.GrantRelation(w.ctx, by, n); err == nil {
			t.Errorf("granted: %s", what)
		}
	}

	n := grant
	n.Approver = super.Person.ID
	r, err := w.hub.GrantRelation(w.ctx, nurse, n)
	w.must(err)
	chat := mother.beginFor("nurse", "parent")
	mother.say(chat, "She has a rash.")
	v, err := mother.Conversation(w.ctx, chat)
	w.must(err)
	if v.For != "parent" || !v.ForConfirmed {
		t.Errorf("begun as %+v", v)
	}
	mother.never(own)
	if v, err := w.patient().beginForAnother("nurse"); err != nil || v.ForConfirmed {
		t.Errorf("a stranger's word is taken for a grant: %+v, %v", v, err)
	}

	dana := w.staff("dana")
	dana.take(chat)
	over := api.EndRelation{Reason: "court-order"}
	if _, err := w.hub.EndRelation(w.ctx, nurse, r.ID, over); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("one who has no chat with them ended it: %v", err)
	}
	_, err = w.hub.EndRelation(w.ctx, signedIn(w, dana), r.ID, over)
	w.must(err)
	mother.gone(chat)
	_, err = w.hub.EndRelation(w.ctx, super, r.ID, over)
	if !errors.Is(err, hub.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	w.recorded(audit.RelationGranted, audit.RelationEnded)
}

// TestStatedGrant: that a supervisor agreed is the word of who says so. The log says
// that, the supervisor is told, and can end it.
func TestStatedGrant(t *testing.T) {
	w := newWorld(t)
	nurse, super, other := w.member("nan", "nurse"), w.staffAs(w.clinic, "supervisor", "sam"), w.staffAs(w.clinic, "supervisor", "sue")
	told := super.listen()
	named := func(s *device) []api.StatedGrant {
		var session api.StaffSession
		s.asks("GET /v1/staff/session", nil, &session, http.StatusOK)
		return session.StatedGrants
	}
	r, err := w.hub.GrantRelation(w.ctx, nurse, api.NewRelation{
		Holder: w.patient().person, Kind: "carer", Evidence: "court-order", Approver: super.person,
	})
	w.must(err)
	told.next(api.EventEmergency)
	if got := named(super); !r.Stated || len(got) != 1 || got[0].Relation.ID != r.ID || !got[0].Relation.Stated || got[0].By != nurse.Person.Name {
		t.Errorf("granted as %+v, told of %+v", r, got)
	}
	if got := named(other); len(got) != 0 {
		t.Errorf("somebody else is told of %+v", got)
	}
	events, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1000)
	w.must(err)
	for _, e := range events {
		if e.Kind == audit.RelationGranted && e.Detail != "kind=carer,minor=false,stated="+super.person {
			t.Errorf("the log says %s", e.Detail)
		}
	}
	super.asks("POST /v1/staff/relations/"+r.ID+"/end", api.EndRelation{Reason: "error"}, nil, http.StatusOK)
	if got := named(super); len(got) != 0 {
		t.Errorf("told of one that is over: %+v", got)
	}
	own, err := w.hub.GrantRelation(w.ctx, signedIn(w, super), api.NewRelation{Holder: w.patient().person, Kind: "carer", Evidence: "court-order"})
	w.must(err)
	if own.Stated || len(named(super)) != 0 {
		t.Errorf("their own grant is somebody's word: %+v", own)
	}
}

// never holds that a chat is not the device's, and never was.
func (d *device) never(id string) {
	d.w.t.Helper()
	if _, err := d.Conversation(d.w.ctx, id); err == nil {
		d.w.t.Error("somebody reads what the other wrote alone")
	}
}

func (d *device) beginForAnother(queue string) (*api.Conversation, error) {
	id, n := d.founding(queue)
	n.For = &api.WritingFor{Kind: "parent"}
	return d.CreateConversation(d.w.ctx, id, n)
}

// recorded holds that the log has such events.
func (w *world) recorded(kinds ...audit.Kind) {
	w.t.Helper()
	events, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1000)
	w.must(err)
	for _, kind := range kinds {
		found := false
		for _, e := range events {
			found = found || e.Kind == kind
		}
		if !found {
			w.t.Errorf("nothing in the log is a %s", kind)
		}
	}
}

// TestT22GrantLapsesOnTheBirthday: a grant for a minor ends by itself, at
// midnight where the practice is, and its chats are closed by the sweep.
func TestT22GrantLapsesOnTheBirthday(t *testing.T) {
	w := newWorld(t)
	super := w.member("sam", "supervisor")
	mother := w.patient()
	now := w.clock.now().UTC()
	birthday := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC).AddDate(0, 0, 2)
	r, err := w.hub.GrantRelation(w.ctx, super, api.NewRelation{
		Holder: mother.person, Kind: "parent", Born: birthday.AddDate(-18, 0, 0).Format(time.DateOnly), Evidence: "birth-certificate",
	})
	w.must(err)
	zone, err := time.LoadLocation(w.clinic.TimeZone)
	w.must(err)
	if want := time.Date(birthday.Year(), birthday.Month(), birthday.Day(), 0, 0, 0, 0, zone).UnixMilli(); r.EndsAt != want {
		t.Fatalf("ends at %d, not %d", r.EndsAt, want)
	}
	chat, own, dana := mother.beginFor("nurse", "parent"), mother.open("nurse"), w.staff("dana")
	for _, id := range []string{chat, own} {
		dana.take(id)
		mother.catchUp(id)
	}
	w.clock.advance(time.UnixMilli(r.EndsAt).Sub(w.clock.now()) - time.Minute)
	mother.signIn()
	dana.signInAgain("dana")
	mother.say(chat, "One minute left.")
	lines := []*listener{mother.listen(), mother.listenByPolls()}
	dana.say(chat, "Still granted.")
	for _, l := range lines {
		l.until("what is said while the grant holds", func(e api.Event) bool { return e.Frame != nil && e.ConversationID == chat })
	}
	w.clock.advance(time.Minute)
	// Nothing has been swept: their device is in the group and in the room.
	dana.say(chat, "what the mother is not to read")
	dana.say(own, "this she may")
	for _, l := range lines {
		l.until("their own", func(e api.Event) bool {
			if e.ConversationID == chat {
				t.Errorf("past the grant they were pushed %s", e.Type)
			}
			return e.Frame != nil && e.ConversationID == own
		})
	}
	mother.gone(chat)
	w.must(w.hub.Sweep(w.ctx))
	v, err := w.store.Conversation(w.ctx, w.clinic.ID, chat)
	w.must(err)
	if v.State != api.StateClosed {
		t.Error("the chat is still open")
	}
	for _, p := range v.Participants {
		if p.Person == mother.person && p.Wanted {
			t.Error("the mother is still wanted in the group")
		}
	}
	if v, err := mother.beginForAnother("nurse"); err != nil || v.ForConfirmed {
		t.Errorf("a lapsed grant still holds: %+v, %v", v, err)
	}
	w.recorded(audit.RelationEnded)
}

// TestT22Confidential: staff in a chat can keep it from whoever writes for
// somebody else there; nobody else can, and nobody keeps a patient from their
// own.
func TestT22Confidential(t *testing.T) {
	w := newWorld(t)
	carer, dana := w.patient(), w.staff("dana")
	chat, own := carer.beginFor("nurse", "carer"), carer.open("nurse")
	for _, id := range []string{chat, own} {
		dana.take(id)
		carer.catchUp(id)
	}
	if _, err := w.hub.Hide(w.ctx, w.member("lee", "nurse"), chat, true); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("one who is not in it: %v", err)
	}
	if _, err := w.hub.Hide(w.ctx, signedIn(w, dana), own, true); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("a patient's own: %v", err)
	}
	line := carer.listen()
	_, err := w.hub.Hide(w.ctx, signedIn(w, dana), chat, true)
	w.must(err)
	carer.gone(chat)
	// The keeper has yet to take them out: their device has the keys all the same.
	dana.say(chat, "what the carer is not to read")
	anew := carer.listen()
	dana.say(chat, "nor this")
	dana.say(own, "this they may")
	mine := func(e api.Event) bool {
		if e.Frame != nil && e.ConversationID == chat && e.Frame.Kind == api.FrameApplication {
			t.Error("what is kept from somebody was pushed to them")
		}
		return e.Frame != nil && e.ConversationID == own
	}
	line.until("their own", mine)
	anew.until("their own", mine)
	_, err = w.hub.Hide(w.ctx, signedIn(w, dana), chat, false)
	w.must(err)
	dana.say(chat, "now they may")
	line.until("what is shown again", func(e api.Event) bool { return e.Frame != nil && e.ConversationID == chat })
	if _, err := carer.Conversation(w.ctx, chat); err != nil {
		t.Errorf("shown again: %v", err)
	}
	w.recorded(audit.ChatHidden, audit.ChatShown)
}

// TestT57Invitations: a one-time link works once, in one browser, until it is
// over, and every other answer is the same.
func TestT57Invitations(t *testing.T) {
	w := newWorld(t)
	dana := w.staff("dana")
	by := signedIn(w, dana)
	invite := func() api.InvitationMade {
		t.Helper()
		made, err := w.hub.Invite(w.ctx, by, api.NewInvitation{Queue: "nurse", Language: "en"}, "https://chat.clinic.example")
		w.must(err)
		return made
	}
	const mine, other = "holder-of-this-browser", "holder-of-another-one"
	post := func(token, holder string) (int, string) {
		resp, body := w.raw("POST", "/v1/invitations/open", `{"practice":"riverside","token":"`+token+`","holder":"`+holder+`"}`)
		return resp.StatusCode, callID.ReplaceAllString(body, "")
	}
	used := invite()
	if len(used.Token) < 22 || !strings.Contains(used.Path, "#i=") {
		t.Errorf("made %+v", used)
	}
	if status, said := post(used.Token, mine); status != http.StatusOK || strings.Contains(said, "Dana") || strings.Contains(said, by.Person.ID) {
		t.Fatalf("opened: %d %s", status, said)
	}
	begin := func(token, holder string) (string, error) {
		p := w.patient()
		id, n := p.founding("nurse")
		n.Invitation = &api.UseInvitation{Token: token, Holder: holder}
		_, err := p.CreateConversation(w.ctx, id, n)
		return id, err
	}
	if _, err := begin(used.Token, other); err == nil {
		t.Error("another browser began a chat with it")
	}
	id, err := begin(used.Token, mine)
	w.must(err)
	v, err := w.store.Conversation(w.ctx, w.clinic.ID, id)
	w.must(err)
	if v.Assignee != dana.person || v.State != api.StateOpen {
		t.Errorf("began as %+v", v)
	}
	if _, err := begin(used.Token, mine); err == nil {
		t.Error("it began a second chat")
	}
	_, unknown := post("a-token-that-nobody-has-made", mine)
	foreign, revoked, over := invite(), invite(), invite()
	post(foreign.Token, mine)
	_, err = w.hub.RevokeInvitation(w.ctx, by, revoked.Invitation.ID)
	w.must(err)
	if _, err := w.hub.RevokeInvitation(w.ctx, w.member("lee", "nurse"), over.Invitation.ID); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("another's link: %v", err)
	}
	w.clock.advance(73 * time.Hour)
	for what, call := range map[string][2]string{"used": {used.Token, mine}, "foreign": {foreign.Token, other}, "revoked": {revoked.Token, mine}, "over": {over.Token, mine}} {
		if status, said := post(call[0], call[1]); status != http.StatusNotFound || said != unknown {
			t.Errorf("%s: %d %s; unknown: %s", what, status, said, unknown)
		}
	}
	list, err := w.hub.Invitations(w.ctx, by, chatOrigin)
	w.must(err)
	states := map[string]int{}
	for _, i := range list.Invitations {
		states[i.State]++
	}
	if states["used"] != 1 || states["expired"] != 2 || states["revoked"] != 1 {
		t.Errorf("states %v", states)
	}
	if _, err := w.hub.Invite(w.ctx, w.member("adm", "administrator"), api.NewInvitation{Queue: "nurse", Language: "en"}, "https://chat.clinic.example"); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("an administrator invites: %v", err)
	}
	for range 40 {
		_, err = w.hub.Invite(w.ctx, by, api.NewInvitation{Queue: "nurse", Language: "en"}, "https://chat.clinic.example")
	}
	var rate *hub.RateError
	if !errors.As(err, &rate) {
		t.Errorf("links without end: %v", err)
	}
	w.recorded(audit.InvitationMade, audit.InvitationOpened, audit.InvitationRevoked)
}

// TestPersonLinks: persons are one only by somebody's word, and are two again
// exactly as they were.
func TestPersonLinks(t *testing.T) {
	w := newWorld(t)
	a, b, dana := w.patient(), w.patient(), w.staff("dana", "nurse")
	first, second, elsewhere := a.open("nurse"), b.open("nurse"), b.open("front-desk")
	dana.take(first)
	by, super, compliance := signedIn(w, dana), w.member("sam", "supervisor"), w.member("cam", "compliance")
	panel := func() api.PatientPanel {
		t.Helper()
		p, err := w.hub.PatientPanel(w.ctx, by, first)
		w.must(err)
		return p
	}
	before := panel()
	if len(before.Persons) != 1 || len(before.Chats) != 1 || before.MayLink {
		t.Fatalf("alone: %+v", before)
	}
	n := api.NewPersonLink{Person: a.person, Other: b.person, Reason: "patient-said"}
	if _, err := w.hub.LinkPersons(w.ctx, by, n); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a nurse: %v", err)
	}
	if _, err := w.hub.LinkPersons(w.ctx, super, api.NewPersonLink{Person: a.person, Other: dana.person, Reason: "other"}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("with staff: %v", err)
	}
	l, err := w.hub.LinkPersons(w.ctx, super, n)
	w.must(err)
	if _, err := w.hub.LinkPersons(w.ctx, compliance, api.NewPersonLink{Person: b.person, Other: a.person, Reason: "other"}); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	one := panel()
	if len(one.Persons) != 2 || len(one.Chats) != 2 || one.Hidden != 1 {
		t.Errorf("linked: %+v", one)
	}
	for _, c := range one.Chats {
		if c.ID == elsewhere {
			t.Error("a chat of another queue is shown")
		}
	}
	if _, err := a.Conversation(w.ctx, second); err == nil {
		t.Error("a link opened one patient's chat to the other")
	}
	_, err = w.hub.UnlinkPersons(w.ctx, compliance, l.ID, "not-the-same")
	w.must(err)
	after := panel()
	after.Links = before.Links
	if len(after.Persons) != 1 || len(after.Chats) != 1 || after.Chats[0] != before.Chats[0] || after.Hidden != 0 {
		t.Errorf("undone: %+v, before: %+v", after, before)
	}
	w.recorded(audit.PersonsLinked, audit.PersonsUnlinked, audit.PatientSeen)
	waiting, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1000)
	w.must(err)
	for _, e := range waiting {
		if of := []string{e.Patient, e.Subject}; (e.Kind == audit.PersonsLinked || e.Kind == audit.PersonsUnlinked) && (!slices.Contains(of, a.person) || !slices.Contains(of, b.person)) {
			t.Errorf("%s is filed under %q", e.Kind, of)
		}
	}

	list := func(q hub.PersonLinkQuery, cursor string) api.PersonLinks {
		t.Helper()
		all, err := w.hub.PersonLinks(w.ctx, compliance, q, cursor)
		w.must(err)
		return all
	}
	all := list(hub.PersonLinkQuery{}, "")
	if len(all.Links) != 1 || all.Links[0].Reason != "patient-said" || all.Links[0].UndoneFor != "not-the-same" || len(all.Staff) != 2 || all.Next != "" {
		t.Errorf("%+v", all)
	}
	if got := list(hub.PersonLinkQuery{Standing: "standing"}, ""); len(got.Links) != 0 {
		t.Errorf("it stands: %+v", got)
	}
	for range api.MaxPersonLinksPage {
		w.must(w.store.AddPersonLink(w.ctx, hub.PersonLink{
			ID: hub.NewID("l"), Practice: w.clinic.ID, Person: hub.NewID("p"), Other: hub.NewID("p"), Reason: "other", LinkedBy: super.Person.ID, LinkedAt: 5,
		}))
	}
	page := list(hub.PersonLinkQuery{}, "")
	if second := list(hub.PersonLinkQuery{}, page.Next); len(page.Links) != api.MaxPersonLinksPage || len(second.Links) != 1 || second.Next != "" {
		t.Errorf("%d, then %d", len(page.Links), len(second.Links))
	}
	if _, err := w.hub.PersonLinks(w.ctx, compliance, hub.PersonLinkQuery{}, "5.x"); err == nil {
		t.Error("any cursor is taken")
	}
	if _, err := w.hub.PersonLinks(w.ctx, signedIn(w, dana), hub.PersonLinkQuery{}, ""); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a nurse lists them: %v", err)
	}
	w.recorded(audit.PersonLinksListed)
}

// TestHoldBack: that somebody sent after a warning is in the log as codes.
func TestHoldBack(t *testing.T) {
	w := newWorld(t)
	a, dana := w.patient(), w.staff("dana")
	id := a.open("nurse")
	n := api.HoldBack{Kinds: []string{"diagnosis", "attachment"}, Reason: "urgent"}
	if err := w.hub.HoldBack(w.ctx, signedIn(w, dana), id, n); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("one who is not in the chat: %v", err)
	}
	_, err := dana.Act(w.ctx, id, "take")
	w.must(err)
	if err := w.hub.HoldBack(w.ctx, signedIn(w, dana), id, api.HoldBack{Kinds: []string{"she has " + canary}, Reason: "urgent"}); err == nil {
		t.Error("words were taken for a kind")
	}
	w.must(w.hub.HoldBack(w.ctx, signedIn(w, dana), id, n))
	events, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1000)
	w.must(err)
	for _, e := range events {
		if e.Kind == audit.SentAllTheSame && (e.Detail != "found=diagnosis,attachment" || e.Reason != "urgent" || e.Conversation != id) {
			t.Errorf("recorded as %+v", e)
		}
	}
	w.recorded(audit.SentAllTheSame)
}

// TestRelationRoutes walks over HTTP what staff say of who a patient is to whom,
// each as the next read shows it and refused to who may not.
func TestRelationRoutes(t *testing.T) {
	w := newWorld(t)
	carer, other := w.patient(), w.patient()
	dana, super := w.staff("dana"), w.staffAs(w.clinic, "supervisor", "sam")
	id := carer.beginFor("nurse", "carer")
	chat := " /v1/staff/conversations/" + id
	held := api.HoldBack{Kinds: []string{"diagnosis"}, Reason: "urgent"}
	dana.asks("POST"+chat+"/hold-backs", held, nil, http.StatusForbidden)
	dana.asks("PUT"+chat+"/confidential", api.SetConfidential{Confidential: true}, nil, http.StatusForbidden)
	dana.take(id)
	dana.asks("POST"+chat+"/hold-backs", held, nil, http.StatusNoContent)
	for _, hidden := range []bool{true, false} {
		var v api.Conversation
		dana.asks("PUT"+chat+"/confidential", api.SetConfidential{Confidential: hidden}, &v, http.StatusOK)
		if _, err := carer.Conversation(w.ctx, id); v.Confidential != hidden || (err != nil) != hidden {
			t.Errorf("confidential %v: %v, and who writes for another reads: %v", hidden, v.Confidential, err)
		}
	}

	grant := api.NewRelation{Holder: carer.person, Subject: other.person, Kind: "carer", Evidence: "court-order"}
	dana.asks("POST /v1/staff/relations", grant, nil, http.StatusForbidden)
	var r api.Relation
	super.asks("POST /v1/staff/relations", grant, &r, http.StatusOK)
	if own := asDevice[api.OwnRelations](carer, http.MethodGet, "/v1/relations").Relations; len(own) != 1 || own[0].ID != r.ID || !own[0].Active {
		t.Errorf("the one who was granted it reads %+v", own)
	}

	same := api.NewPersonLink{Person: carer.person, Other: other.person, Reason: "patient-said"}
	dana.asks("POST /v1/staff/person-links", same, nil, http.StatusForbidden)
	var link api.PersonLink
	without := same
	without.Reason = ""
	super.asks("POST /v1/staff/person-links", without, nil, http.StatusUnprocessableEntity)
	var malformed *hub.MalformedError
	if _, err := w.hub.LinkPersons(w.ctx, signedIn(w, super), without); !errors.As(err, &malformed) {
		t.Errorf("a merge without a reason: %v", err)
	}
	super.asks("POST /v1/staff/person-links", same, &link, http.StatusOK)
	super.asks("POST /v1/staff/person-links/"+link.ID+"/undo", api.UndoPersonLink{}, nil, http.StatusUnprocessableEntity)
	if _, err := w.hub.UnlinkPersons(w.ctx, signedIn(w, super), link.ID, ""); !errors.As(err, &malformed) {
		t.Errorf("undone without a reason: %v", err)
	}
	super.asks("POST /v1/staff/person-links", same, nil, http.StatusConflict)
	var panel api.PatientPanel
	dana.asks("GET"+chat+"/patient", nil, &panel, http.StatusOK)
	if len(panel.Persons) != 2 {
		t.Errorf("beside the chat are %v", panel.Persons)
	}
	w.recorded(audit.SentAllTheSame, audit.ChatHidden, audit.ChatShown, audit.RelationGranted, audit.PersonsLinked)
}
