package mls

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// internalTeam returns n members of one group, added by one commit.
func internalTeam(t testing.TB, id suite.ID, n int) []*Group {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Credentials: AnyCredential{}}
	var all []*Group
	var packages []*wire.KeyPackage
	var secrets []*KeyPackageSecret
	var signers []suite.Signer
	for i := range n {
		signer, err := s.NewSigner()
		if err != nil {
			t.Fatal(err)
		}
		cred := wire.BasicCredential(fmt.Appendf(nil, "member %d", i))
		if i == 0 {
			g, err := Create(cfg, s, []byte("group"), signer, cred, CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, g)
			continue
		}
		k, err := NewKeyPackage(cfg, s, signer, cred, KeyPackageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		packages, secrets, signers = append(packages, k.Package()), append(secrets, k), append(signers, signer)
	}
	p, err := all[0].Commit(CommitOptions{Add: packages, Path: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := all[0].MergePending(); err != nil {
		t.Fatal(err)
	}
	for i, k := range secrets {
		g, err := Join(cfg, signers[i], k, p.Welcome, JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

// TestARemovedMemberCannotFollow plays a removed member who keeps all it had and
// does all it can with the commit that removes it.
func TestARemovedMemberCannotFollow(t *testing.T) {
	for _, id := range suite.All() {
		t.Run(id.String(), func(t *testing.T) {
			all := internalTeam(t, id, 5)
			for removed := 1; removed < 5; removed++ {
				p, err := all[0].Commit(CommitOptions{Remove: []wire.LeafIndex{wire.LeafIndex(removed)}})
				if err != nil {
					t.Fatal(err)
				}
				g := all[removed]
				m, err := wire.ParseMessage(p.Commit)
				if err != nil {
					t.Fatal(err)
				}
				a := &m.Public.AuthenticatedContent
				change, err := g.state.Stage(g.cfg.checksLater(), a)
				if err != nil {
					t.Fatal(err)
				}
				context := change.Context()
				// With no care for which key is meant for whom: each key it ever
				// had, on each ciphertext there is.
				for _, pair := range g.keys {
					for _, node := range a.Content.Commit.Path.Nodes {
						for _, c := range node.Ciphertexts {
							if _, err := secret.OpenWithLabel(g.suite, pair.Private, pathLabel, context.Marshal(), c.KEMOutput, c.Ciphertext); !errors.Is(err, secret.ErrDecrypt) {
								t.Fatalf("member %d opens a path secret after its removal: %v", removed, err)
							}
						}
					}
				}
				// And the init secret that it has, with no commit secret.
				next, _, _, err := followingEpoch(change, a, g.secrets.init, make([]byte, g.suite.HashSize()), nil)
				if err != nil {
					t.Fatal(err)
				}
				if suite.Equal(next.secrets.confirmationTag(g.suite, next.state.Context.ConfirmedTranscriptHash), a.ConfirmationTag) {
					t.Fatal("the commit secret does not matter")
				}
				all[0].DiscardPending()
			}
		})
	}
}

// TestAMemberCannotSpeakForAnother: a member has all the group's keys but the
// others' signature keys.
func TestAMemberCannotSpeakForAnother(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 3)
	alice, mallory := all[0], all[1]
	for _, kind := range []wire.ContentType{wire.ContentApplication, wire.ContentProposal} {
		a := &wire.AuthenticatedContent{Format: wire.FormatPrivate, Content: wire.FramedContent{
			GroupID: mallory.ID(), Epoch: mallory.Epoch(), Sender: wire.Sender{Type: wire.SenderMember, Leaf: 2},
			Type: kind, Application: []byte("I am bob"), Proposal: &wire.Remove{Removed: 1},
		}}
		if err := a.Sign(mallory.suite, mallory.signer, &mallory.state.Context); err != nil {
			t.Fatal(err)
		}
		m, err := protectPrivate(mallory.suite, a, mallory.messages, mallory.secrets.senderData, padToBucket)
		if err != nil {
			t.Fatal(err)
		}
		if event, err := alice.Receive((&wire.Message{Private: m}).Marshal()); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("private: %+v, %v", event, err)
		}
		a.Format = wire.FormatPublic
		if err := a.Sign(mallory.suite, mallory.signer, &mallory.state.Context); err != nil {
			t.Fatal(err)
		}
		p := protectPublic(mallory.suite, a, &mallory.state.Context, mallory.secrets.membership)
		if event, err := alice.Receive((&wire.Message{Public: p}).Marshal()); err == nil {
			t.Errorf("public: %+v", event)
		}
	}
	// What bob says himself is still read, with the same keys of his.
	m, err := all[2].Seal([]byte("I am bob"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Receive(m); err != nil {
		t.Errorf("bob himself: %v", err)
	}
}

// TestNobodyOutsideSpeaks: a public message by a member needs the membership
// key, which the delivery service lacks even if it had a member's signature.
func TestNobodyOutsideSpeaks(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 2)
	message, err := all[1].Propose(&wire.Remove{Removed: 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.ParseMessage(message)
	if err != nil {
		t.Fatal(err)
	}
	tag := m.Public.MembershipTag
	for _, bad := range [][]byte{nil, tag[:len(tag)-1], append(append([]byte(nil), tag...), 0), make([]byte, len(tag))} {
		m.Public.MembershipTag = bad
		if event, err := all[0].Receive(m.Marshal()); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("membership tag of %d bytes: %+v, %v", len(bad), event, err)
		}
	}
	p, err := all[1].Commit(CommitOptions{OnlyThese: true})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = wire.ParseMessage(p.Commit); err != nil {
		t.Fatal(err)
	}
	// Mallory, a member, signs a commit whose secrets nobody else can have.
	m.Public.ConfirmationTag = make([]byte, len(m.Public.ConfirmationTag))
	m.Public.MembershipTag = all[1].suite.MAC(all[1].secrets.membership, m.Public.MembershipInput(&all[1].state.Context))
	if event, err := all[0].Receive(m.Marshal()); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("confirmation tag: %+v, %v", event, err)
	}
}

// TestAWelcomeIsConfirmed: a member makes a welcome whose group info it signed
// and whose confirmation tag does not follow from the secrets.
func TestAWelcomeIsConfirmed(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 2)
	g := all[0]
	signer, err := g.suite.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKeyPackage(g.cfg, g.suite, signer, wire.BasicCredential([]byte("new")), KeyPackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := g.Commit(CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
	if err != nil {
		t.Fatal(err)
	}
	forge := func(change func(*wire.GroupInfo)) error {
		m, err := wire.ParseMessage(p.Welcome)
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := openGroupSecrets(g.suite, k, m.Welcome)
		if err != nil {
			t.Fatal(err)
		}
		psk, err := pskSecret(g.suite, nil)
		if err != nil {
			t.Fatal(err)
		}
		info, err := openGroupInfo(g.suite, m.Welcome, secrets.JoinerSecret, psk)
		if err != nil {
			t.Fatal(err)
		}
		change(info)
		if err := info.Sign(g.suite, g.signer); err != nil {
			t.Fatal(err)
		}
		key, err := welcomeKey(g.suite, secrets.JoinerSecret, psk)
		if err != nil {
			t.Fatal(err)
		}
		w := m.Welcome
		if w.EncryptedGroupInfo, err = secret.SealAEAD(g.suite, key.key, key.nonce, nil, info.Marshal()); err != nil {
			t.Fatal(err)
		}
		sealed := &w.Secrets[0].Sealed
		if sealed.KEMOutput, sealed.Ciphertext, err = secret.SealWithLabel(g.suite, k.pkg.InitKey, welcomeLabel, w.EncryptedGroupInfo, secrets.Marshal()); err != nil {
			t.Fatal(err)
		}
		_, err = Join(g.cfg, signer, k, m.Marshal(), JoinOptions{})
		return err
	}
	if err := forge(func(*wire.GroupInfo) {}); err != nil {
		t.Errorf("what was not changed: %v", err)
	}
	for name, change := range map[string]func(*wire.GroupInfo){
		"another tag":        func(i *wire.GroupInfo) { i.ConfirmationTag = make([]byte, len(i.ConfirmationTag)) },
		"a shorter tag":      func(i *wire.GroupInfo) { i.ConfirmationTag = i.ConfirmationTag[:31] },
		"no tag":             func(i *wire.GroupInfo) { i.ConfirmationTag = nil },
		"another transcript": func(i *wire.GroupInfo) { i.Context.ConfirmedTranscriptHash = make([]byte, 32) },
		"another epoch":      func(i *wire.GroupInfo) { i.Context.Epoch++ },
	} {
		if err := forge(change); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeysFollowTheTree: a member keeps private keys of those nodes only that
// have their public keys now.
func TestKeysFollowTheTree(t *testing.T) {
	all := internalTeam(t, suite.P256AES128, 8)
	step := func(by int, opt CommitOptions) {
		t.Helper()
		p, err := all[by].Commit(opt)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range all {
			if i == by {
				if err := g.MergePending(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			event, err := g.Receive(p.Commit)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Merge(event.(*Staged)); err != nil {
				t.Fatal(err)
			}
		}
	}
	step(7, CommitOptions{})
	step(3, CommitOptions{})
	held := all[7].keys[leafNode(7).Parent()]
	step(0, CommitOptions{Remove: []wire.LeafIndex{6}})
	if held == nil || !wiped(held.Private) {
		t.Error("the key of a node that is blank now is left")
	}
	for i, g := range all {
		if i == 6 {
			continue
		}
		if n := len(g.keys); n < 2 {
			t.Errorf("member %d holds %d keys", i, n)
		}
		for x, pair := range g.keys {
			if !suite.Equal(pair.Public, g.state.Tree.EncryptionKey(x)) {
				t.Errorf("member %d holds an old key of node %d", i, x)
			}
		}
	}
}
