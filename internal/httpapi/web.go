package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// Policies for caches.
const (
	cacheForEver = "public, max-age=31536000, immutable" // the name holds a hash
	cacheBriefly = "public, max-age=300"                 // a fixed name that other sites refer to
	cacheNever   = "no-store"
	cacheChecked = "no-cache"
)

// pagePolicy is the content security policy of every page and script of ours,
// but for who may frame it.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; " +
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html sotto-worker; frame-ancestors "

// A webFile is one built file with its compressed twins.
type webFile struct {
	mediaType string
	tag       string // ETag, of the plain bytes
	plain     []byte
	br, gz    []byte // nil if there is none
}

// readWeb reads the built files into memory: a few megabytes, and no disk on
// the way of a request.
func readWeb(web fs.FS) (map[string]*webFile, error) {
	files := make(map[string]*webFile)
	read := func(name string) []byte {
		b, err := fs.ReadFile(web, name)
		if err != nil {
			return nil
		}
		return b
	}
	err := fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		ext := path.Ext(name)
		if err != nil || d.IsDir() || ext == ".br" || ext == ".gz" || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := fs.ReadFile(web, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		files[name] = &webFile{
			mediaType: mediaType(ext), tag: `"` + hex.EncodeToString(sum[:12]) + `"`,
			plain: b, br: read(name + ".br"), gz: read(name + ".gz"),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("httpapi: read web pages: %w", err)
	}
	return files, nil
}

// mediaType does not ask the machine's tables, which differ.
func mediaType(ext string) string {
	switch ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// webRoutes serve the built pages: the patient's, the staff console, the
// administrators', the service worker, the launcher for clinics' pages, and what they load.
func (s *Server) webRoutes(mux *router) error {
	files, err := readWeb(s.config.Web)
	if err != nil {
		return err
	}
	page := func(name string, w http.ResponseWriter, r *http.Request, ancestors string) {
		w.Header().Set("Content-Security-Policy", pagePolicy+ancestors)
		if ancestors == "'none'" {
			w.Header().Set("X-Frame-Options", "DENY")
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		s.serveFile(w, r, files[name], cacheNever)
	}
	mux.HandleFunc("GET /c/{slug}", func(w http.ResponseWriter, r *http.Request) {
		ancestors, err := s.frameAncestors(r.Context(), r.PathValue("slug"))
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		page("c/index.html", w, r, ancestors)
	})
	// Where a practice's portal sends its patients back to. The window that it
	// was opened in answers the page that opened it, so no opener policy here;
	// and it is never in a frame.
	mux.HandleFunc("GET /c/{slug}/portal", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.frameAncestors(r.Context(), r.PathValue("slug")); err != nil {
			s.refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", pagePolicy+"'none'")
		w.Header().Set("X-Frame-Options", "DENY")
		s.serveFile(w, r, files["c/index.html"], cacheNever)
	})
	mux.HandleFunc("GET /c/{slug}/manifest.webmanifest", func(w http.ResponseWriter, r *http.Request) {
		p, err := s.hub.Practice(r.Context(), r.PathValue("slug"))
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/manifest+json")
		w.Header().Set("Cache-Control", cacheChecked)
		_ = json.NewEncoder(w).Encode(appManifest(p))
	})
	mux.HandleFunc("GET /service-worker.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy+"'none'")
		s.serveFile(w, r, files["service-worker.js"], cacheChecked)
	})
	mux.HandleFunc("GET /icons/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.serveFile(w, r, files["icons/"+r.PathValue("name")], cacheBriefly)
	})
	for _, name := range []string{"staff", "admin"} {
		mux.HandleFunc("GET /"+name+"/{$}", func(w http.ResponseWriter, r *http.Request) {
			page(name+"/index.html", w, r, "'none'")
		})
		mux.Handle("GET /"+name, http.RedirectHandler("/"+name+"/", http.StatusMovedPermanently))
	}
	// Where a practice's OpenID provider sends its staff back to.
	mux.HandleFunc("GET /staff/sso/{slug}", func(w http.ResponseWriter, r *http.Request) {
		page("staff/index.html", w, r, "'none'")
	})
	mux.HandleFunc("GET /launcher.js", func(w http.ResponseWriter, r *http.Request) {
		// Loaded by the clinics' pages: the only thing others may read.
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		s.serveFile(w, r, files["launcher.js"], cacheBriefly)
	})
	asset := func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		cache := cacheForEver
		if path.Ext(name) == ".json" {
			cache = cacheChecked // core.json, which names the present core
		}
		// A worker's own policy is that of its script's answer.
		w.Header().Set("Content-Security-Policy", pagePolicy+"'none'")
		s.serveFile(w, r, files[name], cache)
	}
	mux.HandleFunc("GET /assets/", asset)
	mux.HandleFunc("GET /core/", asset)
	return nil
}

// manifest is a web app manifest, by which a browser installs a practice's
// chat. It names nobody but the practice.
type manifest struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	ShortName  string         `json:"short_name"`
	StartURL   string         `json:"start_url"`
	Scope      string         `json:"scope"`
	Display    string         `json:"display"`
	Theme      string         `json:"theme_color"`
	Background string         `json:"background_color"`
	Icons      []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Source  string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

func appManifest(p api.Practice) manifest {
	start := "/c/" + url.PathEscape(p.Slug)
	icon := func(size, purpose string) manifestIcon {
		return manifestIcon{"/icons/chat-" + size + ".png", size + "x" + size, "image/png", purpose}
	}
	return manifest{
		ID: start, Name: p.Name, ShortName: p.Name, StartURL: start, Scope: start, Display: "standalone",
		Theme: cmp.Or(p.BrandColor, "#0b6b6f"), Background: "#ffffff",
		Icons: []manifestIcon{icon("192", "any"), icon("512", "any"), icon("512", "maskable")},
	}
}

// frameAncestors lists who may show a practice's chat in a frame.
func (s *Server) frameAncestors(ctx context.Context, slug string) (string, error) {
	origins, err := s.hub.EmbedOrigins(ctx, slug)
	if err != nil {
		return "", err
	}
	ancestors := "'self'"
	for _, o := range origins {
		if strings.ContainsAny(o, " ;,'\"\r\n") {
			return "", errors.New("embedding origin is not an origin")
		}
		ancestors += " " + o
	}
	return ancestors, nil
}

// serveFile answers with f, compressed as the client prefers.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, f *webFile, cache string) {
	if f == nil {
		s.refuse(w, r, hub.ErrNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", cache)
	h.Add("Vary", "Accept-Encoding")
	b, encoding := f.plain, ""
	switch accepts := r.Header.Get("Accept-Encoding"); {
	case f.br != nil && acceptsEncoding(accepts, "br"):
		b, encoding = f.br, "br"
	case f.gz != nil && acceptsEncoding(accepts, "gzip"):
		b, encoding = f.gz, "gzip"
	}
	if cache != cacheNever {
		tag := strings.TrimSuffix(f.tag, `"`) + encoding + `"`
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(b)
	}
}

// acceptsEncoding reports whether an Accept-Encoding header names encoding
// without ruling it out.
func acceptsEncoding(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0"
		}
	}
	return false
}
