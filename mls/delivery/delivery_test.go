package delivery_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A ward is a group of real clients and the service that orders their
// handshakes.
type ward struct {
	t       *testing.T
	suite   *suite.Suite
	hub     suite.Signer
	public  *delivery.PublicGroup
	clients []*client
}

type client struct {
	name   string
	signer suite.Signer
	group  *mls.Group
}

var config = mls.Config{Credentials: mls.AnyCredential{}}

func newWard(t *testing.T, id suite.ID, clients int) *ward {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	w := &ward{t: t, suite: s}
	w.hub = w.signer()
	first := w.client("client 0")
	first.group, err = mls.Create(config, s, []byte("ward"), first.signer, wire.BasicCredential([]byte(first.name)), mls.CreateOptions{
		Extensions: wire.Extensions{wire.ExternalSendersExtension([]wire.ExternalSender{
			{SignatureKey: w.hub.Public(), Credential: wire.BasicCredential([]byte("hub"))},
		})},
	})
	w.check(err)
	info, err := first.group.GroupInfo()
	w.check(err)
	w.public, err = delivery.New(delivery.Config{Credentials: mls.AnyCredential{}}, info)
	w.check(err)
	w.clients = []*client{first}
	for i := 1; i < clients; i++ {
		w.add(first, fmt.Sprintf("client %d", i))
	}
	return w
}

func (w *ward) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) signer() suite.Signer {
	w.t.Helper()
	signer, err := w.suite.NewSigner()
	w.check(err)
	return signer
}

func (w *ward) client(name string) *client { return &client{name: name, signer: w.signer()} }

func (w *ward) keyPackage(c *client) *mls.KeyPackageSecret {
	w.t.Helper()
	kp, err := mls.NewKeyPackage(config, w.suite, c.signer, wire.BasicCredential([]byte(c.name)), mls.KeyPackageOptions{})
	w.check(err)
	return kp
}

// deliver passes a handshake of from's through the service to all others, and
// returns what the service made of it.
func (w *ward) deliver(from *client, message []byte) *delivery.Handshake {
	w.t.Helper()
	h, err := w.public.Check(message)
	w.check(err)
	w.check(w.public.Apply(h))
	var left []*client
	for _, c := range w.clients {
		if c == from && h.Kind == delivery.Commit {
			if !h.External {
				w.check(c.group.MergePending())
			}
		} else if c != from {
			event, err := c.group.Receive(message)
			if err != nil {
				w.t.Fatalf("%s: %v", c.name, err)
			}
			if staged, ok := event.(*mls.Staged); ok {
				w.check(c.group.Merge(staged))
				if staged.SelfRemoved {
					continue
				}
			}
		}
		left = append(left, c)
	}
	w.clients = left
	w.agree()
	return h
}

// agree checks that the service and all clients see the same group.
func (w *ward) agree() {
	w.t.Helper()
	context := w.public.Context()
	for _, c := range w.clients {
		if own := c.group.Context(); !bytes.Equal(own.Marshal(), context.Marshal()) {
			w.t.Fatalf("%s and the service see different groups in epochs %d and %d", c.name, own.Epoch, context.Epoch)
		}
	}
	if len(w.public.Members()) != len(w.clients) {
		w.t.Fatalf("the service sees %d members, there are %d", len(w.public.Members()), len(w.clients))
	}
}

func (w *ward) commit(c *client, opt mls.CommitOptions) *mls.Pending {
	w.t.Helper()
	p, err := c.group.Commit(opt)
	w.check(err)
	return p
}

func (w *ward) add(by *client, name string) *client {
	w.t.Helper()
	c := w.client(name)
	kp := w.keyPackage(c)
	p := w.commit(by, mls.CommitOptions{Add: []*wire.KeyPackage{kp.Package()}})
	h, err := w.public.Check(p.Commit)
	w.check(err)
	w.check(h.CheckWelcome(p.Welcome))
	w.check(h.CheckGroupInfo(p.GroupInfo))
	c.group, err = mls.Join(config, c.signer, kp, p.Welcome, mls.JoinOptions{})
	w.check(err)
	joined := append(append([]*client(nil), w.clients...), c)
	w.check(w.public.Apply(h))
	for _, o := range w.clients {
		if o == by {
			w.check(o.group.MergePending())
			continue
		}
		event, err := o.group.Receive(p.Commit)
		w.check(err)
		w.check(o.group.Merge(event.(*mls.Staged)))
	}
	w.clients = joined
	w.agree()
	return c
}

