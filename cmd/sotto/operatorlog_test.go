package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOperatorsLooksAreRecorded: what the command line shows of the controls, the
// inventory and the record is in the log, as what the pages show is; and the
// record is not shown where it cannot be written down.
func TestOperatorsLooksAreRecorded(t *testing.T) {
	data, id := newRecord(t)
	count := func(kind string, args ...string) {
		t.Helper()
		list := words("audit list --json --kind " + kind)
		before := does(t, data, list)
		_, _ = sotto(t, data, args...) // controls fall short
		if after := does(t, data, list); len(after) <= len(before) {
			t.Errorf("sotto %v leaves no %s", args, kind)
		}
	}
	count("controls.looked-at", "controls")
	count("controls.read", "controls", "history")
	count("controls.read", "inventory")
	count("evidence.exported", "controls", "pack", filepath.Join(t.TempDir(), "evidence.zip"))
	count("record.read", "record", "list")
	count("record.read", "record", "show", id)

	// A hub with PostgreSQL has no database in its folder.
	if err := os.Remove(filepath.Join(data, "hub", "hub.db")); err != nil {
		t.Fatal(err)
	}
	refuses(t, data, words("record --unrecorded show "+id), "set SOTTO_POSTGRES")

	if err := os.RemoveAll(filepath.Join(data, "hub")); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"record ", "record --hub http://127.0.0.1:1 "} {
		for _, read := range []string{"list", "verify", "show " + id} {
			refuses(t, data, words(where+read), "nothing of it is shown")
		}
		does(t, data, words(where+"--unrecorded show "+id), "my knee hurts")
	}
}
