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

func (c *client) wantErr(message []byte, want error) {
	c.t.Helper()
	if event, err := c.group.Receive(message); !errors.Is(err, want) {
		c.t.Errorf("%s receives %T, %v; want %v", c.name, event, err, want)
	}
}

func (c *client) wantText(message []byte, want string) *mls.Application {
	c.t.Helper()
	got, ok := c.receive(message).(*mls.Application)
	if !ok || string(got.Data) != want {
		c.t.Fatalf("%s reads %+v, want %q", c.name, got, want)
	}
	return got
}

func TestMessagesComeInAnyOrderOnce(t *testing.T) {
	all := newTeam(t, suite.MLKEM768P256, 2)
	alice, bob := all[0], all[1]
	var sent [][]byte
	for i := range 6 {
		sent = append(sent, alice.seal(fmt.Sprint(i)))
	}
	for n, i := range []int{3, 0, 5, 1} {
		got := bob.wantText(sent[i], fmt.Sprint(i))
		if int(got.Generation) != i {
			t.Errorf("generation %d, want %d", got.Generation, i)
		}
		if n == 1 {
			bob.restore() // the keys skipped survive
		}
	}
	for _, i := range []int{3, 0, 5, 1} {
		bob.wantErr(sent[i], mls.ErrReplayed)
	}
	bob.wantText(sent[2], "2")
	bob.wantText(sent[4], "4")
	bob.wantErr(sent[2], mls.ErrReplayed)
}

func TestSkipIsBounded(t *testing.T) {
	all := newTeam(t, suite.X25519AES128, 2, func(c *mls.Config) { c.MaxForward = 8 })
	alice, bob := all[0], all[1]
	var sent [][]byte
	for i := range 40 {
		sent = append(sent, alice.seal(fmt.Sprint(i)))
	}
	bob.wantErr(sent[9], mls.ErrTooFarAhead)
	bob.wantText(sent[8], "8")
	bob.wantText(sent[16], "16")
	bob.wantText(sent[9], "9") // kept: within 8 of the next
	bob.wantText(sent[17], "17")
	bob.wantErr(sent[0], mls.ErrReplayed) // let go: it is too old
}

func TestAForgedMessageCostsNothing(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 2)
	alice, bob := all[0], all[1]
	m := alice.seal("hello")
	for i := range m {
		if i%7 != 0 && i < len(m)-40 {
			continue
		}
		forged := bytes.Clone(m)
		forged[i] ^= 1
		if event, err := bob.group.Receive(forged); err == nil {
			t.Fatalf("byte %d changed: %+v", i, event)
		}
	}
	for n := range m {
		if event, err := bob.group.Receive(m[:n]); err == nil {
			t.Fatalf("cut to %d bytes: %+v", n, event)
		}
	}
	bob.wantText(m, "hello")
}

func TestLateMessagesOfPastEpochs(t *testing.T) {
	all := newTeam(t, suite.MLKEM768P256, 3, func(c *mls.Config) { c.PastEpochs = 2 })
	alice, bob := all[0], all[1]
	var late [][]byte
	for i := range 4 {
		late = append(late, alice.seal(fmt.Sprint(i)), alice.seal("again"))
		all.step(i%3, mls.CommitOptions{})
	}
	bob.wantErr(late[0], mls.ErrStaleEpoch)
	bob.wantErr(late[2], mls.ErrStaleEpoch)
	bob.restore()
	bob.wantText(late[4], "2")
	bob.wantErr(late[4], mls.ErrReplayed)
	bob.wantText(late[7], "again")
	bob.restore()
	bob.wantErr(late[7], mls.ErrReplayed)
	bob.wantText(late[6], "3")
	alice.wantErr(late[6], mls.ErrOwnMessage)

	none := newTeam(t, suite.X25519AES128, 2, func(c *mls.Config) { c.PastEpochs = -1 })
	m := none[0].seal("too late")
	none.step(0, mls.CommitOptions{})
	none[1].wantErr(m, mls.ErrStaleEpoch)
}

