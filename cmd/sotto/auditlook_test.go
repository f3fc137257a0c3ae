package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/installation"
)

// looks returns what the control map says of a piece of evidence, and doctor of a
// check.
func looks(t *testing.T, data, evidence, check string) (state, level string) {
	t.Helper()
	out, _ := sotto(t, data, "controls", "--json") // others fall short
	var seen struct{ Run api.ControlRun }
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&seen); err != nil {
		t.Fatal(err, out)
	}
	for _, r := range seen.Run.Results {
		for _, f := range r.Findings {
			if f.Evidence == evidence {
				state = f.State
			}
		}
	}
	out, _ = sotto(t, data, "doctor", "--json")
	var report doctor.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&report); err != nil {
		t.Fatal(err, out)
	}
	j := slices.IndexFunc(report.Findings, func(f doctor.Finding) bool { return f.Check == check })
	if state == "" || j < 0 {
		t.Fatalf("no %s or no %s", evidence, check)
	}
	return state, report.Findings[j].Level
}

// TestT40ALookReadsTheLog: the control map and doctor read the log themselves.
// They say that it is whole once there is something to compare it with, and no
// longer after any change of its rows, or after an older copy was put back.
func TestT40ALookReadsTheLog(t *testing.T) {
	data := newAuditLog(t)
	expect := func(state, level string) {
		t.Helper()
		if s, l := looks(t, data, "audit-log", "audit-log:riverside"); s != state || l != level {
			t.Errorf("the evidence is %q and the check %q, want %q and %q", s, l, state, level)
		}
	}
	expect(api.ControlDecision, doctor.OK) // a log that was made anew would look the same
	database := filepath.Join(data, "hub", "hub.db")
	old := read(t, database)
	happens(t, data, 20)
	does(t, data, words("audit verify"), alone)
	expect(api.ControlMet, doctor.OK)
	kept := read(t, database)
	for name, c := range tamperings() {
		t.Run(name, func(t *testing.T) {
			write(t, kept, database)
			tamper(t, data, c.do)
			expect(api.ControlShort, doctor.Fail)
		})
	}
	write(t, old, database)
	expect(api.ControlShort, doctor.Fail)
	names(t, data, words("audit verify"), "the log has shrunk to", "(that the last whole check kept)")
	expect(api.ControlShort, doctor.Fail)
	happens(t, data, 90) // and it goes on, past what was seen
	expect(api.ControlShort, doctor.Fail)
	names(t, data, words("audit verify"), "the log forked from it", "(that the last whole check kept)")
	expect(api.ControlShort, doctor.Fail)

	write(t, kept, database)
	does(t, data, words("audit verify"), "as it was written")
	expect(api.ControlMet, doctor.OK)
	tamper(t, data, tamperings()["edit"].do)
	names(t, data, words("audit verify"), "entry 300 was changed")
	write(t, kept, database)
	expect(api.ControlShort, doctor.Fail) // until it is checked again
	does(t, data, words("audit verify"))
	expect(api.ControlMet, doctor.OK)
	otherAuditKey(t, data)
	expect(api.ControlShort, doctor.Fail)
	names(t, data, words("audit verify"), "that the last whole check kept is not signed by the log's key")
	expect(api.ControlShort, doctor.Fail)
}

// TestT40TheLastCheckIsSettled: that an older copy was put back is named by
// verify until the operator says why, in the log, and by doctor until the log was
// checked anew.
func TestT40TheLastCheckIsSettled(t *testing.T) {
	data := newAuditLog(t)
	database, settle := filepath.Join(data, "hub", "hub.db"), words("audit settle last-check --reason backup-restored")
	old := read(t, database)
	happens(t, data, 20)
	does(t, data, words("audit verify"), alone)
	refuses(t, data, settle, "no log contradicts last-check")
	write(t, old, database)
	for range 2 {
		names(t, data, words("audit verify"), "the log has shrunk to")
	}
	does(t, data, settle, "recorded there")
	refuses(t, data, settle, "no log contradicts last-check")
	does(t, data, words("audit list --kind audit-watcher.settled"), "last-check", "backup-restored")
	if _, level := looks(t, data, "audit-log", "audit-log:riverside"); level != doctor.Fail {
		t.Errorf("doctor is %q before the log was checked anew", level)
	}
	does(t, data, words("audit verify"), alone)
	if _, level := looks(t, data, "audit-log", "audit-log:riverside"); level != doctor.OK {
		t.Errorf("doctor is %q", level)
	}
}

// TestT40VerifyReadsWhatWasPublished: verify of the live log compares it with the
// heads and the archive that a server let out, unasked.
func TestT40VerifyReadsWhatWasPublished(t *testing.T) {
	for name, which := range map[string]string{installation.Checkpoints: "published", installation.LogArchive: "archived"} {
		data, folder := newAuditLog(t), t.TempDir()
		database := filepath.Join(data, "hub", "hub.db")
		old := read(t, database)
		happens(t, data, 20)
		export(t, data, folder)
		parts := []installation.LogPart{{Name: name, Folder: folder}}
		write(t, marshal(t, parts), data, "hub", "audit-parts.json")
		does(t, data, words("audit verify"), "as it was written")
		if err := os.RemoveAll(filepath.Join(data, "hub", "audit-verified")); err != nil {
			t.Fatal(err)
		}
		write(t, old, database)
		names(t, data, words("audit verify"), "the log has shrunk to", "(that was "+which+")")
		if name == installation.LogArchive {
			names(t, data, words("audit verify"), " were dropped (as "+folder)
		}
		otherAuditKey(t, data)
		names(t, data, words("audit verify"), "that was "+which+" is not signed by the log's key")
	}
}
