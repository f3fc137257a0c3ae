package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

func testControlRuns(t *testing.T, store hub.Store) {
	ctx := t.Context()
	here, elsewhere := newID("t"), newID("t")
	if _, err := store.LastControlRun(ctx, here); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	run := func(practice string, at int64) api.ControlRun {
		r := api.ControlRun{
			ID: newID("r"), Practice: practice, At: at, Version: "v1.0.0",
			Counts: api.ControlCounts{Met: 2, Decision: 1, Short: 4, NotApplicable: 3},
			Results: []api.ControlResult{{ID: "312(b)", State: api.ControlShort, Says: "not \"shown\"", Findings: []api.ControlFinding{
				{Evidence: "tls", State: api.ControlShort, Says: "no server", Fix: "start it"},
			}}},
		}
		if err := store.AddControlRun(ctx, r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first, last, other := run(here, 1000), run(here, 3000), run(elsewhere, 9000)
	middle := run(here, 2000)
	got, err := store.LastControlRun(ctx, here)
	if diff := cmp.Diff(last, got); err != nil || diff != "" {
		t.Errorf("last: %v\n%s", err, diff)
	}
	if err := store.AddControlRun(ctx, first); !errors.Is(err, hub.ErrExists) {
		t.Errorf("one id twice: %v", err)
	}
	for _, c := range []struct {
		practice string
		since    int64
		limit    int
		want     []api.ControlRun
	}{
		{here, 0, 10, []api.ControlRun{last, middle, first}},
		{here, 2000, 10, []api.ControlRun{last, middle}},
		{here, 0, 1, []api.ControlRun{last}},
		{elsewhere, 0, 10, []api.ControlRun{other}},
		{newID("t"), 0, 10, nil},
	} {
		for i := range c.want {
			c.want[i].Results = nil // a list is of counts alone
		}
		got, err := store.ControlRuns(ctx, c.practice, c.since, c.limit)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%+v: %v\n%s", c, err, diff)
		}
	}
}
