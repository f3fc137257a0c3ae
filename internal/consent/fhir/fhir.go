// Package fhir writes consent receipts as FHIR R4 Consent resources
// (hl7.org/fhir/R4/consent.html), for the systems that a practice keeps its
// records in.
//
// It says what was agreed to and by whom, by opaque id; it knows no names. A
// receipt's own SHA-256 and signature travel as identifiers, because R4's
// attachment has room for SHA-1 alone.
package fhir

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent/form"
)

// Systems that name what is Sotto's own.
const (
	systemReceipt   = "https://sotto.health/fhir/consent-receipt"
	systemText      = "https://sotto.health/fhir/consent-text-sha256"
	systemSignature = "https://sotto.health/fhir/consent-signature"
	systemPerson    = "https://sotto.health/fhir/person"
	systemKind      = "https://sotto.health/fhir/consent-kind"
)

// A Given is a receipt with what stands behind it.
type Given struct {
	api.Agreement
	// Verified is whether the signature was checked again, just now, against the
	// device's key and the text's hash.
	Verified bool
	Title    string // of the text, in its language
	Until    int64  // when it runs out; 0 if it does not
	// WritesFor is what the person who agreed is to the one whom it is about
	// ([api.WritingFor].Kind); empty if that is themselves. Subject is that other
	// by the practice's grant; empty where there is the writer's word alone.
	WritesFor, Subject string
}

// A Practice is who was given consent.
type Practice struct {
	ID, Slug, Name string
	URL            string // where the practice's forms can be read; may be empty
}

type (
	coding  struct{ System, Code, Display string }
	concept = map[string]any
)

func codeable(c coding) concept {
	of := map[string]any{"system": c.System, "code": c.Code}
	if c.Display != "" {
		of["display"] = c.Display
	}
	return concept{"coding": []any{of}}
}

func identifier(system, value string) map[string]any {
	return map[string]any{"system": system, "value": value}
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func organization(p Practice) map[string]any {
	return map[string]any{"type": "Organization", "identifier": identifier("https://sotto.health/fhir/practice", p.ID), "display": p.Name}
}

// scope is R4's consentscope: HIPAA's treatment is patient-privacy, and what
// stands beside it too.
func scope() concept {
	return codeable(coding{"http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent"})
}

// categories are LOINC's for a privacy consent, and the receipt's kind.
func categories(kind string) []any {
	return []any{
		codeable(coding{"http://loinc.org", "59284-0", "Consent Document"}),
		codeable(coding{systemKind, kind, ""}),
	}
}

// rule is v3 ActCode's: by 42 CFR Part 2 where it applies, else opt-in with
// restrictions, as consent is for one purpose.
func rule(kind string) concept {
	if kind == form.Part2 {
		return codeable(coding{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "42CFRPart2", "42 CFR Part2"})
	}
	return codeable(coding{"http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTINR", "opt-in with restrictions"})
}

// Consent returns the resource of one receipt.
func Consent(p Practice, g Given) map[string]any {
	kind := g.Kind
	if kind == "" { // of before there were kinds
		kind = form.Chat
	}
	status := "active"
	if !g.Current { // taken back, run out, or of a version that stands no more
		status = "inactive"
	}
	attachment := map[string]any{
		"contentType": "text/plain; charset=utf-8", "language": g.Language,
		"title": g.Title + " (" + g.Form + " " + strconv.Itoa(g.Version) + ")", "creation": instant(g.ReceivedAt),
	}
	if g.Title == "" {
		attachment["title"] = g.Form + " " + strconv.Itoa(g.Version)
	}
	if p.URL != "" {
		attachment["url"] = p.URL + "/v1/practices/" + p.Slug + "/forms/" + g.Form + "?version=" + strconv.Itoa(g.Version)
	}
	patient, performer := parties(g)
	verification := map[string]any{"verified": g.Verified, "verifiedWith": performer, "verificationDate": instant(g.ReceivedAt)}
	r := map[string]any{
		"resourceType": "Consent",
		"id":           id(g.ID),
		"meta":         map[string]any{"versionId": version(g), "lastUpdated": instant(max(g.ReceivedAt, g.WithdrawnAt))},
		"identifier": []any{
			identifier(systemReceipt, g.ID), identifier(systemText, hex.EncodeToString(g.SHA256)),
			identifier(systemSignature, base64.StdEncoding.EncodeToString(g.Signature)),
		},
		"status":           status,
		"scope":            scope(),
		"category":         categories(kind),
		"patient":          patient,
		"dateTime":         instant(g.ReceivedAt),
		"performer":        []any{performer},
		"organization":     []any{organization(p)},
		"sourceAttachment": attachment,
		"policyRule":       rule(kind),
		"verification":     []any{verification},
		"provision":        provision(p, g, kind),
	}
	return r
}

// parties are whom a receipt is about and who agreed. Who writes for somebody
// else is never the patient: one whom no grant names is said to be unknown, so
// that nothing is filed for the wrong person.
func parties(g Given) (patient, performer map[string]any) {
	if g.WritesFor == "" {
		patient = map[string]any{"type": "Patient", "identifier": identifier(systemPerson, g.Person)}
		return patient, patient
	}
	performer = map[string]any{"type": "RelatedPerson", "identifier": identifier(systemPerson, g.Person), "display": g.WritesFor}
	if g.Subject != "" {
		return map[string]any{"type": "Patient", "identifier": identifier(systemPerson, g.Subject)}, performer
	}
	unknown := map[string]any{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
	return map[string]any{"type": "Patient", "extension": []any{unknown}, "display": "not known: the performer wrote for somebody else"}, performer
}

// version is another one once a receipt does not stand any more, and again once it
// is withdrawn.
func version(g Given) string {
	state := ".1"
	switch {
	case g.WithdrawnAt != 0:
		state = ".3"
	case !g.Current:
		state = ".2"
	}
	return strconv.FormatUint(g.Sequence, 10) + state
}

func provision(p Practice, g Given, kind string) map[string]any {
	period := map[string]any{"start": instant(g.ReceivedAt)}
	switch {
	case g.WithdrawnAt != 0:
		period["end"] = instant(g.WithdrawnAt)
	case g.Until != 0:
		period["end"] = instant(g.Until)
	}
	of := map[string]any{
		"type": "permit", "period": period,
		"actor": []any{map[string]any{
			"role":      codeable(coding{"http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient"}),
			"reference": organization(p),
		}},
		"purpose": []any{map[string]any{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose(kind)}},
	}
	if kind == form.Part2 {
		of["securityLabel"] = []any{map[string]any{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}}
	}
	return of
}

// purpose is v3 PurposeOfUse's: all but notices serve treatment.
func purpose(kind string) string {
	if kind == form.Text || kind == form.Mail {
		return "HOPERAT" // healthcare operations
	}
	return "TREAT"
}

// id is a receipt's id in the letters that FHIR allows.
func id(receipt string) string {
	return strings.ReplaceAll(receipt, "_", "-")
}

// Bundle returns a collection of resources, in order. self is where more of
// them are, if next is set.
func Bundle(at int64, resources []map[string]any, next string) map[string]any {
	entries := make([]any, len(resources))
	for i, r := range resources {
		entries[i] = map[string]any{"fullUrl": "urn:sotto:consent:" + r["id"].(string), "resource": r}
	}
	b := map[string]any{"resourceType": "Bundle", "type": "collection", "timestamp": instant(at)}
	if len(entries) > 0 { // R4: an empty list is no list
		b["entry"] = entries
	}
	if next != "" {
		b["link"] = []any{map[string]any{"relation": "next", "url": next}}
	}
	return b
}
