package mls_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

func (c *client) groupInfo() []byte {
	c.t.Helper()
	info, err := c.group.GroupInfo()
	if err != nil {
		c.t.Fatal(err)
	}
	return info
}

// joinExternal makes c join by a commit, which it returns.
func (c *client) joinExternal(info []byte, opt mls.ExternalOptions) []byte {
	c.t.Helper()
	g, commit, err := mls.JoinExternal(c.cfg, c.signer, c.cred, info, opt)
	if err != nil {
		c.t.Fatalf("%s joins: %v", c.name, err)
	}
	c.group = g
	return commit
}

func TestExternalJoinAndResync(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		all := newTeam(t, id, 3)
		p := all.step(1, mls.CommitOptions{})
		eve := newClient(t, all[0].suite, "eve")
		commit := eve.joinExternal(p.GroupInfo, mls.ExternalOptions{Authenticated: []byte("hello")})
		for _, c := range all {
			s := c.receive(commit).(*mls.Staged)
			if !s.External || len(s.Added) != 1 || s.Added[0].Leaf != s.Committer.Leaf || !s.Committer.Credential.Equal(eve.cred) {
				t.Fatalf("%+v", s)
			}
		}
		all = append(all, eve)
		eve.restore()
		all.agree()
		all.step(3, mls.CommitOptions{})
		all.agree()

		// Bob has lost his state, but not his key, and comes back.
		bob := all[1]
		at := bob.group.OwnLeaf()
		m := all[0].seal("while bob was away")
		commit = bob.joinExternal(all[0].groupInfo(), mls.ExternalOptions{Resync: true})
		for _, c := range all {
			if c == bob {
				continue
			}
			s := c.receive(commit).(*mls.Staged)
			if len(s.Removed) != 1 || s.Removed[0].Leaf != at || bob.group.OwnLeaf() != at {
				t.Fatalf("%+v", s)
			}
		}
		all.agree()
		bob.wantErr(m, mls.ErrStaleEpoch)
		if len(bob.group.Members()) != 4 {
			t.Errorf("%d members", len(bob.group.Members()))
		}

		// Without resync, the same client cannot be there twice.
		if _, _, err := mls.JoinExternal(bob.cfg, bob.signer, bob.cred, all[0].groupInfo(), mls.ExternalOptions{}); err == nil {
			t.Error("one client joins twice")
		}
		// Nor can somebody come back who never was.
		fay := newClient(t, all[0].suite, "fay")
		if _, _, err := mls.JoinExternal(fay.cfg, fay.signer, fay.cred, all[0].groupInfo(), mls.ExternalOptions{Resync: true}); err == nil {
			t.Error("a stranger comes back")
		}
	})
}

func TestALoneMemberComesBack(t *testing.T) {
	alice := newClient(t, lookup(t, suite.MLKEM768P256), "alice")
	alice.create()
	alice.commit(mls.CommitOptions{})
	alice.merge()
	alice.joinExternal(alice.groupInfo(), mls.ExternalOptions{Resync: true})
	if n := len(alice.group.Members()); n != 1 {
		t.Errorf("%d members", n)
	}
	bob := newClient(t, alice.suite, "bob")
	k := bob.keyPackage()
	p := alice.commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
	alice.merge()
	bob.join(k, p.Welcome)
	team{alice, bob}.agree()
}

func TestAStaleExternalCommitIsRefused(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 2)
	info := all[0].groupInfo()
	eve := newClient(t, all[0].suite, "eve")
	commit := eve.joinExternal(info, mls.ExternalOptions{})
	all.step(0, mls.CommitOptions{})
	all[0].wantErr(commit, mls.ErrStaleEpoch)
	eve.wantErr(all[0].seal("x"), mls.ErrDecrypt) // same epoch number, another epoch
}

// onlyHub accepts any member, and no external sender but the hub.
type onlyHub struct{ mls.AnyCredential }

func (onlyHub) ValidateExternalSender(c wire.Credential, _ []byte) error {
	if string(c.Identity) != "hub" {
		return errors.New("not the hub")
	}
	return nil
}

