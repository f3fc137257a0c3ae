package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// BenchmarkAppend measures durable appends of 1 KB frames by many senders at
// once, each to a conversation of its own, as in a busy hub.
func BenchmarkAppend(b *testing.B, store hub.Store) {
	for _, senders := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			here := &clinic{store: store, id: newID("p")}
			ctx := b.Context()
			must(b, store.SavePractice(ctx, hub.Practice{ID: here.id, Slug: newID("slug")}))
			patient := here.newDevice(newID("p"), api.KindPatient)
			keeper := here.newDevice(newID("p"), api.KindService)
			must(b, store.AddDevice(ctx, patient, nil))
			must(b, store.AddDevice(ctx, keeper, nil))
			conversations := make([]hub.Conversation, senders)
			for i := range conversations {
				n := here.newConversation(patient, keeper)
				must(b, store.CreateConversation(ctx, n))
				conversations[i] = n.Conversation
			}
			payload := string(bytes.Repeat([]byte("x"), 1024))
			took := make([]time.Duration, b.N)
			var left atomic.Int64
			left.Store(int64(b.N))
			before := processorTime()
			b.ResetTimer()
			var wait sync.WaitGroup
			for i := range senders {
				wait.Go(func() {
					for n := left.Add(-1); n >= 0; n = left.Add(-1) {
						begun := time.Now()
						if _, err := store.AppendFrame(ctx, send(conversations[i], patient, 1, payload)); err != nil {
							b.Error(err)
							return
						}
						took[n] = time.Since(begun)
					}
				})
			}
			wait.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/frame")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// processorTime is what this process has used: unlike the time of day it says
// the same on a busy machine.
func processorTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
