package mls

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/internal/treemath"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// Versions of the encoding of a Group: one that had the message keys among the
// rest, and the present one.
const (
	stateVersionWhole = 1
	stateVersion      = 2
)

// Marshal returns all of g but its configuration and its signers' private keys:
// also a pending commit, past epochs and known proposals. It is secret, and the
// caller seals it. A state that is older than the last message sent must never
// be restored: its keys would be used twice.
func (g *Group) Marshal() ([]byte, error) {
	state, err := g.MarshalState()
	return JoinState(state, g.MarshalKeys()), err
}

// JoinState makes of what [Group.MarshalState] and [Group.MarshalKeys] returned,
// the second not before the first, what [Group.Marshal] returns.
func JoinState(state, keys []byte) []byte {
	var w codec.Writer
	w.Uint8(stateVersion)
	w.Vector(state)
	w.Vector(keys)
	return w.Bytes()
}

// MarshalKeys returns the keys of messages, of the present epoch and of past
// ones. To seal a message, or to open an [Application], changes them and nothing
// else of g: whoever keeps them apart need not write all of a large group for
// each message, and overwrites what must not be found again.
func (g *Group) MarshalKeys() []byte {
	var w codec.Writer
	w.Uint64(g.Epoch())
	w.Vector(g.state.ConfirmationTag)
	g.messages.write(&w)
	w.Nest(func(w *codec.Writer) {
		for _, p := range g.past {
			p.messages.write(w)
		}
	})
	return w.Bytes()
}

// MarshalState returns what [Group.MarshalKeys] leaves out.
func (g *Group) MarshalState() ([]byte, error) {
	var w codec.Writer
	writeBool(&w, g.removed)
	writeEpoch(&w, &nextEpoch{g.state, g.own, g.keys, g.secrets, g.signer})
	w.Nest(func(w *codec.Writer) {
		for _, u := range g.updates {
			w.Vector(u.pair.Private)
			w.Vector(u.signer.Public())
		}
	})
	w.Nest(func(w *codec.Writer) {
		for _, p := range g.past {
			p.write(w, g.state.Tree)
		}
	})
	w.Nest(func(w *codec.Writer) {
		for _, r := range g.resumed {
			w.Uint64(r.epoch)
			w.Vector(r.key)
		}
	})
	w.Optional(g.pending != nil, func(w *codec.Writer) {
		writeEpoch(w, g.pending.next)
		w.Vector(g.pending.Commit)
		w.Optional(g.pending.Welcome != nil, func(w *codec.Writer) { w.Vector(g.pending.Welcome) })
		w.Vector(g.pending.GroupInfo)
	})
	return w.Bytes(), nil
}

