package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

// LogEntries implements [hub.Audit].
//
// Each list is read from an index that has its order. A thing, a conversation
// or a patient has few entries, so one index serves, whatever else is asked
// for; it has what that is, as some never end and their entries lie far apart. Who acts and what is done can be most of the log: then the index has all
// that is asked for, and lists of several kinds or outcomes are merged.
func (s *Store) LogEntries(ctx context.Context, q hub.LogQuery) ([]auditlog.Entry, error) {
	number, err := s.logNumber(ctx, q.Practice)
	if err != nil {
		return nil, s.translate(err)
	}
	l := newLogList(s, &q, number)
	l.limit = l.argument(max(q.Limit, 1))
	query := entryColumns + l.within + " ORDER BY " + l.order + " LIMIT " + l.limit
	switch where, rest := l.thing(); {
	case len(q.Patients)+len(q.Conversations) > 0:
		query = l.anyOf()
	case where != "" && rest != "" && q.Walk > 0:
		query = l.entries("SELECT leaf FROM (" + l.walk(where) + ") AS walked WHERE leaf >= 0" + rest)
	case where != "":
		query = l.entries("SELECT leaf FROM audit_entry WHERE practice = " + l.practice + where + rest + l.within)
	case q.Person != "" && undone(q.Outcome):
		query = entryColumns + " AND person = " + l.argument(q.Person) + l.outcome() + l.kinds() + l.within + " ORDER BY " + l.order + " LIMIT " + l.limit
	case q.Person != "":
		query = l.merged(l.parts(l.person()+l.beside("outcome", q.Outcome), "", l.order, ""))
	case q.Outcome != "":
		query = l.merged(l.parts("", "", l.order, q.Outcome))
	case len(q.Kinds) > 0:
		query = l.merged(l.parts("", "", l.order, outcomes...))
	}
	all, err := collect(ctx, s.reader(), entryScanner(q.Practice), query, l.args...)
	return all, s.translate(err)
}

// walk is a statement for the entries of a thing that are looked at.
func (l *logList) walk(where string) string {
	columns := "at, leaf"
	for _, column := range slices.Compact(slices.Sorted(slices.Values(l.compared))) {
		columns += ", " + column
	}
	return "SELECT " + columns + " FROM audit_entry WHERE practice = " + l.practice + where + l.within +
		" ORDER BY " + l.order + " LIMIT " + l.argument(l.query.Walk)
}

