package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/archive"
)

// TestAuditExportFormats: the operator prints events or writes them to files,
// in each form, with filters; that is on record.
func TestAuditExportFormats(t *testing.T) {
	data := newAuditLog(t)
	rows, err := csv.NewReader(strings.NewReader(does(t, data, words("audit export --format csv --outcome refused")))).ReadAll()
	if err != nil || len(rows) != 530+1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for format, says := range map[string]string{"jsonl": `"kind":"call.refused"`, "ocsf": `"class_uid"`, "fhir": `"resourceType":"AuditEvent"`} {
		folder := filepath.Join(t.TempDir(), "out")
		does(t, data, []string{"audit", "export", folder, "--format", format, "--kind", "call.refused"})
		b := read(t, folder, "riverside.ndjson")
		if n := strings.Count(string(b), "\n"); n != 530 || !strings.Contains(string(b), says) {
			t.Errorf("%s: %d lines", format, n)
		}
		entries, err := os.ReadDir(folder)
		if err != nil || len(entries) != 1 {
			t.Errorf("%s leaves %d files, %v", format, len(entries), err)
		}
		if i, err := os.Stat(filepath.Join(folder, "riverside.ndjson")); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("others can read %s: %v, %v", format, i.Mode(), err)
		}
	}
	if n := strings.Count(does(t, data, words("audit export --format jsonl --category export --person=")), "format=fhir"); n != 1 {
		t.Errorf("an export is %d times on record", n)
	}
	tomorrow := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	if out := does(t, data, []string{"audit", "export", "--format", "jsonl", "--from", tomorrow}); out != "" {
		t.Errorf("tomorrow has %s", out)
	}
	yesterday := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	if out := does(t, data, []string{"audit", "export", "--format", "jsonl", "--kind", "call.refused", "--from", yesterday, "--until", tomorrow}); strings.Count(out, "\n") != 530 {
		t.Errorf("today and yesterday have %d", strings.Count(out, "\n"))
	}
	refuses(t, data, words("audit export"), "name a folder")
	refuses(t, data, words("audit export --format jsonl --practice elsewhere"), "no practice")
	refuses(t, data, words("audit export --format jsonl --patient nobody"), "--patient is none")
	refuses(t, data, words("audit export here --kind call.refused"), "go with --format")
}

// TestT40ExportsMarkWhatWasTamperedWith: an entry that was changed in the
// database, or taken out of it, is in each export as that, and nothing of what
// it says now; whatever is selected, as it may have been selected too. Who
// exports is told.
func TestT40ExportsMarkWhatWasTamperedWith(t *testing.T) {
	data := newAuditLog(t)
	tamper(t, data, "UPDATE audit_entry SET person = 'p_forged' WHERE leaf = 300")
	tamper(t, data, "UPDATE audit_entry SET kind = 'hub.started' WHERE leaf = 301")
	tamper(t, data, "DELETE FROM audit_entry WHERE leaf IN (302, 303)")
	for format, states := range map[string][]string{
		"csv":   {",damaged,", ",missing,"},
		"jsonl": {`"state":"damaged"`, `"state":"missing"`},
		"ocsf":  {`"status_code":"damaged"`, `"status_code":"missing"`},
		"fhir":  {`"outcomeDesc":"damaged"`, `"outcomeDesc":"missing"`},
	} {
		for _, selected := range []string{"", " --kind call.refused", " --kind sign-in.done"} {
			folder := filepath.Join(t.TempDir(), "out")
			var said bytes.Buffer
			if err := run(t.Context(), words("--data "+data+" audit export "+folder+" --format "+format+selected), io.Discard, &said); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(said.String(), "4 of them are not what was logged") {
				t.Errorf("%s%s: who exports is told %s", format, selected, &said)
			}
			files, err := filepath.Glob(filepath.Join(folder, "riverside.*"))
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v", files, err)
			}
			got := string(read(t, files[0]))
			for _, state := range states {
				if n := strings.Count(got, state); n != 2 {
					t.Errorf("%s%s has %s %d times, want 2", format, selected, state, n)
				}
			}
			if strings.Contains(got, "p_forged") {
				t.Errorf("%s%s says what was forged", format, selected)
			}
		}
	}
}

// TestT40AWholeLogIsGone: a practice's log that is taken out of an export is
// named by its key, also where another's is put in its place.
func TestT40AWholeLogIsGone(t *testing.T) {
	data, folder := t.TempDir(), filepath.Join(t.TempDir(), "out")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	does(t, data, []string{"practice", "apply", practiceFile(t, "riverside", "lakeside")})
	does(t, data, []string{"audit", "export", folder})
	gone := filepath.Join(folder, "lakeside")
	key := string(read(t, gone, archive.KeyFile))
	verify := []string{"audit", "verify", folder, "--key", filepath.Join(folder, "riverside", archive.KeyFile), "--key", strings.TrimSpace(key)}
	does(t, data, verify, alone)
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(key, "+")
	names(t, data, verify, "the log of the key "+name+" is not there")
	if err := os.CopyFS(gone, os.DirFS(filepath.Join(folder, "riverside"))); err != nil {
		t.Fatal(err)
	}
	names(t, data, verify, "the log of the key "+name+" is not there")
}
