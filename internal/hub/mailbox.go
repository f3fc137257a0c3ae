package hub

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

const (
	// mailboxLife is how long a mailbox waits for the next poll.
	mailboxLife = 60 * time.Second
	// maxPollEvents is how many events one poll returns.
	maxPollEvents = 100
)

// mailboxes serve clients whose proxies break WebSockets: a mailbox is a
// connection whose events wait for the next poll.
type mailboxes struct {
	now func() time.Time

	mu   sync.Mutex // guards byID
	byID map[string]*mailbox
}

type mailbox struct {
	id   string
	conn *Connection
	turn chan struct{} // holds one token; who takes it may touch the rest

	events []*Outgoing
	first  uint64 // number of events[0]; the first event ever is 1
	seen   time.Time
}

func newMailboxes(now func() time.Time) *mailboxes {
	return &mailboxes{now: now, byID: make(map[string]*mailbox)}
}

// find returns the mailbox of a cursor, if it is the device's, and how far
// the client has read.
func (m *mailboxes) find(c *Caller, cursor string) (box *mailbox, read uint64) {
	id, number, _ := strings.Cut(cursor, ".")
	read, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	box = m.byID[id]
	if box == nil || box.conn.Caller.Device.ID != c.Device.ID {
		return nil, 0
	}
	return box, read
}

func (m *mailboxes) put(box *mailbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byID[box.id] = box
}

func (m *mailboxes) drop(box *mailbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byID, box.id)
}

// idle removes and returns the mailboxes that nobody has polled for long.
func (m *mailboxes) idle() []*mailbox {
	limit := m.now().Add(-mailboxLife)
	m.mu.Lock()
	defer m.mu.Unlock()
	var idle []*mailbox
	for id, box := range m.byID {
		select {
		case <-box.turn:
			if box.seen.Before(limit) {
				idle = append(idle, box)
				delete(m.byID, id)
			}
			box.turn <- struct{}{}
		default: // a poll is under way
		}
	}
	return idle
}

// SweepMailboxes disconnects clients that have stopped polling. Call it every
// few seconds: others see those clients as present until then.
func (h *Hub) SweepMailboxes() {
	for _, box := range h.mailboxes.idle() {
		h.Disconnect(box.conn)
	}
}

// Poll returns the events after cursor, waiting for the first until ctx ends.
// A cursor that is empty or too old opens a new mailbox, whose first event is
// "ready".
func (h *Hub) Poll(ctx context.Context, c *Caller, cursor string) (api.EventPage, error) {
	box, read := h.mailboxes.find(c, cursor)
	if box == nil {
		return h.openMailbox(context.WithoutCancel(ctx), c, cursor != "")
	}
	select {
	case <-box.turn:
	case <-ctx.Done():
		return api.EventPage{Events: []api.Event{}, Cursor: cursor}, nil
	}
	defer func() {
		box.seen = h.now()
		box.turn <- struct{}{}
	}()
	if end := box.first + uint64(len(box.events)); read+1 < box.first || read >= end {
		return api.EventPage{Events: []api.Event{}, Reset: true}, nil
	}
	box.events = box.events[read+1-box.first:]
	box.first = read + 1
	if !box.collect(ctx) {
		h.mailboxes.drop(box)
		h.Disconnect(box.conn)
		if len(box.events) == 0 {
			return api.EventPage{Events: []api.Event{}, Reset: true}, nil
		}
	}
	for i := 0; i < len(box.events); {
		switch shown, err := h.Opens(context.WithoutCancel(ctx), box.conn, box.events[i]); {
		case err != nil:
			return api.EventPage{}, err // the same poll gets it again
		case !shown:
			box.events = slices.Delete(box.events, i, i+1)
		default:
			i++
		}
	}
	return box.page(), nil
}

func (h *Hub) openMailbox(ctx context.Context, c *Caller, reset bool) (api.EventPage, error) {
	conn, ready, err := h.Connect(ctx, c, false)
	if err != nil {
		return api.EventPage{}, err
	}
	box := &mailbox{
		id: NewID("m"), conn: conn, turn: make(chan struct{}, 1),
		events: []*Outgoing{{Event: ready}}, first: 1, seen: h.now(),
	}
	page := box.page()
	page.Reset = reset
	box.turn <- struct{}{}
	h.mailboxes.put(box)
	return page, nil
}

// collect waits for an event and takes what else is there. It returns false
// once the connection has been let go and everything is taken.
func (b *mailbox) collect(ctx context.Context) bool {
	if len(b.events) == 0 {
		select {
		case o := <-b.conn.Events():
			b.events = append(b.events, o)
		case <-b.conn.Done():
		case <-ctx.Done():
		}
	}
	for len(b.events) < maxPollEvents {
		select {
		case o := <-b.conn.Events():
			b.events = append(b.events, o)
			continue
		default:
		}
		break
	}
	select {
	case <-b.conn.Done():
		return len(b.conn.Events()) > 0
	default:
		return true
	}
}

func (b *mailbox) page() api.EventPage {
	page := api.EventPage{Events: make([]api.Event, len(b.events))}
	for i, o := range b.events {
		page.Events[i] = o.Event
	}
	page.Cursor = fmt.Sprintf("%s.%d", b.id, b.first+uint64(len(b.events))-1)
	return page
}
