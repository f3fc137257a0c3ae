package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

const (
	practice     = "p_clinic"
	conversation = "c_talk"
	canary       = "canary-5d1f" // stands for what a patient gave us
)

// TestMain lets this binary be the child that TestKilledWhileAppending and
// TestT41KilledAtEachWrite kill.
func TestMain(m *testing.M) {
	var err error
	key := os.Getenv("SOTTO_TEST_KEY")
	if path := os.Getenv("SOTTO_TEST_APPEND"); path != "" {
		err = appendForEver(path, key, os.Stdout)
	} else if path := os.Getenv("SOTTO_TEST_LIVE"); path != "" {
		err = liveOnce(path, key, os.Getenv("SOTTO_TEST_LIFE"), os.Getenv("SOTTO_TEST_KILL"), os.Stdout)
	} else {
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newConversation() hub.NewConversation {
	return hub.NewConversation{
		Conversation: hub.Conversation{
			ID: conversation, Practice: practice, Queue: "q", State: api.StateWaiting, Epoch: 1, Head: 1,
			Members: []hub.Member{{Device: "d_1", Person: "p_1", From: 1}},
		},
		Group: hub.Group{Epoch: 1, Handshake: 1},
		First: hub.Frame{Position: 1, Kind: api.FrameCommit, Device: "d_1", Person: "p_1", ClientID: "founding"},
	}
}

func frame(clientID, payload string) hub.Append {
	return hub.Append{
		Practice: practice, Conversation: conversation,
		Frame: hub.Frame{
			Kind: api.FrameApplication, Epoch: 1, Device: "d_1", Person: "p_1", ClientID: clientID,
			ReceivedAt: 1, Payload: []byte(payload),
		},
	}
}

// appendForEver appends from several goroutines, and prints each client id
// with its position once that is acknowledged.
func appendForEver(path, key string, out io.Writer) error {
	ctx := context.Background()
	var k sqlitefile.Key
	if _, err := hex.Decode(k[:], []byte(key)); err != nil {
		return err
	}
	store, err := Open(ctx, path, k, sqlitefile.Config{})
	if err != nil {
		return err
	}
	if err := store.SavePractice(ctx, hub.Practice{ID: practice, Slug: "clinic"}); err != nil {
		return err
	}
	if err := store.CreateConversation(ctx, newConversation()); err != nil && !errors.Is(err, hub.ErrExists) {
		return err
	}
	failed := make(chan error)
	var mu sync.Mutex // guards out: a line is written whole
	for i := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), i, n)
				got, err := store.AppendFrame(ctx, frame(id, "payload of "+id))
				if err == nil {
					mu.Lock()
					_, err = fmt.Fprintf(out, "%s %d\n", id, got.Position)
					mu.Unlock()
				}
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// TestKilledWhileAppending kills a writing process again and again. What it
// had acknowledged must be there, once, at the position it said.
func TestKilledWhileAppending(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	path, key := filepath.Join(t.TempDir(), "hub.db"), newKey()
	acknowledged := make(map[string]uint64)
	for range rounds {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "SOTTO_TEST_APPEND="+path, "SOTTO_TEST_KEY="+hex.EncodeToString(key[:]))
		var stderr bytes.Buffer
		child.Stderr = &stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 100+len(acknowledged)%97 && lines.Scan(); n++ {
			note(t, acknowledged, lines.Text())
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had printed before it died
			note(t, acknowledged, lines.Text())
		}
		_ = child.Wait()
		if stderr.Len() > 0 {
			t.Fatalf("the child: %s", &stderr)
		}
	}

	store := openTest(t, path, key, sqlitefile.Config{})
	byID := make(map[string]uint64)
	for after := uint64(0); ; {
		frames, head, err := store.Frames(t.Context(), practice, conversation, after, 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if after++; f.Position != after {
				t.Fatalf("position %d follows %d", f.Position, after-1)
			}
			if byID[f.ClientID] != 0 {
				t.Errorf("frame %s is stored twice", f.ClientID)
			}
			if after > 1 && string(f.Payload) != "payload of "+f.ClientID {
				t.Errorf("frame %s holds %q", f.ClientID, f.Payload)
			}
			byID[f.ClientID] = f.Position
		}
		if len(frames) == 0 {
			if head != after {
				t.Errorf("head is %d, the last frame %d", head, after)
			}
			break
		}
	}
	for id, position := range acknowledged {
		if byID[id] != position {
			t.Errorf("frame %s was acknowledged at %d and is at %d", id, position, byID[id])
		}
	}
	t.Logf("%d frames acknowledged, %d stored, in %d lives", len(acknowledged), len(byID)-1, rounds)
}

