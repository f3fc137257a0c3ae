package device

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls/suite"
)

// An Engine is one member's device. Its methods may be called from several
// goroutines.
type Engine struct {
	cfg    Config
	sender []byte // SHA-256 of the device's signature key

	ctx        context.Context // ends with Close
	stop       context.CancelFunc
	background sync.WaitGroup

	events *eventQueue

	connect  runner
	welcomes runner
	self     runner
	packages runner

	sessionMu sync.Mutex // held while a session is opened; before mu
	kpMu      sync.Mutex // held while key packages are made or used
	sealing   sync.Mutex // held while a file is sealed and kept; before a conversation's

	mu            sync.Mutex // guards all below; a conversation's lock comes before it
	closed        bool
	options       StartOptions
	started       bool
	id            identity
	session       bool
	opened        time.Time // when the session was
	connection    Connection
	connections   uint64 // how often it has become online
	conversations map[string]*conversation
	online        map[string]bool
	heads         []api.Head        // as the hub said at the last connecting, until reclaim has gone through them
	removal       []byte            // the hub's key for proposals to remove somebody; empty if it has none
	distrusted    time.Time         // when a lie of the hub was last told of
	openings      map[*opening]bool // files that somebody waits for
	wake          chan struct{}     // closed and replaced by Reconnect
}

// New returns an engine that has not started.
func New(cfg Config) (*Engine, error) {
	if cfg.Store == nil || cfg.Hub == nil || cfg.Signer == nil {
		return nil, errors.New("device: Store, Hub and Signer must be set")
	}
	if cfg.Suites == nil {
		cfg.Suites = []suite.ID{suite.MLKEM768P256, suite.MLKEM1024P384}
	}
	if cfg.RecordEvery == 0 {
		cfg.RecordEvery = 4 * time.Second
	}
	if cfg.UpdateEvery == 0 {
		cfg.UpdateEvery = 7 * 24 * time.Hour
	}
	if cfg.UpdateAfter == 0 {
		cfg.UpdateAfter = 500
	}
	if cfg.Retry == 0 {
		cfg.Retry = 500 * time.Millisecond
	}
	if cfg.RetryMost == 0 {
		cfg.RetryMost = 30 * time.Second
	}
	if cfg.Renew == 0 {
		cfg.Renew = 50 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = func(string, error) {}
	}
	sum := sha256.Sum256(cfg.Signer.Public())
	e := &Engine{
		cfg: cfg, sender: sum[:], connection: Connecting, wake: make(chan struct{}),
		conversations: map[string]*conversation{}, online: map[string]bool{}, openings: map[*opening]bool{},
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.events = newEventQueue(cfg.Listener)
	return e, nil
}

// Start restores what is kept, and begins to connect in the background.
func (e *Engine) Start(ctx context.Context, options StartOptions) (*Started, error) {
	id, err := e.loadIdentity(ctx)
	if err != nil {
		return nil, err
	}
	if id.practice != "" && id.slug != options.Practice {
		return nil, fail(FailureUntrusted, errors.New("what is kept is of another practice"))
	}
	keys, err := e.cfg.Store.Keys(ctx, prefixConv)
	if err != nil {
		return nil, storeFailure(err)
	}
	e.mu.Lock()
	if e.started || e.closed {
		e.mu.Unlock()
		return nil, errors.New("device: started twice")
	}
	e.started, e.id, e.options = true, id, options
	for _, key := range keys {
		name := strings.TrimPrefix(key, prefixConv)
		e.conversations[name] = newConversation(e, name)
	}
	e.mu.Unlock()
	started := &Started{Me: id.person}
	for _, c := range e.all() {
		view, err := c.view(ctx)
		if err != nil {
			return nil, err
		}
		started.Conversations = append(started.Conversations, *view)
	}
	e.connect.kick(e, e.stayConnected, false)
	if e.cfg.Sink != nil && e.begin() {
		go e.unloadIdle()
	}
	return started, nil
}

// unloadIdle lets go of idle conversations now and then: a service has many.
func (e *Engine) unloadIdle() {
	defer e.background.Done()
	ticker := time.NewTicker(idleAfter / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range e.all() {
				c.unload(e.cfg.Now())
			}
		case <-e.ctx.Done():
			return
		}
	}
}

