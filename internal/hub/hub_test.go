package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
)

func TestIDs(t *testing.T) {
	id := NewID("c")
	tests := []struct {
		id   string
		want bool
	}{
		{id, true},
		{"c_aaaaaaaaaaaaaaaaaaaaaaaaaa", true},
		{"d" + id[1:], false},
		{id + "a", false},
		{id[:27], false},
		{"", false},
		{"c_AAAAAAAAAAAAAAAAAAAAAAAAAA", false},
		{"c_aaaaaaaaaaaaaaaaaaaaaaaa'-", false},
		{"c_../../../../../../../../aa", false},
	}
	for _, tt := range tests {
		if got := validID("c", tt.id); got != tt.want {
			t.Errorf("validID(%q) = %v", tt.id, got)
		}
	}
	if NewID("c") == id {
		t.Error("an id was made twice")
	}
}

// sharedTest keeps what hubs share, in memory.
type sharedTest struct {
	secrets map[string][]byte
	spent   map[string]bool
}

func (s *sharedTest) Secret(_ context.Context, name string, fresh []byte) ([]byte, error) {
	if s.secrets[name] == nil {
		s.secrets[name] = fresh
	}
	return s.secrets[name], nil
}

func (s *sharedTest) SpendNonce(_ context.Context, nonce []byte, _ int64) error {
	if s.spent[string(nonce)] {
		return ErrExists
	}
	s.spent[string(nonce)] = true
	return nil
}

func TestChallengesAreUsedOnce(t *testing.T) {
	ctx, now := t.Context(), time.Unix(1_900_000_000, 0)
	clock := func() time.Time { return now }
	hub := func(shared *sharedTest) *challenges { return &challenges{shared: shared, now: clock} }
	store := func() *sharedTest { return &sharedTest{secrets: map[string][]byte{}, spent: map[string]bool{}} }
	shared := store()
	c, twin, stranger := hub(shared), hub(shared), hub(store())
	issue := func(c *challenges) string {
		t.Helper()
		challenge, err := c.issue(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return challenge.Nonce
	}
	spend := func(c *challenges, nonce string) bool {
		t.Helper()
		spent, err := c.spend(ctx, nonce)
		if err != nil {
			t.Fatal(err)
		}
		return spent
	}
	fresh := issue(c)
	altered := "A" + fresh[1:]
	if fresh[0] == 'A' {
		altered = "B" + fresh[1:]
	}
	for name, nonce := range map[string]string{
		"empty": "", "altered": altered, "cut": fresh[:20], "of a hub of another store": issue(stranger),
	} {
		if spend(c, nonce) {
			t.Errorf("%s nonce was taken", name)
		}
	}
	if !spend(twin, fresh) || spend(twin, fresh) || spend(c, fresh) {
		t.Error("a nonce is good for one use, at any hub of the store")
	}
	late := issue(c)
	now = now.Add(challengeLife)
	if spend(c, late) {
		t.Error("a nonce was taken after its time")
	}
}

func TestRatesAreBounded(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	r := newRates(Limits{}, func() time.Time { return now })
	r.capacity = 10
	limit := Rate{PerSecond: 2, Burst: 2}
	for range 2 {
		if err := r.allow("x", "one", limit); err != nil {
			t.Fatal(err)
		}
	}
	var rate *RateError
	if err := r.allow("x", "one", limit); !errors.As(err, &rate) || rate.RetryAfter != 500*time.Millisecond {
		t.Errorf("third of two: %v", err)
	}
	if err := r.allow("y", "one", limit); err != nil {
		t.Error("another kind shares the bucket")
	}
	for i := range 1000 {
		_ = r.allow("x", fmt.Sprint(i), limit)
	}
	if n := len(r.kinds["x"].young) + len(r.kinds["x"].old); n > 2*r.capacity {
		t.Errorf("%d buckets are held", n)
	}
	if y := r.kinds["y"].young["one"]; y == nil || y.Tokens() > 1.5 {
		t.Error("many of one kind pushed out another kind's")
	}
	now = now.Add(time.Second)
	if err := r.allow("x", "one", limit); err != nil {
		t.Error("the bucket does not refill")
	}
}

func TestKeyedLocksForget(t *testing.T) {
	var k keyedLocks
	var wg sync.WaitGroup
	var counts [2]int // each guarded by the lock of its number
	for i := range counts {
		for range 50 {
			wg.Go(func() {
				defer k.lock(fmt.Sprint(i))()
				counts[i]++
			})
		}
	}
	wg.Wait()
	if counts != [2]int{50, 50} || len(k.locks) != 0 {
		t.Errorf("counted %v, %d locks are left", counts, len(k.locks))
	}
}

func TestOpenHours(t *testing.T) {
	s := Settings{TimeZone: "America/Chicago", Hours: []Hours{{Weekday: 1, FromMinute: 8 * 60, ToMinute: 17 * 60}, {Weekday: 5, FromMinute: 0, ToMinute: 1440}}}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	tests := []struct {
		name string
		at   time.Time
		want bool
		next time.Time // zero while it is open
	}{
		{"Monday before", time.Date(2026, 11, 23, 7, 59, 0, 0, zone), false, time.Date(2026, 11, 23, 8, 0, 0, 0, zone)},
		{"Monday first minute", time.Date(2026, 11, 23, 8, 0, 0, 0, zone), true, time.Time{}},
		{"Monday last minute", time.Date(2026, 11, 23, 16, 59, 0, 0, zone), true, time.Time{}},
		{"Monday after", time.Date(2026, 11, 23, 17, 0, 0, 0, zone), false, time.Date(2026, 11, 27, 0, 0, 0, 0, zone)},
		{"Tuesday", time.Date(2026, 11, 24, 9, 0, 0, 0, zone), false, time.Date(2026, 11, 27, 0, 0, 0, 0, zone)},
		{"Friday midnight", time.Date(2026, 11, 27, 23, 59, 0, 0, zone), true, time.Time{}},
		{"over the change of clocks", time.Date(2026, 10, 31, 9, 0, 0, 0, zone), false, time.Date(2026, 11, 2, 8, 0, 0, 0, zone)},
		{"the same moment elsewhere", time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), true, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, next := s.opening(s.Hours, tt.at)
			if got != tt.want || !tt.next.IsZero() != (next != 0) || (next != 0 && next != tt.next.UnixMilli()) {
				t.Errorf("open: %v, next %v", got, time.UnixMilli(next).In(zone))
			}
		})
	}
	if open, next := s.opening(nil, tests[0].at); open || next != 0 {
		t.Errorf("without hours: open %v, next %v", open, next)
	}
}

