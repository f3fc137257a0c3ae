package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sotto-health/sotto/internal/device"
)

// A message begins with when it was sent, in nanoseconds of this process's
// clock, padded to textStamp characters.
const textStamp = 20

// window is how many messages a patient has on the way at once when as many as
// possible are sent.
const window = 8

// heard notes what staff have decrypted.
func (t *talk) heard(e device.Event) {
	if e.Kind != device.EventLine || e.Line.Message == nil || e.Line.Message.Mine || e.Line.Message.Body.Kind != device.BodyText {
		return
	}
	text := e.Line.Message.Body.Text
	if len(text) < textStamp {
		return
	}
	sent, err := strconv.ParseInt(text[:textStamp], 10, 64)
	if err != nil {
		return
	}
	t.latencies.Load().Add(time.Duration(time.Now().UnixNano() - sent))
	t.opened.Add(1)
	if p, ok := t.byConversation.Load(e.Line.Message.Conversation); ok {
		select {
		case p.(*client).arrived <- struct{}{}:
		default:
		}
	}
}

func (t *talk) say(ctx context.Context, p *client) error {
	text := fmt.Sprintf("%0*d", textStamp, time.Now().UnixNano()) + t.padding
	_, err := p.engine.SendText(ctx, p.conversation, text)
	return err
}

// measure sends as much as can be for a while, and then half of that at an
// even pace. It returns what a message of the first took.
func (t *talk) measure(ctx context.Context) (cost, error) {
	full, each, err := t.phase(ctx, "as many as possible", t.flood)
	if err != nil {
		return cost{}, err
	}
	_, _, err = t.phase(ctx, "half of that, evenly", func(ctx context.Context) error { return t.pace(ctx, full/2) })
	return each, err
}

// A cost is what a message takes of processors.
type cost struct{ clients, server time.Duration }

// phase runs send for the configured time and prints what came of it. It
// returns the messages decrypted a second and what each took.
func (t *talk) phase(ctx context.Context, name string, send func(context.Context) error) (perSecond float64, each cost, err error) {
	latencies := new(Latencies)
	t.latencies.Store(latencies)
	before, err := t.snapshot()
	if err != nil {
		return 0, cost{}, err
	}
	phase, cancel := context.WithTimeout(ctx, t.config.Duration)
	defer cancel()
	if err := send(phase); err != nil {
		return 0, cost{}, err
	}
	if err := pause(ctx, time.Second); err != nil { // let the last ones arrive
		return 0, cost{}, err
	}
	after, err := t.snapshot()
	if err != nil {
		return 0, cost{}, err
	}
	n := after.opened - before.opened
	if n == 0 {
		return 0, cost{}, fmt.Errorf("bench: no message arrived in phase %q", name)
	}
	perSecond = float64(n) / t.config.Duration.Seconds()
	q := latencies.Quantiles(0.50, 0.95, 0.99)
	each = cost{(after.client.cpu - before.client.cpu) / time.Duration(n), (after.server.cpu - before.server.cpu) / time.Duration(n)}
	fmt.Fprintf(t.config.Out, "%-22s %8.0f messages/s decrypted   p50 %v  p95 %v  p99 %v   processor a message: clients %v, server %v   stored %d bytes a message\n",
		name, perSecond, q[0].Round(100*time.Microsecond), q[1].Round(100*time.Microsecond), q[2].Round(100*time.Microsecond),
		each.clients.Round(time.Microsecond), each.server.Round(time.Microsecond), (after.stored-before.stored)/n)
	return perSecond, each, nil
}

type snapshot struct {
	client, server usage
	opened, stored int64
}

func (t *talk) snapshot() (s snapshot, err error) {
	if s.client, err = usageOf(os.Getpid()); err != nil {
		return s, err
	}
	if s.server, err = usageOf(t.server.PID); err != nil {
		return s, err
	}
	s.opened = t.opened.Load()
	s.stored, err = bytesIn(t.server.Data)
	return s, err
}

// flood keeps a window of messages on the way in each conversation.
func (t *talk) flood(ctx context.Context) error {
	group, _ := errgroup.WithContext(ctx)
	for _, p := range t.patients {
		group.Go(func() error {
			for len(p.arrived) > 0 {
				<-p.arrived
			}
			free := window
			for {
				if free == 0 {
					select {
					case <-p.arrived:
						free++
					case <-time.After(5 * time.Second): // a lost count must not end the phase
						free++
					case <-ctx.Done():
						return nil
					}
				}
				if ctx.Err() != nil {
					return nil
				}
				if err := t.say(context.WithoutCancel(ctx), p); err != nil {
					return err
				}
				free--
			}
		})
	}
	return group.Wait()
}

// pace sends perSecond messages a second over all conversations.
func (t *talk) pace(ctx context.Context, perSecond float64) error {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	begin, sent := time.Now(), 0
	var sends sync.WaitGroup
	defer sends.Wait()
	failed := make(chan error, 1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-ticker.C:
		}
		for due := int(time.Since(begin).Seconds() * perSecond); sent < due; sent++ {
			p := t.patients[sent%len(t.patients)]
			sends.Go(func() {
				if err := t.say(context.WithoutCancel(ctx), p); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	}
}

func (t *talk) close() {
	for _, c := range append(t.patients, t.staff...) {
		c.engine.Close()
	}
}

// A seat is a patient's place in a conversation, for frames that are ready-made.
type seat struct {
	conversation, token string
	epoch               uint64
}

func (t *talk) seats(ctx context.Context) ([]seat, error) {
	var all []seat
	for _, p := range t.patients {
		c, err := p.hub.Conversation(ctx, p.conversation)
		if err != nil {
			return nil, err
		}
		all = append(all, seat{p.conversation, p.hub.Token(), c.Epoch})
	}
	return all, nil
}
