package bench

import (
	"slices"
	"sync"
	"time"
)

// Latencies collects how long things took. The zero value is ready for use,
// from many goroutines.
type Latencies struct {
	mu  sync.Mutex // guards all
	all []time.Duration
}

// Add records one.
func (l *Latencies) Add(d time.Duration) {
	l.mu.Lock()
	l.all = append(l.all, d)
	l.mu.Unlock()
}

// Count returns how many were recorded.
func (l *Latencies) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// Quantiles returns, for each q in 0 to 1, the smallest latency that at least
// that share of all stays within; zeros if there are none.
func (l *Latencies) Quantiles(qs ...float64) []time.Duration {
	l.mu.Lock()
	sorted := slices.Clone(l.all)
	l.mu.Unlock()
	slices.Sort(sorted)
	out := make([]time.Duration, len(qs))
	if len(sorted) == 0 {
		return out
	}
	for i, q := range qs {
		at := int(q*float64(len(sorted)) + 0.999999)
		out[i] = sorted[min(max(at, 1), len(sorted))-1]
	}
	return out
}
