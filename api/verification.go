package api

// A Verification is how far the practice knows who a patient is. A level
// belongs to the device that proved it; it lapses by the hub's clock.
type Verification struct {
	Level  string `json:"level" enum:"guest,contact,matched,signed-in" doc:"guest: nothing is known; contact: they read what is sent to an address or number; matched: they know what the practice has on file; signed-in: by a passkey or the practice's portal"`
	Method string `json:"method,omitempty" doc:"email-code, sms-code, invitation, facts, pin, in-person, phone, passkey or portal; more may come"`
	At     int64  `json:"at,omitempty" doc:"when it was proved"`
	Until  int64  `json:"until,omitempty" doc:"when it lapses"`
}

// OwnVerification is GET /v1/verification: the calling patient's device.
type OwnVerification struct {
	Verification Verification      `json:"verification"`
	Lapsed       bool              `json:"lapsed,omitempty" doc:"this device had shown more, and its time is over"`
	TriesSpent   bool              `json:"tries_spent,omitempty" doc:"wrong facts were given too often: staff can help"`
	AskedAt      int64             `json:"asked_at,omitempty" doc:"staff ask who the patient is, since then"`
	Steps        VerificationSteps `json:"steps"`
	Person       string            `json:"person" doc:"id, which a new passkey signs"`
	Passkeys     []PatientPasskey  `json:"passkeys" doc:"oldest first"`
	PortalWaits  int64             `json:"portal_waits,omitempty" doc:"this device signed in at the portal then, and staff have yet to say whose account it is"`
}

// A PatientPasskey is one with which a patient comes back.
type PatientPasskey struct {
	ID        string `json:"id"`
	Name      string `json:"name" doc:"as its owner knows it: my phone"`
	Synced    bool   `json:"synced,omitempty" doc:"on all of its owner's machines"`
	CreatedAt int64  `json:"created_at"`
	UsedAt    int64  `json:"used_at,omitempty" doc:"0 if never"`
}

// AddPatientPasskey adds a passkey of a patient whom the practice knows:
// POST /v1/verification/passkeys. Signature is the calling device's, as in
// [DeviceIntroduction].
type AddPatientPasskey struct {
	Passkey   PasskeyRegistration `json:"passkey"`
	Signature []byte              `json:"signature" maxLength:"256"`
}

// RemovePatientPasskey is POST /v1/verification/passkeys/remove.
type RemovePatientPasskey struct {
	ID string `json:"id" maxLength:"64"`
}

// UsePatientPasskey shows by a passkey who is at the calling device:
// POST /v1/verification/passkey. Its challenge is as in [ReturnPatient].
type UsePatientPasskey struct {
	Passkey PasskeyAssertion `json:"passkey"`
}

// VerificationSteps are what a patient can do to show who they are.
type VerificationSteps struct {
	Channels []string `json:"channels" doc:"how a code can be sent: email, sms"`
	Facts    []string `json:"facts" doc:"what can be given beside the date of birth: phone, email, postcode, record"`
	PIN      bool     `json:"pin" doc:"a PIN that the practice issued can be given"`
	Days     int      `json:"days" doc:"how long a proof holds"`
	Portal   string   `json:"portal,omitempty" doc:"name of the practice's portal, if they can sign in there"`
}

// PortalBegun is the answer to POST /v1/verification/portal. The browser goes to
// Address and comes back to /c/SLUG/portal with the parameters of [FinishPortal].
type PortalBegun struct {
	Address string `json:"address"`
	Attempt string `json:"attempt" doc:"sealed: of use to the calling device alone, once, for fifteen minutes"`
}

// FinishPortal hands over what the portal sent the browser back with:
// POST /v1/verification/portal/finish.
type FinishPortal struct {
	Attempt string `json:"attempt" maxLength:"4096"`
	State   string `json:"state" maxLength:"256"`
	Code    string `json:"code,omitempty" maxLength:"4096"`
	Issuer  string `json:"iss,omitempty" maxLength:"2048" doc:"RFC 9207"`
	Error   string `json:"error,omitempty" maxLength:"256"`
}

