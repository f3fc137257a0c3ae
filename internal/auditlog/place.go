package auditlog

import "github.com/sotto-health/sotto/internal/audit"

// A Place is a number of a log and what is there.
type Place struct {
	Number int64
	State  audit.State // empty if the entry is as it was logged
	Entry  *Entry      // nil if it is missing
}

// Places are those from first up to end, of the entries that a store has there,
// in order. None is left out.
func Places(first, end int64, entries []Entry) []Place {
	all := make([]Place, 0, end-first)
	for n := first; n < end; n++ {
		p := Place{Number: n, State: audit.Missing}
		for len(entries) > 0 && entries[0].Leaf < n {
			entries = entries[1:]
		}
		if len(entries) > 0 && entries[0].Leaf == n {
			p.Entry = &entries[0]
			switch {
			case p.Entry.Erased:
				p.State = audit.Erased
			case p.Entry.Check() != nil:
				p.State = audit.Damaged
			default:
				p.State = ""
			}
		}
		all = append(all, p)
	}
	return all
}
