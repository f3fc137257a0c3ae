package hubclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/totp"
)

// A Signer signs with a device's signature key: ECDSA P-256 with SHA-256, ASN.1.
type Signer interface {
	// Public is SEC 1, uncompressed.
	Public() []byte
	Sign(message []byte) (signature []byte, err error)
}

// Prove gets a challenge and makes the proof of a purpose and its subject.
func (c *Client) Prove(ctx context.Context, s Signer, purpose, subject string) (api.DeviceProof, error) {
	ch, err := c.Challenge(ctx)
	if err != nil {
		return api.DeviceProof{}, err
	}
	p := certificate.Proof{Purpose: purpose, Subject: subject, PublicKey: s.Public(), Nonce: ch.Nonce}
	sig, err := s.Sign(p.Signed())
	if err != nil {
		return api.DeviceProof{}, fmt.Errorf("hubclient: sign proof: %w", err)
	}
	return api.DeviceProof{Nonce: ch.Nonce, Signature: sig}, nil
}

// SignInDevice opens a session of the device and uses it from now on.
func (c *Client) SignInDevice(ctx context.Context, s Signer, device string) (*api.DeviceSession, error) {
	proof, err := c.Prove(ctx, s, certificate.PurposeSession, device)
	if err != nil {
		return nil, err
	}
	return c.OpenSession(ctx, api.OpenDeviceSession{Device: device, Proof: proof})
}

// Practice is GET /v1/practices/{slug}.
func (c *Client) Practice(ctx context.Context, slug string) (*api.Practice, error) {
	return fetch[api.Practice](ctx, c, http.MethodGet, "/v1/practices/"+url.PathEscape(slug), nil)
}

// ConsentForm is GET /v1/practices/{slug}/forms/{form}?version=.
func (c *Client) ConsentForm(ctx context.Context, slug, form string, version int) (*api.ConsentForm, error) {
	return fetch[api.ConsentForm](ctx, c, http.MethodGet, "/v1/practices/"+url.PathEscape(slug)+"/forms/"+url.PathEscape(form)+"?version="+strconv.Itoa(version), nil)
}

// Agreements is GET /v1/consents.
func (c *Client) Agreements(ctx context.Context) (*api.Agreements, error) {
	return fetch[api.Agreements](ctx, c, http.MethodGet, "/v1/consents", nil)
}

// GiveConsent is POST /v1/consents.
func (c *Client) GiveConsent(ctx context.Context, give api.GiveConsent) (*api.ConsentGiven, error) {
	return fetch[api.ConsentGiven](ctx, c, http.MethodPost, "/v1/consents", give)
}

// WithdrawConsent is POST /v1/consents/{id}/withdraw.
func (c *Client) WithdrawConsent(ctx context.Context, id string) (*api.Agreement, error) {
	return fetch[api.Agreement](ctx, c, http.MethodPost, "/v1/consents/"+url.PathEscape(id)+"/withdraw", nil)
}

// Challenge is POST /v1/challenges.
func (c *Client) Challenge(ctx context.Context) (*api.Challenge, error) {
	return fetch[api.Challenge](ctx, c, http.MethodPost, "/v1/challenges", nil)
}

// NewGuest is POST /v1/guests.
func (c *Client) NewGuest(ctx context.Context, guest api.NewGuest) (*api.Device, error) {
	return fetch[api.Device](ctx, c, http.MethodPost, "/v1/guests", guest)
}

// NewStaffDevice is POST /v1/staff/devices.
func (c *Client) NewStaffDevice(ctx context.Context, device api.NewStaffDevice) (*api.Device, error) {
	return fetch[api.Device](ctx, c, http.MethodPost, "/v1/staff/devices", device)
}

// OpenSession is POST /v1/device-sessions. Its token goes with every later call.
func (c *Client) OpenSession(ctx context.Context, proof api.OpenDeviceSession) (*api.DeviceSession, error) {
	s, err := fetch[api.DeviceSession](ctx, c, http.MethodPost, "/v1/device-sessions", proof)
	if err == nil {
		c.SetToken(s.Token)
	}
	return s, err
}

// CloseSession is DELETE /v1/device-sessions/self.
func (c *Client) CloseSession(ctx context.Context) error {
	return c.request(ctx, http.MethodDelete, "/v1/device-sessions/self", nil, nil)
}

// InspectSetUp is POST /v1/staff/set-up/inspect.
func (c *Client) InspectSetUp(ctx context.Context, token string) (*api.Invitation, error) {
	return fetch[api.Invitation](ctx, c, http.MethodPost, "/v1/staff/set-up/inspect", api.InspectSetUp{Token: token})
}

