package httpapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
)

// TestEveryFieldIsBounded: the description bounds each text and list that
// anybody can send.
func TestEveryFieldIsBounded(t *testing.T) {
	b, err := httpapi.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var described schemas
	if err := json.Unmarshal(b, &described); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	n := 0
	var walk func(at string, s *schema)
	walk = func(at string, s *schema) {
		if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
			if !seen[name] {
				seen[name] = true
				named := described.Components.Schemas[name]
				walk(name, &named)
			}
			return
		}
		is := func(kind string) bool {
			several, _ := s.Type.([]any)
			return s.Type == kind || slices.Contains(several, any(kind))
		}
		if is("string") && s.Format != "binary" && len(s.Enum) == 0 {
			if n++; s.MaxLength == nil {
				t.Errorf("%s: how long may it be?", at)
			}
		}
		if is("array") {
			if n++; s.MaxItems == nil {
				t.Errorf("%s: how many may there be?", at)
			}
		}
		if s.Items != nil {
			walk(at+"[]", s.Items)
		}
		for name, p := range s.Properties {
			walk(at+"."+name, p)
		}
	}
	for path, methods := range described.Paths {
		for method, call := range methods {
			for _, p := range call.Parameters {
				walk(method+" "+path+" "+p.Name, &p.Schema)
			}
			for _, c := range call.RequestBody.Content {
				walk(method+" "+path, &c.Schema)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d texts and lists were found", n)
	}
}

// TestItemsAreBounded: the bound of what stands in a list is kept.
func TestItemsAreBounded(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	_, err := d.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: "keeper", Devices: []string{strings.Repeat("x", 2000)}})
	wantCode(t, err, api.CodeMalformed)
}
