// Package treemath computes with the indices of a complete binary tree kept in
// an array (RFC 9420, appendix C): leaves have even indices, parents odd ones,
// and the node of index i is at the level of i's count of trailing one bits.
//
// Trees are always full: the number of leaves is a power of two, from 1 to
// [MaxLeaves]. Functions that need a tree's size take its number of leaves.
// The package knows indices only, never what the nodes hold.
package treemath

import "math/bits"

// MaxLeaves is the most leaves a tree may have, 2^30. Every index of such a
// tree, and every sum this package computes on the way, fits 32 bits.
const MaxLeaves = 1 << 30

// A Node is an index into the array of nodes.
type Node uint32

// FromLeaf returns the node of leaf number leaf, which must be less than
// [MaxLeaves].
func FromLeaf(leaf uint32) Node { return Node(leaf << 1) }

// IsLeaf reports whether x is a leaf.
func (x Node) IsLeaf() bool { return x&1 == 0 }

// Leaf returns the number of the leaf x. It means nothing if x is a parent.
func (x Node) Leaf() uint32 { return uint32(x >> 1) }

// Level returns x's height above the leaves; a leaf's is 0.
func (x Node) Level() int { return bits.TrailingZeros32(^uint32(x)) }

// Left returns the left child of the parent node x.
func (x Node) Left() Node { return x ^ 1<<(x.Level()-1) }

// Right returns the right child of the parent node x.
func (x Node) Right() Node { return x ^ 3<<(x.Level()-1) }

// Parent returns the node above x, which must not be the root.
func (x Node) Parent() Node {
	k := x.Level()
	b := x >> (k + 1) & 1
	return (x | 1<<k) ^ b<<(k+1)
}

// Sibling returns the other child of x's parent. x must not be the root.
func (x Node) Sibling() Node {
	p := x.Parent()
	if x < p {
		return p.Right()
	}
	return p.Left()
}

// FirstLeaf returns the number of the leftmost leaf under x, and the count of
// leaves under x.
func (x Node) FirstLeaf() (first, count uint32) {
	k := x.Level()
	return uint32(x-(1<<k-1)) >> 1, 1 << k
}

// Above reports whether x is y or an ancestor of y.
func (x Node) Above(y Node) bool {
	k := x.Level()
	return y.Level() <= k && x>>(k+1) == y>>(k+1)
}

// Width returns the number of nodes of a tree with leaves leaves.
func Width(leaves uint32) uint32 {
	if leaves == 0 {
		return 0
	}
	return 2*leaves - 1
}

// Root returns the root of a tree with leaves leaves.
func Root(leaves uint32) Node { return Node(leaves - 1) }

// Full returns the least power of two that is at least n: the leaves of the
// smallest full tree with room for n.
func Full(n uint32) uint32 {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len32(n-1)
}

// DirectPath returns the nodes above x up to the root, nearest first (RFC
// 9420, section 4.1.2). It is empty for the root.
func DirectPath(x Node, leaves uint32) []Node {
	root := Root(leaves)
	var path []Node
	for x != root {
		x = x.Parent()
		path = append(path, x)
	}
	return path
}

// Copath returns the sibling of x and of each node of its direct path but the
// root, in the same order (RFC 9420, section 4.1.2).
func Copath(x Node, leaves uint32) []Node {
	root := Root(leaves)
	var path []Node
	for x != root {
		path = append(path, x.Sibling())
		x = x.Parent()
	}
	return path
}

// CommonAncestor returns the lowest node that is above both x and y.
func CommonAncestor(x, y Node) Node {
	for !x.Above(y) {
		x = x.Parent()
	}
	return x
}
