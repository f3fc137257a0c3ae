package doctor

import (
	"fmt"

	"github.com/sotto-health/sotto/internal/installation"
)

// disks finds which of those that are written to are full.
func (x *examination) disks() {
	if d := x.facts.Disk; d.TotalBytes == 0 {
		x.expect("disk", false, "", Warn, "How full the disk is could not be told.", "Look yourself.")
	} else {
		x.expect("disk", enough(d), fmt.Sprintf("%d GB of the disk are free (%d %%).", d.FreeBytes>>30, share(d)), Fail,
			fmt.Sprintf("%d MB of the disk are free (%d %%): a full disk stops the chat.", d.FreeBytes>>20, share(d)), "Make room, or move the data folder to a larger disk.")
	}
	for _, p := range x.facts.Places {
		x.place(p)
	}
	if x.facts.Database.Remote {
		x.expect("disk:database", true, "The database is on another machine: how full its disk is cannot be seen from here, watch it there.", OK, "", "")
	}
}

// place is a folder on a disk of its own.
func (x *examination) place(p installation.Place) {
	at, what, fix := p.Folder, "", ""
	switch p.Holds {
	case installation.PlaceAttachments:
		what, fix = "files cannot be sent once it is full", "Make room there, or put the folder on a larger disk with all that is in it."
	case installation.PlaceRecord:
		what, fix = "what is said is not archived once it is full", "Put the folder on a larger disk, with all that is in it: it is the record, delete nothing."
	case installation.PlaceBackups:
		what, fix = "no backup is made once it is full", "Move the oldest backups to another place that keeps them, or give --backups a folder on a larger disk."
	case installation.PlaceLogArchive:
		what, fix = "the audit log is not archived once it is full", "Put --audit-archive on a larger disk, with all that is in it: delete nothing."
	default: // heads
		what, fix = "heads of the audit log are not published once it is full", "Make room there, and keep the heads."
	}
	check, d := "disk:"+p.Holds, p.Disk
	switch {
	case d.TotalBytes == 0:
		x.expect(check, false, "", Warn, "How full the disk of "+at+" is could not be told.", "See that the folder is there and its disk is mounted.")
	case p.Holds == installation.PlaceBackups && enough(d) && d.FreeBytes < uint64(max(x.facts.Backup.Bytes, 0)):
		x.expect(check, false, "", Warn, fmt.Sprintf("%d GB are free for backups in %s: the next needs more, as the newest has %d GB.", d.FreeBytes>>30, at, x.facts.Backup.Bytes>>30), fix)
	default:
		x.expect(check, enough(d), fmt.Sprintf("%d GB of the disk of %s are free (%d %%).", d.FreeBytes>>30, at, share(d)), Fail,
			fmt.Sprintf("%d MB of the disk of %s are free (%d %%): %s.", d.FreeBytes>>20, at, share(d), what), fix)
	}
}

func share(d installation.Disk) uint64 { return d.FreeBytes * 100 / d.TotalBytes }

func enough(d installation.Disk) bool { return d.FreeBytes >= leastFree && share(d) >= 5 }
