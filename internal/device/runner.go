package device

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A runner does a job in the background whenever it is kicked: never twice at
// once, and once more if it was kicked meanwhile. It holds no goroutine while
// there is nothing to do. The zero runner is ready for use.
type runner struct {
	mu      sync.Mutex // guards all below; never held while the job runs
	running bool
	again   bool
	wake    chan struct{}
}

// kick makes job run. If it returns an error it runs again after a pause, which
// doubles up to a limit, or at the next kick that hurry is set for.
func (r *runner) kick(e *Engine, job func(context.Context) error, hurry bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = true
	if r.running {
		if hurry && r.wake != nil {
			select {
			case r.wake <- struct{}{}:
			default:
			}
		}
		return
	}
	if !e.begin() {
		return
	}
	r.running = true
	r.wake = make(chan struct{}, 1)
	go r.loop(e, job)
}

func (r *runner) loop(e *Engine, job func(context.Context) error) {
	defer e.background.Done()
	pause := time.Duration(0)
	for {
		r.mu.Lock()
		if e.ctx.Err() != nil || (!r.again && pause == 0) {
			r.running = false
			r.mu.Unlock()
			return
		}
		r.again = false
		r.mu.Unlock()
		err := job(e.ctx)
		if err == nil || e.ctx.Err() != nil {
			pause = 0
			continue
		}
		e.cfg.Log("in the background", err)
		if errors.Is(err, errUntrusted) {
			e.distrust()
		}
		pause = min(max(2*pause, e.cfg.Retry), e.cfg.RetryMost)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-r.wake:
			pause = e.cfg.Retry
		case <-e.ctx.Done():
		}
		timer.Stop()
	}
}
