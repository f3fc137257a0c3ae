package mls

import (
	"maps"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A secretTree gives each member of an epoch two chains of message keys, one
// for handshakes and one for application data (RFC 9420, section 9). A node's
// secret is wiped as soon as its children's are known, and a key once used.
type secretTree struct {
	suite    *suite.Suite
	leaves   uint32
	nodes    map[treemath.Node][]byte // secrets not expanded yet
	ratchets map[wire.LeafIndex]*ratchets
}

// ratchets are the two chains of one member.
type ratchets [2]ratchet

const (
	handshakeRatchet   = 0
	applicationRatchet = 1
)

// ratchetFor returns which chain protects content of type t.
func ratchetFor(t wire.ContentType) int {
	if t == wire.ContentApplication {
		return applicationRatchet
	}
	return handshakeRatchet
}

// A ratchet is one chain of keys.
type ratchet struct {
	secret  []byte // of generation next
	next    uint32
	skipped map[uint32]messageKey // keys before next that were not used
}

// A messageKey protects one message.
type messageKey struct{ key, nonce []byte }

func (k messageKey) wipe() { secret.Wipe(k.key, k.nonce) }

// newSecretTree takes over encryption, which it wipes when it is expanded.
func newSecretTree(s *suite.Suite, encryption []byte, leaves uint32) *secretTree {
	return &secretTree{
		suite:    s,
		leaves:   leaves,
		nodes:    map[treemath.Node][]byte{treemath.Root(leaves): encryption},
		ratchets: make(map[wire.LeafIndex]*ratchets),
	}
}

func (t *secretTree) wipe() {
	for _, s := range t.nodes {
		secret.Wipe(s)
	}
	for _, both := range t.ratchets {
		for i := range both {
			both[i].wipe()
		}
	}
	clear(t.nodes)
	clear(t.ratchets)
}

func (r *ratchet) wipe() {
	secret.Wipe(r.secret)
	for _, k := range r.skipped {
		k.wipe()
	}
	clear(r.skipped)
}

// of returns the chains of a member, which must be within the tree.
func (t *secretTree) of(leaf wire.LeafIndex) (*ratchets, error) {
	if r := t.ratchets[leaf]; r != nil {
		return r, nil
	}
	if uint32(leaf) >= t.leaves {
		return nil, ErrUnauthenticated
	}
	// Expand from the lowest known ancestor downwards.
	target := treemath.FromLeaf(uint32(leaf))
	x := target
	for t.nodes[x] == nil {
		if x == treemath.Root(t.leaves) {
			return nil, ErrUnauthenticated // cannot be: a leaf is expanded into ratchets
		}
		x = x.Parent()
	}
	for x != target {
		left, err := secret.ExpandWithLabel(t.suite, t.nodes[x], "tree", []byte("left"), t.suite.HashSize())
		if err != nil {
			return nil, err
		}
		right, err := secret.ExpandWithLabel(t.suite, t.nodes[x], "tree", []byte("right"), t.suite.HashSize())
		if err != nil {
			return nil, err
		}
		secret.Wipe(t.nodes[x])
		delete(t.nodes, x)
		t.nodes[x.Left()], t.nodes[x.Right()] = left, right
		if x.Left().Above(target) {
			x = x.Left()
		} else {
			x = x.Right()
		}
	}
	handshake, err := secret.ExpandWithLabel(t.suite, t.nodes[x], "handshake", nil, t.suite.HashSize())
	if err != nil {
		return nil, err
	}
	application, err := secret.ExpandWithLabel(t.suite, t.nodes[x], "application", nil, t.suite.HashSize())
	if err != nil {
		return nil, err
	}
	secret.Wipe(t.nodes[x])
	delete(t.nodes, x)
	r := &ratchets{{secret: handshake}, {secret: application}}
	t.ratchets[leaf] = r
	return r, nil
}

// next returns the next key of a chain and its generation, to send with. The
// chain has moved on when it returns.
func (t *secretTree) next(leaf wire.LeafIndex, chain int) (messageKey, uint32, error) {
	both, err := t.of(leaf)
	if err != nil {
		return messageKey{}, 0, err
	}
	r := &both[chain]
	if r.next == 1<<32-1 {
		return messageKey{}, 0, ErrTooFarAhead
	}
	key, following, err := t.step(r.secret, r.next)
	if err != nil {
		return messageKey{}, 0, err
	}
	generation := r.next
	secret.Wipe(r.secret)
	r.secret = following
	r.next++
	return key, generation, nil
}

// A takenKey is a key to receive with. The chain does not move before use is
// called, so that a message that turns out forged costs nothing.
type takenKey struct {
	messageKey
	use func()
	// drop wipes what was computed, when use is not called.
	drop func()
}

// take returns the key of a generation, skipping at most forward keys, which
// are kept for messages that come late. No more than forward keys are kept.
func (t *secretTree) take(leaf wire.LeafIndex, chain int, generation, forward uint32) (*takenKey, error) {
	both, err := t.of(leaf)
	if err != nil {
		return nil, err
	}
	r := &both[chain]
	if generation < r.next {
		key, kept := r.skipped[generation]
		if !kept {
			return nil, ErrReplayed
		}
		return &takenKey{
			messageKey: key,
			use: func() {
				key.wipe()
				delete(r.skipped, generation)
			},
			drop: func() {},
		}, nil
	}
	if generation == 1<<32-1 || generation-r.next > forward {
		return nil, ErrTooFarAhead
	}
	skipped := make(map[uint32]messageKey, generation-r.next)
	s := append([]byte(nil), r.secret...)
	var key messageKey
	for g := r.next; ; g++ {
		k, following, err := t.step(s, g)
		if err != nil {
			return nil, err
		}
		secret.Wipe(s)
		s = following
		if g == generation {
			key = k
			break
		}
		skipped[g] = k
	}
	return &takenKey{
		messageKey: key,
		use: func() {
			key.wipe()
			secret.Wipe(r.secret)
			r.secret = s
			r.next = generation + 1
			if r.skipped == nil {
				r.skipped = skipped
			} else {
				maps.Copy(r.skipped, skipped)
			}
			r.forget(forward)
		},
		drop: func() {
			key.wipe()
			secret.Wipe(s)
			for _, k := range skipped {
				k.wipe()
			}
		},
	}, nil
}

// forget wipes the kept keys that are more than window generations old.
func (r *ratchet) forget(window uint32) {
	if r.next <= window {
		return
	}
	for g, k := range r.skipped {
		if g < r.next-window {
			k.wipe()
			delete(r.skipped, g)
		}
	}
}

// step returns the key of a generation and the secret of the next.
func (t *secretTree) step(s []byte, generation uint32) (key messageKey, following []byte, err error) {
	if key.key, err = secret.DeriveTreeSecret(t.suite, s, "key", generation, t.suite.KeySize()); err != nil {
		return messageKey{}, nil, err
	}
	if key.nonce, err = secret.DeriveTreeSecret(t.suite, s, "nonce", generation, t.suite.NonceSize()); err != nil {
		return messageKey{}, nil, err
	}
	following, err = secret.DeriveTreeSecret(t.suite, s, "secret", generation, t.suite.HashSize())
	return key, following, err
}
