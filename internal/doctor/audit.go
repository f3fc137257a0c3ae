package doctor

import (
	"fmt"
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// partStands is after how long a part of the audit log that a server should let
// out again and again, every few minutes, is late.
const partStands = time.Hour

// logParts finds what of the audit logs does not get out of the database. That
// nothing is set up is no finding: it is an option.
func (x *examination) logParts() {
	for i := range x.facts.LogParts {
		p := &x.facts.LogParts[i]
		check, what, set := "audit-"+p.Name, "The audit log's heads", "--audit-checkpoints and --audit-witness"
		if p.Name == installation.LogArchive {
			what, set = "The archive of the audit log", "--audit-archive"
		}
		where := ""
		if p.Folder != "" {
			where = " (" + p.Folder + ")"
		}
		last := p.SucceededAt
		if last.IsZero() {
			last = p.BegunAt
		}
		late := x.facts.At.Sub(last)
		switch {
		case p.Problem == installation.PartContradicts:
			x.expect(check, false, "", Fail, what+where+" contradicts what was let out before: "+p.Damage+".",
				"The log was rewritten, or an old backup was put back. Keep all that is there as evidence, the database too; compare with what was let out: sotto audit verify --checkpoint FILE (45 CFR 164.312(c)(1)). It is named until you say why: sotto audit settle "+p.Name+".")
		case p.Problem == installation.PartDamaged:
			x.expect(check, false, "", Fail, what+where+" is not there as it was written: "+p.Damage+".",
				"Keep what is there as evidence; sotto audit verify FOLDER/SLUG names each place. Put back the files from a copy, or move the folder away: the log is archived anew after sotto audit settle "+p.Name+" --reason investigated.")
		case p.Problem != "":
			level := Warn
			if x.facts.At.Sub(p.Since) > partStands {
				level = Fail
			}
			x.expect(check, false, "", level, fmt.Sprintf("%s%s could not be written since %s.", what, where, p.Since.Format(time.DateTime)),
				"See that the folder is there, that the server may write it, and that its disk has room; the server's log says when it began.")
		case x.facts.Server != nil && x.facts.Server.Answers && late > partStands:
			x.expect(check, false, "", Warn, fmt.Sprintf("%s%s was last let out %s ago.", what, where, late.Round(time.Minute)), "See that the server runs with "+set+", and look at its log.")
		default:
			x.expect(check, true, what+where+" is let out.", OK, "", "")
		}
		if p.Name == installation.LogArchive && x.facts.Disk.TotalBytes > 0 {
			apart := slices.ContainsFunc(x.facts.Places, func(o installation.Place) bool { return o.Folder == p.Folder })
			x.expect("audit-archive-place", apart, what+where+" is on another disk.", Warn, what+where+" is on the disk that it is an archive of; what should be mounted there may not be.",
				"See that the share is mounted, or give --audit-archive a folder on another disk or machine.")
		}
	}
}

// auditLog finds what is wrong with a practice's log itself.
func (x *examination) auditLog(check string, p *installation.Practice) {
	const evidence = "Keep what is there as evidence, the database too. sotto audit verify names each place, and which head that was published, archived, witnessed or kept by the last whole check says otherwise (45 CFR 164.312(c)(1)). Once you know why: sotto audit settle."
	log := p.Log
	switch {
	case p.LogSize < 0 || p.LogSize > 0 && log == nil:
		x.expect(check, false, "", Fail, "The audit log could not be read.", "Look at the server's log, and at the database.")
	case log == nil:
	case log.Problems > 0:
		x.expect(check, false, "", Fail, fmt.Sprintf("The audit log is not as it was written: %s (%d in all).", log.First, log.Problems), evidence)
	case log.Verified != nil && log.Verified.Problems > 0:
		x.expect(check, false, "", Fail, fmt.Sprintf("The last whole check of the audit log, on %s, named %d problems.", log.Verified.At.Format(time.DateOnly), log.Verified.Problems), evidence)
	case !log.Whole && log.Verified == nil:
		x.expect(check, false, "", Warn, "The audit log was never checked as a whole.", "sotto audit verify, once a month.")
	case !log.Whole && x.facts.At.Sub(log.Verified.At) > installation.LogVerifiedWithin:
		x.expect(check, false, "", Warn, fmt.Sprintf("The audit log was last checked as a whole %d days ago.", days(x.facts.At.Sub(log.Verified.At))), "sotto audit verify, once a month.")
	default:
		x.expect(check, true, "The audit log is as it was written, as far as was read.", OK, "", "")
	}
}

// logGrows finds a log that acts go past: they are kept, and in no tree yet.
func (x *examination) logGrows(check string, p *installation.Practice) {
	if len(p.LogUnreadable) > 0 {
		first := p.LogUnreadable[0]
		x.expect(check, false, "", Fail,
			fmt.Sprintf("The audit log does not grow: the event in row %d, of %s, cannot be read (SHA-256 %s), and %d events wait.", first.Row, first.At.Format(time.DateTime), first.SHA256, p.LogWaits),
			fmt.Sprintf("If an older version runs than wrote it, start the newer: that can read it. Else keep a copy of the database as evidence and find out who or what changed the row (45 CFR 164.312(c)(1)); then: sotto audit settle row:%d --reason investigated. It keeps the row as it is, and the log says so.", first.Row))
		return
	}
	if !p.LogStands(x.facts.At) {
		x.expect(check, true, "The audit log grows.", OK, "", "")
		return
	}
	found := fmt.Sprintf("The audit log does not grow: %d events wait for their numbers, the oldest since %s.", p.LogWaits, p.LogWaitsSince.Format(time.DateTime))
	if x.facts.Server == nil || !x.facts.Server.Answers {
		x.expect(check, false, "", Warn, found, "Start the server: it gives them their numbers.")
		return
	}
	x.expect(check, false, "", Fail, found,
		"See in the server's log since when it cannot be continued, and that the database can be written. If neither explains it, an event that waits was changed in the database: keep a copy of it as evidence before you mend anything (45 CFR 164.312(b)).")
}
