package mls

import (
	"bytes"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/codec"
	"github.com/sotto-health/sotto/mls/suite"
)

// marshalWhole is the first form of a group's state, which had the keys of
// messages among the rest.
func marshalWhole(g *Group) []byte {
	var w codec.Writer
	w.Uint8(stateVersionWhole)
	writeBool(&w, g.removed)
	writeEpoch(&w, &nextEpoch{g.state, g.own, g.keys, g.secrets, g.signer})
	g.messages.write(&w)
	w.Nest(func(*codec.Writer) {})
	w.Nest(func(w *codec.Writer) {
		for _, p := range g.past {
			w.Vector(p.context.Marshal())
			w.Vector(p.senderData)
			p.messages.write(w)
			w.Uint32(uint32(p.own))
			w.Nest(func(w *codec.Writer) {
				for _, leaf := range sortedKeys(p.members) {
					w.Uint32(uint32(leaf))
					writeBool(w, true)
				}
			})
		}
	})
	w.Nest(func(w *codec.Writer) {
		for _, r := range g.resumed {
			w.Uint64(r.epoch)
			w.Vector(r.key)
		}
	})
	writeBool(&w, false)
	return w.Bytes()
}

// TestRestoreFirstForm: what an earlier program kept is read.
func TestRestoreFirstForm(t *testing.T) {
	all := internalTeam(t, suite.X25519AES128, 2)
	g := all[1]
	late, err := all[0].Seal([]byte("late"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := all[0].Commit(CommitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	staged, err := g.Receive(p.Commit)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Merge(staged.(*Staged)); err != nil {
		t.Fatal(err)
	}
	back, err := Restore(g.cfg, g.signer, marshalWhole(g))
	if err != nil {
		t.Fatal(err)
	}
	want, err := g.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Marshal(); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("it is not the same group: %v", err)
	}
	if _, err := back.Receive(late); err != nil {
		t.Error(err)
	}
}

// TestKeysOfAnotherEpoch: parts that do not belong together are refused.
func TestKeysOfAnotherEpoch(t *testing.T) {
	all := internalTeam(t, suite.X25519AES128, 2)
	g := all[0]
	keys := g.MarshalKeys()
	if _, err := g.Commit(CommitOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.MergePending(); err != nil {
		t.Fatal(err)
	}
	state, err := g.MarshalState()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(g.cfg, g.signer, JoinState(state, keys)); err == nil {
		t.Error("restored with the keys of the epoch before")
	}
	if _, err := Restore(g.cfg, g.signer, JoinState(state, g.MarshalKeys())); err != nil {
		t.Error(err)
	}
}
