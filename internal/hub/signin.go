package hub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

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

// foldLogin is how logins are compared: without case and outer spaces.
func foldLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// SignIn checks two factors and opens a session. There is no session with one,
// and no switch that changes that. Whatever is wrong, the answer is the same.
func (h *Hub) SignIn(ctx context.Context, from Source, s api.SignIn) (Cookies, api.StaffSession, error) {
	var p Person
	var by shown
	var err error
	if s.Passkey != nil {
		if p, by, err = h.passkeySignIn(ctx, from, s); errors.Is(err, ErrUnauthenticated) {
			err = h.refusedPasskey(ctx, from, s.Practice, "")
		}
	} else {
		if p, err = h.findStaff(ctx, s.Practice, foldLogin(s.Login)); err == nil {
			var known bool
			if known, err = h.knows(ctx, p, from.Known); err == nil {
				by, err = h.checkPassword(ctx, from, attempt{s.Practice, foldLogin(s.Login), p, known}, s.Authentication)
			}
		}
	}
	if err != nil {
		return Cookies{}, api.StaffSession{}, h.noteThrottled(ctx, from, s.Practice, p.ID, err)
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	if !pr.Access.allows(p.Role, from.Address) {
		err := h.refuse(ctx, by, h.networkRefusal(ctx, p.themself()), ErrNetwork)
		return Cookies{}, api.StaffSession{}, h.noteThrottled(ctx, from, s.Practice, p.ID, err)
	}
	if err := pr.Access.allowsHere(p, by.method); err != nil {
		err = h.refuse(ctx, by, h.refusalHere(ctx, p.themself(), p.ID, by.method), err)
		return Cookies{}, api.StaffSession{}, h.noteThrottled(ctx, from, s.Practice, p.ID, err)
	}
	cookies, session, err := h.openStaffSession(ctx, from, p, by, nil)
	if err = h.settleFactors(ctx, from, s.Practice, &p, by, err); err != nil {
		return Cookies{}, api.StaffSession{}, err
	}
	return cookies, session, nil
}

// shown is what somebody showed to be let in. What it uses up is used with what
// it is good for, and the event of it: neither is there without the other.
type shown struct {
	method string
	use    FactorUse
	lost   func() error // refuses who was slower than another with the same
}

// refuse answers who showed what is right and may not come in all the same: it is
// used up with the event that says so, and good nowhere else.
func (h *Hub) refuse(ctx context.Context, by shown, e audit.Event, refusal error) error {
	err := h.store.Recording(e).UseFactor(ctx, by.use)
	if errors.Is(err, ErrFactorUsed) {
		return by.lost()
	} else if err != nil {
		return at("record a refusal", err)
	}
	return refusal
}

// settleFactors ends what began with two factors, given what came of opening the
// session: no code is good twice (T29).
func (h *Hub) settleFactors(ctx context.Context, from Source, slug string, p *Person, by shown, err error) error {
	if errors.Is(err, ErrFactorUsed) {
		return h.noteThrottled(ctx, from, slug, p.ID, by.lost())
	} else if err != nil {
		return err
	}
	return h.clearFailures(ctx, p)
}

// clearFailures has a person who has shown both factors begin anew.
func (h *Hub) clearFailures(ctx context.Context, p *Person) error {
	if p.Failures == 0 && p.KnownFailures == 0 {
		return nil
	}
	if err := h.store.ClearFailures(ctx, p.Practice, p.ID); err != nil {
		return at("clear failures", err)
	}
	return nil
}

func (h *Hub) passkeySignIn(ctx context.Context, from Source, s api.SignIn) (Person, shown, error) {
	if s.Password != "" || s.Code != "" {
		return Person{}, shown{}, malformed("passkey")
	}
	practice, err := h.store.PracticeBySlug(ctx, s.Practice)
	if errors.Is(err, ErrNotFound) {
		return Person{}, shown{}, ErrUnauthenticated
	} else if err != nil {
		return Person{}, shown{}, at("load practice", err)
	}
	c := passkey.Challenge{Purpose: passkey.PurposeSignIn, Practice: practice.Slug}
	f, use, err := h.checkPasskey(ctx, from.Site, practice.ID, "", c, s.Passkey)
	if err != nil {
		return Person{}, shown{}, err
	}
	p, err := h.store.Person(ctx, practice.ID, f.Person)
	if err != nil {
		return Person{}, shown{}, at("load staff person", err)
	}
	if p.DisabledAt != 0 || p.Kind != api.KindStaff {
		return Person{}, shown{}, ErrUnauthenticated
	}
	return p, h.shownPasskey(ctx, from, s.Practice, "", use), nil
}

// shownPasskey is a passkey that answered. Its refusal names person.
func (h *Hub) shownPasskey(ctx context.Context, from Source, slug, person string, use FactorUse) shown {
	return shown{MethodPasskey, use, func() error { return h.refusedPasskey(ctx, from, slug, person) }}
}

// refusedPasskey is the answer to a passkey that is none. To look at one costs
// next to nothing, so nobody waits for the wrong ones of their network: those
// are counted, and not even recorded once they are too many.
func (h *Hub) refusedPasskey(ctx context.Context, from Source, slug, person string) error {
	if err := h.rates.allow("passkey", network(from.Address), h.limits.SignIns); err != nil {
		return err
	}
	return cmp.Or(h.recordNotSignedIn(ctx, slug, person, MethodPasskey, "unauthenticated"), ErrNotSignedIn)
}

// An attempt is a password for somebody, who may be nobody.
type attempt struct {
	slug, login string
	person      Person
	known       bool // from a browser that the person has signed in from
}

// checkPassword checks a password and a code of a person, who may be nobody: the
// work is the same then. It returns what they showed. Strangers share what
// their network may try; whoever is known does not: a machine next to them keeps
// them from nothing (T28).
func (h *Hub) checkPassword(ctx context.Context, from Source, t attempt, a api.Authentication) (by shown, err error) {
	p, slug, known := t.person, t.slug, t.known
	key, source := slug+"/"+t.login, network(from.Address)
	if known {
		source = "known/" + p.ID
		err = h.rates.allow("known", p.ID, h.limits.SignIns)
	} else {
		err = h.rates.allow("sign-in", source, h.limits.SignIns)
	}
	if err == nil {
		err = h.guesses.allow(key, source)
	}
	if err != nil {
		return shown{}, err
	}
	right, stale, err := h.passwords.Check(ctx, p.Password, a.Password)
	if err != nil {
		return shown{}, at("check password", err)
	}
	found, fits, err := h.checkCode(ctx, p, a.Code)
	if err != nil {
		return shown{}, err
	}
	// An app's code counts where the password is right, and nowhere else. So
	// whoever knows no more than a login keeps nobody out, and the answer does not
	// tell who knows more. Past the bound the person still comes in: with a
	// passkey, by the other of the two counts, with a recovery code, which nobody
	// guesses, or after an administrator's new link.
	standing := right && p.ID != "" && p.DisabledAt == 0 && (found.method == MethodRecovery || h.allowAppCode(&p, known))
	refuse := func() error {
		h.guesses.wrong(key, source)
		return h.noteFailure(ctx, from, slug, p, standing, known, found.method)
	}
	if !standing || !fits {
		return shown{}, refuse()
	}
	h.guesses.right(key, source)
	return shown{found.method, found.use, refuse}, h.rehash(ctx, p, a.Password, stale)
}

// allowAppCode bounds how many codes of an app are looked at after the right
// password: strangers have theirs, and browsers that the person is known to have
// their own.
func (h *Hub) allowAppCode(p *Person, known bool) bool {
	who, wrong := p.ID, p.Failures
	if known {
		who, wrong = "known/"+p.ID, p.KnownFailures
	}
	return wrong < maxCodes && h.rates.allow("app-code", who, h.limits.AppCodes) == nil
}

// noteFailure records a wrong guess, before the answer: who cannot be recorded is
// told nothing. If the password was right, an app's code counts, and the owner is
// shown that somebody knows it. The store does the same work for whomever, so that
// the time tells nobody whether there is such a person, nor what was right (T27).
func (h *Hub) noteFailure(ctx context.Context, from Source, slug string, p Person, right, known bool, method string) error {
	ctx = context.WithoutCancel(ctx) // who hangs up has guessed all the same
	e, err := h.notSignedIn(ctx, slug, p.ID, method, "unauthenticated")
	if errors.Is(err, ErrNotFound) {
		return ErrNotSignedIn // no practice's log
	} else if err != nil {
		return err
	}
	n := h.signIn(from, Person{Practice: e.Practice}, NewID("n"), method, OutcomeCodeRefused, !known)
	if right {
		n.Person = p.ID
	}
	if err := h.store.Recording(e).RefuseSignIn(ctx, n, method == MethodApp); err != nil {
		return at("record a refused sign-in", err)
	}
	if p.ID != "" {
		h.background.Go(func() {
			h.log.InfoContext(ctx, "sign-in refused", slog.String("person", p.ID))
			h.showSignIn(ctx, &n)
		})
	}
	return ErrNotSignedIn
}

// recordNotSignedIn records that somebody who is not known was not let in as a
// person, or as nobody whom the practice knows.
func (h *Hub) recordNotSignedIn(ctx context.Context, slug, person, method, reason string) error {
	ctx = context.WithoutCancel(ctx)
	e, err := h.notSignedIn(ctx, slug, person, method, reason)
	if errors.Is(err, ErrNotFound) {
		return nil // no practice's log
	} else if err != nil {
		return err
	}
	if err := h.store.Record(ctx, e); err != nil {
		return at("record a refused sign-in", err)
	}
	return nil
}

// notSignedIn is the event of it. What was typed as the login is not in it: it may
// be a name, or a password.
func (h *Hub) notSignedIn(ctx context.Context, slug, person, method, reason string) (audit.Event, error) {
	p, err := h.store.PracticeBySlug(ctx, slug)
	if err != nil {
		return audit.Event{}, at("load practice", err)
	}
	return h.event(ctx, nobody(p.ID), audit.SignInRefused, person).With("method=" + method).AsRefused(reason), nil
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

// signIn is what of a sign-in is kept for the history.
func (h *Hub) signIn(from Source, p Person, id, method, outcome string, stranger bool) SignIn {
	return SignIn{
		ID: id, Practice: p.Practice, Person: p.ID, At: h.millis(), Method: method, Outcome: outcome,
		Browser: from.Browser, Address: from.Address, New: stranger, Seen: outcome == OutcomeSignedIn && !stranger,
	}
}

// showSignIn tells a person at once, where they are signed in, of what they must
// look at.
func (h *Hub) showSignIn(ctx context.Context, n *SignIn) {
	if n.Person != "" && !n.Seen {
		h.notify(ctx, Notice{Practice: n.Practice, Persons: []string{n.Person}, Event: api.Event{Type: api.EventDevices}})
	}
}

// openStaffSession signs a person in who has shown two factors, here or, if who
// is not nil, at the practice's provider. A browser that was not known is from
// now on. What was used already gives [ErrFactorUsed].
func (h *Hub) openStaffSession(ctx context.Context, from Source, p Person, by shown, who *oidc.Identity) (c Cookies, session api.StaffSession, err error) {
	known, err := h.knows(ctx, p, from.Known)
	if err != nil {
		return c, session, err
	}
	stranger := !known
	if stranger && by.method == MethodSetUp { // the first is how its owner came; a later one may be anybody's who had the link
		before, err := h.store.SignIns(ctx, p.Practice, p.ID, 1)
		if err != nil {
			return c, session, at("load sign-ins", err)
		}
		stranger = len(before) > 0
	}
	now := h.now()
	token, hash := newToken()
	s := StaffSession{
		Token: hash, ID: NewID("s"), Practice: p.Practice, Person: p.ID, Method: by.method, Browser: from.Browser, Address: from.Address,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(h.sessions.Staff).UnixMilli(), UsedAt: now.UnixMilli(), ProvedAt: now.UnixMilli(),
		BrowserKey: from.Key,
	}
	if who != nil {
		s.Provider = h.providerSession(s.ID, who)
		s.ProvedAt = min(s.ProvedAt, who.AuthTime.UnixMilli()) // the provider may not have asked for anything now
	}
	in := h.event(ctx, p.themself(), audit.SignedIn, s.ID).With("method=" + by.method)
	if err := h.store.Using(by.use).Recording(in).AddStaffSession(ctx, s); err != nil {
		return c, session, at("store staff session", err)
	}
	if !known {
		value, hash := newToken()
		b := KnownBrowser{Token: hash, Practice: p.Practice, Person: p.ID, ExpiresAt: now.Add(knownBrowserLife).UnixMilli()}
		if err := h.store.AddKnownBrowser(ctx, b); err != nil {
			return c, session, at("store known browser", err)
		}
		c.Known = withKnown(from.Known, value)
	}
	n := h.signIn(from, p, signInOf(s.ID), by.method, OutcomeSignedIn, stranger)
	if err := h.store.AddSignIn(ctx, n); err != nil {
		return c, session, at("store sign-in", err)
	}
	h.showSignIn(ctx, &n)
	c.Session = token
	session, err = h.describeSession(ctx, s)
	return c, session, err
}
