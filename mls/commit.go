package mls

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// CommitOptions say what a commit does, besides committing the valid proposals
// received in this epoch. The zero value only does that, or if there are none,
// renews the committer's keys.
type CommitOptions struct {
	Add       []*wire.KeyPackage
	Remove    []wire.LeafIndex
	Proposals []wire.Proposal // others, by value
	// Path renews the committer's keys even if nothing demands it: that is, if
	// all that is committed is adds and pre-shared keys.
	Path bool
	// Identity replaces the committer's signature key, credential or
	// capabilities. It implies Path.
	Identity *Identity
	// Authenticated is sent along in the clear, signed.
	Authenticated []byte
	// OnlyThese leaves the proposals received in this epoch uncommitted.
	OnlyThese bool
}

// An Identity is what a member can change about its leaf. What is nil stays.
type Identity struct {
	Signer       suite.Signer
	Credential   *wire.Credential
	Capabilities *wire.Capabilities
	Extensions   wire.Extensions
}

// leaf returns a copy of old with the identity's changes and a new encryption
// key, not signed yet, and the signer that is to sign it.
func (id *Identity) leaf(old *wire.LeafNode, signer suite.Signer, key []byte) (*wire.LeafNode, suite.Signer) {
	leaf := old.Clone()
	leaf.EncryptionKey = key
	leaf.Lifetime, leaf.ParentHash, leaf.Signature = wire.Lifetime{}, nil, nil
	if id == nil {
		return leaf, signer
	}
	if id.Signer != nil {
		signer = id.Signer
		leaf.SignatureKey = signer.Public()
	}
	if id.Credential != nil {
		leaf.Credential = *id.Credential
	}
	if id.Capabilities != nil {
		leaf.Capabilities = *id.Capabilities
	}
	if id.Extensions != nil {
		leaf.Extensions = id.Extensions
	}
	return leaf, signer
}

// A Pending is a commit that has been made and not merged. All of it is MLS
// messages.
type Pending struct {
	Epoch     uint64 // that the commit leads to
	Commit    []byte // for the members
	Welcome   []byte // for the new members; nil if there are none
	GroupInfo []byte // of the new epoch, with its tree and external key
}

// pendingCommit is a Pending with the epoch it leads to.
type pendingCommit struct {
	Pending
	next *nextEpoch
}

// Commit makes a commit and keeps it pending: it counts once the delivery
// service has accepted it and [Group.MergePending] is called. State is stored
// before the commit is sent, and the welcome is sent after the commit is
// accepted.
func (g *Group) Commit(opt CommitOptions) (*Pending, error) { return g.commitFrom(nil, opt) }

// commitFrom makes a commit, in a group that continues parent if that is not
// nil.
func (g *Group) commitFrom(parent *Group, opt CommitOptions) (*Pending, error) {
	if err := g.usable(); err != nil {
		return nil, err
	}
	if g.pending != nil {
		return nil, ErrPending
	}
	var own []epoch.Sent
	sender := wire.Sender{Type: wire.SenderMember, Leaf: g.own}
	for _, p := range opt.proposals() {
		own = append(own, epoch.Sent{Proposal: p, Sender: sender})
	}
	change, err := g.plan(own, opt.OnlyThese)
	if err != nil {
		return nil, err
	}
	psks, err := g.cfg.lookupPSKs(change.PSKs, g, parent)
	if err != nil {
		return nil, err
	}
	c := &commitBuilder{group: g, state: g.state, signer: g.signer, change: change, psks: psks, init: g.secrets.init}
	if change.PathRequired || opt.Path || opt.Identity != nil {
		if err := c.addPath(change.Tree.Leaf(g.own), opt.Identity); err != nil {
			return nil, err
		}
	}
	pending, err := c.build(sender, opt.Authenticated)
	if err != nil {
		return nil, err
	}
	g.pending = pending
	out := pending.Pending
	return &out, nil
}

// proposals returns the commit's own proposals.
func (o *CommitOptions) proposals() []wire.Proposal {
	list := append([]wire.Proposal(nil), o.Proposals...)
	for _, leaf := range o.Remove {
		list = append(list, &wire.Remove{Removed: leaf})
	}
	for _, k := range o.Add {
		list = append(list, &wire.Add{KeyPackage: k})
	}
	return list
}

