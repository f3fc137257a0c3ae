package host

import (
	"os"
	"syscall"

	"github.com/sotto-health/sotto/internal/installation"
)

// clockSynchronised is what the kernel says of its clock (adjtimex(2)).
func clockSynchronised() *bool {
	const unsynchronised = 0x40 // STA_UNSYNC
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return nil
	}
	ok := t.Status&unsynchronised == 0
	return &ok
}

// disk measures the one that a folder is on.
func disk(folder string) installation.Disk {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil || s.Bsize <= 0 {
		return installation.Disk{}
	}
	block := uint64(s.Bsize) //nolint:gosec // positive, as checked
	return installation.Disk{FreeBytes: s.Bavail * block, TotalBytes: s.Blocks * block}
}

func sameDisk(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA != nil || errB != nil {
		return false
	}
	s, okA := x.Sys().(*syscall.Stat_t)
	t, okB := y.Sys().(*syscall.Stat_t)
	return okA && okB && s.Dev == t.Dev
}
