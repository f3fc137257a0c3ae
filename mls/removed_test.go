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
