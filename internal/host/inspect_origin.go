package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// lookAtOrigins looks at each https address that browsers come by as they do:
// what answers there can be a proxy, of which the server knows nothing. Roots
// are who may vouch for a certificate; nil means this machine's.
func lookAtOrigins(ctx context.Context, origins []string, roots *x509.CertPool) []installation.Front {
	var fronts []installation.Front
	for _, o := range origins {
		if u, err := url.Parse(o); err == nil && u.Scheme == "https" {
			fronts = append(fronts, installation.Front{Origin: o})
		}
	}
	var looking sync.WaitGroup
	for i := range fronts {
		looking.Go(func() { lookAtOrigin(ctx, &fronts[i], roots) })
	}
	looking.Wait()
	return fronts
}

func lookAtOrigin(ctx context.Context, f *installation.Front, roots *x509.CertPool) {
	u, err := url.Parse(f.Origin)
	if err != nil {
		return
	}
	var trusted error
	check := func(s tls.ConnectionState) error {
		trusted = vouched(&s, u.Hostname(), roots)
		return nil
	}
	client := &http.Client{
		Timeout:       askTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// The certificate is looked at whether it is good or not, and nothing
		// secret is sent.
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS10, InsecureSkipVerify: true, VerifyConnection: check, //nolint:gosec // as said
		}},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return
	}
	reply, err := client.Do(request)
	if err != nil {
		return
	}
	_ = reply.Body.Close()
	if reply.TLS == nil || len(reply.TLS.PeerCertificates) == 0 {
		return
	}
	shown := reply.TLS.PeerCertificates[0]
	port := u.Port()
	if port == "" {
		port = "443"
	}
	f.Certificate = &installation.Certificate{
		NotBefore: shown.NotBefore.UTC(), NotAfter: shown.NotAfter.UTC(), Names: shown.DNSNames, Old: acceptsOld(ctx, net.JoinHostPort(u.Hostname(), port), u.Hostname()),
	}
	f.Vouched, f.HSTS = trusted == nil, strictFor(reply.Header.Get("Strict-Transport-Security"))
}

// vouched checks a certificate as a browser does.
func vouched(s *tls.ConnectionState, name string, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between})
	return err
}

// strictFor is how long a browser is told to come by HTTPS alone (RFC 6797,
// section 6.1.1); 0 if it is not.
func strictFor(header string) time.Duration {
	for d := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "max-age") {
			continue
		}
		if seconds, err := strconv.ParseInt(strings.Trim(strings.TrimSpace(value), `"`), 10, 32); err == nil && seconds > 0 {
			return time.Duration(seconds) * time.Second
		}
	}
	return 0
}
