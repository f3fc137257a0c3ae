package wire

import (
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A KeyPackage is what a client leaves with a delivery service so that others
// can add it to groups (RFC 9420, section 10).
type KeyPackage struct {
	Version    Version
	Suite      suite.ID
	InitKey    []byte // HPKE; used once, to join
	Leaf       *LeafNode
	Extensions Extensions
	Signature  []byte
}

const keyPackageLabel = "KeyPackageTBS"

// Marshal returns k's encoding, without the frame of an MLS message.
func (k *KeyPackage) Marshal() []byte { return marshal(k.write) }

// ParseKeyPackage reads one key package, without the frame of an MLS message,
// and nothing after it. It checks no signature.
func ParseKeyPackage(b []byte) (*KeyPackage, error) { return parse(b, readKeyPackage) }

// Ref returns the hash by which a Welcome names k (RFC 9420, section 5.2).
func (k *KeyPackage) Ref(s *suite.Suite) []byte {
	return s.RefHash("MLS 1.0 KeyPackage Reference", k.Marshal())
}

// Sign signs k, whose leaf must be signed already.
func (k *KeyPackage) Sign(s *suite.Suite, signer suite.Signer) error {
	sig, err := s.SignWithLabel(signer, keyPackageLabel, marshal(k.writeUnsigned))
	if err != nil {
		return fmt.Errorf("sign key package: %w", err)
	}
	k.Signature = sig
	return nil
}

// Verify checks k's own signature with the key in its leaf. It does not check
// the leaf's.
func (k *KeyPackage) Verify(s *suite.Suite) error {
	return s.VerifyWithLabel(k.Leaf.SignatureKey, keyPackageLabel, marshal(k.writeUnsigned), k.Signature)
}

// LastResort reports whether k may be used more than once.
func (k *KeyPackage) LastResort() bool {
	_, found := k.Extensions.Find(ExtensionLastResort)
	return found
}

func (k *KeyPackage) write(w *codec.Writer) {
	k.writeUnsigned(w)
	w.Vector(k.Signature)
}

func (k *KeyPackage) writeUnsigned(w *codec.Writer) {
	w.Uint16(uint16(k.Version))
	w.Uint16(uint16(k.Suite))
	w.Vector(k.InitKey)
	k.Leaf.write(w)
	k.Extensions.write(w)
}

func readKeyPackage(r *codec.Reader) *KeyPackage {
	return &KeyPackage{
		Version:    Version(r.Uint16()),
		Suite:      suite.ID(r.Uint16()),
		InitKey:    limited(r, maxKey, "init key"),
		Leaf:       readLeafNode(r),
		Extensions: readExtensions(r),
		Signature:  limited(r, maxSignature, "signature"),
	}
}
