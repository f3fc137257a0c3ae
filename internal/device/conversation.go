package device

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls"
)

// A conversation is what this device has of one. Its jobs run one at a time
// each, and side by side: while one waits for the hub, others go on.
type conversation struct {
	e  *Engine
	id string

	receiving  runner // brings frames in
	sending    runner // brings the outbox and commits out
	uploading  runner // brings files up
	fetching   runner // brings shared history in
	confirming runner // acknowledges

	inboxMu sync.Mutex // guards inbox; nothing is locked while it is held
	inbox   map[uint64]api.Frame

	mu      sync.Mutex // guards all below; held over Store calls, never over Hub calls
	loaded  bool
	rec     *convRecord
	group   *mls.Group
	apart   bool // the group's keys of messages are kept apart from it
	broken  bool // the group's state is of no use: rejoin
	out     []*outRecord
	own     *ownCommit
	mine    []ownLine // newest own messages in the log; nil if not read yet
	draft   string
	named   []Member             // who is in it by the hub's word, for when this device is not
	typing  map[string]time.Time // until when
	change  *change              // what the keeper wants to become of the group
	bar     bar                  // why the last commit of our own did not come about
	acked   uint64               // as the hub has heard
	known   uint64               // how far the hub has said that the log goes
	used    time.Time            // when it was last of use
	suspect bool                 // a frame says that a commit was withheld
	doubt   bool                 // the hub told of a head below the cursor
	offered string               // rule that what the hub last offered broke
	ownAt   uint64               // where the hub says that own stands
	lost    byte                 // in the group, and nothing is here of it: lostWelcome ...
	back    bool                 // what is here is an old copy: join anew before anything is sealed
}

func newConversation(e *Engine, id string) *conversation {
	c := &conversation{e: e, id: id, inbox: map[uint64]api.Frame{}, typing: map[string]time.Time{}}
	c.confirming.spacing = confirmEvery
	if e.cfg.Sink != nil {
		c.receiving.spacing = e.cfg.RecordEvery/2 + rand.N(e.cfg.RecordEvery)
	}
	return c
}

// confirmEvery is how often at most the hub is told how far this device has
// stored the log: the first time at once, so that a single message is shown
// as delivered without delay.
const confirmEvery = 150 * time.Millisecond

// load reads what is kept, if it is not in memory. It needs c.mu.
func (c *conversation) load(ctx context.Context) error {
	c.used = c.e.cfg.Now()
	if c.loaded {
		return nil
	}
	get := func(prefix string) ([]byte, error) {
		b, err := c.e.cfg.Store.Get(ctx, prefix+c.id)
		if err != nil {
			return nil, storeFailure(err)
		}
		return b, nil
	}
	kept, err := get(prefixConv)
	if err != nil {
		return err
	}
	c.rec, c.group, c.broken, c.out, c.own, c.ownAt = &convRecord{stage: stageOutside}, nil, false, nil, nil, 0
	c.mine = nil
	if kept != nil {
		if c.rec, err = parseConvRecord(kept); err != nil {
			return err
		}
	}
	c.rec.head = max(c.rec.head, c.known)
	if err := c.loadGroup(ctx, get); err != nil {
		return err
	}
	keys, err := c.e.cfg.Store.Keys(ctx, prefixOut+c.id+"/")
	if err != nil {
		return storeFailure(err)
	}
	for _, key := range keys {
		b, err := c.e.cfg.Store.Get(ctx, key)
		if err != nil {
			return storeFailure(err)
		}
		o, err := parseOutRecord(b)
		if err != nil {
			return err
		}
		c.out = append(c.out, o)
	}
	draft, err := get(prefixDraft)
	if err != nil {
		return err
	}
	c.draft = string(draft)
	lost, err := get(prefixLost)
	if err != nil {
		return err
	}
	if c.lost = 0; len(lost) == 1 {
		c.lost = lost[0]
	}
	back, err := get(prefixBack)
	if err != nil {
		return err
	}
	c.back = back != nil
	c.loaded = true
	return nil
}

