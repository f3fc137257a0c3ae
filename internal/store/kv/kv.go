// Package kv keeps a device's state in one encrypted file: the keeper's
// sessions, outbox and keys, under names that the engine chooses. It is the
// [github.com/sotto-health/sotto/internal/device.Store] of servers; a browser
// has its own.
//
// A change is on disk, whole, when Apply returns. Changes that wait together
// share one sync of the disk. What is deleted or replaced is overwritten in the
// file at once and gone from its log within seconds, so that keys of the past do
// not outlive the sessions they belonged to. (What the disk itself keeps of blocks
// that are no file's any more is as the disk does; they are encrypted.)
package kv

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

// mostPerCommit is how many changes share a transaction.
const mostPerCommit = 128

// A Store is an open file. Its methods may be called from several goroutines.
type Store struct {
	file *sqlitefile.File
	get  *sql.Stmt
	keys *sql.Stmt

	queue   chan *change
	stopped chan struct{}
	done    chan struct{}
	stop    sync.Once
}

// A change is one call of Apply that waits for its transaction.
type change struct {
	puts    map[string][]byte
	deletes []string
	ended   chan error // receives one result; never blocks the sender
}

// A FullError reports that there was no room, and nothing was changed.
type FullError struct{}

func (FullError) Error() string { return "no space left for the device's state" }

// StoreFull marks the error for the engine (device.StoreFullError).
func (FullError) StoreFull() {}

var errClosed = errors.New("store is closed")

// Open opens the file at path, which is made if it is not there. A key that is
// not the file's gives [sqlitefile.ErrWrongKey].
func Open(ctx context.Context, path string, key sqlitefile.Key) (*Store, error) {
	return open(ctx, path, key, sqlitefile.Config{})
}

func open(ctx context.Context, path string, key sqlitefile.Key, config sqlitefile.Config) (*Store, error) {
	const table = `
CREATE TABLE IF NOT EXISTS entry (
    key   BLOB NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT`
	config.Overwrite = true
	file, err := sqlitefile.Open(ctx, path, key, config)
	if err != nil {
		return nil, err
	}
	s := &Store{
		file:    file,
		queue:   make(chan *change, mostPerCommit),
		stopped: make(chan struct{}),
		done:    make(chan struct{}),
	}
	prepare := func(query string) (stmt *sql.Stmt) {
		if err == nil {
			stmt, err = file.Read.PrepareContext(ctx, query)
		}
		return stmt
	}
	_, err = file.Write.ExecContext(ctx, table)
	s.get = prepare(`SELECT value FROM entry WHERE key = ?1`)
	s.keys = prepare(`SELECT key FROM entry WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), file.Close())
	}
	writer, err := s.newWriter(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), file.Close())
	}
	go s.loop(writer)
	return s, nil
}

// Close waits for the changes under way and closes the file.
func (s *Store) Close() error {
	s.stop.Do(func() { close(s.stopped) })
	<-s.done
	return errors.Join(s.get.Close(), s.keys.Close(), s.file.Close())
}

// Get returns what is kept under key, or nil if nothing is.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	value := []byte{}
	err := s.get.QueryRowContext(ctx, []byte(key)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if value == nil {
		value = []byte{} // kept, and empty
	}
	return value, err
}

// Keys returns the keys that begin with prefix, in byte order.
func (s *Store) Keys(ctx context.Context, prefix string) (all []string, err error) {
	rows, err := s.keys.QueryContext(ctx, []byte(prefix), after(prefix))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		all = append(all, string(key))
	}
	return all, rows.Err()
}

// after returns the least key that is greater than all that begin with prefix,
// or nil if there is none.
func after(prefix string) any {
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return nil
	}
	end[len(end)-1]++
	return end
}

// Apply writes puts and removes deletes: all of it or nothing, and on disk
// when it returns nil. It returns a [FullError] if there is no room. Once
// queued a change is carried out even if ctx ends.
func (s *Store) Apply(ctx context.Context, puts map[string][]byte, deletes []string) error {
	if len(puts)+len(deletes) == 0 {
		return nil
	}
	c := &change{puts: puts, deletes: deletes, ended: make(chan error, 1)}
	select {
	case <-s.stopped:
		return errClosed
	default:
	}
	select {
	case s.queue <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		return errClosed
	}
	select {
	case err := <-c.ended:
		return err
	case <-s.done:
		select {
		case err := <-c.ended:
			return err
		default:
			return errClosed
		}
	}
}

// A writer holds the file's one writing connection.
type writer struct {
	conn     *sql.Conn
	put, del *sql.Stmt
}

func (s *Store) newWriter(ctx context.Context) (w *writer, err error) {
	w = new(writer)
	if w.conn, err = s.file.Write.Conn(ctx); err != nil {
		return nil, err
	}
	w.put, err = w.conn.PrepareContext(ctx, `
INSERT INTO entry (key, value) VALUES (?1, ?2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
	if err == nil {
		w.del, err = w.conn.PrepareContext(ctx, `DELETE FROM entry WHERE key = ?1`)
	}
	if err != nil {
		return nil, errors.Join(err, w.conn.Close())
	}
	return w, nil
}

func (w *writer) close() {
	_ = w.put.Close()
	_ = w.del.Close()
	_ = w.conn.Close()
}

func (s *Store) loop(w *writer) {
	defer close(s.done)
	defer w.close()
	for {
		var batch []*change
		select {
		case c := <-s.queue:
			batch = append(batch, c)
		case <-s.stopped:
			select {
			case c := <-s.queue:
				batch = append(batch, c)
			default:
				return
			}
		}
		for more := true; more && len(batch) < mostPerCommit; {
			select {
			case c := <-s.queue:
				batch = append(batch, c)
			default:
				more = false
			}
		}
		err := w.commit(batch)
		for _, c := range batch {
			if err != nil && len(batch) > 1 {
				c.ended <- w.commit([]*change{c}) // one of them may be too large, not all
			} else {
				c.ended <- err
			}
		}
	}
}

// commit carries out changes in one transaction.
func (w *writer) commit(batch []*change) error {
	ctx := context.Background() // an interrupt would undo the changes of others
	transaction, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = transaction.Rollback() }() // after a commit it does nothing
	for _, c := range batch {
		for key, value := range c.puts {
			if value == nil {
				value = []byte{}
			}
			if _, err := w.put.ExecContext(ctx, []byte(key), value); err != nil {
				return translate(err)
			}
		}
		for _, key := range c.deletes {
			if _, err := w.del.ExecContext(ctx, []byte(key)); err != nil {
				return translate(err)
			}
		}
	}
	return translate(transaction.Commit())
}

func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case sqlitefile.IsFull(err):
		return FullError{}
	}
	return fmt.Errorf("keep the device's state: %w", err)
}
