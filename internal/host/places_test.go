package host

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/installation"
)

// TestPlacesAreWhatIsOnOtherDisks: each folder that is written to is looked at
// where it really lies, and one whose disk is gone is named.
func TestPlacesAreWhatIsOnOtherDisks(t *testing.T) {
	data := t.TempDir()
	other, err := os.MkdirTemp("/dev/shm", "places")
	if err != nil {
		t.Skip("there is no second disk here")
	}
	t.Cleanup(func() { _ = os.RemoveAll(other) })
	if sameDisk(data, other) || disk(data).TotalBytes == 0 {
		t.Skip("there is no second disk here")
	}
	folder := Folder(data)
	for _, f := range []string{folder.HubPart(), filepath.Join(folder.KeeperPart(), "oak"), filepath.Join(folder.KeeperPart(), "elm", "archive"), filepath.Join(data, "heads")} {
		if err := os.MkdirAll(f, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{filepath.Join(folder.HubPart(), "blobs"), filepath.Join(folder.KeeperPart(), "oak", "archive")} {
		if err := os.Symlink(other, link); err != nil {
			t.Fatal(err)
		}
	}
	found := places(InspectConfig{Folder: folder, Backups: filepath.Join(data, "gone")}, []installation.LogPart{
		{Name: installation.Checkpoints, Folder: filepath.Join(data, "heads")},
		{Name: installation.LogArchive, Folder: other},
		{Name: installation.Checkpoints}, // for witnesses alone
	})
	var holds, gone []string
	for _, p := range found {
		if holds = append(holds, p.Holds); p.Disk.TotalBytes == 0 {
			gone = append(gone, p.Holds)
		}
	}
	want := []string{installation.PlaceAttachments, installation.PlaceRecord, installation.PlaceBackups, installation.PlaceLogArchive}
	if !slices.Equal(holds, want) || !slices.Equal(gone, []string{installation.PlaceBackups}) {
		t.Errorf("found %v, of them %v without a disk; want %v", holds, gone, want)
	}
}
