package epoch

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// judged is a message of a group that breaks a rule.
type judged struct {
	name string
	rule string
	make func(*group) *wire.AuthenticatedContent
}

func run(t *testing.T, cases []judged) {
	t.Helper()
	g := newGroup(t, 4)
	base := g.state
	for _, c := range cases {
		t.Run(c.rule+" "+c.name, func(t *testing.T) {
			g.t, g.state = t, base.Clone()
			before := g.state.Context.Marshal()
			wantRule(t, c.rule, g.judge(checks(), c.make(g)))
			if !bytes.Equal(g.state.Context.Marshal(), before) || !bytes.Equal(g.state.Tree.Hash(), base.Tree.Hash()) {
				t.Error("a refused message changed the group")
			}
		})
	}
}

func add(g *group, change func(*wire.KeyPackage)) *wire.Add {
	kp, _ := g.keyPackage(change)
	return &wire.Add{KeyPackage: kp}
}

func psk(id string, nonce int) *wire.PreSharedKey {
	return &wire.PreSharedKey{ID: wire.PreSharedKeyID{Type: wire.PSKExternal, ID: []byte(id), Nonce: make([]byte, nonce)}}
}

func resumption(usage wire.ResumptionUsage) *wire.PreSharedKey {
	return &wire.PreSharedKey{ID: wire.PreSharedKeyID{
		Type: wire.PSKResumption, Usage: usage, GroupID: []byte("old"), Epoch: 1, Nonce: make([]byte, 32),
	}}
}

func TestFramingRules(t *testing.T) {
	run(t, []judged{
		{"application data not encrypted", "6-1", func(g *group) *wire.AuthenticatedContent {
			return g.content(member(1), g.signers[1], wire.FramedContent{Type: wire.ContentApplication, Application: []byte("x")})
		}},
		{"external sender commits", "6-2", func(g *group) *wire.AuthenticatedContent {
			return g.content(hub, g.outside, wire.FramedContent{Type: wire.ContentCommit, Commit: &wire.Commit{}})
		}},
		{"newcomer proposes a remove", "6-3", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(hopeful, g.signer(), &wire.Remove{Removed: 0})
		}},
		{"newcomer commits without a path", "6-4", func(g *group) *wire.AuthenticatedContent {
			return g.content(newcomer, g.signer(), wire.FramedContent{Type: wire.ContentCommit, Commit: &wire.Commit{Proposals: values(&wire.ExternalInit{})}})
		}},
		{"newcomer proposes under the name of a commit", "6-4", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(newcomer, g.signer(), &wire.Remove{Removed: 0})
		}},
		{"signed by another member", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			return g.content(member(1), g.signers[2], wire.FramedContent{Type: wire.ContentProposal, Proposal: &wire.Remove{Removed: 0}})
		}},
		{"changed after signing", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			a := g.propose(1, &wire.Remove{Removed: 0})
			a.Content.AuthenticatedData = []byte("x")
			return a
		}},
		{"signed as a private message", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			a := g.propose(1, &wire.Remove{Removed: 0})
			a.Format = wire.FormatPrivate
			return a
		}},
		{"signed for another state of the group", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			a := g.propose(1, &wire.Remove{Removed: 0})
			context := g.state.Context
			context.TreeHash = make([]byte, 32)
			g.check(a.Sign(g.suite, g.signers[1], &context))
			return a
		}},
		{"signature empty", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			a := g.propose(1, &wire.Remove{Removed: 0})
			a.Signature = nil
			return a
		}},
		{"newcomer signs with another key than it brings", "6.1-1", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(hopeful, g.signer(), add(g, nil))
		}},
		{"from a blank leaf", "6.1-2", func(g *group) *wire.AuthenticatedContent {
			return g.content(member(4), g.signers[1], wire.FramedContent{Type: wire.ContentProposal, Proposal: &wire.Remove{Removed: 0}})
		}},
		{"from a leaf beyond every tree", "6.1-2", func(g *group) *wire.AuthenticatedContent {
			return g.content(member(wire.MaxLeafIndex), g.signers[1], wire.FramedContent{Type: wire.ContentProposal, Proposal: &wire.Remove{Removed: 0}})
		}},
		{"confirmation tag cut", "6.1-3", func(g *group) *wire.AuthenticatedContent {
			a := g.commitContent(0, nil, nil)
			a.ConfirmationTag = a.ConfirmationTag[:31]
			return a
		}},
		{"confirmation tag missing", "6.1-3", func(g *group) *wire.AuthenticatedContent {
			a := g.commitContent(0, nil, nil)
			a.ConfirmationTag = nil
			return a
		}},
		{"external sender in private", "12.1.8-1", func(g *group) *wire.AuthenticatedContent {
			a := g.proposeAs(hub, g.outside, &wire.Remove{Removed: 0})
			a.Format = wire.FormatPrivate
			g.check(a.Sign(g.suite, g.outside, &g.state.Context))
			return a
		}},
		{"external sender not named", "12.1.8.1-1", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(wire.Sender{Type: wire.SenderExternal, Index: 1}, g.outside, &wire.Remove{Removed: 0})
		}},
		{"external sender with the last index", "12.1.8.1-1", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(wire.Sender{Type: wire.SenderExternal, Index: 1<<32 - 1}, g.outside, &wire.Remove{Removed: 0})
		}},
	})
}

