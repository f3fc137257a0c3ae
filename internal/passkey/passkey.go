// Package passkey checks what a passkey (a WebAuthn credential) has signed:
// the hub to sign staff in, and the keeper before it certifies their devices.
//
// Every challenge commits to what it is for: [Challenge]. So the signature that
// signs a person in vouches for nothing else, and one that vouches for a device
// vouches for that device's key alone, whoever carries it about. User
// verification (a fingerprint, a PIN) is always required: a passkey is two
// factors at once.
package passkey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/sotto-health/sotto/internal/vector"
)

// Limits of what authenticators send, bytes.
const (
	MaxID          = 1023 // WebAuthn, section 4: credential id
	MaxKey         = 1024
	MaxClientData  = 4096
	MaxAttestation = 16 << 10
)

// What a challenge is for.
const (
	PurposeSignIn    = "sign-in"   // the key is empty
	PurposeConfirm   = "confirm"   // a signed-in person shows that it is still they; the key is empty
	PurposeRegister  = "register"  // a new passkey; the key is empty
	PurposeIntroduce = "introduce" // the key is the new passkey's
	PurposeDevice    = "device"    // the key is the device's signature key
	// PurposeReturn is a patient's who comes back: the key is the device's, and
	// the person is not known yet. It is asked for in a clinic's page too.
	PurposeReturn = "return"
)

// ErrRefused is matched by every error of this package about what somebody
// sent. What is said beyond it is for logs, and holds nothing secret.
var ErrRefused = errors.New("passkey: refused")

// ErrCopied says that the signature counter went back: the passkey was copied,
// or the answer is an old one.
var ErrCopied = fmt.Errorf("%w: the signature counter went back", ErrRefused)

// A Challenge is what an authenticator is asked to sign.
type Challenge struct {
	Purpose  string
	Practice string // slug, as the page knows it before anybody is signed in
	Person   string // id; empty to sign in
	Nonce    string // of an api.Challenge
	Key      []byte
}

// Bytes returns the challenge as it goes to the browser: a hash, so that the
// keeper can make it again from what it certifies.
func (c Challenge) Bytes() []byte {
	b := vector.AppendString(nil, "sotto passkey v1")
	b = vector.AppendString(b, c.Purpose)
	b = vector.AppendString(b, c.Practice)
	b = vector.AppendString(b, c.Person)
	b = vector.AppendString(b, c.Nonce)
	b = vector.Append(b, c.Key)
	sum := sha256.Sum256(b)
	return sum[:]
}

func (c Challenge) text() string { return base64.RawURLEncoding.EncodeToString(c.Bytes()) }

// A Site is the web origins that a passkey is good for.
type Site struct {
	ID      string // the relying party's id: a host name
	Origins []string
	// Around are the origins of pages that may show one of the site in a frame,
	// for passkeys that are asked for there. None: a frame's are refused.
	Around []string
}

// SiteOf returns the site of the given origins. Its id is the first one's host;
// pages of other hosts could not use its passkeys.
func SiteOf(origins []string) (Site, error) {
	if len(origins) == 0 {
		return Site{}, errors.New("passkey: a site has an origin")
	}
	first, err := url.Parse(origins[0])
	if err != nil || first.Hostname() == "" {
		return Site{}, errors.New("passkey: not an origin")
	}
	return Site{ID: first.Hostname(), Origins: slices.Clone(origins)}, nil
}

// A Registration is a new passkey, as the browser answered.
type Registration struct {
	Credential  []byte // id
	ClientData  []byte
	Attestation []byte // object
}

// An Assertion is the signature of a passkey, as the browser answered.
type Assertion struct {
	Credential []byte `json:"credential"` // id
	ClientData []byte `json:"client_data"`
	Data       []byte `json:"data"` // the authenticator's
	Signature  []byte `json:"signature"`
	User       []byte `json:"user"` // handle
}

// A Credential is a passkey as it is kept.
type Credential struct {
	ID       []byte
	Key      []byte // COSE
	Counter  uint32
	BackedUp bool // it may be on several machines of its owner
}

// algorithms that a passkey may use: P-256, Ed25519 and, for Windows Hello on
// old hardware, RSA.
func algorithms() []protocol.CredentialParameter {
	var all []protocol.CredentialParameter
	for _, a := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256} {
		all = append(all, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: a})
	}
	return all
}

func refused(step string, err error) error { return fmt.Errorf("%w: %s: %w", ErrRefused, step, err) }

