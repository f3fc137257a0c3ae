package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// A ParentNode is an inner node of the tree (RFC 9420, section 7.1).
type ParentNode struct {
	EncryptionKey  []byte // HPKE
	ParentHash     []byte
	UnmergedLeaves []LeafIndex // increasing: leaves below that lack the private key
}

// Marshal returns n's encoding.
func (n *ParentNode) Marshal() []byte { return marshal(n.write) }

// ParseParentNode reads one parent node and nothing after it.
func ParseParentNode(b []byte) (*ParentNode, error) { return parse(b, readParentNode) }

func (n *ParentNode) write(w *codec.Writer) {
	w.Vector(n.EncryptionKey)
	w.Vector(n.ParentHash)
	w.Nest(func(w *codec.Writer) {
		for _, leaf := range n.UnmergedLeaves {
			w.Uint32(uint32(leaf))
		}
	})
}

func readParentNode(r *codec.Reader) *ParentNode {
	n := &ParentNode{
		EncryptionKey: limited(r, maxKey, "encryption key"),
		ParentHash:    limited(r, maxHash, "parent hash"),
	}
	r.Each(func(r *codec.Reader) {
		leaf := readLeafIndex(r)
		if k := len(n.UnmergedLeaves); k > 0 && n.UnmergedLeaves[k-1] >= leaf {
			r.Fail("unmerged leaves not in increasing order")
		}
		n.UnmergedLeaves = append(n.UnmergedLeaves, leaf)
	})
	return n
}

// A Node is a place in the tree: a leaf, a parent, or, if both are nil, blank.
type Node struct {
	Leaf   *LeafNode
	Parent *ParentNode
}

// Blank reports whether nothing is there.
func (n Node) Blank() bool { return n.Leaf == nil && n.Parent == nil }

const (
	nodeLeaf   = 1
	nodeParent = 2
)

// MarshalNodes returns the contents of a ratchet_tree extension: the nodes of a
// tree as an array, without the blank ones at its end (RFC 9420, section
// 12.4.3.3).
func MarshalNodes(nodes []Node) []byte {
	for len(nodes) > 0 && nodes[len(nodes)-1].Blank() {
		nodes = nodes[:len(nodes)-1]
	}
	return marshal(func(w *codec.Writer) {
		w.Nest(func(w *codec.Writer) {
			for _, n := range nodes {
				w.Optional(!n.Blank(), n.write)
			}
		})
	})
}

// ParseNodes reads what [MarshalNodes] writes. Leaves and parents are where
// they must be, and the last node is not blank; nothing else is checked.
func ParseNodes(b []byte) ([]Node, error) {
	return parse(b, func(r *codec.Reader) []Node {
		var nodes []Node
		r.Each(func(r *codec.Reader) {
			var n Node
			r.Optional(func(r *codec.Reader) { n = readNode(r) })
			if len(nodes) >= maxNodes {
				r.Fail("tree of more than %d nodes", maxNodes)
				return
			}
			if leaf := len(nodes)%2 == 0; leaf && n.Parent != nil || !leaf && n.Leaf != nil {
				r.Fail("node %d is of the wrong type", len(nodes))
			}
			nodes = append(nodes, n)
		})
		if len(nodes) == 0 || nodes[len(nodes)-1].Blank() {
			r.Fail("tree ends in a blank node")
		}
		return nodes
	})
}

func (n Node) write(w *codec.Writer) {
	if n.Leaf != nil {
		w.Uint8(nodeLeaf)
		n.Leaf.write(w)
		return
	}
	w.Uint8(nodeParent)
	n.Parent.write(w)
}

func readNode(r *codec.Reader) Node {
	switch kind := r.Uint8(); kind {
	case nodeLeaf:
		return Node{Leaf: readLeafNode(r)}
	case nodeParent:
		return Node{Parent: readParentNode(r)}
	default:
		r.Fail("node type %d", kind)
		return Node{}
	}
}
