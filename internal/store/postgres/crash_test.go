package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
	"github.com/sotto-health/sotto/internal/store/sqlstore"
	"github.com/sotto-health/sotto/internal/store/storetest"
)

// TestT41KilledAfterEachStatement kills a process once it has sent the database
// its first statement, its second, and so on, one process for each: while it
// acts, while the events of its acts get their numbers and tiles, and after it
// published heads. The database does what it was sent, and tells nobody.
func TestT41KilledAfterEachStatement(t *testing.T) {
	url := postgrestest.NewDatabase(t)
	store := openTest(t, url, Config{})
	crash := storetest.NewCrash(t, store)
	for sent, survived := 1, false; !survived && !t.Failed(); sent += stride() {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "SOTTO_TEST_LIVE="+url, "SOTTO_TEST_LIFE="+strconv.Itoa(crash.Next(store)), "SOTTO_TEST_KILL="+strconv.Itoa(sent))
		var stdout, stderr bytes.Buffer
		child.Stdout, child.Stderr = &stdout, &stderr
		err := child.Run()
		if survived = err == nil; !survived && (child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || stderr.Len() > 0) {
			t.Fatalf("after %d: the child: %v: %s", sent, err, &stderr)
		}
		crash.Told(&stdout)
		alone(t, url)
		crash.Check(store)
	}
	crash.End(store)
}

// TestT41CutAfterEachStatement is that for a process that lives on: its
// connection is cut, so that it does not know what became of what it sent.
func TestT41CutAfterEachStatement(t *testing.T) {
	url := postgrestest.NewDatabase(t)
	store := openTest(t, url, Config{})
	crash := storetest.NewCrash(t, store)
	for sent, whole := 2, false; !whole && !t.Failed(); sent += stride() {
		life := crash.Next(store)
		var line deadline
		line.ends = func(c net.Conn) { _ = c.Close() }
		cut := line.open(t.Context(), t, url)
		line.left.Store(int64(sent))
		var stdout bytes.Buffer
		if err := storetest.LiveOnce(t.Context(), cut, life, &stdout); err != nil {
			t.Fatalf("after %d: %v", sent, err)
		}
		whole = line.left.Load() > 0
		if err := cut.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("after %d: %v", sent, err)
		}
		crash.Told(&stdout)
		alone(t, url)
		crash.Check(store)
	}
	crash.End(store)
}

// stride is from which statement to which it goes: before a release to each,
// which takes minutes.
func stride() int {
	switch {
	case os.Getenv("SOTTO_FULL") == "1":
		return 1
	case testing.Short():
		return 19
	}
	return 5
}

// alone waits until the database has noticed that a client is gone: until then
// it may still do what it was sent.
func alone(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	const others = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`
	for n := 1; n > 0; {
		if err := conn.QueryRow(ctx, others, mortal).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

// mortal is how those that are killed or cut call themselves.
const mortal = "sotto-mortal"

// A deadline is a way to the database that ends after so many statements.
type deadline struct {
	left atomic.Int64 // 0 is for ever
	ends func(net.Conn)
}

func (d *deadline) open(ctx context.Context, t *testing.T, url string) *sqlstore.Store {
	parsed, err := pgx.ParseConfig(url)
	if err == nil {
		parsed.RuntimeParams["application_name"] = mortal
		dial := parsed.DialFunc
		parsed.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &deadlyConn{conn, d}, err
		}
		var store *sqlstore.Store
		if store, err = open(ctx, parsed, Config{}); err == nil {
			return store
		}
	}
	if t == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t.Fatal(err)
	return nil
}

type deadlyConn struct {
	net.Conn
	*deadline
}

func (c *deadlyConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.left.Load() > 0 && c.left.Add(-1) == 0 {
		c.ends(c.Conn)
	}
	return n, err
}

// liveOnce is the child of TestT41KilledAfterEachStatement.
func liveOnce(url, life, kill string, out io.Writer) error {
	number, err1 := strconv.Atoi(life)
	sent, err2 := strconv.Atoi(kill)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	line := deadline{ends: func(net.Conn) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}}
	ctx := context.Background()
	store := line.open(ctx, nil, url)
	line.left.Store(int64(sent))
	if err := storetest.LiveOnce(ctx, store, number, out); err != nil && !errors.Is(err, hub.ErrUnavailable) {
		return err
	}
	return store.Close()
}
