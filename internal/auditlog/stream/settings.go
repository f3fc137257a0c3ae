package stream

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit/export"
)

// Names of streams.
const (
	Syslog = "syslog"
	OTLP   = "otlp"
)

// A SettingError says which setting cannot be used and what to do. It never
// holds the value of one that is secret.
type SettingError struct {
	Code     string // stays: "stream-address"
	Variable string
	Says     string
	Fix      string
}

func (e *SettingError) Error() string {
	return e.Variable + ": " + e.Says + " (" + e.Code + "). " + e.Fix
}

// Codes of setting errors.
const (
	badAddress = "stream-address" // no address, or one that cannot be streamed to
	plainText  = "stream-plain"   // an address without TLS that others could read
	badCA      = "stream-ca"      // no certificates of authorities
	badPair    = "stream-client"  // no client certificate with its key
	badHeaders = "stream-headers" // no headers, or open to others
	badBody    = "stream-body"    // no such form
	badStart   = "stream-start"   // no such beginning
	alone      = "stream-alone"   // a setting of a stream that is not set up
)

// A Setting is one stream as it is set up.
type Setting struct {
	Name string
	// Target is the receiver's address, without anything secret.
	Target string
	// Host is the receiver's name alone.
	Host string
	// Afterwards says that a new stream begins after what is in the logs.
	Afterwards bool

	address string // host:port
	tls     *tls.Config
	body    export.Format
	header  http.Header
}

// Plain reports whether a stream goes without TLS, on this machine alone.
func (s *Setting) Plain() bool { return s.tls == nil }

// FromEnvironment returns the streams that an operator has set up:
//
//	SOTTO_SYSLOG          tls://siem.clinic.example:6514
//	SOTTO_SYSLOG_CA       file with the certificates (PEM) that the receiver's is checked by; the system's without
//	SOTTO_SYSLOG_CERT     file with a client certificate (PEM)
//	SOTTO_SYSLOG_KEY      and its key
//	SOTTO_SYSLOG_BODY     words, jsonl or ocsf: what follows the structured data
//	SOTTO_OTLP            https://collector.clinic.example/v1/logs
//	SOTTO_OTLP_CA, _CERT, _KEY
//	SOTTO_OTLP_HEADERS    file with headers, one a line, such as Authorization: Bearer ...
//	SOTTO_STREAM_START    beginning or now
//
// They are no flags, because other users of a machine can read those. An error
// is a [*SettingError].
func FromEnvironment(get func(string) string) ([]Setting, error) {
	var all []Setting
	afterwards := false
	switch get("SOTTO_STREAM_START") {
	case "", "beginning":
	case "now":
		afterwards = true
	default:
		return nil, &SettingError{badStart, "SOTTO_STREAM_START", "it is neither beginning nor now", "Leave it out to send the logs from their beginning."}
	}
	for _, read := range []func(func(string) string) (*Setting, error){syslogSetting, otlpSetting} {
		s, err := read(get)
		if err != nil {
			return nil, err
		}
		if s != nil {
			s.Afterwards = afterwards
			all = append(all, *s)
		}
	}
	return all, nil
}

func syslogSetting(get func(string) string) (*Setting, error) {
	const variable = "SOTTO_SYSLOG"
	given := get(variable)
	if given == "" {
		return nil, none(get, variable, "_CA", "_CERT", "_KEY", "_BODY")
	}
	u, err := url.Parse(given)
	if err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "tcp" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, &SettingError{badAddress, variable, "it is not an address such as tls://siem.clinic.example:6514", "Syslog goes over TLS (RFC 5425); a receiver of plain TCP or UDP needs a relay beside it."}
	}
	s := &Setting{Name: Syslog, Host: u.Hostname(), body: export.Format(cmp.Or(get(variable+"_BODY"), string(words)))}
	s.address = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6514"))
	s.Target = u.Scheme + "://" + s.address
	if s.body != words && s.body != export.JSONLines && s.body != export.OCSF {
		return nil, &SettingError{badBody, variable + "_BODY", "it is none of words, jsonl and ocsf", "Leave it out for the act in words; the structured data has the rest."}
	}
	return s, s.secure(get, variable, u.Scheme == "tcp")
}

