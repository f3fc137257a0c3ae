package device_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// shared returns how often a person was handed the transcript.
func shared(p *devicetest.Person, id string) (n int) {
	for _, notice := range p.Notices(id) {
		if notice == "history-shared p_keeper" {
			n++
		}
	}
	return n
}

// owes has the keeper owe the conversation its transcript once more.
func owes(t *testing.T, w *devicetest.World, id string) {
	t.Helper()
	if err := w.KeeperStore.Apply(t.Context(), map[string][]byte{fmt.Sprintf("k/share/%s/%016x", id, 2): {1}}, nil); err != nil {
		t.Fatal(err)
	}
}

// TestTranscriptIsOwedWhileTheStoreFails: a keeper that cannot read what it has
// of a conversation forgets nobody who came late to it.
func TestTranscriptIsOwedWhileTheStoreFails(t *testing.T) {
	w, _, maria, id := talk(t)
	w.Eventually("maria has the transcript", func() bool { return shared(maria, id) == 1 })
	w.KeeperStore.FailToRead("c/" + id)
	device.Unload(w.Keeper.Engine())
	owes(t, w, id)
	w.Eventually("the keeper has tried more than once", func() bool { return w.KeeperStore.Refused() > 3 })
	w.KeeperStore.FailToRead("")
	w.Eventually("maria has it again", func() bool { return shared(maria, id) == 2 })
}

// TestTranscriptIsOwedUntilTheKeeperIsBack: a keeper that has lost its place
// hands the transcript over once it has taken it back.
func TestTranscriptIsOwedUntilTheKeeperIsBack(t *testing.T) {
	w, _, maria, id := talk(t)
	w.Eventually("maria has the transcript", func() bool { return shared(maria, id) == 1 })
	w.Keeper.Close()
	lose(t, w.KeeperStore, conversationParts...)
	owes(t, w, id)
	w.StartKeeper()
	w.Eventually("maria has it again", func() bool { return shared(maria, id) == 2 })
}

// TestKnows: only a commit that a device has seen says that it was removed.
func TestKnows(t *testing.T) {
	w, _, maria, id := talk(t)
	if in, err := maria.Knows(t.Context(), id); !in || err != nil {
		t.Errorf("in the group: %v, %v", in, err)
	}
	if in, err := maria.Knows(t.Context(), "c_other"); in || !errors.Is(err, device.ErrPending) {
		t.Errorf("never heard of: %v, %v", in, err)
	}
	if err := maria.Act(t.Context(), id, "leave"); err != nil {
		t.Fatal(err)
	}
	w.Eventually("maria is out", func() bool { return !maria.Joined(id) })
	for _, restarted := range []bool{false, true} {
		if restarted {
			if err := maria.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		if in, err := maria.Knows(t.Context(), id); in || err != nil {
			t.Errorf("removed, restarted %v: %v, %v", restarted, in, err)
		}
	}
}
