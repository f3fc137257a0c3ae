package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name, path, accept string
		status             int
		body               string
		headers            map[string]string // "" means absent
	}{
		{"patient page", "/c/riverside?embed=1", "gzip, deflate, br", 200, "brotli-page", map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "br", "Cache-Control": "no-store", "X-Frame-Options": "", "Vary": "Accept-Encoding",
		}},
		{"patient page, plain", "/c/riverside", "br;q=0", 200, "<!doctype html><title>Chat</title>", map[string]string{"Content-Encoding": ""}},
		{"no such practice", "/c/nowhere", "", 404, "", nil},
		{"console", "/staff/", "", 200, "<!doctype html><title>Staff</title>", map[string]string{"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}},
		{"administrators", "/admin/", "", 200, "<!doctype html><title>People</title>", map[string]string{"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin"}},
		{"console without its slash", "/staff", "", 200, "<!doctype html><title>Staff</title>", nil},
		{"administrators without theirs", "/admin", "", 200, "<!doctype html><title>People</title>", nil},
		{"back from the provider", "/staff/sso/riverside?code=c&state=s", "", 200, "<!doctype html><title>Staff</title>", map[string]string{"X-Frame-Options": "DENY", "Cache-Control": "no-store"}},
		{"back from the portal", "/c/riverside/portal?code=c&state=s", "", 200, "<!doctype html><title>Chat</title>", map[string]string{
			"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "", "Cache-Control": "no-store",
		}},
		{"back from no practice's portal", "/c/nowhere/portal", "", 404, "", nil},
		{"launcher", "/launcher.js", "", 200, "launch()", map[string]string{
			"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300",
		}},
		{"service worker", "/service-worker.js", "", 200, "keep()", map[string]string{"Cache-Control": "no-cache", "Content-Type": "text/javascript; charset=utf-8"}},
		{"manifest of a practice's app", "/c/riverside/manifest.webmanifest", "", 200, "", map[string]string{"Content-Type": "application/manifest+json", "Cache-Control": "no-cache"}},
		{"manifest of no practice", "/c/nowhere/manifest.webmanifest", "", 404, "", nil},
		{"icon", "/icons/chat-192.png", "", 200, "png", map[string]string{"Content-Type": "image/png"}},
		{"asset", "/assets/main-abc.js", "gzip", 200, "gzip-main", map[string]string{
			"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8",
			"Cross-Origin-Resource-Policy": "same-origin",
		}},
		{"core", "/core/0123.wasm", "br", 200, "brotli-core", map[string]string{"Content-Type": "application/wasm", "Cache-Control": "public, max-age=31536000, immutable"}},
		{"which core", "/core/core.json", "", 200, `{"file":"0123.wasm"}`, map[string]string{"Cache-Control": "no-cache"}},
		{"a twin by its own name", "/assets/main-abc.js.gz", "", 404, "", nil},
		{"no such asset", "/assets/other.js", "", 404, "", nil},
		{"out of the folder", "/assets/%2e%2e/%2e%2e/go.mod", "", 404, "", nil},
		{"a folder", "/assets/", "", 404, "", nil},
		{"documentation", "/docs/api", "", 200, "", map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		{"its style", "/docs/api.css", "", 200, "", map[string]string{"Content-Type": "text/css; charset=utf-8"}},
		{"description", "/openapi.json", "", 200, "", map[string]string{"Content-Type": "application/vnd.oai.openapi+json"}},
		{"alive", "/healthz", "", 200, "ok\n", nil},
		{"ready", "/readyz", "", 200, "ok\n", nil},
		{"no profiler", "/debug/pprof/", "", 404, "", nil},
		{"metrics are elsewhere", "/metrics", "", 404, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := w.raw("GET", tt.path, "", "Accept-Encoding", tt.accept)
			if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
				t.Errorf("%d %q", resp.StatusCode, body)
			}
			for k, v := range tt.headers {
				if got := resp.Header.Get(k); got != v {
					t.Errorf("%s: %q, want %q", k, got, v)
				}
			}
			for _, k := range []string{"X-Content-Type-Options", "Referrer-Policy", "X-Request-Id"} {
				if resp.Header.Get(k) == "" {
					t.Errorf("%s is missing", k)
				}
			}
		})
	}
}

