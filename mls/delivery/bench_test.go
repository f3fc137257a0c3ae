package delivery_test

import (
	"fmt"
	"testing"

	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// wardOf returns a ward of one client who has added so many others at once.
func wardOf(b *testing.B, id suite.ID, members int) *ward {
	w := newWard(&testing.T{}, id, 1)
	var packages []*wire.KeyPackage
	for i := 1; i < members; i++ {
		packages = append(packages, w.keyPackage(w.client(fmt.Sprintf("client %d", i))).Package())
	}
	p := w.commit(w.clients[0], mls.CommitOptions{Add: packages, Path: true})
	h, err := w.public.Check(p.Commit)
	if err == nil {
		err = w.public.Apply(h)
	}
	if err == nil {
		err = w.clients[0].group.MergePending()
	}
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// BenchmarkCheck measures what a service spends on a handshake, and how large
// its state is.
func BenchmarkCheck(b *testing.B) {
	for _, id := range []suite.ID{suite.P256AES128, suite.MLKEM768P256} {
		for _, members := range []int{2, 5, 20, 200} {
			w := wardOf(b, id, members)
			newcomer := w.keyPackage(w.client("new")).Package()
			for _, c := range []struct {
				name string
				opt  mls.CommitOptions
			}{{"update", mls.CommitOptions{}}, {"add", mls.CommitOptions{Add: []*wire.KeyPackage{newcomer}}}, {"remove", mls.CommitOptions{Remove: []wire.LeafIndex{1}}}} {
				p := w.commit(w.clients[0], c.opt)
				w.clients[0].group.DiscardPending()
				b.Run(fmt.Sprintf("%s/%d members/%v", c.name, members, id), func(b *testing.B) {
					for b.Loop() {
						if _, err := w.public.Check(p.Commit); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(len(p.Commit)), "commit-bytes")
				})
			}
			state := w.public.Marshal()
			b.Run(fmt.Sprintf("restore/%d members/%v", members, id), func(b *testing.B) {
				for b.Loop() {
					if _, err := delivery.Restore(delivery.Config{Credentials: mls.AnyCredential{}}, state); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(state)), "state-bytes")
			})
		}
	}
}