// Close stops the background work and returns when it has ended. A service
// takes in first what it has been pushed.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	if e.cfg.Sink != nil {
		for _, c := range e.all() {
			if err := c.takeIn(e.ctx); err != nil {
				e.cfg.Log("take in at the end", err)
			}
		}
	}
	e.stop()
	e.background.Wait()
	e.events.close()
}

// SetListener replaces the listener.
func (e *Engine) SetListener(listener Listener) { e.events.setListener(listener) }

// Reconnect ends the pause after a failure: the network is back, or the person
// has signed in.
func (e *Engine) Reconnect() {
	e.mu.Lock()
	close(e.wake)
	e.wake = make(chan struct{})
	e.mu.Unlock()
	e.connect.kick(e, e.stayConnected, true)
	for _, c := range e.all() {
		c.kickSend(true)
	}
}

// begin counts a goroutine in, unless the engine is closed.
func (e *Engine) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.background.Add(1)
	return true
}

// all returns the conversations that the device knows.
func (e *Engine) all() []*conversation {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*conversation, 0, len(e.conversations))
	for _, c := range e.conversations {
		all = append(all, c)
	}
	return all
}

// find returns a conversation that the device knows.
func (e *Engine) find(id string) (*conversation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.conversations[id]; c != nil {
		return c, nil
	}
	return nil, fail(FailureNotFound, nil)
}

// know returns a conversation, new if the device did not know it.
func (e *Engine) know(id string) *conversation {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.conversations[id]
	if c == nil {
		c = newConversation(e, id)
		e.conversations[id] = c
	}
	return c
}

// distrust tells that the hub was caught in a lie about something that is in no
// conversation yet, but not again and again.
func (e *Engine) distrust() {
	e.mu.Lock()
	now := e.cfg.Now()
	again := now.Sub(e.distrusted) < time.Minute
	if !again {
		e.distrusted = now
	}
	e.mu.Unlock()
	if !again {
		e.events.add(Event{Kind: EventFailed, Failure: FailureUntrusted})
	}
}

// me returns who this device is: the zero identity until it is registered.
func (e *Engine) me() identity {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.id
}

func (e *Engine) millis() int64 { return e.cfg.Now().UnixMilli() }

func storeFailure(err error) error {
	var full StoreFullError
	if errors.As(err, &full) {
		return fail(FailureStorageFull, err)
	}
	return fail(FailureStorageBlocked, err)
}

// Forget removes everything that the device holds, and closes the engine. What
// opens messages goes first, so that a crash leaves nothing readable behind.
func (e *Engine) Forget(ctx context.Context) error {
	e.Close()
	for _, prefix := range []string{prefixKeys, prefixGroup, prefixKP, prefixOwn, ""} {
		keys, err := e.cfg.Store.Keys(ctx, prefix)
		if err != nil {
			return storeFailure(err)
		}
		if err := e.cfg.Store.Apply(ctx, nil, keys); err != nil {
			return storeFailure(err)
		}
	}
	return nil
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID returns an id of 128 random bits.
func newID(prefix string) string { return prefix + lowerBase32.EncodeToString(randomBytes(16)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}

// messageID names a message on every device alike: by who sent it, as the hash
// of a signature key, and its salt.
func messageID(sender, salt []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "sotto message id %d ", len(sender))
	h.Write(sender)
	h.Write(salt)
	return "m_" + lowerBase32.EncodeToString(h.Sum(nil)[:16])
}

// Conversations returns what the device knows of the conversations that it has
// been in, without asking the hub.
func (e *Engine) Conversations(ctx context.Context) ([]Conversation, error) {
	var views []Conversation
	for _, c := range e.all() {
		view, err := c.view(ctx)
		if err != nil {
			return nil, err
		}
		views = append(views, *view)
	}
	return views, nil
}
