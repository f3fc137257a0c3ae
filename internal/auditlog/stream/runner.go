package stream

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
)

const (
	// lease is for how long a hub is the one that sends. It is renewed when half
	// of it is over, and longer than a Send and a Settle may take.
	lease = 90 * time.Second
	// another is how soon a hub looks again at a stream that another sends.
	another = 10 * time.Second
	// lookEvery is how often a log is asked for new entries.
	lookEvery = time.Second
	// settleEvery is how long entries may be under way before it is made sure
	// that they have arrived.
	settleEvery = 10 * time.Second
	// batch is how many entries are in memory at once.
	batch = 512

	shortestPause = time.Second
	longestPause  = time.Minute
	// lastingPause is after how long it is tried again where somebody has to see
	// to it first. OTLP says of such answers that a call must not be repeated; but
	// an audit log leaves nothing out, and its receiver may be mended.
	lastingPause = 5 * time.Minute
	// failuresTold is how many failures in a row make a problem: a receiver may
	// be started anew without any.
	failuresTold = 3

	// lastWords is how long the end of a stream may take.
	lastWords = 5 * time.Second
)

// A Config says how to run a stream.
type Config struct {
	Setting Setting
	// Holder is an id of this hub, different from every other's.
	Holder string
	// Version is the program's; Host the machine's name. Either may be empty.
	Version, Host string
	Say           *slog.Logger

	now   func() time.Time                           // nil means time.Now
	pause func(ctx context.Context, d time.Duration) // nil means to wait
}

// A runner sends one stream of all practices.
type runner struct {
	log      Log
	config   Config
	receiver receiver

	places map[string]*place // by practice
	first  time.Time         // when the first entry that is under way was sent; zero if none is
	sent   int               // how many are under way
	// failed is how often in a row it failed, failures how often ever.
	failed   int
	failures uint64
	blamed   string // the practice whose entries it failed with last
}

// A place is how far the stream of one practice has come here.
type place struct {
	stream auditlog.Stream
	next   int64 // the first entry to send
	size   int64 // of the log
	mine   bool
	until  time.Time // when to take it again
}

// Run sends a stream until ctx ends.
func Run(ctx context.Context, log Log, c Config) {
	if c.now == nil {
		c.now = time.Now
	}
	if c.pause == nil {
		c.pause = pause
	}
	r := &runner{log: log, config: c, receiver: c.Setting.receiver(c.Version, c.Host, c.now), places: make(map[string]*place)}
	for ctx.Err() == nil {
		wait, err := r.turn(ctx)
		if err != nil && ctx.Err() == nil {
			wait = r.fail(ctx, err)
		}
		r.note()
		if wait > 0 && ctx.Err() == nil {
			c.pause(ctx, wait)
		}
	}
	r.end(context.WithoutCancel(ctx))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// turn sends what waits of each practice, at most a batch of each, and returns
// how long to wait before the next.
func (r *runner) turn(ctx context.Context) (wait time.Duration, err error) {
	practices, err := r.log.PracticeIDs(ctx)
	if err != nil {
		return 0, err
	}
	var waiting []*place // of all practices first, so that a failure is noted with each
	for _, practice := range practices {
		p, err := r.take(ctx, practice)
		if err != nil {
			return 0, err
		}
		if p.size, err = r.log.LogSize(ctx, practice); err != nil {
			return 0, err
		}
		if p.mine && p.next < p.size {
			waiting = append(waiting, p)
		}
	}
	if i := slices.IndexFunc(waiting, func(p *place) bool { return p.stream.Practice == r.blamed }); i >= 0 && len(waiting) > 1 {
		waiting = slices.Delete(waiting, i, i+1) // the others first, lest it hold them up
	}
	for _, p := range waiting {
		arrived, err := r.send(ctx, p)
		if err != nil {
			r.blamed = p.stream.Practice
			return 0, err
		}
		if r.blamed == p.stream.Practice {
			r.blamed = ""
		}
		if arrived || r.sent >= r.receiver.Room() {
			if err := r.settle(ctx); err != nil {
				return 0, err
			}
		}
	}
	now := r.config.now()
	if r.sent > 0 && now.Sub(r.first) >= settleEvery {
		return 0, r.settle(ctx)
	}
	switch {
	case len(waiting) > 0:
		return 0, nil
	case r.sent > 0:
		return min(lookEvery, r.first.Add(settleEvery).Sub(now)), nil
	}
	return lookEvery, nil
}

// take makes sure that this hub is the one who sends the stream of a practice.
func (r *runner) take(ctx context.Context, practice string) (*place, error) {
	p := r.places[practice]
	now := r.config.now()
	if p != nil && now.Before(p.until) {
		return p, nil
	}
	s := &r.config.Setting
	stream, mine, err := r.log.TakeStream(ctx, auditlog.Stream{
		Practice: practice, Name: s.Name, Target: s.Target, BegunAt: now.UnixMilli(), Holder: r.config.Holder,
	}, s.Afterwards, lease)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = new(place)
		r.places[practice] = p
	}
	if !p.mine || !mine || stream.Position != p.stream.Position {
		p.next = stream.Position
	}
	p.stream, p.mine, p.until = stream, mine, now.Add(lease/2)
	if !mine {
		p.until = now.Add(another)
	}
	return p, nil
}

