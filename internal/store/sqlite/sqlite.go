// Package sqlite keeps the hub's data in one encrypted SQLite file. It suits a
// single server: there is nothing else to install, and every commit is on disk
// when it returns.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pressly/goose/v3"

	"github.com/sotto-health/sotto/internal/store/sqlitefile"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

// Open opens the store in the file at path, which is made if it is not there.
// A key that is not the file's gives [sqlitefile.ErrWrongKey].
func Open(ctx context.Context, path string, key sqlitefile.Key, config sqlitefile.Config) (*sqlstore.Store, error) {
	file, err := sqlitefile.Open(ctx, path, key, config)
	if err != nil {
		return nil, err
	}
	db := sqlstore.Databases{Write: file.Write, Read: file.Read, Closer: file}
	store, err := sqlstore.New(ctx, db, dialect())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), file.Close())
	}
	return store, nil
}

func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Goose: goose.DialectSQLite3,
		Types: strings.NewReplacer(
			"BYTEA", "BLOB",
			"BIGSERIAL", "INTEGER",
			"BIGINT", "INTEGER",
			"\n);", "\n) STRICT;",
		),
		// A "$1" would be a name to SQLite, numbered by first appearance.
		Parameter: "?",
		Elements:  `SELECT value FROM json_each(%s)`,
		Snapshot:  sql.TxOptions{ReadOnly: true},
		Prepare:   true,
		Writers:   1,
		Classify:  classify,
	}
}

func classify(err error) sqlstore.Class {
	// The driver returns an error with its text, or the bare code.
	if !errors.As(err, new(sqlite3.ErrorCode)) {
		return sqlstore.Foreign
	}
	switch {
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY):
		return sqlstore.Exists
	case sqlitefile.IsFull(err):
		return sqlstore.Full
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return sqlstore.Retry
	case errors.Is(err, sqlite3.IOERR), errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return sqlstore.Broken
	case errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, sqlite3.INTERRUPT), errors.Is(err, sqlite3.NOMEM):
		return sqlstore.Unavailable
	}
	return sqlstore.Fault
}
