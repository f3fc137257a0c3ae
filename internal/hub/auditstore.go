package hub

import (
	"context"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// Audit keeps what was done, in the transaction that did it.
type Audit interface {
	// Recording returns a view of the store whose writes also store the events:
	// with each call that succeeds, in its transaction, so that the act and its
	// events are both there or neither is. Make one for one write. A call that
	// fails stores none, and nor does AppendFrame of a duplicate. An event that
	// does not pass [audit.Event.Check] fails the call. With AppendFrame, an
	// event about a conversation gets its Patient, and a frame's its position as
	// Object.
	Recording(events ...audit.Event) Store
	// Record stores events of what the store is not changed by: what was read,
	// and what was refused. Who reads waits for it before they answer.
	Record(ctx context.Context, events ...audit.Event) error
	// WaitingEvents lists a practice's events that have no number in its log yet,
	// oldest first.
	WaitingEvents(ctx context.Context, practice string, limit int) ([]audit.Event, error)

	// LogsWaiting lists the practices with events that wait, and how many do.
	LogsWaiting(ctx context.Context) ([]LogBacklog, error)
	// GrowLog gives at most limit waiting events of a practice their numbers, in
	// the order in which they came, and returns how many. One caller at a time
	// does so for a practice, whichever hub it is.
	GrowLog(ctx context.Context, practice string, limit int) (int, error)
	UnreadableEvents
	// LogHead returns how the practice's log stands; an empty log has size 0.
	LogHead(ctx context.Context, practice string) (auditlog.Head, error)
	// LogTile returns the hashes that a tile has; none if there are none.
	LogTile(ctx context.Context, practice string, level int, n int64) ([]byte, error)
	// LogRange lists at most limit entries by their numbers, from first on.
	LogRange(ctx context.Context, practice string, first int64, limit int) ([]auditlog.Entry, error)
	// LogEntries lists entries from the newest to the oldest, or, with Forward,
	// the other way. Of one time, the number decides.
	LogEntries(ctx context.Context, q LogQuery) ([]auditlog.Entry, error)
	// LogWalked returns the last entry that LogEntries looks at for a query with
	// Walk, if there may be more after it; else nil.
	LogWalked(ctx context.Context, q LogQuery) (*LogPlace, error)
	// LogCount counts what a query selects; Patients and Conversations are not
	// looked at. It looks at no more than Limit+1 entries: found is all there are
	// if looked is no more than Limit.
	LogCount(ctx context.Context, q LogQuery) (found, looked int64, err error)

	// SaveWitness keeps what came of asking a witness, in place of what was kept.
	SaveWitness(ctx context.Context, w LogWitness) error
	// LogWitnesses lists what is kept of the witnesses of a practice's log, by
	// their keys.
	LogWitnesses(ctx context.Context, practice string) ([]LogWitness, error)
	// DropWitness is no error if nothing is kept.
	DropWitness(ctx context.Context, practice, key string) error
}

// A LogBacklog is what of a practice waits for its numbers in the log: for a
// second, while the log grows.
type LogBacklog struct {
	Practice string
	Events   int64
	Oldest   int64 // when the oldest was made, Unix milliseconds
}
