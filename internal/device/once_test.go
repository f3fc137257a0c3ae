package device_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// TestHandedInTwice: who does not hear the answer hands a message in again. It
// is one message, also from before the device was started anew, and one whose
// file is sealed at the time.
func TestHandedInTwice(t *testing.T) {
	w, sam, maria, id := talk(t)
	text, scanned := device.NewSalt(), device.NewSalt()
	info, b := scan()
	say := func() string {
		t.Helper()
		sent, err := sam.SendTextOnce(t.Context(), id, text, "my knee hurts", "")
		if err != nil {
			t.Fatal(err)
		}
		return sent
	}
	attach := func() string {
		sent, err := sam.SendFileOnce(t.Context(), id, scanned, info, bytes.NewReader(b))
		if err != nil {
			t.Error(err)
		}
		return sent
	}
	sam.Client.SetOffline(true)
	said := say()
	if again := say(); again != said {
		t.Errorf("%s, and again %s", said, again)
	}
	var files [2]string
	var both sync.WaitGroup
	for i := range files {
		both.Go(func() { files[i] = attach() })
	}
	both.Wait()
	if waiting, err := sam.Store.Keys(t.Context(), "o/"); err != nil || len(waiting) != 2 {
		t.Errorf("%q wait, %v", waiting, err)
	}
	sam.Client.SetOffline(false)
	want := []string{"hello", "good morning", "my knee hurts", "file:scan.pdf"}
	maria.SeesTexts(id, want...)
	opens(t, maria, files[0])
	for _, where := range []string{"in the log", "after a start"} {
		w.Eventually("all is sent", func() bool { return outboxEmpty(sam) })
		sam.Client.SetOffline(true)
		if again := []string{say(), attach()}; !slices.Equal(again, []string{said, files[0]}) {
			t.Errorf("%s: %q for %s and %q", where, again, said, files)
		}
		if !outboxEmpty(sam) {
			t.Errorf("%s: it goes out again", where)
		}
		sam.Client.SetOffline(false)
		if err := sam.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	sam.Say(id, "that is all")
	maria.SeesTexts(id, append(want, "that is all")...)
	w.Eventually("it is archived", func() bool {
		return slices.Equal(archived(w, id), []string{"hello", "good morning", "my knee hurts", "that is all"})
	})
}

// TestOpenedTwice: a conversation that is asked for again by its id is one.
func TestOpenedTwice(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	options := openOptions()
	options.ID = "c_" + "abcdefghijklmnopqrstuvwxyz"
	open := func() {
		t.Helper()
		if id, err := sam.Engine.Open(t.Context(), options); err != nil || id != options.ID {
			t.Fatal(id, err)
		}
	}
	open()
	open()
	for _, text := range []string{"hello", "is anybody there?", "my knee hurts"} {
		sam.Say(options.ID, text)
		w.Eventually("it is archived", func() bool { return contains(archived(w, options.ID), text) })
		open()
		if err := sam.Restart(); err != nil {
			t.Fatal(err)
		}
		open()
	}
	if all, err := sam.Conversations(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
