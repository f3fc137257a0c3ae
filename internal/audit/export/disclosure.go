package export

import (
	"slices"

	"github.com/sotto-health/sotto/internal/audit"
)

// Disclosing lists the kinds of event that say that something of a patient's
// left the practice: all exports but those that stay within it.
func Disclosing() (kinds []audit.Kind) {
	for _, s := range audit.Vocabulary() {
		if s.Category == audit.Export && s.Chat && !slices.Contains(within, s.Kind) {
			kinds = append(kinds, s.Kind)
		}
	}
	return kinds
}

// Disclosed reports whether an event is a disclosure that its patient must be
// told of, and which nobody wrote down as one with more words (then Reference
// names that). Seeing it within the practice is none; nor is what is for
// treatment, payment or operations, goes to the patient, or is authorised by
// them (45 CFR 164.528(a)(1)). Where nobody said what for, it counts.
func Disclosed(e *audit.Event) bool {
	return e.Outcome == audit.Done && e.Role != audit.Patient && e.Reference == "" &&
		slices.Contains(Disclosing(), e.Kind) && !slices.Contains(Exempt(), e.Reason)
}

// Exempt lists the purposes that are not accounted for.
func Exempt() []string {
	return []string{"treatment", "payment", "operations", "patient", "authorization"}
}

// within are exports that do not leave the practice: its own devices get what
// was said before, its own record is checked, its own people read the log.
var within = []audit.Kind{
	audit.HistoryShared, audit.RecordVerified, audit.AuditExported, audit.DisclosureMade, audit.DisclosureStruck, audit.AccountTaken,
}
