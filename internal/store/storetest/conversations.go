package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testConversations(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	patient, keeper, nurse := here.device(api.KindPatient), here.device(api.KindService), here.device(api.KindStaff)

	t.Run("a new one is stored whole", func(t *testing.T) {
		n := here.newConversation(patient, keeper)
		must(t, store.CreateConversation(ctx, n))
		same(t, byDevice(load(t, store, n.Conversation)), byDevice(n.Conversation))
		group, err := store.Group(ctx, here.id, n.Conversation.ID)
		must(t, err)
		same(t, group, n.Group)
		frames, head, err := store.Frames(ctx, here.id, n.Conversation.ID, 0, 0, 10)
		must(t, err)
		same(t, frames, []hub.Frame{n.First})
		same(t, head, uint64(1))
		welcomes, err := store.Welcomes(ctx, here.id, keeper.ID)
		must(t, err)
		w := n.Welcomes[0]
		w.Conversation, w.Position = n.Conversation.ID, 1
		same(t, welcomes, []hub.Welcome{w})
		heads, err := store.Heads(ctx, here.id, patient.ID)
		must(t, err)
		same(t, heads, []hub.Head{{Conversation: n.Conversation.ID, Head: 1}})

		wants(t, store.CreateConversation(ctx, n), hub.ErrExists)
		n.Conversation.Practice = elsewhere.id
		wants(t, store.CreateConversation(ctx, n), hub.ErrExists)
	})
	t.Run("groups of those that are not closed are counted by how they begin", func(t *testing.T) {
		ward := newClinic(t, store)
		patient, keeper := ward.device(api.KindPatient), ward.device(api.KindService)
		for i, state := range []string{"first one", "first two", "second", "second"} {
			n := ward.newConversation(patient, keeper)
			n.Group.State = []byte(state)
			if i == 3 {
				n.Conversation.State = api.StateClosed
			}
			must(t, store.CreateConversation(ctx, n))
		}
		counts, err := store.(interface {
			OpenGroupHeads(ctx context.Context, practice string, length int) (map[string]int, error)
		}).OpenGroupHeads(ctx, ward.id, 6)
		must(t, err)
		same(t, counts, map[string]int{"first ": 2, "second": 1})
	})
	t.Run("another practice does not see it", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		_, err := store.Conversation(ctx, elsewhere.id, c.ID)
		wants(t, err, hub.ErrNotFound)
		_, err = store.Group(ctx, elsewhere.id, c.ID)
		wants(t, err, hub.ErrNotFound)
		_, _, err = store.Frames(ctx, elsewhere.id, c.ID, 0, 0, 10)
		wants(t, err, hub.ErrNotFound)
		_, err = store.Member(ctx, elsewhere.id, c.ID, patient.ID)
		wants(t, err, hub.ErrNotFound)
		_, err = store.Ack(ctx, elsewhere.id, c.ID, patient.ID, 1)
		wants(t, err, hub.ErrNotAMember)
		heads, err := store.Heads(ctx, elsewhere.id, patient.ID)
		must(t, err)
		same(t, len(heads), 0)
		_, err = store.UpdateConversation(ctx, elsewhere.id, c.ID, func(*hub.Conversation) error { return nil })
		wants(t, err, hub.ErrNotFound)
		a := send(c, patient, 1, "x")
		a.Practice = elsewhere.id
		_, err = store.AppendFrame(ctx, a)
		wants(t, err, hub.ErrNotFound)
	})
	t.Run("update stores what it may, and no more", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		got, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
			c.Assignee, c.State, c.WaitingFrom = nurse.Person, api.StateOpen, 0
			c.ClosedAt, c.ClosedBy, c.WithdrawnAt = 1, "somebody", 2
			c.Rating, c.Revision, c.LeftMessage = 4, 77, true
			c.Participants = append(c.Participants, hub.Participant{Person: nurse.Person, Wanted: true, Proper: true})
			c.Participants[0].Wanted = false
			c.Queue, c.Head, c.Epoch, c.Members = "other", 77, 77, nil
			return nil
		})
		must(t, err)
		want := c
		want.Assignee, want.State, want.WaitingFrom = nurse.Person, api.StateOpen, 0
		want.ClosedAt, want.ClosedBy, want.WithdrawnAt = 1, "somebody", 2
		want.Rating, want.Revision = 4, 1
		want.Participants = append(slices.Clone(c.Participants), hub.Participant{Person: nurse.Person, Wanted: true, Proper: true})
		want.Participants[0].Wanted, want.Participants[0].Left = false, c.Head
		same(t, byDevice(got), byDevice(want))
		same(t, byDevice(load(t, store, c)), byDevice(want))
	})
	t.Run("it keeps where the log ended for who is wanted no longer, and who has a head", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		for _, wanted := range []bool{false, false, true} {
			_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
				c.Participants[0].Wanted, c.Participants[0].Left = wanted, 77
				return nil
			})
			must(t, err)
			left := c.Head
			if wanted {
				left = 0
			}
			if p := load(t, store, c).Participants[0]; p.Left != left {
				t.Errorf("wanted: %v, left at %d", wanted, p.Left)
			}
			heads, err := store.Heads(ctx, here.id, patient.ID)
			must(t, err)
			if listed := slices.ContainsFunc(heads, func(h hub.Head) bool { return h.Conversation == c.ID }); listed != wanted {
				t.Errorf("wanted: %v, listed: %v", wanted, listed)
			}
		}
	})
	t.Run("it says who broke the glass, and for whom it lasts", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		is := func(who string, broke int64, lasting bool) {
			t.Helper()
			for _, p := range load(t, store, c).Participants {
				if p.Person == who && (p.Broke != broke || p.Emergency != lasting) {
					t.Errorf("broke it at %d, and it lasts: %v", p.Broke, p.Emergency)
				}
			}
		}
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
			c.Participants = append(c.Participants, hub.Participant{Person: nurse.Person, Wanted: true})
			return nil
		})
		must(t, err)
		is(nurse.Person, 0, false)
		for i := range int64(2) {
			e := hub.Emergency{ID: newID("e"), Practice: here.id, Conversation: c.ID, Patient: patient.Person, Person: nurse.Person, OpenedAt: c.CreatedAt + 5 + i}
			_, err := store.OpenEmergency(ctx, e, nil)
			must(t, err)
			is(nurse.Person, c.CreatedAt+5, true)
			_, err = store.EndEmergency(ctx, e, c.CreatedAt+20, nil)
			must(t, err)
			is(nurse.Person, c.CreatedAt+5, false)
		}
		is(patient.Person, 0, false)
	})
	t.Run("an update that refuses stores nothing", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		refusal := &hub.TakenError{Person: nurse.Person}
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
			c.State = api.StateOpen
			c.Participants[0].Wanted = false
			return refusal
		})
		if taken := (*hub.TakenError)(nil); !errors.As(err, &taken) || taken != refusal {
			t.Errorf("got error %v, want the refusal itself", err)
		}
		same(t, byDevice(load(t, store, c)), byDevice(c))
	})
	t.Run("an update that panics stores nothing, and the store lives", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not reach the caller")
				}
			}()
			_, _ = store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error { panic("a mistake") })
		}()
		_, err := store.AppendFrame(ctx, send(c, patient, 1, "after"))
		must(t, err)
	})
	t.Run("acknowledgements move forward to the head", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		for range 3 {
			_, err := store.AppendFrame(ctx, send(c, patient, 1, "x"))
			must(t, err)
		}
		for _, step := range []struct {
			to, acked uint64
			moved     bool
		}{{2, 2, true}, {2, 2, false}, {1, 2, false}, {99, 4, true}, {1 << 63, 4, false}, {0, 4, false}} {
			moved, err := store.Ack(ctx, here.id, c.ID, keeper.ID, step.to)
			must(t, err)
			m, err := store.Member(ctx, here.id, c.ID, keeper.ID)
			must(t, err)
			if moved != step.moved || m.Acked != step.acked {
				t.Errorf("to %d: moved %v to %d; want %v, %d", step.to, moved, m.Acked, step.moved, step.acked)
			}
		}
		_, err := store.Ack(ctx, here.id, c.ID, nurse.ID, 1)
		wants(t, err, hub.ErrNotAMember)
		_, err = store.Ack(ctx, here.id, newID("c"), keeper.ID, 1)
		wants(t, err, hub.ErrNotAMember)
	})
}

