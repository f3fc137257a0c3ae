package hub

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

const (
	challengeLife = 5 * time.Minute
	// maxSpent bounds the memory for spent nonces. Past it, proofs wait until
	// some have expired: at 5 minutes each that is 600 sign-ins a second.
	maxSpent = 200_000
)

// challenges makes nonces that need no memory until they are spent: a nonce
// is its expiry, random bytes and a MAC over both by a key of this process.
// After a restart outstanding ones are refused, and clients ask anew.
type challenges struct {
	key [32]byte
	now func() time.Time

	mu    sync.Mutex // guards spent
	spent map[[16]byte]int64
}

func newChallenges(now func() time.Time) (*challenges, error) {
	c := &challenges{now: now, spent: make(map[[16]byte]int64)}
	_, err := rand.Read(c.key[:])
	return c, err
}

// NewChallenge returns a nonce for a device proof.
func (h *Hub) NewChallenge() api.Challenge { return h.challenges.issue() }

func (c *challenges) issue() api.Challenge {
	expires := c.now().Add(challengeLife).UnixMilli()
	b := binary.BigEndian.AppendUint64(nil, uint64(expires))
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	b = append(b, random[:]...)
	b = append(b, c.mac(b)...)
	return api.Challenge{Nonce: base64.RawURLEncoding.EncodeToString(b), ExpiresAt: expires}
}

func (c *challenges) mac(b []byte) []byte {
	m := hmac.New(sha256.New, c.key[:])
	m.Write(b)
	return m.Sum(nil)
}

// spend reports whether nonce is ours, fresh and unused, and marks it used.
// Call it only when the proof's signature has been found good, so that
// nobody can spend what another was given.
func (c *challenges) spend(nonce string) bool {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 8+16+sha256.Size || !hmac.Equal(b[24:], c.mac(b[:24])) {
		return false
	}
	expires := int64(binary.BigEndian.Uint64(b))
	if c.now().UnixMilli() >= expires {
		return false
	}
	random := [16]byte(b[8:24])
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, used := c.spent[random]; used || len(c.spent) >= maxSpent {
		return false
	}
	c.spent[random] = expires
	return true
}

// sweep forgets spent nonces that have expired.
func (c *challenges) sweep() {
	now := c.now().UnixMilli()
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, expires := range c.spent {
		if expires <= now {
			delete(c.spent, n)
		}
	}
}
