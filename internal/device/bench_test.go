package device_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/devicetest"
)

// BenchmarkMessage is one text from a patient's engine to a nurse's and the
// keeper's, through a hub and stores in memory: what the engines themselves
// cost. All three are counted.
func BenchmarkMessage(b *testing.B) {
	var t testing.T
	w := devicetest.NewWorld(&t)
	sam := w.Patient("sam")
	id := sam.Open("Sam")
	maria := w.Staff("maria")
	w.Eventually("maria takes it", func() bool { return maria.Act(b.Context(), id, "take") == nil })
	w.Eventually("maria is in", func() bool { return maria.Joined(id) })
	n := 0
	last := ""
	for b.Loop() {
		n++
		last = fmt.Sprint("message ", n)
		if _, err := sam.SendText(b.Context(), id, last); err != nil {
			b.Fatal(err)
		}
		if n%500 == 0 { // no more than so many wait
			for maria.View(id).Last != last {
				time.Sleep(time.Millisecond)
			}
		}
	}
	for maria.View(id).Last != last {
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	sam.Close()
	maria.Close()
	w.Keeper.Close()
}
