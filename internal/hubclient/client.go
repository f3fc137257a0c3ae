// Package hubclient is the Go client of the API: the keeper, the command line,
// benchmarks and tests speak to a hub through it.
//
// A [Client] speaks for one device or one signed-in staff person. Refusals of
// the hub are *[api.Problem]; any other error means that the hub could not be
// reached or did not answer, and the call may be made again. The package knows
// nothing of MLS and holds no key.
package hubclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/api"
)

// Names of the hub's cookies, and what they begin with.
const (
	cookiePrefix = "__Host-sotto_"
	staffCookie  = cookiePrefix + "staff"
)

// maxReply bounds what is read of an answer: a page of frames of full size.
const maxReply = 96 << 20

// A Config adjusts a [Client]. Its zero value is ready for use.
type Config struct {
	// HTTP makes the calls. Nil means a client of its own with many idle
	// connections.
	HTTP *http.Client
	// Timeout bounds one call. Zero means 30 s. Polls take longer.
	Timeout time.Duration
	// NoSocket sends frames by HTTP even while a push connection is open, and
	// waits for events by polling.
	NoSocket bool
	// ReadyWithin is how long a push connection may take to say that it is
	// ready. Zero means 10 s.
	ReadyWithin time.Duration
}

// A Client is one caller of a hub. It may be used by several goroutines.
type Client struct {
	base   string // without a final slash
	http   *http.Client
	config Config

	mu      sync.Mutex        // guards all below
	token   string            // of the device session
	cookies map[string]string // of staff
	socket  *socket           // open push connection, or nil
	missed  int               // push connections in a row that something between answered, and that were never ready
}

// New returns a client of the hub at base, such as "https://chat.clinic.example".
func New(base string, c Config) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("hubclient: the hub's address must be http:// or https:// and a host")
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.HTTP == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 64
		c.HTTP = &http.Client{Transport: transport}
	}
	return &Client{base: u.Scheme + "://" + u.Host, http: c.HTTP, config: c, cookies: make(map[string]string)}, nil
}

// Token returns the bearer token of the open session, or "".
func (c *Client) Token() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// SetToken uses a session that was opened before.
func (c *Client) SetToken(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
}

// request makes one call. Its body, if not nil, is sent as JSON, and the
// answer's is read into reply, if that is not nil.
func (c *Client) request(ctx context.Context, method, path string, body, reply any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("hubclient: encode %s: %w", path, err)
		}
		r = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	resp, err := c.do(ctx, method, path, r, func(h http.Header) {
		if body != nil {
			h.Set("Content-Type", "application/json")
		}
	})
	if err != nil {
		return err
	}
	defer drain(resp)
	if reply == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(reply); err != nil {
		return fmt.Errorf("hubclient: read answer of %s %s: %w", method, path, err)
	}
	return nil
}

// do makes one call and returns an answer that is no refusal. The caller
// closes its body.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, set func(http.Header)) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("hubclient: %w", err)
	}
	c.mu.Lock()
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	c.mu.Unlock()
	set(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("hubclient: %w", err)
	}
	for _, k := range resp.Cookies() {
		if strings.HasPrefix(k.Name, cookiePrefix) {
			c.mu.Lock()
			c.cookies[k.Name] = k.Value
			if k.Value == "" {
				delete(c.cookies, k.Name)
			}
			c.mu.Unlock()
		}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer drain(resp)
	return nil, refusal(resp)
}

// refusal reads a problem. An answer that is none comes from something
// between us and the hub.
func refusal(resp *http.Response) error {
	var p api.Problem
	err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p)
	if err == nil && p.Code != "" {
		return &p
	}
	if resp.Request.Method == http.MethodHead {
		return &api.Problem{Status: resp.StatusCode, Code: codeOfStatus(resp.StatusCode), RequestID: resp.Header.Get("X-Request-Id")}
	}
	return fmt.Errorf("hubclient: answered with status %d and no problem", resp.StatusCode)
}

// codeOfStatus is the code of a refusal that has no body, as that of HEAD.
func codeOfStatus(status int) api.Code {
	switch status {
	case http.StatusUnauthorized:
		return api.CodeUnauthenticated
	case http.StatusForbidden:
		return api.CodeForbidden
	case http.StatusNotFound:
		return api.CodeNotFound
	case http.StatusTooManyRequests:
		return api.CodeRateLimited
	case http.StatusServiceUnavailable:
		return api.CodeUnavailable
	case http.StatusInsufficientStorage:
		return api.CodeFull
	}
	return api.CodeInternal
}

// drain reads what is left, so that the connection can be used again.
func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}

// fetch is request for answers with a body.
func fetch[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	reply := new(T)
	if err := c.request(ctx, method, path, body, reply); err != nil {
		return nil, err
	}
	return reply, nil
}

// IsCode reports whether err is the hub's refusal with that code.
func IsCode(err error, code api.Code) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Code == code
}

// Cookie returns the value of the staff session's cookie, or "".
func (c *Client) Cookie() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cookies[staffCookie]
}

// SetCookie uses a staff session that was opened before.
func (c *Client) SetCookie(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cookies[staffCookie] = value
}
