package policy

import (
	"fmt"
	"slices"
	"strings"
)

// A Condition says to what somebody must stand in which way, for a role to be
// allowed something.
type Condition string

// The conditions. The first stands alone; without any, a role may never.
const (
	Always Condition = "always"
	// Of chats: staff take part in it; it is of a queue that they are given,
	// by name or by a department; or neither.
	OwnChat      Condition = "own-chat" // a patient's
	OtherChat    Condition = "other-chat"
	TakingPart   Condition = "taking-part"
	InQueue      Condition = "queue" // the next two together
	QueueWaiting Condition = "queue-waiting"
	QueueTaken   Condition = "queue-taken" // by a colleague
	Elsewhere    Condition = "elsewhere"
	NotIn        Condition = "not-in" // the last three together
	// Of people.
	Themselves Condition = "themselves"
	Others     Condition = "others"
	// Of what is of no chat and no person.
	AtPractice Condition = "practice"
)

// Conditions lists all, in the order in which a cell has them.
func Conditions() []Condition {
	return []Condition{Always, OwnChat, OtherChat, TakingPart, InQueue, QueueWaiting, QueueTaken, Elsewhere, NotIn, Themselves, Others, AtPractice}
}

// An Exception is what takes away what a condition gives.
type Exception string

// The exceptions.
const (
	ConsentWithdrawn Exception = "withdrawn"
	MustAgree        Exception = "due"
	GrantEnded       Exception = "past-grant"
	ChatOver         Exception = "closed"
	ByEmergency      Exception = "emergency" // and for its hour
	WithoutReason    Exception = "unexplained"
	OnlyOneLeft      Exception = "last-administrator"
	WroteIt          Exception = "author"
	NeedsSecond      Exception = "takes-two"
	AskedForIt       Exception = "requester"
)

// exceptions are how each changes what it is about.
var exceptions = []struct {
	name Exception
	kind string
	make func(r *Resource, person string)
}{
	{ConsentWithdrawn, "chat", func(r *Resource, _ string) { r.Withdrawn = true }},
	{MustAgree, "chat", func(r *Resource, _ string) { r.Due = true }},
	{GrantEnded, "chat", func(r *Resource, _ string) { r.PastGrant = true }},
	{ChatOver, "chat", func(r *Resource, _ string) { r.Closed = true }},
	{ByEmergency, "chat", func(r *Resource, p string) { r.Urgent = []string{p} }},
	{WithoutReason, "chat", func(r *Resource, _ string) { r.Unexplained = true }},
	{OnlyOneLeft, "person", func(r *Resource, _ string) { r.LastAdministrator = true }},
	{NeedsSecond, "person", func(r *Resource, _ string) { r.TakesTwo = true }},
	{AskedForIt, "person", func(r *Resource, p string) { r.Requester = p }},
	{WroteIt, "practice", func(r *Resource, p string) { r.Authors = []string{p} }},
}

// A Cell is what one role may do of one action.
type Cell struct {
	Role Role
	When []Condition // none: never
	// Unless are of what When allows, not of all of it: a person's exceptions
	// do not touch chats.
	Unless []Exception
	// Rules are ids of those that allow it or forbid it.
	Rules []string
}

// A Row is one action, with a cell for each of [Roles].
type Row struct {
	Action Action
	Area   string
	Cells  []Cell
}

// areas of the page, by what an action's name begins with.
var areas = map[string]string{
	"conversation": "chats", "conversations": "chats", "patient": "patients", "person": "people", "device": "people",
	"practice": "practice", "audit": "oversight", "policy": "oversight", "emergency": "oversight", "consent": "forms",
}

// Areas lists those of the table, in its order.
func Areas() []string {
	return []string{"chats", "patients", "people", "practice", "oversight", "forms"}
}

// Table says who may do what, by asking the engine about every role and action
// in every way in which somebody can stand to what they act upon. It is for
// staff who are given a queue; who is given neither queues nor departments
// works on all of them. There is a cell for each of [Roles]. The rows are made
// once, and are not for changing.
func (e *Engine) Table() []Row { return e.table() }

func (e *Engine) makeTable() []Row {
	var rows []Row
	for _, a := range Actions() {
		prefix, _, _ := strings.Cut(string(a), ".")
		rows = append(rows, Row{Action: a, Area: areas[prefix], Cells: e.cells(a)})
	}
	slices.SortStableFunc(rows, func(x, y Row) int { return slices.Index(Areas(), x.Area) - slices.Index(Areas(), y.Area) })
	return rows
}

