package hub

import (
	"context"

	"github.com/sotto-health/sotto/api"
)

// mostCounted is how far [Hub.AuditEvents] counts what a filter selects: so far
// takes some ten milliseconds, however large the log is.
const mostCounted = 10_000

// auditMatching counts what a filter selects of a log [Hub.asItStands].
func (h *Hub) auditMatching(ctx context.Context, q LogQuery) (*api.AuditMatching, error) {
	if q.whole() {
		return &api.AuditMatching{Count: q.Size}, nil
	}
	q.Limit = mostCounted
	found, looked, err := h.store.LogCount(ctx, q)
	if err != nil {
		return nil, at("count what the audit log has", err)
	}
	return &api.AuditMatching{Count: min(found, mostCounted), More: looked > mostCounted}, nil
}

// whole reports whether a query selects all of a log.
func (q *LogQuery) whole() bool {
	return len(q.Kinds)+len(q.Patients)+len(q.Conversations) == 0 && q.From == 0 && q.Until == 0 &&
		q.Outcome+q.Person+q.Subject+q.Object+q.Conversation+q.Patient == ""
}
