package devicetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/mls/wire"
)

// ErrOffline is what calls of an unreachable hub return.
var ErrOffline = errors.New("devicetest: no network")

// Lies are what the hub tells one client instead of the truth. Nil fields are
// the truth. They are called with nothing locked.
type Lies struct {
	Practice  func(api.Practice) api.Practice
	Frames    func(conversation string, frames []api.Frame) []api.Frame // of a page, and pushed ones one by one
	Head      func(conversation string, head uint64) uint64
	GroupInfo func(api.GroupInfo) api.GroupInfo
	Claim     func([]api.ClaimedKeyPackage) []api.ClaimedKeyPackage
	Self      func(api.Device) api.Device
	Sent      func(*api.Sent) *api.Sent // nil: the reply gets lost
	// LoseReply makes the reply of a call that was carried out get lost.
	LoseReply func(call string) bool
}

// A Client is the hub as one device calls it. It implements device.Hub, and for
// a keeper keeper.Hub.
type Client struct {
	hub *Hub

	mu      sync.Mutex // guards all below
	session string     // device; also read under hub.mu, written under both
	offline bool
	lies    Lies
	queue   []api.Event
	ready   chan struct{}
	cut     chan struct{}
}

// Client returns a new client of h.
func (h *Hub) Client() *Client {
	return &Client{hub: h, ready: make(chan struct{}, 1), cut: make(chan struct{})}
}

// Lie makes the hub tell this client lies.
func (c *Client) Lie(l Lies) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lies = l
}

// SetOffline cuts the network, or mends it.
func (c *Client) SetOffline(offline bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offline = offline
	if offline {
		close(c.cut)
		c.cut = make(chan struct{})
	}
}

func (c *Client) deliver(e api.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, e)
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// enter begins a call. The caller holds hub.mu until it calls leave.
func (c *Client) enter(name string) (Lies, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offline {
		return Lies{}, ErrOffline
	}
	return c.lies, nil
}

// call runs f with the hub locked, as a call with a session.
func (c *Client) call(name string, f func(d *station) error) error {
	lies, err := c.enter(name)
	if err != nil {
		return err
	}
	c.hub.mu.Lock()
	d := c.hub.devices[c.session]
	if d == nil {
		c.hub.mu.Unlock()
		return problem(api.CodeUnauthenticated)
	}
	err = f(d)
	c.hub.mu.Unlock()
	if err == nil && lies.LoseReply != nil && lies.LoseReply(name) {
		return ErrOffline
	}
	return err
}

// Practice implements device.Hub.
func (c *Client) Practice(_ context.Context, slug string) (*api.Practice, error) {
	lies, err := c.enter("practice")
	if err != nil {
		return nil, err
	}
	p := c.hub.Practice
	if slug != p.Slug {
		return nil, problem(api.CodeNotFound)
	}
	if lies.Practice != nil {
		p = lies.Practice(p)
	}
	return &p, nil
}

