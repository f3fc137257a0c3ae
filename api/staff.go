package api

// Where a passkey signs, its challenge is SHA-256 over six vectors of RFC
// 9420's encoding: "sotto passkey v1", the purpose, the practice's slug, the
// person's id (empty to sign in), the nonce of a [Challenge] and a key. The
// purposes are "sign-in", "confirm" and "register", with an empty key,
// "introduce", with the new passkey's public key, and "device", with the
// device's.

// A PasskeyAssertion is what navigator.credentials.get answered.
type PasskeyAssertion struct {
	Nonce             string `json:"nonce" maxLength:"256"`
	Credential        []byte `json:"credential" maxLength:"1364" doc:"rawId"`
	ClientData        []byte `json:"client_data" maxLength:"5464" doc:"clientDataJSON"`
	AuthenticatorData []byte `json:"authenticator_data" maxLength:"5464"`
	Signature         []byte `json:"signature" maxLength:"1364"`
	UserHandle        []byte `json:"user_handle,omitempty" maxLength:"128"`
}

// A PasskeyRegistration is what navigator.credentials.create answered. Its
// user handle is the person's id, and the passkey is discoverable.
type PasskeyRegistration struct {
	Nonce       string `json:"nonce" maxLength:"256"`
	Name        string `json:"name" maxLength:"64" doc:"as its owner knows it: my phone"`
	Credential  []byte `json:"credential" maxLength:"1364" doc:"rawId"`
	ClientData  []byte `json:"client_data" maxLength:"5464" doc:"clientDataJSON"`
	Attestation []byte `json:"attestation" maxLength:"21848" doc:"attestationObject"`
}

// InspectSetUp asks whom a set-up link is for: POST /v1/staff/set-up/inspect.
// The token is the link's fragment, which browsers do not send.
type InspectSetUp struct {
	Token string `json:"token" maxLength:"128"`
}

// An Invitation says whom a set-up link is for, and offers the secret of an
// authenticator app.
type Invitation struct {
	Practice string         `json:"practice" doc:"slug"`
	Person   Person         `json:"person"`
	Login    string         `json:"login"`
	Password PasswordPolicy `json:"password"`
	App      AppOffer       `json:"app"`
}

// A PasswordPolicy is what the practice asks of passwords.
type PasswordPolicy struct {
	MinLength  int `json:"min_length"`
	Classes    int `json:"classes" doc:"of lower case, upper case, digits and others, how many must be there"`
	ExpiryDays int `json:"expiry_days" doc:"0: never"`
}

// An AppOffer is a new secret for an authenticator app (RFC 6238). It is
// taken by sending Offer back with a code that the app shows.
type AppOffer struct {
	Offer   string `json:"offer" doc:"opaque, good for half an hour"`
	Secret  string `json:"secret" doc:"base32, to be typed"`
	Address string `json:"address" doc:"otpauth, for a QR code"`
}

// TakeApp takes an [AppOffer].
type TakeApp struct {
	Offer string `json:"offer" maxLength:"512"`
	Code  string `json:"code" maxLength:"32"`
	Name  string `json:"name,omitempty" maxLength:"64" doc:"as its owner knows it"`
}

// SetUp uses a set-up link: POST /v1/staff/set-up. It holds a passkey, or a
// password with an authenticator app; nothing less signs anybody in. What the
// person signed in with before is gone.
type SetUp struct {
	Token    string               `json:"token" maxLength:"128"`
	Passkey  *PasskeyRegistration `json:"passkey,omitempty"`
	Password string               `json:"password,omitempty" maxLength:"1024"`
	App      *TakeApp             `json:"app,omitempty"`
}

// SetUpDone is the new session, and the recovery codes: they are shown once.
type SetUpDone struct {
	Session       StaffSession `json:"session"`
	RecoveryCodes []string     `json:"recovery_codes"`
}

// CheckPassword asks how good a password would be, for who has a set-up link
// or is signed in: POST /v1/staff/password-strength. Nothing is kept.
type CheckPassword struct {
	Token    string `json:"token,omitempty" maxLength:"128"`
	Password string `json:"password" maxLength:"1024"`
}

// PasswordStrength is what there is to say about a password.
type PasswordStrength struct {
	Bits  int    `json:"bits" doc:"of guessing that it takes; 30 is the least"`
	Fault string `json:"fault,omitempty" enum:"short,long,common,context,classes" doc:"why it is refused"`
}

