package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// discoveryLife is how long a provider's description is believed.
	discoveryLife = 10 * time.Minute
	callTimeout   = 10 * time.Second
	maxAnswer     = 1 << 20
	maxKnown      = 1000
)

// errFetch marks what went wrong between us and the provider.
var errFetch = errors.New("oidc: not fetched")

// A Config sets up a [Client]. The zero value works.
type Config struct {
	// Transport carries the calls to providers. Nil means a new one.
	Transport http.RoundTripper
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// A Client talks to OpenID providers. Its methods may be called at once from
// many goroutines.
type Client struct {
	http *http.Client
	now  func() time.Time

	mu    sync.Mutex // guards known
	known map[string]*discovered
}

// New returns a client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &Client{
		http: &http.Client{
			Transport: &bounded{c.Transport}, Timeout: callTimeout,
			// A provider that sends us elsewhere is not the one we know.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now: c.Now, known: make(map[string]*discovered),
	}
}

func (c *Client) context(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, c.http)
}

// bounded refuses addresses that are not safe, and bounds answers.
type bounded struct{ next http.RoundTripper }

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !safe(r.URL.String()) {
		return nil, fmt.Errorf("%w: not https", errFetch)
	}
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// safe reports whether an address is https, or of this very machine.
func safe(address string) bool {
	u, err := url.Parse(address)
	return err == nil && SafeURL(u)
}

// SafeURL reports whether u is https, or http on this very machine, where a
// provider may be tried out.
func SafeURL(u *url.URL) bool {
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
	return u.User == nil && host != "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// discovered is what a provider says of itself.
type discovered struct {
	endpoint    oauth2.Endpoint
	issuer      string
	keys        gooidc.KeySet
	until       time.Time
	EndSession  string   `json:"end_session_endpoint"`
	NamesItself bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	Methods     []string `json:"token_endpoint_auth_methods_supported"`
	KeysURL     string   `json:"jwks_uri"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
}

// algorithms are those that we take: signatures by the provider's private key,
// and nothing that our own secret could make.
func (d *discovered) algorithms() []string {
	ours := []string{gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.EdDSA}
	both := slices.DeleteFunc(ours, func(a string) bool { return !slices.Contains(d.Algorithms, a) })
	if len(both) == 0 {
		return []string{gooidc.RS256}
	}
	return both
}

func (c *Client) discover(ctx context.Context, issuer string) (*discovered, error) {
	d, current := c.recall(issuer)
	if current {
		return d, nil
	}
	p, err := gooidc.NewProvider(c.context(ctx), issuer)
	if err != nil {
		return nil, ErrUnavailable // its text may quote the provider's answer
	}
	fresh := &discovered{endpoint: p.Endpoint(), issuer: issuer, until: c.now().Add(discoveryLife)}
	if err := p.Claims(fresh); err != nil {
		return nil, ErrUnavailable
	}
	if e := fresh.endpoint; !safe(e.AuthURL) || !safe(e.TokenURL) || !safe(fresh.KeysURL) {
		return nil, ErrUnavailable
	}
	fresh.keys = gooidc.NewRemoteKeySet(c.context(context.WithoutCancel(ctx)), fresh.KeysURL)
	if d != nil && d.KeysURL == fresh.KeysURL {
		fresh.keys = d.keys // which it has fetched already
	}
	return c.remember(issuer, fresh), nil
}

// recall returns what was remembered, and whether that is to be believed still.
func (c *Client) recall(key string) (d *discovered, current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d = c.known[key]
	return d, d != nil && c.now().Before(d.until)
}

func (c *Client) remember(key string, d *discovered) *discovered {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[key] = d
	return d
}

// verifier checks the tokens of one call. Its keys say whether they could be
// fetched: the verifier itself hides that.
func (c *Client) verifier(d *discovered, client string) (*gooidc.IDTokenVerifier, *fetchedKeys) {
	keys := &fetchedKeys{KeySet: d.keys}
	return gooidc.NewVerifier(d.issuer, keys, &gooidc.Config{
		ClientID: client, SupportedSigningAlgs: d.algorithms(), Now: func() time.Time { return c.now().Add(-Skew) },
	}), keys
}

type fetchedKeys struct {
	gooidc.KeySet
	failed bool
}

// VerifySignature implements [gooidc.KeySet].
func (k *fetchedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	k.failed = errors.Is(err, errFetch)
	return payload, err
}

// refusal is why a token was not taken.
func (k *fetchedKeys) refusal() error {
	if k.failed {
		return ErrUnavailable
	}
	return refused(ReasonToken)
}

func (d *discovered) oauth(p Provider, redirect string, scopes []string) *oauth2.Config {
	e := d.endpoint
	e.AuthStyle = oauth2.AuthStyleInHeader
	if p.Secret == "" || len(d.Methods) > 0 && !slices.Contains(d.Methods, "client_secret_basic") {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: e, RedirectURL: redirect, Scopes: scopes}
}
