// Package oidc signs people in at an OpenID provider of their practice's
// (OpenID Connect Core 1.0, authorization code flow with PKCE, RFC 7636) and
// hears from the provider when a session of theirs ends there (OpenID Connect
// Back-Channel Logout 1.0).
//
// It knows nothing of staff, patients, storage or cookies: who asks keeps an
// [Attempt] where only the browser that began it can bring it back, and decides
// what an [Identity] may do. What it promises: an Identity comes from a token
// that the configured issuer signed for this client, for this very attempt, in
// time; whatever is in doubt is refused, with a [Reason] that holds nothing of
// the token.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// AttemptLife is how long a person may take at the provider.
	AttemptLife = 15 * time.Minute
	// Skew is how far the clocks of hub and provider may be apart.
	Skew = time.Minute
	// MaxToken is the most bytes that a token may have.
	MaxToken = 64 << 10
	// maxValues bounds how many values of one claim are looked at.
	maxValues = 1000
	// AnyAge is for a provider that does not say when somebody signed in there.
	AnyAge = time.Duration(-1)
)

// ErrUnavailable: the provider cannot be reached, or answers what no provider
// should. Trying again may help.
var ErrUnavailable = errors.New("oidc: the provider cannot be reached")

// A Reason says why somebody was not let in. It is from a fixed list, and may
// be shown and logged.
type Reason string

// The reasons.
const (
	ReasonState  Reason = "state"   // not the attempt of this browser, or too late
	ReasonIssuer Reason = "issuer"  // the answer comes from another provider (RFC 9207)
	ReasonDenied Reason = "denied"  // the provider, or the person there, said no
	ReasonCode   Reason = "code"    // the provider does not know the code, or not with this verifier
	ReasonToken  Reason = "token"   // not signed by the provider, not for us, or expired
	ReasonNonce  Reason = "nonce"   // a token of another attempt
	ReasonMaxAge Reason = "max-age" // signed in at the provider too long ago
)

// A RefusedError is an attempt that failed.
type RefusedError struct{ Reason Reason }

func (e *RefusedError) Error() string { return "oidc: refused: " + string(e.Reason) }

func refused(r Reason) error { return &RefusedError{Reason: r} }

// A Provider is an OpenID provider as a practice has configured it.
type Provider struct {
	Issuer   string // exactly as the provider names itself
	ClientID string
	Secret   string // empty for a public client
	// FHIR is the base URL of a FHIR server that the provider guards (SMART App
	// Launch 2.2.0); empty for a provider that is that alone. Its description
	// must name the same issuer, and says where to send people.
	FHIR string
}

// A Request is what is asked of the provider.
type Request struct {
	RedirectURL string   // registered there, exactly
	Scopes      []string // besides openid
	// MaxAge is how long ago the person may have signed in at the provider. 0
	// asks them to sign in again; [AnyAge] leaves it to the provider.
	MaxAge time.Duration
	// ACR are acceptable values of the claim acr; the provider may ignore them,
	// so who asks looks at what came back. Contexts are the same for acrs.
	ACR, Contexts []string
}

// An Attempt is what must come back with the answer. It is secret, and belongs
// to one browser.
type Attempt struct {
	Issuer      string `json:"i"`
	RedirectURL string `json:"r"`
	State       string `json:"s"`
	Nonce       string `json:"n"`
	Verifier    string `json:"v"` // PKCE
	At          int64  `json:"t"` // Unix seconds
	MaxAge      int64  `json:"m"` // seconds; -1 for any
}

// An Answer is what the provider sent the browser back with.
type Answer struct {
	State  string
	Code   string
	Issuer string // the parameter iss (RFC 9207)
	Error  string
}

// An Identity is who the provider says it is.
type Identity struct {
	Issuer   string
	Subject  string // stable within the issuer, never given to another
	Session  string // the claim sid; empty if the provider has none
	AuthTime time.Time
	Token    string // the ID token: a hint for signing out
	// Patient is the id of a patient of the FHIR server, of whom the person may
	// see something; empty if the token endpoint named none.
	Patient string
	claims  map[string]json.RawMessage
	access  string // the access token: it goes to the FHIR server and nowhere else
}

