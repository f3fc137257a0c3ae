package sqlstore

import (
	"database/sql"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// A Dialect is all that differs between two engines. The statements are
// written for PostgreSQL, in the part of its language that others share.
type Dialect struct {
	// Goose names the engine to the migrations' book-keeping.
	Goose goose.Dialect
	// Types replaces words of the migrations, old and new by turns.
	Types *strings.Replacer
	// Parameter is what a parameter's number follows in a statement: "$".
	Parameter string
	// Lock ends a SELECT whose rows nobody else may change until the
	// transaction ends. It is empty where there is but one writer.
	Lock string
	// LockShared is Lock, but lets others do the same.
	LockShared string
	// Elements is a subquery of the strings in the JSON array that replaces %s.
	Elements string
	// Snapshot is a transaction that reads one state of the database.
	Snapshot sql.TxOptions
	// Prepare says whether statements are worth preparing here; if not, the
	// driver does so itself.
	Prepare bool
	// Writers is how many transactions write at a time.
	Writers int
	// Timeout ends a transaction that hangs, such as on a lost connection.
	// Zero means never.
	Timeout time.Duration
	// Clock asks for the engine's time in Unix milliseconds. Empty means that
	// it is this machine's.
	Clock string
	// LogBytes asks for what the audit log's tables and indexes take of the disk.
	// Empty means that the engine cannot tell cheaply.
	LogBytes string
	// Classify says what an error of the driver means.
	Classify func(error) Class
}

// A Class is what an error means to the store.
type Class int

// The classes.
const (
	Foreign     Class = iota // not the engine's at all
	Fault                    // the engine's, and none of those below
	Exists                   // a unique index has the value already
	Full                     // no space is left
	Retry                    // the transaction can be run again and may succeed
	Unavailable              // the engine cannot be reached
	Broken                   // the disk failed, and what it holds is not known
)

func (d Dialect) statement(query string) string {
	if d.Parameter == "$" {
		return query
	}
	return strings.ReplaceAll(query, "$", d.Parameter)
}

// in is a condition that the column is one of the strings in a JSON array.
func (d Dialect) in(column, parameter string) string {
	return column + " IN (" + strings.ReplaceAll(d.Elements, "%s", parameter) + ")"
}
