package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/keeperhost"
	"github.com/sotto-health/sotto/internal/store/kv"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/vault"
)

// makeBackup makes one of a record with one conversation, of a keeper that has
// run, and returns where it is.
func makeBackup(t *testing.T) (data, backups, name string) {
	t.Helper()
	data, _ = newRecord(t)
	v, err := vault.Open(keeperFolder(host.Folder(data), "riverside"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := v.Key(vault.StateKey)
	if err != nil {
		t.Fatal(err)
	}
	state, err := kv.Open(t.Context(), v.Path("state.db"), sqlitefile.Key(key))
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}
	if err := keeperhost.Readmit(keeperFolder(host.Folder(data), "riverside"), "p_back"); err != nil {
		t.Fatal(err)
	}
	backups = t.TempDir()
	out := does(t, data, words("--backups "+backups+" backup make"), "No key is in it", "hub/database.key", "keeper/riverside/keys/archive.key", "riverside: audit log of")
	name, _, _ = strings.Cut(out, "\n")
	return data, backups, name
}

// TestBackupNamesWhatWasChanged: a backup holds what it should, and no key; each
// file of it that is changed, taken away or put in is named, and then it is not
// restored; what came of it is in the log and with the doctor.
func TestBackupNamesWhatWasChanged(t *testing.T) {
	data, backups, name := makeBackup(t)
	whole := filepath.Join(backups, name)
	does(t, data, words("audit list --kind backup.made"), "operator", name)
	does(t, data, words("--backups "+backups+" backup list"), name, "manifest ")
	does(t, data, words("--backups "+backups+" backup verify"), name+": ", "1 conversations and 2 records", "The backup is as it was made.")
	if out := does(t, data, words("--backups "+backups+" backup verify "+name)); strings.Contains(out, " 0 entries") {
		t.Errorf("the audit log has events, and the backup covers none: %s", out)
	}
	does(t, data, words("audit list --kind backup.verified"), "done", name, "problems=0")
	levels, _ := diagnose(t, data, "--backups", backups)
	if levels["backup"] != doctor.OK || levels["backup-whole"] != doctor.OK || levels["backup-trial"] != doctor.OK {
		t.Errorf("the doctor: %q", levels)
	}
	for _, path := range []string{"hub/hub.db", "keeper/riverside/state.db", "keeper/riverside/practice.json", "keeper/riverside/archive.checkpoint", "keeper/riverside/readmit/p_back"} {
		info, err := os.Stat(filepath.Join(whole, path))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	keys, err := filepath.Glob(filepath.Join(data, "*", "*.key"))
	if more, _ := filepath.Glob(filepath.Join(data, "keeper", "*", "keys", "*")); err != nil || len(keys)+len(more) < 7 {
		t.Fatal(keys, more, err)
	} else {
		keys = append(keys, more...)
	}
	manifest, err := os.ReadFile(filepath.Join(whole, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		text, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		secret := bytes.Fields(text[bytes.Index(text, []byte("sotto-key-1")):])[2]
		_ = filepath.WalkDir(whole, func(path string, d os.DirEntry, err error) error {
			if b, _ := os.ReadFile(path); err == nil && bytes.Contains(b, secret) {
				t.Errorf("%s is in the backup, in %s", filepath.Base(key), path)
			}
			return nil
		})
	}

	records, err := filepath.Glob(filepath.Join(whole, "keeper", "riverside", "archive", "conversation", "*", "records", "*"))
	if err != nil || len(records) != 2 {
		t.Fatalf("%d objects of records, %v", len(records), err)
	}
	rel, err := filepath.Rel(whole, records[1])
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "new")
	for what, c := range map[string]struct {
		path   string
		change func([]byte) []byte // nil takes it away
		says   string
	}{
		"a page of the database":   {"hub/hub.db", flip, "changed: hub/hub.db\n"},
		"a page of the state":      {"keeper/riverside/state.db", flip, "changed: keeper/riverside/state.db\n"},
		"half a record":            {rel, func(b []byte) []byte { return b[:len(b)/2] }, "changed: " + rel + "\n"},
		"a record taken away":      {rel, nil, "missing: " + rel + "\n"},
		"something put in":         {"hub/blobs/t_x/ab/f_ab", func([]byte) []byte { return []byte("x") }, "added: hub/blobs/t_x/ab/f_ab\n"},
		"the seal taken away":      {"manifest.mac", nil, "no manifest"},
		"the manifest changed":     {"manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"size": `), []byte(`"size": 1`), 1) }, "the manifest was changed"},
		"the manifest of nothing":  {"manifest.json", func([]byte) []byte { return []byte("{}\n") }, "the manifest was changed"},
		"a manifest out of folder": {"manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"hub/hub.db"`), []byte(`"../hub.db"`), 1) }, "the manifest was changed"},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(whole, filepath.FromSlash(c.path))
			before, err := os.ReadFile(path)
			defer func() {
				if err != nil {
					_ = os.RemoveAll(filepath.Join(whole, "hub", "blobs", "t_x"))
				} else if err := os.WriteFile(path, before, 0o600); err != nil {
					t.Fatal(err)
				}
			}()
			if c.change == nil {
				_ = os.Remove(path)
			} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			} else if err := os.WriteFile(path, c.change(bytes.Clone(before)), 0o600); err != nil {
				t.Fatal(err)
			}
			out, failure := sotto(t, data, words("--backups "+backups+" backup verify "+name)...)
			if failure == nil || !strings.Contains(out+failure.Error(), c.says) {
				t.Errorf("verify says %q, %v; want %q", out, failure, c.says)
			}
			if n := strings.Count(out, "\n"); n > 1 {
				t.Errorf("more is named than was changed:\n%s", out)
			}
			if what == "something put in" {
				return // it is not restored
			}
			if _, failure := sotto(t, data, words("--backups "+backups+" backup restore "+name+" --to "+to)...); failure == nil {
				t.Error("it is restored all the same")
			}
			if left, _ := filepath.Glob(to + "*"); len(left) > 0 {
				t.Errorf("a refused restore leaves %q", left)
			}
		})
	}
	does(t, data, words("audit list --kind backup.verified --outcome failed"), name, "problems=1")
	if levels, _ := diagnose(t, data, "--backups", backups); levels["backup-trial"] != doctor.Fail {
		t.Errorf("after a trial that failed the doctor: %q", levels)
	}
	does(t, data, words("--backups "+backups+" backup verify "+name), "The backup is as it was made.")
	if got, err := os.ReadFile(filepath.Join(whole, "manifest.json")); err != nil || !bytes.Equal(got, manifest) {
		t.Error("the test has not put back what it changed")
	}
	if err := os.Remove(records[1]); err != nil {
		t.Fatal(err)
	}
	if levels, _ := diagnose(t, data, "--backups", backups); levels["backup"] != doctor.Fail {
		t.Errorf("of a backup that lacks a file the doctor says %q", levels)
	}
	does(t, data, words("--backups "+backups+" backup list"), "not whole")
}

func flip(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}

// TestRestoreRefuses: no backup goes over what is there, nor without keys, nor
// from elsewhere; with a copy of the keys it goes to a new folder, and the log
// there says so.
func TestRestoreRefuses(t *testing.T) {
	data, backups, name := makeBackup(t)
	restore := "--backups " + backups + " backup restore " + name
	refuses(t, data, words(restore+" --to "+data), "not empty")
	refuses(t, data, words("--backups "+backups+" backup restore ../"+filepath.Base(backups)+" --to "+t.TempDir()), "not the name of a backup")
	refuses(t, data, words("--backups "+backups+" backup restore 20200101T000000Z --to "+t.TempDir()), "no manifest")
	refuses(t, data, words("--backups "+filepath.Join(data, "backups")+" backup make"), "cannot be in the folder")
	refuses(t, data, words("backup make"), "say where backups go")
	refuses(t, data, words("--backups "+backups+" backup make --database-copied-by dump"), "is for PostgreSQL")
	other, _ := newRecord(t)
	refuses(t, other, words(restore+" --to "+filepath.Join(t.TempDir(), "x")), "of another installation")

	safe := filepath.Join(t.TempDir(), "keys")
	refuses(t, data, words("backup keys "+filepath.Join(data, "keys")), "do not belong beside")
	refuses(t, data, words("--backups "+backups+" backup keys "+filepath.Join(backups, "keys")), "do not belong beside")
	does(t, data, words("backup keys "+safe), "keep them apart")
	lost := filepath.Join(t.TempDir(), "gone")
	archiveKey := filepath.Join(safe, "keeper", "riverside", "keys", "archive.key")
	if err := os.Rename(archiveKey, archiveKey+".away"); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "new")
	refuses(t, lost, words(restore+" --keys "+safe+" --to "+to), "keeper/riverside/keys/archive.key")
	if err := os.Rename(archiveKey+".away", archiveKey); err != nil {
		t.Fatal(err)
	}
	does(t, lost, words(restore+" --keys "+safe+" --to "+to), "is restored in", "disable them again", "sign in anew")
	does(t, to, words("audit list --kind backup.restored"), "operator", name, "size=")
	does(t, to, words("record verify"), "1 conversations, 2 records", "as it was written")
	does(t, to, words("audit verify"), alone)
	if left, _ := filepath.Glob(to + "*"); len(left) != 1 {
		t.Errorf("beside the restored folder is %q", left)
	}
	refuses(t, lost, words(restore+" --keys "+safe+" --to "+to), "not empty")
}

// TestBackupOfPostgreSQL: this command does not copy such a database, and says
// so; it makes nothing that looks like a copy of it.
func TestBackupOfPostgreSQL(t *testing.T) {
	data, backups, _ := makeBackup(t)
	t.Setenv("SOTTO_POSTGRES", "postgres://nobody@127.0.0.1:1/none")
	refuses(t, data, words("--backups "+backups+" backup make"), "pg_dump")
	if all, err := os.ReadDir(backups); err != nil || len(all) != 1 {
		t.Errorf("there is %v, %v", all, err)
	}
}
