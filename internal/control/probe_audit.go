package control

import (
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/installation"
)

func auditLog(s *Subject) api.ControlFinding {
	verify := say("fix.verify-log")
	n, log := s.Practice.LogSize, s.Practice.Log
	for i := range s.Facts.LogParts {
		switch p := &s.Facts.LogParts[i]; p.Problem {
		case installation.PartContradicts:
			return short(say("fix.keep-evidence"), say("log.contradicts", p.Damage))
		case installation.PartDamaged:
			return short(say("fix.doctor"), say("log.archive-damaged", p.Damage))
		}
	}
	for i := range s.Practice.Witnesses {
		if w := &s.Practice.Witnesses[i]; w.Contradicts {
			return short(say("fix.keep-evidence"), say("log.contradicts", w.Name))
		}
	}
	switch {
	case n < 0 || n > 0 && log == nil:
		return short(say("fix.server-log"), say("log.unread"))
	case log != nil && log.Problems > 0:
		return short(say("fix.keep-changed"), say("log.changed", log.First, log.Problems))
	case s.Practice.LogStands(s.Facts.At):
		return short(say("fix.log-grows"), say("log.stands", s.Practice.LogWaitsSince.Format(time.DateTime), s.Practice.LogWaits))
	case n == 0:
		return decide(say("fix.look-later"), say("log.empty"))
	case log.Verified != nil && log.Verified.Problems > 0:
		return short(verify, say("log.problems", log.Verified.At.Format(time.DateOnly), log.Verified.Problems))
	case !log.Whole && (log.Verified == nil || s.Facts.At.Sub(log.Verified.At) > installation.LogVerifiedWithin):
		return decide(verify, say("log.unchecked", n))
	case log.Heads == 0:
		return decide(say("fix.publish-heads"), say("log.no-head", n))
	}
	read := say("log.read-newest", log.Heads)
	if log.Whole {
		read = say("log.read-all", log.Heads)
	}
	return met(say("log.entries", n), read)
}

func auditStream(s *Subject) api.ControlFinding {
	var away, gone, well []api.ControlWords
	for i := range s.Practice.Streams {
		r := &s.Practice.Streams[i]
		switch {
		case r.Problem != "":
			away = append(away, say("stream.away", r.Host(), r.Problem))
		case r.Stands(s.Practice.LogSize, s.Facts.At):
			away = append(away, say("stream.late", r.Host(), r.Lag(s.Practice.LogSize), r.Last().Format(time.DateTime)))
		}
		switch {
		case r.RejectedLast > 0:
			away = append(away, say("stream.rejected-among", r.Host(), r.Rejected, r.RejectedFirst, r.RejectedLast))
		case r.Rejected > 0:
			away = append(away, say("stream.rejected", r.Host(), r.Rejected))
		}
		well = append(well, say("stream.well", r.Host()))
	}
	for _, r := range s.Practice.Unset(s.Facts.At) {
		gone = append(gone, say("stream.unset", r.Host(), r.StoppedAt.Format(time.DateTime)))
	}
	switch {
	case len(away) > 0:
		return short(say("fix.stream"), append(away, gone...)...)
	case len(gone) > 0:
		return decide(say("fix.stream"), gone...)
	case len(well) > 0:
		return met(well...)
	}
	return met(say("stream.none"))
}
