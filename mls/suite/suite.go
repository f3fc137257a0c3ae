// Package suite is the cipher suites of MLS (RFC 9420, section 5.1) as data,
// and those of their operations that need no secret of a group: hashing,
// message authentication, signatures, and the syntax of public keys.
//
// It can neither encrypt nor decrypt, and imports nothing that can; a program
// that only carries messages may link it.
package suite

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"

	"github.com/sotto-health/sotto/mls/internal/codec"
)

// An ID is the number of a cipher suite, as it travels (RFC 9420, section 17.1).
type ID uint16

// The suites that this package knows.
const (
	X25519AES128  ID = 0x0001 // MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519
	P256AES128    ID = 0x0002 // MLS_128_DHKEMP256_AES128GCM_SHA256_P256
	X25519ChaCha  ID = 0x0003 // MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519
	P521AES256    ID = 0x0005 // MLS_256_DHKEMP521_AES256GCM_SHA512_P521
	P384AES256    ID = 0x0007 // MLS_256_DHKEMP384_AES256GCM_SHA384_P384
	MLKEM768P256  ID = 0xF001 // private use: hybrid post-quantum, the default of Sotto
	MLKEM1024P384 ID = 0xF002 // private use: hybrid post-quantum, larger
)

// String returns the suite's name, or its number if it is not known.
func (id ID) String() string {
	if s, err := Lookup(id); err == nil {
		return s.name
	}
	return fmt.Sprintf("0x%04X", uint16(id))
}

// ErrUnknown is matched by the error for a suite that [Lookup] does not know.
var ErrUnknown = errors.New("mls: unknown cipher suite")

// ErrBadKey is matched by errors about public or private keys that are not
// keys of the suite.
var ErrBadKey = errors.New("mls: not a key of the suite")

// ErrBadSignature says that a signature does not verify.
var ErrBadSignature = errors.New("mls: bad signature")

// A Suite is one cipher suite. It never changes and may be shared.
type Suite struct {
	id             ID
	name           string
	kem, kdf, aead uint16 // HPKE registry ids (RFC 9180, section 7)
	newHash        func() hash.Hash
	hashSize       int
	keySize        int // of the AEAD, bytes
	nonceSize      int // of the AEAD, bytes
	curve          ecdh.Curve
	mlkem          int // encapsulation key size of the post-quantum half, or 0
	sig            scheme
}

// AEAD ids (RFC 9180, section 7.3).
const (
	AEADAES128GCM uint16 = 1
	AEADAES256GCM uint16 = 2
	AEADChaCha20  uint16 = 3
)

// Lookup returns the suite with the given number.
func Lookup(id ID) (*Suite, error) {
	s := Suite{id: id, nonceSize: 12}
	switch id {
	case X25519AES128:
		s.name, s.kem, s.curve, s.sig = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", 0x0020, ecdh.X25519(), ed25519Scheme{}
		s.kdf, s.newHash, s.hashSize = 1, sha256.New, 32
		s.aead, s.keySize = AEADAES128GCM, 16
	case P256AES128:
		s.name, s.kem, s.curve, s.sig = "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", 0x0010, ecdh.P256(), ecdsaP256
		s.kdf, s.newHash, s.hashSize = 1, sha256.New, 32
		s.aead, s.keySize = AEADAES128GCM, 16
	case X25519ChaCha:
		s.name, s.kem, s.curve, s.sig = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519", 0x0020, ecdh.X25519(), ed25519Scheme{}
		s.kdf, s.newHash, s.hashSize = 1, sha256.New, 32
		s.aead, s.keySize = AEADChaCha20, 32
	case P521AES256:
		s.name, s.kem, s.curve, s.sig = "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", 0x0012, ecdh.P521(), ecdsaP521
		s.kdf, s.newHash, s.hashSize = 3, sha512.New, 64
		s.aead, s.keySize = AEADAES256GCM, 32
	case P384AES256:
		s.name, s.kem, s.curve, s.sig = "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", 0x0011, ecdh.P384(), ecdsaP384
		s.kdf, s.newHash, s.hashSize = 2, sha512.New384, 48
		s.aead, s.keySize = AEADAES256GCM, 32
	case MLKEM768P256:
		s.name, s.kem, s.curve, s.sig = "MLS_128_MLKEM768P256_AES256GCM_SHA384_P256", 0x0050, ecdh.P256(), ecdsaP256
		s.mlkem = mlkem.EncapsulationKeySize768
		s.kdf, s.newHash, s.hashSize = 2, sha512.New384, 48
		s.aead, s.keySize = AEADAES256GCM, 32
	case MLKEM1024P384:
		s.name, s.kem, s.curve, s.sig = "MLS_192_MLKEM1024P384_AES256GCM_SHA384_P384", 0x0051, ecdh.P384(), ecdsaP384
		s.mlkem = mlkem.EncapsulationKeySize1024
		s.kdf, s.newHash, s.hashSize = 2, sha512.New384, 48
		s.aead, s.keySize = AEADAES256GCM, 32
	default:
		return nil, fmt.Errorf("%w 0x%04X", ErrUnknown, uint16(id))
	}
	return &s, nil
}

