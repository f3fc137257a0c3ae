package hub

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

const (
	challengeLife   = 5 * time.Minute
	challengeSecret = "challenges"
)

// challenges makes nonces that need no memory until they are spent: a nonce
// is its expiry, random bytes and a MAC over both by a key that all hubs of a
// store share. Which ones were spent is in the store too, so that a nonce got
// at one hub is good at another, and once.
type challenges struct {
	shared Shared
	now    func() time.Time

	mu  sync.Mutex // guards key
	key []byte     // nil until it was asked for
}

// NewChallenge returns a nonce for a device proof.
func (h *Hub) NewChallenge(ctx context.Context) (api.Challenge, error) {
	c, err := h.challenges.issue(ctx)
	if err != nil {
		return api.Challenge{}, at("load the key of challenges", err)
	}
	return c, nil
}

func (c *challenges) issue(ctx context.Context) (api.Challenge, error) {
	key, err := c.secret(ctx)
	if err != nil {
		return api.Challenge{}, err
	}
	expires := c.now().Add(challengeLife).UnixMilli()
	b := binary.BigEndian.AppendUint64(nil, uint64(expires))
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	b = append(b, random[:]...)
	b = append(b, challengeMAC(key, b)...)
	return api.Challenge{Nonce: base64.RawURLEncoding.EncodeToString(b), ExpiresAt: expires}, nil
}

func (c *challenges) secret(ctx context.Context) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key == nil {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh) // never fails (crypto/rand)
		key, err := c.shared.Secret(ctx, challengeSecret, fresh)
		if err != nil {
			return nil, err
		}
		c.key = key
	}
	return c.key, nil
}

func challengeMAC(key, b []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(nil)
}

// spend reports whether nonce is ours, fresh and unused, and marks it used.
// Call it only when the proof's signature has been found good, so that
// nobody can spend what another was given.
func (c *challenges) spend(ctx context.Context, nonce string) (bool, error) {
	key, err := c.secret(ctx)
	if err != nil {
		return false, err
	}
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 8+16+sha256.Size || !hmac.Equal(b[24:], challengeMAC(key, b[:24])) {
		return false, nil
	}
	expires := int64(binary.BigEndian.Uint64(b))
	if c.now().UnixMilli() >= expires {
		return false, nil
	}
	if err := c.shared.SpendNonce(ctx, b[8:24], expires); errors.Is(err, ErrExists) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, nil
}
