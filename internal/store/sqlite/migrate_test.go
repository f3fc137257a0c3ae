package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// TestAnEarlierMigrationComesLater: a database that has a later migration and
// lacks an earlier one gets it when it is opened.
func TestAnEarlierMigrationComesLater(t *testing.T) {
	ctx, path, key := t.Context(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	before(t, path, key, `DROP TABLE audit_stream`, `DELETE FROM goose_db_version WHERE version_id IN (160, 208)`)
	if err := openOnce(t, path, key); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(t, path, key, sqlitefile.Config{}).LogStreams(ctx, "t_a"); err != nil {
		t.Error(err)
	}
}

// TestMinorsOfBefore: grants and chats of before somebody said whether the other is
// a minor go on as they did, by what one is to the other.
func TestMinorsOfBefore(t *testing.T) {
	ctx, path, key := t.Context(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	kinds := map[string]bool{"parent": true, "guardian": true, "carer": false, "representative": false, "": false}
	statements := []string{
		`ALTER TABLE relation DROP COLUMN minor`, `ALTER TABLE conversation DROP COLUMN for_minor`,
		`DELETE FROM goose_db_version WHERE version_id = 181`,
	}
	for kind := range kinds {
		statements = append(statements, `
INSERT INTO relation (practice, id, holder, subject, kind, queues, evidence, starts_at, ends_at, granted_by, approved_by, granted_at, ended_by, end_reason, settled)
VALUES ('t_a', 'r_`+kind+`', 'p_a', 'p_b', '`+kind+`', '[]', '', 1, 0, '', '', 1, '', '', 0)`, `
INSERT INTO conversation (practice, id, queue, language, patient, assignee, state, created_at, waiting_from, last_at, closed_at, closed_by,
    withdrawn_at, epoch, head, number, log, work_since, writes_for)
VALUES ('t_a', 'c_`+kind+`', 'q', 'en', 'p_a', '', 'closed', 1, 0, 1, 1, '', 0, 1, 1, 1, 1, 0, '`+kind+`')`)
	}
	before(t, path, key, statements...)
	store := openTest(t, path, key, sqlitefile.Config{})
	for kind, minor := range kinds {
		r, err := store.Relation(ctx, "t_a", "r_"+kind)
		if err != nil || r.Minor != minor {
			t.Errorf("a grant to a %q is of a minor: %v, %v", kind, r.Minor, err)
		}
		v, err := store.Conversation(ctx, "t_a", "c_"+kind)
		if err != nil || v.ForMinor != minor {
			t.Errorf("a chat of a %q is about a minor: %v, %v", kind, v.ForMinor, err)
		}
	}
}

// TestWhoDisabledWhom: the log says whom a directory had disabled before that was
// kept. Where it does not, it was the practice.
func TestWhoDisabledWhom(t *testing.T) {
	ctx, path, key := t.Context(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	person := func(id string, disabled int) string {
		return fmt.Sprintf(`INSERT INTO person (practice, id, kind, role, name, title, password, queues, created_at, disabled_at) VALUES ('t_a', '%s', 'staff', '', '', '', '', '[]', 5, %d)`, id, disabled)
	}
	leaf := 0
	entry := func(kind, object, role, by string) string {
		leaf++
		return fmt.Sprintf(`INSERT INTO audit_entry VALUES (7, %d, 5, '%s', 'done', '%s', '%s', '', '%s', '', '', '', '', '', '', '', '', '', x'', x'')`, leaf, kind, role, by, object)
	}
	before(
		t, path, key,
		`ALTER TABLE person DROP COLUMN disabled_by_directory`, `DELETE FROM goose_db_version WHERE version_id = 200`,
		`INSERT INTO practice (id, number, logs, slug, settings) VALUES ('t_a', 7, 0, 'a', '{}')`,
		person("p_directory", 9), entry("person.disabled", "p_directory", "administrator", "p_x"), entry("person.disabled", "p_directory", "service", ""),
		person("p_practice", 9), entry("person.disabled", "p_practice", "service", ""), entry("person.disabled", "p_practice", "operator", ""),
		person("p_never", 5), entry("person.added", "p_never", "service", ""),
		person("p_later", 9), entry("person.added", "p_later", "service", ""),
		person("p_unknown", 9),
		person("p_enabled", 0), entry("person.disabled", "p_enabled", "service", ""),
	)
	store := openTest(t, path, key, sqlitefile.Config{})
	for id, want := range map[string]bool{"p_directory": true, "p_practice": false, "p_never": true, "p_later": false, "p_unknown": false, "p_enabled": false} {
		if p, err := store.Person(ctx, "t_a", id); err != nil || p.DisabledByDirectory != want {
			t.Errorf("%s: %v, %v", id, p.DisabledByDirectory, err)
		}
	}
}

// before makes a database and takes it back, by statements, to what it was before
// a migration.
func before(t *testing.T, path string, key sqlitefile.Key, statements ...string) {
	t.Helper()
	if err := openOnce(t, path, key); err != nil {
		t.Fatal(err)
	}
	file, err := sqlitefile.Open(t.Context(), path, key, sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := file.Write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func openOnce(t *testing.T, path string, key sqlitefile.Key) error {
	store, err := Open(t.Context(), path, key, sqlitefile.Config{})
	if err != nil {
		return err
	}
	return store.Close()
}
