package tree

import (
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// SetPath gives the nodes above leaf i the public keys keys, one for each node
// of i's filtered direct path from the leaf up, blanks the other nodes above,
// and computes all parent hashes. It returns the parent hash that the leaf's
// new node must have (RFC 9420, sections 7.5 and 7.9); the caller signs that
// node and puts it in place with [Tree.SetLeaf].
func (t *Tree) SetPath(i wire.LeafIndex, keys [][]byte) ([]byte, error) {
	if t.Leaf(i) == nil {
		return nil, ErrNoLeaf
	}
	steps := t.FilteredDirectPath(i)
	if len(keys) != len(steps) {
		return nil, rule.Broken("7.5-1", "path of %d nodes, want %d", len(keys), len(steps))
	}
	t.blankAbove(i)
	t.forget(treemath.FromLeaf(uint32(i)))
	// A node's parent hash covers the one above it, so go from the root down.
	var above []byte
	for k := len(steps) - 1; k >= 0; k-- {
		p := &wire.ParentNode{EncryptionKey: keys[k], ParentHash: above}
		t.nodes[steps[k].Node] = wire.Node{Parent: p}
		above = t.parentHash(p, steps[k].Copath)
	}
	return above, nil
}

// ApplyPath applies the public part of an update path by the member at i (RFC
// 9420, sections 7.5 and 12.4.2). added are the leaves that the same commit
// added: nothing is sealed to them. A member whom an external commit brings in
// has been added first. It checks the path against the tree as it stands, but
// not the path's leaf by itself; see [Tree.CheckLeaf]. If it returns an error,
// the tree is not to be used any more.
func (t *Tree) ApplyPath(i wire.LeafIndex, path *wire.UpdatePath, added []wire.LeafIndex) error {
	if t.Leaf(i) == nil {
		return ErrNoLeaf
	}
	if path.Leaf.Source != wire.SourceCommit {
		return rule.Broken("7.3-7", "leaf of an update path has source %d", path.Leaf.Source)
	}
	steps := t.FilteredDirectPath(i)
	if len(path.Nodes) != len(steps) {
		return rule.Broken("7.5-1", "path of %d nodes, want %d", len(path.Nodes), len(steps))
	}
	keys := make([][]byte, len(steps))
	for k, n := range path.Nodes {
		if want := len(t.Receivers(steps[k], added)); len(n.Ciphertexts) != want {
			return rule.Broken("7.6-1", "node %d of the path sealed to %d keys, want %d", k, len(n.Ciphertexts), want)
		}
		if err := t.suite.CheckEncryptionKey(n.EncryptionKey); err != nil {
			return rule.Because("7.3-10", err, "encryption key of node %d of the path", k)
		}
		keys[k] = n.EncryptionKey
	}
	if err := t.checkFresh(i, path); err != nil {
		return err
	}
	hash, err := t.SetPath(i, keys)
	if err != nil {
		return err
	}
	if !suite.Equal(hash, path.Leaf.ParentHash) {
		return rule.Broken("7.9-2", "parent hash of the update path's leaf")
	}
	return t.SetLeaf(i, path.Leaf)
}

// checkFresh checks that no key of i's path is in the tree yet, not even where
// the path replaces it (RFC 9420, section 12.4.2). The path's own leaf may be at
// i already: an external commit brings it.
func (t *Tree) checkFresh(i wire.LeafIndex, path *wire.UpdatePath) error {
	keys := make(map[string]struct{}, len(path.Nodes)+1)
	keys[string(path.Leaf.EncryptionKey)] = struct{}{}
	for _, n := range path.Nodes {
		if _, twice := keys[string(n.EncryptionKey)]; twice {
			return rule.Broken("12.4.2-6", "update path has a key twice")
		}
		keys[string(n.EncryptionKey)] = struct{}{}
	}
	for k := range t.nodes {
		key := t.EncryptionKey(NodeIndex(k))
		if key == nil || k == int(treemath.FromLeaf(uint32(i))) && t.nodes[k].Leaf == path.Leaf {
			continue
		}
		if _, known := keys[string(key)]; known {
			return rule.Broken("12.4.2-6", "update path reuses the key of node %d", k)
		}
	}
	return nil
}
