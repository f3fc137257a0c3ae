package alert_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/alert"
)

// A month is one of a practice with a hundred staff, as it comes.
type month struct {
	*log
	*rand.Rand
}

const monthDays = 30

func weekend(day int) bool { return day%7 >= 5 }

func (m *month) nurse() string { return fmt.Sprint("nurse", m.IntN(60)) }

// goesOn is a day without any snooping: with overtime, days of twice the work,
// people who are away, namesakes, a night shift, and supervisors who look in.
func (m *month) goesOn(day int) {
	for i := range 60 {
		nurse := fmt.Sprint("nurse", i)
		if weekend(day) && i%10 != 0 || m.IntN(12) == 0 {
			continue
		}
		n := 8 + m.IntN(10)
		if m.IntN(15) == 0 {
			n *= 2
		}
		m.works(day, nurse, 8, n)
		if m.IntN(60) == 0 {
			m.does(m.day(day, 18, 40), nurse, audit.ConversationOpened, fmt.Sprint("p_late", day))
		}
		if m.IntN(400) == 0 {
			m.seesRecord(day, nurse)
		}
	}
	for i := range 20 {
		if !weekend(day) {
			m.works(day, fmt.Sprint("desk", i), 8, 25+m.IntN(30))
		}
	}
	for i := range 10 {
		if m.IntN(3) > 0 {
			m.works(day, fmt.Sprint("night", i), 15, 5+m.IntN(8))
			m.does(m.day(day, 23, 30), fmt.Sprint("night", i), audit.ConversationOpened, fmt.Sprint("p_night", day, i))
		}
	}
	for i := range 10 {
		for chat := range m.IntN(4) {
			m.looksIn(day, fmt.Sprint("lead", i), fmt.Sprint("p_led", day, i, chat))
		}
	}
	if day%7 == 2 {
		m.does(m.day(day, 16, 0), "lead0", audit.ReviewsExported, "")
	}
}

func (m *month) seesRecord(day int, person string) {
	m.look(audit.Event{At: m.day(day, 12, 0).UnixMilli(), Kind: audit.PatientVerificationRead, Person: person, Patient: "p_namesake", Detail: alert.SameSurname})
}

func (m *month) looksIn(day int, person, patient string) {
	m.does(m.day(day, 9+m.IntN(7), 0), person, audit.ConversationJoined, patient)
	m.does(m.day(day, 17, 0), person, audit.ConversationLeft, patient)
}

// snoops has somebody do one of the things that T42 names, and returns who.
func (m *month) snoops(day, which int) (person string) {
	person = m.nurse()
	switch which {
	case 0: // a patient whom everybody knows
		m.does(m.day(day, 11, m.IntN(60)), person, audit.ConversationJoined, fmt.Sprint("p_vip", m.IntN(5)))
	case 1: // somebody they once lived with
		i := m.IntN(4)
		person = fmt.Sprint("nurse", i)
		m.does(m.day(day, 13, m.IntN(60)), person, audit.PatientSeen, fmt.Sprint("p_ex", i))
	case 2: // a relative
		m.seesRecord(day, person)
	case 3: // scrolls through all there are
		for i := range 120 {
			m.does(m.day(day, 12, 0).Add(time.Duration(i)*time.Minute), person, audit.PatientSeen, fmt.Sprint("p_scroll", day, i))
		}
	case 4: // at night
		m.does(m.day(day, 2, m.IntN(60)), person, audit.ConversationOpened, fmt.Sprint("p_dark", day))
	case 5: // out of curiosity
		for i := range 4 + m.IntN(4) {
			m.looksIn(day, person, fmt.Sprint("p_curious", day, i))
		}
	case 6: // an export at 3 a.m.
		person = fmt.Sprint("lead", m.IntN(10))
		m.does(m.day(day, 3, m.IntN(60)), person, audit.AccountTaken, fmt.Sprint("p_taken", day))
	}
	return person
}

// TestT42Month: of what T42 names, at least nine in ten are found, for at most
// five alerts a day of a hundred staff.
func TestT42Month(t *testing.T) {
	m := month{newLog(t), rand.New(rand.NewPCG(42, 1))}
	for i := range 5 {
		m.set.Watches = append(m.set.Watches, alert.Watch{Patient: fmt.Sprint("p_vip", i)})
	}
	for i := range 4 {
		m.set.Watches = append(m.set.Watches, alert.Watch{Patient: fmt.Sprint("p_ex", i), Person: fmt.Sprint("nurse", i)})
	}
	done, caught := 0, make(map[alert.Rule]int)
	for day := range monthDays {
		for i := range 2 {
			if day < 9 || weekend(day) {
				break
			}
			before := len(m.found)
			person := m.snoops(day, (2*day+i)%7)
			done++
			for _, a := range m.found[before:] {
				if a.Person == person {
					caught[a.Rule]++
					break
				}
			}
		}
		m.goesOn(day)
	}
	n := 0
	for _, c := range caught {
		n += c
	}
	recall, daily := float64(n)/float64(done), float64(len(m.found))/monthDays
	t.Logf("%d of %d found (%.2f), %.1f alerts a day: %v", n, done, recall, daily, caught)
	if done < 25 || recall < 0.9 || daily > 5 {
		t.Errorf("want at least 0.9 found, for at most 5 alerts a day")
	}
}