// TestSendersThatNobodyCanBe checks a second line of defence: no message that
// parses has such a sender, or a commit by one.
func TestSendersThatNobodyCanBe(t *testing.T) {
	g := newGroup(t, 2)
	wantRule(t, "6-5", g.judge(checks(), g.proposeAs(wire.Sender{Type: 9}, g.signers[0], &wire.Remove{Removed: 0})))
	_, err := g.state.Plan(checks(), hub, nil)
	wantRule(t, "12.4-1", err)
	_, err = g.state.Plan(checks(), member(9), nil)
	wantRule(t, "6.1-2", err)
	update := g.content(member(9), g.signers[0], wire.FramedContent{Type: wire.ContentProposal, Proposal: &wire.Update{Leaf: g.update(0, nil)}})
	_, err = g.state.CheckProposal(checks(), update)
	wantRule(t, "6.1-2", err)
}

func TestAddressing(t *testing.T) {
	g := newGroup(t, 2)
	for _, c := range []struct {
		name   string
		change func(*wire.FramedContent)
		want   error
	}{
		{"another group", func(c *wire.FramedContent) { c.GroupID = []byte("other") }, ErrWrongGroup},
		{"part of the group's id", func(c *wire.FramedContent) { c.GroupID = c.GroupID[:2] }, ErrWrongGroup},
		{"the epoch before", func(c *wire.FramedContent) { c.Epoch-- }, ErrStaleEpoch},
		{"the epoch after", func(c *wire.FramedContent) { c.Epoch++ }, ErrFutureEpoch},
		{"the last epoch there is", func(c *wire.FramedContent) { c.Epoch = 1<<64 - 1 }, ErrFutureEpoch},
	} {
		a := g.propose(1, &wire.Remove{Removed: 0})
		c.change(&a.Content)
		g.check(a.Sign(g.suite, g.signers[1], &g.state.Context))
		if err := g.judge(checks(), a); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestProposalRules(t *testing.T) {
	propose := func(p func(*group) wire.Proposal) func(*group) *wire.AuthenticatedContent {
		return func(g *group) *wire.AuthenticatedContent { return g.propose(1, p(g)) }
	}
	adding := func(change func(*wire.KeyPackage)) func(*group) *wire.AuthenticatedContent {
		return propose(func(g *group) wire.Proposal { return add(g, change) })
	}
	updating := func(change func(*wire.LeafNode)) func(*group) *wire.AuthenticatedContent {
		return propose(func(g *group) wire.Proposal { return &wire.Update{Leaf: g.update(1, change)} })
	}
	run(t, []judged{
		{"add whose credential is refused", "7.3-1", adding(func(k *wire.KeyPackage) { k.Leaf.Credential.Identity = []byte("refused") })},
		{"add with a broken leaf signature", "7.3-2", propose(func(g *group) wire.Proposal {
			kp, signer := g.keyPackage(nil)
			kp.Leaf.Signature = bytes.Clone(kp.Leaf.Signature)
			kp.Leaf.Signature[10] ^= 1
			g.check(kp.Sign(g.suite, signer))
			return &wire.Add{KeyPackage: kp}
		})},
		{"add of a key package that has expired", "7.3-5", adding(func(k *wire.KeyPackage) { k.Leaf.Lifetime.NotAfter = uint64(noon.Unix()) - 1 })},
		{"add of a key package for later", "7.3-5", adding(func(k *wire.KeyPackage) { k.Leaf.Lifetime.NotBefore = uint64(noon.Unix()) + 1 })},
		{"add of a key package that is valid for too long", "7.2-1", adding(func(k *wire.KeyPackage) {
			k.Leaf.Lifetime.NotAfter = k.Leaf.Lifetime.NotBefore + uint64(DefaultMaxLifetime/time.Second) + 1
		})},
		{"add of a leaf of another source", "7.3-7", adding(func(k *wire.KeyPackage) { k.Leaf.Source = wire.SourceUpdate })},
		{"add with a bad encryption key", "7.3-10", adding(func(k *wire.KeyPackage) { k.Leaf.EncryptionKey = []byte{4, 5} })},
		{"add of another suite", "10.1-1", adding(func(k *wire.KeyPackage) { k.Suite = suite.X25519AES128 })},
		{"add of another version", "10.1-1", adding(func(k *wire.KeyPackage) { k.Version = 2 })},
		{"add not signed by its leaf", "10.1-3", propose(func(g *group) wire.Proposal {
			kp, _ := g.keyPackage(nil)
			g.check(kp.Sign(g.suite, g.signer()))
			return &wire.Add{KeyPackage: kp}
		})},
		{"add with one key for two purposes", "10.1-4", adding(func(k *wire.KeyPackage) { k.InitKey = k.Leaf.EncryptionKey })},
		{"add with a bad init key", "10.1-5", adding(func(k *wire.KeyPackage) { k.InitKey = k.InitKey[:64] })},

		{"update that changes the credential", "5.3.1-1", updating(func(l *wire.LeafNode) { l.Credential.Identity = []byte("someone else") })},
		{"update whose credential is refused", "7.3-1", updating(func(l *wire.LeafNode) { l.Credential.Identity = []byte("refused") })},
		{"update signed for another leaf", "7.3-2", propose(func(g *group) wire.Proposal { return &wire.Update{Leaf: g.update(2, nil)} })},
		{"update of another source", "7.3-7", updating(func(l *wire.LeafNode) { l.Source = wire.SourceCommit })},
		{"update that keeps the key", "12.1.2-1", propose(func(g *group) wire.Proposal {
			return &wire.Update{Leaf: g.update(1, func(l *wire.LeafNode) { l.EncryptionKey = g.state.Tree.Leaf(1).EncryptionKey })}
		})},
		{"remove of a blank leaf", "12.1.3-1", propose(func(*group) wire.Proposal { return &wire.Remove{Removed: 4} })},
		{"remove of a leaf beyond the tree", "12.1.3-1", propose(func(*group) wire.Proposal { return &wire.Remove{Removed: wire.MaxLeafIndex} })},
		{"reinit key in a group under way", "12.1.4-1", propose(func(*group) wire.Proposal { return resumption(wire.UsageReInit) })},
		{"branch key in a group under way", "12.1.4-2", propose(func(*group) wire.Proposal { return resumption(wire.UsageBranch) })},
		{"short nonce", "12.1.4-3", propose(func(*group) wire.Proposal { return psk("a", 31) })},
		{"no nonce", "12.1.4-3", propose(func(*group) wire.Proposal { return psk("a", 0) })},
		{"reinit to an older version", "12.1.5-1", propose(func(*group) wire.Proposal { return &wire.ReInit{Version: 0} })},
		{"external sender updates a leaf", "12.1.8-2", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(hub, g.outside, &wire.Update{Leaf: g.update(0, nil)})
		}},
		{"external sender proposes an external init", "12.1.8-3", func(g *group) *wire.AuthenticatedContent {
			return g.proposeAs(hub, g.outside, &wire.ExternalInit{KEMOutput: []byte("x")})
		}},
		{"member proposes an external init", "12.2-10", propose(func(*group) wire.Proposal { return &wire.ExternalInit{} })},
		{"external sender whose credential is refused", "7.3-1", propose(func(g *group) wire.Proposal {
			return &wire.GroupContextExtensions{Extensions: wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
				{SignatureKey: g.outside.Public(), Credential: wire.BasicCredential([]byte("refused"))},
			})}}
		})},
	})
}

