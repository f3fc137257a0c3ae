package wire

import "github.com/sotto-health/sotto/mls/internal/codec"

// An HPKECiphertext is a message sealed to an HPKE public key (RFC 9420,
// section 7.6).
type HPKECiphertext struct {
	KEMOutput  []byte
	Ciphertext []byte
}

// Marshal returns c's encoding.
func (c HPKECiphertext) Marshal() []byte { return marshal(c.write) }

// ParseHPKECiphertext reads one ciphertext and nothing after it.
func ParseHPKECiphertext(b []byte) (HPKECiphertext, error) { return parse(b, readHPKECiphertext) }

func (c HPKECiphertext) write(w *codec.Writer) {
	w.Vector(c.KEMOutput)
	w.Vector(c.Ciphertext)
}

func readHPKECiphertext(r *codec.Reader) HPKECiphertext {
	return HPKECiphertext{limited(r, maxKey, "KEM output"), limited(r, maxPathSecret, "ciphertext")}
}

// An UpdatePath gives a committer's leaf and the nodes above it new keys (RFC
// 9420, section 7.6).
type UpdatePath struct {
	Leaf  *LeafNode
	Nodes []UpdatePathNode // of the filtered direct path, from the leaf up
}

// An UpdatePathNode is a node's new public key, and its path secret sealed to
// each node of the resolution of the copath's node beside it.
type UpdatePathNode struct {
	EncryptionKey []byte
	Ciphertexts   []HPKECiphertext
}

// Marshal returns p's encoding.
func (p *UpdatePath) Marshal() []byte { return marshal(p.write) }

// ParseUpdatePath reads one update path and nothing after it.
func ParseUpdatePath(b []byte) (*UpdatePath, error) { return parse(b, readUpdatePath) }

func (p *UpdatePath) write(w *codec.Writer) {
	p.Leaf.write(w)
	w.Nest(func(w *codec.Writer) {
		for _, n := range p.Nodes {
			w.Vector(n.EncryptionKey)
			w.Nest(func(w *codec.Writer) {
				for _, c := range n.Ciphertexts {
					c.write(w)
				}
			})
		}
	})
}

func readUpdatePath(r *codec.Reader) *UpdatePath {
	p := &UpdatePath{Leaf: readLeafNode(r)}
	r.Each(func(r *codec.Reader) {
		n := UpdatePathNode{EncryptionKey: limited(r, maxKey, "encryption key")}
		r.Each(func(r *codec.Reader) { n.Ciphertexts = append(n.Ciphertexts, readHPKECiphertext(r)) })
		p.Nodes = append(p.Nodes, n)
		if len(p.Nodes) > maxPath {
			r.Fail("update path of more than %d nodes", maxPath)
		}
	})
	return p
}
