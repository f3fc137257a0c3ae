package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// A Reason says why the hub let a connection go.
type Reason string

// The reasons.
const (
	ReasonSlow     Reason = "slow"     // its buffer was full; connect again and catch up
	ReasonEnded    Reason = "ended"    // the session is over; sign in again
	ReasonStopping Reason = "stopping" // the hub is; connect again
	ReasonReplaced Reason = "replaced" // the device has opened too many others
	ReasonLeft     Reason = "left"     // the client went
)

const (
	// How many events may wait for a slow reader: a patient hears of a few
	// conversations, staff of many, a service of all.
	patientBuffer = 64
	staffBuffer   = 512
	serviceBuffer = 8192
	// connectionsPerDevice is how many a device may have; the oldest goes.
	connectionsPerDevice = 8
)

// An Outgoing is one event on its way, encoded at most once for all who get it.
type Outgoing struct {
	Event api.Event

	json, binary   []byte
	asJSON, asPair sync.Once
}

func outgoing(e api.Event) *Outgoing { return &Outgoing{Event: e} }

// JSON returns the event as a text message.
func (o *Outgoing) JSON() []byte {
	o.asJSON.Do(func() { o.json = encoded(json.Marshal(o.Event)) })
	return o.json
}

// Binary returns an event that has a frame as a binary message.
func (o *Outgoing) Binary() []byte {
	o.asPair.Do(func() { o.binary = encoded(o.Event.Binary()) })
	return o.binary
}

func encoded(b []byte, err error) []byte {
	if err != nil {
		panic(fmt.Sprintf("hub: an event cannot be encoded: %v", err)) // plain fields: cannot happen
	}
	return b
}

// own reports whether the event is an application frame that the device sent.
func (o *Outgoing) own(device string) bool {
	f := o.Event.Frame
	return f != nil && f.Kind == api.FrameApplication && f.Device == device
}

// A Connection is one open line to a device. Its reader takes events from
// [Connection.Events] until [Connection.Done] is closed.
type Connection struct {
	Caller  *Caller
	address string // where it comes from
	// replied says that the device learns of what it sends by the replies.
	replied bool
	out     chan *Outgoing
	done    chan struct{}

	once   sync.Once
	reason Reason // set before done is closed

	// opened are the conversations of which the reader was given a message and
	// that was recorded. Only the reader touches it.
	opened map[string]struct{}
	// grants says until when (Unix milliseconds; 0: for good) a patient may be
	// told of a conversation. Only the reader touches it.
	grants map[string]int64

	// Guarded by switchboard.mu:
	rooms  map[string]struct{}
	left   map[string]struct{} // rooms left while the first heads load; nil afterwards
	listed bool
}

// Events carries what the device should learn, in order.
func (c *Connection) Events() <-chan *Outgoing { return c.out }

// Done is closed when the hub lets the connection go.
func (c *Connection) Done() <-chan struct{} { return c.done }

// Reason says why, once Done is closed.
func (c *Connection) Reason() Reason { return c.reason }

// Opens records, before an event from the connection is handed to the device,
// that it opens a conversation: once a session and conversation, with the first
// message of somebody else's. A device that gets its messages as they come asks
// for none, so nothing else would say that it read them. If it cannot be
// recorded, the device must not get the event. One goroutine reads a connection
// and calls this; all but the first message cost it a look into a map. It reports
// false for an event that the device must not get, by a grant that has ended.
func (h *Hub) Opens(ctx context.Context, conn *Connection, o *Outgoing) (bool, error) {
	f, c, id := o.Event.Frame, conn.Caller, o.Event.ConversationID
	if granted, err := h.granted(ctx, conn, id); err != nil || !granted {
		return false, err
	}
	if f == nil || f.Kind != api.FrameApplication || f.Device == c.Device.ID {
		return true, nil
	}
	if _, known := conn.opened[id]; known {
		return true, nil
	}
	opening := h.event(ctx, c, audit.ConversationOpened, "").With("by=push")
	if err := h.recordOpening(ctx, c, opening, id); err != nil {
		h.log.WarnContext(ctx, "message not pushed: its opening could not be recorded", slog.String("device", c.Device.ID), slog.String("conversation", id))
		return false, err
	}
	if conn.opened == nil {
		conn.opened = make(map[string]struct{})
	}
	conn.opened[id] = struct{}{}
	return true, nil
}

// granted reports whether a patient may be told of a conversation now. Who writes
// for somebody else by a grant may until it ends, to the millisecond: it is
// minutes until [Hub.Sweep] finds that it did and has them taken out.
func (h *Hub) granted(ctx context.Context, conn *Connection, conversation string) (bool, error) {
	c := conn.Caller
	if conversation == "" || !c.Patient() {
		return true, nil
	}
	if until, known := conn.grants[conversation]; known && (until == 0 || h.millis() < until) {
		return true, nil
	}
	v, err := h.store.Conversation(ctx, c.Device.Practice, conversation)
	if err != nil {
		return false, at("load what is pushed", err)
	}
	if h.about(&v).PastGrant {
		return false, nil
	}
	if conn.grants == nil {
		conn.grants = make(map[string]int64)
	}
	conn.grants[conversation] = 0
	if v.WritesFor != "" {
		conn.grants[conversation] = v.RelationEnds
	}
	return true, nil
}