// LogWalked implements [hub.Audit].
func (s *Store) LogWalked(ctx context.Context, q hub.LogQuery) (*hub.LogPlace, error) {
	number, err := s.logNumber(ctx, q.Practice)
	if err != nil {
		return nil, s.translate(err)
	}
	if _, rest := newLogList(s, &q, number).thing(); rest == "" || q.Walk <= 0 {
		return nil, nil // all that is looked at is listed
	}
	l := newLogList(s, &q, number)
	statement := "SELECT at, leaf FROM audit_entry WHERE practice = " + l.practice + l.of(l.things()[0]) + l.within +
		" ORDER BY " + l.order + " LIMIT 1 OFFSET " + l.argument(q.Walk-1)
	var last hub.LogPlace
	err = s.reader().row(ctx, statement, l.args...).Scan(&last.At, &last.Leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &last, s.translate(err)
}

// undone reports whether few entries have that outcome.
func undone(outcome string) bool { return outcome != "" && outcome != string(audit.Done) }

// A logList is a statement in the making.
type logList struct {
	store           *Store
	query           *hub.LogQuery
	args            []any
	practice, limit string // parameters
	order           string
	within          string // conditions of time
	// compared are the columns of conditions for which no index is looked up.
	compared []string
}

func newLogList(s *Store, q *hub.LogQuery, practice int64) *logList {
	l := &logList{store: s, order: "at DESC, leaf DESC", query: q}
	if q.Forward {
		l.order = "at, leaf"
	}
	l.practice = l.argument(practice)
	l.bounds()
	return l
}

// argument returns the parameter that stands for a value.
func (l *logList) argument(value any) string {
	l.args = append(l.args, value)
	return fmt.Sprintf("$%d", len(l.args))
}

func (l *logList) bounds() {
	q := l.query
	if q.Beyond != nil {
		sign := "<"
		if q.Forward {
			sign = ">"
		}
		l.within = fmt.Sprintf(" AND (at, leaf) %s (%s, %s)", sign, l.argument(q.Beyond.At), l.argument(q.Beyond.Leaf))
	}
	if q.From > 0 {
		l.within += " AND at >= " + l.argument(q.From)
	}
	if q.Until > 0 {
		l.within += " AND at < " + l.argument(q.Until)
	}
	if q.Size > 0 { // the sum keeps the engine from walking along the numbers
		l.within += " AND leaf + 0 < " + l.argument(q.Size)
	}
}

// beside is a condition for which no index is looked up.
func (l *logList) beside(column, value string) string {
	if value == "" {
		return ""
	}
	l.compared = append(l.compared, column)
	return " AND (" + column + " || '') = " + l.argument(value)
}

// An aboutness is a column of what entries are about, the value asked for, and
// which entries its index has.
type aboutness struct{ column, value, index string }

// things are those that are asked for, the one to look up first: a device can be
// let into every conversation, and a form agreed to by every patient, so things
// come after those.
func (l *logList) things() []aboutness {
	q := l.query
	return slices.DeleteFunc([]aboutness{
		{"conversation", q.Conversation, " AND conversation <> ''"},
		{"patient", q.Patient, " AND patient <> ''"},
		{"object", q.Object, " AND object <> '' AND kind <> 'frame.sent' AND kind <> 'handshake.sent'"},
		{"subject", q.Subject, " AND subject <> ''"},
	}, func(a aboutness) bool { return a.value == "" })
}

// of is the condition that looks a thing up.
func (l *logList) of(a aboutness) string {
	return " AND " + a.column + " = " + l.argument(a.value) + a.index
}

// thing returns the conditions of a list of what few entries are about; nothing
// if it is of no such thing. The first is looked up, and the rest compared.
func (l *logList) thing() (where, rest string) {
	q := l.query
	for n, a := range l.things() {
		if n == 0 {
			where = l.of(a)
			continue
		}
		rest += l.beside(a.column, a.value)
		if a.column == "object" { // what its index leaves out
			l.compared = append(l.compared, "kind")
			rest += " AND (kind || '') NOT IN ('frame.sent', 'handshake.sent')"
		}
	}
	if where != "" {
		rest += l.beside("person", q.Person) + l.beside("outcome", q.Outcome) + l.kinds()
	}
	return where, rest
}

// anyOf is a list of what is about any of some patients, or in any of some
// conversations. Each patient's part is read in the list's order, up to the
// limit; of the conversations all that the index has is put in order. What is in
// two parts counts once.
func (l *logList) anyOf() string {
	q := l.query
	var parts []string
	part := func(where, order string) {
		parts = append(parts, "SELECT * FROM (SELECT at, leaf FROM audit_entry WHERE practice = "+l.practice+where+
			l.beside("person", q.Person)+l.beside("outcome", q.Outcome)+l.kinds()+l.within+" ORDER BY "+order+" LIMIT "+l.limit+") AS part")
	}
	for _, patient := range q.Patients {
		part(" AND patient = "+l.argument(patient)+" AND patient <> ''", l.order)
	}
	if len(q.Conversations) > 0 {
		part(" AND "+l.store.dialect.in("conversation", l.argument(document(q.Conversations)))+" AND conversation <> ''", l.sorted())
	}
	return l.entries("SELECT leaf FROM (" + strings.Join(parts, " UNION ") + ") AS parts")
}

func (l *logList) outcome() string {
	return " AND outcome = " + l.argument(l.query.Outcome) + " AND outcome <> 'done'"
}

// kinds is a condition for which no index is looked up.
func (l *logList) kinds() string {
	switch len(l.query.Kinds) {
	case 0:
		return ""
	case 1:
		return l.beside("kind", l.query.Kinds[0])
	}
	l.compared = append(l.compared, "kind")
	of := make([]string, len(l.query.Kinds))
	for i, kind := range l.query.Kinds {
		of[i] = l.argument(kind)
	}
	return " AND (kind || '') IN (" + strings.Join(of, ", ") + ")"
}

func (l *logList) person() string {
	return " AND person = " + l.argument(l.query.Person) + " AND person <> ''"
}

var outcomes = []string{string(audit.Done), string(audit.Refused), string(audit.Failed)}

// parts are statements for the first entries of each kind, and of each outcome
// if there are any: their places, and more of their columns.
func (l *logList) parts(where, columns, order string, outcomes ...string) (parts []string) {
	kinds := l.query.Kinds
	if len(kinds) == 0 {
		for _, k := range audit.Vocabulary() {
			kinds = append(kinds, string(k.Kind))
		}
	}
	equal := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		if outcome != "" {
			equal[i] = " AND outcome = " + l.argument(outcome)
		}
	}
	for _, kind := range kinds {
		of := l.argument(kind)
		for _, outcome := range equal {
			parts = append(parts, l.part(columns, where+" AND kind = "+of+outcome, order))
		}
	}
	return parts
}

// part is a statement for the first entries of one index, in its order.
func (l *logList) part(columns, where, order string) string {
	return "SELECT * FROM (SELECT at, leaf" + columns + " FROM audit_entry WHERE practice = " + l.practice + where +
		l.within + " ORDER BY " + order + " LIMIT " + l.limit + ") AS part"
}

// merged is a statement for the first of what several find.
func (l *logList) merged(parts []string) string {
	return l.entries("SELECT leaf FROM (" + strings.Join(parts, " UNION ALL ") + ") AS parts")
}

// entries is a statement for the first of the leaves that another finds.
func (l *logList) entries(found string) string {
	return entryColumns + " AND leaf IN (" + found + " ORDER BY " + l.order + " LIMIT " + l.limit + ") ORDER BY " + l.sorted()
}

// sorted is the list's order for what is found first and sorted then: the sum
// keeps the engine from walking along the index of times.
func (l *logList) sorted() string { return strings.Replace(l.order, "at", "at + 0", 1) }
