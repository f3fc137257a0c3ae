package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// This file is how staff make a thing once though they ask twice, as when the
// answer to the first was lost: they name what they ask for by a key
// (draft-ietf-httpapi-idempotency-key-header-07). What is made and the key that
// it was made under are one transaction.

// RequestKeysKept is how long a key stands for what was made under it.
const RequestKeysKept = 24 * time.Hour

const (
	mostRequestKey = 64 // visible characters of US-ASCII
	// answersWithin is how long after what was made its answer is noted at the
	// latest, unless the hub stopped between.
	answersWithin = time.Minute
	// notKept is noted in place of an answer that holds a secret.
	notKept = "-"
)

// Refusals of a call that has a key.
var (
	// ErrKeyReused says that the key stands for something else.
	ErrKeyReused = errors.New("hub: the key was used with another body")
	// ErrKeyInUse says that a call with the key is under way.
	ErrKeyInUse = errors.New("hub: a call with this key is under way")
)

// A MadeError says that what was asked for was made by an earlier call, whose
// answer is not here to be given again.
type MadeError struct{ Object string }

func (e *MadeError) Error() string { return "hub: made already: " + e.Object }

// A RequestKey is what stands for a call that makes something.
type RequestKey struct {
	ID      [32]byte // SHA-256 of the practice, person, route and key
	Request [32]byte // HMAC-SHA-256 of what was asked for, under the practice's key
	Object  string   // what was made
	At      int64
	Answer  string // JSON; "" while it is not noted, "-" if it is not kept
}

// RequestKeys keeps them for [RequestKeysKept].
type RequestKeys interface {
	// Once returns a view of the store, as Recording does, whose write also keeps
	// k, first. If one of that ID is there since after before, the write does
	// nothing and gives [ErrKeyInUse].
	Once(k RequestKey, before int64) Store
	// RequestKey returns one that is kept since after before.
	RequestKey(ctx context.Context, id [32]byte, before int64) (RequestKey, error)
	// NoteAnswer sets the Answer of one.
	NoteAnswer(ctx context.Context, id [32]byte, answer string) error
}

// A Request is a call of a staff person's under a key.
type Request struct {
	key  RequestKey
	used bool
}

type requestContext struct{}

// Request begins a call under a key: what the hub makes with the context that it
// returns is made once. If it was made already, it returns the answer of then,
// or why there is none: [ErrKeyReused], [ErrKeyInUse] or a [*MadeError].
func (h *Hub) Request(ctx context.Context, s *StaffCaller, route, key string, asked []byte) (_ context.Context, r *Request, answer string, err error) {
	if key == "" || len(key) > mostRequestKey {
		return ctx, nil, "", malformed("Idempotency-Key")
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return ctx, nil, "", malformed("Idempotency-Key")
		}
	}
	r = &Request{key: RequestKey{
		ID:      sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", s.Person.Practice, s.Person.ID, route, key)),
		Request: [32]byte(h.patients.index(s.Person.Practice, "request", string(asked))), // or a contact in it could be guessed from the hash
		At:      h.millis(),
	}}
	kept, err := h.store.RequestKey(ctx, r.key.ID, r.before())
	switch {
	case errors.Is(err, ErrNotFound):
		return context.WithValue(ctx, requestContext{}, r), r, "", nil
	case err != nil:
		return ctx, nil, "", at("load a request's key", err)
	case kept.Request != r.key.Request:
		return ctx, nil, "", ErrKeyReused
	case kept.Answer == "" && r.key.At-kept.At < answersWithin.Milliseconds():
		return ctx, nil, "", ErrKeyInUse
	case kept.Answer == "" || kept.Answer == notKept:
		return ctx, nil, "", &MadeError{kept.Object}
	}
	return ctx, nil, kept.Answer, nil
}

func (r *Request) before() int64 { return r.key.At - RequestKeysKept.Milliseconds() }

// Answered notes the answer to a call, or that it is not kept if it is "". If it
// cannot, another call under the key hears that the thing was made.
func (h *Hub) Answered(ctx context.Context, r *Request, answer string) {
	if answer == "" {
		answer = notKept
	}
	if err := h.store.NoteAnswer(context.WithoutCancel(ctx), r.key.ID, answer); err != nil {
		h.log.WarnContext(ctx, "answer not noted", slog.Any("error", err))
	}
}

// making is [Audit.Recording] for what a call is there to make: the first thing
// that it makes under its key, if it has one.
func (h *Hub) making(ctx context.Context, made audit.Event) Store {
	return h.once(ctx, made.Object).Recording(made)
}

// once is where a call stores what it is there to make.
func (h *Hub) once(ctx context.Context, object string) Store {
	r, _ := ctx.Value(requestContext{}).(*Request)
	if r == nil || r.used {
		return h.store
	}
	r.used, r.key.Object = true, object
	return h.store.Once(r.key, r.before())
}
