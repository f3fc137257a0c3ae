package storetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

// What a crash test works on: one practice, and a device a life.
const (
	crashPractice     = "p_clinic"
	crashConversation = "c_talk"
)

// crashSeed makes the key of the practice's log, in each life the same.
var crashSeed = bytes.Repeat([]byte{7}, auditlog.SeedBytes)

// LiveOnce does, in a process that may be killed anywhere in it, all that
// leaves a trace in the audit log: acts, reads and a refusal, the events getting
// their numbers, and signed heads. To say it prints a line for each thing that
// it was told is done. Acts that the store cannot do, or cannot tell of, have no
// line.
func LiveOnce(ctx context.Context, store hub.Store, life int, say io.Writer) error {
	h, err := crashHub(store)
	if err != nil {
		return err
	}
	l := &living{ctx: audit.WithRequest(ctx, audit.Request{ID: request(life)}), store: store, hub: h, say: say}
	d := device(life)
	l.does("certified "+d, func() error {
		return store.Recording(l.event(audit.CertificateIssued, d)).PutCertificate(l.ctx, crashPractice, d, []byte("certificate"), nil, 20)
	})
	l.refused(func() error {
		twice := l.event(audit.CertificateIssued, d)
		return store.Recording(twice, twice).PutCertificate(l.ctx, crashPractice, newID("d"), []byte("certificate"), nil, 20)
	})
	l.does("sent "+request(life), func() error {
		_, err := store.Recording(l.event(audit.FrameSent, "").In(crashConversation, "")).AppendFrame(l.ctx, crashFrame(life))
		return err
	})
	l.does("read "+request(life), func() error { return store.Record(l.ctx, l.event(audit.PeopleListed, "")) })
	// The first fills a tile, so the level above begins another; see [Crash].
	l.does("", func() error { _, err := store.GrowLog(l.ctx, crashPractice, 2); return err })
	l.checkpoint()
	l.does("revoked "+d, func() error {
		return store.Recording(l.event(audit.DeviceRevoked, d), l.event(audit.PersonDisabled, "p_"+d)).RevokeDevice(l.ctx, crashPractice, d, 30)
	})
	l.checkpoint()
	return l.failed
}

func request(life int) string { return "r" + strconv.Itoa(life) }
func device(life int) string  { return "d_" + strconv.Itoa(life) }

func crashFrame(life int) hub.Append {
	return hub.Append{Practice: crashPractice, Conversation: crashConversation, Frame: hub.Frame{
		Kind: api.FrameApplication, Epoch: 1, Device: "d_1st", Person: "p_1st", ClientID: request(life), ReceivedAt: 1, Payload: []byte("sealed"),
	}}
}

// crashHub is a hub that is asked for nothing but its logs.
func crashHub(store hub.Store) (*hub.Hub, error) {
	return hub.New(hub.Config{Store: store, Blobs: struct{ hub.Blobs }{}, AuditSeed: crashSeed})
}

// living is one life.
type living struct {
	ctx    context.Context
	store  hub.Store
	hub    *hub.Hub
	say    io.Writer
	failed error // what nobody foresaw
}

func (l *living) event(k audit.Kind, object string) audit.Event {
	return audit.New(l.ctx, 1234, audit.Actor{Practice: crashPractice, Role: audit.Operator}, k, object)
}

func (l *living) does(what string, act func() error) {
	err := act()
	if err == nil && what != "" {
		_, err = fmt.Fprintln(l.say, what)
	}
	if !errors.Is(err, hub.ErrUnavailable) {
		l.failed = errors.Join(l.failed, err)
	}
}

func (l *living) refused(act func() error) {
	if err := act(); !errors.Is(err, hub.ErrNotFound) && !errors.Is(err, hub.ErrUnavailable) {
		l.failed = errors.Join(l.failed, fmt.Errorf("not refused: %w", err))
	}
}

// checkpoint gives all that waits its number, and publishes the head.
func (l *living) checkpoint() {
	var signed []byte
	l.does("", func() (err error) {
		signed, _, _, err = l.hub.Checkpoint(l.ctx, crashPractice)
		return err
	})
	if signed != nil {
		l.does("checkpoint "+base64.StdEncoding.EncodeToString(signed), func() error { return nil })
	}
}

// A Crash is what is known of a store whose users are killed: what they were
// told is done. Its own part, between lives, is not disturbed.
type Crash struct {
	t           *testing.T
	life        int
	said        map[string]bool
	checkpoints [][]byte
	first       int64 // the number of the first event since the last look
}

// NewCrash makes what the lives work on.
func NewCrash(t *testing.T, store hub.Store) *Crash {
	t.Helper()
	ctx := t.Context()
	must(t, store.SavePractice(ctx, hub.Practice{ID: crashPractice, Slug: "clinic"}))
	must(t, store.CreateConversation(ctx, hub.NewConversation{
		Conversation: hub.Conversation{
			ID: crashConversation, Practice: crashPractice, Queue: "q", State: api.StateWaiting, Epoch: 1, Head: 1,
			Members: []hub.Member{{Device: "d_1st", Person: "p_1st", From: 1}},
		},
		Group: hub.Group{Epoch: 1, Handshake: 1},
		First: hub.Frame{Position: 1, Kind: api.FrameCommit, Device: "d_1st", Person: "p_1st", ClientID: "founding"},
	}))
	return &Crash{t: t, said: make(map[string]bool)}
}

