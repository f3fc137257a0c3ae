package hub

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/passkey"
)

// A SignInSite is the web origin that passkeys are made for.
type SignInSite = passkey.Site

// Cookies are what a browser keeps after signing in. An empty one is not set.
type Cookies struct {
	Session string
	Known   string
}

// knownBrowserLife is how long a browser is spared the limits for strangers.
const knownBrowserLife = 365 * 24 * time.Hour

// foldLogin is how logins are compared: without case and outer spaces.
func foldLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// SignIn checks two factors and opens a session. There is no session with one,
// and no switch that changes that. Whatever is wrong, the answer is the same.
func (h *Hub) SignIn(ctx context.Context, from Source, s api.SignIn) (Cookies, api.StaffSession, error) {
	if err := h.rates.allow("sign-in", network(from.Address), h.limits.SignIns); err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	var p Person
	var method string
	var err error
	if s.Passkey != nil {
		method = MethodPasskey
		if p, err = h.passkeySignIn(ctx, from, s); errors.Is(err, ErrUnauthenticated) {
			h.recordRefusedSignIn(ctx, s.Practice, "", method)
		}
	} else {
		if p, err = h.findStaff(ctx, s.Practice, foldLogin(s.Login)); err == nil {
			method, err = h.checkPassword(ctx, from, s.Practice, foldLogin(s.Login), p, s.Authentication)
		}
	}
	if err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	if !pr.Access.allows(p.Role, from.Address) {
		return Cookies{}, api.StaffSession{}, h.refusedNetwork(ctx, p.themself())
	}
	if err := pr.Access.allowsHere(p, method); err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	if p.Failures > 0 {
		if err := h.store.ClearFailures(ctx, p.Practice, p.ID); err != nil {
			return Cookies{}, api.StaffSession{}, at("clear failures", err)
		}
	}
	return h.openStaffSession(ctx, from, p, method, nil)
}

func (h *Hub) passkeySignIn(ctx context.Context, from Source, s api.SignIn) (Person, error) {
	if s.Password != "" || s.Code != "" {
		return Person{}, malformed("passkey")
	}
	practice, err := h.store.PracticeBySlug(ctx, s.Practice)
	if errors.Is(err, ErrNotFound) {
		return Person{}, ErrUnauthenticated
	} else if err != nil {
		return Person{}, at("load practice", err)
	}
	c := passkey.Challenge{Purpose: passkey.PurposeSignIn, Practice: practice.Slug}
	f, err := h.checkPasskey(ctx, from.Site, practice.ID, "", c, s.Passkey)
	if err != nil {
		return Person{}, err
	}
	p, err := h.store.Person(ctx, practice.ID, f.Person)
	if err != nil {
		return Person{}, at("load staff person", err)
	}
	if p.DisabledAt != 0 || p.Kind != api.KindStaff {
		return Person{}, ErrUnauthenticated
	}
	return p, nil
}

// checkPassword checks a password and a code of p, who may be nobody: the work
// is the same then. It returns how p signed in.
func (h *Hub) checkPassword(ctx context.Context, from Source, slug, login string, p Person, a api.Authentication) (method string, err error) {
	known, err := h.knows(ctx, p, from.Known)
	if err != nil {
		return "", err
	}
	key, source := slug+"/"+login, network(from.Address)
	if known {
		source = "known/" + p.ID
	} else if err := h.rates.allow("login", key, h.limits.Logins); err != nil {
		return "", err
	}
	if err := h.guesses.allow(key, source); err != nil {
		return "", err
	}
	right, stale, err := h.passwords.Check(ctx, p.Password, a.Password)
	if err != nil {
		return "", at("check password", err)
	}
	found, fits, err := h.checkCode(ctx, p, a.Code)
	if err != nil {
		return "", err
	}
	// Whoever has guessed a hundred times is not let in for the next guess
	// being right. The person still is: with a passkey, or from a known browser.
	standing := p.ID != "" && p.DisabledAt == 0 && (known || p.Failures < maxStrangers)
	if right && fits && standing {
		err := h.useCode(ctx, p, found)
		if err == nil {
			h.guesses.right(key, source)
			return found.method, h.rehash(ctx, p, a.Password, stale)
		}
		if !errors.Is(err, ErrUnauthenticated) {
			return "", err
		}
	}
	h.guesses.wrong(key, source)
	return "", h.noteFailure(ctx, from, slug, p, right && standing, known, found.method)
}

// noteFailure counts a wrong guess. If the password was right, its owner is
// shown that somebody knows it. It is done after the answer, whose time would
// otherwise tell whether there is such a person (T27).
func (h *Hub) noteFailure(ctx context.Context, from Source, slug string, p Person, right, known bool, method string) error {
	h.recordRefusedSignIn(ctx, slug, p.ID, method)
	if p.ID == "" {
		return ErrUnauthenticated
	}
	ctx = context.WithoutCancel(ctx)
	h.background.Go(func() {
		h.log.InfoContext(ctx, "sign-in refused", slog.String("person", p.ID))
		var err error
		if !known {
			err = h.store.CountFailure(ctx, p.Practice, p.ID)
		}
		if right {
			err = errors.Join(err, h.noteSignIn(ctx, from, p, method, OutcomeCodeRefused, !known))
		}
		if err != nil {
			h.log.WarnContext(ctx, "refused sign-in not counted", slog.String("person", p.ID))
		}
	})
	return ErrUnauthenticated
}

