package mls

import (
	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/wire"
)

// A pastEpoch is what is kept of an epoch to read messages that come late.
type pastEpoch struct {
	context    wire.GroupContext
	senderData []byte
	messages   *secretTree
	own        wire.LeafIndex
	members    map[wire.LeafIndex]Member // who was where, then
}

func (p *pastEpoch) wipe() {
	secret.Wipe(p.senderData)
	p.messages.wipe()
}

// Merge applies a commit that [Group.Receive] staged. A pending commit of our
// own has lost and is discarded.
func (g *Group) Merge(s *Staged) error {
	if s.base != g.state {
		return ErrStaleStage
	}
	if s.SelfRemoved {
		g.leave()
		return nil
	}
	g.enter(s.next)
	return nil
}

// enter makes next the current epoch, keeps of the old one what late messages
// need, and wipes the rest.
func (g *Group) enter(next *nextEpoch) {
	if g.pending != nil && g.pending.next != next {
		g.DiscardPending()
	}
	g.pending = nil
	g.archive()
	g.resumed = append(g.resumed, resumptionKey{g.Epoch(), append([]byte(nil), g.secrets.resumption...)})
	for len(g.resumed) > maxResumed {
		secret.Wipe(g.resumed[0].key)
		g.resumed = g.resumed[1:]
	}
	g.keys.wipeUnlessIn(next.keys)
	for _, u := range g.updates {
		if next.keys[leafNode(next.own)] != u.pair {
			u.pair.Wipe()
		}
	}
	g.updates = nil
	g.secrets.wipe()
	g.state, g.own, g.keys, g.secrets, g.signer = next.state, next.own, next.keys, next.secrets, next.signer
	g.messages = g.secrets.takeTree(g.suite, g.state.Tree.Leaves())
}

// archive keeps the current epoch among the past ones, and no more of those than
// the configuration says.
func (g *Group) archive() {
	keep := g.cfg.pastEpochs()
	if keep == 0 {
		g.messages.wipe()
	} else {
		g.messages.wipeHandshakes()
		p := &pastEpoch{
			context:    g.state.Context,
			senderData: append([]byte(nil), g.secrets.senderData...),
			messages:   g.messages,
			own:        g.own,
			members:    make(map[wire.LeafIndex]Member),
		}
		for i, leaf := range g.state.Tree.Members() {
			p.members[i] = memberOf(i, leaf)
		}
		g.past = append(g.past, p)
	}
	for len(g.past) > keep {
		g.past[0].wipe()
		g.past = g.past[1:]
	}
}

// leave wipes all secrets of a group we are no longer in. What was sent before
// can still be read, if it comes late.
func (g *Group) leave() {
	g.DiscardPending()
	g.archive()
	g.keys.wipeUnlessIn(nil)
	for _, u := range g.updates {
		u.pair.Wipe()
	}
	g.updates = nil
	g.secrets.wipe()
	g.messages = newSecretTree(g.suite, make([]byte, g.suite.HashSize()), g.state.Tree.Leaves())
	g.removed = true
}

// wipeHandshakes wipes the chains for handshakes, which are good only for the
// current epoch.
func (t *secretTree) wipeHandshakes() {
	for _, both := range t.ratchets {
		both[handshakeRatchet].wipe()
	}
}
