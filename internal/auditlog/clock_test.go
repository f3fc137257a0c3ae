package auditlog_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// A shelf is a log of one tile in memory.
type shelf struct {
	entries []auditlog.Entry
	tile    []byte
}

func (s *shelf) Tile(context.Context, int, int64, int) ([]byte, error) { return s.tile, nil }

func (s *shelf) Entries(context.Context, int64, int) ([]auditlog.Entry, error) { return s.entries, nil }

func (s *shelf) Beyond(context.Context, int64) (more []*auditlog.DamageError, err error) {
	return nil, nil
}

// happened is one event: so many minutes after the first, of that kind.
type happened struct {
	minute int
	kind   audit.Kind
}

// shelve makes a whole log of what happened.
func shelve(t *testing.T, begun time.Time, all []happened) (*shelf, auditlog.Head) {
	t.Helper()
	s, head := new(shelf), auditlog.Head{Size: int64(len(all))}
	for i, h := range all {
		at := begun.Add(time.Duration(h.minute) * time.Minute).UnixMilli()
		e := auditlog.Entry{Leaf: int64(i), Salt: audit.NewSalt(), Event: audit.New(t.Context(), at, audit.Actor{Practice: "t_a", Role: audit.System}, h.kind, "")}
		encoded, err := e.Event.Encode()
		if err != nil {
			t.Fatal(err)
		}
		e.Commitment = audit.Commit(e.Salt, encoded)
		h := auditlog.LeafHash(e.Commitment)
		s.entries, s.tile = append(s.entries, e), append(s.tile, h[:]...)
	}
	var err error
	if head.Root, err = auditlog.Root(head.Size, func(int, int64) ([]byte, error) { return s.tile, nil }); err != nil {
		t.Fatal(err)
	}
	return s, head
}

// TestT40Clock: a log whose tree is whole, and whose times cannot be right. Each
// first entry is named that a clock was set back at, or that a witness's time
// contradicts, unless the log itself says why.
func TestT40Clock(t *testing.T) {
	const read, set = audit.PeopleListed, audit.ClockChanged
	begun := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	witness := func(size int64, minute int) auditlog.Checkpoint {
		return auditlog.Checkpoint{Size: size, WitnessedAt: begun.Add(time.Duration(minute) * time.Minute)}
	}
	for name, c := range map[string]struct {
		all           []happened
		witnessed     []auditlog.Checkpoint
		damage, noted []string
	}{
		"times in order":               {[]happened{{0, read}, {1, read}, {600, read}}, nil, nil, nil},
		"acts that came together":      {[]happened{{10, read}, {6, read}, {9, read}}, nil, nil, nil},
		"one entry is dated back":      {[]happened{{0, read}, {90, read}, {20, read}, {91, read}}, nil, []string{"entry 2 is dated 2026-03-01T09:20:00Z, 1h10m0s before entry 1, and nothing says"}, nil},
		"the clock was set back":       {[]happened{{90, read}, {0, read}, {1, read}, {2, read}}, nil, []string{"entry 1 is dated"}, nil},
		"and the hub noted it":         {[]happened{{90, read}, {0, read}, {1, set}, {2, read}}, nil, nil, []string{"entry 1 is dated 2026-03-01T09:00:00Z, 1h30m0s before entry 0: the hub's clock was set back"}},
		"and noted it as it started":   {[]happened{{90, read}, {0, set}, {1, read}}, nil, nil, []string{"entry 1"}},
		"a note long after is another": {[]happened{{90, read}, {0, read}, {30, set}}, nil, []string{"entry 1"}, nil},
		"a note does not cover later":  {[]happened{{90, read}, {0, set}, {60, read}, {20, read}}, nil, []string{"entry 3"}, []string{"entry 1"}},
		"a witness agrees":             {[]happened{{0, read}, {1, read}, {9, read}}, []auditlog.Checkpoint{witness(2, 3)}, nil, nil},
		"dated after a witness signed": {[]happened{{0, read}, {60, read}, {61, read}}, []auditlog.Checkpoint{witness(2, 3)}, []string{"entry 1 is dated 2026-03-01T10:00:00Z, and a witness had signed it by 2026-03-01T09:03:00Z"}, nil},
		"dated before it was there":    {[]happened{{0, read}, {1, read}, {2, read}}, []auditlog.Checkpoint{witness(2, 60)}, []string{"entry 2 is dated 2026-03-01T09:02:00Z, and was not there when a witness signed the first 2 entries"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, head := shelve(t, begun, c.all)
			for i := range c.witnessed {
				w := &c.witnessed[i]
				var err error
				if w.Root, err = auditlog.Root(w.Size, func(int, int64) ([]byte, error) { return s.tile, nil }); err != nil {
					t.Fatal(err)
				}
			}
			report, err := auditlog.Verify(t.Context(), s, head, c.witnessed...)
			if err != nil {
				t.Fatal(err)
			}
			for what, found := range map[string]struct {
				got  []*auditlog.DamageError
				want []string
			}{"damage": {report.Damage, c.damage}, "note": {report.Noted, c.noted}} {
				if !slices.EqualFunc(found.got, found.want, func(d *auditlog.DamageError, begins string) bool { return strings.HasPrefix(d.Error(), begins) }) {
					t.Errorf("%s: %v, want %q", what, found.got, found.want)
				}
			}
			if !report.From.Equal(begun.Add(time.Duration(c.all[0].minute) * time.Minute)) {
				t.Errorf("from %v", report.From)
			}
		})
	}
}