// Restore returns the group whose state [Group.Marshal] returned. signer is this
// member's; successors are those that an update or commit of ours, not yet
// merged, named.
func Restore(cfg Config, signer suite.Signer, state []byte, successors ...suite.Signer) (*Group, error) {
	if cfg.Credentials == nil {
		return nil, ErrNoValidator
	}
	r := &stateReader{
		Reader:  codec.NewReader(append([]byte(nil), state...)),
		signers: append([]suite.Signer{signer}, successors...),
	}
	keys := r // of messages
	switch v := r.Uint8(); v {
	case stateVersionWhole:
	case stateVersion:
		joined := r
		r = &stateReader{Reader: codec.NewReader(joined.Vector()), signers: joined.signers}
		keys = &stateReader{Reader: codec.NewReader(joined.Vector())}
		if joined.Finish() != nil {
			return nil, joined.failure()
		}
	default:
		r.Fail("group state of version %d", v)
	}
	g := &Group{cfg: cfg, removed: r.bool()}
	current := r.epoch()
	if r.Err() != nil {
		return nil, r.failure()
	}
	g.state, g.own, g.keys, g.secrets, g.signer = current.state, current.own, current.keys, current.secrets, current.signer
	g.suite = g.state.Suite
	r.suite, keys.suite = g.suite, g.suite
	var past *stateReader // keys of past epochs, if they are apart
	if keys != r {
		if epoch, tag := keys.Uint64(), keys.Vector(); epoch != g.Epoch() || !bytes.Equal(tag, g.state.ConfirmationTag) {
			keys.Fail("keys of another epoch")
		}
	}
	g.messages = keys.secretTree()
	if keys != r {
		past = &stateReader{Reader: keys.Nest(), suite: g.suite}
	}
	r.list(func(r *stateReader) {
		pair := r.pair()
		g.updates = append(g.updates, ownUpdate{pair, r.signer()})
	})
	r.list(func(r *stateReader) { g.past = append(g.past, r.past(g.state.Tree, cmp.Or(past, r))) })
	if r.failure() != nil {
		return nil, r.failure()
	}
	if keys != r {
		if !past.Empty() {
			past.Fail("keys of more past epochs than there are")
		}
		if keys.Join(past.Reader); keys.Finish() != nil {
			return nil, keys.failure()
		}
	}
	r.list(func(r *stateReader) { g.resumed = append(g.resumed, resumptionKey{r.Uint64(), r.Vector()}) })
	if r.bool() {
		p := &pendingCommit{next: r.epoch()}
		p.Commit = r.Vector()
		if r.bool() {
			p.Welcome = r.Vector()
		}
		p.GroupInfo = r.Vector()
		if r.Err() == nil {
			p.Epoch = p.next.state.Context.Epoch
		}
		g.pending = p
	}
	if r.Finish() != nil {
		return nil, r.failure()
	}
	return g, nil
}

func writeBool(w *codec.Writer, b bool) { w.Optional(b, func(*codec.Writer) {}) }

func writeEpoch(w *codec.Writer, e *nextEpoch) {
	w.Vector(e.state.Marshal())
	w.Uint32(uint32(e.own))
	w.Vector(e.signer.Public())
	w.Nest(func(w *codec.Writer) {
		for _, x := range sortedKeys(e.keys) {
			w.Uint32(uint32(x))
			w.Vector(e.keys[x].Private)
			w.Vector(e.keys[x].Public)
		}
	})
	e.secrets.each(func(_ string, s *[]byte) { w.Vector(*s) })
}

func (t *secretTree) write(w *codec.Writer) {
	w.Uint32(t.leaves)
	w.Nest(func(w *codec.Writer) {
		for _, x := range sortedKeys(t.nodes) {
			w.Uint32(uint32(x))
			w.Vector(t.nodes[x])
		}
	})
	w.Nest(func(w *codec.Writer) {
		for _, leaf := range sortedKeys(t.ratchets) {
			w.Uint32(uint32(leaf))
			for i := range t.ratchets[leaf] {
				t.ratchets[leaf][i].write(w)
			}
		}
	})
}

func (r *ratchet) write(w *codec.Writer) {
	w.Vector(r.secret)
	w.Uint32(r.next)
	w.Nest(func(w *codec.Writer) {
		for _, generation := range sortedKeys(r.skipped) {
			w.Uint32(generation)
			w.Vector(r.skipped[generation].key)
			w.Vector(r.skipped[generation].nonce)
		}
	})
}

