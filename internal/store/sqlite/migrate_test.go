package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// TestAnEarlierMigrationComesLater: a database that has a later migration and
// lacks an earlier one gets it when it is opened.
func TestAnEarlierMigrationComesLater(t *testing.T) {
	ctx, path, key := t.Context(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	if err := openOnce(t, path, key); err != nil {
		t.Fatal(err)
	}
	file, err := sqlitefile.Open(ctx, path, key, sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`DROP TABLE audit_stream`, `DELETE FROM goose_db_version WHERE version_id = 160`} {
		if _, err := file.Write.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openOnce(t, path, key); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(t, path, key, sqlitefile.Config{}).LogStreams(ctx, "t_a"); err != nil {
		t.Error(err)
	}
}

func openOnce(t *testing.T, path string, key sqlitefile.Key) error {
	store, err := Open(t.Context(), path, key, sqlitefile.Config{})
	if err != nil {
		return err
	}
	return store.Close()
}
