package sqlitefile

import "testing"

// TestLogIsMovedSeldom: between the first move and the writer's own there are
// few, so that a page written again and again is moved once or a few times.
func TestLogIsMovedSeldom(t *testing.T) {
	c := &checkpointer{wake: make(chan struct{}, 1), next: checkpointAt}
	grow := func() (moves, last int) {
		for pages := 0; pages < checkpointNow; pages += 10 {
			if err := c.committed(nil, "main", pages); err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.wake:
				moves, last = moves+1, pages
			default:
			}
		}
		return moves, last
	}
	for range 2 { // the log begins anew
		if moves, last := grow(); moves < 2 || moves > 8 || checkpointNow-last > checkpointNow/10 {
			t.Errorf("%d moves, the last at %d pages of %d", moves, last, checkpointNow)
		}
	}
}