// plan applies our own proposals and, unless told otherwise, those received. One
// received that cannot be committed together with the rest is left out: nobody
// can keep us from committing by proposing nonsense.
func (g *Group) plan(own []epoch.Sent, onlyThese bool) (*epoch.Change, error) {
	checks, sender := g.cfg.checksNow(), wire.Sender{Type: wire.SenderMember, Leaf: g.own}
	try := func(list []epoch.Sent) (*epoch.Change, error) {
		change, err := g.state.Plan(checks, sender, list)
		if err != nil {
			return nil, err
		}
		return change, change.Settle()
	}
	var received []epoch.Sent
	if !onlyThese {
		received = g.withoutConflicts(g.state.Pick(checks, g.own), own)
	}
	if len(received) == 0 {
		return try(own)
	}
	all := append(append([]epoch.Sent(nil), received...), own...)
	if change, err := try(all); err == nil {
		return change, nil
	}
	// Adding them one by one finds those that do not go with the others. Our
	// own come first, or they would be the ones to lose.
	list := own
	change, err := try(list)
	if err != nil {
		return nil, err
	}
	for _, p := range received {
		more := append(list[:len(list):len(list)], p)
		if c, err := try(more); err == nil {
			list, change = more, c
		}
	}
	return change, nil
}

// withoutConflicts returns those of received that our own proposals do not
// replace, and whose pre-shared keys we and those we add can have.
func (g *Group) withoutConflicts(received, own []epoch.Sent) []epoch.Sent {
	removed := make(map[wire.LeafIndex]bool)
	added := make(map[string]bool)
	extensions, reinit := false, false
	for _, p := range own {
		switch q := p.Proposal.(type) {
		case *wire.Remove:
			removed[q.Removed] = true
		case *wire.Add:
			added[string(q.KeyPackage.Leaf.SignatureKey)] = true
		case *wire.GroupContextExtensions:
			extensions = true
		case *wire.ReInit:
			reinit = true
		}
	}
	adding := len(added) > 0 || slices.ContainsFunc(received, func(p epoch.Sent) bool {
		return p.Proposal.Type() == wire.ProposalAdd
	})
	var keep []epoch.Sent
	for _, p := range received {
		drop := reinit
		switch q := p.Proposal.(type) {
		case *wire.Remove:
			drop = drop || removed[q.Removed]
		case *wire.Update:
			drop = drop || removed[p.Sender.Leaf]
		case *wire.Add:
			drop = drop || added[string(q.KeyPackage.Leaf.SignatureKey)]
		case *wire.GroupContextExtensions:
			drop = drop || extensions
		case *wire.ReInit:
			drop = drop || len(own) > 0
		case *wire.PreSharedKey:
			// Somebody new cannot know the key of an epoch before its own.
			_, err := g.cfg.lookupPSK(q.ID, []*Group{g})
			drop = drop || err != nil || adding && q.ID.Type == wire.PSKResumption
		}
		if !drop {
			keep = append(keep, p)
		}
	}
	return keep
}

// A commitBuilder turns a planned change into a commit.
type commitBuilder struct {
	group  *Group // nil for an external commit
	state  *epoch.State
	signer suite.Signer // of the commit
	change *epoch.Change
	psks   []pskValue
	init   []byte // init secret of the epoch before

	path       *wire.UpdatePath
	secrets    *pathSecrets
	leaf       *secret.KeyPair
	leafSigner suite.Signer // of the new leaf, and so of the group info
}

// addPath gives the committer's leaf, until now old, and the nodes above it new
// keys (RFC 9420, section 7.5).
func (c *commitBuilder) addPath(old *wire.LeafNode, identity *Identity) error {
	s, t, own := c.state.Suite, c.change.Tree, c.change.Committer
	pair, err := secret.GenerateKeyPair(s)
	if err != nil {
		return err
	}
	c.leaf = pair
	c.secrets, err = derivePath(s, secret.Random(s.HashSize()), len(t.FilteredDirectPath(own)))
	if err != nil {
		return err
	}
	leaf, signer := identity.leaf(old, c.signer, pair.Public)
	leaf.Source = wire.SourceCommit
	if leaf.ParentHash, err = t.SetPath(own, c.secrets.publicKeys()); err != nil {
		return err
	}
	if err := leaf.Sign(s, signer, c.state.Context.GroupID, own); err != nil {
		return err
	}
	if err := t.SetLeaf(own, leaf); err != nil {
		return err
	}
	if err := t.CheckLeaf(own, leaf, c.state.Context.GroupID, c.change.Extensions); err != nil {
		return err
	}
	if err := c.change.Settle(); err != nil {
		return err
	}
	context := c.change.Context()
	nodes, err := c.secrets.sealPath(s, t, own, c.change.Added, &context)
	if err != nil {
		return err
	}
	c.path = &wire.UpdatePath{Leaf: leaf, Nodes: nodes}
	c.leafSigner = signer
	return nil
}

