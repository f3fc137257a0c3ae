package sqlitefile

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A roomless file has no room, in the words of package os.
type roomless struct {
	vfs.File
	why error
}

func (f roomless) WriteAt([]byte, int64) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "hub.db-wal", Err: f.why}
}

// TestFullLog writes to a log on a full disk: SQLite is told what it is, so
// that it does not look like a broken one. e2e/proof fills a real disk.
func TestFullLog(t *testing.T) {
	for why, full := range map[error]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: false} {
		gather := &gatherFile{File: roomless{why: why}}
		_, err := (&logFile{File: gather, gather: gather}).WriteAt(make([]byte, 512), 0)
		if err == nil || (err == error(sqlite3.FULL)) != full || !full && !errors.Is(err, why) {
			t.Errorf("%v: got %v", why, err)
		}
	}
}
