// Package stream sends the audit logs of practices to a receiver outside as
// they grow: by syslog (RFC 5424 over TLS, RFC 5425) to a SIEM, or as
// OpenTelemetry log records (OTLP/HTTP, JSON).
//
// Each entry arrives at least once and, of one practice, in the log's order:
// how far a stream has come is kept in the database and moves only when the
// receiver certainly has what came before. Entries may arrive twice; practice
// and number tell. Nothing is left out: what the receiver does not take is tried
// again until it does, and an entry that was changed or taken away in the
// database is sent as such, without what it says.
//
// What is sent is what the log holds: ids, codes, times and network addresses.
// It is health information all the same (who was treated, when): the receiver is
// under the practice's agreements, and TLS is not optional.
package stream

import (
	"context"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// A Log is what a stream needs of the logs and of where its place is kept.
type Log interface {
	// PracticeIDs lists the practices.
	PracticeIDs(ctx context.Context) ([]string, error)
	// LogSize is how many entries a practice's log has.
	LogSize(ctx context.Context, practice string) (int64, error)
	// LogRange lists entries by number, from first on.
	LogRange(ctx context.Context, practice string, first int64, limit int) ([]auditlog.Entry, error)
	// TakeStream lets the holder alone send a stream, for so long, and returns how
	// it stands; mine is false if another sends it. A new one begins with the
	// log, or after what is in it already.
	TakeStream(ctx context.Context, want auditlog.Stream, afterwards bool, lease time.Duration) (s auditlog.Stream, mine bool, err error)
	// SaveStream keeps how far a stream has come, and records that it began or
	// ceased to fail. It fails if another holder has taken it.
	SaveStream(ctx context.Context, before, now auditlog.Stream) error
	// ReleaseStream lets another take it.
	ReleaseStream(ctx context.Context, s auditlog.Stream) error
	// NoteStream takes note of how the streams of one name fare.
	NoteStream(name string, f auditlog.StreamFigures)
}

// A receiver gets records. One goroutine uses it.
type receiver interface {
	// Send sends records in order, and says whether they have arrived. If it
	// cannot tell, Settle does.
	Send(ctx context.Context, all []record) (arrived bool, err error)
	// Settle returns nil once all that was sent since the last Settle has
	// certainly arrived, and how many of those the receiver said it did not keep.
	// After an error of either, all of that has to be sent again.
	Settle(ctx context.Context) (rejected int64, err error)
	// Room is how many records may be sent between two Settles.
	Room() int
	// Reset gives up what is under way.
	Reset()
}

// A record is one entry as it is sent.
type record struct {
	practice string
	number   int64
	state    audit.State  // empty if the entry is as it was logged
	event    *audit.Event // nil if it is not
	entry    *auditlog.Entry
}

// records are those from first up to end, of the entries that are there. None
// is left out.
func records(practice string, first, end int64, entries []auditlog.Entry) []record {
	all := make([]record, 0, end-first)
	for _, p := range auditlog.Places(first, end, entries) {
		r := record{practice: practice, number: p.Number, state: p.State, entry: p.Entry}
		if p.State == "" {
			r.event = &p.Entry.Event
		}
		all = append(all, r)
	}
	return all
}
