package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// A listener collects a device's events.
type listener struct {
	t      testing.TB
	events chan api.Event
	ended  chan error
	stop   context.CancelFunc
}

// listen opens the push connection and waits until it is ready.
func (d *device) listen() *listener { return listenWith(d.w, d.Events) }

func listenWith(w *world, events func(context.Context, func(api.Event)) error) *listener {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.ctx)
	l := &listener{t: w.t, events: make(chan api.Event, 1000), ended: make(chan error, 1), stop: stop}
	go func() { l.ended <- events(ctx, func(e api.Event) { l.events <- e }) }()
	w.t.Cleanup(stop)
	l.next(api.EventReady)
	return l
}

// next returns the next event of a type, passing over others.
func (l *listener) next(eventType string) api.Event {
	l.t.Helper()
	return l.until("event "+eventType, func(e api.Event) bool { return e.Type == eventType })
}

func (l *listener) until(what string, is func(api.Event) bool) api.Event {
	l.t.Helper()
	lost := time.After(20 * time.Second)
	for {
		select {
		case e := <-l.events:
			if is(e) {
				return e
			}
		case err := <-l.ended:
			l.ended <- err // for who asks how it ended
			if len(l.events) > 0 {
				continue
			}
			l.t.Fatalf("ended with %v, waiting for %s", err, what)
		case <-lost:
			l.t.Fatalf("no %s came", what)
		}
	}
}

// bySocketAndPoll runs a test over both kinds of push connection.
func bySocketAndPoll(t *testing.T, test func(t *testing.T, w *world, listen func(*device) *listener)) {
	t.Run("socket", func(t *testing.T) {
		test(t, newWorld(t), (*device).listen)
	})
	t.Run("poll", func(t *testing.T) {
		test(t, newWorld(t), (*device).listenByPolls)
	})
}

// listenByPolls is listen for who has no socket.
func (d *device) listenByPolls() *listener {
	d.w.t.Helper()
	c, err := hubclient.New(d.w.server.URL, hubclient.Config{HTTP: d.w.server.Client(), NoSocket: true})
	d.w.must(err)
	c.SetToken(d.Token())
	return listenWith(d.w, c.Events)
}

func TestEventsTellTheStory(t *testing.T) {
	bySocketAndPoll(t, func(t *testing.T, w *world, listen func(*device) *listener) {
		patient, nurse, keeper := w.patient(), w.staff("dana"), w.clinic.keeper
		pl, nl, kl := listen(patient), listen(nurse), listen(keeper)
		id := patient.open("nurse")

		waiting := nl.next(api.EventConversation).Summary
		if waiting.ID != id || waiting.State != api.StateWaiting || waiting.Place != 1 {
			t.Errorf("the nurse hears of %+v", waiting)
		}
		kl.next(api.EventWelcome)
		first := pl.next(api.EventFrame)
		if first.Frame.Position != 1 || first.ConversationID != id {
			t.Errorf("the founder hears %+v", first)
		}
		_, err := nurse.Act(w.ctx, id, "take")
		w.must(err)
		pl.until("an assignee", func(e api.Event) bool { return e.Summary != nil && e.Summary.Assignee == nurse.person })
		kl.next(api.EventWork)
		keeper.admit()
		nl.next(api.EventWelcome)
		nurse.join()
		pl.until("the nurse in the group", func(e api.Event) bool {
			return e.Summary != nil && slices.ContainsFunc(e.Summary.Participant, func(p api.Participant) bool { return p.Person.ID == nurse.person && p.Joined })
		})
		patient.catchUp(id)
		f := patient.seal(id, "hello")
		_, err = patient.Send(w.ctx, id, f)
		w.must(err)
		got := nl.until("the message", func(e api.Event) bool { return e.Frame != nil && e.Frame.Kind == api.FrameApplication })
		if string(got.Frame.Payload) != string(f.Payload) || got.Frame.Person != patient.person || got.Frame.ClientID != f.ClientID {
			t.Errorf("the nurse gets %+v", got.Frame)
		}
		w.must(nurse.Ack(w.ctx, id, got.Frame.Position))
		ack := pl.next(api.EventAck)
		if ack.Person != nurse.person || ack.Position != got.Frame.Position {
			t.Errorf("the patient hears %+v", ack)
		}
		w.must(nurse.Typing(w.ctx, id, true))
		if e := pl.next(api.EventTyping); e.Person != nurse.person || !e.Typing || e.ConversationID != id {
			t.Errorf("typing: %+v", e)
		}
		_, err = patient.Act(w.ctx, id, "close")
		w.must(err)
		nl.until("closed", func(e api.Event) bool { return e.Summary != nil && e.Summary.State == api.StateClosed })
		keeper.admit()
		gone := nl.until("its own removal", func(e api.Event) bool { return e.Frame != nil && e.Frame.Kind == api.FrameCommit })
		if gone.Frame.Person != keeper.person {
			t.Errorf("removed by %+v", gone.Frame)
		}
	})
}

