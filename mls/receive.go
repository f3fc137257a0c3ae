package mls

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// An Event is what a message that [Group.Receive] accepted says: an
// [*Application], a [*Proposed] or a [*Staged]. All that it holds is verified.
type Event interface{ event() }

// An Application is a message of the application.
type Application struct {
	Sender        wire.LeafIndex
	Member        Member // who Sender was in Epoch
	Epoch         uint64
	Generation    uint32 // how many messages the sender sent in Epoch before
	Data          []byte
	Authenticated []byte // sent in the clear beside Data
}

// Proposed is a proposal, which is now known and can be committed.
type Proposed struct {
	Ref           []byte
	Sender        wire.Sender
	Proposal      wire.Proposal
	Authenticated []byte
}

// Staged is a commit that is verified and not applied yet: [Group.Merge] does
// that. Until then the group is as before, and a Staged may be dropped.
type Staged struct {
	Epoch       uint64 // that the commit leads to
	Committer   Member // in the new epoch
	External    bool   // the committer joins by this commit
	Added       []Member
	Removed     []Member
	Updated     []wire.LeafIndex // who got new keys, the committer too if there is a path
	Proposals   []wire.Proposal
	Extensions  wire.Extensions // of the group context in the new epoch
	SelfRemoved bool            // this client is removed; the rest is not verified to be what others see
	ReInit      *wire.ReInit    // the commit ends the group

	Authenticated []byte

	base *epoch.State
	next *nextEpoch
}

func (*Application) event() {}
func (*Proposed) event()    {}
func (*Staged) event()      {}

// Members returns the members of the new epoch.
func (s *Staged) Members() []Member {
	if s.next == nil {
		return nil
	}
	return membersOf(s.next.state.Tree)
}

// Discard wipes the secrets of a staged commit that is not going to be merged.
func (s *Staged) Discard() {
	if s.next != nil {
		s.next.secrets.wipe()
		s.next = nil
	}
	s.base = nil
}

// Receive verifies a message, an MLS message of the group, and returns what it
// says. The content of an application message can be had once: its key is then
// gone. A proposal is remembered until its epoch ends. A commit is staged.
func (g *Group) Receive(message []byte) (Event, error) {
	if g.isPending(message) {
		return nil, ErrOwnCommit
	}
	// What is kept of a message must not change when the caller uses its buffer
	// again.
	m, err := wire.ParseMessage(bytes.Clone(message))
	if err != nil {
		return nil, err
	}
	switch {
	case m.Public != nil:
		return g.receivePublic(m.Public)
	case m.Private != nil:
		return g.receivePrivate(m.Private)
	default:
		return nil, fmt.Errorf("%w: wire format %d in a group", ErrMalformed, m.Format())
	}
}

func (g *Group) receivePublic(m *wire.PublicMessage) (Event, error) {
	if err := g.state.Address(m.Content.GroupID, m.Content.Epoch); err != nil {
		return nil, err
	}
	if err := g.usable(); err != nil {
		return nil, err
	}
	if err := checkMembership(g.suite, m, &g.state.Context, g.secrets.membership); err != nil {
		return nil, err
	}
	return g.handshake(&m.AuthenticatedContent)
}

func (g *Group) receivePrivate(m *wire.PrivateMessage) (Event, error) {
	if !bytes.Equal(m.GroupID, g.ID()) {
		return nil, ErrWrongGroup
	}
	if m.Type == wire.ContentApplication && (m.Epoch < g.Epoch() || g.removed) {
		return g.receiveLate(m)
	}
	if err := g.state.Address(m.GroupID, m.Epoch); err != nil {
		return nil, err
	}
	if g.removed {
		return nil, ErrRemoved
	}
	data, err := g.senderData(m, g.secrets.senderData)
	if err != nil {
		return nil, err
	}
	o, err := openPrivate(g.suite, m, data, g.messages, g.cfg.maxForward())
	if err != nil {
		return nil, err
	}
	if m.Type == wire.ContentApplication {
		leaf := g.state.Tree.Leaf(data.Leaf)
		if leaf == nil {
			o.key.drop()
			return nil, fmt.Errorf("%w: sent by nobody", ErrUnauthenticated)
		}
		return g.application(o, &g.state.Context, memberOf(data.Leaf, leaf))
	}
	event, err := g.handshake(o.content)
	// A commit may be staged more than once, so its key stays until the epoch
	// ends; a proposal's goes once it is known.
	if _, proposed := event.(*Proposed); err == nil && proposed {
		o.key.use()
	} else {
		o.key.drop()
	}
	return event, err
}

// senderData opens the sender data, and refuses our own messages: their keys
// are those we send with.
func (g *Group) senderData(m *wire.PrivateMessage, key []byte) (wire.SenderData, error) {
	data, err := openSenderData(g.suite, m, key)
	if err != nil {
		return wire.SenderData{}, err
	}
	if data.Leaf == g.own {
		return wire.SenderData{}, ErrOwnMessage
	}
	return data, nil
}

// receiveLate reads an application message of an epoch that has passed. Its
// sender is looked up among the members of that epoch.
func (g *Group) receiveLate(m *wire.PrivateMessage) (Event, error) {
	for _, p := range g.past {
		if p.context.Epoch != m.Epoch {
			continue
		}
		data, err := openSenderData(g.suite, m, p.senderData)
		if err != nil {
			return nil, err
		}
		if data.Leaf == p.own {
			return nil, ErrOwnMessage
		}
		sender, found := p.members[data.Leaf]
		if !found {
			return nil, fmt.Errorf("%w: sent by nobody", ErrUnauthenticated)
		}
		o, err := openPrivate(g.suite, m, data, p.messages, g.cfg.maxForward())
		if err != nil {
			return nil, err
		}
		return g.application(o, &p.context, sender)
	}
	if g.removed && m.Epoch >= g.Epoch() {
		return nil, ErrRemoved
	}
	return nil, ErrStaleEpoch
}

