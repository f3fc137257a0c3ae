package mls

import (
	"bytes"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// A Group is one member's view of a group, with its secrets. It is not safe for
// use by several goroutines at once.
type Group struct {
	cfg    Config
	suite  *suite.Suite
	signer suite.Signer

	state    *epoch.State
	own      wire.LeafIndex
	keys     treeKeys
	secrets  *epochSecrets
	messages *secretTree

	updates []ownUpdate // proposed in this epoch
	past    []*pastEpoch
	resumed []resumptionKey
	pending *pendingCommit
	removed bool
}

// An ownUpdate is what belongs to an Update proposal of ours.
type ownUpdate struct {
	pair   *secret.KeyPair
	signer suite.Signer
}

// A resumptionKey is the resumption PSK of an epoch (RFC 9420, section 8.6).
type resumptionKey struct {
	epoch uint64
	key   []byte
}

// maxResumed is how many epochs' resumption keys are kept.
const maxResumed = 8

// A nextEpoch is the epoch that a commit leads to.
type nextEpoch struct {
	state   *epoch.State
	own     wire.LeafIndex
	keys    treeKeys
	secrets *epochSecrets
	signer  suite.Signer
}

// A Member is a member of a group.
type Member struct {
	Leaf         wire.LeafIndex
	Credential   wire.Credential
	SignatureKey []byte
}

func memberOf(i wire.LeafIndex, leaf *wire.LeafNode) Member {
	return Member{Leaf: i, Credential: leaf.Credential, SignatureKey: leaf.SignatureKey}
}

// newGroup returns the group as it is in the epoch next.
func newGroup(cfg Config, next *nextEpoch) *Group {
	return &Group{
		cfg: cfg, suite: next.state.Suite, signer: next.signer,
		state: next.state, own: next.own, keys: next.keys, secrets: next.secrets,
		messages: next.secrets.takeTree(next.state.Suite, next.state.Tree.Leaves()),
	}
}

// ID returns the group's id.
func (g *Group) ID() []byte { return g.state.Context.GroupID }

// Epoch returns the current epoch.
func (g *Group) Epoch() uint64 { return g.state.Context.Epoch }

// Suite returns the group's cipher suite.
func (g *Group) Suite() *suite.Suite { return g.suite }

// Context returns the group context of the current epoch.
func (g *Group) Context() wire.GroupContext { return g.state.Context }

// OwnLeaf returns this member's place in the tree.
func (g *Group) OwnLeaf() wire.LeafIndex { return g.own }

// Removed reports whether this client has been removed. The group is then of
// use no more.
func (g *Group) Removed() bool { return g.removed }

// ReInit returns the proposal that ended the group, or nil.
func (g *Group) ReInit() *wire.ReInit { return g.state.ReInit }

// Proposals returns the proposals received in the present epoch, which a
// commit would carry out.
func (g *Group) Proposals() []wire.Proposal { return g.state.Proposals() }

// Members returns the members of the current epoch, in order of their leaves.
func (g *Group) Members() []Member { return membersOf(g.state.Tree) }

func membersOf(t *tree.Tree) []Member {
	var members []Member
	for i, leaf := range t.Members() {
		members = append(members, memberOf(i, leaf))
	}
	return members
}

// Member returns the member at i, and whether there is one.
func (g *Group) Member(i wire.LeafIndex) (Member, bool) {
	leaf := g.state.Tree.Leaf(i)
	if leaf == nil {
		return Member{}, false
	}
	return memberOf(i, leaf), true
}

// Authenticator returns the epoch authenticator: members who compare it and
// find it the same have the same view of the group (RFC 9420, section 8.7).
func (g *Group) Authenticator() []byte { return bytes.Clone(g.secrets.authenticator) }

// Export derives length bytes, which are secret, for the use that label and
// context name (RFC 9420, section 8.5).
func (g *Group) Export(label string, context []byte, length int) ([]byte, error) {
	if g.removed {
		return nil, ErrRemoved
	}
	return g.secrets.export(g.suite, label, context, length)
}

// String says which group it is, and hides its secrets from print verbs.
func (Group) String() string { return "mls group:redacted" }

// GoString hides the secrets from %#v.
func (g Group) GoString() string { return g.String() }

// usable returns why nothing can be sent, or nil.
func (g *Group) usable() error {
	switch {
	case g.removed:
		return ErrRemoved
	case g.state.ReInit != nil:
		return ErrReInitialised
	}
	return nil
}

// GroupInfo returns an MLS message that describes the current epoch, with the
// ratchet tree and the key by which others can join from outside. Whoever gets
// it can join, if the members accept its credential.
func (g *Group) GroupInfo() ([]byte, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	info, err := signedGroupInfo(&nextEpoch{state: g.state, own: g.own, secrets: g.secrets, signer: g.signer}, true)
	if err != nil {
		return nil, err
	}
	return (&wire.Message{GroupInfo: info}).Marshal(), nil
}

// signedGroupInfo describes an epoch.
func signedGroupInfo(e *nextEpoch, external bool) (*wire.GroupInfo, error) {
	info := &wire.GroupInfo{
		Context:         e.state.Context,
		ConfirmationTag: e.state.ConfirmationTag,
		Signer:          e.own,
		Extensions:      wire.Extensions{{Type: wire.ExtensionRatchetTree, Data: e.state.Tree.Marshal()}},
	}
	if external {
		pair, err := e.secrets.externalKey(e.state.Suite)
		if err != nil {
			return nil, err
		}
		pair.Wipe()
		info.Extensions = append(info.Extensions, wire.ExternalPubExtension(pair.Public))
	}
	if err := info.Sign(e.state.Suite, e.signer); err != nil {
		return nil, err
	}
	return info, nil
}

// leafNode returns the index of a leaf among all nodes.
func leafNode(i wire.LeafIndex) tree.NodeIndex { return treemath.FromLeaf(uint32(i)) }
