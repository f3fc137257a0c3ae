// Package sqlstore implements the hub's storage interfaces in SQL, once for
// every engine: packages sqlite and postgres open a database and say in a
// [Dialect] where it differs.
//
// Writes that wait together share one transaction and one sync of the disk
// (see writer.go). Reads that need several statements see one snapshot. The
// errors of drivers stop here: callers get those of package hub.
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// A Store is a [hub.Store] in a SQL database.
type Store struct {
	*database
	recording []audit.Event  // written with whatever is written next; see Recording
	once      *onceOnly      // kept by that, or it does nothing; see Once
	use       *hub.FactorUse // used up by that, or it does nothing; see Using
}

// A database is what all views of a store share.
type database struct {
	dialect Dialect
	read    *sql.DB
	now     func() time.Time
	writers []*writer
	closers []io.Closer
	numbers sync.Map // of practices, by id: see logNumber

	mu       sync.RWMutex // guards prepared
	prepared map[string]*sql.Stmt
}

var _ hub.Store = (*Store)(nil)

// Databases are the handles of one database. Both may be the same.
type Databases struct {
	Write, Read *sql.DB
	io.Closer
}

// New returns the store in a database, after bringing its tables up to date.
// The store closes db when it is closed.
func New(ctx context.Context, db Databases, dialect Dialect) (*Store, error) {
	if err := migrate(ctx, db.Write, dialect); err != nil {
		return nil, fmt.Errorf("bring tables up to date: %w", err)
	}
	s := &Store{database: &database{
		dialect:  dialect,
		read:     db.Read,
		now:      time.Now,
		closers:  []io.Closer{db},
		prepared: make(map[string]*sql.Stmt),
	}}
	for range max(1, dialect.Writers) {
		s.writers = append(s.writers, startWriter(db.Write, dialect))
	}
	return s, nil
}

// Close waits for the writes under way, refuses others, and closes the
// database.
func (s *Store) Close() error {
	for _, w := range s.writers {
		w.stop()
	}
	var errs []error
	s.mu.Lock()
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	s.prepared = nil
	s.mu.Unlock()
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Ping reports whether the store can answer, and whether it still writes.
func (s *Store) Ping(ctx context.Context) error {
	for _, w := range s.writers {
		if w.broken.Load() {
			return fmt.Errorf("disk failed: %w", hub.ErrUnavailable)
		}
	}
	var one int
	return s.translate(s.reader().row(ctx, `SELECT 1`).Scan(&one))
}

// Clock returns how far the engine's clock is ahead of this machine's, as far
// as the way there allows to tell.
func (s *Store) Clock(ctx context.Context) (time.Duration, error) {
	if s.dialect.Clock == "" {
		return 0, nil
	}
	asked := s.now()
	var engine int64
	if err := s.reader().row(ctx, s.dialect.Clock).Scan(&engine); err != nil {
		return 0, s.translate(err)
	}
	return time.UnixMilli(engine).Sub(asked.Add(s.now().Sub(asked) / 2)), nil
}

// write runs fn in a transaction that is durable when write returns nil.
// Writes of one shard run one after another.
//
// If fn returns an error nothing of it is stored, and write returns the error.
// fn may run more than once, so it must set its results afresh each time. It
// does no I/O but through tx. It should refuse before it changes anything:
// that costs the other writes of its transaction nothing.
//
// The events that the store is recording are written in the same transaction,
// if fn succeeds.
func (s *Store) write(ctx context.Context, shard string, fn func(*tx) error) error {
	if len(s.recording) > 0 {
		recorded, err := s.recorded(fn)
		if err != nil {
			return err
		}
		fn = recorded
	}
	if s.use != nil {
		fn = usingUp(*s.use, fn)
	}
	if s.once != nil {
		fn = s.once.then(fn)
	}
	return s.translate(s.writers[shardOf(shard, len(s.writers))].do(ctx, fn))
}

// translate returns the hub's error for what a statement returned.
func (s *Store) translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return hub.ErrNotFound
	case errors.Is(err, context.Canceled):
		return err
	}
	switch s.dialect.Classify(err) {
	case Exists:
		return hub.ErrExists
	case Full:
		return hub.ErrFull
	case Retry, Unavailable, Broken:
		return fmt.Errorf("%w: %w", hub.ErrUnavailable, err)
	}
	return err // the hub's own, or one that nobody foresaw
}

