package interop

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/tree"
	"github.com/sotto-health/sotto/mls/wire"
)

// suites are those that both sides have.
var suites = []suite.ID{suite.X25519AES128, suite.P256AES128, suite.X25519ChaCha, suite.P521AES256, suite.P384AES256}

// A room is a group of our clients and ts-mls clients, and the service that
// orders their handshakes.
type room struct {
	t       *testing.T
	peer    *peer
	suite   *suite.Suite
	public  *delivery.PublicGroup
	members []*member
	names   int
	coming  []*member // whose addition is proposed
}

// A member is a client of one side or the other: group is nil for ts-mls.
type member struct {
	name   string
	ours   bool
	signer *suite.SoftwareSigner
	kp     *mls.KeyPackageSecret // of ours
	pkg    []byte                // the key package as a message
	group  *mls.Group            // of ours, once joined
}

var config = mls.Config{
	Credentials: mls.AnyCredential{},
	MaxLifetime: -1, // those of ts-mls hold for ever
	PSK:         func(wire.PreSharedKeyID) ([]byte, error) { return secret, nil },
}

// agreed is the id of the pre-shared key secret.
const agreed = "agreed before"

var secret = bytes.Repeat([]byte{7}, 32)

func (r *room) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func newRoom(t *testing.T, p *peer, id suite.ID, oursFirst bool) *room {
	t.Helper()
	p.t = t
	r := &room{t: t, peer: p, suite: lookup(t, id)}
	first := r.client(oursFirst)
	var info []byte
	if first.ours {
		group, err := mls.Create(config, r.suite, []byte(t.Name()), first.signer, wire.BasicCredential([]byte(first.name)), mls.CreateOptions{})
		r.check(err)
		first.group = group
		info, err = group.GroupInfo()
		r.check(err)
	} else {
		p.call("create", map[string]any{"client": first.name, "group": hex.EncodeToString([]byte(t.Name()))})
		info = unhex(t, p.call("groupInfo", map[string]any{"client": first.name}).GroupInfo)
	}
	public, err := delivery.New(delivery.Config{Credentials: mls.AnyCredential{}, MaxLifetime: -1}, info)
	r.check(err)
	r.public, r.members = public, []*member{first}
	return r
}

// client makes a client with a key package. The signature key is ours to make
// for both sides: ts-mls encodes keys on NIST curves in its own way.
func (r *room) client(ours bool) *member {
	r.t.Helper()
	signer, err := r.suite.NewSigner()
	r.check(err)
	r.names++
	m := &member{name: fmt.Sprintf("%s %d", r.t.Name(), r.names), ours: ours, signer: signer}
	if ours {
		m.kp, err = mls.NewKeyPackage(config, r.suite, signer, wire.BasicCredential([]byte(m.name)), mls.KeyPackageOptions{})
		r.check(err)
		m.pkg = m.kp.Message()
		return m
	}
	m.pkg = unhex(r.t, r.peer.call("client", map[string]any{
		"client": m.name, "suite": r.suite.ID(), "identity": hex.EncodeToString([]byte(m.name)),
		"private": hex.EncodeToString(signer.Private()), "public": hex.EncodeToString(signer.Public()),
	}).KeyPackage)
	r.peer.call("psk", map[string]any{
		"client": m.name, "id": hex.EncodeToString([]byte(agreed)), "secret": hex.EncodeToString(secret),
	})
	return m
}

// A work is what a member is to commit.
type work struct {
	add    []*member
	remove []*member
	psk    string
}

