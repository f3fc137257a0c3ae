package hub

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/mls/wire"
)

// Send appends a frame to a conversation's log. On a nil error the frame, and
// all that a commit changes, is durable. The same client id with the same
// bytes gives the same answer again.
//
// Sends of one conversation may run at once, and those of many share a commit
// to disk; only handshakes of one conversation wait for each other.
func (h *Hub) Send(ctx context.Context, c *Caller, conversation string, s api.SendFrame) (api.Sent, error) {
	return h.QueueSend(ctx, c, conversation, s)()
}

// QueueSend is [Hub.Send] in two steps, so that one connection can have many
// frames on the way: they stand in the log in the order in which they were
// queued. The caller must call wait, which returns what Send does.
func (h *Hub) QueueSend(ctx context.Context, c *Caller, conversation string, s api.SendFrame) (wait func() (api.Sent, error)) {
	a, m, err := h.prepareSend(c, conversation, &s)
	switch {
	case err != nil:
		return func() (api.Sent, error) { return api.Sent{}, err }
	case s.Kind != api.FrameApplication:
		done, err := h.sendHandshake(ctx, c, a, m, &s)
		return func() (api.Sent, error) { return sent(done), err }
	}
	kind := audit.FrameSent
	if s.History {
		kind = audit.HistoryShared
	}
	sending := h.event(ctx, c, kind, "").In(conversation, "")
	stored := h.store.Recording(sending).QueueFrame(ctx, *a)
	return func() (api.Sent, error) {
		done, err := stored()
		if err != nil {
			return api.Sent{}, h.mask(ctx, c, conversation, err)
		}
		h.appended(ctx, a, done)
		return sent(done), nil
	}
}

// prepareSend checks what can be checked of a frame before it is stored.
func (h *Hub) prepareSend(c *Caller, conversation string, s *api.SendFrame) (*Append, parsedFrame, error) {
	if !validID("c", conversation) {
		return nil, parsedFrame{}, ErrNotFound
	}
	if err := checkFrame(s); err != nil {
		return nil, parsedFrame{}, err
	}
	if err := h.allowDevice("send", c, h.limits.Sends); err != nil {
		return nil, parsedFrame{}, err
	}
	if !c.speaks {
		return nil, parsedFrame{}, ErrForbidden
	}
	if s.History && !c.Keeper() { // only the keeper may say that it shares the record
		return nil, parsedFrame{}, ErrForbidden
	}
	m, err := parseFrame(conversation, s)
	if err != nil {
		return nil, parsedFrame{}, err
	}
	return &Append{
		Practice: c.Device.Practice, Conversation: conversation,
		Frame: Frame{
			Kind: s.Kind, Epoch: m.epoch, Device: c.Device.ID, Person: c.Device.Person,
			ClientID: s.ClientID, ReceivedAt: h.millis(), Payload: s.Payload,
		},
		EvenClosed:    c.Keeper(),
		EvenWithdrawn: c.Keeper() && s.Kind != api.FrameApplication,
	}, m, nil
}

func sent(a Appended) api.Sent {
	return api.Sent{Position: a.Position, ReceivedAt: a.ReceivedAt}
}

// append stores a frame with the events of what it does, and announces it.
func (h *Hub) append(ctx context.Context, a *Append, does ...audit.Event) (Appended, error) {
	done, err := h.store.Recording(does...).AppendFrame(ctx, *a)
	if err != nil {
		return Appended{}, err
	}
	h.appended(ctx, a, done)
	return done, nil
}

// appended counts and announces a frame that is new in its log.
func (h *Hub) appended(ctx context.Context, a *Append, done Appended) {
	if !done.Duplicate {
		h.counters.frame(a.Frame.Kind)
		h.announce(ctx, a, done.Position)
	}
}

