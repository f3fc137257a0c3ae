package suite

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"math/big"

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

// ecdsaScheme is ECDSA on one curve, with the hash that TLS pairs it with.
type ecdsaScheme struct {
	curve elliptic.Curve
	hash  func() hash.Hash
	size  int // of a scalar, bytes
}

var (
	ecdsaP256 = ecdsaScheme{elliptic.P256(), sha256.New, 32}
	ecdsaP384 = ecdsaScheme{elliptic.P384(), sha512.New384, 48}
	ecdsaP521 = ecdsaScheme{elliptic.P521(), sha512.New, 66}
)

func (sc ecdsaScheme) generate() (*SoftwareSigner, error) {
	key, err := ecdsa.GenerateKey(sc.curve, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mls: generate signature key: %w", err)
	}
	return sc.signer(key)
}

func (sc ecdsaScheme) parse(private []byte) (*SoftwareSigner, error) {
	if len(private) == 0 || len(private) > sc.size {
		return nil, fmt.Errorf("%w: ECDSA scalar of %d bytes", ErrBadKey, len(private))
	}
	padded := make([]byte, sc.size)
	copy(padded[sc.size-len(private):], private)
	key, err := ecdsa.ParseRawPrivateKey(sc.curve, padded)
	if err != nil {
		return nil, fmt.Errorf("%w: ECDSA scalar: %v", ErrBadKey, err)
	}
	return sc.signer(key)
}

func (sc ecdsaScheme) signer(key *ecdsa.PrivateKey) (*SoftwareSigner, error) {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBadKey, err)
	}
	private, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrBadKey, err)
	}
	return &SoftwareSigner{scheme: sc, key: key, public: public, private: private}, nil
}

func (sc ecdsaScheme) check(public []byte) error {
	_, err := sc.publicKey(public)
	return err
}

func (sc ecdsaScheme) publicKey(public []byte) (*ecdsa.PublicKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(sc.curve, public)
	if err != nil {
		return nil, fmt.Errorf("%w: ECDSA public key: %v", ErrBadKey, err)
	}
	return key, nil
}

func (sc ecdsaScheme) digest(message []byte) []byte {
	h := sc.hash()
	h.Write(message)
	return h.Sum(nil)
}

func (sc ecdsaScheme) sign(key any, message []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), sc.digest(message))
}

func (sc ecdsaScheme) verify(public, message, signature []byte) error {
	key, err := sc.publicKey(public)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(key, sc.digest(message), signature) {
		return ErrBadSignature
	}
	return nil
}

// normalise returns the signature with s at most half the group's order.
func (sc ecdsaScheme) normalise(signature []byte) ([]byte, error) {
	r, s, ok := parseDER(signature)
	if !ok {
		return nil, fmt.Errorf("%w: not DER", ErrBadSignature)
	}
	order := sc.curve.Params().N
	if v := new(big.Int).SetBytes(s); v.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		s = v.Sub(order, v).Bytes()
	}
	return appendDER(r, s), nil
}

// parseDER returns the two positive numbers of an ECDSA signature, big-endian.
// Package encoding/asn1 would do, at the price of its size in a browser.
func parseDER(b []byte) (r, s []byte, ok bool) {
	body, rest, ok := derValue(b, derSequence)
	if !ok || len(rest) != 0 {
		return nil, nil, false
	}
	if r, body, ok = derValue(body, derInteger); !ok || len(r) == 0 || r[0] >= 0x80 {
		return nil, nil, false
	}
	if s, body, ok = derValue(body, derInteger); !ok || len(s) == 0 || s[0] >= 0x80 {
		return nil, nil, false
	}
	return r, s, len(body) == 0
}

const (
	derInteger  = 0x02
	derSequence = 0x30
)

// derValue takes one value of up to 255 bytes off b.
func derValue(b []byte, tag byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	if n == 0x81 && len(b) > 0 {
		n, b = int(b[0]), b[1:]
	} else if n >= 0x80 {
		return nil, nil, false
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// appendDER returns the encoding of an ECDSA signature.
func appendDER(r, s []byte) []byte {
	var body []byte
	for _, v := range [][]byte{r, s} {
		for len(v) > 1 && v[0] == 0 {
			v = v[1:]
		}
		if len(v) == 0 || v[0] >= 0x80 {
			v = append([]byte{0}, v...)
		}
		body = append(append(body, derInteger, byte(len(v))), v...)
	}
	if len(body) >= 0x80 {
		return append([]byte{derSequence, 0x81, byte(len(body))}, body...)
	}
	return append([]byte{derSequence, byte(len(body))}, body...)
}