func TestQueueHours(t *testing.T) {
	s := Settings{
		TimeZone: "America/Chicago", Queues: []api.Queue{{ID: "care"}, {ID: "billing"}},
		Hours:      []Hours{{Weekday: 1, FromMinute: 8 * 60, ToMinute: 17 * 60}},
		QueueHours: map[string][]Hours{"billing": {{Weekday: 1, FromMinute: 10 * 60, ToMinute: 11 * 60}}},
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	got := s.queues(time.Date(2026, 11, 23, 9, 0, 0, 0, zone))
	want := time.Date(2026, 11, 23, 10, 0, 0, 0, zone).UnixMilli()
	if !got[0].Open || got[1].Open || got[1].OpensAt != want {
		t.Errorf("queues: %+v", got)
	}
	if s.Queues[0].Open {
		t.Error("what is stored was changed")
	}
}

// TestActs reads as the rules of who becomes what.
func TestActs(t *testing.T) {
	dana := &Person{ID: "dana", Kind: api.KindStaff}
	sam := &Person{ID: "sam", Kind: api.KindStaff}
	pat := &Person{ID: "pat", Kind: api.KindPatient}
	type step struct {
		who *Person
		act string
	}
	tests := []struct {
		name     string
		steps    []step
		err      error
		state    string
		assignee string
		wanted   string // in order, the patient and the keeper left out
	}{
		{"new", nil, nil, "waiting", "", ""},
		{"taken", []step{{dana, "take"}}, nil, "open", "dana", "dana"},
		{"taken twice by one", []step{{dana, "take"}, {dana, "take"}}, errNoChange, "open", "dana", "dana"},
		{"taken by two", []step{{dana, "take"}, {sam, "take"}}, &TakenError{}, "open", "dana", "dana"},
		{"taken over", []step{{dana, "take"}, {sam, "take-over"}}, nil, "open", "sam", "sam"},
		{"taken over while waiting", []step{{sam, "take-over"}}, nil, "open", "sam", "sam"},
		{"joined", []step{{dana, "take"}, {sam, "join"}}, nil, "open", "dana", "dana sam"},
		{"assignee leaves, another stays", []step{{dana, "take"}, {sam, "join"}, {dana, "leave"}}, nil, "open", "sam", "sam"},
		{"the only one leaves", []step{{dana, "take"}, {dana, "leave"}}, nil, "waiting", "", ""},
		{"leaves twice", []step{{dana, "take"}, {dana, "leave"}, {dana, "leave"}}, errNoChange, "waiting", "", ""},
		{"closed by staff", []step{{dana, "take"}, {dana, "close"}}, nil, "closed", "dana", ""},
		{"closed by the patient", []step{{dana, "take"}, {sam, "join"}, {pat, "close"}}, nil, "closed", "dana", ""},
		{"taken when closed", []step{{pat, "close"}, {dana, "take"}}, ErrClosed, "closed", "", ""},
		{"joined when closed", []step{{pat, "close"}, {dana, "join"}}, ErrClosed, "closed", "", ""},
		{"reopened by staff", []step{{dana, "take"}, {dana, "close"}, {sam, "reopen"}}, nil, "open", "sam", "sam"},
		{"reopened by the patient", []step{{dana, "take"}, {dana, "close"}, {pat, "reopen"}}, nil, "waiting", "", ""},
		{"reopened while open", []step{{dana, "take"}, {dana, "reopen"}}, errNoChange, "open", "dana", "dana"},
		{"withdrawn", []step{{dana, "take"}, {pat, "withdraw"}}, nil, "closed", "dana", ""},
		{"withdrawn when closed", []step{{dana, "take"}, {dana, "close"}, {pat, "withdraw"}}, nil, "closed", "dana", ""},
		{"withdrawn, then taken", []step{{pat, "withdraw"}, {dana, "take"}}, ErrConsentWithdrawn, "closed", "", ""},
		{"withdrawn, then joined", []step{{pat, "withdraw"}, {dana, "join"}}, ErrConsentWithdrawn, "closed", "", ""},
		{"withdrawn, then reopened", []step{{pat, "withdraw"}, {pat, "reopen"}}, ErrConsentWithdrawn, "closed", "", ""},
		{"withdrawn twice", []step{{pat, "withdraw"}, {pat, "withdraw"}}, errNoChange, "closed", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &Conversation{
				Patient: "pat", State: api.StateWaiting, CreatedAt: 1, WaitingFrom: 1,
				Participants: []Participant{{Person: "pat", Wanted: true, Since: 1}, {Person: "keeper", Wanted: true, Since: 1}},
			}
			var err error
			for i, s := range tt.steps {
				a, ok := actOf(s.act)
				if !ok {
					t.Fatalf("no act %q", s.act)
				}
				if err = a.apply(v, s.who, int64(10+i)); err != nil && i < len(tt.steps)-1 {
					t.Fatal(err)
				}
			}
			var taken *TakenError
			if want := errors.As(tt.err, new(*TakenError)); want != errors.As(err, &taken) || !want && !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			wanted := strings.Join(v.staffWanted(), " ")
			if v.State != tt.state || v.Assignee != tt.assignee || wanted != tt.wanted {
				t.Errorf("%s, %q, wants %q", v.State, v.Assignee, wanted)
			}
			if !v.wants("pat") || !v.wants("keeper") {
				t.Error("the patient or the keeper is no longer wanted")
			}
			if (v.WaitingFrom != 0) != (v.State == api.StateWaiting) || (v.ClosedAt != 0) != (v.State == api.StateClosed) {
				t.Errorf("times do not fit the state: %+v", v)
			}
		})
	}
}

