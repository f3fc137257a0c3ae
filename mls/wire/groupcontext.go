package wire

import (
	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A GroupContext is the state that all members of a group agree on in an epoch
// (RFC 9420, section 8.1).
type GroupContext struct {
	Version                 Version
	Suite                   suite.ID
	GroupID                 []byte
	Epoch                   uint64
	TreeHash                []byte
	ConfirmedTranscriptHash []byte
	Extensions              Extensions
}

// Marshal returns c's encoding.
func (c GroupContext) Marshal() []byte { return marshal(c.write) }

// ParseGroupContext reads one group context and nothing after it.
func ParseGroupContext(b []byte) (GroupContext, error) { return parse(b, readGroupContext) }

func (c GroupContext) write(w *codec.Writer) {
	w.Uint16(uint16(c.Version))
	w.Uint16(uint16(c.Suite))
	w.Vector(c.GroupID)
	w.Uint64(c.Epoch)
	w.Vector(c.TreeHash)
	w.Vector(c.ConfirmedTranscriptHash)
	c.Extensions.write(w)
}

func readGroupContext(r *codec.Reader) GroupContext {
	return GroupContext{
		Version:                 Version(r.Uint16()),
		Suite:                   suite.ID(r.Uint16()),
		GroupID:                 limited(r, maxGroupID, "group id"),
		Epoch:                   r.Uint64(),
		TreeHash:                limited(r, maxHash, "tree hash"),
		ConfirmedTranscriptHash: limited(r, maxHash, "transcript hash"),
		Extensions:              readExtensions(r),
	}
}
