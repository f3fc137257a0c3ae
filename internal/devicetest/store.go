// Package devicetest is what tests of devices run against: a store and a hub in
// memory. The hub keeps the order of frames and one commit an epoch, and tells
// lies when a test asks it to; it checks nothing else, for a device must not
// rely on that.
package devicetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
)

// ErrBroken is what a [Store] returns when it was told to fail.
var ErrBroken = errors.New("devicetest: the disk is broken")

// A Store keeps everything in memory, as if it were a disk: an engine that is
// started anew on it finds what the former one applied.
type Store struct {
	mu      sync.Mutex // guards all below
	kept    map[string][]byte
	applied int
	failAt  int
	broken  bool
	hidden  string // see FailToRead
	refused int
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{kept: map[string][]byte{}} }

// FailAt makes the n-th Apply from now, and all after it, fail before it has
// written anything; 0 mends the disk.
func (s *Store) FailAt(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failAt, s.broken = n, false
	if n > 0 {
		s.failAt += s.applied
	}
}

// FailToRead makes Get fail of the keys with this prefix; "" mends it.
func (s *Store) FailToRead(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden, s.refused = prefix, 0
}

// Refused returns how often Get has failed since FailToRead.
func (s *Store) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Broken reports whether the store has failed.
func (s *Store) Broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Applied returns how many changes were applied.
func (s *Store) Applied() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}

// Copy returns a store with the same content, as a stolen or restored disk.
func (s *Store) Copy() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{kept: maps.Clone(s.kept)}
}

// Get implements device.Store.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hidden != "" && strings.HasPrefix(key, s.hidden) {
		s.refused++
		return nil, ErrBroken
	}
	return bytes.Clone(s.kept[key]), nil
}

// Apply implements device.Store.
func (s *Store) Apply(_ context.Context, puts map[string][]byte, deletes []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken || (s.failAt > 0 && s.applied+1 >= s.failAt) {
		s.broken = true
		return ErrBroken
	}
	s.applied++
	for key, value := range puts {
		s.kept[key] = append([]byte{}, value...)
	}
	for _, key := range deletes {
		delete(s.kept, key)
	}
	return nil
}

// Keys implements device.Store.
func (s *Store) Keys(_ context.Context, prefix string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.kept {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Put changes one value behind the engine's back.
func (s *Store) Put(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = value
}
