package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/sotto-health/sotto/internal/durable"
)

// copyStep is how many pages are copied between two looks at the context.
const copyStep = 1024

// A Snapshot is a file as it was at one moment, while others go on writing. Its
// write-ahead log cannot begin anew before the snapshot is closed.
type Snapshot struct {
	conn *sql.Conn
	tx   *sql.Tx
}

// Snapshot takes one. Close it.
func (f *File) Snapshot(ctx context.Context) (*Snapshot, error) {
	conn, err := f.Read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{conn: conn}
	if s.tx, err = conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err == nil {
		var tables int // it begins with the first that is read
		err = s.tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables)
	}
	if err != nil {
		return nil, errors.Join(wrongKey(err), s.Close())
	}
	return s, nil
}

// Close lets the file go on without the snapshot.
func (s *Snapshot) Close() error {
	var err error
	if s.tx != nil {
		if err = s.tx.Rollback(); errors.Is(err, sql.ErrTxDone) {
			err = nil
		}
	}
	return errors.Join(err, s.conn.Close())
}

// CopyTo writes the snapshot to a new file at path, encrypted with the key given,
// on disk when it returns nil. Only its owner may read it. If it fails, what is
// at path is of no use.
func (s *Snapshot) CopyTo(ctx context.Context, path string, key Key) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	err = s.conn.Raw(func(c any) error {
		raw, ok := c.(driver.Conn)
		if !ok {
			return errors.New("copy database: not the driver that it was opened by")
		}
		return copyPages(ctx, raw.Raw(), path, key)
	})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// copyPages copies what a connection sees. The copy needs no journal: one that
// is not whole is thrown away.
func copyPages(ctx context.Context, from *sqlite3.Conn, path string, key Key) error {
	query := url.Values{
		"vfs":     {layer},
		"_pragma": {"hexkey('" + hex.EncodeToString(key[:]) + "')", "journal_mode(off)", "synchronous(off)"},
	}
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
	copying, err := from.BackupInit("main", name.String())
	if err != nil {
		return bare(err)
	}
	for done := false; !done && err == nil; {
		if done, err = copying.Step(copyStep); err == nil {
			err = ctx.Err()
		}
	}
	return errors.Join(bare(err), bare(copying.Close()))
}

// bare is an error without its text, which may quote the name, and so the key.
func bare(err error) error {
	var code sqlite3.ExtendedErrorCode
	var short sqlite3.ErrorCode
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &code):
		return fmt.Errorf("copy database: %w", code)
	case errors.As(err, &short):
		return fmt.Errorf("copy database: %w", short)
	}
	return errors.New("copy database")
}

// Hold keeps everybody from writing to the file until release is called: what is
// read of several places meanwhile is of one moment. Whoever wants to write
// waits, for as long as their BusyTimeout, so hold it for less.
func (f *File) Hold(ctx context.Context) (release func() error, err error) {
	tx, err := f.Write.BeginTx(ctx, nil) // immediate
	if err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}

// Check reads all of the file and reports whether SQLite finds it whole. The
// error says nothing of what is in it.
func (f *File) Check(ctx context.Context) error {
	var says string
	if err := f.Read.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&says); err != nil {
		return wrongKey(err)
	}
	if says != "ok" {
		return errors.New("the database is damaged")
	}
	return nil
}
