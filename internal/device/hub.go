package device

import (
	"context"

	"github.com/sotto-health/sotto/api"
)

// A Hub is the hub as one device calls it. Its refusals are *[api.Problem];
// any other error means that the hub could not be reached, and the call may be
// made again: every call here is idempotent or harmless twice. The engine
// trusts it with order, durability and delivery, and with nothing else.
//
// It is used from several goroutines.
type Hub interface {
	// Practice is GET /v1/practices/{slug}; it needs no session.
	Practice(ctx context.Context, slug string) (*api.Practice, error)
	// Challenge is POST /v1/challenges; it needs no session.
	Challenge(ctx context.Context) (*api.Challenge, error)
	// NewGuest is POST /v1/guests; it needs no session.
	NewGuest(ctx context.Context, guest api.NewGuest) (*api.Device, error)
	// ReturnPatient is POST /v1/patients/return; it needs no session.
	ReturnPatient(ctx context.Context, back api.ReturnPatient) (*api.Device, error)
	// NewStaffDevice is POST /v1/staff/devices, with the staff cookie.
	NewStaffDevice(ctx context.Context, device api.NewStaffDevice) (*api.Device, error)
	// OpenSession is POST /v1/device-sessions. The Hub keeps the token and
	// sends it with every call below, until the next OpenSession.
	OpenSession(ctx context.Context, proof api.OpenDeviceSession) (*api.DeviceSession, error)

	// Self is GET /v1/devices/self.
	Self(ctx context.Context) (*api.Device, error)
	// PublishKeyPackages is POST /v1/key-packages.
	PublishKeyPackages(ctx context.Context, packages api.PublishKeyPackages) error
	// CountKeyPackages is GET /v1/key-packages.
	CountKeyPackages(ctx context.Context) (*api.KeyPackageCount, error)
	// ClaimKeyPackages is POST /v1/key-packages/claim.
	ClaimKeyPackages(ctx context.Context, claim api.ClaimKeyPackages) ([]api.ClaimedKeyPackage, error)

	// CreateConversation is PUT /v1/conversations/{id}.
	CreateConversation(ctx context.Context, id string, create api.CreateConversation) (*api.Conversation, error)
	// Conversation is GET /v1/conversations/{id}.
	Conversation(ctx context.Context, id string) (*api.Conversation, error)
	// Conversations is GET /v1/conversations?box=&cursor=.
	Conversations(ctx context.Context, box, cursor string) (*api.ConversationPage, error)
	// Act is POST /v1/conversations/{id}/{act}. The reason is of [api.Entry], or
	// empty.
	Act(ctx context.Context, id, act, reason string) (*api.ActResult, error)
	// Rate is POST /v1/conversations/{id}/rating.
	Rate(ctx context.Context, id string, score int) error
	// GiveConsent is POST /v1/consents.
	GiveConsent(ctx context.Context, give api.GiveConsent) (*api.ConsentGiven, error)
	// Agreements is GET /v1/consents.
	Agreements(ctx context.Context) (*api.Agreements, error)
	// Sightings is GET /v1/audit/sightings?cursor=.
	Sightings(ctx context.Context, cursor string) (*api.Sightings, error)
	// WithdrawConsent is POST /v1/consents/{id}/withdraw.
	WithdrawConsent(ctx context.Context, id string) (*api.Agreement, error)
	// Frames is GET /v1/conversations/{id}/frames?after=&limit=.
	Frames(ctx context.Context, id string, after uint64, limit int) (*api.FramePage, error)
	// Send is POST /v1/conversations/{id}/frames.
	Send(ctx context.Context, id string, frame api.SendFrame) (*api.Sent, error)
	// Ack is POST /v1/conversations/{id}/ack. It may be sent lazily.
	Ack(ctx context.Context, id string, position uint64) error
	// Typing is POST /v1/conversations/{id}/typing. It may be dropped.
	Typing(ctx context.Context, id string, typing bool) error
	// Welcomes is GET /v1/welcomes.
	Welcomes(ctx context.Context) ([]api.Welcome, error)
	// DeleteWelcome is DELETE /v1/welcomes/{id}.
	DeleteWelcome(ctx context.Context, id string) error
	// GroupInfo is GET /v1/conversations/{id}/group-info.
	GroupInfo(ctx context.Context, id string) (*api.GroupInfo, error)

	// NewAttachment is POST /v1/conversations/{id}/attachments.
	NewAttachment(ctx context.Context, conversation string, attachment api.NewAttachment) (*api.Attachment, error)
	// Upload is PATCH /v1/attachments/{id}. It returns how many bytes the hub
	// has then. On *api.Problem with CodeOffset ask NewAttachment.
	Upload(ctx context.Context, id string, offset int64, data []byte) (received int64, err error)
	// Download is GET /v1/attachments/{id} with a Range. It returns fewer
	// bytes only at the end of the file.
	Download(ctx context.Context, id string, offset int64, length int) ([]byte, error)
	// DropAttachment is DELETE /v1/attachments/{id}, unfinished ones only.
	DropAttachment(ctx context.Context, id string) error

	// Events opens the push connection and calls handle with each event, one
	// at a time and in order, the first being EventReady. It returns when the
	// connection ends, and ctx.Err() once ctx is done. The Hub picks the
	// transport.
	Events(ctx context.Context, handle func(api.Event)) error
}
