package host

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	auditarchive "github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/installation"
)

// TestT40ArchiveGrows: an archive that is continued is what one written at once
// is; a full tile is written once, and a log that contradicts what is archived
// changes nothing there.
func TestT40ArchiveGrows(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	folder, whole, sizes := t.TempDir(), t.TempDir(), make(map[string]int64)
	grow := func(n int) {
		t.Helper()
		for range n {
			if err := h.NoteAuditExport(t.Context()); err != nil { // any act will do
				t.Fatal(err)
			}
		}
		if err := archiveOnce(t.Context(), h, folder, sizes); err != nil {
			t.Fatal(err)
		}
	}
	full := filepath.Join(folder, "here", "tile", "0", "000")
	grow(300)
	once, err := os.Stat(full)
	if err != nil {
		t.Fatal(err)
	}
	grow(1)
	grow(400)
	grow(0)
	logs, err := h.AuditLogs(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auditarchive.Folder(filepath.Join(whole, "here")).Write(t.Context(), logs[0]); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, whole, folder)
	if again, err := os.Stat(full); err != nil || !os.SameFile(once, again) {
		t.Error("a full tile was written anew")
	}

	other := openHub(t, t.TempDir())
	makePractice(t, other)
	if err := other.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	if damage := new(auditlog.DamageError); !errors.As(archiveOnce(t.Context(), other, folder, make(map[string]int64)), &damage) {
		t.Error("another log is archived over this one")
	}
	sameFiles(t, whole, folder)
}

// TestT40AnArchiveIsLookedAt: a file of the archive that is gone, cut or changed
// is named by who looks, though nothing that is archived later reads it again.
func TestT40AnArchiveIsLookedAt(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	for range 300 {
		if err := h.NoteAuditExport(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c := ServeConfig{AuditArchive: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	if _, err := newLogParts(t.Context(), h, c); err != nil {
		t.Fatal(err)
	}
	archived(t, h, c.AuditArchive)
	here := filepath.Join(c.AuditArchive, "here")
	looks := func(name, want string) {
		t.Helper()
		facts, err := Inspect(t.Context(), h, InspectConfig{Folder: h.folder})
		if err != nil {
			t.Fatal(err)
		}
		if p := facts.LogParts[0]; (p.Problem == installation.PartDamaged) != (want != "") || !strings.Contains(p.Damage, want) {
			t.Errorf("%s: %+v, want %q", name, p, want)
		}
	}
	looks("whole", "")
	tile, entries := filepath.Join("tile", "0", "000"), filepath.Join("entries", "000.jsonl")
	for name, spoil := range map[string]struct {
		file, want string
		do         func(b []byte) []byte
	}{
		"a tile is gone":      {tile, "file tile/0/000 is missing", nil},
		"a tile is cut":       {tile, "file tile/0/000 has another length", func(b []byte) []byte { return b[:100] }},
		"a tile is changed":   {tile, "tile 0 of level 0", func(b []byte) []byte { b[40] ^= 1; return b }},
		"entries are gone":    {entries, "file entries/000.jsonl is missing", nil},
		"an entry is changed": {entries, "out of order", func(b []byte) []byte { return bytes.Replace(b, []byte(`"number":0`), []byte(`"number":7`), 1) }},
		"another checkpoint":  {auditarchive.CheckpointFile, "is not signed", func([]byte) []byte { return []byte("x") }},
		"its key is gone":     {auditarchive.KeyFile, "audit.pub is missing", nil},
	} {
		path := filepath.Join(here, spoil.file)
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err = os.Remove(path); err == nil && spoil.do != nil {
			err = os.WriteFile(path, spoil.do(bytes.Clone(was)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if spoil.file != auditarchive.CheckpointFile && spoil.file != auditarchive.KeyFile {
			archived(t, h, c.AuditArchive) // which believes what is there
		}
		looks(name, spoil.want)
		if err := os.WriteFile(path, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	looks("put back", "")

	// What is too long to be read whole is looked at by names and lengths.
	logs, err := h.AuditLogs(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(here, tile), 32); err != nil {
		t.Fatal(err)
	}
	if damage, err := auditarchive.Folder(here).Look(t.Context(), logs[0].Verifier, 0, 0); err != nil || len(damage) != 1 {
		t.Errorf("%v, %v", damage, err)
	}
}

func archived(t *testing.T, h *OpenHub, folder string) {
	t.Helper()
	if err := h.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := archiveOnce(t.Context(), h, folder, make(map[string]int64)); err != nil {
		t.Fatal(err)
	}
}

// sameFiles compares two folders, but for checkpoints: those are signed anew.
func sameFiles(t *testing.T, want, got string) {
	t.Helper()
	files := func(root string) map[string][]byte {
		all := make(map[string][]byte)
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == auditarchive.CheckpointFile {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			all[name], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	a, b := files(want), files(got)
	if len(a) != len(b) {
		t.Errorf("%d files, want %d", len(b), len(a))
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestArchivingIsRecorded: that the log leaves the database is in it.
func TestArchivingIsRecorded(t *testing.T) {
	h := openHub(t, t.TempDir())
	makePractice(t, h)
	folder := t.TempDir()
	parts, err := newLogParts(t.Context(), h, ServeConfig{AuditArchive: folder, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	go archiveLogs(t.Context(), h, folder, parts)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(onlyEntries(folder))
		if err == nil && bytes.Contains(text, []byte("audit.exported")) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("that the log is archived is not in it")
		}
	}
}

func onlyEntries(folder string) string {
	found, _ := filepath.Glob(filepath.Join(folder, "here", "entries", "*", "*"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}