func TestFollows(t *testing.T) {
	for _, id := range []suite.ID{suite.X25519AES128, suite.P256AES128, suite.MLKEM768P256} {
		t.Run(id.String(), func(t *testing.T) {
			w := newWard(t, id, 5)
			c := w.clients

			h := w.deliver(c[1], w.commit(c[1], mls.CommitOptions{}).Commit)
			if h.Kind != delivery.Commit || h.Member.Leaf != c[1].group.OwnLeaf() || len(h.Updated) != 1 || h.External {
				t.Errorf("an update commit: %+v", h)
			}

			message, err := c[2].group.ProposeUpdate(nil, []byte("why"))
			w.check(err)
			h = w.deliver(c[2], message)
			if h.Kind != delivery.Proposal || string(h.AuthenticatedData) != "why" || h.Member.Leaf != c[2].group.OwnLeaf() {
				t.Errorf("an update proposal: %+v", h)
			}
			h = w.deliver(c[0], w.commit(c[0], mls.CommitOptions{}).Commit)
			if len(h.Updated) != 2 || len(h.Proposals) != 1 {
				t.Errorf("a commit of it: %+v", h)
			}

			// The hub asks for a removal, and a member does it.
			message, err = w.public.Propose(w.hub, 0, &wire.Remove{Removed: c[3].group.OwnLeaf()})
			w.check(err)
			if h = w.deliver(nil, message); h.Sender.Type != wire.SenderExternal || h.Member.SignatureKey != nil {
				t.Errorf("the hub's proposal: %+v", h)
			}
			h = w.deliver(c[0], w.commit(c[0], mls.CommitOptions{}).Commit)
			if len(h.Removed) != 1 || !bytes.Equal(h.Removed[0].Credential.Identity, []byte(c[3].name)) {
				t.Errorf("a removal: %+v", h)
			}

			// A newcomer joins by itself.
			info, err := c[0].group.GroupInfo()
			w.check(err)
			w.check(w.public.CheckGroupInfo(info))
			late := w.client("late")
			var message2 []byte
			late.group, message2, err = mls.JoinExternal(config, late.signer, wire.BasicCredential([]byte("late")), info, mls.ExternalOptions{})
			w.check(err)
			w.clients = append(w.clients, late)
			h = w.deliver(late, message2)
			if !h.External || len(h.Added) != 1 || !bytes.Equal(h.Added[0].Credential.Identity, []byte("late")) {
				t.Errorf("an external commit: %+v", h)
			}

			// All of them can still talk.
			sealed, err := late.group.Seal([]byte("hello"), nil)
			w.check(err)
			if _, err := w.public.Check(sealed); !errors.Is(err, delivery.ErrNotPublic) {
				t.Errorf("an application message: %v", err)
			}
			for _, o := range w.clients {
				if o == late {
					continue
				}
				event, err := o.group.Receive(sealed)
				w.check(err)
				if string(event.(*mls.Application).Data) != "hello" {
					t.Error("another text")
				}
			}
			w.deliver(late, w.commit(late, mls.CommitOptions{Remove: []wire.LeafIndex{c[0].group.OwnLeaf()}}).Commit)
		})
	}
}

func TestOneCommitAnEpoch(t *testing.T) {
	w := newWard(t, suite.P256AES128, 3)
	first := w.commit(w.clients[1], mls.CommitOptions{})
	second := w.commit(w.clients[2], mls.CommitOptions{})
	loser, err := w.public.Check(second.Commit)
	w.check(err)
	w.clients[2].group.DiscardPending()
	w.deliver(w.clients[1], first.Commit)
	if err := w.public.Apply(loser); !errors.Is(err, delivery.ErrStaleHandshake) {
		t.Errorf("applied a second commit: %v", err)
	}
	if _, err := w.public.Check(second.Commit); !errors.Is(err, delivery.ErrStaleEpoch) {
		t.Errorf("checked a second commit: %v", err)
	}
	w.deliver(w.clients[2], w.commit(w.clients[2], mls.CommitOptions{}).Commit)
}

