package mls_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// TestRandomLives lets up to eight clients do whatever comes to their minds, with
// a delivery service that takes the first commit of each epoch. After each epoch
// all members agree, and those removed are told.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(8) {
		id := suite.All()[seed%uint64(len(suite.All()))]
		t.Run(fmt.Sprintf("%d %s", seed, id), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			steps := 16
			if testing.Short() {
				steps = 4
			}
			life(t, id, r, steps)
		})
	}
}

func life(t *testing.T, id suite.ID, r *rand.Rand, steps int) {
	all := newTeam(t, id, 2+r.IntN(4), func(c *mls.Config) { c.PrivateHandshakes = r.IntN(4) == 0 }, withPSK("code", "a shared secret"))
	private := all[0].cfg.PrivateHandshakes
	for _, c := range all { // one policy for the group
		c.cfg.PrivateHandshakes = private
		c.restore()
	}
	names := len(all)
	newcomer := func() *client {
		c := newClient(t, all[0].suite, fmt.Sprintf("client %d", names))
		c.cfg = all[0].cfg
		names++
		return c
	}
	for range steps {
		for range r.IntN(4) {
			proposeSomething(all, r)
		}
		all = endEpoch(t, all, r, newcomer)
		if r.IntN(3) == 0 {
			all[r.IntN(len(all))].restore()
		}
		all.agree()
	}
}

// proposeSomething makes a member propose, and all others know it.
func proposeSomething(all team, r *rand.Rand) {
	by := all[r.IntN(len(all))]
	var m []byte
	switch r.IntN(4) {
	case 0:
		var err error
		if m, err = by.group.ProposeUpdate(nil, nil); err != nil {
			by.t.Fatal(err)
		}
	case 1:
		if len(all) < 3 {
			return
		}
		m = by.propose(&wire.Remove{Removed: all[r.IntN(len(all))].group.OwnLeaf()})
	case 2:
		m = by.propose(by.group.ExternalPSK([]byte("code")))
	case 3:
		m = by.propose(by.group.ResumptionPSK(by.group.ID(), by.group.Epoch()))
	}
	for _, c := range all {
		if c != by {
			c.receive(m)
		}
	}
}

// endEpoch makes some members commit. The first wins, and whoever lost or was
// removed finds out.
func endEpoch(t *testing.T, all team, r *rand.Rand, newcomer func() *client) team {
	if len(all) < 8 && r.IntN(6) == 0 {
		return endByNewcomer(t, all, r, newcomer)
	}
	var winner *client
	var won *mls.Pending
	var joined *client
	var key *mls.KeyPackageSecret
	for _, i := range r.Perm(len(all))[:1+r.IntN(2)] {
		c := all[i]
		opt := mls.CommitOptions{Path: r.IntN(2) == 0, OnlyThese: r.IntN(5) == 0}
		var d *client
		var k *mls.KeyPackageSecret
		if len(all) < 8 && r.IntN(2) == 0 {
			d = newcomer()
			k = d.keyPackage()
			opt.Add = []*wire.KeyPackage{k.Package()}
		}
		if len(all) > 2 && r.IntN(4) == 0 {
			if victim := all[r.IntN(len(all))]; victim != c {
				opt.Remove = []wire.LeafIndex{victim.group.OwnLeaf()}
			}
		}
		p := c.commit(opt)
		if winner == nil {
			winner, won, joined, key = c, p, d, k
		}
	}
	var after team
	for _, c := range all {
		if c == winner {
			c.wantErr(won.Commit, mls.ErrOwnCommit)
			c.merge()
		} else {
			c.receive(won.Commit)
		}
		if c.group.HasPending() {
			t.Fatal("a commit that lost is pending")
		}
		if c.group.Removed() {
			if _, err := c.group.Seal(nil, nil); !errors.Is(err, mls.ErrRemoved) {
				t.Fatalf("removed, and seals: %v", err)
			}
			continue
		}
		after = append(after, c)
	}
	if joined != nil {
		joined.join(key, won.Welcome)
		after = append(after, joined)
	}
	return after
}

// endByNewcomer makes somebody join from outside, or come back.
func endByNewcomer(t *testing.T, all team, r *rand.Rand, newcomer func() *client) team {
	info := all[r.IntN(len(all))].groupInfo()
	if r.IntN(2) == 0 {
		c := all[r.IntN(len(all))]
		commit := c.joinExternal(info, mls.ExternalOptions{Resync: true})
		for _, other := range all {
			if other != c {
				other.receive(commit)
			}
		}
		return all
	}
	c := newcomer()
	commit := c.joinExternal(info, mls.ExternalOptions{})
	for _, other := range all {
		other.receive(commit)
	}
	return append(all, c)
}
