package wire

import (
	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Proposal is a change proposed to a group: one of [*Add], [*Update],
// [*Remove], [*PreSharedKey], [*ReInit], [*ExternalInit] and
// [*GroupContextExtensions] (RFC 9420, section 12.1). A proposal of another
// type has no length by which to step over it, so it cannot be read.
type Proposal interface {
	// Type returns the proposal's type.
	Type() ProposalType
	write(w *codec.Writer) // the body alone
}

// An Add proposes a new member.
type Add struct{ KeyPackage *KeyPackage }

// An Update proposes a new leaf for its sender.
type Update struct{ Leaf *LeafNode }

// A Remove proposes that a member leaves.
type Remove struct{ Removed LeafIndex }

// A PreSharedKey proposes to mix a key into the key schedule.
type PreSharedKey struct{ ID PreSharedKeyID }

// A ReInit proposes to end the group and begin another with other parameters.
type ReInit struct {
	GroupID    []byte
	Version    Version
	Suite      suite.ID
	Extensions Extensions
}

// An ExternalInit is in the commit of somebody who joins by it.
type ExternalInit struct{ KEMOutput []byte }

// GroupContextExtensions proposes to replace the extensions of the group
// context, all of them.
type GroupContextExtensions struct{ Extensions Extensions }

// Type returns ProposalAdd.
func (*Add) Type() ProposalType { return ProposalAdd }

// Type returns ProposalUpdate.
func (*Update) Type() ProposalType { return ProposalUpdate }

// Type returns ProposalRemove.
func (*Remove) Type() ProposalType { return ProposalRemove }

// Type returns ProposalPreSharedKey.
func (*PreSharedKey) Type() ProposalType { return ProposalPreSharedKey }

// Type returns ProposalReInit.
func (*ReInit) Type() ProposalType { return ProposalReInit }

// Type returns ProposalExternalInit.
func (*ExternalInit) Type() ProposalType { return ProposalExternalInit }

// Type returns ProposalGroupContextExtensions.
func (*GroupContextExtensions) Type() ProposalType { return ProposalGroupContextExtensions }

func (p *Add) write(w *codec.Writer)          { p.KeyPackage.write(w) }
func (p *Update) write(w *codec.Writer)       { p.Leaf.write(w) }
func (p *Remove) write(w *codec.Writer)       { w.Uint32(uint32(p.Removed)) }
func (p *PreSharedKey) write(w *codec.Writer) { p.ID.write(w) }
func (p *ReInit) write(w *codec.Writer) {
	w.Vector(p.GroupID)
	w.Uint16(uint16(p.Version))
	w.Uint16(uint16(p.Suite))
	p.Extensions.write(w)
}
func (p *ExternalInit) write(w *codec.Writer)           { w.Vector(p.KEMOutput) }
func (p *GroupContextExtensions) write(w *codec.Writer) { p.Extensions.write(w) }

// MarshalProposal returns p's encoding, its type first.
func MarshalProposal(p Proposal) []byte {
	return marshal(func(w *codec.Writer) { writeProposal(w, p) })
}

// ParseProposal reads one proposal and nothing after it.
func ParseProposal(b []byte) (Proposal, error) { return parse(b, readProposal) }

func writeProposal(w *codec.Writer, p Proposal) {
	w.Uint16(uint16(p.Type()))
	p.write(w)
}

func readProposal(r *codec.Reader) Proposal {
	t := ProposalType(r.Uint16())
	switch t {
	case ProposalAdd:
		return &Add{readKeyPackage(r)}
	case ProposalUpdate:
		return &Update{readLeafNode(r)}
	case ProposalRemove:
		return &Remove{LeafIndex(r.Uint32())} // whether it names a member is for the group to say
	case ProposalPreSharedKey:
		return &PreSharedKey{readPreSharedKeyID(r)}
	case ProposalReInit:
		return &ReInit{
			GroupID:    limited(r, maxGroupID, "group id"),
			Version:    Version(r.Uint16()),
			Suite:      suite.ID(r.Uint16()),
			Extensions: readExtensions(r),
		}
	case ProposalExternalInit:
		return &ExternalInit{limited(r, maxKey, "KEM output")}
	case ProposalGroupContextExtensions:
		return &GroupContextExtensions{readExtensions(r)}
	default:
		r.Fail("proposal type %#04x", uint16(t))
		return nil
	}
}
