package hub

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

// A switchboard knows which devices are connected to this hub, and hands
// events to them. It keeps nothing: presence dies with the process.
type switchboard struct {
	offline time.Duration
	// changed is called without the lock when a person comes or goes, with the
	// conversations of the device that did.
	changed func(c *Caller, online bool, conversations []string)

	mu        sync.Mutex // guards all below; held for map work, never for I/O
	closed    Reason     // not empty once closeAll was called
	devices   map[string][]*Connection
	persons   map[string]*presence
	practices map[string]map[*Connection]struct{} // staff and services only
	rooms     map[string]*room
	open      int
}

// presence is one person's.
type presence struct {
	who   Present
	in    map[*Connection]struct{}
	going *time.Timer // set while nobody is connected but it still shows
}

func newSwitchboard(offline time.Duration, changed func(*Caller, bool, []string)) *switchboard {
	return &switchboard{
		offline: offline, changed: changed,
		devices: make(map[string][]*Connection), persons: make(map[string]*presence),
		practices: make(map[string]map[*Connection]struct{}), rooms: make(map[string]*room),
	}
}

func (b *switchboard) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// online reports whether the person has a connection, or lost it a moment ago.
func (b *switchboard) online(person string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.persons[person] != nil
}

// staffed reports whether anybody of a practice's staff is connected.
func (b *switchboard) staffed(practice string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.practices[practice] {
		if conn.Caller.Staff() {
			return true
		}
	}
	return false
}

func (b *switchboard) add(conn *Connection) {
	c := conn.Caller
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed != "" {
		conn.letGo(b.closed)
	}
	conn.listed = true
	b.open++
	of := append(b.devices[c.Device.ID], conn)
	b.devices[c.Device.ID] = of
	if len(of) > connectionsPerDevice {
		of[0].letGo(ReasonReplaced) // its reader calls Disconnect
	}
	if !c.Patient() {
		in := b.practices[c.Device.Practice]
		if in == nil {
			in = make(map[*Connection]struct{})
			b.practices[c.Device.Practice] = in
		}
		in[conn] = struct{}{}
	}
}

// enter puts conn into the rooms of heads and marks its person present. It
// reports whether there were any.
func (b *switchboard) enter(conn *Connection, heads []Head) bool {
	b.mu.Lock()
	for _, hd := range heads {
		if _, gone := conn.left[hd.Conversation]; !gone {
			b.join(hd.Conversation, hd.Head+1, conn)
		}
	}
	conn.left = nil
	came := b.arrive(conn)
	rooms := slices.Collect(maps.Keys(conn.rooms))
	b.mu.Unlock()
	if came {
		b.changed(conn.Caller, true, rooms)
	}
	return len(heads) > 0
}

// arrive counts conn's person in, and reports whether they were away.
func (b *switchboard) arrive(conn *Connection) bool {
	id := conn.Caller.Device.Person
	p := b.persons[id]
	if p == nil {
		b.persons[id] = &presence{who: present(conn.Caller), in: map[*Connection]struct{}{conn: {}}}
		return true
	}
	p.in[conn] = struct{}{}
	if p.going != nil {
		p.going.Stop()
		p.going = nil
	}
	return false
}

func (b *switchboard) remove(conn *Connection) {
	c := conn.Caller
	b.mu.Lock()
	defer b.mu.Unlock()
	if !conn.listed {
		return
	}
	conn.listed = false
	b.open--
	rooms := slices.Collect(maps.Keys(conn.rooms))
	for _, id := range rooms {
		b.part(id, conn)
	}
	rest := slices.DeleteFunc(b.devices[c.Device.ID], func(o *Connection) bool { return o == conn })
	if len(rest) == 0 {
		delete(b.devices, c.Device.ID)
	} else {
		b.devices[c.Device.ID] = rest
	}
	if in := b.practices[c.Device.Practice]; in != nil {
		delete(in, conn)
		if len(in) == 0 {
			delete(b.practices, c.Device.Practice)
		}
	}
	if conn.left == nil { // it had arrived
		b.depart(conn, rooms)
	}
}