func (h *Hub) announce(ctx context.Context, a *Append, position uint64) {
	f := a.Frame
	f.Position = position
	wireFrame := f.api()
	n := Notice{
		Practice: a.Practice, Conversation: a.Conversation,
		Event: api.Event{Type: api.EventFrame, ConversationID: a.Conversation, Frame: &wireFrame},
	}
	if a.Handshake != nil {
		n.Left = a.Handshake.Removed
		for _, m := range a.Handshake.Added {
			n.Joined = append(n.Joined, m.Device)
		}
	}
	h.notify(ctx, n)
}

func (f *Frame) api() api.Frame {
	return api.Frame{
		Position: f.Position, Kind: f.Kind, Epoch: f.Epoch, Device: f.Device, Person: f.Person,
		ClientID: f.ClientID, ReceivedAt: f.ReceivedAt, Payload: f.Payload,
	}
}

func checkFrame(s *api.SendFrame) error {
	switch {
	case len(s.ClientID) < 8 || len(s.ClientID) > 64 || !plain(s.ClientID):
		return malformed("client_id")
	case len(s.Payload) == 0:
		return malformed("payload")
	case len(s.Payload) > api.MaxFrameBytes || len(s.Welcome) > api.MaxWelcomeBytes || len(s.GroupInfo) > api.MaxWelcomeBytes:
		return ErrTooLarge
	case s.Kind != api.FrameCommit && (s.Welcome != nil || s.GroupInfo != nil):
		return malformed("welcome")
	case s.History && s.Kind != api.FrameApplication:
		return malformed("history")
	case s.Kind == api.FrameCommit && s.GroupInfo == nil:
		return malformed("group_info")
	}
	return nil
}

