package hub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/wire"
)

// CreateConversation starts a patient's conversation under the id that their
// device chose. Repeated with the same bytes it does nothing and succeeds.
func (h *Hub) CreateConversation(ctx context.Context, c *Caller, id string, n api.CreateConversation) (api.Conversation, error) {
	if err := h.mayInPractice(c, policy.Begin); err != nil {
		return api.Conversation{}, err
	}
	if !validID("c", id) {
		return api.Conversation{}, malformed("id")
	}
	if len(n.Commit) > api.MaxFrameBytes || max(len(n.Founding), len(n.GroupInfo), len(n.Welcome)) > api.MaxWelcomeBytes {
		return api.Conversation{}, ErrTooLarge
	}
	if done, err := h.createdBefore(ctx, c, id, n); done || err != nil {
		if err != nil {
			return api.Conversation{}, err
		}
		return h.Conversation(ctx, c, id)
	}
	p, err := h.practice(ctx, c.Device.Practice)
	if err != nil {
		return api.Conversation{}, err
	}
	if !slices.ContainsFunc(p.Queues, func(q api.Queue) bool { return q.ID == n.Queue }) {
		return api.Conversation{}, malformed("queue")
	}
	about := Conversation{Practice: c.Device.Practice, Queue: n.Queue}
	if err := h.writesFor(ctx, c, &about, n.For); err != nil {
		return api.Conversation{}, err
	}
	receipts, err := h.consents(ctx, c, id, &n, about.ForMinor, h.millis())
	if err != nil {
		return api.Conversation{}, err
	}
	if err := h.checkOpenChats(ctx, c); err != nil {
		return api.Conversation{}, err
	}
	create, err := h.found(ctx, p, c, id, n)
	if err != nil {
		return api.Conversation{}, err
	}
	create.Conversation.WritesFor, create.Conversation.Relation, create.Conversation.ForMinor = about.WritesFor, about.Relation, about.ForMinor
	invitation, err := h.invited(ctx, p, create, n.Invitation)
	if err != nil {
		return api.Conversation{}, err
	}
	create.Receipts, create.Settle = receipts, stands(n.Queue, about.ForMinor, create.Conversation.CreatedAt, true)
	if err := h.store.Recording(h.begun(ctx, c, create)...).CreateConversation(ctx, *create); errors.Is(err, ErrExists) {
		// Somebody's, or this device's own from a moment ago.
		if done, err := h.createdBefore(ctx, c, id, n); err != nil || !done {
			return api.Conversation{}, cmp.Or(err, ErrConflict)
		}
		return h.Conversation(ctx, c, id)
	} else if errors.Is(err, ErrNotFound) {
		return api.Conversation{}, ErrNotFound // the invitation was spent meanwhile
	} else if err != nil {
		return api.Conversation{}, at("store conversation", err)
	}
	h.counters.frame(api.FrameCommit)
	h.announceNew(ctx, create)
	h.proves(ctx, c, invitation)
	return h.Conversation(ctx, c, id)
}

// begun are the events of a new conversation: that it began, with what consent,
// and with whom in it.
func (h *Hub) begun(ctx context.Context, c *Caller, n *NewConversation) []audit.Event {
	v := &n.Conversation
	var events []audit.Event
	for _, r := range n.Receipts {
		events = append(events, h.event(ctx, c, audit.ConsentGiven, r.Form).In(v.ID, v.Patient).With(r.detail()))
	}
	events = append(events, h.event(ctx, c, audit.ConversationBegun, "").In(v.ID, v.Patient).With("queue="+v.Queue))
	for _, m := range v.Members[1:] { // the first is the caller's
		events = append(events, h.event(ctx, c, audit.MemberAdded, m.Device).In(v.ID, v.Patient).About(m.Person))
	}
	return events
}

// createdBefore reports whether the same call has succeeded before. If the id
// is used for something else of the caller's own, that is a conflict.
func (h *Hub) createdBefore(ctx context.Context, c *Caller, id string, n api.CreateConversation) (bool, error) {
	v, err := h.store.Conversation(ctx, c.Device.Practice, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, at("load conversation", err)
	}
	if v.Patient != c.Device.Person {
		return false, ErrConflict
	}
	first, _, err := h.store.Frames(ctx, v.Practice, id, 0, 1, 1)
	if err != nil {
		return false, at("load first frame", err)
	}
	if len(first) != 1 || !bytes.Equal(first[0].Payload, n.Commit) {
		return false, ErrConflict
	}
	return true, nil
}