// Values returns a claim that is a text or a list of texts.
func (i *Identity) Values(claim string) []string {
	raw := i.claims[claim]
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one == "" {
			return nil
		}
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many[:min(len(many), maxValues)]
}

// Begin returns an attempt and the address to send the browser to.
func (c *Client) Begin(ctx context.Context, p Provider, r Request) (Attempt, string, error) {
	d, err := c.discoverAt(ctx, p)
	if err != nil {
		return Attempt{}, "", err
	}
	a := Attempt{
		Issuer: p.Issuer, RedirectURL: r.RedirectURL, State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(),
		At: c.now().Unix(), MaxAge: int64(r.MaxAge / time.Second),
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), gooidc.Nonce(a.Nonce)}
	if r.MaxAge == AnyAge {
		a.MaxAge = -1
	} else {
		options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(a.MaxAge, 10)))
	}
	if a.MaxAge == 0 {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	if len(r.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(r.ACR, " ")))
	}
	if len(r.Contexts) > 0 {
		asked, err := json.Marshal(map[string]any{"id_token": map[string]any{"acrs": map[string]any{"essential": true, "values": r.Contexts}}})
		if err != nil {
			return Attempt{}, "", err
		}
		options = append(options, oauth2.SetAuthURLParam("claims", string(asked)))
	}
	if p.FHIR != "" {
		options = append(options, oauth2.SetAuthURLParam("aud", p.FHIR))
	}
	return a, d.oauth(p, r.RedirectURL, append([]string{gooidc.ScopeOpenID}, r.Scopes...)).AuthCodeURL(a.State, options...), nil
}

// Matches reports whether an answer with this state is one to the attempt, and
// in time.
func (a *Attempt) Matches(state string, now time.Time) bool {
	return a.State != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1 && now.Sub(time.Unix(a.At, 0)) < AttemptLife
}

// Finish trades the provider's answer to an attempt for an identity. Any
// refusal is a [*RefusedError].
func (c *Client) Finish(ctx context.Context, p Provider, a Attempt, got Answer) (*Identity, error) {
	began := time.Unix(a.At, 0)
	if !a.Matches(got.State, c.now()) {
		return nil, refused(ReasonState)
	}
	if a.Issuer != p.Issuer { // the practice has another provider by now
		return nil, refused(ReasonIssuer)
	}
	d, err := c.discoverAt(ctx, p)
	if err != nil {
		return nil, err
	}
	if got.Issuer != p.Issuer && (got.Issuer != "" || d.NamesItself) {
		return nil, refused(ReasonIssuer)
	}
	if got.Error != "" || got.Code == "" {
		return nil, refused(ReasonDenied)
	}
	tokens, err := d.oauth(p, a.RedirectURL, nil).Exchange(c.context(ctx), got.Code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, exchangeFailed(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok || len(raw) > MaxToken {
		return nil, refused(ReasonToken)
	}
	who, err := c.verify(ctx, d, p, raw, tokens.AccessToken)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(who.nonce), []byte(a.Nonce)) != 1 {
		return nil, refused(ReasonNonce)
	}
	if err := c.recent(who.AuthTime, began, a.MaxAge); err != nil {
		return nil, err
	}
	if patient, ok := tokens.Extra("patient").(string); ok {
		who.Patient = patient
	}
	who.access = tokens.AccessToken
	return &who.Identity, nil
}

// recent checks that the person signed in at the provider not too long ago: a
// provider that does not say when gives no session.
func (c *Client) recent(at, began time.Time, maxAge int64) error {
	if maxAge < 0 {
		return nil // who asked does without
	}
	latest := c.now().Add(Skew)
	earliest := began.Add(-time.Duration(maxAge)*time.Second - Skew)
	if at.IsZero() || at.Before(earliest) || at.After(latest) {
		return refused(ReasonMaxAge)
	}
	return nil
}

// exchangeFailed tells a provider that says no from one that does not answer.
// What it said is dropped: it may quote the code.
func exchangeFailed(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) && answered.Response.StatusCode < http.StatusInternalServerError {
		return refused(ReasonCode)
	}
	return ErrUnavailable
}