// plain reports whether s is of letters, digits, "-", "_" and "." alone.
func plain(s string) bool {
	for _, r := range []byte(s) {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}

// A parsedFrame is what the hub reads of a frame before it knows the group.
type parsedFrame struct {
	epoch  uint64
	public *wire.PublicMessage // a handshake's
}

// parseFrame checks that the payload is what its kind says, for this group.
func parseFrame(conversation string, s *api.SendFrame) (parsedFrame, error) {
	m, err := wire.ParseMessage(s.Payload)
	if err != nil {
		return parsedFrame{}, malformed("payload")
	}
	var p parsedFrame
	var group []byte
	switch {
	case s.Kind == api.FrameApplication && m.Private != nil && m.Private.Type == wire.ContentApplication:
		p.epoch, group = m.Private.Epoch, m.Private.GroupID
	case s.Kind == api.FrameCommit && m.Public != nil && m.Public.Content.Type == wire.ContentCommit,
		s.Kind == api.FrameProposal && m.Public != nil && m.Public.Content.Type == wire.ContentProposal:
		p.epoch, group, p.public = m.Public.Content.Epoch, m.Public.Content.GroupID, m.Public
	default:
		return parsedFrame{}, malformed("kind")
	}
	if string(group) != conversation {
		return parsedFrame{}, malformed("payload")
	}
	return p, nil
}

// handshakeTries is how often a handshake is checked anew because another hub
// of the same store came first. Here they wait for each other.
const handshakeTries = 4

// sendHandshake checks a commit or proposal against the group and policy, and
// stores it with what it makes of the group.
func (h *Hub) sendHandshake(ctx context.Context, c *Caller, a *Append, m parsedFrame, s *api.SendFrame) (Appended, error) {
	defer h.locks.lock(a.Conversation)()
	for range handshakeTries {
		done, err := h.tryHandshake(ctx, c, a, m, s)
		if !errors.Is(err, ErrRaced) {
			return done, err
		}
	}
	return Appended{}, ErrUnavailable
}

func (h *Hub) tryHandshake(ctx context.Context, c *Caller, a *Append, m parsedFrame, s *api.SendFrame) (Appended, error) {
	v, err := h.conversation(ctx, c, a.Conversation)
	if err != nil {
		return Appended{}, err
	}
	stored, err := h.store.Group(ctx, a.Practice, a.Conversation)
	if err != nil {
		return Appended{}, at("load group", err)
	}
	if m.epoch != stored.Epoch {
		// Either it was stored before, or it is stale: the store can tell, and
		// with an After that is nobody's it will not take the frame.
		a.Handshake = &Handshake{After: math.MaxUint64}
		return h.append(ctx, a)
	}
	checked, err := h.checkHandshake(ctx, c, &v, stored, s)
	if err != nil {
		return h.storedBefore(ctx, a, err)
	}
	a.Handshake, a.External = checked, m.public.Content.Sender.Type == wire.SenderNewMemberCommit
	done, err := h.append(ctx, a, h.handshakeEvents(ctx, c, &v, a)...)
	if err == nil && !done.Duplicate && a.Frame.Kind == api.FrameCommit {
		h.membershipChanged(ctx, a)
	}
	return done, err
}

// handshakeEvents are those of a handshake: that the keys changed, and who came
// and went by it.
func (h *Hub) handshakeEvents(ctx context.Context, c *Caller, v *Conversation, a *Append) []audit.Event {
	events := []audit.Event{h.event(ctx, c, audit.HandshakeSent, "").In(v.ID, v.Patient).With("kind=" + a.Frame.Kind)}
	joined := audit.MemberAdded
	if a.External {
		joined = audit.MemberRejoined
	}
	for _, m := range a.Handshake.Added {
		events = append(events, h.event(ctx, c, joined, m.Device).In(v.ID, v.Patient).About(m.Person))
	}
	for _, device := range a.Handshake.Removed {
		events = append(events, h.event(ctx, c, audit.MemberRemoved, device).In(v.ID, v.Patient))
	}
	return events
}

// storedBefore answers a handshake that does not fit the group: if that is
// because it was stored already, with its position, else with the refusal.
func (h *Hub) storedBefore(ctx context.Context, a *Append, refusal error) (Appended, error) {
	a.Handshake = &Handshake{After: math.MaxUint64}
	done, err := h.append(ctx, a)
	if errors.Is(err, ErrRaced) {
		return Appended{}, refusal
	}
	return done, err
}

// membershipChanged tells who is concerned by a commit: those who joined, and
// everybody who sees the member list.
func (h *Hub) membershipChanged(ctx context.Context, a *Append) {
	if len(a.Handshake.Added) == 0 && len(a.Handshake.Removed) == 0 {
		return
	}
	var welcomed []string
	for _, w := range a.Handshake.Welcomes {
		welcomed = append(welcomed, w.Device)
	}
	if len(welcomed) > 0 {
		h.notify(ctx, Notice{Practice: a.Practice, Devices: welcomed, Event: api.Event{Type: api.EventWelcome, ConversationID: a.Conversation}})
	}
	h.summarise(ctx, a.Practice, a.Conversation)
}

// Frames returns a page of the log. A device reads from the commit that added
// it to the one that removed it, and nothing before or after. If its person was
// wanted no longer before that, its log ends where something was said next: it
// has the keys until somebody commits.
func (h *Hub) Frames(ctx context.Context, c *Caller, conversation string, after uint64, limit int) (api.FramePage, error) {
	v, err := h.mayRead(ctx, c, conversation)
	if err != nil {
		return api.FramePage{}, err
	}
	m, err := h.pastMember(ctx, c, conversation)
	if err != nil {
		return api.FramePage{}, err
	}
	if err := h.recordOpening(ctx, c, h.event(ctx, c, audit.ConversationOpened, ""), conversation); err != nil {
		return api.FramePage{}, err
	}
	if limit <= 0 || limit > api.MaxFramesPerPage {
		limit = api.MaxFramesPerPage
	}
	frames, head, err := h.store.Frames(ctx, c.Device.Practice, conversation, max(after, m.From-1), m.Until, limit)
	if err != nil {
		return api.FramePage{}, err
	}
	if m.Until != 0 {
		head = m.Until
	}
	if left, gone := v.left(c.Device.Person); gone {
		later := slices.IndexFunc(frames, func(f Frame) bool { return f.Kind == api.FrameApplication && f.Position > left })
		if later == 0 && m.Until != 0 {
			return api.FramePage{}, ErrNotAMember // all that is theirs they have
		}
		if later >= 0 {
			frames = frames[:later]
			head = max(after, m.From-1) + uint64(later)
		}
	}
	page := api.FramePage{Frames: make([]api.Frame, len(frames)), Head: head}
	for i := range frames {
		page.Frames[i] = frames[i].api()
	}
	return page, nil
}

// mayRead asks policy whether the caller may read the conversation at all; how
// far, their device's membership says. Who may not is told no more than that
// they are no member, and that only if they may know of it.
func (h *Hub) mayRead(ctx context.Context, c *Caller, conversation string) (Conversation, error) {
	if !validID("c", conversation) {
		return Conversation{}, ErrNotFound
	}
	v, err := h.store.Conversation(ctx, c.Device.Practice, conversation)
	if err != nil {
		return Conversation{}, err
	}
	switch about := h.about(&v); {
	case h.may(c, policy.Frames, about) == nil:
		return v, nil
	case h.may(c, policy.Know, about) == nil:
		return Conversation{}, ErrNotAMember
	}
	return Conversation{}, errHidden
}

// pastMember returns the membership of a device that is or was in the group.
func (h *Hub) pastMember(ctx context.Context, c *Caller, conversation string) (Member, error) {
	m, err := h.store.Member(ctx, c.Device.Practice, conversation, c.Device.ID)
	if errors.Is(err, ErrNotFound) {
		return Member{}, ErrNotAMember
	}
	return m, err
}

// Ack says that the calling device has stored all frames up to position.
func (h *Hub) Ack(ctx context.Context, c *Caller, conversation string, position uint64) error {
	if !validID("c", conversation) {
		return ErrNotFound
	}
	moved, err := h.store.Ack(ctx, c.Device.Practice, conversation, c.Device.ID, position)
	if err != nil {
		return h.mask(ctx, c, conversation, err)
	}
	if moved {
		h.notify(ctx, Notice{
			Practice: c.Device.Practice, Conversation: conversation, Except: c.Device.ID,
			Event: api.Event{Type: api.EventAck, ConversationID: conversation, Person: c.Device.Person, Position: position},
		})
	}
	return nil
}

// Typing tells the others in the group that the caller writes, or has stopped.
func (h *Hub) Typing(ctx context.Context, c *Caller, conversation string, typing bool) error {
	if !validID("c", conversation) {
		return ErrNotFound
	}
	v, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return err
	}
	if !v.has(c.Device.ID) {
		return ErrNotAMember
	}
	if err := h.may(c, policy.Type, h.about(&v)); err != nil {
		return err
	}
	h.notify(ctx, Notice{
		Practice: c.Device.Practice, Conversation: conversation, Except: c.Device.ID,
		Event: api.Event{Type: api.EventTyping, ConversationID: conversation, Person: c.Device.Person, Typing: typing},
	})
	return nil
}

// Welcomes lists those that wait for the calling device.
func (h *Hub) Welcomes(ctx context.Context, c *Caller) (api.WelcomePage, error) {
	ws, err := h.store.Welcomes(ctx, c.Device.Practice, c.Device.ID)
	if err != nil {
		return api.WelcomePage{}, err
	}
	page := api.WelcomePage{Welcomes: make([]api.Welcome, len(ws))}
	for i, w := range ws {
		page.Welcomes[i] = api.Welcome{ID: w.ID, Conversation: w.Conversation, Position: w.Position, Payload: w.Payload}
	}
	return page, nil
}

// DeleteWelcome drops one that the calling device has used.
func (h *Hub) DeleteWelcome(ctx context.Context, c *Caller, id string) error {
	return h.store.DeleteWelcome(ctx, c.Device.Practice, c.Device.ID, id)
}