// An Authentication is two factors: a passkey, or a password and a code. Both
// of the latter go in one call, and no answer says which was wrong.
type Authentication struct {
	Password string            `json:"password,omitempty" maxLength:"1024"`
	Code     string            `json:"code,omitempty" maxLength:"32" doc:"of the authenticator app, or a recovery code"`
	Passkey  *PasskeyAssertion `json:"passkey,omitempty"`
}

// SignIn opens a staff session and sets its cookie: POST /v1/staff/sign-in.
type SignIn struct {
	Practice string `json:"practice" maxLength:"64" doc:"slug"`
	Login    string `json:"login,omitempty" maxLength:"128" doc:"not needed with a passkey"`
	Authentication
}

// A StaffSession is the signed-in staff person: also GET /v1/staff/session.
type StaffSession struct {
	ID        string `json:"id" doc:"of the session"`
	Practice  string `json:"practice" doc:"slug"`
	Person    Person `json:"person"`
	Login     string `json:"login"`
	ExpiresAt int64  `json:"expires_at" doc:"the end of it, whatever is done"`
	// IdleSeconds is after how long without POST /v1/staff/active the session
	// locks, and IdleAt when that will be.
	IdleSeconds int   `json:"idle_seconds"`
	IdleAt      int64 `json:"idle_at"`
	Locked      bool  `json:"locked" doc:"POST /v1/staff/unlock opens it again"`
	// PasswordExpired asks for a new password before anything else.
	PasswordExpired bool `json:"password_expired"`
	// HasPasskey says that a new device needs a voucher, and that the page
	// can ask for a passkey rather than for a password.
	HasPasskey bool `json:"has_passkey"`
	// SSO names the practice's OpenID provider if the person has an account
	// there, and so can unlock and step up by it.
	SSO string `json:"sso,omitempty"`
	// NewDevices is how many devices were certified for the person after this one
	// that it has not shown yet: POST /v1/staff/devices/seen.
	NewDevices int `json:"new_devices"`
	// NewSignIns is how many sign-ins from unknown browsers, and how many wrong
	// codes after the right password, the person has not said yet that they
	// know: POST /v1/staff/sign-ins/seen. That of this session is not counted.
	NewSignIns int `json:"new_sign_ins"`
	// Emergencies is how many emergency accesses the person has been told of and
	// nobody has reviewed: GET /v1/admin/emergencies.
	Emergencies int `json:"emergencies"`
	// Alerts is how many things in the audit log the person may look at and nobody
	// has: GET /v1/admin/alerts.
	Alerts int `json:"alerts"`
	// StatedGrants are the standing grants of the last seven days of which somebody
	// else said that the person agreed. One that they did not agree to they end:
	// POST /v1/staff/relations/{id}/end.
	StatedGrants []StatedGrant `json:"stated_grants"`
	// Reviews is how many wait for the person: others' access to be confirmed,
	// and periods of the log to be signed off.
	Reviews int `json:"reviews"`
	// Approvals is how many requests wait for an answer that the person may
	// give: GET /v1/admin/requests.
	Approvals int `json:"approvals"`
	// May are the actions of policy that the person may do somewhere in the
	// practice, by which a page knows what to offer. Each call asks again.
	May []string `json:"may"`
}

// A Factor is one thing that a person signs in with.
type Factor struct {
	ID        string `json:"id"`
	Kind      string `json:"kind" enum:"passkey,app,password"`
	Name      string `json:"name"`
	Synced    bool   `json:"synced" doc:"a passkey that is on all of its owner's machines"`
	CreatedAt int64  `json:"created_at"`
	UsedAt    int64  `json:"used_at,omitempty"`
}

// Factors are all of the caller's: GET /v1/staff/factors.
type Factors struct {
	Factors       []Factor       `json:"factors"`
	RecoveryCodes int            `json:"recovery_codes" doc:"that are left"`
	Password      PasswordPolicy `json:"password"`
	// Identity is there if the practice has an OpenID provider.
	Identity *LinkedIdentity `json:"identity,omitempty"`
}