// Next makes the device of the next life and fills the log up to two entries
// before a tile is full, so that each life completes one. It returns the life's
// number.
func (c *Crash) Next(store hub.Store) int {
	c.t.Helper()
	ctx := c.t.Context()
	c.life++
	here := &clinic{t: c.t, store: store, id: crashPractice}
	d := here.newDevice("p_"+device(c.life), api.KindStaff)
	d.ID = device(c.life)
	must(c.t, store.AddDevice(ctx, d, &hub.Person{ID: d.Person, Practice: crashPractice, Kind: api.KindStaff, Login: newID("login"), CreatedAt: 1}))
	for {
		n, err := store.GrowLog(ctx, crashPractice, 256)
		must(c.t, err)
		if n == 0 {
			break
		}
	}
	head, err := store.LogHead(ctx, crashPractice)
	must(c.t, err)
	const before = auditlog.TileWidth - 2
	var fill []audit.Event
	for range (before - head.Size%auditlog.TileWidth + auditlog.TileWidth) % auditlog.TileWidth {
		fill = append(fill, here.event(audit.HubStarted, ""))
	}
	must(c.t, store.Record(ctx, fill...))
	_, err = store.GrowLog(ctx, crashPractice, 256)
	must(c.t, err)
	c.first = head.Size + int64(len(fill))
	return c.life
}

// Told takes what a life said. Its last line may be cut short.
func (c *Crash) Told(out io.Reader) {
	c.t.Helper()
	all, err := io.ReadAll(bufio.NewReader(out))
	must(c.t, err)
	for line := range strings.Lines(string(all)) {
		what, whole := strings.CutSuffix(line, "\n")
		if !whole {
			continue
		}
		if signed, ok := strings.CutPrefix(what, "checkpoint "); ok {
			b, err := base64.StdEncoding.DecodeString(signed)
			must(c.t, err)
			c.checkpoints = append(c.checkpoints, b)
			continue
		}
		c.said[what] = true
	}
}

// Check looks, after a life, whether what it was told is there, and each act
// has its event and each event its act, once.
func (c *Crash) Check(store hub.Store) {
	c.t.Helper()
	ctx := c.t.Context()
	entries, err := store.LogRange(ctx, crashPractice, c.first, 10_000)
	must(c.t, err)
	waiting, err := store.WaitingEvents(ctx, crashPractice, 10_000)
	must(c.t, err)
	seen := make(map[string]int)
	for i, e := range entries {
		if e.Leaf != c.first+int64(i) {
			c.t.Errorf("life %d: entry %d stands where %d should", c.life, e.Leaf, c.first+int64(i))
		}
	}
	for _, e := range slices.Concat(events(entries), waiting) {
		seen[string(e.Kind)]++
	}
	d, err := store.Device(ctx, crashPractice, device(c.life))
	must(c.t, err)
	frames, _, err := store.Frames(ctx, crashPractice, crashConversation, 0, 0, 10_000)
	must(c.t, err)
	sent := slices.ContainsFunc(frames, func(f hub.Frame) bool { return f.ClientID == request(c.life) })
	for _, act := range []struct {
		said string
		kind audit.Kind
		done bool
	}{
		{"certified " + device(c.life), audit.CertificateIssued, d.CertifiedAt != 0},
		{"sent " + request(c.life), audit.FrameSent, sent},
		{"revoked " + device(c.life), audit.DeviceRevoked, d.RevokedAt != 0},
		{"revoked " + device(c.life), audit.PersonDisabled, d.RevokedAt != 0},
		// A read changes nothing but the log.
		{"read " + request(c.life), audit.PeopleListed, seen[string(audit.PeopleListed)] > 0},
	} {
		switch n := seen[string(act.kind)]; {
		case c.said[act.said] && !act.done:
			c.t.Errorf("life %d: %s was acknowledged and is not so", c.life, act.said)
		case act.done && n != 1, !act.done && n != 0:
			c.t.Errorf("life %d: %s: done is %v, and %d events say so", c.life, act.said, act.done, n)
		}
	}
}

// End reads the whole log as `sotto audit verify` does, against every head that
// any life published.
func (c *Crash) End(store hub.Store) {
	c.t.Helper()
	ctx := c.t.Context()
	h, err := crashHub(store)
	must(c.t, err)
	logs, err := h.AuditLogs(ctx, true)
	must(c.t, err)
	head, err := auditlog.OpenCheckpoint(logs[0].Signed, logs[0].Verifier)
	must(c.t, err)
	var earlier []auditlog.Checkpoint
	for _, signed := range c.checkpoints {
		e, err := auditlog.OpenCheckpoint(signed, logs[0].Verifier)
		must(c.t, err)
		earlier = append(earlier, e)
	}
	report, err := auditlog.Verify(ctx, logs[0].Source, auditlog.Head{Size: head.Size, Root: head.Root}, earlier...)
	must(c.t, err)
	for _, d := range report.Damage {
		c.t.Error(d)
	}
	if len(c.said) == 0 || len(earlier) == 0 {
		c.t.Errorf("%d acts and %d heads were acknowledged: nothing was tried", len(c.said), len(earlier))
	}
	c.t.Logf("%d lives, %d acts and %d heads acknowledged, %d entries", c.life, len(c.said), len(earlier), head.Size)
}
