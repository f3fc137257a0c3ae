package httpapi

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// OfPatient is a page about a patient.
type OfPatient struct {
	ByID
	Cursor string `query:"cursor" maxLength:"64"`
}

type cursorIn struct {
	Cursor string `query:"cursor" maxLength:"64"`
}

// accountingRoutes say who saw a patient's messages and what left the practice.
// A patient is named by their id, or by that of a conversation of theirs.
func (s *Server) accountingRoutes() {
	device(s, op(get, "/v1/audit/sightings", tagAudit, "Patient: who saw my messages, in few words", refusals(401, 403, 422)),
		func(ctx context.Context, c *hub.Caller, i *cursorIn) (*out[api.Sightings], error) {
			return answer(s.hub.OwnSightings(ctx, c, i.Cursor))
		})
	staff(s, op(get, "/v1/admin/patients/{id}/sightings", tagAudit, "Who saw a patient's messages",
		about("The id is the patient's, or that of a conversation of theirs. For auditors and compliance officers."), refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *OfPatient) (*out[api.Sightings], error) {
			return answer(s.hub.Sightings(ctx, c, i.ID, i.Cursor))
		})
	staff(s, op(get, "/v1/admin/patients/{id}/disclosures", tagAudit, "What left the practice of a patient's in six years (45 CFR 164.528)", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.Disclosures], error) {
			return answer(s.hub.Disclosures(ctx, c, i.ID))
		})
	staff(s, op(get, "/v1/admin/patients/{id}/disclosures/csv", tagAudit, "The same as a table, for the patient",
		about("Without what was struck. Each line ends with the persons and the chats that the table covers, if they are more than the patient's own; where nothing left there is one line of these alone."), produces("text/csv"), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*file, error) {
			b, err := s.hub.ExportDisclosures(ctx, c, i.ID)
			if err != nil {
				return nil, err
			}
			return saved("text/csv; charset=utf-8", "disclosures.csv", b), nil
		})
	making(s, op(post, "/v1/admin/patients/{id}/disclosures", tagAudit, "Write down what left the practice outside this system", refusals(401, 403, 404, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.RecordDisclosure]) (*out[api.Disclosure], error) {
			return answer(s.hub.RecordDisclosure(ctx, c, i.ID, i.Body))
		})
	staff(s, op(post, "/v1/admin/disclosures/{id}/strike", tagAudit, "Say that what was written down was a mistake", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *inID[api.StrikeDisclosure]) (*out[api.Disclosure], error) {
			return answer(s.hub.StrikeDisclosure(ctx, c, i.ID, i.Body))
		})
}
