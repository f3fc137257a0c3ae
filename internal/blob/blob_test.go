package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

const practice = "p_practice"

func open(t *testing.T, config Config) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "blobs"), config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, f *Folder, id string) string {
	t.Helper()
	r, err := f.Open(t.Context(), practice, id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestUploadByChunksOfAnySize(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	whole := make([]byte, 300_000)
	for i := range whole {
		whole[i] = byte(rand.Uint32())
	}
	var at int64
	for at < int64(len(whole)) {
		n := min(rand.Int64N(70_000), int64(len(whole))-at)
		length, err := f.Append(ctx, practice, "a_1", at, n, bytes.NewReader(whole[at:]))
		if err != nil || length != at+n {
			t.Fatalf("at %d: length %d, %v; want %d", at, length, err, at+n)
		}
		at = length
		if got, err := f.Length(ctx, practice, "a_1"); err != nil || got != at {
			t.Fatalf("length %d, %v; want %d", got, err, at)
		}
	}
	if read(t, f, "a_1") != string(whole) {
		t.Error("the file is not what was uploaded")
	}
	again, err := Open(f.root, Config{})
	if err != nil || again.Used() != int64(len(whole)) || f.Used() != again.Used() {
		t.Errorf("used %d, after opening again %d, %v", f.Used(), again.Used(), err)
	}
}

func TestOffsets(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	if _, err := f.Append(ctx, practice, "a_1", 0, 10, strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 4, 6, -1} {
		_, err := f.Append(ctx, practice, "a_1", offset, 10, iotest.ErrReader(errors.New("it was read")))
		if wrong := (*hub.OffsetError)(nil); !errors.As(err, &wrong) || wrong.Length != 5 {
			t.Errorf("at %d: %v", offset, err)
		}
	}
	if got := read(t, f, "a_1"); got != "hello" {
		t.Errorf("file holds %q", got)
	}
}

func TestWhatCameBeforeAFailureStays(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	broken := errors.New("connection lost")
	r := io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(broken))
	length, err := f.Append(ctx, practice, "a_1", 0, 10, r)
	if !errors.Is(err, broken) || length != 3 {
		t.Errorf("length %d, %v", length, err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	length, err = f.Append(gone, practice, "a_1", 3, 10, strings.NewReader("never"))
	if !errors.Is(err, context.Canceled) || length != 3 {
		t.Errorf("length %d, %v", length, err)
	}
	if length, err = f.Append(ctx, practice, "a_1", 3, 10, strings.NewReader("lo")); err != nil || length != 5 {
		t.Errorf("length %d, %v", length, err)
	}
	if got := read(t, f, "a_1"); got != "hello" || f.Used() != 5 {
		t.Errorf("file holds %q, used %d", got, f.Used())
	}
}

func TestOneUploaderAtATime(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	r, w := io.Pipe()
	first := make(chan error)
	go func() {
		_, err := f.Append(ctx, practice, "a_1", 0, 10, r)
		first <- err
	}()
	if _, err := w.Write([]byte("x")); err != nil { // the first is reading
		t.Fatal(err)
	}
	if _, err := f.Append(ctx, practice, "a_1", 0, 10, strings.NewReader("y")); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("second uploader: %v", err)
	}
	if err := f.Delete(ctx, practice, "a_1"); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("delete meanwhile: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestQuota(t *testing.T) {
	f, ctx := open(t, Config{MaxBytes: 10}), t.Context()
	for _, step := range []struct {
		id   string
		most int64
		want error
	}{{"a_1", 6, nil}, {"a_2", 5, hub.ErrFull}, {"a_2", 4, nil}, {"a_3", 1, hub.ErrFull}} {
		if _, err := f.Append(ctx, practice, step.id, 0, step.most, strings.NewReader("xxxxxxxxxxxx")); !errors.Is(err, step.want) {
			t.Errorf("%s: got %v, want %v", step.id, err, step.want)
		}
	}
	if err := f.Delete(ctx, practice, "a_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(ctx, practice, "a_3", 0, 6, strings.NewReader("xxxxxx")); err != nil {
		t.Error(err)
	}
}

func TestAbsent(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	for _, id := range []string{"a_none", "", "..", "../../etc/passwd", "a/b", `a\b`, "a\x00b", strings.Repeat("a", 65)} {
		if _, err := f.Open(ctx, practice, id); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("open %q: %v", id, err)
		}
		if id != "a_none" {
			if _, err := f.Append(ctx, practice, id, 0, 1, strings.NewReader("x")); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("append %q: %v", id, err)
			}
			if _, err := f.Open(ctx, id, "a_none"); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("practice %q: %v", id, err)
			}
		}
	}
	if n, err := f.Length(ctx, practice, "a_none"); n != 0 || err != nil {
		t.Errorf("length %d, %v", n, err)
	}
	if err := f.Delete(ctx, practice, "a_none"); err != nil {
		t.Error(err)
	}
}

func TestSweep(t *testing.T) {
	f, ctx := open(t, Config{}), t.Context()
	for _, id := range []string{"a_known", "a_orphan", "a_young"} {
		if _, err := f.Append(ctx, practice, id, 0, 3, strings.NewReader("xyz")); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	for _, id := range []string{"a_known", "a_orphan"} {
		path, err := f.path(practice, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	deleted, err := f.Sweep(ctx, long.Add(time.Minute), func(_ context.Context, p, id string) (bool, error) {
		if p != practice {
			t.Errorf("asked of practice %q", p)
		}
		return id == "a_known", nil
	})
	if err != nil || deleted != 1 || f.Used() != 6 {
		t.Errorf("deleted %d, %v, used %d", deleted, err, f.Used())
	}
	if _, err := f.Open(ctx, practice, "a_orphan"); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("the orphan: %v", err)
	}
	read(t, f, "a_known")
	read(t, f, "a_young")
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	f := open(t, Config{})
	if _, err := f.Append(t.Context(), practice, "a_1", 0, 1, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(f.root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