// Challenge implements device.Hub.
func (c *Client) Challenge(context.Context) (*api.Challenge, error) {
	if _, err := c.enter("challenge"); err != nil {
		return nil, err
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	return &api.Challenge{Nonce: c.hub.id("nonce_")}, nil
}

// NewGuest implements device.Hub.
func (c *Client) NewGuest(_ context.Context, g api.NewGuest) (*api.Device, error) {
	return c.register(g.PublicKey, g.Proof, api.Device{Kind: api.KindPatient, Role: "patient"}, "", "")
}

// NewStaffDevice implements device.Hub: everybody is nurse Maria, but for those
// whom AddDevice knows.
func (c *Client) NewStaffDevice(_ context.Context, s api.NewStaffDevice) (*api.Device, error) {
	return c.register(s.PublicKey, s.Proof, api.Device{Kind: api.KindStaff, Role: "nurse", Person: "p_" + s.Name}, s.Name, "RN")
}

func (c *Client) register(key []byte, proof api.DeviceProof, d api.Device, name, title string) (*api.Device, error) {
	if _, err := c.enter("register"); err != nil {
		return nil, err
	}
	h := c.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, known := range h.devices {
		if bytes.Equal(known.key, key) {
			return &known.Device, nil
		}
	}
	d.ID, d.Practice = h.id("d_"), h.Practice.ID
	if d.Person == "" {
		d.Person = h.id("p_")
	}
	h.devices[d.ID] = &station{Device: d, key: key, proof: proof, name: name, title: title}
	h.pushKeeper(api.Event{Type: api.EventWork})
	return &d, nil
}

// OpenSession implements device.Hub.
func (c *Client) OpenSession(_ context.Context, s api.OpenDeviceSession) (*api.DeviceSession, error) {
	lies, err := c.enter("session")
	if err != nil {
		return nil, err
	}
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	d := c.hub.devices[s.Device]
	if d == nil {
		return nil, problem(api.CodeUnauthenticated)
	}
	proof := certificate.Proof{Purpose: certificate.PurposeSession, Subject: s.Device, PublicKey: d.key, Nonce: s.Proof.Nonce}
	if proof.Verify(s.Proof.Signature) != nil {
		return nil, problem(api.CodeUnauthenticated)
	}
	c.session = s.Device
	out := d.Device
	if lies.Self != nil {
		out = lies.Self(out)
	}
	return &api.DeviceSession{Token: "t", Device: out}, nil
}

// Self implements device.Hub.
func (c *Client) Self(context.Context) (out *api.Device, err error) {
	lies, err := c.enter("self")
	if err != nil {
		return nil, err
	}
	err = c.call("self", func(d *station) error {
		copied := d.Device
		out = &copied
		return nil
	})
	if err == nil && lies.Self != nil {
		lied := lies.Self(*out)
		out = &lied
	}
	return out, err
}

// PublishKeyPackages implements device.Hub.
func (c *Client) PublishKeyPackages(_ context.Context, p api.PublishKeyPackages) error {
	return c.call("publish", func(d *station) error {
		for _, k := range p.Packages {
			if !slices.ContainsFunc(d.packages, func(have []byte) bool { return bytes.Equal(have, k) }) {
				d.packages = append(d.packages, k)
			}
		}
		if p.LastResort != nil {
			d.last = p.LastResort
		}
		c.hub.pushKeeper(api.Event{Type: api.EventWork})
		return nil
	})
}

// CountKeyPackages implements device.Hub.
func (c *Client) CountKeyPackages(context.Context) (out *api.KeyPackageCount, err error) {
	err = c.call("count", func(d *station) error {
		out = &api.KeyPackageCount{Unused: len(d.packages), HasLastResort: d.last != nil}
		return nil
	})
	return out, err
}

// ClaimKeyPackages implements device.Hub.
func (c *Client) ClaimKeyPackages(_ context.Context, want api.ClaimKeyPackages) (out []api.ClaimedKeyPackage, err error) {
	lies, err := c.enter("claim")
	if err != nil {
		return nil, err
	}
	err = c.call("claim", func(*station) error {
		for id, d := range c.hub.devices {
			if d.Person != want.Person && (want.Person != certificate.RoleKeeper || d.Role != certificate.RoleKeeper) {
				continue
			}
			if len(want.Devices) > 0 && !slices.Contains(want.Devices, id) {
				continue
			}
			k := api.ClaimedKeyPackage{Device: id, Person: d.Person}
			switch {
			case len(d.packages) > 0:
				k.Package, d.packages = d.packages[0], d.packages[1:]
			case d.last != nil:
				k.Package, k.LastResort = d.last, true
			default:
				continue
			}
			if len(d.packages) < 2 {
				c.hub.push(id, api.Event{Type: api.EventKeyPackages})
			}
			out = append(out, k)
		}
		return nil
	})
	if err == nil && lies.Claim != nil {
		out = lies.Claim(out)
	}
	return out, err
}

// CreateConversation implements device.Hub.
func (c *Client) CreateConversation(_ context.Context, id string, n api.CreateConversation) (out *api.Conversation, err error) {
	err = c.call("create", func(d *station) error {
		h := c.hub
		founded := fingerprint(n.Commit, n.Founding, n.GroupInfo, n.Consent.Signature)
		if have := h.conversations[id]; have != nil {
			if !bytes.Equal(have.founded, founded) {
				return problem(api.CodeConflict)
			}
			out = have.summary()
			return nil
		}
		now := time.Now().UnixMilli()
		made := &conversation{
			Conversation: api.Conversation{ID: id, State: api.StateWaiting, Queue: n.Queue, Language: n.Language, Patient: d.Person, CreatedAt: now, WaitingFrom: now, LastAt: now, Consent: "given"},
			members:      map[string]uint64{}, past: map[string]bool{}, founded: founded,
		}
		h.conversations[id] = made
		made.want(api.Person{ID: d.Person, Kind: d.Kind, Role: d.Role}, true)
		made.members[d.ID] = 0
		made.participant(d.Person).Joined = true
		made.frames = append(made.frames, api.Frame{Position: 1, Kind: api.FrameCommit, Device: d.ID, Person: d.Person, ReceivedAt: now, Payload: n.Commit})
		before := map[string]uint64{d.ID: 0}
		h.roster(made, n.GroupInfo)
		h.welcome(made, n.Welcome, before)
		h.pushSummary(made)
		h.pushKeeper(api.Event{Type: api.EventWork})
		out = made.summary()
		return nil
	})
	return out, err
}

// Conversation implements device.Hub.
func (c *Client) Conversation(_ context.Context, id string) (out *api.Conversation, err error) {
	err = c.in(id, func(d *station, have *conversation) error { out = have.summary(); return nil })
	return out, err
}

func (c *Client) in(id string, f func(*station, *conversation) error) error {
	return c.call("conversation", func(d *station) error {
		have := c.hub.conversations[id]
		if have == nil {
			return problem(api.CodeNotFound)
		}
		return f(d, have)
	})
}

// Conversations implements device.Hub.
func (c *Client) Conversations(_ context.Context, box, _ string) (out *api.ConversationPage, err error) {
	err = c.call("conversations", func(d *station) error {
		out = &api.ConversationPage{}
		for _, have := range c.hub.conversations {
			p := have.participant(d.Person)
			mine := p != nil && p.Wanted
			if box == "" || box == "own" && mine || box == "mine" && mine || box == "waiting" && have.State == api.StateWaiting || box == "team" && have.State == api.StateOpen && !mine {
				out.Conversations = append(out.Conversations, *have.summary())
			}
		}
		out.Total = len(out.Conversations)
		return nil
	})
	return out, err
}

// GiveConsent implements device.Hub: whatever is agreed to is taken.
func (c *Client) GiveConsent(ctx context.Context, give api.GiveConsent) (*api.ConsentGiven, error) {
	given := &api.ConsentGiven{Agreement: api.Agreement{ConsentReceipt: give.Receipt, Conversation: give.Conversation}}
	if give.Conversation == "" {
		return given, nil
	}
	v, err := c.Conversation(ctx, give.Conversation)
	given.Conversation = v
	return given, err
}

// Sightings implements device.Hub. There are none.
func (c *Client) Sightings(context.Context, string) (*api.Sightings, error) {
	return &api.Sightings{}, nil
}

// Agreements implements device.Hub. There are none.
func (c *Client) Agreements(context.Context) (*api.Agreements, error) {
	return &api.Agreements{}, nil
}

// WithdrawConsent implements device.Hub. There is none to take back.
func (c *Client) WithdrawConsent(context.Context, string) (*api.Agreement, error) {
	return nil, problem(api.CodeNotFound)
}

// Rate implements device.Hub.
func (c *Client) Rate(_ context.Context, id string, score int) error {
	return c.in(id, func(_ *station, have *conversation) error {
		have.Rating = score
		have.Revision++
		c.hub.pushSummary(have)
		return nil
	})
}

// Act implements device.Hub.
func (c *Client) Act(_ context.Context, id, act, _ string) (out *api.ActResult, err error) {
	err = c.in(id, func(d *station, have *conversation) error {
		person := api.Person{ID: d.Person, Kind: d.Kind, Role: d.Role}
		switch act {
		case "take":
			if have.Assignee != "" && have.Assignee != d.Person {
				return &api.Problem{Code: api.CodeTaken, Person: have.Assignee}
			}
			have.Assignee, have.State = d.Person, api.StateOpen
			have.want(person, true)
		case "join":
			have.want(person, true)
		case "leave":
			have.want(person, false)
		case "close":
			have.State, have.ClosedBy = api.StateClosed, d.Person
		case "reopen":
			have.State = api.StateOpen
		case "withdraw":
			have.Consent = "withdrawn"
		}
		have.Revision++
		c.hub.pushSummary(have)
		c.hub.pushKeeper(api.Event{Type: api.EventWork})
		out = &api.ActResult{Conversation: *have.summary()}
		return nil
	})
	return out, err
}

// Frames implements device.Hub.
func (c *Client) Frames(_ context.Context, id string, after uint64, limit int) (out *api.FramePage, err error) {
	lies, err := c.enter("frames")
	if err != nil {
		return nil, err
	}
	err = c.in(id, func(d *station, have *conversation) error {
		since, in := have.members[d.ID]
		if !in && !have.past[d.ID] {
			return problem(api.CodeNotAMember)
		}
		out = &api.FramePage{Head: uint64(len(have.frames))}
		for _, f := range have.frames {
			if f.Position > max(after, since) && len(out.Frames) < limit {
				out.Frames = append(out.Frames, f)
			}
		}
		return nil
	})
	if err == nil && lies.Frames != nil {
		out.Frames = lies.Frames(id, out.Frames)
	}
	if err == nil && lies.Head != nil {
		out.Head = lies.Head(id, out.Head)
	}
	return out, err
}

// Send implements device.Hub.
func (c *Client) Send(_ context.Context, id string, s api.SendFrame) (out *api.Sent, err error) {
	lies, err := c.enter("send")
	if err != nil {
		return nil, err
	}
	lost := false
	err = c.in(id, func(d *station, have *conversation) error {
		for _, f := range have.frames {
			if f.Device == d.ID && f.ClientID == s.ClientID {
				if !sameFrame(f, s) {
					return problem(api.CodeConflict)
				}
				out = &api.Sent{Position: f.Position, ReceivedAt: f.ReceivedAt}
				return nil
			}
		}
		external, epoch, err := inspect(s.Payload)
		if err != nil {
			return err
		}
		_, in := have.members[d.ID]
		switch {
		case have.Consent == "withdrawn" && d.Kind != api.KindService:
			return problem(api.CodeConsentWithdrawn)
		case have.State == api.StateClosed && d.Kind != api.KindService:
			return problem(api.CodeClosed)
		case !in && !external:
			return problem(api.CodeNotAMember)
		case epoch != have.Epoch:
			return &api.Problem{Code: api.CodeStaleEpoch, Epoch: have.Epoch, Head: uint64(len(have.frames))}
		}
		before := map[string]uint64{}
		for k, v := range have.members {
			before[k] = v
		}
		out = c.hub.append(have, api.Frame{Kind: s.Kind, Epoch: epoch, Device: d.ID, Person: d.Person, ClientID: s.ClientID, Payload: s.Payload})
		if s.Kind == api.FrameCommit {
			c.hub.roster(have, s.GroupInfo)
			c.hub.welcome(have, s.Welcome, before)
			c.hub.pushSummary(have)
			c.hub.pushKeeper(api.Event{Type: api.EventWork})
		}
		lost = lies.LoseReply != nil && lies.LoseReply("send")
		return nil
	})
	if lost {
		return nil, ErrOffline
	}
	if err == nil && lies.Sent != nil {
		if out = lies.Sent(out); out == nil {
			return nil, ErrOffline
		}
	}
	return out, err
}

// inspect reads what the hub can see of a frame.
func inspect(payload []byte) (external bool, epoch uint64, err error) {
	m, err := wire.ParseMessage(payload)
	if err != nil {
		return false, 0, problem(api.CodeMalformed)
	}
	switch {
	case m.Private != nil:
		return false, m.Private.Epoch, nil
	case m.Public != nil:
		return m.Public.Content.Sender.Type == wire.SenderNewMemberCommit, m.Public.Content.Epoch, nil
	}
	return false, 0, problem(api.CodeMalformed)
}

// Ack implements device.Hub.
func (c *Client) Ack(_ context.Context, id string, position uint64) error {
	return c.in(id, func(d *station, have *conversation) error {
		p := have.participant(d.Person)
		if p == nil || position <= p.Acked {
			return nil
		}
		p.Acked = position
		for other := range have.members {
			c.hub.push(other, api.Event{Type: api.EventAck, ConversationID: id, Person: d.Person, Position: position})
		}
		return nil
	})
}

// Typing implements device.Hub.
func (c *Client) Typing(_ context.Context, id string, typing bool) error {
	return c.in(id, func(d *station, have *conversation) error {
		for other := range have.members {
			if other != d.ID {
				c.hub.push(other, api.Event{Type: api.EventTyping, ConversationID: id, Person: d.Person, Typing: typing})
			}
		}
		return nil
	})
}

// Welcomes implements device.Hub.
func (c *Client) Welcomes(context.Context) (out []api.Welcome, err error) {
	err = c.call("welcomes", func(d *station) error { out = slices.Clone(d.welcomes); return nil })
	return out, err
}

// DeleteWelcome implements device.Hub.
func (c *Client) DeleteWelcome(_ context.Context, id string) error {
	return c.call("delete welcome", func(d *station) error {
		d.welcomes = slices.DeleteFunc(d.welcomes, func(w api.Welcome) bool { return w.ID == id })
		return nil
	})
}

// GroupInfo implements device.Hub.
func (c *Client) GroupInfo(_ context.Context, id string) (out *api.GroupInfo, err error) {
	lies, err := c.enter("group info")
	if err != nil {
		return nil, err
	}
	err = c.in(id, func(d *station, have *conversation) error {
		if p := have.participant(d.Person); p == nil || !p.Wanted {
			return problem(api.CodeNotAMember)
		}
		out = &api.GroupInfo{GroupInfo: have.info, Epoch: have.Epoch, Head: uint64(len(have.frames))}
		return nil
	})
	if lies.GroupInfo == nil {
		return out, err
	}
	if out == nil { // a lying hub gives it to whom policy does not admit
		out = &api.GroupInfo{}
	}
	lied := lies.GroupInfo(*out)
	return &lied, nil
}

// Work implements keeper.Hub.
func (c *Client) Work(context.Context) (out *api.Work, err error) {
	err = c.call("work", func(*station) error { out = c.hub.work(); return nil })
	return out, err
}

// PutCertificate implements keeper.Hub.
func (c *Client) PutCertificate(_ context.Context, id string, p api.PutCertificate) (out *api.Device, err error) {
	err = c.call("certify", func(*station) error {
		d := c.hub.devices[id]
		d.Certificate, d.NameCard = p.Certificate, p.NameCard
		c.hub.push(id, api.Event{Type: api.EventCertificate})
		c.hub.pushKeeper(api.Event{Type: api.EventWork})
		copied := d.Device
		out = &copied
		return nil
	})
	return out, err
}

// Events implements device.Hub.
func (c *Client) Events(ctx context.Context, handle func(api.Event)) error {
	h := c.hub
	if _, err := c.enter("events"); err != nil {
		return err
	}
	c.mu.Lock()
	c.queue = nil
	cut := c.cut
	c.mu.Unlock()
	h.mu.Lock()
	if h.devices[c.session] == nil {
		h.mu.Unlock()
		return problem(api.CodeUnauthenticated)
	}
	ready := api.Event{Type: api.EventReady}
	for id, have := range h.conversations {
		if _, in := have.members[c.session]; in {
			ready.Heads = append(ready.Heads, api.Head{Conversation: id, Head: uint64(len(have.frames))})
		}
	}
	h.clients[c] = true
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.clients, c)
		h.mu.Unlock()
	}()
	if lies, _ := c.enter("ready"); lies.Head != nil {
		for i := range ready.Heads {
			ready.Heads[i].Head = lies.Head(ready.Heads[i].Conversation, ready.Heads[i].Head)
		}
	}
	handle(ready)
	for {
		c.mu.Lock()
		queue, lies := c.queue, c.lies
		c.queue = nil
		c.mu.Unlock()
		for _, e := range queue {
			if e.Frame != nil && lies.Frames != nil {
				for _, f := range lies.Frames(e.ConversationID, []api.Frame{*e.Frame}) {
					handle(api.Event{Type: e.Type, ConversationID: e.ConversationID, Frame: &f})
				}
				continue
			}
			handle(e)
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-c.ready:
		case <-cut:
			return ErrOffline
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
