package device_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
)

// TestT03LeavesAreTheGroupsOwn: each member finds the same devices with the same
// keys in the group's tree, its own among them, to hold against the log; nobody
// outside finds any.
func TestT03LeavesAreTheGroupsOwn(t *testing.T) {
	ctx := context.Background()
	w := devicetest.NewWorld(t)
	sam, maria := w.Patient("sam"), w.Staff("maria")
	id := sam.Open("Sam")
	sam.Say(id, "Hello?")
	leaves := func(p *devicetest.Person) map[string]string {
		t.Helper()
		all, err := p.Leaves(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		keys := make(map[string]string)
		for _, l := range all {
			if l.Person == "" || l.Role == "" {
				t.Errorf("%+v", l)
			}
			keys[l.Device] = l.Key
		}
		return keys
	}
	w.Eventually("maria is certified", func() bool {
		_, err := maria.List(ctx, "waiting", "")
		return err == nil
	})
	if all, err := maria.Leaves(ctx, id); err == nil {
		t.Errorf("outside the group: %v", all)
	}
	w.Eventually("maria takes it", func() bool { return maria.Act(ctx, id, "take") == nil })
	maria.SeesTexts(id, "Hello?")
	sam.SeesNotice(id, "joined p_maria")
	hers, his := leaves(maria), leaves(sam)
	if len(hers) != 3 || !maps.Equal(hers, his) {
		t.Errorf("maria sees %v, sam %v", hers, his)
	}
	for _, p := range []*devicetest.Person{sam, maria} {
		if !slices.Contains(slices.Collect(maps.Values(his)), certificate.KeyHash(p.Signer.Public())) {
			t.Error("a member's own key is not in the tree")
		}
	}
	if code := device.FailureOf(func() error { _, err := sam.Leaves(ctx, "c_none"); return err }()); code != device.FailureNotFound {
		t.Errorf("of no conversation: %s", code)
	}
}
