package device_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/keeper"
)

// TestKeysAreRenewed: after some messages a device commits new keys of its own,
// and nobody notices.
func TestKeysAreRenewed(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam", func(c *device.Config) { c.UpdateAfter = 3 })
	id := sam.Open("Sam")
	var want []string
	for _, text := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		want = append(want, text)
		sam.Say(id, text)
	}
	w.Eventually("all are archived", func() bool { return slices.Equal(archived(w, id), want) })
	commits := 0
	for _, f := range w.Hub.Log(id) {
		if f.Kind == api.FrameCommit {
			commits++
		}
	}
	if commits < 2 {
		t.Errorf("%d commits", commits)
	}
	if got := sam.Notices(id); len(got) != 2 {
		t.Errorf("sees %q", got)
	}
}

// TestCommitsRace: many who renew their keys and write at once all get through.
func TestCommitsRace(t *testing.T) {
	w := devicetest.NewWorld(t)
	often := func(c *device.Config) { c.UpdateAfter = 2 }
	sam := w.Patient("sam", often)
	id := sam.Open("Sam")
	people := []*devicetest.Person{sam}
	for _, name := range []string{"maria", "jonas"} {
		p := w.Staff(name, often)
		w.Eventually("they join", func() bool { return p.Act(t.Context(), id, "join") == nil && p.Joined(id) })
		people = append(people, p)
	}
	for i := range 10 {
		for _, p := range people {
			p.Say(id, p.Name+" "+string(rune('a'+i)))
		}
	}
	w.Eventually("everybody has everything once", func() bool {
		all := archived(w, id)
		for _, p := range people {
			if !slices.Equal(p.Texts(id), all) {
				return false
			}
		}
		return len(all) == 30
	})
	for _, p := range people { // each one's own stay in order
		var own []string
		for _, text := range archived(w, id) {
			if text[:3] == p.Name[:3] {
				own = append(own, text)
			}
		}
		if !slices.IsSorted(own) {
			t.Errorf("%s: %q", p.Name, own)
		}
		if got := p.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
			t.Errorf("%s sees %q", p.Name, got)
		}
	}
}

// TestLeaveAndComeBack: who was away sees what was said meanwhile as history.
func TestLeaveAndComeBack(t *testing.T) {
	w, sam, maria, id := talk(t)
	if err := maria.Act(t.Context(), id, "leave"); err != nil {
		t.Fatal(err)
	}
	w.Eventually("maria is out", func() bool { return !maria.Joined(id) })
	sam.Say(id, "while you were away")
	w.Eventually("it is archived", func() bool { return contains(archived(w, id), "while you were away") })
	if err := maria.Act(t.Context(), id, "join"); err != nil {
		t.Fatal(err)
	}
	maria.SeesTexts(id, "hello", "good morning", "while you were away")
	maria.Say(id, "here again")
	sam.SeesTexts(id, "hello", "good morning", "while you were away", "here again")
	if got := sam.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
		t.Errorf("sam sees %q", got)
	}
}

// TestUploadGoesOn: a file that was cut off goes on where it stopped, also after
// the device was started anew, and one that is cancelled goes nowhere.
func TestUploadGoesOn(t *testing.T) {
	w, sam, maria, id := talk(t)
	sam.Client.SetOffline(true)
	file := bytes.Repeat([]byte("x"), 3<<20)
	info := device.FileInfo{Name: "scan.pdf", MediaType: "application/pdf", Size: int64(len(file))}
	sent, err := sam.SendFile(t.Context(), id, info, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	never, err := sam.SendFile(t.Context(), id, info, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	if _, err := sam.OpenFile(t.Context(), sent, &kept, nil); err != nil || kept.Len() != len(file) {
		t.Errorf("a file that waits cannot be opened: %v", err)
	}
	if err := sam.Cancel(t.Context(), never); err != nil {
		t.Error(err)
	}
	n := 0
	sam.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool { n++; return call == "upload" && n%2 == 0 }})
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	sam.Client.SetOffline(false)
	sam.Reconnect()
	maria.SeesTexts(id, "hello", "good morning", "file:scan.pdf")
	var got bytes.Buffer
	if _, err := maria.OpenFile(t.Context(), sent, &got, nil); err != nil || !bytes.Equal(got.Bytes(), file) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	if _, err := sam.SendFile(t.Context(), id, device.FileInfo{Name: "big", Size: 26 << 20}, bytes.NewReader(file)); device.FailureOf(err) != device.FailureTooLarge {
		t.Errorf("a file past the limit: %v", err)
	}
	w.Eventually("nothing of the files is kept", func() bool {
		keys, _ := sam.Store.Keys(t.Context(), "f/")
		return len(keys) == 0
	})
}

func TestConsentWithdrawn(t *testing.T) {
	w, sam, maria, id := talk(t)
	if err := sam.Act(t.Context(), id, "withdraw"); err != nil {
		t.Fatal(err)
	}
	w.Eventually("maria knows", func() bool { return maria.View(id).Consent == "withdrawn" })
	for _, p := range []*devicetest.Person{sam, maria} {
		if _, err := p.SendText(t.Context(), id, "more"); device.FailureOf(err) != device.FailureConsentWithdrawn {
			t.Errorf("%s writes on: %v", p.Name, err)
		}
	}
}

