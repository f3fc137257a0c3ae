package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// SocketLimits bounds the push connections. Zero fields get defaults.
type SocketLimits struct {
	Hello          time.Duration // until the first message must have come: 5 s
	Write          time.Duration // for one message to leave: 10 s
	Ping           time.Duration // between signs of life: 30 s
	HalfOpen       int           // connections without a hello: 4096
	HalfOpenByAddr int           // of one address: 256
	Open           int           // connections in all: 50,000
}

const helloBytes = 1 << 10

// sockets counts the push connections.
type sockets struct {
	limits SocketLimits
	said   map[string]func(*socket, context.Context, *api.ClientMessage)
	spare  sync.Pool // of *bytes.Buffer, for what is written together

	mu       sync.Mutex // guards all below
	open     int
	halfOpen int
	byAddr   map[string]int // half-open
	gone     chan struct{}  // closed once open is 0; made by allGone
}

func newSockets(l SocketLimits) *sockets {
	for _, d := range []struct {
		at *time.Duration
		to time.Duration
	}{{&l.Hello, 5 * time.Second}, {&l.Write, 10 * time.Second}, {&l.Ping, 30 * time.Second}} {
		if *d.at == 0 {
			*d.at = d.to
		}
	}
	for _, n := range []struct {
		at *int
		to int
	}{{&l.HalfOpen, 4096}, {&l.HalfOpenByAddr, 256}, {&l.Open, 50_000}} {
		if *n.at == 0 {
			*n.at = n.to
		}
	}
	return &sockets{limits: l, said: said(), byAddr: make(map[string]int), spare: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

// enter admits a connection that has yet to say hello.
func (k *sockets) enter(address string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone != nil || k.open >= k.limits.Open || k.halfOpen >= k.limits.HalfOpen || k.byAddr[address] >= k.limits.HalfOpenByAddr {
		return false
	}
	k.open++
	k.halfOpen++
	k.byAddr[address]++
	return true
}

// greeted counts a connection as no longer half-open.
func (k *sockets) greeted(address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.halfOpen--
	if k.byAddr[address]--; k.byAddr[address] == 0 {
		delete(k.byAddr, address)
	}
}

func (k *sockets) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open--; k.open == 0 && k.gone != nil {
		close(k.gone)
	}
}

// allGone admits nobody from now on, and is closed once all have left.
func (k *sockets) allGone() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone == nil {
		k.gone = make(chan struct{})
		if k.open == 0 {
			close(k.gone)
		}
	}
	return k.gone
}

// serveSocket opens a push connection: hello, then events one way and messages
// the other. It returns once the connection is open, so that net/http can let
// go of the request and of a deep stack: most connections are idle.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	call := callOf(r.Context())
	if !s.sockets.enter(call.address) {
		s.refuse(w, r, hub.ErrUnavailable)
		return
	}
	defer s.sockets.greeted(call.address)
	// The origin was checked already, as for every call.
	taken := &hijacker{ResponseWriter: w, spare: &s.sockets.spare}
	conn, err := websocket.Accept(taken, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		s.sockets.leave() // Accept has answered
		return
	}
	call.request = &http.Request{Pattern: r.Pattern} // the rest of r is let go
	ctx := audit.WithRequest(context.Background(), audit.Request{ID: call.id, Address: call.address})
	ctx, cancel := context.WithCancel(context.WithValue(ctx, callKey{}, call))
	k := &socket{server: s, conn: conn, out: taken.out, cancel: cancel, replies: make(chan *api.Reply, 1), sends: make(chan struct{}, mostOnTheWay)}
	if err := k.greet(ctx); err != nil {
		s.turnAway(ctx, conn, err)
		k.close()
		return
	}
	go k.run(ctx)
}

// greet waits for the hello, opens the line, and says what is ready.
func (k *socket) greet(ctx context.Context) error {
	hello, caller, err := k.server.hello(ctx, k.conn)
	if err != nil {
		return err
	}
	k.compact = hello.Compact
	line, ready, err := k.server.hub.Connect(ctx, caller, k.compact)
	if err != nil {
		return err
	}
	k.line = line
	return k.write(ctx, ready)
}

// run serves an open connection until either side ends it.
func (k *socket) run(ctx context.Context) {
	defer k.close()
	defer k.survive(ctx)
	stop := k.keepAlive(ctx)
	defer stop()
	written := make(chan struct{})
	go func() {
		defer close(written)
		k.writeAll(ctx)
	}()
	k.readAll(ctx)
	k.cancel()
	<-written
}

// survive is deferred: a panic ends the connection and not the server.
func (k *socket) survive(ctx context.Context) {
	if recover() != nil { // its value may hold anything
		k.server.log.ErrorContext(ctx, "panic", slog.String("request", callOf(ctx).id), slog.String("route", "GET /v1/events"))
		k.cancel()
	}
}

// close lets go of all that the connection holds.
func (k *socket) close() {
	k.cancel()
	_ = k.conn.CloseNow()
	if k.line != nil {
		k.server.hub.Disconnect(k.line)
	}
	k.server.sockets.leave()
}

