package export

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
)

// The part of FHIR R4 AuditEvent (hl7.org/fhir/R4/auditevent.html) that our
// events fill. Whom and what they are about is named by identifiers: the log
// knows no resources.
type fhirEvent struct {
	ResourceType string        `json:"resourceType"`
	ID           string        `json:"id"`
	Type         fhirCoding    `json:"type"`
	Subtype      []fhirCoding  `json:"subtype"`
	Action       string        `json:"action"`
	Recorded     string        `json:"recorded"`
	Outcome      string        `json:"outcome"`
	OutcomeDesc  string        `json:"outcomeDesc,omitempty"`
	Purpose      []fhirConcept `json:"purposeOfEvent,omitempty"`
	Agent        []fhirAgent   `json:"agent"`
	Source       fhirSource    `json:"source"`
	Entity       []fhirEntity  `json:"entity,omitempty"`
}

type fhirCoding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type fhirConcept struct {
	Coding []fhirCoding `json:"coding"`
}

type fhirReference struct {
	Identifier *fhirIdentifier `json:"identifier,omitempty"`
	Display    string          `json:"display,omitempty"`
}

type fhirIdentifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type fhirAgent struct {
	Type      *fhirConcept   `json:"type,omitempty"`
	Role      []fhirConcept  `json:"role,omitempty"`
	Who       *fhirReference `json:"who,omitempty"`
	Requestor bool           `json:"requestor"`
	Policy    []string       `json:"policy,omitempty"`
	Network   *fhirNetwork   `json:"network,omitempty"`
}

type fhirNetwork struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

type fhirSource struct {
	Observer fhirReference `json:"observer"`
	Type     []fhirCoding  `json:"type"`
}

type fhirEntity struct {
	What   fhirReference `json:"what"`
	Type   *fhirCoding   `json:"type,omitempty"`
	Role   *fhirCoding   `json:"role,omitempty"`
	Detail []fhirDetail  `json:"detail,omitempty"`
}

type fhirDetail struct {
	Type  string `json:"type"`
	Value string `json:"valueString"`
}

// Systems of codes and identifiers.
const (
	ours         = "urn:sotto:" // with audit-kind, audit-state, person, account, device, conversation ...
	dicom        = "http://dicom.nema.org/resources/ontology/DCM"
	auditType    = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	entityType   = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	entityRole   = "http://terminology.hl7.org/CodeSystem/object-role"
	sourceType   = "http://terminology.hl7.org/CodeSystem/security-source-type"
	actReason    = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	networkName  = "1" // network-type: machine name
	networkIP    = "2" // IP address
	outcomeGood  = "0"
	outcomeMinor = "4" // refused: the one who asked did wrong
	outcomeMajor = "8" // failed: we did

	longestFHIRID = 64
)

func fhir(e *Entry) fhirEvent {
	if e.State != "" {
		return fhirState(e)
	}
	v := &e.Event
	spec, _ := audit.SpecOf(v.Kind)
	out := fhirEvent{
		ResourceType: "AuditEvent", ID: fhirID(e), Type: fhirType(spec), Action: string(spec.Action), Recorded: instant(v.At),
		Subtype: []fhirCoding{{System: ours + "audit-kind", Code: string(v.Kind), Display: spec.Says}},
		Outcome: map[audit.Outcome]string{audit.Done: outcomeGood, audit.Refused: outcomeMinor, audit.Failed: outcomeMajor}[v.Outcome],
		Source:  fhirSourceOf(e),
	}
	if purpose := v.Purpose(); purpose != "" {
		out.Purpose = fhirPurpose(v.Kind, purpose)
	} else {
		out.OutcomeDesc = v.Reason
	}
	agent := fhirAgent{Requestor: true, Role: []fhirConcept{{Coding: []fhirCoding{{System: ours + "role", Code: string(v.Role)}}}}}
	switch {
	case audit.IsAccount(v.Person):
		agent.Who = &fhirReference{Identifier: &fhirIdentifier{ours + "account", v.Person}}
	case v.Person != "":
		agent.Who = &fhirReference{Identifier: &fhirIdentifier{ours + "person", v.Person}}
	default:
		agent.Who = &fhirReference{Display: string(v.Role)}
	}
	for _, rule := range v.Rules {
		agent.Policy = append(agent.Policy, ours+"rule:"+rule)
	}
	if v.Address != "" {
		agent.Network = &fhirNetwork{v.Address, networkIP}
		if isMachine(v) {
			agent.Network.Type = networkName
		}
	}
	out.Agent = append(out.Agent, agent)
	if v.Device != "" {
		out.Agent = append(out.Agent, fhirAgent{
			Type: &fhirConcept{Coding: []fhirCoding{{System: dicom, Code: "110150", Display: "Application"}}},
			Who:  &fhirReference{Identifier: &fhirIdentifier{ours + "device", v.Device}},
		})
	}
	out.Entity = fhirAbout(v, spec)
	if detail := fhirDetails(v); len(detail) > 0 {
		out.Entity = append(out.Entity, fhirEntity{What: fhirReference{Display: "call"}, Type: &fhirCoding{System: entityType, Code: "4", Display: "Other"}, Detail: detail})
	}
	return out
}

