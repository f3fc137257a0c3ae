package control

import "github.com/sotto-health/sotto/api"

// logKept finds since when the audit log is kept, and whether anything of it was
// dropped. The age of a young log says nothing against it.
func logKept(s *Subject) api.ControlFinding {
	p := s.Practice
	switch {
	case p.LogSize < 0:
		return short(say("fix.server-log"), say("log.unread"))
	case p.LogSize == 0:
		return decide(say("fix.look-later"), say("log.empty"))
	case !p.LogWhole:
		return short(say("fix.put-back"), say("log.lost", p.LogSize))
	}
	days := int(s.Facts.At.Sub(p.LogBegan).Hours() / 24)
	return met(say("log.kept", p.LogBegan.UTC().Format("2006-01-02"), days, p.LogSize))
}
