package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// leaves says which events each command leaves, or "-" and why it leaves none, as
// the table of that name does for the API's routes (45 CFR 164.312(b)).
func leaves() map[string]string {
	return map[string]string{
		"audit export":        "audit.exported",
		"audit list":          "audit.read",
		"audit stream status": "- how the sending goes, and nothing of what is sent",
		"audit settle":        "audit-watcher.settled audit-row.set-aside",
		"audit stream test":   "- sends an event that says it is a trial, and nothing of the log",
		"audit verify":        "- reads every entry and shows none but where the log is damaged; the result is kept for the controls",
		"audit watch":         "- a monitor on any machine: it sees what whoever has the log's address sees",
		"audit witness":       "- of other logs, on a machine of its own",
		"backup keys":         "keys.copied",
		"backup list":         "- reads the folder of backups alone, where there may be no installation",
		"backup make":         "backup.made",
		"backup restore":      "backup.restored",
		"backup verify":       "backup.verified",
		"bench":               "- makes an installation of its own, for a while",
		"consent export":      "consents.exported",
		"consent verify":      "consents.listed",
		"controls history":    "controls.read",
		"controls key":        "key.made",
		"controls pack":       "evidence.exported",
		"controls show":       "controls.looked-at",
		"controls verify":     "- needs no installation",
		"demo code":           "- the demo practice's made-up people alone",
		"demo sent":           "- the demo practice's made-up people alone",
		"directory revoke":    "directory-token.revoked",
		"directory token":     "directory-token.made",
		"directory tokens":    "- which tokens there are, and of no person; what is done by one is recorded",
		"doctor":              "- what is wrong with the machine, of no person; it must work where the log does not",
		"inventory":           "controls.read",
		"key replace":         "key.replaced",
		"patient add":         "roster.changed",
		"patient import":      "roster.changed",
		"patient pin":         "patient.pin-issued",
		"practice apply":      "practice.configured person.added set-up-link.made",
		"practice pin":        "- a public key's hash",
		"record list":         "record.read",
		"record show":         "record.read",
		"record verify":       "record.verified",
		"serve":               "hub.started hub.stopped",
		"staff add":           "person.added set-up-link.made",
		"staff approve":       "grant.approved",
		"staff disable":       "person.disabled",
		"staff enable":        "person.enabled",
		"staff identity":      "identity.linked",
		"staff link":          "set-up-link.made person.readmitted",
		"staff list":          "people.listed",
		"staff refuse":        "grant.refused",
		"staff requests":      "people.listed",
		"version":             "- of the program",
	}
}

// TestEveryCommandIsAudited: each command of the operator's says which events it
// leaves, or why none; and those that run on an installation of a practice do.
func TestEveryCommandIsAudited(t *testing.T) {
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(leaves())
	for _, leaf := range parser.Model.Leaves(false) {
		var path []string
		for n := leaf; n.Type == kong.CommandNode; n = n.Parent {
			path = append([]string{n.Name}, path...)
		}
		command := strings.Join(path, " ")
		says := left[command]
		delete(left, command)
		if why, none := strings.CutPrefix(says, "- "); none && why != "" {
			continue
		}
		if says == "" {
			t.Errorf("%s is not in the table: say which events it leaves, or why none", command)
		}
		for _, kind := range strings.Fields(says) {
			if _, known := audit.SpecOf(audit.Kind(kind)); !known {
				t.Errorf("%s leaves %q, which is no kind", command, kind)
			}
		}
	}
	for command := range left {
		t.Errorf("%s is in the table, and no command", command)
	}
}

// requestOf runs a command, which may fail, and returns the request id that it
// printed with its outcome.
func requestOf(t *testing.T, data, line string) string {
	t.Helper()
	var problems bytes.Buffer
	_ = run(t.Context(), append([]string{"--data", data}, words(line)...), io.Discard, &problems) // controls fall short
	found := regexp.MustCompile(`(?m)^In the audit log this is request ([0-9a-f]{20})\.$`).FindStringSubmatch(problems.String())
	if found == nil {
		t.Errorf("sotto %s prints no request id:\n%s", line, problems.String())
		return ""
	}
	return found[1]
}

