package keyfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpenMakesOneKeyAndKeepsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "hub.key")
	first, err := Open(path, "hub-database", 64)
	if err != nil || len(first) != 64 {
		t.Fatalf("got %d bytes, %v", len(first), err)
	}
	again, err := Open(path, "hub-database", 64)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("second time: another key, %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file is %v, %v", info.Mode(), err)
	}
	if _, err := Read(path, "archive", 64); err == nil || !strings.Contains(err.Error(), "hub-database") {
		t.Errorf("for another purpose: %v", err)
	}
}

var day = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// TestMadeAt: a key is as old as it is, whatever a copy or a restore did to the
// file's own time.
func TestMadeAt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for name, test := range map[string]struct {
		text string
		want time.Time
	}{
		"a file that says it": {string(format("archive", bytes.Repeat([]byte{7}, 32), day)), day.Truncate(24 * time.Hour)},
		"a file of before":    {"# Sotto key.\nsotto-key-1 a b c\n", day.AddDate(1, 0, 0)},
		"a day that is none":  {madeMark + "yesterday\n", day.AddDate(1, 0, 0)},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, day.AddDate(1, 0, 0), day.AddDate(1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if got, err := MadeAt(path); err != nil || !got.Equal(test.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := string(format("archive", bytes.Repeat([]byte{7}, 32), day))
	for _, test := range []struct {
		name, text string
		mode       os.FileMode
		want       error
	}{
		{"an empty file", "", 0o600, ErrDamaged},
		{"a changed digit", strings.Replace(good, "0707", "0708", 1), 0o600, ErrDamaged},
		{"a file cut short", good[:len(good)-6], 0o600, ErrDamaged},
		{"another size of key", string(format("archive", make([]byte, 16), day)), 0o600, ErrDamaged},
		{"a file that the group may read", good, 0o640, ErrExposed},
		{"a huge file", good + strings.Repeat("#", maxSize), 0o600, ErrDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, "archive", 32); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), "archive", 32); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(format("archive", bytes.Repeat([]byte{7}, 32), day)))
	f.Add("# nothing\n")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parse([]byte(text), "archive", 32)
		if err != nil {
			return
		}
		again, err := parse(format("archive", key, day), "archive", 32)
		if err != nil || !bytes.Equal(key, again) {
			t.Errorf("parsed %x, then %x, %v", key, again, err)
		}
	})
}
