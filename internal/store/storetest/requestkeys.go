package storetest

import (
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// testRequestKeys: what is made under a key and the key are one transaction, and
// a key that is there lets nothing be made.
func testRequestKeys(t *testing.T, store hub.Store) {
	ctx := t.Context()
	c := newClinic(t, store)
	const day = int64(24 * time.Hour / time.Millisecond)
	k := hub.RequestKey{ID: newToken(), Request: newToken(), Object: newID("g"), At: 10 * day}
	watch := func() hub.PatientWatch {
		w := hub.PatientWatch{ID: newID("w"), Practice: c.id, Reason: "known"}
		w.Patient = newID("p")
		return w
	}
	waiting := func() int {
		all, err := store.WaitingEvents(ctx, c.id, 1000)
		must(t, err)
		return len(all)
	}
	watches := func(want int) {
		t.Helper()
		all, err := store.PatientWatches(ctx, c.id)
		if err != nil || len(all) != want {
			t.Errorf("%d made, want %d, %v", len(all), want, err)
		}
	}
	first, before := watch(), waiting()
	_, err := store.RequestKey(ctx, k.ID, 0)
	wants(t, err, hub.ErrNotFound)
	must(t, store.Once(k, 9*day).Recording(c.event(audit.WatchBegun, first.ID)).AddPatientWatch(ctx, first))
	wants(t, store.Once(k, 9*day).Recording(c.event(audit.WatchBegun, first.ID)).AddPatientWatch(ctx, watch()), hub.ErrKeyInUse)
	watches(1)
	if n := waiting() - before; n != 1 {
		t.Errorf("%d events of one act", n)
	}
	refused := hub.RequestKey{ID: newToken(), At: 10 * day}
	if err := store.Once(refused, 9*day).AddPatientWatch(ctx, first); err == nil {
		t.Error("one watch twice")
	}
	_, err = store.RequestKey(ctx, refused.ID, 0)
	wants(t, err, hub.ErrNotFound)                                                             // of an act that was refused nothing stays
	must(t, store.Once(refused, 9*day).Record(ctx, c.event(audit.SentAllTheSame, newID("b")))) // an event alone
	wants(t, store.Once(refused, 9*day).Record(ctx, c.event(audit.SentAllTheSame, newID("b"))), hub.ErrKeyInUse)

	must(t, store.NoteAnswer(ctx, k.ID, `{"a":1}`))
	k.Answer = `{"a":1}`
	if got, err := store.RequestKey(ctx, k.ID, 9*day); err != nil || got != k {
		t.Errorf("kept %+v, %v", got, err)
	}
	_, err = store.RequestKey(ctx, k.ID, 10*day)
	wants(t, err, hub.ErrNotFound)
	k.At = 11 * day // its time is over: it is free again
	must(t, store.Once(k, 10*day).AddPatientWatch(ctx, watch()))
	if got, err := store.RequestKey(ctx, k.ID, 10*day); err != nil || got.Answer != "" || got.At != 11*day {
		t.Errorf("taken anew: %+v, %v", got, err)
	}
	must(t, store.DeleteExpired(ctx, 12*day))
	_, err = store.RequestKey(ctx, k.ID, 0)
	wants(t, err, hub.ErrNotFound)
	wants(t, store.NoteAnswer(ctx, k.ID, "{}"), hub.ErrNotFound)
}
