package control

import (
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

func auditLog(s *Subject) api.ControlFinding {
	const all = "sotto audit verify"
	n, log := s.Practice.LogSize, s.Practice.Log
	for i := range s.Facts.LogParts {
		if p := &s.Facts.LogParts[i]; p.Problem == installation.PartContradicts {
			return short("Keep what is there as evidence; sotto audit verify --checkpoint names what differs.", "The log contradicts what was let out of it: %s.", p.Damage)
		}
	}
	switch {
	case n < 0 || n > 0 && log == nil:
		return short("Look at the server's log.", "The log of who did what could not be read.")
	case log != nil && log.Problems > 0:
		return short("Keep what is there as evidence; sotto audit verify names each.", "The log of who did what is not as it was written: %s (%d in all).", log.First, log.Problems)
	case n == 0:
		return decide("Look again once people work with it.", "The log of who did what is empty.")
	case log.Verified != nil && log.Verified.Problems > 0:
		return short(all, "The last whole check of the log, on %s, named %d problems.", log.Verified.At.Format(time.DateOnly), log.Verified.Problems)
	case !log.Whole && (log.Verified == nil || s.Facts.At.Sub(log.Verified.At) > installation.LogVerifiedWithin):
		return decide(all, "The newest of %d entries and some others are as they were written; all were not read for a month.", n)
	case log.Heads == 0:
		return decide("Publish the log's heads (--audit-checkpoints), or run sotto audit verify.", "The %d entries of the log fit its tree; no earlier head is there that would show if all was made anew.", n)
	}
	read := "The newest of them and some others"
	if log.Whole {
		read = "All of them"
	}
	return met("The log of who did what has %d entries. %s were read now: they are as they were written, make the root that its head signs, and %d earlier heads agree.", n, read, log.Heads)
}

func auditStream(s *Subject) api.ControlFinding {
	var away, well []string
	for _, r := range s.Practice.Streams {
		if r.Problem != "" {
			away = append(away, r.Host()+" ("+r.Problem+")")
		} else {
			well = append(well, r.Host())
		}
	}
	switch {
	case len(away) > 0:
		return short("sotto doctor names what to do.", "The audit log does not get to %s.", strings.Join(away, " and "))
	case len(well) > 0:
		return met("The audit log goes to %s as it grows.", strings.Join(well, " and "))
	}
	return met("The audit log is watched here alone: no SIEM gets it.")
}
