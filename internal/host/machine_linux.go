package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// listeners lists what can be reached from other machines of a process, and of
// other programs of its user, and whether that could be told. Whatever runs as
// root is not held against a process that does.
func listeners(process int) (all []installation.Listener, known bool) {
	root := fmt.Sprintf("/proc/%d", process)
	info, err := os.Stat(root)
	if err != nil {
		return nil, false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	files, err := os.ReadDir(filepath.Join(root, "fd"))
	if !ok || err != nil {
		return nil, false
	}
	own := make(map[string]bool)
	for _, f := range files {
		if link, err := os.Readlink(filepath.Join(root, "fd", f.Name())); err == nil && strings.HasPrefix(link, "socket:[") {
			own[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(filepath.Join(root, "net", table)) // of its own network
		if err != nil && table == "tcp" {
			return nil, false
		}
		for _, s := range parseSockets(string(b)) {
			l := installation.Listener{Address: s.address.String(), Own: own[s.inode]}
			if !s.address.Addr().IsLoopback() && (l.Own || s.user == owner.Uid && s.user != 0) && !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all, true
}
