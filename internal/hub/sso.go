package hub

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is how staff sign in at their practice's OpenID provider. The
// browser that begins gets a sealed cookie, and the answer is good with it
// alone, once. A session comes of an answer only if the provider says that two
// factors were shown; whatever is missing, there is none.

// What an attempt is for.
const (
	ssoSignIn  = "sign-in"
	ssoConfirm = "confirm"
	ssoLink    = "link"
)

// SSOAttemptLife is how long an attempt's cookie is of use.
const SSOAttemptLife = oidc.AttemptLife

// An ssoAttempt is what a browser's cookie holds, sealed.
type ssoAttempt struct {
	oidc.Attempt
	Purpose string `json:"p"`
	Page    string `json:"g"`
	Session string `json:"e,omitempty"` // that wants to confirm or to link
}

// SealSecret seals a client secret of a practice's provider for its settings.
func (h *Hub) SealSecret(practice, secret string) []byte {
	return h.secrets.seal([]byte(secret), "oidc", practice)
}

func (h *Hub) provider(pr *cachedPractice) (oidc.Provider, error) {
	s := pr.Access.SSO
	if s == nil {
		return oidc.Provider{}, ErrNotFound
	}
	p := oidc.Provider{Issuer: s.Issuer, ClientID: s.ClientID}
	if len(s.Secret) > 0 {
		secret, err := h.secrets.open(s.Secret, "oidc", pr.ID)
		if err != nil {
			return p, at("open the client secret", err)
		}
		p.Secret = string(secret)
	}
	return p, nil
}

// ssoPractice returns a practice that has a provider, and the provider.
func (h *Hub) ssoPractice(ctx context.Context, slug string) (cachedPractice, oidc.Provider, error) {
	stored, err := h.store.PracticeBySlug(ctx, slug)
	if err != nil {
		return cachedPractice{}, oidc.Provider{}, err
	}
	pr, err := h.practice(ctx, stored.ID)
	if err != nil {
		return pr, oidc.Provider{}, err
	}
	p, err := h.provider(&pr)
	return pr, p, err
}

// BeginSSO returns where to send the browser, and the cookie that it must bring
// back. For a purpose other than to sign in, s is who is signed in.
func (h *Hub) BeginSSO(ctx context.Context, from Source, s *StaffCaller, b api.BeginSSO) (cookie string, begun api.SSOBegun, err error) {
	if err := h.allowSSO(ctx, from, s); err != nil {
		return "", begun, h.noteThrottled(ctx, from, b.Practice, "", err)
	}
	pr, p, err := h.ssoPractice(ctx, b.Practice)
	if err != nil {
		return "", begun, err
	}
	a := ssoAttempt{Purpose: b.Purpose, Page: b.Page}
	sso := pr.Access.SSO
	r := oidc.Request{
		// Each practice's provider sends people back to a path of its own, so that
		// the answer of one is never taken to another's (mix-up).
		RedirectURL: from.Origin + "/staff/sso/" + pr.Slug, Scopes: sso.Scopes, MaxAge: pr.ssoAge(),
		ACR: sso.values("acr"), Contexts: sso.values("acrs"),
	}
	if b.Purpose != ssoSignIn {
		if s == nil || s.Person.Practice != pr.ID {
			return "", begun, ErrUnauthenticated
		}
		a.Session, r.MaxAge = s.session.ID, 0
	}
	if b.Purpose == ssoLink {
		if err := h.proved(s); err != nil {
			return "", begun, err
		}
	}
	a.Attempt, begun.Address, err = h.oidc.Begin(ctx, p, r)
	if err != nil {
		return "", begun, err
	}
	cookie, err = h.sealAttempt(a, "sso", pr.ID)
	return cookie, begun, err
}

// allowSSO bounds how often one begins: by session, by browser if somebody has
// signed in from it, and among strangers by network.
func (h *Hub) allowSSO(ctx context.Context, from Source, s *StaffCaller) error {
	if s != nil {
		return h.rates.allow("sso-session", s.session.ID, h.limits.SignIns)
	}
	browser, known, err := h.knowsAnybody(ctx, from.Known)
	if err != nil {
		return err
	}
	if known {
		return h.rates.allow("sso-known", browser, h.limits.SignIns)
	}
	return h.rates.allow("sso", network(from.Address), h.limits.SignIns)
}

// sealAttempt seals an attempt for who has to bring it back.
func (h *Hub) sealAttempt(a any, use, practice string) (string, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(h.secrets.seal(plain, use, practice)), nil
}

// unsealAttempt reads what [Hub.sealAttempt] made. One for another use, or of
// another practice, does not open.
func (h *Hub) unsealAttempt(text, use, practice string, a any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := h.secrets.open(sealed, use, practice)
	return err == nil && json.Unmarshal(plain, a) == nil
}

