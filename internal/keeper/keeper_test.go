package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/keeper"
)

// transcript returns what the archive holds of a conversation: texts, and other
// lines as "kind person". What the keeper itself did is left out.
func transcript(w *devicetest.World, id string) []string {
	var lines []string
	_ = w.Archive.Records(w.T.Context(), id, func(r keeper.Record) error {
		if r.Person == "p_keeper" {
			return nil
		}
		if r.Kind != keeper.KindMessage {
			lines = append(lines, r.Kind+" "+r.Person)
			return nil
		}
		m, err := content.Parse(r.Content)
		if err != nil {
			return err
		}
		body, err := m.Body()
		if err != nil {
			return err
		}
		switch {
		case body.Text != nil:
			lines = append(lines, body.Text.Text)
		case body.Introduction != nil:
			lines = append(lines, "introduction "+r.Person)
		}
		return nil
	})
	return lines
}

func takes(w *devicetest.World, p *devicetest.Person, id string) {
	w.T.Helper()
	w.Eventually(p.Name+" takes it", func() bool { return p.Act(w.T.Context(), id, "take") == nil })
	w.Eventually(p.Name+" is in", func() bool { return p.Joined(id) })
}

func TestArchiveHoldsAll(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	sam.Say(id, "hello")
	w.Eventually("it is archived", func() bool { return slices.Contains(transcript(w, id), "hello") })
	maria := w.Staff("maria")
	takes(w, maria, id)
	maria.SeesTexts(id, "hello")
	maria.Say(id, "good morning")
	sam.SeesTexts(id, "hello", "good morning")
	if err := maria.Act(t.Context(), id, "leave"); err != nil {
		t.Fatal(err)
	}
	sam.SeesNotice(id, "left p_maria")
	patient := sam.View(id).Patient
	want := []string{"introduction " + patient, "hello", "joined p_maria", "introduction p_maria", "good morning", "left p_maria"}
	t.Cleanup(func() { t.Logf("%q", transcript(w, id)) })
	w.Eventually("the archive holds all", func() bool { return slices.Equal(transcript(w, id), want) })
}

// TestKeeperTakesTogether: messages wait for others to be archived with, until
// there are many or the keeper stops.
func TestKeeperTakesTogether(t *testing.T) {
	w := devicetest.NewWorldWithoutKeeper(t)
	w.RecordEvery = 24 * time.Hour
	w.StartKeeper()
	var pushed atomic.Uint64
	w.KeeperClient.Lie(devicetest.Lies{Frames: func(_ string, frames []api.Frame) []api.Frame {
		for _, f := range frames {
			pushed.Store(f.Position)
		}
		return frames
	}})
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	w.Eventually("the keeper is in", keeperIsIn(w, id))
	words := func() []string {
		return slices.DeleteFunc(transcript(w, id), func(line string) bool { return !strings.HasPrefix(line, "word ") })
	}
	var want []string
	say := func(n int) {
		for range n {
			want = append(want, fmt.Sprint("word ", len(want)))
			sam.Say(id, want[len(want)-1])
		}
		w.Eventually("all is at the hub", func() bool {
			keys, _ := sam.Store.Keys(t.Context(), "o/")
			return len(keys) == 0
		})
	}
	say(200)
	w.Eventually("most is archived, as it is much", func() bool { return len(words()) > 100 })
	say(20)
	w.Eventually("the keeper is pushed the last", func() bool { return pushed.Load() == uint64(len(w.Hub.Log(id))) })
	w.Keeper.Close()
	if got := words(); len(got) < len(want)-1 || !slices.Equal(got, want[:len(got)]) { // the last may still be on its way to the engine
		t.Errorf("as the keeper had stopped, the archive held %d words of %d", len(got), len(want))
	}
}

// TestKeeperIsDown: chat goes on without the keeper, and it catches up.
func TestKeeperIsDown(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	maria := w.Staff("maria")
	takes(w, maria, id)
	w.Keeper.Close()
	sam.Say(id, "one")
	maria.SeesTexts(id, "one")
	maria.Say(id, "two")
	sam.SeesTexts(id, "one", "two")
	jonas := w.Staff("jonas") // must wait to be certified
	other := w.Patient("other")
	second := other.Open("Other") // must wait too
	other.Say(second, "anybody?")
	w.StartKeeper()
	w.Eventually("jonas joins", func() bool { return jonas.Act(t.Context(), id, "join") == nil })
	jonas.SeesTexts(id, "one", "two")
	w.Eventually("the second conversation is there", func() bool { return slices.Contains(transcript(w, second), "anybody?") })
	if got := transcript(w, id); slices.Contains(got, "gap ") || slices.Contains(got, "refused ") {
		t.Errorf("the archive holds %q", got)
	}
}

