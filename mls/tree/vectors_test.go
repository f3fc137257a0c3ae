package tree

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/vectors"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// known returns the suite, or nil if it is one that we do not offer.
func known(t *testing.T, id uint16) *suite.Suite {
	t.Helper()
	s, err := suite.Lookup(suite.ID(id))
	if err != nil {
		return nil
	}
	return s
}

func TestTreeValidationVectors(t *testing.T) {
	var cases []struct {
		Suite       uint16          `json:"cipher_suite"`
		Tree        vectors.Bytes   `json:"tree"`
		GroupID     vectors.Bytes   `json:"group_id"`
		TreeHashes  []vectors.Bytes `json:"tree_hashes"`
		Resolutions [][]NodeIndex   `json:"resolutions"`
	}
	vectors.Load(t, "tree-validation.json", &cases)
	run := 0
	for n, c := range cases {
		s := known(t, c.Suite)
		if s == nil {
			continue
		}
		run++
		tr, err := Parse(s, c.Tree)
		if err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		if !bytes.Equal(tr.Marshal(), c.Tree) {
			t.Errorf("case %d: marshals otherwise", n)
		}
		if len(tr.nodes) != len(c.TreeHashes) {
			t.Fatalf("case %d: %d nodes, want %d", n, len(tr.nodes), len(c.TreeHashes))
		}
		for x := range tr.nodes {
			if got := tr.HashOf(NodeIndex(x)); !bytes.Equal(got, c.TreeHashes[x]) {
				t.Errorf("case %d: tree hash of node %d is %x, want %x", n, x, got, c.TreeHashes[x])
			}
			if got := tr.Resolution(NodeIndex(x)); !slices.Equal(got, c.Resolutions[x]) {
				t.Errorf("case %d: resolution of node %d is %v, want %v", n, x, got, c.Resolutions[x])
			}
		}
		if err := tr.Validate(c.GroupID, nil); err != nil {
			t.Errorf("case %d: %v", n, err)
		}
	}
	if run < 70 {
		t.Errorf("only %d of %d cases are of suites we offer", run, len(cases))
	}
}

func TestTreeOperationsVectors(t *testing.T) {
	var cases []struct {
		Suite      uint16         `json:"cipher_suite"`
		Proposal   vectors.Bytes  `json:"proposal"`
		Sender     wire.LeafIndex `json:"proposal_sender"`
		Before     vectors.Bytes  `json:"tree_before"`
		After      vectors.Bytes  `json:"tree_after"`
		HashBefore vectors.Bytes  `json:"tree_hash_before"`
		HashAfter  vectors.Bytes  `json:"tree_hash_after"`
	}
	vectors.Load(t, "tree-operations.json", &cases)
	for n, c := range cases {
		s := known(t, c.Suite)
		if s == nil {
			continue
		}
		before, err := Parse(s, c.Before)
		if err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		if !bytes.Equal(before.Hash(), c.HashBefore) {
			t.Errorf("case %d: hash before is %x, want %x", n, before.Hash(), c.HashBefore)
		}
		after := before.Clone()
		switch body := []byte(c.Proposal[2:]); wire.ProposalType(c.Proposal[1]) {
		case wire.ProposalAdd:
			kp, err := wire.ParseKeyPackage(body)
			if err != nil {
				t.Fatalf("case %d: %v", n, err)
			}
			if _, err := after.Add(kp.Leaf); err != nil {
				t.Errorf("case %d: %v", n, err)
			}
		case wire.ProposalUpdate:
			leaf, err := wire.ParseLeafNode(body)
			if err != nil {
				t.Fatalf("case %d: %v", n, err)
			}
			if err := after.Update(c.Sender, leaf); err != nil {
				t.Errorf("case %d: %v", n, err)
			}
		case wire.ProposalRemove:
			if err := after.Remove(wire.LeafIndex(body[3])); err != nil {
				t.Errorf("case %d: %v", n, err)
			}
		default:
			t.Fatalf("case %d: proposal %x", n, c.Proposal[:2])
		}
		if !bytes.Equal(after.Marshal(), c.After) || !bytes.Equal(after.Hash(), c.HashAfter) {
			t.Errorf("case %d: another tree after the proposal", n)
		}
		if !bytes.Equal(before.Marshal(), c.Before) || !bytes.Equal(before.Hash(), c.HashBefore) {
			t.Errorf("case %d: a clone's change shows in its original", n)
		}
	}
}

// TestTreeKEMVectors applies the public part of each update path; package mls
// opens the secrets.
func TestTreeKEMVectors(t *testing.T) {
	var cases []struct {
		Suite   uint16        `json:"cipher_suite"`
		GroupID vectors.Bytes `json:"group_id"`
		Tree    vectors.Bytes `json:"ratchet_tree"`
		Paths   []struct {
			Sender wire.LeafIndex `json:"sender"`
			Path   vectors.Bytes  `json:"update_path"`
			Hash   vectors.Bytes  `json:"tree_hash_after"`
		} `json:"update_paths"`
	}
	vectors.Load(t, "treekem.json", &cases)
	for n, c := range cases {
		s := known(t, c.Suite)
		if s == nil {
			continue
		}
		base, err := Parse(s, c.Tree)
		if err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		for k, p := range c.Paths {
			path, err := wire.ParseUpdatePath(p.Path)
			if err != nil {
				t.Fatalf("case %d, path %d: %v", n, k, err)
			}
			if !bytes.Equal(path.Marshal(), p.Path) {
				t.Errorf("case %d, path %d: marshals otherwise", n, k)
			}
			tr := base.Clone()
			if err := tr.CheckLeaf(p.Sender, path.Leaf, c.GroupID, nil); err != nil {
				t.Errorf("case %d, path %d: %v", n, k, err)
			}
			if err := tr.ApplyPath(p.Sender, path, nil); err != nil {
				t.Errorf("case %d, path %d: %v", n, k, err)
				continue
			}
			if !bytes.Equal(tr.Hash(), p.Hash) {
				t.Errorf("case %d, path %d: tree hash %x, want %x", n, k, tr.Hash(), p.Hash)
			}
			if err := tr.Validate(c.GroupID, nil); err != nil {
				t.Errorf("case %d, path %d: %v", n, k, err)
			}
		}
	}
}
