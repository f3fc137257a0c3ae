package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

const tagAudit = "Audit log"

// AuditSelection says which events. It is embedded, so it has a public name.
type AuditSelection struct {
	Kind         string `query:"kind" maxLength:"64"`
	Category     string `query:"category" maxLength:"64"`
	Outcome      string `query:"outcome" enum:"done,refused,failed"`
	Person       string `query:"person" maxLength:"64" doc:"who acted"`
	Subject      string `query:"subject" maxLength:"64" doc:"whom it was about"`
	Object       string `query:"object" maxLength:"64"`
	Conversation string `query:"conversation" maxLength:"64"`
	Patient      string `query:"patient" maxLength:"64"`
	From         int64  `query:"from" minimum:"0" maximum:"253402300799999" doc:"Unix milliseconds, inclusive"`
	Until        int64  `query:"until" minimum:"0" maximum:"253402300799999" doc:"Unix milliseconds, exclusive"`
}

func (i *AuditSelection) filter() hub.AuditFilter {
	return hub.AuditFilter{
		Kind: i.Kind, Category: i.Category, Outcome: i.Outcome, Person: i.Person, Subject: i.Subject, Object: i.Object,
		Conversation: i.Conversation, Patient: i.Patient, From: i.From, Until: i.Until,
	}
}

type auditIn struct {
	AuditSelection
	PageOf
}

// PageOf is a part of a list. It is embedded, so it has a public name.
type PageOf struct {
	Cursor string `query:"cursor" maxLength:"64"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type memberIn struct {
	ByID
	Person string `query:"person" maxLength:"64" doc:"the caller, if nobody is named"`
	PageOf
}

type proofIn struct {
	Number int64 `query:"number" required:"true" minimum:"0" maximum:"9007199254740991"`
	Size   int64 `query:"size" required:"true" minimum:"1" maximum:"9007199254740991" doc:"of a checkpoint"`
}

type growthIn struct {
	Earlier int64 `query:"earlier" required:"true" minimum:"1" maximum:"9007199254740991"`
	Later   int64 `query:"later" required:"true" minimum:"1" maximum:"9007199254740991"`
}

type tileIn struct {
	Level int   `query:"level" required:"true" minimum:"0" maximum:"7"`
	Tile  int64 `query:"tile" required:"true" minimum:"0" maximum:"35184372088831"`
}

// auditRoutes show the log to who answers for it, and to each person what it
// says of theirs.
func (s *Server) auditRoutes() {
	staff(s, op(get, "/v1/admin/audit/events", tagAudit, "What was done, newest first",
		about("For auditors and compliance officers. Each call is logged itself."), refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *auditIn) (*out[api.AuditPage], error) {
			f := i.filter()
			f.Cursor, f.Limit = i.Cursor, i.Limit
			return answer(s.hub.AuditEvents(ctx, c, f))
		})
	staff(s, op(get, "/v1/admin/audit/tile", tagAudit, "A tile of the log's tree", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *tileIn) (*out[api.AuditTile], error) {
			return answer(s.hub.AuditTile(ctx, c, i.Level, i.Tile))
		})
	staff(s, op(get, "/v1/audit/kinds", tagAudit, "Every kind of event there is", refusals(401)),
		func(context.Context, *hub.StaffCaller, *none) (*out[api.AuditKinds], error) {
			return answer(s.hub.AuditKinds(), nil)
		})
	watched(s, op(get, "/v1/audit/checkpoint", tagAudit, "The signed head of the log", refusals(401)),
		func(ctx context.Context, practice string, _ *none) (*out[api.AuditCheckpoint], error) {
			return answer(s.hub.AuditCheckpoint(ctx, practice))
		})
	member(s, op(get, "/v1/audit/proof", tagAudit, "A proof that an entry is in the log of a checkpoint", refusals(401, 404, 422)),
		func(ctx context.Context, practice string, i *proofIn) (*out[api.AuditProof], error) {
			return answer(s.hub.AuditProof(ctx, practice, i.Number, i.Size))
		})
	watched(s, op(get, "/v1/audit/growth", tagAudit, "A proof that the log of one checkpoint begins with that of an earlier one", refusals(401, 404, 422)),
		func(ctx context.Context, practice string, i *growthIn) (*out[api.AuditProof], error) {
			return answer(s.hub.AuditGrowth(ctx, practice, i.Earlier, i.Later))
		})
	staff(s, op(get, "/v1/staff/devices/log", tagAudit, "Every device that ever spoke for the person, as the log says", refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, i *PageOf) (*out[api.AuditPage], error) {
			return answer(s.hub.AuditOfDevices(ctx, &c.Person, i.Cursor, i.Limit))
		})
	staff(s, op(post, "/v1/staff/devices/seen", tagAudit, "The person has seen which devices speak for them", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*none, error) {
			return nil, s.hub.SeeDevices(ctx, c)
		})
	device(s, op(get, "/v1/devices/log", tagAudit, "Every device that ever spoke for the caller, as the log says", refusals(401)),
		func(ctx context.Context, c *hub.Caller, i *PageOf) (*out[api.AuditPage], error) {
			return answer(s.hub.AuditOfDevices(ctx, &c.Person, i.Cursor, i.Limit))
		})
	device(s, op(get, "/v1/devices", tagAudit, "What speaks for the caller, and how much of it is new to this device", refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.OwnDevices], error) {
			return answer(s.hub.OwnDevices(ctx, c))
		})
	device(s, op(post, "/v1/devices/seen", tagAudit, "This device has shown which devices speak for the caller", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*none, error) {
			return nil, s.hub.SeeOwnDevices(ctx, c)
		})
	device(s, op(get, "/v1/conversations/{id}/certificates", tagAudit, "Every certificate of a person in the conversation, as the log says",
		about("For who may read the conversation, to be held against the members of its group. The proofs are those under /v1/audit."), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *memberIn) (*out[api.AuditPage], error) {
			return answer(s.hub.AuditOfMember(ctx, c, i.ID, i.Person, i.Cursor, i.Limit))
		})
	device(s, op(get, "/v1/audit/own", tagAudit, "Patient: who saw one's messages, and what was done with one's chats", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, i *PageOf) (*out[api.AuditPage], error) {
			return answer(s.hub.AuditOfPatient(ctx, c, i.Cursor, i.Limit))
		})
}