// identified returns the person that an identity is linked to. If there is
// none, the directory may have told us of the person beforehand, by an id that
// is in the token too. An address is no proof of anything.
func (h *Hub) identified(ctx context.Context, pr *cachedPractice, who *oidc.Identity) (Person, error) {
	link, err := h.store.IdentityLink(ctx, pr.ID, who.Issuer, who.Subject)
	if err == nil {
		return h.store.Person(ctx, pr.ID, link.Person)
	} else if !errors.Is(err, ErrNotFound) {
		return Person{}, at("load identity", err)
	}
	claim := pr.Access.SSO.ExternalIDClaim
	if claim == "" {
		claim = "sub"
	}
	ids := who.Values(claim)
	if len(ids) != 1 || len(ids[0]) > maxExternalID {
		return Person{}, ErrNotLinked
	}
	p, err := h.store.PersonByExternalID(ctx, pr.ID, ids[0])
	if errors.Is(err, ErrNotFound) {
		return Person{}, ErrNotLinked
	} else if err != nil {
		return Person{}, at("load person of the directory", err)
	}
	return p, h.link(ctx, provider(pr.ID), &p, who.Issuer, who.Subject, LinkedByDirectory, nil)
}

// maxExternalID is the most bytes of the directory's id of a person.
const maxExternalID = 255

// provider is the practice's directory, or its OpenID provider, as an actor.
func provider(practice string) Actor { return party{Practice: practice, Role: audit.Service} }

func (h *Hub) link(ctx context.Context, who Actor, p *Person, issuer, subject, way string, by *Agreement) error {
	l := IdentityLink{Practice: p.Practice, Issuer: issuer, Subject: subject, Person: p.ID, Way: way, CreatedAt: h.millis()}
	linked := h.event(ctx, who, audit.IdentityLinked, p.ID).With("way=" + way)
	err := h.store.Recording(linked).LinkIdentity(ctx, l, by)
	if errors.Is(err, ErrExists) {
		return ErrNotLinked // the person is somebody else there
	} else if err != nil {
		return at("link identity", err)
	}
	return nil
}

// linkOwn links the account at the provider to who is signed in here and has
// shown both factors.
func (h *Hub) linkOwn(ctx context.Context, s *StaffCaller, who *oidc.Identity) error {
	if err := h.proved(s); err != nil {
		return err
	}
	known, err := h.store.IdentityLink(ctx, s.Person.Practice, who.Issuer, who.Subject)
	if err == nil && known.Person == s.Person.ID {
		return nil
	}
	err = h.link(ctx, s, &s.Person, who.Issuer, who.Subject, LinkedByOwner, nil)
	if errors.Is(err, ErrNotLinked) {
		return errTaken
	}
	return err
}

// groupsOf makes of a person what their groups say, where the practice has
// roles come with the token. Who is in no group that counts has no role from
// then on, however they sign in; the last administrator stays one.
func (h *Hub) groupsOf(ctx context.Context, pr *cachedPractice, p Person, who *oidc.Identity) (Person, error) {
	claim := pr.Access.SSO.GroupsClaim
	if claim == "" {
		return p, nil
	}
	role, queues, ok := pr.Access.Groups.role(who.Values(claim))
	p, err := h.assignRole(ctx, p, role, queues)
	if !ok && (err == nil || errors.Is(err, ErrForbidden)) {
		err = ErrNoRole
	}
	return p, err
}

// providerSession is what is kept of the session at the provider: enough to end
// ours when it ends, and to end it when ours does.
func (h *Hub) providerSession(session string, who *oidc.Identity) ProviderSession {
	return ProviderSession{
		Issuer: who.Issuer, Subject: who.Subject, Sid: who.Session, Hint: h.secrets.seal([]byte(who.Token), "hint", session),
	}
}

// SignOutSSO ends the session, and says where to end the provider's.
func (h *Hub) SignOutSSO(ctx context.Context, from Source, s *StaffCaller) (api.SSOSignedOut, error) {
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.SSOSignedOut{}, err
	}
	hint, err := h.store.SessionHint(ctx, s.session.ID)
	if err != nil {
		return api.SSOSignedOut{}, at("load the session's hint", err)
	}
	if err := h.SignOut(ctx, s); err != nil {
		return api.SSOSignedOut{}, err
	}
	p, err := h.provider(&pr)
	if err != nil || s.session.Provider.Issuer != p.Issuer || p.Issuer == "" {
		return api.SSOSignedOut{}, nil // signed in otherwise, or by a provider that is no more
	}
	token, err := h.secrets.open(hint, "hint", s.session.ID)
	if err != nil {
		token = nil
	}
	return api.SSOSignedOut{Address: h.oidc.SignOutURL(ctx, p, string(token), from.Origin+"/staff/")}, nil
}

