//go:build js && wasm

package main

import (
	"context"
	"strconv"
	"sync"
	"syscall/js"

	"github.com/sotto-health/sotto/api"
)

// A hub calls the hub through the browser's fetch: a device.Hub. Its methods
// are documented there.
type hub struct{ host js.Value }

// call sends in, which may be nil, and decodes the answer into out, unless
// that is nil.
func (h hub) call(ctx context.Context, method, path string, in, out any) error {
	body := js.Null()
	if in != nil {
		body = encode(in)
	}
	value, err := settleOrStop(ctx, h.host.Call("call", method, path, body))
	if err != nil || out == nil {
		return err
	}
	return decode(value, out)
}

func get[T any](ctx context.Context, h hub, path string) (*T, error) {
	out := new(T)
	return out, h.call(ctx, "GET", path, nil, out)
}

func post[T any](ctx context.Context, h hub, path string, in any) (*T, error) {
	out := new(T)
	return out, h.call(ctx, "POST", path, in, out)
}

func (h hub) Practice(ctx context.Context, slug string) (*api.Practice, error) {
	return get[api.Practice](ctx, h, "/v1/practices/"+segment(slug))
}

func (h hub) Challenge(ctx context.Context) (*api.Challenge, error) {
	return post[api.Challenge](ctx, h, "/v1/challenges", nil)
}

func (h hub) NewGuest(ctx context.Context, guest api.NewGuest) (*api.Device, error) {
	return post[api.Device](ctx, h, "/v1/guests", guest)
}

func (h hub) ReturnPatient(ctx context.Context, back api.ReturnPatient) (*api.Device, error) {
	return post[api.Device](ctx, h, "/v1/patients/return", back)
}

func (h hub) NewStaffDevice(ctx context.Context, device api.NewStaffDevice) (*api.Device, error) {
	return post[api.Device](ctx, h, "/v1/staff/devices", device)
}

func (h hub) OpenSession(ctx context.Context, proof api.OpenDeviceSession) (*api.DeviceSession, error) {
	session, err := post[api.DeviceSession](ctx, h, "/v1/device-sessions", proof)
	if err != nil {
		return nil, err
	}
	h.host.Call("setToken", session.Token)
	return session, nil
}

func (h hub) Self(ctx context.Context) (*api.Device, error) {
	return get[api.Device](ctx, h, "/v1/devices/self")
}

func (h hub) PublishKeyPackages(ctx context.Context, packages api.PublishKeyPackages) error {
	return h.call(ctx, "POST", "/v1/key-packages", packages, nil)
}

func (h hub) CountKeyPackages(ctx context.Context) (*api.KeyPackageCount, error) {
	return get[api.KeyPackageCount](ctx, h, "/v1/key-packages")
}

func (h hub) ClaimKeyPackages(ctx context.Context, claim api.ClaimKeyPackages) ([]api.ClaimedKeyPackage, error) {
	claimed, err := post[[]api.ClaimedKeyPackage](ctx, h, "/v1/key-packages/claim", claim)
	if err != nil {
		return nil, err
	}
	return *claimed, nil
}

func conversationPath(id string) string { return "/v1/conversations/" + segment(id) }

func (h hub) CreateConversation(ctx context.Context, id string, create api.CreateConversation) (*api.Conversation, error) {
	out := new(api.Conversation)
	return out, h.call(ctx, "PUT", conversationPath(id), create, out)
}

func (h hub) Conversation(ctx context.Context, id string) (*api.Conversation, error) {
	return get[api.Conversation](ctx, h, conversationPath(id))
}

func (h hub) Conversations(ctx context.Context, box, cursor string) (*api.ConversationPage, error) {
	return get[api.ConversationPage](ctx, h, "/v1/conversations?box="+segment(box)+"&cursor="+segment(cursor))
}

func (h hub) Act(ctx context.Context, id, act, reason string) (*api.ActResult, error) {
	var entry any
	if reason != "" {
		entry = api.Entry{Reason: reason}
	}
	return post[api.ActResult](ctx, h, conversationPath(id)+"/"+segment(act), entry)
}

func (h hub) Rate(ctx context.Context, id string, score int) error {
	return h.call(ctx, "POST", conversationPath(id)+"/rating", api.Rating{Score: score}, nil)
}

func (h hub) GiveConsent(ctx context.Context, give api.GiveConsent) (*api.ConsentGiven, error) {
	return post[api.ConsentGiven](ctx, h, "/v1/consents", give)
}

func (h hub) Agreements(ctx context.Context) (*api.Agreements, error) {
	return get[api.Agreements](ctx, h, "/v1/consents")
}