// AddPasskey adds a passkey: POST /v1/staff/factors/passkeys. Introduction is
// signed by one that the person has, if there is one: by it the keeper learns
// of the new one.
type AddPasskey struct {
	Passkey      PasskeyRegistration `json:"passkey"`
	Introduction *PasskeyAssertion   `json:"introduction,omitempty"`
}

// RenameFactor is PATCH /v1/staff/factors/{id}.
type RenameFactor struct {
	Name string `json:"name" minLength:"1" maxLength:"64"`
}

// SetPassword is PUT /v1/staff/password.
type SetPassword struct {
	Password string `json:"password" maxLength:"1024"`
}

// RecoveryCodes are new ones in place of all others:
// POST /v1/staff/recovery-codes. They are shown once.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}

// A SessionInfo is one of the caller's sessions: GET /v1/staff/sessions.
type SessionInfo struct {
	ID        string `json:"id"`
	Current   bool   `json:"current"`
	Method    string `json:"method" doc:"passkey, app, recovery-code, set-up or sso"`
	Browser   string `json:"browser" doc:"as it names itself"`
	Address   string `json:"address"`
	CreatedAt int64  `json:"created_at"`
	UsedAt    int64  `json:"used_at"`
	ExpiresAt int64  `json:"expires_at"`
	Locked    bool   `json:"locked"`
}

// OwnDevices is what speaks for the caller: GET /v1/devices.
type OwnDevices struct {
	Devices []DeviceInfo `json:"devices" doc:"oldest first, also those that speak no more"`
	New     int          `json:"new" doc:"certified after the calling device, which has not said yet that it showed them: POST /v1/devices/seen"`
}

// A DeviceInfo is one of the caller's devices: GET /v1/staff/devices and, as
// part of [OwnDevices], GET /v1/devices.
type DeviceInfo struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Current   bool   `json:"current" doc:"that of this session"`
	CreatedAt int64  `json:"created_at"`
	Certified bool   `json:"certified"`
	// NeedsVoucher says that the keeper waits for a passkey to vouch for it.
	NeedsVoucher bool  `json:"needs_voucher"`
	RevokedAt    int64 `json:"revoked_at,omitempty"`
	CertifiedAt  int64 `json:"certified_at,omitempty"`
	ExpiresAt    int64 `json:"expires_at,omitempty" doc:"when its certificate ends"`
	// Key is what the log's entry of its certificate has to name.
	Key string `json:"key,omitempty" doc:"once it is certified: the SHA-256 of its public key, base64url without padding"`
}

// A SignInRecord is one entry of the history: GET /v1/staff/sign-ins.
type SignInRecord struct {
	ID      string `json:"id"`
	At      int64  `json:"at"`
	Method  string `json:"method" doc:"passkey, app, recovery-code, set-up or sso"`
	Outcome string `json:"outcome" enum:"signed-in,code-refused" doc:"code-refused: the password was right and the code was not"`
	Browser string `json:"browser"`
	Address string `json:"address"`
	New     bool   `json:"new" doc:"from a browser that was not known"`
	Seen    bool   `json:"seen" doc:"it needs no look, or the person said that they know it; that of the calling session needs none"`
	Session string `json:"session,omitempty" doc:"what was opened by it, which may be over"`
}

// A Voucher is a passkey's signature for a device's key, which the keeper
// checks before it certifies the device: POST /v1/staff/devices/{id}/voucher.
type Voucher struct {
	Passkey PasskeyAssertion `json:"passkey"`
}

// A KnownPasskey is a passkey of the person whose device waits, as the hub
// tells the keeper. The keeper believes the first; each later one must be
// introduced by one that it knows.
type KnownPasskey struct {
	Credential   []byte            `json:"credential"`
	Key          []byte            `json:"key" doc:"COSE"`
	Introduction *PasskeyAssertion `json:"introduction,omitempty"`
	// Device is set for a patient's passkey, which a device of theirs introduced.
	Device *DeviceIntroduction `json:"device,omitempty"`
}

// A DeviceIntroduction is how a patient's certified device vouches for a new
// passkey. Signature is made as that of a [DeviceProof], over "sotto passkey
// introduction v1", the practice's id, the person's, and the passkey's COSE
// key, each a vector of RFC 9420's encoding.
type DeviceIntroduction struct {
	Certificate []byte `json:"certificate"`
	Signature   []byte `json:"signature"`
}
