package tree

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A grove is a tree with the signers of its members, who act as members of a
// group do.
type grove struct {
	t       *testing.T
	suite   *suite.Suite
	tree    *Tree
	group   []byte
	signers map[wire.LeafIndex]suite.Signer
}

func key(t *testing.T) []byte {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey().Bytes()
}

func newGrove(t *testing.T, members int) *grove {
	t.Helper()
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	g := &grove{t: t, suite: s, group: []byte("group"), signers: make(map[wire.LeafIndex]suite.Signer)}
	leaf, signer := g.leaf(nil)
	g.tree, g.signers[0] = New(s, leaf), signer
	for range members - 1 {
		g.add()
	}
	return g
}

// leaf returns a leaf of a key package, changed by change and then signed.
func (g *grove) leaf(change func(*wire.LeafNode)) (*wire.LeafNode, suite.Signer) {
	g.t.Helper()
	signer, err := g.suite.NewSigner()
	if err != nil {
		g.t.Fatal(err)
	}
	leaf := &wire.LeafNode{
		EncryptionKey: key(g.t), SignatureKey: signer.Public(),
		Credential: wire.BasicCredential(signer.Public()[:8]),
		Capabilities: wire.Capabilities{
			Versions: []wire.Version{wire.MLS10}, Suites: []suite.ID{g.suite.ID()},
			Credentials: []wire.CredentialType{wire.CredentialBasic},
		},
		Source: wire.SourceKeyPackage, Lifetime: wire.Lifetime{NotAfter: 1 << 60},
	}
	if change != nil {
		change(leaf)
	}
	if err := leaf.Sign(g.suite, signer, nil, 0); err != nil {
		g.t.Fatal(err)
	}
	return leaf, signer
}

func (g *grove) add() wire.LeafIndex {
	g.t.Helper()
	leaf, signer := g.leaf(nil)
	i, err := g.tree.Add(leaf)
	if err != nil {
		g.t.Fatal(err)
	}
	g.signers[i] = signer
	return i
}

// path returns an update path by i with new keys, sealed to nobody really.
func (g *grove) path(i wire.LeafIndex, added []wire.LeafIndex) *wire.UpdatePath {
	g.t.Helper()
	steps := g.tree.FilteredDirectPath(i)
	path := &wire.UpdatePath{Leaf: g.tree.Leaf(i).Clone()}
	keys := make([][]byte, len(steps))
	for k, step := range steps {
		keys[k] = key(g.t)
		path.Nodes = append(path.Nodes, wire.UpdatePathNode{
			EncryptionKey: keys[k],
			Ciphertexts:   make([]wire.HPKECiphertext, len(g.tree.Receivers(step, added))),
		})
	}
	hash, err := g.tree.Clone().SetPath(i, keys)
	if err != nil {
		g.t.Fatal(err)
	}
	path.Leaf.EncryptionKey, path.Leaf.Source, path.Leaf.ParentHash = key(g.t), wire.SourceCommit, hash
	g.sign(i, path.Leaf)
	return path
}

func (g *grove) sign(i wire.LeafIndex, leaf *wire.LeafNode) {
	g.t.Helper()
	if err := leaf.Sign(g.suite, g.signers[i], g.group, i); err != nil {
		g.t.Fatal(err)
	}
}

func (g *grove) commit(i wire.LeafIndex) {
	g.t.Helper()
	if err := g.tree.ApplyPath(i, g.path(i, nil), nil); err != nil {
		g.t.Fatal(err)
	}
}

// full returns a grove whose members have each sent an update path.
func full(t *testing.T, members int) *grove {
	g := newGrove(t, members)
	for i := range members {
		g.commit(wire.LeafIndex(i))
	}
	if err := g.tree.Validate(g.group, nil); err != nil {
		t.Fatal(err)
	}
	return g
}

func wantRule(t *testing.T, name string, err error) {
	t.Helper()
	var broken *rule.ValidationError
	if !errors.As(err, &broken) || broken.Rule != name {
		t.Errorf("%v, want an error of rule %s", err, name)
	}
}

