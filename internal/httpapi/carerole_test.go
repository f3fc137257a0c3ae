package httpapi_test

import (
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
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
	if v.State != api.StateWaiting || v.Assignee != "" || slices.Contains(v.Participants, hub.Participant{Person: dana.person, Wanted: true}) {
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
