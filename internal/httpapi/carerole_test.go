package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT43RoleWithoutCare: who gets a role that reads no chats leaves theirs,
// which wait for somebody else; and whom policy does not admit, though wanted,
// holds up nobody's removal.
func TestT43RoleWithoutCare(t *testing.T) {
	w := newWorld(t)
	robin := w.proven("robin", "administrator")
	patient, dana, lee, ava := w.patient(), w.staff("dana"), w.staff("lee"), w.staffAs(w.clinic, "auditor", "ava")
	id := patient.open("nurse")
	dana.take(id)
	_, err := w.hub.RequestGrant(w.ctx, robin, dana.person, api.NewGrantRequest{Kind: "role", Role: "auditor", Reason: "reads the log from Monday"})
	w.must(err)
	w.approveAll()
	v, err := w.store.Conversation(w.ctx, w.clinic.ID, id)
	w.must(err)
	if v.State != api.StateWaiting || v.Assignee != "" || slices.ContainsFunc(v.Participants, func(p hub.Participant) bool { return p.Person == dana.person && p.Wanted }) {
		t.Errorf("the conversation is %s, of %q, with %+v", v.State, v.Assignee, v.Participants)
	}

	lee.take(id)
	_, err = w.store.UpdateConversation(w.ctx, w.clinic.ID, id, func(v *hub.Conversation) error {
		for i := range v.Participants {
			v.Participants[i].Wanted = v.Participants[i].Wanted && v.Participants[i].Person != lee.person
		}
		v.Participants = append(v.Participants, hub.Participant{Person: ava.person, Wanted: true})
		return nil
	})
	w.must(err)
	w.clinic.keeper.admit()
	v, err = w.store.Conversation(w.ctx, w.clinic.ID, id)
	w.must(err)
	for _, m := range v.Members {
		if m.Person == lee.person || m.Person == dana.person || m.Person == ava.person {
			t.Errorf("still in the group: %+v", m)
		}
	}
	work, err := w.clinic.keeper.Work(w.ctx)
	w.must(err)
	if len(work.Groups) != 0 {
		t.Errorf("the keeper is still to do %+v", work.Groups)
	}
}

// TestT43OrphanedChatsAreHealed: who is in care no more and is still in chats, as
// from before there was a rule or because the hub stopped in between, leaves them
// at the next sweep, and that is in the log. Everybody else stays where they are.
func TestT43OrphanedChatsAreHealed(t *testing.T) {
	w := newWorld(t)
	dana, lee, sam := w.staff("dana"), w.staff("lee"), w.staff("sam")
	chat := func(of *device) string {
		t.Helper()
		id := w.patient().open("nurse")
		of.take(id)
		return id
	}
	role, gone, kept := chat(dana), chat(lee), chat(sam)
	doc := w.proven("doc", "physician")
	_, err := w.hub.BreakGlass(w.ctx, doc, kept, api.BreakGlass{Reason: "danger", Words: "nobody answers, and she has fallen"})
	w.must(err)
	past := func(person string, change func(*hub.Person)) {
		t.Helper() // as the store alone would leave it
		_, err := w.store.ChangePerson(w.ctx, w.clinic.ID, person, 5, func(p *hub.Person, _ bool) error { change(p); return nil })
		w.must(err)
	}
	past(dana.person, func(p *hub.Person) { p.Role = "auditor" })
	past(lee.person, func(p *hub.Person) { p.DisabledAt = 5 })
	w.must(w.hub.Sweep(w.ctx))
	for id, want := range map[string]string{role: "waiting", gone: "waiting", kept: "open " + sam.person} {
		v, err := w.store.Conversation(w.ctx, w.clinic.ID, id)
		w.must(err)
		if got := strings.TrimSpace(v.State + " " + v.Assignee); got != want {
			t.Errorf("a chat is %q, want %q", got, want)
		}
		if in := slices.ContainsFunc(v.Participants, func(p hub.Participant) bool { return p.Person == doc.Person.ID && p.Wanted }); in != (id == kept) {
			t.Errorf("who is in by an emergency is in a chat: %t", in)
		}
	}
	healed := func() (n int) {
		t.Helper()
		for _, e := range w.events(string(audit.ConversationLeft)) {
			if strings.HasPrefix(e, " ") && strings.Contains(e, "access-ended") { // by the hub itself
				n++
			}
		}
		return n
	}
	for range 2 {
		if got := healed(); got != 2 {
			t.Errorf("the log has it %d times", got)
		}
		w.must(w.hub.Sweep(w.ctx))
	}
	w.clinic.keeper.admit()
	sam.join()
	sam.say(kept, "still here")
}
