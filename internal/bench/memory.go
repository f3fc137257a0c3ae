package bench

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/sotto-health/sotto/internal/device"
)

// A memory keeps a device's state in memory, so that what is measured of the
// clients is their own work and not a disk's.
type memory struct {
	mu     sync.Mutex // guards values
	values map[string][]byte
}

var _ device.Store = (*memory)(nil)

func newMemory() *memory { return &memory{values: make(map[string][]byte)} }

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.values[key]), nil
}

func (m *memory) Apply(_ context.Context, puts map[string][]byte, deletes []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, value := range puts {
		m.values[key] = value // the engine makes each anew
	}
	for _, key := range deletes {
		delete(m.values, key)
	}
	return nil
}

func (m *memory) Keys(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for key := range m.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}