// send sends the next entries of a practice, and reports whether all that is
// under way has arrived, so that only its place is not kept yet.
func (r *runner) send(ctx context.Context, p *place) (arrived bool, err error) {
	n := min(int64(max(r.receiver.Room()-r.sent, 1)), batch, p.size-p.next)
	entries, err := r.log.LogRange(ctx, p.stream.Practice, p.next, int(n))
	if err != nil {
		return false, err
	}
	if r.sent == 0 {
		r.first = r.config.now()
	}
	r.sent += int(n)
	arrived, err = r.receiver.Send(ctx, records(p.stream.Practice, p.next, p.next+n, entries))
	if err == nil {
		p.next += n
	}
	return arrived, err
}

// settle makes sure that what is under way has arrived, and keeps that.
func (r *runner) settle(ctx context.Context) error {
	if r.sent == 0 {
		return nil
	}
	rejected, err := r.receiver.Settle(ctx)
	if err != nil {
		return err
	}
	r.sent, r.failed = 0, 0
	now := r.config.now().UnixMilli()
	for _, p := range r.places {
		if !p.mine || p.next == p.stream.Position {
			continue
		}
		arrived := p.stream
		arrived.Position, arrived.SentAt, arrived.Problem, arrived.ProblemAt = p.next, now, "", 0
		if rejected > 0 { // of one practice: who says so is asked after each batch
			if arrived.Rejected == 0 {
				arrived.RejectedFirst = p.stream.Position
			}
			arrived.Rejected += rejected
			arrived.RejectedLast = p.next - 1
			arrived.Problem, arrived.ProblemAt = Rejects, now
			rejected = 0
		}
		if err := r.log.SaveStream(ctx, p.stream, arrived); err != nil {
			return err
		}
		p.stream = arrived
	}
	return nil
}

// fail begins anew from what certainly arrived, and returns how long to wait.
func (r *runner) fail(ctx context.Context, err error) time.Duration {
	r.receiver.Reset()
	r.sent = 0
	for _, p := range r.places {
		p.next = p.stream.Position
	}
	var why *problem
	if !errors.As(err, &why) { // the store's: it is asked anew
		clear(r.places)
		r.config.Say.WarnContext(ctx, "a stream of the audit log waits for the database", slog.String("stream", r.config.Setting.Name))
		r.failed++
		return r.backoff()
	}
	if why.large {
		return time.Millisecond
	}
	r.failed++
	r.failures++
	if why.lasting || r.failed >= failuresTold {
		r.tell(ctx, why.code)
	}
	wait := r.backoff()
	if why.lasting {
		wait = lastingPause/2 + rand.N(lastingPause/2) //nolint:gosec // no secret
	}
	return max(wait, why.after)
}

// backoff grows from a second to a minute, and is never the same for two hubs.
func (r *runner) backoff() time.Duration {
	most := min(shortestPause<<min(r.failed, 10), longestPause)
	return most/2 + rand.N(most/2) //nolint:gosec // no secret
}

// tell notes a problem with the streams that wait because of it.
func (r *runner) tell(ctx context.Context, code string) {
	for _, p := range r.places {
		if !p.mine || p.stream.Problem == code || p.size == p.stream.Position {
			continue
		}
		now := p.stream
		now.Problem, now.ProblemAt = code, r.config.now().UnixMilli()
		if err := r.log.SaveStream(ctx, p.stream, now); err != nil {
			p.until = time.Time{}
			continue
		}
		p.stream = now
		r.config.Say.ErrorContext(ctx, "the audit log does not get to a receiver; it waits", slog.String("stream", r.config.Setting.Name), slog.String("problem", code))
	}
}

// note says how the stream fares.
func (r *runner) note() {
	f := auditlog.StreamFigures{Failures: r.failures}
	for _, p := range r.places {
		f.Position += p.stream.Position
		f.Lag += max(0, p.size-p.stream.Position)
		f.SentAt = max(f.SentAt, p.stream.SentAt)
		f.Rejected += p.stream.Rejected
		f.Problem = f.Problem || p.stream.Problem != ""
	}
	r.log.NoteStream(r.config.Setting.Name, f)
}

// end makes sure of what is under way, if that is quick, and lets another hub
// go on.
func (r *runner) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	_ = r.settle(ctx) // what did not arrive for certain is sent again
	r.receiver.Reset()
	for _, p := range r.places {
		if p.mine {
			_ = r.log.ReleaseStream(ctx, p.stream) // the lease ends by itself
		}
	}
}
