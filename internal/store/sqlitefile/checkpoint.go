package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"
)

const (
	// checkpointAt is how many pages the write-ahead log has when it is begun
	// to be moved into the file, beside the writer.
	checkpointAt = 8000
	// checkpointNow is how many it has when the writer itself must do so: as
	// long as it goes on writing, the log cannot begin anew beside it.
	checkpointNow = 24000
	// emptyAfter is how long what was overwritten may stay in the log of a file
	// with [Config.Overwrite].
	emptyAfter = 2 * time.Second
)

// A checkpointer moves the write-ahead log into the file on a connection of
// its own, so that no writer waits for that but rarely, and then not long:
// most is moved already.
type checkpointer struct {
	db   *sql.DB // one connection
	wake chan struct{}
	// overwrite has the log emptied soon after each commit. Then every commit
	// wakes the loop, else a long log does.
	overwrite bool
	stop      context.CancelFunc
	done      chan struct{}

	// next is how long the log is when it is moved again; the writer's own.
	next int
}

func startCheckpointer(db *sql.DB, overwrite bool) *checkpointer {
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{db: db, wake: make(chan struct{}, 1), overwrite: overwrite, stop: cancel, done: make(chan struct{}), next: checkpointAt}
	go c.loop(ctx)
	return c
}

func (c *checkpointer) loop(ctx context.Context) {
	defer close(c.done)
	var empty <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			if !c.overwrite {
				// If it fails, the log grows until the writer does it and reports
				// why it cannot.
				_, _ = c.db.ExecContext(ctx, `PRAGMA wal_checkpoint(passive)`)
			} else if empty == nil {
				empty = time.After(emptyAfter)
			}
		case <-empty:
			empty = nil
			var busy, pages, moved int
			err := c.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(truncate)`).Scan(&busy, &pages, &moved)
			if err != nil || busy != 0 { // somebody reads what it holds
				empty = time.After(emptyAfter)
			}
		}
	}
}

func (c *checkpointer) close() error {
	c.stop()
	<-c.done
	return c.db.Close()
}

// committed is called on the writing connection after each transaction, with
// the length of the log. What is moved late is moved once, however often it was
// written; what is left when the writer must wait for the rest should be
// little. So each move beside the writer comes halfway between the last and
// that.
func (c *checkpointer) committed(conn *sqlite3.Conn, schema string, pages int) error {
	if c.overwrite {
		c.awake()
	}
	switch {
	case pages < checkpointAt:
		c.next = checkpointAt
	case pages >= checkpointNow:
		// The transaction is committed whatever is returned here, and an error is
		// that of its commit to whoever asked for it. So the only one to return
		// is that of a disk that should not be written any more. A busy log is
		// moved beside or next time, and one that has no room to go to grows,
		// until there is none for it either and a commit fails that is none.
		_, _, err := conn.WALCheckpoint(schema, sqlite3.CHECKPOINT_PASSIVE)
		if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED) || IsFull(err) {
			return nil
		}
		return err
	case pages >= c.next:
		c.next = pages + max((checkpointNow-pages)/2, checkpointNow/50)
		c.awake()
	}
	return nil
}

func (c *checkpointer) awake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
