package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

// TestNoStatementWalksAPractice runs the contract, collects every statement
// that it caused, and asks SQLite how it would go about each. All indexes
// begin with the practice, so a step that is looked up by the practice alone
// reads all rows of a practice: fine in a test, and minutes in a hospital.
func TestNoStatementWalksAPractice(t *testing.T) {
	ctx, path, key := context.Background(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	file, err := sqlitefile.Open(ctx, path, key, sqlitefile.Config{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards seen
	seen := make(map[string]bool)
	for _, db := range []*sql.DB{file.Write, file.Read} {
		conn, err := db.Conn(ctx) // the only one of its handle
		if err != nil {
			t.Fatal(err)
		}
		err = conn.Raw(func(c any) error {
			return c.(driver.Conn).Raw().Trace(sqlite3.TRACE_STMT, func(_ sqlite3.TraceEvent, stmt, _ any) error {
				mu.Lock()
				defer mu.Unlock()
				if s, ok := stmt.(*sqlite3.Stmt); ok {
					seen[s.SQL()] = true
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlstore.New(ctx, sqlstore.Databases{Write: file.Write, Read: file.Read, Closer: file}, dialect())
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	if file, err = sqlitefile.Open(ctx, path, key, sqlitefile.Config{}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	// Grants are as few as guardians, and only supervisors ask which name them.
	// A whole table or practice is read where a list is asked for, page by
	// page, where the index holds but the few rows that wait for something,
	// and by what runs every few minutes.
	few := regexp.MustCompile(`\b(practice|review_start|json_each|CONSTANT ROW|consent_form|consent_receipt_(sequence|form)|conversation_(waiting|closed|created|work|state)|device_uncertified|attachment_pending|audit_(pending|log)|person_kind|directory_(token|group)_\w+|directory_follower|key_package_not_after|audit_(witness|watcher|stream|searched|unreadable)\w*|alert_open|patient_watch\w*|department|SCAN parts?|SCAN walked)\b|VIRTUAL TABLE`)
	list := regexp.MustCompile(`ORDER BY c\.\w+ (ASC|DESC)|FROM audit_entry WHERE practice = \S+( AND leaf \+ 0 < \S+)? ORDER BY at |SELECT count\(\*\) FROM conversation c|DELETE FROM (device_session|staff_session|set_up_link) WHERE expires_at`)
	whole := regexp.MustCompile(`^SCAN |\(practice=\?\)`)
	n := 0
	for statement := range seen {
		if !regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE)\b`).MatchString(statement) || strings.Contains(statement, "goose") ||
			strings.Contains(statement, "sqlite_") || list.MatchString(statement) {
			continue
		}
		n++
		for _, step := range plan(t, file.Read, statement) {
			about := strings.Replace(step, "(practice=?)", "", 1)
			if whole.MatchString(step) && !few.MatchString(about) {
				t.Errorf("%q in%s", step, statement)
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d statements were seen", n)
	}
	// What else is asked for of a conversation, a patient, a thing or a person is
	// looked for in the index: an endless one has entries all over the log.
	within, pairs := make(map[string]int), 0
	for statement := range seen {
		of := regexp.MustCompile(`FROM audit_entry WHERE practice = \S+ AND (conversation|patient|object|subject) = .*\|\| ''\)`).FindStringSubmatch(statement)
		if of == nil || regexp.MustCompile(`\((conversation|patient) \|\|`).MatchString(statement) {
			continue
		}
		within[of[1]]++
		if of[1] == "conversation" && strings.Contains(statement, "(object ||") {
			pairs++
		}
		if steps := plan(t, file.Read, statement); !strings.Contains(strings.Join(steps, "\n"), "COVERING INDEX audit_entry_"+of[1]) {
			t.Errorf("%q for %s", steps, statement)
		}
	}
	if len(within) != 4 || pairs == 0 {
		t.Errorf("lists that asked for more: %v, and %d for a thing in a conversation", within, pairs)
	}
	// What is about some patients, or in some conversations, is found in the two
	// indexes, each patient's in its order.
	several := 0
	for statement := range seen {
		if !strings.Contains(statement, "AS part UNION SELECT * FROM (SELECT at, leaf FROM audit_entry") {
			continue
		}
		several++
		steps := strings.Join(plan(t, file.Read, statement), "\n")
		for _, index := range []string{"COVERING INDEX audit_entry_patient (practice=? AND patient=?", "COVERING INDEX audit_entry_conversation (practice=? AND conversation=?"} {
			if !strings.Contains(steps, index) {
				t.Errorf("not %s but %s for %s", index, steps, statement)
			}
		}
	}
	if several == 0 {
		t.Error("no list of several patients and conversations was asked for")
	}
}

func plan(t *testing.T, db *sql.DB, statement string) (steps []string) {
	t.Helper()
	rows, err := db.Query(`EXPLAIN QUERY PLAN ` + statement)
	if err != nil {
		t.Fatalf("%v: %s", err, statement)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