// TestRandomOperations does what members may do, in any order, and checks after
// each step that the tree is one that a newcomer would accept, and that the
// hashes kept are those of the tree read anew.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(6) {
		r := mathrand.New(mathrand.NewPCG(seed, 1))
		g := newGrove(t, 2)
		for step := range 60 {
			var members []wire.LeafIndex
			for i := range g.tree.Members() {
				members = append(members, i)
			}
			i := members[r.IntN(len(members))]
			switch r.IntN(6) {
			case 0, 1:
				if len(members) < 12 {
					g.add()
				}
			case 2:
				if len(members) > 2 {
					if err := g.tree.Remove(i); err != nil {
						t.Fatal(err)
					}
				}
			case 3:
				leaf := g.tree.Leaf(i).Clone()
				leaf.Source, leaf.EncryptionKey = wire.SourceUpdate, key(t)
				g.sign(i, leaf)
				if err := g.tree.Update(i, leaf); err != nil {
					t.Fatal(err)
				}
			default:
				g.commit(i)
			}
			if err := g.tree.Validate(g.group, nil); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			again, err := Parse(g.suite, g.tree.Marshal())
			if err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			if again.Leaves() != g.tree.Leaves() || !bytes.Equal(again.Hash(), g.tree.Hash()) {
				t.Fatalf("seed %d, step %d: tree reads back as another", seed, step)
			}
		}
	}
}

func TestLeafRules(t *testing.T) {
	need := wire.Extensions{wire.RequiredCapabilities{Proposals: []wire.ProposalType{0x20}}.Extension()}
	for _, c := range []struct {
		name, rule string
		extensions wire.Extensions
		change     func(*wire.LeafNode)
	}{
		{"required capability missing", "7.3-3", need, func(*wire.LeafNode) {}},
		{"group extension not supported", "7.3-3", wire.Extensions{{Type: 0xff00}}, func(*wire.LeafNode) {}},
		{"own credential type not listed", "7.3-4", nil, func(l *wire.LeafNode) { l.Capabilities.Credentials = []wire.CredentialType{wire.CredentialX509} }},
		{"own extension not listed", "7.3-6", nil, func(l *wire.LeafNode) { l.Extensions = wire.Extensions{{Type: 0xff00}} }},
		{"version not listed", "7.3-9", nil, func(l *wire.LeafNode) { l.Capabilities.Versions = nil }},
		{"encryption key cut", "7.3-10", nil, func(l *wire.LeafNode) { l.EncryptionKey = l.EncryptionKey[1:] }},
		{"encryption key empty", "7.3-10", nil, func(l *wire.LeafNode) { l.EncryptionKey = nil }},
		{"GREASE as a credential", "13.5-1", nil, func(l *wire.LeafNode) {
			l.Credential.Type = 0x0a0a
			l.Capabilities.Credentials = append(l.Capabilities.Credentials, 0x0a0a)
		}},
	} {
		g := newGrove(t, 1)
		leaf, _ := g.leaf(c.change)
		t.Log(c.name)
		wantRule(t, c.rule, g.tree.CheckLeaf(1, leaf, g.group, c.extensions))
		g.tree.Add(leaf)
		if g.tree.Validate(g.group, c.extensions) == nil {
			t.Errorf("%s: the tree is accepted with it", c.name)
		}
	}

	g := full(t, 3)
	leaf := g.tree.Leaf(1).Clone()
	leaf.Signature = bytes.Clone(leaf.Signature)
	leaf.Signature[len(leaf.Signature)-1] ^= 1
	wantRule(t, "7.3-2", g.tree.CheckLeaf(1, leaf, g.group, nil))
	wantRule(t, "7.3-2", g.tree.CheckLeaf(0, g.tree.Leaf(1), g.group, nil))

	g = full(t, 3)
	wantRule(t, "7.3-2", g.tree.Validate([]byte("another group"), nil))
}

