package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// constantTime is where what somebody sent is compared with what only the right
// one knows, and in how many comparisons: each takes as long whatever is wrong.
func constantTime() map[string]int {
	return map[string]int{
		"internal/attachment/attachment.go Close":      1,
		"internal/backup/manifest.go Read":             1,
		"internal/hub/challenge.go spend":              1,
		"internal/hub/contactcode.go CheckContactCode": 1,
		"internal/hub/factor.go checkRecoveryCode":     1,
		"internal/hub/match.go findRecord":             1,
		"internal/hub/matchbound.go has":               2, // address and phone number, which are facts
		"internal/oidc/oidc.go Finish":                 1,
		"internal/oidc/oidc.go Matches":                1,
		"internal/passkey/passkey.go Verify":           1,
		"internal/passkey/passkey.go VerifyKey":        1,
		"internal/password/hash.go Check":              1,
		"internal/totp/totp.go Check":                  1,
		"mls/suite/suite.go Equal":                     1, // tags of the group's protocol
	}
}

// noSecrets are comparisons in the packages of secrets whose sides only sound
// like some.
func noSecrets() map[string]string {
	return map[string]string{
		"internal/roster/roster.go Clean code": "a post code, with itself in another form",
	}
}

var (
	keepers    = regexp.MustCompile(`^(internal/(attachment|backup|httpapi|hub|messenger|oidc|passkey|password|proofing|roster|scim|store/sqlstore|totp)|mls(/.*)?)$`)
	secretName = regexp.MustCompile(`(?i)(secret|token|\bmac|[^s]code|^code|nonce|password|pin|verifier|hash|sum|seal|otp)$`)
	comparison = regexp.MustCompile(`^(bytes|slices|strings|reflect|cmp)\.(Equal|EqualFold|EqualFunc|Compare|DeepEqual)$`)
)

// TestT27SecretsAreComparedInConstantTime: a comparison that ends at the first
// byte that differs tells how many were right. Each that takes constant time
// stays, and no other compares what is named as a secret is.
func TestT27SecretsAreComparedInConstantTime(t *testing.T) {
	constant, other := make(map[string]int), make(map[string]bool)
	for _, name := range tracked(t, "*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source := read(t, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		text := func(e ast.Expr) string { return string(source[e.Pos()-file.FileStart : e.End()-file.FileStart]) }
		place := strings.TrimPrefix(filepath.ToSlash(name), "../../")
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			where := place + " " + f.Name.Name
			ast.Inspect(f, func(n ast.Node) bool {
				var sides []ast.Expr
				switch n := n.(type) {
				case *ast.CallExpr:
					if called := text(n.Fun); called == "subtle.ConstantTimeCompare" || called == "hmac.Equal" {
						constant[where]++
					} else if comparison.MatchString(called) {
						sides = n.Args
					}
				case *ast.BinaryExpr:
					if n.Op == token.EQL || n.Op == token.NEQ {
						sides = []ast.Expr{n.X, n.Y}
					}
				}
				if side := secretSide(file, sides); side != nil && keepers.MatchString(path.Dir(place)) {
					other[where+" "+text(side)] = true
				}
				return true
			})
		}
	}
	want := constantTime()
	for _, where := range slices.Sorted(maps.Keys(want)) {
		if constant[where] != want[where] {
			t.Errorf("%s compares %d times in constant time, not %d", where, constant[where], want[where])
		}
		delete(constant, where)
	}
	for where := range constant {
		t.Errorf("%s compares in constant time: list it", where)
	}
	for what := range other {
		if noSecrets()[what] == "" {
			t.Errorf("%s is compared in a time that tells of it: use crypto/subtle, or list why it is no secret", what)
		}
	}
	for what := range noSecrets() {
		if !other[what] {
			t.Errorf("%s is compared no more", what)
		}
	}
}

// secretSide returns the side of a comparison that is named as a secret is, if
// no side is a constant.
func secretSide(file *ast.File, sides []ast.Expr) (found ast.Expr) {
	for _, side := range sides {
		name := ""
		switch x := inside(side).(type) {
		case *ast.BasicLit, *ast.CompositeLit:
			return nil
		case *ast.Ident:
			if name = x.Name; name == "nil" || name == "none" || ast.IsExported(name) {
				return nil
			}
		case *ast.SelectorExpr:
			name = x.Sel.Name
			if p, ok := x.X.(*ast.Ident); ok && slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return path.Base(strings.Trim(i.Path.Value, `"`)) == p.Name }) {
				return nil
			}
		}
		if secretName.MatchString(name) {
			found = side
		}
	}
	return found
}

// inside is what an expression is a part, a conversion or the content of.
func inside(e ast.Expr) ast.Expr {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return inside(x.X)
	case *ast.IndexExpr:
		return inside(x.X)
	case *ast.SliceExpr:
		return inside(x.X)
	case *ast.StarExpr:
		return inside(x.X)
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.Ident); len(x.Args) == 1 && (!ok || f.Name != "len") {
			return inside(x.Args[0])
		}
	}
	return e
}
