package fhir_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent/fhir"
	"github.com/sotto-health/sotto/internal/consent/form"
)

var update = flag.Bool("update", false, "write the example anew")

// TestExample keeps an example of every kind and state, which e2e/fhir.test.mjs
// holds against the definitions of FHIR R4 itself.
func TestExample(t *testing.T) {
	p := fhir.Practice{ID: "t_abc", Slug: "riverside", Name: "Riverside Family Clinic", URL: "https://chat.clinic.example"}
	var all []map[string]any
	for i, kind := range append(form.Kinds(), "") {
		g := fhir.Given{
			Agreement: api.Agreement{
				ConsentReceipt: api.ConsentReceipt{Form: "f-" + kind, Kind: kind, Version: i + 1, Language: "es", SHA256: []byte{1, 2}, Method: "checkbox", At: 1_795_000_000_000, Signature: []byte{3}},
				ID:             "r_" + string(rune('a'+i)), Person: "p_1", Device: "d_1", Sequence: uint64(i + 1), ReceivedAt: 1_795_000_000_123, Current: i%2 == 0,
			},
			Verified: i != 2, Title: "Antes de empezar",
		}
		if i == 1 {
			g.WithdrawnAt, g.Title = 1_795_000_900_000, ""
		}
		if i == 4 {
			g.Until = 1_895_000_000_000
		}
		all = append(all, fhir.Consent(p, g))
	}
	got, err := json.MarshalIndent(fhir.Bundle(1_796_000_000_000, all, p.URL+"/v1/admin/consent-receipts/fhir?after=7"), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/bundle.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("the export says something else than %s: run with -update and review (%v)", file, err)
	}
}
