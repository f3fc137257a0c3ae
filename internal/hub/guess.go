package hub

import (
	"net/netip"
	"sync"
	"time"
)

// Guessing at a login gets slower with each wrong guess, by source: a browser
// that its owner has signed in from, or a network. Whoever guesses is slowed
// down, not the person who is guessed at (T28).
const (
	freeGuesses = 5
	firstWait   = time.Second
	longestWait = 15 * time.Minute
	guessMemory = 24 * time.Hour // after which a source starts afresh
	maxGuesses  = 50_000         // sources that are remembered
	// maxCodes is how many wrong codes of an app, each after the right password,
	// strangers have, and known browsers. With the ten of each that may be under
	// way at once (Limits.AppCodes) that is 100 (NIST SP 800-63B-4, 3.2.2).
	maxCodes = 40
)

// guesses remembers who guessed wrong.
type guesses struct {
	now func() time.Time

	mu       sync.Mutex // guards bySource
	bySource map[guessKey]*guessed
}

type guessKey struct{ login, source string }

type guessed struct {
	wrong int
	last  time.Time
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, bySource: make(map[guessKey]*guessed)}
}

// wait is how long after the n-th wrong guess the next is looked at.
func guessWait(n int) time.Duration {
	if n < freeGuesses {
		return 0
	}
	return min(firstWait<<min(n-freeGuesses, 20), longestWait)
}

// allow returns a [*RateError] if the source must wait.
func (g *guesses) allow(login, source string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.bySource[guessKey{login, source}]
	if e == nil {
		return nil
	}
	if left := e.last.Add(guessWait(e.wrong)).Sub(g.now()); left > 0 {
		return &RateError{RetryAfter: left}
	}
	return nil
}

func (g *guesses) wrong(login, source string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := guessKey{login, source}
	e := g.bySource[k]
	if e == nil {
		if len(g.bySource) >= maxGuesses {
			g.forget(0)
		}
		e = new(guessed)
		g.bySource[k] = e
	}
	e.wrong++
	e.last = g.now()
}

func (g *guesses) right(login, source string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.bySource, guessKey{login, source})
}

func (g *guesses) sweep() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(guessMemory)
}

// forget drops what is older than age. If that is 0 it makes room: those who
// have guessed least go first, for they would wait least.
func (g *guesses) forget(age time.Duration) {
	for limit := 1; ; limit *= 2 {
		for k, e := range g.bySource {
			if age > 0 && g.now().Sub(e.last) >= age || age == 0 && e.wrong <= limit {
				delete(g.bySource, k)
			}
		}
		if age > 0 || len(g.bySource) < maxGuesses {
			return
		}
	}
}

// network is the part of an address that one subscriber has: all of IPv4, the
// first half of IPv6.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
