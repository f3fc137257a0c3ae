package suite

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/codec"
)

// A Signer holds a signature key. It may be software, a hardware token, or a
// browser's non-extractable key.
type Signer interface {
	// Public returns the public key in the suite's encoding (RFC 9420,
	// section 5.1.2): an uncompressed point, or the 32 bytes of Ed25519.
	Public() []byte
	// Sign returns a signature of message, which is not hashed: DER for ECDSA.
	Sign(message []byte) ([]byte, error)
}

// A SoftwareSigner is a [Signer] whose private key is in memory.
type SoftwareSigner struct {
	scheme  scheme
	key     any
	public  []byte
	private []byte
}

// Public returns the public key.
func (s *SoftwareSigner) Public() []byte { return s.public }

// Private returns the private key, as [Suite.ParseSigner] reads it. It is secret.
func (s *SoftwareSigner) Private() []byte { return s.private }

// Sign signs message.
func (s *SoftwareSigner) Sign(message []byte) ([]byte, error) { return s.scheme.sign(s.key, message) }

// String hides the key from print verbs.
func (s SoftwareSigner) String() string { return "signer:redacted" }

// GoString hides the key from %#v.
func (s SoftwareSigner) GoString() string { return s.String() }

// NewSigner returns a new random signature key.
func (s *Suite) NewSigner() (*SoftwareSigner, error) { return s.sig.generate() }

// ParseSigner returns the signer with the given private key: the seed for
// Ed25519, or the scalar, big-endian, for ECDSA; leading zeros may be missing.
func (s *Suite) ParseSigner(private []byte) (*SoftwareSigner, error) { return s.sig.parse(private) }

// CheckSignatureKey reports, with an error that matches [ErrBadKey], whether
// public is not the encoding of a signature key of the suite.
func (s *Suite) CheckSignatureKey(public []byte) error { return s.sig.check(public) }

// SignWithLabel signs content for the purpose that label names (RFC 9420,
// section 5.1.2). An ECDSA signature comes out with the lower of the two
// values its s can have, whatever the signer made, so that nobody can make a
// second signature of ours out of the first.
func (s *Suite) SignWithLabel(signer Signer, label string, content []byte) ([]byte, error) {
	signature, err := signer.Sign(signContent(label, content))
	if err != nil {
		return nil, fmt.Errorf("mls: sign: %w", err)
	}
	return s.sig.normalise(signature)
}

// VerifyWithLabel verifies a signature that SignWithLabel made. Its errors
// match [ErrBadSignature] or [ErrBadKey]. Both values of s are accepted from
// others, as RFC 9420 demands neither; signature bytes identify nothing.
func (s *Suite) VerifyWithLabel(public []byte, label string, content, signature []byte) error {
	return s.sig.verify(public, signContent(label, content), signature)
}

// Verify verifies a signature of message itself, without a label.
func (s *Suite) Verify(public, message, signature []byte) error {
	return s.sig.verify(public, message, signature)
}

// Normalise returns the one form of a signature that has several: an ECDSA
// signature in DER with the lower of the two values its s can have.
func (s *Suite) Normalise(signature []byte) ([]byte, error) { return s.sig.normalise(signature) }

func signContent(label string, content []byte) []byte {
	var w codec.Writer
	w.Vector([]byte("MLS 1.0 " + label))
	w.Vector(content)
	return w.Bytes()
}

// A scheme is a signature algorithm.
type scheme interface {
	generate() (*SoftwareSigner, error)
	parse(private []byte) (*SoftwareSigner, error)
	check(public []byte) error
	sign(key any, message []byte) ([]byte, error)
	verify(public, message, signature []byte) error
	normalise(signature []byte) ([]byte, error)
}

type ed25519Scheme struct{}

func (ed25519Scheme) generate() (*SoftwareSigner, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mls: generate signature key: %w", err)
	}
	return ed25519Scheme{}.parse(key.Seed())
}

func (sc ed25519Scheme) parse(private []byte) (*SoftwareSigner, error) {
	if len(private) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: Ed25519 seed of %d bytes", ErrBadKey, len(private))
	}
	key := ed25519.NewKeyFromSeed(private)
	return &SoftwareSigner{scheme: sc, key: key, public: key.Public().(ed25519.PublicKey), private: key.Seed()}, nil
}

func (ed25519Scheme) check(public []byte) error {
	if len(public) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: Ed25519 public key of %d bytes", ErrBadKey, len(public))
	}
	return nil
}

func (ed25519Scheme) sign(key any, message []byte) ([]byte, error) {
	return ed25519.Sign(key.(ed25519.PrivateKey), message), nil
}

func (sc ed25519Scheme) verify(public, message, signature []byte) error {
	if err := sc.check(public); err != nil {
		return err
	}
	if !ed25519.Verify(public, message, signature) {
		return ErrBadSignature
	}
	return nil
}

func (ed25519Scheme) normalise(signature []byte) ([]byte, error) { return signature, nil }
