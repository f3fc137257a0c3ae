package tree

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// FuzzParse reads trees, and looks at all of those that can be read. Hardly any
// is valid; none may do harm.
func FuzzParse(f *testing.F) {
	t := &testing.T{}
	g := full(t, 5)
	g.add()
	f.Add(g.tree.Marshal())
	f.Add(newGrove(t, 1).tree.Marshal())
	parent := func(leaves ...wire.LeafIndex) []byte {
		return wire.MarshalNodes([]wire.Node{{}, {Parent: &wire.ParentNode{UnmergedLeaves: leaves}}, {}, {Parent: &wire.ParentNode{}}})
	}
	f.Add(parent())
	f.Add(parent(0, 1))
	f.Add(parent(1, 2, wire.MaxLeafIndex))
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		tr, err := Parse(s, in)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if got := tr.Marshal(); !bytes.Equal(got, in) {
			t.Fatalf("two encodings of one tree: %x and %x", in, got)
		}
		before := tr.Hash()
		err = tr.Validate([]byte("group"), nil)
		var broken *rule.ValidationError
		if err != nil && !errors.As(err, &broken) && !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("untyped error %T: %v", err, err)
		}
		for i := range wire.LeafIndex(tr.Leaves()) {
			for _, step := range tr.FilteredDirectPath(i) {
				for _, x := range tr.Receivers(step, []wire.LeafIndex{i}) {
					tr.EncryptionKey(x)
				}
			}
			if c := tr.Clone(); c.Leaf(i) != nil {
				if err := c.Remove(i); err != nil {
					t.Error(err)
				}
				c.Hash()
			}
		}
		if !bytes.Equal(tr.Hash(), before) {
			t.Error("looking at a tree changes it")
		}
	})
}