func TestPresence(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	nl := nurse.listen()
	pl := patient.listen()
	if e := nl.next(api.EventPresence); e.Person != patient.person || !e.Online {
		t.Errorf("on coming: %+v", e)
	}
	v, err := nurse.Conversation(w.ctx, id)
	w.must(err)
	for _, p := range v.Participant {
		if want := p.Person.Kind != api.KindService; p.Person.Online != want {
			t.Errorf("%s online: %v", p.Person.Kind, p.Person.Online)
		}
	}
	pl.stop()
	if e := nl.next(api.EventPresence); e.Person != patient.person || e.Online {
		t.Errorf("on going: %+v", e)
	}
}

// TestReadyHeads: a client that comes back learns how far each log goes.
func TestReadyHeads(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	one, two := d.open("nurse"), d.open("front-desk")
	d.say(two, "x")
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	var heads []api.Head
	err := d.Events(ctx, func(e api.Event) {
		heads = e.Heads
		stop()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	want := []api.Head{{Conversation: one, Head: 1}, {Conversation: two, Head: 2}}
	slices.SortFunc(heads, func(a, b api.Head) int { return int(a.Head) - int(b.Head) })
	if !slices.Equal(heads, want) {
		t.Errorf("heads %+v, want %+v", heads, want)
	}
}

// TestPushedInOrder: many send at once; each listener gets every frame of the
// others once, in the order of the log, and of its own the replies.
func TestPushedInOrder(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	l := nurse.listen()
	const each = 20
	senders := []*device{patient, nurse, w.clinic.keeper}
	w.clinic.keeper.catchUp(id)
	v, err := patient.Conversation(w.ctx, id)
	w.must(err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	own := make(map[uint64]bool) // positions of the nurse's
	for _, d := range senders {
		frames := make([]api.SendFrame, each)
		for i := range frames {
			frames[i] = d.seal(id, "x")
		}
		for half := range 2 {
			wg.Go(func() {
				for i := half; i < each; i += 2 {
					s, err := d.Send(w.ctx, id, frames[i])
					if err != nil {
						t.Error(err)
					} else if d == nurse {
						mu.Lock()
						own[s.Position] = true
						mu.Unlock()
					}
				}
			})
		}
	}
	wg.Wait()
	for i := range len(senders) * each {
		want := v.Head + uint64(i) + 1
		if own[want] {
			continue
		}
		if e := l.next(api.EventFrame); e.Frame.Position != want {
			t.Fatalf("position %d came, want %d", e.Frame.Position, want)
		}
	}
	if len(own) != each {
		t.Errorf("%d of the nurse's own frames have a place, want %d", len(own), each)
	}
}

// TestCompact: who asks for it gets frames as binary messages, and not those
// that the device itself sends; who does not gets all, as text.
func TestCompact(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	patient.catchUp(id)
	conns := make(map[bool]*websocket.Conn)
	for _, compact := range []bool{false, true} {
		conn := w.dial()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: patient.Token(), Compact: compact}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready))
		conns[compact] = conn
	}
	own, other := patient.seal(id, "mine"), nurse.seal(id, "hers")
	b, err := api.ClientMessage{Type: "send", Call: 5, ConversationID: id, Frame: &own}.Binary()
	w.must(err)
	w.must(conns[false].Write(w.ctx, websocket.MessageBinary, b)) // anybody may
	_, err = patient.Send(w.ctx, id, own)                         // again: it stands where it stood
	w.must(err)
	_, err = nurse.Send(w.ctx, id, other)
	w.must(err)
	for compact, want := range map[bool][]api.SendFrame{false: {own, other}, true: {other}} {
		for len(want) > 0 {
			as, b, err := conns[compact].Read(w.ctx)
			w.must(err)
			var e api.Event
			head, payload := b, []byte(nil)
			if as == websocket.MessageBinary {
				head, payload, err = api.SplitBinary(b)
				w.must(err)
			}
			w.must(json.Unmarshal(head, &e))
			if e.Type != api.EventFrame {
				continue
			}
			if (as == websocket.MessageBinary) != compact {
				t.Errorf("compact %v: a frame comes as %v", compact, as)
			}
			if !compact {
				payload = e.Frame.Payload
			}
			if e.Frame.ClientID != want[0].ClientID || string(payload) != string(want[0].Payload) {
				t.Fatalf("compact %v: frame %s of %d bytes, want %s", compact, e.Frame.ClientID, len(payload), want[0].ClientID)
			}
			want = want[1:]
		}
	}
}

