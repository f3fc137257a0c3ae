package devicetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/mls/wire"
)

// A Hub keeps conversations of one practice in memory.
type Hub struct {
	Practice api.Practice

	mu            sync.Mutex // guards all below
	next          int
	devices       map[string]*station
	conversations map[string]*conversation
	attachments   map[string]*file
	room          int64 // see SetRoom
	incomplete    int   // see FailToComplete
	clients       map[*Client]bool
}

type station struct {
	api.Device
	key         []byte
	proof       api.DeviceProof
	name, title string
	packages    [][]byte
	last        []byte
	welcomes    []api.Welcome
}

type conversation struct {
	api.Conversation
	frames  []api.Frame
	members map[string]uint64 // device: since which position
	past    map[string]bool   // devices that were in and are not
	info    []byte
	founded []byte
}

// NewHub returns a hub of the practice "pr_1" with the slug "clinic", whose
// authority has the given public key.
func NewHub(authority []byte, suite uint16) *Hub {
	return &Hub{
		Practice: api.Practice{
			ID: "pr_1", Slug: "clinic", Name: "Clinic", AuthorityKey: authority, Suite: suite,
			Queues: []api.Queue{{ID: "general"}}, Consent: api.ConsentForm{ID: "cf_1", Version: 1}, RecallMinutes: 60,
		},
		devices: map[string]*station{}, conversations: map[string]*conversation{},
		attachments: map[string]*file{}, clients: map[*Client]bool{},
	}
}

func (h *Hub) id(prefix string) string {
	h.next++
	return fmt.Sprintf("%s%d", prefix, h.next)
}

func problem(code api.Code) error { return &api.Problem{Code: code, Status: 400} }

// AddDevice adds a device of a person, and certificate and card if there are
// some: a keeper's are set up by hand.
func (h *Hub) AddDevice(d api.Device, key []byte, name, title string) api.Device {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.ID == "" {
		d.ID = h.id("d_")
	}
	d.Practice = h.Practice.ID
	h.devices[d.ID] = &station{Device: d, key: key, name: name, title: title}
	return d
}

// Certificates lists the devices that wait for the keeper.
func (h *Hub) certificates() []api.CertificateRequest {
	var requests []api.CertificateRequest
	for _, d := range h.devices {
		if len(d.Certificate) == 0 {
			requests = append(requests, api.CertificateRequest{Device: d.Device, PublicKey: d.key, Proof: d.proof, Name: d.name, Title: d.title})
		}
	}
	return requests
}

// work lists what the keeper has to do.
func (h *Hub) work() *api.Work {
	w := &api.Work{Certificates: h.certificates()}
	for id, c := range h.conversations {
		g := api.GroupWork{Conversation: id}
		for _, d := range h.devices {
			p := c.participant(d.Person)
			_, in := c.members[d.ID]
			wanted := p != nil && p.Wanted && d.RevokedAt == 0
			if wanted && !in && len(d.Certificate) > 0 {
				g.Add = append(g.Add, d.Device)
			}
			if !wanted && in {
				g.Remove = append(g.Remove, d.Device)
			}
		}
		if len(g.Add)+len(g.Remove) > 0 {
			w.Groups = append(w.Groups, g)
		}
	}
	return w
}

func (c *conversation) participant(person string) *api.Participant {
	i := slices.IndexFunc(c.Participant, func(p api.Participant) bool { return p.Person.ID == person })
	if i < 0 {
		return nil
	}
	return &c.Participant[i]
}

func (c *conversation) want(p api.Person, wanted bool) {
	if have := c.participant(p.ID); have != nil {
		have.Wanted = wanted
		return
	}
	c.Participant = append(c.Participant, api.Participant{Person: p, Wanted: wanted})
}

// summary returns the conversation as the API tells it.
func (c *conversation) summary() *api.Conversation {
	s := c.Conversation
	s.Head = uint64(len(c.frames))
	s.Participant = slices.Clone(c.Participant)
	return &s
}

// append stores a frame and pushes it to everybody in the group, but for an
// application frame's sender, who has the reply.
func (h *Hub) append(c *conversation, f api.Frame) *api.Sent {
	f.Position, f.ReceivedAt = uint64(len(c.frames)+1), time.Now().UnixMilli()
	c.frames = append(c.frames, f)
	for device, since := range c.members {
		if f.Position > since && (f.Kind != api.FrameApplication || f.Device != device) {
			h.push(device, api.Event{Type: api.EventFrame, ConversationID: c.ID, Frame: &f})
		}
	}
	return &api.Sent{Position: f.Position, ReceivedAt: f.ReceivedAt}
}

// push gives an event to a device's connections.
func (h *Hub) push(device string, e api.Event) {
	for client := range h.clients {
		if client.session == device {
			client.deliver(e)
		}
	}
}

func (h *Hub) pushKeeper(e api.Event) {
	for id, d := range h.devices {
		if d.Kind == api.KindService {
			h.push(id, e)
		}
	}
}

// Summary is how a conversation stands now.
func (h *Hub) Summary(conversation string) api.Conversation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *h.conversations[conversation].summary()
}

// PushSummary tells everybody in a conversation that it stands so.
func (h *Hub) PushSummary(s api.Conversation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for device := range h.conversations[s.ID].members {
		h.push(device, api.Event{Type: api.EventConversation, ConversationID: s.ID, Summary: &s})
	}
}

func (h *Hub) pushSummary(c *conversation) {
	s := c.summary()
	for id, d := range h.devices {
		if p := c.participant(d.Person); p != nil || d.Kind == api.KindStaff {
			h.push(id, api.Event{Type: api.EventConversation, ConversationID: c.ID, Summary: s})
		}
	}
}

