package password

import (
	"context"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// A Cost sets what one check of a password costs. The zero value is OWASP's
// first choice for argon2id (46 MiB, one pass), and for PBKDF2-HMAC-SHA256,
// which takes its place in FIPS 140-3 mode, 600,000 rounds.
type Cost struct {
	MemoryKiB uint32 // 47104
	Passes    uint32 // 1
	Rounds    int    // of PBKDF2: 600,000
	AtOnce    int    // checks that run at the same time: 4
	// FIPS chooses PBKDF2; it is set where the program runs in FIPS mode.
	FIPS bool
}

// Bytes of what is stored with a hash.
const (
	SaltBytes = 16
	hashBytes = 32
)

// A Hasher hashes and checks, a few at a time so that a flood of sign-ins
// cannot take all memory. It may be used from many goroutines.
type Hasher struct {
	cost  Cost
	slots chan struct{}
	done  atomic.Uint64
}

// Done is how many hashes were computed since the start. One sign-in takes as
// many whoever it is for, and whether or not there is such a person (T27).
func (h *Hasher) Done() uint64 { return h.done.Load() }

// NewHasher returns a Hasher that hashes at the given cost, and checks hashes
// of any other.
func NewHasher(c Cost) *Hasher {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 47104
	}
	if c.Passes == 0 {
		c.Passes = 1
	}
	if c.Rounds == 0 {
		c.Rounds = 600_000
	}
	if c.AtOnce == 0 {
		c.AtOnce = 4
	}
	c.FIPS = c.FIPS || fips140.Enabled()
	return &Hasher{cost: c, slots: make(chan struct{}, c.AtOnce)}
}

func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Hash returns the encoded hash of a new password: $argon2id$v=19$m=,t=,p=1$
// or $pbkdf2-sha256$i=$, then salt and hash.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	s := h.now()
	s.salt = NewSalt()
	if s.key, err = h.derive(s, password); err != nil {
		return "", err
	}
	return s.encode(), nil
}

// Check reports whether password is the one that encoded was made of, and
// whether it should be hashed anew because the cost has changed. For an
// encoded that is empty or broken it does the same work and says no, so that
// time tells nobody whether a login exists.
func (h *Hasher) Check(ctx context.Context, encoded, password string) (good, stale bool, err error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	s, ok := parse(encoded)
	if !ok {
		s = h.now()
		s.salt, s.key = make([]byte, SaltBytes), make([]byte, hashBytes)
	}
	key, err := h.derive(s, password)
	if err != nil {
		return false, false, err
	}
	good = subtle.ConstantTimeCompare(key, s.key) == 1 && ok
	return good, good && !s.sameCost(h.now()), nil
}

// Key derives 32 bytes from a code under a salt, at the cost of a password.
func (h *Hasher) Key(ctx context.Context, code string, salt []byte) ([]byte, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	s := h.now()
	s.salt = salt
	return h.derive(s, code)
}

// NewSalt returns random bytes.
func NewSalt() []byte {
	b := make([]byte, SaltBytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// stored is an encoded hash, read.
type stored struct {
	fips           bool
	memory, passes uint32 // argon2id
	rounds         int    // PBKDF2
	salt, key      []byte
}

// now is what a new hash costs.
func (h *Hasher) now() stored {
	return stored{fips: h.cost.FIPS, memory: h.cost.MemoryKiB, passes: h.cost.Passes, rounds: h.cost.Rounds}
}

func (h *Hasher) derive(s stored, password string) ([]byte, error) {
	h.done.Add(1)
	return s.derive(password)
}

func (s stored) derive(password string) ([]byte, error) {
	if s.fips {
		return pbkdf2.Key(sha256.New, password, s.salt, s.rounds, hashBytes)
	}
	return argon2.IDKey([]byte(password), s.salt, s.passes, s.memory, 1, hashBytes), nil
}

func (s stored) sameCost(o stored) bool {
	if s.fips || o.fips {
		return s.fips == o.fips && s.rounds == o.rounds
	}
	return s.memory == o.memory && s.passes == o.passes
}

func (s stored) encode() string {
	b64 := base64.RawStdEncoding.EncodeToString
	if s.fips {
		return fmt.Sprintf("$pbkdf2-sha256$i=%d$%s$%s", s.rounds, b64(s.salt), b64(s.key))
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, s.memory, s.passes, b64(s.salt), b64(s.key))
}

// parse reads what encode wrote, and nothing that is written otherwise: its
// parameters decide how much work a check is.
func parse(encoded string) (s stored, ok bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) < 2 {
		return s, false
	}
	var err error
	switch {
	case parts[1] == "argon2id" && len(parts) == 6:
		_, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &s.memory, &s.passes)
	case parts[1] == "pbkdf2-sha256" && len(parts) == 5:
		s.fips = true
		_, err = fmt.Sscanf(parts[2], "i=%d", &s.rounds)
	default:
		return s, false
	}
	if err != nil {
		return s, false
	}
	if s.salt, err = base64.RawStdEncoding.DecodeString(parts[len(parts)-2]); err != nil {
		return s, false
	}
	if s.key, err = base64.RawStdEncoding.DecodeString(parts[len(parts)-1]); err != nil {
		return s, false
	}
	bounded := s.memory <= 1<<20 && s.passes <= 64 && s.rounds <= 1<<24 && (s.fips && s.rounds > 0 || !s.fips && s.passes > 0)
	return s, len(s.key) == hashBytes && bounded && s.encode() == encoded
}
