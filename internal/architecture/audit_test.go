package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// unrecorded are kinds of the audit log's vocabulary that nothing records, and
// why each stays.
func unrecorded() map[string]string {
	return map[string]string{}
}

// TestEveryKindIsRecorded: the vocabulary of the audit log (45 CFR 164.312(b))
// promises nothing that the product does not write. Each kind is given to
// something in code that is no test; to be looked for, in a list or a case, or to
// be compared with, is not enough.
func TestEveryKindIsRecorded(t *testing.T) {
	kinds := auditKinds(t)
	if len(kinds) < 100 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	recorded := make(map[string]bool)
	for _, name := range tracked(t, "*.go") {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "internal/audit/") || strings.Contains(name, "internal/store/storetest/") {
			continue
		}
		src := read(t, name)
		if !strings.Contains(string(src), `"github.com/sotto-health/sotto/internal/audit"`) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		noteRecorded(file, recorded)
	}
	except := unrecorded()
	for kind := range kinds {
		why, excepted := except[kind]
		switch {
		case !recorded[kind] && !excepted:
			t.Errorf("audit.%s: nothing records it; do, or take it out of the vocabulary", kind)
		case recorded[kind] && excepted:
			t.Errorf("audit.%s is recorded: it is no exception", kind)
		case excepted && why == "":
			t.Errorf("audit.%s: say why nothing records it", kind)
		}
	}
	for kind := range except {
		if !kinds[kind] {
			t.Errorf("audit.%s is an exception and no kind", kind)
		}
	}
}

// auditKinds are the names of the vocabulary's constants.
func auditKinds(t *testing.T) map[string]bool {
	t.Helper()
	const name = "../../internal/audit/vocabulary.go"
	file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				for _, id := range spec.Names {
					kinds[id.Name] = true
				}
			}
		}
		return true
	})
	return kinds
}

// noteRecorded notes each audit.X of a file that could be what is recorded.
func noteRecorded(file *ast.File, recorded map[string]bool) {
	var look func(ast.Node) bool
	look = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			array, ok := n.Type.(*ast.ArrayType)
			return !ok || kindOf(array.Elt) != "Kind" // a list of kinds to look for
		case *ast.KeyValueExpr: // a key of a table says what a kind means
			ast.Inspect(n.Value, look)
			return false
		case *ast.CaseClause:
			for _, s := range n.Body {
				ast.Inspect(s, look)
			}
			return false
		case *ast.BinaryExpr:
			return n.Op != token.EQL && n.Op != token.NEQ
		case *ast.CallExpr: // string(audit.X) goes into a query
			to, ok := n.Fun.(*ast.Ident)
			return !ok || to.Name != "string"
		case *ast.SelectorExpr:
			if name := kindOf(n); name != "" {
				recorded[name] = true
			}
		}
		return true
	}
	ast.Inspect(file, look)
}

// kindOf is the X of audit.X, or "".
func kindOf(n ast.Node) string {
	if s, ok := n.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok && x.Name == "audit" {
			return s.Sel.Name
		}
	}
	return ""
}