func TestMembersRules(t *testing.T) {
	g := full(t, 3)
	leaf, _ := g.leaf(func(l *wire.LeafNode) {
		l.Credential = wire.X509Credential([][]byte{{1}})
		l.Capabilities.Credentials = []wire.CredentialType{wire.CredentialBasic, wire.CredentialX509}
	})
	g.tree.Add(leaf)
	wantRule(t, "7.3-4", g.tree.CheckMembers(nil))

	g = full(t, 3)
	g.tree.Add(g.tree.Leaf(0))
	wantRule(t, "7.3-8", g.tree.CheckMembers(nil))

	g = full(t, 3)
	leaf, _ = g.leaf(func(l *wire.LeafNode) { l.EncryptionKey = g.tree.Leaf(2).EncryptionKey })
	g.tree.Add(leaf)
	wantRule(t, "7.3-8", g.tree.CheckMembers(nil))

	g = full(t, 3)
	leaf, _ = g.leaf(func(l *wire.LeafNode) { l.EncryptionKey = g.tree.Parent(1).EncryptionKey })
	g.tree.Add(leaf)
	wantRule(t, "12.4.3.1-7", g.tree.CheckMembers(nil))
}

// TestParentHashRules tries the ways in which other implementations were known
// to accept a parent hash that leads nowhere.
func TestParentHashRules(t *testing.T) {
	parent := func(g *grove, x NodeIndex, change func(*wire.ParentNode)) {
		p := *g.tree.Parent(x)
		change(&p)
		g.tree.set(x, wire.Node{Parent: &p})
	}
	for _, c := range []struct {
		name   string
		change func(*grove)
	}{
		{"the root's key replaced", func(g *grove) { parent(g, 7, func(p *wire.ParentNode) { p.EncryptionKey = key(t) }) }},
		{"an inner node's key replaced, above it all right", func(g *grove) { parent(g, 3, func(p *wire.ParentNode) { p.EncryptionKey = key(t) }) }},
		{"the lowest node's key replaced", func(g *grove) { parent(g, 13, func(p *wire.ParentNode) { p.EncryptionKey = key(t) }) }},
		{"a null hash below a node that needs one", func(g *grove) { parent(g, 11, func(p *wire.ParentNode) { p.ParentHash = nil }) }},
		{"a null hash in the leaf", func(g *grove) {
			l := g.tree.Leaf(7).Clone()
			l.ParentHash = nil
			g.sign(7, l)
			g.tree.SetLeaf(7, l)
		}},
		{"a shortened hash", func(g *grove) {
			l := g.tree.Leaf(7).Clone()
			l.ParentHash = l.ParentHash[:16]
			g.sign(7, l)
			g.tree.SetLeaf(7, l)
		}},
		{"the leaf blank", func(g *grove) { g.tree.set(14, wire.Node{}) }},
		{"the node between blank", func(g *grove) { g.tree.set(11, wire.Node{}) }},
		{"the left subtree empty", func(g *grove) {
			for _, x := range []NodeIndex{0, 1, 2, 3, 4, 5, 6} {
				g.tree.set(x, wire.Node{})
			}
		}},
		{"a member in the resolution that is not listed as unmerged", func(g *grove) { g.tree.set(13, wire.Node{}) }},
		{"the leaf of another source", func(g *grove) {
			l := g.tree.Leaf(7).Clone()
			l.Source = wire.SourceUpdate
			g.sign(7, l)
			g.tree.SetLeaf(7, l)
		}},
	} {
		t.Log(c.name)
		g := full(t, 8)
		c.change(g)
		wantRule(t, "7.9-1", g.tree.Validate(g.group, nil))
	}

	// Null above and null below: a parent with an empty key would link a leaf
	// with an empty hash if lengths did not count.
	g := full(t, 2)
	l := g.tree.Leaf(1).Clone()
	l.ParentHash = []byte{}
	g.sign(1, l)
	g.tree.SetLeaf(1, l)
	wantRule(t, "7.9-1", g.tree.Validate(g.group, nil))
}

