package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
)

// said is output that somebody waits for.
type said struct {
	mu   sync.Mutex // guards text
	text string
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(b)
	return len(b), nil
}

// wait returns the first match of a pattern.
func (s *said) wait(t *testing.T, pattern string) string {
	t.Helper()
	for {
		s.mu.Lock()
		found := regexp.MustCompile(pattern).FindString(s.text)
		s.mu.Unlock()
		if found != "" {
			return found
		}
		pause(t, "nothing is said")
	}
}

func pause(t *testing.T, otherwise string) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal(otherwise)
	case <-time.After(20 * time.Millisecond):
	}
}

// witness runs one, and returns what a server is told of it, and how to end it.
func startWitness(t *testing.T, folder, listen, key string) (party string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended, out := make(chan error, 1), new(said)
	go func() {
		ended <- run(ctx, []string{"audit", "witness", folder, "--name", "witness.example", "--log", key, "--listen", listen}, out, io.Discard)
	}()
	found := out.wait(t, `--audit-witness '[^']+'`)
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return strings.TrimSuffix(strings.TrimPrefix(found, "--audit-witness '"), "'"), stop
}

// TestT40WitnessOfAServer: a server has its log signed by a witness that runs
// apart, publishes the signature, goes on without the witness, and is told, and
// tells, when an old backup was put back.
func TestT40WitnessOfAServer(t *testing.T) {
	data, folder, published := newAuditLog(t), t.TempDir(), filepath.Join(t.TempDir(), "published")
	backup := read(t, data, "hub", "hub.db")
	happens(t, data, 20)
	key := strings.TrimSpace(string(read(t, export(t, data, t.TempDir()), archive.KeyFile)))
	party, stop := startWitness(t, folder, "127.0.0.1:0", key)
	witnessKey, address, _ := strings.Cut(party, " ")
	latest := filepath.Join(published, "riverside", archive.CheckpointFile)
	serves := func(done func() bool, args ...string) {
		t.Helper()
		t.Run("serves", func(t *testing.T) {
			serving(t, data, append([]string{"--audit-checkpoints", published, "--audit-witness", party}, args...)...)
			for !done() {
				pause(t, "the server does nothing")
			}
		})
	}
	signed := func() bool {
		b, err := os.ReadFile(latest)
		if err != nil {
			return false
		}
		_, err = auditlog.OpenCheckpoint(b, key, witnessKey)
		return err == nil
	}
	serves(signed)
	does(t, data, []string{"audit", "verify", "--checkpoint", latest, "--witness", witnessKey}, "as it was written")
	names(t, data, []string{"audit", "verify", "--checkpoint", latest, "--witness", otherWitness(t)}, "is not signed by a witness that was given")
	refuses(t, data, []string{"audit", "verify", "--witness", witnessKey}, "--checkpoint")
	doctor := func() string {
		out, _ := sotto(t, data, "doctor")
		return out
	}
	does(t, data, words("inventory"), "Witness: witness.example")
	if out := doctor(); !strings.Contains(out, "The witness witness.example has signed the first ") {
		t.Error(out)
	}

	// Away: the log goes on, and its heads are published without the signature.
	stop()
	happens(t, data, 20)
	before := string(read(t, latest))
	serves(func() bool { b, err := os.ReadFile(latest); return err == nil && string(b) != before })
	if signed() {
		t.Error("a witness that is away has signed")
	}
	if out := doctor(); !strings.Contains(out, "(away)") {
		t.Error(out)
	}

	// An old backup comes back: the witness has seen more.
	write(t, backup, data, "hub", "hub.db")
	startWitness(t, folder, strings.TrimPrefix(address, "http://"), key)
	published = filepath.Join(t.TempDir(), "elsewhere")
	serves(func() bool { return strings.Contains(doctor(), "an old backup was put back") })

	// Not asked any more: what it found stays, until the operator says why.
	t.Run("not asked", func(t *testing.T) { serving(t, data, "--no-keeper") })
	if out := doctor(); !strings.Contains(out, "an old backup was put back") {
		t.Error("a start without the witness erases what it found: " + out)
	}
	refuses(t, data, words("audit settle nobody --reason moved"), "no log contradicts nobody")
	does(t, data, words("audit settle witness.example --reason backup-restored"), "Settled in 1 logs")
	if out := doctor(); strings.Contains(out, "The witness witness.example") {
		t.Error(out)
	}
	does(t, data, words("audit list"), "audit-watcher.stopped", "audit-watcher.contradicts", "audit-watcher.settled")
}

// TestT40WitnessOfALostKey: the head that a witness signed under a key of the
// log that was lost since cannot be compared with anything; whoever says why is
// rid of it, and the log says by which key it was. A head of the key that the
// log has is not settled so.
func TestT40WitnessOfALostKey(t *testing.T) {
	data, folder := newAuditLog(t), t.TempDir()
	key := strings.TrimSpace(string(read(t, export(t, data, t.TempDir()), archive.KeyFile)))
	party, stop := startWitness(t, folder, "127.0.0.1:0", key)
	t.Run("serves", func(t *testing.T) {
		serving(t, data, "--audit-witness", party)
		for {
			if out, _ := sotto(t, data, "doctor"); strings.Contains(out, "The witness witness.example has signed the first ") {
				return
			}
			pause(t, "the witness does not sign")
		}
	})
	stop()
	settle := words("audit settle witness.example --reason investigated")
	refuses(t, data, settle, "no log contradicts witness.example")

	if err := os.Remove(filepath.Join(data, "hub", "audit.key")); err != nil {
		t.Fatal(err)
	}
	does(t, data, words("key replace audit"), "audit.key")
	names(t, data, words("audit verify"), "is not signed by the log's key")
	does(t, data, settle, "Settled in 1 logs")
	does(t, data, words("audit list --kind audit-watcher.settled"), "witness=witness.example", ",key="+strings.Split(key, "+")[1], "reason=investigated")
	does(t, data, words("audit verify"), alone)
	refuses(t, data, settle, "no log contradicts witness.example")
}

func otherWitness(t *testing.T) string {
	t.Helper()
	w, err := auditlog.NewWitness("witness.example", make([]byte, auditlog.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	return w.Verifier()
}