// letGo closes Done, once.
func (c *Connection) letGo(r Reason) {
	c.once.Do(func() {
		c.reason = r
		close(c.done)
	})
}

// offer hands o over, or lets a reader go that is too slow. It never blocks.
// Who was let go gets nothing more: it may be no longer for them.
func (c *Connection) offer(o *Outgoing) {
	select {
	case <-c.done:
		return
	default:
	}
	select {
	case c.out <- o:
	default:
		c.letGo(ReasonSlow)
	}
}

// Connect opens a line to the caller's device and returns the "ready" event to
// send first. Whatever happens from then on comes through the connection, so
// that nothing falls between the heads and the first event; but if replied is
// set, the application frames that the device itself sends do not: it learns
// where they stand from the replies.
func (h *Hub) Connect(ctx context.Context, c *Caller, replied bool) (*Connection, api.Event, error) {
	if err := h.recordOnce(ctx, c, h.event(ctx, c, audit.PushOpened, c.Device.ID)); err != nil {
		return nil, api.Event{}, err
	}
	size := patientBuffer
	switch {
	case c.Service():
		size = serviceBuffer
	case c.Staff():
		size = staffBuffer
	}
	conn := &Connection{
		Caller: c, address: audit.RequestOf(ctx).Address, replied: replied, out: make(chan *Outgoing, size), done: make(chan struct{}),
		rooms: make(map[string]struct{}), left: make(map[string]struct{}),
	}
	h.board.add(conn)
	ready, err := h.enterRooms(ctx, conn)
	if err != nil {
		h.board.remove(conn)
		return nil, api.Event{}, err
	}
	if err := h.renewLate(ctx, conn); err != nil {
		h.board.remove(conn)
		return nil, api.Event{}, err
	}
	return conn, ready, nil
}

// renewLate lets a staff person's new connection go again if what they work on
// changed while it opened: the notice came before the connection was listed.
func (h *Hub) renewLate(ctx context.Context, conn *Connection) error {
	c := conn.Caller
	if !c.Staff() {
		return nil
	}
	now, err := h.store.Person(ctx, c.Device.Practice, c.Device.Person)
	if err != nil {
		return at("load who connects", err)
	}
	before, was := c.Person.Serves()
	after, is := now.Serves()
	if was == is && sameSet(before, after) && now.Role == c.Person.Role && now.DisabledAt == 0 {
		return nil
	}
	h.callers.drop(func(o *Caller) bool { return o.Device.Person == now.ID })
	conn.letGo(ReasonSlow)
	return nil
}

// enterRooms puts the connection into the rooms of the device's conversations,
// and then reads the heads: a frame before that is in a head, one after it is
// pushed.
func (h *Hub) enterRooms(ctx context.Context, conn *Connection) (api.Event, error) {
	c := conn.Caller
	heads, err := h.heads(ctx, c)
	if err != nil {
		return api.Event{}, err
	}
	if h.board.enter(conn, heads) {
		if heads, err = h.heads(ctx, c); err != nil {
			return api.Event{}, err
		}
	}
	ready := api.Event{Type: api.EventReady, Heads: make([]api.Head, len(heads))}
	for i, hd := range heads {
		ready.Heads[i] = api.Head{Conversation: hd.Conversation, Head: hd.Head}
	}
	return ready, nil
}

// heads returns those of the device's conversations, of a patient's only those
// that they may know of: see [Hub.keepFrom].
func (h *Hub) heads(ctx context.Context, c *Caller) ([]Head, error) {
	all, err := h.store.Heads(ctx, c.Device.Practice, c.Device.ID)
	if err != nil {
		return nil, at("load heads", err)
	}
	if !c.Patient() {
		return all, nil
	}
	var known []Head
	for _, hd := range all {
		switch _, err := h.conversation(ctx, c, hd.Conversation); {
		case err == nil:
			known = append(known, hd)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return known, nil
}

// Disconnect takes the connection off when its client has gone.
func (h *Hub) Disconnect(conn *Connection) {
	conn.letGo(ReasonLeft)
	h.board.remove(conn)
}

// Online says how many connections are open.
func (h *Hub) Online() int { return h.board.count() }

// EndIfExpired lets the connection go if its session is over.
func (h *Hub) EndIfExpired(conn *Connection) {
	if h.millis() >= conn.Caller.ExpiresAt {
		conn.offer(outgoing(api.Event{Type: api.EventEnded}))
		conn.letGo(ReasonEnded)
	}
}

// LetGo ends a device's connections without ending its session: they come
// back. It serves drills and tests.
func (h *Hub) LetGo(device string) { h.board.letGo(device, ReasonSlow) }