// commit has by commit w and everybody take the commit.
func (r *room) commit(by *member, w work) {
	r.t.Helper()
	var commit, welcome []byte
	if by.ours {
		var opt mls.CommitOptions
		for _, m := range w.add {
			parsed, err := wire.ParseMessage(m.pkg)
			r.check(err)
			opt.Add = append(opt.Add, parsed.KeyPackage)
		}
		for _, m := range w.remove {
			opt.Remove = append(opt.Remove, r.leaf(m))
		}
		if w.psk != "" {
			nonce := make([]byte, r.suite.HashSize())
			opt.Proposals = append(opt.Proposals, &wire.PreSharedKey{ID: wire.PreSharedKeyID{Type: wire.PSKExternal, ID: []byte(w.psk), Nonce: nonce}})
		}
		p, err := by.group.Commit(opt)
		r.check(err)
		commit, welcome = p.Commit, p.Welcome
	} else {
		args := map[string]any{"client": by.name}
		var add, psk []string
		var remove []wire.LeafIndex
		for _, m := range w.add {
			add = append(add, hex.EncodeToString(m.pkg))
		}
		for _, m := range w.remove {
			remove = append(remove, r.leaf(m))
		}
		if w.psk != "" {
			psk = append(psk, hex.EncodeToString([]byte(w.psk)))
		}
		args["add"], args["remove"], args["psk"] = add, remove, psk
		a := r.peer.call("commit", args)
		commit, welcome = unhex(r.t, a.Commit), unhex(r.t, a.Welcome)
	}
	joining := append(r.coming, w.add...)
	r.coming = nil
	h, err := r.public.Check(commit)
	r.check(err)
	if len(joining) > 0 {
		r.check(h.CheckWelcome(welcome))
	}
	r.take(by, commit)
	for _, m := range joining {
		r.join(m, welcome)
	}
	r.agree()
}

// take has the service and all members but by apply a handshake; by merges its
// own commit. Those whom it removes leave the room.
func (r *room) take(by *member, message []byte) {
	r.t.Helper()
	h, err := r.public.Check(message)
	r.check(err)
	r.check(r.public.Apply(h))
	var left []*member
	for _, m := range r.members {
		gone := slices.ContainsFunc(h.Removed, func(x delivery.Member) bool {
			return bytes.Equal(x.SignatureKey, m.signer.Public())
		})
		switch {
		case m == by && h.Kind == delivery.Proposal:
		case m == by && m.ours:
			r.check(m.group.MergePending())
		case m == by:
			r.peer.call("merge", map[string]any{"client": m.name})
		case gone && !m.ours:
			// ts-mls 1.6.4 does not see that it was removed if the same commit
			// gives its leaf to another, and fails. It is out in any case.
			r.peer.try("receive", map[string]any{"client": m.name, "message": hex.EncodeToString(message)})
		default:
			r.receive(m, message)
		}
		if !gone {
			left = append(left, m)
		}
	}
	r.members = left
}

// receive has m take a message, and returns its text if it is one.
func (r *room) receive(m *member, message []byte) []byte {
	r.t.Helper()
	if !m.ours {
		return unhex(r.t, r.peer.call("receive", map[string]any{"client": m.name, "message": hex.EncodeToString(message)}).Data)
	}
	event, err := m.group.Receive(message)
	if err != nil {
		r.t.Fatalf("%s: %v", m.name, err)
	}
	switch e := event.(type) {
	case *mls.Staged:
		r.check(m.group.Merge(e))
	case *mls.Application:
		return e.Data
	}
	return nil
}

func (r *room) join(m *member, welcome []byte) {
	r.t.Helper()
	if m.ours {
		group, err := mls.Join(config, m.signer, m.kp, welcome, mls.JoinOptions{})
		r.check(err)
		m.group = group
	} else {
		r.peer.call("join", map[string]any{"client": m.name, "welcome": hex.EncodeToString(welcome)})
	}
	r.members = append(r.members, m)
}