// hello waits for the first message and checks its token.
func (s *Server) hello(ctx context.Context, conn *websocket.Conn) (h api.Hello, caller *hub.Caller, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.sockets.limits.Hello)
	defer cancel()
	conn.SetReadLimit(helloBytes)
	_, b, err := conn.Read(ctx)
	if err != nil {
		return h, nil, err
	}
	if decode(b, &h) != nil || h.Type != "hello" {
		return h, nil, &hub.MalformedError{Field: "type"}
	}
	if len(h.Token) > api.MaxSessionToken {
		return h, nil, &hub.MalformedError{Field: "token"}
	}
	callOf(ctx).auth = "Bearer " + h.Token
	caller, err = s.authenticate(ctx)
	callOf(ctx).auth = "" // checked; no need to keep it
	conn.SetReadLimit(frameBody)
	return h, caller, err
}

// turnAway says why a connection does not open, where the client can read it.
func (s *Server) turnAway(ctx context.Context, conn *websocket.Conn, err error) {
	p := problemOf(ctx, err)
	s.noteRefusal(ctx, p, err)
	status := websocket.StatusPolicyViolation
	if p.Status >= 500 {
		status = websocket.StatusTryAgainLater
	}
	_ = conn.Close(status, string(p.Code))
}

func decode(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// A socket is one open push connection.
type socket struct {
	server  *Server
	conn    *websocket.Conn
	out     *outlet // what conn writes to
	line    *hub.Connection
	compact bool // the client wants frames as binary messages
	cancel  context.CancelFunc
	replies chan *api.Reply
	sends   chan struct{} // as long as something waits for the disk
}

func (k *socket) write(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return k.writeBytes(ctx, websocket.MessageText, b)
}

func (k *socket) writeBytes(ctx context.Context, as websocket.MessageType, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, k.server.sockets.limits.Write)
	defer cancel()
	return k.conn.Write(ctx, as, b)
}

func (k *socket) writeEvent(ctx context.Context, o *hub.Outgoing) error {
	if shown, err := k.server.hub.Opens(ctx, k.line, o); err != nil || !shown {
		return err // the line ends; who comes back is not shown it either until it can be recorded
	}
	if k.compact && o.Event.Frame != nil {
		return k.writeBytes(ctx, websocket.MessageBinary, o.Binary())
	}
	return k.writeBytes(ctx, websocket.MessageText, o.JSON())
}