func TestNoOtherActs(t *testing.T) {
	for _, name := range []string{"", "delete", "frames", "Take"} {
		if _, ok := actOf(name); ok {
			t.Errorf("%q is an act", name)
		}
	}
}

// connected returns a switchboard with one connection in a room.
func connected(buffer int) (*switchboard, *Connection) {
	b := newSwitchboard(time.Hour, func(*Caller, bool, []string) {})
	c := &Caller{Device: Device{ID: "d", Person: "p", Practice: "t", Kind: api.KindPatient}}
	conn := &Connection{Caller: c, out: make(chan *Outgoing, buffer), done: make(chan struct{}), rooms: map[string]struct{}{}, left: map[string]struct{}{}}
	b.add(conn)
	b.enter(conn, []Head{{Conversation: "c", Head: 4}})
	return b, conn
}

func frameNotice(position uint64) *Notice {
	return &Notice{Practice: "t", Conversation: "c", Event: api.Event{Type: api.EventFrame, ConversationID: "c", Frame: &api.Frame{Position: position}}}
}

// TestFramesAreAnnouncedInOrder: appends that finished together are told in
// the order of the log; one that never comes holds the others up briefly.
func TestFramesAreAnnouncedInOrder(t *testing.T) {
	b, conn := connected(100)
	take := func(n int) (got []uint64) {
		for range n {
			got = append(got, (<-conn.Events()).Event.Frame.Position)
		}
		return got
	}
	for _, p := range []uint64{6, 8, 7, 5, 9} {
		b.deliver(frameNotice(p))
	}
	if got := take(5); !slices.Equal(got, []uint64{5, 6, 7, 8, 9}) {
		t.Errorf("announced %v", got)
	}
	b.deliver(frameNotice(12)) // 10 and 11 do not come
	if got := take(1); got[0] != 12 {
		t.Errorf("announced %v", got)
	}
	b.deliver(frameNotice(10)) // late: told all the same, clients know the gap
	if got := take(1); got[0] != 10 {
		t.Errorf("announced %v", got)
	}
}