// write leaves out the members who are the same as in now, which is the current
// tree: most of them, most of the time.
func (p *pastEpoch) write(w *codec.Writer, now *tree.Tree) {
	w.Vector(p.context.Marshal())
	w.Vector(p.senderData)
	w.Uint32(uint32(p.own))
	w.Nest(func(w *codec.Writer) {
		for _, leaf := range sortedKeys(p.members) {
			m := p.members[leaf]
			w.Uint32(uint32(leaf))
			node := now.Leaf(leaf)
			same := node != nil && bytes.Equal(node.SignatureKey, m.SignatureKey) && node.Credential.Equal(m.Credential)
			writeBool(w, same)
			if !same {
				w.Vector(m.SignatureKey)
				w.Vector(m.Credential.Marshal())
			}
		}
	})
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// A stateReader reads what Marshal wrote. What it returns is of use only if its
// error is nil in the end.
type stateReader struct {
	*codec.Reader
	suite   *suite.Suite
	signers []suite.Signer
	err     error // a failure that is no malformation
}

// failure returns what went wrong.
func (r *stateReader) failure() error {
	if r.err != nil {
		return r.err
	}
	return r.Err()
}

// stop ends the reading because of err.
func (r *stateReader) stop(err error) {
	if r.err == nil && r.Err() == nil {
		r.err = err
	}
	r.Fail("%v", err)
}

func (r *stateReader) bool() bool {
	b := false
	r.Optional(func(*codec.Reader) { b = true })
	return b
}

func (r *stateReader) list(item func(*stateReader)) {
	inner := &stateReader{Reader: r.Nest(), suite: r.suite, signers: r.signers}
	for !inner.Empty() {
		item(inner)
	}
	if inner.err != nil && r.err == nil {
		r.err = inner.err
	}
	r.Join(inner.Reader)
}

func (r *stateReader) signer() suite.Signer {
	public := r.Vector()
	for _, s := range r.signers {
		if s != nil && bytes.Equal(s.Public(), public) {
			return s
		}
	}
	r.stop(ErrWrongSigner)
	return nil
}

func (r *stateReader) pair() *secret.KeyPair {
	private := r.Vector()
	if r.Err() != nil {
		return nil
	}
	pair, err := secret.ParseKeyPair(r.suite, private)
	if err != nil {
		r.stop(err)
	}
	return pair
}

func (r *stateReader) epoch() *nextEpoch {
	state, err := epoch.Parse(r.Vector())
	if err != nil {
		r.stop(err)
		return nil
	}
	e := &nextEpoch{state: state, own: wire.LeafIndex(r.Uint32()), signer: r.signer(), keys: make(treeKeys), secrets: new(epochSecrets)}
	r.list(func(r *stateReader) {
		x := treemath.Node(r.Uint32())
		e.keys[x] = &secret.KeyPair{Private: r.Vector(), Public: r.Vector()}
	})
	e.secrets.each(func(_ string, s *[]byte) { *s = r.Vector() })
	return e
}

func (r *stateReader) secretTree() *secretTree {
	t := newSecretTree(r.suite, nil, 1)
	t.leaves = r.Uint32()
	if t.leaves == 0 || t.leaves > treemath.MaxLeaves || t.leaves&(t.leaves-1) != 0 {
		r.Fail("secret tree of %d leaves", t.leaves)
	}
	clear(t.nodes)
	r.list(func(r *stateReader) {
		x := treemath.Node(r.Uint32())
		t.nodes[x] = r.Vector()
	})
	r.list(func(r *stateReader) {
		leaf := wire.LeafIndex(r.Uint32())
		t.ratchets[leaf] = &ratchets{r.ratchet(), r.ratchet()}
	})
	return t
}

func (r *stateReader) ratchet() ratchet {
	out := ratchet{secret: r.Vector(), next: r.Uint32()}
	r.list(func(r *stateReader) {
		if out.skipped == nil {
			out.skipped = make(map[uint32]messageKey)
		}
		generation := r.Uint32()
		out.skipped[generation] = messageKey{key: r.Vector(), nonce: r.Vector()}
	})
	return out
}

// past reads a past epoch, and its keys where keys has them.
func (r *stateReader) past(now *tree.Tree, keys *stateReader) *pastEpoch {
	p := new(pastEpoch)
	var err error
	if p.context, err = wire.ParseGroupContext(r.Vector()); err != nil {
		r.stop(err)
		return p
	}
	p.senderData = r.Vector()
	p.messages = keys.secretTree()
	p.own = wire.LeafIndex(r.Uint32())
	p.members = make(map[wire.LeafIndex]Member)
	r.list(func(r *stateReader) {
		leaf := wire.LeafIndex(r.Uint32())
		if r.bool() {
			node := now.Leaf(leaf)
			if node == nil {
				r.Fail("past member %d", leaf)
				return
			}
			p.members[leaf] = memberOf(leaf, node)
			return
		}
		m := Member{Leaf: leaf, SignatureKey: r.Vector()}
		if m.Credential, err = wire.ParseCredential(r.Vector()); err != nil {
			r.stop(err)
		}
		p.members[leaf] = m
	})
	return p
}
