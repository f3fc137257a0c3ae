package hub

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file holds that nobody alone takes a form away from before chats: who
// narrows where it stands, or ends it, asks, and somebody else answers, as with
// the text itself. What asks patients for more needs nobody else.

// Steps by which one asks, and another answers.
const (
	actAskQueues = "ask-queues"
	actAskRetire = "ask-retire"
	actAllow     = "allow"
	actDeny      = "deny"
)

// A FormAsk is a change of a published version that waits for a second person.
type FormAsk struct {
	Act        string   `json:"act"` // queues or retire
	Queues     []string `json:"queues,omitempty"`
	InAddition bool     `json:"in_addition,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Person     string   `json:"person"`
	At         int64    `json:"at"`
}

// waits reports whether a change waits at now. Like other requests it lapses
// after a week.
func (f *ConsentForm) waits(now int64) bool {
	return f.State == FormPublished && f.Asked != nil && now < f.Asked.At+grantLife.Milliseconds()
}

// become makes the change that was asked for.
func (f *ConsentForm) become(a *FormAsk) {
	if a.Act == actRetire {
		f.State = FormRetired
	} else {
		f.Queues, f.InAddition = a.Queues, a.InAddition
	}
	f.Asked = nil
}

// narrows reports whether some chat could begin, were f as changed, without a
// form that stands before it now.
func (w *work) narrows(changed *ConsentForm) bool {
	after := w.forms.with([]ConsentForm{*changed})
	queues := []string{""} // of those that are no more
	for _, q := range w.practice.Queues {
		queues = append(queues, q.ID)
	}
	for _, queue := range queues {
		for _, forMinor := range []bool{false, true} {
			now, ok := w.forms.before(queue, forMinor)
			then, begins := after.before(queue, forMinor)
			if !ok || !begins {
				continue // no chat begins at all
			}
			for _, f := range now {
				if _, still := then.version(f.Form, f.Version); !still {
					return true
				}
			}
		}
	}
	return false
}

// detach makes a change of a published version, or asks for it if it narrows.
func (h *Hub) detach(ctx context.Context, s *StaffCaller, id string, version int, a FormAsk) (api.FormVersion, error) {
	if err := h.mayStaff(s, policy.ReadForms, s.practice()); err != nil {
		return api.FormVersion{}, err
	}
	a.Person, a.At = s.Person.ID, h.millis()
	w, err := h.formWork(ctx, s)
	if err != nil {
		return api.FormVersion{}, err
	}
	narrows := func(w *work, f ConsentForm) bool {
		f.become(&a)
		return w.narrows(&f)
	}
	act := a.Act
	if i, ok := w.forms.version(id, version); ok && narrows(&w, w.forms[i]) {
		act = map[string]string{actQueues: actAskQueues, actRetire: actAskRetire}[a.Act]
	}
	return h.changeForm(ctx, s, id, version, act, func(w *work, f *ConsentForm, _ *FormChange) error {
		asks := act != a.Act
		switch {
		case a.Act == actRetire && a.Reason == "":
			return malformed("reason")
		case a.Act == actQueues && w.unnamed(f, a.Queues):
			return &UnfinishedError{"its text does not name all staff who work there: write a new version"}
		case narrows(w, *f) != asks:
			return ErrConflict // somebody changed another form meanwhile
		case asks && f.waits(a.At):
			return ErrFormState
		case asks:
			f.Asked = &a
		default:
			f.become(&a)
		}
		f.note(s.Person.ID, act, a.says(), a.At)
		return nil
	})
}

// answer allows what was asked for of a published version, or does not. base is
// the revision that the caller has seen.
func (h *Hub) answer(ctx context.Context, s *StaffCaller, f *ConsentForm, act, reason string, base int) (api.FormVersion, error) {
	asked := *f.Asked
	return h.changeForm(ctx, s, f.Form, f.Version, act, func(_ *work, f *ConsentForm, _ *FormChange) error {
		switch {
		case !f.waits(h.millis()):
			return ErrFormState
		case f.Revision != base, f.Asked.Act != asked.Act:
			return ErrConflict // it is not what they looked at
		case act == actAllow:
			f.become(&asked)
		default:
			f.Asked = nil
		}
		f.note(s.Person.ID, act, reason, h.millis())
		return nil
	})
}

// says is what the history tells of the change.
func (a *FormAsk) says() string {
	if a.Act == actRetire {
		return a.Reason
	}
	return joined(a.Queues)
}

func (a *FormAsk) api(people map[string]Person) *api.FormWaits {
	return &api.FormWaits{
		Act: a.Act, Queues: append([]string{}, a.Queues...), InAddition: a.InAddition, Reason: a.Reason, At: a.At, Person: a.Person, Name: people[a.Person].Name,
	}
}

// mayAnswer lists how the caller may answer what waits.
func (h *Hub) mayAnswer(s *StaffCaller, f *ConsentForm) []string {
	var may []string
	for act, name := range map[string]string{actAllow: actApprove, actDeny: actReturn} {
		if h.mayForm(s, f, act) == nil {
			may = append(may, name)
		}
	}
	slices.Sort(may)
	return may
}
