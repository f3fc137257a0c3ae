package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/hub"
)

// LogCount implements [hub.Audit].
//
// It reads the indexes that [Store.LogEntries] reads, and of them all together
// one entry more than the limit. What is compared beside them is compared of
// those alone, so that no filter reads more, whatever it finds.
func (s *Store) LogCount(ctx context.Context, q hub.LogQuery) (found, looked int64, err error) {
	number, err := s.logNumber(ctx, q.Practice)
	if err != nil {
		return 0, 0, s.translate(err)
	}
	size := q.Size
	q.Forward, q.Size = false, 0
	l := newLogList(s, &q, number)
	l.limit = l.argument(max(q.Limit, 1) + 1)
	parts, rest := l.counted()
	if size > 0 {
		rest += " AND leaf < " + l.argument(size)
	}
	query := "SELECT COALESCE(sum(CASE WHEN leaf >= 0" + rest + " THEN 1 ELSE 0 END), 0), count(*) FROM (" +
		strings.Join(parts, " UNION ALL ") + " LIMIT " + l.limit + ") AS parts"
	err = s.reader().row(ctx, query, l.args...).Scan(&found, &looked)
	return found, looked, s.translate(err)
}

// counted returns statements that look up entries, of which those are counted
// that the rest of the conditions fits. A count needs no order of time, but each
// statement has that of its index, so that no engine takes another way. Without
// bounds of time one statement reads what the list merges.
func (l *logList) counted() (parts []string, rest string) {
	q := l.query
	timed, kinds := l.within != "", len(q.Kinds) > 0
	where, rest := l.thing()
	switch {
	case where != "":
		parts = []string{l.part(l.columns(), where, l.order)}
	case q.Person != "" && undone(q.Outcome):
		where, rest = " AND person = "+l.argument(q.Person)+l.outcome(), l.kinds()
		parts = []string{l.part(l.columns(), where, l.order)}
	case q.Person != "":
		rest = l.beside("outcome", q.Outcome)
		if timed || kinds {
			return l.parts(l.person(), l.columns(), l.order, ""), rest
		}
		parts = []string{l.part(l.columns(), l.person(), "kind, at, leaf")}
	case undone(q.Outcome) && !timed && !kinds:
		parts = []string{l.part("", l.outcome(), "person, at, leaf")}
	case q.Outcome != "":
		parts = l.parts("", "", l.order, q.Outcome)
	case kinds && timed:
		parts = l.parts("", "", l.order, outcomes...)
	case kinds:
		parts = l.parts("", "", "outcome, at, leaf", "")
	default:
		parts = []string{l.part("", "", l.order)}
	}
	return parts, rest
}

// columns are those that are compared, beside an entry's place.
func (l *logList) columns() string {
	slices.Sort(l.compared)
	all := ""
	for _, column := range slices.Compact(l.compared) {
		all += ", " + column
	}
	return all
}
