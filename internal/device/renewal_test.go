package device_test

import (
	"context"
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