func TestUnmergedRules(t *testing.T) {
	unmerged := func(g *grove, x NodeIndex, leaves ...wire.LeafIndex) {
		p := *g.tree.Parent(x)
		p.UnmergedLeaves = leaves
		g.tree.set(x, wire.Node{Parent: &p})
	}
	g := full(t, 5) // leaves 5 to 7 are blank, nodes 13 too
	unmerged(g, 7, 6)
	wantRule(t, "12.4.3.1-5", g.tree.Validate(g.group, nil)) // a blank leaf

	g = full(t, 5)
	unmerged(g, 7, 900)
	wantRule(t, "12.4.3.1-5", g.tree.Validate(g.group, nil)) // beyond the tree

	g = full(t, 5)
	unmerged(g, 3, 4)
	wantRule(t, "12.4.3.1-5", g.tree.Validate(g.group, nil)) // not below

	g = full(t, 8)
	unmerged(g, 7, 1)
	wantRule(t, "12.4.3.1-6", g.tree.Validate(g.group, nil)) // 3 and 1 between do not list it

	// A true one, for comparison: leaf 3 joins below nodes that others made.
	g = newGrove(t, 3)
	g.commit(0)
	g.commit(2)
	g.add()
	if got := g.tree.Parent(3).UnmergedLeaves; !slices.Equal(got, []wire.LeafIndex{3}) {
		t.Errorf("unmerged leaves %v", got)
	}
	if err := g.tree.Validate(g.group, nil); err != nil {
		t.Error(err)
	}
}

func TestParentKeyRule(t *testing.T) {
	for _, bad := range [][]byte{nil, {4}, make([]byte, 65)} {
		g := newGrove(t, 3)
		if _, err := g.tree.SetPath(0, [][]byte{bad, key(t)}); err != nil {
			t.Fatal(err)
		}
		wantRule(t, "7.3-10", g.tree.Validate(g.group, nil))
	}
	g := newGrove(t, 3)
	if _, err := g.tree.SetPath(0, [][]byte{key(t)}); err == nil {
		t.Error("set a path that is too short")
	} else {
		wantRule(t, "7.5-1", err)
	}
}

func TestTreeTooLarge(t *testing.T) {
	g := full(t, 2)
	nodes := append(g.tree.nodes, make([]wire.Node, 4)...)
	big := &Tree{suite: g.suite, nodes: nodes, hashes: make([][]byte, 7)}
	big.nodes = append(big.nodes, make([]wire.Node, 7-len(big.nodes))...)
	wantRule(t, "7.7-1", big.Validate(g.group, nil))
}