// SetUp is POST /v1/staff/set-up; it signs in.
func (c *Client) SetUp(ctx context.Context, s api.SetUp) (*api.SetUpDone, error) {
	return fetch[api.SetUpDone](ctx, c, http.MethodPost, "/v1/staff/set-up", s)
}

// SetUpApp uses a set-up link with a password and an authenticator app, which
// is the secret that it returns and codes of package totp. It signs in.
func (c *Client) SetUpApp(ctx context.Context, token, password string, now time.Time) (secret []byte, done *api.SetUpDone, err error) {
	invitation, err := c.InspectSetUp(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	if secret, err = totp.ParseText(invitation.App.Secret); err != nil {
		return nil, nil, fmt.Errorf("hubclient: read the secret of an app: %w", err)
	}
	app := &api.TakeApp{Offer: invitation.App.Offer, Code: totp.Code(secret, totp.Step(now))}
	done, err = c.SetUp(ctx, api.SetUp{Token: token, Password: password, App: app})
	return secret, done, err
}

// SignIn is POST /v1/staff/sign-in.
func (c *Client) SignIn(ctx context.Context, s api.SignIn) (*api.StaffSession, error) {
	return fetch[api.StaffSession](ctx, c, http.MethodPost, "/v1/staff/sign-in", s)
}

// StaffSession is GET /v1/staff/session. Without a session it is empty.
func (c *Client) StaffSession(ctx context.Context) (*api.StaffSession, error) {
	return fetch[api.StaffSession](ctx, c, http.MethodGet, "/v1/staff/session", nil)
}

// Unlock is POST /v1/staff/unlock.
func (c *Client) Unlock(ctx context.Context, a api.Authentication) (*api.StaffSession, error) {
	return fetch[api.StaffSession](ctx, c, http.MethodPost, "/v1/staff/unlock", a)
}

// StepUp is POST /v1/staff/step-up.
func (c *Client) StepUp(ctx context.Context, a api.Authentication) (*api.StaffSession, error) {
	return fetch[api.StaffSession](ctx, c, http.MethodPost, "/v1/staff/step-up", a)
}

// Active is POST /v1/staff/active.
func (c *Client) Active(ctx context.Context) (*api.StaffSession, error) {
	return fetch[api.StaffSession](ctx, c, http.MethodPost, "/v1/staff/active", nil)
}

// SignOut is POST /v1/staff/sign-out.
func (c *Client) SignOut(ctx context.Context) error {
	return c.request(ctx, http.MethodPost, "/v1/staff/sign-out", nil, nil)
}

// Self is GET /v1/devices/self.
func (c *Client) Self(ctx context.Context) (*api.Device, error) {
	return fetch[api.Device](ctx, c, http.MethodGet, "/v1/devices/self", nil)
}

// Verification is GET /v1/verification.
func (c *Client) Verification(ctx context.Context) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodGet, "/v1/verification", nil)
}

// SendContactCode is POST /v1/verification/code.
func (c *Client) SendContactCode(ctx context.Context, s api.SendContactCode) (*api.ContactCodeSent, error) {
	return fetch[api.ContactCodeSent](ctx, c, http.MethodPost, "/v1/verification/code", s)
}

// CheckContactCode is POST /v1/verification/code/check.
func (c *Client) CheckContactCode(ctx context.Context, k api.CheckContactCode) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/code/check", k)
}

// MatchPatient is POST /v1/verification/match.
func (c *Client) MatchPatient(ctx context.Context, m api.MatchPatient) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/match", m)
}

// ReturnPatient is POST /v1/patients/return.
func (c *Client) ReturnPatient(ctx context.Context, r api.ReturnPatient) (*api.Device, error) {
	return fetch[api.Device](ctx, c, http.MethodPost, "/v1/patients/return", r)
}

// UsePatientPasskey is POST /v1/verification/passkey.
func (c *Client) UsePatientPasskey(ctx context.Context, u api.UsePatientPasskey) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/passkey", u)
}

// BeginPortal is POST /v1/verification/portal.
func (c *Client) BeginPortal(ctx context.Context) (*api.PortalBegun, error) {
	return fetch[api.PortalBegun](ctx, c, http.MethodPost, "/v1/verification/portal", nil)
}

// FinishPortal is POST /v1/verification/portal/finish.
func (c *Client) FinishPortal(ctx context.Context, f api.FinishPortal) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/portal/finish", f)
}

