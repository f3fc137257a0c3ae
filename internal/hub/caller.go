package hub

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/policy"
)

// A Caller is a device whose bearer token has been checked, with its person.
// Only [Hub.Authenticate] makes one, so what takes a Caller cannot skip it.
type Caller struct {
	Device    Device
	Person    Person
	ExpiresAt int64 // Unix milliseconds
	idleAt    int64 // when its staff session locks; 0 if it has none
	token     [32]byte
	staff     string // id of that session
	principal *policy.Principal
	speaks    bool // may send, in groups that they are in
	queues    bool // may list the chats of their queues, and so hears of them
}

// Patient reports whether the caller is a patient's device.
func (c *Caller) Patient() bool { return c.Device.Kind == api.KindPatient }

// Staff reports whether the caller is a staff person's device.
func (c *Caller) Staff() bool { return c.Device.Kind == api.KindStaff }

// Service reports whether the caller is a service of the practice.
func (c *Caller) Service() bool { return c.Device.Kind == api.KindService }

// Keeper reports whether the caller is the practice's keeper, which alone may
// certify, add and remove.
func (c *Caller) Keeper() bool { return c.Service() && c.Device.Role == certificate.RoleKeeper }

const (
	callerCapacity = 100_000
	// callerLife is how long a session is trusted without asking the store.
	// Sessions that end through this hub end at once; this bounds those ended
	// through another hub of the same store.
	callerLife = 5_000
)

// callers remembers checked sessions for a short while.
type callers struct {
	mu      sync.RWMutex // guards byToken
	byToken map[[32]byte]cachedCaller
}

type cachedCaller struct {
	*Caller
	until int64
}

func newCallers() *callers { return &callers{byToken: make(map[[32]byte]cachedCaller)} }

func (c *callers) get(token [32]byte, now int64) *Caller {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e, ok := c.byToken[token]; ok && now < e.until && now < e.ExpiresAt && (e.idleAt == 0 || now < e.idleAt) {
		return e.Caller
	}
	return nil
}

func (c *callers) put(caller *Caller, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byToken) >= callerCapacity {
		clear(c.byToken)
	}
	c.byToken[caller.token] = cachedCaller{caller, now + callerLife}
}

// drop forgets the sessions that match.
func (c *callers) drop(match func(*Caller) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, e := range c.byToken {
		if match(e.Caller) {
			delete(c.byToken, t)
		}
	}
}

func (c *callers) sweep(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t, e := range c.byToken {
		if e.until <= now {
			delete(c.byToken, t)
		}
	}
}

// Authenticate checks a bearer token. It returns [ErrUnauthenticated] unless
// the session is valid and its device and person are in good standing, and
// [ErrLocked] while the staff session that it belongs to is locked.
func (h *Hub) Authenticate(ctx context.Context, token string) (*Caller, error) {
	if token == "" || len(token) > 128 {
		return nil, ErrUnauthenticated
	}
	hash, now := hashToken(token), h.millis()
	if c := h.callers.get(hash, now); c != nil {
		return c, nil
	}
	session, device, err := h.store.DeviceSession(ctx, hash, now)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrUnauthenticated
	} else if err != nil {
		return nil, at("load session", err)
	}
	person, err := h.store.Person(ctx, device.Practice, device.Person)
	if err != nil {
		return nil, at("load person of session", err)
	}
	if device.RevokedAt != 0 || person.DisabledAt != 0 {
		return nil, ErrUnauthenticated
	}
	c := &Caller{Device: device, Person: person, ExpiresAt: session.ExpiresAt, token: hash, staff: session.Staff}
	c.principal = person.principal()
	c.speaks = h.speaks(c.principal)
	c.queues = h.mayInPractice(c, policy.ListQueues) == nil
	if c.Staff() {
		if c.idleAt, err = h.staffIdle(ctx, session.Staff); err != nil {
			return nil, err
		}
	}
	h.callers.put(c, now)
	return c, nil
}

// works reports whether a staff person is given the queue.
func works(who *policy.Principal, queue string) bool {
	return who.AllQueues() || slices.Contains(who.Queues, queue)
}

// Serves lists the queues that a staff person is given, one by one or by their
// departments; all says that they are given every one.
func (p *Person) Serves() (queues []string, all bool) {
	who := p.principal()
	return who.Queues, who.AllQueues()
}

// wants reports whether policy wants the person in the group.
func (v *Conversation) wants(person string) bool {
	return slices.ContainsFunc(v.Participants, func(p Participant) bool { return p.Person == person && p.Wanted })
}

// left returns the head of the log when policy came to want the person in the
// group no longer, and whether that is so. Where a hub of before the head was
// kept took them out, it is not said: they have what the group gave them.
func (v *Conversation) left(person string) (head uint64, gone bool) {
	for _, p := range v.Participants {
		if p.Person == person {
			return p.Left, !p.Wanted && p.Left != 0
		}
	}
	return 0, true
}

// has reports whether the device is in the group.
func (v *Conversation) has(device string) bool {
	return slices.ContainsFunc(v.Members, func(m Member) bool { return m.Device == device })
}

// conversation loads one that the caller may know of; any other is
// [ErrNotFound], as if it were not there.
func (h *Hub) conversation(ctx context.Context, c *Caller, id string) (Conversation, error) {
	if !validID("c", id) {
		return Conversation{}, ErrNotFound
	}
	v, err := h.store.Conversation(ctx, c.Device.Practice, id)
	if err != nil {
		return Conversation{}, err
	}
	if !h.mayKnow(c, &v) {
		return Conversation{}, errHidden
	}
	return v, nil
}

// mask turns a refusal into [ErrNotFound] if the caller may not know of the
// conversation, so that it learns nothing from the reason.
func (h *Hub) mask(ctx context.Context, c *Caller, id string, refusal error) error {
	if errors.Is(refusal, ErrFull) || errors.Is(refusal, ErrUnavailable) {
		return refusal
	}
	if _, err := h.conversation(ctx, c, id); err != nil {
		return err
	}
	return refusal
}

// practices remembers each practice for a few seconds: every call needs one,
// and they hardly ever change.
type practices struct {
	mu   sync.Mutex // guards byID
	byID map[string]cachedPractice
}

type cachedPractice struct {
	Practice
	verifier *certificate.Verifier
	until    int64
}

func (h *Hub) practice(ctx context.Context, id string) (cachedPractice, error) {
	now := h.millis()
	h.practices.mu.Lock()
	p, ok := h.practices.byID[id]
	h.practices.mu.Unlock()
	if ok && now < p.until {
		return p, nil
	}
	stored, err := h.store.Practice(ctx, id)
	if err != nil {
		return cachedPractice{}, at("load practice", err)
	}
	v, err := certificate.NewVerifier(stored.ID, stored.AuthorityKey)
	if err != nil {
		return cachedPractice{}, err
	}
	p = cachedPractice{Practice: stored, verifier: v, until: now + callerLife}
	h.practices.mu.Lock()
	defer h.practices.mu.Unlock()
	if h.practices.byID == nil || len(h.practices.byID) > 10_000 {
		h.practices.byID = make(map[string]cachedPractice)
	}
	h.practices.byID[id] = p
	return p, nil
}

// networks are the rules that are remembered at now, by practice. Those that
// have lapsed are loaded again before they are used.
func (p *practices) networks(now int64) map[string]map[string][]netip.Prefix {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]map[string][]netip.Prefix, len(p.byID))
	for id, known := range p.byID {
		if now < known.until {
			all[id] = known.Access.Networks
		}
	}
	return all
}

func (p *practices) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byID, id)
}
