package export

import (
	"slices"

	"github.com/sotto-health/sotto/internal/audit"
)

// A Disclosure is a line of the accounting that a patient may ask for (45 CFR
// 164.528(b)(2)): when, to whom, what, and on what ground.
type Disclosure struct {
	Number       uint64
	At           int64 // Unix milliseconds
	To           string
	Conversation string
	What         audit.Kind
	Ground       string
}

// Disclosed reports whether an event is a disclosure that the patient must be
// told of: what of theirs left the practice. Seeing it for treatment, payment
// and operations, within the practice, is none (164.528(a)(1)(i)); that is in
// the report of who saw what.
func Disclosed(e Entry, patient string) (Disclosure, bool) {
	v := &e.Event
	if v.Patient != patient || v.Outcome != audit.Done || v.Role == audit.Patient {
		return Disclosure{}, false
	}
	spec, ok := audit.SpecOf(v.Kind)
	if !ok || spec.Category != audit.Export || slices.Contains(within, v.Kind) {
		return Disclosure{}, false
	}
	to := v.Reference
	if to == "" {
		to = v.Person
	}
	if to == "" {
		to = string(v.Role)
	}
	return Disclosure{Number: e.Number, At: v.At, To: to, Conversation: v.Conversation, What: v.Kind, Ground: v.Reason}, true
}

// within are exports that do not leave the practice: its own devices get what
// was said before, and its own record is checked.
var within = []audit.Kind{audit.HistoryShared, audit.RecordVerified, audit.AuditExported}
