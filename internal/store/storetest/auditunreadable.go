package storetest

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestUnreadable: an event that waits and cannot be read stops its log. It is
// found behind however many can be read. Set aside, with the event that says so,
// it is kept as it is, and all others get their numbers in their order: nothing
// else is skipped. What can be read, or has changed since, is not set aside.
// db is the store's, and blob how its engine writes the bytes of x.
func TestUnreadable(t *testing.T, store hub.Store, db *sql.DB, blob string) {
	ctx := t.Context()
	c, other := newClinic(t, store), newClinic(t, store)
	all := c.record(1100)
	const bad = 1050
	damaged := all[bad]
	if _, err := db.ExecContext(ctx, strings.NewReplacer("BLOB", blob, "PRACTICE", c.id).Replace(
		`UPDATE audit_pending SET event = BLOB WHERE id = (SELECT id FROM audit_pending WHERE practice = 'PRACTICE' ORDER BY id LIMIT 1 OFFSET 1050)`)); err != nil {
		t.Fatal(err)
	}
	theirs := other.record(3)
	grown := func(practice string) (n int) {
		t.Helper()
		for {
			more, err := store.GrowLog(ctx, practice, 256)
			if err != nil {
				wants(t, err, audit.ErrEvent)
			}
			if n += more; more == 0 {
				return n
			}
		}
	}
	if n := grown(other.id); n != len(theirs) {
		t.Errorf("another's log grew by %d", n)
	}
	if n := grown(c.id); n > bad {
		t.Errorf("the log grew by %d, past an event that cannot be read", n)
	}

	found, err := store.UnreadableEvents(ctx, c.id)
	must(t, err)
	if len(found) != 1 || found[0].At != damaged.At || string(found[0].Event) != "x" || len(found[0].Salt) != audit.SaltBytes || found[0].Practice != c.id {
		t.Fatalf("found %+v", found)
	}
	u := found[0]
	u.ID, u.SetAsideAt = newID("u"), 70
	said := c.event(audit.UnreadableSetAside, u.ID)
	for name, change := range map[string]func(u *hub.UnreadableEvent){
		"another row":      func(u *hub.UnreadableEvent) { u.Row++ },
		"another practice": func(u *hub.UnreadableEvent) { u.Practice = other.id },
		"other bytes":      func(u *hub.UnreadableEvent) { u.Event = []byte("y") },
		"another salt":     func(u *hub.UnreadableEvent) { u.Salt = slices.Repeat([]byte{1}, audit.SaltBytes) },
		"another time":     func(u *hub.UnreadableEvent) { u.At++ },
	} {
		not := u
		change(&not)
		if err := store.Recording(said).SetAside(ctx, not); err == nil {
			t.Errorf("%s was set aside", name)
		}
	}
	good, next := u, all[bad+1]
	good.Row++
	if good.Event, err = next.Encode(); err != nil {
		t.Fatal(err)
	}
	wants(t, store.Recording(said).SetAside(ctx, good), hub.ErrConflict)

	must(t, store.Recording(said).SetAside(ctx, u))
	wants(t, store.Recording(said).SetAside(ctx, u), hub.ErrNotFound)
	kept, err := store.EventsSetAside(ctx, c.id)
	must(t, err)
	if diff := cmp.Diff([]hub.UnreadableEvent{u}, kept); diff != "" {
		t.Errorf("what is kept is not what was there:\n%s", diff)
	}
	none, err := store.EventsSetAside(ctx, other.id)
	must(t, err)
	if len(none) != 0 {
		t.Errorf("another's is %+v", none)
	}
	grown(c.id)
	entries, err := store.LogRange(ctx, c.id, 0, 2000)
	must(t, err)
	same(t, events(entries), append(slices.Delete(slices.Clone(all), bad, bad+1), said))
}
