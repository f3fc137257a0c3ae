// Package alert finds, in the events of an audit log as they come, what the
// practice should look at: staff who may look at patients out of curiosity, and
// who takes out what is kept (45 CFR 164.308(a)(1)(ii)(D), 164.312(b); T42).
//
// It compares each person with what they did on other days, and with what is
// usual in the practice. It knows no names and no content, only what an event
// has. An alert accuses nobody: it says where to look.
package alert

import (
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// A Rule is why something should be looked at.
type Rule string

// The rules.
const (
	Bulk    Rule = "bulk"      // far more patients in a day than is usual
	Hours   Rule = "off-hours" // saw a patient at an hour at which nobody expects them
	Export  Rule = "export"    // took something out at such an hour, or unusually often
	Idle    Rule = "no-part"   // went into chats of others, took no part, and left
	Watched Rule = "watched"   // saw a patient who is watched, whom they have nothing to do with
	Apart   Rule = "apart"     // saw a patient whom they are to stay away from
	Surname Rule = "surname"   // saw the record of a patient of their own surname
	OwnLink Rule = "own-link"  // a set-up link was used where who made it was: they may have become somebody
)

// Rules lists all.
func Rules() []Rule {
	return []Rule{Apart, Watched, Surname, Bulk, Hours, Export, Idle, OwnLink}
}

// An Alert is one thing to look at. Of one rule there is at most one of a
// person a day, and with a patient, one of both a day.
type Alert struct {
	Rule    Rule
	Person  string // whom it is about
	Patient string // if it is about one
	Day     string // where the practice is, such as "2026-11-29"
	At      int64  // when it was noticed, by the event, Unix milliseconds
	Leaf    int64  // number of that event in the log
	Count   int    // how many patients, exports or chats; 0 if it counts nothing
}

// A Watch is what a practice says of a patient. Person is who is to stay away
// from them; empty watches the patient for everybody.
type Watch struct{ Patient, Person string }

// A Setting is what the rules need to know of a practice.
type Setting struct {
	Zone *time.Location
	// Open says whether the practice has hours at a time.
	Open    func(time.Time) bool
	Watches []Watch
	// Known says whether a person has to do with a patient: they answered them,
	// took their waiting chat or were brought to them before the entry of that
	// number.
	Known func(person, patient string, leaf int64) (bool, error)
}

// What is unusual. The floors keep small numbers from being multiples of
// smaller ones.
const (
	remembered  = 28 // days of a person
	acquainted  = 5  // days after which a person has habits of their own
	usualHours  = 2  // days with an hour, of a person, that make it theirs
	sharedHours = 8  // days of persons with an hour that make it the practice's
	multiple    = 3
	leastBulk   = 30 // patients
	leastExport = 4
	leastIdle   = 4 // chats
)

// Look takes the next event of the log and returns what it gives rise to. It
// fails only if Known does; the state is then as before, but for the day.
func (s *State) Look(set *Setting, leaf int64, e *audit.Event) ([]Alert, error) {
	// Who runs the machine sees no patient, and can take out all.
	operator := e.Role == audit.Operator && takesOut(e.Kind)
	if e.Role == audit.Operator && e.Kind == audit.SetUpLinkMade {
		delete(s.Links, e.Object) // the link of before opens nothing any more
	}
	if e.Role != audit.Staff && !operator || e.Person == "" || e.Outcome != audit.Done {
		return nil, nil
	}
	local := time.UnixMilli(e.At).In(set.Zone)
	day := local.Format(time.DateOnly)
	p := s.person(e.Person, local)
	if day < p.Today.Date {
		day = p.Today.Date // clocks of hubs differ a little
	}
	found := finding{state: s, habits: p, base: Alert{Person: e.Person, Day: day, At: e.At, Leaf: leaf}}
	switch {
	case takesOut(e.Kind):
		p.Today.Exports++
		if most := p.most(func(d *Day) int { return d.Exports }); p.Today.Exports >= leastExport && p.Today.Exports > multiple*most {
			found.add(Export, "", p.Today.Exports)
		}
		if !set.Open(local) && !s.expected(p, local.Hour()) {
			found.add(Export, "", p.Today.Exports)
		}
		if operator { // what a machine does each night becomes usual
			p.Today.Hours |= 1 << local.Hour()
		}
	case e.Kind == audit.SetUpLinkMade:
		s.linkMade(e, day)
	case e.Kind == audit.SetUpLinkUsed:
		if maker := s.linkUsed(e); maker != "" {
			found.habits, found.base.Person = s.person(maker, local), maker
			found.add(OwnLink, "", 0)
		}
	case e.Patient != "" && sees(e.Kind):
		if err := s.saw(set, &found, e, local); err != nil {
			return nil, err
		}
	}
	s.parts(&found, e)
	return found.alerts, nil
}

// saw is what a look at a patient gives rise to.
func (s *State) saw(set *Setting, found *finding, e *audit.Event, local time.Time) error {
	p := found.habits
	for _, w := range set.Watches {
		switch {
		case w.Patient != e.Patient:
		case w.Person == e.Person:
			found.add(Apart, e.Patient, 0)
		case w.Person == "" && e.Kind != audit.ConversationTaken && !p.has(Watched, e.Patient):
			known, err := set.Known(e.Person, e.Patient, found.base.Leaf)
			if err != nil {
				return err
			}
			if !known {
				found.add(Watched, e.Patient, 0)
			}
		}
	}
	if e.Kind == audit.PatientVerificationRead && e.Detail == SameSurname {
		found.add(Surname, e.Patient, 0)
	}
	if !slices.Contains(p.Today.Patients, e.Patient) {
		p.Today.Patients = append(p.Today.Patients, e.Patient)
	}
	if n := len(p.Today.Patients); n >= leastBulk && n > multiple*s.usualPatients(p) {
		found.add(Bulk, "", n)
	}
	if !set.Open(local) && !s.expected(p, local.Hour()) {
		found.add(Hours, "", 0)
	}
	p.Today.Hours |= 1 << local.Hour()
	return nil
}

// parts keeps which chats of others a person went into by themselves today,
// and notices if they leave without a word.
func (s *State) parts(found *finding, e *audit.Event) {
	p := found.habits
	i := slices.Index(p.Today.Entered, e.Conversation)
	switch e.Kind {
	case audit.ConversationJoined, audit.ConversationTakenOver, audit.ConversationReopened:
		if i < 0 {
			p.Today.Entered = append(p.Today.Entered, e.Conversation)
		}
	case audit.FrameSent, audit.ConversationMoved, audit.ColleagueBrought, audit.ConversationClosed, audit.PatientVerified:
		if i >= 0 { // they took part
			p.Today.Entered = slices.Delete(p.Today.Entered, i, i+1)
		}
	case audit.ConversationLeft:
		if i < 0 {
			return
		}
		p.Today.Entered = slices.Delete(p.Today.Entered, i, i+1)
		p.Today.Idle++
		if most := p.most(func(d *Day) int { return d.Idle }); p.Today.Idle >= leastIdle && p.Today.Idle > most {
			found.add(Idle, "", p.Today.Idle)
		}
	}
}

// SameSurname is the detail of an event of who saw the record of a patient
// with their own surname.
const SameSurname = "surname=same"

// sees reports whether an act shows its actor something of a patient.
func sees(k audit.Kind) bool {
	switch k {
	case audit.ConversationOpened, audit.FileDownloaded, audit.PatientSeen, audit.PatientVerificationRead, audit.AccessRead,
		audit.ConversationJoined, audit.ConversationTaken, audit.ConversationTakenOver, audit.ConversationReopened, audit.EmergencyOpened:
		return true
	}
	return false
}

// takesOut reports whether an act takes something out of the system.
func takesOut(k audit.Kind) bool {
	switch k {
	case audit.AuditExported, audit.EvidenceExported, audit.AccountTaken, audit.ConsentsExported, audit.ReviewsExported, audit.RecordRead:
		return true
	}
	return false
}

// A finding collects the alerts of one event.
type finding struct {
	state  *State
	habits *Habits
	base   Alert
	alerts []Alert
}

func (f *finding) add(r Rule, patient string, count int) {
	if f.habits.has(r, patient) {
		return
	}
	f.habits.Today.Raised = append(f.habits.Today.Raised, raised(r, patient))
	a := f.base
	a.Rule, a.Patient, a.Count = r, patient, count
	f.alerts = append(f.alerts, a)
}

func raised(r Rule, patient string) string { return string(r) + " " + patient }
