package device_test

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// sentFile is a file that sam has sent and maria can open.
func sentFile(t *testing.T) (maria *devicetest.Person, message string) {
	t.Helper()
	_, sam, maria, id := talk(t)
	message = attach(t, sam, id)
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	return maria, message
}

// TestDownloadGoesOn: a part of a file that does not come is asked for again, and
// the rest follows it.
func TestDownloadGoesOn(t *testing.T) {
	maria, sent := sentFile(t)
	var asked atomic.Int64
	maria.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool { return call == "download" && asked.Add(1)%4 != 0 }})
	opens(t, maria, sent)
	if n := asked.Load(); n != 3*4 {
		t.Errorf("three parts of which each comes at the fourth time were asked for %d times", n)
	}
}

// TestDownloadGivesUp: not for ever.
func TestDownloadGivesUp(t *testing.T) {
	maria, sent := sentFile(t)
	maria.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool { return call == "download" }})
	if _, err := maria.OpenFile(t.Context(), sent, &bytes.Buffer{}, nil); device.FailureOf(err) != device.FailureOffline {
		t.Errorf("got %v", err)
	}
}

// TestDownloadIsStopped: who opens a file can stop it, while it comes and while
// it does not.
func TestDownloadIsStopped(t *testing.T) {
	maria, sent := sentFile(t)
	stop := func() {
		if err := maria.Cancel(t.Context(), sent); err != nil {
			t.Error(err)
		}
	}
	parts := 0
	if _, err := maria.OpenFile(t.Context(), sent, &bytes.Buffer{}, func(int64, int64) { parts++; stop() }); device.FailureOf(err) != device.FailureCancelled || parts != 1 {
		t.Errorf("while it comes: %d parts, %v", parts, err)
	}
	asked := 0
	maria.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool {
		if call == "download" {
			asked++
			stop()
		}
		return call == "download"
	}})
	if _, err := maria.OpenFile(t.Context(), sent, &bytes.Buffer{}, nil); device.FailureOf(err) != device.FailureCancelled || asked != 1 {
		t.Errorf("while it does not: asked %d times, %v", asked, err)
	}
	maria.Client.Lie(devicetest.Lies{})
	opens(t, maria, sent)
}