// All returns every suite that [Lookup] knows, in order of their numbers.
func All() []ID {
	return []ID{X25519AES128, P256AES128, X25519ChaCha, P521AES256, P384AES256, MLKEM768P256, MLKEM1024P384}
}

// ID returns the suite's number.
func (s *Suite) ID() ID { return s.id }

// Name returns the suite's registered name.
func (s *Suite) Name() string { return s.name }

// HashSize returns the length of a hash, and of every secret of the key
// schedule (KDF.Nh), in bytes.
func (s *Suite) HashSize() int { return s.hashSize }

// KeySize returns the length of an AEAD key (AEAD.Nk) in bytes.
func (s *Suite) KeySize() int { return s.keySize }

// NonceSize returns the length of an AEAD nonce (AEAD.Nn) in bytes.
func (s *Suite) NonceSize() int { return s.nonceSize }

// HPKE returns the HPKE identifiers of the suite (RFC 9180, section 7).
func (s *Suite) HPKE() (kem, kdf, aead uint16) { return s.kem, s.kdf, s.aead }

// NewHash returns a new running hash.
func (s *Suite) NewHash() hash.Hash { return s.newHash() }

// Hash returns the hash of data.
func (s *Suite) Hash(data []byte) []byte {
	h := s.newHash()
	h.Write(data)
	return h.Sum(nil)
}

// MAC returns the HMAC of data under key.
func (s *Suite) MAC(key, data []byte) []byte {
	m := hmac.New(s.newHash, key)
	m.Write(data)
	return m.Sum(nil)
}

// VerifyMAC reports whether tag is the whole HMAC of data under key. It takes
// the same time wherever they differ; a shortened tag is never accepted.
func (s *Suite) VerifyMAC(key, data, tag []byte) bool { return Equal(s.MAC(key, data), tag) }

// Equal reports whether a and b are the same length and the same bytes, in a
// time that depends on their lengths only.
func Equal(a, b []byte) bool { return len(a) == len(b) && subtle.ConstantTimeCompare(a, b) == 1 }

// RefHash returns the hash by which a structure is referred to (RFC 9420,
// section 5.2). The label is taken whole, such as "MLS 1.0 KeyPackage Reference".
func (s *Suite) RefHash(label string, value []byte) []byte {
	var w codec.Writer
	w.Vector([]byte(label))
	w.Vector(value)
	return s.Hash(w.Bytes())
}

// CheckEncryptionKey reports, with an error that matches [ErrBadKey], whether
// public is not the encoding of an HPKE public key of the suite.
func (s *Suite) CheckEncryptionKey(public []byte) error {
	if s.mlkem != 0 {
		if len(public) < s.mlkem {
			return fmt.Errorf("%w: HPKE public key of %d bytes", ErrBadKey, len(public))
		}
		var err error
		if s.mlkem == mlkem.EncapsulationKeySize768 {
			_, err = mlkem.NewEncapsulationKey768(public[:s.mlkem])
		} else {
			_, err = mlkem.NewEncapsulationKey1024(public[:s.mlkem])
		}
		if err != nil {
			return fmt.Errorf("%w: HPKE public key: %w", ErrBadKey, err)
		}
		public = public[s.mlkem:]
	}
	if _, err := s.curve.NewPublicKey(public); err != nil {
		return fmt.Errorf("%w: HPKE public key: %w", ErrBadKey, err)
	}
	return nil
}
