package control

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
)

// places are what has to be filled in a sentence: {0}, {1}.
func places(text string) []string {
	found := regexp.MustCompile(`\{\d+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// TestControlsInEveryLanguage: what the officer's list says of a control and of
// what was found, it says in every language that the page has, of the same
// things; English is said here. A text of the catalogue is its own key, so that
// whoever changes one has its translations looked at.
func TestControlsInEveryLanguage(t *testing.T) {
	texts := make(map[string]string)
	for _, c := range Catalogue() {
		for _, text := range []string{c.Title, c.Asks, c.Missing, c.Owner} {
			if text != "" {
				texts[text] = ""
			}
		}
	}
	for _, language := range []string{"es", "ar"} {
		b, err := os.ReadFile(filepath.Join("../../web/locales/controls", language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var says struct{ Findings, Texts map[string]string }
		if err := json.Unmarshal(b, &says); err != nil {
			t.Fatal(err)
		}
		inLanguage(t, language, english, says.Findings)
		inLanguage(t, language, texts, says.Texts)
	}
}

// inLanguage holds that each key has words, with the places of its English ones.
func inLanguage(t *testing.T, language string, want, says map[string]string) {
	t.Helper()
	for key, text := range want {
		if says[key] == "" {
			t.Errorf("%q has no words in %s", key, language)
		} else if !slices.Equal(places(says[key]), places(text)) {
			t.Errorf("%s: %q says other things than %q", key, says[key], text)
		}
	}
	for key := range says {
		if _, ok := want[key]; !ok {
			t.Errorf("%s has words for %q, which nothing says", language, key)
		}
	}
}

// TestEveryCodeHasWords: each code that a query says has English words with a
// place for each of its arguments, and there are no words that none says.
func TestEveryCodeHasWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]bool)
	uses := func(code string, args int) {
		said[code] = true
		if text, ok := english[code]; !ok || len(places(text)) != args {
			t.Errorf("%s is said with %d arguments; its words are %q", code, args, text)
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) == 0 {
				return true
			}
			text := ""
			if literal, ok := c.Args[0].(*ast.BasicLit); ok {
				text, _ = strconv.Unquote(literal.Value)
			}
			switch called, ok := c.Fun.(*ast.Ident); {
			case ok && called.Name == "say" && text != "":
				uses(text, len(c.Args)-1)
			case ok && called.Name == "checks":
				uses(text, 1)
			case ok && called.Name == "notApplicable":
				uses(text, 0)
			}
			if method, ok := c.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "messengers" {
				uses(text+".email", 1)
				uses(text+".sms", 1)
				uses(text+".other", 2)
			}
			return true
		})
	}
	for code := range english {
		if !said[code] {
			t.Errorf("nothing says %s", code)
		}
	}
}

// TestSaysItsWords: what a finding says is its words in English, filled in, and
// an argument that looks like a place is not filled in again.
func TestSaysItsWords(t *testing.T) {
	f := short(say("fix.chmod", "a/{0}"), say("keys.open", "{0}"), say("doctor.more", 3))
	want := api.ControlFinding{State: api.ControlShort, Says: "The key {0} is open to other users. It finds 3 more.", Fix: "chmod 0600 a/{0}"}
	if f.State != want.State || f.Says != want.Says || f.Fix != want.Fix || len(f.Words) != 2 || f.FixWords == nil || f.FixWords.Code != "fix.chmod" {
		t.Errorf("%+v", f)
	}
}
