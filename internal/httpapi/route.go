package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/internal/hub"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// Bounds of bodies, bytes.
const (
	smallBody     = 64 << 10
	frameBody     = 4 << 20 // SendFrame: a frame, a Welcome and a GroupInfo in base64
	createBody    = 6 << 20
	packagesBody  = 3 << 20
	bodyReadLimit = 20 * time.Second
)

// Names of the ways to sign in, in the API's description.
const (
	bearerScheme = "device"
	cookieScheme = "staff"
)

// tags of the description, by which its page is ordered.
const (
	tagPractice     = "Practice"
	tagIdentity     = "Devices"
	tagVerification = "Verification"
	tagStaff        = "Staff"
	tagConversation = "Conversations"
	tagFrames       = "Frames"
	tagAttachments  = "Attachments"
	tagEvents       = "Events"
	tagKeeper       = "Keeper"
	tagAdmin        = "Administration"
)

// in is a call with a body and nothing else.
type in[B any] struct{ Body B }

// ByID is a call with an id in the path.
type ByID struct {
	ID string `path:"id" maxLength:"64"`
}

// inID is a call with both.
type inID[B any] struct {
	ByID
	Body B
}

// out is an answer with a body.
type out[B any] struct{ Body B }

func answer[B any](b B, err error) (*out[B], error) {
	if err != nil {
		return nil, err
	}
	return &out[B]{Body: b}, nil
}

// none is a call or answer with nothing in it.
type none struct{}

type callerKey struct{}

func op(method, path, tag, summary string, change ...func(*huma.Operation)) huma.Operation {
	o := huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Tags: []string{tag}, Summary: summary,
		MaxBodyBytes: smallBody, BodyReadTimeout: bodyReadLimit,
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func body(limit int64) func(*huma.Operation) {
	return func(o *huma.Operation) { o.MaxBodyBytes = limit }
}

func status(code int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.DefaultStatus = code }
}

func refusals(codes ...int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Errors = codes }
}

func about(text string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Description = text }
}

func operationID(method, path string) string {
	path = strings.NewReplacer("/v1/", "", "/scim/v2/", "directory-", "{", "by-", "}", "", "/", "-").Replace(path)
	return strings.ToLower(method) + "-" + path
}

// open registers a route that needs no session.
func open[I, O any](s *Server, o huma.Operation, f func(context.Context, *I) (*O, error)) {
	o.Middlewares = append(o.Middlewares, func(hc huma.Context, next func(huma.Context)) {
		if c := callOf(hc.Context()); c.auth != "" { // nobody looks at it here: as anonymous as a call with none, see admit
			if err := s.allowStranger(hc.Context(), c); err != nil {
				s.writeProblem(hc, err)
				return
			}
		}
		next(hc)
	})
	huma.Register(s.api, o, func(ctx context.Context, i *I) (*O, error) {
		reply, err := f(ctx, i)
		return reply, s.refusal(ctx, err)
	})
}

// device registers a route for devices: the session is checked before the
// body is read.
func device[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.Caller, *I) (*O, error)) {
	callers(s, o, s.authenticate, f, bearerScheme)
}

// staff registers a route for a signed-in staff person.
func staff[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	callers(s, o, s.authenticateStaff, f, cookieScheme)
}

// expiredStaff registers a route for a staff person whose password may have
// expired: what it takes to choose another.
func expiredStaff[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	callers(s, o, s.unlockedStaff, f, cookieScheme)
}

// lockedStaff registers a route for a staff person whose session may be
// locked.
func lockedStaff[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	callers(s, o, func(ctx context.Context) (*hub.StaffCaller, error) {
		return s.staffFrom(ctx)
	}, f, cookieScheme)
}

// leavingStaff is lockedStaff from anywhere: nobody is kept in a session because
// of where they are.
func leavingStaff[I, O any](s *Server, o huma.Operation, f func(context.Context, *hub.StaffCaller, *I) (*O, error)) {
	callers(s, o, func(ctx context.Context) (*hub.StaffCaller, error) {
		c, err := s.ownSession(ctx)
		if err != nil {
			return nil, err
		}
		call := callOf(ctx)
		call.actor, call.person = c, c.Person.ID
		return c, nil
	}, f, cookieScheme)
}

// member registers a route for anybody of a practice: a device, or a signed-in
// staff person. Whoever shows a token is judged by it alone.
func member[I, O any](s *Server, o huma.Operation, f func(ctx context.Context, practice string, i *I) (*O, error)) {
	callers(s, o, s.practiceOf, f, bearerScheme, cookieScheme)
}

// callers registers a route for whom authenticate knows, before the body is
// read, by one of the schemes.
func callers[C, I, O any](s *Server, o huma.Operation, authenticate func(context.Context) (C, error), f func(context.Context, C, *I) (*O, error), schemes ...string) {
	for _, scheme := range schemes {
		o.Security = append(o.Security, map[string][]string{scheme: {}})
	}
	o.Middlewares = append(o.Middlewares, func(hc huma.Context, next func(huma.Context)) {
		c, err := authenticate(hc.Context())
		if err != nil {
			s.writeProblem(hc, err)
			return
		}
		next(huma.WithValue(hc, callerKey{}, c))
	})
	huma.Register(s.api, o, func(ctx context.Context, i *I) (*O, error) {
		reply, err := f(ctx, ctx.Value(callerKey{}).(C), i)
		return reply, s.refusal(ctx, err)
	})
}