type verified struct {
	Identity
	nonce string
}

// verify checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (c *Client) verify(ctx context.Context, d *discovered, p Provider, raw, access string) (verified, error) {
	var v verified
	verifier, keys := c.verifier(d, p.ClientID)
	token, err := verifier.Verify(c.context(ctx), raw)
	if err != nil {
		return v, keys.refusal()
	}
	var claims struct {
		Session  string `json:"sid"`
		Party    string `json:"azp"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := errors.Join(token.Claims(&v.claims), token.Claims(&claims)); err != nil {
		return v, refused(ReasonToken)
	}
	switch {
	case token.Subject == "" || len(token.Subject) > 255 || len(claims.Session) > 255:
		return v, refused(ReasonToken)
	case claims.Party != "" && claims.Party != p.ClientID, claims.Party == "" && len(token.Audience) != 1:
		return v, refused(ReasonToken)
	case token.IssuedAt.After(c.now().Add(Skew)):
		return v, refused(ReasonToken)
	case token.AccessTokenHash != "" && token.VerifyAccessToken(access) != nil:
		return v, refused(ReasonToken)
	}
	v.Issuer, v.Subject, v.Session, v.Token, v.nonce = token.Issuer, token.Subject, claims.Session, raw, token.Nonce
	if claims.AuthTime > 0 {
		v.AuthTime = time.Unix(claims.AuthTime, 0)
	}
	return v, nil
}

// SignOutURL is where to send a browser so that the session ends at the
// provider too (OpenID Connect RP-Initiated Logout 1.0); empty if the provider
// has no such place. After names where it sends the browser back to.
func (c *Client) SignOutURL(ctx context.Context, p Provider, token, after string) string {
	d, err := c.discover(ctx, p.Issuer)
	if err != nil || d.EndSession == "" || !safe(d.EndSession) {
		return "" // the session here ends all the same
	}
	u, err := url.Parse(d.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set("post_logout_redirect_uri", after)
	if token != "" {
		q.Set("id_token_hint", token)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// A Logout is the provider's word that sessions ended there.
type Logout struct {
	Issuer  string
	Subject string // all sessions of the person, unless Session is set
	Session string // the one with this sid
	ID      string // of the token, within the issuer
	Expires time.Time
}

// logoutLife is how old a logout token may be: section 2.4 recommends at most
// two minutes.
const logoutLife = 2 * time.Minute

// Logout checks a logout token (OpenID Connect Back-Channel Logout 1.0, section
// 2.6). Who asks must see to it that none is used twice.
func (c *Client) Logout(ctx context.Context, p Provider, raw string) (Logout, error) {
	if len(raw) > MaxToken || !typed(raw, "logout+jwt") {
		return Logout{}, refused(ReasonToken)
	}
	d, err := c.discover(ctx, p.Issuer)
	if err != nil {
		return Logout{}, err
	}
	verifier, keys := c.verifier(d, p.ClientID)
	t, err := verifier.VerifyLogout(c.context(ctx), raw)
	if err != nil {
		return Logout{}, keys.refusal()
	}
	age := c.now().Sub(t.IssuedAt)
	if t.IssuedAt.IsZero() || age > logoutLife+Skew || age < -Skew || len(t.Audience) != 1 || len(t.Subject) > 255 || len(t.SessionID) > 255 || len(t.TokenID) > 512 {
		return Logout{}, refused(ReasonToken)
	}
	return Logout{Issuer: t.Issuer, Subject: t.Subject, Session: t.SessionID, ID: t.TokenID, Expires: t.IssuedAt.Add(logoutLife + 2*Skew)}, nil
}

// typed reports whether a token's header says it is of the type: an ID token
// is no logout token, whatever else is in it.
func typed(raw, want string) bool {
	head, _, _ := strings.Cut(raw, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var h struct {
		Type string `json:"typ"`
	}
	return json.Unmarshal(b, &h) == nil && strings.EqualFold(strings.TrimPrefix(strings.ToLower(h.Type), "application/"), want)
}

// OneOf reports whether any of the values is acceptable.
func OneOf(values, acceptable []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(acceptable, v) })
}

// random is 256 bits that nobody guesses.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
