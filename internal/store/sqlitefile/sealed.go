package sqlitefile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// layer names the file layer to SQLite.
const layer = "sotto-xts"

// register makes the file layer known to SQLite: one for the process, as is what
// SQLite knows, for connections to the same file share its lock.
var register = sync.OnceFunc(func() { vfs.Register(layer, &sealedVFS{VFS: vfs.Find("")}) })

// sectorSize is what is encrypted as one: sector n of a file, from 0 on, under
// the tweak n. It divides each size of page that SQLite knows.
const sectorSize = 512

// sealedVFS is the file layer: each file's sectors under AES-XTS (IEEE 1619).
// The form on disk is that of the driver's own layer (vfs/xts), which makes a
// system call for each sector; this one makes one for each read or write, and
// one for all that a transaction appends to the write-ahead log.
type sealedVFS struct {
	vfs.VFS
	logs sync.Map // the path of a write-ahead log to its *sync.RWMutex
}

// Open implements [vfs.VFS] for files without a name.
func (v *sealedVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" {
		return v.OpenFilename(nil, flags)
	}
	return nil, flags, sqlite3.CANTOPEN
}

// OpenFilename implements [vfs.VFSFilename].
func (v *sealedVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&(vfs.OPEN_SUPER_JOURNAL|vfs.OPEN_MEMORY) != 0 {
		return file, flags, err // a super journal holds names of files alone
	}
	sealed := &sealedFile{File: file}
	if flags&vfs.OPEN_WAL != 0 {
		lock, _ := v.logs.LoadOrStore(name.String(), new(sync.RWMutex))
		sealed.log = lock.(*sync.RWMutex)
	}
	switch database, ok := vfsutil.UnwrapFile[*sealedFile](name.DatabaseFile()); {
	case ok:
		sealed.cipher = database.cipher
	case name == nil: // temporary: nobody opens it again
		key := make([]byte, KeySize)
		_, _ = rand.Read(key) // crypto/rand never fails
		sealed.cipher, err = newSectorCipher(key)
	case flags&vfs.OPEN_MAIN_DB != 0:
		return sealed, flags, nil // its key comes as a pragma
	}
	if err != nil || sealed.cipher == nil {
		return nil, flags, errors.Join(sqlite3.IOERR_BADKEY, file.Close())
	}
	return sealed, flags, nil
}

// A sealedFile is an open file. As with every [vfs.File], one connection uses
// it, and does one thing at a time.
type sealedFile struct {
	vfs.File
	cipher *sectorCipher // nil until a database's key is known
	buffer []byte        // sectors on their way

	// log is nil but for the write-ahead log, whose frames begin and end within
	// a block of the cipher: to append one changes the block that the one before
	// ends in, which others may be reading, and a file that is written while it
	// is read may show some of a block as it was and some as it will be. So
	// nobody in this process reads the log while somebody writes it.
	log *sync.RWMutex
	// Of the write-ahead log, the frames from heldAt on of the transaction that
	// commits, not in the file yet. Nobody looks for them before SQLite has
	// synced them, and it writes none before it commits (PRAGMA cache_spill).
	held   []byte
	heldAt int64
}

const (
	pageSize = 4096 // of every database made here
	// The write-ahead log is a header and then frames, each a header and a page
	// (SQLite's file format, section 4.1).
	logHeader, frameHeader = 32, 24
	// mostHeld bounds what waits of a large transaction.
	mostHeld = 1 << 18
)

// Pragma takes the key, in hex, as SQLite is given it.
func (f *sealedFile) Pragma(name, value string) (string, error) {
	if name != "hexkey" {
		return vfsutil.WrapPragma(f.File, name, value)
	}
	key, err := hex.DecodeString(value)
	if err != nil {
		return "", sqlite3.IOERR_BADKEY
	}
	if f.cipher, err = newSectorCipher(key); err != nil {
		return "", sqlite3.IOERR_BADKEY
	}
	return "ok", nil
}

// sectors returns a buffer of n bytes.
func (f *sealedFile) sectors(n int64) []byte {
	if int64(cap(f.buffer)) < n {
		f.buffer = make([]byte, n)
	}
	return f.buffer[:n]
}

func roundDown(n int64) int64 { return n &^ (sectorSize - 1) }
func roundUp(n int64) int64   { return roundDown(n + sectorSize - 1) }

// ReadAt implements [vfs.File].
func (f *sealedFile) ReadAt(p []byte, off int64) (int, error) {
	if f.cipher == nil {
		if off == 0 && len(p) == 100 {
			// SQLite reads a database's header before anybody can give it the
			// key: to it the file is empty until then.
			return 0, io.EOF
		}
		return 0, sqlite3.CANTOPEN
	}
	if err := f.heldNone(); err != nil {
		return 0, err
	}
	from, to := roundDown(off), roundUp(off+int64(len(p)))
	whole := p
	if from != off || to != off+int64(len(p)) {
		whole = f.sectors(to - from)
	}
	n, err := f.decrypt(whole, from)
	if from != off || to != off+int64(len(p)) {
		n = copy(p, whole[min(off-from, int64(n)):n])
	}
	if n == len(p) {
		return n, nil
	}
	if err == nil {
		err = io.EOF
	}
	return n, err
}

// decrypt reads whole sectors. One that the file has only in part is of no use:
// a crash left it, and it is as if it were not there.
func (f *sealedFile) decrypt(p []byte, off int64) (int, error) {
	if f.log != nil {
		f.log.RLock()
	}
	n, err := f.File.ReadAt(p, off)
	if f.log != nil {
		f.log.RUnlock()
	}
	n = int(roundDown(int64(n)))
	for at := 0; at < n; at += sectorSize {
		sector := p[at : at+sectorSize]
		f.cipher.decrypt(sector, uint64((off+int64(at))/sectorSize))
	}
	return n, err
}

