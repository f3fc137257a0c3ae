package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

const (
	// mostPerCommit bounds how long the first write of a transaction waits for
	// the last, and how much is done again if one of them fails.
	mostPerCommit = 256
	// linger is how long a transaction waits for more writes where several came
	// at once the last two times: a sync of the disk and the pages that each
	// write would touch again cost more than the wait. One who writes alone
	// never waits.
	linger = 3 * time.Millisecond
	// mostAttempts is how often a transaction that met others is run.
	mostAttempts = 10
)

// A writer runs writes one after another on a connection of its own. Those
// that wait while it syncs the disk make up its next transaction, so that
// under load many share a sync and alone none waits.
type writer struct {
	db      *sql.DB
	dialect Dialect
	queue   chan *job
	stopped chan struct{} // closed by stop: nothing more is taken
	done    chan struct{} // closed when the last write has ended
	broken  atomic.Bool   // the disk failed; see run

	stopOnce sync.Once
}

// A job is one write that waits for its transaction.
type job struct {
	ctx      context.Context
	fn       func(*tx) error
	result   error
	panicked any
	ended    chan struct{}
}

// call runs the job's function. Its panic is kept for the caller's goroutine.
func (j *job) call(t *tx) (err error) {
	defer func() {
		if j.panicked = recover(); j.panicked != nil {
			t.failed = errPanicked
		}
	}()
	return j.fn(t)
}

// outcome is what do returns once j has ended.
func (j *job) outcome() error {
	if j.panicked != nil {
		panic(j.panicked)
	}
	return j.result
}

// errPanicked undoes the transaction of a job that panicked.
var errPanicked = errors.New("panic within a transaction")

func (j *job) end(err error) {
	j.result = err
	close(j.ended)
}

// A tx is a transaction that writes.
type tx struct {
	ctx     context.Context
	conn    *sql.Conn
	dialect Dialect
	stmts   map[string]*sql.Stmt // prepared on conn, kept between transactions
	changed bool                 // the present job has written something
	failed  error                // the present job cannot be told from the transaction's failure
}

func startWriter(db *sql.DB, dialect Dialect) *writer {
	w := &writer{
		db:      db,
		dialect: dialect,
		queue:   make(chan *job, mostPerCommit),
		stopped: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.loop()
	return w
}

func shardOf(key string, n int) int {
	if n == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}

// do runs fn within the next transaction and returns when that is durable.
// Once fn has begun, do waits for it even if ctx ends: a caller that goes away
// cannot leave a write half done, nor see fn run after do has returned.
func (w *writer) do(ctx context.Context, fn func(*tx) error) error {
	return w.wait(w.enqueue(ctx, fn))
}

// enqueue puts fn behind what was put there before. Who enqueues must wait.
func (w *writer) enqueue(ctx context.Context, fn func(*tx) error) *job {
	j := &job{ctx: ctx, fn: fn, ended: make(chan struct{})}
	select {
	case <-w.stopped:
		j.end(errClosed())
		return j
	default:
	}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		j.end(ctx.Err())
	case <-w.stopped:
		j.end(errClosed())
	}
	return j
}

// wait returns once j's transaction is durable, or why it will not be.
func (w *writer) wait(j *job) error {
	select {
	case <-j.ended:
		return j.outcome()
	case <-w.done:
		// It was queued as the writer left; unless it ended, it never began.
		select {
		case <-j.ended:
			return j.outcome()
		default:
			return errClosed()
		}
	}
}

func errClosed() error { return fmt.Errorf("store is closed: %w", hub.ErrUnavailable) }

// stop runs what is queued and returns when that has ended.
func (w *writer) stop() {
	w.stopOnce.Do(func() { close(w.stopped) })
	<-w.done
}

func (w *writer) loop() {
	defer close(w.done)
	var t *tx
	defer func() { t.release() }()
	batch := make([]*job, 0, mostPerCommit)
	wasCrowded := false
	for {
		batch = batch[:0]
		select {
		case j := <-w.queue:
			batch = append(batch, j)
		case <-w.stopped:
			select {
			case j := <-w.queue:
				batch = append(batch, j)
			default:
				return
			}
		}
		batch = w.gather(batch)
		crowded := len(batch) > 1
		if crowded && wasCrowded {
			time.Sleep(linger)
			batch = w.gather(batch)
		}
		wasCrowded = crowded
		t = w.serve(t, batch)
	}
}