func (h hub) Sightings(ctx context.Context, cursor string) (*api.Sightings, error) {
	return get[api.Sightings](ctx, h, "/v1/audit/sightings?cursor="+segment(cursor))
}

func (h hub) WithdrawConsent(ctx context.Context, id string) (*api.Agreement, error) {
	return post[api.Agreement](ctx, h, "/v1/consents/"+segment(id)+"/withdraw", nil)
}

func (h hub) Frames(ctx context.Context, id string, after uint64, limit int) (*api.FramePage, error) {
	query := "?after=" + strconv.FormatUint(after, 10) + "&limit=" + strconv.Itoa(limit)
	return get[api.FramePage](ctx, h, conversationPath(id)+"/frames"+query)
}

func (h hub) Send(ctx context.Context, id string, frame api.SendFrame) (*api.Sent, error) {
	return post[api.Sent](ctx, h, conversationPath(id)+"/frames", frame)
}

func (h hub) Ack(ctx context.Context, id string, position uint64) error {
	return h.call(ctx, "POST", conversationPath(id)+"/ack", api.Ack{Position: position}, nil)
}

func (h hub) Typing(ctx context.Context, id string, typing bool) error {
	return h.call(ctx, "POST", conversationPath(id)+"/typing", api.Typing{Typing: typing}, nil)
}

func (h hub) Welcomes(ctx context.Context) ([]api.Welcome, error) {
	page, err := get[api.WelcomePage](ctx, h, "/v1/welcomes")
	if err != nil {
		return nil, err
	}
	return page.Welcomes, nil
}

func (h hub) DeleteWelcome(ctx context.Context, id string) error {
	return h.call(ctx, "DELETE", "/v1/welcomes/"+segment(id), nil, nil)
}

func (h hub) GroupInfo(ctx context.Context, id string) (*api.GroupInfo, error) {
	return get[api.GroupInfo](ctx, h, conversationPath(id)+"/group-info")
}

func attachmentPath(id string) string { return "/v1/attachments/" + segment(id) }

func (h hub) NewAttachment(ctx context.Context, conversation string, attachment api.NewAttachment) (*api.Attachment, error) {
	return post[api.Attachment](ctx, h, conversationPath(conversation)+"/attachments", attachment)
}

func (h hub) Upload(ctx context.Context, id string, offset int64, data []byte) (int64, error) {
	value, err := settleOrStop(ctx, h.host.Call("upload", attachmentPath(id), offset, toArray(data)))
	if err != nil {
		return 0, err
	}
	return int64(value.Float()), nil
}

func (h hub) Download(ctx context.Context, id string, offset int64, length int) ([]byte, error) {
	value, err := settleOrStop(ctx, h.host.Call("download", attachmentPath(id), offset, length))
	if err != nil {
		return nil, err
	}
	return fromArray(value)
}

func (h hub) DropAttachment(ctx context.Context, id string) error {
	return h.call(ctx, "DELETE", attachmentPath(id), nil, nil)
}

func (h hub) Events(ctx context.Context, handle func(api.Event)) error {
	queue := newEventQueue()
	onEvent := js.FuncOf(func(_ js.Value, args []js.Value) any {
		var event api.Event
		if decode(args[0], &event) == nil {
			queue.push(event)
		}
		return nil
	})
	defer onEvent.Release()
	handled := make(chan struct{})
	go func() {
		defer close(handled)
		for event, ok := queue.pop(); ok; event, ok = queue.pop() {
			if ctx.Err() == nil {
				handle(event)
			}
		}
	}()
	end, err := settleOrStop(ctx, h.host.Call("follow", onEvent))
	queue.close()
	<-handled
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case end.String() != "closed":
		return errUnreachable
	default:
		return nil
	}
}

// An eventQueue lets a callback, which may not block, hand events to a
// goroutine, which may.
type eventQueue struct {
	mu     sync.Mutex // guards what follows
	filled sync.Cond
	events []api.Event
	closed bool
}

func newEventQueue() *eventQueue {
	q := new(eventQueue)
	q.filled.L = &q.mu
	return q
}

func (q *eventQueue) push(event api.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, event)
	q.filled.Signal()
}

func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}

// pop waits for the next event. It returns false after the last.
func (q *eventQueue) pop() (api.Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.events) == 0 && !q.closed {
		q.filled.Wait()
	}
	if len(q.events) == 0 {
		return api.Event{}, false
	}
	event := q.events[0]
	q.events = q.events[1:]
	return event, true
}

// segment escapes s for a path or a query: ids come from outside.
func segment(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '~':
			out = append(out, c)
		case c == '.' && s != "." && s != "..":
			out = append(out, c)
		default:
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}