func TestMalformedExtensionsAreRefused(t *testing.T) {
	g := newGroup(t, 2)
	for _, typ := range []wire.ExtensionType{wire.ExtensionRequiredCapabilities, wire.ExtensionExternalSenders} {
		p := g.propose(1, &wire.GroupContextExtensions{Extensions: wire.Extensions{{Type: typ, Data: []byte{0, 0, 0, 7}}}})
		if err := g.judge(checks(), p); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("extension %d with a byte after it: %v", typ, err)
		}
	}
}

func TestCommitRules(t *testing.T) {
	commit := func(proposals func(*group) []wire.ProposalOrRef) func(*group) *wire.AuthenticatedContent {
		return func(g *group) *wire.AuthenticatedContent { return g.commitContent(0, proposals(g), nil) }
	}
	withoutPath := func(proposals func(*group) []wire.ProposalOrRef) func(*group) *wire.AuthenticatedContent {
		return func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, proposals(g), func(c *wire.Commit) { c.Path = nil })
		}
	}
	leaf := func(change func(*wire.LeafNode)) func(*group) *wire.AuthenticatedContent {
		return func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) {
				change(c.Path.Leaf)
				g.check(c.Path.Leaf.Sign(g.suite, g.signers[0], g.state.Context.GroupID, 0))
			})
		}
	}
	run(t, []judged{
		{"of a bad proposal", "12.1.3-1", commit(func(*group) []wire.ProposalOrRef { return values(&wire.Remove{Removed: 9}) })},
		{"of its own update", "12.2-2", commit(func(g *group) []wire.ProposalOrRef { return values(&wire.Update{Leaf: g.update(0, nil)}) })},
		{"of its own update by reference", "12.2-2", commit(func(g *group) []wire.ProposalOrRef {
			return []wire.ProposalOrRef{g.keep(g.propose(0, &wire.Update{Leaf: g.update(0, nil)}))}
		})},
		{"that removes its committer", "12.2-3", commit(func(*group) []wire.ProposalOrRef { return values(&wire.Remove{Removed: 0}) })},
		{"that removes its committer by another's proposal", "12.2-3", commit(func(g *group) []wire.ProposalOrRef {
			return []wire.ProposalOrRef{g.keep(g.propose(1, &wire.Remove{Removed: 0}))}
		})},
		{"of two removes of one leaf", "12.2-4", commit(func(*group) []wire.ProposalOrRef {
			return values(&wire.Remove{Removed: 2}, &wire.Remove{Removed: 2})
		})},
		{"of an update and a remove of one leaf", "12.2-4", commit(func(g *group) []wire.ProposalOrRef {
			return append(values(&wire.Remove{Removed: 2}), g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)})))
		})},
		{"of two updates of one leaf", "12.2-4", commit(func(g *group) []wire.ProposalOrRef {
			return []wire.ProposalOrRef{
				g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)})),
				g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)})),
			}
		})},
		{"that adds one client twice", "12.2-5", commit(func(g *group) []wire.ProposalOrRef {
			signer := g.signer()
			return values(&wire.Add{KeyPackage: g.keyPackageOf(signer, nil)}, &wire.Add{KeyPackage: g.keyPackageOf(signer, nil)})
		})},
		{"that adds a member", "12.2-6", commit(func(g *group) []wire.ProposalOrRef {
			return values(&wire.Add{KeyPackage: g.keyPackageOf(g.signers[2], nil)})
		})},
		{"that adds the committer", "12.2-6", commit(func(g *group) []wire.ProposalOrRef {
			return values(&wire.Add{KeyPackage: g.keyPackageOf(g.signers[0], nil)})
		})},
		{"of one pre-shared key twice", "12.2-7", commit(func(*group) []wire.ProposalOrRef { return values(psk("a", 32), psk("a", 32)) })},
		{"of extensions twice", "12.2-8", commit(func(*group) []wire.ProposalOrRef {
			return values(&wire.GroupContextExtensions{}, &wire.GroupContextExtensions{})
		})},
		{"of a reinit with something else", "12.2-9", commit(func(*group) []wire.ProposalOrRef {
			return values(&wire.ReInit{Version: wire.MLS10}, psk("a", 32))
		})},
		{"of two reinits", "12.2-9", commit(func(*group) []wire.ProposalOrRef {
			return values(&wire.ReInit{Version: wire.MLS10}, &wire.ReInit{Version: wire.MLS10})
		})},
		{"of an external init", "12.2-10", commit(func(*group) []wire.ProposalOrRef { return values(&wire.ExternalInit{}) })},
		{"that adds a key of another member", "7.3-8", commit(func(g *group) []wire.ProposalOrRef {
			return values(add(g, func(k *wire.KeyPackage) { k.Leaf.EncryptionKey = g.state.Tree.Leaf(3).EncryptionKey }))
		})},
		{"that adds a node's key", "12.4.3.1-7", commit(func(g *group) []wire.ProposalOrRef {
			return values(add(g, func(k *wire.KeyPackage) { k.Leaf.EncryptionKey = g.state.Tree.Parent(5).EncryptionKey }))
		})},
		{"of extensions that a member lacks", "7.3-3", commit(func(*group) []wire.ProposalOrRef {
			return values(&wire.GroupContextExtensions{Extensions: wire.Extensions{{Type: 0xff01}}})
		})},
		{"of required capabilities that a member lacks", "7.3-3", commit(func(*group) []wire.ProposalOrRef {
			need := wire.RequiredCapabilities{Credentials: []wire.CredentialType{wire.CredentialX509}}
			return values(&wire.GroupContextExtensions{Extensions: wire.Extensions{need.Extension()}})
		})},
		{"that adds somebody with another type of credential", "7.3-4", commit(func(g *group) []wire.ProposalOrRef {
			return values(add(g, func(k *wire.KeyPackage) {
				k.Leaf.Credential = wire.X509Credential([][]byte{{1}})
				k.Leaf.Capabilities.Credentials = []wire.CredentialType{wire.CredentialBasic, wire.CredentialX509}
			}))
		})},

		{"of nothing, without a path", "12.4-2", withoutPath(func(*group) []wire.ProposalOrRef { return nil })},
		{"of a remove, without a path", "12.4-2", withoutPath(func(*group) []wire.ProposalOrRef { return values(&wire.Remove{Removed: 2}) })},
		{"of an update, without a path", "12.4-2", withoutPath(func(g *group) []wire.ProposalOrRef {
			return []wire.ProposalOrRef{g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)}))}
		})},
		{"of extensions, without a path", "12.4-2", withoutPath(func(g *group) []wire.ProposalOrRef {
			return values(&wire.GroupContextExtensions{Extensions: g.state.Context.Extensions})
		})},
		{"of an add and a remove, without a path", "12.4-2", withoutPath(func(g *group) []wire.ProposalOrRef {
			return values(add(g, nil), &wire.Remove{Removed: 2})
		})},
		{"of the hub's remove, without a path", "12.4-2", withoutPath(func(g *group) []wire.ProposalOrRef {
			return []wire.ProposalOrRef{g.keep(g.proposeAs(hub, g.outside, &wire.Remove{Removed: 2}))}
		})},

		{"whose path changes the credential", "5.3.1-1", leaf(func(l *wire.LeafNode) { l.Credential.Identity = []byte("someone else") })},
		{"whose path's credential is refused", "7.3-1", leaf(func(l *wire.LeafNode) { l.Credential.Identity = []byte("refused") })},
		{"whose path's leaf is not signed", "7.3-2", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) { c.Path.Leaf.Signature = []byte{0} })
		}},
		{"whose path's leaf is signed for another place", "7.3-2", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) {
				g.check(c.Path.Leaf.Sign(g.suite, g.signers[0], g.state.Context.GroupID, 1))
			})
		}},
		{"whose path's leaf has another source", "7.3-7", leaf(func(l *wire.LeafNode) { l.Source = wire.SourceUpdate })},
		{"whose path keeps the key", "12.1.2-1", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) {
				c.Path.Leaf.EncryptionKey = g.state.Tree.Leaf(0).EncryptionKey
				g.check(c.Path.Leaf.Sign(g.suite, g.signers[0], g.state.Context.GroupID, 0))
			})
		}},
		{"whose path has a key of the tree", "12.4.2-6", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) { c.Path.Nodes[0].EncryptionKey = g.state.Tree.Leaf(2).EncryptionKey })
		}},
		{"whose path has a new member's key", "12.4.2-6", func(g *group) *wire.AuthenticatedContent {
			a := add(g, nil)
			return g.commitContent(0, values(a), func(c *wire.Commit) { c.Path.Nodes[0].EncryptionKey = a.KeyPackage.Leaf.EncryptionKey })
		}},
		{"whose path is short", "7.5-1", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) { c.Path.Nodes = c.Path.Nodes[:1] })
		}},
		{"whose path is sealed to too few", "7.6-1", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, nil, func(c *wire.Commit) { c.Path.Nodes[1].Ciphertexts = nil })
		}},
		{"whose path is for the removed too", "7.6-1", func(g *group) *wire.AuthenticatedContent {
			return g.commitContent(0, values(&wire.Remove{Removed: 1}, &wire.Remove{Removed: 2}), func(c *wire.Commit) {
				c.Path.Nodes[0].Ciphertexts = append(c.Path.Nodes[0].Ciphertexts, wire.HPKECiphertext{})
			})
		}},
		{"whose path leads nowhere", "7.9-2", leaf(func(l *wire.LeafNode) { l.ParentHash = make([]byte, 32) })},
	})
}

