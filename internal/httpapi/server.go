// Package httpapi serves version 1 of the API over HTTP: it reads calls,
// finds out who is calling, asks package hub, and writes answers. It also
// serves the built web pages with their security headers.
//
// It decides nothing about conversations; that is the hub's. What it promises
// is about the line: every body is bounded, every refusal is a problem (RFC
// 9457) with a stable code, no error text of ours reaches a caller or a log,
// and pages of other origins can neither act for a person nor read an answer.
package httpapi

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hub/quiet"
)

// A Config sets up a [Server]. Its zero value works, without web pages.
type Config struct {
	// Log gets identifiers, sizes and times, never content. Nil discards.
	Log *slog.Logger
	// Origins are the hub's own web origins, such as "https://chat.clinic.example".
	// If empty, an origin is the hub's own if its host is the request's.
	Origins []string
	// Links is the origin that links lead to which are sent to patients, where
	// Origins is empty. If it is empty too, none are sent: the host of a request
	// is what its sender says.
	Links string
	// Proxies are networks whose X-Forwarded-For tells the client's address.
	Proxies []netip.Prefix
	// Web is the built web pages, or nil.
	Web fs.FS
	// Sockets bounds the push connections.
	Sockets SocketLimits
	// PollWait is how long a poll is held. Zero means 25 s.
	PollWait time.Duration
}

// A Server is the HTTP side of one hub.
type Server struct {
	hub     *hub.Hub
	config  Config
	log     *slog.Logger
	api     huma.API
	handler http.Handler
	// patterns are all that handler serves.
	patterns []string
	sockets  *sockets
	metrics  *metrics
}

// New returns a Server of h. Its handler is [Server.Handler].
func New(h *hub.Hub, c Config) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.PollWait == 0 {
		c.PollWait = 25 * time.Second
	}
	useProblems()
	s := &Server{hub: h, config: c, log: slog.New(quiet.NewHandler(c.Log.Handler())), sockets: newSockets(c.Sockets), metrics: newMetrics(h)}
	mux := newRouter()
	s.api = humago.New(mux, openAPIConfig())
	s.apiRoutes(mux)
	if err := s.documentRoutes(mux); err != nil {
		return nil, err
	}
	s.scimRoutes(mux)
	s.healthRoutes(mux)
	if c.Web != nil {
		if err := s.webRoutes(mux); err != nil {
			return nil, err
		}
	}
	mux.HandleFunc("/", s.notFound)
	s.patterns = mux.patterns
	s.handler = s.outermost(mux)
	return s, nil
}

// apiRoutes registers every route of the API.
func (s *Server) apiRoutes(mux *router) {
	s.identityRoutes()
	s.staffRoutes()
	s.conversationRoutes()
	s.frameRoutes()
	s.keeperRoutes()
	s.peopleRoutes()
	s.evidenceRoutes()
	s.auditRoutes()
	s.exportRoutes()
	s.accountingRoutes()
	s.handoverRoutes()
	s.verificationRoutes()
	s.ssoRoutes(mux)
	s.relationRoutes()
	s.consentRoutes()
	s.formRoutes()
	s.uploadRoutes(mux)
	s.eventRoutes(mux)
	boundItems(s.api.OpenAPI())
}

// Handler serves everything but metrics.
func (s *Server) Handler() http.Handler { return s.handler }

// Metrics serves the figures for Prometheus. Give it a listener of its own,
// where only the operator can reach it.
func (s *Server) Metrics() http.Handler { return s.metrics.handler() }

// OpenAPI returns the API's description as indented JSON.
func (s *Server) OpenAPI() ([]byte, error) { return document(s.api) }

// Shutdown lets push connections go, which tells clients to come back, and
// waits for them until ctx ends. Call it before http.Server.Shutdown, which
// does not know of WebSockets.
func (s *Server) Shutdown(ctx context.Context) error {
	s.hub.Close()
	select {
	case <-s.sockets.allGone():
		return nil
	case <-ctx.Done():
		return errors.New("httpapi: some push connections did not end in time")
	}
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, hub.ErrNotFound)
}

func (s *Server) healthRoutes(mux *router) {
	// Alive: the process answers. Ready: the store does too.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := s.hub.Ready(ctx); err != nil {
			s.refuse(w, r, hub.ErrUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write([]byte("ok\n"))
	})
}
