package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"first", "the second, longer", ""} {
		if err := WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
	onlyOneName(t, filepath.Dir(path))
}

func TestWriteWithIsWholeOrNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	broken := errors.New("broken")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{{"first", nil, "first"}, {"half of the sec", broken, "first"}, {"third", nil, "third"}} {
		err := WriteWith(path, 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, c.text)
			return errors.Join(err, c.err)
		})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.text, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("read %q, %v; want %q", got, err, c.want)
		}
		onlyOneName(t, filepath.Dir(path))
	}
}

func TestCreateFileNeverReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const callers = 8
	results := make([]error, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() { results[i] = CreateFile(path, []byte{byte(i)}, 0o600) })
	}
	wait.Wait()
	created := 0
	for i, err := range results {
		switch {
		case err == nil:
			created++
			if got, err := os.ReadFile(path); err != nil || len(got) != 1 || got[0] != byte(i) {
				t.Errorf("call %d succeeded, and the file holds %x, %v", i, got, err)
			}
		case !errors.Is(err, os.ErrExist):
			t.Errorf("call %d: %v", i, err)
		}
	}
	if created != 1 {
		t.Errorf("%d calls created the file", created)
	}
	onlyOneName(t, filepath.Dir(path))
}

func TestMakeFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := MakeFolder(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("got %v, %v", info, err)
	}
	file := filepath.Join(path, "file")
	if err := WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MakeFolder(file, 0o700); err == nil {
		t.Error("made a folder where a file is")
	}
}

func onlyOneName(t *testing.T, dir string) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("folder holds %v, %v; want one file", names, err)
	}
}