// TestLateSenderWhoseLeafIsReused: a message of an epoch in which the leaf was
// somebody else's is shown as that somebody's.
func TestLateSenderWhoseLeafIsReused(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 3)
	alice, bob, carol := all[0], all[1], all[2]
	late := carol.seal("from carol")
	all.step(0, mls.CommitOptions{Remove: []wire.LeafIndex{carol.group.OwnLeaf()}})
	dave := newClient(t, alice.suite, "dave")
	k := dave.keyPackage()
	p := team{alice, bob}.step(0, mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
	dave.join(k, p.Welcome)
	if dave.group.OwnLeaf() != carol.group.OwnLeaf() {
		t.Fatal("the leaf was not reused")
	}
	bob.restore()
	if got := bob.wantText(late, "from carol"); string(got.Member.Credential.Identity) != carol.name {
		t.Errorf("shown as %s's", got.Member.Credential.Identity)
	}
	dave.wantErr(late, mls.ErrStaleEpoch)
}

func TestFutureMessagesWait(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 2)
	alice, bob := all[0], all[1]
	p := alice.commit(mls.CommitOptions{})
	alice.merge()
	m := alice.seal("later")
	q := alice.commit(mls.CommitOptions{})
	bob.wantErr(m, mls.ErrFutureEpoch)
	bob.wantErr(q.Commit, mls.ErrFutureEpoch)
	bob.receive(p.Commit)
	bob.wantText(m, "later")
	bob.receive(q.Commit)
	bob.wantErr(p.Commit, mls.ErrStaleEpoch)
	bob.wantErr(q.Commit, mls.ErrStaleEpoch)
}

func TestCompetingCommits(t *testing.T) {
	forEverySuite(t, func(t *testing.T, id suite.ID) {
		all := newTeam(t, id, 3)
		alice, bob, carol := all[0], all[1], all[2]
		before := alice.group.Authenticator()
		first := alice.commit(mls.CommitOptions{})
		second := bob.commit(mls.CommitOptions{Remove: []wire.LeafIndex{2}})
		if _, err := alice.group.Commit(mls.CommitOptions{}); !errors.Is(err, mls.ErrPending) {
			t.Errorf("two commits pending: %v", err)
		}
		alice.wantErr(first.Commit, mls.ErrOwnCommit)
		// The hub took the first. Bob stored his and comes back from a crash.
		bob.restore()
		if !bob.group.HasPending() || !bytes.Equal(bob.group.Pending().Commit, second.Commit) {
			t.Fatal("the pending commit is lost")
		}
		event, err := bob.group.Receive(first.Commit)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bob.group.Authenticator(), before) || !bob.group.HasPending() {
			t.Error("a staged commit has changed the group")
		}
		if err := bob.group.Merge(event.(*mls.Staged)); err != nil {
			t.Fatal(err)
		}
		if bob.group.HasPending() {
			t.Error("a lost commit is still pending")
		}
		if err := bob.group.MergePending(); !errors.Is(err, mls.ErrNoPending) {
			t.Errorf("merge of a lost commit: %v", err)
		}
		if err := bob.group.Merge(event.(*mls.Staged)); !errors.Is(err, mls.ErrStaleStage) {
			t.Errorf("merged twice: %v", err)
		}
		carol.receive(first.Commit)
		carol.wantErr(second.Commit, mls.ErrStaleEpoch)
		alice.restore()
		alice.merge()
		all.agree()
		// Bob makes his again.
		all.step(1, mls.CommitOptions{Remove: []wire.LeafIndex{2}})
		team{alice, bob}.agree()
		if !carol.group.Removed() {
			t.Error("carol is still there")
		}
	})
}

func TestAStagedCommitShowsWhatItDoes(t *testing.T) {
	all := newTeam(t, suite.P256AES128, 3)
	alice, bob, carol := all[0], all[1], all[2]
	dave := newClient(t, alice.suite, "dave")
	k := dave.keyPackage()
	p := alice.commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}, Remove: []wire.LeafIndex{2}, Authenticated: []byte("why")})
	event, err := bob.group.Receive(p.Commit)
	if err != nil {
		t.Fatal(err)
	}
	s := event.(*mls.Staged)
	if s.Epoch != bob.group.Epoch()+1 || string(s.Committer.Credential.Identity) != alice.name || s.External || s.SelfRemoved ||
		len(s.Added) != 1 || string(s.Added[0].Credential.Identity) != "dave" ||
		len(s.Removed) != 1 || string(s.Removed[0].Credential.Identity) != carol.name ||
		len(s.Updated) != 1 || s.Updated[0] != 0 || len(s.Proposals) != 2 || string(s.Authenticated) != "why" || len(s.Members()) != 3 {
		t.Errorf("%+v", s)
	}
	if len(bob.group.Members()) != 3 || string(bob.group.Members()[2].Credential.Identity) != carol.name {
		t.Error("staging has changed the members")
	}
}