// ProviderLogout ends the sessions of which the provider says that they are
// over. Each of its tokens is good once.
func (h *Hub) ProviderLogout(ctx context.Context, slug, token string) error {
	if err := h.rates.allow("provider-logout", slug, h.limits.Provider); err != nil {
		return err
	}
	pr, p, err := h.ssoPractice(ctx, slug)
	if err != nil {
		return err
	}
	out, err := h.oidc.Logout(ctx, p, token)
	if err != nil {
		return err
	}
	once := sha256.Sum256([]byte(strings.Join([]string{"logout", pr.ID, out.Issuer, out.ID}, "\x00")))
	if err := h.store.SpendNonce(ctx, once[:16], out.Expires.UnixMilli()); errors.Is(err, ErrExists) {
		return &oidc.RefusedError{Reason: oidc.ReasonToken}
	} else if err != nil {
		return at("spend a logout token", err)
	}
	return h.endProvided(ctx, provider(pr.ID), pr.ID, out.Issuer, out.Subject, out.Session)
}

// identityOf describes the person's account at the practice's provider; nil if
// the practice has none.
func (h *Hub) identityOf(ctx context.Context, pr *cachedPractice, person string) (*api.LinkedIdentity, error) {
	sso := pr.Access.SSO
	if sso == nil {
		return nil, nil
	}
	l, err := h.store.IdentityOf(ctx, pr.ID, person, sso.Issuer)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, at("load identity", err)
	}
	return &api.LinkedIdentity{Provider: sso.Name, Linked: err == nil, LinkedAt: l.CreatedAt}, nil
}

// UnlinkOwn takes the link of one's own account at the provider away. Something
// must be left to sign in with.
func (h *Hub) UnlinkOwn(ctx context.Context, s *StaffCaller) error {
	if err := h.proved(s); err != nil {
		return err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return err
	}
	if pr.Access.SSO == nil {
		return ErrNotFound
	}
	factors, err := h.store.FactorsOf(ctx, pr.ID, s.Person.ID)
	if err != nil {
		return at("load factors", err)
	}
	passkey := slices.ContainsFunc(factors, func(f Factor) bool { return f.Kind == FactorPasskey })
	if !passkey && (s.Person.Password == "" || len(factors) == 0) {
		return ErrLastFactor
	}
	gone := h.event(ctx, s, audit.IdentityUnlinked, s.Person.ID)
	if err := h.store.Recording(gone).UnlinkIdentity(ctx, pr.ID, s.Person.ID, pr.Access.SSO.Issuer); err != nil {
		return err
	}
	return h.endOthers(ctx, s)
}

// LinkStaffIdentity has an administrator say who a person is at the practice's
// provider. Whoever has that account can then become the person, as with a
// set-up link.
func (h *Hub) LinkStaffIdentity(ctx context.Context, s *StaffCaller, person, subject string) error {
	p, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return err
	}
	return h.become(s, &p, privileged(p.Role), func(by *Agreement) error {
		return h.linkStaff(ctx, s, p.Practice, p.ID, subject, by)
	})
}

// UnlinkStaffIdentity takes such a link away, and ends the sessions that were
// opened by it.
func (h *Hub) UnlinkStaffIdentity(ctx context.Context, s *StaffCaller, person string) error {
	p, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return err
	}
	if err := h.mayStaff(s, policy.Invite, p.resource(false)); err != nil {
		return err
	}
	if err := h.proved(s); err != nil {
		return err
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	if pr.Access.SSO == nil {
		return ErrNotFound
	}
	l, err := h.store.IdentityOf(ctx, p.Practice, p.ID, pr.Access.SSO.Issuer)
	if err != nil {
		return err
	}
	gone := h.event(ctx, s, audit.IdentityUnlinked, p.ID)
	if err := h.store.Recording(gone).UnlinkIdentity(ctx, p.Practice, p.ID, l.Issuer); err != nil {
		return err
	}
	return h.endProvided(ctx, s, p.Practice, l.Issuer, l.Subject, "")
}

// LinkIdentity is LinkStaffIdentity for who runs the hub.
func (h *Hub) LinkIdentity(ctx context.Context, practice, person, subject string) error {
	return h.linkStaff(ctx, operator(practice), practice, person, subject, nil)
}

func (h *Hub) linkStaff(ctx context.Context, who Actor, practice, person, subject string, by *Agreement) error {
	p, err := h.store.Person(ctx, practice, person)
	if err != nil {
		return err
	}
	pr, err := h.practice(ctx, practice)
	if err != nil {
		return err
	}
	if pr.Access.SSO == nil {
		return ErrNotFound
	}
	if p.DisabledAt != 0 || p.Kind != api.KindStaff {
		return ErrConflict
	}
	err = h.link(ctx, who, &p, pr.Access.SSO.Issuer, subject, LinkedByAdministrator, by)
	if errors.Is(err, ErrNotLinked) {
		return ErrConflict
	}
	return err
}

// endProvided ends sessions that were opened at a provider.
func (h *Hub) endProvided(ctx context.Context, by Actor, practice, issuer, subject, sid string) error {
	ended, err := h.store.Recording(h.event(ctx, by, audit.ProviderEnded, "")).EndProviderSessions(ctx, practice, issuer, subject, sid)
	if err != nil {
		return at("end the provider's sessions", err)
	}
	for _, s := range ended {
		h.endSessions(ctx, practice, Ending{Staff: s.ID})
	}
	return nil
}