// gather adds to batch what waits.
func (w *writer) gather(batch []*job) []*job {
	for len(batch) < mostPerCommit {
		select {
		case j := <-w.queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// serve runs a batch to its end, together if it can be. It returns the
// transaction's connection for the next, or nil if that should not be used.
func (w *writer) serve(t *tx, batch []*job) *tx {
	waiting := batch[:0]
	for _, j := range batch {
		if err := j.ctx.Err(); err != nil {
			j.end(err)
		} else {
			waiting = append(waiting, j)
		}
	}
	if len(waiting) == 0 {
		return t
	}
	t, together := w.run(t, waiting)
	if !together {
		for _, j := range waiting {
			t, _ = w.run(t, []*job{j})
		}
	}
	return t
}

// run runs jobs in one transaction. It returns false, with nothing stored and
// no job ended, if one of several failed after it had written or met another
// transaction: then each should be run alone.
func (w *writer) run(t *tx, jobs []*job) (*tx, bool) {
	var err error
	results := make([]error, len(jobs))
	for attempt := 1; ; attempt++ {
		var inDoubt bool
		if t, inDoubt, err = w.attempt(t, jobs, results); err == nil {
			break
		}
		class := w.dialect.Classify(err)
		switch class {
		case Broken:
			// After a failed sync nobody knows which pages the disk holds, and
			// a second sync may report success for pages that it lost. Only a
			// restart, which reads the disk again, tells.
			w.broken.Store(true)
		case Unavailable:
			t.release()
			t = nil
		}
		again := (class == Retry || class == Unavailable) && attempt < mostAttempts
		if inDoubt && class != Retry {
			again = false // it may be stored, and must not be stored twice
		} else if len(jobs) > 1 && class != Unavailable && class != Broken {
			return t, false
		}
		if !again {
			break
		}
		time.Sleep(time.Duration(attempt*attempt) * time.Millisecond)
	}
	for i, j := range jobs {
		if err != nil {
			results[i] = err
		}
		j.end(results[i])
	}
	return t, true
}

// attempt runs jobs in one transaction and commits it. Jobs that refuse
// without having written get their refusal in results; any other failure is
// the transaction's, which is rolled back. inDoubt is true if the failure was
// that of the commit.
func (w *writer) attempt(t *tx, jobs []*job, results []error) (_ *tx, inDoubt bool, err error) {
	if w.broken.Load() {
		return t, false, fmt.Errorf("disk failed: %w", hub.ErrUnavailable)
	}
	ctx := context.Background()
	if w.dialect.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.dialect.Timeout)
		defer cancel()
	}
	if t == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return nil, false, err
		}
		t = &tx{conn: conn, dialect: w.dialect, stmts: make(map[string]*sql.Stmt)}
	}
	t.ctx = ctx
	transaction, err := t.conn.BeginTx(ctx, nil)
	if err != nil {
		return t, false, err
	}
	defer func() { _ = transaction.Rollback() }() // after a commit it does nothing
	wrote := false
	for i, j := range jobs {
		t.changed, t.failed = false, nil
		results[i] = j.call(t)
		if t.failed != nil {
			return t, false, t.failed
		}
		if results[i] != nil && (t.changed || w.dialect.Classify(results[i]) != Foreign) {
			return t, false, results[i]
		}
		wrote = wrote || t.changed
	}
	if !wrote {
		return t, false, nil
	}
	return t, true, transaction.Commit()
}

// release gives up the connection.
func (t *tx) release() {
	if t == nil {
		return
	}
	for _, stmt := range t.stmts {
		_ = stmt.Close()
	}
	_ = t.conn.Close()
}

// exec runs a statement that changes rows and returns how many.
func (t *tx) exec(query string, args ...any) (int64, error) {
	var result sql.Result
	stmt, err := t.prepare(query)
	switch {
	case err != nil:
	case stmt != nil:
		result, err = stmt.ExecContext(t.ctx, args...)
	default:
		result, err = t.conn.ExecContext(t.ctx, t.dialect.statement(query), args...)
	}
	var n int64
	if err == nil {
		n, err = result.RowsAffected()
	}
	if err != nil {
		t.failed = err
		return 0, err
	}
	if n > 0 {
		t.changed = true
	}
	return n, nil
}

// must runs a statement that changes rows; that none was there to change is
// [hub.ErrNotFound].
func (t *tx) must(query string, args ...any) error { return t.mustOr(hub.ErrNotFound, query, args...) }

// mustOr is must with what it is if no row was there to change.
func (t *tx) mustOr(none error, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		err = none
	}
	return err
}

// change runs a statement that changes one row and returns some of it.
func (t *tx) change(query string, args ...any) *sql.Row {
	t.changed = true
	return t.row(t.ctx, query, args...)
}

// row and rows read within the transaction. They do not heed the caller's
// context: SQLite undoes the whole transaction of a statement that is
// interrupted, and others share it.
func (t *tx) row(_ context.Context, query string, args ...any) *sql.Row {
	if stmt, err := t.prepare(query); err == nil && stmt != nil {
		return stmt.QueryRowContext(t.ctx, args...)
	}
	return t.conn.QueryRowContext(t.ctx, t.dialect.statement(query), args...)
}

func (t *tx) rows(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt, err := t.prepare(query); err == nil && stmt != nil {
		return stmt.QueryContext(t.ctx, args...)
	}
	return t.conn.QueryContext(t.ctx, t.dialect.statement(query), args...)
}

func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if !t.dialect.Prepare {
		return nil, nil
	}
	if stmt := t.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := t.conn.PrepareContext(t.ctx, t.dialect.statement(query))
	if err != nil {
		return nil, err
	}
	t.stmts[query] = stmt
	return stmt, nil
}