func (h *Hub) checkOpenChats(ctx context.Context, c *Caller) error {
	open := 0
	for _, state := range []string{api.StateWaiting, api.StateOpen} {
		_, _, n, err := h.store.ListConversations(ctx, ConversationQuery{
			Practice: c.Device.Practice, Patient: c.Device.Person, State: state, Order: ByCreated, Limit: 1,
		})
		if err != nil {
			return at("count conversations", err)
		}
		open += n
	}
	if open >= h.limits.OpenChats {
		return &RateError{RetryAfter: time.Minute}
	}
	return nil
}

// found checks the founding group and the first commit, and returns all that
// is to be stored.
func (h *Hub) found(ctx context.Context, p cachedPractice, c *Caller, id string, n api.CreateConversation) (*NewConversation, error) {
	g, err := delivery.New(h.delivery(p), n.Founding)
	if err != nil {
		return nil, refused(ruleFounding, err)
	}
	founder, err := identities(g.Members())
	if err != nil || len(founder) != 1 || founder[0].Device != c.Device.ID || string(g.ID()) != id || g.Epoch() != 0 {
		return nil, refused(ruleFounding, err)
	}
	if uint16(g.Suite().ID()) != p.Suite {
		return nil, refused(ruleSuite, nil)
	}
	if err := h.checkSenders(ctx, p, g); err != nil {
		return nil, err
	}
	if _, err := parseFrame(id, &api.SendFrame{Kind: api.FrameCommit, Payload: n.Commit}); err != nil {
		return nil, err
	}
	ch, err := check(g, n.Commit)
	if err != nil {
		return nil, err
	}
	if ch.sender.Device != c.Device.ID || ch.External {
		return nil, refused(ruleSender, nil)
	}
	if err := h.checkFirst(ctx, p, ch); err != nil {
		return nil, err
	}
	if err := ch.CheckGroupInfo(n.GroupInfo); err != nil {
		return nil, refused(ruleGroupInfo, err)
	}
	if err := g.Apply(ch.Handshake); err != nil {
		return nil, refused(ruleProtocol, err)
	}
	return h.newConversation(c, id, n, g, ch)
}

// checkFirst checks that the first commit adds keepers, and does nothing else.
func (h *Hub) checkFirst(ctx context.Context, p cachedPractice, ch change) error {
	if len(ch.added) == 0 {
		return refused(ruleKeeperMissing, nil)
	}
	for _, pr := range ch.Proposals {
		if _, ok := pr.(*wire.Add); !ok {
			return refused(ruleProposal, nil)
		}
	}
	for _, a := range ch.added {
		d, err := h.store.Device(ctx, p.ID, a.Device)
		if err != nil || d.RevokedAt != 0 || d.Person != a.Person || !a.Keeper() {
			return refused(ruleOnlyKeeper, err)
		}
	}
	return nil
}

func (h *Hub) newConversation(c *Caller, id string, n api.CreateConversation, g *delivery.PublicGroup, ch change) (*NewConversation, error) {
	now := h.millis()
	hs := &Handshake{}
	if err := hs.add(id, ch, n.Welcome); err != nil {
		return nil, err
	}
	v := Conversation{
		ID: id, Practice: c.Device.Practice, Queue: n.Queue, Language: n.Language, Patient: c.Device.Person,
		LeftMessage: n.LeftMessage, State: api.StateWaiting, CreatedAt: now, WaitingFrom: now, LastAt: now, Epoch: g.Epoch(), Head: 1,
		Participants: []Participant{{Person: c.Device.Person, Wanted: true, Since: now}},
		Members:      []Member{{Device: c.Device.ID, Person: c.Device.Person, From: 1, Since: now, Acked: 1}},
	}
	for _, a := range hs.Added {
		v.Members = append(v.Members, Member{Device: a.Device, Person: a.Person, From: 1, Since: now, Acked: 1})
		if !v.wants(a.Person) {
			v.Participants = append(v.Participants, Participant{Person: a.Person, Wanted: true, Since: now})
		}
	}
	for i := range hs.Welcomes {
		hs.Welcomes[i].Position = 1
	}
	return &NewConversation{
		Conversation: v,
		Group:        Group{State: g.Marshal(), Info: n.GroupInfo, Epoch: g.Epoch(), Handshake: 1},
		First: Frame{
			Position: 1, Kind: api.FrameCommit, Epoch: 0, Device: c.Device.ID, Person: v.Patient,
			ClientID: "founding", ReceivedAt: now, Payload: n.Commit,
		},
		Welcomes: hs.Welcomes,
	}, nil
}

