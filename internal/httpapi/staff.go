package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/passkey"
)

// Cookies of staff. The prefix binds them to this host, to TLS and to all
// paths. Patients have none: neither can become the other.
const (
	staffCookie = "__Host-sotto_staff" // the session
	knownCookie = "__Host-sotto_known" // opens nothing: a browser that signed in before
)

// browserHeader is where a browser shows its key: see [hub.BrowserProof].
const browserHeader = "Sotto-Browser"

func cookie(name, value string, expires time.Time) http.Cookie {
	k := http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if value == "" {
		k.MaxAge = -1
	} else {
		k.Expires = expires
	}
	return k
}

// cookiesOf are the headers by which a browser keeps what the hub gave it.
func cookiesOf(c hub.Cookies, expiresAt int64) []http.Cookie {
	var all []http.Cookie
	if c.Session != "" {
		all = append(all, cookie(staffCookie, c.Session, time.UnixMilli(expiresAt)))
	}
	if c.Known != "" {
		all = append(all, cookie(knownCookie, c.Known, time.Now().AddDate(1, 0, 0)))
	}
	return all
}

// source is where a call comes from.
func (s *Server) source(ctx context.Context) hub.Source {
	c := callOf(ctx)
	return hub.Source{Address: c.address, Browser: c.browser, Known: c.known, Site: s.site(c), Origin: s.ownOriginOf(c)}
}

// opening is the source of a call that opens a session, which belongs to the
// browser's key from then on.
func (s *Server) opening(ctx context.Context) (hub.Source, error) {
	from := s.source(ctx)
	var err error
	from.Key, err = s.hub.BrowserKey(callOf(ctx).proof)
	return from, err
}

// site is what passkeys are made for: the hub's own origins, or, if none are
// configured, the one that the call was made to. A page of another could not
// have made it: see ownOrigin.
func (s *Server) site(c *call) passkey.Site {
	origins := s.config.Origins
	if len(origins) == 0 {
		origins = []string{c.origin}
	}
	site, err := passkey.SiteOf(origins)
	if err != nil {
		return passkey.Site{} // no passkey fits it
	}
	return site
}

