package mls

import (
	"bytes"
	"testing"

	"github.com/sotto-health/sotto/mls/internal/secret"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

func wiped(b []byte) bool { return bytes.Equal(b, make([]byte, len(b))) }

// TestUsedKeysAreWiped looks into the memory that held each secret.
func TestUsedKeysAreWiped(t *testing.T) {
	s, err := suite.Lookup(suite.MLKEM768P256)
	if err != nil {
		t.Fatal(err)
	}
	root := secret.Random(s.HashSize())
	tree := newSecretTree(s, root, 4)
	for _, leaf := range []wire.LeafIndex{2, 0, 1, 3} {
		if _, err := tree.of(leaf); err != nil {
			t.Fatal(err)
		}
	}
	if !wiped(root) || len(tree.nodes) != 0 {
		t.Error("node secrets outlive their children's")
	}
	r := &tree.ratchets[2][applicationRatchet]
	first := r.secret
	taken, err := tree.take(2, applicationRatchet, 3, 10)
	if err != nil {
		t.Fatal(err)
	}
	if r.next != 0 || wiped(first) {
		t.Error("the ratchet moved before the message was verified")
	}
	taken.use()
	if r.next != 4 || !wiped(first) || !wiped(taken.key) || !wiped(taken.nonce) {
		t.Error("a used key is left")
	}
	skipped := r.skipped[1]
	late, err := tree.take(2, applicationRatchet, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	late.use()
	if !wiped(skipped.key) || len(r.skipped) != 2 {
		t.Error("a late key is left")
	}
	old := r.skipped[0]
	far, err := tree.take(2, applicationRatchet, 13, 10)
	if err != nil {
		t.Fatal(err)
	}
	far.use()
	if _, kept := r.skipped[0]; kept || !wiped(old.key) {
		t.Error("a key older than the window is left")
	}
	if len(r.skipped) > 10 {
		t.Errorf("%d skipped keys are kept", len(r.skipped))
	}
	key, _, err := tree.next(1, handshakeRatchet)
	if err != nil {
		t.Fatal(err)
	}
	key.wipe()
	if !wiped(key.key) {
		t.Error("wipe")
	}
	one := internalTeam(t, suite.X25519AES128, 1)[0]
	kp, err := NewKeyPackage(one.cfg, one.suite, one.signer, wire.BasicCredential([]byte("new")), KeyPackageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kp.Wipe()
	if !wiped(kp.init.Private) || !wiped(kp.leaf.Private) {
		t.Error("a key package's keys are left")
	}
}

// TestPastEpochsAreWiped: a merge leaves nothing of the epoch before but what
// late messages need, and that goes too in the end.
func TestPastEpochsAreWiped(t *testing.T) {
	s, err := suite.Lookup(suite.P256AES128)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	g, err := Create(Config{Credentials: AnyCredential{}, PastEpochs: 1}, s, []byte("g"), signer, wire.BasicCredential([]byte("a")), CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var before [][]byte
	g.secrets.each(func(_ string, b *[]byte) { before = append(before, *b) })
	leaf := g.keys[leafNode(0)].Private
	step := func() {
		if _, err := g.Commit(CommitOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := g.MergePending(); err != nil {
			t.Fatal(err)
		}
	}
	step()
	for i, b := range before {
		if !wiped(b) {
			t.Errorf("secret %d of the epoch before is left", i)
		}
	}
	if !wiped(leaf) {
		t.Error("the leaf's old key is left")
	}
	if len(g.past) != 1 {
		t.Fatalf("%d past epochs", len(g.past))
	}
	data, root := g.past[0].senderData, g.past[0].messages.nodes[0]
	if wiped(data) || wiped(root) {
		t.Fatal("what late messages need is gone")
	}
	step()
	if !wiped(data) || !wiped(root) {
		t.Error("an epoch too old is left")
	}
	p, err := g.Commit(CommitOptions{})
	if err != nil || p == nil {
		t.Fatal(err)
	}
	lost := g.pending.next
	g.DiscardPending()
	if !wiped(lost.secrets.init) || !wiped(lost.keys[leafNode(0)].Private) || wiped(g.keys[leafNode(0)].Private) {
		t.Error("a discarded commit is left, or took the current key along")
	}
}

func TestPaddingHasFewSizes(t *testing.T) {
	sizes := make(map[int]bool)
	for n := range 65 << 10 {
		size := n + padToBucket(n)
		if size < n || size > 2*(64<<10) {
			t.Fatalf("%d bytes padded to %d", n, size)
		}
		sizes[size] = true
	}
	if len(sizes) > 9 {
		t.Errorf("%d sizes", len(sizes))
	}
	if got := 200_000 + padToBucket(200_000); got%(64<<10) != 0 {
		t.Errorf("a large message is padded to %d", got)
	}
}
