package sqlitefile

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/xts"
	"pgregory.net/rapid"
)

func newSealed(t interface{ Fatal(...any) }, below vfs.File, log bool) *sealedFile {
	cipher, err := newSectorCipher(bytes.Repeat([]byte{7, 9}, KeySize/2))
	if err != nil {
		t.Fatal(err)
	}
	file := &sealedFile{File: below, cipher: cipher}
	if log {
		file.log = new(sync.RWMutex)
	}
	return file
}

// TestSealedIsAFile: whatever is written anywhere is what is read, and what
// lies below is never it.
func TestSealedIsAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		below := new(vfsutil.SliceFile)
		file, plain := newSealed(t, below, false), new(vfsutil.SliceFile)
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			p := rapid.SliceOfN(rapid.Byte(), 1, 3*sectorSize).Draw(t, "bytes")
			off := rapid.Int64Range(0, int64(len(*plain))).Draw(t, "offset") // SQLite leaves no holes
			for _, f := range []vfs.File{file, plain} {
				if n, err := f.WriteAt(p, off); n != len(p) || err != nil {
					t.Fatalf("wrote %d of %d, %v", n, len(p), err)
				}
			}
			from := rapid.Int64Range(0, int64(len(*plain))-1).Draw(t, "from")
			got := make([]byte, rapid.Int64Range(1, int64(len(*plain))-from).Draw(t, "length"))
			if n, err := file.ReadAt(got, from); n != len(got) || err != nil || !bytes.Equal(got, (*plain)[from:from+int64(n)]) {
				t.Fatalf("read %x, %v", got[:n], err)
			}
			if len(p) >= 32 && !bytes.Equal(p, make([]byte, len(p))) && bytes.Contains(*below, p) {
				t.Fatal("it can be read below")
			}
		}
	})
}

// TestTornSectorIsNotThere: what a crash left of a sector counts as nothing.
func TestTornSectorIsNotThere(t *testing.T) {
	below := new(vfsutil.SliceFile)
	file := newSealed(t, below, false)
	if _, err := file.WriteAt(bytes.Repeat([]byte{1}, 2*sectorSize), 0); err != nil {
		t.Fatal(err)
	}
	*below = (*below)[:sectorSize+100]
	if size, err := file.Size(); size != sectorSize || err != nil {
		t.Errorf("size %d, %v: SQLite would read what is not there", size, err)
	}
	got := make([]byte, 2*sectorSize)
	if n, err := file.ReadAt(got, 0); n != sectorSize || err == nil {
		t.Errorf("read %d, %v", n, err)
	}
	if _, err := file.WriteAt([]byte{2}, sectorSize+7); err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Repeat([]byte{1}, sectorSize), make([]byte, sectorSize)...)
	want[sectorSize+7] = 2
	if n, err := file.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d, %v", n, err)
	}
}

// A counting file counts system calls.
type counting struct {
	vfs.File
	writes, syncs int
	written       int // at the last sync
	refuse        error
}

func (c *counting) WriteAt(p []byte, off int64) (int, error) {
	if c.refuse != nil {
		return 0, &fs.PathError{Op: "write", Path: "hub.db-wal", Err: c.refuse}
	}
	c.writes++
	return c.File.WriteAt(p, off)
}

func (c *counting) Sync(vfs.SyncFlag) error {
	c.syncs++
	c.written = c.writes
	return nil
}

// commit appends frames to a log as SQLite does, which pads the last to a
// sector of 4096 bytes and syncs there, in the midst of a write.
func commit(t *testing.T, f *sealedFile, off int64, frames int) int64 {
	t.Helper()
	write := func(p []byte, off int64) {
		if n, err := f.WriteAt(p, off); n != len(p) || err != nil {
			t.Fatalf("wrote %d of %d, %v", n, len(p), err)
		}
	}
	end := off + int64(frames)*(frameHeader+pageSize)
	syncAt := (end + pageSize - 1) / pageSize * pageSize
	for n := 0; off < end || off < syncAt; n++ {
		for _, p := range [][]byte{bytes.Repeat([]byte{byte(n)}, frameHeader), bytes.Repeat([]byte{byte(n) + 1}, pageSize)} {
			if off < syncAt && off+int64(len(p)) >= syncAt {
				first := syncAt - off
				write(p[:first], off)
				if err := f.Sync(0); err != nil {
					t.Fatal(err)
				}
				if off, p = syncAt, p[first:]; len(p) == 0 {
					continue
				}
			}
			write(p, off)
			off += int64(len(p))
		}
	}
	return off
}

// TestCommitIsOneWrite: what SQLite appends to the log at one commit is written
// at once, is below before the sync, and nothing stays behind when the commit
// ends, wherever in a frame the sync comes.
func TestCommitIsOneWrite(t *testing.T) {
	below := &counting{File: new(vfsutil.SliceFile)}
	f := newSealed(t, below, true)
	if _, err := f.WriteAt(make([]byte, logHeader), 0); err != nil {
		t.Fatal(err)
	}
	off := int64(logHeader)
	for n := range 400 { // so that a padding's rest has every length there is
		before := below.writes
		off = commit(t, f, off, 1+n%3)
		if synced := below.written - before; synced != 1 {
			t.Fatalf("commit %d: %d writes before the sync", n, synced)
		}
		if len(f.held) != 0 {
			t.Fatalf("commit %d: %d bytes held after it", n, len(f.held))
		}
		if size, _ := below.Size(); size < off {
			t.Fatalf("commit %d: %d bytes below, want %d", n, size, off)
		}
	}
}

