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
	// spacing is the least time from the start of one run to that of the next,
	// so that what comes in between is done together. A kick with hurry set
	// does not wait for it.
	spacing time.Duration

	mu      sync.Mutex // guards all below; never held while the job runs
	running bool
	again   bool
	wake    chan struct{}
	began   time.Time // the last run; the loop's own
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
	if hurry {
		r.wake <- struct{}{}
	}
	go r.loop(e, job)
}

// space waits until the next run may begin.
func (r *runner) space(e *Engine) {
	if r.spacing > 0 {
		if wait := time.Until(r.began.Add(r.spacing)); wait > 0 {
			r.pause(e, wait)
		}
		r.began = time.Now()
	}
}

// pause waits for a while, or until somebody is in a hurry, which it reports.
func (r *runner) pause(e *Engine, wait time.Duration) (hurried bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
		return true
	case <-e.ctx.Done():
	}
	return false
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
		r.mu.Unlock()
		r.space(e)
		if e.ctx.Err() != nil {
			continue
		}
		r.mu.Lock()
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
		if r.pause(e, pause) {
			pause = e.cfg.Retry
		}
	}
}