// AddPatientPasskey is POST /v1/verification/passkeys.
func (c *Client) AddPatientPasskey(ctx context.Context, a api.AddPatientPasskey) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/passkeys", a)
}

// RemovePatientPasskey is POST /v1/verification/passkeys/remove.
func (c *Client) RemovePatientPasskey(ctx context.Context, id string) (*api.OwnVerification, error) {
	return fetch[api.OwnVerification](ctx, c, http.MethodPost, "/v1/verification/passkeys/remove", api.RemovePatientPasskey{ID: id})
}

// PatientVerification is GET /v1/staff/conversations/{id}/verification, with
// the staff cookie; with an act (ask, confirm, reset) it is that call.
func (c *Client) PatientVerification(ctx context.Context, id, act string, body any) (*api.PatientVerification, error) {
	path, method := "/v1/staff/conversations/"+id+"/verification", http.MethodGet
	if act != "" {
		path, method = path+"/"+act, http.MethodPost
	}
	return fetch[api.PatientVerification](ctx, c, method, path, body)
}

// PublishKeyPackages is POST /v1/key-packages.
func (c *Client) PublishKeyPackages(ctx context.Context, packages api.PublishKeyPackages) error {
	return c.request(ctx, http.MethodPost, "/v1/key-packages", packages, nil)
}

// CountKeyPackages is GET /v1/key-packages.
func (c *Client) CountKeyPackages(ctx context.Context) (*api.KeyPackageCount, error) {
	return fetch[api.KeyPackageCount](ctx, c, http.MethodGet, "/v1/key-packages", nil)
}

// ClaimKeyPackages is POST /v1/key-packages/claim.
func (c *Client) ClaimKeyPackages(ctx context.Context, claim api.ClaimKeyPackages) ([]api.ClaimedKeyPackage, error) {
	claimed, err := fetch[[]api.ClaimedKeyPackage](ctx, c, http.MethodPost, "/v1/key-packages/claim", claim)
	if err != nil {
		return nil, err
	}
	return *claimed, nil
}

func conversation(id string) string { return "/v1/conversations/" + url.PathEscape(id) }

// CreateConversation is PUT /v1/conversations/{id}.
func (c *Client) CreateConversation(ctx context.Context, id string, create api.CreateConversation) (*api.Conversation, error) {
	return fetch[api.Conversation](ctx, c, http.MethodPut, conversation(id), create)
}

// Conversation is GET /v1/conversations/{id}.
func (c *Client) Conversation(ctx context.Context, id string) (*api.Conversation, error) {
	return fetch[api.Conversation](ctx, c, http.MethodGet, conversation(id), nil)
}

// Conversations is GET /v1/conversations?box=&cursor=.
func (c *Client) Conversations(ctx context.Context, box, cursor string) (*api.ConversationPage, error) {
	q := url.Values{"box": {box}, "cursor": {cursor}}
	return fetch[api.ConversationPage](ctx, c, http.MethodGet, "/v1/conversations?"+q.Encode(), nil)
}

// Act is POST /v1/conversations/{id}/{act}. The reason is of [api.Entry], or
// empty.
func (c *Client) Act(ctx context.Context, id, act, reason string) (*api.ActResult, error) {
	var entry any
	if reason != "" {
		entry = api.Entry{Reason: reason}
	}
	return fetch[api.ActResult](ctx, c, http.MethodPost, conversation(id)+"/"+url.PathEscape(act), entry)
}

// Rate is POST /v1/conversations/{id}/rating.
func (c *Client) Rate(ctx context.Context, id string, score int) error {
	_, err := fetch[struct{}](ctx, c, http.MethodPost, conversation(id)+"/rating", api.Rating{Score: score})
	return err
}

// Frames is GET /v1/conversations/{id}/frames.
func (c *Client) Frames(ctx context.Context, id string, after uint64, limit int) (*api.FramePage, error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return fetch[api.FramePage](ctx, c, http.MethodGet, conversation(id)+"/frames?"+q.Encode(), nil)
}

// Send appends a frame: over the push connection if one is open, else by POST
// /v1/conversations/{id}/frames. On a nil error the frame is durable.
func (c *Client) Send(ctx context.Context, id string, frame api.SendFrame) (*api.Sent, error) {
	if s := c.openSocket(); s != nil {
		sent, err := s.send(ctx, id, frame)
		if !errors.Is(err, errSocketClosed) {
			return sent, err
		}
		// Whether it arrived is not known; to send it again does no harm.
	}
	return fetch[api.Sent](ctx, c, http.MethodPost, conversation(id)+"/frames", frame)
}

