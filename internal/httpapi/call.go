package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// Refusals that arise here.
var (
	errOrigin    = errors.New("foreign origin")
	errMediaType = errors.New("not application/json")
	errPatch     = errors.New("not application/offset+octet-stream")
)

// A call is what is known of one request from its first moment on.
type call struct {
	id      string
	address string // the client's, as far as known
	auth    string // Authorization header
	cookie  string // the staff cookie's value
	known   string // that of a browser where staff signed in before
	sso     string // that of an attempt at the practice's OpenID provider
	key     string // Idempotency-Key
	browser string // as it names itself, short
	origin  string // that the call was made to
	proof   hub.BrowserProof

	// Set on the way, for the logs:
	device  string
	person  string
	actor   hub.Actor     // once it is known who calls
	request *http.Request // with its route, once that is found
	cause   error         // why it was refused, for errors of ours
}

type callKey struct{}

// callOf returns the request's call, or an empty one outside a request.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

func newRequestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// outermost gives every request its id, security headers, a bound on its body
// where no route sets one, and its line in the log.
func (s *Server) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		c := &call{id: newRequestID(), address: s.address(r), auth: r.Header.Get("Authorization"), key: r.Header.Get(requestKeyHeader), browser: browserOf(r.UserAgent()), origin: originOf(r)}
		c.proof = hub.BrowserProof{Method: r.Method, Path: r.URL.EscapedPath(), Value: r.Header.Get(browserHeader)}
		if k, err := r.Cookie(staffCookie); err == nil {
			c.cookie = k.Value
		}
		if k, err := r.Cookie(knownCookie); err == nil {
			c.known = k.Value
		}
		if k, err := r.Cookie(ssoCookie); err == nil {
			c.sso = k.Value
		}
		ctx := audit.WithRequest(r.Context(), audit.Request{ID: c.id, Address: c.address})
		r = r.WithContext(context.WithValue(ctx, callKey{}, c))
		c.request = r
		out := &recorder{ResponseWriter: w}
		s.setHeaders(out.Header(), r, c.id)
		defer func() {
			what := recover()
			if err, ok := what.(error); ok && errors.Is(err, http.ErrAbortHandler) { // an answer was broken off on purpose
				s.finish(r, c, out, time.Since(start))
				panic(what)
			}
			if what != nil {
				// The panic's value may hold anything: only that it happened is
				// logged, with the id that the caller is told.
				s.log.ErrorContext(r.Context(), "panic", slog.String("request", c.id), slog.String("route", r.Pattern))
				if out.status == 0 {
					s.refuse(out, r, errors.New("panic"))
				}
			}
			s.finish(r, c, out, time.Since(start))
		}()
		if err := s.admit(r, c); err != nil {
			s.refuse(out, r, err)
			return
		}
		r.Body = http.MaxBytesReader(out, r.Body, maxBody)
		next.ServeHTTP(out, r)
	})
}

// maxBody bounds every body; most routes bound theirs lower.
const maxBody = 6 << 20

func (s *Server) setHeaders(h http.Header, r *http.Request, id string) {
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), payment=(), usb=(), browsing-topics=()")
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
}

// admit refuses what no route should see: a call for a person by a page of
// another origin, a token in the address, too many calls without a session.
func (s *Server) admit(r *http.Request, c *call) error {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		return nil
	}
	if !s.ownOrigin(r) {
		return errOrigin
	}
	if q := r.URL.Query(); q.Has("token") || q.Has("access_token") {
		return &hub.MalformedError{Field: "token"} // addresses end up in logs
	}
	if c.auth == "" {
		return s.allowStranger(r.Context(), c)
	}
	return nil
}

// allowStranger bounds the calls for which nobody has shown a session.
func (s *Server) allowStranger(ctx context.Context, c *call) error {
	err := s.hub.AllowAnonymous(c.address)
	if err != nil {
		return s.hub.AllowKnown(ctx, c.known, c.cookie, err)
	}
	return nil
}

// ownOrigin reports whether a request may act for a person: it changes
// nothing, or comes from a page of ours, or from no page at all. Browsers send
// Origin with every POST, PUT, PATCH, DELETE and WebSocket.
func (s *Server) ownOrigin(r *http.Request) bool {
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
	if site := r.Header.Get("Sec-Fetch-Site"); changes && site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if len(s.config.Origins) > 0 {
		return slices.Contains(s.config.Origins, origin)
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// originOf is the origin of ours that a call was made to: the page's, if the
// browser names it, for behind a proxy only the browser knows the scheme.
func originOf(r *http.Request) string {
	if o := r.Header.Get("Origin"); o != "" {
		return o
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// address returns the client's address: of the connection, or, behind a proxy
// we know, the last one that proxy saw.
func (s *Server) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	trusted := func(a string) bool {
		ip, err := netip.ParseAddr(a)
		return err == nil && slices.ContainsFunc(s.config.Proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	if !trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop != "" && !trusted(hop) {
			if _, err := netip.ParseAddr(hop); err == nil {
				return hop
			}
			return host
		}
	}
	return host
}

// finish logs a call and counts it. The route is the pattern, not the path.
func (s *Server) finish(r *http.Request, c *call, out *recorder, took time.Duration) {
	route := r.Pattern
	if route == "" || route == "/" {
		route = "none"
	}
	status := out.status
	if status == 0 {
		status = http.StatusOK
	}
	s.metrics.observe(route, status, took)
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	} else if status < 400 {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request", c.id), slog.String("route", route), slog.Int("status", status),
		slog.Int64("bytes", out.bytes), slog.Duration("took", took),
		slog.String("device", c.device), slog.String("person", c.person),
	}
	if status >= 500 && c.cause != nil {
		attrs = append(attrs, slog.String("cause", causeOf(c.cause)))
	}
	s.log.LogAttrs(r.Context(), level, "call", attrs...)
}

// causeOf says where an error came up and of what type it is. Its text stays
// out: it is not all ours and might hold data.
func causeOf(err error) string {
	words := ""
	for step := (*hub.StepError)(nil); errors.As(err, &step); err = step.Err {
		words += string(step.Step) + ": "
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return fmt.Sprintf("%s%T", words, err)
}

// noteRefusal keeps why a call failed here, for the operator's log, and records
// in the practice's that policy forbade it.
func (s *Server) noteRefusal(ctx context.Context, p *problem, err error) {
	c := callOf(ctx)
	if p.Status >= 500 {
		c.cause = err
	}
	if c.actor != nil && p.Status < 500 {
		s.noteRefused(ctx, c.actor, err)
	}
}

func (s *Server) noteRefused(ctx context.Context, who hub.Actor, err error) {
	c := callOf(ctx)
	method, path, _ := strings.Cut(c.request.Pattern, " ")
	s.hub.NoteRefusal(ctx, who, operationID(method, path), c.request.PathValue("id"), err)
}

// A recorder notes the status and size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController, and so WebSockets, reach the writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