// WriteAt implements [vfs.File].
func (f *sealedFile) WriteAt(p []byte, off int64) (int, error) {
	if f.cipher == nil {
		return 0, sqlite3.READONLY
	}
	switch {
	case f.log != nil && len(f.held) == 0 && len(p) == frameHeader && off%(frameHeader+pageSize) == logHeader:
		f.heldAt = off
		fallthrough
	case len(f.held) > 0 && off == f.heldAt+int64(len(f.held)):
		if f.held = append(f.held, p...); len(f.held) >= mostHeld {
			if err := f.flush(); err != nil {
				return 0, err
			}
		}
		return len(p), nil
	}
	if err := f.heldNone(); err != nil {
		return 0, err
	}
	if err := f.write(p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

// heldNone fails if something is held. It is called for all that does not go on
// with a commit: then SQLite has given up one without a word, others may have
// written in its place since, and to go on could only do harm.
func (f *sealedFile) heldNone() error {
	if len(f.held) == 0 {
		return nil
	}
	clear(f.held)
	f.held = nil
	return sqlite3.IOERR_WRITE
}

// flush writes what is held. If that fails SQLite, which is told, gives the
// transaction up.
func (f *sealedFile) flush() error {
	if len(f.held) == 0 {
		return nil
	}
	err := f.write(f.held, f.heldAt)
	clear(f.held)
	f.held = f.held[:0]
	return err
}

// write encrypts and writes p, and what the file has around it in its first and
// last sector.
func (f *sealedFile) write(p []byte, off int64) error {
	from, end := roundDown(off), off+int64(len(p))
	to := roundUp(end)
	b := f.sectors(to - from)
	last := b[len(b)-sectorSize:]
	if from != off {
		if err := f.sector(b[:sectorSize], from); err != nil {
			return err
		}
	}
	if to != end && (from == off || len(b) > sectorSize) {
		if err := f.sector(last, to-sectorSize); err != nil {
			return err
		}
	}
	copy(b[off-from:], p)
	for at := 0; at < len(b); at += sectorSize {
		sector := b[at : at+sectorSize]
		f.cipher.encrypt(sector, uint64((from+int64(at))/sectorSize))
	}
	if f.log != nil {
		f.log.Lock()
		defer f.log.Unlock()
	}
	_, err := f.File.WriteAt(b, from)
	return full(err)
}

// sector reads one sector into p: zeros if it is not there.
func (f *sealedFile) sector(p []byte, off int64) error {
	n, err := f.decrypt(p, off)
	switch {
	case n == sectorSize:
		return nil
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	clear(p)
	return nil
}

// full is err in SQLite's words if it says that there is no room. The driver
// passes such an error of the system on as one of input and output, and at a
// commit without its cause: then a full disk would look like a broken one.
func full(err error) error {
	if IsFull(err) {
		return sqlite3.FULL
	}
	return err
}

// Sync implements [vfs.File].
func (f *sealedFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return full(f.File.Sync(flags))
}

// Size implements [vfs.File]. What it counts can be read: SQLite takes it for a
// broken disk if a file is shorter than it says, as one is whose last sector a
// crash cut.
func (f *sealedFile) Size() (int64, error) {
	if err := f.heldNone(); err != nil {
		return 0, err
	}
	size, err := f.File.Size()
	return roundDown(size), err
}

// Truncate implements [vfs.File].
func (f *sealedFile) Truncate(size int64) error {
	if err := f.heldNone(); err != nil {
		return err
	}
	return f.File.Truncate(roundUp(size))
}

// SectorSize implements [vfs.File].
func (f *sealedFile) SectorSize() int { return max(f.File.SectorSize(), sectorSize) }

// DeviceCharacteristics implements [vfs.File]: those that still hold of a file
// that is changed a sector at a time.
func (f *sealedFile) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() & (vfs.IOCAP_ATOMIC512 | vfs.IOCAP_IMMUTABLE | vfs.IOCAP_SEQUENTIAL |
		vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_UNDELETABLE_WHEN_OPEN)
}

// What follows hands on what the layer below can do and this one does not
// change.

func (f *sealedFile) Unwrap() vfs.File                { return f.File }
func (f *sealedFile) SharedMemory() vfs.SharedMemory  { return vfsutil.WrapSharedMemory(f.File) }
func (f *sealedFile) LockState() vfs.LockLevel        { return vfsutil.WrapLockState(f.File) }
func (f *sealedFile) PersistWAL() bool                { return vfsutil.WrapPersistWAL(f.File) }
func (f *sealedFile) SetPersistWAL(keep bool)         { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *sealedFile) HasMoved() (bool, error)         { return vfsutil.WrapHasMoved(f.File) }
func (f *sealedFile) Overwrite() error                { return vfsutil.WrapOverwrite(f.File) }
func (f *sealedFile) SyncSuper(super string) error    { return vfsutil.WrapSyncSuper(f.File, super) }
func (f *sealedFile) CommitPhaseTwo() error           { return vfsutil.WrapCommitPhaseTwo(f.File) }
func (f *sealedFile) CheckpointStart()                { vfsutil.WrapCheckpointStart(f.File) }
func (f *sealedFile) CheckpointDone()                 { vfsutil.WrapCheckpointDone(f.File) }
func (f *sealedFile) BusyHandler(handler func() bool) { vfsutil.WrapBusyHandler(f.File, handler) }
func (f *sealedFile) ChunkSize(size int)              { vfsutil.WrapChunkSize(f.File, int(roundUp(int64(size)))) }

func (f *sealedFile) SizeHint(size int64) error { return vfsutil.WrapSizeHint(f.File, roundUp(size)) }
