package wire

import (
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A GroupInfo tells somebody outside a group its state, signed by a member
// (RFC 9420, section 12.4.3).
type GroupInfo struct {
	Context         GroupContext
	Extensions      Extensions
	ConfirmationTag []byte
	Signer          LeafIndex
	Signature       []byte
}

const groupInfoLabel = "GroupInfoTBS"

// Marshal returns g's encoding, without the frame of an MLS message.
func (g *GroupInfo) Marshal() []byte { return marshal(g.write) }

// ParseGroupInfo reads one group info, without the frame of an MLS message,
// and nothing after it. It checks no signature.
func ParseGroupInfo(b []byte) (*GroupInfo, error) { return parse(b, readGroupInfo) }

// Sign signs g as its Signer.
func (g *GroupInfo) Sign(s *suite.Suite, signer suite.Signer) error {
	sig, err := s.SignWithLabel(signer, groupInfoLabel, marshal(g.writeUnsigned))
	if err != nil {
		return fmt.Errorf("sign group info: %w", err)
	}
	g.Signature = sig
	return nil
}

// Verify checks g's signature with the signature key of its Signer, which the
// caller finds in the tree.
func (g *GroupInfo) Verify(s *suite.Suite, public []byte) error {
	return s.VerifyWithLabel(public, groupInfoLabel, marshal(g.writeUnsigned), g.Signature)
}

func (g *GroupInfo) write(w *codec.Writer) {
	g.writeUnsigned(w)
	w.Vector(g.Signature)
}

func (g *GroupInfo) writeUnsigned(w *codec.Writer) {
	g.Context.write(w)
	g.Extensions.write(w)
	w.Vector(g.ConfirmationTag)
	w.Uint32(uint32(g.Signer))
}

func readGroupInfo(r *codec.Reader) *GroupInfo {
	return &GroupInfo{
		Context:         readGroupContext(r),
		Extensions:      readExtensions(r),
		ConfirmationTag: limited(r, maxHash, "confirmation tag"),
		Signer:          readLeafIndex(r),
		Signature:       limited(r, maxSignature, "signature"),
	}
}
