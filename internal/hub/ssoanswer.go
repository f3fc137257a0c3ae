package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/oidc"
)

// This file is what becomes of an answer of the practice's OpenID provider: a
// session, or a refusal, which is in the log with its reason.

var (
	// errLeft is [ErrUnauthenticated] of who has an account at the provider, and
	// none here any more.
	errLeft = fmt.Errorf("%w: may not sign in", ErrUnauthenticated)
	// errOtherAccount is [ErrUnauthenticated] of who confirms with an account that
	// is not theirs.
	errOtherAccount = fmt.Errorf("%w: the account of another", ErrUnauthenticated)
	// errTaken is [ErrConflict] of who links an account that is another's, or has one.
	errTaken = fmt.Errorf("%w: linked otherwise", ErrConflict)
	// errOtherSession is [ErrUnauthenticated] of an answer for a session that is
	// not the caller's.
	errOtherSession = fmt.Errorf("%w: asked for by another session", ErrUnauthenticated)
)

// ssoReason is what the log says of a refusal; empty for what is none.
func ssoReason(err error) string {
	var no *oidc.RefusedError
	if errors.As(err, &no) {
		return string(no.Reason)
	}
	for _, r := range []struct {
		refusal error
		reason  string
	}{
		{ErrSecondFactor, "one-factor"},
		{ErrNotLinked, "not-linked"},
		{ErrNoRole, "no-role"},
		{ErrNetwork, "network"},
		{errLeft, "disabled"},
		{errOtherAccount, "other-account"},
		{errTaken, "linked-otherwise"},
		{ErrConflict, "conflict"},
		{errOtherSession, "other-session"},
	} {
		if errors.Is(err, r.refusal) {
			return r.reason
		}
	}
	return ""
}

// FinishSSO takes what the provider sent the browser back with, beside the
// cookie of the attempt. Whoever is refused leaves one event.
func (h *Hub) FinishSSO(ctx context.Context, from Source, s *StaffCaller, cookie string, f api.FinishSSO) (Cookies, api.SSODone, error) {
	pr, p, err := h.ssoPractice(ctx, f.Practice)
	if err != nil {
		return Cookies{}, api.SSODone{}, err
	}
	var cookies Cookies
	var done api.SSODone
	who := nobody(pr.ID)
	if a, ok := h.openAttempt(pr.ID, cookie, f.State); ok {
		cookies, done, who, err = h.answerSSO(ctx, from, s, &pr, p, a, &f)
	} else {
		// It costs nothing to come with what is no attempt: those are counted.
		if err := h.rates.allow("sso-foreign", network(from.Address), h.limits.SignIns); err != nil {
			return Cookies{}, done, h.noteThrottled(ctx, from, f.Practice, "", err)
		}
		err = &oidc.RefusedError{Reason: oidc.ReasonState}
	}
	reason := ssoReason(err)
	if reason == "" {
		return cookies, done, err
	}
	h.log.InfoContext(ctx, "single sign-on refused", slog.String("practice", pr.ID), slog.String("reason", reason))
	e := h.event(ctx, who, audit.SignInRefused, who.actor().Person).With("method=" + MethodSSO).AsRefused(reason)
	if recorded := h.store.Record(ctx, e); recorded != nil {
		return Cookies{}, api.SSODone{}, at("record a refusal", recorded)
	}
	return Cookies{}, api.SSODone{}, err
}

// answerSSO also returns who it was, as far as that is known.
func (h *Hub) answerSSO(ctx context.Context, from Source, s *StaffCaller, pr *cachedPractice, p oidc.Provider, a ssoAttempt, f *api.FinishSSO) (Cookies, api.SSODone, Actor, error) {
	done := api.SSODone{Page: a.Page}
	caller := nobody(pr.ID)
	asked := s != nil && s.session.ID == a.Session && s.Person.Practice == pr.ID
	if asked {
		caller = s
	}
	if err := h.spendAttempt(ctx, "sso", a.State); err != nil {
		return Cookies{}, done, caller, err
	}
	who, err := h.oidc.Finish(ctx, p, a.Attempt, oidc.Answer{State: f.State, Code: f.Code, Issuer: f.Issuer, Error: f.Error})
	if err != nil {
		return Cookies{}, done, caller, err
	}
	if !pr.Access.SSO.twoFactors(who) {
		return Cookies{}, done, caller, ErrSecondFactor
	}
	var cookies Cookies
	if a.Purpose == ssoSignIn {
		var person Person
		cookies, done.Session, person, err = h.ssoSignIn(ctx, from, pr, who)
		if person.ID != "" {
			caller = person.themself()
		}
		return cookies, done, caller, err
	}
	if !asked {
		return Cookies{}, done, caller, errOtherSession
	}
	if a.Purpose == ssoLink {
		err = h.linkOwn(ctx, s, who)
	} else {
		err = h.sameIdentity(ctx, s, who)
	}
	if err != nil {
		return Cookies{}, done, caller, err
	}
	if err := h.store.SetSessionProvider(ctx, s.session.ID, h.providerSession(s.session.ID, who)); err != nil {
		return Cookies{}, done, caller, at("store the provider's session", err)
	}
	cookies, done.Session, err = h.renew(ctx, s, FactorUse{})
	return cookies, done, caller, err
}

// spendAttempt sees to it that an answer is good once.
func (h *Hub) spendAttempt(ctx context.Context, use, state string) error {
	once := sha256.Sum256([]byte(use + " " + state))
	err := h.store.SpendNonce(ctx, once[:16], h.now().Add(oidc.AttemptLife).UnixMilli())
	if errors.Is(err, ErrExists) {
		return &oidc.RefusedError{Reason: oidc.ReasonState}
	} else if err != nil {
		return at("spend an attempt", err)
	}
	return nil
}

// openAttempt reads a cookie.
func (h *Hub) openAttempt(practice, cookie, state string) (a ssoAttempt, ok bool) {
	ok = h.unsealAttempt(cookie, "sso", practice, &a) && a.Matches(state, h.now())
	return a, ok
}

// ssoSignIn opens a session for whom the provider has named, and returns who
// that is here, also if they are refused.
func (h *Hub) ssoSignIn(ctx context.Context, from Source, pr *cachedPractice, who *oidc.Identity) (Cookies, api.StaffSession, Person, error) {
	person, err := h.identified(ctx, pr, who)
	if err != nil {
		return Cookies{}, api.StaffSession{}, Person{}, err
	}
	if person.DisabledAt != 0 || person.Kind != api.KindStaff {
		return Cookies{}, api.StaffSession{}, person, errLeft
	}
	p, err := h.groupsOf(ctx, pr, person, who)
	switch {
	case err != nil:
	case roleOf(p.Kind, p.Role) == "":
		err = ErrNoRole
	case !pr.Access.allows(p.Role, from.Address):
		err = ErrNetwork
	}
	if err != nil {
		return Cookies{}, api.StaffSession{}, person, err
	}
	cookies, session, err := h.openStaffSession(ctx, from, p, shown{method: MethodSSO}, who)
	return cookies, session, person, err
}

// sameIdentity refuses who confirms with another's account, or one that is
// nobody's.
func (h *Hub) sameIdentity(ctx context.Context, s *StaffCaller, who *oidc.Identity) error {
	known, err := h.store.IdentityLink(ctx, s.Person.Practice, who.Issuer, who.Subject)
	if errors.Is(err, ErrNotFound) || err == nil && known.Person != s.Person.ID {
		return errOtherAccount
	} else if err != nil {
		return at("load identity", err)
	}
	return nil
}
