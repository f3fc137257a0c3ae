package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file says who did what, for the log (45 CFR 164.312(b)). An act carries
// its event in the store's own transaction:
//
//	h.store.Recording(h.event(ctx, c, audit.CertificateIssued, d.ID)).PutCertificate(...)
//
// and what only reads records it before it answers:
//
//	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil { ... }

// An Actor is somebody who does something: a [*Caller], a [*StaffCaller], or
// one of those below.
type Actor interface{ actor() audit.Actor }

func (c *Caller) actor() audit.Actor {
	return audit.Actor{Practice: c.Device.Practice, Role: roleOfKind(c.Device.Kind), Person: c.Device.Person, Device: c.Device.ID}
}

func (s *StaffCaller) actor() audit.Actor {
	return audit.Actor{Practice: s.Person.Practice, Role: audit.Staff, Person: s.Person.ID, Device: s.session.Device}
}

// A party is an actor as it is.
type party audit.Actor

func (p party) actor() audit.Actor { return audit.Actor(p) }

// operator is who runs the installation, at its command line. Their account is
// in the context ([audit.WithCommand]).
func operator(practice string) Actor { return party{Practice: practice, Role: audit.Operator} }

// itself is the hub, when it acts by itself.
func itself(practice string) Actor { return party{Practice: practice, Role: audit.System} }

// nobody is who has not shown who they are.
func nobody(practice string) Actor { return party{Practice: practice, Role: audit.Nobody} }

// themself is a person who has just shown who they are.
func (p *Person) themself() Actor {
	return party{Practice: p.Practice, Role: roleOfKind(p.Kind), Person: p.ID}
}

func roleOfKind(kind string) audit.Role {
	switch kind {
	case api.KindPatient:
		return audit.Patient
	case api.KindService:
		return audit.Service
	}
	return audit.Staff
}

// event is that of an act which is done.
func (h *Hub) event(ctx context.Context, who Actor, k audit.Kind, object string) audit.Event {
	return audit.New(ctx, h.millis(), who.actor(), k, object)
}

// opened remembers what each session has opened, so that the log says once a
// session that a conversation was read, and not with each page and each file's
// every part.
type opened struct {
	mu   sync.Mutex // guards seen
	seen map[opening]int64
}

// An opening is what of a session's was recorded. It ends with the session.
type opening struct {
	session [32]byte
	kind    audit.Kind
	what    string
}

// mostOpenings bounds what is remembered; beyond, more is recorded than need be.
const mostOpenings = 100_000

func newOpened() *opened { return &opened{seen: make(map[opening]int64)} }

func (o *opened) has(what opening) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.seen[what]
	return ok
}

func (o *opened) add(what opening, until int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) >= mostOpenings {
		clear(o.seen)
	}
	o.seen[what] = until
}

func (o *opened) sweep(now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.seen, func(_ opening, until int64) bool { return now >= until })
}

// recordOnce records what a session does for the first time. If it cannot, the
// caller gets nothing.
func (h *Hub) recordOnce(ctx context.Context, c *Caller, e audit.Event) error {
	what := c.opens(e)
	if h.opened.has(what) {
		return nil
	}
	if err := h.store.Record(ctx, e); err != nil {
		return at("record a read", err)
	}
	h.opened.add(what, c.ExpiresAt)
	return nil
}

func (c *Caller) opens(e audit.Event) opening {
	return opening{session: c.token, kind: e.Kind, what: e.Conversation + " " + e.Object}
}

// recordOpening is recordOnce of what is in a conversation.
func (h *Hub) recordOpening(ctx context.Context, c *Caller, e audit.Event, conversation string) error {
	if h.opened.has(c.opens(e.In(conversation, ""))) {
		return nil
	}
	patient, err := h.patientOf(ctx, c.Device.Practice, conversation)
	if err != nil {
		return err
	}
	return h.recordOnce(ctx, c, e.In(conversation, patient))
}

