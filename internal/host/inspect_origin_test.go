package host

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestT54ProxyIsLookedAt: what browsers meet at an https origin is looked at
// there, whatever the server itself shows.
func TestT54ProxyIsLookedAt(t *testing.T) {
	var elsewhere atomic.Bool // somebody came where a redirect leads
	proxy := func(lowest uint16, header string) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				elsewhere.Store(true)
			}
			if header != "" {
				w.Header().Set("Strict-Transport-Security", header)
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}))
		s.TLS = &tls.Config{MinVersion: lowest} //nolint:gosec // old versions are what is looked for
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	good, old, gone := proxy(tls.VersionTLS12, "max-age=63072000; includeSubDomains"), proxy(tls.VersionTLS10, ""), proxy(tls.VersionTLS12, "")
	gone.Close()
	roots := x509.NewCertPool()
	roots.AddCert(good.Certificate())

	origins := []string{good.URL, old.URL, gone.URL, "http://127.0.0.1:1", strings.Replace(good.URL, "127.0.0.1", "localhost", 1)}
	fronts := lookAtOrigins(t.Context(), origins, roots)
	if len(fronts) != 4 {
		t.Fatalf("%+v", fronts)
	}
	if f := fronts[0]; f.Origin != good.URL || f.Certificate == nil || !f.Certificate.NotAfter.Equal(good.Certificate().NotAfter) || f.Certificate.Old || !f.Vouched || f.HSTS != 730*24*time.Hour {
		t.Errorf("a good one: %+v", f)
	}
	if f := fronts[1]; f.Certificate == nil || !f.Certificate.Old || f.HSTS != 0 {
		t.Errorf("an old one: %+v", f)
	}
	if f := fronts[2]; f.Origin != gone.URL || f.Certificate != nil || f.Vouched {
		t.Errorf("one that is gone: %+v", f)
	}
	if f := fronts[3]; f.Certificate == nil || f.Vouched {
		t.Errorf("another name's certificate: %+v", f)
	}
	if f := lookAtOrigins(t.Context(), origins[:1], nil)[0]; f.Certificate == nil || f.Vouched {
		t.Errorf("a certificate that nobody vouches for: %+v", f)
	}
	if elsewhere.Load() {
		t.Error("a redirect was followed")
	}
}