// writeAll writes until the connection ends, from either side.
func (k *socket) writeAll(ctx context.Context) {
	defer k.cancel()
	for {
		var err error
		select {
		case o := <-k.line.Events():
			err = k.writeWaiting(ctx, o, nil)
		case reply := <-k.replies:
			err = k.writeWaiting(ctx, nil, reply)
		case <-k.line.Done():
			k.finish(ctx)
			return
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// writeWaiting writes an event or a reply, and in one go with it those that wait
// behind: one commit to disk brings many.
func (k *socket) writeWaiting(ctx context.Context, o *hub.Outgoing, reply *api.Reply) (err error) {
	runtime.Gosched() // lets the others that the commit woke come first
	k.out.hold()
	for written := 1; ; written++ {
		if o != nil {
			err = k.writeEvent(ctx, o)
		} else {
			err = k.write(ctx, reply)
		}
		if err != nil || written == mostAtOnce {
			break
		}
		if o, reply = k.next(); o == nil && reply == nil {
			break
		}
	}
	return errors.Join(err, k.out.release(k.server.sockets.limits.Write))
}

// next returns an event or a reply that waits, if there is one.
func (k *socket) next() (*hub.Outgoing, *api.Reply) {
	select {
	case o := <-k.line.Events():
		return o, nil
	case reply := <-k.replies:
		return nil, reply
	default:
		return nil, nil
	}
}

// mostAtOnce is how many events and replies are written in one go.
const mostAtOnce = 32

// finish writes what is left for a connection that the hub lets go, unless it
// was let go for being slow, and says why it ends.
func (k *socket) finish(ctx context.Context) {
	reason := k.line.Reason()
	for reason != hub.ReasonSlow {
		select {
		case o := <-k.line.Events():
			if k.writeEvent(ctx, o) != nil {
				return
			}
			continue
		default:
		}
		break
	}
	status := websocket.StatusTryAgainLater
	switch reason {
	case hub.ReasonStopping:
		status = websocket.StatusServiceRestart
	case hub.ReasonEnded, hub.ReasonReplaced:
		status = websocket.StatusPolicyViolation
	}
	_ = k.conn.Close(status, string(reason))
}

// keepAlive pings from time to time, which also finds dead peers, and ends the
// connection when its session is over.
func (k *socket) keepAlive(ctx context.Context) (stop func()) {
	every := k.server.sockets.limits.Ping
	var timer *time.Timer
	var mu sync.Mutex // guards timer against stop
	beat := func() {
		k.server.hub.EndIfExpired(k.line)
		alive, cancel := context.WithTimeout(ctx, every)
		defer cancel()
		if k.conn.Ping(alive) != nil {
			k.cancel()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			timer.Reset(every)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(every, beat)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
	}
}

// mostOnTheWay is how many frames and acknowledgements of one connection may
// wait for the disk. It is not read further until the first of them is stored.
const mostOnTheWay = 64

// beside runs what waits for the disk. Meanwhile the connection is read on, so
// that what follows shares its commit.
func (k *socket) beside(ctx context.Context, wait func()) {
	k.sends <- struct{}{}
	go func() {
		defer func() { <-k.sends }()
		defer k.survive(ctx)
		wait()
	}()
}

// readAll carries out what the client says, one message after the other: what
// it sends stays in its order.
func (k *socket) readAll(ctx context.Context) {
	for {
		as, b, err := k.conn.Read(ctx)
		if err != nil {
			return
		}
		var m api.ClientMessage
		if parseMessage(as, b, &m) != nil {
			k.reply(ctx, 0, nil, &hub.MalformedError{Field: "message"})
			continue
		}
		k.carryOut(ctx, &m)
	}
}

// parseMessage reads what the client says. The payload of a frame in a binary
// message stands behind the rest.
func parseMessage(as websocket.MessageType, b []byte, m *api.ClientMessage) error {
	if as != websocket.MessageBinary {
		return decode(b, m)
	}
	head, payload, err := api.SplitBinary(b)
	if err != nil {
		return err
	}
	if err := decode(head, m); err != nil {
		return err
	}
	if m.Frame == nil || len(m.Frame.Payload) > 0 {
		return &hub.MalformedError{Field: "frame"}
	}
	m.Frame.Payload = payload
	return nil
}

// said are the types of what a client says, and what is done about each.
func said() map[string]func(*socket, context.Context, *api.ClientMessage) {
	return map[string]func(*socket, context.Context, *api.ClientMessage){
		"send": (*socket).send, "ack": (*socket).ack, "typing": (*socket).typing, "ping": (*socket).ping,
	}
}

// ClientMessages lists the types of [api.ClientMessage] that a push connection
// takes, sorted.
func (s *Server) ClientMessages() []string { return slices.Sorted(maps.Keys(s.sockets.said)) }

// withinBounds holds a message to its description. Its frame is looked at with
// those that come by a call.
func withinBounds(m *api.ClientMessage) error {
	switch {
	case m.Call > api.MaxNumber:
		return &hub.MalformedError{Field: "call"}
	case len(m.ConversationID) > api.MaxID:
		return &hub.MalformedError{Field: "conversation_id"}
	case m.Position > api.MaxNumber:
		return &hub.MalformedError{Field: "position"}
	}
	return nil
}

func (k *socket) carryOut(ctx context.Context, m *api.ClientMessage) {
	do, known := k.server.sockets.said[m.Type]
	sends := m.Type == "send" && m.Frame != nil // which have a limit of their own
	var err error
	if !sends {
		err = k.server.hub.AllowCall(k.line.Caller)
	}
	if err == nil {
		err = withinBounds(m)
	}
	switch {
	case err != nil:
		k.answer(ctx, m.Call, err)
	case !known, m.Type == "send" && !sends:
		k.answer(ctx, m.Call, &hub.MalformedError{Field: "type"})
	default:
		do(k, ctx, m)
	}
}

func (k *socket) send(ctx context.Context, m *api.ClientMessage) {
	stored := k.server.hub.QueueSend(ctx, k.line.Caller, m.ConversationID, *m.Frame)
	k.beside(ctx, func() {
		sent, err := stored()
		k.reply(ctx, m.Call, &sent, err)
	})
}

func (k *socket) ack(ctx context.Context, m *api.ClientMessage) {
	k.beside(ctx, func() {
		// A client may say it as the last thing, and go.
		k.answer(ctx, m.Call, k.server.hub.Ack(context.WithoutCancel(ctx), k.line.Caller, m.ConversationID, m.Position))
	})
}

func (k *socket) typing(ctx context.Context, m *api.ClientMessage) {
	k.answer(ctx, m.Call, k.server.hub.Typing(ctx, k.line.Caller, m.ConversationID, m.Typing))
}

func (k *socket) ping(ctx context.Context, m *api.ClientMessage) {
	k.say(ctx, api.Reply{Type: "pong", Call: m.Call})
}

// answer replies to who asked for a reply, and says to everybody what failed.
func (k *socket) answer(ctx context.Context, call uint64, err error) {
	if err != nil || call != 0 {
		k.reply(ctx, call, nil, err)
	}
}

func (k *socket) reply(ctx context.Context, call uint64, sent *api.Sent, err error) {
	r := api.Reply{Type: "reply", Call: call, Sent: sent}
	if err != nil {
		p := problemOf(ctx, err)
		k.server.noteRefusal(ctx, p, err)
		k.server.metrics.socketRefusals.WithLabelValues(string(p.Code)).Inc()
		r.Sent, r.Problem = nil, &p.Problem
	}
	k.say(ctx, r)
}

// say hands a reply to the writer, waiting for room: a client that does not
// read its replies is not read either.
func (k *socket) say(ctx context.Context, r api.Reply) {
	select {
	case k.replies <- &r:
	case <-ctx.Done():
	}
}
