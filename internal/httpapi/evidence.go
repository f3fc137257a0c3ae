package httpapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// A file is an answer that is no JSON.
type file struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func produces(mediaType string) func(*huma.Operation) {
	return func(o *huma.Operation) {
		o.Responses = map[string]*huma.Response{"200": {
			Description: "OK", Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
		}}
	}
}

// evidenceRoutes show how an installation meets the rules.
func (s *Server) evidenceRoutes() {
	staff(s, op(get, "/v1/admin/controls", tagAdmin, "What the rules ask, and what the newest look found of it", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Controls], error) {
			return answer(s.hub.Controls(ctx, c))
		})
	staff(s, op(post, "/v1/admin/controls/looks", tagAdmin, "Look at all controls now", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.ControlRun], error) {
			return answer(s.hub.LookAtControls(ctx, c))
		})
	staff(s, op(post, "/v1/admin/controls/evidence", tagAdmin, "Make a signed evidence pack (zip)", produces("application/zip"), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*file, error) {
			pack, err := s.hub.Evidence(ctx, c)
			if err != nil {
				return nil, err
			}
			return &file{ContentType: "application/zip", Disposition: `attachment; filename="evidence.zip"`, Body: pack.Bytes()}, nil
		})
	staff(s, op(get, "/v1/admin/inventory", tagAdmin, "What the installation consists of, and where data flows", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[*api.Inventory], error) {
			return answer(s.hub.Inventory(ctx, c))
		})
}
