package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// longest is how many lines a source file may have. Past 400 think; past 700
// split.
const longest = 700

// tracked returns the project's files that match, from the project's root.
func tracked(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"ls-files", "--"}, patterns...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for name := range strings.Lines(string(out)) {
		files = append(files, filepath.Join("../..", strings.TrimSpace(name)))
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil // deleted, not yet committed
	} else if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFilesAreShort(t *testing.T) {
	for _, name := range tracked(t, "*.go", "*.ts", "*.svelte", "*.css") {
		if lines := bytes.Count(read(t, name), []byte("\n")); lines > longest {
			t.Errorf("%s has %d lines: split it (at most %d)", name, lines, longest)
		}
	}
}

// TestSQLLivesInTheStore finds statements outside internal/store.
func TestSQLLivesInTheStore(t *testing.T) {
	statement := regexp.MustCompile("[`\"]\\s*(SELECT\\s+.+\\s+FROM|INSERT\\s+INTO|UPDATE\\s+\\w+\\s+SET|DELETE\\s+FROM|CREATE\\s+(TABLE|INDEX))\\s")
	for _, name := range tracked(t, "*.go") {
		if strings.Contains(name, "/internal/store/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if at := statement.Find(read(t, name)); at != nil {
			t.Errorf("%s speaks SQL (%q): it belongs in internal/store", name, at)
		}
	}
}

// TestNoGlobalState refuses init functions and package variables that could
// change: no zero-valued ones, no mutexes, no maps to be filled.
func TestNoGlobalState(t *testing.T) {
	for _, name := range tracked(t, "*.go") {
		if strings.HasSuffix(name, "test.go") {
			continue // tests, and packages that only tests import
		}
		src := read(t, name)
		if src == nil || bytes.Contains(src[:min(len(src), 200)], []byte("DO NOT EDIT")) {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init runs behind the reader's back", fset.Position(d.Pos()))
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR && !embeds(d) {
					refuseMutable(t, fset, d)
				}
			}
		}
	}
}

func refuseMutable(t *testing.T, fset *token.FileSet, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		if len(v.Values) == 0 && !embeds(v) {
			t.Errorf("%s: package variable %s is state; pass it in", fset.Position(v.Pos()), v.Names[0].Name)
		}
	}
}

// embeds reports whether a declaration is filled by go:embed.
func embeds(n ast.Node) bool {
	var doc *ast.CommentGroup
	switch n := n.(type) {
	case *ast.GenDecl:
		doc = n.Doc
	case *ast.ValueSpec:
		doc = n.Doc
	}
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed") {
			return true
		}
	}
	return false
}

// TestNothingPointsOutside finds machine paths and addresses of package
// registries, which say where the project was built and not what it is.
func TestNothingPointsOutside(t *testing.T) {
	outside := regexp.MustCompile(`"resolved":\s*"http|registry=http|GOPROXY\s*=\s*http|/home/[a-z]+/|/root/`)
	for _, name := range tracked(t, ".") {
		if strings.Contains(name, "internal/architecture/") || strings.HasSuffix(name, ".bin") {
			continue
		}
		if at := outside.Find(read(t, name)); at != nil {
			t.Errorf("%s holds %q", name, at)
		}
	}
}
