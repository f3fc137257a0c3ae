package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/keyfile"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// A tampering changes the database's rows, and is named.
type tampering struct{ do, want string }

func tamperings() map[string]tampering {
	return map[string]tampering{
		"edit":   {"UPDATE audit_entry SET person = 'p_two' WHERE leaf = 300", "entry 300 was changed"},
		"clock":  {"UPDATE audit_entry SET at = at - 3600000 WHERE leaf = 300", "entry 300 was changed"},
		"delete": {"DELETE FROM audit_entry WHERE leaf = 300", "entry 300 is missing"},
		"reorder": {
			"UPDATE audit_entry SET leaf = CASE leaf WHEN 300 THEN -1 ELSE 300 END WHERE leaf IN (300, 301); UPDATE audit_entry SET leaf = 301 WHERE leaf = -1",
			"entry 300 is out of order: entry 301",
		},
		"truncate": {"DELETE FROM audit_entry WHERE leaf >= 520", "entries 520 to "},
		"tile":     {"UPDATE audit_tile SET hashes = zeroblob(8192) WHERE level = 0 AND place = 1", "tile 1 of level 0"},
		"head":     {"UPDATE audit_log SET root = zeroblob(32)", "has another root"},
		"shorten":  {"UPDATE audit_log SET size = 520", "entry 520 was added"},
	}
}

// tamper changes an installation's database behind its back.
func tamper(t *testing.T, data, do string) {
	t.Helper()
	hubFolder := filepath.Join(data, "hub")
	key, err := keyfile.Read(filepath.Join(hubFolder, "database.key"), "hub-database", sqlitefile.KeySize)
	if err != nil {
		t.Fatal(err)
	}
	file, err := sqlitefile.Open(t.Context(), filepath.Join(hubFolder, "hub.db"), sqlitefile.Key(key), sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write.ExecContext(t.Context(), do)
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestT40TamperedDatabase changes the live database's rows.
func TestT40TamperedDatabase(t *testing.T) {
	data := newAuditLog(t)
	database := filepath.Join(data, "hub", "hub.db")
	kept := read(t, database)
	for name, c := range tamperings() {
		t.Run(name, func(t *testing.T) {
			write(t, kept, database)
			tamper(t, data, c.do)
			names(t, data, words("audit verify"), c.want)
		})
	}
}

// TestT40WatchReadsEntries: the monitor cries when the live database's rows are
// changed: at its first look, at the next, once it reads all again, and, of what
// has come since, whatever else it reads.
func TestT40WatchReadsEntries(t *testing.T) {
	data, seen := newAuditLog(t), filepath.Join(t.TempDir(), "seen")
	database, whole := filepath.Join(data, "hub", "hub.db"), filepath.Join(seen, "riverside.whole")
	kept := read(t, database)
	look := func(folder string, more ...string) []string {
		return append([]string{"audit", "watch", folder, "--once"}, more...)
	}
	does(t, data, look(seen), "riverside: 5")
	checkpoint, key := read(t, seen, "riverside.checkpoint"), read(t, seen, "riverside.audit.pub")
	was := func(at time.Time) { // all was read then
		write(t, checkpoint, seen, "riverside.checkpoint")
		write(t, key, seen, "riverside.audit.pub")
		write(t, []byte(when(at)+"\n"), whole)
	}
	for name, c := range tamperings() {
		t.Run(name, func(t *testing.T) {
			write(t, kept, database)
			tamper(t, data, c.do)
			names(t, data, look(filepath.Join(t.TempDir(), "fresh")), c.want)
			was(time.Now())
			names(t, data, look(seen), c.want)
			was(time.Now().Add(-25 * time.Hour))
			names(t, data, look(seen, "--sample", "0"), c.want)
			names(t, data, look(seen, "--sample", "0"), c.want) // and it cries on
		})
	}
	write(t, kept, database)
	was(time.Now())
	happens(t, data, 600)
	after := read(t, database)
	for name, c := range tamperings() {
		if name == "head" || name == "shorten" || name == "tile" {
			continue // not of one entry
		}
		t.Run("new, "+name, func(t *testing.T) {
			write(t, after, database)
			was(time.Now())
			of := strings.NewReplacer("300", "1000", "301", "1001", "520", "1110")
			tamper(t, data, of.Replace(c.do))
			names(t, data, look(seen, "--sample", "0"), of.Replace(c.want))
		})
	}
	write(t, after, database)
	was(time.Now())
	does(t, data, look(seen, "--sample", "0"), "riverside: 11")
}

// TestT40Watch: the monitor sees an old backup come back, a fork and another
// key, and keeps what contradicts what it saw.
func TestT40Watch(t *testing.T) {
	data, seen := newAuditLog(t), filepath.Join(t.TempDir(), "seen")
	database := filepath.Join(data, "hub", "hub.db")
	watch := []string{"audit", "watch", seen, "--once"}
	backup := read(t, database)
	happens(t, data, 10)
	does(t, data, watch, "riverside: 5")
	happens(t, data, 300)
	does(t, data, watch, "riverside: 8")
	last := read(t, seen, "riverside.checkpoint")

	write(t, backup, database)
	for range 2 {
		names(t, data, watch, "the log has shrunk")
	}
	happens(t, data, 900) // and it goes on, past what was seen
	names(t, data, watch, "the log forked", "are others than were logged", "as "+filepath.Join(seen, "riverside.tree"))
	names(t, data, []string{"audit", "verify", "--against", seen}, "are others than were logged")

	// What proves it is kept, also where the tree is no longer what was kept.
	happens(t, data, 1)
	write(t, []byte(when(time.Now())+"\n"), seen, "riverside.whole")
	tree := read(t, seen, "riverside.tree", "checkpoint")
	write(t, []byte("nothing"), seen, "riverside.tree", "checkpoint")
	names(t, data, watch, "the log forked")
	if _, err := os.Stat(filepath.Join(seen, "riverside.whole")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("all of it counts as read", err)
	}
	write(t, tree, seen, "riverside.tree", "checkpoint")

	if !bytes.Equal(last, read(t, seen, "riverside.checkpoint")) {
		t.Error("what was seen is forgotten")
	}
	kept, err := filepath.Glob(filepath.Join(seen, "riverside.contradiction.*"))
	if err != nil || len(kept) != 3 { // each head once
		t.Error(kept, err)
	}
	for _, path := range kept {
		c, err := auditlog.ReadUnsigned(read(t, path))
		if err != nil || !strings.HasPrefix(filepath.Base(path), fmt.Sprintf("riverside.contradiction.%d.", c.Size)) {
			t.Errorf("%s is of size %d, %v", path, c.Size, err)
		}
	}

	fresh := filepath.Join(t.TempDir(), "seen")
	log := export(t, data, t.TempDir())
	of := func(f string) []string { return []string{"audit", "watch", fresh, "--once", "--whole", "--log", f} }
	does(t, data, of(filepath.Dir(log)), "riverside: ")
	does(t, data, of(filepath.Dir(log)))
	forge(t, "", log, log, 0, func(e *audit.Event) { e.Person = "p_two" })
	names(t, data, of(filepath.Dir(log)), "key or checkpoint was changed")
	if err := os.Rename(log, log+"2"); err != nil {
		t.Fatal(err)
	}
	names(t, data, of(filepath.Dir(log)), "riverside: the log is gone")
}
