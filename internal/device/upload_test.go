package device_test

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// scan is a file of three pieces.
func scan() (device.FileInfo, []byte) {
	b := bytes.Repeat([]byte("x"), 1<<20+1)
	return device.FileInfo{Name: "scan.pdf", MediaType: "application/pdf", Size: int64(len(b))}, b
}

func attach(t *testing.T, p *devicetest.Person, id string) (message string) {
	t.Helper()
	info, b := scan()
	message, err := p.SendFile(t.Context(), id, info, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// opens fails the test unless who reads the message of a scan gets all of it.
func opens(t *testing.T, p *devicetest.Person, message string) {
	t.Helper()
	_, want := scan()
	var got bytes.Buffer
	if _, err := p.OpenFile(t.Context(), message, &got, nil); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s opens %d bytes of %d, %v", p.Name, got.Len(), len(want), err)
	}
}

// TestFileIsCompleteBeforeItIsNamed: the hub has all bytes of a file and did not
// note that it is complete. Its message goes out only once others get the file.
func TestFileIsCompleteBeforeItIsNamed(t *testing.T) {
	w, sam, maria, id := talk(t)
	w.Hub.FailToComplete(3)
	sent := attach(t, sam, id)
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	opens(t, maria, sent)
	w.Eventually("it is archived", func() bool { return w.Archive.Files() == 1 })
}

// TestCancelGivesRoomBack: the hub keeps no room for a file that was cancelled,
// whatever of the talk about it gets lost, or it would have none in the end.
func TestCancelGivesRoomBack(t *testing.T) {
	w, sam, maria, id := talk(t)
	info, _ := scan()
	w.Hub.SetRoom(attachment.SealedSize(info.Size))
	var lost atomic.Int64
	sam.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool {
		return (call == "new attachment" || call == "drop") && lost.Add(1)%3 != 0
	}})
	for _, online := range []bool{true, false} {
		w.Hub.FailToComplete(1 << 20)
		never := attach(t, sam, id)
		w.Eventually("the hub has begun", func() bool { return w.Hub.Unfinished() == 1 })
		if !online {
			sam.Client.SetOffline(true)
		}
		if err := sam.Cancel(t.Context(), never); err != nil {
			t.Fatal(err)
		}
		if !online {
			if err := sam.Restart(); err != nil {
				t.Fatal(err)
			}
			sam.Client.SetOffline(false)
			sam.Reconnect()
		}
		w.Eventually("the hub has forgotten it", func() bool { return w.Hub.Unfinished() == 0 })
	}
	w.Hub.FailToComplete(0)
	sent := attach(t, sam, id)
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	opens(t, maria, sent)
	w.Eventually("nothing of it is kept", func() bool {
		keys, _ := sam.Store.Keys(t.Context(), "a/")
		return len(keys) == 0
	})
}

// TestNoRoomIsSaid: a file for which the hub has no room says so, and goes out
// once there is some.
func TestNoRoomIsSaid(t *testing.T) {
	w, sam, maria, id := talk(t)
	w.Hub.SetRoom(1)
	sent := attach(t, sam, id)
	w.Eventually("it says that there is no room", func() bool { return sam.State(id, sent) == device.StateFull })
	if !sam.Heard(func(e device.Event) bool {
		return e.Line != nil && e.Line.Message != nil && e.Line.Message.ID == sent && e.Line.Message.State.Kind == device.StateFull
	}) {
		t.Error("and tells nobody")
	}
	w.Hub.SetRoom(0)
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	if !slices.Contains([]string{device.StateSent, device.StateDelivered, device.StateRead}, sam.State(id, sent)) {
		t.Errorf("it is %s", sam.State(id, sent))
	}
}

// TestAFileIsUpWhileTextIsUnanswered: a file was attached before a text, and is up
// once that is sealed and the hub has it, its answer lost. The file goes after it:
// under one number with it, it would be shown as reordered to everybody (T02).
func TestAFileIsUpWhileTextIsUnanswered(t *testing.T) {
	w, sam, maria, id := talk(t)
	var said atomic.Bool
	ready := func() bool { // its message waits for its turn
		lines, err := sam.Lines(t.Context(), id, 0, 100)
		return err == nil && slices.ContainsFunc(lines, func(l device.Line) bool {
			return l.Message != nil && l.Message.Body.Kind == device.BodyFile && l.Message.Progress < 0
		})
	}
	sam.Client.Lie(devicetest.Lies{
		LoseReply: func(call string) bool { return call == "new attachment" && !said.Load() },
		Sent: func(sent *api.Sent) *api.Sent {
			if said.Swap(true) {
				return sent
			}
			w.Eventually("the file is up", ready)
			return nil
		},
	})
	attach(t, sam, id)
	sam.Say(id, "here is the scan")
	maria.SeesTexts(id, "hello", "good morning", "here is the scan", "file:scan.pdf")
	for _, p := range []*devicetest.Person{sam, maria} {
		lines, err := p.Lines(t.Context(), id, 0, 100)
		if err != nil || slices.ContainsFunc(lines, func(l device.Line) bool {
			return l.Notice != nil && (l.Notice.Kind == device.NoticeRefused || l.Notice.Kind == device.NoticeGap)
		}) {
			t.Errorf("%s is warned of what nobody did: %v", p.Name, err)
		}
	}
}

// TestAFileThatTheHubLostGoesUpAgain: a file was up, its message waited, and the
// hub came back from a backup of before. The message goes out with the file.
func TestAFileThatTheHubLostGoesUpAgain(t *testing.T) {
	w, sam, maria, id := talk(t)
	consent := func(state string) {
		s := w.Hub.Summary(id)
		s.Consent = state
		w.Hub.PushSummary(s)
	}
	consent("due") // nothing is sent, and files go up
	w.Eventually("the patient is asked", func() bool { return sam.View(id).Consent == "due" })
	sent := attach(t, sam, id)
	w.Eventually("the file is up", func() bool {
		lines, err := sam.Lines(t.Context(), id, 0, 100)
		return err == nil && w.Hub.Unfinished() == 0 && slices.ContainsFunc(lines, func(l device.Line) bool {
			return l.Message != nil && l.Message.ID == sent && l.Message.Progress < 0
		})
	})
	sam.Client.SetOffline(true)
	w.Hub.LoseFiles()
	sam.Client.SetOffline(false)
	w.Eventually("the patient has agreed", func() bool {
		consent("given") // who is not back yet does not hear it
		return sam.View(id).Consent == "given"
	})
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	opens(t, maria, sent)
}
