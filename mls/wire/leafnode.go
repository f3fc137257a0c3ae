package wire

import (
	"fmt"
	"time"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// A LeafIndex is a member's place among the leaves of the tree.
type LeafIndex uint32

// MaxLeafIndex is the largest leaf index that a tree can have.
const MaxLeafIndex LeafIndex = 1<<30 - 1

// A LeafNodeSource says how a [LeafNode] came into the tree.
type LeafNodeSource uint8

// The sources of a leaf node (RFC 9420, section 7.2).
const (
	SourceKeyPackage LeafNodeSource = 1
	SourceUpdate     LeafNodeSource = 2
	SourceCommit     LeafNodeSource = 3
)

// A Lifetime is the time during which a key package may be used, in seconds
// since 1970, both ends included (RFC 9420, section 7.2).
type Lifetime struct{ NotBefore, NotAfter uint64 }

// Holds reports whether t is within l.
func (l Lifetime) Holds(t time.Time) bool {
	s := t.Unix()
	return s >= 0 && uint64(s) >= l.NotBefore && uint64(s) <= l.NotAfter
}

// LongerThan reports whether l takes more than d from end to end.
func (l Lifetime) LongerThan(d time.Duration) bool {
	return l.NotAfter > l.NotBefore && l.NotAfter-l.NotBefore > uint64(d/time.Second)
}

// A LeafNode is a member's entry in the tree: its keys, who it claims to be and
// what it can do (RFC 9420, section 7.2).
type LeafNode struct {
	EncryptionKey []byte // HPKE
	SignatureKey  []byte
	Credential    Credential
	Capabilities  Capabilities
	Source        LeafNodeSource
	Lifetime      Lifetime // if Source is SourceKeyPackage
	ParentHash    []byte   // if Source is SourceCommit
	Extensions    Extensions
	Signature     []byte
}

const leafNodeLabel = "LeafNodeTBS"

// Marshal returns n's encoding.
func (n *LeafNode) Marshal() []byte { return marshal(n.write) }

// ParseLeafNode reads one leaf node and nothing after it. It checks no
// signature.
func ParseLeafNode(b []byte) (*LeafNode, error) { return parse(b, readLeafNode) }

// Clone returns a copy of n that shares n's byte strings, which nobody changes.
func (n *LeafNode) Clone() *LeafNode {
	c := *n
	return &c
}

// Sign signs n. groupID and leaf are where n will stand; they are signed unless
// n comes from a key package.
func (n *LeafNode) Sign(s *suite.Suite, signer suite.Signer, groupID []byte, leaf LeafIndex) error {
	sig, err := s.SignWithLabel(signer, leafNodeLabel, n.toBeSigned(groupID, leaf))
	if err != nil {
		return fmt.Errorf("sign leaf node: %w", err)
	}
	n.Signature = sig
	return nil
}

// Verify checks n's signature, made for leaf leaf of the group groupID unless n
// comes from a key package.
func (n *LeafNode) Verify(s *suite.Suite, groupID []byte, leaf LeafIndex) error {
	return s.VerifyWithLabel(n.SignatureKey, leafNodeLabel, n.toBeSigned(groupID, leaf), n.Signature)
}

func (n *LeafNode) toBeSigned(groupID []byte, leaf LeafIndex) []byte {
	return marshal(func(w *codec.Writer) {
		n.writeUnsigned(w)
		if n.Source != SourceKeyPackage {
			w.Vector(groupID)
			w.Uint32(uint32(leaf))
		}
	})
}

func (n *LeafNode) write(w *codec.Writer) {
	n.writeUnsigned(w)
	w.Vector(n.Signature)
}

func (n *LeafNode) writeUnsigned(w *codec.Writer) {
	w.Vector(n.EncryptionKey)
	w.Vector(n.SignatureKey)
	n.Credential.write(w)
	n.Capabilities.write(w)
	w.Uint8(uint8(n.Source))
	switch n.Source {
	case SourceKeyPackage:
		w.Uint64(n.Lifetime.NotBefore)
		w.Uint64(n.Lifetime.NotAfter)
	case SourceCommit:
		w.Vector(n.ParentHash)
	}
	n.Extensions.write(w)
}

func readLeafNode(r *codec.Reader) *LeafNode {
	n := &LeafNode{
		EncryptionKey: limited(r, maxKey, "encryption key"),
		SignatureKey:  limited(r, maxKey, "signature key"),
		Credential:    readCredential(r),
		Capabilities:  readCapabilities(r),
		Source:        LeafNodeSource(r.Uint8()),
	}
	switch n.Source {
	case SourceKeyPackage:
		n.Lifetime = Lifetime{r.Uint64(), r.Uint64()}
	case SourceUpdate:
	case SourceCommit:
		n.ParentHash = limited(r, maxHash, "parent hash")
	default:
		r.Fail("leaf node source %d", n.Source)
	}
	n.Extensions = readExtensions(r)
	n.Signature = limited(r, maxSignature, "signature")
	return n
}

func readLeafIndex(r *codec.Reader) LeafIndex {
	i := LeafIndex(r.Uint32())
	if i > MaxLeafIndex {
		r.Fail("leaf index %d", i)
	}
	return i
}
