package storetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

// record makes n events wait, a millisecond apart, and returns them.
func (c *clinic) record(n int) (all []audit.Event) {
	c.t.Helper()
	kinds := []audit.Kind{audit.ConversationOpened, audit.FileDownloaded, audit.ConversationTaken}
	for i := range n {
		e := c.event(kinds[i%len(kinds)], "").In([]string{"c_one", "c_two"}[i%2], "p_patient")
		e.At = int64(1000 + i)
		if i%5 == 0 {
			e = e.AsRefused("forbidden", "one-practice", "role-needed")
		}
		all = append(all, e)
	}
	must(c.t, c.store.Record(c.t.Context(), all...))
	return all
}

func events(entries []auditlog.Entry) (all []audit.Event) {
	for _, e := range entries {
		all = append(all, e.Event)
	}
	return all
}

func testAuditLog(t *testing.T, store hub.Store) {
	ctx := t.Context()
	t.Run("events get their numbers in the order in which they came", func(t *testing.T) {
		c := newClinic(t, store)
		want := c.record(600) // three tiles
		for _, limit := range []int{1, 254, 1, 1, 300, 100} {
			_, err := store.GrowLog(ctx, c.id, limit)
			must(t, err)
		}
		if n, err := store.GrowLog(ctx, c.id, 10); n != 0 || err != nil {
			t.Errorf("%d more, %v", n, err)
		}
		same(t, c.waiting(), []audit.Event(nil))
		entries, err := store.LogRange(ctx, c.id, 0, 1000)
		must(t, err)
		same(t, events(entries), want)
		head, err := store.LogHead(ctx, c.id)
		must(t, err)
		read := func(level int, n int64) ([]byte, error) { return store.LogTile(ctx, c.id, level, n) }
		for i := range entries {
			e := &entries[i]
			must(t, e.Check())
			if e.Leaf != int64(i) {
				t.Fatalf("entry %d has number %d", i, e.Leaf)
			}
			if i%100 == 0 || i == 255 || i == 256 || i == 599 {
				proof, err := auditlog.ProveEntry(head.Size, e.Leaf, read)
				must(t, err)
				must(t, auditlog.CheckEntry(proof, head.Size, head.Root, e.Leaf, e.Commitment))
			}
		}
		later, err := store.LogRange(ctx, c.id, 598, 1)
		must(t, err)
		same(t, events(later), want[598:599])
	})
	t.Run("hubs that grow one log at once number each event once", func(t *testing.T) {
		c := newClinic(t, store)
		c.record(90)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 5 {
					if _, err := store.GrowLog(ctx, c.id, 7); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		head, err := store.LogHead(ctx, c.id)
		must(t, err)
		root, err := auditlog.Root(head.Size, func(level int, n int64) ([]byte, error) { return store.LogTile(ctx, c.id, level, n) })
		must(t, err)
		if head.Size != 90 || head.Root != root {
			t.Errorf("%+v, want size 90 and root %v", head, root)
		}
	})
	t.Run("an empty log has a head", func(t *testing.T) {
		c := newClinic(t, store)
		head, err := store.LogHead(ctx, c.id)
		must(t, err)
		if want, _ := auditlog.Root(0, nil); head.Size != 0 || head.Root != want {
			t.Errorf("%+v", head)
		}
	})
	t.Run("logs that wait are named", func(t *testing.T) {
		c := newClinic(t, store)
		all := c.record(3)
		waiting, err := store.LogsWaiting(ctx)
		must(t, err)
		here := hub.LogBacklog{Practice: c.id, Events: int64(len(all)), Oldest: all[0].At}
		if !slices.Contains(waiting, here) {
			t.Errorf("%v lacks %v", waiting, here)
		}
	})
	t.Run("a list has what is asked for, newest first, page by page", func(t *testing.T) {
		c, other := newClinic(t, store), newClinic(t, store)
		all := c.record(60)
		other.record(5)
		for _, id := range []string{c.id, other.id} {
			_, err := store.GrowLog(ctx, id, 1000)
			must(t, err)
		}
		for name, q := range map[string]struct {
			query hub.LogQuery
			keep  func(*audit.Event) bool
		}{
			"all":           {hub.LogQuery{}, func(*audit.Event) bool { return true }},
			"kind":          {hub.LogQuery{Kinds: []string{"file.downloaded"}}, func(e *audit.Event) bool { return e.Kind == audit.FileDownloaded }},
			"kinds":         {hub.LogQuery{Kinds: []string{"file.downloaded", "conversation.taken"}}, func(e *audit.Event) bool { return e.Kind != audit.ConversationOpened }},
			"outcome":       {hub.LogQuery{Outcome: "refused"}, func(e *audit.Event) bool { return e.Outcome == audit.Refused }},
			"done":          {hub.LogQuery{Outcome: "done"}, func(e *audit.Event) bool { return e.Outcome == audit.Done }},
			"conversation":  {hub.LogQuery{Conversation: "c_two"}, func(e *audit.Event) bool { return e.Conversation == "c_two" }},
			"patient":       {hub.LogQuery{Patient: "p_patient"}, func(*audit.Event) bool { return true }},
			"person":        {hub.LogQuery{Person: "p_nobody"}, func(*audit.Event) bool { return false }},
			"subject":       {hub.LogQuery{Subject: "p_nobody"}, func(*audit.Event) bool { return false }},
			"object":        {hub.LogQuery{Object: "d_nothing"}, func(*audit.Event) bool { return false }},
			"object, kind":  {hub.LogQuery{Object: "d_nothing", Subject: "p_nobody", Kinds: []string{"file.downloaded"}}, func(*audit.Event) bool { return false }},
			"subject, done": {hub.LogQuery{Subject: "p_nobody", Outcome: "done"}, func(*audit.Event) bool { return false }},
			"chat, object":  {hub.LogQuery{Conversation: "c_two", Object: "d_nothing"}, func(*audit.Event) bool { return false }},
			"time":          {hub.LogQuery{From: 1010, Until: 1020}, func(e *audit.Event) bool { return e.At >= 1010 && e.At < 1020 }},
			"chat, kind":    {hub.LogQuery{Conversation: "c_two", Kinds: []string{"file.downloaded"}}, func(e *audit.Event) bool { return e.Conversation == "c_two" && e.Kind == audit.FileDownloaded }},
			"his, refused":  {hub.LogQuery{Patient: "p_patient", Outcome: "refused"}, func(e *audit.Event) bool { return e.Outcome == audit.Refused }},
			"his, nobody":   {hub.LogQuery{Patient: "p_patient", Person: "p_nobody"}, func(*audit.Event) bool { return false }},
			"of several":    {hub.LogQuery{Patients: []string{"p_nobody", "p_patient"}, Conversations: []string{"c_one", "c_none"}}, func(*audit.Event) bool { return true }},
			"of several, a kind": {
				hub.LogQuery{Patients: []string{"p_nobody", "p_patient"}, Conversations: []string{"c_one"}, Kinds: []string{"file.downloaded"}},
				func(e *audit.Event) bool { return e.Kind == audit.FileDownloaded },
			},
			"in several": {hub.LogQuery{Patients: []string{"p_nobody"}, Conversations: []string{"c_two", "c_none"}}, func(e *audit.Event) bool { return e.Conversation == "c_two" }},
			"both":       {hub.LogQuery{Conversation: "c_one", Until: 1030}, func(e *audit.Event) bool { return e.Conversation == "c_one" && e.At < 1030 }},
		} {
			var want []audit.Event
			for i := range all {
				if e := &all[len(all)-1-i]; q.keep(e) {
					want = append(want, *e)
				}
			}
			var got []audit.Event
			q.query.Practice, q.query.Limit = c.id, 7
			for {
				page, err := store.LogEntries(ctx, q.query)
				must(t, err)
				got = append(got, events(page)...)
				if len(page) < 7 {
					break
				}
				last := page[len(page)-1]
				q.query.Beyond = &hub.LogPlace{At: last.Event.At, Leaf: last.Leaf}
			}
			t.Run(name, func(t *testing.T) {
				same(t, got, want)
				same(t, walkedLog(t, store, q.query), want)
				countsLog(t, store, q.query, len(want), len(all))
			})
		}
		forward, err := store.LogEntries(ctx, hub.LogQuery{Practice: c.id, Forward: true, Limit: 3, Beyond: &hub.LogPlace{At: 1001, Leaf: 1}})
		must(t, err)
		same(t, events(forward), all[2:5])
	})
	t.Run("what comes between two statements is in none of a log as it stood", func(t *testing.T) {
		c := newClinic(t, store)
		all := c.record(60)
		grow := func() {
			_, err := store.GrowLog(ctx, c.id, 1000)
			must(t, err)
		}
		grow()
		for name, q := range map[string]hub.LogQuery{
			"all": {}, "kind": {Kinds: []string{"file.downloaded"}}, "chat, kind": {Conversation: "c_two", Kinds: []string{"file.downloaded"}},
			"his, refused": {Patient: "p_patient", Outcome: "refused"}, "refused": {Outcome: "refused"}, "in several": {Conversations: []string{"c_two", "c_none"}},
		} {
			q.Practice, q.Size, q.Limit = c.id, int64(len(all)), len(all)
			want, err := store.LogEntries(ctx, q)
			must(t, err)
			q.Walk = 3
			walked, err := store.LogWalked(ctx, q)
			must(t, err)
			c.record(5) // dated among the others
			grow()
			t.Run(name, func(t *testing.T) {
				again, err := store.LogWalked(ctx, q)
				must(t, err)
				same(t, again, walked)
				same(t, walkedLog(t, store, q), events(want))
				if q.Limit = 1000; len(q.Conversations) == 0 {
					found, _, err := store.LogCount(ctx, q)
					must(t, err)
					same(t, found, int64(len(want)))
				}
			})
		}
	})
	t.Run("what came of asking witnesses is kept", func(t *testing.T) {
		c, other := newClinic(t, store), newClinic(t, store)
		first := hub.LogWitness{Practice: c.id, Key: "a+00000000+AA", TriedAt: 5, Problem: hub.WitnessAway}
		second := hub.LogWitness{Practice: c.id, Key: "b+00000000+AA", Size: 7, At: 6, Signed: []byte("note"), TriedAt: 8}
		must(t, store.SaveWitness(ctx, second))
		must(t, store.SaveWitness(ctx, first))
		must(t, store.SaveWitness(ctx, hub.LogWitness{Practice: other.id, Key: "a+00000000+AA", TriedAt: 1}))
		first.Size, first.At, first.Signed, first.TriedAt, first.Problem = 9, 10, []byte("signed"), 11, ""
		must(t, store.SaveWitness(ctx, first))
		got, err := store.LogWitnesses(ctx, c.id)
		must(t, err)
		same(t, got, []hub.LogWitness{first, second})
		watcher := hub.LogWatcher{Practice: c.id, Name: hub.WatcherWitness, Target: first.Key, BegunAt: 2, StoppedAt: 12}
		folder := hub.LogWatcher{Practice: c.id, Name: "archive", Target: first.Key, BegunAt: 3}
		must(t, store.SaveWatcher(ctx, watcher))
		must(t, store.SaveWatcher(ctx, folder))
		must(t, store.SaveWatcher(ctx, hub.LogWatcher{Practice: other.id, Name: hub.WatcherWitness, Target: second.Key, StoppedAt: 9}))
		folder.StoppedAt, folder.Damage, folder.DamagedAt = 13, "forked", 14
		must(t, store.SaveWatcher(ctx, folder))
		must(t, store.SeeWatcher(ctx, folder.Name, folder.Target, 15)) // it has stopped
		heads := hub.LogWatcher{Practice: c.id, Name: "checkpoints", Target: "/heads", BegunAt: 4, SeenAt: 4}
		must(t, store.SaveWatcher(ctx, heads))
		must(t, store.SeeWatcher(ctx, heads.Name, heads.Target, 16))
		must(t, store.SeeWatcher(ctx, heads.Name, "/others", 17))
		heads.SeenAt = 16
		watchers, err := store.LogWatchers(ctx, c.id)
		must(t, err)
		same(t, watchers, []hub.LogWatcher{folder, heads, watcher})
		first.StoppedAt = watcher.StoppedAt
		got, err = store.LogWitnesses(ctx, c.id)
		must(t, err)
		same(t, got, []hub.LogWitness{first, second})
		must(t, store.DropWitness(ctx, c.id, first.Key))
		must(t, store.DropWitness(ctx, c.id, "nobody"))
		got, err = store.LogWitnesses(ctx, c.id)
		must(t, err)
		same(t, got, []hub.LogWitness{second})
	})
}

// countsLog holds the count of what a query selects against how many there are,
// and how much it looks at for that against its limit.
// walkedLog reads a list whose pages look at three entries each.
func walkedLog(t *testing.T, store hub.Store, q hub.LogQuery) (all []audit.Event) {
	t.Helper()
	for q.Beyond, q.Walk = nil, 3; ; {
		page, err := store.LogEntries(t.Context(), q)
		must(t, err)
		all = append(all, events(page)...)
		if len(page) == q.Limit {
			q.Beyond = &hub.LogPlace{At: page[len(page)-1].Event.At, Leaf: page[len(page)-1].Leaf}
			continue
		}
		if q.Beyond, err = store.LogWalked(t.Context(), q); q.Beyond == nil {
			must(t, err)
			return all
		}
	}
}

func countsLog(t *testing.T, store hub.Store, q hub.LogQuery, want, all int) {
	t.Helper()
	if q.Beyond = nil; len(q.Patients)+len(q.Conversations) > 0 {
		return
	}
	q.Limit = all
	found, looked, err := store.LogCount(t.Context(), q)
	if must(t, err); found != int64(want) || looked < found || looked > int64(all) {
		t.Errorf("counted %d of %d looked at, want %d", found, looked, want)
	}
	q.Limit = 3
	found, few, err := store.LogCount(t.Context(), q)
	if must(t, err); few != min(looked, 4) || found > few || looked <= 3 && found != int64(want) {
		t.Errorf("with a limit of 3, counted %d of %d looked at; without, %d of %d", found, few, want, looked)
	}
}