// loadGroup reads the group, whose keys of messages are kept apart: they change
// with each message, and the rest, which is many times as long, does not.
func (c *conversation) loadGroup(ctx context.Context, get func(string) ([]byte, error)) error {
	b, err := get(prefixOwn)
	if err != nil {
		return err
	}
	if b != nil {
		if c.own, err = parseOwnCommit(b); err != nil {
			return err
		}
	}
	state, err := get(prefixGroup)
	if err != nil {
		return err
	}
	if state == nil {
		c.broken = c.rec.stage == stageOpen
		return nil
	}
	keys, err := get(prefixKeys)
	if err != nil {
		return err
	}
	if c.apart = keys != nil; c.apart {
		state = mls.JoinState(state, keys)
	}
	group, err := mls.Restore(c.e.groupConfig(), c.e.cfg.Signer, state)
	if err != nil || (c.rec.stage == stageOpen && c.rolledBack(group)) {
		c.e.cfg.Log("group state is of no use", err)
		c.broken = true
		return nil
	}
	c.group = group
	return nil
}

// idleAfter is after how long without use a service lets go of what it has of a
// conversation in memory.
const idleAfter = 10 * time.Minute

// unload lets go of what is in memory, if nothing is on its way. It is read
// again when it is needed.
func (c *conversation) unload(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded && now.Sub(c.used) >= idleAfter && len(c.out) == 0 && c.own == nil && c.change == nil && !c.suspect && !c.broken && !c.back && c.lost == 0 {
		c.loaded, c.group, c.mine = false, nil, nil
	}
}

// rolledBack reports whether a group is older than what this device has seen,
// or another group of the same age. It needs c.mu.
func (c *conversation) rolledBack(g *mls.Group) bool {
	if g.Epoch() != c.rec.epoch {
		return g.Epoch() < c.rec.epoch
	}
	return len(c.rec.transcript) > 0 && !bytes.Equal(g.Context().ConfirmedTranscriptHash, c.rec.transcript)
}

// A change to a conversation: what is to be kept, and what is told once it is.
type txn struct {
	c       *conversation
	puts    map[string][]byte
	deletes []string
	events  []Event
	records []Record
	group   bool // the group changed
	keys    bool // its keys of messages did
	lines   map[uint64]int
	after   []func() // run once it is kept; c.mu is held
}

// begin starts a change. It needs c.mu, until apply or drop.
func (c *conversation) begin() *txn {
	return &txn{c: c, puts: map[string][]byte{}, lines: map[uint64]int{}}
}

func (t *txn) put(key string, value []byte) {
	t.puts[key] = value
	t.deletes = slices.DeleteFunc(t.deletes, func(k string) bool { return k == key })
}

// get returns what is kept under key once the change is applied.
func (t *txn) get(key string) ([]byte, error) {
	if value, changed := t.puts[key]; changed {
		return value, nil
	}
	value, err := t.c.e.cfg.Store.Get(t.c.e.ctx, key)
	if err != nil {
		return nil, storeFailure(err)
	}
	return value, nil
}

func (t *txn) delete(key string) {
	delete(t.puts, key)
	if !slices.Contains(t.deletes, key) {
		t.deletes = append(t.deletes, key)
	}
}

// dropGroup removes all that is kept of the group.
func (t *txn) dropGroup() {
	t.delete(prefixGroup + t.c.id)
	t.delete(prefixKeys + t.c.id)
}

func (t *txn) putOut(o *outRecord) { t.put(outKey(t.c.id, o.number), o.marshal()) }

// apply keeps the change, all or nothing, and then tells of it. If it cannot be
// kept, what is in memory is thrown away too. It needs c.mu.
func (t *txn) apply(ctx context.Context) error {
	err := t.write(ctx)
	if err != nil {
		t.c.loaded = false
		return err
	}
	t.c.e.events.add(t.events...)
	for _, f := range t.after {
		f()
	}
	return nil
}

