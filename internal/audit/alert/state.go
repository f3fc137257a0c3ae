package alert

import (
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// A State is what is remembered of a practice's staff, and of its operators. It
// is kept as JSON, and can be made anew from the log.
type State struct {
	People map[string]*Habits `json:"people"`
	Links  map[string]Link    `json:"links,omitempty"` // by whom they are for
}

// A Link is one with which somebody sets up their sign-in, and is not used yet.
type Link struct {
	Maker   string `json:"maker"`
	Address string `json:"address"` // of the maker, as they made it
	Day     string `json:"day"`
}

func (s *State) linkMade(e *audit.Event, day string) {
	if s.Links == nil {
		s.Links = make(map[string]Link)
	}
	s.Links[e.Object] = Link{Maker: e.Person, Address: e.Address, Day: day}
}

// linkUsed returns who made a link that was used at the address at which they
// made it, so that somebody else sees whether they became who it is for. Where
// a practice shares one address, that is each new colleague: they are few.
func (s *State) linkUsed(e *audit.Event) (maker string) {
	l := s.Links[e.Object]
	delete(s.Links, e.Object)
	if l.Address == "" || l.Address != e.Address {
		return ""
	}
	return l.Maker
}

// Habits are what a person did on the last days on which they saw patients or
// took something out, and does today.
type Habits struct {
	Days  []Day `json:"days"` // oldest first
	Today Today `json:"today"`
}

// A Day is what is remembered of one.
type Day struct {
	Patients int    `json:"p"`
	Hours    uint32 `json:"h"` // a bit for each in which a patient was seen, or an operator took something out
	Exports  int    `json:"e,omitempty"`
	Idle     int    `json:"i,omitempty"`
}

// Today is the day that is not over.
type Today struct {
	Date     string   `json:"date"`
	Patients []string `json:"patients,omitempty"`
	Hours    uint32   `json:"hours,omitempty"`
	Exports  int      `json:"exports,omitempty"`
	Idle     int      `json:"idle,omitempty"`
	Entered  []string `json:"entered,omitempty"` // chats of others, without a word so far
	Raised   []string `json:"raised,omitempty"`
}

// person returns somebody's habits, at a time where the practice is.
func (s *State) person(id string, at time.Time) *Habits {
	if s.People == nil {
		s.People = make(map[string]*Habits)
	}
	p := s.People[id]
	if p == nil {
		p = new(Habits)
		s.People[id] = p
	}
	p.turn(at.Format(time.DateOnly), at.AddDate(0, 0, 1).Format(time.DateOnly))
	return p
}

// turn ends the day if another has begun, or if a clock was ahead by more than
// until tomorrow. A chat that was gone into without a word by its end counts as
// left.
func (p *Habits) turn(date, tomorrow string) {
	if date <= p.Today.Date && p.Today.Date <= tomorrow {
		return
	}
	if t := &p.Today; len(t.Patients) > 0 || t.Exports > 0 {
		p.Days = append(p.Days, Day{Patients: len(t.Patients), Hours: t.Hours, Exports: t.Exports, Idle: t.Idle + len(t.Entered)})
		p.Days = p.Days[max(0, len(p.Days)-remembered):]
	}
	p.Today = Today{Date: date}
}

// Forget drops who did nothing since a day.
func (s *State) Forget(since time.Time) {
	day := since.Format(time.DateOnly)
	maps.DeleteFunc(s.People, func(_ string, p *Habits) bool { return p.Today.Date < day })
	maps.DeleteFunc(s.Links, func(_ string, l Link) bool { return l.Day < day })
}

func (p *Habits) has(r Rule, patient string) bool {
	return slices.Contains(p.Today.Raised, raised(r, patient))
}

// most is the largest number of a day before today.
func (p *Habits) most(of func(*Day) int) int {
	n := 0
	for i := range p.Days {
		n = max(n, of(&p.Days[i]))
	}
	return n
}

// usualPatients is how many patients a day p may be expected to see: as on
// their busiest day, or, as long as they have no habits, as on the busier days
// of the practice.
func (s *State) usualPatients(p *Habits) int {
	if len(p.Days) >= acquainted {
		return p.most(func(d *Day) int { return d.Patients })
	}
	var all []int
	for id, other := range s.People {
		if audit.IsAccount(id) {
			continue
		}
		for i := range other.Days {
			all = append(all, other.Days[i].Patients)
		}
	}
	if len(all) == 0 {
		return leastBulk / multiple
	}
	slices.Sort(all)
	return all[len(all)*9/10]
}

// expected reports whether it is usual that p sees patients at an hour of the
// day, one hour sooner or later: of them, or, as long as they have no habits,
// of the practice.
func (s *State) expected(p *Habits, hour int) bool {
	near := around(hour)
	if len(p.Days) >= acquainted {
		return p.daysWith(near) >= usualHours
	}
	n := 0
	for id, other := range s.People {
		if !audit.IsAccount(id) { // a machine works at any hour
			n += other.daysWith(near)
		}
	}
	return n >= sharedHours
}

func (p *Habits) daysWith(hours uint32) int {
	n := 0
	for i := range p.Days {
		if bits.OnesCount32(p.Days[i].Hours&hours) > 0 {
			n++
		}
	}
	return n
}

// around is an hour of the day with its neighbours.
func around(hour int) uint32 {
	return 1<<hour | 1<<((hour+23)%24) | 1<<((hour+1)%24)
}
