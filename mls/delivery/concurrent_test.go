package delivery_test

import (
	"sync"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// TestManyLookAtOnce has several goroutines look at one group; the race
// detector is the judge. The group has just been applied to and restored, when
// least is computed beforehand.
func TestManyLookAtOnce(t *testing.T) {
	w := newWard(t, suite.P256AES128, 6)
	w.deliver(w.clients[0], w.commit(w.clients[0], mls.CommitOptions{Remove: []wire.LeafIndex{3}}).Commit)
	commit := w.commit(w.clients[1], mls.CommitOptions{})
	info, err := w.clients[2].group.GroupInfo()
	w.check(err)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			h, err := w.public.Check(commit.Commit)
			if err != nil {
				t.Error(err)
				return
			}
			if err := h.CheckGroupInfo(commit.GroupInfo); err != nil {
				t.Error(err)
			}
			if err := w.public.CheckGroupInfo(info); err != nil {
				t.Error(err)
			}
			if n := len(w.public.Clone().Members()); n != 5 {
				t.Errorf("%d members", n)
			}
			w.public.Marshal()
		})
	}
	all.Wait()
	h, err := w.public.Check(commit.Commit)
	w.check(err)
	w.check(w.public.Apply(h))
}
