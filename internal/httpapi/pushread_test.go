package httpapi_test

import (
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// openings are who opened a conversation, as the log says it.
func (w *world) openings(id string) (by []string) {
	w.t.Helper()
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.ConversationOpened), Conversation: id})
	w.must(err)
	for _, e := range page.Events {
		by = append(by, e.Person)
	}
	return by
}

func count[T comparable](all []T, what T) (n int) {
	for _, v := range all {
		if v == what {
			n++
		}
	}
	return n
}

// twoTaken is a patient with two chats that a nurse has taken.
func (w *world) twoTaken() (patient, nurse *device, first, second string) {
	patient, nurse = w.patient(), w.staff("dana")
	first, second = patient.open("nurse"), patient.open("nurse")
	for _, id := range []string{first, second} {
		nurse.take(id)
		patient.catchUp(id)
	}
	return patient, nurse, first, second
}

// TestT41PushIsReading: who is sent a message as it comes has opened the
// conversation, once a session, though they ask for nothing; and while that
// cannot be recorded, no message is pushed.
func TestT41PushIsReading(t *testing.T) {
	bySocketAndPoll(t, func(t *testing.T, w *world, listen func(*device) *listener) {
		patient, nurse, first, second := w.twoTaken()
		nurse.signIn() // another session, in which nothing was read
		line := listen(nurse)
		message := func(id string) func(api.Event) bool {
			return func(e api.Event) bool {
				return e.Frame != nil && e.Frame.Kind == api.FrameApplication && e.ConversationID == id
			}
		}
		before := count(w.openings(first), nurse.person)
		for range 3 {
			patient.say(first, "hello")
			line.until("a message", message(first))
		}
		if n := count(w.openings(first), nurse.person) - before; n != 1 {
			t.Errorf("three messages in one session left %d openings, want 1", n)
		}
		sightings, err := patient.Sightings(w.ctx, "")
		w.must(err)
		seen := false
		for _, s := range sightings.Sightings {
			seen = seen || s.Person == nurse.person && s.Way == "read" && s.Conversation == first
		}
		if !seen {
			t.Errorf("who read by push is not among who saw the patient's messages: %+v", sightings.Sightings)
		}

		before = count(w.openings(second), nurse.person)
		w.store.unrecorded.Store(true)
		patient.say(second, "not yet")
		for open := true; open || len(line.events) > 0; {
			select {
			case e := <-line.events:
				if message(second)(e) {
					t.Fatal("a message was pushed whose reading could not be recorded")
				}
			case <-line.ended:
				open = false
			}
		}
		w.store.unrecorded.Store(false)
		if n := count(w.openings(second), nurse.person) - before; n != 0 {
			t.Errorf("%d openings of what was not pushed", n)
		}
		line = listen(nurse)
		patient.say(second, "now")
		line.until("the message", message(second))
		if n := count(w.openings(second), nurse.person) - before; n != 1 {
			t.Errorf("%d openings after the next message, want 1", n)
		}
	})
}