// TestCrashOfKeeperAtEveryStep lets the keeper's disk fail at the n-th write, for
// each n, in the middle of its work, and starts it anew.
func TestCrashOfKeeperAtEveryStep(t *testing.T) {
	w := devicetest.NewWorld(t)
	last := 1
	for n := 1; n <= last; n++ {
		start := w.KeeperStore.Applied()
		w.KeeperStore.FailAt(n)
		sam := w.Patient(fmt.Sprint("sam", n))
		id := sam.Open("Sam")
		maria := w.Staff(fmt.Sprint("maria", n))
		sam.Say(id, "one")
		sam.Say(id, "two")
		taken := false
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%d %q %q %q", n, transcript(w, id), sam.Texts(id), maria.Texts(id))
			}
		})
		w.Eventually(fmt.Sprintf("all is done after a crash at step %d, or the crash comes", n), func() bool {
			if w.KeeperStore.Broken() {
				w.Keeper.Close()
				w.KeeperStore.FailAt(0)
				w.StartKeeper()
			}
			taken = taken || maria.Act(t.Context(), id, "take") == nil
			if !slices.Equal(maria.Texts(id), []string{"one", "two"}) {
				return false
			}
			got := transcript(w, id)
			want := []string{"introduction " + sam.View(id).Patient, "one", "two", "joined p_" + maria.Name, "introduction p_" + maria.Name}
			slices.Sort(got) // the nurse may be in before or after the words
			slices.Sort(want)
			return slices.Equal(got, want)
		})
		for _, p := range []*devicetest.Person{sam, maria} {
			for _, notice := range p.Notices(id) {
				if notice == "gap" || len(notice) > 7 && notice[:7] == "refused" {
					t.Errorf("step %d: %s sees %q", n, p.Name, notice)
				}
			}
		}
		if steps := w.KeeperStore.Applied() - start; n == last && steps > n {
			last = steps
		}
		w.KeeperStore.FailAt(0)
		sam.Close()
		maria.Close()
	}
	t.Logf("%d steps", last)
}

// TestArchiveIsFull: nothing is lost while the archive takes nothing.
func TestArchiveIsFull(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	sam.Say(id, "before")
	w.Eventually("it is archived", func() bool { return slices.Contains(transcript(w, id), "before") })
	w.Archive.Fail(errors.New("no room"))
	sam.Say(id, "meanwhile")
	w.Eventually("it is sent", func() bool {
		keys, _ := sam.Store.Keys(t.Context(), "o/")
		return len(keys) == 0
	})
	w.Archive.Fail(nil)
	w.Eventually("it is archived after all", func() bool { return slices.Contains(transcript(w, id), "meanwhile") })
}

// TestTranscriptIsArchivedFirst: a transcript is handed over from the archive,
// so that somebody came late is noted as work only when all before is there.
func TestTranscriptIsArchivedFirst(t *testing.T) {
	w := devicetest.NewWorld(t)
	w.Archive.Before(func(conversation string, records []keeper.Record) {
		for _, r := range records {
			if early, err := w.KeeperStore.Keys(context.Background(), fmt.Sprintf("k/share/%s/%016x", conversation, r.Position)); err != nil || len(early) > 0 {
				t.Errorf("to be handed over before it is archived: %q (%v)", early, err)
			}
		}
	})
	sam, maria := w.Patient("sam"), w.Staff("maria")
	id := sam.Open("Sam")
	sam.Say(id, "hello")
	takes(w, maria, id)
	maria.SeesTexts(id, "hello")
}

func TestWhatIsNotCertified(t *testing.T) {
	w := devicetest.NewWorld(t)
	good := w.Patient("sam")
	id := good.Open("Sam")
	w.Eventually("a patient is certified", func() bool { return good.Joined(id) })
	for name, d := range map[string]api.Device{
		"without a proof":             {ID: "d_bad1", Person: "p_bad1", Kind: api.KindPatient, Role: "patient"},
		"a second keeper":             {ID: "d_bad2", Person: "p_bad2", Kind: api.KindService, Role: "keeper"},
		"staff in the role of keeper": {ID: "d_bad3", Person: "p_bad3", Kind: api.KindStaff, Role: "keeper"},
		"a patient in a staff role":   {ID: "d_bad4", Person: "p_bad4", Kind: api.KindPatient, Role: "nurse"},
	} {
		w.Hub.AddDevice(d, devicetest.NewSigner(t).Public(), name, "")
	}
	after := w.Patient("after")
	second := after.Open("After")
	w.Eventually("the keeper has gone through the list", func() bool { return after.Joined(second) })
	if got := w.Hub.Uncertified(); len(got) != 4 {
		t.Errorf("waiting for ever should be 4, not %q", got)
	}
}

// TestT11KeeperOfBeforeNotesItsPatients: a keeper that starts on what a former
// version kept notes the patients whom it knows.
func TestT11KeeperOfBeforeNotesItsPatients(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	w.Eventually("sam is in", func() bool { return sam.Joined(id) })
	note := "k/patient/" + sam.View(id).Patient
	w.Eventually("the keeper knows the chat", keeperIsIn(w, id))
	w.Keeper.Close()
	if err := w.KeeperStore.Apply(t.Context(), nil, []string{note}); err != nil {
		t.Fatal(err)
	}
	w.StartKeeper()
	if kept, err := w.KeeperStore.Get(t.Context(), note); err != nil || kept == nil {
		t.Errorf("nothing is noted of the patient: %v", err)
	}
}

func keeperIsIn(w *devicetest.World, id string) func() bool {
	return func() bool {
		in, err := w.Keeper.Engine().Knows(w.T.Context(), id)
		return in && err == nil
	}
}
