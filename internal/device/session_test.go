package device_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// A restarted hub does not know the first challenge that a device answers.
type restarted struct {
	device.Hub
	forgotten atomic.Bool
}

func (h *restarted) OpenSession(ctx context.Context, s api.OpenDeviceSession) (*api.DeviceSession, error) {
	if h.forgotten.CompareAndSwap(false, true) {
		return nil, &api.Problem{Status: 401, Code: api.CodeUnauthenticated}
	}
	return h.Hub.OpenSession(ctx, s)
}

// TestHubStartsAnewWhileSigningIn refuses a device's first proof: it makes
// another, and is not signed out.
func TestHubStartsAnewWhileSigningIn(t *testing.T) {
	w := devicetest.NewWorld(t)
	p := w.Patient("sam", func(c *device.Config) { c.Hub = &restarted{Hub: c.Hub} })
	id := p.Open("Sam")
	p.Say(id, "hello")
	w.Eventually("it is archived", func() bool { return len(archived(w, id)) == 1 })
	if p.Heard(func(e device.Event) bool { return e.Connection == device.SignedOut }) {
		t.Error("the device was signed out")
	}
}
