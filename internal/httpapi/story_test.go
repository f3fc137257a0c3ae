package httpapi_test

import (
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
)

// TestLeftMessageAndRating is a patient who leaves a message, and says at the
// end how it was.
func TestLeftMessageAndRating(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id, n := patient.founding("nurse")
	n.LeftMessage = true
	made, err := patient.CreateConversation(w.ctx, id, n)
	w.must(err)
	if !made.LeftMessage || made.Rating != 0 || made.Revision != 0 {
		t.Errorf("made: %+v", made)
	}
	wantCode(t, patient.Rate(w.ctx, id, 5), api.CodeForbidden)
	_, err = patient.Act(w.ctx, id, "close")
	w.must(err)
	wantCode(t, nurse.Rate(w.ctx, id, 1), api.CodeForbidden)
	wantCode(t, patient.Rate(w.ctx, id, 6), api.CodeMalformed)
	w.must(patient.Rate(w.ctx, id, 4))
	seen, err := nurse.Conversation(w.ctx, id)
	w.must(err)
	if !seen.LeftMessage || seen.Rating != 4 || seen.Revision != 2 {
		t.Errorf("afterwards: %+v", seen)
	}
}

// TestStory is the whole path: a patient opens a conversation, a nurse takes
// it, both write, the nurse closes it and it is opened again.
func TestStory(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	patient.say(id, "hello "+canary)

	page, err := nurse.Conversations(w.ctx, "waiting", "")
	w.must(err)
	if len(page.Conversations) != 1 || page.Conversations[0].ID != id || page.Total != 1 {
		t.Fatalf("waiting box holds %+v", page)
	}
	own, err := patient.Conversation(w.ctx, id)
	w.must(err)
	if own.Place != 1 || own.State != api.StateWaiting || own.Head != 2 || own.Epoch != 1 {
		t.Errorf("while waiting: %+v", own)
	}
	nurse.take(id)
	patient.catchUp(id)
	patient.say(id, "are you there?")
	if got := nurse.catchUp(id); !slices.Equal(got, []string{"are you there?"}) {
		t.Errorf("the nurse reads %q", got)
	}
	nurse.say(id, "I am")
	if got := patient.catchUp(id); !slices.Equal(got, []string{"I am"}) {
		t.Errorf("the patient reads %q", got)
	}
	w.clinic.keeper.catchUp(id)
	if got := w.clinic.keeper.read; !slices.Equal(got, []string{"hello " + canary, "are you there?", "I am"}) {
		t.Errorf("the keeper reads %q", got)
	}

	r, err := nurse.Act(w.ctx, id, "close")
	w.must(err)
	if r.Conversation.State != api.StateClosed || r.Conversation.ClosedBy != nurse.person {
		t.Errorf("closed: %+v", r.Conversation)
	}
	_, err = patient.Send(w.ctx, id, patient.seal(id, "too late"))
	wantCode(t, err, api.CodeClosed)
	w.clinic.keeper.admit()
	if _, err := nurse.Frames(w.ctx, id, 0, 0); err != nil {
		t.Errorf("one who has left reads up to there: %v", err)
	}
	_, err = nurse.Act(w.ctx, id, "reopen")
	w.must(err)
	w.clinic.keeper.admit()
	nurse.join()
	patient.catchUp(id)
	patient.say(id, "again")
	if got := nurse.catchUp(id); !slices.Equal(got, []string{"again"}) {
		t.Errorf("after reopening the nurse reads %q", got)
	}
}
