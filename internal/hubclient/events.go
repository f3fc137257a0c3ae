package hubclient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-health/sotto/api"
)

// errSocketClosed says that the push connection ended before an answer came.
var errSocketClosed = errors.New("hubclient: push connection closed")

// Bounds of the pause before connecting again.
const (
	minPause = 200 * time.Millisecond
	maxPause = 20 * time.Second
	// maxEvent bounds one message of the push connection: a ready event lists
	// every conversation.
	maxEvent = 64 << 20
	// readyWithin is how long the hub may take to say that it is ready.
	readyWithin = 10 * time.Second
	// enoughMissed is after how many push connections in a row that were never
	// ready events are polled for.
	enoughMissed = 2
	// pollFor is how long, until the push connection is tried again.
	pollFor = 10 * time.Minute
)

// Events opens the push connection and calls handle with each event, one at a
// time and in order, the first being [api.EventReady]. It returns when the
// connection ends: with ctx's error once ctx is done, with a *[api.Problem] of
// [api.CodeUnauthenticated] if the session is over. Where a WebSocket does not
// get through, it polls for a while: something between refuses it, or twice in
// a row answers for the hub or lets nothing through.
func (c *Client) Events(ctx context.Context, handle func(api.Event)) error {
	if c.config.NoSocket {
		return c.poll(ctx, time.Time{}, handle)
	}
	answer, err := c.overSocket(ctx, handle)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case answer == passed || answer == none || IsCode(err, api.CodeUnauthenticated):
		c.setMissed(0)
		return err
	case answer == refused || c.setMissed(1) >= enoughMissed:
		return c.poll(ctx, time.Now().Add(pollFor), handle)
	}
	return err
}

// An answer is what became of an attempt to open a push connection.
type answer int

const (
	none    answer = iota // nothing was reached
	refused               // by something that knows no WebSocket, or lets none through
	missed                // something answered, and the connection was never ready
	passed
)

// errSilent says that a push connection was opened, and nothing came over it.
var errSilent = errors.New("hubclient: push connection is silent")

func (c *Client) overSocket(ctx context.Context, handle func(api.Event)) (answer, error) {
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.base, "http")+"/v1/events", &websocket.DialOptions{HTTPClient: c.http}) //nolint:bodyclose // Dial closes it
	if err != nil {
		err = fmt.Errorf("hubclient: open push connection: %w", err)
		switch {
		case resp == nil:
			return none, err
		case resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
			return refused, err
		}
		return missed, err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxEvent)
	s := &socket{conn: conn, calls: make(map[uint64]chan api.Reply)}
	defer c.closeSocket(s)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(cmp.Or(c.config.ReadyWithin, readyWithin), func() { cancel(errSilent) })
	defer silence.Stop()
	if err := s.write(within, api.Hello{Type: "hello", Token: c.Token(), Compact: true}); err != nil {
		return missed, err
	}
	came := missed
	err = s.readAll(within, func(e api.Event) {
		if e.Type == api.EventReady {
			silence.Stop()
			came = passed
			c.mu.Lock()
			c.socket = s
			c.mu.Unlock()
		}
		handle(e)
	})
	return came, err
}

// setMissed adds to how many push connections were missed in a row, or with 0
// begins anew.
func (c *Client) setMissed(more int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if more == 0 {
		c.missed = 0
	}
	c.missed += more
	return c.missed
}

// Follow keeps a push connection open until ctx ends or the session is over,
// and connects again whenever it breaks. After each break handle gets another
// [api.EventReady], upon which to fetch what was missed.
func (c *Client) Follow(ctx context.Context, handle func(api.Event)) error {
	pause := minPause
	for {
		err := c.Events(ctx, func(e api.Event) {
			if e.Type == api.EventReady {
				pause = minPause
			}
			handle(e)
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if IsCode(err, api.CodeUnauthenticated) {
			return err
		}
		// Spread, so that not all come back to a restarted hub at once.
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		pause = min(pause*2, maxPause)
	}
}

// poll is Events by GET /v1/events/poll. It ends soon after until, if that is
// not zero.
func (c *Client) poll(ctx context.Context, until time.Time, handle func(api.Event)) error {
	cursor := ""
	for until.IsZero() || time.Now().Before(until) {
		resp, err := c.do(ctx, http.MethodGet, "/v1/events/poll?"+url.Values{"cursor": {cursor}}.Encode(), nil, func(http.Header) {})
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
		var page api.EventPage
		err = json.NewDecoder(resp.Body).Decode(&page)
		drain(resp)
		if err != nil {
			return fmt.Errorf("hubclient: read events: %w", err)
		}
		for _, e := range page.Events {
			handle(e)
			if e.Type == api.EventEnded {
				return ended()
			}
		}
		cursor = page.Cursor
	}
	return errPolled
}

// errPolled says that it is time to try the push connection again.
var errPolled = errors.New("hubclient: polled for a while")

func ended() error {
	return &api.Problem{Status: http.StatusUnauthorized, Code: api.CodeUnauthenticated, Title: "The session is over"}
}

// A socket is an open push connection and the sends that wait for an answer.
type socket struct {
	conn *websocket.Conn

	mu    sync.Mutex // guards all below
	next  uint64
	calls map[uint64]chan api.Reply // nil once closed
}

func (c *Client) openSocket() *socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socket
}

func (c *Client) closeSocket(s *socket) {
	c.mu.Lock()
	if c.socket == s {
		c.socket = nil
	}
	c.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ch := range s.calls {
		close(ch)
	}
	s.calls = nil
}

func (s *socket) write(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("hubclient: encode message: %w", err)
	}
	return s.writeBytes(ctx, websocket.MessageText, b)
}

