package record

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/internal/keeper"
)

// BenchmarkAppend archives one message at a time, durably.
func BenchmarkAppend(b *testing.B) {
	a := openTest(b, b.TempDir())
	r := text(b, 1, "a message of usual length, such as people type on a phone")
	var conversations atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		conversation := fmt.Sprint("c_", conversations.Add(1))
		next := r
		for pb.Next() {
			next.Position++
			if err := a.Append(b.Context(), conversation, []keeper.Record{next}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
