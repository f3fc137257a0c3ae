package epoch

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// A group is the public half of a group and the signature keys of its members:
// enough to make every message that the rules judge, right or wrong. Nothing in
// it is sealed; tags are made up.
type group struct {
	t       *testing.T
	suite   *suite.Suite
	state   *State
	signers map[wire.LeafIndex]suite.Signer
	outside suite.Signer // an external sender
}

// accept judges credentials for tests: those whose identity is "refused" are.
type accept struct{}

func (accept) ValidateCredential(c wire.Credential, _ []byte) error {
	if string(c.Identity) == "refused" {
		return errors.New("refused")
	}
	return nil
}

// succeed also lets members change their credentials, but for "impostor".
type succeed struct{ accept }

func (succeed) ValidateSuccessor(_, new wire.Credential) error {
	if string(new.Identity) == "impostor" {
		return errors.New("impostor")
	}
	return nil
}

var noon = time.Unix(1_900_000_000, 0)

func checks() Checks { return Checks{Credentials: accept{}, Now: noon} }

func newGroup(t *testing.T, members int) *group {
	t.Helper()
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	g := &group{t: t, suite: s, signers: make(map[wire.LeafIndex]suite.Signer)}
	g.outside = g.signer()
	extensions := wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
		{SignatureKey: g.outside.Public(), Credential: wire.BasicCredential([]byte("hub"))},
	})}
	kp, signer := g.keyPackage(nil)
	tr := tree.New(s, kp.Leaf)
	g.signers[0] = signer
	for range members - 1 {
		kp, signer := g.keyPackage(nil)
		i, err := tr.Add(kp.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		g.signers[i] = signer
	}
	g.state = New(s, wire.GroupContext{
		Version: wire.MLS10, Suite: s.ID(), GroupID: []byte("group"), Epoch: 5,
		TreeHash: tr.Hash(), ConfirmedTranscriptHash: make([]byte, 32), Extensions: extensions,
	}, tr)
	g.state.Confirm(make([]byte, 32))
	for i := range members {
		g.mustCommit(wire.LeafIndex(i), nil)
	}
	return g
}

func (g *group) signer() suite.Signer {
	g.t.Helper()
	signer, err := g.suite.NewSigner()
	if err != nil {
		g.t.Fatal(err)
	}
	return signer
}

func (g *group) key() []byte {
	g.t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	return k.PublicKey().Bytes()
}

