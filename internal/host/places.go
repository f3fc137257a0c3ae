package host

import (
	"path/filepath"

	"github.com/sotto-health/sotto/internal/installation"
)

// places lists the folders that are written to and are on disks other than the
// data folder's, which may be mounted within it. One that is not there is
// listed too: its disk may not be mounted.
func places(c InspectConfig, parts []installation.LogPart) []installation.Place {
	all := []installation.Place{}
	add := func(holds, folder string) {
		if folder != "" && !sameDisk(string(c.Folder), folder) {
			all = append(all, installation.Place{Holds: holds, Folder: folder, Disk: disk(folder)})
		}
	}
	if disk(string(c.Folder)).TotalBytes == 0 {
		return all // nor could that of any other be told
	}
	for _, own := range []struct{ holds, pattern string }{
		{installation.PlaceAttachments, filepath.Join(c.Folder.HubPart(), "blobs")},
		{installation.PlaceRecord, filepath.Join(c.Folder.KeeperPart(), "*", "archive")},
	} {
		found, _ := filepath.Glob(own.pattern) // a folder of an odd name is left out
		for _, folder := range found {
			add(own.holds, folder)
		}
	}
	add(installation.PlaceBackups, c.Backups)
	for _, p := range parts {
		holds := installation.PlaceCheckpoints
		if p.Name == installation.LogArchive {
			holds = installation.PlaceLogArchive
		}
		add(holds, p.Folder)
	}
	return all
}
