package delivery_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// FuzzCheck gives a service handshakes and group infos of real clients with
// bytes cut out and put in. It refuses them in the documented way, and is as
// before.
func FuzzCheck(f *testing.F) {
	w := newWard(&testing.T{}, suite.X25519AES128, 4)
	kp := w.keyPackage(w.client("new"))
	commit := w.commit(w.clients[1], mls.CommitOptions{Add: []*wire.KeyPackage{kp.Package()}, Remove: []wire.LeafIndex{2}})
	proposal, err := w.clients[3].group.ProposeUpdate(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	now, err := w.clients[0].group.GroupInfo()
	if err != nil {
		f.Fatal(err)
	}
	eve := w.client("eve")
	_, external, err := mls.JoinExternal(config, eve.signer, wire.BasicCredential([]byte("eve")), now, mls.ExternalOptions{})
	if err != nil {
		f.Fatal(err)
	}
	messages := [][]byte{commit.Commit, proposal, external, now, commit.Welcome}
	for kind := range uint8(len(messages)) {
		f.Add(kind, uint16(0), uint16(0), []byte(nil))
		f.Add(kind, uint16(30), uint16(4), []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(kind, uint16(200), uint16(60), []byte(nil))
		f.Add(kind, uint16(0), uint16(0xffff), []byte{0, 1, 0, 1})
	}
	typed := func(t *testing.T, err error) {
		var broken *delivery.ValidationError
		if err == nil || errors.As(err, &broken) {
			return
		}
		for _, known := range []error{
			delivery.ErrMalformed, delivery.ErrNotPublic, delivery.ErrWrongGroup, delivery.ErrStaleEpoch,
			delivery.ErrFutureEpoch, delivery.ErrUnknownProposal, delivery.ErrGroupInfo, suite.ErrBadKey,
		} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("untyped error %T: %v", err, err)
	}
	f.Fuzz(func(t *testing.T, kind uint8, at, cut uint16, with []byte) {
		b := messages[int(kind)%len(messages)]
		i := int(at) % len(b)
		j := min(i+int(cut), len(b))
		in := append(append(bytes.Clone(b[:i]), with...), b[j:]...)
		before := w.public.Marshal()
		h, err := w.public.Check(in)
		typed(t, err)
		if err == nil && h.Kind == delivery.Proposal && !bytes.Equal(in, b) && len(in) < len(b)-33 {
			t.Error("a changed proposal is accepted")
		}
		typed(t, w.public.CheckGroupInfo(in))
		_, err = delivery.New(delivery.Config{Credentials: mls.AnyCredential{}}, in)
		typed(t, err)
		if !bytes.Equal(w.public.Marshal(), before) {
			t.Error("checking changes the group")
		}
	})
}

// FuzzRestore gives a service a changed state of a group: it may refuse, and
// what it takes it writes again as it was.
func FuzzRestore(f *testing.F) {
	w := newWard(&testing.T{}, suite.X25519AES128, 4)
	state := w.public.Marshal()
	f.Add(uint16(0), uint16(0), []byte(nil))
	f.Add(uint16(0), uint16(1), []byte{2})
	f.Add(uint16(40), uint16(4), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint16(0), uint16(0xffff), []byte(nil))
	f.Fuzz(func(t *testing.T, at, cut uint16, with []byte) {
		from := min(int(at), len(state))
		b := slices.Concat(state[:from], with, state[min(from+int(cut), len(state)):])
		g, err := delivery.Restore(delivery.Config{Credentials: mls.AnyCredential{}}, b)
		if (g == nil) == (err == nil) {
			t.Errorf("%v and %v", g, err)
		}
		if err == nil && !bytes.Equal(g.Marshal(), b) {
			t.Errorf("%x is written as %x", b, g.Marshal())
		}
	})
}
