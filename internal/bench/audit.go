package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

const (
	auditRounds = 3    // of each kind, by turns, so that a busy moment meets both
	auditFrames = 4000 // in a round
	// auditTick is after how many events they get their numbers: in a server
	// that is once a second.
	auditTick = 1000
	// auditBatch is how many get theirs in one transaction, as in a hub.
	auditBatch = 256
	// storedEvents is how many show what one takes of the disk.
	storedEvents = 20_000
)

// measureAudit stores frames without and with their events, in a store of its
// own in this process, and prints what events cost: the processor's time that
// frames with events take more, up to their numbers in the log, and how much
// that is of a message, which takes the given times of the server and in all.
func measureAudit(ctx context.Context, c Config, server, all time.Duration) (err error) {
	store, _, closeStore, err := c.Store(ctx)
	if err != nil {
		return fmt.Errorf("open a store: %w", err)
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	b, err := newLedger(ctx, store, c)
	if err != nil {
		return fmt.Errorf("prepare a store: %w", err)
	}
	least := [3]time.Duration{}
	var fastest float64
	for range auditRounds {
		for kind, run := range []func(context.Context, int) error{b.frame, b.audited, b.event} {
			each, perSecond, err := b.round(ctx, run)
			if err != nil {
				return err
			}
			if least[kind] == 0 || each < least[kind] {
				least[kind] = each
			}
			if kind == 2 {
				fastest = max(fastest, perSecond)
			}
		}
	}
	more := max(least[1]-least[0], 0)
	share := func(of time.Duration) float64 { return 100 * float64(more) / float64(max(of, 1)) }
	fmt.Fprintf(c.Out, "%-22s %8.0f events/s recorded and numbered   processor: %v an event alone; a frame %v, with its event %v\n",
		"the audit log", fastest, least[2].Round(time.Microsecond), least[0].Round(time.Microsecond), least[1].Round(time.Microsecond))
	fmt.Fprintf(c.Out, "%-22s %7.1f%% of what a message takes of the server (%v of %v), %.1f%% of all\n",
		"auditing takes", share(server), more.Round(time.Microsecond), server.Round(time.Microsecond), share(all))
	return nil
}

// measureStored prints what an event takes of the disk, in the log with its
// numbers, tree and indexes.
func measureStored(ctx context.Context, c Config) error {
	none, err := stored(ctx, c, 0)
	if err != nil {
		return err
	}
	some, err := stored(ctx, c, storedEvents)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%-22s %8d bytes an event, numbered, with the tree and its indexes\n", "the audit log stores", (some-none)/storedEvents)
	return nil
}

// stored is what a store takes of the disk in whose log are some events, once
// it is closed.
func stored(ctx context.Context, c Config, events int64) (bytes int64, err error) {
	store, folder, closeStore, err := c.Store(ctx)
	if err != nil {
		return 0, fmt.Errorf("open a store: %w", err)
	}
	l, err := newLedger(ctx, store, c)
	if err == nil {
		err = l.many(ctx, events, l.event)
	}
	if err := errors.Join(err, closeStore()); err != nil {
		return 0, err
	}
	return bytesIn(folder)
}

// A ledger is a practice with conversations in a store.
type ledger struct {
	store         hub.Store
	practice      string
	conversations []hub.Conversation
	payload       []byte
	pending       atomic.Int64 // events without a number, roughly
}

func newLedger(ctx context.Context, store hub.Store, c Config) (*ledger, error) {
	l := &ledger{store: store, practice: "org_bench", payload: random(c.MessageBytes + 400)}
	if err := store.SavePractice(ctx, hub.Practice{ID: l.practice, Slug: "bench"}); err != nil {
		return nil, err
	}
	for range c.Conversations {
		id := strings.ToLower(rand.Text())
		n := hub.NewConversation{
			Conversation: hub.Conversation{
				ID: "c_" + id, Practice: l.practice, Queue: "q", State: api.StateOpen, Patient: "p_" + id, Epoch: 1, Head: 1,
				Members: []hub.Member{{Device: "d_" + id, Person: "p_" + id, From: 1}},
			},
			Group: hub.Group{Epoch: 1, Handshake: 1},
			First: hub.Frame{Position: 1, Kind: api.FrameCommit, Device: "d_" + id, Person: "p_" + id, ClientID: "founding"},
		}
		if err := store.CreateConversation(ctx, n); err != nil {
			return nil, err
		}
		l.conversations = append(l.conversations, n.Conversation)
	}
	return l, nil
}

// round runs a kind of work from two senders a conversation.
func (l *ledger) round(ctx context.Context, run func(context.Context, int) error) (each time.Duration, perSecond float64, err error) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := l.many(ctx, auditFrames, run); err != nil {
		return 0, 0, err
	}
	elapsed := time.Since(begun)
	after, err := usageOf(os.Getpid())
	return (after.cpu - before.cpu) / auditFrames, auditFrames / elapsed.Seconds(), err
}

// many does a kind of work n times, from two senders a conversation, and gives
// the events of it their numbers.
func (l *ledger) many(ctx context.Context, n int64, run func(context.Context, int) error) error {
	var left atomic.Int64
	left.Store(n)
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range 2 * len(l.conversations) {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
				if err := run(groupCtx, i%len(l.conversations)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return l.number(ctx)
}

func (l *ledger) frame(ctx context.Context, i int) error { return l.append(ctx, i, l.store) }

func (l *ledger) audited(ctx context.Context, i int) error {
	if err := l.append(ctx, i, l.store.Recording(l.sent(ctx, i, audit.FrameSent))); err != nil {
		return err
	}
	return l.tick(ctx)
}

func (l *ledger) event(ctx context.Context, i int) error {
	if err := l.store.Record(ctx, l.sent(ctx, i, audit.ConversationOpened)); err != nil {
		return err
	}
	return l.tick(ctx)
}

func (l *ledger) append(ctx context.Context, i int, store hub.Store) error {
	v := &l.conversations[i]
	_, err := store.AppendFrame(ctx, hub.Append{Practice: l.practice, Conversation: v.ID, Frame: hub.Frame{
		Kind: api.FrameApplication, Epoch: 1, Device: v.Members[0].Device, Person: v.Patient, ClientID: rand.Text(),
		ReceivedAt: time.Now().UnixMilli(), Payload: l.payload,
	}})
	return err
}

func (l *ledger) sent(ctx context.Context, i int, kind audit.Kind) audit.Event {
	v := &l.conversations[i]
	who := audit.Actor{Practice: l.practice, Role: audit.Patient, Person: v.Patient, Device: v.Members[0].Device}
	ctx = audit.WithRequest(ctx, audit.Request{ID: "r_" + v.ID[2:], Address: "198.51.100.7"})
	return audit.New(ctx, time.Now().UnixMilli(), who, kind, "").In(v.ID, v.Patient)
}

// tick numbers events now and then.
func (l *ledger) tick(ctx context.Context) error {
	if l.pending.Add(1)%auditTick != 0 {
		return nil
	}
	return l.number(ctx)
}

func (l *ledger) number(ctx context.Context) error {
	for {
		n, err := l.store.GrowLog(ctx, l.practice, auditBatch)
		if err != nil || n < auditBatch {
			return err
		}
	}
}
