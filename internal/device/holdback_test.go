package device_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// refuses is set while the hub does not say how a conversation stands.
	refuses atomic.Bool
	// lost is set while no message or no commit gets to the hub, or no answer from it.
	lost  atomic.Pointer[string]
	tried atomic.Int32 // messages that were lost, or their answers
	// bars is set while the hub refuses each commit for good, of which refused counts.
	bars    atomic.Bool
	refused atomic.Int32
	late    func() error // the first of the messages that were lost comes to the hub after all
}

func (h *ladder) Send(ctx context.Context, id string, f api.SendFrame) (*api.Sent, error) {
	if f.Kind == api.FrameCommit && h.bars.Load() {
		h.refused.Add(1)
		return nil, &api.Problem{Code: api.CodeInvalidHandshake}
	}
	lost := h.lost.Load()
	if lost != nil {
		defer h.tried.Add(1)
	}
	if lost != nil && *lost == "message" {
		if h.late == nil {
			h.late = func() error {
				_, err := h.Hub.Send(context.WithoutCancel(ctx), id, f)
				return err
			}
		}
		return nil, errors.New("the line went")
	}
	if lost != nil && *lost == "commit" && f.Kind == api.FrameCommit {
		return nil, errors.New("the line went")
	}
	sent, err := h.Hub.Send(ctx, id, f)
	if lost != nil && *lost == "answer" && err == nil {
		return nil, errors.New("the line went")
	}
	return sent, err
}

func (h *ladder) Conversation(ctx context.Context, id string) (*api.Conversation, error) {
	if h.refuses.Load() {
		return nil, &api.Problem{Code: api.CodeForbidden}
	}
	v, err := h.Hub.Conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.known(v), nil
}

func (h *ladder) Act(ctx context.Context, id, act, reason string) (*api.ActResult, error) {
	r, err := h.Hub.Act(ctx, id, act, reason)
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
	for name, lower := range map[string]api.Conversation{
		"a device that showed nothing": {Verification: api.Verification{Level: "guest"}},
		"a proof that has lapsed":      {Verification: api.Verification{Level: "matched", Until: 1}},
		"for somebody, by their word":  {Verification: api.Verification{Level: "matched"}, For: "parent"},
	} {
		t.Run(name, func(t *testing.T) {
			w, sam, maria, hub, id := ladderTalk(t)
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

// TestWhatWaitsBehindAnotherIsHeldBack: nor does what was sealed as the line
// went, unless the hub has it, nor carry along what was written without a
// network.
func TestWhatWaitsBehindAnotherIsHeldBack(t *testing.T) {
	for lost, want := range map[string][]string{"message": {device.StateFailed}, "answer": {device.StateSent, device.StateDelivered, device.StateRead}} {
		t.Run(lost, func(t *testing.T) {
			w, sam, maria, hub, id := ladderTalk(t)
			hub.lost.Store(&lost)
			sealed := maria.Say(id, "sealed as the line went")
			w.Eventually("the line goes", func() bool { return hub.tried.Load() > 0 })
			if lost == "answer" {
				sam.SeesTexts(id, "hello", "good morning", "sealed as the line went")
			}
			maria.Client.SetOffline(true)
			noticesOffline(w, maria)
			held := maria.Say(id, "your result is positive")
			hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "guest"}})
			hub.lost.Store(nil)
			maria.Client.SetOffline(false)
			w.Eventually("it is not sent", func() bool { return maria.State(id, held) == device.StateFailed })
			w.Eventually("what becomes of the sealed one", func() bool { return slices.Contains(want, maria.State(id, sealed)) })
			for _, message := range []string{sealed, held} {
				if err := maria.Retry(t.Context(), message); err != nil && (message == held || lost == "message") {
					t.Fatal(err)
				}
			}
			sam.SeesTexts(id, "hello", "good morning", "sealed as the line went", "your result is positive")
		})
	}
}

// TestWhatIsHeldBackComesLate: what was sealed as the line went, and is held back,
// comes to the hub after all, from where it stuck on the way. Its number is in it:
// nothing else may have that, and whatever its author does, it is there once.
func TestWhatIsHeldBackComesLate(t *testing.T) {
	const stuck, next = "stuck on the way", "are you at home?"
	for name, do := range map[string]func(t *testing.T, p *devicetest.Person, held string) error{
		"on another try":        func(t *testing.T, p *devicetest.Person, held string) error { return p.Retry(t.Context(), held) },
		"given up":              func(t *testing.T, p *devicetest.Person, held string) error { return p.Cancel(t.Context(), held) },
		"as the device woke up": func(_ *testing.T, p *devicetest.Person, _ string) error { return p.Restart() },
	} {
		for _, overtaken := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, overtaken: %t", name, overtaken), func(t *testing.T) {
				w, sam, maria, hub, id := ladderTalk(t)
				message, commit := "message", "commit"
				hub.lost.Store(&message)
				held := maria.Say(id, stuck)
				w.Eventually("the line goes", func() bool { return hub.tried.Load() > 0 })
				maria.Client.SetOffline(true)
				noticesOffline(w, maria)
				hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "guest"}})
				hub.lost.Store(&commit)
				maria.Client.SetOffline(false)
				w.Eventually("it is held back", func() bool { return maria.State(id, held) == device.StateFailed })
				if err := do(t, maria, held); err != nil {
					t.Fatal(err)
				}
				maria.Say(id, next)
				want := []string{"hello", "good morning", stuck, next}
				if overtaken {
					hub.lost.Store(nil)
					if name != "on another try" {
						want = []string{"hello", "good morning", next}
					}
					sam.SeesTexts(id, want...)
				}
				_ = hub.late() // refused, if it was overtaken
				hub.lost.Store(nil)
				sam.SeesTexts(id, want...)
				sam.Say(id, "yes")
				want = append(want, "yes")
				sam.SeesTexts(id, want...)
				w.Eventually("she reads it, and it is archived", func() bool {
					return slices.Contains(maria.Texts(id), "yes") && contains(archived(w, id), "yes")
				})
				if got := archived(w, id); !slices.Equal(got, want) {
					t.Errorf("the record has %q", got)
				}
				for _, p := range []*devicetest.Person{sam, maria} {
					if seen := p.Notices(id); slices.ContainsFunc(seen, func(n string) bool {
						return strings.HasPrefix(n, "refused") || n == "gap"
					}) {
						t.Errorf("%s is warned of what nobody did: %q", p.Name, seen)
					}
				}
			})
		}
	}
}