// TestT29aSlowReaders are let go; the others and the sender do not wait.
func TestT29aSlowReaders(t *testing.T) {
	b, conn := connected(3)
	for p := range uint64(5) {
		b.deliver(frameNotice(p + 1))
	}
	select {
	case <-conn.Done():
	default:
		t.Fatal("a connection with a full buffer was kept")
	}
	if conn.Reason() != ReasonSlow {
		t.Errorf("let go because %s", conn.Reason())
	}
	b.remove(conn)
	if b.count() != 0 || len(b.rooms) != 0 || len(b.devices) != 0 {
		t.Errorf("left behind: %d connections, %d rooms", b.count(), len(b.rooms))
	}
}

// TestRemovedWhileConnecting: a device that is taken out of a group between
// the reading of its heads and its entering hears nothing of it.
func TestRemovedWhileConnecting(t *testing.T) {
	b := newSwitchboard(time.Hour, func(*Caller, bool, []string) {})
	c := &Caller{Device: Device{ID: "d", Person: "p", Practice: "t", Kind: api.KindStaff}}
	conn := &Connection{Caller: c, out: make(chan *Outgoing, 10), done: make(chan struct{}), rooms: map[string]struct{}{}, left: map[string]struct{}{}}
	b.add(conn)
	heads := []Head{{Conversation: "c"}}
	b.deliver(&Notice{Practice: "t", Conversation: "c", Left: []string{"d"}})
	b.enter(conn, heads)
	b.deliver(frameNotice(3))
	if len(conn.out) != 0 {
		t.Errorf("it hears %+v", (<-conn.out).Event)
	}
}

func TestADeviceHasAFewConnections(t *testing.T) {
	b, first := connected(1)
	for range connectionsPerDevice {
		conn := &Connection{Caller: first.Caller, out: make(chan *Outgoing, 1), done: make(chan struct{}), rooms: map[string]struct{}{}, left: map[string]struct{}{}}
		b.add(conn)
		b.enter(conn, nil)
	}
	select {
	case <-first.Done():
		if first.Reason() != ReasonReplaced {
			t.Errorf("let go because %s", first.Reason())
		}
	default:
		t.Error("the oldest of too many connections was kept")
	}
}

// TestStaffHearOfTheirQueues and of no other.
func TestStaffHearOfTheirQueues(t *testing.T) {
	b := newSwitchboard(time.Hour, func(*Caller, bool, []string) {})
	conns := map[string]*Connection{}
	for name, p := range map[string]Person{"nurse": {Queues: []string{"nurse"}}, "front": {Queues: []string{"front"}}, "all": {}, "administrator": {}} {
		p.Kind, p.Role = api.KindStaff, "nurse"
		c := &Caller{Device: Device{ID: name, Person: name, Practice: "t", Kind: api.KindStaff}, Person: p, principal: p.principal(), queues: name != "administrator"}
		conns[name] = &Connection{Caller: c, out: make(chan *Outgoing, 10), done: make(chan struct{}), rooms: map[string]struct{}{}}
		b.add(conns[name])
	}
	b.deliver(&Notice{Practice: "t", Staff: true, Queue: "nurse", Event: api.Event{Type: api.EventConversation}})
	b.deliver(&Notice{Practice: "other", Staff: true, Queue: "nurse", Event: api.Event{Type: api.EventConversation}})
	for name, want := range map[string]int{"nurse": 1, "front": 0, "all": 1, "administrator": 0} {
		if got := len(conns[name].out); got != want {
			t.Errorf("%s hears %d events, want %d", name, got, want)
		}
	}
}
