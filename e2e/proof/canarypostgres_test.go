//go:build linux

package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// TestCanaryT01OnPostgreSQL is TestCanaryT01 for what is otherwise where the hub
// has PostgreSQL: what that writes, its log of writes (pg_wal) among it, and what
// the hub leaves in its own folder and says. Memory and traffic are as they are
// with SQLite.
func TestCanaryT01OnPostgreSQL(t *testing.T) {
	database := postgrestest.NewDatabase(t)
	t.Setenv("SOTTO_POSTGRES", database)
	said := newCanaries()
	c := newClinic(t, t.TempDir())
	chat(t, c, said)

	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var folder string
	if err := conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&folder); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CHECKPOINT"); err != nil { // what is in its memory goes to its files
		t.Fatal(err)
	}
	secret := newSearch(map[string]string{"what was said": said.stem}, keeperKeys(t, c.keepData))
	known := newSearch(map[string]string{"the practice's name": strings.Fields(c.name)[1]}, nil)

	checkFiles(t, c, secret)
	found, size, err := known.and(secret).inFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	isKnown := func(what string) bool { return strings.HasPrefix(what, "the practice's name") }
	expect(t, fmt.Sprintf("PostgreSQL's folder (%d kB)", size>>10), slices.DeleteFunc(slices.Clone(found), isKnown), false)
	for _, where := range []string{"/base/", "/pg_wal/"} {
		if !slices.ContainsFunc(found, func(what string) bool { return isKnown(what) && strings.Contains(what, folder+where) }) {
			t.Errorf("the search does not find what is in PostgreSQL's %s: %q", where, found)
		}
	}
	rows := rowsOf(t, conn)
	expect(t, "the rows of the database", find(known.needles, rows), true)
	expect(t, "the rows of the database", find(secret.needles, rows), false)
	expect(t, "the log of the hub", find(secret.needles, []byte(c.hub.output.String())), false)
}

// rowsOf returns all that is in a database, as it is before PostgreSQL makes it
// smaller.
func rowsOf(t *testing.T, conn *pgx.Conn) []byte {
	t.Helper()
	tables, err := conn.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, name := range names {
		rows, err := conn.Query(t.Context(), "SELECT * FROM "+name)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			for _, v := range rows.RawValues() {
				all.Write(v)
				all.WriteByte('\n')
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d tables, %d kB", len(names), all.Len()>>10)
	return all.Bytes()
}