func TestChangedByteByByte(t *testing.T) {
	w := newWard(t, suite.P256AES128, 3)
	kp := w.keyPackage(w.client("new"))
	message := w.commit(w.clients[1], mls.CommitOptions{Add: []*wire.KeyPackage{kp.Package()}, Remove: []wire.LeafIndex{2}}).Commit
	good, err := wire.ParseMessage(message)
	w.check(err)
	// Only members can check these two, the last things in the message.
	tags := len(good.Public.ConfirmationTag) + len(good.Public.MembershipTag) + 2
	for i := range message {
		bad := bytes.Clone(message)
		bad[i] ^= 0x40
		_, err := w.public.Check(bad)
		if err == nil && i < len(message)-tags {
			t.Errorf("byte %d of %d changed, and accepted", i, len(message))
		}
		var broken *delivery.ValidationError
		if err != nil && !errors.As(err, &broken) && !errors.Is(err, delivery.ErrMalformed) && !errors.Is(err, delivery.ErrNotPublic) &&
			!errors.Is(err, delivery.ErrWrongGroup) && !errors.Is(err, delivery.ErrStaleEpoch) && !errors.Is(err, delivery.ErrFutureEpoch) {
			t.Errorf("byte %d: untyped error %T: %v", i, err, err)
		}
	}
	if _, err := w.public.Check(message); err != nil {
		t.Error(err)
	}
}

