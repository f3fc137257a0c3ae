package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/internal/hub"
)

const (
	// channel is what hubs of one database listen on.
	channel = "sotto_hub"
	// maxPayload is what PostgreSQL takes, less a little.
	maxPayload = 7900
	// maxBatch is how many notices go in one statement.
	maxBatch = 256
	// maxWaiting is how many notices wait while the database is slow or away.
	maxWaiting = 8192
	// deliverers is how many notices are delivered at once; those of one
	// conversation come one after another.
	deliverers = 8
	// brokerPause is the pause before another attempt to connect.
	brokerPause = time.Second
	// lost stands for notices that could not be sent.
	lost = "lost"
)

// A Broker carries notices between the hubs of one database by LISTEN and
// NOTIFY. What goes over the wire are ids and positions: see
// [hub.Notice.Doorbell]. Close it before the store.
type Broker struct {
	url     *pgx.ConnConfig
	log     *slog.Logger
	self    string
	seed    maphash.Seed
	out     chan string
	in      [deliverers]chan hub.Notice
	deliver func(hub.Notice)

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex // guards both below
	number  uint64     // of the newest notice; PostgreSQL sends equal ones once
	dropped bool       // a notice was not sent
}

var _ hub.Broker = (*Broker)(nil)

// OpenBroker opens a broker on the database at url. A hub subscribes to it.
func OpenBroker(url string, log *slog.Logger) (*Broker, error) {
	parsed, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's address is not a PostgreSQL URL or key=value list")
	}
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = 10 * time.Second
	}
	parsed.RuntimeParams["application_name"] = "sotto-hub doorbell"
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b := &Broker{url: parsed, log: log, self: hub.NewID("h"), seed: maphash.MakeSeed(), out: make(chan string, maxWaiting)}
	b.ctx, b.stop = context.WithCancel(context.Background())
	for i := range b.in {
		b.in[i] = make(chan hub.Notice, 256)
	}
	return b, nil
}

// Subscribe implements [hub.Broker]. It returns once the broker listens.
func (b *Broker) Subscribe(deliver func(hub.Notice)) error {
	b.deliver = deliver
	conn, err := b.listen(b.ctx)
	if err != nil {
		return err
	}
	for i := range b.in {
		b.work.Go(func() { b.deliverAll(b.in[i]) })
	}
	b.work.Go(func() { b.receive(conn) })
	b.work.Go(b.send)
	return nil
}

// Close sends what waits and stops.
func (b *Broker) Close() {
	for deadline := time.Now().Add(brokerPause); len(b.out) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	b.stop()
	b.work.Wait()
}

// Publish implements [hub.Broker]: it delivers n here and leaves it to be sent
// to the others. It never waits.
func (b *Broker) Publish(_ context.Context, n hub.Notice) error {
	b.deliver(n)
	bell, err := n.Doorbell()
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	payload := b.self + " " + strconv.FormatUint(b.number, 36) + " " + string(bell)
	if len(payload) > maxPayload {
		payload = b.self + " " + strconv.FormatUint(b.number, 36) + " " + lost
	}
	select {
	case b.out <- payload:
		return nil
	default:
		b.dropped = true // told once there is room again
		return errors.New("postgres: too many notices wait")
	}
}

// send sends what was published.
func (b *Broker) send() {
	var conn *pgx.Conn
	defer func() { closeConn(conn) }()
	for {
		batch := b.batch()
		if batch == nil {
			return
		}
		for {
			var err error
			if conn == nil || conn.IsClosed() {
				conn, err = pgx.ConnectConfig(b.ctx, b.url)
			}
			if err == nil {
				const notify = `SELECT count(pg_notify($1, payload)) FROM unnest(CAST($2 AS text[])) AS payload`
				if _, err = conn.Exec(b.ctx, notify, channel, batch); err == nil {
					break
				}
				closeConn(conn)
				conn = nil
			}
			if !b.pause("notices cannot be sent to other hubs") {
				return
			}
		}
	}
}

// batch returns the notices that wait, at least one, or nil at the end.
func (b *Broker) batch() []string {
	var batch []string
	select {
	case first := <-b.out:
		batch = append(batch, first)
	case <-b.ctx.Done():
		return nil
	}
	for len(batch) < maxBatch {
		select {
		case next := <-b.out:
			batch = append(batch, next)
			continue
		default:
		}
		break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dropped {
		b.dropped = false
		b.number++
		batch = append(batch, b.self+" "+strconv.FormatUint(b.number, 36)+" "+lost)
	}
	return batch
}

func (b *Broker) listen(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, b.url)
	if err != nil {
		// The driver's text may quote the address.
		return nil, errors.New("postgres: the database cannot be reached for its notices")
	}
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("postgres: listen: %w", err)
	}
	return conn, nil
}

// receive takes the notices of others. When its connection was lost, so may
// have been notices: everybody looks again.
func (b *Broker) receive(conn *pgx.Conn) {
	defer func() { closeConn(conn) }()
	for {
		n, err := conn.WaitForNotification(b.ctx)
		if err == nil {
			b.received(n.Payload)
			continue
		}
		closeConn(conn)
		for conn = nil; conn == nil; {
			if !b.pause("the connection for notices of other hubs was lost") {
				return
			}
			conn, _ = b.listen(b.ctx)
		}
		b.deliver(hub.Notice{Lost: true})
	}
}

func (b *Broker) received(payload string) {
	from, rest, _ := strings.Cut(payload, " ")
	_, bell, ok := strings.Cut(rest, " ")
	if !ok || from == b.self {
		return
	}
	n := hub.Notice{Lost: true}
	if bell != lost {
		var err error
		if n, err = hub.ParseDoorbell([]byte(bell)); err != nil {
			b.log.Warn("a notice of another hub cannot be read")
			return
		}
	}
	select {
	case b.in[maphash.String(b.seed, n.Conversation)%deliverers] <- n:
	case <-b.ctx.Done():
	}
}

func (b *Broker) deliverAll(in chan hub.Notice) {
	for {
		select {
		case n := <-in:
			b.deliver(n)
		case <-b.ctx.Done():
			return
		}
	}
}

// pause waits before another attempt, and reports whether there is to be one.
func (b *Broker) pause(why string) bool {
	if b.ctx.Err() != nil {
		return false
	}
	b.log.Warn("doorbell between hubs", slog.String("reason", why))
	timer := time.NewTimer(brokerPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.ctx.Done():
		return false
	}
}

func closeConn(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is of no use any more
}
