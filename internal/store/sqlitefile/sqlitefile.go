// Package sqlitefile opens an encrypted SQLite file the way all of Sotto's
// stores need it: every committed transaction on disk, and nothing readable
// without the key in the file, its write-ahead log or a temporary file.
//
// Pages are encrypted with AES-256-XTS. That hides what they hold from whoever
// copies the disk; it does not show that somebody changed them (sign backups,
// and keep what must be tamper-evident in a chain of hashes).
package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/sotto-health/sotto/internal/durable"
)

// KeySize is the length of a [Key] in bytes: two AES-256 keys, as XTS takes.
const KeySize = 64

// A Key encrypts one file. It prints redacted.
type Key [KeySize]byte

func (Key) String() string       { return "key:redacted" }
func (Key) GoString() string     { return "key:redacted" }
func (Key) LogValue() slog.Value { return slog.StringValue("key:redacted") }

// ErrWrongKey reports a file that is no database under the key given: the key
// is another file's, or the file is damaged in its first page.
var ErrWrongKey = errors.New("the database cannot be read with this key")

// A Config adjusts how a file is opened. Its zero value is ready for use.
type Config struct {
	// Readers is the most concurrent reading connections. Zero means 4.
	Readers int
	// MaxPages limits the file's size, in pages of 4 KiB. Zero means no limit
	// but the disk's.
	MaxPages int
	// BusyTimeout is how long to wait for another process that holds the
	// file's lock. Zero means 10 seconds.
	BusyTimeout time.Duration
	// Overwrite has deleted rows overwritten in the file, and gone from its log
	// within seconds, for a store of keys that must not come back.
	Overwrite bool
}

// A File is an open database. SQLite has one writer at a time, so the writing
// handle is a single connection, and whoever needs it waits its turn.
type File struct {
	Write *sql.DB // one connection; its transactions begin immediate
	Read  *sql.DB // several connections that cannot write

	checkpointer *checkpointer
}

// mostMemory bounds what the connection that writes takes: a transaction's pages
// stay in memory until it commits (cache_spill), and a migration that makes an
// index of millions of rows has many. The driver's own bound is 256 MB.
const mostMemory = 4 << 30

// Open opens the file at path, or makes it, with its folder if need be. A
// wrong key is found here, as [ErrWrongKey], and not at the first query.
func Open(ctx context.Context, path string, key Key, config Config) (*File, error) {
	register()
	if config.Readers <= 0 {
		config.Readers = 4
	}
	if config.BusyTimeout <= 0 {
		config.BusyTimeout = 10 * time.Second
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := prepare(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	file := new(File)
	moves := config
	if config.Overwrite {
		// It holds the writer while it waits for who reads the log, as a backup
		// does for long: it had better come again.
		moves.BusyTimeout = 50 * time.Millisecond
	}
	checkpoint, err := open(path, key, moves, nil)
	if err != nil {
		return nil, err
	}
	file.checkpointer = startCheckpointer(checkpoint, config.Overwrite)
	if file.Write, err = open(path, key, config, file.checkpointer.committed); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	file.Write.SetMaxOpenConns(1)
	file.Write.SetMaxIdleConns(1)
	if err := ping(sqlite3.WithMaxMemory(ctx, mostMemory), file.Write); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), file.Close())
	}
	if file.Read, err = open(path, key, config, nil, `PRAGMA query_only=on`); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	file.Read.SetMaxOpenConns(config.Readers)
	file.Read.SetMaxIdleConns(config.Readers)
	if err := ping(ctx, file.Read); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), file.Close())
	}
	return file, nil
}

// Close closes the handles. The write-ahead log is moved into the file.
func (f *File) Close() error {
	err := f.checkpointer.close()
	for _, db := range []*sql.DB{f.Read, f.Write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// IsFull reports whether err says that the disk, a quota of it, or the file's
// permitted size is used up.
func IsFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, syscall.ENOSPC) ||
		errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// prepare makes an empty file that only its owner may read: SQLite's own would
// be readable by all. So would be the index of its log, and whoever may read
// that may lock it, so that nobody can write any more.
func prepare(path string) error {
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	for _, path := range []string{path, path + "-shm"} {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// A hook is called after each transaction that wrote, with the length of the
// write-ahead log in pages.
type hook func(conn *sqlite3.Conn, schema string, pages int) error

// open returns a handle that makes connections as needed. A hook stands in for
// SQLite's own care of the log.
func open(path string, key Key, config Config, committed hook, more ...string) (*sql.DB, error) {
	query := url.Values{
		"vfs":     {layer},
		"modeof":  {path}, // the write-ahead log gets the file's mode
		"_txlock": {"immediate"},
	}
	// SQLite, unlike browsers, takes a plus sign for a plus sign.
	encoded := strings.ReplaceAll(query.Encode(), "+", "%20")
	name := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: encoded}
	return driver.Open(name.String(), func(c *sqlite3.Conn) error {
		// The key comes first, then the busy timeout (the driver asks for
		// this order). It is not part of the name, because names are logged.
		if err := c.Exec("PRAGMA hexkey='" + hex.EncodeToString(key[:]) + "'"); err != nil {
			return errors.New("set the database's key") // the cause may quote it
		}
		if err := c.BusyTimeout(config.BusyTimeout); err != nil {
			return err
		}
		if committed != nil {
			c.WALHook(committed)
		}
		pragmas := fmt.Sprintf(`
			PRAGMA temp_store=memory;
			PRAGMA page_size=%d;
			PRAGMA journal_mode=wal;
			PRAGMA synchronous=full;
			PRAGMA journal_size_limit=67108864;
			PRAGMA cache_size=-16384;
			PRAGMA cache_spill=off;
			PRAGMA foreign_keys=on;
			PRAGMA trusted_schema=off;`, pageSize) + strings.Join(more, ";")
		if config.Overwrite {
			pragmas += `;PRAGMA secure_delete=on`
		}
		if config.MaxPages > 0 {
			pragmas += fmt.Sprintf(`;PRAGMA max_page_count=%d`, config.MaxPages)
		}
		return wrongKey(c.Exec(pragmas))
	})
}

// ping makes a connection and reads the first page, which needs the right key.
func ping(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return wrongKey(err)
	}
	if mode != "wal" {
		return fmt.Errorf("write-ahead log is not available here (journal mode %s)", mode)
	}
	var tables int
	return wrongKey(db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables))
}

func wrongKey(err error) error {
	if errors.Is(err, sqlite3.NOTADB) { // no page decrypts to what SQLite writes first
		return ErrWrongKey
	}
	return err
}
