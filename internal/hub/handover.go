package hub

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// couldServe reports whether a person could take part in the conversation if
// somebody let them in. Who is in by an emergency is put out when its hour is
// over: until they have left, nobody makes more of it.
func (h *Hub) couldServe(p *Person, v *Conversation) bool {
	if p.Kind != api.KindStaff || p.DisabledAt != 0 || v.urgent(p.ID) {
		return false
	}
	r := h.about(v)
	r.Wanted = append(r.Wanted, p.ID)
	return h.policy.May(p.principal(), policy.Send, r)
}

// Colleagues lists whom the caller may bring into a conversation.
func (h *Hub) Colleagues(ctx context.Context, s *StaffCaller, id string) (api.Colleagues, error) {
	v, err := h.staffConversation(ctx, s, id, policy.Know)
	if err != nil {
		return api.Colleagues{}, err
	}
	if err := h.mayStaff(s, policy.Bring, h.about(&v)); err != nil {
		return api.Colleagues{}, err
	}
	all, err := h.store.PersonsOfKind(ctx, v.Practice, api.KindStaff)
	if err != nil {
		return api.Colleagues{}, err
	}
	pr, err := h.practice(ctx, v.Practice)
	if err != nil {
		return api.Colleagues{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil {
		return api.Colleagues{}, at("record a read", err)
	}
	out := api.Colleagues{People: []api.Person{}, Queues: []string{}}
	for _, p := range all {
		if !v.wants(p.ID) && p.ID != s.Person.ID && h.couldServe(&p, &v) {
			out.People = append(out.People, h.person(p))
		}
	}
	for _, q := range pr.Queues {
		if q.ID != v.Queue {
			out.Queues = append(out.Queues, q.ID)
		}
	}
	return out, nil
}

// BringColleague brings a colleague into a conversation, whatever their queues.
func (h *Hub) BringColleague(ctx context.Context, s *StaffCaller, id string, b api.BringColleague) (api.ActResult, error) {
	brought := h.event(ctx, s, audit.ColleagueBrought, b.Person)
	return h.handOver(ctx, s, id, policy.Bring, brought, b.Person, "", func(v *Conversation) error {
		switch {
		case v.State == api.StateClosed:
			return ErrClosed
		case v.wants(b.Person):
			return errNoChange
		}
		v.want(b.Person, true)
		return nil
	})
}

// Transfer hands a conversation to a colleague, or to another queue. The caller
// leaves it; to another queue, so do all who answered in this one.
func (h *Hub) Transfer(ctx context.Context, s *StaffCaller, id string, t api.Transfer) (api.ActResult, error) {
	if (t.Person == "") == (t.Queue == "") {
		return api.ActResult{}, malformed("person")
	}
	now := h.millis()
	if t.Queue == "" {
		moved := h.event(ctx, s, audit.ConversationMoved, t.Person).With("to=person")
		return h.handOver(ctx, s, id, policy.Transfer, moved, t.Person, "", func(v *Conversation) error {
			if v.State == api.StateClosed {
				return ErrClosed
			}
			if t.Person != s.Person.ID {
				v.want(s.Person.ID, false)
			}
			v.assign(t.Person)
			return nil
		})
	}
	if err := h.checkQueues(ctx, s.Person.Practice, []string{t.Queue}); err != nil {
		return api.ActResult{}, err
	}
	moved := h.event(ctx, s, audit.ConversationMoved, t.Queue).With("to=queue")
	return h.handOver(ctx, s, id, policy.Transfer, moved, "", t.Queue, func(v *Conversation) error {
		if v.State == api.StateClosed {
			return ErrClosed
		}
		for _, staff := range v.staffWanted() {
			v.want(staff, false)
		}
		v.Queue, v.Assignee, v.State, v.WaitingFrom = t.Queue, "", api.StateWaiting, now
		return nil
	})
}

// handOver makes a change that brings in the person, if one is named, and moves
// the conversation to the queue, if one is: there the patient has to agree to
// what stands before that one and they have not agreed to yet.
func (h *Hub) handOver(ctx context.Context, s *StaffCaller, id string, a policy.Action, done audit.Event, person, queue string, change func(*Conversation) error) (api.ActResult, error) {
	before, err := h.staffConversation(ctx, s, id, policy.Know)
	if err != nil {
		return api.ActResult{}, err
	}
	may := func(v *Conversation) error {
		r := h.about(v)
		r.Unexplained = queue != "" // back in line, whence they could take it, and no reason goes with it
		return h.mayStaff(s, a, r)
	}
	if err := may(&before); err != nil {
		return api.ActResult{}, err
	}
	if person != "" {
		p, err := h.store.Person(ctx, before.Practice, person)
		if errors.Is(err, ErrNotFound) || err == nil && !h.couldServe(&p, &before) {
			return api.ActResult{}, malformed("person")
		} else if err != nil {
			return api.ActResult{}, err
		}
	}
	checked := func(v *Conversation) error {
		if err := may(v); err != nil { // it may have changed
			return err
		}
		if err := v.consented(); err != nil {
			return err
		}
		if person == s.Person.ID && !v.wants(person) {
			return malformed("person") // who goes in does so by an act, which asks why
		}
		return change(v)
	}
	done = done.In(before.ID, before.Patient)
	var after Conversation
	if queue == "" {
		after, err = h.store.Recording(done).UpdateConversation(ctx, before.Practice, id, checked)
	} else {
		after, err = h.store.Recording(done).MoveConversation(ctx, before.Practice, id, checked, stands(queue, before.ForMinor, h.millis(), false))
	}
	if errors.Is(err, errNoChange) {
		return h.actResult(ctx, before)
	} else if err != nil {
		return api.ActResult{}, err
	}
	h.emergencyLeft(ctx, &before, &after)
	h.moved(ctx, &before, &after)
	return h.actResult(ctx, after)
}
