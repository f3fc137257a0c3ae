package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/scim"
)

// scimBody bounds what a directory sends: a group of 10,000 people.
const scimBody = 1 << 20

// A scimHandler answers a directory with a resource and its status.
type scimHandler func(d *hub.Directory, r *http.Request, body []byte) (status int, resource any, err error)

// scimRoutes are SCIM 2.0 (RFC 7644) for practices' directories. They are apart
// from the API: another media type, another form of refusals.
func (s *Server) scimRoutes(mux *router) {
	route := func(pattern string, f scimHandler) { mux.HandleFunc(pattern, s.serveSCIM(f)) }
	about := func(v any) scimHandler {
		return func(*hub.Directory, *http.Request, []byte) (int, any, error) { return http.StatusOK, v, nil }
	}
	route("GET /scim/v2/ServiceProviderConfig", about(scim.ProviderConfig()))
	route("GET /scim/v2/ResourceTypes", about(scim.ResourceTypes()))
	route("GET /scim/v2/Schemas", about(scim.Schemas()))

	route("GET /scim/v2/Users", s.scimUsers)
	route("POST /scim/v2/Users", func(d *hub.Directory, r *http.Request, body []byte) (int, any, error) {
		u, err := scim.ParseUser(body)
		if err == nil {
			u, err = s.hub.AddDirectoryUser(r.Context(), d, u)
		}
		return http.StatusCreated, &u, err
	})
	route("GET /scim/v2/Users/{id}", func(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
		u, err := s.hub.DirectoryUser(r.Context(), d, r.PathValue("id"))
		return http.StatusOK, &u, err
	})
	change := func(f func(u *scim.User, body []byte) error) scimHandler {
		return func(d *hub.Directory, r *http.Request, body []byte) (int, any, error) {
			u, err := s.hub.ChangeDirectoryUser(r.Context(), d, r.PathValue("id"), func(u *scim.User) error {
				if err := fresh(r, *u); err != nil {
					return err
				}
				return f(u, body)
			})
			return http.StatusOK, &u, err
		}
	}
	route("PUT /scim/v2/Users/{id}", change((*scim.User).Replace))
	route("PATCH /scim/v2/Users/{id}", change((*scim.User).Patch))
	route("DELETE /scim/v2/Users/{id}", func(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
		_, err := s.hub.ChangeDirectoryUser(r.Context(), d, r.PathValue("id"), func(u *scim.User) error {
			u.Active = false // a person who took part in conversations is not forgotten
			return nil
		})
		return http.StatusNoContent, nil, err
	})
	s.scimGroupRoutes(route)
}

func (s *Server) scimGroupRoutes(route func(string, scimHandler)) {
	route("GET /scim/v2/Groups", s.scimGroups)
	route("POST /scim/v2/Groups", func(d *hub.Directory, r *http.Request, body []byte) (int, any, error) {
		g, err := scim.ParseGroup(body)
		if err == nil {
			g, err = s.hub.AddDirectoryGroup(r.Context(), d, g)
		}
		return http.StatusCreated, &g, err
	})
	route("GET /scim/v2/Groups/{id}", func(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
		g, err := s.hub.DirectoryGroup(r.Context(), d, r.PathValue("id"))
		return http.StatusOK, &g, err
	})
	change := func(f func(g *scim.Group, body []byte) error) scimHandler {
		return func(d *hub.Directory, r *http.Request, body []byte) (int, any, error) {
			g, err := s.hub.ChangeDirectoryGroup(r.Context(), d, r.PathValue("id"), func(g *scim.Group) error {
				if err := fresh(r, *g); err != nil {
					return err
				}
				return f(g, body)
			})
			return http.StatusOK, &g, err
		}
	}
	route("PUT /scim/v2/Groups/{id}", change(func(g *scim.Group, body []byte) error {
		whole, err := scim.ParseGroup(body)
		whole.Schemas, whole.ID = g.Schemas, g.ID
		*g = whole
		return err
	}))
	route("PATCH /scim/v2/Groups/{id}", change((*scim.Group).Patch))
	route("DELETE /scim/v2/Groups/{id}", func(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
		return http.StatusNoContent, nil, s.hub.DeleteDirectoryGroup(r.Context(), d, r.PathValue("id"))
	})
}

// fresh refuses a change to what the caller has not seen as it is.
func fresh(r *http.Request, resource any) error {
	if want := r.Header.Get("If-Match"); want != "" && want != "*" && want != scim.Version(resource) {
		return &scim.Error{Status: http.StatusPreconditionFailed, Detail: "the resource has changed"}
	}
	return nil
}