// A standing is one way to stand to a thing of a kind.
type standing struct {
	kind string
	name Condition
	of   Resource
}

const asked = "p_asked" // who asks, in the table

func standings(role Role) []standing {
	const other = "p_other"
	chat := func(name Condition, queue, patient string, claimed bool, in ...string) standing {
		return standing{"chat", name, Resource{ID: "c_1", Queue: queue, Patient: patient, Claimed: claimed, Wanted: in, Members: in, Served: in}}
	}
	all := []standing{
		chat(TakingPart, "q_else", other, true, asked), chat(QueueWaiting, "q_given", other, false),
		chat(QueueTaken, "q_given", other, true, other), chat(Elsewhere, "q_else", other, true, other),
	}
	if role == Patient {
		all = []standing{chat(OwnChat, "q_else", asked, true, asked), chat(OtherChat, "q_else", other, true, other)}
	}
	all = append(
		all, standing{"person", Themselves, Resource{Person: asked}}, standing{"person", Others, Resource{Person: other}},
		standing{"practice", AtPractice, Resource{Form: "form"}},
	)
	for i := range all {
		all[i].of.Practice = "t_1"
	}
	return all
}

func (e *Engine) cells(a Action) []Cell {
	var cells []Cell
	of := make(map[string]bool) // the kinds of things that somebody can do it to
	for _, role := range Roles() {
		p := &Principal{ID: asked, Practice: "t_1", Roles: []Role{role}, Queues: []string{"q_given"}}
		c := Cell{Role: role}
		for _, s := range standings(role) {
			d := e.Decide(p, a, &s.of)
			c.Rules = append(c.Rules, d.Rules...)
			if !d.Allowed {
				continue
			}
			of[s.kind] = true
			c.When = append(c.When, s.name)
			for _, x := range exceptions {
				changed := s.of
				if x.make(&changed, asked); x.kind != s.kind {
					continue
				}
				if d := e.Decide(p, a, &changed); !d.Allowed {
					c.Unless = append(c.Unless, x.name)
					c.Rules = append(c.Rules, d.Rules...)
				}
			}
		}
		cells = append(cells, c)
	}
	for i := range cells {
		c := &cells[i]
		c.When = sum(c.Role, c.When, of)
		slices.Sort(c.Unless)
		c.Unless = slices.Compact(c.Unless)
		slices.Sort(c.Rules)
		c.Rules = slices.Compact(c.Rules)
	}
	return cells
}

// sum says what is allowed in as few conditions as there can be.
func sum(role Role, when []Condition, of map[string]bool) []Condition {
	if len(when) == 0 {
		return nil
	}
	if !slices.ContainsFunc(standings(role), func(s standing) bool { return of[s.kind] && !slices.Contains(when, s.name) }) {
		return []Condition{Always}
	}
	for _, s := range []struct {
		sum   Condition
		parts []Condition
	}{{NotIn, []Condition{QueueWaiting, QueueTaken, Elsewhere}}, {InQueue, []Condition{QueueWaiting, QueueTaken}}} {
		is := func(c Condition) bool { return slices.Contains(s.parts, c) }
		if n := slices.IndexFunc(when, is); n >= 0 && !slices.ContainsFunc(s.parts, func(c Condition) bool { return !slices.Contains(when, c) }) {
			when = slices.Insert(slices.DeleteFunc(when, is), n, s.sum)
		}
	}
	return when
}

// tableDocument is the table as Markdown.
func tableDocument(b *strings.Builder, e *Engine) {
	b.WriteString("\n## Role by role\n\nWhat the engine answers about each action, for staff who are given a queue. Who is given neither queues nor departments\n" +
		"works on all. What is not named is never allowed. The page *Roles* shows the same to compliance officers, administrators and\nauditors (`GET /v1/admin/policy`).\n\n" +
		"| action | who may, and when |\n|---|---|\n")
	for _, row := range e.Table() {
		var who []string
		for _, c := range row.Cells {
			if len(c.When) == 0 {
				continue
			}
			text := fmt.Sprintf("%s: %s", c.Role, join(c.When))
			if len(c.Unless) > 0 {
				text += ", unless " + join(c.Unless)
			}
			who = append(who, text)
		}
		fmt.Fprintf(b, "| %s | %s |\n", row.Action, strings.Join(who, "; "))
	}
}

func join[S ~string](all []S) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = string(s)
	}
	return strings.Join(texts, " or ")
}
