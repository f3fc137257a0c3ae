//go:build linux

package proof

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// TestBackupBesidePostgreSQL: the database is copied by PostgreSQL, the rest by
// sotto backup, which writes down which copy belongs to it and refuses to be
// restored beside a database that has gone on since.
func TestBackupBesidePostgreSQL(t *testing.T) {
	database := postgrestest.NewDatabase(t)
	t.Setenv("SOTTO_POSTGRES", database)
	data, backups := filepath.Join(t.TempDir(), "data"), t.TempDir()
	practice := filepath.Join(t.TempDir(), "practice.json")
	if err := os.WriteFile(practice, demo.PracticeFile, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "sotto", "--data", data, "practice", "apply", practice)
	run(t, "sotto", "--data", data, "audit", "list") // numbers what was done
	copied := cloneDatabase(t, database)
	if out, err := try("sotto", "--data", data, "--backups", backups, "backup", "make"); err == nil {
		t.Errorf("made without a copy of the database: %s", out)
	}
	out := run(t, "sotto", "--data", data, "--backups", backups, "backup", "make", "--database-copied-by", "monday.dump")
	name, _, _ := strings.Cut(out, "\n")
	if !strings.Contains(out, "The database is not in it") || !strings.Contains(out, "monday.dump") {
		t.Errorf("make says %s", out)
	}
	if _, err := os.Stat(filepath.Join(backups, name, "hub", "hub.db")); err == nil {
		t.Error("there is a database in it")
	}
	if out := run(t, "sotto", "--data", data, "--backups", backups, "backup", "verify"); !strings.Contains(out, "as it was made") || !strings.Contains(out, "monday.dump") {
		t.Errorf("verify says %s", out)
	}
	run(t, "sotto", "--data", data, "audit", "list")
	to := filepath.Join(t.TempDir(), "new")
	if out, err := try("sotto", "--data", data, "--backups", backups, "backup", "restore", name, "--to", to); err == nil || !strings.Contains(out, "goes on after the backup") {
		t.Errorf("restored beside a database that has gone on: %s, %v", out, err)
	}
	t.Setenv("SOTTO_POSTGRES", copied)
	run(t, "sotto", "--data", data, "--backups", backups, "backup", "restore", name, "--to", to)
	if out := run(t, "sotto", "--data", to, "audit", "list", "--kind", "backup.restored"); !strings.Contains(out, name) {
		t.Errorf("the restored log does not say so: %s", out)
	}
}

// cloneDatabase copies a database as it is.
func cloneDatabase(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name+"_copy TEMPLATE "+name); err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name + "_copy"
	return u.String()
}