// Ack says that this device has stored all frames up to position.
func (c *Client) Ack(ctx context.Context, id string, position uint64) error {
	if s := c.openSocket(); s != nil && s.write(ctx, api.ClientMessage{Type: "ack", ConversationID: id, Position: position}) == nil {
		return nil
	}
	return c.request(ctx, http.MethodPost, conversation(id)+"/ack", api.Ack{Position: position}, nil)
}

// Typing says that the person is writing, or has stopped.
func (c *Client) Typing(ctx context.Context, id string, typing bool) error {
	if s := c.openSocket(); s != nil && s.write(ctx, api.ClientMessage{Type: "typing", ConversationID: id, Typing: typing}) == nil {
		return nil
	}
	return c.request(ctx, http.MethodPost, conversation(id)+"/typing", api.Typing{Typing: typing}, nil)
}

// Welcomes is GET /v1/welcomes.
func (c *Client) Welcomes(ctx context.Context) ([]api.Welcome, error) {
	page, err := fetch[api.WelcomePage](ctx, c, http.MethodGet, "/v1/welcomes", nil)
	if err != nil {
		return nil, err
	}
	return page.Welcomes, nil
}

// DeleteWelcome is DELETE /v1/welcomes/{id}.
func (c *Client) DeleteWelcome(ctx context.Context, id string) error {
	return c.request(ctx, http.MethodDelete, "/v1/welcomes/"+url.PathEscape(id), nil, nil)
}

// GroupInfo is GET /v1/conversations/{id}/group-info.
func (c *Client) GroupInfo(ctx context.Context, id string) (*api.GroupInfo, error) {
	return fetch[api.GroupInfo](ctx, c, http.MethodGet, conversation(id)+"/group-info", nil)
}

// Work is GET /v1/work, for the keeper.
func (c *Client) Work(ctx context.Context) (*api.Work, error) {
	return fetch[api.Work](ctx, c, http.MethodGet, "/v1/work", nil)
}

// PutCertificate is PUT /v1/devices/{id}/certificate, for the keeper.
func (c *Client) PutCertificate(ctx context.Context, device string, put api.PutCertificate) (*api.Device, error) {
	return fetch[api.Device](ctx, c, http.MethodPut, "/v1/devices/"+url.PathEscape(device)+"/certificate", put)
}

// NoteRecordRead is POST /v1/record-reads, for the keeper.
func (c *Client) NoteRecordRead(ctx context.Context, r api.RecordRead) error {
	return c.request(ctx, http.MethodPost, "/v1/record-reads", r, nil)
}

// NewAttachment is POST /v1/conversations/{id}/attachments.
func (c *Client) NewAttachment(ctx context.Context, conversationID string, attachment api.NewAttachment) (*api.Attachment, error) {
	return fetch[api.Attachment](ctx, c, http.MethodPost, conversation(conversationID)+"/attachments", attachment)
}

func attachment(id string) string { return "/v1/attachments/" + url.PathEscape(id) }

// Upload is PATCH /v1/attachments/{id}: at most [api.MaxUploadChunkBytes]. It
// returns how much the hub has then.
func (c *Client) Upload(ctx context.Context, id string, offset int64, data []byte) (received int64, err error) {
	resp, err := c.do(ctx, http.MethodPatch, attachment(id), bytes.NewReader(data), func(h http.Header) {
		h.Set("Content-Type", "application/offset+octet-stream")
		h.Set("Upload-Offset", strconv.FormatInt(offset, 10))
		h.Set("Tus-Resumable", "1.0.0")
	})
	if err != nil {
		return 0, err
	}
	defer drain(resp)
	return strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
}

// AttachmentStatus is HEAD /v1/attachments/{id}.
func (c *Client) AttachmentStatus(ctx context.Context, id string) (*api.Attachment, error) {
	resp, err := c.do(ctx, http.MethodHead, attachment(id), nil, func(http.Header) {})
	if err != nil {
		return nil, err
	}
	defer drain(resp)
	a := &api.Attachment{ID: id}
	if a.Received, err = strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64); err != nil {
		return nil, fmt.Errorf("hubclient: Upload-Offset: %w", err)
	}
	if a.Size, err = strconv.ParseInt(resp.Header.Get("Upload-Length"), 10, 64); err != nil {
		return nil, fmt.Errorf("hubclient: Upload-Length: %w", err)
	}
	return a, nil
}

