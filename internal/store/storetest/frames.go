package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testFrames(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	patient, keeper, nurse := here.device(api.KindPatient), here.device(api.KindService), here.device(api.KindStaff)
	update := func(t *testing.T, c hub.Conversation, change func(*hub.Conversation)) {
		t.Helper()
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error { change(c); return nil })
		must(t, err)
	}

	t.Run("positions follow one another, and frames come back as sent", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		var sent []hub.Frame
		for i, text := range []string{"one", "", string(bytes.Repeat([]byte{0}, 4096)), "four"} {
			a := send(c, []hub.Device{patient, keeper}[i%2], 1, text)
			a.Frame.ReceivedAt = 200 + int64(i)
			got, err := store.AppendFrame(ctx, a)
			must(t, err)
			same(t, got, hub.Appended{Position: uint64(i) + 2, ReceivedAt: a.Frame.ReceivedAt})
			a.Frame.Position = got.Position
			sent = append(sent, a.Frame)
		}
		for _, test := range []struct {
			after, upTo uint64
			limit       int
			want        []hub.Frame
		}{
			{1, 0, 100, sent},
			{1, 0, 2, sent[:2]},
			{3, 0, 100, sent[2:]},
			{3, 4, 100, sent[2:3]},
			{3, 3, 100, nil},
			{5, 0, 100, nil},
			{1 << 63, 0, 100, nil},
			{1, 1<<64 - 1, 100, sent},
		} {
			got, head, err := store.Frames(ctx, here.id, c.ID, test.after, test.upTo, test.limit)
			must(t, err)
			same(t, got, test.want)
			same(t, head, uint64(5))
		}
		stored := load(t, store, c)
		same(t, stored.LastAt, int64(203))
		same(t, stored.Head, uint64(5))
	})
	t.Run("the same frame again", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		a := send(c, patient, 1, "hello")
		first, err := store.AppendFrame(ctx, a)
		must(t, err)
		_, err = store.AppendFrame(ctx, send(c, patient, 1, "between"))
		must(t, err)
		again := a
		again.Frame.ReceivedAt, again.Frame.Epoch = 999, 12 // its epoch may have passed meanwhile
		got, err := store.AppendFrame(ctx, again)
		must(t, err)
		same(t, got, hub.Appended{Position: first.Position, ReceivedAt: first.ReceivedAt, Duplicate: true})

		other := a
		other.Frame.Payload = []byte("other bytes")
		_, err = store.AppendFrame(ctx, other)
		wants(t, err, hub.ErrConflict)
		other = a
		other.Frame.Kind = api.FrameProposal
		_, err = store.AppendFrame(ctx, other)
		wants(t, err, hub.ErrConflict)

		fromKeeper := a // another device may choose the same client id
		fromKeeper.Frame.Device, fromKeeper.Frame.Person = keeper.ID, keeper.Person
		got, err = store.AppendFrame(ctx, fromKeeper)
		must(t, err)
		same(t, got.Duplicate, false)

		update(t, c, func(c *hub.Conversation) { c.State, c.WithdrawnAt = api.StateClosed, 5 })
		got, err = store.AppendFrame(ctx, a) // it was stored while it was allowed
		must(t, err)
		same(t, got.Position, first.Position)
	})
	t.Run("refusals, the first that applies", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		stale := &hub.StaleEpochError{}
		closed := func(c *hub.Conversation) { c.State = api.StateClosed }
		withdrawn := func(c *hub.Conversation) { c.WithdrawnAt = 9 }
		reopened := func(c *hub.Conversation) { c.State, c.WithdrawnAt = api.StateOpen, 0 }
		for _, step := range []struct {
			name   string
			change func(*hub.Conversation)
			from   hub.Device
			epoch  uint64
			adjust func(*hub.Append)
			want   error
		}{
			{"not a member", nil, nurse, 1, nil, hub.ErrNotAMember},
			{"stale", nil, patient, 0, nil, stale},
			{"ahead", nil, patient, 2, nil, stale},
			{"far ahead", nil, patient, 1<<64 - 1, nil, stale},
			{"not a member and stale", nil, nurse, 7, nil, hub.ErrNotAMember},
			{"closed", closed, patient, 1, nil, hub.ErrClosed},
			{"closed and not a member", nil, nurse, 1, nil, hub.ErrClosed},
			{"closed, but even so", nil, patient, 1, func(a *hub.Append) { a.EvenClosed = true }, nil},
			{"withdrawn and closed", withdrawn, patient, 1, nil, hub.ErrConsentWithdrawn},
			{"withdrawn and closed, even withdrawn", nil, patient, 1, func(a *hub.Append) { a.EvenWithdrawn = true }, hub.ErrClosed},
			{"withdrawn and closed, even both", nil, patient, 1, func(a *hub.Append) { a.EvenWithdrawn, a.EvenClosed = true, true }, nil},
			{"open again", reopened, patient, 1, nil, nil},
		} {
			if step.change != nil {
				update(t, c, step.change)
			}
			a := send(c, step.from, step.epoch, step.name)
			if step.adjust != nil {
				step.adjust(&a)
			}
			before := load(t, store, c)
			_, err := store.AppendFrame(ctx, a)
			got := (*hub.StaleEpochError)(nil)
			switch {
			case step.want == error(stale):
				if !errors.As(err, &got) || *got != (hub.StaleEpochError{Sent: step.epoch, Current: 1, Head: before.Head}) {
					t.Errorf("%s: got %v, %+v", step.name, err, got)
				}
			case !errors.Is(err, step.want):
				t.Errorf("%s: got %v, want %v", step.name, err, step.want)
			}
			if err != nil {
				same(t, load(t, store, c), before)
			}
		}
	})
	t.Run("a conversation that is not there", func(t *testing.T) {
		_, err := store.AppendFrame(ctx, send(hub.Conversation{ID: newID("c"), Practice: here.id}, patient, 1, "x"))
		wants(t, err, hub.ErrNotFound)
		_, _, err = store.Frames(ctx, here.id, newID("c"), 0, 0, 10)
		wants(t, err, hub.ErrNotFound)
	})
}

