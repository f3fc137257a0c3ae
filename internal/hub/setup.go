package hub

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/password"
)

// A Source is where a call comes from, as far as the hub is told.
type Source struct {
	Address string
	Browser string // as it names itself, short
	Known   string // the cookie of a known browser; empty if there is none
	Site    SignInSite
	Origin  string // of ours, that the browser is at
	Key     string // names the browser's own key, which it showed: see [Hub.BrowserKey]; empty if it has none
}

// InspectSetUp says whom an unused set-up link is for.
func (h *Hub) InspectSetUp(ctx context.Context, token string) (api.Invitation, error) {
	_, pr, p, err := h.setUpLink(ctx, token)
	if err != nil {
		return api.Invitation{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, nobody(pr.ID), audit.SetUpLinkOpened, p.ID)); err != nil {
		return api.Invitation{}, at("record a read", err)
	}
	return api.Invitation{
		Practice: pr.Slug, Person: h.person(p), Login: p.Login, Password: passwordPolicy(pr.Access.Password),
		App: h.offerApp(pr.Name, p),
	}, nil
}

func passwordPolicy(p password.Policy) api.PasswordPolicy {
	return api.PasswordPolicy{MinLength: p.Least(), Classes: p.Classes, ExpiryDays: p.ExpiryDays}
}

func (h *Hub) setUpLink(ctx context.Context, token string) (SetUpLink, cachedPractice, Person, error) {
	l, err := h.store.SetUpLink(ctx, hashToken(token), h.millis())
	if err != nil {
		return l, cachedPractice{}, Person{}, err
	}
	pr, err := h.practice(ctx, l.Practice)
	if err != nil {
		return l, pr, Person{}, err
	}
	p, err := h.store.Person(ctx, l.Practice, l.Person)
	if err != nil {
		return l, pr, p, at("load staff person", err)
	}
	if p.DisabledAt != 0 {
		return l, pr, p, ErrNotFound
	}
	return l, pr, p, nil
}

// SetUp uses a set-up link: the person signs in with a new passkey, or with a
// new password and a new app, from now on and with nothing else. All their
// former sessions end.
func (h *Hub) SetUp(ctx context.Context, from Source, s api.SetUp) (Cookies, api.SetUpDone, error) {
	_, pr, p, err := h.setUpLink(ctx, s.Token)
	if err != nil {
		return Cookies{}, api.SetUpDone{}, err
	}
	if !pr.Access.allows(p.Role, from.Address) {
		return Cookies{}, api.SetUpDone{}, h.refusedNetwork(ctx, nobody(pr.ID))
	}
	method := MethodApp
	if s.Passkey != nil {
		method = MethodPasskey
	}
	if err := pr.Access.allowsHere(p, method); err != nil {
		return Cookies{}, api.SetUpDone{}, h.refusedHere(ctx, nobody(pr.ID), p.ID, method, err)
	}
	var e Enrolment
	var done api.SetUpDone
	switch {
	case s.Passkey != nil && s.App == nil && s.Password == "":
		e.Factor, err = h.takePasskey(ctx, from.Site, pr.Slug, p, *s.Passkey)
	case s.Passkey == nil && s.App != nil:
		if err = checkNewPassword(pr, p, s.Password); err != nil {
			break
		}
		if e.Factor, err = h.takeApp(p, *s.App); err != nil {
			break
		}
		if e.Password, err = h.passwords.Hash(ctx, s.Password); err != nil {
			break
		}
		done.RecoveryCodes, e.Codes, err = h.newRecoveryCodes(ctx)
	default:
		err = malformed("passkey")
	}
	if err != nil {
		return Cookies{}, api.SetUpDone{}, err
	}
	used := h.event(ctx, p.themself(), audit.SetUpLinkUsed, p.ID).With("kind=" + e.Factor.Kind)
	l, err := h.store.Recording(used).ClaimSetUpLink(ctx, hashToken(s.Token), e, h.millis())
	if err != nil {
		return Cookies{}, api.SetUpDone{}, err
	}
	h.endSessions(ctx, l.Practice, Ending{Person: l.Person})
	var cookies Cookies
	cookies, done.Session, err = h.openStaffSession(ctx, from, p, shown{method: MethodSetUp}, nil)
	return cookies, done, err
}

// checkNewPassword returns a [*WeakPasswordError] for one that the practice
// does not take.
func checkNewPassword(pr cachedPractice, p Person, chosen string) error {
	if s := pr.Access.Password.Check(chosen, p.Login, p.Name, pr.Name, pr.Slug, "sotto"); s.Fault != password.FaultNone {
		return &WeakPasswordError{Fault: s.Fault}
	}
	return nil
}

// PasswordStrength says how good a password would be for the person who has
// the link or, if staff is not nil, is signed in.
func (h *Hub) PasswordStrength(ctx context.Context, staff *StaffCaller, c api.CheckPassword) (api.PasswordStrength, error) {
	var pr cachedPractice
	var p Person
	var err error
	if staff != nil {
		p = staff.Person
		pr, err = h.practice(ctx, p.Practice)
	} else {
		_, pr, p, err = h.setUpLink(ctx, c.Token)
	}
	if err != nil {
		return api.PasswordStrength{}, err
	}
	s := pr.Access.Password.Check(c.Password, p.Login, p.Name, pr.Name, pr.Slug, "sotto")
	return api.PasswordStrength{Bits: s.Bits, Fault: string(s.Fault)}, nil
}
