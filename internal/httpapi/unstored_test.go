package httpapi_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// TestPresenceAndTypingAreNotStored: of who comes, types and goes, no row of any
// table tells, but the event that the push connection was opened.
func TestPresenceAndTypingAreNotStored(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	nl := nurse.listen()
	before := w.rows()
	pl := patient.listen()
	nl.next(api.EventPresence)
	opened := w.rows()
	for name, was := range before {
		if now := opened[name]; now != was && !strings.HasPrefix(name, "audit_") {
			t.Errorf("to come changes %s:\n%s\nto\n%s", name, was, now)
		}
	}
	for _, typing := range []bool{true, false} {
		w.must(patient.Typing(w.ctx, id, typing))
		if e := nl.next(api.EventTyping); e.Typing != typing {
			t.Errorf("typing: %+v", e)
		}
	}
	pl.stop()
	if e := nl.next(api.EventPresence); e.Online {
		t.Errorf("on going: %+v", e)
	}
	for name, now := range w.rows() {
		if was := opened[name]; now != was {
			t.Errorf("to type and to go changes %s:\n%s\nto\n%s", name, was, now)
		}
	}
}

// rows is all that the store holds, by table.
func (w *world) rows() map[string]string {
	w.t.Helper()
	file, err := sqlitefile.Open(w.ctx, w.path, sqlitefile.Key{1}, sqlitefile.Config{Readers: 1})
	w.must(err)
	defer file.Close()
	all := make(map[string]string)
	for _, table := range w.query(file, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		name := strings.Trim(table, "[]\"\n")
		all[name] = strings.Join(w.query(file, `SELECT * FROM "`+name+`"`), "")
	}
	return all
}

// query returns a line for each row.
func (w *world) query(file *sqlitefile.File, statement string) (lines []string) {
	w.t.Helper()
	found, err := file.Read.QueryContext(w.ctx, statement)
	w.must(err)
	defer found.Close()
	columns, err := found.Columns()
	w.must(err)
	for found.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		w.must(found.Scan(into...))
		lines = append(lines, fmt.Sprintf("%q\n", values))
	}
	w.must(found.Err())
	return lines
}
