package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog/stream"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/httpapi"
)

// A ServeConfig says where and what to serve.
type ServeConfig struct {
	// Listen is the address of the API and the pages, such as "127.0.0.1:8480".
	Listen string
	// MetricsListen is the address of the metrics; empty serves none.
	MetricsListen string
	// CertFile and KeyFile are for TLS; both empty means that a proxy, or only
	// this machine, is in front.
	CertFile, KeyFile string
	// Origins are the hub's own web origins; see [httpapi.Config].
	Origins []string
	// Links is the origin of links that are sent; see [httpapi.Config].
	Links   string
	Proxies []netip.Prefix
	Web     fs.FS
	Log     *slog.Logger
	// AuditCheckpoints is a folder for the signed heads of the audit logs; empty
	// publishes none.
	AuditCheckpoints string
	// AuditArchive is a folder for the audit logs themselves, whole, as package
	// archive writes them; empty keeps none besides the database.
	AuditArchive string
	// AuditWitnesses sign the heads of the audit logs.
	AuditWitnesses []witness.Party
	// AuditStreams send the audit logs to receivers outside as they grow.
	AuditStreams []stream.Setting
	// Grace is how long calls may take to end when stopping. Zero means 10 s.
	Grace time.Duration
	// Listening is called once calls are accepted, with the address of a second
	// listener, without TLS, that only this machine can reach: a keeper in the
	// same program uses it. May be nil.
	Listening func(local net.Addr)
}

// lastWrite is how long it may take to write down that the hub has stopped.
const lastWrite = 5 * time.Second

// Serve serves h until ctx ends, then lets every call finish within the grace
// time. It returns nil after a clean stop.
func Serve(ctx context.Context, h *OpenHub, c ServeConfig) error {
	defer spareCollector()()
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	api, err := httpapi.New(h.Hub, httpapi.Config{Log: c.Log, Origins: c.Origins, Links: c.Links, Proxies: c.Proxies, Web: c.Web})
	if err != nil {
		return err
	}
	if c.AuditCheckpoints != "" {
		if err := durable.MakeFolder(c.AuditCheckpoints, 0o755); err != nil {
			return fmt.Errorf("make the folder of checkpoints: %w", err)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	local, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(fmt.Errorf("listen for the keeper: %w", err), listener.Close())
	}
	if err := h.NoteStarted(ctx, protection(&c)); err != nil {
		return errors.Join(fmt.Errorf("that the hub starts could not be written down, so it does not: %w", err), listener.Close(), local.Close())
	}
	parts, err := newLogParts(ctx, h, c)
	if err != nil {
		return errors.Join(fmt.Errorf("who watches the audit log could not be written down, so the hub does not start: %w", err), listener.Close(), local.Close())
	}
	main := newServer(api.Handler())
	failed := make(chan error, 3)
	go func() { failed <- main.Serve(local) }()
	go func() {
		if c.CertFile != "" {
			failed <- main.ServeTLS(listener, c.CertFile, c.KeyFile)
		} else {
			failed <- main.Serve(listener)
		}
	}()
	metrics, err := serveMetrics(ctx, c.MetricsListen, api.Metrics(), failed)
	if err != nil {
		return errors.Join(err, main.Close())
	}
	gone, err := noteRunning(ctx, h, c, listener.Addr().String())
	if err != nil {
		return errors.Join(err, main.Close())
	}
	defer gone()
	c.Log.InfoContext(ctx, "serving", slog.String("address", listener.Addr().String()))
	if c.Listening != nil {
		c.Listening(local.Addr())
	}
	sweep(ctx, h, c.Log)
	go every(ctx, time.Second, h.GrowLogs, func() {
		c.Log.ErrorContext(ctx, "the audit log could not be continued; its events wait")
	})
	// A long log takes a while to be searched, and holds up nothing else.
	go every(ctx, 30*time.Second, h.SearchLogs, func() {
		c.Log.ErrorContext(ctx, "the audit log could not be searched for what should be looked at")
	})
	go watchClock(ctx, h, c.Log)
	go measureLogs(ctx, h, c.AuditArchive, c.Log)
	go parts.renew(ctx)
	if c.AuditCheckpoints != "" || len(c.AuditWitnesses) > 0 {
		go publishCheckpoints(ctx, h, c.AuditCheckpoints, c.AuditWitnesses, parts)
	}
	if c.AuditArchive != "" {
		go archiveLogs(ctx, h, c.AuditArchive, parts)
	}
	streaming, stopStreaming := context.WithCancel(ctx)
	defer stopStreaming()
	streams := runStreams(streaming, h, c.AuditStreams, c.Log)

	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Grace)
	defer cancel()
	err = errors.Join(err, api.Shutdown(stopping), main.Shutdown(stopping))
	if metrics != nil {
		err = errors.Join(err, metrics.Shutdown(stopping))
	}
	stopStreaming()
	streams.Wait()
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return errors.Join(err, h.NoteStopped(writing))
}

func serveMetrics(ctx context.Context, address string, handler http.Handler, failed chan<- error) (*http.Server, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	server := newServer(handler)
	go func() { failed <- server.Serve(listener) }()
	return server, nil
}

// newServer bounds how slowly a caller may speak. Bodies are bounded and timed
// per route; a poll or an upload may take longer than a header.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // its texts may hold addresses and bytes of callers
	}
}

// every calls do once a period until ctx ends, and failed if it fails before.
func every(ctx context.Context, period time.Duration, do func(context.Context) error, failed func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				failed()
			}
		}
	}
}

// sessionCheck is how soon a session that was ended elsewhere, as by the
// command line, ends here too.
const sessionCheck = 500 * time.Millisecond

// firstLook is when controls are first looked at after a start: by then it
// answers calls, which the look tries.
const firstLook = 20 * time.Second

// A sweeper is what has to be called now and then: a hub.
type sweeper interface {
	CheckSessions(ctx context.Context) error
	SweepMailboxes()
	EndEmergencies(ctx context.Context) error
	Sweep(ctx context.Context) error
	SweepOrphans(ctx context.Context) error
	Beat(ctx context.Context)
	LookDaily(ctx context.Context) error
}

// sweep ends what is over, at once, and drops what has expired, every few
// minutes, until ctx ends. Each goes on by itself: a look at the controls waits
// for other machines, and files are asked about one by one, while a session that
// was ended elsewhere is over within a second.
func sweep(ctx context.Context, h sweeper, log *slog.Logger) {
	go every(ctx, 5*time.Second, func(ctx context.Context) error { h.Beat(ctx); return nil }, nil)
	go every(ctx, sessionCheck, h.CheckSessions, func() {
		log.WarnContext(ctx, "staff sessions could not be checked")
	})
	go every(ctx, 15*time.Second, func(context.Context) error { h.SweepMailboxes(); return nil }, nil)
	go every(ctx, 15*time.Second, h.EndEmergencies, func() {
		log.WarnContext(ctx, "emergency accesses could not be ended")
	})
	go every(ctx, 5*time.Minute, h.Sweep, func() {
		log.WarnContext(ctx, "what has expired could not be dropped")
	})
	go every(ctx, time.Hour, h.SweepOrphans, func() {
		log.WarnContext(ctx, "orphaned files could not be dropped")
	})
	look := func() {
		log.WarnContext(ctx, "controls could not be looked at")
	}
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(firstLook):
		}
		if err := h.LookDaily(ctx); err != nil && ctx.Err() == nil {
			look()
		}
		every(ctx, time.Hour, h.LookDaily, look)
	}()
}
