package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// linkOrigin is where links lead that are sent to patients: to one of the
// configured origins, whatever host a call names. Empty if there is none.
func (s *Server) linkOrigin(c *call) string {
	if len(s.config.Origins) == 0 {
		return s.config.Links
	}
	return s.ownOriginOf(c)
}

// linksIn are the filters of the list of links.
type linksIn struct {
	State  string `query:"state" enum:"standing,undone"`
	Person string `query:"person" maxLength:"64" doc:"of whom they are"`
	Cursor string `query:"cursor" maxLength:"128" doc:"next of the page before"`
}

// relationRoutes are about who a patient is to whom: one-time links, who writes
// for somebody else, and which persons are one.
func (s *Server) relationRoutes() {
	open(s, op(post, "/v1/invitations/open", tagConversation, "Open a one-time link, in the one browser that it works in from then on",
		about("A link that is unknown, used, revoked, over, or opened elsewhere gives the same answer."), refusals(404, 422, 429)),
		func(ctx context.Context, i *in[api.OpenInvitation]) (*out[api.OpenedInvitation], error) {
			return answer(s.hub.OpenInvitation(ctx, i.Body))
		})
	device(s, op(get, "/v1/relations", tagConversation, "Patient: for whom one may write", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.OwnRelations], error) {
			return answer(s.hub.OwnRelations(ctx, c))
		})

	makingSecret(s, op(post, "/v1/staff/invitations", tagStaff, "Make a one-time link for a patient to begin a chat with the caller", refusals(401, 403, 422, 429)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewInvitation]) (*out[api.InvitationMade], error) {
			return answer(s.hub.Invite(ctx, c, i.Body, s.linkOrigin(callOf(ctx))))
		})
	staff(s, op(get, "/v1/staff/invitations", tagStaff, "The links that the caller made", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.StaffInvitations], error) {
			return answer(s.hub.Invitations(ctx, c, s.linkOrigin(callOf(ctx))))
		})
	staff(s, op(post, "/v1/staff/invitations/{id}/revoke", tagStaff, "Take back a link", refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.StaffInvitation], error) {
			return answer(s.hub.RevokeInvitation(ctx, c, i.ID))
		})

	staff(s, op(get, "/v1/staff/conversations/{id}/patient", tagStaff, "What is known of the patient of a chat", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientPanel], error) {
			return answer(s.hub.PatientPanel(ctx, c, i.ID))
		})
	staff(s, op(put, "/v1/staff/conversations/{id}/confidential", tagStaff, "Keep a chat from whoever writes for somebody else in it", refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.SetConfidential]) (*out[api.Conversation], error) {
			return answer(s.hub.Hide(ctx, c, i.ID, i.Body.Confidential))
		})
	making(s, op(post, "/v1/staff/conversations/{id}/hold-backs", tagStaff, "Say that something was sent after a warning, and why", status(noBody), refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.HoldBack]) (*none, error) {
			return nil, s.hub.HoldBack(ctx, c, i.ID, i.Body)
		})
	making(s, op(post, "/v1/staff/relations", tagStaff, "Let one patient write for another", refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewRelation]) (*out[api.Relation], error) {
			return answer(s.hub.GrantRelation(ctx, c, i.Body))
		})
	staff(s, op(post, "/v1/staff/relations/{id}/end", tagStaff, "Take that back, at once", refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.EndRelation]) (*out[api.Relation], error) {
			return answer(s.hub.EndRelation(ctx, c, i.ID, i.Body))
		})
	making(s, op(post, "/v1/staff/person-links", tagStaff, "Say that two persons are one", refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewPersonLink]) (*out[api.PersonLink], error) {
			return answer(s.hub.LinkPersons(ctx, c, i.Body))
		})
	staff(s, op(post, "/v1/staff/person-links/{id}/undo", tagStaff, "Undo that two persons are one", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.UndoPersonLink]) (*out[api.PersonLink], error) {
			return answer(s.hub.UnlinkPersons(ctx, c, i.ID, i.Body.Reason))
		})
	staff(s, op(get, "/v1/admin/person-links", tagAdmin, "Which persons were said to be one, by whom and why", about("Newest first."), refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *linksIn) (*out[api.PersonLinks], error) {
			return answer(s.hub.PersonLinks(ctx, c, hub.PersonLinkQuery{Standing: i.State, Person: i.Person}, i.Cursor))
		})
}