// byDevice orders members, whose order means nothing.
func byDevice(c hub.Conversation) hub.Conversation {
	c.Members = slices.SortedFunc(slices.Values(c.Members), func(a, b hub.Member) int {
		if a.Device < b.Device {
			return -1
		}
		return 1
	})
	return c
}

func testLists(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	keeper, ann, bob, nurse := here.device(api.KindService), here.device(api.KindPatient), here.device(api.KindPatient), here.device(api.KindStaff)
	other := elsewhere.conversation(elsewhere.device(api.KindPatient), elsewhere.device(api.KindService))

	// Times run 300, 301, 301, 303: two are equal.
	var ids []string
	for i, d := range []hub.Device{ann, bob, ann, bob} {
		n := here.newConversation(d, keeper)
		at := []int64{300, 301, 301, 303}[i]
		n.Conversation.CreatedAt, n.Conversation.WaitingFrom, n.Conversation.LastAt = at, at, at
		n.Conversation.Queue = []string{"general", "refills", "general", "billing"}[i]
		must(t, store.CreateConversation(ctx, n))
		ids = append(ids, n.Conversation.ID)
	}
	if ids[1] > ids[2] {
		ids[1], ids[2] = ids[2], ids[1] // equal times go by id
	}
	_, err := store.UpdateConversation(ctx, here.id, ids[3], func(c *hub.Conversation) error {
		c.State, c.Assignee, c.WaitingFrom = api.StateOpen, nurse.Person, 0
		c.Participants = append(c.Participants, hub.Participant{Person: nurse.Person, Wanted: true})
		return nil
	})
	must(t, err)
	_, err = store.UpdateConversation(ctx, here.id, ids[0], func(c *hub.Conversation) error {
		c.Participants = append(c.Participants, hub.Participant{Person: nurse.Person})
		return nil
	})
	must(t, err)
	anns := here.listOf(ids, ann)

	for _, test := range []struct {
		name  string
		query hub.ConversationQuery
		want  []string
	}{
		{"all, newest first", hub.ConversationQuery{Order: hub.ByLast}, []string{ids[3], ids[2], ids[1], ids[0]}},
		{"all, oldest first", hub.ConversationQuery{Order: hub.ByCreated}, ids},
		{"waiting, longest first", hub.ConversationQuery{State: api.StateWaiting, Order: hub.ByWaiting}, ids[:3]},
		{"open", hub.ConversationQuery{State: api.StateOpen, Order: hub.ByLast}, ids[3:]},
		{"closed", hub.ConversationQuery{State: api.StateClosed, Order: hub.ByLast}, nil},
		{"a state that is none", hub.ConversationQuery{State: "' OR 1=1", Order: hub.ByLast}, nil},
		{"a patient's", hub.ConversationQuery{Patient: ann.Person, Order: hub.ByCreated}, anns},
		{"where wanted", hub.ConversationQuery{Participant: nurse.Person, Order: hub.ByLast}, ids[3:]},
		{"where not wanted", hub.ConversationQuery{NotParticipant: nurse.Person, Order: hub.ByCreated}, ids[:3]},
		{"open where not wanted", hub.ConversationQuery{State: api.StateOpen, NotParticipant: nurse.Person, Order: hub.ByLast}, nil},
		{"of queues", hub.ConversationQuery{Queues: []string{"billing", "none"}, Order: hub.ByLast}, ids[3:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			for limit := 1; limit <= 5; limit++ {
				q := test.query
				q.Practice, q.Limit = here.id, limit
				var got []string
				for page := 0; ; page++ {
					if page > len(ids) {
						t.Fatal("pages without end")
					}
					list, next, total, err := store.ListConversations(ctx, q)
					must(t, err)
					if len(list) > limit || total != len(test.want) {
						t.Errorf("page of %d (limit %d), total %d, want %d", len(list), limit, total, len(test.want))
					}
					for _, c := range list {
						got = append(got, c.ID)
						same(t, c, load(t, store, c))
					}
					if q.Cursor = next; next == "" {
						break
					}
				}
				same(t, got, test.want)
			}
		})
	}
	t.Run("a bad cursor", func(t *testing.T) {
		for _, cursor := range []string{"x", "!!", "AAAA", "d2FpdGluZyAxIA"} {
			_, _, _, err := store.ListConversations(ctx, hub.ConversationQuery{Practice: here.id, Order: hub.ByLast, Cursor: cursor, Limit: 1})
			wants(t, err, hub.ErrNotFound)
		}
	})
	t.Run("place in line", func(t *testing.T) {
		for id, want := range map[string]int{ids[0]: 1, ids[1]: 1, ids[2]: 1} {
			c, err := store.Conversation(ctx, here.id, id)
			must(t, err)
			if c.Queue == "general" && id != ids[0] {
				want = 2
			}
			got, err := store.PlaceInLine(ctx, c)
			must(t, err)
			if got != want {
				t.Errorf("place %d in %s, want %d", got, c.Queue, want)
			}
		}
		got, err := store.PlaceInLine(ctx, other)
		must(t, err)
		same(t, got, 1)
	})
}

