package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

type listIn struct {
	Box    string `query:"box" required:"true" enum:"own,waiting,mine,team,closed,all"`
	Cursor string `query:"cursor" maxLength:"128"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

// entryIn is a call to go into a conversation, which may say why.
type entryIn struct {
	ByID
	Body *api.Entry
}

// acts says in words what each act does.
func acts() map[string]string {
	return map[string]string{
		"take":      "Staff: take a waiting conversation",
		"take-over": "Staff: take it over from another, who leaves",
		"join":      "Staff: become a further participant",
		"leave":     "Staff: leave",
		"close":     "Close it",
		"reopen":    "Open it again",
		"withdraw":  "Patient: take consent back",
	}
}

func (s *Server) conversationRoutes() {
	device(s, op(put, "/v1/conversations/{id}", tagConversation, "Start a conversation under an id of the device's choice",
		body(createBody), refusals(401, 403, 404, 409, 413, 422, 429, 507)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.CreateConversation]) (*out[api.Conversation], error) {
			return answer(s.hub.CreateConversation(ctx, c, i.ID, i.Body))
		})
	device(s, op(get, "/v1/conversations", tagConversation, "List a box of conversations",
		about("Patients have own; staff have waiting, mine, team and closed; services have all."), refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.Caller, i *listIn) (*out[api.ConversationPage], error) {
			return answer(s.hub.Conversations(ctx, c, i.Box, i.Cursor, i.Limit))
		})
	device(s, op(get, "/v1/conversations/{id}", tagConversation, "How a conversation stands", refusals(401, 404)),
		func(ctx context.Context, c *hub.Caller, i *ByID) (*out[api.Conversation], error) {
			return answer(s.hub.Conversation(ctx, c, i.ID))
		})
	for act, words := range acts() {
		path := "/v1/conversations/{id}/" + act
		switch act {
		case "join", "take-over", "reopen":
			device(s, op(post, path, tagConversation, words, refusals(401, 403, 404, 409, 422)),
				func(ctx context.Context, c *hub.Caller, i *entryIn) (*out[api.ActResult], error) {
					var reason string
					if i.Body != nil {
						reason = i.Body.Reason
					}
					return answer(s.hub.Act(ctx, c, i.ID, act, reason))
				})
		default:
			device(s, op(post, path, tagConversation, words, refusals(401, 403, 404, 409)),
				func(ctx context.Context, c *hub.Caller, i *ByID) (*out[api.ActResult], error) {
					return answer(s.hub.Act(ctx, c, i.ID, act, ""))
				})
		}
	}
	device(s, op(post, "/v1/conversations/{id}/rating", tagConversation, "Patient: say how a closed conversation was, as a number", status(noBody), refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.Rating]) (*none, error) {
			return nil, s.hub.Rate(ctx, c, i.ID, i.Body.Score)
		})
	device(s, op(get, "/v1/conversations/{id}/group-info", tagConversation, "What is needed to join from outside",
		about("To hold it is to be able to join, so only whom policy admits gets it."), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *ByID) (*out[api.GroupInfo], error) {
			return answer(s.hub.GroupInfo(ctx, c, i.ID))
		})
	device(s, op(post, "/v1/conversations/{id}/attachments", tagAttachments, "Reserve room for a sealed file",
		refusals(401, 403, 404, 409, 413, 422, 429, 507)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.NewAttachment]) (*out[api.Attachment], error) {
			return answer(s.hub.NewAttachment(ctx, c, i.ID, i.Body))
		})
}

type framesIn struct {
	ByID
	After uint64 `query:"after" minimum:"0" maximum:"9007199254740991" doc:"position; 0 for the first page"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

func (s *Server) frameRoutes() {
	device(s, op(post, "/v1/conversations/{id}/frames", tagFrames, "Append a frame; durable once answered",
		about("The same client_id with the same bytes gets the same answer again."),
		body(frameBody), refusals(401, 403, 404, 409, 413, 422, 429, 507)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.SendFrame]) (*out[api.Sent], error) {
			return answer(s.hub.Send(ctx, c, i.ID, i.Body))
		})
	device(s, op(get, "/v1/conversations/{id}/frames", tagFrames, "Read the log, from the commit that added the device", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *framesIn) (*out[api.FramePage], error) {
			return answer(s.hub.Frames(ctx, c, i.ID, i.After, i.Limit))
		})
	device(s, op(post, "/v1/conversations/{id}/ack", tagFrames, "Say up to where this device has stored all frames", status(noBody), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.Ack]) (*none, error) {
			return nil, s.hub.Ack(ctx, c, i.ID, i.Body.Position)
		})
	device(s, op(post, "/v1/conversations/{id}/typing", tagFrames, "Say that the person is writing; never stored", status(noBody), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.Typing]) (*none, error) {
			return nil, s.hub.Typing(ctx, c, i.ID, i.Body.Typing)
		})
	device(s, op(get, "/v1/welcomes", tagFrames, "Welcomes that wait for the calling device", refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.WelcomePage], error) {
			return answer(s.hub.Welcomes(ctx, c))
		})
	device(s, op(del, "/v1/welcomes/{id}", tagFrames, "Drop a welcome whose joined state is stored", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.Caller, i *ByID) (*none, error) {
			return nil, s.hub.DeleteWelcome(ctx, c, i.ID)
		})
}
