package auditlog

import (
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

const (
	// ClockTolerance is how far the time of an entry may be before that of an
	// earlier one, or on the wrong side of a witness's: acts that come together
	// do not get their numbers in the order of their times, and clocks differ.
	ClockTolerance = 5 * time.Minute
	// notedWithin is how soon, by the new time, a hub notes that its clock was
	// set.
	notedWithin = 2 * time.Minute
)

// A clockCheck follows the times of a log's entries. They rest on the hub's
// clock, which whoever runs the hub can set: the order of a log is proved, its
// times are not. What can be told is named:
//
//   - a time that goes back. A hub notes that its clock was set
//     ([audit.ClockChanged]); then it is no damage. If nothing says so, somebody
//     dated entries back, or two hubs of one log have different clocks;
//   - a time that a witness's signature contradicts, where checkpoints come with
//     one: of an entry that the witness had signed already, a later one; of one
//     that it had not, an earlier one.
type clockCheck struct {
	first, latest int64 // times, Unix milliseconds
	newest        int64 // the latest since the clock was last set back
	newestAt      int64 // that entry's number
	open          []jump
	noted         []*DamageError
	witnessed     []Checkpoint // those with a witness's time, whose entries agree so far
}

// A jump is an entry that is dated before an earlier one.
type jump struct {
	at     int64 // the entry's time
	damage *DamageError
}

func newClockCheck(earlier []Checkpoint) *clockCheck {
	c := new(clockCheck)
	for _, e := range earlier {
		if !e.WitnessedAt.IsZero() {
			c.witnessed = append(c.witnessed, e)
		}
	}
	return c
}

// entry looks at the next entry, and returns what its time contradicts.
func (c *clockCheck) entry(e *Entry) (damage []*DamageError) {
	at := e.Event.At
	if c.first == 0 {
		c.first = at
	}
	if back := time.Duration(c.newest-at) * time.Millisecond; back > ClockTolerance {
		c.open = append(c.open, jump{at, &DamageError{What: "entry", At: e.Leaf, How: fmt.Sprintf(
			"is dated %s, %s before entry %d", date(at), back.Round(time.Second), c.newestAt)}})
		c.newest = at // those after it are by the same clock
	}
	if at >= c.newest {
		c.newest, c.newestAt = at, e.Leaf
	}
	c.latest = max(c.latest, at)
	if e.Event.Kind == audit.ClockChanged {
		c.explain(at)
	}
	kept := c.witnessed[:0]
	for _, w := range c.witnessed {
		off := time.UnixMilli(at).Sub(w.WitnessedAt)
		switch {
		case e.Leaf < w.Size && off > ClockTolerance:
			damage = append(damage, &DamageError{What: "entry", At: e.Leaf, How: fmt.Sprintf(
				"is dated %s, and a witness had signed it by %s: the clock was ahead, or it was dated ahead", date(at), date(w.WitnessedAt.UnixMilli()))})
		case e.Leaf >= w.Size && off < -ClockTolerance:
			damage = append(damage, &DamageError{What: "entry", At: e.Leaf, How: fmt.Sprintf(
				"is dated %s, and was not there when a witness signed the first %d entries, at %s: the clock was set back, or it was dated back",
				date(at), w.Size, date(w.WitnessedAt.UnixMilli()))})
		default:
			kept = append(kept, w) // the first entry that contradicts it says enough
		}
	}
	c.witnessed = kept
	return damage
}

// explain takes the jumps that the hub noted at that time for no damage.
func (c *clockCheck) explain(at int64) {
	kept := c.open[:0]
	for _, j := range c.open {
		if at-j.at <= notedWithin.Milliseconds() {
			j.damage.How += ": the hub's clock was set back, as the log says itself"
			c.noted = append(c.noted, j.damage)
		} else {
			kept = append(kept, j)
		}
	}
	c.open = kept
}

// left returns the jumps that nothing explains.
func (c *clockCheck) left() (damage []*DamageError) {
	for _, j := range c.open {
		j.damage.How += ", and nothing says that the clock was set back: it was dated back, or the hubs' clocks differ"
		damage = append(damage, j.damage)
	}
	return damage
}

func date(at int64) string { return time.UnixMilli(at).UTC().Format(time.RFC3339) }