// depart counts a person out. Only after a while do others see it: a reload
// is no absence.
func (b *switchboard) depart(conn *Connection, rooms []string) {
	id := conn.Caller.Device.Person
	p := b.persons[id]
	if p == nil {
		return
	}
	if delete(p.in, conn); len(p.in) > 0 || b.closed != "" {
		return
	}
	p.going = time.AfterFunc(b.offline, func() {
		b.mu.Lock()
		gone := b.persons[id] == p && len(p.in) == 0
		if gone {
			delete(b.persons, id)
		}
		b.mu.Unlock()
		if gone {
			b.changed(conn.Caller, false, rooms)
		}
	})
}

// end lets the connections of ended sessions go, after telling them.
func (b *switchboard) end(e *Ending) {
	over := outgoing(api.Event{Type: api.EventEnded})
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.devices {
		for _, conn := range of {
			if e.matches(conn.Caller) {
				conn.offer(over)
				conn.letGo(ReasonEnded)
			}
		}
	}
}

// staffConnections are those of staff.
func (b *switchboard) staffConnections() (all []*Connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.devices {
		for _, conn := range of {
			if conn.Caller.Staff() {
				all = append(all, conn)
			}
		}
	}
	return all
}

// staffSessions are those that connections were opened with.
func (b *switchboard) staffSessions() map[string]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	open := make(map[string]struct{})
	for _, of := range b.devices {
		for _, conn := range of {
			if c := conn.Caller; c.Staff() {
				open[c.staff] = struct{}{}
			}
		}
	}
	return open
}

// closeAll lets everybody go, also those who come later.
func (b *switchboard) closeAll(r Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = r
	for _, of := range b.devices {
		for _, conn := range of {
			conn.letGo(r)
		}
	}
	for _, p := range b.persons {
		if p.going != nil {
			p.going.Stop()
		}
	}
	for _, r := range b.rooms {
		r.stop()
	}
}

// deliver changes rooms as n says and offers its event to whom it is for,
// once to each connection.
func (b *switchboard) deliver(n *Notice) {
	var o *Outgoing
	if n.Event.Type != "" {
		o = outgoing(n.Event)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range n.Left {
		for _, conn := range b.devices[d] {
			// It still gets this event: the commit that removed it, also where it
			// was pushed nothing for a while because it was to be removed.
			if _, in := conn.rooms[n.Conversation]; !in && o != nil && n.Event.Type == api.EventFrame {
				conn.offer(o)
			}
			defer b.part(n.Conversation, conn)
			if conn.left != nil {
				conn.left[n.Conversation] = struct{}{}
			}
		}
	}
	for _, d := range n.Joined {
		for _, conn := range b.devices[d] {
			b.join(n.Conversation, 0, conn)
			delete(conn.left, n.Conversation)
		}
	}
	if o == nil {
		return
	}
	if n.Event.Type == api.EventFrame {
		if r := b.rooms[n.Conversation]; r != nil {
			r.frame(b, o)
		}
		return
	}
	for conn := range b.audience(n) {
		conn.offer(o)
	}
}

func (b *switchboard) audience(n *Notice) map[*Connection]struct{} {
	to := make(map[*Connection]struct{})
	add := func(conn *Connection) {
		if conn.Caller.Device.ID != n.Except {
			to[conn] = struct{}{}
		}
	}
	if r := b.rooms[n.Conversation]; r != nil {
		for conn := range r.in {
			add(conn)
		}
	}
	for _, d := range n.Devices {
		for _, conn := range b.devices[d] {
			add(conn)
		}
	}
	if n.Services || n.Staff {
		for conn := range b.practices[n.Practice] {
			c := conn.Caller
			if n.Services && c.Service() || n.Staff && c.queues && works(c.principal, n.Queue) {
				add(conn)
			}
		}
	}
	for _, id := range n.Persons {
		if p := b.persons[id]; p != nil {
			for conn := range p.in {
				add(conn)
			}
		}
	}
	return to
}

// join puts conn into a room. The first to come says which position is
// announced next, or 0 if it does not know.
func (b *switchboard) join(conversation string, next uint64, conn *Connection) {
	r := b.rooms[conversation]
	if r == nil {
		r = &room{in: make(map[*Connection]struct{}), next: next}
		b.rooms[conversation] = r
	}
	r.in[conn] = struct{}{}
	conn.rooms[conversation] = struct{}{}
}

func (b *switchboard) part(conversation string, conn *Connection) {
	delete(conn.rooms, conversation)
	r := b.rooms[conversation]
	if r == nil {
		return
	}
	delete(r.in, conn)
	if len(r.in) == 0 {
		r.stop()
		delete(b.rooms, conversation)
	}
}

// maxHold is how long a frame waits for one before it in the log. Frames that
// were stored together may be announced in any order.
const maxHold = 100 * time.Millisecond

// A room is the connected devices of one conversation. Guarded by
// switchboard.mu.
type room struct {
	in    map[*Connection]struct{}
	next  uint64 // position announced next; 0 if not known
	held  map[uint64]*Outgoing
	timer *time.Timer
}

// frame announces o in the order of the log.
func (r *room) frame(b *switchboard, o *Outgoing) {
	at := o.Event.Frame.Position
	if r.next != 0 && at > r.next {
		if r.held == nil {
			r.held = make(map[uint64]*Outgoing)
		}
		r.held[at] = o
		if r.timer == nil {
			r.timer = time.AfterFunc(maxHold, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				r.timer = nil
				r.release()
			})
		}
		return
	}
	r.announce(o)
	r.next = max(r.next, at+1)
	for r.held[r.next] != nil {
		r.announce(r.held[r.next])
		delete(r.held, r.next)
		r.next++
	}
	if len(r.held) == 0 {
		r.stop()
	}
}

