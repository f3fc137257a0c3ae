package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// TestConnectionsLost cuts all of the store's connections again and again
// while frames are sent, and sent again when the answer is lost. Each must be
// there once, at the position that was acknowledged.
func TestConnectionsLost(t *testing.T) {
	const practice, conversation = "p_clinic", "c_talk"
	url, ctx := postgrestest.NewDatabase(t), t.Context()
	store := openTest(t, url, Config{})
	if err := store.SavePractice(ctx, hub.Practice{ID: practice, Slug: "clinic"}); err != nil {
		t.Fatal(err)
	}
	err := store.CreateConversation(ctx, hub.NewConversation{
		Conversation: hub.Conversation{
			ID: conversation, Practice: practice, State: api.StateWaiting, Epoch: 1, Head: 1,
			Members: []hub.Member{{Device: "d_1", Person: "p_1", From: 1}},
		},
		Group: hub.Group{Epoch: 1, Handshake: 1},
		First: hub.Frame{Position: 1, Kind: api.FrameCommit, Device: "d_1", Person: "p_1", ClientID: "founding"},
	})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()

	var mu sync.Mutex // guards the two below
	acknowledged := make(map[string]uint64)
	lost := 0
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() {
			for n := range 50 {
				id := fmt.Sprintf("message-%d-%d", i, n)
				a := hub.Append{Practice: practice, Conversation: conversation, Frame: hub.Frame{
					Kind: api.FrameApplication, Epoch: 1, Device: "d_1", Person: "p_1", ClientID: id, ReceivedAt: 1, Payload: []byte(id),
				}}
				for {
					got, err := store.AppendFrame(ctx, a)
					if errors.Is(err, hub.ErrUnavailable) {
						mu.Lock()
						lost++
						mu.Unlock()
						continue
					}
					if err != nil {
						t.Errorf("%s: %v", id, err)
						return
					}
					mu.Lock()
					acknowledged[id] = got.Position
					mu.Unlock()
					break
				}
			}
		})
	}
	sent := make(chan struct{})
	go func() { senders.Wait(); close(sent) }()
	cuts := 0
	for round, running := 0, true; running; round++ {
		select {
		case <-sent:
			running = false
		default:
			if round == 12 {
				<-sent // left in peace, it comes to an end
				continue
			}
			const cut = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
			var n int
			if err := admin.QueryRow(ctx, cut).Scan(&n); err != nil {
				t.Fatal(err)
			}
			cuts += n
			if _, err := admin.Exec(ctx, `SELECT pg_sleep(0.1)`); err != nil {
				t.Fatal(err)
			}
		}
	}
	frames, _, err := store.Frames(ctx, practice, conversation, 1, 0, 1000)
	for errors.Is(err, hub.ErrUnavailable) { // its connections were cut too
		frames, _, err = store.Frames(ctx, practice, conversation, 1, 0, 1000)
	}
	if err != nil || len(frames) != 200 {
		t.Fatalf("%d frames, %v; want 200", len(frames), err)
	}
	for _, f := range frames {
		if acknowledged[f.ClientID] != f.Position {
			t.Errorf("%s is at %d, acknowledged was %d", f.ClientID, f.Position, acknowledged[f.ClientID])
		}
	}
	t.Logf("%d connections cut, %d answers lost", cuts, lost)
}