// announceNew brings the devices of a new conversation into its room and
// tells them, the keeper, and the staff who work on its queue.
func (h *Hub) announceNew(ctx context.Context, n *NewConversation) {
	v := &n.Conversation
	var joined, welcomed []string
	for _, m := range v.Members {
		joined = append(joined, m.Device)
	}
	for _, w := range n.Welcomes {
		welcomed = append(welcomed, w.Device)
	}
	first := n.First.api()
	h.notify(ctx, Notice{
		Practice: v.Practice, Conversation: v.ID, Joined: joined,
		Event: api.Event{Type: api.EventFrame, ConversationID: v.ID, Frame: &first},
	})
	h.notify(ctx, Notice{Practice: v.Practice, Devices: welcomed, Event: api.Event{Type: api.EventWelcome, ConversationID: v.ID}})
	h.summarise(ctx, v.Practice, v.ID)
	h.log.InfoContext(ctx, "conversation created", slog.String("practice", v.Practice), slog.String("conversation", v.ID))
}

// Conversation describes one that the caller may know of.
func (h *Hub) Conversation(ctx context.Context, c *Caller, id string) (api.Conversation, error) {
	v, err := h.conversation(ctx, c, id)
	if err != nil {
		return api.Conversation{}, err
	}
	if c.Staff() {
		if err := h.recordOnce(ctx, c, h.event(ctx, c, audit.ConversationSeen, "").In(v.ID, v.Patient)); err != nil {
			return api.Conversation{}, err
		}
	}
	return h.describe(ctx, v)
}

// describe is v as the API shows it.
func (h *Hub) describe(ctx context.Context, v Conversation) (api.Conversation, error) {
	all, err := h.describeAll(ctx, v.Practice, []Conversation{v})
	if err != nil {
		return api.Conversation{}, err
	}
	if v.State == api.StateWaiting {
		if all[0].Place, err = h.store.PlaceInLine(ctx, v); err != nil {
			return api.Conversation{}, at("count the line", err)
		}
	}
	return all[0], nil
}

// describeAll is describe for many, without their places in line.
func (h *Hub) describeAll(ctx context.Context, practice string, vs []Conversation) ([]api.Conversation, error) {
	var ids []string
	for i := range vs {
		for _, p := range vs[i].Participants {
			ids = append(ids, p.Person)
		}
	}
	people, err := h.persons(ctx, practice, ids)
	if err != nil {
		return nil, err
	}
	proofs, err := h.verifications(ctx, practice, vs)
	if err != nil {
		return nil, err
	}
	consents, err := h.consentsOf(ctx, practice, vs)
	if err != nil {
		return nil, err
	}
	urgent, err := h.emergencies(ctx, practice)
	if err != nil {
		return nil, err
	}
	out := make([]api.Conversation, len(vs))
	for i := range vs {
		out[i] = h.describeWith(&vs[i], people)
		for j := range out[i].Participant {
			p := &out[i].Participant[j]
			p.Emergency = slices.Contains(urgent[vs[i].ID], p.Person.ID)
		}
		out[i].Verification = verification(vs[i].standing(proofs[vs[i].Patient], h.millis()))
		out[i].Consents = append([]api.ConversationConsent{}, consents[vs[i].ID]...)
	}
	return out, nil
}

func (h *Hub) describeWith(v *Conversation, people map[string]Person) api.Conversation {
	out := api.Conversation{
		For: v.WritesFor, ForConfirmed: v.Relation != "", Confidential: v.Confidential,
		ID: v.ID, State: v.State, Queue: v.Queue, Language: v.Language, Patient: v.Patient, Assignee: v.Assignee,
		Epoch: v.Epoch, Head: v.Head, CreatedAt: v.CreatedAt, WaitingFrom: v.WaitingFrom, LastAt: v.LastAt,
		ClosedAt: v.ClosedAt, ClosedBy: v.ClosedBy, LeftMessage: v.LeftMessage, Rating: v.Rating, Revision: v.Revision, Consent: v.consentState(h.millis()), Participant: []api.Participant{},
	}
	if v.State == api.StateClosed {
		out.Served = v.served()
	}
	for _, p := range v.Participants {
		joined, acked := v.joined(p.Person)
		if p.Wanted || joined {
			out.Participant = append(out.Participant, api.Participant{
				Person: h.person(people[p.Person]), Since: p.Since, Wanted: p.Wanted, Joined: joined, Acked: acked,
			})
		}
	}
	return out
}

// joined reports whether a device of the person is in the group, and the
// newest position that one has stored.
func (v *Conversation) joined(person string) (in bool, acked uint64) {
	for _, m := range v.Members {
		if m.Person == person {
			in, acked = true, max(acked, m.Acked)
		}
	}
	return in, acked
}

