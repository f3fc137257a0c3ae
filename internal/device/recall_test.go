package device_test

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/keeper"
)

// holds reports whether anything that a device keeps has the text in it.
func holds(t *testing.T, s *devicetest.Store, text string) bool {
	t.Helper()
	keys, err := s.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		b, _ := s.Get(t.Context(), key)
		return bytes.Contains(b, []byte(text))
	})
}

// TestRecall takes messages back: the text is gone from every device that can
// be reached and from what late joiners are given, and stays on record.
func TestRecall(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	secret := sam.Say(id, "the secret of sam")
	sam.Say(id, "Hello?")
	maria := w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(ctx, id, "take") == nil })
	maria.SeesTexts(id, "the secret of sam", "Hello?")
	wrong := maria.Say(id, "results of somebody else")
	sam.SeesTexts(id, "the secret of sam", "Hello?", "results of somebody else")

	if err := maria.Recall(ctx, secret, content.RecallOther); device.FailureOf(err) != device.FailureNotAMember {
		t.Errorf("maria takes back what sam said: %v", err)
	}
	if err := maria.Recall(ctx, wrong, content.RecallUnsaid); err == nil {
		t.Error("staff may take a message back without a reason")
	}
	w.Eventually("sam's words are in the log", func() bool { return sam.Recall(ctx, secret, content.RecallUnsaid) == nil })
	if err := sam.Recall(ctx, secret, content.RecallUnsaid); err != nil {
		t.Errorf("the second time: %v", err)
	}
	w.Eventually("maria's are", func() bool { return maria.Recall(ctx, wrong, content.RecallWrongPatient) == nil })
	for _, p := range []*devicetest.Person{sam, maria} {
		p.SeesTexts(id, "recalled", "Hello?", "recalled")
		for _, text := range []string{"the secret of sam", "results of somebody else"} {
			if holds(t, p.Store, text) {
				t.Errorf("%s still has %q", p.Name, text)
			}
		}
		for _, l := range p.All(id) {
			if m := l.Message; m != nil && m.Body.Kind == device.BodyRecalled && (m.Body.At == 0 || m.Recalling) {
				t.Errorf("%s sees %+v", p.Name, m)
			}
		}
	}
	if v := maria.View(id); v.Unread != 1 {
		t.Errorf("maria has %d unread, of which one is gone", v.Unread)
	}

	jonas := w.Staff("jonas")
	w.Eventually("jonas joins", func() bool { return jonas.Act(ctx, id, "join") == nil })
	jonas.SeesTexts(id, "recalled", "Hello?", "recalled")
	if holds(t, jonas.Store, "the secret of sam") {
		t.Error("jonas, who came late, was given what was taken back")
	}

	var kept, marks int
	if err := w.Archive.Records(ctx, id, func(r keeper.Record) error {
		if bytes.Contains(r.Content, []byte("the secret of sam")) {
			kept++
		}
		if m, err := content.Parse(r.Content); err == nil {
			if body, err := m.Body(); err == nil && body.Recall != nil {
				marks++
			}
		}
		return nil
	}); err != nil || kept != 1 || marks != 2 {
		t.Errorf("on record: the message %d times, %d marks, %v", kept, marks, err)
	}
	for _, p := range []*devicetest.Person{sam, maria, jonas} {
		if containsPrefix(p.Notices(id), "refused") {
			t.Errorf("%s sees %q", p.Name, p.Notices(id))
		}
	}
}

// TestRecallOfAnother is a member whose device takes back what somebody else
// said: nobody believes it.
func TestRecallOfAnother(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	said := sam.Say(id, "Hello?")
	maria := w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(ctx, id, "take") == nil })
	maria.SeesTexts(id, "Hello?")
	if err := device.ForgeRecall(maria.Engine, id, said); err != nil {
		t.Fatal(err)
	}
	sam.SeesNotice(id, "refused content")
	sam.SeesTexts(id, "Hello?")
	jonas := w.Staff("jonas")
	w.Eventually("jonas joins", func() bool { return jonas.Act(ctx, id, "join") == nil })
	jonas.SeesTexts(id, "Hello?")
}

func TestRecallTooLate(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	var late atomic.Bool
	sam := w.Patient("sam", func(c *device.Config) {
		c.Now = func() time.Time {
			if late.Load() {
				return time.Now().Add(61 * time.Minute)
			}
			return time.Now()
		}
	})
	id := sam.Open("Sam")
	said := sam.Say(id, "Hello?")
	w.Eventually("it is sent", func() bool { return sam.State(id, said) == device.StateSent })
	late.Store(true)
	w.Eventually("it is refused as too late, once the outbox has let go of it", func() bool {
		return device.FailureOf(sam.Recall(ctx, said, content.RecallUnsaid)) == device.FailureTooLate
	})
}

// TestRecallWithoutNetwork waits for the line: until then all is as it was.
func TestRecallWithoutNetwork(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	said := sam.Say(id, "Hello?")
	w.Eventually("it is sent, and the outbox has let go of it", func() bool {
		return sam.State(id, said) == device.StateSent && device.FailureOf(sam.Retry(ctx, said)) == device.FailureNotFound
	})
	sam.Client.SetOffline(true)
	if err := sam.Recall(ctx, said, content.RecallUnsaid); err != nil {
		t.Fatal(err)
	}
	sam.SeesTexts(id, "Hello?")
	if m := sam.All(id)[len(sam.All(id))-1].Message; m == nil || !m.Recalling {
		t.Errorf("it is not shown as on its way: %+v", m)
	}
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	sam.Client.SetOffline(false)
	sam.SeesTexts(id, "recalled")
}