// fhirAbout is whom and what an act was about. A person who is so in two ways
// is named once.
func fhirAbout(v *audit.Event, spec audit.Spec) (all []fhirEntity) {
	thing := func(kind, id string, role *fhirCoding) {
		all = append(all, fhirEntity{
			What: fhirReference{Identifier: &fhirIdentifier{ours + kind, id}},
			Type: &fhirCoding{System: entityType, Code: "2", Display: "System Object"}, Role: role,
		})
	}
	var named []string
	person := func(id, role, display string) {
		if id == "" || slices.Contains(named, id) {
			return
		}
		named = append(named, id)
		all = append(all, fhirEntity{
			What: fhirReference{Identifier: &fhirIdentifier{ours + "person", id}},
			Type: &fhirCoding{System: entityType, Code: "1", Display: "Person"}, Role: &fhirCoding{System: entityRole, Code: role, Display: display},
		})
	}
	person(v.Patient, "1", "Patient")
	person(v.Subject, "6", "User") // whose device was let in, say
	if v.Conversation != "" {
		thing("conversation", v.Conversation, &fhirCoding{System: entityRole, Code: "4", Display: "Domain Resource"})
	}
	switch spec.Object {
	case "":
	case "person":
		person(v.Object, "6", "User")
	default:
		if v.Object != "" {
			thing(spec.Object, v.Object, nil)
		}
	}
	return all
}

// fhirState is an entry that is not what was logged: that this was found, by us,
// at an export.
func fhirState(e *Entry) fhirEvent {
	out := fhirEvent{
		ResourceType: "AuditEvent", ID: fhirID(e), Type: fhirCoding{System: dicom, Code: "110113", Display: "Security Alert"},
		Subtype: []fhirCoding{{System: ours + "audit-state", Code: string(e.State), Display: e.State.Says()}},
		Action:  string(audit.Reads), Recorded: instant(e.Found), Outcome: outcomeMajor, OutcomeDesc: string(e.State), Source: fhirSourceOf(e),
		Agent: []fhirAgent{{
			Role: []fhirConcept{{Coding: []fhirCoding{{System: ours + "role", Code: string(audit.System)}}}}, Who: &fhirReference{Display: string(audit.System)},
		}},
		Entity: []fhirEntity{{
			What: fhirReference{Identifier: &fhirIdentifier{ours + "audit-entry", strconv.FormatUint(e.Number, 10)}},
			Type: &fhirCoding{System: entityType, Code: "2", Display: "System Object"}, Role: &fhirCoding{System: entityRole, Code: "13", Display: "Security Resource"},
		}},
	}
	if e.State == audit.Erased {
		out.Type, out.Outcome = fhirCoding{System: dicom, Code: "110100", Display: "Application Activity"}, outcomeGood
	}
	return out
}

func fhirSourceOf(e *Entry) fhirSource {
	return fhirSource{
		Observer: fhirReference{Identifier: &fhirIdentifier{ours + "practice", e.Practice}, Display: "Sotto"},
		Type:     []fhirCoding{{System: sourceType, Code: "4", Display: "Application Server"}},
	}
}

// fhirPurpose is what an act was for, by HL7's code too where there is one.
func fhirPurpose(k audit.Kind, purpose string) []fhirConcept {
	known := map[string]fhirCoding{
		audit.ForTreatment: {Code: "TREAT", Display: "treatment"}, audit.ForOperations: {Code: "HOPERAT", Display: "healthcare operations"},
		audit.ForReview: {Code: "HCOMPL", Display: "health compliance"}, audit.TheirOwn: {Code: "PATRQT", Display: "patient requested"},
		"payment": {Code: "HPAYMT", Display: "healthcare payment"}, "patient": {Code: "PATRQT", Display: "patient requested"},
		"authorization": {Code: "PATRQT", Display: "patient requested"}, "public-health": {Code: "PUBHLTH", Display: "public health"},
		"research": {Code: "HRESCH", Display: "healthcare research"}, "threat": {Code: "THREAT", Display: "threat"},
		"required-by-law": {Code: "HLEGAL", Display: "legal"}, "court": {Code: "HLEGAL", Display: "legal"}, "police": {Code: "HLEGAL", Display: "legal"},
		"oversight": {Code: "HCOMPL", Display: "health compliance"},
	}[purpose]
	if k == audit.EmergencyOpened {
		known = fhirCoding{Code: "BTG", Display: "break the glass"}
	}
	c := fhirConcept{Coding: []fhirCoding{{System: ours + "purpose", Code: purpose}}}
	if known.Code != "" {
		known.System = actReason
		c.Coding = append(c.Coding, known)
	}
	return []fhirConcept{c}
}

func fhirDetails(v *audit.Event) (all []fhirDetail) {
	for _, d := range []fhirDetail{{"request", v.Request}, {"detail", v.Detail}, {"reference", v.Reference}} {
		if d.Value != "" {
			all = append(all, d)
		}
	}
	return all
}

// fhirID is the same for the same entry, of what ids may hold. What is not what
// was logged has another, so that it takes the place of nothing that was
// exported before.
func fhirID(e *Entry) string {
	id, number := strings.ReplaceAll(e.Practice, "_", "-"), "."+strconv.FormatUint(e.Number, 10)
	if e.State != "" {
		number += "." + string(e.State)
	}
	return id[:min(len(id), longestFHIRID-len(number))] + number
}

func fhirType(s audit.Spec) fhirCoding {
	switch s.Category {
	case audit.Security:
		return fhirCoding{System: dicom, Code: "110114", Display: "User Authentication"}
	case audit.Export:
		return fhirCoding{System: dicom, Code: "110106", Display: "Export"}
	case audit.Running:
		return fhirCoding{System: dicom, Code: "110100", Display: "Application Activity"}
	case audit.Policy, audit.Keys:
		return fhirCoding{System: dicom, Code: "110113", Display: "Security Alert"}
	}
	if s.Chat {
		return fhirCoding{System: dicom, Code: "110110", Display: "Patient Record"}
	}
	return fhirCoding{System: auditType, Code: "rest", Display: "RESTful Operation"}
}
