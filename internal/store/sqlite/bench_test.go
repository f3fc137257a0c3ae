package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, openTest(b, filepath.Join(b.TempDir(), "hub.db"), newKey(), sqlitefile.Config{}))
}
