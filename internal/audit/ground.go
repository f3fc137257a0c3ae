package audit

// The grounds on which somebody reads, where nothing says more (45 CFR 164.501,
// 164.524): the reason that an event of a read carries unless it has another.
const (
	ForTreatment  = "treatment"  // staff, of their patients
	ForOperations = "operations" // what the practice needs in order to run
	ForReview     = "review"     // who answers for it looks after it
	TheirOwn      = "own"        // a patient, of what is theirs
)

// Ground is the reason of a read by somebody of a role; empty for what is no
// read, and for who has not shown who they are.
func Ground(k Kind, r Role) string {
	if s := specs[k]; s.Category != Access && k != ConsentsListed || r == Nobody {
		return ""
	}
	switch r {
	case Patient:
		return TheirOwn
	case Service, Operator, System:
		return ForOperations
	}
	switch k {
	case AuditRead, LogReviewed, AccessRead, ControlsRead, ReadersExplained, PersonSeen, EmergenciesListed, EmergencyReviewed, AlertReviewed, ConsentsListed:
		return ForReview
	case PeopleListed, PersonLinksListed, DirectoryRead:
		return ForOperations
	}
	return ForTreatment
}

// Purpose is on what ground an act was done, where its reason says that; empty
// where the reason says how it came out, and where there is none.
func (e *Event) Purpose() string {
	if e.Outcome != Done {
		return ""
	}
	switch e.Kind {
	case RecordRead, DisclosureMade, EmergencyOpened: // who does it says what for
		return e.Reason
	}
	if e.Reason == Ground(e.Kind, e.Role) {
		return e.Reason
	}
	return ""
}