// application verifies a decrypted application message.
func (g *Group) application(o *opened, context *wire.GroupContext, sender Member) (Event, error) {
	if err := o.content.Verify(g.suite, sender.SignatureKey, context); err != nil {
		o.key.drop()
		return nil, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	o.key.use()
	return &Application{
		Sender: sender.Leaf, Member: sender,
		Epoch: context.Epoch, Generation: o.generation,
		Data: o.content.Content.Application, Authenticated: o.content.Content.AuthenticatedData,
	}, nil
}

// handshake verifies a proposal or commit of this epoch.
func (g *Group) handshake(a *wire.AuthenticatedContent) (Event, error) {
	if err := g.state.Authenticate(a); err != nil {
		if errors.Is(err, suite.ErrBadSignature) {
			err = fmt.Errorf("%w: %w", ErrUnauthenticated, err)
		}
		return nil, err
	}
	if a.Content.Type == wire.ContentProposal {
		ref, err := g.state.CheckProposal(g.cfg.checksLater(), a)
		if err != nil {
			return nil, err
		}
		if err := g.state.Keep(a); err != nil {
			return nil, err
		}
		return &Proposed{
			Ref: ref, Sender: a.Content.Sender, Proposal: a.Content.Proposal,
			Authenticated: a.Content.AuthenticatedData,
		}, nil
	}
	return g.stage(a)
}

// stage verifies a commit and computes the epoch it leads to (RFC 9420, section
// 12.4.2).
func (g *Group) stage(a *wire.AuthenticatedContent) (*Staged, error) {
	if sender := a.Content.Sender; sender.Type == wire.SenderMember && sender.Leaf == g.own {
		return nil, ErrOwnMessage
	}
	change, err := g.state.Stage(g.cfg.checksLater(), a)
	if err != nil {
		return nil, err
	}
	staged := describe(change, a)
	staged.base = g.state
	if change.RemovedLeaf(g.own) {
		staged.SelfRemoved = true
		return staged, nil
	}
	psks, err := g.cfg.lookupPSKs(change.PSKs, g)
	if err != nil {
		return nil, err
	}
	keys, signer := g.keysAfter(change)
	commitSecret := make([]byte, g.suite.HashSize())
	if path := a.Content.Commit.Path; path != nil {
		context := change.Context()
		commitSecret, err = keys.openPath(g.suite, change.Tree, g.own, change.Committer, path, change.Added, &context)
		if err != nil {
			return nil, err
		}
	}
	defer secret.Wipe(commitSecret)
	initSecret := g.secrets.init
	if change.External {
		if initSecret, err = g.externalInit(change.KEMOutput); err != nil {
			return nil, err
		}
		defer secret.Wipe(initSecret)
	}
	next, joiner, psk, err := followingEpoch(change, a, initSecret, commitSecret, psks)
	if err != nil {
		return nil, err
	}
	secret.Wipe(joiner, psk)
	want := next.secrets.confirmationTag(g.suite, next.state.Context.ConfirmedTranscriptHash)
	if !suite.Equal(want, a.ConfirmationTag) {
		next.secrets.wipe()
		return nil, fmt.Errorf("%w: confirmation tag", ErrUnauthenticated)
	}
	next.own, next.keys, next.signer = g.own, keys, signer
	staged.next = next
	return staged, nil
}

// keysAfter returns the private keys that are left after the change, with those
// of an update of ours that it commits, and our signer.
func (g *Group) keysAfter(change *epoch.Change) (treeKeys, suite.Signer) {
	keys, signer := g.keys.clone(), g.signer
	own := change.Tree.Leaf(g.own)
	for _, u := range g.updates {
		if own != nil && bytes.Equal(own.EncryptionKey, u.pair.Public) {
			keys[leafNode(g.own)], signer = u.pair, u.signer
		}
	}
	keys.prune(change.Tree)
	return keys, signer
}

// externalInit returns the init secret that an external commit chose.
func (g *Group) externalInit(kemOutput []byte) ([]byte, error) {
	pair, err := g.secrets.externalKey(g.suite)
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	return secret.DecapsulateInit(g.suite, pair.Private, kemOutput)
}

// describe says what a change does.
func describe(change *epoch.Change, a *wire.AuthenticatedContent) *Staged {
	s := &Staged{
		Epoch:         a.Content.Epoch + 1,
		External:      change.External,
		Updated:       append([]wire.LeafIndex(nil), change.Updated...),
		Extensions:    change.Extensions,
		ReInit:        change.ReInit,
		Authenticated: a.Content.AuthenticatedData,
	}
	if leaf := change.Tree.Leaf(change.Committer); leaf != nil {
		s.Committer = memberOf(change.Committer, leaf)
	}
	for _, m := range change.AddedMembers() {
		s.Added = append(s.Added, memberOf(m.Leaf, m.Node))
	}
	for _, m := range change.Removed {
		s.Removed = append(s.Removed, memberOf(m.Leaf, m.Node))
	}
	for _, p := range change.Proposals {
		s.Proposals = append(s.Proposals, p.Proposal)
	}
	if a.Content.Commit.Path != nil && !change.External {
		s.Updated = append(s.Updated, change.Committer)
	}
	return s
}
