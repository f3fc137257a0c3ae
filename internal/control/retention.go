package control

import "github.com/sotto-health/sotto/api"

// logKept finds since when the audit log is kept, and whether anything of it was
// dropped. The age of a young log says nothing against it.
func logKept(s *Subject) api.ControlFinding {
	p := s.Practice
	switch {
	case p.LogSize < 0:
		return short("Look at the server's log.", "The log of who did what could not be read.")
	case p.LogSize == 0:
		return decide("Look again once people work with it.", "The log of who did what is empty.")
	case !p.LogWhole:
		return short("Run sotto audit verify: it names what is gone. Put back a backup that has it.", "The log of who did what has lost entries: its head counts %d.", p.LogSize)
	}
	days := int(s.Facts.At.Sub(p.LogBegan).Hours() / 24)
	return met("The oldest entry of the audit log is its first, of %s, %d days old; none of %d is gone.", p.LogBegan.UTC().Format("2006-01-02"), days, p.LogSize)
}
