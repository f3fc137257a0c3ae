package mls

import (
	"bytes"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

type treeKEMCase struct {
	CipherSuite             suite.ID      `json:"cipher_suite"`
	GroupID                 vectors.Bytes `json:"group_id"`
	Epoch                   uint64
	ConfirmedTranscriptHash vectors.Bytes `json:"confirmed_transcript_hash"`
	RatchetTree             vectors.Bytes `json:"ratchet_tree"`
	LeavesPrivate           []struct {
		Index          wire.LeafIndex
		EncryptionPriv vectors.Bytes `json:"encryption_priv"`
		SignaturePriv  vectors.Bytes `json:"signature_priv"`
		PathSecrets    []struct {
			Node       tree.NodeIndex
			PathSecret vectors.Bytes `json:"path_secret"`
		} `json:"path_secrets"`
	} `json:"leaves_private"`
	UpdatePaths []struct {
		Sender        wire.LeafIndex
		UpdatePath    vectors.Bytes   `json:"update_path"`
		PathSecrets   []vectors.Bytes `json:"path_secrets"`
		CommitSecret  vectors.Bytes   `json:"commit_secret"`
		TreeHashAfter vectors.Bytes   `json:"tree_hash_after"`
	} `json:"update_paths"`
}

// keys returns the private keys of each leaf.
func (c *treeKEMCase) keys(t *testing.T, s *suite.Suite, public *tree.Tree) map[wire.LeafIndex]treeKeys {
	t.Helper()
	all := make(map[wire.LeafIndex]treeKeys)
	for _, l := range c.LeavesPrivate {
		pair, err := secret.ParseKeyPair(s, l.EncryptionPriv)
		if err != nil {
			t.Fatal(err)
		}
		k := treeKeys{treemath.FromLeaf(uint32(l.Index)): pair}
		for _, p := range l.PathSecrets {
			derived, err := derivePath(s, bytes.Clone(p.PathSecret), 1)
			if err != nil {
				t.Fatal(err)
			}
			k[p.Node] = derived.keys[0]
		}
		before := len(k)
		k.prune(public)
		if len(k) != before {
			t.Fatalf("leaf %d: private keys do not fit the tree", l.Index)
		}
		all[l.Index] = k
	}
	return all
}

func TestVectorsTreeKEM(t *testing.T) {
	var cases []treeKEMCase
	vectors.Load(t, "treekem.json", &cases)
	for n, c := range cases {
		forSuite(t, c.CipherSuite, n, func(t *testing.T, s *suite.Suite) {
			if testing.Short() && len(c.LeavesPrivate) > 8 {
				t.Skip("large tree")
			}
			before, err := tree.Parse(s, c.RatchetTree)
			if err != nil {
				t.Fatal(err)
			}
			keys := c.keys(t, s, before)
			for _, u := range c.UpdatePaths {
				path, err := wire.ParseUpdatePath(u.UpdatePath)
				if err != nil {
					t.Fatal(err)
				}
				after := before.Clone()
				if err := after.ApplyPath(u.Sender, path, nil); err != nil {
					t.Fatal(err)
				}
				wantBytes(t, "tree hash", after.Hash(), u.TreeHashAfter)
				context := &wire.GroupContext{
					Version: wire.MLS10, Suite: s.ID(), GroupID: c.GroupID, Epoch: c.Epoch,
					TreeHash: after.Hash(), ConfirmedTranscriptHash: c.ConfirmedTranscriptHash,
				}
				receive := func(path *wire.UpdatePath, after *tree.Tree, want []byte) {
					for own, k := range keys {
						if own == u.Sender {
							continue
						}
						k = k.clone()
						got, err := k.openPath(s, after, own, u.Sender, path, nil, context)
						if err != nil {
							t.Errorf("leaf %d receives from %d: %v", own, u.Sender, err)
							continue
						}
						wantBytes(t, "commit secret", got, want)
						node := treemath.CommonAncestor(treemath.FromLeaf(uint32(own)), treemath.FromLeaf(uint32(u.Sender)))
						derived, err := derivePath(s, bytes.Clone(u.PathSecrets[own]), 1)
						if err != nil {
							t.Fatal(err)
						}
						if len(want) == len(u.CommitSecret) && bytes.Equal(want, u.CommitSecret) {
							wantBytes(t, "key of the common ancestor", k[node].Private, derived.keys[0].Private)
						}
					}
				}
				receive(path, after, u.CommitSecret)

				// A new path of our own for the same sender.
				own := before.Clone()
				secrets, err := derivePath(s, secret.Random(s.HashSize()), len(own.FilteredDirectPath(u.Sender)))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := own.SetPath(u.Sender, secrets.publicKeys()); err != nil {
					t.Fatal(err)
				}
				context.TreeHash = own.Hash()
				nodes, err := secrets.sealPath(s, own, u.Sender, nil, context)
				if err != nil {
					t.Fatal(err)
				}
				receive(&wire.UpdatePath{Leaf: path.Leaf, Nodes: nodes}, own, secrets.commit)
			}
		})
	}
}