// TestGivenUpCommit: what was held of a commit that SQLite gave up is written
// over nobody's, and is no secret success either.
func TestGivenUpCommit(t *testing.T) {
	slice := new(vfsutil.SliceFile)
	f := newSealed(t, slice, true)
	if _, err := f.WriteAt(make([]byte, frameHeader), logHeader); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, logHeader), 0); !errors.Is(err, sqlite3.IOERR_WRITE) {
		t.Errorf("got %v", err)
	}
	if len(*slice) != 0 || len(f.held) != 0 {
		t.Error("it was written, or is still held")
	}
}

// A slow file changes a byte at a time. A system's file may look so to whoever
// reads it meanwhile.
type slow struct{ vfs.File }

func (s slow) WriteAt(p []byte, off int64) (int, error) {
	for i := range p {
		if _, err := s.File.WriteAt(p[i:i+1], off+int64(i)); err != nil {
			return i, err
		}
		if i%aes.BlockSize == aes.BlockSize/2 {
			runtime.Gosched()
		}
	}
	return len(p), nil
}

// TestFrameIsReadWhileTheNextIsWritten: the last block of a committed frame is
// also the first of the next one, and nobody reads it half changed: a checkpoint
// would move what it read into the database.
func TestFrameIsReadWhileTheNextIsWritten(t *testing.T) {
	below := slow{new(vfsutil.SliceFile)}
	writer, reader := newSealed(t, below, true), newSealed(t, below, true)
	reader.log = writer.log // as the layer gives it to files of one path
	const next = logHeader + frameHeader + pageSize
	page := bytes.Repeat([]byte{7}, pageSize)
	for _, err := range []error{
		writer.write(make([]byte, logHeader+frameHeader), 0),
		writer.write(page, logHeader+frameHeader),
		writer.write(make([]byte, frameHeader+pageSize), next),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	written := make(chan error)
	go func() {
		var err error
		for n := 0; n < 300 && err == nil; n++ {
			if _, err = writer.WriteAt(bytes.Repeat([]byte{byte(n)}, frameHeader), next); err == nil {
				err = writer.Sync(0)
			}
		}
		written <- err
	}()
	got := make([]byte, pageSize)
	for {
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		if _, err := reader.ReadAt(got, logHeader+frameHeader); err != nil || !bytes.Equal(got, page) {
			t.Fatalf("the page ends in %x, %v", got[pageSize-2*aes.BlockSize:], err)
		}
	}
}

// TestLogHasOneLock: all connections to a file share its lock, also those made
// after another file was opened.
func TestLogHasOneLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	logs := func() (locks int) {
		vfs.Find(layer).(*sealedVFS).logs.Range(func(name, _ any) bool {
			if name == path+"-wal" {
				locks++
			}
			return true
		})
		return locks
	}
	for _, path := range []string{path, filepath.Join(t.TempDir(), "b.db"), path} {
		file, err := Open(t.Context(), path, Key{1}, Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := file.Close(); err != nil {
				t.Error(err)
			}
		}()
		if locks := logs(); locks != 1 {
			t.Fatalf("%d locks", locks)
		}
	}
}

// TestFullLog writes to a log on a full disk: SQLite is told what it is, so
// that it does not look like a broken one. e2e/proof fills a real disk.
func TestFullLog(t *testing.T) {
	for why, full := range map[error]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: false} {
		f := newSealed(t, &counting{File: new(vfsutil.SliceFile), refuse: why}, true)
		_, err := f.WriteAt(make([]byte, frameHeader), logHeader)
		if err == nil {
			err = f.Sync(0)
		}
		if err == nil || (err == error(sqlite3.FULL)) != full || !full && !errors.Is(err, why) {
			t.Errorf("%v: got %v", why, err)
		}
		if len(f.held) != 0 {
			t.Error("something still waits")
		}
	}
}

// TestFormIsTheDrivers: a database written here opens with the driver's own
// layer, and one of the driver's here.
func TestFormIsTheDrivers(t *testing.T) {
	register()
	key := hex.EncodeToString(bytes.Repeat([]byte{3, 5}, KeySize/2))
	path := filepath.Join(t.TempDir(), "a.db")
	for n, name := range []string{layer, "xts", layer} {
		db, err := driver.Open("file:"+path+"?vfs="+name, func(c *sqlite3.Conn) error {
			return c.Exec("PRAGMA hexkey='" + key + "'; PRAGMA journal_mode=wal; PRAGMA cache_spill=off")
		})
		if err != nil {
			t.Fatal(err)
		}
		var count int
		if n > 0 {
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM t WHERE length(v) = 9000`).Scan(&count); err != nil || count != n*50 {
				t.Fatalf("%s: %d rows, %v", name, count, err)
			}
		}
		if _, err := db.ExecContext(t.Context(), `CREATE TABLE IF NOT EXISTS t (v)`); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if _, err := db.ExecContext(t.Context(), `INSERT INTO t VALUES (?)`, fmt.Sprintf("%09000d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