// saysWho fails unless the newest of a kind is the command's, and says which
// account of which machine ran it.
func saysWho(t *testing.T, line, request, listed string) {
	t.Helper()
	var page api.AuditPage
	if err := json.Unmarshal([]byte(listed), &page); err != nil || len(page.Events) == 0 {
		t.Errorf("sotto %s: %d events: %v", line, len(page.Events), err)
		return
	}
	e := &page.Events[0]
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	machine, _ := os.Hostname()
	if who := "os:" + account.Username + ",sudo=ops"; e.Request != request || e.Person != who || e.Address != cmp.Or(machine, "local") || e.Role != "operator" {
		t.Errorf("sotto %s, request %s, is in the log as %s %q from %q, request %s", line, request, e.Role, e.Person, e.Address, e.Request)
	}
}

// TestOperatorsActsAreRecorded: what the command line shows and does is in the
// log, as what the pages show and do is; and the record is not shown where it
// cannot be written down.
func TestOperatorsActsAreRecorded(t *testing.T) {
	t.Setenv("SUDO_USER", "ops")
	data, id := newRecord(t)
	for _, run := range []struct{ command, line string }{
		{"audit export", "audit export " + filepath.Join(t.TempDir(), "log")},
		{"backup keys", "backup keys " + filepath.Join(t.TempDir(), "keys")},
		{"consent export", "consent export riverside"},
		{"controls show", "controls"},
		{"controls history", "controls history"},
		{"controls pack", "controls pack " + filepath.Join(t.TempDir(), "evidence.zip")},
		{"directory token", "directory --practice riverside token Entra"},
		{"inventory", "inventory"},
		{"record list", "record list"},
		{"record show", "record show --purpose payment " + id},
		{"record verify", "record verify"},
		{"staff add", "staff --practice riverside add ana.cruz --title Nurse --name Ana"},
		{"staff disable", "staff --practice riverside disable samuel.lee"},
		{"staff enable", "staff --practice riverside enable samuel.lee"},
		{"staff link", "staff --practice riverside link dana.ortiz"},
		{"staff list", "staff --practice riverside list"},
		{"staff requests", "staff --practice riverside requests"},
	} {
		kinds := strings.Fields(leaves()[run.command])
		before := make([]int, len(kinds))
		for i, kind := range kinds {
			before[i] = len(does(t, data, words("audit list --json --kind "+kind)))
		}
		request := requestOf(t, data, run.line)
		for i, kind := range kinds {
			after := does(t, data, words("audit list --json --kind "+kind))
			if len(after) <= before[i] {
				t.Errorf("sotto %s leaves no %s", run.line, kind)
			}
			saysWho(t, run.line, request, after)
		}
	}

	// Whoever the keeper serves reads this one.
	if issued := does(t, data, words("audit list --json --kind certificate.issued"), `"role": "operator"`, `"request"`); strings.Contains(issued, "os:") || strings.Contains(issued, `"address"`) {
		t.Errorf("the keeper's certificate says whose account made it: %s", issued)
	}

	// A hub with PostgreSQL has no database in its folder.
	if err := os.Remove(filepath.Join(data, "hub", "hub.db")); err != nil {
		t.Fatal(err)
	}
	refuses(t, data, words("record --unrecorded show --purpose operations "+id), "set SOTTO_POSTGRES")

	if err := os.RemoveAll(filepath.Join(data, "hub")); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"record ", "record --hub http://127.0.0.1:1 "} {
		for _, read := range []string{"list", "verify", "show --purpose operations " + id} {
			refuses(t, data, words(where+read), "nothing of it is shown")
		}
		does(t, data, words(where+"--unrecorded show --purpose operations "+id), "my knee hurts")
	}
}
