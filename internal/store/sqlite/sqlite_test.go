package sqlite

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

func newKey() (key sqlitefile.Key) {
	rand.Read(key[:])
	return key
}

func openTest(t testing.TB, path string, key sqlitefile.Key, config sqlitefile.Config) *sqlstore.Store {
	t.Helper()
	store, err := Open(t.Context(), path, key, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestContract(t *testing.T) {
	storetest.Run(t, openTest(t, filepath.Join(t.TempDir(), "hub.db"), newKey(), sqlitefile.Config{}))
}

func TestUnreadable(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "hub.db"), newKey()
	store := openTest(t, path, key, sqlitefile.Config{})
	file, err := sqlitefile.Open(t.Context(), path, key, sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	storetest.TestUnreadable(t, store, file.Write, `x'78'`)
}