// browserOf is a browser and its system, as far as its header tells: enough for
// people to know their own, too little to follow them by.
func browserOf(agent string) string {
	pick := func(of ...[2]string) string {
		for _, o := range of {
			if strings.Contains(agent, o[0]) {
				return o[1]
			}
		}
		return ""
	}
	browser := pick([2]string{"Edg/", "Edge"}, [2]string{"Firefox/", "Firefox"}, [2]string{"OPR/", "Opera"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := pick([2]string{"Windows", "Windows"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Android", "Android"},
		[2]string{"CrOS", "ChromeOS"}, [2]string{"Mac OS X", "macOS"}, [2]string{"Linux", "Linux"})
	return strings.TrimSpace(browser + " " + system)
}

type sessionOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      api.StaffSession
}

type setUpOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      api.SetUpDone
}

type signOutOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

// staffRoutes sign staff in and out, and let them see to their sign-in.
func (s *Server) staffRoutes() {
	open(s, op(post, "/v1/staff/set-up/inspect", tagStaff, "Whom a set-up link is for", refusals(404, 422, 429)),
		func(ctx context.Context, i *in[api.InspectSetUp]) (*out[api.Invitation], error) {
			return answer(s.hub.InspectSetUp(ctx, i.Body.Token))
		})
	open(s, op(post, "/v1/staff/set-up", tagStaff, "Use a set-up link: choose two factors and sign in", refusals(403, 404, 409, 422, 429)),
		func(ctx context.Context, i *in[api.SetUp]) (*setUpOut, error) {
			from, err := s.opening(ctx)
			if err != nil {
				return nil, err
			}
			cookies, done, err := s.hub.SetUp(ctx, from, i.Body)
			if err != nil {
				return nil, err
			}
			return &setUpOut{SetCookie: cookiesOf(cookies, done.Session.ExpiresAt), Body: done}, nil
		})
	open(s, op(post, "/v1/staff/sign-in", tagStaff, "Sign in with two factors",
		about("A passkey, or a password and a code in one call. Whatever is wrong, the answer is the same."), refusals(401, 403, 422, 429)),
		func(ctx context.Context, i *in[api.SignIn]) (*sessionOut, error) {
			from, err := s.opening(ctx)
			if err != nil {
				return nil, err
			}
			return signedIn(s.hub.SignIn(ctx, from, i.Body))
		})
	open(s, op(post, "/v1/staff/password-strength", tagStaff, "How good a password would be",
		about("For who has a set-up link, or is signed in."), refusals(401, 404, 422, 429)),
		func(ctx context.Context, i *in[api.CheckPassword]) (*out[api.PasswordStrength], error) {
			if i.Body.Token != "" {
				return answer(s.hub.PasswordStrength(ctx, nil, i.Body))
			}
			c, err := s.unlockedStaff(ctx)
			if err != nil {
				return nil, err
			}
			return answer(s.hub.PasswordStrength(ctx, c, i.Body))
		})
	open(s, op(get, "/v1/staff/session", tagStaff, "The signed-in staff person; 204 if the browser has no session", refusals(401)), s.currentStaff)
	leavingStaff(s, op(post, "/v1/staff/sign-out", tagStaff, "Sign out; device sessions of this browser end too", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*signOutOut, error) {
			return &signOutOut{SetCookie: []http.Cookie{cookie(staffCookie, "", time.Time{})}}, s.hub.SignOut(ctx, c)
		})
	lockedStaff(s, op(post, "/v1/staff/unlock", tagStaff, "Unlock the session with both factors", refusals(401, 422, 429)), s.prove)
	expiredStaff(s, op(post, "/v1/staff/step-up", tagStaff, "Show both factors again, to change what one signs in with", refusals(401, 422, 429)), s.prove)
	expiredStaff(s, op(post, "/v1/staff/active", tagStaff, "A sign of life: the session does not lock for now", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.StaffSession], error) {
			return answer(s.hub.Active(ctx, c))
		})
	expiredStaff(s, op(post, "/v1/staff/lock", tagStaff, "Lock the session now", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*none, error) { return nil, s.hub.Lock(ctx, c) })
	s.staffDeviceRoutes()
	s.securityRoutes()
}

// prove is unlock and step-up.
func (s *Server) prove(ctx context.Context, c *hub.StaffCaller, i *in[api.Authentication]) (*sessionOut, error) {
	return signedIn(s.hub.Prove(ctx, s.source(ctx), c, i.Body))
}

// A currentOut has no body if its status is 204.
type currentOut struct {
	Status int
	Body   *api.StaffSession
}

// currentStaff tells a page that has just loaded whether to ask for a sign-in.
// To have no cookie is no error: a browser would put one in its console.
func (s *Server) currentStaff(ctx context.Context, _ *none) (*currentOut, error) {
	if callOf(ctx).cookie == "" {
		return &currentOut{Status: noBody}, nil
	}
	c, err := s.ownSession(ctx)
	if err != nil {
		return nil, err
	}
	session, err := s.hub.StaffSession(ctx, c)
	if session.Locked || s.hub.AllowNetwork(ctx, c.Person, callOf(ctx).address) != nil {
		session = api.StaffSession{ // whose it is, and no more of the practice than that
			ID: session.ID, Practice: session.Practice, Person: session.Person, Login: session.Login, SSO: session.SSO, ExpiresAt: session.ExpiresAt,
			IdleSeconds: session.IdleSeconds, IdleAt: session.IdleAt, Locked: session.Locked, PasswordExpired: session.PasswordExpired,
			HasPasskey: session.HasPasskey, May: session.May, StatedGrants: []api.StatedGrant{},
		}
	}
	return &currentOut{Status: http.StatusOK, Body: &session}, err
}

func signedIn(cookies hub.Cookies, session api.StaffSession, err error) (*sessionOut, error) {
	if err != nil {
		return nil, err
	}
	return &sessionOut{SetCookie: cookiesOf(cookies, session.ExpiresAt), Body: session}, nil
}

type deviceList struct {
	Devices []api.DeviceInfo `json:"devices"`
}

