package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sotto-health/sotto/internal/durable"
)

// Files lists the files below a folder of a data folder that belong into a
// backup as they are, by their paths in the data folder. Databases do not, for
// they change while they are copied, nor do keys, nor what says that a server
// runs.
func Files(data, below string) (all []string, err error) {
	err = filepath.WalkDir(filepath.Join(data, filepath.FromSlash(below)), func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		} else if err != nil {
			return err
		}
		rel, err := filepath.Rel(data, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && d.Name() == "keys":
			return fs.SkipDir
		case d.Type().IsRegular() && !left(rel):
			all = append(all, rel)
		}
		return nil
	})
	return all, err
}

// left reports whether a file stays out of backups.
func left(rel string) bool {
	name := rel[strings.LastIndexByte(rel, '/')+1:]
	for _, end := range []string{".key", ".pem", ".db", ".db-wal", ".db-shm", ".db-journal"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(name, durable.TempPrefix) || name == ".doctor" || rel == "hub/running.json" || rel == "hub/backup-trial.json"
}

// Copy copies a file of that path from one folder to another, on disk when it
// returns nil, readable by its owner alone.
func Copy(ctx context.Context, from, to, file string) (f File, err error) {
	source, err := os.Open(filepath.Join(from, filepath.FromSlash(file)))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	name := filepath.Join(to, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return f, err
	}
	target, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(target, sum), durable.Reader(ctx, source))
	if err == nil {
		err = target.Sync()
	}
	if err = errors.Join(err, target.Close()); err != nil {
		return f, fmt.Errorf("copy %s: %w", file, err)
	}
	return File{Path: file, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// SyncFolders makes the names in a folder and all below it durable.
func SyncFolders(folder string) error {
	return filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return durable.SyncFolder(name)
	})
}

// Restore copies a backup's files into a folder that is empty, and refuses one
// that is not as the manifest has it.
func (m *Manifest) Restore(ctx context.Context, from, to string) error {
	for _, f := range m.Files {
		got, err := Copy(ctx, from, to, f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New(Problem{"missing", f.Path}.String())
		} else if err != nil {
			return err
		}
		if got != f {
			return errors.New(Problem{"changed", f.Path}.String())
		}
	}
	return SyncFolders(to)
}
