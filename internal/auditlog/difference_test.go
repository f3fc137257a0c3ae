package auditlog_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// A counted rack counts the tiles that are asked for.
type counted struct {
	*rack
	asked int
}

func (c *counted) Tile(ctx context.Context, level int, n int64, width int) ([]byte, error) {
	c.asked++
	return c.rack.Tile(ctx, level, n, width)
}

// logOf is a log whose entries have those commitments, and its head.
func logOf(t *testing.T, commitments []uint64) (*counted, auditlog.Head) {
	t.Helper()
	entries := make([]auditlog.Entry, len(commitments))
	for i, c := range commitments {
		entries[i] = auditlog.Entry{Leaf: int64(i), Commitment: sha256.Sum256(binary.BigEndian.AppendUint64(nil, c))}
	}
	r := &counted{rack: &rack{tiles: make(map[[2]int64][]byte)}}
	r.grow(t, 0, entries...)
	return r, r.head(t, int64(len(entries)))
}

func upTo(n uint64) (all []uint64) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// TestT40Compare: of two logs, of which nothing but tiles is there, the very
// entries are named that were changed, dropped or added, or where one forked,
// and few tiles are read for it.
func TestT40Compare(t *testing.T) {
	const size = 256*256 + 2*256 + 40
	was, wasHead := logOf(t, upTo(size))
	for name, c := range map[string]struct {
		change                  func(all []uint64) []uint64
		want                    string
		changed, dropped, added int64
		tiles                   int
	}{
		"the same":  {func(all []uint64) []uint64 { return all }, "", 0, 0, 0, 8},
		"grown":     {func(all []uint64) []uint64 { return append(all, 1<<40, 1<<41) }, "", 0, 0, 0, 14},
		"much more": {func(all []uint64) []uint64 { return append(all, upTo(2 * size)[size:]...) }, "", 0, 0, 0, 14},
		"one changed": {
			func(all []uint64) []uint64 { all[60_000] = 1 << 40; return all },
			"entry 60000 was changed: it is not the one that was logged", 1, 0, 0, 20,
		},
		"three changed": {
			func(all []uint64) []uint64 { all[9], all[10], all[61_000] = 1<<40, 1<<41, 1<<42; return all },
			"entries 9 to 10 were changed: they are not those that were logged; entry 61000 was changed: it is not the one that was logged", 3, 0, 0, 30,
		},
		"one dropped": {
			func(all []uint64) []uint64 { return slices.Delete(all, 65_000, 65_001) },
			"entry 65000 was dropped", 0, 1, 0, 100,
		},
		"many dropped, one added": {
			func(all []uint64) []uint64 { return slices.Insert(slices.Delete(all, 5000, 9000), 3000, 1<<40) },
			"entry 3000 was added: it was not there; entries 5000 to 8999 were dropped", 0, 4000, 1, 5000,
		},
		"one replaced, another dropped": {
			func(all []uint64) []uint64 { all[300] = 1 << 40; return slices.Delete(all, 600, 601) },
			"entry 300 was changed: it is not the one that was logged; entry 600 was dropped", 1, 1, 0, 5000,
		},
		"cut": {
			func(all []uint64) []uint64 { return all[:size-100] },
			fmt.Sprintf("entries %d to %d were dropped", size-100, size-1), 0, 100, 0, 14,
		},
		"forked": {func(all []uint64) []uint64 {
			for i := range all[1000:] {
				all[1000+i] += 1 << 40
			}
			return append(all, 1<<41)
		}, fmt.Sprintf("entries 1000 to %d are others than were logged, and none that follows is as it was: the log forked there", size-1), size - 1000, 0, 0, 20_000},
		"the last is another": {
			func(all []uint64) []uint64 { all[size-1] = 1 << 40; return append(all, 1<<41, 1<<42) },
			fmt.Sprintf("entry %d was changed, and none that follows is as it was: the log forked there, or that entry was the last", size-1), 1, 0, 0, 14,
		},
		"all gone": {func([]uint64) []uint64 { return nil }, fmt.Sprintf("entries 0 to %d were dropped", size-1), 0, size, 0, 8},
	} {
		t.Run(name, func(t *testing.T) {
			now, head := logOf(t, c.change(upTo(size)))
			now.asked, was.asked = 0, 0
			found, err := auditlog.Compare(t.Context(), now, head, was, wasHead)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, d := range found.Damage {
				said = append(said, d.Error())
			}
			if got := strings.Join(said, "; "); got != c.want {
				t.Errorf("it says %q, not %q", got, c.want)
			}
			if found.Changed != c.changed || found.Dropped != c.dropped || found.Added != c.added || found.Compared != size || found.More != 0 {
				t.Errorf("%+v", found)
			}
			if now.asked+was.asked > c.tiles {
				t.Errorf("%d tiles were read, not %d", now.asked+was.asked, c.tiles)
			}
		})
	}
}

// TestT40CompareHoldsTiles: what is compared is proved to be of the two heads.
func TestT40CompareHoldsTiles(t *testing.T) {
	was, wasHead := logOf(t, upTo(70_000))
	changed := upTo(70_000)
	changed[300] = 1 << 40
	now, head := logOf(t, changed)
	for _, at := range [][2]int64{{0, 1}, {0, 273}, {1, 0}, {2, 0}} {
		for side, log := range map[string]*counted{"now": now, "earlier": was} {
			kept := log.tiles[at]
			log.tiles[at] = slices.Clone(kept)
			log.tiles[at][7] ^= 1
			found, err := auditlog.Compare(t.Context(), now, head, was, wasHead)
			compared := int64(0)
			if at == [2]int64{0, 1} {
				compared = 256 // the tile before it
			}
			if found.Compared != compared {
				t.Errorf("tile %d of level %d, %s: %d entries were compared", at[1], at[0], side, found.Compared)
			}
			var earlier *auditlog.EarlierError
			if !errors.As(err, new(*auditlog.DamageError)) || errors.As(err, &earlier) != (side == "earlier") {
				t.Errorf("tile %d of level %d, %s: %v", at[1], at[0], side, err)
			}
			log.tiles[at] = nil
			if _, err := auditlog.Compare(t.Context(), now, head, was, wasHead); !errors.As(err, new(*auditlog.DamageError)) {
				t.Errorf("without tile %d of level %d, %s: %v", at[1], at[0], side, err)
			}
			log.tiles[at] = kept
		}
	}
}

// TestT40CompareNamesAFew: a log that differs in many places has the first named.
func TestT40CompareNamesAFew(t *testing.T) {
	was, wasHead := logOf(t, upTo(5000))
	changed := upTo(5000)
	for i := range 100 {
		changed[i*40] = 1 << 40
	}
	now, head := logOf(t, changed)
	found, err := auditlog.Compare(t.Context(), now, head, was, wasHead)
	if err != nil || len(found.Damage) != 8 || found.More != 92 || found.Changed != 100 || found.Damage[7].At != 280 {
		t.Errorf("%+v, %v", found, err)
	}
}