// Download is GET /v1/attachments/{id} of length bytes from offset. It returns
// fewer only at the end of the file.
func (c *Client) Download(ctx context.Context, id string, offset int64, length int) ([]byte, error) {
	if length <= 0 {
		return nil, nil
	}
	resp, err := c.do(ctx, http.MethodGet, attachment(id), nil, func(h http.Header) {
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+int64(length)-1))
	})
	if err != nil {
		return nil, err
	}
	defer drain(resp)
	if resp.StatusCode != http.StatusPartialContent && offset != 0 {
		return nil, errors.New("hubclient: the answer is not the range asked for")
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, int64(length)))
	if err != nil {
		return nil, fmt.Errorf("hubclient: download: %w", err)
	}
	return b, nil
}

// DropAttachment is DELETE /v1/attachments/{id}.
func (c *Client) DropAttachment(ctx context.Context, id string) error {
	return c.request(ctx, http.MethodDelete, attachment(id), nil, nil)
}

// ExportAudit is GET /v1/admin/audit/export: it writes events in a format to w
// as they come. An error means that w did not get them all.
func (c *Client) ExportAudit(ctx context.Context, format string, filter url.Values, w io.Writer) error {
	query := url.Values{"format": {format}}
	maps.Copy(query, filter)
	resp, err := c.do(ctx, http.MethodGet, "/v1/admin/audit/export?"+query.Encode(), nil, func(http.Header) {})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("hubclient: export: %w", err)
	}
	return nil
}

// AuditEvents is GET /v1/admin/audit/events.
func (c *Client) AuditEvents(ctx context.Context, filter url.Values) (api.AuditPage, error) {
	var page api.AuditPage
	return page, c.request(ctx, http.MethodGet, "/v1/admin/audit/events?"+filter.Encode(), nil, &page)
}

// Sightings is GET /v1/audit/sightings.
func (c *Client) Sightings(ctx context.Context, cursor string) (*api.Sightings, error) {
	return fetch[api.Sightings](ctx, c, http.MethodGet, "/v1/audit/sightings?"+url.Values{"cursor": {cursor}}.Encode(), nil)
}

// SightingsOf is GET /v1/admin/patients/{id}/sightings.
func (c *Client) SightingsOf(ctx context.Context, patient, cursor string) (*api.Sightings, error) {
	return fetch[api.Sightings](ctx, c, http.MethodGet, "/v1/admin/patients/"+url.PathEscape(patient)+"/sightings?"+url.Values{"cursor": {cursor}}.Encode(), nil)
}

// Disclosures is GET /v1/admin/patients/{id}/disclosures.
func (c *Client) Disclosures(ctx context.Context, patient string) (*api.Disclosures, error) {
	return fetch[api.Disclosures](ctx, c, http.MethodGet, "/v1/admin/patients/"+url.PathEscape(patient)+"/disclosures", nil)
}

// DisclosuresTable is GET /v1/admin/patients/{id}/disclosures/csv.
func (c *Client) DisclosuresTable(ctx context.Context, patient string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/admin/patients/"+url.PathEscape(patient)+"/disclosures/csv", nil, func(http.Header) {})
	if err != nil {
		return nil, err
	}
	defer drain(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("hubclient: table: %w", err)
	}
	return b, nil
}

// RecordDisclosure is POST /v1/admin/patients/{id}/disclosures.
func (c *Client) RecordDisclosure(ctx context.Context, patient string, r api.RecordDisclosure) (*api.Disclosure, error) {
	return fetch[api.Disclosure](ctx, c, http.MethodPost, "/v1/admin/patients/"+url.PathEscape(patient)+"/disclosures", r)
}

// StrikeDisclosure is POST /v1/admin/disclosures/{id}/strike.
func (c *Client) StrikeDisclosure(ctx context.Context, id, why string) (*api.Disclosure, error) {
	return fetch[api.Disclosure](ctx, c, http.MethodPost, "/v1/admin/disclosures/"+url.PathEscape(id)+"/strike", api.StrikeDisclosure{Why: why})
}

// AuditCheckpoint is GET /v1/audit/checkpoint.
func (c *Client) AuditCheckpoint(ctx context.Context) (*api.AuditCheckpoint, error) {
	return fetch[api.AuditCheckpoint](ctx, c, http.MethodGet, "/v1/audit/checkpoint", nil)
}

// AuditGrowth is GET /v1/audit/growth.
func (c *Client) AuditGrowth(ctx context.Context, earlier, later int64) (*api.AuditProof, error) {
	return fetch[api.AuditProof](ctx, c, http.MethodGet, fmt.Sprintf("/v1/audit/growth?earlier=%d&later=%d", earlier, later), nil)
}