func (g *group) check(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// keyPackage returns a key package changed by change and then signed.
func (g *group) keyPackage(change func(*wire.KeyPackage)) (*wire.KeyPackage, suite.Signer) {
	g.t.Helper()
	signer := g.signer()
	return g.keyPackageOf(signer, change), signer
}

func (g *group) keyPackageOf(signer suite.Signer, change func(*wire.KeyPackage)) *wire.KeyPackage {
	g.t.Helper()
	kp := &wire.KeyPackage{
		Version: wire.MLS10, Suite: g.suite.ID(), InitKey: g.key(),
		Leaf: &wire.LeafNode{
			EncryptionKey: g.key(), SignatureKey: signer.Public(),
			Credential: wire.BasicCredential([]byte("member")),
			Capabilities: wire.Capabilities{
				Versions: []wire.Version{wire.MLS10}, Suites: []suite.ID{g.suite.ID()},
				Credentials: []wire.CredentialType{wire.CredentialBasic},
			},
			Source: wire.SourceKeyPackage, Lifetime: wire.Lifetime{NotBefore: uint64(noon.Unix()), NotAfter: uint64(noon.Add(DefaultMaxLifetime).Unix())},
		},
	}
	if change != nil {
		change(kp)
	}
	g.check(kp.Leaf.Sign(g.suite, signer, nil, 0))
	g.check(kp.Sign(g.suite, signer))
	return kp
}

// update returns a leaf by which the member at i replaces its own.
func (g *group) update(i wire.LeafIndex, change func(*wire.LeafNode)) *wire.LeafNode {
	g.t.Helper()
	leaf := g.state.Tree.Leaf(i).Clone()
	leaf.Source, leaf.EncryptionKey = wire.SourceUpdate, g.key()
	if change != nil {
		change(leaf)
	}
	g.check(leaf.Sign(g.suite, g.signers[i], g.state.Context.GroupID, i))
	return leaf
}

// content returns a message of this epoch, signed by signer.
func (g *group) content(sender wire.Sender, signer suite.Signer, c wire.FramedContent) *wire.AuthenticatedContent {
	g.t.Helper()
	c.GroupID, c.Epoch, c.Sender = g.state.Context.GroupID, g.state.Context.Epoch, sender
	a := &wire.AuthenticatedContent{Format: wire.FormatPublic, Content: c}
	if c.Type == wire.ContentCommit {
		a.ConfirmationTag = make([]byte, g.suite.HashSize())
	}
	g.check(a.Sign(g.suite, signer, &g.state.Context))
	return a
}

func member(i wire.LeafIndex) wire.Sender { return wire.Sender{Type: wire.SenderMember, Leaf: i} }

var (
	hub      = wire.Sender{Type: wire.SenderExternal}
	newcomer = wire.Sender{Type: wire.SenderNewMemberCommit}
	hopeful  = wire.Sender{Type: wire.SenderNewMemberProposal}
)

func (g *group) propose(i wire.LeafIndex, p wire.Proposal) *wire.AuthenticatedContent {
	g.t.Helper()
	return g.content(member(i), g.signers[i], wire.FramedContent{Type: wire.ContentProposal, Proposal: p})
}

func (g *group) proposeAs(sender wire.Sender, signer suite.Signer, p wire.Proposal) *wire.AuthenticatedContent {
	g.t.Helper()
	return g.content(sender, signer, wire.FramedContent{Type: wire.ContentProposal, Proposal: p})
}

// keep makes a proposal known and returns it as a commit refers to it.
func (g *group) keep(a *wire.AuthenticatedContent) wire.ProposalOrRef {
	g.t.Helper()
	g.check(g.state.Keep(a))
	return wire.ProposalOrRef{Reference: a.ProposalRef(g.suite)}
}

func values(proposals ...wire.Proposal) []wire.ProposalOrRef {
	var list []wire.ProposalOrRef
	for _, p := range proposals {
		list = append(list, wire.ProposalOrRef{Proposal: p})
	}
	return list
}

// commitContent returns a commit by i with a path, as good as it can be made:
// where the proposals are against the rules the path is for the tree as it is.
func (g *group) commitContent(i wire.LeafIndex, proposals []wire.ProposalOrRef, change func(*wire.Commit)) *wire.AuthenticatedContent {
	g.t.Helper()
	c := &wire.Commit{Proposals: proposals}
	list, err := g.state.Resolve(member(i), c)
	plan := &Change{Tree: g.state.Tree.Clone(), Committer: i}
	if err == nil {
		if p, err := g.state.Plan(Checks{Credentials: succeed{}}, member(i), list); err == nil {
			plan = p
		}
	}
	c.Path = g.path(plan, g.state.Tree.Leaf(i), g.signers[i], nil)
	if change != nil {
		change(c)
	}
	return g.content(member(i), g.signers[i], wire.FramedContent{Type: wire.ContentCommit, Commit: c})
}

// path returns a path for the committer of plan, whose leaf was old. It is
// sealed to nobody really.
func (g *group) path(plan *Change, old *wire.LeafNode, signer suite.Signer, change func(*wire.LeafNode)) *wire.UpdatePath {
	g.t.Helper()
	steps := plan.Tree.FilteredDirectPath(plan.Committer)
	path := &wire.UpdatePath{Leaf: old.Clone()}
	keys := make([][]byte, len(steps))
	for k, step := range steps {
		keys[k] = g.key()
		path.Nodes = append(path.Nodes, wire.UpdatePathNode{
			EncryptionKey: keys[k],
			Ciphertexts:   make([]wire.HPKECiphertext, len(plan.Tree.Receivers(step, plan.Added))),
		})
	}
	hash, err := plan.Tree.Clone().SetPath(plan.Committer, keys)
	g.check(err)
	path.Leaf.EncryptionKey, path.Leaf.Source, path.Leaf.ParentHash = g.key(), wire.SourceCommit, hash
	if change != nil {
		change(path.Leaf)
	}
	g.check(path.Leaf.Sign(g.suite, signer, g.state.Context.GroupID, plan.Committer))
	return path
}

// externalContent returns an external commit by signer.
func (g *group) externalContent(signer suite.Signer, proposals []wire.ProposalOrRef, change func(*wire.LeafNode)) *wire.AuthenticatedContent {
	g.t.Helper()
	c := &wire.Commit{Proposals: proposals}
	leaf := g.keyPackageOf(signer, nil).Leaf
	list, err := g.state.Resolve(newcomer, c)
	plan := &Change{Tree: g.state.Tree.Clone(), External: true}
	if err == nil {
		if p, err := g.state.Plan(Checks{Credentials: succeed{}}, newcomer, list); err == nil {
			plan = p
		}
	}
	g.check(plan.Place(leaf))
	c.Path = g.path(plan, leaf, signer, change)
	return g.content(newcomer, signer, wire.FramedContent{Type: wire.ContentCommit, Commit: c})
}

// judge does what a receiver does with a message.
func (g *group) judge(k Checks, a *wire.AuthenticatedContent) error {
	if err := g.state.Authenticate(a); err != nil {
		return err
	}
	if a.Content.Type == wire.ContentProposal {
		_, err := g.state.CheckProposal(k, a)
		return err
	}
	_, err := g.state.Stage(k, a)
	return err
}

// mustCommit applies a commit by i.
func (g *group) mustCommit(i wire.LeafIndex, proposals []wire.ProposalOrRef) *Change {
	g.t.Helper()
	a := g.commitContent(i, proposals, nil)
	g.check(g.state.Authenticate(a))
	c, err := g.state.Stage(checks(), a)
	g.check(err)
	g.state = c.Next(a)
	g.check(g.state.Tree.Validate(g.state.Context.GroupID, g.state.Context.Extensions))
	return c
}

func wantRule(t *testing.T, name string, err error) {
	t.Helper()
	var broken *rule.ValidationError
	if !errors.As(err, &broken) || broken.Rule != name {
		t.Errorf("%v, want an error of rule %s", err, name)
	}
}
