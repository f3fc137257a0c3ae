package audit_test

import (
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

// TestReadsHaveAReason: of each read in the vocabulary the log says on what
// ground it was, whoever reads; what refuses or says more has its own.
func TestReadsHaveAReason(t *testing.T) {
	reads := 0
	for _, s := range audit.Vocabulary() {
		for _, role := range []audit.Role{audit.Patient, audit.Staff, audit.Service, audit.Operator, audit.System} {
			e := audit.New(t.Context(), 1, audit.Actor{Practice: "t", Role: role}, s.Kind, "")
			if s.Category == audit.Access && e.Reason == "" {
				t.Errorf("%s by %s has no reason", s.Kind, role)
			}
			if e.Reason != "" {
				reads++
				if err := e.Check(); err != nil {
					t.Errorf("%s: %v", s.Kind, err)
				}
			}
			if got := e.AsRefused("network").Reason; got != "network" {
				t.Errorf("%s: a refusal's reason is %s", s.Kind, got)
			}
		}
	}
	if reads < 100 {
		t.Errorf("only %d", reads)
	}
	for _, c := range []struct {
		kind audit.Kind
		role audit.Role
		want string
	}{
		{audit.ConversationOpened, audit.Staff, audit.ForTreatment},
		{audit.ConversationOpened, audit.Patient, audit.TheirOwn},
		{audit.AuditRead, audit.Staff, audit.ForReview},
		{audit.FrameSent, audit.Staff, ""},
	} {
		if got := audit.Ground(c.kind, c.role); got != c.want {
			t.Errorf("%s by %s: %q, want %q", c.kind, c.role, got, c.want)
		}
	}
}
