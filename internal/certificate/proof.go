package certificate

import (
	"errors"

	"github.com/sotto-health/sotto/internal/vector"
	"github.com/sotto-health/sotto/mls/suite"
)

// Purposes of a [Proof].
const (
	PurposeRegister = "register" // the subject is the practice's id
	PurposeSession  = "session"  // the subject is the device's id
)

// ErrProof says that a proof of possession does not hold.
var ErrProof = errors.New("certificate: bad proof of possession")

// A Proof is what a device signs to show that it holds its signature key: an
// api.DeviceProof.
type Proof struct {
	Purpose   string
	Subject   string
	PublicKey []byte // P-256, SEC 1 uncompressed
	Nonce     string // of an api.Challenge
}

// Signed returns the bytes that the device signs.
func (p Proof) Signed() []byte {
	b := vector.AppendString(nil, "sotto device proof v1")
	b = vector.AppendString(b, p.Purpose)
	b = vector.AppendString(b, p.Subject)
	b = vector.Append(b, p.PublicKey)
	return vector.AppendString(b, p.Nonce)
}

// Verify checks the device's signature of p.
func (p Proof) Verify(signature []byte) error {
	if !VerifySignature(p.PublicKey, p.Signed(), signature) {
		return ErrProof
	}
	return nil
}

// VerifySignature reports whether signature (ECDSA P-256 with SHA-256, ASN.1)
// of message was made by the key whose public half is given. Either value of s
// is good: a device's own signatures identify nothing.
func VerifySignature(public, message, signature []byte) bool {
	s, err := suite.Lookup(suite.P256AES128) // for its signatures alone
	return err == nil && s.Verify(public, message, signature) == nil
}