// Register checks a new passkey. No attestation is asked for: which make of
// authenticator people use is not ours to know.
func (s Site) Register(c Challenge, r Registration) (Credential, error) {
	if len(r.Credential) == 0 || len(r.Credential) > MaxID || len(r.ClientData) > MaxClientData || len(r.Attestation) > MaxAttestation {
		return Credential{}, refused("register", errors.New("too large"))
	}
	id := base64.RawURLEncoding.EncodeToString(r.Credential)
	answer := protocol.CredentialCreationResponse{
		PublicKeyCredential: protocol.PublicKeyCredential{Credential: protocol.Credential{ID: id, Type: "public-key"}, RawID: r.Credential},
		AttestationResponse: protocol.AuthenticatorAttestationResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: r.ClientData}, AttestationObject: r.Attestation,
		},
	}
	parsed, err := answer.Parse()
	if err != nil {
		return Credential{}, refused("parse registration", err)
	}
	if _, err := parsed.Verify(c.text(), s.ID, s.Origins, nil, s.Around, protocol.TopOriginExplicitVerificationMode, len(s.Around) > 0,
		true, true, nil, algorithms(), protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return Credential{}, refused("verify registration", err)
	}
	data := parsed.Response.AttestationObject.AuthData
	if len(data.AttData.CredentialPublicKey) > MaxKey {
		return Credential{}, refused("register", errors.New("too large"))
	}
	return Credential{
		ID: r.Credential, Key: data.AttData.CredentialPublicKey, Counter: data.Counter, BackedUp: data.Flags.HasBackupEligible(),
	}, nil
}

// Verify checks that the passkey known answered c on a page of the site, and
// returns its counter to keep.
func (s Site) Verify(c Challenge, a Assertion, known Credential) (counter uint32, err error) {
	if len(a.ClientData) > MaxClientData || subtle.ConstantTimeCompare(a.Credential, known.ID) != 1 {
		return 0, refused("verify", errors.New("another passkey"))
	}
	id := base64.RawURLEncoding.EncodeToString(a.Credential)
	answer := protocol.CredentialAssertionResponse{
		PublicKeyCredential: protocol.PublicKeyCredential{Credential: protocol.Credential{ID: id, Type: "public-key"}, RawID: a.Credential},
		AssertionResponse: protocol.AuthenticatorAssertionResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: a.ClientData},
			AuthenticatorData:     a.Data, Signature: a.Signature, UserHandle: a.User,
		},
	}
	parsed, err := answer.Parse()
	if err != nil {
		return 0, refused("parse assertion", err)
	}
	if err := parsed.Verify(c.text(), s.ID, "", s.Origins, nil, s.Around, protocol.TopOriginExplicitVerificationMode, len(s.Around) > 0,
		true, true, known.Key, protocol.SignaturePolicy{}); err != nil {
		return 0, refused("verify assertion", err)
	}
	counter = parsed.Response.AuthenticatorData.Counter
	if (counter != 0 || known.Counter != 0) && counter <= known.Counter {
		return 0, ErrCopied
	}
	return counter, nil
}

// VerifyKey checks that the passkey with the given public key answered c, its
// owner verified. It knows no site: a passkey never signs for another one than
// it was made for. The keeper, which has no web pages, checks by it.
func VerifyKey(c Challenge, a Assertion, key []byte) error {
	if len(a.ClientData) > MaxClientData || len(a.Data) > MaxClientData {
		return refused("verify", errors.New("too large"))
	}
	var client protocol.CollectedClientData
	if err := json.Unmarshal(a.ClientData, &client); err != nil {
		return refused("parse client data", err)
	}
	framed := client.CrossOrigin && c.Purpose != PurposeReturn
	if client.Type != protocol.AssertCeremony || framed || subtle.ConstantTimeCompare([]byte(client.Challenge), []byte(c.text())) != 1 {
		return refused("verify client data", errors.New("of something else"))
	}
	var data protocol.AuthenticatorData
	if err := data.Unmarshal(a.Data); err != nil {
		return refused("parse authenticator data", err)
	}
	if !data.Flags.HasUserPresent() || !data.Flags.HasUserVerified() {
		return refused("verify authenticator data", errors.New("nobody was verified"))
	}
	public, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return refused("parse key", err)
	}
	sum := sha256.Sum256(a.ClientData)
	good, err := webauthncose.VerifySignature(public, slices.Concat(a.Data, sum[:]), a.Signature)
	if err != nil || !good {
		return refused("verify signature", errors.New("not the passkey's"))
	}
	return nil
}
