package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// An act is something a person does to a conversation as a whole. Policy says
// who may do which; this file says what comes of it.
type act struct {
	action policy.Action
	kind   audit.Kind
	// apply changes v as person p's act at now would. Who is wanted in the
	// group is decided here; the keeper carries it out.
	apply  func(v *Conversation, p *Person, now int64) error
	reason string // why, if they say
}

// errNoChange ends an update that would change nothing.
var errNoChange = errors.New("no change")

// actOf returns the act of that name. What is not here does not exist.
func actOf(name string) (act, bool) {
	switch name {
	case "take":
		return act{action: policy.Take, kind: audit.ConversationTaken, apply: take}, true
	case "take-over":
		return act{action: policy.TakeOver, kind: audit.ConversationTakenOver, apply: takeOver}, true
	case "join":
		return act{action: policy.Join, kind: audit.ConversationJoined, apply: join}, true
	case "leave":
		return act{action: policy.Leave, kind: audit.ConversationLeft, apply: leave}, true
	case "close":
		return act{action: policy.Close, kind: audit.ConversationClosed, apply: closeConversation}, true
	case "reopen":
		return act{action: policy.Reopen, kind: audit.ConversationReopened, apply: reopen}, true
	case "withdraw":
		return act{action: policy.Withdraw, kind: audit.ConsentWithdrawn, apply: withdraw}, true
	}
	return act{}, false
}

// Act carries out an act. To do again what has been done is no error. The
// reason is one of [api.Entry], or empty.
func (h *Hub) Act(ctx context.Context, c *Caller, conversation, name, reason string) (api.ActResult, error) {
	a, ok := actOf(name)
	if !ok {
		return api.ActResult{}, ErrNotFound
	}
	switch reason {
	case "", "coaching", "asked", "complaint", "absent", "safety", "other":
		a.reason = reason
	default:
		return api.ActResult{}, malformed("reason")
	}
	before, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return api.ActResult{}, err
	}
	v, err := h.carryOut(ctx, c, &before, name, a)
	if err != nil {
		return api.ActResult{}, err
	}
	return h.actResult(ctx, v)
}

// carryOut does a to a conversation as it was a moment ago, if policy lets the
// caller, and tells everybody.
func (h *Hub) carryOut(ctx context.Context, c *Caller, before *Conversation, name string, a act) (Conversation, error) {
	may := func(v *Conversation) error {
		r := h.about(v)
		r.Unexplained = a.reason == ""
		return h.may(c, a.action, r)
	}
	if err := may(before); err != nil {
		return Conversation{}, err
	}
	knew, now := h.mayKnow(c, before), h.millis()
	done := h.event(ctx, c, a.kind, "").In(before.ID, before.Patient).Because(a.reason, "")
	v, err := h.store.Recording(done).UpdateConversation(ctx, before.Practice, before.ID, func(v *Conversation) error {
		if knew && !h.mayKnow(c, v) {
			return ErrNotFound
		}
		if err := may(v); err != nil { // it may have changed
			return err
		}
		return a.apply(v, &c.Person, now)
	})
	var taken *TakenError
	switch {
	case errors.Is(err, errNoChange):
		return *before, nil
	case errors.As(err, &taken):
		return Conversation{}, h.nameTaker(ctx, before.Practice, taken)
	case err != nil:
		return Conversation{}, err
	}
	h.log.InfoContext(ctx, "act", slog.String("act", name), slog.String("conversation", v.ID), slog.String("person", c.Device.Person))
	h.emergencyLeft(ctx, before, &v)
	h.moved(ctx, before, &v)
	return v, nil
}

// Rate keeps what the patient thinks of a closed conversation. A later score
// takes the place of an earlier one.
func (h *Hub) Rate(ctx context.Context, c *Caller, conversation string, score int) error {
	v, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return err
	}
	if err := h.may(c, policy.Rate, h.about(&v)); err != nil {
		return err
	}
	if score < 1 || score > 5 {
		return malformed("score")
	}
	rated := h.event(ctx, c, audit.ConversationRated, "").In(v.ID, v.Patient)
	v, err = h.store.Recording(rated).UpdateConversation(ctx, v.Practice, conversation, func(v *Conversation) error {
		switch {
		case !h.mayKnow(c, v):
			return ErrNotFound
		case v.State != api.StateClosed:
			return ErrForbidden
		}
		v.Rating = score
		return nil
	})
	if err != nil {
		return err
	}
	if err := h.summariseIt(ctx, v); err != nil {
		h.log.WarnContext(ctx, "conversation not announced", slog.String("conversation", v.ID))
	}
	return nil
}

func (h *Hub) actResult(ctx context.Context, v Conversation) (api.ActResult, error) {
	described, err := h.describe(ctx, v)
	return api.ActResult{Conversation: described}, err
}

// nameTaker adds the assignee's name, which staff may see.
func (h *Hub) nameTaker(ctx context.Context, practice string, t *TakenError) error {
	p, err := h.store.Person(ctx, practice, t.Person)
	if err != nil {
		return at("load assignee", err)
	}
	t.Name = p.Name
	return t
}

// lineMoved tells those who wait in a queue that it has become shorter.
func (h *Hub) lineMoved(ctx context.Context, before, after *Conversation) {
	if before.State != api.StateWaiting || after.State == api.StateWaiting {
		return
	}
	waiting, _, _, err := h.store.ListConversations(ctx, ConversationQuery{
		Practice: after.Practice, State: api.StateWaiting, Queues: []string{after.Queue}, Order: ByWaiting, Limit: api.MaxConversationsPage,
	})
	if err != nil {
		return // they see it when they next ask
	}
	var here []Conversation
	var places []int
	for i := range waiting {
		if h.online(waiting[i].Patient) {
			here, places = append(here, waiting[i]), append(places, i+1)
		}
	}
	if len(here) == 0 {
		return
	}
	all, err := h.describeAll(ctx, after.Practice, here)
	if err != nil {
		return
	}
	for i := range all {
		v := &all[i]
		v.Place = places[i]
		h.notify(ctx, Notice{
			Practice: after.Practice, Persons: []string{v.Patient},
			Event: api.Event{Type: api.EventConversation, ConversationID: v.ID, Summary: v},
		})
	}
}