func (s *Server) scimUsers(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
	f, start, count, err := scimQuery(r)
	if err != nil {
		return 0, nil, err
	}
	all, err := s.hub.DirectoryUsers(r.Context(), d, f)
	for i := range all {
		s.scimMeta(r, &all[i])
	}
	return http.StatusOK, scim.Page(all, start, count), err
}

func (s *Server) scimGroups(d *hub.Directory, r *http.Request, _ []byte) (int, any, error) {
	f, start, count, err := scimQuery(r)
	if err != nil {
		return 0, nil, err
	}
	all, err := s.hub.DirectoryGroups(r.Context(), d, f)
	without := strings.Contains(strings.ToLower(r.URL.Query().Get("excludedAttributes")), "members")
	for i := range all {
		s.scimMeta(r, &all[i])
		if without {
			all[i].Members = nil
		}
	}
	return http.StatusOK, scim.Page(all, start, count), err
}

func scimQuery(r *http.Request) (f scim.Filter, start, count int, err error) {
	q := r.URL.Query()
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n > math.MaxInt32 {
			return otherwise
		}
		return n
	}
	f, err = scim.ParseFilter(q.Get("filter"))
	return f, number("startIndex", 1), number("count", scim.MaxPage), err
}

// scimMeta says where a resource is and how it stands.
func (s *Server) scimMeta(r *http.Request, resource any) *scim.Meta {
	base := s.ownOriginOf(callOf(r.Context())) + "/scim/v2/"
	switch v := resource.(type) {
	case *scim.User:
		v.Meta = nil
		v.Meta = &scim.Meta{Type: "User", Location: base + "Users/" + v.ID, Version: scim.Version(*v)}
		return v.Meta
	case *scim.Group:
		v.Meta = nil
		v.Meta = &scim.Meta{Type: "Group", Location: base + "Groups/" + v.ID, Version: scim.Version(*v)}
		return v.Meta
	}
	return nil
}

// serveSCIM checks the token, reads the body, and writes what f answers.
func (s *Server) serveSCIM(f scimHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/scim+json")
		status, resource, err := s.answerSCIM(w, r, f)
		if err != nil {
			s.refuseSCIM(w, r, err)
			return
		}
		if meta := s.scimMeta(r, resource); meta != nil {
			w.Header().Set("ETag", meta.Version)
			w.Header().Set("Location", meta.Location)
		}
		w.WriteHeader(status)
		if resource != nil {
			_ = json.NewEncoder(w).Encode(resource)
		}
	}
}

func (s *Server) answerSCIM(w http.ResponseWriter, r *http.Request, f scimHandler) (int, any, error) {
	call := callOf(r.Context())
	token, ok := strings.CutPrefix(call.auth, "Bearer ")
	if !ok {
		token = ""
	}
	d, err := s.hub.AuthenticateDirectory(r.Context(), token)
	if errors.Is(err, hub.ErrUnauthenticated) {
		if rate := s.hub.AllowAnonymous(call.address); rate != nil {
			return 0, nil, rate
		}
	}
	if err != nil {
		return 0, nil, err
	}
	call.actor = d
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, scimBody))
	if err != nil {
		return 0, nil, hub.ErrTooLarge
	}
	return f(d, r, body)
}

// refuseSCIM writes err in SCIM's words. Ours stay inside.
func (s *Server) refuseSCIM(w http.ResponseWriter, r *http.Request, err error) {
	var own *scim.Error
	if !errors.As(err, &own) {
		p := problemOf(r.Context(), err)
		s.noteRefusal(r.Context(), p, err)
		p.setHeaders(w.Header())
		own = &scim.Error{Status: p.Status, Detail: strings.TrimSpace(p.Title + ". " + p.Hint)}
		switch {
		case errors.Is(err, hub.ErrExists):
			own.Type, own.Detail = "uniqueness", "userName, externalId or displayName is in use"
		case errors.As(err, new(*hub.MalformedError)):
			own.Status, own.Type = http.StatusBadRequest, "invalidValue"
		}
		if errors.As(err, new(*hub.DisabledError)) {
			own.Detail = "The person is disabled. What else was asked for was refused: " + own.Detail
		}
	}
	w.WriteHeader(own.Status)
	_ = json.NewEncoder(w).Encode(own)
}
