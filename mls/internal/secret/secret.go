// Package secret is the cryptography of MLS that needs secrets: public-key
// and symmetric encryption and the derivations of the key schedule (RFC 9420,
// sections 5.1.1, 5.1.3 and 8).
//
// Only what may read messages imports it: package mls, and nothing that the
// hub links. Secrets are byte slices that their owner clears with [Wipe].
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// ErrDecrypt says that a ciphertext does not open: the key is another one, or
// the ciphertext or what it was bound to was changed.
var ErrDecrypt = errors.New("mls: cannot decrypt")

// Wipe overwrites the secrets with zeros.
func Wipe(secrets ...[]byte) {
	for _, s := range secrets {
		clear(s)
	}
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}

// Extract is KDF.Extract.
func Extract(s *suite.Suite, salt, key []byte) []byte {
	return s.MAC(salt, key) // HKDF-Extract is this HMAC (RFC 5869, section 2.2)
}

// ExpandWithLabel derives length bytes from secret, bound to a label and a
// context (RFC 9420, section 8).
func ExpandWithLabel(s *suite.Suite, secret []byte, label string, context []byte, length int) ([]byte, error) {
	if length < 0 || length > 0xffff {
		return nil, fmt.Errorf("mls: derive %q: %d bytes wanted", label, length)
	}
	var w codec.Writer
	w.Uint16(uint16(length))
	w.Vector([]byte("MLS 1.0 " + label))
	w.Vector(context)
	out, err := hkdf.Expand(s.NewHash, secret, string(w.Bytes()), length)
	if err != nil {
		return nil, fmt.Errorf("mls: derive %q: %w", label, err)
	}
	return out, nil
}

// DeriveSecret derives a secret of the suite's hash size (RFC 9420, section 8).
func DeriveSecret(s *suite.Suite, secret []byte, label string) ([]byte, error) {
	return ExpandWithLabel(s, secret, label, nil, s.HashSize())
}

// DeriveTreeSecret derives from a ratchet's secret at a generation (RFC 9420,
// section 9.1).
func DeriveTreeSecret(s *suite.Suite, secret []byte, label string, generation uint32, length int) ([]byte, error) {
	var w codec.Writer
	w.Uint32(generation)
	return ExpandWithLabel(s, secret, label, w.Bytes(), length)
}

// NewAEAD returns the suite's cipher under key.
func NewAEAD(s *suite.Suite, key []byte) (cipher.AEAD, error) {
	if len(key) != s.KeySize() {
		return nil, fmt.Errorf("mls: AEAD key of %d bytes", len(key))
	}
	if _, _, id := s.HPKE(); id == suite.AEADChaCha20 {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// SealAEAD encrypts plaintext and binds it to data.
func SealAEAD(s *suite.Suite, key, nonce, data, plaintext []byte) ([]byte, error) {
	c, err := NewAEAD(s, key)
	if err != nil {
		return nil, err
	}
	if len(nonce) != c.NonceSize() {
		return nil, fmt.Errorf("mls: nonce of %d bytes", len(nonce))
	}
	return c.Seal(nil, nonce, plaintext, data), nil
}

// OpenAEAD decrypts what SealAEAD made. A ciphertext that does not open gives
// [ErrDecrypt].
func OpenAEAD(s *suite.Suite, key, nonce, data, ciphertext []byte) ([]byte, error) {
	c, err := NewAEAD(s, key)
	if err != nil {
		return nil, err
	}
	if len(nonce) != c.NonceSize() {
		return nil, fmt.Errorf("mls: nonce of %d bytes", len(nonce))
	}
	plaintext, err := c.Open(nil, nonce, ciphertext, data)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// A KeyPair is an HPKE key pair in its serialized form. Private is secret.
type KeyPair struct{ Private, Public []byte }

// Wipe clears the private key.
func (k *KeyPair) Wipe() { Wipe(k.Private) }

// Clone returns a copy that is wiped apart from k.
func (k *KeyPair) Clone() *KeyPair {
	return &KeyPair{Private: append([]byte(nil), k.Private...), Public: k.Public}
}

// String hides the key from print verbs.
func (k *KeyPair) String() string { return "key pair:redacted" }

// GoString hides the key from %#v.
func (k *KeyPair) GoString() string { return k.String() }

// GenerateKeyPair returns a new random key pair.
func GenerateKeyPair(s *suite.Suite) (*KeyPair, error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, err
	}
	key, err := p.kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("mls: generate HPKE key: %w", err)
	}
	return pair(key)
}

// DeriveKeyPair returns the key pair that secret determines.
func DeriveKeyPair(s *suite.Suite, secret []byte) (*KeyPair, error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, err
	}
	key, err := p.kem.DeriveKeyPair(secret)
	if err != nil {
		return nil, fmt.Errorf("mls: derive HPKE key: %w", err)
	}
	return pair(key)
}

