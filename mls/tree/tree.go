// Package tree is the public half of an MLS group's ratchet tree (RFC 9420,
// sections 4 and 7): who is where, with which public keys, and whether all of
// that is as the protocol demands.
//
// It holds no private key and cannot decrypt. It promises that a tree whose
// [Tree.Validate] returned nil, changed only by operations that returned nil,
// obeys the rules of RFC 9420, sections 7.3, 7.8, 7.9 and 12.4.3.1, but for
// what only an application can judge: whether a credential is genuine.
package tree

import (
	"errors"
	"iter"
	"slices"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A NodeIndex is the place of a node in the array of all nodes: leaves have
// even indices and parents odd ones.
type NodeIndex = treemath.Node

// A ValidationError says which rule of RFC 9420 something breaks.
type ValidationError = rule.ValidationError

// ErrNoLeaf says that a leaf index names nobody.
var ErrNoLeaf = errors.New("mls: no such leaf")

// ErrFull says that no leaf can be added.
var ErrFull = errors.New("mls: tree is full")

// A Tree is the public ratchet tree of one epoch. It is not safe for use by
// several goroutines at once, not even for reading, because hashes are computed
// when first asked for; use a [Tree.Clone] for each.
type Tree struct {
	suite *suite.Suite
	// nodes is the whole tree, blank nodes too. What its pointers lead to is
	// shared between clones and never changes.
	nodes []wire.Node
	// hashes has the tree hash of each node, or nil if not known.
	hashes [][]byte
	// encoded is what Marshal returns, or nil if not known: a member's state is
	// saved with every message, and the tree changes with commits alone.
	encoded []byte
}

// New returns a tree of one leaf.
func New(s *suite.Suite, leaf *wire.LeafNode) *Tree {
	return &Tree{suite: s, nodes: []wire.Node{{Leaf: leaf}}, hashes: make([][]byte, 1)}
}

// Parse reads the data of a ratchet_tree extension (RFC 9420, section
// 12.4.3.3). Its errors match [wire.ErrMalformed]. The tree's form is right;
// call [Tree.Validate] before trusting more.
func Parse(s *suite.Suite, b []byte) (*Tree, error) {
	nodes, err := wire.ParseNodes(b)
	if err != nil {
		return nil, err
	}
	width := treemath.Width(treemath.Full(uint32(len(nodes)/2 + 1)))
	t := &Tree{suite: s, nodes: make([]wire.Node, width), hashes: make([][]byte, width)}
	copy(t.nodes, nodes)
	return t, nil
}

// Marshal returns the data of a ratchet_tree extension.
func (t *Tree) Marshal() []byte {
	if t.encoded == nil {
		t.encoded = wire.MarshalNodes(t.nodes)
	}
	return slices.Clone(t.encoded)
}

// Clone returns a copy that changes apart from t.
func (t *Tree) Clone() *Tree {
	return &Tree{suite: t.suite, nodes: slices.Clone(t.nodes), hashes: slices.Clone(t.hashes)}
}

// Leaves returns the number of leaves, blank ones too: a power of two.
func (t *Tree) Leaves() uint32 { return uint32(len(t.nodes)/2 + 1) }

// Root returns the root's index.
func (t *Tree) Root() NodeIndex { return treemath.Root(t.Leaves()) }

// Leaf returns the leaf node at i, or nil if i is blank or beyond the tree.
func (t *Tree) Leaf(i wire.LeafIndex) *wire.LeafNode {
	if uint32(i) >= t.Leaves() {
		return nil
	}
	return t.nodes[treemath.FromLeaf(uint32(i))].Leaf
}

// Parent returns the parent node at x, or nil if it is blank, a leaf, or beyond
// the tree.
func (t *Tree) Parent(x NodeIndex) *wire.ParentNode {
	if int64(x) >= int64(len(t.nodes)) {
		return nil
	}
	return t.nodes[x].Parent
}

// EncryptionKey returns the HPKE public key of the node at x, or nil if it is
// blank or beyond the tree.
func (t *Tree) EncryptionKey(x NodeIndex) []byte {
	if int64(x) >= int64(len(t.nodes)) {
		return nil
	}
	switch n := t.nodes[x]; {
	case n.Leaf != nil:
		return n.Leaf.EncryptionKey
	case n.Parent != nil:
		return n.Parent.EncryptionKey
	}
	return nil
}

// Members yields the leaves that are not blank, in order.
func (t *Tree) Members() iter.Seq2[wire.LeafIndex, *wire.LeafNode] {
	return func(yield func(wire.LeafIndex, *wire.LeafNode) bool) {
		for x := 0; x < len(t.nodes); x += 2 {
			if leaf := t.nodes[x].Leaf; leaf != nil && !yield(wire.LeafIndex(x/2), leaf) {
				return
			}
		}
	}
}

// Size returns the number of members.
func (t *Tree) Size() int {
	n := 0
	for range t.Members() {
		n++
	}
	return n
}

// Add puts leaf in the leftmost blank place, which it returns, and makes the
// tree larger if there is none (RFC 9420, section 12.1.1).
func (t *Tree) Add(leaf *wire.LeafNode) (wire.LeafIndex, error) {
	i := uint32(0)
	for i < t.Leaves() && t.nodes[2*i].Leaf != nil {
		i++
	}
	if i == t.Leaves() {
		if i >= treemath.MaxLeaves {
			return 0, ErrFull
		}
		wider := treemath.Width(2 * i)
		t.nodes = append(t.nodes, make([]wire.Node, int(wider)-len(t.nodes))...)
		t.hashes = append(t.hashes, make([][]byte, int(wider)-len(t.hashes))...)
	}
	x := treemath.FromLeaf(i)
	for _, above := range treemath.DirectPath(x, t.Leaves()) {
		if p := t.nodes[above].Parent; p != nil {
			q := *p
			at, _ := slices.BinarySearch(q.UnmergedLeaves, wire.LeafIndex(i))
			q.UnmergedLeaves = slices.Insert(slices.Clone(q.UnmergedLeaves), at, wire.LeafIndex(i))
			t.nodes[above].Parent = &q
		}
	}
	t.set(x, wire.Node{Leaf: leaf})
	return wire.LeafIndex(i), nil
}

// Update replaces the leaf at i and blanks the nodes above it (RFC 9420,
// section 12.1.2).
func (t *Tree) Update(i wire.LeafIndex, leaf *wire.LeafNode) error {
	if t.Leaf(i) == nil {
		return ErrNoLeaf
	}
	t.set(treemath.FromLeaf(uint32(i)), wire.Node{Leaf: leaf})
	t.blankAbove(i)
	return nil
}

// Remove blanks the leaf at i and the nodes above it, and makes the tree
// smaller while its right half is empty (RFC 9420, sections 7.7 and 12.1.3). A
// tree without members remains if the last one goes, to come back by an
// external commit.
func (t *Tree) Remove(i wire.LeafIndex) error {
	if t.Leaf(i) == nil {
		return ErrNoLeaf
	}
	t.set(treemath.FromLeaf(uint32(i)), wire.Node{})
	t.blankAbove(i)
	t.truncate()
	return nil
}

// SetLeaf replaces the leaf at i and nothing else. A committer does so with the
// leaf of its update path.
func (t *Tree) SetLeaf(i wire.LeafIndex, leaf *wire.LeafNode) error {
	if t.Leaf(i) == nil {
		return ErrNoLeaf
	}
	t.set(treemath.FromLeaf(uint32(i)), wire.Node{Leaf: leaf})
	return nil
}

func (t *Tree) blankAbove(i wire.LeafIndex) {
	for _, x := range treemath.DirectPath(treemath.FromLeaf(uint32(i)), t.Leaves()) {
		t.nodes[x] = wire.Node{}
	}
	t.encoded = nil
}

func (t *Tree) truncate() {
	for leaves := t.Leaves(); leaves > 1; leaves /= 2 {
		for x := leaves; x < 2*leaves; x += 2 { // leaves is the first node of the right half
			if t.nodes[x].Leaf != nil {
				return
			}
		}
		t.nodes = t.nodes[:leaves-1]
		t.hashes = t.hashes[:leaves-1]
		t.encoded = nil
	}
}

// set puts n at x and forgets the hashes that depend on it.
func (t *Tree) set(x NodeIndex, n wire.Node) {
	t.nodes[x] = n
	t.forget(x)
}

// forget drops the hashes of x and of all nodes above it, and the encoding.
func (t *Tree) forget(x NodeIndex) {
	t.encoded = nil
	t.hashes[x] = nil
	for _, above := range treemath.DirectPath(x, t.Leaves()) {
		t.hashes[above] = nil
	}
}

// Resolution returns the smallest list of nodes that are not blank and together
// cover all members below x, from left to right (RFC 9420, section 4.1.1).
func (t *Tree) Resolution(x NodeIndex) []NodeIndex { return t.resolve(nil, x) }

func (t *Tree) resolve(into []NodeIndex, x NodeIndex) []NodeIndex {
	switch n := t.nodes[x]; {
	case n.Parent != nil:
		into = append(into, x)
		for _, leaf := range n.Parent.UnmergedLeaves {
			into = append(into, treemath.FromLeaf(uint32(leaf)))
		}
	case n.Leaf != nil:
		into = append(into, x)
	case !x.IsLeaf():
		into = t.resolve(into, x.Left())
		into = t.resolve(into, x.Right())
	}
	return into
}

// empty reports whether x's resolution is empty.
func (t *Tree) empty(x NodeIndex) bool {
	n := t.nodes[x]
	return n.Blank() && (x.IsLeaf() || t.empty(x.Left()) && t.empty(x.Right()))
}

// A Step is a node of a filtered direct path, with its child that is not on the
// path.
type Step struct{ Node, Copath NodeIndex }

// FilteredDirectPath returns the nodes above leaf i whose other child covers
// somebody, from the leaf up (RFC 9420, section 4.1.2). i must be within the
// tree.
func (t *Tree) FilteredDirectPath(i wire.LeafIndex) []Step {
	var steps []Step
	x, root := treemath.FromLeaf(uint32(i)), t.Root()
	for x != root {
		sibling, parent := x.Sibling(), x.Parent()
		if !t.empty(sibling) {
			steps = append(steps, Step{parent, sibling})
		}
		x = parent
	}
	return steps
}

// Receivers returns the nodes to which a path secret is sealed: the resolution
// of a step's other child, without the leaves that the same commit added (RFC
// 9420, section 7.5).
func (t *Tree) Receivers(s Step, added []wire.LeafIndex) []NodeIndex {
	return slices.DeleteFunc(t.Resolution(s.Copath), func(x NodeIndex) bool {
		return x.IsLeaf() && slices.Contains(added, wire.LeafIndex(x.Leaf()))
	})
}
