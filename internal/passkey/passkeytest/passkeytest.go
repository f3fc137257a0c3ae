// Package passkeytest is an authenticator and the browser around it, for tests
// of what passkeys sign. It keeps no rule that [passkey] checks: tests tell it
// to break them.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"

	"github.com/fxamacker/cbor/v2"

	"github.com/sotto-health/sotto/internal/passkey"
)

// An Authenticator holds one passkey.
type Authenticator struct {
	ID      []byte
	User    []byte // handle
	Counter uint32 // goes up with each signature, if it is not 0

	// What tests change to be refused.
	Origin     string // the page's
	RelyingID  string
	Unverified bool // the person was not asked for a finger or a PIN
	CrossSite  bool
	Around     string // origin of the page around a frame

	key *ecdsa.PrivateKey
}

// New returns an authenticator at a page of the origin, whose host is id.
func New(id, origin string) *Authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	credential := make([]byte, 32)
	_, _ = rand.Read(credential)
	return &Authenticator{ID: credential, Origin: origin, RelyingID: id, key: key}
}

// Key returns the public key as COSE.
func (a *Authenticator) Key() []byte {
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return encode(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
}

func encode(v any) []byte {
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (a *Authenticator) clientData(kind string, c passkey.Challenge) []byte {
	client := map[string]any{
		"type": kind, "challenge": base64.RawURLEncoding.EncodeToString(c.Bytes()), "origin": a.Origin, "crossOrigin": a.CrossSite,
	}
	if a.Around != "" {
		client["topOrigin"] = a.Around
	}
	b, err := json.Marshal(client)
	if err != nil {
		panic(err)
	}
	return b
}

// Flags of authenticator data (WebAuthn, section 6.1).
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

func (a *Authenticator) data(flags byte) []byte {
	hash := sha256.Sum256([]byte(a.RelyingID))
	if !a.Unverified {
		flags |= verified
	}
	b := append(hash[:], flags|present)
	return binary.BigEndian.AppendUint32(b, a.Counter)
}

// Create answers navigator.credentials.create for the user handle.
func (a *Authenticator) Create(c passkey.Challenge, user string) passkey.Registration {
	a.User = []byte(user)
	data := a.data(attested)
	data = append(data, make([]byte, 16)...) // AAGUID: not told
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), a.Key()...)
	return passkey.Registration{
		Credential: a.ID, ClientData: a.clientData("webauthn.create", c),
		Attestation: encode(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}),
	}
}

// Get answers navigator.credentials.get.
func (a *Authenticator) Get(c passkey.Challenge) passkey.Assertion {
	if a.Counter != 0 {
		a.Counter++
	}
	client, data := a.clientData("webauthn.get", c), a.data(0)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		panic(err)
	}
	return passkey.Assertion{Credential: a.ID, ClientData: client, Data: data, Signature: signature, User: a.User}
}
