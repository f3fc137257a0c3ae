package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// verificationRoutes are those by which patients show who they are, and staff
// see and check it.
func (s *Server) verificationRoutes() {
	device(s, op(get, "/v1/verification", tagVerification, "Patient: how far the practice knows who you are on this device", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.OwnVerification], error) {
			return answer(s.hub.OwnVerification(ctx, c))
		})
	device(s, op(post, "/v1/verification/code", tagVerification, "Patient: have a one-time code sent to a contact",
		about("The answer is the same for any contact."), refusals(401, 403, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.SendContactCode]) (*out[api.ContactCodeSent], error) {
			return answer(s.hub.SendContactCode(ctx, c, callOf(ctx).address, i.Body))
		})
	device(s, op(post, "/v1/verification/code/check", tagVerification, "Patient: give the code that came", refusals(401, 403, 409, 422)),
		func(ctx context.Context, c *hub.Caller, i *in[api.CheckContactCode]) (*out[api.OwnVerification], error) {
			return answer(s.hub.CheckContactCode(ctx, c, i.Body))
		})
	device(s, op(post, "/v1/verification/match", tagVerification, "Patient: give the date of birth and one more fact, or a PIN",
		about("It never says what was wrong, nor whether there is such a person."), refusals(401, 403, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.MatchPatient]) (*out[api.OwnVerification], error) {
			return answer(s.hub.MatchPatient(ctx, c, callOf(ctx).address, i.Body))
		})
	open(s, op(post, "/v1/patients/return", tagVerification, "Become a device of the patient whose passkey signed for this device's key",
		about("Whatever is wrong, the answer is the same."), refusals(401, 409, 422, 429)),
		func(ctx context.Context, i *in[api.ReturnPatient]) (*out[api.Device], error) {
			return answer(s.hub.ReturnPatient(ctx, s.source(ctx), i.Body))
		})
	device(s, op(post, "/v1/verification/passkey", tagVerification, "Patient: show by a passkey who is at this device", refusals(401, 403, 409, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.UsePatientPasskey]) (*out[api.OwnVerification], error) {
			return answer(s.hub.UsePatientPasskey(ctx, s.source(ctx), c, i.Body))
		})
	device(s, op(post, "/v1/verification/passkeys", tagVerification, "Patient: add a passkey, to come back with on another device",
		about("Only for whom the practice knows: matched, or signed in."), refusals(401, 403, 409, 413, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.AddPatientPasskey]) (*out[api.OwnVerification], error) {
			return answer(s.hub.AddPatientPasskey(ctx, s.source(ctx), c, i.Body))
		})
	device(s, op(post, "/v1/verification/passkeys/remove", tagVerification, "Patient: remove a passkey", refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.Caller, i *in[api.RemovePatientPasskey]) (*out[api.OwnVerification], error) {
			return answer(s.hub.RemovePatientPasskey(ctx, c, i.Body.ID))
		})
	device(s, op(post, "/v1/verification/portal", tagVerification, "Patient: begin to sign in at the practice's portal", refusals(401, 403, 404, 429, 503)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.PortalBegun], error) {
			return answer(s.hub.BeginPortal(ctx, s.source(ctx), c))
		})
	device(s, op(post, "/v1/verification/portal/finish", tagVerification, "Patient: hand over what the portal sent the browser back with",
		about("Good once, and for the device alone that began. An account of which nobody has said whose it is waits for staff."), refusals(401, 403, 404, 409, 422, 429, 503)),
		func(ctx context.Context, c *hub.Caller, i *in[api.FinishPortal]) (*out[api.OwnVerification], error) {
			return answer(s.hub.FinishPortal(ctx, s.source(ctx), c, i.Body))
		})

	const path = "/v1/staff/conversations/{id}/verification"
	staff(s, op(get, path, tagVerification, "Staff: how the patient of a conversation was proved", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientVerification], error) {
			return answer(s.hub.PatientVerification(ctx, c, i.ID))
		})
	staff(s, op(post, path+"/ask", tagVerification, "Staff: ask the patient to show who they are", refusals(401, 404, 409, 429)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientVerification], error) {
			return answer(s.hub.AskPatient(ctx, c, i.ID))
		})
	staff(s, op(post, path+"/confirm", tagVerification, "Staff: say that you have checked who the patient is", refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.ConfirmPatient]) (*out[api.PatientVerification], error) {
			return answer(s.hub.ConfirmPatient(ctx, c, i.ID, i.Body))
		})
	staff(s, op(post, path+"/reset", tagVerification, "Staff: let the patient try again", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientVerification], error) {
			return answer(s.hub.LetPatientTryAgain(ctx, c, i.ID))
		})
	staff(s, op(post, path+"/forget-passkeys", tagVerification, "Staff: remove all passkeys of the patient, who has lost one", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientVerification], error) {
			return answer(s.hub.ForgetPasskeys(ctx, c, i.ID))
		})
	staff(s, op(post, path+"/portal", tagVerification, "Staff: say which record the account is that the patient signed in with", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.LinkPortal]) (*out[api.PatientVerification], error) {
			return answer(s.hub.LinkPortal(ctx, c, i.ID, i.Body))
		})
	staff(s, op(post, path+"/portal/unlink", tagVerification, "Staff: say that the patient's portal account is not theirs", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.PatientVerification], error) {
			return answer(s.hub.UnlinkPortal(ctx, c, i.ID))
		})
}
