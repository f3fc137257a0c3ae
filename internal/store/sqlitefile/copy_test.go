package sqlitefile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestSnapshotIsOfOneMoment copies a file while it is written: the copy holds
// what there was when the snapshot was taken, all of it, and nothing else. It is
// encrypted, opens with its key alone, and is whole.
func TestSnapshotIsOfOneMoment(t *testing.T) {
	folder := t.TempDir()
	file, err := Open(t.Context(), filepath.Join(folder, "a.db"), Key{1}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	write := func(text string) {
		t.Helper()
		if _, err := file.Write.ExecContext(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
	write(`CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT)`)
	write(`CREATE TABLE total (n INTEGER)`)
	write(`INSERT INTO total VALUES (0)`)
	// Each transaction adds rows and their number, so that a copy of two moments
	// has another number than rows.
	more := func() {
		write(`BEGIN; INSERT INTO word (text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200)
			SELECT 'known to be in the clear, if it is not sealed' FROM c; UPDATE total SET n = n + 200; COMMIT`)
	}
	for range 100 {
		more()
	}
	release, err := file.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := file.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for range 50 {
			more()
		}
	})
	path := filepath.Join(folder, "copy.db")
	if err := snapshot.CopyTo(t.Context(), path, Key{2}); err != nil {
		t.Fatal(err)
	}
	writing.Wait()
	if err := snapshot.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("known to be")) || bytes.Contains(raw, []byte("SQLite format")) {
		t.Errorf("the copy is readable without its key (%v)", err)
	}
	if f, err := Open(t.Context(), path, Key{1}, Config{}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("with another key: %v", err)
		_ = f.Close()
	}
	copied, err := Open(t.Context(), path, Key{2}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if err := copied.Check(t.Context()); err != nil {
		t.Error(err)
	}
	var rows, total int
	if err := copied.Read.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM word), n FROM total`).Scan(&rows, &total); err != nil {
		t.Fatal(err)
	}
	if rows != 20_000 || total != rows {
		t.Errorf("%d rows, and it says %d", rows, total)
	}
}

// TestCheckFindsDamage: a page that was changed on disk.
func TestCheckFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	file, err := Open(t.Context(), path, Key{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE word (n INTEGER PRIMARY KEY, text TEXT)`,
		`INSERT INTO word (text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT hex(n) FROM c`,
	} {
		if _, err := file.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 3 * 4096; i < 4*4096; i++ {
		raw[i] ^= 0x55
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if file, err = Open(t.Context(), path, Key{}, Config{}); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Check(t.Context()) == nil {
		t.Error("a changed page is not found")
	}
}
