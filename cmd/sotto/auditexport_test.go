package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