func (t *txn) write(ctx context.Context) error {
	c := t.c
	if c.e.cfg.Sink != nil && len(t.records) > 0 {
		if err := c.e.cfg.Sink.Record(ctx, c.id, t.records); err != nil {
			return fmt.Errorf("device: sink: %w", err)
		}
	}
	if c.group != nil && !c.broken {
		if t.group || t.keys && !c.apart {
			state, err := c.group.MarshalState()
			if err != nil {
				return fmt.Errorf("device: encode group: %w", err)
			}
			t.put(prefixGroup+c.id, state)
			t.keys = true
		}
		if t.keys {
			t.put(prefixKeys+c.id, c.group.MarshalKeys())
			c.apart = true
		}
		c.rec.epoch = c.group.Epoch()
		c.rec.transcript = bytes.Clone(c.group.Context().ConfirmedTranscriptHash)
	}
	t.put(prefixConv+c.id, c.rec.marshal())
	if err := c.e.cfg.Store.Apply(ctx, t.puts, t.deletes); err != nil {
		return storeFailure(err)
	}
	return nil
}

// with calls f with a change of the conversation and keeps the change. If f
// returns an error nothing is kept, and what is in memory is thrown away, for f
// may have changed it.
func (c *conversation) with(ctx context.Context, f func(*txn) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return err
	}
	t := c.begin()
	if err := f(t); err != nil {
		if !errors.Is(err, errUnchanged) {
			c.loaded = false
		}
		return err
	}
	return t.apply(ctx)
}

// errUnchanged is matched by errors after which nothing has been changed.
var errUnchanged = errors.New("unchanged")

// unchanged marks err so.
func unchanged(err error) error { return &unchangedError{err} }

type unchangedError struct{ error }

func (e *unchangedError) Unwrap() []error { return []error{errUnchanged, e.error} }

// member returns the record of a person, new if there is none. It needs c.mu.
func (c *conversation) member(person string) *memberRecord {
	if i := slices.IndexFunc(c.rec.members, func(m memberRecord) bool { return m.person == person }); i >= 0 {
		return &c.rec.members[i]
	}
	c.rec.members = append(c.rec.members, memberRecord{person: person})
	return &c.rec.members[len(c.rec.members)-1]
}

// view returns the conversation as its list and header show it.
func (c *conversation) view(ctx context.Context) (*Conversation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	return c.viewLocked(), nil
}

func (c *conversation) viewLocked() *Conversation {
	me := c.e.me().person
	s := &c.rec.summary
	v := &Conversation{
		ID: c.id, State: s.state, Queue: s.queue, Language: s.language, Patient: s.patient, Assignee: s.assignee,
		CreatedAt: s.createdAt, WaitingFrom: s.waitingFrom, LastAt: s.lastAt, Place: s.place, Consent: s.consent,
		Joined: c.rec.stage == stageOpen, Unread: len(c.rec.unread), Last: c.rec.last, Draft: c.draft,
		LeftMessage: s.left, Rating: s.rating, ClosedBy: s.closedBy, Reopens: s.reopens, Verification: s.verification,
		Unconfirmed: s.unconfirmed,
	}
	if c.rec.stage == stageNew || c.rec.stage == stageMade {
		v.State, v.Patient = api.StateWaiting, me
	}
	v.Joining = c.rec.stage == stageOutside && s.wanted
	// Who is out can not see for themselves who is in it. A patient is never told by the hub's word alone.
	if c.rec.stage == stageOutside && c.named != nil && c.e.options.Surface == SurfaceStaff {
		v.Members = c.namedHere()
		return v
	}
	for i := range c.rec.members {
		m := &c.rec.members[i]
		if m.devices == 0 {
			continue
		}
		v.Members = append(v.Members, Member{
			Person: m.person, Name: m.name, Title: m.title, Kind: m.kind, Role: m.role, Verified: m.verified,
			Me: m.person == me, Since: m.since, Devices: m.devices, Online: c.e.isOnline(m.person),
			Emergency: slices.Contains(s.urgent, m.person),
		})
	}
	now := c.e.cfg.Now()
	for person, until := range c.typing {
		if now.Before(until) && person != me {
			v.Typing = append(v.Typing, person)
		}
	}
	slices.Sort(v.Typing)
	return v
}

// namedHere returns who is in the conversation by the hub's word, with the name
// of whom this device has met: the hub does not know what patients are called.
// It needs c.mu.
func (c *conversation) namedHere() []Member {
	members := slices.Clone(c.named)
	for i := range members {
		m := &members[i]
		m.Online = c.e.isOnline(m.Person)
		if at := slices.IndexFunc(c.rec.members, func(met memberRecord) bool { return met.person == m.Person }); at >= 0 && m.Name == "" {
			m.Name = c.rec.members[at].name
		}
	}
	return members
}

