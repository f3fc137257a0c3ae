package sqlitefile

import (
	"encoding/hex"
	"errors"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// TestLogIsMovedSeldom: between the first move and the writer's own there are
// few, so that a page written again and again is moved once or a few times.
func TestLogIsMovedSeldom(t *testing.T) {
	c := &checkpointer{wake: make(chan struct{}, 1), next: checkpointAt}
	grow := func() (moves, last int) {
		for pages := 0; pages < checkpointNow; pages += 10 {
			if err := c.committed(nil, "main", pages); err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.wake:
				moves, last = moves+1, pages
			default:
			}
		}
		return moves, last
	}
	for range 2 { // the log begins anew
		if moves, last := grow(); moves < 2 || moves > 8 || checkpointNow-last > checkpointNow/10 {
			t.Errorf("%d moves, the last at %d pages of %d", moves, last, checkpointNow)
		}
	}
}

// A refusing layer lets nothing be written to a database, but to its log, while
// why is set.
type refusing struct {
	vfs.VFS
	why *atomic.Pointer[syscall.Errno]
}

func (r refusing) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(r.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		file = refusingFile{file, r.why}
	}
	return file, flags, err
}

type refusingFile struct {
	vfs.File
	why *atomic.Pointer[syscall.Errno]
}

func (f refusingFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

func (f refusingFile) WriteAt(p []byte, off int64) (int, error) {
	if why := f.why.Load(); why != nil {
		return 0, *why
	}
	return f.File.WriteAt(p, off)
}

// TestCommittedIsNotRefused: when the log cannot be moved because the disk is
// full, a commit that is in the log is none that failed. A broken disk is told.
func TestCommittedIsNotRefused(t *testing.T) {
	const refuses = "sotto-refuses"
	why := new(atomic.Pointer[syscall.Errno])
	vfs.Register(refuses, &sealedVFS{VFS: refusing{vfs.Find(""), why}})
	defer vfs.Unregister(refuses)
	conn, err := sqlite3.Open("file:" + filepath.Join(t.TempDir(), "a.db") + "?vfs=" + refuses)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		why.Store(nil)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	key := Key{1}
	if err := conn.Exec("PRAGMA hexkey='" + hex.EncodeToString(key[:]) + "'; PRAGMA journal_mode=wal; CREATE TABLE t (v)"); err != nil {
		t.Fatal(err)
	}
	c := &checkpointer{wake: make(chan struct{}, 1), next: checkpointAt}
	conn.WALHook(func(conn *sqlite3.Conn, schema string, _ int) error {
		return c.committed(conn, schema, checkpointNow)
	})
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		why.Store(&errno)
		if err := conn.Exec(`INSERT INTO t VALUES (1)`); err != nil {
			t.Errorf("%v: %v", errno, err)
		}
	}
	errno := syscall.EIO
	why.Store(&errno)
	if err := conn.Exec(`INSERT INTO t VALUES (1)`); !errors.Is(err, sqlite3.IOERR) {
		t.Errorf("broken disk: %v", err)
	}
}
