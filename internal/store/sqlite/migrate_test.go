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

// TestMinorsOfBefore: grants and chats of before somebody said whether the other is
// a minor go on as they did, by what one is to the other.
func TestMinorsOfBefore(t *testing.T) {
	ctx, path, key := t.Context(), filepath.Join(t.TempDir(), "hub.db"), newKey()
	if err := openOnce(t, path, key); err != nil {
		t.Fatal(err)
	}
	file, err := sqlitefile.Open(ctx, path, key, sqlitefile.Config{})
	if err != nil {
		t.Fatal(err)
	}
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
	for _, statement := range statements {
		if _, err := file.Write.ExecContext(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
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

func openOnce(t *testing.T, path string, key sqlitefile.Key) error {
	store, err := Open(t.Context(), path, key, sqlitefile.Config{})
	if err != nil {
		return err
	}
	return store.Close()
}
