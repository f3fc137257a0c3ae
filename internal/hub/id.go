package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"sync"
)

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// idLength is how long an id is: a two-letter prefix and 128 bits in base32.
const idLength = 2 + 26

// NewID makes an id of 128 random bits: prefix, "_", and 26 letters of
// lower-case base32. The prefix tells people what it is of, programs nothing.
func NewID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return prefix + "_" + idEncoding.EncodeToString(b[:])
}

// validID reports whether id has the form of [NewID].
func validID(prefix, id string) bool {
	if len(id) != idLength || id[:1] != prefix || id[1] != '_' {
		return false
	}
	_, err := idEncoding.DecodeString(id[2:])
	return err == nil
}

// newToken makes a bearer secret of 256 random bits and the hash to store.
func newToken() (token string, hash [32]byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, hashToken(token)
}

// hashToken is what a store knows of a token: its SHA-256. Tokens hold 256
// random bits, so the hash needs no salt.
func hashToken(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// keyedLocks hands out one lock per key, and forgets those not held.
type keyedLocks struct {
	mu    sync.Mutex // guards locks; held for map work only
	locks map[string]*keyedLock
}

type keyedLock struct {
	mu      sync.Mutex
	holders int // holding or waiting; guarded by keyedLocks.mu
}

// lock waits for key's lock and returns what releases it.
func (k *keyedLocks) lock(key string) (release func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[string]*keyedLock)
	}
	l := k.locks[key]
	if l == nil {
		l = new(keyedLock)
		k.locks[key] = l
	}
	l.holders++
	k.mu.Unlock()

	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.holders--; l.holders == 0 {
			delete(k.locks, key)
		}
	}
}