// enter has m join by an external commit with a group info of from's.
func (r *room) enter(m, from *member) {
	r.t.Helper()
	var info, commit []byte
	if from.ours {
		b, err := from.group.GroupInfo()
		r.check(err)
		info = b
	} else {
		info = unhex(r.t, r.peer.call("groupInfo", map[string]any{"client": from.name}).GroupInfo)
	}
	r.check(r.public.CheckGroupInfo(info))
	if m.ours {
		group, message, err := mls.JoinExternal(config, m.signer, wire.BasicCredential([]byte(m.name)), info, mls.ExternalOptions{})
		r.check(err)
		m.group, commit = group, message
	} else {
		commit = unhex(r.t, r.peer.call("externalJoin", map[string]any{"client": m.name, "groupInfo": hex.EncodeToString(info)}).Commit)
	}
	r.take(nil, commit)
	r.members = append(r.members, m)
	r.agree()
}

func (r *room) propose(by *member, p wire.Proposal) {
	r.t.Helper()
	var message []byte
	if by.ours {
		b, err := by.group.Propose(p, nil)
		r.check(err)
		message = b
	} else {
		switch q := p.(type) {
		case *wire.Remove:
			message = unhex(r.t, r.peer.call("proposeRemove", map[string]any{"client": by.name, "leaf": q.Removed}).Message)
		case *wire.Add:
			pkg := (&wire.Message{KeyPackage: q.KeyPackage}).Marshal()
			message = unhex(r.t, r.peer.call("proposeAdd", map[string]any{"client": by.name, "keyPackage": hex.EncodeToString(pkg)}).Message)
		}
	}
	r.take(by, message)
}

// proposeAdd has by propose to add m.
func (r *room) proposeAdd(by, m *member) {
	r.t.Helper()
	parsed, err := wire.ParseMessage(m.pkg)
	r.check(err)
	r.propose(by, &wire.Add{KeyPackage: parsed.KeyPackage})
	r.coming = append(r.coming, m)
}

// say has by send a text to everybody.
func (r *room) say(by *member, text string) {
	r.t.Helper()
	message := r.seal(by, text)
	for _, m := range r.members {
		if m == by {
			continue
		}
		if got := r.receive(m, message); string(got) != text {
			r.t.Fatalf("%s read %q, want %q", m.name, got, text)
		}
	}
}

func (r *room) seal(by *member, text string) []byte {
	r.t.Helper()
	if by.ours {
		message, err := by.group.Seal([]byte(text), []byte("aad"))
		r.check(err)
		return message
	}
	return unhex(r.t, r.peer.call("seal", map[string]any{
		"client": by.name, "data": hex.EncodeToString([]byte(text)), "authenticated": hex.EncodeToString([]byte("aad")),
	}).Message)
}

func (r *room) leaf(m *member) wire.LeafIndex {
	r.t.Helper()
	if m.ours {
		return m.group.OwnLeaf()
	}
	return wire.LeafIndex(r.state(m).Leaf)
}

func (r *room) state(m *member) answer {
	r.t.Helper()
	return r.peer.call("state", map[string]any{"client": m.name, "label": "interop", "context": "c0", "length": 40})
}

// agree checks that everybody is in the same epoch with the same secrets, and
// that the service sees the same tree.
func (r *room) agree() {
	r.t.Helper()
	var first []byte
	context := r.public.Context()
	for _, m := range r.members {
		var view []byte
		if m.ours {
			exported, err := m.group.Export("interop", []byte{0xc0}, 40)
			r.check(err)
			view = fmt.Appendf(nil, "%d %x %x %x", m.group.Epoch(), m.group.Authenticator(), exported, m.group.Context().TreeHash)
		} else {
			s := r.state(m)
			view = fmt.Appendf(nil, "%d %s %s %s", s.Epoch, s.Authenticator, s.Exported, s.TreeHash)
		}
		if first == nil {
			first = view
		}
		if !bytes.Equal(view, first) {
			r.t.Fatalf("%s and %s disagree:\n%s\n%s", m.name, r.members[0].name, view, first)
		}
		if tail := fmt.Sprintf(" %x", context.TreeHash); !bytes.HasSuffix(view, []byte(tail)) {
			r.t.Fatalf("%s and the service see different trees", m.name)
		}
	}
	if len(r.public.Members()) != len(r.members) {
		r.t.Fatalf("the service sees %d members of %d", len(r.public.Members()), len(r.members))
	}
}