// A querier runs statements: alone, in a snapshot, or in a writing transaction.
type querier interface {
	row(ctx context.Context, query string, args ...any) *sql.Row
	rows(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reader returns a querier whose statements see one state each.
func (s *Store) reader() querier { return &reading{store: s} }

// snapshot calls fn with a querier whose statements all see the same state.
func (s *Store) snapshot(ctx context.Context, fn func(querier) error) error {
	opts := s.dialect.Snapshot
	t, err := s.read.BeginTx(ctx, &opts)
	if err != nil {
		return s.translate(err)
	}
	r := &reading{store: s, tx: t}
	err = s.translate(errors.Join(fn(r), t.Rollback()))
	for _, query := range r.unprepared {
		s.prepare(ctx, query)
	}
	return err
}

// A reading runs statements outside a transaction, or in tx.
type reading struct {
	store      *Store
	tx         *sql.Tx
	unprepared []string // to be prepared once tx has ended
}

// prepared returns the prepared form of a query, or nil. Within a transaction
// it makes none: that takes a connection, and whoever waits for a second while
// holding one may wait for another who does the same.
func (r *reading) prepared(ctx context.Context, query string) *sql.Stmt {
	if r.tx == nil {
		return r.store.prepare(ctx, query)
	}
	if stmt := r.store.lookUp(query); stmt != nil {
		return r.tx.StmtContext(ctx, stmt)
	}
	r.unprepared = append(r.unprepared, query)
	return nil
}

func (r *reading) row(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := r.prepared(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	query = r.store.dialect.statement(query)
	if r.tx != nil {
		return r.tx.QueryRowContext(ctx, query, args...)
	}
	return r.store.read.QueryRowContext(ctx, query, args...)
}

func (r *reading) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := r.prepared(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	query = r.store.dialect.statement(query)
	if r.tx != nil {
		return r.tx.QueryContext(ctx, query, args...)
	}
	return r.store.read.QueryContext(ctx, query, args...)
}

func (s *Store) lookUp(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.prepared[query]
}

// prepare returns the prepared form of a query, or nil if there is none to be
// had. The number of different queries is small. The caller holds no
// connection, and prepare no lock while it waits for one.
func (s *Store) prepare(ctx context.Context, query string) *sql.Stmt {
	if !s.dialect.Prepare {
		return nil
	}
	if stmt := s.lookUp(query); stmt != nil {
		return stmt
	}
	stmt, err := s.read.PrepareContext(ctx, s.dialect.statement(query))
	if err != nil {
		return nil // the query itself will say why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.prepared[query]; first != nil || s.prepared == nil {
		_ = stmt.Close() // somebody else was faster, or the store is closed
		return first
	}
	s.prepared[query] = stmt
	return stmt
}

// A scanner is a row to be read: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// collect reads all rows of a query with scan.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := q.rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// scanString reads a row of one text.
func scanString(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

// document is a value as a JSON document. The hub's own types always have one.
func document(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("sqlstore: " + err.Error())
	}
	return string(text)
}

// blob is b for a column that may not be NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// orNull is b for a column in which nothing is NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// optional is *v as a JSON document, or empty if there is none.
func optional[T any](v *T) string {
	if v == nil {
		return ""
	}
	return document(v)
}

// optionalTarget reads what [optional] made.
func optionalTarget[T any](to **T) sql.Scanner { return &optionalScanner[T]{to} }

type optionalScanner[T any] struct{ to **T }

// Scan implements [sql.Scanner].
func (o *optionalScanner[T]) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("not a text")
	}
	if text == "" {
		*o.to = nil
		return nil
	}
	read := new(T)
	if err := json.Unmarshal([]byte(text), read); err != nil {
		return errors.New("a document is damaged") // its text might quote it
	}
	*o.to = read
	return nil
}

// A flag reads a boolean that [integer] stored.
type flag bool

// Scan implements [sql.Scanner].
func (f *flag) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return errors.New("not a flag")
	}
	*f = n != 0
	return nil
}

func integer(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// signed is n as databases count, which is far enough for positions.
func signed(n uint64) int64 {
	const most = 1<<63 - 1
	return int64(min(n, most))
}

// isNone reports whether a query for one row found none.
func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }
