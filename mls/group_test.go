package mls_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// client is somebody who takes part in groups.
type client struct {
	t      testing.TB
	name   string
	suite  *suite.Suite
	cfg    mls.Config
	signer suite.Signer
	cred   wire.Credential
	group  *mls.Group
}

func newClient(t testing.TB, s *suite.Suite, name string) *client {
	t.Helper()
	signer, err := s.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return &client{
		t: t, name: name, suite: s, signer: signer,
		cfg:  mls.Config{Credentials: mls.AnyCredential{}},
		cred: wire.BasicCredential([]byte(name)),
	}
}

func lookup(t testing.TB, id suite.ID) *suite.Suite {
	t.Helper()
	s, err := suite.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *client) create() {
	c.t.Helper()
	g, err := mls.Create(c.cfg, c.suite, []byte("group"), c.signer, c.cred, mls.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.group = g
}

func (c *client) keyPackage() *mls.KeyPackageSecret {
	c.t.Helper()
	k, err := mls.NewKeyPackage(c.cfg, c.suite, c.signer, c.cred, mls.KeyPackageOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return k
}

func (c *client) join(k *mls.KeyPackageSecret, welcome []byte) {
	c.t.Helper()
	g, err := mls.Join(c.cfg, c.signer, k, welcome, mls.JoinOptions{})
	if err != nil {
		c.t.Fatalf("%s joins: %v", c.name, err)
	}
	c.group = g
}

func (c *client) commit(opt mls.CommitOptions) *mls.Pending {
	c.t.Helper()
	p, err := c.group.Commit(opt)
	if err != nil {
		c.t.Fatalf("%s commits: %v", c.name, err)
	}
	return p
}

// merge applies the client's own pending commit.
func (c *client) merge() {
	c.t.Helper()
	if err := c.group.MergePending(); err != nil {
		c.t.Fatalf("%s merges: %v", c.name, err)
	}
}

// receive gives the client a message and merges it if it is a commit.
func (c *client) receive(message []byte) mls.Event {
	c.t.Helper()
	before := c.stateApart()
	event, err := c.group.Receive(message)
	if err != nil {
		c.t.Fatalf("%s receives: %v", c.name, err)
	}
	if _, ok := event.(*mls.Application); ok && !bytes.Equal(before, c.stateApart()) {
		c.t.Fatalf("%s: a message changed more than keys of messages", c.name)
	}
	if s, ok := event.(*mls.Staged); ok {
		if err := c.group.Merge(s); err != nil {
			c.t.Fatalf("%s merges: %v", c.name, err)
		}
	}
	return event
}

func (c *client) seal(text string) []byte {
	c.t.Helper()
	before := c.stateApart()
	m, err := c.group.Seal([]byte(text), nil)
	if err != nil {
		c.t.Fatalf("%s seals: %v", c.name, err)
	}
	if !bytes.Equal(before, c.stateApart()) {
		c.t.Fatalf("%s: to seal changed more than keys of messages", c.name)
	}
	return m
}

// stateApart is what is kept of the group beside the keys of messages.
func (c *client) stateApart() []byte {
	c.t.Helper()
	state, err := c.group.MarshalState()
	if err != nil {
		c.t.Fatal(err)
	}
	return state
}

func (c *client) propose(p wire.Proposal) []byte {
	c.t.Helper()
	m, err := c.group.Propose(p, nil)
	if err != nil {
		c.t.Fatalf("%s proposes: %v", c.name, err)
	}
	return m
}

// restore saves the client's group and loads it again.
func (c *client) restore() {
	c.t.Helper()
	state, err := c.group.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	g, err := mls.Restore(c.cfg, c.signer, state)
	if err != nil {
		c.t.Fatalf("%s restores: %v", c.name, err)
	}
	again, err := g.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	if !bytes.Equal(again, state) {
		c.t.Fatalf("%s: state does not survive", c.name)
	}
	c.group = g
}

// team is a group of clients who all know of each other.
type team []*client

// newTeam returns n clients in one group, added by one commit.
func newTeam(t testing.TB, id suite.ID, n int, configure ...func(*mls.Config)) team {
	t.Helper()
	s := lookup(t, id)
	var all team
	for i := range n {
		c := newClient(t, s, fmt.Sprintf("client %d", i))
		for _, f := range configure {
			f(&c.cfg)
		}
		all = append(all, c)
	}
	all[0].create()
	if n == 1 {
		return all
	}
	var packages []*wire.KeyPackage
	var secrets []*mls.KeyPackageSecret
	for _, c := range all[1:] {
		k := c.keyPackage()
		secrets = append(secrets, k)
		packages = append(packages, k.Package())
	}
	p := all[0].commit(mls.CommitOptions{Add: packages})
	all[0].merge()
	for i, c := range all[1:] {
		c.join(secrets[i], p.Welcome)
	}
	return all
}

// agree fails the test unless all have the same view of the group and can talk.
func (all team) agree() {
	t := all[0].t
	t.Helper()
	for _, c := range all[1:] {
		if !bytes.Equal(c.group.Authenticator(), all[0].group.Authenticator()) {
			t.Fatalf("%s is in epoch %d, %s in %d, or they do not agree", c.name, c.group.Epoch(), all[0].name, all[0].group.Epoch())
		}
	}
	for _, c := range all {
		text := "from " + c.name
		m := c.seal(text)
		for _, other := range all {
			if other == c {
				if _, err := other.group.Receive(m); !errors.Is(err, mls.ErrOwnMessage) {
					t.Fatalf("%s receives its own message: %v", c.name, err)
				}
				continue
			}
			got, ok := other.receive(m).(*mls.Application)
			if !ok || string(got.Data) != text || got.Sender != c.group.OwnLeaf() || !got.Member.Credential.Equal(c.cred) {
				t.Fatalf("%s reads %+v from %s", other.name, got, c.name)
			}
		}
	}
}

// step makes all[i] commit, and all merge it. It returns the commit.
func (all team) step(i int, opt mls.CommitOptions) *mls.Pending {
	all[0].t.Helper()
	p := all[i].commit(opt)
	for k, c := range all {
		if k == i {
			c.merge()
		} else {
			c.receive(p.Commit)
		}
	}
	return p
}

func forEverySuite(t *testing.T, f func(*testing.T, suite.ID)) {
	for _, id := range suite.All() {
		t.Run(id.String(), func(t *testing.T) { f(t, id) })
	}
}

func TestALifeOfAGroup(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		for _, private := range []bool{false, true} {
			all := newTeam(t, id, 4, func(c *mls.Config) { c.PrivateHandshakes = private })
			all.agree()
			all.step(2, mls.CommitOptions{}) // new keys
			all.agree()

			// One more, with a path.
			e := newClient(t, all[0].suite, "late")
			e.cfg.PrivateHandshakes = private
			k := e.keyPackage()
			p := all.step(1, mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}, Path: true})
			e.join(k, p.Welcome)
			all = append(all, e)
			all.agree()

			// Somebody goes, by a proposal of another.
			gone := all[3]
			m := all[4].propose(&wire.Remove{Removed: gone.group.OwnLeaf()})
			for _, c := range all[:4] {
				c.receive(m)
			}
			update, err := all[1].group.ProposeUpdate(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				if c != all[1] {
					c.receive(update)
				}
			}
			for _, c := range all {
				c.restore()
			}
			all.step(0, mls.CommitOptions{})
			if !gone.group.Removed() {
				t.Fatal("not told to be removed")
			}
			all = append(all[:3], e)
			all.agree()
			if len(all[0].group.Members()) != 4 {
				t.Errorf("%d members", len(all[0].group.Members()))
			}
			if _, err := gone.group.Receive(all[0].seal("secret")); err == nil {
				t.Error("the removed member reads on")
			}
			if _, err := gone.group.Seal(nil, nil); !errors.Is(err, mls.ErrRemoved) {
				t.Errorf("the removed member seals: %v", err)
			}
			for _, c := range all {
				c.restore()
			}
			all.step(3, mls.CommitOptions{})
			all.agree()
		}
	})
}

// TestANewMemberHasItsPathSecret: whoever adds with a path shares a node with
// the new member, whose key others then seal to.
func TestANewMemberHasItsPathSecret(t *testing.T) {
	for adder := range 3 {
		for next := range 4 {
			all := newTeam(t, suite.X25519AES128, 3)
			dave := newClient(t, all[0].suite, "dave")
			k := dave.keyPackage()
			p := all.step(adder, mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}, Path: true})
			dave.join(k, p.Welcome)
			all = append(all, dave)
			all.agree()
			all.step(next, mls.CommitOptions{})
			all.agree()
		}
	}
}
