package host

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	auditarchive "github.com/sotto-health/sotto/internal/auditlog/archive"
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