// LinkPortal says which record the account is that the patient signed in with:
// POST /v1/staff/conversations/{id}/verification/portal.
type LinkPortal struct {
	Number string `json:"number" minLength:"1" maxLength:"64" doc:"the practice's record number, exactly as on file"`
}

// SendContactCode has a one-time code sent to a contact that the patient
// names: POST /v1/verification/code. The answer is the same for any contact.
type SendContactCode struct {
	Channel  string `json:"channel" enum:"email,sms"`
	Contact  string `json:"contact" minLength:"3" maxLength:"254" doc:"an e-mail address, or a phone number with its country"`
	Language string `json:"language" maxLength:"35"`
}

// ContactCodeSent says what to do next. The code comes by the channel alone.
type ContactCodeSent struct {
	Attempt   string `json:"attempt"`
	Contact   string `json:"contact" doc:"masked"`
	ExpiresAt int64  `json:"expires_at"`
	ResendAt  int64  `json:"resend_at" doc:"when another may be asked for"`
}

// CheckContactCode is POST /v1/verification/code/check. A code is good for the
// device that asked for it, once, for ten minutes and five tries.
type CheckContactCode struct {
	Attempt string `json:"attempt" maxLength:"64"`
	Code    string `json:"code" maxLength:"64" doc:"six digits"`
}

// MatchByPIN is the kind of [MatchPatient] that gives a PIN.
const MatchByPIN = "pin"

// MatchPatient compares the date of birth and one more fact with what the
// practice has on file: POST /v1/verification/match. It never says what was
// wrong, nor whether there is such a person.
type MatchPatient struct {
	Name   string `json:"name,omitempty" maxLength:"200" doc:"tells two people of one birthday apart"`
	Born   string `json:"born" maxLength:"40" doc:"1984-03-09"`
	Kind   string `json:"kind" enum:"pin,phone,email,postcode,record"`
	Answer string `json:"answer" minLength:"1" maxLength:"200"`
}

// PatientVerification is GET /v1/staff/conversations/{id}/verification, for
// staff who take part in the conversation.
type PatientVerification struct {
	Verification Verification   `json:"verification"`
	Needed       string         `json:"needed" doc:"level that the queue asks for"`
	Proofs       []PatientProof `json:"proofs" doc:"of each of the patient's devices in the conversation, oldest first"`
	Record       *PatientRecord `json:"record,omitempty" doc:"what the patient was matched with"`
	Conflict     bool           `json:"conflict,omitempty" doc:"two devices were matched with two records"`
	Failures     int            `json:"failures,omitempty" doc:"wrong facts since the last right ones"`
	TriesSpent   bool           `json:"tries_spent,omitempty" doc:"the patient can try no more until staff let them"`
	AskedAt      int64          `json:"asked_at,omitempty" doc:"when staff last asked"`
	Passkeys     int            `json:"passkeys,omitempty" doc:"with which the patient can come back"`
	PortalWaits  int64          `json:"portal_waits,omitempty" doc:"the patient signed in at the portal then, and nobody has said whose account it is"`
	PortalLinked bool           `json:"portal_linked,omitempty" doc:"an account of the portal is linked with a record"`
}

// A PatientProof is one step of one device.
type PatientProof struct {
	Verification
	Device string `json:"device"`
	Lapsed bool   `json:"lapsed,omitempty"`
	Staff  string `json:"staff,omitempty" doc:"person who vouched"`
	Reason string `json:"reason,omitempty" doc:"what they checked, and why"`
}

// A PatientRecord is what names a patient to the practice.
type PatientRecord struct {
	Number string `json:"number" doc:"the practice's record number"`
	Name   string `json:"name" doc:"as on file"`
}

// ConfirmPatient says that a staff person has checked who the patient is:
// POST /v1/staff/conversations/{id}/verification/confirm.
type ConfirmPatient struct {
	Method      string   `json:"method" enum:"in-person,phone"`
	Identifiers []string `json:"identifiers" maxItems:"6" doc:"at least two different ones that were right, of name, date-of-birth, address, phone, record-number and photo"`
	Reason      string   `json:"reason" minLength:"10" maxLength:"300"`
	WrongRecord bool     `json:"wrong_record,omitempty" doc:"the record that the patient was matched with is somebody else's: what that match proved is forgotten on all of their devices"`
}
