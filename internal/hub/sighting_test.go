package hub

import (
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

// TestPatientsAreShownEachWay: whatever is a way to what a patient said is in
// what the patient can list, and so is each read and each export about a chat,
// or it is written down why not.
func TestPatientsAreShownEachWay(t *testing.T) {
	shown, reasons := aboutPatients(), 0
	for _, s := range audit.Vocabulary() {
		in, out := slices.Contains(shown, s.Kind), untold[s.Kind] != ""
		if out {
			reasons++
		}
		must := ways[s.Kind] != "" || s.Chat && (s.Category == audit.Access || s.Category == audit.Export)
		if in && out || must && !in && !out || ways[s.Kind] != "" && out || out && !s.Chat {
			t.Errorf("%s is shown: %v, and left out for a reason: %v", s.Kind, in, out)
		}
	}
	if reasons != len(untold) {
		t.Errorf("%d reasons, and %d kinds that are left out", len(untold), reasons)
	}
	for _, kind := range []audit.Kind{
		audit.EmergencyOpened, audit.EmergencyEnded, audit.PatientSeen, audit.PatientVerificationRead, audit.AccessRead, audit.AuditExported,
		audit.ColleagueBrought, audit.ConversationMoved, audit.ConsentWithdrawn, audit.RecordRead, audit.CallRefused,
	} {
		if !slices.Contains(shown, kind) {
			t.Errorf("%s is not shown", kind)
		}
	}
	for _, kind := range []audit.Kind{audit.WatchBegun, audit.AlertReviewed, audit.ChatHidden, audit.SignedIn} {
		if slices.Contains(shown, kind) {
			t.Errorf("%s is shown", kind)
		}
	}
}
