package export

import (
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

func codesOf(e *fhirEvent) string {
	var codes []string
	for _, p := range e.Purpose {
		for _, coding := range p.Coding {
			codes = append(codes, coding.Code)
		}
	}
	return strings.Join(codes, " ")
}

// TestFHIRPurpose: what an act was for is its purpose, by HL7's code where there
// is one, and no description of how it came out; a refusal's reason is.
func TestFHIRPurpose(t *testing.T) {
	of := func(k audit.Kind, o audit.Outcome, reason string) fhirEvent {
		return fhir(&Entry{Practice: "t", Event: audit.Event{Practice: "t", Kind: k, Outcome: o, Role: audit.Staff, Reason: reason}})
	}
	for name, c := range map[string]struct {
		event           fhirEvent
		purpose, result string
	}{
		"for operations": {of(audit.RecordRead, audit.Done, "operations"), "operations HOPERAT", ""},
		"for a court":    {of(audit.DisclosureMade, audit.Done, "court"), "court HLEGAL", ""},
		"for a decedent": {of(audit.DisclosureMade, audit.Done, "decedents"), "decedents", ""},
		"an emergency":   {of(audit.EmergencyOpened, audit.Done, "care"), "care BTG", ""},
		"refused":        {of(audit.RecordRead, audit.Refused, "forbidden"), "", "forbidden"},
		"another act":    {of(audit.RelationEnded, audit.Done, "lapsed"), "", "lapsed"},
		"a read":         {of(audit.ConversationOpened, audit.Done, audit.ForTreatment), "treatment TREAT", ""},
		"a review":       {of(audit.AuditRead, audit.Done, audit.ForReview), "review HCOMPL", ""},
		"a verdict":      {of(audit.EmergencyReviewed, audit.Done, "justified"), "", "justified"},
	} {
		if got := codesOf(&c.event); got != c.purpose || c.event.OutcomeDesc != c.result {
			t.Errorf("%s: purpose %q and outcome %q, want %q and %q", name, got, c.event.OutcomeDesc, c.purpose, c.result)
		}
	}
}

// TestEveryReadSaysWhatFor: a done read of any kind, as [audit.New] makes it for
// any reader, has a purpose by HL7's code in FHIR, and no word of it passes for
// how the read came out, in FHIR or OCSF.
func TestEveryReadSaysWhatFor(t *testing.T) {
	reads := 0
	for _, s := range audit.Vocabulary() {
		for _, role := range []audit.Role{audit.Patient, audit.Staff, audit.Service, audit.Operator, audit.System} {
			e := logged(t, 1, audit.New(t.Context(), 1, audit.Actor{Practice: "t", Role: role}, s.Kind, ""))
			if e.Event.Reason == "" {
				continue
			}
			reads++
			f := fhir(&e)
			if !strings.Contains(codesOf(&f), e.Event.Reason+" ") || f.OutcomeDesc != "" || ocsf(&e).StatusCode != "" {
				t.Errorf("%s by %s for %s: purpose %q, outcome %q, status %q", s.Kind, role, e.Event.Reason, codesOf(&f), f.OutcomeDesc, ocsf(&e).StatusCode)
			}
		}
	}
	if reads < 100 {
		t.Errorf("only %d", reads)
	}
}

// TestFHIRSaysWho: whom an act was about is an entity, beside who acted and what
// was acted upon; each once.
func TestFHIRSaysWho(t *testing.T) {
	who := func(e audit.Event) (all []string) {
		entry := logged(t, 1, e)
		for _, entity := range fhir(&entry).Entity {
			if id := entity.What.Identifier; id != nil {
				role := ""
				if entity.Role != nil {
					role = entity.Role.Display
				}
				all = append(all, strings.TrimSpace(entity.Type.Display+" "+id.Value+" "+role))
			}
		}
		return all
	}
	dana := audit.Actor{Practice: "t", Role: audit.Staff, Person: "p_dana"}
	for _, c := range []struct {
		event audit.Event
		want  string
	}{
		{audit.New(t.Context(), 1, dana, audit.CertificateIssued, "d_new").About("p_kim"), "Person p_kim User, System Object d_new"},
		{
			audit.New(t.Context(), 1, dana, audit.MemberAdded, "d_new").About("p_kim").In("c_knee", "p_ana"),
			"Person p_ana Patient, Person p_kim User, System Object c_knee Domain Resource, System Object d_new",
		},
		{audit.New(t.Context(), 1, dana, audit.DeviceRevoked, "d_phone").About("p_ana").Of("p_ana"), "Person p_ana Patient, System Object d_phone"},
		{audit.New(t.Context(), 1, dana, audit.PersonSeen, "p_kim"), "Person p_kim User"},
	} {
		if got := strings.Join(who(c.event), ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.event.Kind, got, c.want)
		}
	}
}

// TestFHIRIDsAreOurs: an id is the same for the same entry and no other, of what
// ids may hold.
func TestFHIRIDsAreOurs(t *testing.T) {
	var ids []string
	for _, practice := range []string{"t_oak", strings.Repeat("t", 64)} {
		for _, state := range []audit.State{"", audit.Damaged, audit.Missing, audit.Erased} {
			for _, n := range []uint64{1, 1<<64 - 1} {
				id := fhirID(&Entry{Practice: practice, Number: n, State: state})
				if len(id) > 64 || strings.Contains(id, "_") || slices.Contains(ids, id) {
					t.Errorf("%q", id)
				}
				ids = append(ids, id)
			}
		}
	}
}
