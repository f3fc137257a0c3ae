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
	case AuditRead, LogReviewed, AccessRead, ControlsRead, ReadersExplained, PersonSeen, EmergenciesListed, EmergencyReviewed, ConsentsListed:
		return ForReview
	case PeopleListed, PersonLinksListed, DirectoryRead:
		return ForOperations
	}
	return ForTreatment
}
