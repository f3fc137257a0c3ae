package hub

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

const (
	// leastQuiet is how long a source that was told to wait leaves no other event
	// of that at least: a flood is one line, not many.
	leastQuiet    = time.Minute
	mostThrottled = 10_000
)

// throttled remembers who was told to wait, so that the log says it once for
// each source and waiting period.
type throttled struct {
	mu    sync.Mutex // guards until
	until map[string]int64
}

// first reports whether a source is told to wait for the first time in this
// period. When too many are, all others count as one.
func (t *throttled) first(source string, now time.Time, wait time.Duration) bool {
	at := now.UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	if at < t.until[source] {
		return false
	}
	if len(t.until) >= mostThrottled {
		if maps.DeleteFunc(t.until, func(_ string, until int64) bool { return at >= until }); len(t.until) >= mostThrottled {
			if source = ""; at < t.until[source] {
				return false
			}
		}
	}
	if t.until == nil {
		t.until = make(map[string]int64)
	}
	t.until[source] = now.Add(max(wait, leastQuiet)).UnixMilli()
	return true
}

// forget has the next refusal of a source be its first: this one could not be
// recorded.
func (t *throttled) forget(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.until, source)
}

// noteThrottled records that somebody who would sign in has to wait, and returns
// the refusal, or why it cannot be given.
func (h *Hub) noteThrottled(ctx context.Context, from Source, slug, person string, refusal error) error {
	var rate *RateError
	source := "sign-in " + slug + " " + network(from.Address)
	if !errors.As(refusal, &rate) || !h.throttled.first(source, h.now(), rate.RetryAfter) {
		return refusal
	}
	if err := h.recordNotSignedIn(ctx, slug, person, "", "rate"); err != nil {
		h.throttled.forget(source)
		return err
	}
	return refusal
}

// refusedHere records that a person may not sign in this way, or set it up.
func (h *Hub) refusedHere(ctx context.Context, who Actor, person, method string, refusal error) error {
	if err := h.store.Record(ctx, h.refusalHere(ctx, who, person, method)); err != nil {
		return at("record a refusal", err)
	}
	return refusal
}

func (h *Hub) refusalHere(ctx context.Context, who Actor, person, method string) audit.Event {
	return h.event(ctx, who, audit.SignInRefused, person).With("method=" + method).AsRefused("sso-only")
}

// refusedProgram is the answer to a directory's or a monitor's token that is none
// or none any more. Whose it was meant to be nobody can tell, so it is in the log
// of each practice that has one of that purpose: once a minute and network, and
// ten in a minute from however many networks. One past those is in it when they
// try again and there is room.
func (h *Hub) refusedProgram(ctx context.Context, purpose string) error {
	most := Rate{PerSecond: 10.0 / 60, Burst: 10}
	source := purpose + " " + network(audit.RequestOf(ctx).Address)
	if !h.throttled.first(source, h.now(), 0) {
		return ErrUnauthenticated
	}
	if h.rates.allow("refused", purpose, most) != nil {
		h.throttled.forget(source)
		return ErrUnauthenticated
	}
	ctx = context.WithoutCancel(ctx)
	all, err := h.store.Practices(ctx)
	for i := range all {
		tokens, terr := h.store.DirectoryTokens(ctx, all[i].ID)
		if err = errors.Join(err, terr); slices.ContainsFunc(tokens, func(t DirectoryToken) bool { return t.Purpose == purpose }) {
			e := h.event(ctx, nobody(all[i].ID), audit.SignInRefused, "").With("method=" + purpose).AsRefused("token")
			err = errors.Join(err, h.store.Record(ctx, e))
		}
	}
	if err != nil {
		h.throttled.forget(source)
		return at("record a refused token", err)
	}
	return ErrUnauthenticated
}
