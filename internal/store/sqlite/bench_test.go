package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, openTest(b, filepath.Join(b.TempDir(), "hub.db"), newKey(), sqlitefile.Config{}))
}

func BenchmarkLogList(b *testing.B) {
	path, key := filepath.Join(b.TempDir(), "hub.db"), newKey()
	if kept := os.Getenv("SOTTO_BENCH_KEEP"); kept != "" {
		path, key = filepath.Join(kept, "hub.db"), sqlitefile.Key{}
	}
	storetest.BenchmarkLogList(b, func() storetest.ClosingStore {
		store, err := Open(b.Context(), path, key, sqlitefile.Config{})
		if err != nil {
			b.Fatal(err)
		}
		return store
	}, func() *sql.DB {
		file, err := sqlitefile.Open(b.Context(), path, key, sqlitefile.Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = file.Close() })
		// Ten million keys are not sorted in memory.
		if _, err := file.Write.ExecContext(b.Context(), `PRAGMA temp_store=file`); err != nil {
			b.Fatal(err)
		}
		return file.Write
	}, `SELECT name, sql FROM sqlite_master WHERE tbl_name = 'audit_entry' AND type = 'index' AND sql IS NOT NULL`, `ANALYZE audit_entry`)
}

func TestLogKept(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "hub.db"), newKey()
	raw := func() *sql.DB {
		file, err := sqlitefile.Open(t.Context(), path, key, sqlitefile.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file.Write
	}
	storetest.TestLogKept(t, func() storetest.MeasuredStore {
		store, err := Open(t.Context(), path, key, sqlitefile.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, raw, func() (bytes int64) {
		db := raw()
		defer db.Close()
		if err := db.QueryRowContext(t.Context(), `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_page_size, pragma_freelist_count`).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	})
}