// patientOf returns whose conversation it is.
func (h *Hub) patientOf(ctx context.Context, practice, conversation string) (string, error) {
	v, err := h.store.Conversation(ctx, practice, conversation)
	return v.Patient, err
}

// recordList records that a box was listed: its first page once a session, each
// further page, for who leafs through all there is should be seen to.
func (h *Hub) recordList(ctx context.Context, c *Caller, box, cursor string) error {
	e := h.event(ctx, c, audit.ConversationsListed, box)
	if cursor == "" {
		return h.recordOnce(ctx, c, e)
	}
	if c.Keeper() { // it looks at every conversation all the time
		return nil
	}
	if err := h.store.Record(ctx, e.With("page=further")); err != nil {
		return at("record a read", err)
	}
	return nil
}

// errHidden is [ErrNotFound] for what is there, and not for the caller.
var errHidden = fmt.Errorf("not for the caller: %w", ErrNotFound)

// refusedNetwork records that a person came from where they may not work.
func (h *Hub) refusedNetwork(ctx context.Context, who Actor) error {
	if err := h.store.Record(ctx, h.networkRefusal(ctx, who)); err != nil {
		return at("record a refusal", err)
	}
	return ErrNetwork
}

func (h *Hub) networkRefusal(ctx context.Context, who Actor) audit.Event {
	return h.event(ctx, who, audit.SignInRefused, who.actor().Person).AsRefused("network")
}

// NoteRefusal records that a caller was refused by policy, or that a session's
// cookie came from another browser. The operation is the API's name of the call,
// the object the id that it was about. Of who is told to wait, and of a cookie
// elsewhere, there is one line a minute.
func (h *Hub) NoteRefusal(ctx context.Context, who Actor, operation, object string, refusal error) {
	var rules []string
	var reason string
	var forbidden *ForbiddenError
	var rate *RateError
	switch {
	case errors.As(refusal, &rate):
		a := who.actor()
		if !h.throttled.first("call "+a.Practice+" "+a.Person+" "+a.Device, h.now(), rate.RetryAfter) {
			return
		}
		reason = "rate"
	case errors.Is(refusal, errOtherBrowser), errors.Is(refusal, errBrowserProof):
		if reason = "other-browser"; errors.Is(refusal, errBrowserProof) {
			reason = "browser-proof"
		}
		if s, ok := who.(*StaffCaller); !ok || !h.throttled.first(reason+" "+s.session.ID, h.now(), 0) {
			return
		}
	case errors.As(refusal, &forbidden):
		reason, rules = "forbidden", forbidden.Rules
	case errors.Is(refusal, ErrForbidden):
		reason = "forbidden"
	case errors.Is(refusal, errHidden):
		reason = "not-theirs-to-know"
	case errors.Is(refusal, ErrNotAMember):
		reason = "not-a-member"
	case errors.Is(refusal, ErrNetwork):
		reason = "network"
	case errors.Is(refusal, ErrConsentWithdrawn):
		reason, rules = "consent-withdrawn", []string{policy.NoConsent}
	case errors.Is(refusal, ErrConsentDue):
		reason, rules = "consent-due", []string{policy.AgreeFirst}
	case errors.Is(refusal, ErrSayWhy):
		reason, rules = "no-reason", []string{policy.SayWhy}
	case errors.Is(refusal, ErrConsentMissing):
		reason = "consent-missing"
	default:
		return
	}
	e := h.event(ctx, who, audit.CallRefused, "").With("call="+operation).AsRefused(reason, rules...)
	ctx = context.WithoutCancel(ctx)
	record := func() {
		if patient, err := h.patientOf(ctx, e.Practice, object); err == nil {
			e = e.In(object, patient)
		} else if len(object) == idLength {
			e.Object = object
		}
		if err := h.store.Record(ctx, e); err != nil {
			h.log.ErrorContext(ctx, "refusal not recorded", slog.String("call", operation))
		}
	}
	if errors.Is(refusal, errHidden) {
		h.background.Go(record) // or the time it takes would tell that there is something
	} else {
		record()
	}
}
