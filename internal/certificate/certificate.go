// Package certificate holds what a practice's authority says about a device:
// its certificate, which the device's MLS credential carries, and its owner's
// name card, which the device shows inside conversations only.
//
// This package verifies. The private key that signs is used by package
// authority below, in the keeper; the hub links this package to check what it
// stores and hands on, and clients check everything again themselves.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/vector"
	"github.com/sotto-health/sotto/mls/suite"
)

// Limits of the fields, bytes.
const (
	MaxBytes     = 4096 // a certificate or a name card, as api.PutCertificate bounds them
	maxID        = 64
	maxName      = 256
	maxKey       = 133
	maxSignature = 144
)

// Skew is by how much a device's clock may be wrong before a certificate that
// has just been issued, or is about to lapse, is refused.
const Skew = 24 * time.Hour

// Errors that [Verify] and [VerifyCard] match.
var (
	ErrMalformed = errors.New("certificate: malformed")
	ErrForged    = errors.New("certificate: not signed by the practice's authority")
	ErrPractice  = errors.New("certificate: of another practice")
	ErrLapsed    = errors.New("certificate: outside its time")
	ErrKey       = errors.New("certificate: for another key")
)

const (
	certificateLabel = "sotto device certificate v1"
	cardLabel        = "sotto name card v1"
)

// Kinds of person, as in package api.
const (
	KindPatient = "patient"
	KindStaff   = "staff"
	KindService = "service"
)

// RoleKeeper is the role of the practice's own member, which alone may admit
// and remove.
const RoleKeeper = "keeper"

// A Certificate ties a device's signature key to a person of a practice. It
// names nobody: the hub sees it.
type Certificate struct {
	Practice  string
	Person    string
	Device    string
	Kind      string
	Role      string
	PublicKey []byte // P-256, SEC 1 uncompressed
	NotBefore int64  // Unix seconds
	NotAfter  int64  // Unix seconds
	Serial    string
	Signature []byte // ECDSA P-256 with SHA-256, ASN.1, low s
}

// Keeper reports whether c is a keeper's.
func (c *Certificate) Keeper() bool { return c.Kind == KindService && c.Role == RoleKeeper }

// KeyHash is how the audit log names a device's public key (SEC 1,
// uncompressed): SHA-256, base64url without padding, 43 characters. What is in
// a group's tree can be compared with it.
func KeyHash(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Signed returns the bytes that the authority signs.
func (c *Certificate) Signed() []byte {
	return c.body(vector.AppendString(nil, certificateLabel))
}

// Marshal returns c's encoding.
func (c *Certificate) Marshal() []byte {
	return vector.Append(c.body(nil), c.Signature)
}

func (c *Certificate) body(b []byte) []byte {
	b = append(b, 1) // version
	b = vector.AppendString(b, c.Practice)
	b = vector.AppendString(b, c.Person)
	b = vector.AppendString(b, c.Device)
	b = vector.AppendString(b, c.Kind)
	b = vector.AppendString(b, c.Role)
	b = vector.Append(b, c.PublicKey)
	b = vector.AppendInt(b, c.NotBefore)
	b = vector.AppendInt(b, c.NotAfter)
	return vector.AppendString(b, c.Serial)
}

// Parse reads a certificate without checking its signature. Its errors match
// [ErrMalformed].
func Parse(b []byte) (*Certificate, error) {
	r := vector.NewReader(b)
	version := r.Uint8()
	c := &Certificate{
		Practice: r.String(maxID), Person: r.String(maxID), Device: r.String(maxID),
		Kind: r.String(maxID), Role: r.String(maxID), PublicKey: r.Vector(maxKey),
		NotBefore: r.Int(), NotAfter: r.Int(), Serial: r.String(maxID), Signature: r.Vector(maxSignature),
	}
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if version != 1 {
		return nil, fmt.Errorf("%w: version %d", ErrMalformed, version)
	}
	switch c.Kind {
	case KindPatient, KindStaff, KindService:
	default:
		return nil, fmt.Errorf("%w: unknown kind", ErrMalformed)
	}
	if c.Practice == "" || c.Person == "" || c.Device == "" || c.Role == "" || c.NotBefore > c.NotAfter {
		return nil, fmt.Errorf("%w: empty or impossible field", ErrMalformed)
	}
	return c, nil
}

// A Verifier checks against one practice's authority.
type Verifier struct {
	practice  string
	authority []byte // public key
}

// NewVerifier returns a Verifier for the practice with the given id and
// authority key (P-256, SEC 1 uncompressed).
func NewVerifier(practice string, authority []byte) (*Verifier, error) {
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		return nil, err
	}
	if err := s.CheckSignatureKey(authority); err != nil {
		return nil, fmt.Errorf("certificate: authority key: %w", err)
	}
	return &Verifier{practice: practice, authority: bytes.Clone(authority)}, nil
}

// Verify reads a certificate and checks that the authority issued it to a
// device of this practice and that it holds at now, give or take [Skew].
func (v *Verifier) Verify(b []byte, now time.Time) (*Certificate, error) {
	c, err := Parse(b)
	if err != nil {
		return nil, err
	}
	if !v.signed(c.Signed(), c.Signature) {
		return nil, ErrForged
	}
	if c.Practice != v.practice {
		return nil, ErrPractice
	}
	if now.Add(Skew).Unix() < c.NotBefore || now.Add(-Skew).Unix() > c.NotAfter {
		return nil, ErrLapsed
	}
	return c, nil
}

// VerifyFor is [Verifier.Verify] and checks that the certificate is for key.
func (v *Verifier) VerifyFor(b, key []byte, now time.Time) (*Certificate, error) {
	c, err := v.Verify(b, now)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(c.PublicKey, key) {
		return nil, ErrKey
	}
	return c, nil
}

func (v *Verifier) signed(message, signature []byte) bool {
	return LowS(signature) && VerifySignature(v.authority, message, signature)
}
