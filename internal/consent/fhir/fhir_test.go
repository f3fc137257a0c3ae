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
		switch kind {
		case form.Minor: // by a grant
			g.WritesFor, g.Subject = "parent", "p_child"
		case form.Part2: // by nobody's word but the writer's
			g.WritesFor = "carer"
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

// TestWhoseConsent: a consent is filed for whom it is about, never for who agreed
// in their place; and it is another version once it was taken back.
func TestWhoseConsent(t *testing.T) {
	said := func(g fhir.Given) (patient, performer, version string) {
		b, err := json.Marshal(fhir.Consent(fhir.Practice{}, g))
		if err != nil {
			t.Fatal(err)
		}
		type reference struct{ Identifier struct{ Value string } }
		var c struct {
			Meta      struct{ VersionID string }
			Patient   reference
			Performer []reference
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		return c.Patient.Identifier.Value, c.Performer[0].Identifier.Value, c.Meta.VersionID
	}
	mother := api.Agreement{Person: "p_mother", Sequence: 7, Current: true}
	for want, g := range map[string]fhir.Given{
		"p_mother": {Agreement: mother},
		"p_child":  {Agreement: mother, WritesFor: "parent", Subject: "p_child"},
		"":         {Agreement: mother, WritesFor: "parent"},
	} {
		if patient, performer, _ := said(g); patient != want || performer != "p_mother" {
			t.Errorf("writing for %q: of %q by %q", g.WritesFor, patient, performer)
		}
	}
	_, _, given := said(fhir.Given{Agreement: mother})
	mother.Current = false
	_, _, over := said(fhir.Given{Agreement: mother})
	mother.WithdrawnAt = 9
	_, _, withdrawn := said(fhir.Given{Agreement: mother})
	if given == over || over == withdrawn || withdrawn == given {
		t.Errorf("versions %q, %q, %q", given, over, withdrawn)
	}
}
