package device_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/keeper"
)

// archived returns the texts that the archive holds, in order.
func archived(w *devicetest.World, id string) []string {
	var texts []string
	_ = w.Archive.Records(w.T.Context(), id, func(r keeper.Record) error {
		if m, err := content.Parse(r.Content); err == nil {
			if body, err := m.Body(); err == nil && body.Text != nil {
				texts = append(texts, body.Text.Text)
			}
		}
		return nil
	})
	return texts
}

// persist calls do until it works, starting the device anew on a mended disk
// whenever the disk has failed.
func persist(w *devicetest.World, p *devicetest.Person, do func() error) {
	w.T.Helper()
	for range 5 {
		if do() == nil {
			return
		}
		revive(w, p)
	}
	w.T.Fatal("does not work on a mended disk")
}

func revive(w *devicetest.World, p *devicetest.Person) {
	w.T.Helper()
	p.Store.FailAt(0)
	if err := p.Restart(); err != nil {
		w.T.Fatal(err)
	}
}

// TestCrashOfPatientAtEveryStep lets the disk fail at the n-th write, for each n,
// and the device start anew: what was typed arrives once and in order.
func TestCrashOfPatientAtEveryStep(t *testing.T) {
	w := devicetest.NewWorld(t)
	last := 1
	for n := 1; n <= last; n++ {
		p := w.Patient(fmt.Sprint("patient", n))
		p.Store.FailAt(n)
		id := ""
		persist(w, p, func() (err error) { id, err = p.Engine.Open(t.Context(), openOptions()); return err })
		want := []string{"one", "two", "three"}
		for _, text := range want {
			persist(w, p, func() error { _, err := p.SendText(t.Context(), id, text); return err })
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(n, archived(w, id), p.Texts(id), device.Dump(p.Engine))
			}
		})
		w.Eventually(fmt.Sprintf("all is there after a crash at step %d, or the crash comes", n), func() bool {
			if p.Store.Broken() {
				revive(w, p)
			}
			return slices.Equal(archived(w, id), want) && slices.Equal(p.Texts(id), want) && outboxEmpty(p)
		})
		if got := p.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
			t.Errorf("step %d: %q", n, got)
		}
		if n == last && p.Store.Applied() > n {
			last = p.Store.Applied()
		}
		p.Close()
	}
	t.Logf("%d steps", last)
}

func outboxEmpty(p *devicetest.Person) bool {
	keys, err := p.Store.Keys(p.W.T.Context(), "o/")
	return err == nil && len(keys) == 0
}

// TestCrashOfNurseAtEveryStep is the same for somebody who joins, gets the
// history and answers.
func TestCrashOfNurseAtEveryStep(t *testing.T) {
	w := devicetest.NewWorld(t)
	last := 1
	for n := 1; n <= last; n++ {
		p := w.Patient(fmt.Sprint("patient", n))
		id := p.Open("Sam")
		p.Say(id, "question")
		w.Eventually("it is archived", func() bool { return len(archived(w, id)) == 1 })
		nurse := w.Staff(fmt.Sprint("nurse", n))
		nurse.Store.FailAt(n)
		want := []string{"question", "answer", "more"}
		said := 0
		w.Eventually(fmt.Sprintf("all is there after a crash at step %d, or the crash comes", n), func() bool {
			if nurse.Store.Broken() {
				revive(w, nurse)
			}
			if !nurse.Joined(id) {
				_ = nurse.Act(t.Context(), id, "take")
				return false
			}
			for said < 2 {
				if _, err := nurse.SendText(t.Context(), id, want[1+said]); err != nil {
					return false
				}
				said++
			}
			return slices.Equal(archived(w, id), want) && slices.Equal(p.Texts(id), want) && slices.Equal(nurse.Texts(id), want) && outboxEmpty(nurse)
		})
		if got := p.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
			t.Errorf("step %d: patient sees %q", n, got)
		}
		if got := nurse.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
			t.Errorf("step %d: nurse sees %q", n, got)
		}
		if n == last && nurse.Store.Applied() > n {
			last = nurse.Store.Applied()
		}
		nurse.Close()
		p.Close()
	}
	t.Logf("%d steps", last)
}

// TestLostRepliesAndBrokenNetwork loses many replies of calls that were
// carried out, and cuts the network while people type.
func TestLostRepliesAndBrokenNetwork(t *testing.T) {
	w := devicetest.NewWorld(t)
	p := w.Patient("sam")
	var calls atomic.Int64
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(device.Dump(p.Engine), device.Dump(w.Keeper.Engine()))
		}
	})
	p.Client.Lie(devicetest.Lies{LoseReply: func(string) bool { return calls.Add(1)*7919%13 < 5 }})
	id := p.Open("Sam")
	var want []string
	for i := range 20 {
		text := fmt.Sprint("message ", i)
		want = append(want, text)
		p.Say(id, text)
		if i%7 == 3 {
			p.Client.SetOffline(true)
			late := fmt.Sprint("typed offline ", i)
			want = append(want, late)
			offline := p.Say(id, late)
			w.Eventually("it is queued", func() bool { return p.State(id, offline) == device.StateQueued })
			p.Client.SetOffline(false)
			p.Reconnect()
		}
	}
	w.Eventually("all are there once, in order", func() bool { return slices.Equal(archived(w, id), want) })
	p.SeesTexts(id, want...)
	if got := p.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
		t.Errorf("sees %q", got)
	}
}
