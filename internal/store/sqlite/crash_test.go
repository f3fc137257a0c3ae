package sqlite

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

// TestT41KilledAtEachWrite kills a process at each of its writes to the files of
// the database, one process for each, with that write half done: while it acts,
// while the events of its acts get their numbers and tiles, after it published
// heads, and while it closes. Each next one finds what the last left.
func TestT41KilledAtEachWrite(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "hub.db"), newKey()
	reopened := func(look func(store storetest.ClosingStore)) {
		t.Helper()
		store, err := Open(t.Context(), path, key, sqlitefile.Config{})
		if err != nil {
			t.Fatal(err)
		}
		look(store)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var crash *storetest.Crash
	reopened(func(s storetest.ClosingStore) { crash = storetest.NewCrash(t, s) })
	step := 1
	if testing.Short() {
		step = 7
	}
	for write, survived := 1, false; !survived && !t.Failed(); write += step {
		var life int
		reopened(func(s storetest.ClosingStore) { life = crash.Next(s) })
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "SOTTO_TEST_LIVE="+path, "SOTTO_TEST_KEY="+hex.EncodeToString(key[:]),
			"SOTTO_TEST_LIFE="+strconv.Itoa(life), "SOTTO_TEST_KILL="+strconv.Itoa(write))
		var stdout, stderr bytes.Buffer
		child.Stdout, child.Stderr = &stdout, &stderr
		err := child.Run()
		if survived = err == nil; !survived && (child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || stderr.Len() > 0) {
			t.Fatalf("write %d: the child: %v: %s", write, err, &stderr)
		}
		crash.Told(&stdout)
		reopened(func(s storetest.ClosingStore) { crash.Check(s) })
	}
	reopened(func(s storetest.ClosingStore) { crash.End(s) })
}

// liveOnce is the child of TestT41KilledAtEachWrite.
func liveOnce(path, key, life, kill string, out io.Writer) error {
	var k sqlitefile.Key
	_, err := hex.Decode(k[:], []byte(key))
	number, err1 := strconv.Atoi(life)
	writes, err2 := strconv.Atoi(kill)
	store, err3 := Open(context.Background(), path, k, sqlitefile.Config{}) // and with it comes the file layer
	if err := errors.Join(err, err1, err2, err3); err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	// What lies below the layer that encrypts is nobody's to change but here.
	reflect.ValueOf(vfs.Find("sotto-xts")).Elem().FieldByName("VFS").Set(reflect.ValueOf(&deadlyVFS{VFS: vfs.Find("")}))
	if store, err = Open(context.Background(), path, k, sqlitefile.Config{}); err != nil {
		return err
	}
	left.Store(int64(writes))
	return errors.Join(storetest.LiveOnce(context.Background(), store, number, out), store.Close())
}

// left is how many writes the process lives for; 0 for ever.
var left atomic.Int64

// deadlyVFS is the system's files, where a write may be the process's last.
type deadlyVFS struct{ vfs.VFS }

func (v *deadlyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err == nil {
		file = &deadlyFile{file}
	}
	return file, flags, err
}

type deadlyFile struct{ vfs.File }

// last reports whether this is the write at which the process dies.
func last() bool { return left.Load() > 0 && left.Add(-1) == 0 }

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (f *deadlyFile) WriteAt(p []byte, off int64) (int, error) {
	if last() {
		_, _ = f.File.WriteAt(p[:len(p)/2], off)
		die()
	}
	return f.File.WriteAt(p, off)
}

func (f *deadlyFile) Truncate(size int64) error {
	if last() {
		die()
	}
	return f.File.Truncate(size)
}

func (f *deadlyFile) Sync(flags vfs.SyncFlag) error {
	if last() {
		die()
	}
	return f.File.Sync(flags)
}

func (f *deadlyFile) Unwrap() vfs.File               { return f.File }
func (f *deadlyFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *deadlyFile) LockState() vfs.LockLevel       { return vfsutil.WrapLockState(f.File) }
func (f *deadlyFile) HasMoved() (bool, error)        { return vfsutil.WrapHasMoved(f.File) }
func (f *deadlyFile) BusyHandler(wait func() bool)   { vfsutil.WrapBusyHandler(f.File, wait) }
func (f *deadlyFile) SizeHint(size int64) error      { return vfsutil.WrapSizeHint(f.File, size) }
