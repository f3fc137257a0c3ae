package epoch

import (
	"slices"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// A Member is a leaf, and the node that is or was there.
type Member struct {
	Leaf wire.LeafIndex
	Node *wire.LeafNode
}

// A Change is what a list of proposals makes of an epoch. A commit's path is
// applied to it afterwards.
type Change struct {
	// Committer is the member who commits. For an external commit it is known
	// once the newcomer's leaf is placed.
	Committer wire.LeafIndex
	// External reports an external commit (RFC 9420, section 12.4.3.2).
	External bool
	// Tree is the group's tree after the proposals, and after the path once it
	// is applied.
	Tree *tree.Tree
	// Extensions are the group context's after the proposals.
	Extensions wire.Extensions
	// Proposals are the proposals in the order of the commit.
	Proposals []Sent
	// Added are the new members in the order of their proposals, without the
	// newcomer of an external commit; Packages are their key packages.
	Added    []wire.LeafIndex
	Packages []*wire.KeyPackage
	Removed  []Member
	Updated  []wire.LeafIndex // by proposals
	PSKs     []wire.PreSharedKeyID
	ReInit   *wire.ReInit
	// KEMOutput is that of the ExternalInit of an external commit.
	KEMOutput []byte
	// PathRequired says that the commit must have a path (RFC 9420, section
	// 12.4).
	PathRequired bool

	base *State
}

// Plan checks a list of proposals that committer commits (RFC 9420, section
// 12.2) and applies them in the order of section 12.3 to a copy of the group.
func (s *State) Plan(k Checks, committer wire.Sender, proposals []Sent) (*Change, error) {
	if s.ReInit != nil {
		return nil, rule.Broken("11.2-1", "group has ended")
	}
	c := &Change{
		Committer: committer.Leaf, External: committer.Type == wire.SenderNewMemberCommit,
		Tree: s.Tree.Clone(), Extensions: s.Context.Extensions, Proposals: proposals, base: s,
		PathRequired: len(proposals) == 0,
	}
	var err error
	switch committer.Type {
	case wire.SenderMember:
		err = s.checkList(committer.Leaf, proposals)
	case wire.SenderNewMemberCommit:
		err = s.checkExternalList(proposals)
	default:
		err = rule.Broken("12.4-1", "commit by a sender of type %d", committer.Type)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range proposals {
		if err := s.checkOne(k, p); err != nil {
			return nil, err
		}
		switch p.Proposal.Type() {
		case wire.ProposalAdd, wire.ProposalPreSharedKey, wire.ProposalReInit:
		default:
			c.PathRequired = true
		}
	}
	if err := c.apply(); err != nil {
		return nil, err
	}
	return c, nil
}

// checkList checks a list of proposals against each other, for a commit by the
// member committer. The numbers of the rules are those of the bullets in RFC
// 9420, section 12.2.
func (s *State) checkList(committer wire.LeafIndex, proposals []Sent) error {
	if s.Tree.Leaf(committer) == nil {
		return rule.Broken("6.1-2", "commit by leaf %d, which is blank", committer)
	}
	touched := make(map[wire.LeafIndex]bool)
	removedKeys := make(map[string]bool)
	psks := make(map[string]bool)
	extensions := 0
	for _, p := range proposals {
		leaf, touches := wire.LeafIndex(0), false
		switch q := p.Proposal.(type) {
		case *wire.Update:
			if p.Ref == nil || p.Sender.Type == wire.SenderMember && p.Sender.Leaf == committer {
				return rule.Broken("12.2-2", "commit of the committer's own update")
			}
			leaf, touches = p.Sender.Leaf, true
		case *wire.Remove:
			if q.Removed == committer {
				return rule.Broken("12.2-3", "committer removes itself")
			}
			leaf, touches = q.Removed, true
			if old := s.Tree.Leaf(q.Removed); old != nil {
				removedKeys[string(old.SignatureKey)] = true
			}
		case *wire.PreSharedKey:
			id := string(q.ID.Marshal())
			if psks[id] {
				return rule.Broken("12.2-7", "one pre-shared key twice")
			}
			psks[id] = true
		case *wire.GroupContextExtensions:
			if extensions++; extensions > 1 {
				return rule.Broken("12.2-8", "group context extensions twice")
			}
		case *wire.ReInit:
			if len(proposals) > 1 {
				return rule.Broken("12.2-9", "reinit with other proposals")
			}
		}
		if touches {
			if touched[leaf] {
				return rule.Broken("12.2-4", "leaf %d updated or removed twice", leaf)
			}
			touched[leaf] = true
		}
	}
	return s.checkAdds(proposals, removedKeys)
}

// checkAdds checks that nobody is added twice, or added who is a member and
// stays one. Clients are told apart by their signature keys.
func (s *State) checkAdds(proposals []Sent, removedKeys map[string]bool) error {
	added := make(map[string]bool)
	for _, p := range proposals {
		if add, ok := p.Proposal.(*wire.Add); ok {
			key := string(add.KeyPackage.Leaf.SignatureKey)
			if added[key] {
				return rule.Broken("12.2-5", "one client added twice")
			}
			added[key] = true
		}
	}
	if len(added) == 0 {
		return nil
	}
	for i, leaf := range s.Tree.Members() {
		if added[string(leaf.SignatureKey)] && !removedKeys[string(leaf.SignatureKey)] {
			return rule.Broken("12.2-6", "client added who is member %d already", i)
		}
	}
	return nil
}

// checkExternalList checks the proposals of an external commit (RFC 9420,
// sections 12.2 and 12.4.3.2).
func (s *State) checkExternalList(proposals []Sent) error {
	inits, removes := 0, 0
	psks := make(map[string]bool)
	for _, p := range proposals {
		if p.Ref != nil {
			return rule.Broken("12.4.3.2-1", "external commit of a proposal by reference")
		}
		switch q := p.Proposal.(type) {
		case *wire.ExternalInit:
			inits++
		case *wire.Remove:
			removes++
		case *wire.PreSharedKey:
			id := string(q.ID.Marshal())
			if psks[id] {
				return rule.Broken("12.2-7", "one pre-shared key twice")
			}
			psks[id] = true
		default:
			return rule.Broken("12.2-e4", "proposal of type %d in an external commit", p.Proposal.Type())
		}
	}
	if inits != 1 {
		return rule.Broken("12.2-e1", "external commit with %d external inits", inits)
	}
	if removes > 1 {
		return rule.Broken("12.2-e2", "external commit with %d removes", removes)
	}
	return nil
}

// apply applies the proposals to c in the order of RFC 9420, section 12.3.
func (c *Change) apply() error {
	for _, p := range c.Proposals {
		if q, ok := p.Proposal.(*wire.GroupContextExtensions); ok {
			c.Extensions = q.Extensions
		}
	}
	for _, p := range c.Proposals {
		if q, ok := p.Proposal.(*wire.Update); ok {
			if err := c.Tree.Update(p.Sender.Leaf, q.Leaf); err != nil {
				return err // checkOne looked
			}
			c.Updated = append(c.Updated, p.Sender.Leaf)
		}
	}
	for _, p := range c.Proposals {
		if q, ok := p.Proposal.(*wire.Remove); ok {
			old := c.Tree.Leaf(q.Removed)
			// A lone member may come back by an external commit: its old leaf
			// goes and its new one takes the place.
			if err := c.Tree.Remove(q.Removed); err != nil {
				return err // checkOne looked
			}
			c.Removed = append(c.Removed, Member{q.Removed, old})
		}
	}
	for _, p := range c.Proposals {
		switch q := p.Proposal.(type) {
		case *wire.Add:
			i, err := c.Tree.Add(q.KeyPackage.Leaf)
			if err != nil {
				return err
			}
			c.Added = append(c.Added, i)
			c.Packages = append(c.Packages, q.KeyPackage)
		case *wire.PreSharedKey:
			c.PSKs = append(c.PSKs, q.ID)
		case *wire.ReInit:
			c.ReInit = q
		case *wire.ExternalInit:
			c.KEMOutput = q.KEMOutput
		}
	}
	return nil
}

// AddedMembers returns the new members of c, the newcomer of an external commit
// too.
func (c *Change) AddedMembers() []Member {
	var members []Member
	for _, i := range c.Added {
		members = append(members, Member{i, c.Tree.Leaf(i)})
	}
	if c.External {
		members = append(members, Member{c.Committer, c.Tree.Leaf(c.Committer)})
	}
	return members
}

// RemovedLeaf reports whether c removes the leaf i.
func (c *Change) RemovedLeaf(i wire.LeafIndex) bool {
	return slices.ContainsFunc(c.Removed, func(m Member) bool { return m.Leaf == i })
}

// Place puts the leaf of somebody who joins by an external commit where it
// belongs, and makes it the committer.
func (c *Change) Place(leaf *wire.LeafNode) error {
	i, err := c.Tree.Add(leaf)
	if err != nil {
		return err
	}
	c.Committer = i
	return nil
}

// Context returns the provisional group context of the next epoch, under which
// path secrets are sealed: the transcript hash is still the old one (RFC 9420,
// section 12.4.1).
func (c *Change) Context() wire.GroupContext {
	context := c.base.Context
	context.Epoch++
	context.TreeHash = c.Tree.Hash()
	context.Extensions = c.Extensions
	return context
}

// Settle checks the tree as it is after the commit (RFC 9420, section 12.2, last
// rule). A committer calls it when its own leaf is in place.
func (c *Change) Settle() error { return c.Tree.CheckMembers(c.Extensions) }

// Next returns the state after the commit a, which may lack its confirmation
// tag as yet; then the caller gives it with [State.Confirm].
func (c *Change) Next(a *wire.AuthenticatedContent) *State {
	context := c.Context()
	context.ConfirmedTranscriptHash = a.ConfirmedTranscriptHash(c.base.Suite, c.base.Interim)
	next := New(c.base.Suite, context, c.Tree)
	next.ReInit = c.ReInit
	if a.ConfirmationTag != nil {
		next.Confirm(a.ConfirmationTag)
	}
	return next
}
