package device_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/mls/wire"
)

// lose drops all that a device has kept under the prefixes, as storage that was
// cleared or set back would.
func lose(t *testing.T, s *devicetest.Store, prefixes ...string) {
	t.Helper()
	for _, prefix := range prefixes {
		keys, err := s.Keys(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(t.Context(), nil, keys); err != nil {
			t.Fatal(err)
		}
	}
}

// outsiders returns how many external commits are in a conversation's log.
func outsiders(w *devicetest.World, id string) int {
	n := 0
	for _, f := range w.Hub.Log(id) {
		if m, err := wire.ParseMessage(f.Payload); err == nil && m.Public != nil && m.Public.Content.Sender.Type == wire.SenderNewMemberCommit {
			n++
		}
	}
	return n
}

// conversationParts are all that a device keeps of conversations.
var conversationParts = []string{"c/", "g/", "e/", "p/", "o/", "l/", "x/", "m/", "h/"}

func TestRejoinsByAWelcomeToALostKeyPackage(t *testing.T) {
	w := devicetest.NewWorld(t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	sam.Say(id, "hello")
	w.Eventually("it is archived", func() bool { return len(archived(w, id)) == 1 })
	maria := w.Staff("maria")
	w.Eventually("maria has key packages", func() bool {
		devices := w.Hub.DevicesOf("p_maria")
		return len(devices) == 1 && w.Hub.Unused(devices[0]) == 4
	})
	maria.Close()
	lose(t, maria.Store, "kp/")
	w.Hub.Want(id, api.Person{ID: "p_maria", Kind: api.KindStaff, Role: "nurse"}, true)
	w.Eventually("maria is added", func() bool { return slices.Contains(w.Hub.Members(id), w.Hub.DevicesOf("p_maria")[0]) })
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.SeesTexts(id, "hello")
	maria.Say(id, "good morning")
	sam.SeesTexts(id, "hello", "good morning")
	sam.Say(id, "how are you?")
	maria.SeesTexts(id, "hello", "good morning", "how are you?")
	if n := outsiders(w, id); n != 1 {
		t.Errorf("%d external commits", n)
	}
	if maria.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed }) {
		t.Error("lost keys are shown as a lie of the hub")
	}
	w.Eventually("the welcome is gone", func() bool {
		welcomes, err := maria.Client.Welcomes(t.Context())
		return err == nil && len(welcomes) == 0
	})
}

func TestRejoinsWithAllOfAConversationLost(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Close()
	lose(t, maria.Store, conversationParts...)
	sam.Say(id, "are you there?")
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.SeesTexts(id, "hello", "good morning", "are you there?")
	maria.Say(id, "yes, again")
	sam.SeesTexts(id, "hello", "good morning", "are you there?", "yes, again")
	for _, m := range sam.View(id).Members {
		if m.Devices != 1 {
			t.Errorf("%s has %d devices", m.Person, m.Devices)
		}
	}
	if n := outsiders(w, id); n != 1 {
		t.Errorf("%d external commits", n)
	}
}

func TestRejoiningGoesOnAfterACrash(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Close()
	lose(t, maria.Store, conversationParts...)
	maria.Client.Lie(devicetest.Lies{LoseReply: func(call string) bool { return call == "send" }})
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	w.Eventually("the commit is at the hub", func() bool { return outsiders(w, id) > 0 })
	maria.Close()
	maria.Client.Lie(devicetest.Lies{})
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	sam.Say(id, "welcome back")
	maria.SeesTexts(id, "hello", "good morning", "welcome back")
	if n := outsiders(w, id); n != 1 {
		t.Errorf("%d external commits, though the first was taken", n)
	}
}

