package host

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// logged returns the events of some kinds in the practice's log, in order.
func logged(ctx context.Context, t *testing.T, h *OpenHub, kinds ...audit.Kind) (all []audit.Event) {
	t.Helper()
	if err := h.GrowLogs(ctx); err != nil {
		t.Fatal(err)
	}
	entries, err := h.LogRange(ctx, "t_here", 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if slices.Contains(kinds, entries[i].Event.Kind) {
			all = append(all, entries[i].Event)
		}
	}
	return all
}

// TestT40WatchersCannotBeSwitchedOffUnseen: that a server has its logs watched
// from outside, and has not any more, is in the logs, once; and what a witness
// has found stays, whether it is asked again, away or dropped from the settings,
// until it agrees or the operator settles it.
func TestT40WatchersCannotBeSwitchedOffUnseen(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	ctx := t.Context()
	signer, err := auditlog.NewWitness("witness.example", make([]byte, auditlog.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	key := signer.Verifier()
	watched := ServeConfig{
		AuditCheckpoints: t.TempDir(), AuditArchive: t.TempDir(), AuditWitnesses: []witness.Party{{Key: key}}, Log: slog.New(slog.DiscardHandler),
	}
	unwatched := ServeConfig{Log: watched.Log}
	starts := func(c ServeConfig) {
		t.Helper()
		if _, err := newLogParts(ctx, h, c); err != nil {
			t.Fatal(err)
		}
	}
	saw := 0
	happened := func(want ...string) {
		t.Helper()
		all := logged(ctx, t, h, audit.WatcherConfigured, audit.WatcherStopped, audit.WatcherContradicts, audit.WatcherSettled)
		var got []string
		for _, e := range all[saw:] {
			got = append(got, strings.TrimPrefix(string(e.Kind), "audit-watcher.")+" "+e.Object)
			if strings.Contains(e.Detail, watched.AuditArchive) || e.Detail == "" {
				t.Errorf("detail %q", e.Detail)
			}
		}
		slices.Sort(got)
		if saw = len(all); !slices.Equal(got, want) {
			t.Errorf("the log has %q, want %q", got, want)
		}
	}
	starts(watched)
	happened("configured archive", "configured checkpoints", "configured witness")
	starts(watched)
	happened()
	starts(unwatched)
	happened("stopped archive", "stopped checkpoints", "stopped witness")
	starts(unwatched)
	happened()
	starts(watched)
	happened("configured archive", "configured checkpoints", "configured witness")

	note := func(before, problem string) {
		t.Helper()
		if err := h.NoteWitness(ctx, before, hub.LogWitness{Practice: "t_here", Key: key, TriedAt: 1, Problem: problem}); err != nil {
			t.Fatal(err)
		}
	}
	contradicts := func(want bool) {
		t.Helper()
		facts, err := Inspect(ctx, h, InspectConfig{Folder: h.folder})
		if err != nil {
			t.Fatal(err)
		}
		shown := facts.Practices[0].Witnesses
		page, err := h.AuditCheckpoint(ctx, "t_here")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(shown) == 1 && shown[0].Contradicts; got != want {
			t.Errorf("whoever looks sees %+v", shown)
		}
		if got := len(page.Witnesses) == 1 && page.Witnesses[0].Problem == hub.WitnessContradicts; got != want {
			t.Errorf("the page has %+v", page.Witnesses)
		}
		if got := h.Stats().Witnesses["witness.example"]; got != want {
			t.Errorf("the figures say %v", got)
		}
	}
	note("", hub.WitnessContradicts)
	happened("contradicts witness")
	note(hub.WitnessContradicts, hub.WitnessAway)
	happened()
	contradicts(true)
	starts(unwatched)
	contradicts(true)
	happened("stopped archive", "stopped checkpoints", "stopped witness")
	if n, err := h.SettleWatcher(ctx, "other.example", "moved"); n != 0 || err != nil {
		t.Error(n, err)
	}
	if n, err := h.SettleWatcher(ctx, "witness.example", "backup-restored"); n != 1 || err != nil {
		t.Error(n, err)
	}
	starts(unwatched)
	contradicts(false)
	happened("settled witness")
	if all := logged(ctx, t, h, audit.WatcherSettled); len(all) != 1 || all[0].Role != audit.Operator || all[0].Reason != "backup-restored" {
		t.Errorf("%+v", all)
	}

	starts(watched)
	note("", hub.WitnessContradicts)
	note(hub.WitnessContradicts, "")
	contradicts(false)
	happened("configured archive", "configured checkpoints", "configured witness", "contradicts witness", "settled witness")
}

// TestANewPracticeIsToldWhoWatches: also one that is made while a server runs,
// and no practice is told twice.
func TestANewPracticeIsToldWhoWatches(t *testing.T) {
	h := openHub(t, t.TempDir())
	set := []hub.LogWatcher{{Name: installation.LogArchive, Target: "/archive"}}
	if err := h.SetWatchers(t.Context(), set, 0); err != nil {
		t.Fatal(err)
	}
	makePractice(t, h)
	for range 2 {
		if err := h.SetWatchers(t.Context(), set, 0); err != nil {
			t.Fatal(err)
		}
	}
	if all := logged(t.Context(), t, h, audit.WatcherConfigured); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// TestMain stops the PostgreSQL that a test may have started.
func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// TestHubsOfOneDatabaseWatchTogether: what one hub has, another that has not says
// nothing of, at its start or later; only what no hub has said for long to have
// has stopped.
func TestHubsOfOneDatabaseWatchTogether(t *testing.T) {
	ctx, database, keys := t.Context(), postgrestest.NewDatabase(t), Folder(t.TempDir())
	open := func(folder Folder) *OpenHub {
		t.Helper()
		h, err := Open(ctx, HubConfig{Folder: folder, Keys: keys, PostgresURL: database, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		return h
	}
	archives, heads := open(keys), open(Folder(t.TempDir()))
	makePractice(t, archives)
	begin := func(h *OpenHub, c ServeConfig) *logParts {
		t.Helper()
		c.Log = slog.New(slog.DiscardHandler)
		p, err := newLogParts(ctx, h, c)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	saw := 0
	happened := func(want ...string) {
		t.Helper()
		var got []string
		all := logged(ctx, t, archives, audit.WatcherConfigured, audit.WatcherStopped)
		for _, e := range all[saw:] {
			got = append(got, strings.TrimPrefix(string(e.Kind), "audit-watcher.")+" "+e.Object)
		}
		if saw = len(all); !slices.Equal(got, want) {
			t.Errorf("the log has %q, want %q", got, want)
		}
	}
	here, there := ServeConfig{AuditArchive: t.TempDir()}, ServeConfig{AuditCheckpoints: t.TempDir()}
	archiving := begin(archives, here)
	publishing := begin(heads, there)
	happened("configured archive", "configured checkpoints")
	for _, p := range []*logParts{archiving, publishing, begin(archives, here), begin(heads, there)} {
		if err := p.setWatchers(ctx); err != nil {
			t.Fatal(err)
		}
	}
	happened()

	seen := func() int64 {
		t.Helper()
		all, err := heads.Watchers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return all[slices.IndexFunc(all, archiving.set[0].Is)].SeenAt
	}
	before := seen()
	time.Sleep(5 * time.Millisecond)
	if err := archiving.setWatchers(ctx); err != nil || seen() <= before {
		t.Errorf("the hub's sign of life is of %d, the one before of %d, %v", seen(), before, err)
	}
	time.Sleep(20 * time.Millisecond) // the one with the archive is gone
	if err := heads.SetWatchers(ctx, publishing.set, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	happened("stopped archive")
	if err := publishing.setWatchers(ctx); err != nil {
		t.Fatal(err)
	}
	begin(archives, here)
	happened("configured archive")
}

// TestAStartSaysItsSettings: a start is in the log with what protects the server,
// so that a change of it shows, and with no address.
func TestAStartSaysItsSettings(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	c := ServeConfig{
		Listen: "192.0.2.9:443", CertFile: "/etc/tls/cert.pem", KeyFile: "/etc/tls/key.pem", Origins: []string{"https://chat.clinic.example"},
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")},
	}
	start := func() {
		t.Helper()
		if err := h.NoteStarted(t.Context(), protection(&c)); err != nil {
			t.Fatal(err)
		}
	}
	start()
	start()
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	start()
	c.CertFile = ""
	start()
	var said []string
	for _, e := range logged(t.Context(), t, h, audit.HubStarted) {
		said = append(said, e.Detail)
	}
	if len(said) != 4 || said[0] != said[1] || said[1] == said[2] || !strings.HasPrefix(said[2], "tls=yes,proxies=1,") || !strings.HasPrefix(said[3], "tls=no,") {
		t.Fatalf("%q", said)
	}
	for _, secret := range []string{"10.0", "192.0", "clinic", "pem"} {
		if strings.Contains(strings.Join(said, ""), secret) {
			t.Errorf("%q is in %q", secret, said)
		}
	}
}
