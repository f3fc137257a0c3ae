package postgres

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// subscriber is a broker with what it delivered.
type subscriber struct {
	*Broker
	got chan hub.Notice
}

func subscribe(t *testing.T, url string) *subscriber {
	t.Helper()
	b, err := OpenBroker(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &subscriber{b, make(chan hub.Notice, 10_000)}
	if err := b.Subscribe(func(n hub.Notice) { s.got <- n }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s
}

func (s *subscriber) next(t *testing.T) hub.Notice {
	t.Helper()
	select {
	case n := <-s.got:
		return n
	case <-time.After(30 * time.Second):
		t.Fatal("no notice comes")
		return hub.Notice{}
	}
}

func TestBroker(t *testing.T) {
	url, ctx := postgrestest.NewDatabase(t), t.Context()
	a, b := subscribe(t, url), subscribe(t, url)
	elsewhere := subscribe(t, postgrestest.NewDatabase(t))
	sent := []hub.Notice{
		{
			Practice: "t_1", Conversation: "c_1", Joined: []string{"d_2"}, Left: []string{"d_3"},
			Event: api.Event{Type: api.EventFrame, ConversationID: "c_1", Frame: &api.Frame{Position: 7, Payload: bytes.Repeat([]byte("sealed"), 40_000)}},
		},
		{
			Practice: "t_1", Conversation: "c_1", Persons: []string{"p_1"}, Staff: true, Services: true, Queue: "general",
			Event: api.Event{Type: api.EventConversation, ConversationID: "c_1", Summary: &api.Conversation{ID: "c_1", Participant: []api.Participant{{Person: api.Person{Name: "Dana Ortiz"}}}}},
		},
		{Practice: "t_1", Conversation: "c_1", Except: "d_1", Event: api.Event{Type: api.EventTyping, ConversationID: "c_1", Person: "p_1", Typing: true}},
		{Practice: "t_1", Conversation: "c_1", Except: "d_1", Event: api.Event{Type: api.EventTyping, ConversationID: "c_1", Person: "p_1", Typing: true}}, // again
		{Practice: "t_1", End: &hub.Ending{Staff: "s_1", Device: "d_1", Person: "p_1"}},
		{Here: &hub.Here{Hub: "h_1", Count: 1, Whole: true, Came: []hub.Present{{Person: "p_1", Practice: "t_1", Staff: true}}}},
	}
	for _, n := range sent {
		if err := a.Publish(ctx, n); err != nil {
			t.Fatal(err)
		}
		if got := a.next(t); !cmp.Equal(got, n) {
			t.Errorf("here it is %s", cmp.Diff(n, got))
		}
		want := n
		want.Event.Summary = nil
		if n.Event.Frame != nil { // the other hub loads it
			want.Event.Frame, want.Event.Position = nil, n.Event.Frame.Position
		}
		if got := b.next(t); !cmp.Equal(got, want) {
			t.Errorf("there it is %s", cmp.Diff(want, got))
		}
	}
	for i := range 1000 {
		if err := a.Publish(ctx, hub.Notice{Conversation: "c_1", Event: api.Event{Type: api.EventAck, Position: uint64(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		if got := b.next(t); got.Event.Position != uint64(i) {
			t.Fatalf("number %d is %+v", i, got)
		}
	}
	// What does not fit is told of all the same.
	if err := a.Publish(ctx, hub.Notice{Conversation: "c_1", Devices: strings.Split(strings.Repeat("d_device,", 2000), ",")}); err != nil {
		t.Fatal(err)
	}
	if got := b.next(t); !got.Lost {
		t.Errorf("too large: %+v", got)
	}
	select {
	case n := <-elsewhere.got:
		t.Errorf("a hub of another database hears %+v", n)
	default:
	}
}

// TestBrokerConnectionsLost: whoever may have missed a notice is told so, and
// hears the next ones again.
func TestBrokerConnectionsLost(t *testing.T) {
	url, ctx := postgrestest.NewDatabase(t), t.Context()
	a, b := subscribe(t, url), subscribe(t, url)
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	const cut = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	var n int
	if err := admin.QueryRow(ctx, cut).Scan(&n); err != nil || n < 2 {
		t.Fatalf("%d connections cut, %v", n, err)
	}
	for _, s := range []*subscriber{a, b} {
		if got := s.next(t); !got.Lost {
			t.Errorf("got %+v", got)
		}
	}
	if err := a.Publish(ctx, hub.Notice{Conversation: "c_1", Event: api.Event{Type: api.EventAck, Position: 5}}); err != nil {
		t.Fatal(err)
	}
	if got := b.next(t); got.Event.Position != 5 {
		t.Errorf("got %+v", got)
	}
}

// TestDoorbellsHoldIdsAlone looks at what goes over the wire.
func TestDoorbellsHoldIdsAlone(t *testing.T) {
	n := hub.Notice{
		Practice: "t_1", Conversation: "c_1",
		Event: api.Event{
			Type: api.EventConversation, ConversationID: "c_1", Frame: &api.Frame{Position: 3, Payload: []byte("ciphertext"), ClientID: "client"},
			Summary: &api.Conversation{ID: "c_1", Language: "es", Participant: []api.Participant{{Person: api.Person{Name: "Dana Ortiz"}}}},
		},
	}
	bell, err := n.Doorbell()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"p":"t_1","e":"conversation","a":"c_1","x":3,"c":"c_1"}`; string(bell) != want {
		t.Errorf("got %s, want %s", bell, want)
	}
}

func FuzzReceived(f *testing.F) {
	f.Add(`h_1 1 {"p":"t_1","e":"frame","a":"c_1","x":3,"c":"c_1"}`)
	f.Add("h_1 2 lost")
	f.Add("h_1")
	b, err := OpenBroker("postgres://localhost/x", nil)
	if err != nil {
		f.Fatal(err)
	}
	b.stop()
	f.Fuzz(func(_ *testing.T, payload string) { b.received(payload) })
}