// TestT23SessionsEnd: what ends a session ends its connections too.
func TestT23SessionsEnd(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name string
		end  func(d *device) error
	}{
		{"sign-out", func(d *device) error { return d.SignOut(w.ctx) }},
		{"the device's session is closed", func(d *device) error { return d.CloseSession(w.ctx) }},
		{"the device is revoked", func(d *device) error { return w.hub.RevokeDevice(w.ctx, w.clinic.ID, d.id) }},
		{"the person is disabled", func(d *device) error { return w.hub.DisablePerson(w.ctx, w.clinic.ID, d.person) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := w.staff("dana-" + strings.ReplaceAll(tt.name, " ", "-"))
			former, l := d.Token(), d.listen()
			_, err := d.SignInDevice(w.ctx, d.signer, d.id) // as a device does a little before the hour
			w.must(err)
			w.must(tt.end(d))
			l.next(api.EventEnded)
			wantCode(t, <-l.ended, api.CodeUnauthenticated)
			for _, token := range []string{d.Token(), former} {
				d.SetToken(token)
				_, err = d.Self(w.ctx)
				wantCode(t, err, api.CodeUnauthenticated)
			}
		})
	}
}

// TestT44RevokedDeviceLeavesGroups: the keeper is given the work of removing it.
func TestT44RevokedDeviceLeavesGroups(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	w.must(w.hub.RevokeDevice(w.ctx, w.clinic.ID, nurse.id))
	w.clinic.keeper.admit()
	patient.catchUp(id)
	for _, m := range patient.groups[id].Members() {
		if string(m.Credential.Identity) == string(nurse.certificate) {
			t.Error("the revoked device is still in the group")
		}
	}
}

// dial opens a bare socket.
func (w *world) dial() *websocket.Conn {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.ctx, "ws"+strings.TrimPrefix(w.server.URL, "http")+"/v1/events", nil)
	w.must(err)
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func TestHalfOpenSockets(t *testing.T) {
	w := newWorld(t, func(_ *hub.Config, c *httpapi.Config) {
		c.Sockets = httpapi.SocketLimits{Hello: 50 * time.Millisecond, HalfOpenByAddr: 2}
	})
	silent := w.dial()
	if _, _, err := silent.Read(w.ctx); err == nil {
		t.Error("a socket that says nothing stays open")
	}
	for name, hello := range map[string]any{
		"no token":       api.Hello{Type: "hello"},
		"a wrong token":  api.Hello{Type: "hello", Token: "made-up"},
		"not a hello":    api.ClientMessage{Type: "ping"},
		"a long message": api.Hello{Type: "hello", Token: strings.Repeat("x", 4000)},
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.dial()
			w.must(wsjson.Write(w.ctx, conn, hello))
			if _, b, err := conn.Read(w.ctx); err == nil {
				t.Errorf("answered %s", b)
			}
		})
	}
}

