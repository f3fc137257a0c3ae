package mls

import (
	"bytes"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// Branch founds a new group with some of this one's members, by key packages of
// theirs (RFC 9420, section 11.3), and returns it with its first commit pending.
// They join with this group as [JoinOptions.Parent].
func (g *Group) Branch(groupID []byte, signer suite.Signer, cred wire.Credential, members []*wire.KeyPackage, opt CreateOptions) (*Group, *Pending, error) {
	if g.removed {
		return nil, nil, ErrRemoved
	}
	return g.found(g.cfg, g.suite, groupID, signer, cred, members, opt, wire.UsageBranch)
}

// Continue founds the group that a ReInit proposal, which ended this one, asks
// for (RFC 9420, section 11.2), and returns it with its first commit pending. One
// of the old members does so with key packages of all others, for the new suite;
// they join with this group as [JoinOptions.Parent].
func (g *Group) Continue(signer suite.Signer, cred wire.Credential, members []*wire.KeyPackage, opt CreateOptions) (*Group, *Pending, error) {
	if g.removed {
		return nil, nil, ErrRemoved
	}
	re := g.state.ReInit
	if re == nil {
		return nil, nil, rule.Broken("11.2-2", "group has not been ended")
	}
	s, err := suite.Lookup(re.Suite)
	if err != nil {
		return nil, nil, err
	}
	opt.Extensions = re.Extensions
	return g.found(g.cfg, s, re.GroupID, signer, cred, members, opt, wire.UsageReInit)
}

// found founds a group that continues this one.
func (g *Group) found(cfg Config, s *suite.Suite, groupID []byte, signer suite.Signer, cred wire.Credential, members []*wire.KeyPackage, opt CreateOptions, usage wire.ResumptionUsage) (*Group, *Pending, error) {
	n, err := Create(cfg, s, groupID, signer, cred, opt)
	if err != nil {
		return nil, nil, err
	}
	n.state.Founding = usage
	id := wire.PreSharedKeyID{
		Type: wire.PSKResumption, Usage: usage, GroupID: g.ID(), Epoch: g.Epoch(),
		Nonce: secret.Random(s.HashSize()),
	}
	p, err := n.commitFrom(g, CommitOptions{Add: members, Proposals: []wire.Proposal{&wire.PreSharedKey{ID: id}}})
	if err != nil {
		return nil, nil, err
	}
	return n, p, nil
}

// checkParent checks a group that claims to continue parent (RFC 9420, sections
// 11.2, 11.3 and 12.4.3.1).
func checkParent(credentials CredentialValidator, parent *Group, tie *wire.PreSharedKeyID, state *epoch.State) error {
	if parent == nil || !bytes.Equal(tie.GroupID, parent.ID()) {
		return rule.Broken("12.4.3.1-9", "welcome to the continuation of a group that was not given")
	}
	c, old := &state.Context, &parent.state.Context
	if c.Epoch != 1 {
		return rule.Broken("11.2-3", "continued group begins at epoch %d", c.Epoch)
	}
	if tie.Usage == wire.UsageReInit {
		re := parent.state.ReInit
		if re == nil || tie.Epoch != parent.Epoch() {
			return rule.Broken("11.2-2", "parent group has not been ended")
		}
		if c.Version != re.Version || c.Suite != re.Suite || !bytes.Equal(c.GroupID, re.GroupID) || !c.Extensions.Equal(re.Extensions) {
			return rule.Broken("11.2-4", "group is not the one that the reinit proposed")
		}
		return nil
	}
	if c.Version != old.Version || c.Suite != old.Suite {
		return rule.Broken("11.3-1", "branch of another version or suite")
	}
	for i, leaf := range state.Tree.Members() {
		if !parent.hasMember(credentials, leaf) {
			return rule.Broken("11.3-2", "leaf %d of the branch is no member of its parent", i)
		}
	}
	return nil
}

// hasMember reports whether a member of g could be behind leaf, going by the
// credentials.
func (g *Group) hasMember(credentials CredentialValidator, leaf *wire.LeafNode) bool {
	for _, old := range g.state.Tree.Members() {
		if old.Credential.Equal(leaf.Credential) {
			return true
		}
		if v, ok := credentials.(SuccessorValidator); ok && v.ValidateSuccessor(old.Credential, leaf.Credential) == nil {
			return true
		}
	}
	return false
}