// roster makes the conversation's members those that a group info tells.
func (h *Hub) roster(c *conversation, groupInfo []byte) {
	m, err := wire.ParseMessage(groupInfo)
	if err != nil || m.GroupInfo == nil {
		panic("devicetest: no group info")
	}
	c.info, c.Epoch = groupInfo, m.GroupInfo.Context.Epoch
	in := devicesOf(m.GroupInfo)
	position := uint64(len(c.frames))
	for _, id := range in {
		d := h.devices[id]
		if _, was := c.members[id]; !was && d != nil {
			c.members[id] = position
			delete(c.past, id)
			if c.participant(d.Person) == nil {
				c.want(api.Person{ID: d.Person, Kind: d.Kind, Role: d.Role}, d.Kind != api.KindStaff)
			}
			c.participant(d.Person).Joined = true
		}
	}
	for id := range c.members {
		if !slices.Contains(in, id) {
			delete(c.members, id)
			c.past[id] = true
			c.participant(h.devices[id].Person).Joined = false
		}
	}
}

// devicesOf reads the tree of a group info for the devices in it.
func devicesOf(info *wire.GroupInfo) []string {
	data, _ := info.Extensions.Find(wire.ExtensionRatchetTree)
	nodes, err := wire.ParseNodes(data)
	if err != nil {
		panic("devicetest: " + err.Error())
	}
	var devices []string
	for _, n := range nodes {
		if n.Leaf != nil {
			if c, err := certificate.Parse(n.Leaf.Credential.Identity); err == nil {
				devices = append(devices, c.Device)
			}
		}
	}
	return devices
}

// welcome leaves a welcome with the devices whose key packages it names.
func (h *Hub) welcome(c *conversation, payload []byte, before map[string]uint64) {
	if payload == nil {
		return
	}
	for id := range c.members {
		if _, was := before[id]; was {
			continue
		}
		d := h.devices[id]
		d.welcomes = append(d.welcomes, api.Welcome{ID: h.id("w_"), Conversation: c.ID, Position: uint64(len(c.frames)), Payload: payload})
		h.push(id, api.Event{Type: api.EventWelcome, ConversationID: c.ID})
	}
}

// Log returns a conversation's frames, as the hub has them.
func (h *Hub) Log(conversation string) []api.Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.conversations[conversation]; c != nil {
		return slices.Clone(c.frames)
	}
	return nil
}

// Append puts a frame into a conversation's log as it is: a lie.
func (h *Hub) Append(conversation string, f api.Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.append(h.conversations[conversation], f)
}

// GroupInfo returns the newest group info that was uploaded.
func (h *Hub) GroupInfo(conversation string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conversations[conversation].info
}

// Want makes policy want a person in a conversation, or not.
func (h *Hub) Want(conversation string, p api.Person, wanted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.conversations[conversation]
	c.want(p, wanted)
	h.pushSummary(c)
	h.pushKeeper(api.Event{Type: api.EventWork})
}

// Withdraw takes consent back.
func (h *Hub) Withdraw(conversation string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.conversations[conversation]
	c.Consent = "withdrawn"
	h.pushSummary(c)
}

// Welcome leaves a welcome with a device: a lie, or one again.
func (h *Hub) Welcome(device string, w api.Welcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.ID = h.id("w_")
	h.devices[device].welcomes = append(h.devices[device].welcomes, w)
	h.push(device, api.Event{Type: api.EventWelcome, ConversationID: w.Conversation})
}

// Members returns the devices in a conversation's group.
func (h *Hub) Members(conversation string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var members []string
	if c := h.conversations[conversation]; c != nil {
		for id := range c.members {
			members = append(members, id)
		}
	}
	slices.Sort(members)
	return members
}

// Unused returns how many key packages of a device are left.
func (h *Hub) Unused(device string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.devices[device].packages)
}

func sameFrame(f api.Frame, s api.SendFrame) bool {
	return f.Kind == s.Kind && bytes.Equal(f.Payload, s.Payload)
}

func fingerprint(b ...[]byte) []byte {
	h := sha256.New()
	for _, x := range b {
		h.Write([]byte(hex.EncodeToString(x) + " "))
	}
	return h.Sum(nil)
}

// Drop takes a frame out of a conversation's log, as if it had never been sent,
// and closes the gap: a lie.
func (h *Hub) Drop(conversation string, position uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.conversations[conversation]
	c.frames = slices.Delete(slices.Clone(c.frames), int(position-1), int(position))
	for i := range c.frames {
		c.frames[i].Position = uint64(i + 1)
	}
}

// Swap makes two frames change places: a lie.
func (h *Hub) Swap(conversation string, a, b uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	frames := slices.Clone(h.conversations[conversation].frames)
	frames[a-1], frames[b-1] = frames[b-1], frames[a-1]
	frames[a-1].Position, frames[b-1].Position = a, b
	h.conversations[conversation].frames = frames
}

// Packages returns the key packages of a device that are left.
func (h *Hub) Packages(device string) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.devices[device].packages)
}

// SetPackages replaces a device's key packages: a lie, or a thief's work.
func (h *Hub) SetPackages(device string, packages [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.devices[device].packages = packages
}

// DevicesOf returns the devices of a person.
func (h *Hub) DevicesOf(person string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var devices []string
	for id, d := range h.devices {
		if d.Person == person {
			devices = append(devices, id)
		}
	}
	return devices
}

// Uncertified returns the devices that the keeper has not certified.
func (h *Hub) Uncertified() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var devices []string
	for _, r := range h.certificates() {
		devices = append(devices, r.Device.ID)
	}
	return devices
}

// SetEpoch makes the hub take a conversation's group to be at an epoch: a lie.
func (h *Hub) SetEpoch(conversation string, epoch uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conversations[conversation].Epoch = epoch
}
