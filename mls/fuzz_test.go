package mls

import (
	"bytes"
	"testing"

	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// splice returns b with the cut bytes at at replaced by with. Keys differ in
// every run, so that whole messages make no corpus, but changes to them do.
func splice(b []byte, at, cut uint16, with []byte) []byte {
	if len(b) == 0 {
		return with
	}
	i := int(at) % len(b)
	j := min(i+int(cut), len(b))
	return append(append(append([]byte(nil), b[:i]...), with...), b[j:]...)
}

func addSplices(f *testing.F, kinds uint8) {
	for kind := range kinds {
		f.Add(kind, uint16(0), uint16(0), []byte(nil))
		f.Add(kind, uint16(40), uint16(4), []byte{0xff, 0xff, 0xff, 0xff})
		f.Add(kind, uint16(60), uint16(1000), []byte(nil))
	}
}

// FuzzReceive gives a member changed messages. It must refuse them, or take
// them for what they were, and go on.
func FuzzReceive(f *testing.F) {
	all := internalTeam(f, suite.X25519AES128, 3)
	sealed, err := all[1].Seal([]byte("hello"), nil)
	if err != nil {
		f.Fatal(err)
	}
	proposal, err := all[1].ProposeUpdate(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	p, err := all[2].Commit(CommitOptions{})
	if err != nil {
		f.Fatal(err)
	}
	messages := [][]byte{sealed, proposal, p.Commit, p.GroupInfo, nil}
	state, err := all[0].Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSplices(f, uint8(len(messages)))
	f.Fuzz(func(t *testing.T, kind uint8, at, cut uint16, with []byte) {
		g, err := Restore(all[0].cfg, all[0].signer, state)
		if err != nil {
			t.Fatal(err)
		}
		original := messages[int(kind)%len(messages)]
		message := splice(original, at, cut, with)
		event, err := g.Receive(message)
		if (event == nil) == (err == nil) {
			t.Errorf("%v and %v", event, err)
		}
		if err == nil && string(message) != string(original) {
			t.Error("a changed message is accepted")
		}
		if staged, ok := event.(*Staged); ok {
			if err := g.Merge(staged); err != nil {
				t.Error(err)
			}
		}
		if _, err := g.Seal([]byte("on"), nil); err != nil {
			t.Error(err)
		}
	})
}

// FuzzRestore gives Restore a changed state: it may refuse, and nothing else.
func FuzzRestore(f *testing.F) {
	all := internalTeam(f, suite.X25519AES128, 2)
	if _, err := all[0].Commit(CommitOptions{}); err != nil {
		f.Fatal(err)
	}
	state, err := all[0].Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSplices(f, 1)
	f.Fuzz(func(t *testing.T, _ uint8, at, cut uint16, with []byte) {
		g, err := Restore(all[0].cfg, all[0].signer, splice(state, at, cut, with))
		if (g == nil) == (err == nil) {
			t.Errorf("%v and %v", g, err)
		}
	})
}

// FuzzParseKeyPackageSecret gives it a changed key package with its keys: it
// may refuse, and what it takes is written again as it was.
func FuzzParseKeyPackageSecret(f *testing.F) {
	one := internalTeam(f, suite.X25519AES128, 1)[0]
	k, err := NewKeyPackage(one.cfg, one.suite, one.signer, wire.BasicCredential([]byte("new")), KeyPackageOptions{})
	if err != nil {
		f.Fatal(err)
	}
	addSplices(f, 1)
	f.Fuzz(func(t *testing.T, _ uint8, at, cut uint16, with []byte) {
		b := splice(k.Marshal(), at, cut, with)
		got, err := ParseKeyPackageSecret(b)
		if (got == nil) == (err == nil) {
			t.Errorf("%v and %v", got, err)
		}
		if err == nil && !bytes.Equal(got.Marshal(), b) {
			t.Errorf("%x is written as %x", b, got.Marshal())
		}
	})
}

// FuzzJoin gives a client a changed welcome or group info.
func FuzzJoin(f *testing.F) {
	all := internalTeam(f, suite.X25519AES128, 2)
	signer, err := all[0].suite.NewSigner()
	if err != nil {
		f.Fatal(err)
	}
	cfg, cred := all[0].cfg, wire.BasicCredential([]byte("new"))
	k, err := NewKeyPackage(cfg, all[0].suite, signer, cred, KeyPackageOptions{})
	if err != nil {
		f.Fatal(err)
	}
	p, err := all[0].Commit(CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
	if err != nil {
		f.Fatal(err)
	}
	info, err := all[0].GroupInfo()
	if err != nil {
		f.Fatal(err)
	}
	addSplices(f, 2)
	f.Fuzz(func(t *testing.T, kind uint8, at, cut uint16, with []byte) {
		original := p.Welcome
		if kind%2 == 1 {
			original = info
		}
		message := splice(original, at, cut, with)
		same := string(message) == string(original)
		if g, err := Join(cfg, signer, k, message, JoinOptions{}); (g == nil) == (err == nil) || err == nil && !same {
			t.Errorf("%v and %v", g, err)
		}
		if g, _, err := JoinExternal(cfg, signer, cred, message, ExternalOptions{}); (g == nil) == (err == nil) || err == nil && !same {
			t.Errorf("%v and %v", g, err)
		}
	})
}
