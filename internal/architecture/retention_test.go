package architecture

import (
	"regexp"
	"strings"
	"testing"
)

// kept are the tables of the audit log: entries, the tree over them, the log's
// head, what waits to be numbered, and what waited and could not be read.
const kept = `audit_(?:entry|tile|log|pending|unreadable)\b`

// allowed are the statements that may change rows of these tables, and why. What
// an entry says may be erased one day; its row, number and commitment stay, and
// the statement that erases will have to be named here.
func allowed() map[string]string {
	return map[string]string{
		"DELETE FROM audit_pending":                    "events that wait are moved into the log, or kept apart if they cannot be read",
		"UPDATE audit_log SET":                         "the log's head grows",
		"ALTER TABLE audit_pending":                    "adds since when an event waits",
		"INSERT INTO audit_tile ON CONFLICT DO UPDATE": "the newest, partial tile gets more hashes",
	}
}

// TestNothingDeletesTheLog holds the years for which the audit log is kept (45 CFR
// 164.316(b)(2)(i)): no statement of the store and no migration deletes, changes
// or replaces what the log holds, but for those that are named above; and none
// is made from a table's name that this test could not read.
func TestNothingDeletesTheLog(t *testing.T) {
	changes := map[string]*regexp.Regexp{
		"DELETE FROM ":  regexp.MustCompile(`(?i)\bDELETE\s+FROM\s+(` + kept + `)`),
		"UPDATE ":       regexp.MustCompile(`(?i)\bUPDATE\s+(?:ONLY\s+|OR\s+\w+\s+)?(` + kept + `)`),
		"TRUNCATE ":     regexp.MustCompile(`(?i)\bTRUNCATE\s+(?:TABLE\s+)?[^;` + "`" + `"]*?\b(` + kept + `)`),
		"DROP TABLE ":   regexp.MustCompile(`(?i)\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(` + kept + `)`),
		"ALTER TABLE ":  regexp.MustCompile(`(?i)\bALTER\s+TABLE\s+(` + kept + `)`),
		"REPLACE INTO ": regexp.MustCompile(`(?i)\bREPLACE\s+INTO\s+(` + kept + `)`),
		"MERGE INTO ":   regexp.MustCompile(`(?i)\bMERGE\s+INTO\s+(` + kept + `)`),
		"TRIGGER ON ":   regexp.MustCompile(`(?i)\bTRIGGER\b[^;]*?\bON\s+(` + kept + `)`),
	}
	upsert := regexp.MustCompile(`(?is)INSERT\s+INTO\s+(` + kept + `)[^;` + "`" + `]*?ON\s+CONFLICT[^;` + "`" + `]*?DO\s+UPDATE`)
	unread := regexp.MustCompile("(?i)\\b(?:DELETE\\s+FROM|TRUNCATE|DROP\\s+TABLE|UPDATE|REPLACE\\s+INTO)\\s*(?:[`\"]\\s*\\+|%[sv])")
	why, used, files := allowed(), make(map[string]bool), 0
	found := func(name, statement string) {
		if why[statement] == "" {
			t.Errorf("%s: %s ...: the audit log is kept", name, statement)
		}
		used[statement] = true
	}
	for _, name := range tracked(t, "internal/store/*.go", "internal/store/*.sql") {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/storetest/") {
			continue
		}
		files++
		src := string(read(t, name))
		for act, pattern := range changes {
			for _, m := range pattern.FindAllStringSubmatch(src, -1) {
				statement := act + m[1]
				if act == "UPDATE " {
					statement += " SET"
				}
				found(name, statement)
			}
		}
		for _, m := range upsert.FindAllStringSubmatch(src, -1) {
			found(name, "INSERT INTO "+m[1]+" ON CONFLICT DO UPDATE")
		}
		if at := unread.FindString(src); at != "" {
			t.Errorf("%s: %q: which table that changes must be legible", name, at)
		}
	}
	if files < 60 {
		t.Errorf("only %d files of the store were read", files)
	}
	for statement := range why {
		if !used[statement] {
			t.Errorf("%s is allowed, and nothing does it", statement)
		}
	}
}
