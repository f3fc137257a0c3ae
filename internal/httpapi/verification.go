package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// verificationRoutes are those by which patients show who they are.
func (s *Server) verificationRoutes() {
	device(s, op(get, "/v1/verification", tagVerification, "Patient: how far the practice knows who you are on this device", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.OwnVerification], error) {
			return answer(s.hub.OwnVerification(ctx, c))
		})
}