// Boxes of conversations, as the API names them.
const (
	boxOwn     = "own"
	boxWaiting = "waiting"
	boxMine    = "mine"
	boxTeam    = "team"
	boxClosed  = "closed"
	boxAll     = "all"
)

// Conversations lists one box of the caller's.
func (h *Hub) Conversations(ctx context.Context, c *Caller, box, cursor string, limit int) (api.ConversationPage, error) {
	action := boxAction(box)
	if action == "" {
		return api.ConversationPage{}, malformed("box")
	}
	if err := h.mayInPractice(c, action); err != nil {
		return api.ConversationPage{}, err
	}
	q, err := c.query(box)
	if err != nil {
		return api.ConversationPage{}, err
	}
	if limit <= 0 || limit > api.MaxConversationsPage {
		limit = api.MaxConversationsPage
	}
	q.Practice, q.Cursor, q.Limit = c.Device.Practice, cursor, limit
	if c.Patient() {
		q.Standing = h.millis()
	}
	if err := h.recordList(ctx, c, box, cursor); err != nil {
		return api.ConversationPage{}, err
	}
	vs, next, total, err := h.store.ListConversations(ctx, q)
	if err != nil {
		return api.ConversationPage{}, err
	}
	list, err := h.describeAll(ctx, q.Practice, vs)
	if err != nil {
		return api.ConversationPage{}, err
	}
	if box == boxOwn {
		for i := range vs {
			if vs[i].State == api.StateWaiting {
				if list[i].Place, err = h.store.PlaceInLine(ctx, vs[i]); err != nil {
					return api.ConversationPage{}, err
				}
			}
		}
	}
	return api.ConversationPage{Conversations: list, Next: next, Total: total}, nil
}

// boxAction is what looking into a box is to policy, or "" if there is no such
// box.
func boxAction(box string) policy.Action {
	switch box {
	case boxOwn:
		return policy.ListOwn
	case boxWaiting, boxMine, boxTeam, boxClosed:
		return policy.ListQueues
	case boxAll:
		return policy.ListAll
	}
	return ""
}

// query says what a box holds for the caller.
func (c *Caller) query(box string) (ConversationQuery, error) {
	me := c.Device.Person
	queues := c.principal.Queues
	switch {
	case c.principal.AllQueues():
		queues = nil // which asks for every one
	case len(queues) == 0:
		queues = []string{""} // in departments without queues: which no chat waits in
	}
	switch box {
	case boxOwn:
		return ConversationQuery{Patient: me, Order: ByLast}, nil
	case boxWaiting:
		return ConversationQuery{State: api.StateWaiting, Queues: queues, Order: ByWaiting}, nil
	case boxMine:
		return ConversationQuery{State: api.StateOpen, Participant: me, Order: ByLast}, nil
	case boxTeam:
		return ConversationQuery{State: api.StateOpen, NotParticipant: me, Queues: queues, Order: ByLast}, nil
	case boxClosed:
		return ConversationQuery{State: api.StateClosed, Queues: queues, Order: ByLast}, nil
	case boxAll:
		return ConversationQuery{Order: ByCreated}, nil
	}
	return ConversationQuery{}, malformed("box")
}

// summarise tells everybody whom a conversation concerns how it now stands.
func (h *Hub) summarise(ctx context.Context, practice, id string) {
	ctx = context.WithoutCancel(ctx)
	v, err := h.store.Conversation(ctx, practice, id)
	if err == nil {
		err = h.summariseIt(ctx, v)
	}
	if err != nil {
		h.log.WarnContext(ctx, "conversation not announced", slog.String("conversation", id))
	}
}

func (h *Hub) summariseIt(ctx context.Context, v Conversation) error {
	h.seat(ctx, &v) // first: to describe it can fail
	summary, err := h.describe(ctx, v)
	if err != nil {
		return err
	}
	h.announceSummary(ctx, &v, summary)
	return nil
}

// announceSummary is summarise for who has described the conversation.
func (h *Hub) announceSummary(ctx context.Context, v *Conversation, summary api.Conversation) {
	n := Notice{
		Practice: v.Practice, Conversation: v.ID, Staff: true, Queue: v.Queue, Services: true,
		Event: api.Event{Type: api.EventConversation, ConversationID: v.ID, Summary: &summary},
	}
	past := h.about(v).PastGrant
	if past {
		n.Conversation = "" // the patient's side is in the room until the keeper has taken it out of the group
	}
	for _, p := range v.Participants {
		if !past || p.Person != v.Patient {
			n.Persons = append(n.Persons, p.Person)
		}
	}
	h.notify(ctx, n)
}
