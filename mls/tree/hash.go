package tree

import (
	"slices"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// Hash returns the hash of the whole tree (RFC 9420, section 7.8).
func (t *Tree) Hash() []byte { return t.HashOf(t.Root()) }

// HashOf returns the tree hash of the subtree under x, which must be within the
// tree.
func (t *Tree) HashOf(x NodeIndex) []byte {
	if t.hashes[x] == nil {
		if x.IsLeaf() {
			t.hashes[x] = t.hashLeaf(x, t.nodes[x].Leaf)
		} else {
			t.hashes[x] = t.hashParent(t.nodes[x].Parent, t.HashOf(x.Left()), t.HashOf(x.Right()))
		}
	}
	return t.hashes[x]
}

const (
	hashInputLeaf   = 1
	hashInputParent = 2
)

func (t *Tree) hashLeaf(x NodeIndex, leaf *wire.LeafNode) []byte {
	var w codec.Writer
	w.Uint8(hashInputLeaf)
	w.Uint32(x.Leaf())
	w.Optional(leaf != nil, func(w *codec.Writer) { w.Raw(leaf.Marshal()) })
	return t.suite.Hash(w.Bytes())
}

func (t *Tree) hashParent(parent *wire.ParentNode, left, right []byte) []byte {
	var w codec.Writer
	w.Uint8(hashInputParent)
	w.Optional(parent != nil, func(w *codec.Writer) { w.Raw(parent.Marshal()) })
	w.Vector(left)
	w.Vector(right)
	return t.suite.Hash(w.Bytes())
}

// hashWithout returns the tree hash of the subtree under x as it would be if
// the leaves called gone, which are in increasing order, had not been added.
func (t *Tree) hashWithout(x NodeIndex, gone []wire.LeafIndex) []byte {
	gone = within(gone, x)
	if len(gone) == 0 {
		return t.HashOf(x)
	}
	if x.IsLeaf() {
		return t.hashLeaf(x, nil)
	}
	parent := t.nodes[x].Parent
	if parent != nil {
		p := *parent
		p.UnmergedLeaves = slices.DeleteFunc(slices.Clone(p.UnmergedLeaves), func(l wire.LeafIndex) bool {
			_, found := slices.BinarySearch(gone, l)
			return found
		})
		parent = &p
	}
	return t.hashParent(parent, t.hashWithout(x.Left(), gone), t.hashWithout(x.Right(), gone))
}

// within returns those of leaves, which are in increasing order, that are under
// x.
func within(leaves []wire.LeafIndex, x NodeIndex) []wire.LeafIndex {
	first, count := x.FirstLeaf()
	from, _ := slices.BinarySearch(leaves, wire.LeafIndex(first))
	to, _ := slices.BinarySearch(leaves, wire.LeafIndex(first+count))
	return leaves[from:to]
}

// parentHash returns the parent hash of the node p with the child sibling that
// is not on the path (RFC 9420, section 7.9). p is at sibling's parent.
func (t *Tree) parentHash(p *wire.ParentNode, sibling NodeIndex) []byte {
	var w codec.Writer
	w.Vector(p.EncryptionKey)
	w.Vector(p.ParentHash)
	w.Vector(t.hashWithout(sibling, p.UnmergedLeaves))
	return t.suite.Hash(w.Bytes())
}

// checkParentHashes checks that each parent node has a parent-hash link to a
// node below it, and so on down to a leaf (RFC 9420, section 7.9.2).
func (t *Tree) checkParentHashes() error {
	for x := NodeIndex(1); int(x) < len(t.nodes); x += 2 {
		p := t.nodes[x].Parent
		if p == nil {
			continue
		}
		left, right := x.Left(), x.Right()
		if !t.linked(p, left, right) && !t.linked(p, right, left) {
			return rule.Broken("7.9-1", "parent hash of node %d leads nowhere", x)
		}
	}
	return nil
}

// linked reports whether the parent node p has a valid link into its child
// child, the other being sibling: one node of child's resolution has p's parent
// hash, and the rest of the resolution is exactly what p has not merged there.
func (t *Tree) linked(p *wire.ParentNode, child, sibling NodeIndex) bool {
	resolution := t.Resolution(child)
	unmerged := within(p.UnmergedLeaves, child)
	if len(resolution) != len(unmerged)+1 {
		return false
	}
	// The resolution lists leaves in increasing order but for those that stand
	// after the parent node that has not merged them, so compare as sets.
	link := -1
	for k, x := range resolution {
		if _, found := slices.BinarySearch(unmerged, wire.LeafIndex(x.Leaf())); x.IsLeaf() && found {
			continue
		}
		if link >= 0 {
			return false
		}
		link = k
	}
	if link < 0 {
		return false
	}
	var claimed []byte
	switch n := t.nodes[resolution[link]]; {
	case n.Parent != nil:
		claimed = n.Parent.ParentHash
	case n.Leaf != nil && n.Leaf.Source == wire.SourceCommit:
		claimed = n.Leaf.ParentHash
	}
	return len(claimed) > 0 && suite.Equal(claimed, t.parentHash(p, sibling))
}

// checkUnmerged checks that each unmerged leaf is somebody below the node that
// lists it, and that the nodes between list it too (RFC 9420, section 12.4.3.1).
func (t *Tree) checkUnmerged() error {
	for x := NodeIndex(1); int(x) < len(t.nodes); x += 2 {
		p := t.nodes[x].Parent
		if p == nil {
			continue
		}
		for _, leaf := range p.UnmergedLeaves {
			if t.Leaf(leaf) == nil || !x.Above(treemath.FromLeaf(uint32(leaf))) {
				return rule.Broken("12.4.3.1-5", "node %d lists leaf %d, which is not below it", x, leaf)
			}
			for y := treemath.FromLeaf(uint32(leaf)).Parent(); y != x; y = y.Parent() {
				between := t.nodes[y].Parent
				if between == nil {
					continue
				}
				if _, found := slices.BinarySearch(between.UnmergedLeaves, leaf); !found {
					return rule.Broken("12.4.3.1-6", "node %d lists leaf %d, and node %d between does not", x, leaf, y)
				}
			}
		}
	}
	return nil
}
