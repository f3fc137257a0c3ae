package sqlitefile

import (
	"path/filepath"
	"testing"
)

// TestLargeTransaction: what a transaction changes stays in memory until it
// commits, and there may be more of it than the driver grants a connection by
// itself: a new version that makes an index of a large log must start.
func TestLargeTransaction(t *testing.T) {
	file, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), Key{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, statement := range []string{
		`CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)`,
		`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300)
		 INSERT INTO t SELECT n, zeroblob(1000000) FROM c`,
	} {
		if _, err := file.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
