package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/durable"
)

// Objects is a store of objects that are written once: a folder, or a cloud's
// object storage, with a lock against deletion if it has one. Names are words
// of lower-case letters, digits, "_", "-" and ".", separated by slashes.
type Objects interface {
	// Put stores what data gives up to its end. It is durable and whole when
	// Put returns nil, and absent if data fails. A name that is in use gives
	// an error that is [fs.ErrExist], and what is there stays.
	Put(ctx context.Context, name string, data io.Reader) error
	// Get returns an error that is [fs.ErrNotExist] if there is no such object.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List returns the names that begin with prefix, which ends with a slash
	// or is empty, in byte order.
	List(ctx context.Context, prefix string) ([]string, error)
}

// A Folder is an [Objects] in a folder of the file system, readable by its
// owner alone.
type Folder struct{ root string }

var _ Objects = (*Folder)(nil)

// OpenFolder opens the folder at root, which is made if it is not there.
func OpenFolder(root string) (*Folder, error) {
	if err := durable.MakeFolder(root, 0o700); err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Put implements [Objects].
func (f *Folder) Put(ctx context.Context, name string, data io.Reader) error {
	path := f.path(name)
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.CreateFrom(path, durable.Reader(ctx, data), 0o600)
}

// Get implements [Objects].
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(f.path(name))
}

// List implements [Objects].
func (f *Folder) List(ctx context.Context, prefix string) (names []string, err error) {
	err = filepath.WalkDir(f.path(prefix), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if entry.IsDir() || strings.HasPrefix(entry.Name(), durable.TempPrefix) {
			return ctx.Err()
		}
		relative, err := filepath.Rel(f.root, path)
		if err != nil {
			return err
		}
		names = append(names, filepath.ToSlash(relative))
		return nil
	})
	slices.Sort(names)
	return names, err
}

func (f *Folder) path(name string) string {
	return filepath.Join(f.root, filepath.FromSlash(name))
}

// getAll reads an object of at most limit bytes.
func getAll(ctx context.Context, objects Objects, name string, limit int64) (data []byte, err error) {
	r, err := objects.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is too large: %w", name, ErrDamaged)
	}
	return data, err
}

// Names of objects.
const (
	conversationPrefix = "conversation/"
	manifestPrefix     = "manifest/"
)

func keyName(conversation string) string { return conversationPrefix + conversation + "/key" }

func attachmentName(conversation, attachment string) string {
	return conversationPrefix + conversation + "/attachment/" + attachment
}

func segmentPrefix(conversation string) string {
	return conversationPrefix + conversation + "/records/"
}

// A span is the first and the last record of a segment.
type span struct{ first, last uint64 }

func segmentName(conversation string, first, last uint64) string {
	return fmt.Sprintf("%s%012d-%012d", segmentPrefix(conversation), first, last)
}

func parseSegmentName(name string) (s span, ok bool) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	n, err := fmt.Sscanf(base, "%d-%d", &s.first, &s.last)
	return s, n == 2 && err == nil && s.first <= s.last && base == fmt.Sprintf("%012d-%012d", s.first, s.last)
}

func manifestName(number uint64) string { return fmt.Sprintf("%s%012d", manifestPrefix, number) }

// isID reports whether s can be an id: never a path, nor part of one.
func isID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
