package rule

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../.." // of the project

// TestEveryRuleHasATest holds docs/mls-validation.md and the code together.
func TestEveryRuleHasATest(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "mls-validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	inCode, inTests := make(map[string]bool), make(map[string]bool)
	functions, named := make(map[string]bool), regexp.MustCompile(`rule\.(?:Broken|Because)\("([^"]+)"`)
	function, quoted := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`), regexp.MustCompile(`"(\d+[\d.]*-e?\d+)"`)
	err = filepath.WalkDir(filepath.Join(root, "mls"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, "_test.go") {
			for _, m := range named.FindAllSubmatch(text, -1) {
				inCode[string(m[1])] = true
			}
			return nil
		}
		for _, m := range function.FindAllSubmatch(text, -1) {
			functions[string(m[1])] = true
		}
		for _, m := range quoted.FindAllSubmatch(text, -1) {
			inTests[string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	inPage := make(map[string]bool)
	row := regexp.MustCompile("(?m)^\\| (\\d+[\\d.]*-e?\\d+) \\|.*\\| (`.*`) \\|$")
	for _, m := range row.FindAllSubmatch(page, -1) {
		inPage[string(m[1])] = true
	}
	for name := range inCode {
		if !inPage[name] {
			t.Errorf("rule %s is in the code and not on the page", name)
		}
		if !inTests[name] {
			t.Errorf("rule %s is in no test", name)
		}
	}
	for name := range inPage {
		if !inCode[name] {
			t.Errorf("rule %s is on the page and not in the code", name)
		}
	}
	for _, m := range regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllSubmatch(page, -1) {
		if !functions[string(m[1])] {
			t.Errorf("%s is on the page and nowhere else", m[1])
		}
	}
	if len(inPage) < 60 {
		t.Errorf("only %d rules found on the page", len(inPage))
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("the cause")
	var broken *ValidationError
	if err := Because("1-2", cause, "leaf %d", 3); !errors.Is(err, cause) || !errors.As(err, &broken) || err.Error() != "mls: rule 1-2: leaf 3: the cause" {
		t.Errorf("%v", err)
	}
	if err := Broken("1-2", "leaf %d", 3); errors.Unwrap(err) != nil || err.Error() != "mls: rule 1-2: leaf 3" {
		t.Errorf("%v", err)
	}
}
