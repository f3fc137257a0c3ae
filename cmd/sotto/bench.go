package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/bench"
	demopractice "github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/internal/store/sqlite"
	"github.com/sotto-health/sotto/internal/store/sqlitefile"
)

type benchCommand struct {
	Conversations int           `help:"Conversations that talk at once." default:"40"`
	MessageBytes  int           `help:"Bytes of text in a message." default:"1024"`
	Duration      time.Duration `help:"Length of each phase." default:"10s"`
	Idle          int           `help:"Idle connections to open; 0 for none." default:"20000"`
}

// Run measures a server that it starts itself, in a folder that it removes.
func (c benchCommand) Run(ctx context.Context, s streams) error {
	files, err := allowFiles(c.Idle + spareFiles)
	if err != nil {
		return err
	}
	if most := max(files-spareFiles, 0); most < c.Idle {
		fmt.Fprintf(s.out, "%d idle connections instead of %d: the system allows a process %d open files (ulimit -Hn)\n", most, c.Idle, files)
		c.Idle = most
	}
	folder, err := os.MkdirTemp("", "sotto-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx = audit.WithRequest(ctx, audit.Request{}) // its own logs go with it
	return bench.Run(ctx, bench.Config{
		Server: func(ctx context.Context, mode bench.Mode) (*bench.Server, error) {
			return startBenchServer(ctx, folder, mode)
		},
		Store: func(ctx context.Context) (hub.Store, string, func() error, error) {
			var key sqlitefile.Key
			_, _ = rand.Read(key[:]) // crypto/rand never fails
			own, err := os.MkdirTemp(folder, "store-")
			if err != nil {
				return nil, "", nil, err
			}
			store, err := sqlite.Open(ctx, filepath.Join(own, "hub.db"), key, sqlitefile.Config{})
			if err != nil {
				return nil, "", nil, err
			}
			return store, own, store.Close, nil
		},
		Out: s.out, Conversations: c.Conversations, MessageBytes: c.MessageBytes, Duration: c.Duration, Idle: c.Idle,
	})
}

// spareFiles is how many files are open apart from idle connections.
const spareFiles = 1024

// allowFiles raises this process's limit of open files, which the server
// inherits, to n, or to as many as the system allows, which it returns.
func allowFiles(n int) (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	want := uint64(n)
	if limit.Cur >= want {
		return n, nil
	}
	raised := syscall.Rlimit{Cur: want, Max: max(limit.Max, want)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		return n, nil
	}
	limit.Cur = min(want, limit.Max) // only root goes beyond
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("raise the limit of open files: %w", err)
	}
	return int(limit.Cur), nil
}

// benchRoles are the roles of those who talk.
var benchRoles = []string{"nurse", "physician"}

// startBenchServer runs this very program as a server without limits on how
// much one caller may send.
func startBenchServer(ctx context.Context, folder string, mode bench.Mode) (*bench.Server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	clinic, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"--data", folder, "serve", "--demo", "--unlimited", "--log-level=error", "--listen", address, "--clinic-listen", clinic}
	if mode == bench.HubOnly {
		args = append(args, "--no-keeper")
	}
	var output bytes.Buffer
	child := exec.CommandContext(ctx, program, args...)
	child.Stdout, child.Stderr = &output, &output
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	if err := child.Start(); err != nil {
		return nil, err
	}
	server := &bench.Server{
		URL: "http://" + address, Practice: "riverside", PID: child.Process.Pid, Data: filepath.Join(folder, "hub"),
		Stop: func() error {
			_ = child.Process.Signal(syscall.SIGTERM) // it may have ended
			if err := child.Wait(); err != nil {
				return fmt.Errorf("the server ended with %w:\n%s", err, &output)
			}
			return nil
		},
	}
	if err := awaitReady(ctx, server.URL); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	b, err := os.ReadFile(demoFile(host.Folder(folder)))
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	var demo demonstration
	if err := json.Unmarshal(b, &demo); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	file, err := practice.Parse(demopractice.PracticeFile)
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	for _, in := range demo.SignIns {
		// Not all who sign in may take part in chats.
		if !slices.ContainsFunc(file.Staff, func(s practice.Staff) bool { return s.Login == in.Login && slices.Contains(benchRoles, s.Role) }) {
			continue
		}
		server.SignIns = append(server.SignIns, bench.SignIn{Login: in.Login, Password: in.Password, App: in.App})
	}
	return server, nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func awaitReady(ctx context.Context, url string) error {
	for range 300 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(req); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("the server did not answer within 15 seconds")
}
