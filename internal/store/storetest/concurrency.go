package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testConcurrency(t *testing.T, store hub.Store) {
	ctx, here := t.Context(), newClinic(t, store)
	patient, keeper := here.device(api.KindPatient), here.device(api.KindService)

	t.Run("positions are given once, without gaps, whoever refuses meanwhile", func(t *testing.T) {
		const senders, each = 8, 20
		conversations := []hub.Conversation{here.conversation(patient, keeper), here.conversation(patient, keeper)}
		var wait sync.WaitGroup
		for i := range senders {
			wait.Go(func() {
				c := conversations[i%2]
				for n := range each {
					a := send(c, patient, 1, fmt.Sprintf("%d %d", i, n))
					got, err := store.AppendFrame(ctx, a)
					if err != nil {
						t.Error(err)
						return
					}
					again, err := store.AppendFrame(ctx, a)
					if err != nil || again.Position != got.Position || !again.Duplicate {
						t.Errorf("sent again: %+v, %v; first at %d", again, err, got.Position)
					}
					if _, err := store.AppendFrame(ctx, send(c, patient, 99, "stale")); err == nil {
						t.Error("a stale frame was stored")
					}
					twin := hub.Person{ID: patient.Person, Practice: here.id, Kind: api.KindPatient}
					if err := store.AddPerson(ctx, twin); !errors.Is(err, hub.ErrExists) {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		for _, c := range conversations {
			frames, head, err := store.Frames(ctx, here.id, c.ID, 0, 0, 1000)
			must(t, err)
			if len(frames) != senders*each/2+1 || head != uint64(len(frames)) {
				t.Errorf("%d frames, head %d; want %d", len(frames), head, senders*each/2+1)
			}
			next := make(map[int]int)
			for i, f := range frames {
				if f.Position != uint64(i)+1 {
					t.Fatalf("frame %d is at position %d", i+1, f.Position)
				}
				var sender, n int
				if _, err := fmt.Sscanf(string(f.Payload), "%d %d", &sender, &n); err == nil {
					if next[sender] != n {
						t.Errorf("message %d of sender %d came as its %d", n, sender, next[sender])
					}
					next[sender]++
				}
			}
		}
	})
	t.Run("one commit an epoch", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		var won atomic.Int64
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				a := send(c, patient, 1, fmt.Sprint("commit ", i))
				a.Frame.Kind = api.FrameCommit
				a.Handshake = &hub.Handshake{After: 1, State: []byte("s"), Info: []byte("i"), Epoch: 2}
				_, err := store.AppendFrame(ctx, a)
				var stale *hub.StaleEpochError
				switch {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &stale):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 {
			t.Errorf("%d commits were stored", won.Load())
		}
	})
	t.Run("one takes a conversation", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		var won atomic.Int64
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				me := fmt.Sprint("p_", i)
				_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
					if c.Assignee != "" {
						return &hub.TakenError{Person: c.Assignee}
					}
					c.Assignee, c.State = me, api.StateOpen
					c.Participants = append(c.Participants, hub.Participant{Person: me, Wanted: true})
					return nil
				})
				var taken *hub.TakenError
				switch {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &taken):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if got := load(t, store, c); won.Load() != 1 || len(got.Participants) != 3 {
			t.Errorf("%d took it; %d participants", won.Load(), len(got.Participants))
		}
	})
	t.Run("key packages are given once", func(t *testing.T) {
		const packages = 40
		d := here.device(api.KindStaff)
		var all []hub.KeyPackage
		for i := range byte(packages) {
			all = append(all, hub.KeyPackage{Practice: here.id, Device: d.ID, Ref: []byte{i}, Data: []byte{i}})
		}
		must(t, store.AddKeyPackages(ctx, all, packages))
		var mu sync.Mutex
		given := make(map[byte]int)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range packages / 8 {
					ks, err := store.ClaimKeyPackages(ctx, here.id, []string{d.ID}, 1)
					if err != nil || len(ks) != 1 {
						t.Errorf("claimed %d, %v", len(ks), err)
						return
					}
					mu.Lock()
					given[ks[0].Ref[0]]++
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		if len(given) != packages {
			t.Errorf("%d of %d were given", len(given), packages)
		}
	})
	t.Run("work is not lost between a device and a conversation", func(t *testing.T) {
		for range 10 {
			nurse := here.device(api.KindStaff)
			c := here.conversation(patient, keeper)
			var wait sync.WaitGroup
			wait.Go(func() {
				err := store.PutCertificate(ctx, here.id, nurse.ID, []byte("c"), nil, 1)
				if err != nil {
					t.Error(err)
				}
			})
			wait.Go(func() {
				_, err := store.UpdateConversation(ctx, here.id, c.ID, func(c *hub.Conversation) error {
					c.Participants = append(c.Participants, hub.Participant{Person: nurse.Person, Wanted: true})
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			wait.Wait()
			work, err := store.Work(ctx, here.id, 1000)
			must(t, err)
			found := false
			for _, w := range work {
				found = found || w.Conversation == c.ID && len(w.Add) == 1 && w.Add[0].ID == nurse.ID
			}
			if !found {
				t.Fatal("a certified device of a wanted person was forgotten")
			}
		}
	})
	t.Run("a caller that has gone", func(t *testing.T) {
		c := here.conversation(patient, keeper)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_, err := store.AppendFrame(gone, send(c, patient, 1, "x"))
		wants(t, err, context.Canceled)
		same(t, load(t, store, c).Head, uint64(1))
	})
}
