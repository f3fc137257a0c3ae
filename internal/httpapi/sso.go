package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/oidc"
)

// ssoCookie holds an attempt at the practice's OpenID provider, sealed. The
// answer is handed over by a page of ours, so this cookie too can be strict.
const ssoCookie = "__Host-sotto_sso"

type begunOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      api.SSOBegun
}

type ssoDoneOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      api.SSODone
}

type ssoSignedOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      api.SSOSignedOut
}

// ssoRoutes are how staff sign in at their practice's OpenID provider.
func (s *Server) ssoRoutes(mux *router) {
	open(s, op(post, "/v1/staff/sso/begin", tagStaff, "Begin to sign in at the practice's OpenID provider",
		about("Sets a cookie that belongs to the attempt. To confirm or to link, somebody must be signed in."), refusals(401, 403, 404, 422, 429, 503)), s.beginSSO)
	open(s, op(post, "/v1/staff/sso/finish", tagStaff, "Hand over what the provider sent the browser back with",
		about("Good once, and only from the browser that began."), refusals(401, 403, 404, 409, 422, 429, 503)), s.finishSSO)
	leavingStaff(s, op(post, "/v1/staff/sso/sign-out", tagStaff, "Sign out, and learn where to end the provider's session", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*ssoSignedOut, error) {
			done, err := s.hub.SignOutSSO(ctx, s.source(ctx), c)
			if err != nil {
				return nil, err
			}
			return &ssoSignedOut{SetCookie: []http.Cookie{cookie(staffCookie, "", time.Time{})}, Body: done}, nil
		})
	staff(s, op(del, "/v1/staff/sso/identity", tagStaff, "Unlink one's account at the practice's provider", status(noBody), refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*none, error) {
			return nil, s.hub.UnlinkOwn(ctx, c)
		})
	staff(s, op(put, "/v1/admin/people/{id}/identity", tagAdmin, "Say who a person is at the practice's OpenID provider", status(noBody), refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.LinkIdentity]) (*none, error) {
			return nil, s.hub.LinkStaffIdentity(ctx, c, i.ID, i.Body.Subject)
		})
	staff(s, op(del, "/v1/admin/people/{id}/identity", tagAdmin, "Unlink a person's account at the practice's provider", status(noBody), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*none, error) {
			return nil, s.hub.UnlinkStaffIdentity(ctx, c, i.ID)
		})
	mux.HandleFunc("POST /v1/sso/{slug}/logout", s.providerLogout)
}

func (s *Server) beginSSO(ctx context.Context, i *in[api.BeginSSO]) (*begunOut, error) {
	var who *hub.StaffCaller
	if i.Body.Purpose != "sign-in" {
		c, err := s.staffFrom(ctx)
		if err != nil {
			return nil, err
		}
		who = c
	}
	value, begun, err := s.hub.BeginSSO(ctx, s.source(ctx), who, i.Body)
	if err != nil {
		return nil, err
	}
	return &begunOut{SetCookie: []http.Cookie{cookie(ssoCookie, value, time.Now().Add(hub.SSOAttemptLife))}, Body: begun}, nil
}

func (s *Server) finishSSO(ctx context.Context, i *in[api.FinishSSO]) (*ssoDoneOut, error) {
	var who *hub.StaffCaller
	if callOf(ctx).cookie != "" {
		// An old session is no hindrance to a new one.
		if c, err := s.staffFrom(ctx); err == nil {
			who = c
		} else if errors.Is(err, hub.ErrNetwork) {
			return nil, err
		}
	}
	from, err := s.opening(ctx)
	if err != nil {
		return nil, err
	}
	cookies, done, err := s.hub.FinishSSO(ctx, from, who, callOf(ctx).sso, i.Body)
	if err != nil {
		return nil, err
	}
	all := append(cookiesOf(cookies, done.Session.ExpiresAt), cookie(ssoCookie, "", time.Time{}))
	return &ssoDoneOut{SetCookie: all, Body: done}, nil
}

// providerLogout takes a logout token (OpenID Connect Back-Channel Logout 1.0,
// section 2.5). It comes from the provider's machine and needs nothing else.
func (s *Server) providerLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, oidc.MaxToken+1024)
	var err error
	if token := r.PostFormValue("logout_token"); token == "" {
		err = &hub.MalformedError{Field: "logout_token"}
	} else {
		err = s.hub.ProviderLogout(r.Context(), r.PathValue("slug"), token)
	}
	var no *oidc.RefusedError
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.As(err, &no):
		s.refuse(w, r, &hub.MalformedError{Field: "logout_token"}) // 4xx, as the section asks
	default:
		s.refuse(w, r, err)
	}
}

// ownOriginOf is the origin of ours that a browser is sent back to: the one that
// it is at, if that is one of those configured.
func (s *Server) ownOriginOf(c *call) string {
	if of := s.config.Origins; len(of) > 0 && !slices.Contains(of, c.origin) {
		return of[0]
	}
	return c.origin
}
