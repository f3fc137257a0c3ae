// Package bench measures a running Sotto over loopback: messages a second,
// latency from send to decrypted on the other side, processor time a message,
// bytes stored and memory a connection. It prints what it saw; it asserts
// nothing, and it stops by itself.
//
// The server is another process. The clients are real: each is the engine that
// runs in browsers and in the keeper, with its state in memory.
package bench

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/sotto-health/sotto/internal/hub"
)

// A Config says what to measure and against what.
type Config struct {
	// Server starts the server and returns it once it answers.
	Server func(ctx context.Context, mode Mode) (*Server, error)
	// Store opens an empty store in this process, and says in which folder it is
	// and how to close it.
	Store func(ctx context.Context) (store hub.Store, folder string, closeStore func() error, err error)
	Out   io.Writer

	Conversations int           // that talk at once
	MessageBytes  int           // of each message's text
	Duration      time.Duration // of each phase
	Idle          int           // idle connections; 0 leaves that phase out
}

// A Mode says what the server runs.
type Mode int

// Modes.
const (
	Whole   Mode = iota // hub and keeper
	HubOnly             // the hub alone
)

// A Server is a running server process.
type Server struct {
	URL      string
	Practice string // slug
	PID      int
	Data     string // the folder whose growth counts as bytes stored
	SignIns  []SignIn
	Stop     func() error
}

// A SignIn is a staff person's: a password, and the secret of an authenticator
// app as it is typed.
type SignIn struct{ Login, Password, App string }

// Run measures everything and prints a report.
func Run(ctx context.Context, c Config) error {
	// This process stands for many devices, each of which has memory to spare.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	server, err := c.Server(ctx, Whole)
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	talk, err := newTalk(ctx, c, server)
	if err != nil {
		return fmt.Errorf("begin the conversations: %w", joinStop(err, server))
	}
	fmt.Fprintf(c.Out, "%d conversations of a patient, a staff person and the keeper; %d-byte messages; every message on disk before it is acknowledged\n",
		c.Conversations, c.MessageBytes)
	cost, err := talk.measure(ctx)
	if err != nil {
		return joinStop(err, server)
	}
	seats, err := talk.seats(ctx)
	if err != nil {
		return joinStop(err, server)
	}
	talk.close()
	if err := server.Stop(); err != nil {
		return err
	}

	if err := measureAudit(ctx, c, cost.server, cost.server+cost.clients); err != nil {
		return fmt.Errorf("measure the audit log: %w", err)
	}
	if err := measureStored(ctx, c); err != nil {
		return fmt.Errorf("measure what the audit log stores: %w", err)
	}
	if server, err = c.Server(ctx, HubOnly); err != nil {
		return fmt.Errorf("start the hub alone: %w", err)
	}
	if err := measureHub(ctx, c, server, seats); err != nil {
		return joinStop(err, server)
	}
	if c.Idle > 0 {
		if err := measureIdle(ctx, c, server); err != nil {
			return joinStop(err, server)
		}
	}
	return server.Stop()
}

func joinStop(err error, s *Server) error {
	if stopErr := s.Stop(); stopErr != nil {
		return fmt.Errorf("%w (and the server did not stop: %w)", err, stopErr)
	}
	return err
}
