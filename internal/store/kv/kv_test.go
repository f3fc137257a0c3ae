package kv

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

var _ device.Store = (*Store)(nil)

func newKey() (key sqlitefile.Key) {
	rand.Read(key[:])
	return key
}

func openTest(t testing.TB, path string, key sqlitefile.Key, config sqlitefile.Config) *Store {
	t.Helper()
	s, err := open(t.Context(), path, key, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAgainstMap drives a store and a map alike, closing and opening the file
// between.
func TestAgainstMap(t *testing.T) {
	folder := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		ctx, key, path := context.Background(), newKey(), filepath.Join(folder, fmt.Sprint(n))
		s := openTest(t, path, key, sqlitefile.Config{Readers: 1})
		defer func() { _ = s.Close() }()
		model := make(map[string][]byte)
		keys := rapid.StringMatching(`[abc\xff]{0,3}`)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			puts := rapid.MapOfN(keys, rapid.SliceOfN(rapid.Byte(), 0, 20), 0, 4).Draw(r, "puts")
			deletes := slices.DeleteFunc(rapid.SliceOfN(keys, 0, 3).Draw(r, "deletes"), func(k string) bool {
				_, put := puts[k]
				return put
			})
			if err := s.Apply(ctx, puts, deletes); err != nil {
				r.Fatal(err)
			}
			maps.Copy(model, puts)
			for _, k := range deletes {
				delete(model, k)
			}
			if rapid.IntRange(0, 9).Draw(r, "close") == 0 {
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = openTest(t, path, key, sqlitefile.Config{Readers: 1})
			}
			prefix := keys.Draw(r, "prefix")
			var want []string
			for _, k := range slices.Sorted(maps.Keys(model)) {
				if strings.HasPrefix(k, prefix) {
					want = append(want, k)
				}
			}
			got, err := s.Keys(ctx, prefix)
			if err != nil || !slices.Equal(got, want) {
				r.Fatalf("keys of %q: %q, %v; want %q", prefix, got, err, want)
			}
			for _, k := range append(want, prefix) {
				got, err := s.Get(ctx, k)
				if err != nil || !bytes.Equal(got, model[k]) || (got == nil) != (model[k] == nil) {
					r.Fatalf("%q: %x, %v; want %x", k, got, err, model[k])
				}
			}
		}
	})
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device.db")
	s := openTest(t, path, newKey(), sqlitefile.Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, newKey()); !errors.Is(err, sqlitefile.ErrWrongKey) {
		t.Errorf("got %v", err)
	}
}

func TestFullChangesNothing(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "device.db"), newKey(), sqlitefile.Config{MaxPages: 20})
	defer func() { _ = s.Close() }()
	ctx := t.Context()
	if err := s.Apply(ctx, map[string][]byte{"before": []byte("x")}, nil); err != nil {
		t.Fatal(err)
	}
	// A large one and small ones at once: only the large one fails.
	var wait sync.WaitGroup
	wait.Go(func() {
		err := s.Apply(ctx, map[string][]byte{"a": []byte("y"), "large": make([]byte, 1<<20)}, []string{"before"})
		if full := device.StoreFullError(nil); !errors.As(err, &full) {
			t.Errorf("got %v", err)
		}
	})
	for i := range 4 {
		wait.Go(func() {
			if err := s.Apply(ctx, map[string][]byte{fmt.Sprint("small", i): []byte("z")}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	got, err := s.Keys(ctx, "")
	want := []string{"before", "small0", "small1", "small2", "small3"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestClosed(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "device.db"), newKey(), sqlitefile.Config{})
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			err := s.Apply(context.Background(), map[string][]byte{fmt.Sprint(i): nil}, nil)
			if err != nil && !errors.Is(err, errClosed) {
				t.Error(err)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if err := s.Apply(context.Background(), map[string][]byte{"x": nil}, nil); !errors.Is(err, errClosed) {
		t.Errorf("after closing: %v", err)
	}
}

// TestWhatIsGoneIsInNoFile: some seconds after it was replaced or deleted, a
// value is neither in the file nor in its log, at no length of it, for whoever
// takes both with their key (a fault of others, mls.md 3.1: delete is not final).
func TestWhatIsGoneIsInNoFile(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "state.db"), newKey()
	s := openTest(t, path, key, sqlitefile.Config{})
	defer s.Close()
	put := func(value string) {
		if err := s.Apply(t.Context(), map[string][]byte{"ratchet": []byte(value)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	logLength := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for put("the key of a past epoch"); logLength() == 0; { // it was emptied since
		put("the key of a past epoch")
	}
	for i := range 20 {
		put(fmt.Sprint("a later key ", i))
	}
	if err := s.Apply(t.Context(), nil, []string{"ratchet"}); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); logLength() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("the log still has %d bytes", logLength())
		}
	}
	taken, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stolen := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(stolen, taken, 0o600); err != nil {
		t.Fatal(err)
	}
	thief := openTest(t, stolen, key, sqlitefile.Config{})
	defer thief.Close()
	if value, err := thief.Get(t.Context(), "ratchet"); value != nil || err != nil {
		t.Errorf("the file gives %q back (%v)", value, err)
	}
}