// practiceOf says whose practice the call is of.
func (s *Server) practiceOf(ctx context.Context) (string, error) {
	if callOf(ctx).auth != "" {
		c, err := s.authenticate(ctx)
		if err != nil {
			return "", err
		}
		return c.Device.Practice, nil
	}
	c, err := s.authenticateStaff(ctx)
	if err != nil {
		return "", err
	}
	return c.Person.Practice, nil
}

// watched registers a route that members may call, and a monitor of the log.
func watched[I, O any](s *Server, o huma.Operation, f func(ctx context.Context, practice string, i *I) (*O, error)) {
	callers(s, o, func(ctx context.Context) (string, error) {
		token, _ := strings.CutPrefix(callOf(ctx).auth, "Bearer ")
		if !hub.IsWatchToken(token) {
			return s.practiceOf(ctx)
		}
		practice, err := s.hub.AuthenticateWatch(ctx, token)
		if errors.Is(err, hub.ErrUnauthenticated) {
			if rate := s.hub.AllowAnonymous(callOf(ctx).address); rate != nil {
				return "", rate
			}
		}
		return practice, err
	}, f, bearerScheme, cookieScheme)
}

// refusal turns an error into what huma writes.
func (s *Server) refusal(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	p := problemOf(ctx, err)
	s.noteRefusal(ctx, p, err)
	return p
}

func (s *Server) writeProblem(hc huma.Context, err error) {
	p := problemOf(hc.Context(), err)
	s.noteRefusal(hc.Context(), p, err)
	for k, vs := range p.GetHeaders() {
		hc.SetHeader(k, vs[0])
	}
	hc.SetHeader("Content-Type", "application/problem+json")
	hc.SetStatus(p.Status)
	if b, err := p.MarshalJSON(); err == nil {
		_, _ = hc.BodyWriter().Write(append(b, '\n'))
	}
}

// authenticate checks the bearer token of the call and counts it against the
// device's rate.
func (s *Server) authenticate(ctx context.Context) (*hub.Caller, error) {
	call := callOf(ctx)
	token, ok := strings.CutPrefix(call.auth, "Bearer ")
	if !ok {
		return nil, hub.ErrUnauthenticated
	}
	c, err := s.hub.Authenticate(ctx, token)
	if errors.Is(err, hub.ErrUnauthenticated) {
		// A stranger with a made-up token is as anonymous as one with none.
		if rate := s.hub.AllowAnonymous(call.address); rate != nil {
			return nil, rate
		}
		return nil, err
	} else if err != nil {
		return nil, err
	}
	call.device, call.person, call.actor = c.Device.ID, c.Device.Person, c
	if err := s.hub.AllowNetwork(ctx, c.Person, call.address); err != nil {
		return nil, err
	}
	return c, s.hub.AllowCall(c)
}

// authenticateStaff checks the staff cookie of the call. Its session must not
// be locked, nor its person's password have expired.
func (s *Server) authenticateStaff(ctx context.Context) (*hub.StaffCaller, error) {
	c, err := s.unlockedStaff(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.hub.PasswordGood(ctx, c); err != nil {
		return nil, err
	}
	return c, nil
}

// unlockedStaff is authenticateStaff, and takes an expired password too.
func (s *Server) unlockedStaff(ctx context.Context) (*hub.StaffCaller, error) {
	c, err := s.ownSession(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.hub.NotLocked(c); err != nil {
		return nil, err
	}
	return s.known(ctx, c)
}

// staffFrom is authenticateStaff, and takes a locked session too.
func (s *Server) staffFrom(ctx context.Context) (*hub.StaffCaller, error) {
	c, err := s.ownSession(ctx)
	if err != nil {
		return nil, err
	}
	return s.known(ctx, c)
}

// ownSession returns whose cookie came with the call. In another browser than
// the session's it is refused before anything is said of the session, and that
// is in the log.
func (s *Server) ownSession(ctx context.Context) (*hub.StaffCaller, error) {
	call := callOf(ctx)
	c, err := s.hub.AuthenticateLocked(ctx, call.cookie)
	if err != nil {
		return nil, err
	}
	if err := s.hub.InItsBrowser(c, call.proof); err != nil {
		s.noteRefused(ctx, c, err)
		return nil, err
	}
	return c, nil
}

// known notes who calls, and looks at where from.
func (s *Server) known(ctx context.Context, c *hub.StaffCaller) (*hub.StaffCaller, error) {
	call := callOf(ctx)
	call.actor = c
	if err := s.hub.AllowNetwork(ctx, c.Person, call.address); err != nil {
		return nil, err
	}
	call.person = c.Person.ID
	return c, nil
}

// method names, to keep the tables of routes short.
const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	del    = http.MethodDelete
	noBody = http.StatusNoContent
)
