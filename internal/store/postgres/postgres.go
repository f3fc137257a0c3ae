// Package postgres keeps the hub's data in PostgreSQL, for practices that run
// one already or want several hubs. It relies on nothing that a distributed
// database with PostgreSQL's protocol would lack, and runs transactions again
// that such a database aborts.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/sotto-health/sotto/internal/store/sqlstore"
)

// A Config adjusts the pool of connections. Its zero value is ready for use.
type Config struct {
	// Connections is the most open at once. Zero means 16. Less than 8 is
	// taken as 8.
	Connections int
	// Writers is how many transactions write at once. Zero means 4.
	Writers int
}

// Open opens the store in the database at url, such as
// postgres://sotto@db.example/sotto?sslmode=verify-full.
func Open(ctx context.Context, url string, config Config) (*sqlstore.Store, error) {
	parsed, err := pgx.ParseConfig(url)
	if err != nil {
		// pgx leaves the password out of its text, but quotes the rest.
		return nil, errors.New("the database's address is not a PostgreSQL URL or key=value list")
	}
	return open(ctx, parsed, config)
}

func open(ctx context.Context, parsed *pgx.ConnConfig, config Config) (*sqlstore.Store, error) {
	if config.Connections == 0 {
		config.Connections = 16
	}
	if config.Writers <= 0 {
		config.Writers = 4
	}
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = 10 * time.Second
	}
	// Acknowledged is durable: the database's own setting could say otherwise.
	if parsed.RuntimeParams["synchronous_commit"] == "" {
		parsed.RuntimeParams["synchronous_commit"] = "on"
	}
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = "sotto-hub"
	}
	db := stdlib.OpenDB(*parsed)
	db.SetMaxOpenConns(max(config.Connections, 8, config.Writers+4))
	db.SetMaxIdleConns(max(config.Connections, 8, config.Writers+4))
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the database: %w", err), db.Close())
	}
	store, err := sqlstore.New(ctx, sqlstore.Databases{Write: db, Read: db, Closer: db}, dialect(config.Writers))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}

func dialect(writers int) sqlstore.Dialect {
	return sqlstore.Dialect{
		Goose: goose.DialectPostgres,
		// Ids order by their bytes, whatever the database's locale.
		Types:      strings.NewReplacer("TEXT", `TEXT COLLATE "C"`),
		Parameter:  "$",
		Lock:       ` FOR UPDATE`,
		LockShared: ` FOR SHARE`,
		Elements:   `SELECT json_array_elements_text(CAST(%s AS json))`,
		Snapshot:   sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		Writers:    writers,
		Timeout:    30 * time.Second,
		Clock:      `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`,
		LogBytes:   `SELECT CAST(pg_total_relation_size('audit_entry') + pg_total_relation_size('audit_tile') + pg_total_relation_size('audit_log') AS BIGINT)`,
		Classify:   classify,
	}
}

// classify goes by SQLSTATE (PostgreSQL manual, appendix A).
func classify(err error) sqlstore.Class {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		switch class := server.Code[:2]; {
		case server.Code == "23505": // unique_violation
			return sqlstore.Exists
		case server.Code == "53100": // disk_full
			return sqlstore.Full
		case class == "40": // serialization_failure, deadlock_detected ...
			return sqlstore.Retry
		case class == "08", class == "53", class == "57", class == "58":
			return sqlstore.Unavailable // lost, out of resources, shut down, system error
		case server.Code == "25006": // read_only_sql_transaction: it became a standby
			return sqlstore.Unavailable
		}
		return sqlstore.Fault
	}
	var network net.Error
	switch {
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return sqlstore.Fault
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.As(err, &network),
		errors.As(err, new(*pgconn.ConnectError)), pgconn.SafeToRetry(err), pgconn.Timeout(err),
		strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "unexpected EOF"):
		return sqlstore.Unavailable
	}
	return sqlstore.Foreign
}