// TestT25WhoMayFrame: the chat only its clinic's pages, the console nobody.
func TestT25WhoMayFrame(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/c/riverside":         "frame-ancestors 'self' https://www.clinic.example",
		"/c/riverside/portal":  "frame-ancestors 'none'",
		"/admin/":              "frame-ancestors 'none'",
		"/staff/":              "frame-ancestors 'none'",
		"/staff/sso/riverside": "frame-ancestors 'none'",
		"/docs/api":            "frame-ancestors 'none'",
	} {
		resp, _ := w.raw("GET", path, "")
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasSuffix(csp, want) || !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe-inline") {
			t.Errorf("%s: %s", path, csp)
		}
	}
	resp, _ := w.raw("GET", "/c/riverside", "")
	for _, want := range []string{"script-src 'self' 'wasm-unsafe-eval'", "require-trusted-types-for 'script'", "connect-src 'self'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(resp.Header.Get("Content-Security-Policy"), want) {
			t.Errorf("the page's policy lacks %s", want)
		}
	}
}

// TestT26NoThirdParty: no page of ours may load from, send to or name itself to
// another origin, wherever it is framed. A tracker of the clinic's own page is
// kept out of the frame by the browser (e2e/frame.test.mjs).
func TestT26NoThirdParty(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/c/riverside", "/c/riverside?embed=1", "/c/riverside/portal", "/staff/", "/staff/sso/riverside", "/admin/", "/docs/api", "/v1/practices/riverside"} {
		resp, _ := w.raw("GET", path, "")
		for directive := range strings.SplitSeq(resp.Header.Get("Content-Security-Policy"), ";") {
			name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
			if name == "frame-ancestors" || strings.Contains(name, "trusted-types") {
				continue
			}
			for source := range strings.FieldsSeq(sources) {
				if !slices.Contains([]string{"'none'", "'self'", "'wasm-unsafe-eval'", "blob:"}, source) {
					t.Errorf("%s: %s names %s", path, name, source)
				}
			}
		}
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
			resp.Header.Get("Referrer-Policy") != "no-referrer" || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
}

// TestT53NothingIsKept: a practice that looks after people who are watched at
// home offers them a way out at once, and what their browser was given of a chat
// it does not keep for who looks next.
func TestT53NothingIsKept(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	id := patient.open("nurse")
	offered := func() bool {
		p, err := w.hub.Practice(w.ctx, "riverside")
		w.must(err)
		return p.QuickExit
	}
	if offered() {
		t.Error("offered, and the practice has not asked for it")
	}
	p := w.clinic.Practice
	p.QuickExit = true
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	if !offered() {
		t.Error("not offered")
	}
	for _, path := range []string{"/c/riverside", "/v1/practices/riverside", "/v1/conversations/" + id, "/v1/conversations/" + id + "/frames"} {
		resp, _ := w.raw("GET", path, "", "Authorization", "Bearer "+patient.Token())
		if got := resp.Header.Get("Cache-Control"); got != "no-store" || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, kept: %q", path, resp.StatusCode, got)
		}
	}
}

func TestCachedPagesAreChecked(t *testing.T) {
	w := newWorld(t)
	resp, _ := w.raw("GET", "/launcher.js", "")
	again, body := w.raw("GET", "/launcher.js", "", "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%d %q", again.StatusCode, body)
	}
}

// TestDocumentationPage names every route and loads nothing from elsewhere.
func TestDocumentationPage(t *testing.T) {
	w := newWorld(t)
	_, page := w.raw("GET", "/docs/api", "")
	for path, methods := range w.described().Paths {
		for method := range methods {
			if !strings.Contains(page, strings.ToUpper(method)+" "+path) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for _, foreign := range []string{"http://", "//cdn", "<script", "style=", "onclick"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page holds %s", foreign)
		}
	}
}