// release announces what is held, gaps or not: clients fetch what they miss.
func (r *room) release() {
	for _, at := range slices.Sorted(maps.Keys(r.held)) {
		r.announce(r.held[at])
		r.next = at + 1
	}
	clear(r.held)
}

func (r *room) announce(o *Outgoing) {
	for conn := range r.in {
		if !conn.replied || !o.own(conn.Caller.Device.ID) {
			conn.offer(o)
		}
	}
}

func (r *room) stop() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// keeper reports whether the device is a keeper's and connected here.
func (b *switchboard) keeper(device string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.devices[device]
	return len(of) > 0 && of[0].Caller.Keeper()
}

func (b *switchboard) letGo(device string, r Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, conn := range b.devices[device] {
		conn.letGo(r)
	}
}

// letRoomGo lets everybody go who is connected here and in the conversation.
func (b *switchboard) letRoomGo(conversation string, r Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := b.rooms[conversation]; room != nil {
		for conn := range room.in {
			conn.letGo(r)
		}
	}
}

// renew lets those go that match. They come back, as who they are by then.
func (b *switchboard) renew(match func(*Caller) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.devices {
		for _, conn := range of {
			if match(conn.Caller) {
				conn.letGo(ReasonSlow)
			}
		}
	}
}

// letAllGo lets everybody go. They may come back at once.
func (b *switchboard) letAllGo(r Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.devices {
		for _, conn := range of {
			conn.letGo(r)
		}
	}
}

// concerns reports whether n is for anybody who is connected here.
func (b *switchboard) concerns(n *Notice) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, changed := range [][]string{n.Joined, n.Left} {
		for _, d := range changed {
			if len(b.devices[d]) > 0 {
				return true
			}
		}
	}
	if n.Event.Type == api.EventFrame {
		return b.rooms[n.Conversation] != nil
	}
	return len(b.audience(n)) > 0
}

// present lists who is connected here, or was a moment ago.
func (b *switchboard) present() []Present {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Present, 0, len(b.persons))
	for _, p := range b.persons {
		all = append(all, p.who)
	}
	return all
}
