package mls_test

import (
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// benchSizes are the numbers of members that the benchmarks run with.
var benchSizes = []int{2, 5, 20, 200}

func forEverySize(b *testing.B, f func(*testing.B, suite.ID, int)) {
	for _, id := range suite.All() {
		for _, n := range benchSizes {
			b.Run(fmt.Sprintf("%s/%d", id, n), func(b *testing.B) { f(b, id, n) })
		}
	}
}

// ends returns the first and the last of n members, who both have committed.
// The others are in the tree, and never joined. Of one there is the first alone.
func ends(b *testing.B, id suite.ID, n int) team {
	first, last := newClient(b, lookup(b, id), "first"), newClient(b, lookup(b, id), "last")
	if n == 1 {
		first.create()
		return team{first}
	}
	var packages []*wire.KeyPackage
	for i := range n - 2 {
		packages = append(packages, newClient(b, first.suite, fmt.Sprint(i)).keyPackage().Package())
	}
	k := last.keyPackage()
	first.create()
	p := first.commit(mls.CommitOptions{Add: append(packages, k.Package())})
	first.merge()
	last.join(k, p.Welcome)
	all := team{first, last}
	all.step(1, mls.CommitOptions{})
	all.step(0, mls.CommitOptions{})
	return all
}

// BenchmarkCreate founds a group and adds n-1 others by its first commit.
func BenchmarkCreate(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		c := newClient(b, lookup(b, id), "a")
		var others []*wire.KeyPackage
		for i := range n - 1 {
			others = append(others, newClient(b, c.suite, fmt.Sprint(i)).keyPackage().Package())
		}
		for b.Loop() {
			c.create()
			c.commit(mls.CommitOptions{Add: others})
			c.merge()
		}
	})
}

func BenchmarkKeyPackage(b *testing.B) {
	for _, id := range suite.All() {
		b.Run(id.String(), func(b *testing.B) {
			c := newClient(b, lookup(b, id), "a")
			for b.Loop() {
				c.keyPackage()
			}
		})
	}
}

// BenchmarkAdd makes the commit and the welcome that add one member, without a
// path.
func BenchmarkAdd(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		k := newClient(b, all[0].suite, "new").keyPackage().Package()
		for b.Loop() {
			p := all[0].commit(mls.CommitOptions{Add: []*wire.KeyPackage{k}})
			all[0].group.DiscardPending()
			b.ReportMetric(float64(len(p.Welcome)), "welcome-bytes")
		}
	})
}

// BenchmarkJoin joins by a welcome to a group that has n members then.
func BenchmarkJoin(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n-1)
		c := newClient(b, all[0].suite, "new")
		k := c.keyPackage()
		p := all[0].commit(mls.CommitOptions{Add: []*wire.KeyPackage{k.Package()}})
		for b.Loop() {
			c.join(k, p.Welcome)
		}
	})
}

// BenchmarkExternalJoin joins by a commit to a group of n.
func BenchmarkExternalJoin(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		c := newClient(b, all[0].suite, "new")
		info := all[0].groupInfo()
		for b.Loop() {
			c.joinExternal(info, mls.ExternalOptions{})
		}
	})
}

// BenchmarkCommit makes a commit with a path and nothing else.
func BenchmarkCommit(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		for b.Loop() {
			p := all[0].commit(mls.CommitOptions{})
			all[0].group.DiscardPending()
			b.ReportMetric(float64(len(p.Commit)), "commit-bytes")
		}
	})
}

// BenchmarkReceiveCommit verifies such a commit, at the other end of the tree.
func BenchmarkReceiveCommit(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		p := all[0].commit(mls.CommitOptions{})
		for b.Loop() {
			if _, err := all[1].group.Receive(p.Commit); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSeal seals 1 KiB.
func BenchmarkSeal(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		text := string(make([]byte, 1<<10))
		for b.Loop() {
			all[0].seal(text)
		}
	})
}

// BenchmarkOpen opens 1 KiB, each message once and in order.
func BenchmarkOpen(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		text := string(make([]byte, 1<<10))
		var sent [][]byte
		for b.Loop() {
			if len(sent) == 0 {
				b.StopTimer()
				for range 256 {
					sent = append(sent, all[0].seal(text))
				}
				b.StartTimer()
			}
			if _, err := all[1].group.Receive(sent[0]); err != nil {
				b.Fatal(err)
			}
			sent = sent[1:]
		}
	})
}

// BenchmarkState saves and restores a group in which 4 past epochs are kept.
func BenchmarkState(b *testing.B) {
	forEverySize(b, func(b *testing.B, id suite.ID, n int) {
		all := ends(b, id, n)
		for range 3 {
			all.step(0, mls.CommitOptions{})
		}
		g := all[1].group
		for b.Loop() {
			state, err := g.Marshal()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(state)), "state-bytes")
			if g, err = mls.Restore(all[1].cfg, all[1].signer, state); err != nil {
				b.Fatal(err)
			}
		}
	})
}
