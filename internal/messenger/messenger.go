// Package messenger sends the hub's short messages: by SMTP, through the HTTP
// gateway of a text message provider, or into a file for a demonstration.
//
// Messages hold a one-time code and the name of the practice, and never say
// anything about a person. The package puts no value of a message where another
// could be read into it: go-mail builds mails, and gateways get forms or JSON.
// Its errors hold neither contact nor text, for they are logged.
package messenger

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/sotto-health/sotto/internal/hub"
)

// ErrSend is matched by every error of a sending. What was meant for whom is
// not in it.
var ErrSend = errors.New("messenger: not sent")

// An SMTP sends mails through a server that must speak TLS: from the first byte
// with smtps://, by STARTTLS with smtp://. There is no way to do without.
type SMTP struct {
	host    string
	from    string
	options []mail.Option
}

// NewSMTP returns a sender by an address such as
// smtps://user:password@mail.clinic.example:465 or smtp://...:587. roots are the
// certificates that are trusted; nil means the system's.
func NewSMTP(address, from string, roots *tls.Config) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("messenger: the mail server is given as smtps://user:password@host:465 or smtp://user:password@host:587")
	}
	config := &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if roots != nil {
		config.RootCAs = roots.RootCAs
	}
	s := &SMTP{host: u.Hostname(), from: from, options: []mail.Option{
		mail.WithTimeout(20 * time.Second), mail.WithTLSConfig(config),
	}}
	port := u.Port()
	switch u.Scheme {
	case "smtps":
		s.options = append(s.options, mail.WithSSL())
		if port == "" {
			port = "465"
		}
	case "smtp":
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSMandatory))
		if port == "" {
			port = "587"
		}
	default:
		return nil, errors.New("messenger: the mail server's address begins with smtps:// or smtp://")
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, errors.New("messenger: the mail server's port is no number")
	}
	s.options = append(s.options, mail.WithPort(n))
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	if err := mail.NewMsg().From(from); err != nil {
		return nil, errors.New("messenger: the mails' sender is no address")
	}
	return s, nil
}

// Host is the mail server's name.
func (s *SMTP) Host() string { return s.host }

// Send implements [hub.Messenger].
func (s *SMTP) Send(ctx context.Context, m hub.Message) error {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(strings.NewReplacer(`"`, "", `\`, "").Replace(oneLine(m.Sender)), s.from); err != nil {
		return fmt.Errorf("%w: sender", ErrSend)
	}
	if err := msg.To(m.To); err != nil {
		return fmt.Errorf("%w: address", ErrSend)
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	client, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("%w: settings", ErrSend)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("%w: the mail server refused or could not be reached", ErrSend)
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// A Gateway sends text messages by one HTTP call each, as most providers take
// them.
type Gateway struct {
	// URL is called by POST. It must be https, but on this machine.
	URL string `json:"url"`
	// Headers are set as they are, such as Authorization.
	Headers map[string]string `json:"headers"`
	// User and Password are sent by HTTP basic authentication, if set.
	User     string `json:"user"`
	Password string `json:"password"`
	// Form says that Fields are sent as a form; otherwise as JSON.
	Form bool `json:"form"`
	// Fields are sent with {to} and {text} filled in.
	Fields map[string]string `json:"fields"`

	client *http.Client
}

// NewGateway reads a gateway's settings.
func NewGateway(settings []byte) (*Gateway, error) {
	g := new(Gateway)
	dec := json.NewDecoder(bytes.NewReader(settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(g); err != nil {
		return nil, errors.New("messenger: the gateway's settings are not JSON with url, headers, user, password, form and fields")
	}
	u, err := url.Parse(g.URL)
	local := err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
	if err != nil || u.Host == "" || u.Scheme != "https" && !local {
		return nil, errors.New("messenger: the gateway's url begins with https://")
	}
	if !slices.ContainsFunc(slices.Collect(values(g.Fields)), func(v string) bool { return strings.Contains(v, "{text}") }) {
		return nil, errors.New("messenger: no field of the gateway has {text}")
	}
	g.client = &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a password goes where it was meant to
	}
	return g, nil
}

func values(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// Host is the name of the provider's machine.
func (g *Gateway) Host() string {
	u, err := url.Parse(g.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Send implements [hub.Messenger].
func (g *Gateway) Send(ctx context.Context, m hub.Message) error {
	fill := strings.NewReplacer("{to}", m.To, "{text}", m.Text)
	form, object := url.Values{}, map[string]string{}
	for name, value := range g.Fields {
		form.Set(name, fill.Replace(value))
		object[name] = fill.Replace(value)
	}
	body, kind := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if !g.Form {
		b, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("%w: body", ErrSend)
		}
		body, kind = b, "application/json"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: request", ErrSend)
	}
	r.Header.Set("Content-Type", kind)
	for name, value := range g.Headers {
		r.Header.Set(name, value)
	}
	if g.User != "" {
		r.SetBasicAuth(g.User, g.Password)
	}
	resp, err := g.client.Do(r)
	if err != nil {
		return fmt.Errorf("%w: the gateway could not be reached", ErrSend)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is kept
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%w: the gateway answered %d", ErrSend, resp.StatusCode)
	}
	return nil
}
