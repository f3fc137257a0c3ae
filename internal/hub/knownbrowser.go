package hub

import (
	"context"
	"errors"
	"strings"
	"time"
)

// This file keeps which people a browser is known to: who has signed in from it
// is spared the limits for strangers there. A browser on a desk that several
// share is known to each of them.

const (
	// knownBrowserLife is how long a browser is spared the limits for strangers.
	knownBrowserLife = 365 * 24 * time.Hour
	// mostKnown is how many people a browser is known to; the one who became so
	// first makes room.
	mostKnown = 8
	// mostKnownBytes bounds the cookie: tokens of 43 characters, dots between.
	mostKnownBytes = 512
)

// knownTokens are the values in a cookie of a known browser, the newest first:
// one for each person. A cookie that is too long has none.
func knownTokens(cookie string) []string {
	if cookie == "" || len(cookie) > mostKnownBytes {
		return nil
	}
	all := strings.SplitN(cookie, ".", mostKnown+1)
	return all[:min(len(all), mostKnown)]
}

// withKnown is the cookie with one more.
func withKnown(cookie, value string) string {
	all := append([]string{value}, knownTokens(cookie)...)
	return strings.Join(all[:min(len(all), mostKnown)], ".")
}

// knows reports whether p has signed in from the browser with this cookie.
func (h *Hub) knows(ctx context.Context, p Person, cookie string) (bool, error) {
	found := false
	for _, token := range knownTokens(cookie) {
		b, err := h.store.KnownBrowser(ctx, hashToken(token), h.millis())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, at("load known browser", err)
		}
		// All are looked at, whoever is asked about (T27).
		found = found || err == nil && p.ID != "" && b.Person == p.ID && b.Practice == p.Practice
	}
	return found, nil
}

// knowsAnybody reports whether somebody has signed in from the browser, and names
// the browser by it.
func (h *Hub) knowsAnybody(ctx context.Context, cookie string) (string, bool, error) {
	for _, token := range knownTokens(cookie) {
		hash := hashToken(token)
		_, err := h.store.KnownBrowser(ctx, hash, h.millis())
		if err == nil {
			return string(hash[:]), true, nil
		} else if !errors.Is(err, ErrNotFound) {
			return "", false, at("load known browser", err)
		}
	}
	return "", false, nil
}

// AllowKnown lets a browser through where too many calls without a session came
// from its network: one that staff have signed in from has calls of its own, and
// so has one in which they are (T28). Of another it returns the refusal.
func (h *Hub) AllowKnown(ctx context.Context, known, session string, refusal error) error {
	browser, ok, err := h.knowsAnybody(ctx, known)
	if err != nil {
		return err
	}
	if !ok && session != "" && len(session) <= 128 {
		s, err := h.store.StaffSession(ctx, hashToken(session), h.millis())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return at("load staff session", err)
		}
		browser, ok = s.ID, err == nil
	}
	if !ok {
		return refusal
	}
	return h.rates.allow("anonymous-known", browser, h.limits.Anonymous)
}
