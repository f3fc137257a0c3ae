package epoch

import (
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/wire"
)

// Resolve returns the proposals of a commit by sender: its own, and those
// received before that it refers to.
func (s *State) Resolve(sender wire.Sender, commit *wire.Commit) ([]Sent, error) {
	var list []Sent
	for _, p := range commit.Proposals {
		if p.Proposal != nil {
			list = append(list, Sent{Proposal: p.Proposal, Sender: sender})
			continue
		}
		cached := s.Find(p.Reference)
		if cached == nil {
			if sender.Type == wire.SenderNewMemberCommit {
				return nil, rule.Broken("12.4.3.2-1", "external commit of a proposal by reference")
			}
			return nil, ErrUnknownProposal
		}
		list = append(list, Sent{cached.Content.Content.Proposal, cached.Content.Content.Sender, cached.Ref})
	}
	return list, nil
}

// Stage checks all that is public of the commit a, which [State.Authenticate]
// has accepted (RFC 9420, section 12.4.2), and returns what it makes of the
// group. It changes nothing.
func (s *State) Stage(k Checks, a *wire.AuthenticatedContent) (*Change, error) {
	sender, commit := a.Content.Sender, a.Content.Commit
	proposals, err := s.Resolve(sender, commit)
	if err != nil {
		return nil, err
	}
	if len(a.ConfirmationTag) != s.Suite.HashSize() {
		return nil, rule.Broken("6.1-3", "confirmation tag of %d bytes", len(a.ConfirmationTag))
	}
	c, err := s.Plan(k, sender, proposals)
	if err != nil {
		return nil, err
	}
	if commit.Path == nil {
		if c.PathRequired {
			return nil, rule.Broken("12.4-2", "commit without the path it needs")
		}
	} else if err := c.applyPath(k, commit.Path); err != nil {
		return nil, err
	}
	if err := c.Settle(); err != nil {
		return nil, err
	}
	return c, nil
}

// applyPath checks and applies the path of a commit.
func (c *Change) applyPath(k Checks, path *wire.UpdatePath) error {
	if c.External {
		if err := c.checkNewcomer(k, path.Leaf); err != nil {
			return err
		}
		if err := c.Place(path.Leaf); err != nil {
			return err
		}
		if err := c.Tree.CheckLeaf(c.Committer, path.Leaf, c.base.Context.GroupID, nil); err != nil {
			return err
		}
	} else if err := c.base.checkReplacement(k, c.Committer, path.Leaf); err != nil {
		return err
	}
	return c.Tree.ApplyPath(c.Committer, path, c.Added)
}

// checkNewcomer checks the leaf of somebody who joins by an external commit. If
// it removes a member, that must be an earlier self (RFC 9420, section 12.2).
func (c *Change) checkNewcomer(k Checks, leaf *wire.LeafNode) error {
	if err := k.credential(leaf.Credential, leaf.SignatureKey, "a newcomer"); err != nil {
		return err
	}
	for _, old := range c.Removed {
		if err := k.successor(old.Node, leaf); err != nil {
			return rule.Because("12.2-e2", err, "newcomer removes somebody else")
		}
	}
	return nil
}
