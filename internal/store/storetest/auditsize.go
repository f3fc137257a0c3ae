package storetest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// A MeasuredStore says what the audit log takes, and what of it is there.
type MeasuredStore interface {
	ClosingStore
	LogBytes(ctx context.Context) (int64, error)
	LogKept(ctx context.Context, practice string) (first, at, count int64, err error)
}

// TestLogKept: what the log takes is told about right, the oldest entry and the
// count of all are what is there, and what somebody takes out of the table
// shows. taken returns what the database file takes; nil where it cannot be
// told apart from others.
func TestLogKept(t *testing.T, open func() MeasuredStore, raw func() *sql.DB, taken func() int64) {
	ctx := t.Context()
	store := open()
	practice := newID("p")
	must(t, store.SavePractice(ctx, hub.Practice{ID: practice, Slug: newID("slug")}))
	if first, at, count, err := store.LogKept(ctx, practice); err != nil || first != 0 || at != 0 || count != 0 {
		t.Errorf("an empty log has %d entries from %d on, of %d: %v", count, first, at, err)
	}
	empty, err := store.LogBytes(ctx)
	must(t, err)
	before := int64(0)
	if taken != nil {
		before = taken()
	}
	const events = 6000
	for first := 0; first < events; first += 100 {
		all := make([]audit.Event, 100)
		for i := range all {
			all[i] = audit.Event{
				Practice: practice, At: 1_600_000_000_000 + int64(first+i), Kind: audit.ConversationOpened, Outcome: audit.Done, Role: audit.Staff,
				Person: "p_jm4nmvncykl24nxqbxbf", Device: "d_jm4nmvncykl24nxqbxbf", Conversation: newID("c"), Patient: newID("p"), Address: "192.0.2.7", Request: newID("r"),
			}
		}
		must(t, store.Record(ctx, all...))
		_, err := store.GrowLog(ctx, practice, len(all))
		must(t, err)
	}
	bytes, err := store.LogBytes(ctx)
	must(t, err)
	bytes -= empty
	if bytes < events*200 || bytes > events*2500 {
		t.Errorf("%d events take %d bytes", events, bytes)
	}
	if taken != nil {
		if grown := taken() - before; bytes < grown*6/10 || bytes > grown*15/10 {
			t.Errorf("the log takes %d bytes, and the database has grown by %d", bytes, grown)
		}
	}
	kept := func(what string, wantFirst, wantCount int64) {
		t.Helper()
		first, at, count, err := store.LogKept(ctx, practice)
		if must(t, err); first != wantFirst || at != 1_600_000_000_000+wantFirst || count != wantCount {
			t.Errorf("%s: %d entries from %d on, of %d", what, count, first, at)
		}
	}
	kept("a whole log", 0, events)
	remove := func(statement string) {
		t.Helper()
		db := raw()
		_, err := db.ExecContext(ctx, statement)
		must(t, err)
		must(t, db.Close())
	}
	remove(`DELETE FROM audit_entry WHERE leaf = 77`)
	kept("one taken out", 0, events-1)
	remove(`DELETE FROM audit_entry WHERE leaf = 0`)
	kept("the first taken out", 1, events-2)
	must(t, store.Close())
}