// note takes a line that the child printed. Its last may be cut short.
func note(t *testing.T, acknowledged map[string]uint64, line string) {
	t.Helper()
	var id string
	var position uint64
	if n, _ := fmt.Sscanf(line+"\n", "%s %d\n", &id, &position); n != 2 || strings.Count(id, "-") != 2 {
		return
	}
	if acknowledged[id] != 0 {
		t.Errorf("frame %s was acknowledged twice", id)
	}
	acknowledged[id] = position
}

// TestFullDisk fills a small database. Refused frames leave no trace, and the
// store serves on when there is room again.
func TestFullDisk(t *testing.T) {
	path, key, ctx := filepath.Join(t.TempDir(), "hub.db"), newKey(), t.Context()
	store := openTest(t, path, key, sqlitefile.Config{MaxPages: 300})
	if err := store.SavePractice(ctx, hub.Practice{ID: practice, Slug: "clinic"}); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateConversation(ctx, newConversation()); err != nil {
		t.Fatal(err)
	}
	payload := strings.Repeat("x", 20_000)
	var mu sync.Mutex
	stored := make(map[uint64]string)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 20 {
				id := fmt.Sprintf("large-%d-%d", i, n)
				got, err := store.AppendFrame(ctx, frame(id, payload))
				switch {
				case err == nil:
					mu.Lock()
					stored[got.Position] = id
					mu.Unlock()
				case !errors.Is(err, hub.ErrFull):
					t.Errorf("got %v, want %v", err, hub.ErrFull)
				}
			}
		})
	}
	wait.Wait()
	check := func(store hub.Store) {
		t.Helper()
		frames, head, err := store.Frames(ctx, practice, conversation, 1, 0, 1000)
		if err != nil || len(frames) != len(stored) || head != uint64(len(stored))+1 {
			t.Fatalf("%d frames, head %d, %v; acknowledged were %d", len(frames), head, err, len(stored))
		}
		for _, f := range frames {
			if stored[f.Position] != f.ClientID {
				t.Errorf("position %d holds %s, acknowledged was %s", f.Position, f.ClientID, stored[f.Position])
			}
		}
	}
	if len(stored) == 0 || len(stored) == 160 {
		t.Fatalf("%d of 160 were stored: the disk was not filled", len(stored))
	}
	check(store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	roomy := openTest(t, path, key, sqlitefile.Config{})
	check(roomy)
	if _, err := roomy.AppendFrame(ctx, frame("after-all", payload)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestNothingToRead writes distinctive text into every kind of column and
// looks for it in the files.
func TestNothingToRead(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	path := filepath.Join(folder, "hub.db")
	store := openTest(t, path, newKey(), sqlitefile.Config{})
	p := hub.Practice{ID: practice, Slug: canary}
	p.Name = canary
	if err := store.SavePractice(ctx, p); err != nil {
		t.Fatal(err)
	}
	if err := store.AddPerson(ctx, hub.Person{ID: canary, Practice: practice, Kind: api.KindStaff, Name: canary, Login: canary}); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateConversation(ctx, newConversation()); err != nil {
		t.Fatal(err)
	}
	look := func(when string, mustSee ...string) {
		t.Helper()
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for _, entry := range entries {
			data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %s is %v", when, entry.Name(), info.Mode())
			}
			seen[entry.Name()] = len(data) > 0
			for _, plain := range []string{canary, "SQLite format 3", "CREATE TABLE", conversation} {
				if bytes.Contains(data, []byte(plain)) {
					t.Errorf("%s: %s holds %q", when, entry.Name(), plain)
				}
			}
		}
		for _, name := range mustSee {
			if !seen[name] {
				t.Errorf("%s: there is no %s to look at", when, name)
			}
		}
	}
	for i := range 100 {
		if _, err := store.AppendFrame(ctx, frame(fmt.Sprint(canary, i), strings.Repeat(canary, 100))); err != nil {
			t.Fatal(err)
		}
	}
	look("while open", "hub.db", "hub.db-wal", "hub.db-shm")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	look("when closed", "hub.db")
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?", "hub #1.db") // characters that mean something in a URI
	store := openTest(t, path, newKey(), sqlitefile.Config{})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for range 2 {
		_, err := Open(t.Context(), path, newKey(), sqlitefile.Config{})
		if !errors.Is(err, sqlitefile.ErrWrongKey) {
			t.Errorf("got %v, want %v", err, sqlitefile.ErrWrongKey)
		}
	}
}

func TestClosedStore(t *testing.T) {
	store := openTest(t, filepath.Join(t.TempDir(), "hub.db"), newKey(), sqlitefile.Config{})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.AppendFrame(context.Background(), frame("x", "x")); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
