package host

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// askTimeout bounds each question to a server.
const askTimeout = 3 * time.Second

// asker returns what asks a server on this machine, and its address with the
// scheme.
func asker(s *installation.Server) (*http.Client, string) {
	scheme := "http"
	if s.TLS {
		scheme = "https"
	}
	return &http.Client{
		Timeout: askTimeout,
		// What is asked is this very machine, by its address; the certificate
		// is looked at apart, and nothing secret is sent.
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // as said
	}, scheme + "://" + reachable(s.Listen)
}

// ask asks a running server what it shows to everybody.
func ask(ctx context.Context, s *installation.Server) {
	client, base := asker(s)
	code, tlsState := fetch(ctx, client, base+"/healthz")
	s.Answers = code == http.StatusOK
	if !s.Answers {
		return
	}
	for _, path := range []string{"/debug/pprof/", "/debug/vars"} {
		code, _ := fetch(ctx, client, base+path)
		s.DebugRoutes = s.DebugRoutes || code == http.StatusOK
	}
	if tlsState == nil || len(tlsState.PeerCertificates) == 0 {
		return
	}
	shown := tlsState.PeerCertificates[0]
	s.Certificate = &installation.Certificate{
		NotBefore: shown.NotBefore.UTC(), NotAfter: shown.NotAfter.UTC(), Names: shown.DNSNames, Old: acceptsOld(ctx, reachable(s.Listen), ""),
	}
}

func fetch(ctx context.Context, client *http.Client, address string) (code int, state *tls.ConnectionState) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil
	}
	reply, err := client.Do(request)
	if err != nil {
		return 0, nil
	}
	_ = reply.Body.Close()
	return reply.StatusCode, reply.TLS
}

// acceptsOld reports whether the server speaks TLS 1.0 or 1.1. Name is whom it is
// asked for, where one address serves several.
func acceptsOld(ctx context.Context, address, name string) bool {
	d := &tls.Dialer{
		NetDialer: &net.Dialer{Timeout: askTimeout},
		Config:    &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, //nolint:gosec // to be refused
	}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// reachable is an address to listen on as one to dial.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