// recordRefusedSignIn records, after the answer, that somebody who is not known
// was not let in as a person, or as nobody whom the practice knows. What was
// typed as the login is not recorded: it may be a name, or a password.
func (h *Hub) recordRefusedSignIn(ctx context.Context, slug, person, method string) {
	ctx = context.WithoutCancel(ctx)
	h.background.Go(func() {
		p, err := h.store.PracticeBySlug(ctx, slug)
		if errors.Is(err, ErrNotFound) {
			return // no practice's log
		}
		if err == nil {
			e := h.event(ctx, nobody(p.ID), audit.SignInRefused, person).With("method=" + method).AsRefused("unauthenticated")
			err = h.store.Record(ctx, e)
		}
		if err != nil {
			h.log.ErrorContext(ctx, "refused sign-in not recorded")
		}
	})
}

// rehash keeps a password at today's cost. That it fails keeps nobody out.
func (h *Hub) rehash(ctx context.Context, p Person, plain string, stale bool) error {
	if !stale {
		return nil
	}
	encoded, err := h.passwords.Hash(ctx, plain)
	if err == nil {
		err = h.store.SetPassword(ctx, p.Practice, p.ID, encoded, 0)
	}
	if err != nil {
		h.log.WarnContext(ctx, "password not hashed anew", slog.String("person", p.ID))
	}
	return nil
}

// knows reports whether p has signed in from the browser with this cookie.
func (h *Hub) knows(ctx context.Context, p Person, cookie string) (bool, error) {
	if cookie == "" || len(cookie) > 128 {
		return false, nil
	}
	b, err := h.store.KnownBrowser(ctx, hashToken(cookie), h.millis())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, at("load known browser", err)
	}
	return p.ID != "" && b.Person == p.ID && b.Practice == p.Practice, nil
}

// findStaff returns the staff person, or an empty one if there is none.
func (h *Hub) findStaff(ctx context.Context, slug, login string) (Person, error) {
	practice, err := h.store.PracticeBySlug(ctx, slug)
	if errors.Is(err, ErrNotFound) {
		return Person{}, nil
	} else if err != nil {
		return Person{}, at("load practice", err)
	}
	p, err := h.store.PersonByLogin(ctx, practice.ID, login)
	if errors.Is(err, ErrNotFound) || err == nil && p.Kind != api.KindStaff {
		return Person{}, nil
	} else if err != nil {
		return Person{}, at("load staff person", err)
	}
	return p, nil
}

func (h *Hub) noteSignIn(ctx context.Context, from Source, p Person, method, outcome string, stranger bool) error {
	err := h.store.AddSignIn(ctx, SignIn{
		ID: NewID("n"), Practice: p.Practice, Person: p.ID, At: h.millis(), Method: method, Outcome: outcome,
		Browser: from.Browser, Address: from.Address, New: stranger, Seen: outcome == OutcomeSignedIn && !stranger,
	})
	if err != nil {
		return at("store sign-in", err)
	}
	return nil
}

// openStaffSession signs a person in who has shown two factors, here or, if who
// is not nil, at the practice's provider. A browser that was not known is from
// now on.
func (h *Hub) openStaffSession(ctx context.Context, from Source, p Person, method string, who *oidc.Identity) (c Cookies, session api.StaffSession, err error) {
	known, err := h.knows(ctx, p, from.Known)
	if err != nil {
		return c, session, err
	}
	now := h.now()
	token, hash := newToken()
	s := StaffSession{
		Token: hash, ID: NewID("s"), Practice: p.Practice, Person: p.ID, Method: method, Browser: from.Browser, Address: from.Address,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(h.sessions.Staff).UnixMilli(), UsedAt: now.UnixMilli(), ProvedAt: now.UnixMilli(),
		BrowserKey: from.Key,
	}
	if who != nil {
		s.Provider = h.providerSession(s.ID, who)
	}
	in := h.event(ctx, p.themself(), audit.SignedIn, s.ID).With("method=" + method)
	if err := h.store.Recording(in).AddStaffSession(ctx, s); err != nil {
		return c, session, at("store staff session", err)
	}
	if !known {
		value, hash := newToken()
		b := KnownBrowser{Token: hash, Practice: p.Practice, Person: p.ID, ExpiresAt: now.Add(knownBrowserLife).UnixMilli()}
		if err := h.store.AddKnownBrowser(ctx, b); err != nil {
			return c, session, at("store known browser", err)
		}
		c.Known = value
	}
	if err := h.noteSignIn(ctx, from, p, method, OutcomeSignedIn, !known && method != MethodSetUp); err != nil {
		return c, session, err
	}
	c.Session = token
	session, err = h.describeSession(ctx, s)
	return c, session, err
}
