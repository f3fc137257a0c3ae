package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestT40WatchAsksForWitnesses: a monitor that is told of witnesses cries unless
// so many of them have signed the log of late, and when one has signed another
// history than the hub shows.
func TestT40WatchAsksForWitnesses(t *testing.T) {
	data, seen := newAuditLog(t), filepath.Join(t.TempDir(), "seen")
	database := filepath.Join(data, "hub", "hub.db")
	cert, key := testCertificate(t, time.Hour)
	token := strings.Fields(does(t, data, words("directory --practice riverside token Monitor --for watch"), "watch_"))[0]
	t.Setenv("SOTTO_WATCH_TOKEN", token)
	backup := read(t, database)
	happens(t, data, 20)
	party, _ := startWitness(t, t.TempDir(), "127.0.0.1:0", strings.TrimSpace(string(read(t, export(t, data, t.TempDir()), archive.KeyFile))))
	witnessKey, _, _ := strings.Cut(party, " ")

	hubAt, stop := servesTLS(t, data, cert, key, "--audit-witness", party)
	watch := func(more ...string) []string {
		return append([]string{"audit", "watch", seen, "--once", "--hub", hubAt, "--ca", cert}, more...)
	}
	for {
		if _, err := sotto(t, data, watch("--witness", witnessKey)...); err == nil {
			break
		}
		pause(t, "the witness does not sign")
	}
	other := strings.Replace(otherWitness(t), "witness.example", "other.example", 1)
	refuses(t, data, watch("--witness", other), "no key of a witness") // its id is of another name
	other = otherWitness(t)
	refuses(t, data, watch("--witness", other), "0 of the 1 witnesses that are required")
	refuses(t, data, watch("--witness", witnessKey, "--witness", other), "1 of the 2 witnesses that are required")
	does(t, data, watch("--witness", witnessKey, "--witness", other, "--quorum", "1"))
	refuses(t, data, watch("--witness", witnessKey, "--quorum", "2"), "--quorum is from 1 to 1")
	refuses(t, data, watch("--witness", witnessKey, "--witness", witnessKey), "twice")
	refuses(t, data, watch("--witness", witnessKey, "--witnessed", "5m"), "at least 20m")
	refuses(t, data, watch("--quorum", "1"), "--quorum goes with --witness")
	refuses(t, data, []string{"audit", "watch", seen, "--once", "--witness", witnessKey}, "--witness goes with --hub")

	c := watchAuditCommand{Hub: hubAt, CA: cert, Seen: seen, Once: true, Witness: []string{witnessKey}, Witnessed: time.Hour}
	required, err := c.witnesses()
	if err != nil {
		t.Fatal(err)
	}
	reached, err := c.reach(token, required)
	if err != nil {
		t.Fatal(err)
	}
	if err := reached.look(t.Context(), io.Discard, time.Now().Add(50*time.Minute)); err != nil {
		t.Error(err)
	}
	for _, off := range []time.Duration{-time.Hour, 2 * time.Hour} {
		if err := reached.look(t.Context(), io.Discard, time.Now().Add(off)); err == nil || !strings.Contains(err.Error(), "witness.example (it did at ") {
			t.Errorf("signed %s from now: %v", off, err)
		}
	}
	shown, err := reached.client.AuditCheckpoint(t.Context())
	if err != nil || len(shown.Witnesses) != 1 {
		t.Fatal(shown, err)
	}
	stop()

	// The hub shows another log than the one that the witness signed.
	write(t, backup, database)
	happens(t, data, 100)
	noteWitness(t, data, witnessKey, shown.Witnesses[0].Signed)
	hubAt, stop = servesTLS(t, data, cert, key, "--audit-witness", party)
	defer stop()
	seen = filepath.Join(t.TempDir(), "fresh")
	does(t, data, watch())
	names(t, data, watch("--witness", witnessKey), "the log forked from it", "(the witness witness.example signed it)")
	if kept, err := filepath.Glob(filepath.Join(seen, "t_*.contradiction.*")); err != nil || len(kept) != 2 {
		t.Error("the two heads are not kept:", kept, err)
	}
}

// noteWitness puts what a witness signed into an installation's database.
func noteWitness(t *testing.T, data, key, signed string) {
	t.Helper()
	h, practice := openHub(t, data)
	defer h.Close()
	c, err := auditlog.ReadUnsigned([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.NoteWitness(t.Context(), "", hub.LogWitness{Practice: practice, Key: key, Size: c.Size, At: time.Now().UnixMilli(), Signed: []byte(signed)}); err != nil {
		t.Fatal(err)
	}
}
