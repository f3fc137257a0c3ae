package policy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// A tableCase is a thing, how one stands to it, and what is the matter with it.
type tableCase struct {
	of     Resource
	is     []Condition
	unless Exception
}

// tableCases walks the facts that rules can ask for, each with nothing the
// matter and with one thing.
func tableCases(role Role, me string) []tableCase {
	const other = "p_2"
	var all []tableCase
	add := func(of *Resource, xs []Exception, is ...Condition) {
		for _, x := range append([]Exception{""}, xs...) {
			r := *of
			r.Practice = "t_1"
			switch x {
			case ConsentWithdrawn:
				r.Withdrawn = true
			case MustAgree:
				r.Due = true
			case GrantEnded:
				r.PastGrant = true
			case ChatOver:
				r.Closed = true
			case ByEmergency:
				r.Urgent = []string{me}
			case WithoutReason:
				r.Unexplained = true
			case OnlyOneLeft:
				r.LastAdministrator = true
			case NeedsSecond:
				r.TakesTwo = true
			case AskedForIt:
				r.Requester = me
			case WroteIt:
				r.Authors = []string{other, me}
			}
			all = append(all, tableCase{r, is, x})
		}
	}
	for _, claimed := range []bool{false, true} {
		for queue, conditions := range map[string][]Condition{"q_2": {Elsewhere, NotIn}, "q_1": {map[bool]Condition{false: QueueWaiting, true: QueueTaken}[claimed], InQueue, NotIn}} {
			for _, in := range [][]string{{other}, {other, me}} {
				r := &Resource{ID: "c_1", Queue: queue, Claimed: claimed, Patient: other, Wanted: in, Members: in}
				if r.Served = in; !claimed && !slices.Contains(in, me) {
					r.Served = nil
				}
				is := conditions
				switch mine := slices.Contains(in, me); {
				case mine && role == Patient:
					r.Patient, is = me, []Condition{OwnChat}
				case role == Patient:
					is = []Condition{OtherChat}
				case mine:
					is = []Condition{TakingPart}
				}
				xs := []Exception{ConsentWithdrawn, MustAgree, GrantEnded, ChatOver, ByEmergency}
				if claimed && !slices.Contains(in, me) {
					xs = append(xs, WithoutReason) // of what others have, and of nothing else
				}
				add(r, xs, is...)
			}
		}
	}
	add(&Resource{Person: me}, []Exception{OnlyOneLeft, NeedsSecond, AskedForIt}, Themselves)
	add(&Resource{Person: other}, []Exception{OnlyOneLeft, NeedsSecond, AskedForIt}, Others)
	add(&Resource{Form: "form"}, []Exception{WroteIt}, AtPractice)
	return all
}

// TestTable holds the table that people read against what the engine decides:
// whatever a rule makes of these facts that the table does not say is found.
func TestTable(t *testing.T) {
	e := newEngine(t)
	rows := e.Table()
	if len(rows) != len(Actions()) {
		t.Fatalf("%d rows for %d actions", len(rows), len(Actions()))
	}
	for _, row := range rows {
		kinds := kindsOf(e, row.Action)
		for _, cell := range row.Cells {
			p := &Principal{ID: "p_1", Practice: "t_1", Roles: []Role{cell.Role}, Queues: []string{"q_1"}}
			always := slices.Equal(cell.When, []Condition{Always})
			for _, c := range tableCases(cell.Role, p.ID) {
				d := e.Decide(p, row.Action, &c.of)
				says := (always && kinds[string(c.of.uid().Type)] || slices.ContainsFunc(c.is, func(is Condition) bool { return slices.Contains(cell.When, is) })) &&
					!slices.Contains(cell.Unless, c.unless)
				if d.Allowed != says {
					t.Errorf("%s %s: the table says %v (%v unless %v), and of %+v the engine %v by %v", cell.Role, row.Action, says, cell.When, cell.Unless, c.of, d.Allowed, d.Rules)
				}
				for _, id := range d.Rules {
					if d.Allowed && !slices.Contains(cell.Rules, id) {
						t.Errorf("%s %s: allowed by %s, which the table does not name", cell.Role, row.Action, id)
					}
				}
			}
		}
	}
}

// kindsOf are the kinds of things to which anybody can do a.
func kindsOf(e *Engine, a Action) map[string]bool {
	kinds := make(map[string]bool)
	for _, role := range Roles() {
		p := &Principal{ID: asked, Practice: "t_1", Roles: []Role{role}, Queues: []string{"q_given"}}
		for _, s := range standings(role) {
			if kind := string(s.of.uid().Type); !kinds[kind] && e.May(p, a, &s.of) {
				kinds[kind] = true
			}
		}
	}
	return kinds
}

// TestTableWithoutQueues: what the page says of whom nobody has given a queue or a
// department holds: a condition of queues is met by every chat.
func TestTableWithoutQueues(t *testing.T) {
	e := newEngine(t)
	for _, row := range e.Table() {
		for _, c := range row.Cells {
			if !c.Role.care() || !slices.Contains(c.When, InQueue) {
				continue
			}
			p := &Principal{ID: asked, Practice: "t_1", Roles: []Role{c.Role}}
			if r := (&Resource{Practice: "t_1", ID: "c_1", Queue: "q_any", Claimed: true, Served: []string{"p_other"}}); !e.May(p, row.Action, r) {
				t.Errorf("%s without queues and departments may not %s in any queue", c.Role, row.Action)
			}
		}
	}
}

// TestTableWords: the page has words for each action, area, condition and
// exception; the other languages are held to the English.
func TestTableWords(t *testing.T) {
	b, err := os.ReadFile("../../web/locales/admin/roles.en.json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := json.Unmarshal(b, &words); err != nil {
		t.Fatal(err)
	}
	var need []string
	for _, row := range newEngine(t).Table() {
		need = append(need, "action."+string(row.Action), "area."+row.Area)
	}
	for _, c := range Conditions() {
		need = append(need, "when."+string(c))
	}
	for _, x := range exceptions {
		need = append(need, "unless."+string(x.name))
	}
	for _, key := range need {
		if words["admin.roles."+key] == "" {
			t.Errorf("no words for %s", key)
		}
	}
	for key := range words {
		for _, kind := range []string{"action.", "area.", "when.", "unless."} {
			if rest, ok := strings.CutPrefix(key, "admin.roles."+kind); ok && !slices.Contains(need, kind+rest) {
				t.Errorf("words for %s, which there is not", kind+rest)
			}
		}
	}
}

func BenchmarkTable(b *testing.B) {
	e := newEngine(b)
	for b.Loop() {
		e.makeTable()
	}
}

// TestT50NoProgramTakesPart: a program of the practice (a service that is not its
// archive) may do nothing in or about a chat but ask who can read it, wherever it
// stands, member of the chat or not; of itself, it has what everybody has. So no
// consent of the kind "assistant" has to be looked for on these ways. Whoever
// lets one take part changes this test, and looks for that consent each time.
func TestT50NoProgramTakesPart(t *testing.T) {
	e := newEngine(t)
	p := &Principal{ID: "p_1", Practice: "t_1", Roles: []Role{Service}, Queues: []string{"q_1"}}
	everybodys := []string{"members-explain", "own-device", "own-log"}
	for _, a := range Actions() {
		for _, c := range tableCases(Service, p.ID) {
			if d := e.Decide(p, a, &c.of); d.Allowed && !slices.ContainsFunc(d.Rules, func(id string) bool { return slices.Contains(everybodys, id) }) {
				t.Errorf("a program may %s of %+v, by %v", a, c.of, d.Rules)
			}
		}
	}
}