// TestBothDirections has each side found a group and the other join, in every
// suite that both have: all of what each can do, done by one and taken by the
// other.
func TestBothDirections(t *testing.T) {
	p := startPeer(t)
	for _, id := range suites {
		for _, oursFirst := range []bool{true, false} {
			name := fmt.Sprintf("suite %d, founded by ts-mls", id)
			if oursFirst {
				name = fmt.Sprintf("suite %d, founded by us", id)
			}
			t.Run(name, func(t *testing.T) {
				r := newRoom(t, p, id, oursFirst)
				founder := r.members[0]
				guest := r.client(!oursFirst)
				r.commit(founder, work{add: []*member{guest}})
				r.say(founder, "welcome")
				r.say(guest, "thank you")
				r.say(guest, "")
				r.commit(guest, work{})
				r.commit(founder, work{})
				third, fourth := r.client(oursFirst), r.client(!oursFirst)
				r.commit(guest, work{add: []*member{third, fourth}})
				r.say(third, "hello")
				r.say(fourth, "hello")
				r.commit(fourth, work{})
				r.commit(guest, work{remove: []*member{fourth}})

				// Proposals of one, committed by the other.
				r.propose(founder, &wire.Remove{Removed: r.leaf(third)})
				r.commit(guest, work{})
				r.proposeAdd(guest, r.client(oursFirst))
				r.commit(founder, work{})
				r.commit(founder, work{psk: agreed})
				r.commit(guest, work{psk: agreed})

				// Out of order, and late by an epoch.
				one, two := r.seal(guest, "one"), r.seal(guest, "two")
				r.commit(founder, work{})
				for _, c := range []struct {
					message []byte
					text    string
				}{{two, "two"}, {one, "one"}} {
					if got := r.receive(founder, c.message); string(got) != c.text {
						t.Errorf("read %q, want %q", got, c.text)
					}
				}

				// By an external commit, with either's group info.
				for _, from := range []*member{founder, guest} {
					for _, ours := range []bool{true, false} {
						m := r.client(ours)
						r.enter(m, from)
						r.say(m, "here I am")
						r.commit(m, work{})
					}
				}
				r.commit(guest, work{remove: []*member{founder}})
				r.say(guest, "the founder has left")
			})
		}
	}
}

// after returns the tree as it will be after w, committed by by.
func (r *room) after(by *member, w work) *tree.Tree {
	r.t.Helper()
	t, err := tree.Parse(r.suite, r.public.Tree())
	r.check(err)
	for _, m := range w.remove {
		r.check(t.Remove(r.leaf(m)))
	}
	for _, m := range w.add {
		parsed, err := wire.ParseMessage(m.pkg)
		r.check(err)
		_, err = t.Add(parsed.KeyPackage.Leaf)
		r.check(err)
	}
	if len(w.remove) > 0 {
		_, err = t.SetPath(r.leaf(by), make([][]byte, len(t.FilteredDirectPath(r.leaf(by)))))
		r.check(err)
	}
	return t
}

// pleases reports whether ts-mls 1.6.4 can join a group with the tree t. It
// refuses good trees: of all nodes above an unmerged leaf it demands the same
// list of unmerged leaves.
func pleases(t *tree.Tree) bool {
	for x := tree.NodeIndex(1); x < tree.NodeIndex(2*t.Leaves()-1); x += 2 {
		p := t.Parent(x)
		if p == nil {
			continue
		}
		for _, leaf := range p.UnmergedLeaves {
			for y := tree.NodeIndex(2 * leaf); y != t.Root(); {
				y = y.Parent()
				if q := t.Parent(y); q != nil && !slices.Equal(q.UnmergedLeaves, p.UnmergedLeaves) {
					return false
				}
			}
		}
	}
	return true
}