// build makes the commit, the epoch after it, and what new members need (RFC
// 9420, section 12.4.1).
func (c *commitBuilder) build(sender wire.Sender, authenticated []byte) (*pendingCommit, error) {
	s, old := c.state.Suite, &c.state.Context
	commit := &wire.Commit{Path: c.path}
	for _, p := range c.change.Proposals {
		if p.Ref != nil {
			commit.Proposals = append(commit.Proposals, wire.ProposalOrRef{Reference: p.Ref})
			continue
		}
		commit.Proposals = append(commit.Proposals, wire.ProposalOrRef{Proposal: p.Proposal})
	}
	a := &wire.AuthenticatedContent{Format: wire.FormatPublic, Content: wire.FramedContent{
		GroupID: old.GroupID, Epoch: old.Epoch, Sender: sender,
		AuthenticatedData: authenticated, Type: wire.ContentCommit, Commit: commit,
	}}
	if c.group != nil && c.group.cfg.PrivateHandshakes {
		a.Format = wire.FormatPrivate
	}
	if err := a.Sign(s, c.signer, old); err != nil {
		return nil, err
	}
	commitSecret := make([]byte, s.HashSize())
	if c.secrets != nil {
		commitSecret = c.secrets.commit
	}
	defer secret.Wipe(commitSecret)
	epochAfter, joiner, psk, err := followingEpoch(c.change, a, c.init, commitSecret, c.psks)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(joiner, psk)
	next := &nextEpoch{state: epochAfter.state, secrets: epochAfter.secrets, own: c.change.Committer, signer: c.signer}
	a.ConfirmationTag = next.secrets.confirmationTag(s, next.state.Context.ConfirmedTranscriptHash)
	next.state.Confirm(a.ConfirmationTag)
	c.takeKeys(next)
	return c.wrap(a, next, joiner, psk)
}

// takeKeys gives the next epoch its private keys and its signer.
func (c *commitBuilder) takeKeys(next *nextEpoch) {
	next.keys = make(treeKeys)
	if c.group != nil {
		next.keys = c.group.keys.clone()
	}
	if c.path != nil {
		next.keys[leafNode(next.own)] = c.leaf
		for i, step := range next.state.Tree.FilteredDirectPath(next.own) {
			next.keys[step.Node] = c.secrets.keys[i]
		}
		next.signer = c.leafSigner
	}
	next.keys.prune(next.state.Tree)
}

// wrap makes the messages of the commit a.
func (c *commitBuilder) wrap(a *wire.AuthenticatedContent, next *nextEpoch, joiner, psk []byte) (*pendingCommit, error) {
	p := &pendingCommit{Pending: Pending{Epoch: next.state.Context.Epoch}, next: next}
	info, err := signedGroupInfo(next, true)
	if err != nil {
		return nil, err
	}
	p.GroupInfo = (&wire.Message{GroupInfo: info}).Marshal()
	if len(c.change.Added) > 0 {
		welcome, err := c.welcome(info, next, joiner, psk)
		if err != nil {
			return nil, err
		}
		p.Welcome = (&wire.Message{Welcome: welcome}).Marshal()
	}
	if c.secrets != nil {
		c.secrets.wipe()
	}
	if a.Format == wire.FormatPrivate {
		g := c.group
		m, err := protectPrivate(g.suite, a, g.messages, g.secrets.senderData, g.cfg.padding)
		if err != nil {
			return nil, err
		}
		p.Commit = (&wire.Message{Private: m}).Marshal()
		return p, nil
	}
	var membership []byte
	if c.group != nil {
		membership = c.group.secrets.membership
	}
	m := protectPublic(c.state.Suite, a, &c.state.Context, membership)
	p.Commit = (&wire.Message{Public: m}).Marshal()
	return p, nil
}

