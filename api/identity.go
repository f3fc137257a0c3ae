package api

// A Challenge proves freshness: POST /v1/challenges. It is used once and
// lasts five minutes.
type Challenge struct {
	Nonce     string `json:"nonce"`
	ExpiresAt int64  `json:"expires_at"`
}

// A DeviceProof shows possession of a device's signature key. Signature is
// ECDSA P-256 (ASN.1, SHA-256) over the bytes that device proofs are defined
// on: "sotto device proof v1", the purpose ("register" or "session"), the
// practice or device id, the public key and the nonce, each a vector of
// RFC 9420's encoding.
type DeviceProof struct {
	Nonce     string `json:"nonce" maxLength:"256"`
	Signature []byte `json:"signature" maxLength:"256"`
}

// NewGuest makes a patient known by nothing but this device's key:
// POST /v1/guests. The proof's purpose is "register", its subject the
// practice's id.
type NewGuest struct {
	Practice  string      `json:"practice" maxLength:"64" doc:"slug"`
	PublicKey []byte      `json:"public_key" maxLength:"133" doc:"P-256, SEC 1 uncompressed"`
	Name      string      `json:"name,omitempty" maxLength:"64" doc:"as its owner knows it: Chrome on Android"`
	Proof     DeviceProof `json:"proof"`
}

// ReturnPatient makes this device one of the patient whose passkey signed for
// its key: POST /v1/patients/return. The proof is as in [NewGuest]. The
// passkey's challenge is of the purpose "return", without a person, and its key
// is the device's; the keeper checks it again before it certifies the device.
type ReturnPatient struct {
	Practice  string           `json:"practice" maxLength:"64" doc:"slug"`
	PublicKey []byte           `json:"public_key" maxLength:"133" doc:"P-256, SEC 1 uncompressed"`
	Name      string           `json:"name,omitempty" maxLength:"64" doc:"as its owner knows it: Chrome on Android"`
	Proof     DeviceProof      `json:"proof"`
	Passkey   PasskeyAssertion `json:"passkey"`
}

// NewStaffDevice adds a browser of the signed-in staff person:
// POST /v1/staff/devices, with the staff cookie. The proof is as in [NewGuest].
type NewStaffDevice struct {
	PublicKey []byte      `json:"public_key" maxLength:"133"`
	Name      string      `json:"name" maxLength:"64" doc:"as its owner knows it: Chrome on Windows"`
	Proof     DeviceProof `json:"proof"`
}

// A Device is one browser, app or process of a person.
type Device struct {
	ID          string `json:"id"`
	Practice    string `json:"practice"`
	Person      string `json:"person"`
	Kind        string `json:"kind" enum:"patient,staff,service"`
	Role        string `json:"role" doc:"patient, nurse, physician, front-desk, keeper ..."`
	Certificate []byte `json:"certificate,omitempty" doc:"empty until the keeper has certified the device"`
	NameCard    []byte `json:"name_card,omitempty" doc:"staff and services: name and title, signed by the authority"`
	CreatedAt   int64  `json:"created_at"`
	RevokedAt   int64  `json:"revoked_at,omitempty"`
}

// OpenDeviceSession trades a proof (purpose "session", subject the device id)
// for a bearer token: POST /v1/device-sessions. A staff device also needs the
// staff cookie; its token ends with the cookie's session.
type OpenDeviceSession struct {
	Device string      `json:"device" maxLength:"64"`
	Proof  DeviceProof `json:"proof"`
}

// A DeviceSession authorises the calls of one device.
type DeviceSession struct {
	Token     string `json:"token" doc:"send as Authorization: Bearer; never in a URL"`
	ExpiresAt int64  `json:"expires_at"`
	Device    Device `json:"device"`
}

// A Person of the practice, as staff and services may see one. A patient's
// name is not here: it is known only inside the conversation.
type Person struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Role   string `json:"role"`
	Name   string `json:"name,omitempty" doc:"staff and services only"`
	Online bool   `json:"online"`
}

// A CertificateRequest is a device that waits for the keeper:
// GET /v1/certificate-requests, for the keeper.
type CertificateRequest struct {
	Device    Device      `json:"device"`
	PublicKey []byte      `json:"public_key"`
	Proof     DeviceProof `json:"proof" doc:"the registration's"`
	Name      string      `json:"name,omitempty" doc:"staff and services only"`
	Title     string      `json:"title,omitempty"`
	// Passkeys are all of the person's, oldest first, and Voucher is what one of
	// them signed for this device. A patient's first device has none.
	Passkeys []KnownPasskey    `json:"passkeys,omitempty"`
	Voucher  *PasskeyAssertion `json:"voucher,omitempty"`
}

// PutCertificate certifies a device: PUT /v1/devices/{id}/certificate, for the
// keeper. The hub checks it against the practice's authority key.
type PutCertificate struct {
	Certificate []byte `json:"certificate" maxLength:"4096"`
	NameCard    []byte `json:"name_card,omitempty" maxLength:"4096"`
	Readmitted  bool   `json:"readmitted,omitempty" doc:"a staff person's: the keeper was told to forget every passkey that it knew of them, and this is the first device since"`
}

// PublishKeyPackages adds key packages of the calling device:
// POST /v1/key-packages. Each is used once, but for the last resort.
type PublishKeyPackages struct {
	Packages   [][]byte `json:"packages,omitempty" maxItems:"100"`
	LastResort []byte   `json:"last_resort,omitempty" maxLength:"32768" doc:"replaces the device's former one"`
}

// KeyPackageCount is how many unused key packages the calling device has left:
// GET /v1/key-packages.
type KeyPackageCount struct {
	Unused        int  `json:"unused"`
	HasLastResort bool `json:"has_last_resort"`
}

// ClaimKeyPackages takes one key package for each device of a person:
// POST /v1/key-packages/claim. A patient may claim the keeper's alone, by the
// word "keeper"; the keeper those of persons it must admit.
type ClaimKeyPackages struct {
	Person  string   `json:"person" maxLength:"64"`
	Devices []string `json:"devices,omitempty" maxItems:"32" doc:"only these"`
}

// A ClaimedKeyPackage is one device's.
type ClaimedKeyPackage struct {
	Device     string `json:"device"`
	Person     string `json:"person"`
	Package    []byte `json:"package"`
	LastResort bool   `json:"last_resort"`
}