// listOf returns those of ids that are the patient's.
func (c *clinic) listOf(ids []string, patient hub.Device) (theirs []string) {
	for _, id := range ids {
		stored, err := c.store.Conversation(c.t.Context(), c.id, id)
		must(c.t, err)
		if stored.Patient == patient.Person {
			theirs = append(theirs, id)
		}
	}
	return theirs
}

func testWork(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	patient, keeper, nurse := here.device(api.KindPatient), here.device(api.KindService), here.device(api.KindStaff)
	here.certify(patient)
	here.certify(keeper)
	c := here.conversation(patient, keeper)
	expect := func(t *testing.T, add, remove []string) {
		t.Helper()
		all, err := store.Work(ctx, here.id, 10)
		must(t, err)
		var gotAdd, gotRemove []string
		for _, w := range all {
			if w.Conversation != c.ID {
				t.Errorf("work in another conversation")
			}
			for _, d := range w.Add {
				gotAdd = append(gotAdd, d.ID)
			}
			for _, d := range w.Remove {
				gotRemove = append(gotRemove, d.ID)
			}
		}
		slices.Sort(add)
		slices.Sort(gotAdd)
		same(t, gotAdd, add)
		same(t, gotRemove, remove)
		none, err := store.Work(ctx, elsewhere.id, 10)
		must(t, err)
		same(t, len(none), 0)
	}
	want := func(t *testing.T, person string, wanted bool) {
		t.Helper()
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
			for i := range c.Participants {
				if c.Participants[i].Person == person {
					c.Participants[i].Wanted = wanted
					return nil
				}
			}
			c.Participants = append(c.Participants, hub.Participant{Person: person, Wanted: wanted})
			return nil
		})
		must(t, err)
	}
	commit := func(t *testing.T, h hub.Handshake) {
		t.Helper()
		group, err := store.Group(ctx, here.id, c.ID)
		must(t, err)
		a := send(c, keeper, group.Epoch, "commit")
		a.Frame.Kind = api.FrameCommit
		h.After, h.Epoch, h.State, h.Info = group.Handshake, group.Epoch+1, []byte("s"), []byte("i")
		a.Handshake = &h
		_, err = store.AppendFrame(ctx, a)
		must(t, err)
	}
	expect(t, nil, nil)
	want(t, nurse.Person, true)
	expect(t, nil, nil) // her browser has no certificate yet
	here.certify(nurse)
	expect(t, []string{nurse.ID}, nil)
	phone := here.further(nurse)
	here.certify(phone)
	expect(t, []string{nurse.ID, phone.ID}, nil)
	commit(t, hub.Handshake{Added: []hub.Member{{Device: nurse.ID, Person: nurse.Person}}})
	expect(t, []string{phone.ID}, nil)
	must(t, store.RevokeDevice(ctx, here.id, phone.ID, 50))
	expect(t, nil, nil)
	want(t, nurse.Person, false)
	expect(t, nil, []string{nurse.ID})
	want(t, nurse.Person, true)
	expect(t, nil, nil)
	here.disable(nurse.Person, 60)
	expect(t, nil, []string{nurse.ID})
	commit(t, hub.Handshake{Removed: []string{nurse.ID}})
	expect(t, nil, nil)
	second := here.further(keeper) // services count as persons
	here.certify(second)
	expect(t, []string{second.ID}, nil)
	commit(t, hub.Handshake{Added: []hub.Member{{Device: second.ID, Person: second.Person}}})
	expect(t, nil, nil)
}
