package httpapi

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/hub"
)

const (
	tagConsent = "Consent"
	formBody   = 256 << 10 // a draft: eight parts in up to twelve languages
)

// BySlug is a call about a practice. It is embedded, so it has a public name.
type BySlug struct {
	Slug string `path:"slug" maxLength:"64"`
}

type formIn struct {
	BySlug
	Form    string `path:"form" maxLength:"64"`
	Version int    `query:"version" minimum:"0" maximum:"2147483647" doc:"0 is the present one"`
}

type declinedIn struct {
	BySlug
	Body api.ConsentDeclined
}

// consentRoutes are the patients'.
func (s *Server) consentRoutes() {
	open(s, op(get, "/v1/practices/{slug}/forms/{form}", tagConsent, "A published consent form, also a former version", refusals(404)),
		func(ctx context.Context, i *formIn) (*out[api.ConsentForm], error) {
			return answer(s.hub.ConsentForm(ctx, i.Slug, i.Form, i.Version))
		})
	open(s, op(post, "/v1/practices/{slug}/declined", tagConsent, "Count that somebody said no to a form", status(noBody), refusals(404, 422, 429)),
		func(ctx context.Context, i *declinedIn) (*none, error) {
			if err := s.hub.AllowGuest(callOf(ctx).address); err != nil {
				return nil, err
			}
			return nil, s.hub.Declined(ctx, i.Slug, i.Body)
		})
	device(s, op(get, "/v1/consents", tagConsent, "Patient: what I agreed to, and could", refusals(401, 403)),
		func(ctx context.Context, c *hub.Caller, _ *none) (*out[api.Agreements], error) {
			return answer(s.hub.Agreements(ctx, c))
		})
	device(s, op(post, "/v1/consents", tagConsent, "Patient: agree to a form", refusals(401, 403, 404, 422, 429)),
		func(ctx context.Context, c *hub.Caller, i *in[api.GiveConsent]) (*out[api.ConsentGiven], error) {
			return answer(s.hub.GiveConsent(ctx, c, i.Body))
		})
	device(s, op(post, "/v1/consents/{id}/withdraw", tagConsent, "Patient: take one back",
		about("One that a conversation stands on closes it: frames are refused from then on."), refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.Caller, i *ByID) (*out[api.Agreement], error) {
			return answer(s.hub.WithdrawConsent(ctx, c, i.ID))
		})
	staff(s, op(get, "/v1/staff/conversations/{id}/consents", tagConsent, "What a conversation stands on", refusals(401, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *ByID) (*out[api.ConversationConsents], error) {
			return answer(s.hub.ConversationConsents(ctx, c, i.ID))
		})
}

// OfForm is a call about a form.
type OfForm struct {
	Form string `path:"form" maxLength:"64"`
}

// OfVersion is a call about a version of one.
type OfVersion struct {
	OfForm
	Version int `path:"version" minimum:"1" maximum:"2147483647"`
}

type draftIn struct {
	OfForm
	Body api.DraftForm
}

type versionIn[B any] struct {
	OfVersion
	Body B
}

type receiptsIn struct {
	Form    string `query:"form" maxLength:"64"`
	Version int    `query:"version" minimum:"0" maximum:"2147483647"`
	After   uint64 `query:"after" minimum:"0" maximum:"9007199254740991" doc:"sequence; 0 for the first page"`
}

func (i *receiptsIn) query() hub.ReceiptQuery {
	return hub.ReceiptQuery{Form: i.Form, Version: i.Version, After: i.After, Limit: hub.MostReceipts}
}

// formActs says in words what each act upon a version does.
func formActs() map[string]string {
	return map[string]string{
		"submit":  "Say that a draft is done",
		"return":  "Make a submitted version a draft again, with a reason",
		"approve": "Approve what somebody else has written",
		"publish": "Publish an approved version: patients are asked again",
		"retire":  "End a form, with a reason",
	}
}

// formRoutes are for those who write consent forms and those who answer for
// them.
func (s *Server) formRoutes() {
	staff(s, op(get, "/v1/admin/consents", tagConsent, "Every version of every consent form", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, _ *none) (*out[api.ConsentForms], error) {
			return answer(s.hub.ConsentForms(ctx, c))
		})
	staff(s, op(put, "/v1/admin/consents/{form}/draft", tagConsent, "Save the draft of a form's next version", body(formBody), refusals(401, 403, 409, 413, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *draftIn) (*out[api.FormVersion], error) {
			return answer(s.hub.SaveDraft(ctx, c, i.Form, i.Body))
		})
	staff(s, op(post, "/v1/admin/consents/{form}/preview", tagConsent, "See a draft as patients would, and how hard it reads", body(formBody), refusals(401, 403, 413, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *draftIn) (*out[api.FormVersion], error) {
			return answer(s.hub.PreviewForm(ctx, c, i.Form, i.Body))
		})
	for act, words := range formActs() {
		staff(s, op(post, "/v1/admin/consents/{form}/{version}/"+act, tagConsent, words, refusals(401, 403, 404, 409, 422)),
			func(ctx context.Context, c *hub.StaffCaller, i *versionIn[api.FormAct]) (*out[api.FormVersion], error) {
				return answer(s.hub.ActOnForm(ctx, c, i.Form, i.Version, act, i.Body))
			})
	}
	staff(s, op(put, "/v1/admin/consents/{form}/{version}/queues", tagConsent, "Choose the queues that a published form stands before", refusals(401, 403, 404, 409, 422)),
		func(ctx context.Context, c *hub.StaffCaller, i *versionIn[api.FormQueues]) (*out[api.FormVersion], error) {
			return answer(s.hub.AttachForm(ctx, c, i.Form, i.Version, i.Body))
		})
	staff(s, op(get, "/v1/admin/consents/{form}/{version}/again", tagConsent, "Who would be asked again if it were published now", refusals(401, 403, 404)),
		func(ctx context.Context, c *hub.StaffCaller, i *OfVersion) (*out[api.FormAgain], error) {
			return answer(s.hub.FormAgain(ctx, c, i.Form, i.Version))
		})
	staff(s, op(get, "/v1/admin/consent-receipts", tagConsent, "Who agreed, by opaque id", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, i *receiptsIn) (*out[api.ConsentReceipts], error) {
			return answer(s.hub.ConsentReceipts(ctx, c, i.query(), false))
		})
	staff(s, op(get, "/v1/admin/consent-receipts/csv", tagConsent, "The same as a table, up to 1000 from after", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, i *receiptsIn) (*file, error) {
			page, err := s.hub.ConsentReceipts(ctx, c, i.query(), true)
			if err != nil {
				return nil, err
			}
			b, err := table(page.Receipts)
			return saved("text/csv; charset=utf-8", "consents.csv", b), err
		})
	staff(s, op(get, "/v1/admin/consent-receipts/fhir", tagConsent, "The same as a FHIR R4 Bundle of Consent resources", refusals(401, 403)),
		func(ctx context.Context, c *hub.StaffCaller, i *receiptsIn) (*file, error) {
			url := ""
			if len(s.config.Origins) > 0 {
				url = s.config.Origins[0]
			}
			bundle, _, err := s.hub.ExportReceipts(ctx, c, i.query(), url)
			if err != nil {
				return nil, err
			}
			b, err := json.MarshalIndent(bundle, "", "  ")
			return saved("application/fhir+json", "consents.fhir.json", b), err
		})
}

func saved(kind, name string, b []byte) *file {
	return &file{ContentType: kind, Disposition: `attachment; filename="` + name + `"`, Body: b}
}

// table writes receipts as RFC 4180, of which no spreadsheet runs anything.
func table(rs []api.Agreement) ([]byte, error) {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	err := export.WriteRow(w,
		"sequence", "receipt", "person", "conversation", "kind", "form", "version", "language", "received_at", "device_at", "method",
		"withdrawn_at", "current", "text_sha256", "device",
	)
	when := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return time.UnixMilli(ms).UTC().Format(time.RFC3339)
	}
	for _, r := range rs {
		if err == nil {
			err = export.WriteRow(w,
				strconv.FormatUint(r.Sequence, 10), r.ID, r.Person, r.Conversation, r.Kind, r.Form, strconv.Itoa(r.Version), r.Language,
				when(r.ReceivedAt), when(r.At), r.Method, when(r.WithdrawnAt), strconv.FormatBool(r.Current), hex.EncodeToString(r.SHA256), r.Device,
			)
		}
	}
	err = cmp.Or(err, w.Flush())
	return b.Bytes(), err
}
