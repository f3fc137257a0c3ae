package httpapi

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

type practiceIn struct {
	Slug string `path:"slug" maxLength:"64"`
}

// identityRoutes are those by which a device gets a session and a name.
func (s *Server) identityRoutes() {
	open(s, op(get, "/v1/practices/{slug}", tagPractice, "What anybody may know of a practice", refusals(404)),
		func(ctx context.Context, i *practiceIn) (*out[api.Practice], error) {
			return answer(s.hub.Practice(ctx, i.Slug))
		})
	open(s, op(post, "/v1/challenges", tagIdentity, "Get a nonce for a device proof"),
		func(ctx context.Context, _ *none) (*out[api.Challenge], error) {
			// Not rationed: it costs one MAC and no memory, and a ration by network would
			// let one machine keep all others there from signing in (T28).
			return answer(s.hub.NewChallenge(ctx))
		})
	open(s, op(post, "/v1/guests", tagIdentity, "Become a patient known by this device's key", refusals(401, 404, 409, 422, 429)),
		func(ctx context.Context, i *in[api.NewGuest]) (*out[api.Device], error) {
			if err := s.hub.AllowGuest(callOf(ctx).address); err != nil {
				return nil, err
			}
			return answer(s.hub.NewGuest(ctx, i.Body))
		})
	open(s, op(post, "/v1/device-sessions", tagIdentity, "Trade a device proof for a bearer token",
		about("A staff device also needs the staff cookie, and its token ends with that session."), refusals(401, 422, 429)),
		func(ctx context.Context, i *in[api.OpenDeviceSession]) (*out[api.DeviceSession], error) {
			var person *hub.StaffCaller
			var why error
			if callOf(ctx).cookie != "" {
				// An old cookie is no hindrance to a patient's device.
				person, why = s.unlockedStaff(ctx)
			}
			session, err := s.hub.OpenDeviceSession(ctx, person, i.Body)
			if errors.Is(err, hub.ErrUnauthenticated) && (errors.Is(why, hub.ErrLocked) || errors.Is(why, hub.ErrNetwork)) {
				err = why
			}
			return answer(session, err)
		})
	device(s, op(del, "/v1/device-sessions/self", tagIdentity, "End the sessions of the calling device", status(noBody), refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*none, error) {
			return nil, s.hub.CloseDeviceSession(ctx, c)
		})
	device(s, op(get, "/v1/devices/self", tagIdentity, "The calling device, with its certificate once there is one", refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.Device], error) {
			return answer(s.hub.Self(ctx, c))
		})
	device(s, op(post, "/v1/key-packages", tagIdentity, "Publish key packages of the calling device", body(packagesBody), refusals(401, 413, 422, 429, 507)),
		func(ctx context.Context, c *hub.Caller, i *in[api.PublishKeyPackages]) (*out[api.KeyPackageCount], error) {
			return answer(s.hub.PublishKeyPackages(ctx, c, i.Body))
		})
	device(s, op(get, "/v1/key-packages", tagIdentity, "How many key packages the calling device has left", refusals(401)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.KeyPackageCount], error) {
			return answer(s.hub.CountKeyPackages(ctx, c))
		})
	device(s, op(post, "/v1/key-packages/claim", tagIdentity, "Take one key package for each device of a person",
		about("Anybody may claim the keeper's, by the word \"keeper\"; only the keeper may claim others'."), refusals(401, 403, 409, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.ClaimKeyPackages]) (*out[[]api.ClaimedKeyPackage], error) {
			return answer(s.hub.ClaimKeyPackages(ctx, c, i.Body))
		})
}

// certificates is the page of GET /v1/certificate-requests.
type certificates struct {
	Requests []api.CertificateRequest `json:"requests"`
}

// keeperRoutes are for the practice's keeper alone.
func (s *Server) keeperRoutes() {
	device(s, op(get, "/v1/work", tagKeeper, "What the keeper has to bring about", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.Work], error) {
			return answer(s.hub.Work(ctx, c))
		})
	device(s, op(get, "/v1/certificate-requests", tagKeeper, "Devices that wait for a certificate", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[certificates], error) {
			list, err := s.hub.CertificateRequests(ctx, c)
			return answer(certificates{Requests: list}, err)
		})
	device(s, op(put, "/v1/devices/{id}/certificate", tagKeeper, "Certify a device", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.Caller, i *inID[api.PutCertificate]) (*out[api.Device], error) {
			return answer(s.hub.PutCertificate(ctx, c, i.ID, i.Body))
		})
	device(s, op(post, "/v1/record-reads", tagKeeper, "Write down that the sealed record is read, before it is",
		about("It is in the audit log, and in the patient's accounting of disclosures if it leaves the practice."), status(noBody), refusals(401, 403, 404, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.RecordRead]) (*none, error) {
			return nil, s.hub.NoteRecordRead(ctx, c, i.Body)
		})
}
