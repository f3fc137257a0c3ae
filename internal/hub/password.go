package hub

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// A PasswordCost sets what one check of a password costs. The zero value is
// OWASP's first choice for argon2id of 2024: 46 MiB, one pass.
type PasswordCost struct {
	MemoryKiB uint32 // 47104
	Passes    uint32 // 1
	AtOnce    int    // checks that run at the same time: 4
}

// Lengths of what is stored with a hash, bytes.
const (
	passwordSalt = 16
	passwordHash = 32
)

// passwords hashes and checks with argon2id (RFC 9106), a few at a time so
// that a flood of sign-ins cannot take all memory.
type passwords struct {
	cost  PasswordCost
	slots chan struct{}
}

func newPasswords(c PasswordCost) *passwords {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 47104
	}
	if c.Passes == 0 {
		c.Passes = 1
	}
	if c.AtOnce == 0 {
		c.AtOnce = 4
	}
	return &passwords{cost: c, slots: make(chan struct{}, c.AtOnce)}
}

func (p *passwords) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// hash returns the encoded hash of a new password, in the usual form
// $argon2id$v=19$m=...,t=...,p=1$salt$hash.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	var salt [passwordSalt]byte
	_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
	key := argon2.IDKey([]byte(password), salt[:], p.cost.Passes, p.cost.MemoryKiB, 1, passwordHash)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s",
		argon2.Version, p.cost.MemoryKiB, p.cost.Passes, b64(salt[:]), b64(key)), nil
}

// check reports whether password is the one that encoded was made of. For an
// encoded that is empty or broken it does the same work and says no, so that
// time tells nobody whether a login exists.
func (p *passwords) check(ctx context.Context, encoded, password string) (bool, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	h, ok := parsePassword(encoded)
	if !ok {
		h = storedPassword{memory: p.cost.MemoryKiB, passes: p.cost.Passes, salt: make([]byte, passwordSalt), key: make([]byte, passwordHash)}
	}
	key := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, 1, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1 && ok, nil
}

type storedPassword struct {
	memory, passes uint32
	salt, key      []byte
}

func parsePassword(encoded string) (storedPassword, bool) {
	var s storedPassword
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return s, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &s.memory, &s.passes); err != nil || n != 2 {
		return s, false
	}
	var err error
	if s.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return s, false
	}
	if s.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return s, false
	}
	return s, len(s.key) == passwordHash && s.passes > 0 && s.memory <= 1<<22
}