// TestSocketSurvivesBadInput: a message that cannot be used is refused with a
// code, and the connection and the data live on.
func TestSocketSurvivesBadInput(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	conn := w.dial()
	w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
	var ready api.Event
	w.must(wsjson.Read(w.ctx, conn, &ready))
	for _, bad := range []string{`{`, `[]`, `{"type":"fly"}`, `{"type":"send"}`, `{"type":"ack","unknown":1}`, canary} {
		w.must(conn.Write(w.ctx, websocket.MessageText, []byte(bad)))
		var r api.Reply
		w.must(wsjson.Read(w.ctx, conn, &r))
		if r.Problem == nil || r.Problem.Code != api.CodeMalformed {
			t.Errorf("%s is answered %+v", bad, r)
		}
	}
	for _, bad := range []string{"", "\x00\x00\x00\x09{}", "\x00\x00\x00\x02{}", "\x00\x00\x00\x02{}more", "\x00\x00\x00\x0e{\"type\":\"ack\"}more", canary} {
		w.must(conn.Write(w.ctx, websocket.MessageBinary, []byte(bad)))
		var r api.Reply
		w.must(wsjson.Read(w.ctx, conn, &r))
		if r.Problem == nil || r.Problem.Code != api.CodeMalformed {
			t.Errorf("%q is answered %+v", bad, r)
		}
	}
	f := d.seal(id, "still here")
	w.must(wsjson.Write(w.ctx, conn, api.ClientMessage{Type: "send", Call: 7, ConversationID: id, Frame: &f}))
	for {
		var r api.Reply
		w.must(wsjson.Read(w.ctx, conn, &r))
		if r.Type == "reply" {
			if r.Call != 7 || r.Sent == nil || r.Sent.Position != 2 {
				t.Errorf("answered %+v", r)
			}
			return
		}
	}
}

// TestLastAcknowledgementsAreKept: what a device acknowledges as the last thing
// before it goes is stored like everything else.
func TestLastAcknowledgementsAreKept(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	id := d.open("nurse")
	for range 10 {
		f := d.seal(id, "hello")
		sent, err := d.Send(w.ctx, id, f)
		w.must(err)
		conn := w.dial()
		w.must(wsjson.Write(w.ctx, conn, api.Hello{Type: "hello", Token: d.Token()}))
		var ready api.Event
		w.must(wsjson.Read(w.ctx, conn, &ready))
		for position := sent.Position; position > 1; position-- {
			w.must(wsjson.Write(w.ctx, conn, api.ClientMessage{Type: "ack", ConversationID: id, Position: position}))
		}
		w.must(conn.CloseNow())
		kept := func() bool {
			v, err := d.Conversation(w.ctx, id)
			w.must(err)
			return slices.ContainsFunc(v.Participant, func(p api.Participant) bool { return p.Acked == sent.Position })
		}
		for until := time.Now().Add(10 * time.Second); !kept(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%d is not acknowledged", sent.Position)
			}
		}
	}
}

// TestShutdown: connections are told to come back, and end.
func TestShutdown(t *testing.T) {
	w := newWorld(t)
	l := w.patient().listen()
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	w.must(w.api.Shutdown(ctx))
	err := <-l.ended
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusServiceRestart {
		t.Errorf("ended with %v", err)
	}
}

// TestFollowComesBack: the client connects again by itself after a break.
func TestFollowComesBack(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	ready := make(chan struct{}, 10)
	ctx, stop := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- d.Follow(ctx, func(e api.Event) {
			if e.Type == api.EventReady {
				ready <- struct{}{}
			}
		})
	}()
	<-ready
	w.server.CloseClientConnections() // hijacked ones are not among these
	w.hub.LetGo(d.id)
	<-ready
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// TestPollOfAnOldCursor starts over, and says so.
func TestPollOfAnOldCursor(t *testing.T) {
	w := newWorld(t)
	d := w.patient()
	for _, cursor := range []string{"m_unknown.3", "nonsense", "m_x.-1"} {
		resp, body := w.raw("GET", "/v1/events/poll?cursor="+cursor, "", "Authorization", "Bearer "+d.Token())
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"reset":true`) || !strings.Contains(body, api.EventReady) {
			t.Errorf("%q: %d %s", cursor, resp.StatusCode, body)
		}
	}
	other := w.patient()
	resp, body := w.raw("GET", "/v1/events/poll", "", "Authorization", "Bearer "+d.Token())
	_, cursor, _ := strings.Cut(body, `"cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)
	if resp.StatusCode != http.StatusOK || cursor == "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	_, body = w.raw("GET", "/v1/events/poll?cursor="+cursor, "", "Authorization", "Bearer "+other.Token())
	if !strings.Contains(body, `"reset":true`) {
		t.Errorf("another device reads the mailbox: %s", body)
	}
}
