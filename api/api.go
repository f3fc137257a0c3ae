// Package api defines Sotto's HTTP API, version 1: the bodies of its requests
// and replies, the events of its push connection, and its error codes. The
// OpenAPI document, its documentation page and the TypeScript types are made
// from these Go types; the Go client uses them as they are.
//
// It holds no behaviour (but that a Problem is an error) and knows nothing of storage or HTTP servers.
//
// Ids are opaque strings of at most 64 characters. Times are Unix
// milliseconds by the hub's clock. Byte strings travel as standard base64.
package api

// Limits that the hub enforces on every call. A body past them is refused
// with [CodeTooLarge].
const (
	MaxFrameBytes         = 256 << 10 // one MLS message; 349,528 characters of base64
	MaxWelcomeBytes       = 1 << 20   // one Welcome or GroupInfo; 1,398,104 characters
	MaxKeyPackageBytes    = 16 << 10
	MaxKeyPackagesPerCall = 100
	MaxAttachmentBytes    = 26 << 20 // sealed size of a 25 MB attachment
	MaxUploadChunkBytes   = 1 << 20
	MaxFramesPerPage      = 200
	MaxConversationsPage  = 100
)

// Bounds of what is said on the push connection. A field past them, as one past
// those that stand in its tag, is refused with [CodeMalformed].
const (
	MaxID           = 64        // characters
	MaxSessionToken = 256       // characters
	MaxNumber       = 1<<53 - 1 // positions and calls: the last that every reader of JSON keeps whole (RFC 7493)
)

// A Code names a reason for refusal. Codes are stable: clients decide by them
// and never by an error's text.
type Code string

// The codes. Each is the last segment of the problem's type URI (RFC 9457).
const (
	CodeMalformed        Code = "malformed"         // 400, 422
	CodeUnauthenticated  Code = "unauthenticated"   // 401: sign in again
	CodeLocked           Code = "locked"            // 401: the session is locked, unlock it
	CodeForbidden        Code = "forbidden"         // 403
	CodeNoReason         Code = "reason-needed"     // 403: say why, then repeat
	CodeStepUp           Code = "step-up-needed"    // 403: show both factors again, then repeat
	CodePasswordExpired  Code = "password-expired"  // 403: choose another first
	CodeNetwork          Code = "network"           // 403: not from this network
	CodeSSOOnly          Code = "sso-only"          // 403: sign in at the practice's provider
	CodeSSORefused       Code = "sso-refused"       // 403: the provider's answer is not good; the hint says why
	CodeSecondFactor     Code = "second-factor"     // 403: the provider does not say that two factors were shown
	CodeNotLinked        Code = "not-linked"        // 403: the account at the provider is nobody's here
	CodeNoRole           Code = "no-role"           // 403: no group of the person's gives a role
	CodeProvider         Code = "provider-away"     // 503: the practice's provider cannot be reached
	CodeWeakPassword     Code = "weak-password"     // 422: the hint is PasswordStrength.Fault
	CodeLastFactor       Code = "last-factor"       // 409: nothing would be left to sign in with
	CodeNotMatched       Code = "not-matched"       // 403: what was given is wrong; never what of it
	CodeContactFirst     Code = "contact-first"     // 403: facts count once a contact is proved
	CodeTriesSpent       Code = "tries-spent"       // 403: too many wrong tries, staff can help
	CodeCodeSpent        Code = "code-spent"        // 409: used, too old or tried too often: have a new one sent
	CodeOtherPatient     Code = "other-patient"     // 409: a passkey, or what was given, is of another patient than this device
	CodeUncertified      Code = "uncertified"       // 409: the keeper has not certified this device yet
	CodeNotAMember       Code = "not-a-member"      // 403: this device is not in the group
	CodeConsentMissing   Code = "consent-missing"   // 403
	CodeConsentWithdrawn Code = "consent-withdrawn" // 403
	CodeConsentDue       Code = "consent-due"       // 403: the patient must agree to what has changed first
	CodeExportRuns       Code = "export-runs"       // 409: one export of the log at a time
	CodeKeyReused        Code = "key-reused"        // 422: the Idempotency-Key stands for another body
	CodeKeyInUse         Code = "key-in-use"        // 409: a request with this Idempotency-Key is under way
	CodeMadeAlready      Code = "made-already"      // 409: by a request with this Idempotency-Key; see the hint
	CodeFormState        Code = "form-state"        // 409: not in this state of the form
	CodeFormUnfinished   Code = "form-unfinished"   // 422: see the hint
	CodeClosed           Code = "closed"            // 409: the conversation is closed
	CodeNotFound         Code = "not-found"         // 404, also for what the caller may not know of
	CodeStaleEpoch       Code = "stale-epoch"       // 409: see Problem.Epoch
	CodeTaken            Code = "taken"             // 409: somebody else took it first, see Problem.Person
	CodeConflict         Code = "conflict"          // 409: the id is used for something else
	CodeInvalidHandshake Code = "invalid-handshake" // 422: would break the group or policy
	CodeNoKeyPackage     Code = "no-key-package"    // 409: the device has none left
	CodeTooLarge         Code = "too-large"         // 413
	CodeOffset           Code = "offset-mismatch"   // 409: see Upload-Offset
	CodeRateLimited      Code = "rate-limited"      // 429: see Retry-After
	CodeFull             Code = "storage-full"      // 507: nothing was stored
	CodeUnavailable      Code = "unavailable"       // 503
	CodeInternal         Code = "internal"          // 500
)

// A Problem is the body of every refusal (RFC 9457, application/problem+json).
// It never quotes what the caller sent.
type Problem struct {
	Type      string `json:"type" doc:"URI that ends in the code"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      Code   `json:"code" enum:"malformed,unauthenticated,locked,forbidden,reason-needed,step-up-needed,password-expired,network,sso-only,sso-refused,second-factor,not-linked,no-role,provider-away,weak-password,last-factor,not-matched,contact-first,tries-spent,code-spent,other-patient,uncertified,not-a-member,consent-missing,consent-withdrawn,consent-due,export-runs,key-reused,key-in-use,made-already,form-state,form-unfinished,closed,not-found,stale-epoch,taken,conflict,invalid-handshake,no-key-package,too-large,offset-mismatch,rate-limited,storage-full,unavailable,internal"`
	Hint      string `json:"hint,omitempty" doc:"what to do about it"`
	RequestID string `json:"request_id"`
	Epoch     uint64 `json:"epoch,omitempty" doc:"with stale-epoch: the group's epoch"`
	Head      uint64 `json:"head,omitempty" doc:"with stale-epoch: the newest position"`
	Person    string `json:"person,omitempty" doc:"with taken: who took it"`
	Name      string `json:"name,omitempty" doc:"with taken: the staff person's name"`
	// RetryAfter is the header of that name, in seconds, as clients see it.
	RetryAfter int `json:"-"`
}

// Error makes a Problem what clients of the API return as their error, to be
// found with errors.As.
func (p *Problem) Error() string { return "hub: " + string(p.Code) }

// Kinds of person.
const (
	KindPatient = "patient"
	KindStaff   = "staff"
	KindService = "service" // the keeper
)

// States of a conversation.
const (
	StateWaiting = "waiting" // no staff person has taken it
	StateOpen    = "open"
	StateClosed  = "closed"
)

// Kinds of frame.
const (
	FrameApplication = "application" // MLS PrivateMessage
	FrameCommit      = "commit"      // MLS PublicMessage
	FrameProposal    = "proposal"    // MLS PublicMessage
)