// welcomeLabel is the label under which group secrets are sealed.
const welcomeLabel = "Welcome"

// welcome lets the added members in (RFC 9420, section 12.4.3.1).
func (c *commitBuilder) welcome(info *wire.GroupInfo, next *nextEpoch, joiner, psk []byte) (*wire.Welcome, error) {
	s := c.state.Suite
	key, err := welcomeKey(s, joiner, psk)
	if err != nil {
		return nil, err
	}
	defer key.wipe()
	w := &wire.Welcome{Suite: s.ID()}
	if w.EncryptedGroupInfo, err = secret.SealAEAD(s, key.key, key.nonce, nil, info.Marshal()); err != nil {
		return nil, err
	}
	steps := next.state.Tree.FilteredDirectPath(next.own)
	for i, kp := range c.change.Packages {
		secrets := &wire.GroupSecrets{JoinerSecret: joiner, PSKs: c.change.PSKs}
		if c.secrets != nil {
			for k, step := range steps {
				if step.Copath.Above(leafNode(c.change.Added[i])) {
					secrets.PathSecret = c.secrets.path[k]
				}
			}
		}
		plain := secrets.Marshal()
		output, sealed, err := secret.SealWithLabel(s, kp.InitKey, welcomeLabel, w.EncryptedGroupInfo, plain)
		secret.Wipe(plain)
		if err != nil {
			return nil, fmt.Errorf("seal welcome: %w", err)
		}
		w.Secrets = append(w.Secrets, wire.EncryptedGroupSecrets{
			NewMember: kp.Ref(s),
			Sealed:    wire.HPKECiphertext{KEMOutput: output, Ciphertext: sealed},
		})
	}
	return w, nil
}

// welcomeKey is what a welcome's group info is encrypted with.
func welcomeKey(s *suite.Suite, joiner, psk []byte) (k messageKey, err error) {
	welcome, err := welcomeSecret(s, joiner, psk)
	if err != nil {
		return messageKey{}, err
	}
	defer secret.Wipe(welcome)
	if k.key, err = secret.ExpandWithLabel(s, welcome, "key", nil, s.KeySize()); err != nil {
		return messageKey{}, err
	}
	k.nonce, err = secret.ExpandWithLabel(s, welcome, "nonce", nil, s.NonceSize())
	return k, err
}

// followingEpoch computes the state and secrets of the epoch after the commit a.
// Its keys are for the caller to fill in.
func followingEpoch(change *epoch.Change, a *wire.AuthenticatedContent, initSecret, commitSecret []byte, psks []pskValue) (next *nextEpoch, joiner, psk []byte, err error) {
	state := change.Next(a)
	s := state.Suite
	if psk, err = pskSecret(s, psks); err != nil {
		return nil, nil, nil, err
	}
	if joiner, err = joinerSecret(s, initSecret, commitSecret, &state.Context); err != nil {
		return nil, nil, nil, err
	}
	secrets, err := deriveEpoch(s, joiner, psk, &state.Context)
	if err != nil {
		return nil, nil, nil, err
	}
	return &nextEpoch{state: state, secrets: secrets}, joiner, psk, nil
}

// HasPending reports whether a commit is pending.
func (g *Group) HasPending() bool { return g.pending != nil }

// Pending returns the pending commit, or nil.
func (g *Group) Pending() *Pending {
	if g.pending == nil {
		return nil
	}
	out := g.pending.Pending
	return &out
}

// MergePending applies the pending commit. It is called when the delivery
// service has accepted the commit as the one of its epoch.
func (g *Group) MergePending() error {
	if g.pending == nil {
		return ErrNoPending
	}
	g.enter(g.pending.next)
	return nil
}

// DiscardPending forgets the pending commit, if there is one. It is called when
// the delivery service has accepted another; [Group.Merge] does so by itself.
func (g *Group) DiscardPending() {
	if g.pending == nil {
		return
	}
	g.pending.next.keys.wipeUnlessIn(g.keys)
	g.pending.next.secrets.wipe()
	g.pending = nil
}

// isPending reports whether message is the pending commit.
func (g *Group) isPending(message []byte) bool {
	return g.pending != nil && bytes.Equal(g.pending.Commit, message)
}