func TestDraftTypingAndForget(t *testing.T) {
	w, sam, maria, id := talk(t)
	if err := sam.SaveDraft(t.Context(), id, "half a sen"); err != nil {
		t.Fatal(err)
	}
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	if v := sam.View(id); v.Draft != "half a sen" {
		t.Errorf("draft %q", v.Draft)
	}
	w.Eventually("sam types and maria sees it", func() bool {
		_ = sam.SetTyping(t.Context(), id, true)
		return len(maria.View(id).Typing) == 1
	})
	sam.Say(id, "half a sentence")
	maria.SeesTexts(id, "hello", "good morning", "half a sentence")
	w.Eventually("typing ends with the message", func() bool { return len(maria.View(id).Typing) == 0 })
	if sam.View(id).Draft != "" {
		t.Error("the draft stays after it was sent")
	}
	if _, err := sam.SendTextOnce(t.Context(), id, device.NewSalt(), "what waited", "typed me"); err != nil {
		t.Fatal(err)
	}
	if err := sam.Restart(); err != nil {
		t.Fatal(err)
	}
	if v := sam.View(id); v.Draft != "typed me" {
		t.Errorf("what is typed as a message goes: %q is kept", v.Draft)
	}
	if err := sam.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys, _ := sam.Store.Keys(t.Context(), ""); len(keys) > 0 {
		t.Errorf("forgotten, and still there: %q", keys)
	}
}

// TestIdleConversationIsReadAgain: what a service has let go of comes back.
func TestIdleConversationIsReadAgain(t *testing.T) {
	w, sam, maria, id := talk(t)
	for _, text := range []string{"one", "two"} {
		for _, p := range []*devicetest.Person{sam, maria} {
			device.Unload(p.Engine)
		}
		device.Unload(w.Keeper.Engine())
		sam.Say(id, text)
		w.Eventually("it is archived", func() bool { return contains(archived(w, id), text) })
	}
	maria.SeesTexts(id, "hello", "good morning", "one", "two")
	if got := maria.Notices(id); containsPrefix(got, "refused") || contains(got, "gap") {
		t.Errorf("maria sees %q", got)
	}
}

// TestOvertakenSummary is a hub whose word that a conversation was closed comes
// after the word that it was opened again. It is old news.
func TestOvertakenSummary(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	said := sam.Say(id, "Hello?")
	w.Eventually("it is sent", func() bool { return sam.State(id, said) == device.StateSent })
	if err := sam.Act(ctx, id, "close"); err != nil {
		t.Fatal(err)
	}
	old := w.Hub.Summary(id)
	if err := sam.Act(ctx, id, "reopen"); err != nil {
		t.Fatal(err)
	}
	w.Hub.PushSummary(old)
	sam.Say(id, "Still open?")
	sam.SeesTexts(id, "Hello?", "Still open?")
	closed := 0
	for _, n := range sam.Notices(id) {
		if strings.HasPrefix(n, "closed") {
			closed++
		}
	}
	if v := sam.View(id); closed != 1 || v.State == api.StateClosed {
		t.Errorf("closed %d times, now %s", closed, v.State)
	}
}

// TestT47EmergencyIsALine: who goes in by breaking the glass stands as such in
// everybody's log and among the members, and in the log of who comes later.
func TestT47EmergencyIsALine(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam, maria := w.Patient("sam"), w.Staff("maria")
	id := sam.Open("Sam")
	said := sam.Say(id, "Hello?")
	w.Eventually("it is sent", func() bool { return sam.State(id, said) == device.StateSent })
	keeps := func(kind string) func() bool {
		return func() (kept bool) {
			_ = w.Archive.Records(context.Background(), id, func(r keeper.Record) error {
				kept = kept || r.Kind == kind
				return nil
			})
			return kept
		}
	}
	w.Eventually("the keeper is in", keeps(device.RecordMessage)) // as it is wherever somebody has taken the chat
	now := w.Hub.Summary(id)
	now.Participant = append(now.Participant, api.Participant{Person: api.Person{ID: "p_maria", Kind: api.KindStaff}, Wanted: true, Emergency: true})
	w.Hub.PushSummary(now)
	sam.SeesNotice(id, "emergency p_maria")
	w.Eventually("the keeper has kept it", keeps(device.NoticeEmergency))
	w.Hub.PushSummary(now)
	if err := maria.Act(context.Background(), id, "join"); err != nil {
		t.Fatal(err)
	}
	w.Eventually("maria is in", func() bool { return maria.Joined(id) })
	maria.SeesNotice(id, "emergency p_maria") // by what the keeper shares
	n := 0
	for _, line := range sam.Notices(id) {
		if strings.HasPrefix(line, "emergency") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines of it: %q", n, sam.Notices(id))
	}
	again := w.Hub.Summary(id)
	for i := range again.Participant {
		again.Participant[i].Emergency = again.Participant[i].Person.ID == "p_maria"
	}
	w.Hub.PushSummary(again)
	w.Eventually("it stands beside the name", func() bool {
		return slices.ContainsFunc(sam.View(id).Members, func(m device.Member) bool { return m.Emergency && m.Person == "p_maria" })
	})
}