// newcomers returns n clients that by can add while it removes others: of
// either side, if ts-mls accepts the tree, and ours otherwise.
func (r *room) newcomers(dice *rand.Rand, by *member, n int, remove ...*member) work {
	r.t.Helper()
	w := work{remove: remove}
	for range n {
		w.add = append(w.add, r.client(dice.IntN(2) == 0))
	}
	if !pleases(r.after(by, w)) {
		for i := range w.add {
			w.add[i] = r.client(true)
		}
	}
	return w
}

// TestTwoToTwenty lets 2 to 20 members of both sides do what they will, each
// number in a suite of its own, as far as there are.
func TestTwoToTwenty(t *testing.T) {
	p := startPeer(t)
	for i, size := range []int{2, 3, 5, 8, 13, 20} {
		id := suites[i%len(suites)]
		t.Run(fmt.Sprintf("%d members in %s", size, id), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(uint64(size), 9420))
			r := newRoom(t, p, id, size%2 == 0)
			anyone := func() *member { return r.members[dice.IntN(len(r.members))] }
			for len(r.members) < size {
				by := anyone()
				r.commit(by, r.newcomers(dice, by, min(1+dice.IntN(3), size-len(r.members))))
				r.commit(anyone(), work{})
			}
			for range 20 {
				by, other := anyone(), anyone()
				switch dice.IntN(7) {
				case 0:
					r.commit(by, work{})
				case 1:
					if by != other && len(r.members) > 2 {
						r.commit(by, work{remove: []*member{other}})
					}
				case 2:
					if by != other && len(r.members) > 2 {
						r.commit(by, r.newcomers(dice, by, 1, other))
					}
				case 3:
					if len(r.members) < 20 {
						r.enter(r.client(dice.IntN(2) == 0 || !pleases(r.after(by, work{}))), by)
					}
				case 4:
					if third := anyone(); by != third && other != third && len(r.members) > 2 {
						r.propose(by, &wire.Remove{Removed: r.leaf(third)})
						r.commit(other, work{})
					}
				case 5:
					if len(r.members) < 20 {
						r.proposeAdd(by, r.newcomers(dice, other, 1).add[0])
						r.commit(other, work{})
					}
				default:
					r.say(by, "good morning")
				}
			}
			r.say(anyone(), "good night")
			ours := 0
			for _, m := range r.members {
				if m.ours {
					ours++
				}
			}
			t.Logf("epoch %d: %d of us, %d of ts-mls", r.public.Epoch(), ours, len(r.members)-ours)
		})
	}
}

// TestTheyRefuseToo checks that what we refuse to read twice, or changed, is
// refused by ts-mls of us and by us of ts-mls.
func TestTheyRefuseToo(t *testing.T) {
	p := startPeer(t)
	r := newRoom(t, p, suite.P256AES128, true)
	us, them := r.members[0], r.client(false)
	r.commit(us, work{add: []*member{them}})

	message := r.seal(us, "once")
	r.receive(them, message)
	if p.try("receive", map[string]any{"client": them.name, "message": hex.EncodeToString(message)}).Error == "" {
		t.Error("ts-mls reads a message twice")
	}
	message = r.seal(them, "once")
	r.receive(us, message)
	if _, err := us.group.Receive(message); !errors.Is(err, mls.ErrReplayed) {
		t.Errorf("a second time: %v", err)
	}
	message = r.seal(them, "changed")
	message[len(message)-1] ^= 1
	if _, err := us.group.Receive(message); err == nil {
		t.Error("we read a changed message")
	}
	message = r.seal(us, "changed")
	message[len(message)-1] ^= 1
	if p.try("receive", map[string]any{"client": them.name, "message": hex.EncodeToString(message)}).Error == "" {
		t.Error("ts-mls reads a changed message")
	}
}
