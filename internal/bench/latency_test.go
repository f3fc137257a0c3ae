package bench

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	var l Latencies
	for i := 100; i >= 1; i-- {
		l.Add(time.Duration(i))
	}
	if got, want := l.Quantiles(0.5, 0.95, 0.99, 1), []time.Duration{50, 95, 99, 100}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := new(Latencies).Quantiles(0.5); got[0] != 0 {
		t.Errorf("of nothing: got %v", got[0])
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	u, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.resident < 1<<20 {
		t.Errorf("resident %d bytes: less than any Go program", u.resident)
	}
}