// ParseKeyPair returns the key pair of a serialized private key. Others write
// that of a NIST curve as a number, whose leading zeros may be missing.
func ParseKeyPair(s *suite.Suite, private []byte) (*KeyPair, error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, err
	}
	if size := scalarSize(p.kem.ID()); len(private) > 0 && len(private) < size {
		padded := make([]byte, size)
		defer Wipe(padded)
		copy(padded[size-len(private):], private)
		private = padded
	}
	key, err := p.kem.NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: HPKE private key: %w", suite.ErrBadKey, err)
	}
	return pair(key)
}

// scalarSize returns the length of a private key of a KEM on a NIST curve, or 0.
func scalarSize(kem uint16) int {
	switch kem {
	case 0x0010:
		return 32
	case 0x0011:
		return 48
	case 0x0012:
		return 66
	}
	return 0
}

func pair(key hpke.PrivateKey) (*KeyPair, error) {
	private, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("mls: serialize HPKE key: %w", err)
	}
	return &KeyPair{Private: private, Public: key.PublicKey().Bytes()}, nil
}

// SealWithLabel is EncryptWithLabel (RFC 9420, section 5.1.3).
func SealWithLabel(s *suite.Suite, public []byte, label string, context, plaintext []byte) (kemOutput, ciphertext []byte, err error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, nil, err
	}
	key, err := p.kem.NewPublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: HPKE public key: %w", suite.ErrBadKey, err)
	}
	kemOutput, sender, err := hpke.NewSender(key, p.kdf, p.aead, encryptContext(label, context))
	if err != nil {
		return nil, nil, fmt.Errorf("mls: encapsulate: %w", err)
	}
	ciphertext, err = sender.Seal(nil, plaintext)
	if err != nil {
		return nil, nil, fmt.Errorf("mls: encrypt: %w", err)
	}
	return kemOutput, ciphertext, nil
}

// OpenWithLabel is DecryptWithLabel (RFC 9420, section 5.1.3). A ciphertext
// that does not open gives [ErrDecrypt].
func OpenWithLabel(s *suite.Suite, private []byte, label string, context, kemOutput, ciphertext []byte) ([]byte, error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, err
	}
	key, err := p.kem.NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: HPKE private key: %w", suite.ErrBadKey, err)
	}
	recipient, err := hpke.NewRecipient(kemOutput, key, p.kdf, p.aead, encryptContext(label, context))
	if err != nil {
		return nil, ErrDecrypt
	}
	plaintext, err := recipient.Open(nil, ciphertext)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// externalLabel is the exporter context of an external commit (RFC 9420,
// section 8.3).
const externalLabel = "MLS 1.0 external init secret"

// EncapsulateInit returns a fresh init secret, and the KEM output by which the
// holder of the private key to public finds it (RFC 9420, section 8.3).
func EncapsulateInit(s *suite.Suite, public []byte) (kemOutput, initSecret []byte, err error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, nil, err
	}
	key, err := p.kem.NewPublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: external public key: %w", suite.ErrBadKey, err)
	}
	kemOutput, sender, err := hpke.NewSender(key, p.kdf, p.aead, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("mls: encapsulate: %w", err)
	}
	initSecret, err = sender.Export(externalLabel, s.HashSize())
	if err != nil {
		return nil, nil, fmt.Errorf("mls: export init secret: %w", err)
	}
	return kemOutput, initSecret, nil
}

// DecapsulateInit returns the init secret that EncapsulateInit made.
func DecapsulateInit(s *suite.Suite, private, kemOutput []byte) ([]byte, error) {
	p, err := parametersOf(s)
	if err != nil {
		return nil, err
	}
	key, err := p.kem.NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: external private key: %w", suite.ErrBadKey, err)
	}
	recipient, err := hpke.NewRecipient(kemOutput, key, p.kdf, p.aead, nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	initSecret, err := recipient.Export(externalLabel, s.HashSize())
	if err != nil {
		return nil, fmt.Errorf("mls: export init secret: %w", err)
	}
	return initSecret, nil
}

type parameters struct {
	kem  hpke.KEM
	kdf  hpke.KDF
	aead hpke.AEAD
}

func parametersOf(s *suite.Suite) (p parameters, err error) {
	kem, kdf, aead := s.HPKE()
	if p.kem, err = hpke.NewKEM(kem); err != nil {
		return p, fmt.Errorf("mls: KEM: %w", err)
	}
	if p.kdf, err = hpke.NewKDF(kdf); err != nil {
		return p, fmt.Errorf("mls: KDF: %w", err)
	}
	if p.aead, err = hpke.NewAEAD(aead); err != nil {
		return p, fmt.Errorf("mls: AEAD: %w", err)
	}
	return p, nil
}

func encryptContext(label string, context []byte) []byte {
	var w codec.Writer
	w.Vector([]byte("MLS 1.0 " + label))
	w.Vector(context)
	return w.Bytes()
}
