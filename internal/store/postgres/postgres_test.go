package postgres

import (
	"database/sql"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

// TestMain lets this binary be the child that TestT41KilledAfterEachStatement
// kills.
func TestMain(m *testing.M) {
	url := os.Getenv("SOTTO_TEST_LIVE")
	if url == "" {
		os.Exit(postgrestest.Run(m))
	}
	if err := liveOnce(url, os.Getenv("SOTTO_TEST_LIFE"), os.Getenv("SOTTO_TEST_KILL"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func openTest(t testing.TB, url string, config Config) *sqlstore.Store {
	t.Helper()
	store, err := Open(t.Context(), url, config)
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
	storetest.Run(t, openTest(t, postgrestest.NewDatabase(t), Config{}))
}

// TestLinksOfManyHubs: what two hubs of one database link at once makes no ring.
func TestLinksOfManyHubs(t *testing.T) {
	db := postgrestest.NewDatabase(t)
	storetest.TestLinkRings(t, openTest(t, db, Config{}), openTest(t, db, Config{}), openTest(t, db, Config{}))
}

func TestClock(t *testing.T) {
	ahead, err := openTest(t, postgrestest.NewDatabase(t), Config{}).Clock(t.Context())
	if err != nil || ahead.Abs() > time.Minute {
		t.Errorf("the same machine's clock is %v ahead (%v)", ahead, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	storetest.BenchmarkAppend(b, openTest(b, postgrestest.NewDatabase(b), Config{}))
}

func BenchmarkLogList(b *testing.B) {
	url := postgrestest.NewDatabase(b)
	storetest.BenchmarkLogList(b, func() storetest.ClosingStore {
		store, err := Open(b.Context(), url, Config{})
		if err != nil {
			b.Fatal(err)
		}
		return store
	}, func() *sql.DB {
		db, err := sql.Open("pgx", url)
		if err != nil {
			b.Fatal(err)
		}
		return db
	}, `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry' AND indexname NOT LIKE '%_pkey'`, `VACUUM (ANALYZE) audit_entry`)
}

func TestLogKept(t *testing.T) {
	url := postgrestest.NewDatabase(t)
	storetest.TestLogKept(t, func() storetest.MeasuredStore {
		store, err := Open(t.Context(), url, Config{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, func() *sql.DB {
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}, nil)
}

func TestUnreadable(t *testing.T) {
	url := postgrestest.NewDatabase(t)
	store := openTest(t, url, Config{})
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	storetest.TestUnreadable(t, store, db, `'\x78'`)
}
