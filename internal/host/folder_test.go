package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/host"
)

func TestLostDatabaseKeyIsNotMadeAnew(t *testing.T) {
	folder := host.Folder(t.TempDir())
	h, err := host.Open(t.Context(), host.HubConfig{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(folder.HubPart(), "database.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if h, err := host.Open(t.Context(), host.HubConfig{Folder: folder}); err == nil {
		_ = h.Close()
		t.Error("a database was opened without its key")
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was written beside a database that it does not open")
	}
}