// TestWhatWaitsForACommitThatIsRefused: where the hub refuses for good the commit
// that ends what is held back, nothing waits in silence: it is not sent, and its
// author sees that. The commit is made again for something new alone.
func TestWhatWaitsForACommitThatIsRefused(t *testing.T) {
	w, sam, maria, hub, id := ladderTalk(t)
	message := "message"
	hub.lost.Store(&message)
	held := maria.Say(id, "stuck on the way")
	w.Eventually("the line goes", func() bool { return hub.tried.Load() > 0 })
	maria.Client.SetOffline(true)
	noticesOffline(w, maria)
	hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "guest"}})
	hub.bars.Store(true)
	hub.lost.Store(nil)
	maria.Client.SetOffline(false)
	fails := func(message string, refused int32) {
		t.Helper()
		w.Eventually("it is not sent", func() bool {
			return hub.refused.Load() == refused && maria.State(id, message) == device.StateFailed
		})
	}
	fails(held, 1)

	next := maria.Say(id, "are you at home?")
	fails(next, 1)
	for _, text := range []string{"hello?", "are you there?", "I wait"} { // each wakes what sends
		sam.Say(id, text)
		w.Eventually("she reads on", func() bool { return slices.Contains(maria.Texts(id), text) })
	}
	fails(next, 1)
	if err := maria.Retry(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	fails(next, 2)
	maria.Client.SetOffline(true)
	noticesOffline(w, maria)
	maria.Client.SetOffline(false)
	fails(next, 3)

	hub.bars.Store(false)
	if err := maria.Retry(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	sam.SeesTexts(id, "hello", "good morning", "hello?", "are you there?", "I wait", "are you at home?")
	if got := maria.State(id, held); got != device.StateFailed {
		t.Errorf("what is held back is %s", got)
	}
}

// TestWhatNobodyMayAskAboutIsNotSent: a hub that does not say any more who the
// patient is ends the waiting, and the words stay with their author.
func TestWhatNobodyMayAskAboutIsNotSent(t *testing.T) {
	w, sam, maria, hub, id := ladderTalk(t)
	maria.Client.SetOffline(true)
	noticesOffline(w, maria)
	held := maria.Say(id, "your result is positive")
	hub.refuses.Store(true)
	maria.Client.SetOffline(false)
	w.Eventually("it is not sent", func() bool { return maria.State(id, held) == device.StateFailed })
	hub.refuses.Store(false)
	if err := maria.Retry(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	sam.SeesTexts(id, "hello", "good morning", "your result is positive")
}

// ladderTalk is [talk], where maria's hub says of the patient what it is told to.
func ladderTalk(t *testing.T) (w *devicetest.World, sam, maria *devicetest.Person, hub *ladder, id string) {
	t.Helper()
	w, sam, maria, id = talk(t)
	hub = &ladder{Hub: maria.Client}
	hub.now.Store(&api.Conversation{Verification: api.Verification{Level: "matched"}})
	maria.Tune = func(c *device.Config) { c.Hub = hub }
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := maria.Act(t.Context(), id, "take"); err != nil { // as any word of the hub, it says how the patient is known
		t.Fatal(err)
	}
	return w, sam, maria, hub, id
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

// TestKeysAreRenewedAfterARefusal: where the hub has refused a commit for good,
// the device renews its keys when they are due the next time, and not before.
func TestKeysAreRenewedAfterARefusal(t *testing.T) {
	w, sam, maria, hub, id := ladderTalk(t)
	const often = 4
	maria.Tune = func(c *device.Config) { c.Hub, c.UpdateAfter = hub, often }
	hub.bars.Store(true)
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	said := 0
	say := func() {
		t.Helper()
		said++
		text := fmt.Sprint("line ", said)
		maria.Say(id, text)
		w.Eventually("it is read", func() bool { return slices.Contains(sam.Texts(id), text) })
	}
	for said < 3*often {
		say()
	}
	w.Eventually("two renewals are refused", func() bool { return hub.refused.Load() >= 2 })
	if n := hub.refused.Load(); n > int32(2+said/often) { // receipts count too
		t.Errorf("%d commits for %d messages", n, said)
	}
	hub.bars.Store(false)
	commits := func() (n int) {
		for _, f := range w.Hub.Log(id) {
			if f.Kind == api.FrameCommit && f.Person == "p_maria" {
				n++
			}
		}
		return n
	}
	for before := commits(); commits() == before; {
		if say(); said > 8*often {
			t.Fatal("the keys are never renewed")
		}
	}
}
