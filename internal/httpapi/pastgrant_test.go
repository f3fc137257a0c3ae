package httpapi_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// TestT50TakenBackPastTheGrant: who gave consent for somebody else takes it back
// also when they may read no more, however that came, with all that follows. They
// are answered with what they gave and nothing else, and the chat is to them, after
// as before, as one that never was (T22).
func TestT50TakenBackPastTheGrant(t *testing.T) {
	for how, end := range map[string]func(w *world, nurse *device, chat string, r api.Relation){
		"kept from them": func(w *world, nurse *device, chat string, _ api.Relation) {
			_, err := w.hub.Hide(w.ctx, signedIn(w, nurse), chat, true)
			w.must(err)
		},
		"taken back": func(w *world, nurse *device, _ string, r api.Relation) {
			_, err := w.hub.EndRelation(w.ctx, signedIn(w, nurse), r.ID, api.EndRelation{Reason: "court-order"})
			w.must(err)
		},
		"lapsed, and not swept yet": func(w *world, _ *device, _ string, r api.Relation) {
			w.clock.advance(time.UnixMilli(r.EndsAt).Sub(w.clock.now()))
		},
	} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			mother, nurse := w.patient(), w.staff("dana")
			r, err := w.hub.GrantRelation(w.ctx, w.member("sam", "supervisor"), api.NewRelation{
				Holder: mother.person, Kind: "parent", Born: "2015-06-01", EndsAt: w.clock.now().Add(5 * time.Minute).UnixMilli(), Evidence: "birth-certificate",
			})
			w.must(err)
			chat := mother.beginFor("nurse", "parent")
			nurse.take(chat)
			own, err := mother.Agreements(w.ctx)
			w.must(err)
			want := own.Agreements[0]

			end(w, nurse, chat, r)
			mother.signIn()
			hears := mother.listen()
			mother.gone(chat)
			waits := nurse.seal(chat, "under way")
			_, err = w.patient().WithdrawConsent(w.ctx, want.ID)
			wantCode(t, err, api.CodeNotFound)

			for range 2 { // and to do it again is no error
				got, err := mother.WithdrawConsent(w.ctx, want.ID)
				w.must(err)
				if want.WithdrawnAt, want.Current = got.WithdrawnAt, false; got.WithdrawnAt == 0 || !reflect.DeepEqual(*got, want) {
					t.Errorf("answered %+v, not %+v", *got, want)
				}
			}
			v, err := w.store.Conversation(w.ctx, w.clinic.ID, chat)
			w.must(err)
			if v.WithdrawnAt != want.WithdrawnAt || v.State != api.StateClosed {
				t.Errorf("it goes on as %+v", v)
			}
			for _, p := range v.Participants {
				if p.Person == nurse.person && p.Wanted {
					t.Error("the nurse stays in the group")
				}
			}
			_, err = nurse.Send(w.ctx, chat, waits)
			wantCode(t, err, api.CodeConsentWithdrawn)
			events, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1000)
			w.must(err)
			told := 0
			for _, e := range events {
				if e.Kind == audit.ConsentWithdrawn && e.Conversation == chat && e.Patient == mother.person && e.Person == mother.person {
					told++
				}
			}
			if told != 1 {
				t.Errorf("the log tells of it %d times", told)
			}
			mother.gone(chat)
			hears.hasNotHeardOf(chat)
		})
	}
}

// hasNotHeardOf holds that nothing of a chat was pushed.
func (l *listener) hasNotHeardOf(chat string) {
	l.t.Helper()
	for {
		select {
		case e := <-l.events:
			if e.ConversationID == chat {
				l.t.Errorf("was pushed %+v", e.Summary)
			}
		default:
			return
		}
	}
}
