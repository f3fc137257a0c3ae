package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/sotto-health/sotto/api"
)

// A doorbell is a [Notice] as it goes to the other hubs of a store: ids,
// positions and flags, and nothing that was sealed or that names somebody. The
// hub it comes to loads the rest, if anybody there is concerned.
type doorbell struct {
	Practice     string   `json:"p,omitempty"`
	Type         string   `json:"e,omitempty"`
	About        string   `json:"a,omitempty"` // Event.ConversationID
	Person       string   `json:"n,omitempty"`
	Position     uint64   `json:"x,omitempty"`
	Typing       bool     `json:"t,omitempty"`
	Online       bool     `json:"o,omitempty"`
	Conversation string   `json:"c,omitempty"`
	Devices      []string `json:"d,omitempty"`
	Persons      []string `json:"q,omitempty"`
	Services     bool     `json:"s,omitempty"`
	Staff        bool     `json:"f,omitempty"`
	Queue        string   `json:"u,omitempty"`
	Except       string   `json:"m,omitempty"`
	Joined       []string `json:"j,omitempty"`
	Left         []string `json:"l,omitempty"`
	End          *ended   `json:"z,omitempty"`
	Renew        *renewed `json:"w,omitempty"`
	Here         *Here    `json:"h,omitempty"`
}

// renewed is a Renewal.
type renewed struct {
	Person string `json:"p,omitempty"`
}

// ended is an Ending.
type ended struct {
	Staff  string `json:"s,omitempty"`
	Device string `json:"d,omitempty"`
	Person string `json:"p,omitempty"`
}

// Doorbell encodes n for the other hubs, for a [Broker].
func (n *Notice) Doorbell() ([]byte, error) {
	d := doorbell{
		Practice: n.Practice, Type: n.Event.Type, About: n.Event.ConversationID, Person: n.Event.Person, Position: n.Event.Position,
		Typing: n.Event.Typing, Online: n.Event.Online, Conversation: n.Conversation, Devices: n.Devices, Persons: n.Persons,
		Services: n.Services, Staff: n.Staff, Queue: n.Queue, Except: n.Except, Joined: n.Joined, Left: n.Left, Here: n.Here,
	}
	if n.Event.Frame != nil {
		d.Position = n.Event.Frame.Position
	}
	if e := n.End; e != nil {
		d.End = &ended{Staff: e.Staff, Device: e.Device, Person: e.Person}
	}
	if n.Renew != nil {
		d.Renew = &renewed{n.Renew.Person}
	}
	return json.Marshal(d)
}

// ParseDoorbell decodes what [Notice.Doorbell] encoded at another hub.
func ParseDoorbell(b []byte) (Notice, error) {
	var d doorbell
	if err := json.Unmarshal(b, &d); err != nil {
		return Notice{}, fmt.Errorf("hub: a doorbell that cannot be read: %w", err)
	}
	n := Notice{
		Practice: d.Practice, Conversation: d.Conversation, Devices: d.Devices, Persons: d.Persons, Services: d.Services,
		Staff: d.Staff, Queue: d.Queue, Except: d.Except, Joined: d.Joined, Left: d.Left, Here: d.Here,
		Event: api.Event{Type: d.Type, ConversationID: d.About, Person: d.Person, Position: d.Position, Typing: d.Typing, Online: d.Online},
	}
	if e := d.End; e != nil {
		n.End = &Ending{Staff: e.Staff, Device: e.Device, Person: e.Person}
	}
	if d.Renew != nil {
		n.Renew = &Renewal{Person: d.Renew.Person}
	}
	return n, nil
}

// bare reports whether n came as a doorbell and lacks what its event is about.
func (n *Notice) bare() bool {
	switch n.Event.Type {
	case api.EventFrame:
		return n.Event.Frame == nil
	case api.EventConversation:
		return n.Event.Summary == nil
	}
	return false
}

// loadTimeout bounds how long a doorbell may hold up those behind it.
const loadTimeout = 10 * time.Second

// load fills in what a doorbell left out. If that fails, those concerned are
// let go: they come back and find it in the log.
func (h *Hub) load(n *Notice) bool {
	if !h.board.concerns(n) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	var err error
	if n.Event.Type == api.EventFrame {
		err = h.loadFrame(ctx, n)
	} else {
		err = h.loadSummary(ctx, n)
	}
	if err != nil {
		h.log.WarnContext(ctx, "a doorbell's frame or summary could not be loaded", slog.String("conversation", n.Event.ConversationID))
		h.board.letRoomGo(n.Event.ConversationID, ReasonSlow)
	}
	return err == nil
}

func (h *Hub) loadFrame(ctx context.Context, n *Notice) error {
	at := n.Event.Position
	frames, _, err := h.store.Frames(ctx, n.Practice, n.Conversation, at-1, at, 1)
	if err != nil {
		return err
	}
	if len(frames) != 1 {
		return ErrNotFound
	}
	frame := frames[0].api()
	n.Event.Frame, n.Event.Position = &frame, 0
	return nil
}

func (h *Hub) loadSummary(ctx context.Context, n *Notice) error {
	v, err := h.store.Conversation(ctx, n.Practice, n.Event.ConversationID)
	if err != nil {
		return err
	}
	summary, err := h.describe(ctx, v)
	n.Event.Summary = &summary
	return err
}
