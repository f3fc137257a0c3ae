package stream

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/blob"
	"github.com/sotto-health/sotto/internal/certificate/authority"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/postgres"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// A world is a hub on a real database, with two practices.
type world struct {
	t     testing.TB
	open  func() (*sqlstore.Store, error)
	store *sqlstore.Store
	hub   *hub.Hub

	logs syncBuffer // what the program writes into its own log

	mu     sync.Mutex // guards pauses
	pauses []time.Duration
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

const oak, elm = "t_oak", "t_elm"

func onSQLite(t testing.TB) *world {
	path := filepath.Join(t.TempDir(), "hub.db")
	var key sqlitefile.Key
	rand.Read(key[:])
	return newWorld(t, func() (*sqlstore.Store, error) { return sqlite.Open(t.Context(), path, key, sqlitefile.Config{}) })
}

func onPostgres(t testing.TB) *world {
	address := postgrestest.NewDatabase(t)
	return newWorld(t, func() (*sqlstore.Store, error) { return postgres.Open(t.Context(), address, postgres.Config{}) })
}

func newWorld(t testing.TB, open func() (*sqlstore.Store, error)) *world {
	t.Helper()
	w := &world{t: t, open: open}
	w.reopen()
	t.Cleanup(w.close)
	a, err := authority.New(oak)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{oak, elm} {
		_, err := w.hub.SavePractice(t.Context(), hub.Practice{ID: id, Slug: id[2:], Settings: hub.Settings{Name: "Dana's Clinic canary", AuthorityKey: a.Public()}})
		w.must(err)
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reopen opens the database, again after close, and a hub on it.
func (w *world) reopen() {
	w.t.Helper()
	var err error
	w.store, err = w.open()
	w.must(err)
	blobs, err := blob.Open(w.t.TempDir(), blob.Config{})
	w.must(err)
	w.hub, err = hub.New(hub.Config{Store: w.store, Blobs: blobs})
	w.must(err)
}

func (w *world) close() {
	if w.store != nil {
		w.hub.Close()
		w.must(w.store.Close())
		w.store = nil
	}
}

// record adds n events to a practice's log, and returns how many it has then.
func (w *world) record(practice string, n int) int64 {
	w.t.Helper()
	var all []audit.Event
	for i := range n {
		e := audit.New(w.t.Context(), int64(1790000000000+i), audit.Actor{Practice: practice, Role: audit.Staff, Person: "p_dana", Device: "d_1"}, audit.ConversationOpened, "").In("c_1", "p_ana")
		if i%3 == 1 {
			e = e.AsRefused("forbidden", "one-practice")
		}
		all = append(all, e)
	}
	for part := range slices.Chunk(all, 500) {
		w.must(w.store.Record(w.t.Context(), part...))
	}
	return w.size(practice)
}

// size is how many entries a practice's log has, with all that waited.
func (w *world) size(practice string) int64 {
	w.t.Helper()
	w.must(w.hub.GrowLogs(w.t.Context()))
	n, err := w.hub.LogSize(w.t.Context(), practice)
	w.must(err)
	return n
}

// setting is one stream of an environment.
func (w *world) setting(env ...string) Setting {
	w.t.Helper()
	values := make(map[string]string)
	for i := 0; i < len(env); i += 2 {
		values[env[i]] = env[i+1]
	}
	all, err := FromEnvironment(func(name string) string { return values[name] })
	w.must(err)
	if len(all) != 1 {
		w.t.Fatalf("%d streams", len(all))
	}
	return all[0]
}

// run runs a stream on a clock that is a hundred times as fast, and returns what
// ends it and waits for that.
func (w *world) run(s Setting) (end func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	begun := time.Now()
	c := Config{
		Setting: s, Holder: hub.NewID("h"), Version: "v1", Host: "hub1", Say: slog.New(slog.NewJSONHandler(&w.logs, nil)),
		now: func() time.Time { return begun.Add(100 * time.Since(begun)) },
		pause: func(ctx context.Context, d time.Duration) {
			w.mu.Lock()
			w.pauses = append(w.pauses, d)
			w.mu.Unlock()
			pause(ctx, min(d, 10*time.Millisecond))
		},
	}
	done := make(chan struct{})
	log := w.hub
	go func() {
		defer close(done)
		Run(ctx, log, c)
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	w.t.Cleanup(end)
	return end
}

// longestPause is the longest that was waited.
func (w *world) longestPause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Max(append(w.pauses, 0))
}

// stream is how a stream of a practice stands.
func (w *world) stream(practice, name string) auditlog.Stream {
	w.t.Helper()
	all, err := w.hub.LogStreams(w.t.Context(), practice)
	w.must(err)
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	return auditlog.Stream{}
}

// until waits until something holds.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 6000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Logf("%.3000s", w.logs.String())
	w.t.Fatalf("%s: not after a minute; the streams are %+v and %+v", what, w.stream(oak, Syslog), w.stream(oak, OTLP))
}

// kinds are those of the streams' own events in a practice's log, in order.
func (w *world) kinds(practice string) (all []string) {
	w.t.Helper()
	size := w.size(practice)
	entries, err := w.hub.LogRange(w.t.Context(), practice, 0, int(size)+1)
	w.must(err)
	for _, e := range entries {
		if kind := string(e.Event.Kind); strings.HasPrefix(kind, "audit-stream.") {
			if e.Event.Reason != "" {
				kind += " " + e.Event.Reason
			}
			all = append(all, strings.TrimPrefix(kind, "audit-stream."))
		}
	}
	return all
}

// whole fails unless numbers are 0 to n, in order.
func whole(t testing.TB, what string, numbers []int64, n int64) {
	t.Helper()
	for i, number := range numbers {
		if number != int64(i) {
			t.Fatalf("%s: entry %d came in the place of %d", what, number, i)
		}
	}
	if int64(len(numbers)) < n {
		t.Fatalf("%s: %d of %d entries came", what, len(numbers), n)
	}
}
