//go:build linux

package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/device"
)

// TestKillNineUnderLoad kills the server, hub and keeper in one, again and
// again while four patients and a nurse type and send files. In the end
// everybody, and the record, has everything that was typed, once and in order,
// every file opens, and what the hub had acknowledged is where it said. CI kills
// a hundred times in all.
func TestKillNineUnderLoad(t *testing.T) {
	t.Run("server", func(t *testing.T) { killUnderLoad(t, rounds(12, 80), false) })
	t.Run("server and devices", func(t *testing.T) { killUnderLoad(t, rounds(8, 20), true) })
}

// rounds is how often to do something: a hundred times before a release.
func rounds(short, ci int) int {
	switch {
	case os.Getenv("SOTTO_FULL") == "1":
		return 100
	case os.Getenv("CI") == "true":
		return ci
	}
	return short
}

func killUnderLoad(t *testing.T, rounds int, devicesToo bool) {
	data, heads, address := t.TempDir(), t.TempDir(), freeAddress(t)
	server := start(t, "sotto", "--data", data, "serve", "--demo", "--unlimited", "--log-level", "error", "--listen", address, "--clinic-listen", freeAddress(t), "--audit-checkpoints", heads)
	awaitReady(t, address)
	url := "http://" + address
	load := newLoad(t, url, data, 4)
	load.heads = heads

	for round := range rounds {
		before := load.acknowledged()
		eventually(t, fmt.Sprintf("messages get through before kill %d", round+1), func() error {
			if n := load.acknowledged() - before; n < 20 {
				return fmt.Errorf("%d acknowledged since the server came back", n)
			}
			return nil
		})
		time.Sleep(rand.N(150 * time.Millisecond))
		if devicesToo {
			load.crash(load.people[rand.N(len(load.people))], url)
		}
		server.kill()
		server.start()
	}
	load.stop()
	t.Logf("%d kills, %d messages typed", rounds, load.check(data))
}

// A load is people who type all the time.
type load struct {
	t      *testing.T
	people []*person // patients, then a nurse
	seats  []*seat
	quit   chan struct{}
	typing sync.WaitGroup
	heads  string // where the server publishes heads of the audit log

	mu    sync.Mutex        // guards acked
	acked map[string]uint64 // by text or "file:" and name, the position that the hub gave
}

// A seat is one person's place in one conversation.
type seat struct {
	load         *load
	person       *person
	conversation string
	name         string
	typed        []string
	scans        []string // "file:" and name; they go out beside the texts
}

// newLoad begins conversations between so many patients and a nurse, and has
// all of them type from now on, the patients sending files too.
func newLoad(t *testing.T, url, data string, patients int) *load {
	t.Helper()
	l := &load{t: t, quit: make(chan struct{}), acked: make(map[string]uint64)}
	nurse := demoStaff(t, url, data, 0)
	nurse.now().SetListener(l.hear)
	nurse.heard = l.hear
	for n := range patients {
		p := newPerson(t, device.SurfacePatient, newClient(t, url))
		p.heard = l.hear
		p.begins()
		id := p.open(fmt.Sprint("Patient ", n))
		nurse.take(id)
		l.people = append(l.people, p)
		l.seats = append(l.seats,
			&seat{load: l, person: p, conversation: id, name: fmt.Sprint("patient ", n)},
			&seat{load: l, person: nurse, conversation: id, name: fmt.Sprint("nurse to ", n)})
	}
	l.people = append(l.people, nurse)
	for i, s := range l.seats {
		l.typing.Go(s.keepTyping)
		if i%2 == 0 {
			l.typing.Go(s.keepSending)
		}
	}
	t.Cleanup(l.stop)
	return l
}

// hear notes what the hub has acknowledged, as the page would show it.
func (l *load) hear(e device.Event) {
	if e.Kind == device.EventConnection && e.Connection == device.SignedOut {
		l.t.Error("a device takes a restart of the hub for the end of its session, and waits for its person")
	}
	if e.Kind != device.EventLine || e.Line.Message == nil || !e.Line.Message.Mine {
		return
	}
	m := e.Line.Message
	if m.State == nil {
		return
	}
	switch m.State.Kind {
	case device.StateFailed:
		l.t.Errorf("%q failed: %s", said(m), m.State.Failure)
	case device.StateSent, device.StateDelivered, device.StateRead:
		l.mu.Lock()
		defer l.mu.Unlock()
		if was, ok := l.acked[said(m)]; ok && was != m.State.Position {
			l.t.Errorf("%q was acknowledged at %d and then at %d", said(m), was, m.State.Position)
		}
		l.acked[said(m)] = m.State.Position
	}
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (l *load) isAcknowledged(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[text] > 0
}

// atOnce is how many messages somebody types before the first of them is out.
const atOnce = 8

func (s *seat) keepTyping() {
	for n := 1; ; {
		select {
		case <-s.load.quit:
			return
		case <-time.After(rand.N(20 * time.Millisecond)):
		}
		if len(s.typed) >= atOnce && !s.load.isAcknowledged(s.typed[len(s.typed)-atOnce]) {
			continue
		}
		text := fmt.Sprintf("%s: %d", s.name, n)
		if s.person.tries(s.conversation, text) == nil {
			s.typed = append(s.typed, text)
			n++
		} // else the device is down: typed again
	}
}

// tries sends a text, unless the device is being started anew.
func (p *person) tries(conversation, text string) error {
	p.restart.RLock()
	defer p.restart.RUnlock()
	_, err := p.now().SendText(p.t.Context(), conversation, text)
	return err
}

// crash breaks a device's disk at one of its next writes, so that nothing more
// leaves it, and starts the device anew from what it had kept.
func (l *load) crash(p *person, url string) {
	l.t.Helper()
	p.store.FailAt(1 + rand.N(8))
	eventually(l.t, "a device crashes", func() error {
		if !p.store.Broken() {
			return errors.New("it has not written")
		}
		return nil
	})
	p.restart.Lock()
	defer p.restart.Unlock()
	p.close()
	p.store.FailAt(0)
	if p.surface == device.SurfacePatient { // a browser keeps the cookie of staff
		p.client = newClient(l.t, url)
	}
	p.begins()
}

func (l *load) stop() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.typing.Wait()
}

