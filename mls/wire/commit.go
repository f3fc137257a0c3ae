package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// A Commit ends an epoch: it applies proposals and, if it has a path, gives
// the committer's side of the tree new keys (RFC 9420, section 12.4).
type Commit struct {
	Proposals []ProposalOrRef
	Path      *UpdatePath // nil if there is none
}

// A ProposalOrRef is a proposal of the committer's own, or the reference of one
// that was sent before.
type ProposalOrRef struct {
	Proposal  Proposal // nil if it is a reference
	Reference []byte   // see [AuthenticatedContent.ProposalRef]
}

const (
	orRefProposal  = 1
	orRefReference = 2
)

// Marshal returns c's encoding.
func (c *Commit) Marshal() []byte { return marshal(c.write) }

// ParseCommit reads one commit and nothing after it.
func ParseCommit(b []byte) (*Commit, error) { return parse(b, readCommit) }

func (c *Commit) write(w *codec.Writer) {
	w.Nest(func(w *codec.Writer) {
		for _, p := range c.Proposals {
			if p.Proposal != nil {
				w.Uint8(orRefProposal)
				writeProposal(w, p.Proposal)
				continue
			}
			w.Uint8(orRefReference)
			w.Vector(p.Reference)
		}
	})
	w.Optional(c.Path != nil, func(w *codec.Writer) { c.Path.write(w) })
}

func readCommit(r *codec.Reader) *Commit {
	c := new(Commit)
	r.Each(func(r *codec.Reader) {
		var p ProposalOrRef
		switch kind := r.Uint8(); kind {
		case orRefProposal:
			p.Proposal = readProposal(r)
		case orRefReference:
			p.Reference = limited(r, maxHash, "proposal reference")
		default:
			r.Fail("neither proposal nor reference: %d", kind)
		}
		c.Proposals = append(c.Proposals, p)
		if len(c.Proposals) > maxProposals {
			r.Fail("more than %d proposals", maxProposals)
		}
	})
	r.Optional(func(r *codec.Reader) { c.Path = readUpdatePath(r) })
	return c
}
