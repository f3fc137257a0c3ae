package device_test

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// TestStory is a patient and a nurse, from the first word to the last.
func TestStory(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	first := sam.Say(id, "Hello?")
	sam.Say(id, "Is anybody there?")
	w.Eventually("the hub has both", func() bool { return sam.State(id, first) == device.StateSent })

	maria := w.Staff("maria")
	w.Eventually("maria is certified", func() bool {
		_, err := maria.List(ctx, "waiting", "")
		return err == nil && maria.Act(ctx, id, "take") == nil
	})
	maria.SeesTexts(id, "Hello?", "Is anybody there?")
	for _, l := range maria.All(id) {
		if l.Message != nil && !l.Message.Shared {
			t.Errorf("history is not marked as shared: %+v", l.Message)
		}
	}
	sam.SeesNotice(id, "joined p_maria")
	maria.SeesNotice(id, "history-shared p_keeper")

	w.Eventually("maria reads sam's name, sam hers", func() bool {
		return named(maria, id, "Sam", false) && named(sam, id, "maria", true)
	})
	if v := maria.View(id); v.Unread != 2 {
		t.Errorf("maria has %d unread", v.Unread)
	}
	maria.Say(id, "Good morning, Sam.")
	sam.SeesTexts(id, "Hello?", "Is anybody there?", "Good morning, Sam.")

	lines := maria.All(id)
	if err := maria.MarkRead(ctx, id, lines[len(lines)-1].Message.Position); err != nil {
		t.Fatal(err)
	}
	w.Eventually("sam sees that it was read", func() bool { return sam.State(id, first) == device.StateRead })

	a, err := sam.SafetyCode(ctx, id, "p_maria")
	if err != nil {
		t.Fatal(err)
	}
	b, err := maria.SafetyCode(ctx, id, sam.View(id).Patient)
	if err != nil || a != b || !regexp.MustCompile(`^(\d{5} ){5}\d{5}$`).MatchString(a) {
		t.Errorf("codes %q and %q, %v", a, b, err)
	}

	file := bytes.Repeat([]byte("rash"), 300_000)
	sent, err := sam.SendFile(ctx, id, device.FileInfo{Name: "rash.jpg", MediaType: "image/jpeg", Size: int64(len(file)), Width: 10, Height: 20}, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	maria.SeesTexts(id, "Hello?", "Is anybody there?", "Good morning, Sam.", "file:rash.jpg")
	var got bytes.Buffer
	if info, err := maria.OpenFile(ctx, sent, &got, nil); err != nil || info.Width != 10 || !bytes.Equal(got.Bytes(), file) {
		t.Errorf("the file: %v, %d bytes, %v", info, got.Len(), err)
	}
	w.Eventually("the archive has the file", func() bool { return w.Archive.Files() == 1 })
	keys, _ := sam.Store.Keys(ctx, "f/")
	if len(keys) > 0 {
		t.Errorf("an uploaded file is still kept: %q", keys)
	}

	if err := maria.Act(ctx, id, "leave"); err != nil {
		t.Fatal(err)
	}
	sam.SeesNotice(id, "left p_maria")
	w.Eventually("maria is out", func() bool { return !maria.Joined(id) })
	sam.Say(id, "Are you gone?")
	w.Eventually("it is sent", func() bool { return len(w.Hub.Log(id)) > 8 })
	maria.SeesTexts(id, "Hello?", "Is anybody there?", "Good morning, Sam.", "file:rash.jpg")
	if len(sam.Notices(id)) == 0 || contains(sam.Notices(id), "gap") || containsPrefix(sam.Notices(id), "refused") {
		t.Errorf("sam sees %q", sam.Notices(id))
	}
}

func named(p *devicetest.Person, id, name string, verified bool) bool {
	v := p.View(id)
	for _, m := range v.Members {
		if m.Name == name && m.Verified == verified {
			return true
		}
	}
	return false
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

func containsPrefix(list []string, want string) bool {
	for _, s := range list {
		if len(s) >= len(want) && s[:len(want)] == want {
			return true
		}
	}
	return false
}

func openOptions() device.OpenOptions {
	return device.OpenOptions{
		Queue: "general", Language: "en", Name: "Sam",
		Consent: api.ConsentReceipt{Form: "cf_1", Version: 1, Language: "en", SHA256: make([]byte, 32)},
	}
}
