package device

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

// callTimeout bounds one call of the hub.
const callTimeout = 60 * time.Second

// typingLapse is how long somebody is shown as typing.
const typingLapse = 6 * time.Second

// call makes a call that needs a session, and opens one if there is none or if
// it has ended.
func (e *Engine) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if e.me().device == "" {
		return fail(FailureOffline, errors.New("not registered yet"))
	}
	if err := e.openSession(ctx, false); err != nil {
		return err
	}
	err := f(ctx)
	if codeOf(err) != api.CodeUnauthenticated {
		return err
	}
	if err := e.openSession(ctx, true); err != nil {
		return err
	}
	return f(ctx)
}

// Do makes a call of the hub that needs the device's session, for the keeper,
// and opens one if there is none.
func (e *Engine) Do(ctx context.Context, f func(context.Context) error) error { return e.call(ctx, f) }

// ErrPending is what is said of a conversation that the device is not in, and
// that no commit has taken it out of: it may be about to come in, or back.
var ErrPending = errors.New("device: not in the group, and not removed from it")

// Knows reports whether the device is in a conversation's group. It says no only
// where this device has seen the commit that removed it: the hub's word is
// [ErrPending], as is a conversation of which nothing is here.
func (e *Engine) Knows(ctx context.Context, conversation string) (bool, error) {
	c, err := e.find(conversation)
	if err != nil {
		return false, ErrPending
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch err := c.load(ctx); {
	case err != nil:
		return false, err
	case c.rec.stage == stageOutside && (c.lost != 0 || !c.rec.removed()):
		return false, ErrPending
	default:
		return c.rec.stage == stageOpen, nil
	}
}

// stayConnected registers the device if it has a reason to, and follows the
// hub's events for as long as it can.
func (e *Engine) stayConnected(ctx context.Context) error {
	err := e.connectOnce(ctx)
	e.mu.Lock()
	wake := e.wake
	e.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, errUntrusted):
		e.setConnection(Offline)
		return err
	case codeOf(err) == api.CodeUnauthenticated:
		e.setConnection(SignedOut)
		select { // the person must act: no use in trying
		case <-wake:
		case <-ctx.Done():
		}
		return errors.New("signed out")
	case err != nil:
		e.setConnection(Offline)
		return err
	default:
		return nil
	}
}

// connectOnce returns nil only if there is nothing to connect for.
func (e *Engine) connectOnce(ctx context.Context) error {
	if err := e.meetPractice(ctx); err != nil {
		return err
	}
	if e.me().device == "" {
		if e.options.Surface == SurfacePatient && len(e.all()) == 0 {
			e.setConnection(Online) // nothing is sent before the patient begins
			return nil
		}
		if err := e.register(ctx); err != nil {
			return err
		}
	}
	if err := e.openSession(ctx, false); err != nil {
		return err
	}
	err := e.follow(ctx)
	if codeOf(err) == api.CodeUnauthenticated {
		if err := e.openSession(ctx, true); err != nil {
			return err
		}
		return errors.New("session renewed")
	}
	return err
}

var errEnded = errors.New("connection ended")

// follow follows the hub's events. Before the session ends under a line it opens
// another, and lets the line go a little after the next is ready: nobody is seen
// to leave, and what was on its way comes. What comes by both is the same twice.
func (e *Engine) follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var lines sync.WaitGroup
	defer lines.Wait()
	defer stop()
	open := func(again bool) (said chan error, end context.CancelFunc) {
		within, end := context.WithCancel(ctx)
		said = make(chan error, 2) // nil as a line other than the first is ready, and how it ended
		lines.Go(func() {
			said <- cmp.Or(e.cfg.Hub.Events(within, func(event api.Event) {
				if event.Type != api.EventReady {
					e.onEvent(event)
					return
				}
				e.onReady(event.Heads, again)
				if again {
					again = false
					said <- nil
				}
			}), errEnded)
		})
		return said, end
	}
	due := func() time.Duration { // of the session, which may be older than the line
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.cfg.Renew - rand.N(e.cfg.Renew/5+1) - time.Since(e.opened) // spread: a restarted hub hears from all at once
	}
	now, endNow := open(false)
	var next chan error
	var endNext context.CancelFunc
	renewed := false
	timer := time.NewTimer(due())
	defer timer.Stop()
	for {
		select {
		case err := <-now: // also if the next is about to be ready: there is none until then
			return err
		case err := <-next:
			if err == nil {
				time.AfterFunc(10*e.cfg.Retry, endNow)
				now, endNow, renewed = next, endNext, false
				timer.Reset(due())
			} else { // not to be had: the former goes on
				endNext()
				renewed = codeOf(err) != api.CodeUnauthenticated
				timer.Reset(e.cfg.Renew / 50)
			}
			next = nil
		case <-timer.C:
			if renewed = renewed || e.openSession(ctx, true) == nil; renewed {
				next, endNext = open(true)
			} else {
				timer.Reset(e.cfg.Renew / 50) // the hub may be away for a minute
			}
		}
	}
}

