package architecture

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asvsItems are those of levels 1 and 2 in ASVS 5.0.0: section to its numbers.
func asvsItems() map[string][]int {
	to := func(first, last int) (all []int) {
		for n := first; n <= last; n++ {
			all = append(all, n)
		}
		return all
	}
	return map[string][]int{
		"6.1": to(1, 3), "6.2": to(1, 12), "6.3": to(1, 4), "6.4": to(1, 4), "6.5": to(1, 5), "6.6": to(1, 3), "6.8": to(1, 4),
		"7.1": to(1, 3), "7.2": to(1, 4), "7.3": to(1, 2), "7.4": to(1, 5), "7.5": to(1, 2), "7.6": to(1, 2),
		"8.1": to(1, 2), "8.2": to(1, 3), "8.3": to(1, 1), "8.4": to(1, 1),
	}
}

var (
	asvsRow   = regexp.MustCompile(`(?m)^\| ([0-9][^|]*) \| ([^|]*) \| ([^|]*) ?\|$`)
	asvsRange = regexp.MustCompile(`^(\d+\.\d+)\.(\d+)(?: to (\d+\.\d+)\.(\d+))?$`)
	docLink   = regexp.MustCompile(`\]\((decisions/[^)#]+|operate\.md)`)
	anyTest   = regexp.MustCompile("`(([Tt]est|Fuzz)[A-Z][A-Za-z0-9_]*)`")
	anyFile   = regexp.MustCompile("`(e2e/[a-z.]+|internal/[a-z/]+)`")
	goHelper  = regexp.MustCompile(`(?m)^func (test[A-Z][A-Za-z0-9_]+)\(t`)
)

// TestASVSIsComplete holds docs/asvs.md to the standard and to the code: each
// item of levels 1 and 2 of V6, V7 and V8 has its row, and each row names tests that
// are there, or says why it does not apply.
func TestASVSIsComplete(t *testing.T) {
	doc := string(read(t, "../../docs/asvs.md"))
	tests := threatTests(t).names
	for _, file := range tracked(t, "internal/store/storetest/*.go") {
		for _, m := range goHelper.FindAllStringSubmatch(string(read(t, file)), -1) {
			tests = append(tests, m[1])
		}
	}
	for _, m := range anyTest.FindAllStringSubmatch(doc, -1) {
		if !slices.Contains(tests, m[1]) {
			t.Errorf("docs/asvs.md names %s, which no test is called", m[1])
		}
	}
	for _, m := range anyFile.FindAllStringSubmatch(doc, -1) {
		if _, err := os.Stat("../../" + m[1]); err != nil {
			t.Errorf("docs/asvs.md names %s: %v", m[1], err)
		}
	}
	for _, m := range docLink.FindAllStringSubmatch(doc, -1) {
		if _, err := os.Stat("../../docs/" + m[1]); err != nil {
			t.Errorf("docs/asvs.md links to %s: %v", m[1], err)
		}
	}
	covered := make(map[string]bool)
	for _, row := range asvsRow.FindAllStringSubmatch(doc, -1) {
		if strings.HasPrefix(row[3], "`e2e/") {
			t.Errorf("the row of %s names a file of stories alone, and not which story", row[1])
		}
		if evidence := row[2] + row[3]; !anyTest.MatchString(evidence) && !anyFile.MatchString(evidence) && !docLink.MatchString(evidence) &&
			!strings.Contains(evidence, "not applicable, because") && !strings.Contains(evidence, "there are none") {
			t.Errorf("the row of %s names no test, and not why none is needed", row[1])
		}
		for _, one := range strings.Split(row[1], ", ") {
			m := asvsRange.FindStringSubmatch(one)
			if m == nil {
				t.Errorf("row %q: %q is no item", row[1], one)
				continue
			}
			first, _ := strconv.Atoi(m[2])
			last := first
			if m[4] != "" {
				last, _ = strconv.Atoi(m[4])
			}
			for n := first; n <= last; n++ {
				covered[fmt.Sprintf("%s.%d", m[1], n)] = true
			}
		}
	}
	items := asvsItems()
	for _, section := range slices.Sorted(maps.Keys(items)) {
		for _, n := range items[section] {
			if item := fmt.Sprintf("%s.%d", section, n); !covered[item] {
				t.Errorf("docs/asvs.md has no row for %s", item)
			}
		}
	}
}