// check waits until everybody and the record have what was typed, once and in
// order, and returns how much that is.
func (l *load) check(data string) (typed int) {
	l.t.Helper()
	nurse := l.people[len(l.people)-1]
	for i, p := range l.people[:len(l.people)-1] {
		seats := l.seats[2*i : 2*i+2]
		id := seats[0].conversation
		var seen []string
		eventually(l.t, "everybody and the record have all", func() (err error) {
			if seen, err = p.texts(id); err != nil {
				return err
			}
			if want := len(seats[0].typed) + len(seats[1].typed) + len(seats[0].scans); len(seen) != want {
				return fmt.Errorf("the patient sees %d messages, %d were sent: %q", len(seen), want, tail(fmt.Sprint(seen), 400))
			}
			others, err := nurse.texts(id)
			if err != nil || !slices.Equal(seen, others) {
				return fmt.Errorf("the nurse sees %d messages and not the patient's %d, or in another order, first %s: %w", len(others), len(seen), difference(others, seen), err)
			}
			kept, err := recorded(data, id)
			if err != nil || !slices.Equal(seen, kept) {
				return fmt.Errorf("the record has %d messages and not the patient's %d, or in another order, first %s: %w", len(kept), len(seen), difference(kept, seen), err)
			}
			return nil
		})
		for _, s := range seats {
			of := slices.DeleteFunc(slices.Clone(seen), func(text string) bool { return !strings.HasPrefix(text, s.name+": ") })
			if !slices.Equal(of, s.typed) {
				l.t.Errorf("%s typed %q and the others have %q", s.name, s.typed, of)
			}
			typed += len(of)
		}
		seats[0].checkScans(nurse, seen, data)
		l.checkPositions(p, id)
	}
	if report := run(l.t, "sotto", "--data", data, "record", "verify"); !strings.Contains(report, "as it was written") {
		l.t.Errorf("verify: %s", report)
	}
	l.checkLog(data)
	return typed
}

// difference says where two orders of the same begin to differ.
func difference(has, want []string) string {
	n := 0
	for n < min(len(has), len(want)) && has[n] == want[n] {
		n++
	}
	return fmt.Sprintf("%q instead of %q", has[n:min(n+2, len(has))], want[n:min(n+2, len(want))])
}

// checkLog has the audit log checked against each head that the server published
// in one of its lives.
func (l *load) checkLog(data string) {
	l.t.Helper()
	published, err := filepath.Glob(filepath.Join(l.heads, "*", "20*", "*"))
	if err != nil || len(published) < 2 {
		l.t.Errorf("%d heads of the audit log were published (%v)", len(published), err)
	}
	args := []string{"--data", data, "audit", "verify"}
	for _, path := range published {
		args = append(args, "--checkpoint", path)
	}
	if report := run(l.t, "sotto", args...); !strings.Contains(report, "as it was written") {
		l.t.Errorf("audit verify: %s", report)
	}
}

// checkPositions checks that what was acknowledged is where the hub had said.
func (l *load) checkPositions(p *person, id string) {
	l.t.Helper()
	lines, err := p.lines(id)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		if line.Message == nil {
			continue
		}
		if at := l.acked[said(line.Message)]; at != 0 && at != line.Message.Position {
			l.t.Errorf("%q was acknowledged at %d and is at %d", said(line.Message), at, line.Message.Position)
		}
	}
}

// recorded returns what was said in a conversation by the practice's record, in
// the words of [said]. Flags in how say where the hub is, if it is elsewhere.
func recorded(data, conversation string, how ...string) ([]string, error) {
	out, err := try("sotto", slices.Concat([]string{"--data", data, "record"}, how, []string{"show", conversation, "--purpose", "operations", "--json"})...)
	if err != nil {
		return nil, err
	}
	var transcript struct {
		Lines []struct {
			Kind, Text string
			File       struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(out), &transcript); err != nil {
		return nil, err
	}
	var texts []string
	for _, l := range transcript.Lines {
		switch l.Kind {
		case "text":
			texts = append(texts, l.Text)
		case "file":
			texts = append(texts, "file:"+l.File.Name)
		}
	}
	return texts, nil
}
