package httpapi

import (
	"context"
	"net/http"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// byDevice is a call about one device of a person.
type byDevice struct {
	ByID
	Device string `path:"device" maxLength:"64"`
}

// periodIn is a call about a time, Unix milliseconds.
type periodIn struct {
	From  int64 `query:"from" required:"true" minimum:"1" maximum:"253402300799999"`
	Until int64 `query:"until" required:"true" minimum:"2" maximum:"253402300799999"`
}

// peopleRoutes are for those who run the practice and those who answer for it.
func (s *Server) peopleRoutes() {
	staff(s, op(get, "/v1/admin/people", tagAdmin, "The practice's staff, and the roles there are", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.StaffMembers], error) {
			return answer(s.hub.StaffMembers(ctx, c))
		})
	makingSecret(s, op(post, "/v1/admin/people", tagAdmin, "Add a staff person", refusals(401, 403, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewStaffMember]) (*out[api.StaffMemberAdded], error) {
			return answer(s.hub.AddStaffMember(ctx, c, i.Body))
		})
	staff(s, op(get, "/v1/admin/people/{id}", tagAdmin, "A staff person, with what they sign in with and from where", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.StaffPerson], error) {
			return answer(s.hub.StaffPerson(ctx, c, i.ID))
		})
	staff(s, op(del, "/v1/admin/people/{id}/devices/{device}", tagAdmin, "Take all access from a person's device", status(noBody), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *byDevice) (*none, error) {
			return nil, s.hub.RevokeStaffDevice(ctx, c, i.ID, i.Device)
		})
	staff(s, op(http.MethodPatch, "/v1/admin/people/{id}", tagAdmin, "Change a person's role, departments or queues, or disable them", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.ChangeStaffMember]) (*out[api.StaffMember], error) {
			return answer(s.hub.ChangeStaffMember(ctx, c, i.ID, i.Body))
		})
	makingSecret(s, op(post, "/v1/admin/people/{id}/set-up-link", tagAdmin, "Make a one-time link to set up a person's sign-in", refusals(401, 403, 404, 409)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.SetUpLinkMade], error) {
			return answer(s.hub.SetUpLinkFor(ctx, c, i.ID))
		})
	making(s, op(post, "/v1/admin/people/{id}/requests", tagAdmin, "Ask for what takes two: a role with much power, or a new sign-in of who has one", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.NewGrantRequest]) (*out[api.GrantRequest], error) {
			return answer(s.hub.RequestGrant(ctx, c, i.ID, i.Body))
		})
	staff(s, op(get, "/v1/admin/requests", tagAdmin, "What was asked for that takes two, and the answers", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.GrantRequests], error) {
			return answer(s.hub.GrantRequests(ctx, c))
		})
	staff(s, op(post, "/v1/admin/requests/{id}/decision", tagAdmin, "Approve or refuse what another asked for, or take back what one did", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.DecideGrant]) (*out[api.GrantRequest], error) {
			return answer(s.hub.DecideGrant(ctx, c, i.ID, i.Body))
		})
	staff(s, op(get, "/v1/admin/reviews/access", tagAdmin, "What each staff person may do, and when somebody last confirmed it", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.AccessReviews], error) {
			return answer(s.hub.AccessReviews(ctx, c))
		})
	staff(s, op(post, "/v1/admin/reviews/access", tagAdmin, "Confirm that what some may do is right", status(noBody), refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.ConfirmAccess]) (*none, error) {
			return nil, s.hub.ConfirmAccess(ctx, c, i.Body)
		})
	staff(s, op(get, "/v1/admin/reviews/access/csv", tagAdmin, "Who confirmed whose access, as a table", produces("text/csv"), refusals(401, 403, 429)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*file, error) {
			b, err := s.hub.ExportAccessReviews(ctx, c)
			if err != nil {
				return nil, err
			}
			return saved("text/csv; charset=utf-8", "access-reviews.csv", b), nil
		})
	staff(s, op(get, "/v1/admin/reviews/activity", tagAudit, "The periods of the audit log, and who signed off that they had looked at each", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.ActivityReviews], error) {
			return answer(s.hub.ActivityReviews(ctx, c))
		})
	staff(s, op(get, "/v1/admin/reviews/activity/figures", tagAudit, "How much the log has of a time that a reviewer should look at", refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *periodIn) (*out[api.ActivityFigures], error) {
			return answer(s.hub.ActivityFigures(ctx, c, i.From, i.Until))
		})
	making(s, op(post, "/v1/admin/reviews/activity", tagAudit, "Sign off that one has looked at the log of a period", status(noBody), refusals(401, 403, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.SignActivity]) (*none, error) {
			return nil, s.hub.SignActivity(ctx, c, i.Body)
		})
	staff(s, op(get, "/v1/admin/reviews/activity/csv", tagAudit, "The same periods as a table", produces("text/csv"), refusals(401, 403, 429)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*file, error) {
			b, err := s.hub.ExportActivityReviews(ctx, c)
			if err != nil {
				return nil, err
			}
			return saved("text/csv; charset=utf-8", "activity-reviews.csv", b), nil
		})
	staff(s, op(get, "/v1/admin/alerts", tagAudit, "What in the audit log somebody should look at, and which patients are watched", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Alerts], error) {
			return answer(s.hub.Alerts(ctx, c))
		})
	staff(s, op(post, "/v1/admin/alerts/{id}/review", tagAudit, "Say what an alert was", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.ReviewAlert]) (*out[api.Alert], error) {
			return answer(s.hub.ReviewAlert(ctx, c, i.ID, i.Body))
		})
	making(s, op(post, "/v1/admin/patient-watches", tagAudit, "Have the audit log searched for who sees a patient", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewPatientWatch]) (*out[api.PatientWatch], error) {
			return answer(s.hub.WatchPatient(ctx, c, i.Body))
		})
	staff(s, op(del, "/v1/admin/patient-watches/{id}", tagAudit, "End that", status(noBody), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*none, error) {
			return nil, s.hub.EndPatientWatch(ctx, c, i.ID)
		})
	staff(s, op(get, "/v1/admin/departments", tagAdmin, "The practice's departments", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Departments], error) {
			return answer(s.hub.Departments(ctx, c))
		})
	making(s, op(post, "/v1/admin/departments", tagAdmin, "Make a department", refusals(401, 403, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *in[api.NewDepartment]) (*out[api.Department], error) {
			return answer(s.hub.AddDepartment(ctx, c, i.Body))
		})
	staff(s, op(patch, "/v1/admin/departments/{id}", tagAdmin, "Rename a department, give it queues, or retire it", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.ChangeDepartment]) (*out[api.Department], error) {
			return answer(s.hub.ChangeDepartment(ctx, c, i.ID, i.Body))
		})
	staff(s, op(get, "/v1/admin/protections", tagAdmin, "The settings that protect, and how they were changed", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.Protections], error) {
			return answer(s.hub.Protections(ctx, c))
		})
	staff(s, op(get, "/v1/policy/rules", tagAdmin, "Who may do what, in sentences", refusals(401)),
		func(context.Context, *hub.StaffCaller, *none) (*out[api.PolicyRules], error) {
			return answer(s.hub.Rules(), nil)
		})
	staff(s, op(get, "/v1/admin/policy", tagAdmin, "Who may do what, role by role", refusals(401, 403)),
		func(_ context.Context, c *hub.StaffCaller, _ *none) (*out[api.PolicyTable], error) {
			return answer(s.hub.PolicyTable(c))
		})
	staff(s, op(get, "/v1/admin/conversations/{id}/readers", tagAdmin, "Who can read a conversation, and why", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.ConversationReaders], error) {
			return answer(s.hub.Readers(ctx, c, i.ID))
		})
}
