package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sotto-health/sotto"

// A listed package is what `go list` says of one of ours.
type listed struct {
	ImportPath string
	Dir        string
	Doc        string
	Name       string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

func (p listed) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,Name,Imports,Deps,GoFiles"}, patterns...)...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestHubIsBlind fails if the hub's binary comes to hold code that can open
// what members seal (promise 1, threat T01).
func TestHubIsBlind(t *testing.T) {
	canRead := []string{
		module + "/mls", // Group: key schedule, secret tree, HPKE open
		module + "/mls/internal/secret",
		module + "/internal/attachment",
		module + "/internal/content",
		module + "/internal/device",
		module + "/internal/keeper",
		module + "/internal/record",
	}
	for _, hub := range list(t, "./cmd/sotto-hub", "./internal/hub/...", "./internal/httpapi/...") {
		for _, dep := range hub.Deps {
			if slices.Contains(canRead, dep) {
				t.Errorf("%s imports %s: only members may read content", hub.path(), dep)
			}
		}
		// The standard library's TLS links crypto/hpke for itself; we may not.
		if slices.Contains(hub.Imports, "crypto/hpke") {
			t.Errorf("%s opens HPKE", hub.path())
		}
	}
}

// TestDirectionOfDependency holds the arrows of docs/design.md: each package
// on the left may import no package of ours but those on the right.
func TestDirectionOfDependency(t *testing.T) {
	may := map[string][]string{
		"api":                  {},
		"mls":                  {"mls"},
		"internal/certificate": {"mls/suite", "internal/vector"},
		"internal/consent":     {"api", "internal/certificate", "internal/vector"},
		"internal/content":     {},
		"internal/attachment":  {},
		"internal/audit":       {},
		"internal/auditlog":    {"internal/audit", "internal/durable"},
		"internal/device":      {"api", "mls", "internal/certificate", "internal/consent", "internal/content", "internal/attachment"},
		"internal/hub":         {"api", "internal/audit", "internal/auditlog", "mls/delivery", "mls/suite", "mls/wire", "internal/certificate", "internal/consent", "internal/policy", "internal/hub", "internal/passkey", "internal/password", "internal/proofing", "internal/roster", "internal/totp", "internal/oidc", "internal/scim"},
		"internal/policy":      {},
		"internal/store/kv":    {"internal/device", "internal/store"},
		"internal/blob":        {"internal/hub", "internal/durable"},
		"internal/passkey":     {"internal/vector"},
		"internal/password":    {},
		"internal/totp":        {},
		"internal/proofing":    {},
		"internal/roster":      {"internal/proofing"},
		"internal/messenger":   {"internal/durable", "internal/hub", "internal/proofing"},
		"internal/oidc":        {},
		"internal/scim":        {},
		"internal/httpapi":     {"api", "internal/audit", "internal/hub", "internal/httpapi", "internal/certificate", "internal/consent", "internal/passkey", "internal/oidc", "internal/scim"},
		"internal/hubclient":   {"api", "internal/certificate", "internal/totp"},
	}
	for _, p := range list(t, "./...") {
		root, allowed := ruleFor(may, p.path())
		if root == "" {
			continue
		}
		for _, dep := range p.Imports {
			if !strings.HasPrefix(dep, module+"/") {
				continue
			}
			dep = strings.TrimPrefix(strings.TrimPrefix(dep, module), "/")
			if !slices.ContainsFunc(append(allowed, root), func(a string) bool { return dep == a || strings.HasPrefix(dep, a+"/") }) {
				t.Errorf("%s must not import %s", p.path(), dep)
			}
		}
	}
}

// ruleFor returns the longest prefix of path that has a rule, and the rule. A
// package may always import those below that prefix.
func ruleFor(may map[string][]string, path string) (root string, allowed []string) {
	for prefix, rule := range may {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > len(root) {
			root, allowed = prefix, rule
		}
	}
	return root, allowed
}

// TestMLSStandsAlone keeps package mls usable by others: the standard library
// and x/crypto, nothing else.
func TestMLSStandsAlone(t *testing.T) {
	for _, p := range list(t, "./mls/...") {
		for _, dep := range p.Imports {
			first, _, _ := strings.Cut(dep, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(dep, module+"/mls") && !strings.HasPrefix(dep, "golang.org/x/crypto/") {
				t.Errorf("%s imports %s: mls needs only the standard library and x/crypto", p.path(), dep)
			}
		}
	}
}

// TestNamesAreNouns refuses package names that say nothing, and packages that
// do not say what they are.
func TestNamesAreNouns(t *testing.T) {
	empty := []string{"util", "utils", "common", "helpers", "helper", "models", "model", "misc", "shared", "base", "lib", "types"}
	for _, p := range list(t, "./...") {
		if slices.Contains(empty, p.Name) {
			t.Errorf("%s: the name says nothing about what is in it", p.path())
		}
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.path())
		}
	}
}
