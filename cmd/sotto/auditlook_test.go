package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/doctor"
)

// looks returns what the control map says of a control, and doctor of a check.
func looks(t *testing.T, data, control, check string) (state, level string) {
	t.Helper()
	out, _ := sotto(t, data, "controls", "--json") // others fall short
	var seen struct{ Run api.ControlRun }
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&seen); err != nil {
		t.Fatal(err, out)
	}
	i := slices.IndexFunc(seen.Run.Results, func(r api.ControlResult) bool { return r.ID == control })
	out, _ = sotto(t, data, "doctor", "--json")
	var report doctor.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&report); err != nil {
		t.Fatal(err, out)
	}
	j := slices.IndexFunc(report.Findings, func(f doctor.Finding) bool { return f.Check == check })
	if i < 0 || j < 0 {
		t.Fatalf("no %s or no %s", control, check)
	}
	return seen.Run.Results[i].State, report.Findings[j].Level
}

// TestT40ALookReadsTheLog: the control map and doctor read the log themselves.
// They say that it is whole once there is something to compare it with, and no
// longer after any change of its rows, or after an older copy was put back.
func TestT40ALookReadsTheLog(t *testing.T) {
	data := newAuditLog(t)
	expect := func(state, level string) {
		t.Helper()
		if s, l := looks(t, data, "528", "audit-log:riverside"); s != state || l != level {
			t.Errorf("the control is %q and the check %q, want %q and %q", s, l, state, level)
		}
	}
	expect(api.ControlDecision, doctor.OK) // a log that was made anew would look the same
	database := filepath.Join(data, "hub", "hub.db")
	old := read(t, database)
	happens(t, data, 20)
	does(t, data, words("audit verify"), "as it was written")
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
	happens(t, data, 90) // and it goes on, past what was seen
	expect(api.ControlShort, doctor.Fail)

	write(t, kept, database)
	expect(api.ControlMet, doctor.OK)
	tamper(t, data, tamperings()["edit"].do)
	names(t, data, words("audit verify"), "entry 300 was changed")
	write(t, kept, database)
	expect(api.ControlShort, doctor.Fail) // until it is checked again
	does(t, data, words("audit verify"))
	expect(api.ControlMet, doctor.OK)
	otherAuditKey(t, data)
	expect(api.ControlShort, doctor.Fail)
}
