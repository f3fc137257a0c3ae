package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

// TestCryptographyIsLookedAt: whether the database is encrypted is seen on its
// file, and the suites of open chats in their groups, not in settings.
func TestCryptographyIsLookedAt(t *testing.T) {
	ctx, folder := t.Context(), Folder(t.TempDir())
	h := openHub(t, string(folder))
	makePractice(t, h)
	for id, group := range map[string]string{
		"c_new": "\x01\x08\x00\x01\xf0\x01aaaa", // state of version 1, context of 8 bytes, mls10, 0xF001
		"c_old": "\x01\x40\x80\x00\x01\x00\x02aaaa",
		"c_odd": "none",
	} {
		if err := h.store.CreateConversation(ctx, hub.NewConversation{
			Conversation: hub.Conversation{ID: id, Practice: "t_here", State: api.StateOpen, Epoch: 1, Head: 1},
			Group:        hub.Group{State: []byte(group), Epoch: 1, Handshake: 1}, First: hub.Frame{Position: 1},
		}); err != nil {
			t.Fatal(err)
		}
	}
	facts, err := Inspect(ctx, h, InspectConfig{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if got := facts.Database.File; got != installation.FileSealed {
		t.Errorf("the database's file is %q", got)
	}
	p := facts.Practice("t_here")
	if want := []installation.SuiteUse{{Suite: 0, Conversations: 1}, {Suite: 2, Conversations: 1}, {Suite: 0xF001, Conversations: 1}}; !slices.Equal(p.Groups, want) {
		t.Errorf("groups have %v, want %v", p.Groups, want)
	}
	if p.Offered != 0 {
		t.Errorf("no server runs, and offers %d", p.Offered)
	}

	path := filepath.Join(t.TempDir(), "plain.db")
	for begins, want := range map[string]string{"SQLite format 3\x00 and more": installation.FilePlain, "short": "", "anything else that is long": installation.FileSealed} {
		if err := os.WriteFile(path, []byte(begins), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := fileBegins(path); got != want {
			t.Errorf("a file that begins with %q is %q", begins, got)
		}
	}
	if got := fileBegins(path + "x"); got != "" {
		t.Errorf("no file is %q", got)
	}
}