// TestMembershipTagHasItsLength checks the one thing about the tag that shows
// without the group's secrets.
func TestMembershipTagHasItsLength(t *testing.T) {
	w := newWard(t, suite.P256AES128, 2)
	m, err := wire.ParseMessage(w.commit(w.clients[1], mls.CommitOptions{}).Commit)
	w.check(err)
	for _, n := range []int{0, 1, 31} {
		cut := *m.Public
		cut.MembershipTag = cut.MembershipTag[:n]
		_, err := w.public.Check((&wire.Message{Public: &cut}).Marshal())
		var broken *delivery.ValidationError
		if !errors.As(err, &broken) || broken.Rule != "6.2-1" {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestGroupInfo(t *testing.T) {
	w := newWard(t, suite.P256AES128, 3)
	now, err := w.clients[1].group.GroupInfo()
	w.check(err)
	w.check(w.public.CheckGroupInfo(now))
	p := w.commit(w.clients[0], mls.CommitOptions{})
	h, err := w.public.Check(p.Commit)
	w.check(err)
	w.check(h.CheckGroupInfo(p.GroupInfo))
	if err := w.public.CheckGroupInfo(p.GroupInfo); !errors.Is(err, delivery.ErrGroupInfo) {
		t.Errorf("of the next epoch: %v", err)
	}
	if err := h.CheckGroupInfo(now); !errors.Is(err, delivery.ErrGroupInfo) {
		t.Errorf("of the last epoch: %v", err)
	}
	if err := w.public.CheckGroupInfo(p.Commit); !errors.Is(err, delivery.ErrMalformed) {
		t.Errorf("a commit: %v", err)
	}
	w.deliver(w.clients[0], p.Commit)
	w.check(w.public.CheckGroupInfo(p.GroupInfo))

	for i := range p.GroupInfo {
		bad := bytes.Clone(p.GroupInfo)
		bad[i] ^= 1
		if w.public.CheckGroupInfo(bad) == nil {
			t.Errorf("byte %d changed, and accepted", i)
		}
	}
	// Signed by a member, yet false.
	change := func(change func(*wire.GroupInfo)) error {
		m, err := wire.ParseMessage(p.GroupInfo)
		w.check(err)
		change(m.GroupInfo)
		w.check(m.GroupInfo.Sign(w.suite, w.clients[0].signer))
		return w.public.CheckGroupInfo(m.Marshal())
	}
	w.check(change(func(*wire.GroupInfo) {}))
	for name, f := range map[string]func(*wire.GroupInfo){
		"another tree hash":        func(i *wire.GroupInfo) { i.Context.TreeHash = make([]byte, 32) },
		"another transcript":       func(i *wire.GroupInfo) { i.Context.ConfirmedTranscriptHash = nil },
		"another group":            func(i *wire.GroupInfo) { i.Context.GroupID = []byte("x") },
		"more extensions":          func(i *wire.GroupInfo) { i.Context.Extensions = nil },
		"another confirmation tag": func(i *wire.GroupInfo) { i.ConfirmationTag = i.ConfirmationTag[:8] },
		"part of the tree": func(i *wire.GroupInfo) {
			i.Extensions = wire.Extensions{{Type: wire.ExtensionRatchetTree, Data: []byte{0}}}
		},
		"a bad external key": func(i *wire.GroupInfo) { i.Extensions = wire.Extensions{wire.ExternalPubExtension([]byte{4})} },
	} {
		if err := change(f); !errors.Is(err, delivery.ErrGroupInfo) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := change(func(i *wire.GroupInfo) { i.Signer = 2 }); err == nil {
		t.Error("signed by another than it says")
	}
}

func TestWelcome(t *testing.T) {
	w := newWard(t, suite.P256AES128, 2)
	a, b := w.keyPackage(w.client("a")), w.keyPackage(w.client("b"))
	both := w.commit(w.clients[0], mls.CommitOptions{Add: []*wire.KeyPackage{a.Package(), b.Package()}})
	one := w.commit(w.clients[1], mls.CommitOptions{Add: []*wire.KeyPackage{a.Package()}})
	h, err := w.public.Check(both.Commit)
	w.check(err)
	if len(h.KeyPackages) != 2 || !bytes.Equal(h.KeyPackages[0], a.Ref()) {
		t.Errorf("key packages %x", h.KeyPackages)
	}
	w.check(h.CheckWelcome(both.Welcome))
	if err := h.CheckWelcome(one.Welcome); !errors.Is(err, delivery.ErrWelcome) {
		t.Errorf("for one of two: %v", err)
	}
	if err := h.CheckWelcome(both.Commit); !errors.Is(err, delivery.ErrMalformed) {
		t.Errorf("a commit: %v", err)
	}
	m, err := wire.ParseMessage(both.Welcome)
	w.check(err)
	m.Welcome.Secrets[1] = m.Welcome.Secrets[0]
	if err := h.CheckWelcome(m.Marshal()); !errors.Is(err, delivery.ErrWelcome) {
		t.Errorf("one twice: %v", err)
	}
}

func TestStateComesBack(t *testing.T) {
	w := newWard(t, suite.P256AES128, 3)
	message, err := w.clients[1].group.Propose(&wire.Remove{Removed: 2}, nil)
	w.check(err)
	w.deliver(w.clients[1], message)
	state := w.public.Marshal()
	back, err := delivery.Restore(delivery.Config{Credentials: mls.AnyCredential{}}, state)
	w.check(err)
	if !bytes.Equal(back.Marshal(), state) {
		t.Error("another state")
	}
	if id, err := delivery.SuiteOf(state[:delivery.StateHead]); err != nil || id != suite.P256AES128 {
		t.Errorf("the suite of a state is %v, %v", id, err)
	}
	for n := range 7 {
		if _, err := delivery.SuiteOf(state[:n]); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("the suite of the first %d bytes: %v", n, err)
		}
	}
	clone := back.Clone()
	w.public = back
	w.deliver(w.clients[0], w.commit(w.clients[0], mls.CommitOptions{}).Commit)
	if clone.Epoch() != back.Epoch()-1 || len(clone.Members()) != 3 {
		t.Error("a clone changes with its original")
	}
	for n := range state {
		if _, err := delivery.Restore(delivery.Config{}, state[:n]); !errors.Is(err, delivery.ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
}

func TestExpiredKeyPackage(t *testing.T) {
	w := newWard(t, suite.P256AES128, 1)
	kp := w.keyPackage(w.client("new"))
	later := delivery.Config{Credentials: mls.AnyCredential{}, Now: func() time.Time { return time.Now().Add(365 * 24 * time.Hour) }}
	public, err := delivery.Restore(later, w.public.Marshal())
	w.check(err)
	_, err = public.Check(w.commit(w.clients[0], mls.CommitOptions{Add: []*wire.KeyPackage{kp.Package()}}).Commit)
	var broken *delivery.ValidationError
	if !errors.As(err, &broken) || broken.Rule != "7.3-5" {
		t.Errorf("%v", err)
	}
}

func TestNoValidator(t *testing.T) {
	w := newWard(t, suite.P256AES128, 1)
	info, err := w.clients[0].group.GroupInfo()
	w.check(err)
	if _, err := delivery.New(delivery.Config{}, info); !errors.Is(err, delivery.ErrNoValidator) {
		t.Errorf("%v", err)
	}
}
