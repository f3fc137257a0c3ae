package mls

import (
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/wire"
)

// Propose makes a message that proposes p, which any member may then commit.
// authenticated is sent along in the clear. A member's own leaving is a Remove
// of its own leaf; others must commit it.
func (g *Group) Propose(p wire.Proposal, authenticated []byte) ([]byte, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	a := &wire.AuthenticatedContent{Format: wire.FormatPublic, Content: wire.FramedContent{
		GroupID: g.ID(), Epoch: g.Epoch(), Sender: wire.Sender{Type: wire.SenderMember, Leaf: g.own},
		AuthenticatedData: authenticated, Type: wire.ContentProposal, Proposal: p,
	}}
	if g.cfg.PrivateHandshakes {
		a.Format = wire.FormatPrivate
	}
	if _, err := g.state.CheckProposal(g.cfg.checksNow(), a); err != nil {
		return nil, err
	}
	if err := a.Sign(g.suite, g.signer, &g.state.Context); err != nil {
		return nil, err
	}
	if a.Format == wire.FormatPrivate {
		m, err := protectPrivate(g.suite, a, g.messages, g.secrets.senderData, g.cfg.padding)
		if err != nil {
			return nil, err
		}
		if err := g.state.Keep(a); err != nil {
			return nil, err
		}
		return (&wire.Message{Private: m}).Marshal(), nil
	}
	if err := g.state.Keep(a); err != nil {
		return nil, err
	}
	return (&wire.Message{Public: protectPublic(g.suite, a, &g.state.Context, g.secrets.membership)}).Marshal(), nil
}

// ProposeUpdate proposes new keys for this member's leaf, and what identity
// changes; nil changes nothing else. The keys take effect if another member
// commits the proposal in this epoch.
func (g *Group) ProposeUpdate(identity *Identity, authenticated []byte) ([]byte, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	pair, err := secret.GenerateKeyPair(g.suite)
	if err != nil {
		return nil, err
	}
	leaf, signer := identity.leaf(g.state.Tree.Leaf(g.own), g.signer, pair.Public)
	leaf.Source = wire.SourceUpdate
	if err := leaf.Sign(g.suite, signer, g.ID(), g.own); err != nil {
		return nil, err
	}
	message, err := g.Propose(&wire.Update{Leaf: leaf}, authenticated)
	if err != nil {
		return nil, err
	}
	g.updates = append(g.updates, ownUpdate{pair, signer})
	return message, nil
}

// Seal encrypts a message of the application to the members. authenticated is
// sent along in the clear, signed. The state must be stored before the message
// leaves, or its key may be used for another.
func (g *Group) Seal(plaintext, authenticated []byte) ([]byte, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	a := &wire.AuthenticatedContent{Format: wire.FormatPrivate, Content: wire.FramedContent{
		GroupID: g.ID(), Epoch: g.Epoch(), Sender: wire.Sender{Type: wire.SenderMember, Leaf: g.own},
		AuthenticatedData: authenticated, Type: wire.ContentApplication, Application: plaintext,
	}}
	if err := a.Sign(g.suite, g.signer, &g.state.Context); err != nil {
		return nil, err
	}
	m, err := protectPrivate(g.suite, a, g.messages, g.secrets.senderData, g.cfg.padding)
	if err != nil {
		return nil, err
	}
	return (&wire.Message{Private: m}).Marshal(), nil
}
