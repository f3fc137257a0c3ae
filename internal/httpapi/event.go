package httpapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

type pollIn struct {
	Cursor string `query:"cursor" maxLength:"64" doc:"from the former page; empty for the first"`
}

func (s *Server) eventRoutes(mux *router) {
	mux.HandleFunc("GET /v1/events", s.serveSocket)
	s.describe(huma.Operation{
		OperationID: "get-events", Method: get, Path: "/v1/events", Tags: []string{tagEvents},
		Summary: "Open the push connection (WebSocket)",
		Description: "The first message, within 5 seconds, is a Hello with the bearer token. The hub answers with the event " +
			"\"ready\". Later messages of the client are ClientMessages; the hub sends Events, and Replies to what was sent.",
		Responses: map[string]*huma.Response{"101": {Description: "Switching to WebSocket"}},
	})
	// Messages of the socket are in no operation: name their types here.
	for _, t := range []struct {
		name string
		of   func(huma.Registry) *huma.Schema
	}{
		{"Hello", schemaOf[api.Hello]}, {"ClientMessage", schemaOf[api.ClientMessage]}, {"Reply", schemaOf[api.Reply]},
	} {
		t.of(s.api.OpenAPI().Components.Schemas)
	}
	device(s, op(get, "/v1/events/poll", tagEvents, "Wait for events where WebSockets do not work",
		about("Held for up to 25 seconds. The first page opens a mailbox; one that is not polled for a minute is closed."), refusals(401)),
		func(ctx context.Context, c *hub.Caller, i *pollIn) (*out[api.EventPage], error) {
			ctx, cancel := context.WithTimeout(ctx, s.config.PollWait)
			defer cancel()
			return answer(s.hub.Poll(ctx, c, i.Cursor))
		})
}

func schemaOf[T any](r huma.Registry) *huma.Schema { return r.Schema(typeOf[T](), true, "") }

// describe adds a route that is not huma's to the API's description.
func (s *Server) describe(o huma.Operation) {
	if o.Security == nil && o.Path != "/v1/events" {
		o.Security = []map[string][]string{{bearerScheme: {}}}
	}
	s.api.OpenAPI().AddOperation(&o)
}