// TestExternalSendersAreJudgedApart joins groups that name an external sender.
func TestExternalSendersAreJudgedApart(t *testing.T) {
	s := lookup(t, suite.P256AES128)
	for _, name := range []string{"hub", "ghost"} {
		sender, alice, bob := newClient(t, s, name), newClient(t, s, "alice"), newClient(t, s, "bob")
		g, err := mls.Create(alice.cfg, s, []byte("group"), alice.signer, alice.cred, mls.CreateOptions{Extensions: wire.Extensions{
			wire.ExternalSendersExtension([]wire.ExternalSender{{SignatureKey: sender.signer.Public(), Credential: sender.cred}}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		alice.group = g
		k := bob.keyPackage()
		p := alice.commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
		cfg := bob.cfg
		cfg.Credentials = onlyHub{}
		_, err = mls.Join(cfg, bob.signer, k, p.Welcome, mls.JoinOptions{})
		if name == "hub" && err != nil {
			t.Error(err)
		}
		var broken *mls.ValidationError
		if name == "ghost" && (!errors.As(err, &broken) || broken.Rule != "12.1.8.1-2") {
			t.Errorf("a ghost among the senders: %v", err)
		}
	}
}

func TestExternalProposals(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		s := lookup(t, id)
		hub := newClient(t, s, "hub")
		alice, bob := newClient(t, s, "alice"), newClient(t, s, "bob")
		g, err := mls.Create(alice.cfg, s, []byte("group"), alice.signer, alice.cred, mls.CreateOptions{Extensions: wire.Extensions{
			wire.ExternalSendersExtension([]wire.ExternalSender{{SignatureKey: hub.signer.Public(), Credential: hub.cred}}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		alice.group = g
		k := bob.keyPackage()
		p := alice.commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
		alice.merge()
		bob.join(k, p.Welcome)
		all := team{alice, bob}
		all.agree()

		external := func(signer suite.Signer, index uint32, q wire.Proposal) []byte {
			a := wire.AuthenticatedContent{Format: wire.FormatPublic, Content: wire.FramedContent{
				GroupID: g.ID(), Epoch: g.Epoch(), Sender: wire.Sender{Type: wire.SenderExternal, Index: index},
				Type: wire.ContentProposal, Proposal: q,
			}}
			if err := a.Sign(s, signer, nil); err != nil {
				t.Fatal(err)
			}
			return (&wire.Message{Public: &wire.PublicMessage{AuthenticatedContent: a}}).Marshal()
		}
		alice.wantErr(external(bob.signer, 0, &wire.Remove{Removed: 1}), mls.ErrUnauthenticated)
		if _, err := alice.group.Receive(external(hub.signer, 1, &wire.Remove{Removed: 1})); err == nil {
			t.Error("a sender not named by the group")
		}
		m := external(hub.signer, 0, &wire.Remove{Removed: 1})
		for _, c := range all {
			got, ok := c.receive(m).(*mls.Proposed)
			if !ok || got.Sender.Type != wire.SenderExternal {
				t.Fatalf("%+v", got)
			}
		}
		alice.restore()
		all.step(0, mls.CommitOptions{})
		if !bob.group.Removed() {
			t.Error("bob is still there")
		}

		// A newcomer proposes its own addition.
		dave := newClient(t, s, "dave")
		k = dave.keyPackage()
		a := wire.AuthenticatedContent{Format: wire.FormatPublic, Content: wire.FramedContent{
			GroupID: g.ID(), Epoch: g.Epoch(), Sender: wire.Sender{Type: wire.SenderNewMemberProposal},
			Type: wire.ContentProposal, Proposal: &wire.Add{KeyPackage: k.Package()},
		}}
		a.Content.Epoch = alice.group.Epoch()
		if err := a.Sign(s, dave.signer, nil); err != nil {
			t.Fatal(err)
		}
		alice.receive((&wire.Message{Public: &wire.PublicMessage{AuthenticatedContent: a}}).Marshal())
		p = alice.commit(mls.CommitOptions{})
		alice.merge()
		dave.join(k, p.Welcome)
		team{alice, dave}.agree()
	})
}

// withPSK makes c know an external key.
func withPSK(name, value string) func(*mls.Config) {
	return func(c *mls.Config) {
		c.PSK = func(id wire.PreSharedKeyID) ([]byte, error) {
			if id.Type == wire.PSKExternal && string(id.ID) == name {
				return []byte(value), nil
			}
			return nil, errors.New("no such key")
		}
	}
}

func TestPreSharedKeys(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		all := newTeam(t, id, 3, withPSK("code", "a secret of thirty-two bytes......"))
		alice, bob, carol := all[0], all[1], all[2]
		first := alice.group.Epoch()
		all.step(0, mls.CommitOptions{Proposals: []wire.Proposal{alice.group.ExternalPSK([]byte("code"))}})
		all.agree()
		all.step(1, mls.CommitOptions{Path: true, Proposals: []wire.Proposal{
			bob.group.ExternalPSK([]byte("code")), bob.group.ResumptionPSK(bob.group.ID(), first),
		}})
		all.agree()
		// By reference, and in a welcome.
		m := carol.propose(carol.group.ExternalPSK([]byte("code")))
		alice.receive(m)
		bob.receive(m)
		dave := newClient(t, alice.suite, "dave")
		dave.cfg = alice.cfg
		k := dave.keyPackage()
		p := all.step(0, mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
		dave.join(k, p.Welcome)
		all = append(all, dave)
		all.agree()

		if _, err := alice.group.Commit(mls.CommitOptions{Proposals: []wire.Proposal{alice.group.ExternalPSK([]byte("other"))}}); !errors.Is(err, mls.ErrUnknownPSK) {
			t.Errorf("a key nobody knows: %v", err)
		}
		// Who has another key under the same name does not follow.
		bob.cfg.PSK = nil
		withPSK("code", "guessed")(&bob.cfg)
		bob.restore()
		p = alice.commit(mls.CommitOptions{Proposals: []wire.Proposal{alice.group.ExternalPSK([]byte("code"))}})
		bob.wantErr(p.Commit, mls.ErrUnauthenticated)
		carol.receive(p.Commit)

		// A newcomer from outside proves a key too.
		alice.merge()
		dave.receive(p.Commit)
		eve := newClient(t, alice.suite, "eve")
		eve.cfg = alice.cfg
		commit := eve.joinExternal(alice.groupInfo(), mls.ExternalOptions{PSKs: []wire.PreSharedKeyID{{Type: wire.PSKExternal, ID: []byte("code")}}})
		trio := team{alice, carol, dave}
		for _, c := range trio {
			c.receive(commit)
		}
		append(trio, eve).agree()
	})
}

func TestReInit(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 3)
	alice := all[0]
	next := lookup(t, suite.MLKEM768P256)
	all.step(1, mls.CommitOptions{Proposals: []wire.Proposal{&wire.ReInit{
		GroupID: []byte("group, post-quantum"), Version: wire.MLS10, Suite: next.ID(),
	}}})
	if alice.group.ReInit() == nil {
		t.Fatal("not ended")
	}
	if _, err := alice.group.Seal(nil, nil); !errors.Is(err, mls.ErrReInitialised) {
		t.Errorf("seal: %v", err)
	}
	if _, err := alice.group.Commit(mls.CommitOptions{}); !errors.Is(err, mls.ErrReInitialised) {
		t.Errorf("commit: %v", err)
	}
	// Everybody has the keys for another suite, and the same name.
	var packages []*wire.KeyPackage
	var secrets []*mls.KeyPackageSecret
	var after team
	for _, c := range all {
		c.restore()
		d := newClient(t, next, c.name)
		after = append(after, d)
		k := d.keyPackage()
		secrets, packages = append(secrets, k), append(packages, k.Package())
	}
	g, p, err := alice.group.Continue(after[0].signer, after[0].cred, packages[1:], mls.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	after[0].group = g
	after[0].restore()
	after[0].merge()
	for i, d := range after[1:] {
		if _, err := mls.Join(d.cfg, d.signer, secrets[i+1], p.Welcome, mls.JoinOptions{}); err == nil {
			t.Error("joins without the parent")
		}
		if d.group, err = mls.Join(d.cfg, d.signer, secrets[i+1], p.Welcome, mls.JoinOptions{Parent: all[i+1].group}); err != nil {
			t.Fatal(err)
		}
	}
	after.agree()
	if !bytes.Equal(g.ID(), []byte("group, post-quantum")) || after[1].group.Suite().ID() != next.ID() {
		t.Error("not the group that was asked for")
	}
}

func TestBranch(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		all := newTeam(t, id, 3)
		bob, carol := all[1], all[2]
		k := carol.keyPackage()
		g, p, err := bob.group.Branch([]byte("aside"), bob.signer, bob.cred, []*wire.KeyPackage{k.Package()}, mls.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.MergePending(); err != nil {
			t.Fatal(err)
		}
		h, err := mls.Join(carol.cfg, carol.signer, k, p.Welcome, mls.JoinOptions{Parent: carol.group})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g.Authenticator(), h.Authenticator()) {
			t.Error("no agreement")
		}
		// A branch with somebody from elsewhere is none.
		mallory := newClient(t, bob.suite, "mallory")
		carol.cfg.Credentials = onlyKnown{}
		km := mallory.keyPackage()
		_, p, err = bob.group.Branch([]byte("aside 2"), bob.signer, bob.cred, []*wire.KeyPackage{k.Package(), km.Package()}, mls.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var broken *mls.ValidationError
		if _, err := mls.Join(carol.cfg, carol.signer, k, p.Welcome, mls.JoinOptions{Parent: carol.group}); !errors.As(err, &broken) || broken.Rule != "11.3-2" {
			t.Errorf("a stranger in a branch: %v", err)
		}
	})
}

// onlyKnown accepts every credential and no change of one.
type onlyKnown struct{}

func (onlyKnown) ValidateCredential(wire.Credential, []byte) error { return nil }

func TestANewIdentity(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		all := newTeam(t, id, 3)
		alice, bob := all[0], all[1]
		fresh := newClient(t, alice.suite, "alice, married")
		dave := newClient(t, alice.suite, "dave")
		k := dave.keyPackage()
		// The group info in the welcome is signed by the key that is in the tree.
		p := all.step(0, mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}, Identity: &mls.Identity{Signer: fresh.signer, Credential: &fresh.cred}})
		dave.join(k, p.Welcome)
		alice.signer, alice.cred = fresh.signer, fresh.cred
		all = append(all, dave)
		alice.restore()
		all.agree()
		eve := newClient(t, alice.suite, "eve")
		eve.joinExternal(p.GroupInfo, mls.ExternalOptions{})

		// By an update, which somebody else commits.
		next := newClient(t, alice.suite, "bob, doctor")
		m, err := bob.group.ProposeUpdate(&mls.Identity{Signer: next.signer, Credential: &next.cred}, nil)
		if err != nil {
			t.Fatal(err)
		}
		state, err := bob.group.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mls.Restore(bob.cfg, bob.signer, state); !errors.Is(err, mls.ErrWrongSigner) {
			t.Errorf("restored without the successor: %v", err)
		}
		if bob.group, err = mls.Restore(bob.cfg, bob.signer, state, next.signer); err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c != bob {
				c.receive(m)
			}
		}
		all.step(3, mls.CommitOptions{})
		bob.signer, bob.cred = next.signer, next.cred
		bob.restore()
		all.agree()

		// Without leave of the validator nobody changes names.
		alice.cfg.Credentials = onlyKnown{}
		alice.restore()
		q := bob.commit(mls.CommitOptions{Identity: &mls.Identity{Credential: &eve.cred}})
		var broken *mls.ValidationError
		if _, err := alice.group.Receive(q.Commit); !errors.As(err, &broken) || broken.Rule != "5.3.1-1" {
			t.Errorf("another name: %v", err)
		}
	})
}

func TestNonsenseProposalsDoNotStopACommit(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 4, withPSK("code", "known"))
	alice, bob, carol := all[0], all[1], all[2]
	bob.cfg.PSK = func(wire.PreSharedKeyID) ([]byte, error) { return []byte("x"), nil }
	bob.restore()
	dave := newClient(t, alice.suite, "dave")
	dk := dave.keyPackage()
	update, err := carol.group.ProposeUpdate(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	messages := [][]byte{
		bob.propose(bob.group.ExternalPSK([]byte("nobody knows"))),
		bob.propose(&wire.Remove{Removed: 0}),            // the committer itself
		bob.propose(&wire.Remove{Removed: 2}),            // and carol updates
		bob.propose(&wire.Add{KeyPackage: dk.Package()}), // twice
		bob.propose(&wire.Add{KeyPackage: dave.keyPackage().Package()}),
		bob.propose(&wire.GroupContextExtensions{Extensions: wire.Extensions{wire.RequiredCapabilities{Extensions: []wire.ExtensionType{0x7777}}.Extension()}}),
		bob.propose(&wire.ReInit{GroupID: []byte("x"), Version: wire.MLS10, Suite: suite.P256AES128}),
		update,
	}
	for _, m := range messages {
		alice.receive(m)
		if _, err := all[3].group.Receive(m); err != nil {
			t.Fatal(err)
		}
	}
	p := alice.commit(mls.CommitOptions{Remove: []wire.LeafIndex{1}})
	alice.merge()
	all[3].receive(p.Commit)
	if len(alice.group.Members()) != 3 {
		t.Errorf("%d members", len(alice.group.Members()))
	}
	team{alice, all[3]}.agree()
}
