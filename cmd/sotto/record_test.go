package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keeper"
	"github.com/sotto-health/sotto/internal/keeperhost"
	"github.com/sotto-health/sotto/internal/vault"
)

// newRecord makes a practice whose record holds one conversation of two
// messages, and returns the data folder and the conversation's id.
func newRecord(t *testing.T) (data, conversation string) {
	t.Helper()
	data = t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	v, err := vault.Open(keeperFolder(host.Folder(data), "riverside"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := keeperhost.OpenArchive(v)
	if err != nil {
		t.Fatal(err)
	}
	conversation = hub.NewID("c")
	sender := bytes.Repeat([]byte{7}, 32)
	for i, text := range []string{"my knee hurts", "since when?"} {
		m, err := content.NewText(bytes.Repeat([]byte{byte(i)}, content.SaltSize), text, "en")
		if err != nil {
			t.Fatal(err)
		}
		// One call each, so that each is an object of its own.
		if err := archive.Append(t.Context(), conversation, []keeper.Record{{
			Position: uint64(i + 1), Kind: keeper.KindMessage, At: 1_790_000_000_000, Person: "p_x", Device: "d_x", Sender: sender, Content: m.Marshal(),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return data, conversation
}

func TestRecord(t *testing.T) {
	data, id := newRecord(t)
	does(t, data, words("record list"), id+"\n")
	does(t, data, words("record --practice riverside list"), id+"\n")
	refuses(t, data, words("record show "+id), "--purpose=WHAT-FOR")
	does(t, data, words("record show --purpose operations --utc "+id), id, "my knee hurts", "since when?")
	var transcript struct {
		Conversation string
		Lines        []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(does(t, data, words("record show --purpose operations --json "+id))), &transcript); err != nil {
		t.Fatal(err)
	}
	if transcript.Conversation != id || len(transcript.Lines) != 2 || transcript.Lines[1].Text != "since when?" {
		t.Errorf("got %+v", transcript)
	}
	does(t, data, words("record verify"), "1 conversations, 2 records", "as it was written")
	does(t, data, words("audit list --kind record.verified"), "done", "operator", "conversations=1,records=2,problems=0")
	does(t, data, words("record verify --accept"), "as it was written")
	if out := does(t, data, words("audit list --kind record.verified"), "accept=yes"); strings.Count(out, "record.verified") != 3 {
		t.Errorf("the checks are on record as\n%s", out)
	}
	does(t, data, words("audit export --format csv --kind record.read"), id+",,,,operations,")
	does(t, data, words("record show --purpose authorization "+id), "my knee hurts")
	does(t, data, words("audit export --format csv --kind record.read"), id+",,,,authorization,")
	refuses(t, data, words("record show --purpose court "+id), "say with --to")
	does(t, data, words("record show --purpose court --to Court "+id), "my knee hurts") // the hub does not know whose it is
	does(t, data, words("audit export --format csv --kind record.read"), id+",,,,court,")
	unknown := hub.NewID("c")
	refuses(t, data, words("record show --purpose operations "+unknown), "no conversation of that id")
	does(t, data, words("audit list --kind record.read"), unknown)
	refuses(t, data, words("record show --purpose operations ../../keys"), "nothing of it is shown")
	refuses(t, data, words("record --practice elsewhere list"), "no keeper")
}

// TestTamperedRecord changes each file of the archive in turn, and then removes
// it: verify fails and names what is wrong.
func TestTamperedRecord(t *testing.T) {
	data, id := newRecord(t)
	archive := filepath.Join(keeperFolder(host.Folder(data), "riverside"), "archive")
	changed := 0
	err := filepath.WalkDir(archive, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 1
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			return err
		}
		name := strings.TrimPrefix(path, archive)
		if out, err := sotto(t, data, "record", "verify"); err == nil {
			t.Errorf("%s is changed, and verify says\n%s", name, out)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		if out, err := sotto(t, data, "record", "verify"); err == nil {
			t.Errorf("%s is gone, and verify says\n%s", name, out)
		}
		changed++
		return os.WriteFile(path, whole, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if changed < 4 {
		t.Errorf("only %d files were changed", changed)
	}
	does(t, data, words("audit list --kind record.verified --limit 1"), "problems=1")
	does(t, data, words("record verify"), "as it was written")
	does(t, data, words("record show --purpose operations "+id), "my knee hurts")
}

// TestRecordIsNotCheckedUnseen: what cannot be written down is not done, nor
// shown: neither what a record says nor how it stands.
func TestRecordIsNotCheckedUnseen(t *testing.T) {
	data, id := newRecord(t)
	key := filepath.Join(host.Folder(data).HubPart(), "audit.key")
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"record verify", "record verify --accept", "record show --purpose operations " + id} {
		out, err := sotto(t, data, words(args)...)
		if err == nil || !strings.Contains(err.Error(), "could not be written down") || out != "" {
			t.Errorf("sotto %s: %v, and prints\n%s", args, err, out)
		}
	}
}
