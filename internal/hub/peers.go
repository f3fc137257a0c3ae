package hub

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

const (
	// beatLimit is after how long without a word another hub counts as gone. It
	// says something every few seconds: see Beat.
	beatLimit = 20 * time.Second
	// herePerNotice keeps a notice within what brokers carry.
	herePerNotice = 40
)

// Here is what a hub tells the others of one store about who is connected to
// it. It is never stored.
type Here struct {
	Hub   string    `json:"h"`
	Ask   bool      `json:"a,omitempty"` // the others should tell who is with them
	Whole bool      `json:"w,omitempty"` // Came begins a whole list
	Count int       `json:"n"`           // how many are here, Came and Gone included; -1 if more is to come
	Came  []Present `json:"c,omitempty"`
	Gone  []string  `json:"g,omitempty"`
}

// Present is a person who is connected.
type Present struct {
	Person   string `json:"p"`
	Practice string `json:"t"`
	Staff    bool   `json:"s,omitempty"`
	Keeper   bool   `json:"k,omitempty"`
}

// peers are the other hubs of the store, and who is connected to them.
type peers struct {
	self string // this hub; empty if it shares its store with none

	mu   sync.Mutex // guards hubs
	hubs map[string]*peer
}

type peer struct {
	heard time.Time
	in    map[string]Present
	staff map[string]int // by practice
}

func (p *peer) add(who Present) {
	if _, there := p.in[who.Person]; !there && who.Staff {
		p.staff[who.Practice]++
	}
	p.in[who.Person] = who
}

func (p *peer) remove(person string) {
	if who, there := p.in[person]; there && who.Staff {
		p.staff[who.Practice]--
	}
	delete(p.in, person)
}

// any reports whether a hub with the person has a use for match.
func (p *peers) any(match func(*peer) bool) bool {
	if p.self == "" {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.hubs {
		if match(other) {
			return true
		}
	}
	return false
}

func (p *peers) has(person string) bool {
	return p.any(func(other *peer) bool { _, in := other.in[person]; return in })
}

func (p *peers) keeper(person string) bool {
	return p.any(func(other *peer) bool { return other.in[person].Keeper })
}

func (p *peers) staffed(practice string) bool {
	return p.any(func(other *peer) bool { return other.staff[practice] > 0 })
}

// hear takes note of what another hub says, and reports whether this hub has
// missed something of it.
func (p *peers) hear(h *Here, now time.Time) (missed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	other := p.hubs[h.Hub]
	if other == nil || h.Whole {
		other = &peer{in: make(map[string]Present), staff: make(map[string]int)}
		p.hubs[h.Hub] = other
	}
	other.heard = now
	for _, who := range h.Came {
		other.add(who)
	}
	for _, person := range h.Gone {
		other.remove(person)
	}
	return h.Count >= 0 && h.Count != len(other.in)
}

// lapse forgets the hubs that have not been heard of for long, and returns who
// was connected to them.
func (p *peers) lapse(now time.Time) (gone []Present) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, other := range p.hubs {
		if now.Sub(other.heard) > beatLimit {
			gone = slices.AppendSeq(gone, maps.Values(other.in))
			delete(p.hubs, id)
		}
	}
	return gone
}

// online reports whether a person is connected to any hub of the store, or was
// a moment ago.
func (h *Hub) online(person string) bool { return h.board.online(person) || h.peers.has(person) }

// staffed reports whether anybody of a practice's staff is connected.
func (h *Hub) staffed(practice string) bool {
	return h.board.staffed(practice) || h.peers.staffed(practice)
}

func present(c *Caller) Present {
	return Present{Person: c.Device.Person, Practice: c.Device.Practice, Staff: c.Staff(), Keeper: c.Keeper()}
}

// tellPeers tells the other hubs that a person came or went.
func (h *Hub) tellPeers(c *Caller, online bool) {
	if h.peers.self == "" {
		return
	}
	here := &Here{Hub: h.peers.self, Count: -1}
	if online {
		here.Came = []Present{present(c)}
	} else {
		here.Gone = []string{c.Device.Person}
	}
	h.notify(context.Background(), Notice{Here: here})
}

// fromPeer takes what another hub says of itself.
func (h *Hub) fromPeer(here *Here) {
	if h.peers.self == "" || here.Hub == h.peers.self {
		return
	}
	missed := h.peers.hear(here, h.now())
	if missed {
		h.notify(context.Background(), Notice{Here: &Here{Hub: h.peers.self, Ask: true, Count: -1}})
	}
	if here.Ask {
		h.tellWhole()
	}
}

// tellWhole tells the other hubs everybody who is connected here.
func (h *Hub) tellWhole() {
	all := h.board.present()
	here := &Here{Hub: h.peers.self, Whole: true}
	for {
		part := all[:min(len(all), herePerNotice)]
		all = all[len(part):]
		here.Came, here.Count = part, -1
		h.notify(context.Background(), Notice{Here: here})
		if len(all) == 0 {
			return
		}
		here = &Here{Hub: h.peers.self}
	}
}

// Beat tells the other hubs of the store that this one is there, and lets
// those lapse that are not. Call it every five seconds.
func (h *Hub) Beat(ctx context.Context) {
	if h.peers.self == "" {
		return
	}
	h.notify(ctx, Notice{Here: &Here{Hub: h.peers.self, Count: len(h.board.present())}})
	for _, who := range h.peers.lapse(h.now()) {
		if !who.Keeper && !h.online(who.Person) {
			h.personLost(ctx, who)
		}
	}
}

// personLost tells those connected here that a person is gone whose hub died
// without a word.
func (h *Hub) personLost(ctx context.Context, who Present) {
	devices, err := h.store.DevicesOf(ctx, who.Practice, who.Person)
	if err != nil {
		return // it shows at the next summary
	}
	for _, d := range devices {
		heads, err := h.store.Heads(ctx, who.Practice, d.ID)
		if err != nil {
			return
		}
		for _, head := range heads {
			h.board.deliver(&Notice{
				Practice: who.Practice, Conversation: head.Conversation,
				Event: api.Event{Type: api.EventPresence, ConversationID: head.Conversation, Person: who.Person},
			})
		}
	}
}
