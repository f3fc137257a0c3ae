package device_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// A ladder says how the patient of each conversation is known.
type ladder struct {
	device.Hub
	now atomic.Pointer[api.Conversation]
}

func (h *ladder) Conversation(ctx context.Context, id string) (*api.Conversation, error) {
	v, err := h.Hub.Conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.known(v), nil
}

func (h *ladder) Act(ctx context.Context, id, act string) (*api.ActResult, error) {
	r, err := h.Hub.Act(ctx, id, act)
	if err != nil {
		return nil, err
	}
	return &api.ActResult{Conversation: *h.known(&r.Conversation)}, nil
}

func (h *ladder) Events(ctx context.Context, on func(api.Event)) error {
	return h.Hub.Events(ctx, func(e api.Event) {
		if e.Summary != nil {
			e.Summary = h.known(e.Summary)
		}
		on(e)
	})
}

func (h *ladder) known(v *api.Conversation) *api.Conversation {
	known, as := *v, h.now.Load()
	known.Verification, known.For, known.ForConfirmed = as.Verification, as.For, as.ForConfirmed
	return &known
}

// TestWhatWaitsIsHeldBack: what staff wrote without a network does not go by
// itself to who is less well known once it could, and goes once its author says
// so. What a patient wrote goes.
func TestWhatWaitsIsHeldBack(t *testing.T) {
	matched := api.Conversation{Verification: api.Verification{Level: "matched"}}
	for name, lower := range map[string]api.Conversation{
		"a device that showed nothing": {Verification: api.Verification{Level: "guest"}},
		"a proof that has lapsed":      {Verification: api.Verification{Level: "matched", Until: 1}},
		"for somebody, by their word":  {Verification: api.Verification{Level: "matched"}, For: "parent"},
	} {
		t.Run(name, func(t *testing.T) {
			w, sam, maria, id := talk(t)
			hub := &ladder{Hub: maria.Client}
			hub.now.Store(&matched)
			maria.Tune = func(c *device.Config) { c.Hub = hub }
			if err := maria.Restart(); err != nil {
				t.Fatal(err)
			}
			if err := maria.Act(t.Context(), id, "take"); err != nil { // as any word of the hub, it says how the patient is known
				t.Fatal(err)
			}
			maria.Client.SetOffline(true)
			noticesOffline(w, maria)
			held, err := maria.SendText(t.Context(), id, "your result is positive")
			if err != nil {
				t.Fatal(err)
			}
			hub.now.Store(&lower)
			maria.Client.SetOffline(false)
			w.Eventually("it is not sent", func() bool { return maria.State(id, held) == device.StateFailed })
			sam.Say(id, "are you there?")
			w.Eventually("she reads on", func() bool { return slices.Contains(maria.Texts(id), "are you there?") })
			sam.SeesTexts(id, "hello", "good morning", "are you there?")
			if err := maria.Retry(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			sam.SeesTexts(id, "hello", "good morning", "are you there?", "your result is positive")
		})
	}
}

// TestWhatWaitsBehindAnotherIsHeldBack: that something of before the line went
// goes first does not carry along what was written without a network.
func TestWhatWaitsBehindAnotherIsHeldBack(t *testing.T) {
	w, _, maria, id := talk(t)
	hub := &ladder{Hub: maria.Client}
	hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "matched"}})
	maria.Tune = func(c *device.Config) { c.Hub = hub }
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := maria.Act(t.Context(), id, "take"); err != nil {
		t.Fatal(err)
	}
	online := maria.Say(id, "good to hear")
	w.Eventually("the line is there", func() bool { return maria.State(id, online) != device.StateQueued && outboxEmpty(maria) })
	maria.Client.SetOffline(true)
	maria.Say(id, "sealed as the line went")
	noticesOffline(w, maria)
	held := maria.Say(id, "your result is positive")
	hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "guest"}})
	maria.Client.SetOffline(false)
	w.Eventually("it is not sent", func() bool { return maria.State(id, held) == device.StateFailed })
}

// noticesOffline waits until a device knows that it has no network. Until then a
// message is sealed at once, and goes, as the hub may have it.
func noticesOffline(w *devicetest.World, p *devicetest.Person) {
	w.Eventually("the device knows that it is offline", func() bool {
		now := device.Online
		p.Heard(func(e device.Event) bool {
			if e.Kind == device.EventConnection {
				now = e.Connection
			}
			return false
		})
		return now == device.Offline
	})
}
