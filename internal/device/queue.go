package device

import "sync"

// An eventQueue hands events to the listener from a goroutine of its own, in
// order, so that whoever makes one never waits.
type eventQueue struct {
	mu       sync.Mutex // guards all below
	ready    *sync.Cond
	listener Listener
	waiting  []Event
	ended    bool
	done     chan struct{}
}

func newEventQueue(listener Listener) *eventQueue {
	q := &eventQueue{listener: listener, done: make(chan struct{})}
	q.ready = sync.NewCond(&q.mu)
	go q.run()
	return q
}

func (q *eventQueue) setListener(listener Listener) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.listener = listener
}

func (q *eventQueue) add(events ...Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.listener == nil || q.ended {
		return
	}
	q.waiting = append(q.waiting, events...)
	q.ready.Signal()
}

func (q *eventQueue) run() {
	defer close(q.done)
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.waiting) == 0 {
			if q.ended {
				return
			}
			q.ready.Wait()
		}
		batch, listener := q.waiting, q.listener
		q.waiting = nil
		q.mu.Unlock()
		for _, event := range batch {
			if listener != nil {
				listener(event)
			}
		}
		q.mu.Lock()
	}
}

// close returns once what was waiting has been handed over. It must not be
// called by a listener.
func (q *eventQueue) close() {
	q.mu.Lock()
	q.ended = true
	q.ready.Signal()
	q.mu.Unlock()
	<-q.done
}