// staffDeviceRoutes are about the devices of the signed-in person.
func (s *Server) staffDeviceRoutes() {
	staff(s, op(post, "/v1/staff/devices", tagStaff, "Add this browser as a device of the signed-in person", refusals(401, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewStaffDevice]) (*out[api.Device], error) {
			return answer(s.hub.NewStaffDevice(ctx, c, i.Body))
		})
	staff(s, op(get, "/v1/staff/devices", tagStaff, "The person's devices", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[deviceList], error) {
			list, err := s.hub.Devices(ctx, c)
			return answer(deviceList{list}, err)
		})
	staff(s, op(post, "/v1/staff/devices/{id}/voucher", tagStaff, "Have a passkey vouch for a new device", status(noBody), refusals(401, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.Voucher]) (*none, error) {
			return nil, s.hub.Vouch(ctx, s.source(ctx), c, i.ID, i.Body)
		})
	staff(s, op(del, "/v1/staff/devices/{id}", tagStaff, "Take all access from a device, as when it is lost", status(noBody), refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*none, error) {
			return nil, s.hub.RevokeOwnDevice(ctx, c, i.ID)
		})
}

type sessionList struct {
	Sessions []api.SessionInfo `json:"sessions"`
}

type signInList struct {
	SignIns []api.SignInRecord `json:"sign_ins"`
}

// securityRoutes are what a person may do about their own sign-in.
func (s *Server) securityRoutes() {
	expiredStaff(s, op(get, "/v1/staff/factors", tagStaff, "What the person signs in with", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Factors], error) {
			return answer(s.hub.Factors(ctx, c))
		})
	makes(s, op(post, "/v1/staff/factors/passkeys", tagStaff, "Add a passkey", status(noBody), refusals(401, 403, 409, 413, 422)), true, expiredStaff,
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.AddPasskey]) (*none, error) {
			return nil, s.hub.AddPasskey(ctx, s.source(ctx), c, i.Body)
		})
	expiredStaff(s, op(post, "/v1/staff/factors/app-offers", tagStaff, "Get a secret for an authenticator app", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.AppOffer], error) {
			return answer(s.hub.OfferApp(ctx, c))
		})
	makes(s, op(post, "/v1/staff/factors/apps", tagStaff, "Add an authenticator app", status(noBody), refusals(401, 403, 413, 422)), true, expiredStaff,
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.TakeApp]) (*none, error) {
			return nil, s.hub.AddApp(ctx, c, i.Body)
		})
	expiredStaff(s, op(patch, "/v1/staff/factors/{id}", tagStaff, "Name a factor", status(noBody), refusals(401, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.RenameFactor]) (*none, error) {
			return nil, s.hub.RenameFactor(ctx, c, i.ID, i.Body.Name)
		})
	expiredStaff(s, op(del, "/v1/staff/factors/{id}", tagStaff, "Remove a factor, but not the last", status(noBody), refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*none, error) {
			return nil, s.hub.DeleteFactor(ctx, c, i.ID)
		})
	expiredStaff(s, op(put, "/v1/staff/password", tagStaff, "Choose another password", status(noBody), refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.SetPassword]) (*none, error) {
			return nil, s.hub.SetPassword(ctx, c, i.Body.Password)
		})
	makes(s, op(post, "/v1/staff/recovery-codes", tagStaff, "Get new recovery codes in place of all others", refusals(401, 403, 409)), false, expiredStaff,
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.RecoveryCodes], error) {
			return answer(s.hub.NewRecoveryCodes(ctx, c))
		})
	staff(s, op(get, "/v1/staff/sessions", tagStaff, "The person's sessions", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[sessionList], error) {
			list, err := s.hub.Sessions(ctx, c)
			return answer(sessionList{list}, err)
		})
	staff(s, op(del, "/v1/staff/sessions/{id}", tagStaff, "End a session", status(noBody), refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*none, error) {
			return nil, s.hub.EndSession(ctx, c, i.ID)
		})
	staff(s, op(get, "/v1/staff/sign-ins", tagStaff, "The history of the person's sign-ins", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[signInList], error) {
			list, err := s.hub.SignIns(ctx, c)
			return answer(signInList{list}, err)
		})
	staff(s, op(post, "/v1/staff/sign-ins/seen", tagStaff, "The person has seen the history", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*none, error) {
			return nil, s.hub.SeeSignIns(ctx, c)
		})
}
