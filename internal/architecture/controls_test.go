package architecture

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/control"
)

// TestControlsNameRealTests fails if the control map names a test that is not
// there: what proves a control must exist. With -v it prints the controls and
// the cases of the threat model that their tests carry.
func TestControlsNameRealTests(t *testing.T) {
	var names []string
	scripts := make(map[string]string)
	for _, file := range tracked(t, "*_test.go", "*.test.ts", "*.test.mjs") {
		src := string(read(t, file))
		scripts[strings.TrimPrefix(file, "../../")] = src
		for _, match := range goTest.FindAllStringSubmatch(src, -1) {
			names = append(names, match[1])
		}
	}
	for _, c := range control.Catalogue() {
		t.Logf("%-24s %s", c.ID, strings.Join(c.Threats, ", "))
		for _, test := range c.Tests {
			if file, title, ok := strings.Cut(test, ": "); ok {
				whole := regexp.MustCompile("\\btest\\(\\s*[\"'`]" + regexp.QuoteMeta(title) + "[\"'`],")
				if !whole.MatchString(scripts[file]) {
					t.Errorf("%s: %s has no test %q", c.ID, file, title)
				}
			} else if !slices.Contains(names, test) {
				t.Errorf("%s: there is no test %s", c.ID, test)
			}
		}
	}
}
