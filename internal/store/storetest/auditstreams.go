package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

func testLogStreams(t *testing.T, store hub.Store) {
	ctx := t.Context()
	conflicts := func(err error) {
		t.Helper()
		if !errors.Is(err, hub.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
	}
	t.Run("a stream begins, is held by one, and keeps its place", func(t *testing.T) {
		c, other := newClinic(t, store), newClinic(t, store)
		want := auditlog.Stream{Practice: c.id, Name: "syslog", Target: "tls://a", Position: 7, BegunAt: 5, Holder: "h_one"}
		got, err := store.TakeStream(ctx, want, time.Hour)
		must(t, err)
		same(t, got, want)
		rival := want
		rival.Holder, rival.Target, rival.Position = "h_two", "tls://b", 0
		got, err = store.Recording(c.event(audit.HubStarted, "")).TakeStream(ctx, rival, time.Hour)
		conflicts(err)
		same(t, got, want)
		same(t, c.waiting(), []audit.Event(nil))
		must(t, store.ReleaseStream(ctx, c.id, "syslog", "h_two"))
		_, err = store.TakeStream(ctx, rival, time.Hour)
		conflicts(err)

		want.Position, want.SentAt, want.Problem, want.ProblemAt, want.Rejected, want.RejectedFirst, want.RejectedLast = 9, 10, "away", 11, 12, 13, 14
		must(t, store.SaveStream(ctx, want))
		conflicts(store.SaveStream(ctx, rival))
		conflicts(store.StopStream(ctx, c.id, "syslog", 20))
		_, err = store.TakeStream(ctx, auditlog.Stream{Practice: other.id, Name: "syslog", Target: "tls://a", Holder: "h_one"}, time.Hour)
		must(t, err)
		_, err = store.TakeStream(ctx, auditlog.Stream{Practice: c.id, Name: "otlp", Target: "https://a", Holder: "h_two"}, time.Hour)
		must(t, err)
		all, err := store.LogStreams(ctx, c.id)
		must(t, err)
		same(t, all, []auditlog.Stream{{Practice: c.id, Name: "otlp", Target: "https://a", Holder: "h_two"}, want})

		must(t, store.ReleaseStream(ctx, c.id, "syslog", "h_one"))
		got, err = store.TakeStream(ctx, rival, time.Hour)
		must(t, err)
		want.Holder, want.Target = "h_two", "tls://b"
		same(t, got, want) // the place is the stream's, not the rival's
		old := want
		old.Holder, old.Position = "h_one", 99
		conflicts(store.SaveStream(ctx, old)) // who lost it moves it no more
	})
	t.Run("a lease ends", func(t *testing.T) {
		c := newClinic(t, store)
		s := auditlog.Stream{Practice: c.id, Name: "otlp", Holder: "h_one"}
		_, err := store.TakeStream(ctx, s, 0)
		must(t, err)
		s.Holder = "h_two"
		_, err = store.TakeStream(ctx, s, 0)
		must(t, err)
	})
	t.Run("a stream stops, and goes on where it was", func(t *testing.T) {
		c := newClinic(t, store)
		s := auditlog.Stream{Practice: c.id, Name: "otlp", Position: 3, BegunAt: 1, Holder: "h_one"}
		conflicts(store.StopStream(ctx, c.id, "otlp", 20))
		_, err := store.TakeStream(ctx, s, 0)
		must(t, err)
		s.Problem, s.ProblemAt = "away", 2
		must(t, store.SaveStream(ctx, s))
		must(t, store.StopStream(ctx, c.id, "otlp", 20))
		conflicts(store.StopStream(ctx, c.id, "otlp", 21))
		s.Problem, s.ProblemAt, s.StoppedAt = "", 0, 20
		all, err := store.LogStreams(ctx, c.id)
		must(t, err)
		same(t, all, []auditlog.Stream{s})
		got, err := store.TakeStream(ctx, auditlog.Stream{Practice: c.id, Name: "otlp", Position: 0, Holder: "h_one"}, 0)
		must(t, err)
		s.StoppedAt = 0
		same(t, got, s)
	})
	t.Run("of hubs that want a stream at once one gets it", func(t *testing.T) {
		c := newClinic(t, store)
		var got atomic.Int32
		var all sync.WaitGroup
		for _, holder := range []string{"h_1", "h_2", "h_3", "h_4", "h_5"} {
			all.Go(func() {
				_, err := store.Recording(c.event(audit.HubStarted, "")).TakeStream(ctx, auditlog.Stream{Practice: c.id, Name: "otlp", Holder: holder}, time.Hour)
				if err == nil {
					got.Add(1)
				} else if !errors.Is(err, hub.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 || len(c.waiting()) != 1 {
			t.Errorf("%d got it, %d events", got.Load(), len(c.waiting()))
		}
	})
}
