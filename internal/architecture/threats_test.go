package architecture

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestThreatsHaveTests holds docs/threat-model.md to the code: each case in its
// table names tests that are there, and each case that a test names is in the
// table. With -v it prints the cases and what covers them.
func TestThreatsHaveTests(t *testing.T) {
	// What the project promises to hold from the first release on.
	promised := []string{"T01", "T02", "T03", "T04", "T05", "T07", "T08", "T22", "T24"}

	tests := threatTests(t)
	rows := threatRows(t)
	for _, id := range promised {
		if _, ok := rows[id]; !ok {
			t.Errorf("docs/threat-model.md has no row for %s", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tests.byThreat)) {
		if _, ok := rows[id]; !ok {
			t.Errorf("%s is tested by %s and has no row in docs/threat-model.md", id, strings.Join(tests.byThreat[id], ", "))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		named := rows[id]
		if len(named) == 0 {
			t.Errorf("docs/threat-model.md: the row of %s names no test", id)
		}
		for _, name := range named {
			if !slices.ContainsFunc(tests.names, func(test string) bool { return strings.HasPrefix(test, name) }) {
				t.Errorf("docs/threat-model.md: %s names %s, which no test is called", id, name)
			}
		}
		covering := slices.Concat(named, tests.byThreat[id])
		slices.Sort(covering)
		t.Logf("%-4s %s", id, strings.Join(withoutPrefixes(slices.Compact(covering)), ", "))
	}
}

// withoutPrefixes drops a name that only begins the next one.
func withoutPrefixes(sorted []string) []string {
	var kept []string
	for i, name := range sorted {
		if i+1 < len(sorted) && strings.HasPrefix(sorted[i+1], name) {
			continue
		}
		kept = append(kept, name)
	}
	return kept
}

// threats are the tests of the project and the cases that their names carry.
type threats struct {
	names    []string
	byThreat map[string][]string
}

var (
	threatID   = regexp.MustCompile(`T[0-9]{2}[a-f]?`)
	goTest     = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	scriptTest = regexp.MustCompile(`(?m)^\s*test\(["` + "`" + `](T[0-9]{2}[a-f]?: [^"` + "`" + `]+)`)
	threatRow  = regexp.MustCompile(`(?m)^\| (T[0-9]{2}[a-f]?) \|.*\| ([^|]*) \|$`)
	testName   = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
)

func threatTests(t *testing.T) threats {
	found := threats{byThreat: make(map[string][]string)}
	for _, file := range tracked(t, "*_test.go", "*.test.ts", "*.test.mjs") {
		pattern := goTest
		if filepath.Ext(file) != ".go" {
			pattern = scriptTest
		}
		for _, match := range pattern.FindAllStringSubmatch(string(read(t, file)), -1) {
			found.names = append(found.names, match[1])
			if id := threatID.FindString(match[1]); id != "" {
				found.byThreat[id] = append(found.byThreat[id], match[1])
			}
		}
	}
	return found
}

// threatRows returns the tests that each row of the threat model's table names.
func threatRows(t *testing.T) map[string][]string {
	rows := make(map[string][]string)
	for _, row := range threatRow.FindAllStringSubmatch(string(read(t, "../../docs/threat-model.md")), -1) {
		for _, name := range testName.FindAllStringSubmatch(row[2], -1) {
			rows[row[1]] = append(rows[row[1]], name[1])
		}
		if rows[row[1]] == nil {
			rows[row[1]] = []string{}
		}
	}
	return rows
}