func TestExternalCommitRules(t *testing.T) {
	join := func(proposals func(*group) []wire.ProposalOrRef) func(*group) *wire.AuthenticatedContent {
		return func(g *group) *wire.AuthenticatedContent { return g.externalContent(g.signer(), proposals(g), nil) }
	}
	init := &wire.ExternalInit{KEMOutput: []byte("kem")}
	run(t, []judged{
		{"without an external init", "12.2-e1", join(func(*group) []wire.ProposalOrRef { return nil })},
		{"with two", "12.2-e1", join(func(*group) []wire.ProposalOrRef { return values(init, init) })},
		{"with two removes", "12.2-e2", join(func(*group) []wire.ProposalOrRef {
			return values(init, &wire.Remove{Removed: 1}, &wire.Remove{Removed: 2})
		})},
		{"with an add", "12.2-e4", join(func(g *group) []wire.ProposalOrRef { return values(init, add(g, nil)) })},
		{"with an update", "12.2-e4", join(func(g *group) []wire.ProposalOrRef { return values(init, &wire.Update{Leaf: g.update(1, nil)}) })},
		{"with a reinit", "12.2-e4", join(func(*group) []wire.ProposalOrRef { return values(init, &wire.ReInit{Version: 1}) })},
		{"with extensions", "12.2-e4", join(func(*group) []wire.ProposalOrRef { return values(init, &wire.GroupContextExtensions{}) })},
		{"with one pre-shared key twice", "12.2-7", join(func(*group) []wire.ProposalOrRef { return values(init, psk("a", 32), psk("a", 32)) })},
		{"with a remove of nobody", "12.1.3-1", join(func(*group) []wire.ProposalOrRef { return values(init, &wire.Remove{Removed: 8}) })},
		{"with a proposal by reference", "12.4.3.2-1", join(func(g *group) []wire.ProposalOrRef {
			return append(values(init), g.keep(g.propose(1, &wire.Remove{Removed: 2})))
		})},
		{"with an unknown reference", "12.4.3.2-1", join(func(*group) []wire.ProposalOrRef {
			return append(values(init), wire.ProposalOrRef{Reference: make([]byte, 32)})
		})},
		{"whose credential is refused", "7.3-1", func(g *group) *wire.AuthenticatedContent {
			return g.externalContent(g.signer(), values(init), func(l *wire.LeafNode) { l.Credential.Identity = []byte("refused") })
		}},
		{"by a member who stays", "7.3-8", func(g *group) *wire.AuthenticatedContent {
			return g.externalContent(g.signers[1], values(init), nil)
		}},
		{"with a key of the tree", "12.4.2-6", func(g *group) *wire.AuthenticatedContent {
			return g.externalContent(g.signer(), values(init), func(l *wire.LeafNode) { l.EncryptionKey = g.state.Tree.Leaf(1).EncryptionKey })
		}},
		{"with a leaf of a key package", "7.3-7", func(g *group) *wire.AuthenticatedContent {
			return g.externalContent(g.signer(), values(init), func(l *wire.LeafNode) { l.Source = wire.SourceKeyPackage })
		}},
		{"that removes somebody else", "12.2-e2", func(g *group) *wire.AuthenticatedContent {
			return g.externalContent(g.signer(), values(init, &wire.Remove{Removed: 1}), func(l *wire.LeafNode) { l.Credential.Identity = []byte("someone else") })
		}},
	})

	g := newGroup(t, 4)
	for name, proposals := range map[string][]wire.ProposalOrRef{
		"alone":                   values(init),
		"with a pre-shared key":   values(init, psk("a", 32)),
		"in place of an old self": values(&wire.Remove{Removed: 0}, init),
	} {
		a := g.externalContent(g.signer(), proposals, nil)
		g.check(g.state.Authenticate(a))
		c, err := g.state.Stage(checks(), a)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if added := c.AddedMembers(); len(added) != 1 || added[0].Leaf != c.Committer {
			t.Errorf("%s: added %v", name, added)
		}
		if err := c.Tree.Validate(g.state.Context.GroupID, g.state.Context.Extensions); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRules(t *testing.T) {
	g := newGroup(t, 3)
	open := func(change func(*wire.GroupInfo)) error {
		info := &wire.GroupInfo{
			Context: g.state.Context, ConfirmationTag: g.state.ConfirmationTag, Signer: 1,
			Extensions: wire.Extensions{{Type: wire.ExtensionRatchetTree, Data: g.state.Tree.Marshal()}},
		}
		if change != nil {
			change(info)
		}
		g.check(info.Sign(g.suite, g.signers[1]))
		_, err := Open(checks(), info, nil)
		return err
	}
	if err := open(nil); err != nil {
		t.Fatal(err)
	}
	wantRule(t, "12.4.3.1-1", open(func(i *wire.GroupInfo) { i.Context.Version = 2 }))
	wantRule(t, "12.4.3.1-1", open(func(i *wire.GroupInfo) { i.Context.Suite = 4 }))
	wantRule(t, "12.4.3.1-2", open(func(i *wire.GroupInfo) { i.Signer = 2 }))
	wantRule(t, "12.4.3.1-2", open(func(i *wire.GroupInfo) { i.Signer = 3 }))
	wantRule(t, "12.4.3.1-2", open(func(i *wire.GroupInfo) { i.Signer = wire.MaxLeafIndex }))
	wantRule(t, "12.4.3.1-3", open(func(i *wire.GroupInfo) { i.Extensions = nil }))
	wantRule(t, "12.4.3.1-3", open(func(i *wire.GroupInfo) { i.Context.TreeHash = make([]byte, 32) }))
	wantRule(t, "12.4.3.1-3", open(func(i *wire.GroupInfo) { i.Context.TreeHash = i.Context.TreeHash[:16] }))
	wantRule(t, "7.3-2", open(func(i *wire.GroupInfo) { i.Context.GroupID = []byte("another") }))
	wantRule(t, "7.3-3", open(func(i *wire.GroupInfo) { i.Context.Extensions = wire.Extensions{{Type: 0xff01}} }))
	wantRule(t, "7.3-1", open(func(i *wire.GroupInfo) {
		i.Context.Extensions = wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
			{SignatureKey: []byte("x"), Credential: wire.BasicCredential([]byte("refused"))},
		})}
	}))

	for broken, change := range map[string]func(*wire.LeafNode){
		"7.3-1": func(l *wire.LeafNode) { l.Credential.Identity = []byte("refused") },
		"7.2-1": func(l *wire.LeafNode) { l.Lifetime.NotAfter++ },
	} {
		tr := g.state.Tree.Clone()
		kp, _ := g.keyPackage(func(k *wire.KeyPackage) { change(k.Leaf) })
		if _, err := tr.Add(kp.Leaf); err != nil {
			t.Fatal(err)
		}
		wantRule(t, broken, open(func(i *wire.GroupInfo) {
			i.Context.TreeHash = tr.Hash()
			i.Extensions = wire.Extensions{{Type: wire.ExtensionRatchetTree, Data: tr.Marshal()}}
		}))
	}
	if _, err := Open(Checks{}, &wire.GroupInfo{Context: g.state.Context}, nil); err == nil {
		t.Error("opened without a validator")
	}
}

