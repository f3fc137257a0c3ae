package httpapi_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestCodesAreInTheDefinition: every code of a refusal is among the values that
// the API's definition allows, and in the page that says what to do about it; and
// neither has one that there is not.
func TestCodesAreInTheDefinition(t *testing.T) {
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	found := func(text, expression string) []string {
		all := make(map[string]bool)
		for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
			all[m[1]] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
	codes := found(read("api", "api.go"), `Code\w+\s+Code = "([a-z-]+)"`)
	if len(codes) < 40 {
		t.Fatalf("only %d codes are found", len(codes))
	}
	var definition struct {
		Components struct {
			Schemas struct {
				Problem struct {
					Properties struct{ Code struct{ Enum []string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(read("api", "openapi.json")), &definition); err != nil {
		t.Fatal(err)
	}
	allowed := slices.Sorted(slices.Values(definition.Components.Schemas.Problem.Properties.Code.Enum))
	if !slices.Equal(allowed, codes) {
		t.Errorf("the definition allows %q, and the hub answers %q", allowed, codes)
	}
	rows := regexp.MustCompile(`(?m)^\| (`+"`"+`[a-z-]+`+"`"+`,? ?)+ \| \d.*$`).FindAllString(read("docs", "api.md"), -1)
	var explained []string
	for _, row := range rows {
		cell := regexp.MustCompile(`^\| ([^|]+) \|`).FindStringSubmatch(row)[1]
		explained = append(explained, found(cell, "`([a-z-]+)`")...)
	}
	if slices.Sort(explained); !slices.Equal(explained, codes) {
		t.Errorf("the page explains %q, and the hub answers %q", explained, codes)
	}
}