// want makes policy want the person, or no longer.
func (v *Conversation) want(person string, wanted bool) {
	i := slices.IndexFunc(v.Participants, func(p Participant) bool { return p.Person == person })
	if i < 0 {
		if wanted {
			v.Participants = append(v.Participants, Participant{Person: person, Wanted: true, Proper: true})
		}
		return
	}
	p := &v.Participants[i]
	p.Wanted, p.Proper = wanted, p.Proper || wanted && !p.Emergency
}

// assign makes a person the assignee of an open conversation.
func (v *Conversation) assign(person string) {
	v.State, v.Assignee, v.WaitingFrom = api.StateOpen, person, 0
	v.ClosedAt, v.ClosedBy = 0, ""
	v.want(person, true)
}

// consented refuses where consent was taken back: nobody can be let in.
func (v *Conversation) consented() error {
	if v.WithdrawnAt != 0 {
		return ErrConsentWithdrawn
	}
	return nil
}

func take(v *Conversation, p *Person, _ int64) error {
	if err := v.consented(); err != nil {
		return err
	}
	switch {
	case v.State == api.StateClosed:
		return ErrClosed
	case v.State == api.StateOpen && v.Assignee == p.ID:
		return errNoChange
	case v.State == api.StateOpen:
		return &TakenError{Person: v.Assignee}
	}
	v.assign(p.ID)
	return nil
}

func takeOver(v *Conversation, p *Person, _ int64) error {
	if err := v.consented(); err != nil {
		return err
	}
	switch {
	case v.State == api.StateClosed:
		return ErrClosed
	case v.State == api.StateOpen && v.Assignee == p.ID:
		return errNoChange
	}
	if v.Assignee != "" {
		v.want(v.Assignee, false)
	}
	v.assign(p.ID)
	return nil
}

func join(v *Conversation, p *Person, _ int64) error {
	if err := v.consented(); err != nil {
		return err
	}
	switch {
	case v.State == api.StateClosed:
		return ErrClosed
	case v.wants(p.ID):
		return errNoChange
	}
	v.want(p.ID, true)
	return nil
}

func leave(v *Conversation, p *Person, now int64) error {
	if !v.wants(p.ID) {
		return errNoChange
	}
	v.want(p.ID, false)
	if v.Assignee != p.ID || v.State != api.StateOpen {
		return nil
	}
	// The next one who is here answers from now on, or it waits again. Who is in
	// by an emergency is nobody's successor.
	v.Assignee = ""
	for _, other := range v.staffWanted() {
		if !v.urgent(other) {
			v.Assignee = other
			return nil
		}
	}
	v.State, v.WaitingFrom = api.StateWaiting, now
	return nil
}

// staffWanted lists the persons whom policy wants and who are neither the
// patient nor in the group from the start, as services are.
func (v *Conversation) staffWanted() []string {
	var staff []string
	for i, p := range v.Participants {
		if p.Wanted && p.Person != v.Patient && !v.founder(i) {
			staff = append(staff, p.Person)
		}
	}
	return staff
}

// urgent reports whether the person is in by an emergency.
func (v *Conversation) urgent(person string) bool {
	return slices.ContainsFunc(v.Participants, func(p Participant) bool { return p.Person == person && p.Wanted && p.Emergency })
}

// served lists the staff who take part or took part. Who has been in by breaking
// the glass alone is not among them: see docs/decisions/0233.
func (v *Conversation) served() []string {
	var staff []string
	for i, p := range v.Participants {
		if p.Person == v.Patient || v.founder(i) || !p.Proper && p.Broke != 0 && (p.Since == 0 || p.Since >= p.Broke) {
			continue
		}
		staff = append(staff, p.Person)
	}
	return staff
}

// founder reports whether participant i was there when the conversation began:
// the patient and the keeper.
func (v *Conversation) founder(i int) bool { return v.Participants[i].Since == v.CreatedAt }

// end closes v and asks for staff to be taken out of the group. The keeper
// stays: it carries this out, and keeps the record.
func (v *Conversation) end(by string, now int64) {
	v.State, v.ClosedAt, v.ClosedBy, v.WaitingFrom = api.StateClosed, now, by, 0
	for _, s := range v.staffWanted() {
		v.want(s, false)
	}
}

func closeConversation(v *Conversation, p *Person, now int64) error {
	if v.State == api.StateClosed {
		return errNoChange
	}
	v.end(p.ID, now)
	return nil
}

func reopen(v *Conversation, p *Person, now int64) error {
	if err := v.consented(); err != nil {
		return err
	}
	if v.State != api.StateClosed {
		return errNoChange
	}
	if p.Kind == api.KindStaff {
		v.assign(p.ID)
		return nil
	}
	v.State, v.Assignee, v.WaitingFrom = api.StateWaiting, "", now
	v.ClosedAt, v.ClosedBy = 0, ""
	return nil
}

func withdraw(v *Conversation, p *Person, now int64) error {
	if v.WithdrawnAt != 0 {
		return errNoChange
	}
	v.WithdrawnAt = now
	if v.State != api.StateClosed {
		v.end(p.ID, now)
	}
	return nil
}
