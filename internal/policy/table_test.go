package policy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTable holds the table that people read against what the engine decides
// of anybody, about anything: whatever a rule makes of it that the table does
// not say is found here.
func TestTable(t *testing.T) {
	e := newEngine(t)
	rows := e.Table()
	if len(rows) != len(Actions()) {
		t.Fatalf("%d rows for %d actions", len(rows), len(Actions()))
	}
	persons := rapid.SampledFrom([]string{"p_1", "p_2", "p_3"})
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SampledFrom(rows).Draw(t, "row")
		cell := rapid.SampledFrom(row.Cells).Draw(t, "cell")
		p := &Principal{ID: "p_1", Practice: "t_1", Roles: []Role{cell.Role}, Queues: []string{"q_1"}}
		r := &Resource{Practice: "t_1"}
		var is []Condition // how p stands to r
		unless := make(map[Exception]bool)
		draw := func(x Exception) bool {
			unless[x] = rapid.Bool().Draw(t, string(x))
			return unless[x]
		}
		switch rapid.SampledFrom([]string{"chat", "person", "practice"}).Draw(t, "kind") {
		case "chat":
			r.ID, r.Queue, r.Claimed = "c_1", rapid.SampledFrom([]string{"q_1", "q_2"}).Draw(t, "queue"), rapid.Bool().Draw(t, "claimed")
			r.Patient = rapid.SampledFrom([]string{"p_2", "p_3"}).Draw(t, "patient")
			r.Wanted = rapid.SliceOfDistinct(persons, func(s string) string { return s }).Draw(t, "wanted")
			if cell.Role == Patient {
				r.Wanted = []string{r.Patient}
				if rapid.Bool().Draw(t, "own") {
					r.Patient, r.Wanted = p.ID, []string{p.ID}
				}
			}
			r.Members = r.Wanted
			r.Withdrawn, r.Due, r.PastGrant, r.Closed = draw(ConsentWithdrawn), draw(MustAgree), draw(GrantEnded), draw(ChatOver)
			in := slices.Contains(r.Wanted, p.ID)
			switch {
			case r.Patient == p.ID:
				is = []Condition{OwnChat}
			case cell.Role == Patient:
				is = []Condition{OtherChat}
			case in:
				is = []Condition{TakingPart}
			case r.Queue != "q_1":
				is = []Condition{Elsewhere, NotIn}
			case r.Claimed:
				is = []Condition{QueueTaken, InQueue, NotIn}
			default:
				is = []Condition{QueueWaiting, InQueue, NotIn}
			}
		case "person":
			r.Person, r.LastAdministrator = persons.Draw(t, "person"), draw(OnlyOneLeft)
			is = []Condition{Others}
			if r.Person == p.ID {
				is = []Condition{Themselves}
			}
		default:
			r.Form = "form"
			if is = []Condition{AtPractice}; draw(WroteIt) {
				r.Authors = []string{"p_3", p.ID}
			}
		}
		if slices.Equal(cell.When, []Condition{Always}) && !kindOf(e, row.Action, r) {
			is = nil // not what the action is done to
		} else {
			is = append(is, Always)
		}
		says := slices.ContainsFunc(is, func(c Condition) bool { return slices.Contains(cell.When, c) }) &&
			!slices.ContainsFunc(cell.Unless, func(x Exception) bool { return unless[x] })
		d := e.Decide(p, row.Action, r)
		if d.Allowed != says {
			t.Fatalf("%s %s: the table says %v (%v unless %v), and of %+v the engine %v by %v", cell.Role, row.Action, says, cell.When, cell.Unless, *r, d.Allowed, d.Rules)
		}
		for _, id := range d.Rules {
			if d.Allowed && !slices.Contains(cell.Rules, id) {
				t.Fatalf("%s %s: allowed by %s, which the table does not name", cell.Role, row.Action, id)
			}
		}
	})
}

// kindOf says whether anybody can do a to things of r's kind.
func kindOf(e *Engine, a Action, r *Resource) bool {
	for _, role := range Roles() {
		p := &Principal{ID: asked, Practice: "t_1", Roles: []Role{role}, Queues: []string{"q_given"}}
		for _, s := range standings(role) {
			if s.of.uid().Type == r.uid().Type && e.May(p, a, &s.of) {
				return true
			}
		}
	}
	return false
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
			if r := (&Resource{Practice: "t_1", ID: "c_1", Queue: "q_any", Claimed: true}); !e.May(p, row.Action, r) {
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
