package device_test

import (
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/mls/wire"
)

// reconnect has devices meet the hub as it is now.
func reconnect(all ...*devicetest.Person) {
	for _, p := range all {
		p.Client.SetOffline(true)
		p.Client.SetOffline(false)
	}
}

// keepersFrames are the keeper's frames beyond a position: "anew" for an
// external commit, else their kind.
func keepersFrames(w *devicetest.World, id string, beyond int) (kinds []string) {
	for _, f := range w.Hub.Log(id)[beyond:] {
		if f.Device != "d_keeper" {
			continue
		}
		kind := f.Kind
		if m, err := wire.ParseMessage(f.Payload); err == nil && m.Public != nil && m.Public.Content.Sender.Type == wire.SenderNewMemberCommit {
			kind = "anew"
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// TestRestoredKeeperSealsWithNewKeysAlone puts hub and keeper back to a backup
// after the keeper has sealed more. The keys of the copy were used, by the one
// that is lost: the restored keeper joins anew before it seals anything, and
// misses nothing that the restored hub has.
func TestRestoredKeeperSealsWithNewKeysAlone(t *testing.T) {
	w, sam, maria, id := talk(t)
	w.Keeper.Close()
	sam.Say(id, "in the backup, not yet in the record")
	w.Eventually("it is at the hub", func() bool { return outboxEmpty(sam) })
	restore, head := w.BackUp(id), len(w.Hub.Log(id))

	w.StartKeeper()
	sam.Say(id, "after the backup")
	maria.SeesTexts(id, "hello", "good morning", "in the backup, not yet in the record", "after the backup")
	w.Eventually("it is archived", func() bool { return contains(archived(w, id), "after the backup") })
	w.Keeper.Close()
	restore(false)
	reconnect(sam, maria)
	sam.SeesNotice(id, "refused roll-back") // before the keeper's commit fills the place of what is gone
	w.StartKeeper()
	w.Eventually("the keeper has joined anew", func() bool { return outsiders(w, id) > 0 })

	// A colleague is brought in: the keeper seals the history for them.
	jonas := w.Staff("jonas")
	w.Hub.Want(id, api.Person{ID: "p_jonas", Kind: api.KindStaff, Role: "nurse"}, true)
	w.Eventually("jonas has what was said before", func() bool {
		return slices.Contains(jonas.Texts(id), "in the backup, not yet in the record")
	})
	kinds := keepersFrames(w, id, head)
	if kinds[0] != "anew" || !slices.Contains(kinds, api.FrameApplication) {
		t.Errorf("the keeper's frames after the restoring: %q", kinds)
	}
	maria.Say(id, "we were away for a moment")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sam sees %q %q, maria %q %q, jonas %q, the record %q", sam.Texts(id), sam.Notices(id), maria.Texts(id), maria.Notices(id), jonas.Texts(id), archived(w, id))
		}
	})
	w.Eventually("the chat goes on", func() bool {
		return contains(archived(w, id), "we were away for a moment") && slices.Contains(jonas.Texts(id), "we were away for a moment") &&
			slices.Contains(sam.Texts(id), "we were away for a moment")
	})
	if !contains(archived(w, id), "in the backup, not yet in the record") {
		t.Errorf("the record lost what the backup of the hub has: %q", archived(w, id))
	}
}
