// Package postgrestest gives tests a PostgreSQL of their own: a throw-away
// cluster in a temporary folder, made with the system's binaries, reached by a
// socket in that folder, and stopped when the tests end.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	start     = sync.OnceValues(newCluster) // the one of this process
	started   atomic.Pointer[cluster]
	databases atomic.Int64
)

var errNotInstalled = errors.New("PostgreSQL is not installed")

// Run runs a package's tests and then stops the cluster, if one was needed:
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
func Run(m *testing.M) int {
	defer func() {
		if c := started.Load(); c != nil {
			c.stop()
		}
	}()
	return m.Run()
}

// NewDatabase returns the address of a new, empty database. Where PostgreSQL
// is not installed the test is skipped, but fails under CI.
func NewDatabase(t testing.TB) string {
	t.Helper()
	c, err := start()
	if errors.Is(err, errNotInstalled) && os.Getenv("CI") == "" {
		t.Skip("SKIPPED: PostgreSQL is not installed, so nothing was tested on it (Debian: apt-get install postgresql)")
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "test" + strconv.FormatInt(databases.Add(1), 10)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return c.address(name)
}

type cluster struct {
	folder  string
	process *exec.Cmd
	log     *bytes.Buffer
	ended   chan error
}

func newCluster() (*cluster, error) {
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "sotto-pg")
	if err != nil {
		return nil, err
	}
	c := &cluster{folder: folder, log: new(bytes.Buffer), ended: make(chan error, 1)}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if account != nil {
		if err := os.Chown(folder, int(account.Uid), int(account.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(binaries, "initdb"), "--pgdata="+data, "--username=sotto",
		"--auth=trust", "--encoding=UTF8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = folder, attributes(account)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(folder))
	}
	c.process = exec.Command(filepath.Join(binaries, "postgres"), "-D", data, "-k", folder, "-h", "",
		"-c", "max_connections=100", "-c", "shared_buffers=64MB")
	c.process.Dir, c.process.SysProcAttr = folder, attributes(account)
	c.process.Stdout, c.process.Stderr = c.log, c.log
	// The process is started and awaited on one thread, because attributes
	// ask the system to end it with the thread that started it.
	running := make(chan error)
	go runLocked(c.process, running, c.ended)
	if err := <-running; err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := c.await(); err != nil {
		c.stop()
		return nil, fmt.Errorf("start postgres: %w\n%s", err, c.log)
	}
	started.Store(c)
	return c, nil
}

func (c *cluster) await() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, c.address("postgres"))
		if err == nil {
			err = conn.Close(ctx)
			cancel()
			return err
		}
		cancel()
		select {
		case err := <-c.ended:
			c.ended <- err
			return errors.Join(errors.New("it ended"), err)
		default:
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func (c *cluster) address(database string) string {
	query := url.Values{"host": {c.folder}, "user": {"sotto"}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

func (c *cluster) stop() {
	_ = c.process.Process.Signal(syscall.SIGQUIT) // at once: nothing is worth keeping
	<-c.ended
	_ = os.RemoveAll(c.folder)
}

// findBinaries returns the folder of the newest PostgreSQL installed.
func findBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errNotInstalled
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// unprivileged returns whom to run as: PostgreSQL refuses to run as root. It
// is nil where that is not needed.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("no account to run PostgreSQL as")
}