func TestPathRules(t *testing.T) {
	apply := func(change func(*grove, *wire.UpdatePath)) error {
		g := full(t, 5)
		path := g.path(2, nil)
		change(g, path)
		return g.tree.ApplyPath(2, path, nil)
	}
	for _, c := range []struct {
		name, rule string
		change     func(*grove, *wire.UpdatePath)
	}{
		{"a node missing", "7.5-1", func(_ *grove, p *wire.UpdatePath) { p.Nodes = p.Nodes[1:] }},
		{"a node too many", "7.5-1", func(_ *grove, p *wire.UpdatePath) { p.Nodes = append(p.Nodes, p.Nodes[0]) }},
		{"no node", "7.5-1", func(_ *grove, p *wire.UpdatePath) { p.Nodes = nil }},
		{"a ciphertext missing", "7.6-1", func(_ *grove, p *wire.UpdatePath) { p.Nodes[1].Ciphertexts = p.Nodes[1].Ciphertexts[1:] }},
		{"a ciphertext too many", "7.6-1", func(_ *grove, p *wire.UpdatePath) {
			p.Nodes[1].Ciphertexts = append(p.Nodes[1].Ciphertexts, wire.HPKECiphertext{})
		}},
		{"leaf of a key package", "7.3-7", func(_ *grove, p *wire.UpdatePath) { p.Leaf.Source = wire.SourceKeyPackage }},
		{"leaf of an update", "7.3-7", func(_ *grove, p *wire.UpdatePath) { p.Leaf.Source = wire.SourceUpdate }},
		{"not a key", "7.3-10", func(_ *grove, p *wire.UpdatePath) { p.Nodes[0].EncryptionKey = []byte{4} }},
		{"two nodes of one key", "12.4.2-6", func(_ *grove, p *wire.UpdatePath) { p.Nodes[1].EncryptionKey = p.Nodes[0].EncryptionKey }},
		{"leaf and node of one key", "12.4.2-6", func(_ *grove, p *wire.UpdatePath) { p.Leaf.EncryptionKey = p.Nodes[0].EncryptionKey }},
		{"the committer's old key", "12.4.2-6", func(g *grove, p *wire.UpdatePath) { p.Leaf.EncryptionKey = g.tree.Leaf(2).EncryptionKey }},
		{"another's key", "12.4.2-6", func(g *grove, p *wire.UpdatePath) { p.Nodes[0].EncryptionKey = g.tree.Leaf(4).EncryptionKey }},
		{"a node's old key", "12.4.2-6", func(g *grove, p *wire.UpdatePath) { p.Nodes[1].EncryptionKey = g.tree.Parent(3).EncryptionKey }},
		{"another parent hash", "7.9-2", func(_ *grove, p *wire.UpdatePath) { p.Leaf.ParentHash = bytes.Repeat([]byte{1}, 32) }},
		{"no parent hash", "7.9-2", func(_ *grove, p *wire.UpdatePath) { p.Leaf.ParentHash = nil }},
		{"part of the parent hash", "7.9-2", func(_ *grove, p *wire.UpdatePath) { p.Leaf.ParentHash = p.Leaf.ParentHash[:31] }},
	} {
		t.Log(c.name)
		wantRule(t, c.rule, apply(c.change))
	}
	if err := apply(func(*grove, *wire.UpdatePath) {}); err != nil {
		t.Error(err)
	}
}

// TestAddedAreNotSealedTo checks that a commit's newcomers are in the tree and
// get no path secret by it.
func TestAddedAreNotSealedTo(t *testing.T) {
	g := full(t, 4)
	i := g.add()
	path := g.path(0, []wire.LeafIndex{i})
	if n := len(path.Nodes[len(path.Nodes)-1].Ciphertexts); n != 0 {
		t.Errorf("sealed %d times to a subtree of newcomers only", n)
	}
	if err := g.tree.ApplyPath(0, path, []wire.LeafIndex{i}); err != nil {
		t.Fatal(err)
	}
	if err := g.tree.Validate(g.group, nil); err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	g := full(t, 3)
	leaf, _ := g.leaf(nil)
	for _, i := range []wire.LeafIndex{3, 4, 1 << 20, wire.MaxLeafIndex, 1<<32 - 1} {
		if g.tree.Leaf(i) != nil {
			t.Errorf("leaf %d is somebody", i)
		}
		for what, err := range map[string]error{
			"update": g.tree.Update(i, leaf), "remove": g.tree.Remove(i), "set": g.tree.SetLeaf(i, leaf),
			"path": g.tree.ApplyPath(i, &wire.UpdatePath{Leaf: leaf}, nil),
		} {
			if !errors.Is(err, ErrNoLeaf) {
				t.Errorf("%s %d: %v", what, i, err)
			}
		}
	}
	g = newGrove(t, 1)
	if err := g.tree.Remove(0); err != nil || g.tree.Size() != 0 || g.tree.Leaves() != 1 {
		t.Errorf("%d members in %d leaves, %v", g.tree.Size(), g.tree.Leaves(), err)
	}
	if i := g.add(); i != 0 {
		t.Errorf("came back at %d", i)
	}
	g = full(t, 2) // leaf 0 is somebody like any other
	if err := g.tree.Remove(0); err != nil {
		t.Error(err)
	}
}
