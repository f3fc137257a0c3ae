package device_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// signIns counts how often devices proved their key for a session.
func (c *clinic) signIns() (n int) {
	c.t.Helper()
	all, err := c.store.WaitingEvents(c.t.Context(), c.id, 1<<20)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range all {
		if all[i].Kind == audit.DeviceSignedIn {
			n++
		}
	}
	return n
}

// A watching device counts who it is told went offline.
type watching struct {
	*hubclient.Client
	left *atomic.Int64
}

func (h *watching) Events(ctx context.Context, on func(api.Event)) error {
	return h.Client.Events(ctx, func(e api.Event) {
		if e.Type == api.EventPresence && !e.Online {
			h.left.Add(1)
		}
		on(e)
	})
}

// TestT05SessionIsRenewed: a device opens its session anew by its key while it is
// connected. Nobody sees it go, and nothing that is said meanwhile is lost or
// comes twice.
func TestT05SessionIsRenewed(t *testing.T) {
	c := newClinic(t, func(hc *hub.Config) { hc.Sessions.Offline = time.Millisecond })
	var away, left atomic.Int64
	engine := func(surface string, client device.Hub, renew time.Duration, listener func(device.Event)) *device.Engine {
		e, err := device.New(device.Config{Store: devicetest.NewStore(), Hub: client, Signer: devicetest.NewSigner(t), Renew: renew, Retry: 2 * time.Millisecond, Listener: listener})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Start(t.Context(), device.StartOptions{Surface: surface, Practice: "clinic", DeviceName: "Test"}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	patient := engine(device.SurfacePatient, c.client(), 40*time.Millisecond, func(e device.Event) {
		if e.Kind == device.EventConnection && (e.Connection == device.Offline || e.Connection == device.SignedOut) {
			away.Add(1)
		}
	})
	maria := engine(device.SurfaceStaff, &watching{c.signIn("maria", "nurse"), &left}, 0, nil)
	id := c.begins(patient)
	c.eventually("maria takes it", func() bool { return maria.Act(t.Context(), id, "take") == nil })
	c.eventually("maria reads it", func() bool { return slices.Contains(texts(maria, id), "Hello?") })
	before, want := c.signIns(), []string{"Hello?"}
	left.Store(0)
	for n := 0; n < 400 && c.signIns() < before+6; n++ {
		who, other, text := maria, patient, fmt.Sprint("line ", n)
		if n%2 == 1 {
			who, other = patient, maria
		}
		if _, err := who.SendText(t.Context(), id, text); err != nil {
			t.Fatal(err)
		}
		want = append(want, text)
		c.eventually(text, func() bool { return slices.Contains(texts(other, id), text) })
	}
	if n := c.signIns() - before; n < 6 {
		t.Errorf("it proved its key %d times", n)
	}
	for who, e := range map[string]*device.Engine{"the patient": patient, "maria": maria} {
		if got := texts(e, id); !slices.Equal(got, want) {
			t.Errorf("%s has %q", who, got)
		}
	}
	if n := away.Load(); n > 0 {
		t.Errorf("it was offline or signed out %d times", n)
	}
	if n := left.Load(); n > 0 {
		t.Errorf("the others saw it go %d times", n)
	}
}

// A flaky device's lines and sessions fare as the test says.
type flaky struct {
	*hubclient.Client
	lines, sessions atomic.Int64 // how many were asked for
	line            atomic.Pointer[func(ctx context.Context, events func(context.Context) error) error]
	refuses         atomic.Bool // to open a session
}

func (h *flaky) OpenSession(ctx context.Context, s api.OpenDeviceSession) (*api.DeviceSession, error) {
	h.sessions.Add(1)
	if h.refuses.Load() {
		return nil, &api.Problem{Status: 503, Code: api.CodeUnavailable}
	}
	return h.Client.OpenSession(ctx, s)
}

func (h *flaky) Events(ctx context.Context, on func(api.Event)) error {
	h.lines.Add(1)
	events := func(ctx context.Context) error { return h.Client.Events(ctx, on) }
	if line := h.line.Load(); line != nil {
		return (*line)(ctx, events)
	}
	return events(ctx)
}

// TestT05RenewalFails: whatever fails as a device renews its session, it is
// connected for as long as it has a line, and has a line again where it is not.
func TestT05RenewalFails(t *testing.T) {
	c := newClinic(t)
	sam := &flaky{Client: c.client()}
	var away atomic.Int64
	patient, err := device.New(device.Config{
		Store: devicetest.NewStore(), Hub: sam, Signer: devicetest.NewSigner(t), Renew: 100 * time.Millisecond, Retry: time.Millisecond, RetryMost: 5 * time.Millisecond,
		Listener: func(e device.Event) {
			if e.Kind == device.EventConnection && e.Connection != device.Online && e.Connection != device.Connecting {
				away.Add(1)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := patient.Start(t.Context(), device.StartOptions{Surface: device.SurfacePatient, Practice: "clinic", DeviceName: "Test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(patient.Close)
	id := c.begins(patient)
	sent := func(text string) {
		t.Helper()
		c.eventually("it is sent: "+text, func() bool {
			lines, _ := patient.Lines(t.Context(), id, 0, 500)
			return slices.ContainsFunc(lines, func(l device.Line) bool {
				return l.Message != nil && l.Message.Body.Text == text && l.Message.Position != 0
			})
		})
	}
	more := func(what string, n *atomic.Int64) {
		t.Helper()
		before := n.Load()
		c.eventually(what, func() bool { return n.Load() >= before+4 })
	}
	sent("Hello?")
	c.eventually("what is idle is left alone by a renewal", func() bool {
		device.Unload(patient)
		more("it renews", &sam.lines)
		return device.Loaded(patient) == 0
	})

	sam.refuses.Store(true)
	more("no session is to be had", &sam.sessions)
	if _, err := patient.SendText(t.Context(), id, "by the former"); err != nil {
		t.Fatal(err)
	}
	sent("by the former")
	sam.refuses.Store(false)

	refused := func(context.Context, func(context.Context) error) error { return errors.New("one line too many") }
	sam.line.Store(&refused)
	more("no second line is to be had", &sam.lines)
	sam.line.Store(nil)
	more("it renews", &sam.lines)
	if n := away.Load(); n > 0 {
		t.Errorf("it was away %d times", n)
	}

	short := func(ctx context.Context, events func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
		defer cancel()
		return events(ctx)
	}
	sam.line.Store(&short)
	more("the session is renewed by its own age, though lines break earlier", &sam.sessions)

	var hanging atomic.Int64 // every second line is never ready, and the one before it breaks meanwhile
	var cut atomic.Pointer[context.CancelFunc]
	hang := func(ctx context.Context, events func(context.Context) error) error {
		if hanging.Add(1)%2 == 0 {
			(*cut.Load())()
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		cut.Store(&cancel)
		return events(ctx)
	}
	sam.line.Store(&hang)
	more("it connects again where the next line is never ready", &hanging)
}

// TestT05SessionIsOver: whoever slept through the end of their session, as a
// laptop does, proves their key again, and goes on.
func TestT05SessionIsOver(t *testing.T) {
	var later atomic.Int64
	c := newClinic(t, func(hc *hub.Config) { hc.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) } })
	client := c.client()
	patient := c.start("sam", device.SurfacePatient, client)
	id := c.begins(patient)
	sent := func(text string) func() bool {
		return func() bool {
			lines, _ := patient.Lines(t.Context(), id, 0, 500)
			return slices.ContainsFunc(lines, func(l device.Line) bool {
				return l.Message != nil && l.Message.Body.Text == text && l.Message.Position != 0
			})
		}
	}
	c.eventually("it is sent", sent("Hello?"))
	token := client.Token()
	later.Store(int64(59 * time.Minute))
	if _, err := client.Self(t.Context()); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	later.Store(int64(61 * time.Minute))
	c.eventually("the line ends, and they prove their key again", func() bool { return client.Token() != token })
	if _, err := patient.SendText(t.Context(), id, "after lunch"); err != nil {
		t.Fatal(err)
	}
	c.eventually("the rest is sent", sent("after lunch"))
	old := c.client()
	old.SetToken(token)
	if _, err := old.Self(t.Context()); err == nil {
		t.Error("a session lives for longer than an hour")
	}
}
