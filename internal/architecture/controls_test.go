package architecture

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/control"
)

// scriptTitle is a test of a script: one that is commented out is none, and a
// title that is computed cannot be named.
var scriptTitle = regexp.MustCompile("(?m)^[ \\t]*(?:await t\\.)?test\\(\\s*(?:\"([^\"\\\\]+)\"|'([^'\\\\]+)'|`([^`\\\\$]+)`),")

// proofs counts the project's tests by what a control calls them:
// "internal/hub.TestX" of a Go package, "e2e/x.test.mjs: title" of a script.
func proofs(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, file := range tracked(t, "*_test.go", "*.test.ts", "*.test.mjs") {
		src, name := string(read(t, file)), filepath.ToSlash(strings.TrimPrefix(file, "../../"))
		if filepath.Ext(file) == ".go" {
			for _, match := range goTest.FindAllStringSubmatch(src, -1) {
				found[filepath.ToSlash(filepath.Dir(name))+"."+match[1]]++
			}
			continue
		}
		for _, match := range scriptTitle.FindAllStringSubmatch(src, -1) {
			found[name+": "+match[1]+match[2]+match[3]]++
		}
	}
	return found
}

// TestControlsNameRealTests fails if the control map names a test that is not
// there, in that package or file and by that whole title, or that could be one of
// two. With -v it prints the controls and the cases of the threat model that
// their tests carry.
func TestControlsNameRealTests(t *testing.T) {
	tests := proofs(t)
	for _, c := range control.Catalogue() {
		t.Logf("%-24s %s", c.ID, strings.Join(c.Threats, ", "))
		for _, test := range c.Tests {
			if n := tests[test]; n != 1 {
				t.Errorf("%s: there are %d tests %q", c.ID, n, test)
			}
		}
	}
	for _, other := range []string{
		"TestMatrix",              // of no package
		"internal/hub.TestMatrix", // real, of another package
		"internal/policy.TestMatri",
		"e2e/lock.test.mjs: a killed server loses nothing", // real, of another file
		"e2e/story.test.mjs: a killed server",              // only how it begins
	} {
		if tests[other] != 0 {
			t.Errorf("%q counts as a test's name", other)
		}
	}
}
