package hub

import (
	"context"
	"log/slog"

	"github.com/sotto-health/sotto/api"
)

// A Broker carries notices to every hub that shares a store, the sending one
// included. Notices are doorbells: one that is lost costs a client a fetch,
// never a message.
type Broker interface {
	// Publish hands n to all subscribers. It must not wait for them for long.
	Publish(ctx context.Context, n Notice) error
	// Subscribe calls deliver for every notice from now on, one at a time for
	// each conversation. It is called once.
	Subscribe(deliver func(Notice)) error
}

// localBroker serves one hub.
type localBroker struct{ deliver func(Notice) }

func (b *localBroker) Publish(_ context.Context, n Notice) error {
	b.deliver(n)
	return nil
}

func (b *localBroker) Subscribe(deliver func(Notice)) error {
	b.deliver = deliver
	return nil
}

// A Notice is something that connected devices, or other hubs, should learn.
type Notice struct {
	Practice string
	Event    api.Event

	// Who gets Event: the devices in the room of Conversation, these Devices
	// and Persons, all Services, and the Staff who work on Queue.
	Conversation string
	Devices      []string
	Persons      []string
	Services     bool
	Staff        bool
	Queue        string
	// Except is a device that does not, such as the one that is typing.
	Except string

	// Joined and Left change the room of Conversation before delivery.
	Joined, Left []string

	// End ends sessions.
	End *Ending
	// Renew says that staff have gained or lost queues.
	Renew *Renewal
	// Here is what a hub tells the others about itself.
	Here *Here
	// Lost says that notices of other hubs were lost, and not which: everybody
	// who is connected here comes back and looks. It never leaves a hub.
	Lost bool
}

// An Ending selects sessions: the fields that are set.
type Ending struct {
	Staff  string // id: the device sessions that end with a staff session
	Device string
	Person string
}

func (e *Ending) matches(c *Caller) bool {
	return e.Staff != "" && e.Staff == c.staff ||
		e.Device != "" && e.Device == c.Device.ID ||
		e.Person != "" && e.Person == c.Device.Person
}

// A Renewal selects staff of a practice whose queues have changed.
type Renewal struct {
	Person string // one; empty for all of the practice's staff
}

func (r *Renewal) matches(practice string, c *Caller) bool {
	return c.Staff() && c.Device.Practice == practice && (r.Person == "" || r.Person == c.Device.Person)
}

// notify publishes n. That it fails is logged and no more: what happened is
// stored, and clients find it when they next ask.
func (h *Hub) notify(ctx context.Context, n Notice) {
	if err := h.broker.Publish(context.WithoutCancel(ctx), n); err != nil {
		h.log.WarnContext(ctx, "notice not published", slog.String("type", n.Event.Type))
	}
}

// deliver is what the broker calls for every notice.
func (h *Hub) deliver(n Notice) {
	switch {
	case n.Lost: // it may have said that a session is over, or what has changed
		h.callers.drop(func(*Caller) bool { return true })
		h.board.letAllGo(ReasonSlow)
		return
	case n.Here != nil:
		h.fromPeer(n.Here)
		return
	case n.bare() && !h.load(&n):
		return
	}
	if n.End != nil {
		h.callers.drop(n.End.matches)
		h.board.end(n.End)
	}
	if n.Renew != nil {
		renewed := func(c *Caller) bool { return n.Renew.matches(n.Practice, c) }
		h.callers.drop(renewed)
		h.board.renew(renewed)
	}
	h.board.deliver(&n)
}

// endSessions makes sessions end at once, everywhere: cached ones are
// forgotten and connections closed.
func (h *Hub) endSessions(ctx context.Context, practice string, e Ending) {
	h.notify(ctx, Notice{Practice: practice, End: &e})
}

// queuesChanged has staff work with the queues that they are given now,
// everywhere: their connections come back with them. Nobody named is all staff.
func (h *Hub) queuesChanged(ctx context.Context, practice, person string) {
	h.notify(ctx, Notice{Practice: practice, Renew: &Renewal{Person: person}})
}

// ringKeeper tells the practice's services that there may be work.
func (h *Hub) ringKeeper(ctx context.Context, practice string) {
	h.notify(ctx, Notice{Practice: practice, Services: true, Event: api.Event{Type: api.EventWork}})
}