// TestRejoiningSendsNothingTwice: the hub has a message, its answer was lost, and
// so was the group in which it was sealed. It is on record once, in its place.
func TestRejoiningSendsNothingTwice(t *testing.T) {
	w, sam, maria, id := talk(t)
	maria.Client.Lie(devicetest.Lies{Sent: func(*api.Sent) *api.Sent { return nil }})
	maria.Say(id, "come at eight")
	sam.SeesTexts(id, "hello", "good morning", "come at eight")
	maria.Close()
	lose(t, maria.Store, "g/")
	maria.Client.Lie(devicetest.Lies{})
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.Say(id, "or at nine")
	sam.Say(id, "at nine")
	want := []string{"hello", "good morning", "come at eight", "or at nine", "at nine"}
	w.Eventually("it is archived", func() bool { return contains(archived(w, id), "or at nine") && contains(archived(w, id), "at nine") })
	if got := archived(w, id); len(got) != len(want) {
		t.Errorf("the record has %q", got)
	}
	w.Eventually("maria sees all of it", func() bool { return len(maria.Texts(id)) == len(want) })
	if got := maria.Texts(id)[2]; got != "come at eight" {
		t.Errorf("maria sees %q", maria.Texts(id))
	}
	for _, p := range []*devicetest.Person{sam, maria} {
		if seen := p.Notices(id); slices.ContainsFunc(seen, func(n string) bool { return strings.HasPrefix(n, "refused") }) {
			t.Errorf("%s is warned of what nobody did: %q", p.Name, seen)
		}
	}
}

func TestT04WelcomeToAGroupThatNobodyInvitedTo(t *testing.T) {
	w, _, _, id := talk(t)
	jonas := w.Staff("jonas")
	// An honest hub would not hand out the group info either.
	w.Eventually("jonas is known", func() bool { return len(w.Hub.DevicesOf("p_jonas")) == 1 })
	d := w.Hub.DevicesOf("p_jonas")[0]
	other := w.Patient("other")
	elsewhere := other.Open("Other")
	w.Eventually("there is another group", func() bool { return other.Joined(elsewhere) })
	foreign := wire.Message{Welcome: &wire.Welcome{Suite: 0xF001, EncryptedGroupInfo: []byte{1}}}
	jonas.Client.Lie(devicetest.Lies{GroupInfo: func(api.GroupInfo) api.GroupInfo {
		return api.GroupInfo{GroupInfo: w.Hub.GroupInfo(id), Epoch: 1, Head: 1}
	}})
	w.Hub.Welcome(d, api.Welcome{Conversation: id, Position: 2, Payload: foreign.Marshal()})
	w.Eventually("the lie is told of", func() bool {
		return jonas.Heard(func(e device.Event) bool { return e.Kind == device.EventFailed && e.Failure == device.FailureUntrusted })
	})
	if jonas.Joined(id) || outsiders(w, id) > 0 {
		t.Error("a hub made a device join by itself")
	}
}

func TestT04StaleGroupInfoAfterBeingAway(t *testing.T) {
	w, sam, maria, id := talk(t)
	stale := w.Hub.GroupInfo(id) // maria has a leaf in it
	w.Hub.Want(id, api.Person{ID: "p_maria"}, false)
	sam.SeesNotice(id, "removed p_maria")
	w.Eventually("maria is out", func() bool { return !maria.Joined(id) })
	maria.Close()
	lose(t, maria.Store, "kp/")
	maria.Client.Lie(devicetest.Lies{GroupInfo: func(g api.GroupInfo) api.GroupInfo { g.GroupInfo = stale; return g }})
	w.Hub.Want(id, api.Person{ID: "p_maria", Kind: api.KindStaff, Role: "nurse"}, true)
	sam.SeesNotice(id, "joined p_maria")
	if err := maria.Restart(); err != nil {
		t.Fatal(err)
	}
	maria.SeesNotice(id, "refused roll-back")
	if maria.Joined(id) || outsiders(w, id) > 0 {
		t.Error("joined by a group info from before the removal")
	}
	maria.Client.Lie(devicetest.Lies{})
	maria.Reconnect()
	sam.Say(id, "and again")
	w.Eventually("maria reads on", func() bool { return slices.Contains(maria.Texts(id), "and again") })
}
