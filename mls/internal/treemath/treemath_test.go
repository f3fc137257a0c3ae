package treemath

import (
	"testing"

	"github.com/sotto-health/sotto/mls/internal/vectors"
)

func TestVectors(t *testing.T) {
	var cases []struct {
		Leaves  uint32  `json:"n_leaves"`
		Nodes   uint32  `json:"n_nodes"`
		Root    Node    `json:"root"`
		Left    []*Node `json:"left"`
		Right   []*Node `json:"right"`
		Parent  []*Node `json:"parent"`
		Sibling []*Node `json:"sibling"`
	}
	vectors.Load(t, "tree-math.json", &cases)
	for _, c := range cases {
		if got := Width(c.Leaves); got != c.Nodes {
			t.Errorf("%d leaves: width %d, want %d", c.Leaves, got, c.Nodes)
		}
		if got := Root(c.Leaves); got != c.Root {
			t.Errorf("%d leaves: root %d, want %d", c.Leaves, got, c.Root)
		}
		check := func(what string, x Node, want *Node, has bool, f func(Node) Node) {
			if (want != nil) != has {
				t.Errorf("%d leaves: %s(%d) given %v, expected %v", c.Leaves, what, x, want != nil, has)
			} else if has && f(x) != *want {
				t.Errorf("%d leaves: %s(%d) = %d, want %d", c.Leaves, what, x, f(x), *want)
			}
		}
		for i := range c.Nodes {
			x := Node(i)
			check("left", x, c.Left[i], !x.IsLeaf(), Node.Left)
			check("right", x, c.Right[i], !x.IsLeaf(), Node.Right)
			check("parent", x, c.Parent[i], x != c.Root, Node.Parent)
			check("sibling", x, c.Sibling[i], x != c.Root, Node.Sibling)
		}
	}
}

// TestPaths checks what no vector covers: paths, subtrees and ancestors agree
// with one another in every tree of up to 64 leaves.
func TestPaths(t *testing.T) {
	for leaves := uint32(1); leaves <= 64; leaves *= 2 {
		for i := range leaves {
			x := FromLeaf(i)
			path, copath := DirectPath(x, leaves), Copath(x, leaves)
			if len(path) != len(copath) {
				t.Fatalf("leaf %d of %d: %d nodes above, %d beside", i, leaves, len(path), len(copath))
			}
			for k, p := range path {
				if !p.Above(x) || !p.Above(copath[k]) || copath[k].Above(x) {
					t.Errorf("leaf %d of %d: %d is not above both it and %d", i, leaves, p, copath[k])
				}
				if first, count := p.FirstLeaf(); i < first || i >= first+count {
					t.Errorf("leaf %d is not within leaves %d+%d of %d", i, first, count, p)
				}
			}
			for j := range leaves {
				a := CommonAncestor(x, FromLeaf(j))
				if !a.Above(x) || !a.Above(FromLeaf(j)) {
					t.Errorf("%d is no ancestor of leaves %d and %d", a, i, j)
				}
				if !a.IsLeaf() && (a.Left().Above(x) == a.Left().Above(FromLeaf(j))) {
					t.Errorf("%d is not the lowest ancestor of leaves %d and %d", a, i, j)
				}
			}
		}
	}
}

func TestFull(t *testing.T) {
	for n, want := range map[uint32]uint32{0: 1, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1023: 1024, 1 << 30: 1 << 30} {
		if got := Full(n); got != want {
			t.Errorf("Full(%d) = %d, want %d", n, got, want)
		}
	}
}
