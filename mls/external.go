package mls

import (
	"bytes"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// ExternalOptions are the choices in joining by an external commit. The zero
// value is good.
type ExternalOptions struct {
	// Resync removes the leaf that this client has in the group from before: the
	// one with the same signature key, or else the only one with an equal
	// credential.
	Resync bool
	// PSKs are pre-shared keys to prove knowledge of, such as the resumption key
	// of an epoch this client was in. The configuration must know them.
	PSKs []wire.PreSharedKeyID
	// RatchetTree is the tree, if the group info has none.
	RatchetTree []byte
	// Authenticated is sent along in the clear, signed.
	Authenticated  []byte
	LeafExtensions wire.Extensions
	Capabilities   *wire.Capabilities // nil means all that this package supports
}

// JoinExternal joins a group from outside, given a group info of its current
// epoch as an MLS message (RFC 9420, section 12.4.3.2). The group it returns is
// in the epoch that the commit leads to, and is worth something only if the
// delivery service accepts the commit.
func JoinExternal(cfg Config, signer suite.Signer, cred wire.Credential, groupInfo []byte, opt ExternalOptions) (*Group, []byte, error) {
	m, err := wire.ParseMessage(bytes.Clone(groupInfo))
	if err != nil {
		return nil, nil, err
	}
	if m.GroupInfo == nil {
		return nil, nil, fmt.Errorf("%w: wire format %d is no group info", ErrMalformed, m.Format())
	}
	// Lifetimes are those of our own choosing only: nobody is added.
	state, err := epoch.Open(cfg.checksLater(), m.GroupInfo, bytes.Clone(opt.RatchetTree))
	if err != nil {
		return nil, nil, err
	}
	proposals, initSecret, err := externalProposals(&cfg, state, m.GroupInfo, signer, cred, opt)
	if err != nil {
		return nil, nil, err
	}
	defer secret.Wipe(initSecret)
	sender := wire.Sender{Type: wire.SenderNewMemberCommit}
	for i := range proposals {
		proposals[i].Sender = sender
	}
	change, err := state.Plan(cfg.checksNow(), sender, proposals)
	if err != nil {
		return nil, nil, err
	}
	psks, err := cfg.lookupPSKs(change.PSKs)
	if err != nil {
		return nil, nil, err
	}
	leaf := &wire.LeafNode{
		SignatureKey: signer.Public(), Credential: cred, Source: wire.SourceCommit,
		Capabilities: defaultCapabilities(state.Suite), Extensions: opt.LeafExtensions,
	}
	if opt.Capabilities != nil {
		leaf.Capabilities = *opt.Capabilities
	}
	if err := change.Place(leaf); err != nil {
		return nil, nil, err
	}
	c := &commitBuilder{state: state, signer: signer, change: change, psks: psks, init: initSecret}
	if err := c.addPath(leaf, nil); err != nil {
		return nil, nil, err
	}
	pending, err := c.build(sender, opt.Authenticated)
	if err != nil {
		return nil, nil, err
	}
	return newGroup(cfg, pending.next), pending.Commit, nil
}

// externalProposals returns the proposals of an external commit, and the init
// secret that it agrees on with the members.
func externalProposals(cfg *Config, state *epoch.State, info *wire.GroupInfo, signer suite.Signer, cred wire.Credential, opt ExternalOptions) ([]epoch.Sent, []byte, error) {
	data, found := info.Extensions.Find(wire.ExtensionExternalPub)
	if !found {
		return nil, nil, rule.Broken("12.4.3.2-2", "group info without an external key")
	}
	external, err := wire.ParseExternalPub(data)
	if err != nil {
		return nil, nil, err
	}
	kemOutput, initSecret, err := secret.EncapsulateInit(state.Suite, external)
	if err != nil {
		return nil, nil, err
	}
	proposals := []epoch.Sent{{Proposal: &wire.ExternalInit{KEMOutput: kemOutput}}}
	if opt.Resync {
		old, found := formerLeaf(state, signer.Public(), cred)
		if !found {
			return nil, nil, fmt.Errorf("resync: %w", ErrRemoved)
		}
		proposals = append(proposals, epoch.Sent{Proposal: &wire.Remove{Removed: old}})
	}
	for _, id := range opt.PSKs {
		if id.Nonce == nil {
			id.Nonce = secret.Random(state.Suite.HashSize())
		}
		proposals = append(proposals, epoch.Sent{Proposal: &wire.PreSharedKey{ID: id}})
	}
	return proposals, initSecret, nil
}

// formerLeaf finds the leaf of an earlier self.
func formerLeaf(state *epoch.State, public []byte, cred wire.Credential) (at wire.LeafIndex, found bool) {
	count := 0
	for i, leaf := range state.Tree.Members() {
		if suite.Equal(leaf.SignatureKey, public) {
			return i, true
		}
		if leaf.Credential.Equal(cred) {
			at = i
			count++
		}
	}
	return at, count == 1
}