func TestNothingIsAcceptedWithoutAValidator(t *testing.T) {
	g := newGroup(t, 2)
	for _, a := range []*wire.AuthenticatedContent{
		g.propose(0, add(g, nil)),
		g.propose(0, &wire.Update{Leaf: g.update(0, nil)}),
		g.commitContent(0, nil, nil),
		g.externalContent(g.signer(), values(&wire.ExternalInit{}), nil),
	} {
		if err := g.judge(Checks{}, a); !errors.Is(err, ErrNoValidator) {
			t.Errorf("%v", err)
		}
	}
}

func TestSuccessors(t *testing.T) {
	g := newGroup(t, 2)
	k := Checks{Credentials: succeed{}}
	renamed := func(name string) *wire.AuthenticatedContent {
		return g.propose(1, &wire.Update{Leaf: g.update(1, func(l *wire.LeafNode) { l.Credential.Identity = []byte(name) })})
	}
	if err := g.judge(k, renamed("renewed")); err != nil {
		t.Error(err)
	}
	wantRule(t, "5.3.1-1", g.judge(k, renamed("impostor")))
}

// TestEndedGroup checks that nothing happens in a group after its reinit.
func TestEndedGroup(t *testing.T) {
	g := newGroup(t, 3)
	if c := g.mustCommit(0, values(&wire.ReInit{GroupID: []byte("new"), Version: wire.MLS10, Suite: 2})); c.ReInit == nil {
		t.Fatal("no reinit")
	}
	back, err := Parse(g.state.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	g.state = back
	wantRule(t, "11.2-1", g.judge(checks(), g.propose(1, &wire.Remove{Removed: 0})))
	wantRule(t, "11.2-1", g.judge(checks(), g.commitContent(1, nil, nil)))
	wantRule(t, "11.2-1", g.judge(checks(), g.externalContent(g.signer(), values(&wire.ExternalInit{}), nil)))
}

func TestUnknownProposal(t *testing.T) {
	g := newGroup(t, 3)
	ref := g.keep(g.propose(1, &wire.Remove{Removed: 2}))
	if err := g.judge(checks(), g.commitContent(0, []wire.ProposalOrRef{ref}, nil)); err != nil {
		t.Error(err)
	}
	g.state.Forget(ref.Reference)
	a := g.commitContent(0, []wire.ProposalOrRef{ref}, nil)
	if err := g.judge(checks(), a); !errors.Is(err, ErrUnknownProposal) {
		t.Errorf("%v", err)
	}
	// A new epoch knows none of the old one's proposals.
	ref = g.keep(g.propose(1, &wire.Remove{Removed: 2}))
	g.mustCommit(0, nil)
	if g.state.Find(ref.Reference) != nil {
		t.Error("a proposal outlives its epoch")
	}
}

// TestOrder checks that proposals are applied in the order of section 12.3,
// whatever their order in the commit: the newcomer takes the place of the one
// removed, and what must be supported is judged with the new extensions.
func TestOrder(t *testing.T) {
	g := newGroup(t, 4)
	update := g.keep(g.propose(3, &wire.Update{Leaf: g.update(3, nil)}))
	list := append(values(add(g, nil), &wire.Remove{Removed: 1}, &wire.GroupContextExtensions{}), update)
	c := g.mustCommit(0, list)
	if !slices.Equal(c.Added, []wire.LeafIndex{1}) || len(c.Removed) != 1 || !slices.Equal(c.Updated, []wire.LeafIndex{3}) {
		t.Errorf("added %v, removed %v, updated %v", c.Added, c.Removed, c.Updated)
	}
	if len(g.state.Context.Extensions) != 0 {
		t.Error("old extensions remain")
	}
}

func TestReplacedInOneCommit(t *testing.T) {
	g := newGroup(t, 4)
	again := &wire.Add{KeyPackage: g.keyPackageOf(g.signers[2], nil)}
	c := g.mustCommit(0, values(&wire.Remove{Removed: 2}, again))
	if !slices.Equal(c.Added, []wire.LeafIndex{2}) {
		t.Errorf("added %v", c.Added)
	}
}

// TestLeafZero checks that index 0 is a member like others.
func TestLeafZero(t *testing.T) {
	g := newGroup(t, 3)
	if c := g.mustCommit(1, values(&wire.Remove{Removed: 0})); !c.RemovedLeaf(0) || g.state.Tree.Leaf(0) != nil {
		t.Error("leaf 0 stays")
	}
	wantRule(t, "6.1-2", g.judge(checks(), g.content(member(0), g.signers[0], wire.FramedContent{Type: wire.ContentProposal, Proposal: &wire.Remove{Removed: 1}})))
}

// TestLoneMemberReturns checks an external commit by the only member of a group
// in place of its old self.
func TestLoneMemberReturns(t *testing.T) {
	g := newGroup(t, 1)
	a := g.externalContent(g.signers[0], values(&wire.Remove{Removed: 0}, &wire.ExternalInit{KEMOutput: []byte("k")}), nil)
	g.check(g.state.Authenticate(a))
	c, err := g.state.Stage(checks(), a)
	if err != nil {
		t.Fatal(err)
	}
	if c.Committer != 0 || c.Tree.Size() != 1 {
		t.Errorf("%d members, the newcomer at %d", c.Tree.Size(), c.Committer)
	}
}

func TestPick(t *testing.T) {
	g := newGroup(t, 5)
	g.keep(g.propose(1, &wire.ReInit{Version: wire.MLS10}))
	if got := g.state.Pick(checks(), 0); len(got) != 1 || got[0].Proposal.Type() != wire.ProposalReInit {
		t.Errorf("a reinit alone: %v", got)
	}
	g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)}))
	last := g.keep(g.propose(2, &wire.Update{Leaf: g.update(2, nil)}))
	g.keep(g.propose(3, &wire.Update{Leaf: g.update(3, nil)}))
	g.keep(g.propose(1, &wire.Remove{Removed: 3}))
	g.keep(g.proposeAs(hub, g.outside, &wire.Remove{Removed: 3}))
	g.keep(g.propose(1, &wire.Remove{Removed: 0}))
	g.keep(g.propose(0, &wire.Update{Leaf: g.update(0, nil)}))
	g.keep(g.propose(1, add(g, nil)))
	g.keep(g.propose(1, &wire.Add{KeyPackage: g.keyPackageOf(g.signers[4], nil)}))
	g.keep(g.propose(1, &wire.Add{KeyPackage: g.keyPackageOf(g.signers[3], nil)}))
	g.keep(g.propose(1, psk("a", 32)))
	g.keep(g.propose(4, psk("a", 32)))
	list := g.state.Pick(checks(), 0)
	if _, err := g.state.Plan(checks(), member(0), list); err != nil {
		t.Fatal(err)
	}
	var types []wire.ProposalType
	for _, p := range list {
		types = append(types, p.Proposal.Type())
		if p.Proposal.Type() == wire.ProposalUpdate && !bytes.Equal(p.Ref, last.Reference) {
			t.Error("an update that is not the last of leaf 2")
		}
	}
	slices.Sort(types)
	if want := []wire.ProposalType{1, 1, 2, 3, 4}; !slices.Equal(types, want) {
		t.Errorf("picked %v, want %v", types, want)
	}
}

func TestCacheIsBounded(t *testing.T) {
	g := newGroup(t, 2)
	a := g.propose(0, psk("a", 32))
	g.check(g.state.Keep(a))
	g.check(g.state.Keep(a)) // the same again is no other
	if len(g.state.Cached()) != 1 {
		t.Errorf("%d kept", len(g.state.Cached()))
	}
	for i := 1; i < maxCached; i++ {
		b := *a
		b.Signature = []byte{byte(i), byte(i >> 8)}
		g.check(g.state.Keep(&b))
	}
	b := *a
	b.Signature = nil
	if err := g.state.Keep(&b); !errors.Is(err, ErrTooManyProposals) {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	t := &testing.T{}
	g := newGroup(t, 3)
	g.keep(g.propose(1, &wire.Remove{Removed: 2}))
	f.Add(g.state.Marshal())
	g.state.ReInit = &wire.ReInit{Version: wire.MLS10}
	f.Add(g.state.Marshal())
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Parse(in)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, suite.ErrUnknown) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if got := s.Marshal(); !bytes.Equal(got, in) {
			t.Errorf("two encodings of one state: %x and %x", in, got)
		}
	})
}
