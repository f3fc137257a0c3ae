// Package keyfile keeps one secret key in one small text file that only its
// owner may read, for operators without a key service.
//
// The file says in words what it is for, and carries a checksum so that a
// damaged copy is noticed before it is used. It is itself not encrypted: keep
// it apart from the data that it opens, backups included.
package keyfile

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/durable"
)

// ErrDamaged reports a key file that is not one, or was changed.
var ErrDamaged = errors.New("key file is damaged")

// ErrExposed reports a key file that others than its owner may read or write.
var ErrExposed = errors.New("key file is open to other users: set its mode to 0600")

const (
	mark     = "sotto-key-1"
	madeMark = "# Made on "
	maxSize  = 4096
)

// Open returns the key of size bytes in the file at path. If there is no such
// file it makes one with a random key. The purpose, a word such as
// "hub-database", is written in the file and must match later, so that one
// program's key is not given to another by mistake.
func Open(path, purpose string, size int) ([]byte, error) {
	key, err := Read(path, purpose, size)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, size)
	rand.Read(key)
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	err = durable.CreateFile(path, format(purpose, key, time.Now()), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return Read(path, purpose, size) // another process was first
	}
	if err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	return key, nil
}

// Read returns the key of size bytes in the file at path, which must exist.
func Read(path, purpose string, size int) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrExposed)
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("%s: %w", path, ErrDamaged)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	key, err := parse(text, purpose, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func format(purpose string, key []byte, made time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Sotto key: %s. Secret. Without it the data it seals cannot be read.\n", purpose)
	fmt.Fprintf(&b, "%s%s\n", madeMark, made.UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "%s %s %x %x\n", mark, purpose, key, checksum(purpose, key))
	return b.Bytes()
}

func parse(text []byte, purpose string, size int) ([]byte, error) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		word := strings.Fields(line)
		if len(word) != 4 || word[0] != mark {
			return nil, ErrDamaged
		}
		key, err := hex.DecodeString(word[2])
		if err != nil || word[3] != hex.EncodeToString(checksum(word[1], key)) {
			return nil, ErrDamaged
		}
		if word[1] != purpose {
			return nil, fmt.Errorf("key is for %s, not for %s", word[1], purpose)
		}
		if len(key) != size {
			return nil, ErrDamaged
		}
		return key, nil
	}
	return nil, ErrDamaged
}

// MadeAt returns the day on which the key in the file at path was made, as the
// file says: a copy of the file says the same. Where it says nothing, as files
// of before 2026-11-29, it is when the file was changed last.
func MadeAt(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("read key file: %w", err)
	}
	if info.Size() > maxSize {
		return time.Time{}, fmt.Errorf("%s: %w", path, ErrDamaged)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("read key file: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if day, ok := strings.CutPrefix(line, madeMark); ok {
			if made, err := time.Parse(time.DateOnly, strings.TrimSpace(day)); err == nil {
				return made, nil
			}
		}
	}
	return info.ModTime().UTC(), nil
}

// checksum finds accidents. A key is random, so four bytes of a hash of it
// tell nothing useful about it.
func checksum(purpose string, key []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %x", mark, purpose, key))
	return sum[:4]
}
