// Package blob keeps the sealed bytes of attachments in a folder, one file
// each. It implements the hub's Blobs.
//
// The bytes come sealed by the sender's device and are never opened here. An
// upload grows by chunks and resumes at the length that was last reported,
// which is on disk by then. Whether a file is complete is for the hub to know.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
)

// A Config limits a [Folder]. Its zero value is ready for use.
type Config struct {
	// MaxBytes is the most that all files together may hold. Zero means as
	// much as the disk does.
	MaxBytes int64
}

// A Folder is a [hub.Blobs] in a folder of the file system:
// practice/xx/attachment, where xx spreads the files over sub-folders.
type Folder struct {
	root   string
	config Config

	mu   sync.Mutex // guards used and busy; not held for I/O
	used int64      // bytes in all files, and those promised to writers
	busy map[string]bool
}

var _ hub.Blobs = (*Folder)(nil)

// Open opens the folder at root, which is made if it is not there.
func Open(root string, config Config) (*Folder, error) {
	if err := durable.MakeFolder(root, 0o700); err != nil {
		return nil, fmt.Errorf("open attachments: %w", err)
	}
	f := &Folder{root: root, config: config, busy: make(map[string]bool)}
	err := f.walk(func(_, _ string, info fs.FileInfo) error {
		f.used += info.Size()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("measure attachments: %w", err)
	}
	return f, nil
}

// Used is how many bytes all files hold.
func (f *Folder) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// Append implements [hub.Blobs].
func (f *Folder) Append(ctx context.Context, practice, id string, offset, most int64, r io.Reader) (length int64, err error) {
	path, err := f.path(practice, id)
	if err != nil {
		return 0, err
	}
	if !f.begin(path) {
		return 0, fmt.Errorf("another upload of the same attachment: %w", hub.ErrUnavailable)
	}
	defer f.end(path)
	length, err = size(path)
	if err != nil {
		return 0, err
	}
	if offset != length {
		return length, &hub.OffsetError{Length: length}
	}
	if most <= 0 {
		return length, syncFile(path) // of a process that was killed it may not be
	}
	if !f.reserve(most) {
		return length, hub.ErrFull
	}
	written, err := f.write(path, offset, io.LimitReader(durable.Reader(ctx, r), most))
	f.reserve(written - most) // give back what was not used
	return offset + written, err
}

// write appends to a file and returns how many bytes of it are on disk.
func (f *Folder) write(path string, offset int64, r io.Reader) (written int64, err error) {
	if offset == 0 {
		if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
			return 0, full(err)
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, full(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	var source error
	written, err = io.Copy(file, &remember{r, &source})
	if err != nil && source == nil {
		// The disk refused. Forget the chunk, so that the length is as it was.
		return 0, errors.Join(full(err), file.Truncate(offset), file.Sync())
	}
	if err := file.Sync(); err != nil {
		return 0, full(err)
	}
	if offset == 0 {
		if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
			return 0, err
		}
	}
	return written, source
}

// Length implements [hub.Blobs].
func (f *Folder) Length(_ context.Context, practice, id string) (int64, error) {
	path, err := f.path(practice, id)
	if err != nil {
		return 0, err
	}
	return size(path)
}

// Open implements [hub.Blobs].
func (f *Folder) Open(_ context.Context, practice, id string) (io.ReadSeekCloser, error) {
	path, err := f.path(practice, id)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hub.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Delete implements [hub.Blobs].
func (f *Folder) Delete(_ context.Context, practice, id string) error {
	path, err := f.path(practice, id)
	if err != nil {
		return err
	}
	if !f.begin(path) {
		return fmt.Errorf("attachment is being uploaded: %w", hub.ErrUnavailable)
	}
	defer f.end(path)
	length, err := size(path)
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.reserve(-length)
	return durable.SyncFolder(filepath.Dir(path))
}

// Sweep deletes files that the hub does not know, which a crash between the
// hub's tables and this folder can leave. Files written to since before are
// spared, as their rows may be on the way. It returns how many it deleted.
func (f *Folder) Sweep(ctx context.Context, before time.Time, known func(ctx context.Context, practice, id string) (bool, error)) (deleted int, err error) {
	err = f.walk(func(practice, id string, info fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !info.ModTime().Before(before) {
			return nil
		}
		is, err := known(ctx, practice, id)
		if err != nil || is {
			return err
		}
		err = f.Delete(ctx, practice, id)
		if errors.Is(err, hub.ErrUnavailable) {
			return nil // in use after all
		}
		if err == nil {
			deleted++
		}
		return err
	})
	return deleted, err
}

// walk calls each with every file. A folder may change meanwhile.
func (f *Folder) walk(each func(practice, id string, info fs.FileInfo) error) error {
	return filepath.WalkDir(f.root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(f.root, path)
		if err != nil {
			return err
		}
		part := strings.Split(filepath.ToSlash(relative), "/")
		if !entry.Type().IsRegular() || len(part) != 3 {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return each(part[0], part[2], info)
	})
}

// path is where a file is, for ids that can be of ours.
func (f *Folder) path(practice, id string) (string, error) {
	if !isID(practice) || !isID(id) {
		return "", hub.ErrNotFound
	}
	return filepath.Join(f.root, practice, id[len(id)-2:], id), nil
}

// isID reports whether s can be an id: never a path, nor part of one.
func isID(s string) bool {
	if len(s) < 3 || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func (f *Folder) begin(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy[path] {
		return false
	}
	f.busy[path] = true
	return true
}

func (f *Folder) end(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, path)
}

// reserve counts n bytes more, or fewer, and reports whether they fit.
func (f *Folder) reserve(n int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > 0 && f.config.MaxBytes > 0 && f.used+n > f.config.MaxBytes {
		return false
	}
	f.used += n
	return true
}

// syncFile makes what a file holds durable.
func syncFile(path string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Sync(); err != nil {
		return full(err)
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// size is 0 for a file that is not there.
func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return hub.ErrFull
	}
	return err
}

// remember keeps a reader's error apart from the writer's.
type remember struct {
	r   io.Reader
	err *error
}

func (r *remember) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		*r.err = err
	}
	return n, err
}
