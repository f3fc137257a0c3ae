package mls

import (
	"fmt"
	"maps"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// treeKeys are the private keys that a member holds: its leaf's, and those of
// nodes above it (RFC 9420, section 7.5).
type treeKeys map[tree.NodeIndex]*secret.KeyPair

// clone returns a copy that shares the keys.
func (k treeKeys) clone() treeKeys { return maps.Clone(k) }

// prune forgets keys that are no longer those of their node in t. It wipes
// nothing: an older map may share them.
func (k treeKeys) prune(t *tree.Tree) {
	maps.DeleteFunc(k, func(x tree.NodeIndex, pair *secret.KeyPair) bool {
		return !suite.Equal(t.EncryptionKey(x), pair.Public)
	})
}

// wipeUnlessIn wipes the keys that next does not hold.
func (k treeKeys) wipeUnlessIn(next treeKeys) {
	for x, pair := range k {
		if next[x] != pair {
			pair.Wipe()
		}
	}
}

// pathSecrets are the secrets of a filtered direct path, from the leaf up, and
// the commit secret that follows them (RFC 9420, section 7.4).
type pathSecrets struct {
	path   [][]byte
	keys   []*secret.KeyPair
	commit []byte
}

// derivePath derives n nodes' secrets from first, the lowest one's, which it
// takes over. Without any node first is the commit secret itself.
func derivePath(s *suite.Suite, first []byte, n int) (*pathSecrets, error) {
	p := &pathSecrets{commit: first}
	for range n {
		node, err := secret.DeriveSecret(s, p.commit, "node")
		if err != nil {
			return nil, err
		}
		key, err := secret.DeriveKeyPair(s, node)
		secret.Wipe(node)
		if err != nil {
			return nil, err
		}
		p.path = append(p.path, p.commit)
		p.keys = append(p.keys, key)
		if p.commit, err = secret.DeriveSecret(s, p.commit, "path"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// publicKeys returns the nodes' public keys.
func (p *pathSecrets) publicKeys() [][]byte {
	keys := make([][]byte, len(p.keys))
	for i, k := range p.keys {
		keys[i] = k.Public
	}
	return keys
}

// wipe clears the path secrets but neither the keys nor the commit secret.
func (p *pathSecrets) wipe() {
	for _, s := range p.path {
		secret.Wipe(s)
	}
}

// pathLabel is the label under which a path secret is sealed.
const pathLabel = "UpdatePathNode"

// sealPath seals each path secret to those who need it: the resolution of the
// copath, without the leaves just added. t has the path's public keys already,
// and context is the provisional group context.
func (p *pathSecrets) sealPath(s *suite.Suite, t *tree.Tree, sender wire.LeafIndex, added []wire.LeafIndex, context *wire.GroupContext) ([]wire.UpdatePathNode, error) {
	bound := context.Marshal()
	steps := t.FilteredDirectPath(sender)
	if len(steps) != len(p.path) {
		return nil, fmt.Errorf("mls: path of %d nodes, want %d", len(p.path), len(steps))
	}
	nodes := make([]wire.UpdatePathNode, len(steps))
	for i, step := range steps {
		nodes[i].EncryptionKey = p.keys[i].Public
		for _, x := range t.Receivers(step, added) {
			output, sealed, err := secret.SealWithLabel(s, t.EncryptionKey(x), pathLabel, bound, p.path[i])
			if err != nil {
				return nil, fmt.Errorf("seal path to node %d: %w", x, err)
			}
			nodes[i].Ciphertexts = append(nodes[i].Ciphertexts, wire.HPKECiphertext{KEMOutput: output, Ciphertext: sealed})
		}
	}
	return nodes, nil
}

// openPath finds the path secret that the member own shares with sender and
// derives from it the private keys above, which it puts into k, and the commit
// secret, which it returns. t is the tree with the path's public keys, context
// the provisional group context (RFC 9420, section 7.5).
func (k treeKeys) openPath(s *suite.Suite, t *tree.Tree, own, sender wire.LeafIndex, path *wire.UpdatePath, added []wire.LeafIndex, context *wire.GroupContext) ([]byte, error) {
	leaf := treemath.FromLeaf(uint32(own))
	steps := t.FilteredDirectPath(sender)
	if len(steps) != len(path.Nodes) {
		return nil, rule.Broken("7.5-1", "path of %d nodes, want %d", len(path.Nodes), len(steps))
	}
	for i, step := range steps {
		if !step.Copath.Above(leaf) {
			continue
		}
		receivers := t.Receivers(step, added)
		if len(receivers) != len(path.Nodes[i].Ciphertexts) {
			return nil, rule.Broken("7.6-1", "node %d of the path sealed to %d keys, want %d", i, len(path.Nodes[i].Ciphertexts), len(receivers))
		}
		for j, x := range receivers {
			pair, held := k[x]
			if !held {
				continue
			}
			sealed := path.Nodes[i].Ciphertexts[j]
			first, err := secret.OpenWithLabel(s, pair.Private, pathLabel, context.Marshal(), sealed.KEMOutput, sealed.Ciphertext)
			if err != nil {
				return nil, fmt.Errorf("path secret of node %d: %w", step.Node, err)
			}
			return k.takePath(s, t, first, steps[i:])
		}
		return nil, fmt.Errorf("%w: no key for the path", ErrDecrypt)
	}
	return nil, fmt.Errorf("%w: path does not reach this member", ErrDecrypt)
}

// takePath derives the private keys of steps from first, which it takes over,
// checks that they are those of t, and puts them into k. It returns the commit
// secret.
func (k treeKeys) takePath(s *suite.Suite, t *tree.Tree, first []byte, steps []tree.Step) ([]byte, error) {
	if len(first) != s.HashSize() {
		return nil, rule.Broken("7.5-3", "path secret of %d bytes", len(first))
	}
	p, err := derivePath(s, first, len(steps))
	if err != nil {
		return nil, err
	}
	defer p.wipe()
	for i, step := range steps {
		if !suite.Equal(p.keys[i].Public, t.EncryptionKey(step.Node)) {
			return nil, rule.Broken("7.5-2", "path secret of node %d does not give its public key", step.Node)
		}
	}
	for i, step := range steps {
		k[step.Node] = p.keys[i]
	}
	return p.commit, nil
}
