package audit

// A State says that an entry of a log is not what was logged; empty if it is.
type State string

// The states. What an entry in one of them says now may be anything.
const (
	Erased  State = "erased"  // on purpose: its place in the tree stands
	Damaged State = "damaged" // it was changed in the database
	Missing State = "missing" // it was taken out of the database
)

// Says is the state in plain words.
func (s State) Says() string {
	switch s {
	case Erased:
		return "this entry was erased; its place in the log stands"
	case Damaged:
		return "this entry is not as it was logged: it was changed in the database"
	case Missing:
		return "this entry was taken out of the database"
	}
	return ""
}
