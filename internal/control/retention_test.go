package control

import (
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
)

// TestLogIsKept: the map says how old the oldest entry of the audit log is, and
// falls short where an entry is gone.
func TestLogIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		size  int64
		whole bool
		state string
		says  string
	}{
		"whole":      {5000, true, api.ControlMet, "of 2020-11-29, 2191 days old; none of 5000 is gone"},
		"lost some":  {5000, false, api.ControlShort, "has lost entries"},
		"empty":      {0, false, api.ControlDecision, "is empty"},
		"unreadable": {-1, false, api.ControlShort, "could not be read"},
	} {
		s := subject()
		s.Practice.LogSize, s.Practice.LogWhole, s.Practice.LogBegan = c.size, c.whole, time.Date(2020, 11, 29, 9, 0, 0, 0, time.UTC)
		if f := logKept(s); f.State != c.state || !strings.Contains(f.Says, c.says) || (f.Fix == "") != (c.state == api.ControlMet) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