// told adds the conversation itself to what the change tells.
func (t *txn) told() {
	t.events = append(t.events, Event{Kind: EventConversation, Conversation: t.c.viewLocked(), ConversationID: t.c.id})
}

// tell tells of the conversation as it is. It needs c.mu.
func (c *conversation) tell() {
	c.e.events.add(Event{Kind: EventConversation, Conversation: c.viewLocked(), ConversationID: c.id})
}

func (c *conversation) kickSend(hurry bool)    { c.sending.kick(c.e, c.send, hurry) }
func (c *conversation) kickReceive(hurry bool) { c.receiving.kick(c.e, c.receive, hurry) }
func (c *conversation) kickUpload(hurry bool)  { c.uploading.kick(c.e, c.upload, hurry) }
func (c *conversation) kickFetch(hurry bool)   { c.fetching.kick(c.e, c.fetch, hurry) }

// kickAll goes on with everything that is undone.
func (c *conversation) kickAll() {
	c.kickReceive(true)
	c.kickSend(true)
	c.kickUpload(true)
	c.kickFetch(true)
}

// summarise takes over what the hub says. It needs c.mu.
func (t *txn) summarise(s *api.Conversation) {
	c := t.c
	me := c.e.me().person
	before := c.rec.summary
	if s.Revision < before.revision {
		return // overtaken on the way: it would close what was opened again
	}
	now := summaryRecord{
		state: s.State, queue: s.Queue, language: s.Language, patient: s.Patient, assignee: s.Assignee, consent: s.Consent,
		createdAt: s.CreatedAt, waitingFrom: s.WaitingFrom, lastAt: max(s.LastAt, before.lastAt), place: s.Place, closedBy: s.ClosedBy,
		left: s.LeftMessage, rating: s.Rating, revision: s.Revision, verification: Verification(s.Verification), reopens: reopens(s, me),
		unconfirmed: unconfirmed(s),
	}
	for _, p := range s.Participant {
		c.e.setOnline(p.Person.ID, p.Person.Online)
		if p.Person.ID == me {
			now.wanted = p.Wanted
		}
		if p.Emergency {
			now.urgent = append(now.urgent, p.Person.ID)
		}
		if i := slices.IndexFunc(c.rec.members, func(m memberRecord) bool { return m.person == p.Person.ID }); i >= 0 {
			t.acknowledged(p.Person.ID, p.Acked)
		}
	}
	c.rec.summary, c.named = now, listed(s, me).Members
	if c.rec.stage == stageOpen && before.state != "" && before.state != now.state {
		t.aside(c.rec.cursor)
		switch {
		case now.state == api.StateClosed:
			t.notice(c.rec.cursor, t.c.e.millis(), Notice{Kind: NoticeClosed, Person: c.rec.closing})
			c.rec.closing = ""
		case before.state == api.StateClosed:
			t.notice(c.rec.cursor, t.c.e.millis(), Notice{Kind: NoticeReopened, Person: c.rec.reopening})
			c.rec.reopening = ""
		}
	}
	for _, person := range now.urgent {
		if c.rec.stage == stageOpen && !slices.Contains(before.urgent, person) {
			t.aside(c.rec.cursor)
			t.notice(c.rec.cursor, t.c.e.millis(), Notice{Kind: NoticeEmergency, Person: person})
		}
	}
	t.told()
}

// unsent returns how many own messages the hub has not taken. It needs c.mu.
func (c *conversation) unsent() int {
	n := 0
	for _, o := range c.out {
		if (o.kind == outText || o.kind == outFile) && o.position == 0 && o.failure == "" {
			n++
		}
	}
	return n
}

func putUint(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func getUint(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// lastLine shortens text for lists.
func lastLine(text string) string {
	const most = 120 // characters
	line := make([]rune, 0, 2*most)
	for word := range strings.FieldsSeq(text) {
		if len(line) > most {
			break // the rest of a long text is not looked at
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for _, r := range word {
			if line = append(line, r); len(line) > most {
				break
			}
		}
	}
	return string(line[:min(len(line), most)])
}
