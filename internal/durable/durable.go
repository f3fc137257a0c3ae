// Package durable writes files that are whole and on disk when a call returns.
//
// A file is written beside its place, synced, moved into place, and then its
// folder is synced, so that after a crash or a power cut the file is either
// as it was or as it was to become. Nothing here encrypts.
package durable

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// TempPrefix begins the name of every file that is not yet whole. What bears
// it after a crash can be deleted.
const TempPrefix = ".tmp-"

// WriteFile puts data at path, in place of what was there. The folder must
// exist.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	return WriteWith(path, mode, from(bytes.NewReader(data)))
}

// WriteWith is [WriteFile] with what fill writes. If fill fails, so does
// WriteWith, and what was at path is there still.
func WriteWith(path string, mode os.FileMode, fill func(io.Writer) error) error {
	temp, err := writeTemp(path, mode, fill)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return SyncFolder(filepath.Dir(path))
}

// CreateFile puts data at path, and returns an error that is [os.ErrExist] if
// something is there already. Of several concurrent calls one succeeds.
func CreateFile(path string, data []byte, mode os.FileMode) error {
	return CreateFrom(path, bytes.NewReader(data), mode)
}

// CreateFrom is [CreateFile] with what r gives up to its end. If r fails, so
// does CreateFrom, and nothing is at path.
func CreateFrom(path string, r io.Reader, mode os.FileMode) error {
	temp, err := writeTemp(path, mode, from(r))
	if err != nil {
		return err
	}
	// A hard link, unlike a rename, never replaces.
	err = os.Link(temp, path)
	if err := errors.Join(err, os.Remove(temp)); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// MakeFolder makes path and the folders above it as needed, each synced into
// the one above.
func MakeFolder(path string, mode os.FileMode) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("make folder %s: a file is there", path)
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MakeFolder(parent, mode); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return SyncFolder(parent)
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// from fills a file with what r gives up to its end.
func from(r io.Reader) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	}
}

func writeTemp(path string, mode os.FileMode, fill func(io.Writer) error) (string, error) {
	temp := filepath.Join(filepath.Dir(path), TempPrefix+rand.Text())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", err
	}
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp))
	}
	return temp, nil
}