func (e *Engine) setConnection(now Connection) {
	e.mu.Lock()
	changed := e.connection != now
	e.connection = now
	if changed && now == Online {
		e.connections++
	}
	e.mu.Unlock()
	if changed {
		e.tellConnection()
		if e.begin() {
			go func() {
				defer e.background.Done()
				for _, c := range e.all() {
					c.tellWaiting(e.ctx)
				}
			}()
		}
	}
}

func (e *Engine) tellConnection() {
	queued := 0
	for _, c := range e.all() {
		c.mu.Lock()
		if c.loaded {
			queued += c.unsent()
		}
		c.mu.Unlock()
	}
	e.mu.Lock()
	now := e.connection
	e.mu.Unlock()
	e.events.add(Event{Kind: EventConnection, Connection: now, Queued: queued})
}

func (e *Engine) isConnected() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.connection == Online
}

// line says which of the device's connections this is; 0 if there is none. What
// the hub says of a conversation is as it stands for as long as that is the same.
func (e *Engine) line() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.connection != Online {
		return 0
	}
	return e.connections
}

func (e *Engine) isOnline(person string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.online[person]
}

// onEvent takes an event of the hub other than that it is ready. It never waits
// for the hub.
func (e *Engine) onEvent(event api.Event) {
	switch event.Type {
	case api.EventFrame:
		if event.Frame != nil {
			if c, err := e.find(event.ConversationID); err == nil {
				c.arrived(*event.Frame)
			}
		}
	case api.EventConversation:
		if event.Summary != nil {
			e.onSummary(event.Summary)
		}
	case api.EventAck:
		e.onAck(event.ConversationID, event.Person, event.Position)
	case api.EventTyping:
		e.onTyping(event.ConversationID, event.Person, event.Typing)
	case api.EventPresence:
		e.onPresence(event.Person, event.Online)
	case api.EventWelcome:
		e.welcomes.kick(e, e.join, true)
	case api.EventCertificate:
		e.self.kick(e, e.fetchSelf, true)
	case api.EventKeyPackages:
		e.packages.kick(e, e.refill, true)
	case api.EventEmergency:
		e.events.add(Event{Kind: EventEmergency})
	case api.EventDevices:
		e.events.add(Event{Kind: EventDevices})
	case api.EventVerification:
		e.events.add(Event{Kind: EventVerification, ConversationID: event.ConversationID})
	case api.EventWork:
		e.tellWork()
	case api.EventEnded:
		e.mu.Lock()
		e.session = false
		e.mu.Unlock()
	}
}

// onReady takes how far the hub says the logs go. If that is on another line,
// again, nothing was missed: what is idle is left alone.
func (e *Engine) onReady(heads []api.Head, again bool) {
	e.setConnection(Online)
	for _, h := range heads {
		if c, err := e.find(h.Conversation); err == nil {
			c.headIs(h.Head)
		}
	}
	if !again {
		e.mu.Lock()
		e.heads = heads
		e.mu.Unlock()
		for _, c := range e.all() {
			c.kickAll()
		}
	}
	if len(e.me().certificate) == 0 {
		e.self.kick(e, e.fetchSelf, true)
	} else {
		e.packages.kick(e, e.refill, true)
	}
	e.welcomes.kick(e, e.join, true)
	e.tellWork()
}