func otlpSetting(get func(string) string) (*Setting, error) {
	const variable = "SOTTO_OTLP"
	given := get(variable)
	if given == "" {
		return nil, none(get, variable, "_CA", "_CERT", "_KEY", "_HEADERS")
	}
	u, err := url.Parse(given)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &SettingError{badAddress, variable, "it is not an address such as https://collector.clinic.example/v1/logs", "Put what signs in into the file of SOTTO_OTLP_HEADERS, not into the address."}
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/logs" // OTLP/HTTP's own
	}
	s := &Setting{Name: OTLP, Host: u.Hostname(), Target: u.String(), header: make(http.Header)}
	s.address = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"https": "443", "http": "80"}[u.Scheme]))
	if file := get(variable + "_HEADERS"); file != "" {
		if s.header, err = readHeaders(file); err != nil {
			return nil, err
		}
	}
	return s, s.secure(get, variable, u.Scheme == "http")
}

// none refuses settings of a stream that is not set up: somebody believes that
// it is.
func none(get func(string) string, variable string, suffixes ...string) error {
	for _, suffix := range suffixes {
		if get(variable+suffix) != "" {
			return &SettingError{alone, variable + suffix, "it is set, and " + variable + " is not: nothing would be sent", "Set " + variable + ", or take this away."}
		}
	}
	return nil
}

// secure reads what TLS needs. Without TLS, only this machine is talked to.
func (s *Setting) secure(get func(string) string, variable string, plain bool) error {
	if plain {
		ip := net.ParseIP(s.Host)
		if s.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return &SettingError{plainText, variable, "without TLS the log would cross the network for all to read", "Use tls:// or https://. Without TLS only this machine can be sent to, for tests (45 CFR 164.312(e)(1))."}
		}
		return nil
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	if file := get(variable + "_CA"); file != "" {
		pem, err := os.ReadFile(file)
		s.tls.RootCAs = x509.NewCertPool()
		if err != nil || !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return &SettingError{badCA, variable + "_CA", "the file cannot be read, or holds no certificate", "Name a PEM file with the certificate of the authority that issued the receiver's."}
		}
	}
	cert, key := get(variable+"_CERT"), get(variable+"_KEY")
	if cert == "" && key == "" {
		return nil
	}
	if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o077 != 0 {
		return &SettingError{badPair, variable + "_KEY", "the key is open to other users of this machine", "chmod 0600 the file."}
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return &SettingError{badPair, variable + "_CERT", "the client certificate and its key cannot be read, or do not belong together", "Name both as PEM files: " + variable + "_CERT and " + variable + "_KEY."}
	}
	s.tls.Certificates = []tls.Certificate{pair}
	return nil
}

// readHeaders reads "Name: value" lines from a file that is its owner's alone.
func readHeaders(file string) (http.Header, error) {
	const variable = "SOTTO_OTLP_HEADERS"
	info, err := os.Stat(file)
	if err != nil {
		return nil, &SettingError{badHeaders, variable, "the file cannot be read", "Name a file with headers, one a line."}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &SettingError{badHeaders, variable, "the file is open to other users of this machine", "chmod 0600 the file."}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &SettingError{badHeaders, variable, "the file cannot be read", "Name a file with headers, one a line."}
	}
	h := make(http.Header)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !token(name) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return nil, &SettingError{badHeaders, variable, "a line is no header", "Each line is a name, a colon and a value."}
		}
		h.Add(name, value)
	}
	return h, nil
}

// token reports whether s is the name of a header (RFC 9110, section 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	})
}

// receiver returns what sends as set up. version and host are the program's and
// the machine's.
func (s *Setting) receiver(version, host string, now func() time.Time) receiver {
	if s.Name == Syslog {
		return newSyslogReceiver(syslogForm{host: host, body: s.body}, s.address, s.tls)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.ForceAttemptHTTP2 = s.tls, true
	return &otlpReceiver{
		url: s.Target, header: s.header, version: version, host: host, now: now, room: batch,
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a secret goes where it was meant to
		},
	}
}
