package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// handoverRoutes are what staff do with a conversation beyond being in it.
func (s *Server) handoverRoutes() {
	staff(s, op(get, "/v1/staff/conversations/{id}/colleagues", tagConversation, "Whom the caller may bring into a conversation", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.Colleagues], error) {
			return answer(s.hub.Colleagues(ctx, c, i.ID))
		})
	staff(s, op(post, "/v1/staff/conversations/{id}/colleagues", tagConversation, "Bring a colleague into a conversation", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.BringColleague]) (*out[api.ActResult], error) {
			return answer(s.hub.BringColleague(ctx, c, i.ID, i.Body))
		})
	staff(s, op(post, "/v1/staff/conversations/{id}/transfer", tagConversation, "Hand a conversation to a colleague or to another queue", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.Transfer]) (*out[api.ActResult], error) {
			return answer(s.hub.Transfer(ctx, c, i.ID, i.Body))
		})
	making(s, op(post, "/v1/staff/conversations/{id}/break-glass", tagConversation, "Go into a conversation in an emergency", refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.BreakGlass]) (*out[api.Emergency], error) {
			return answer(s.hub.BreakGlass(ctx, c, i.ID, i.Body))
		})
	staff(s, op(get, "/v1/admin/emergencies", tagAdmin, "Who went into a conversation in an emergency", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Emergencies], error) {
			return answer(s.hub.Emergencies(ctx, c))
		})
	staff(s, op(post, "/v1/admin/emergencies/{id}/review", tagAdmin, "Say what was found of an emergency access", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.ReviewEmergency]) (*out[api.Emergency], error) {
			return answer(s.hub.ReviewEmergency(ctx, c, i.ID, i.Body))
		})
}