// tellWork tells the keeper that there may be work.
func (e *Engine) tellWork() {
	if e.cfg.OnWork != nil {
		e.cfg.OnWork()
	}
}

// update changes a conversation that the device knows, and says nothing if it
// cannot: what the hub pushes, it tells again.
func (e *Engine) update(id string, change func(*txn)) {
	c, err := e.find(id)
	if err != nil {
		return
	}
	if err := c.with(e.ctx, func(t *txn) error { change(t); return nil }); err != nil {
		e.cfg.Log("take over what the hub says", err)
	}
}

func (e *Engine) onSummary(s *api.Conversation) {
	me := e.me().person
	known := false
	if c, err := e.find(s.ID); err == nil {
		known = true
		if s.Head > 0 {
			c.headIs(s.Head)
		}
	}
	wanted := slices.ContainsFunc(s.Participant, func(p api.Participant) bool { return p.Person.ID == me && p.Wanted })
	if !known && !wanted && e.options.Surface == SurfaceStaff {
		e.events.add(Event{Kind: EventConversation, Conversation: listed(s, me), ConversationID: s.ID})
		return
	}
	if !known && e.options.Surface == SurfaceService {
		return // the keeper learns of conversations by Welcome
	}
	e.know(s.ID)
	e.update(s.ID, func(t *txn) { t.summarise(s) })
	if c, err := e.find(s.ID); err == nil && s.Consent == "given" {
		c.kickSend(false) // something may have waited for consent
	}
}

// listed is a conversation as the hub tells it, members and all, for a device
// that is not in it.
func listed(s *api.Conversation, me string) *Conversation {
	v := &Conversation{
		ID: s.ID, State: s.State, Queue: s.Queue, Language: s.Language, Patient: s.Patient, Assignee: s.Assignee,
		CreatedAt: s.CreatedAt, WaitingFrom: s.WaitingFrom, LastAt: s.LastAt, Place: s.Place, Consent: s.Consent,
		LeftMessage: s.LeftMessage, Rating: s.Rating, ClosedBy: s.ClosedBy, Reopens: reopens(s, me), Verification: Verification(s.Verification),
		Unconfirmed: unconfirmed(s),
	}
	for _, p := range s.Participant {
		v.Joining = v.Joining || (p.Person.ID == me && p.Wanted)
		if p.Joined { // the hub's word, so not verified
			v.Members = append(v.Members, Member{Person: p.Person.ID, Name: p.Person.Name, Kind: p.Person.Kind, Role: p.Person.Role, Since: p.Since, Online: p.Person.Online, Me: p.Person.ID == me, Emergency: p.Emergency})
		}
	}
	return v
}

func unconfirmed(s *api.Conversation) bool { return s.For != "" && !s.ForConfirmed }

func reopens(s *api.Conversation, me string) bool {
	return s.State == api.StateClosed && (len(s.Served) == 0 || slices.Contains(s.Served, me))
}

// onAck takes over how far somebody's device has stored the log. It is kept with
// whatever is kept next: the hub tells it again.
func (e *Engine) onAck(id, person string, position uint64) {
	c, err := e.find(id)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.load(e.ctx) != nil {
		return
	}
	t := c.begin()
	t.acknowledged(person, position)
	e.events.add(t.events...)
}

func (e *Engine) onTyping(id, person string, typing bool) {
	c, err := e.find(id)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		return
	}
	if !typing {
		delete(c.typing, person)
		c.tell()
		return
	}
	until := e.cfg.Now().Add(typingLapse)
	c.typing[person] = until
	c.tell()
	time.AfterFunc(typingLapse+50*time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.typing[person].Equal(until) && c.loaded {
			delete(c.typing, person)
			c.tell()
		}
	})
}

func (e *Engine) setOnline(person string, online bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.online[person] = online
}

func (e *Engine) onPresence(person string, online bool) {
	e.setOnline(person, online)
	for _, c := range e.all() {
		c.mu.Lock()
		if c.loaded && slices.ContainsFunc(c.rec.members, func(m memberRecord) bool { return m.person == person && m.devices > 0 }) {
			c.tell()
		}
		c.mu.Unlock()
	}
}