func testHandshakes(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	patient, keeper, nurse := here.device(api.KindPatient), here.device(api.KindService), here.device(api.KindStaff)
	doctor := here.device(api.KindStaff)
	c := here.conversation(patient, keeper)
	handshake := func(from hub.Device, epoch uint64, h hub.Handshake) hub.Append {
		a := send(c, from, epoch, fmt.Sprint("commit of epoch ", epoch))
		a.Frame.Kind, a.Handshake = api.FrameCommit, &h
		return a
	}
	member := func(t *testing.T, d hub.Device) hub.Member {
		t.Helper()
		m, err := store.Member(ctx, here.id, c.ID, d.ID)
		must(t, err)
		return m
	}
	group := func(t *testing.T, want hub.Group) {
		t.Helper()
		got, err := store.Group(ctx, here.id, c.ID)
		must(t, err)
		same(t, got, want)
	}

	t.Run("a proposal keeps the epoch and the group info", func(t *testing.T) {
		a := handshake(keeper, 1, hub.Handshake{After: 1, State: []byte("with proposal"), Epoch: 1})
		a.Frame.Kind = api.FrameProposal
		_, err := store.AppendFrame(ctx, a) // position 2
		must(t, err)
		group(t, hub.Group{State: []byte("with proposal"), Info: []byte("info 1"), Epoch: 1, Handshake: 2})
		same(t, load(t, store, c).LastAt, int64(100)) // only messages move it
	})
	t.Run("made from another state", func(t *testing.T) {
		_, err := store.AppendFrame(ctx, handshake(keeper, 1, hub.Handshake{After: 1, State: []byte("s"), Info: []byte("i"), Epoch: 2}))
		wants(t, err, hub.ErrRaced)
	})
	t.Run("add", func(t *testing.T) {
		a := handshake(keeper, 1, hub.Handshake{
			After: 2, State: []byte("state 2"), Info: []byte("info 2"), Epoch: 2,
			Added:    []hub.Member{{Device: nurse.ID, Person: nurse.Person}, {Device: keeper.ID, Person: keeper.Person}},
			Welcomes: []hub.Welcome{{ID: newID("w"), Device: nurse.ID, Payload: []byte("welcome")}},
		})
		got, err := store.AppendFrame(ctx, a) // position 3
		must(t, err)
		same(t, got.Position, uint64(3))
		group(t, hub.Group{State: []byte("state 2"), Info: []byte("info 2"), Epoch: 2, Handshake: 3})
		same(t, member(t, nurse), hub.Member{Device: nurse.ID, Person: nurse.Person, From: 3, Since: 200, Acked: 3})
		same(t, member(t, keeper).From, uint64(1)) // in already: as it was
		welcomes, err := store.Welcomes(ctx, here.id, nurse.ID)
		must(t, err)
		w := a.Handshake.Welcomes[0]
		w.Conversation, w.Position = c.ID, 3
		same(t, welcomes, []hub.Welcome{w})
		stored := load(t, store, c)
		same(t, stored.Epoch, uint64(2))
		same(t, stored.Participants[2], hub.Participant{Person: nurse.Person, Since: 200})
		_, err = store.AppendFrame(ctx, send(c, nurse, 2, "hello"))
		must(t, err) // position 4
	})
	t.Run("two commits for one epoch", func(t *testing.T) {
		_, err := store.AppendFrame(ctx, handshake(patient, 1, hub.Handshake{After: 3, State: []byte("s"), Info: []byte("i"), Epoch: 2}))
		stale := (*hub.StaleEpochError)(nil)
		if !errors.As(err, &stale) || *stale != (hub.StaleEpochError{Sent: 1, Current: 2, Head: 4}) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("who is wanted before joining", func(t *testing.T) {
		_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
			c.Participants = append(c.Participants, hub.Participant{Person: doctor.Person, Wanted: true})
			return nil
		})
		must(t, err)
		a := handshake(doctor, 2, hub.Handshake{
			After: 3, State: []byte("state 3"), Info: []byte("info 3"), Epoch: 3,
			Added: []hub.Member{{Device: doctor.ID, Person: doctor.Person}},
		})
		_, err = store.AppendFrame(ctx, a)
		wants(t, err, hub.ErrNotAMember)
		a.External = true
		_, err = store.AppendFrame(ctx, a) // position 5
		must(t, err)
		same(t, load(t, store, c).Participants[3], hub.Participant{Person: doctor.Person, Wanted: true, Since: 200})
	})
	t.Run("a device that takes its own place", func(t *testing.T) {
		a := handshake(doctor, 3, hub.Handshake{
			After: 5, State: []byte("state 4"), Info: []byte("info 4"), Epoch: 4,
			Removed: []string{doctor.ID}, Added: []hub.Member{{Device: doctor.ID, Person: doctor.Person}},
		})
		a.External = true
		_, err := store.AppendFrame(ctx, a) // position 6
		must(t, err)
		same(t, member(t, doctor), hub.Member{Device: doctor.ID, Person: doctor.Person, From: 5, Since: 200, Acked: 5})
	})
	t.Run("remove, and come back", func(t *testing.T) {
		a := handshake(keeper, 4, hub.Handshake{
			After: 6, State: []byte("state 5"), Info: []byte("info 5"), Epoch: 5, Removed: []string{nurse.ID},
		})
		_, err := store.AppendFrame(ctx, a) // position 7
		must(t, err)
		m := member(t, nurse)
		same(t, m.Until, uint64(7))
		for _, in := range load(t, store, c).Members {
			if in.Device == nurse.ID {
				t.Error("a removed device is still listed")
			}
		}
		welcomes, err := store.Welcomes(ctx, here.id, nurse.ID)
		must(t, err)
		same(t, len(welcomes), 0)
		heads, err := store.Heads(ctx, here.id, nurse.ID)
		must(t, err)
		same(t, len(heads), 0)
		_, err = store.AppendFrame(ctx, send(c, nurse, 5, "still here?"))
		wants(t, err, hub.ErrNotAMember)
		_, err = store.Ack(ctx, here.id, c.ID, nurse.ID, 7)
		wants(t, err, hub.ErrNotAMember)

		a = handshake(keeper, 5, hub.Handshake{
			After: 7, State: []byte("state 6"), Info: []byte("info 6"), Epoch: 6,
			Added: []hub.Member{{Device: nurse.ID, Person: nurse.Person}},
		})
		a.Frame.ReceivedAt = 300
		_, err = store.AppendFrame(ctx, a) // position 8
		must(t, err)
		same(t, member(t, nurse), hub.Member{Device: nurse.ID, Person: nurse.Person, From: 8, Since: 300, Acked: 8})
		same(t, load(t, store, c).Participants[2], hub.Participant{Person: nurse.Person, Since: 200}) // the first time stands
	})
	t.Run("welcomes, oldest first, until deleted", func(t *testing.T) {
		other := here.conversation(patient, keeper)
		welcomes, err := store.Welcomes(ctx, here.id, keeper.ID)
		must(t, err)
		same(t, pick(welcomes, func(w hub.Welcome) string { return w.Conversation }), orderByID(welcomes, c.ID, other.ID))
		for _, w := range welcomes {
			must(t, store.DeleteWelcome(ctx, here.id, patient.ID, w.ID)) // not its own
		}
		left, err := store.Welcomes(ctx, here.id, keeper.ID)
		must(t, err)
		same(t, left, welcomes)
		for range 2 {
			must(t, store.DeleteWelcome(ctx, here.id, keeper.ID, welcomes[0].ID))
		}
		left, err = store.Welcomes(ctx, here.id, keeper.ID)
		must(t, err)
		same(t, left, welcomes[1:])
	})
}

// orderByID returns the two conversations in the order of their welcomes' ids:
// both came at the same time.
func orderByID(welcomes []hub.Welcome, a, b string) []string {
	if len(welcomes) == 2 && welcomes[0].Conversation == b {
		return []string{b, a}
	}
	return []string{a, b}
}
