package sqlitefile

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/xts"
)

// layer names the file layer: encryption, with gathered writes to the log.
const layer = "sotto-xts"

// register makes the file layer known to SQLite. To do it again does no harm.
func register() {
	vfs.Register(layer, logVFS{xts.Wrap(gatherVFS{vfs.Find("")}, nil)})
}

// The encrypting layer writes 512 bytes at a time, and reads back what it
// wrote half of: a dozen system calls for each page of the write-ahead log.
// Two thin layers, one above and one below it, make them one: what the
// encrypting layer writes on behalf of one write by SQLite is held until that
// write ends. Nothing is held longer, because other connections may look.

// logVFS is the layer above.
type logVFS struct{ vfs.VFS }

// OpenFilename implements [vfs.VFSFilename].
func (v logVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil {
		return file, flags, err
	}
	if gather, ok := vfsutil.UnwrapFile[*gatherFile](file); ok {
		return &logFile{File: file, gather: gather}, flags, nil
	}
	return file, flags, nil
}

type logFile struct {
	vfs.File
	gather *gatherFile
}

// WriteAt implements [vfs.File].
func (f *logFile) WriteAt(p []byte, off int64) (int, error) {
	f.gather.holding = true
	n, err := f.File.WriteAt(p, off)
	f.gather.holding = false
	if e := f.gather.flush(); e != nil {
		return 0, full(e)
	}
	return n, full(err)
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

// gatherVFS is the layer below.
type gatherVFS struct{ vfs.VFS }

// OpenFilename implements [vfs.VFSFilename].
func (v gatherVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := vfsutil.WrapOpenFilename(v.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return file, flags, err
	}
	return &gatherFile{File: file}, flags, nil
}

// A gatherFile joins writes that follow one another, while it is told to.
type gatherFile struct {
	vfs.File
	holding bool
	offset  int64  // where waiting begins
	waiting []byte // not yet written
}

// WriteAt implements [vfs.File].
func (f *gatherFile) WriteAt(p []byte, off int64) (int, error) {
	if !f.holding {
		return f.File.WriteAt(p, off)
	}
	if off != f.offset+int64(len(f.waiting)) {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.offset = off
	}
	f.waiting = append(f.waiting, p...)
	return len(p), nil
}

// ReadAt implements [vfs.File].
func (f *gatherFile) ReadAt(p []byte, off int64) (int, error) {
	waits := f.offset < off+int64(len(p)) && off < f.offset+int64(len(f.waiting))
	if waits {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	return f.File.ReadAt(p, off)
}

// flush writes what waits.
func (f *gatherFile) flush() error {
	if len(f.waiting) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.waiting, f.offset)
	f.waiting = f.waiting[:0]
	return err
}