func (s *socket) writeBytes(ctx context.Context, as websocket.MessageType, b []byte) error {
	if err := s.conn.Write(ctx, as, b); err != nil {
		return errors.Join(errSocketClosed, err)
	}
	return nil
}

// send sends a frame and waits for its reply.
func (s *socket) send(ctx context.Context, id string, frame api.SendFrame) (*api.Sent, error) {
	ch := make(chan api.Reply, 1)
	s.mu.Lock()
	if s.calls == nil {
		s.mu.Unlock()
		return nil, errSocketClosed
	}
	s.next++
	call := s.next
	s.calls[call] = ch
	s.mu.Unlock()
	defer s.forget(call)
	b, err := api.ClientMessage{Type: "send", Call: call, ConversationID: id, Frame: &frame}.Binary()
	if err != nil {
		return nil, fmt.Errorf("hubclient: encode frame: %w", err)
	}
	if err := s.writeBytes(ctx, websocket.MessageBinary, b); err != nil {
		return nil, err
	}
	select {
	case reply, ok := <-ch:
		switch {
		case !ok:
			return nil, errSocketClosed
		case reply.Problem != nil:
			return nil, reply.Problem
		case reply.Sent == nil:
			return nil, errors.New("hubclient: a reply with nothing in it")
		}
		return reply.Sent, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *socket) forget(call uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, call)
}

// A message is an event or a reply, which share no field but the type.
type message struct {
	api.Event
	Call    uint64       `json:"call"`
	Sent    *api.Sent    `json:"sent"`
	Problem *api.Problem `json:"problem"`
}

func (s *socket) readAll(ctx context.Context, handle func(api.Event)) error {
	for {
		as, b, err := s.conn.Read(ctx)
		if err != nil {
			return s.readError(ctx, err)
		}
		if as == websocket.MessageBinary {
			e, err := parseFrameEvent(b)
			if err != nil {
				return fmt.Errorf("hubclient: read frame: %w", err)
			}
			handle(e)
			continue
		}
		var m message
		if err := json.Unmarshal(b, &m); err != nil {
			return fmt.Errorf("hubclient: read message: %w", err)
		}
		switch m.Type {
		case "reply":
			s.answer(api.Reply{Type: m.Type, Call: m.Call, Sent: m.Sent, Problem: m.Problem})
		case "pong":
		case api.EventEnded:
			handle(m.Event)
			return ended()
		default:
			handle(m.Event)
		}
	}
}

func parseFrameEvent(b []byte) (e api.Event, err error) {
	head, payload, err := api.SplitBinary(b)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(head, &e); err != nil {
		return e, err
	}
	if e.Frame == nil {
		return e, errors.New("a binary message without a frame")
	}
	e.Frame.Payload = payload
	return e, nil
}

func (s *socket) answer(r api.Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.calls[r.Call]; ch != nil {
		ch <- r // has room for the one reply
		delete(s.calls, r.Call)
	}
}

// readError says why the connection ended.
func (s *socket) readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var closed websocket.CloseError
	if errors.As(err, &closed) && closed.Code == websocket.StatusPolicyViolation {
		switch code := api.Code(closed.Reason); code {
		case api.CodeUnauthenticated, "ended":
			return ended()
		default:
			return &api.Problem{Status: http.StatusForbidden, Code: code}
		}
	}
	return errors.Join(errSocketClosed, err)
}
