package httpapi

import (
	"net/http"
	"slices"
)

// A router is a mux that knows what was registered with it, so that what must
// hold of every route can be checked of every route, however it came there.
type router struct {
	*http.ServeMux
	patterns []string
}

func newRouter() *router { return &router{ServeMux: http.NewServeMux()} }

// Handle is [http.ServeMux.Handle].
func (r *router) Handle(pattern string, h http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.Handle(pattern, h)
}

// HandleFunc is [http.ServeMux.HandleFunc].
func (r *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(h))
}

// Patterns lists what the server's handler serves, in the form of
// [http.ServeMux], each once.
func (s *Server) Patterns() []string { return slices.Clone(s.patterns) }
