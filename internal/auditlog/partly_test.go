package auditlog_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// A rack is a log of many tiles in memory.
type rack struct {
	entries []auditlog.Entry
	tiles   map[[2]int64][]byte
	read    map[int64]bool // tiles whose entries were asked for
}

func (r *rack) tile(level int, n int64) ([]byte, error) {
	return r.tiles[[2]int64{int64(level), n}], nil
}

func (r *rack) Tile(_ context.Context, level int, n int64, width int) ([]byte, error) {
	b, err := r.tile(level, n)
	return b[:min(len(b), width*auditlog.HashBytes)], err
}

func (r *rack) Entries(_ context.Context, n int64, width int) ([]auditlog.Entry, error) {
	r.read[n] = true
	return r.entries[n*auditlog.TileWidth:][:width], nil
}

func (*rack) Beyond(context.Context, int64) ([]*auditlog.DamageError, error) { return nil, nil }

func (r *rack) grow(t *testing.T, size int64, entries ...auditlog.Entry) {
	t.Helper()
	leaves := make([]auditlog.Hash, len(entries))
	for i := range entries {
		leaves[i] = auditlog.LeafHash(entries[i].Commitment)
	}
	if err := auditlog.Grow(size, r.tile, func(level int, n int64, b []byte) error {
		r.tiles[[2]int64{int64(level), n}] = bytes.Clone(b)
		return nil
	}, leaves); err != nil {
		t.Fatal(err)
	}
	r.entries = append(r.entries[:size], entries...)
}

func (r *rack) head(t *testing.T, size int64) auditlog.Head {
	t.Helper()
	root, err := auditlog.Root(size, r.tile)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.Head{Size: size, Root: root}
}

func event(t *testing.T, leaf int64, kind audit.Kind) auditlog.Entry {
	t.Helper()
	e := auditlog.Entry{Leaf: leaf, Event: audit.New(t.Context(), 1790000000000, audit.Actor{Practice: "t_a", Role: audit.Operator}, kind, "")}
	encoded, err := e.Event.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e.Commitment = audit.Commit(e.Salt, encoded)
	return e
}

func events(t *testing.T, from, n int64) (all []auditlog.Entry) {
	t.Helper()
	for i := range n {
		all = append(all, event(t, from+i, audit.PeopleListed))
	}
	return all
}

// TestT40APartOfALog: what is read of a log is proved against its head, whatever
// is not read: in trees of two and of three levels, full and not.
func TestT40APartOfALog(t *testing.T) {
	const tiles = auditlog.TileWidth
	r := &rack{tiles: map[[2]int64][]byte{}}
	size := int64(0)
	for _, grown := range []int64{5, 3 * tiles, 3*tiles + 20, tiles*tiles - 1, tiles * tiles, tiles*tiles + 2*tiles + 9} {
		r.grow(t, size, events(t, size, grown-size)...)
		earlier := auditlog.Checkpoint{Size: size}
		if size > 0 {
			earlier.Root = r.head(t, size).Root
		}
		size = grown
		head := r.head(t, size)
		for _, p := range []auditlog.Part{{From: size}, {From: size - 1, Tiles: []int64{0, 1, 999}}, {From: size / 2}, {}} {
			r.read = map[int64]bool{}
			report, err := auditlog.VerifyPart(t.Context(), r, head, p, earlier)
			if err != nil || len(report.Damage) > 0 {
				t.Fatalf("%d entries, %+v: %v, %v", size, p, report.Damage, err)
			}
			if !p.Whole() && size > 4*tiles && p.From > 4*tiles && r.read[3] {
				t.Errorf("%d entries: %+v read what is no part of it", size, p)
			}
		}
		forked := earlier
		forked.Root[0] ^= 1
		longer := auditlog.Checkpoint{Size: size + 1}
		for _, c := range []auditlog.Checkpoint{forked, longer} {
			if c.Size == 0 {
				continue
			}
			report, err := auditlog.VerifyPart(t.Context(), r, head, auditlog.Part{From: size}, c)
			if err != nil || len(report.Damage) != 1 || report.Damage[0].What != "checkpoint" {
				t.Errorf("%d entries contradict %d: %v, %v", size, c.Size, report, err)
			}
		}
	}

	head := r.head(t, size)
	tampered := func(change func()) []string {
		entries, kept := slices.Clone(r.entries), map[[2]int64][]byte{}
		for at, b := range r.tiles {
			kept[at] = bytes.Clone(b)
		}
		change()
		report, err := auditlog.VerifyPart(t.Context(), r, head, auditlog.Part{From: size - tiles, Tiles: []int64{7}})
		if err != nil {
			t.Fatal(err)
		}
		r.entries, r.tiles = entries, kept
		var found []string
		for _, d := range report.Damage {
			found = append(found, d.Error())
		}
		return found
	}
	const old, fresh = 7*tiles + 3, tiles*tiles + 2*tiles + 1
	other := event(t, old, audit.AuditExported)
	leaf := auditlog.LeafHash(other.Commitment)
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"new entry edited":    {func() { r.entries[fresh].Event.At++ }, "entry 66049 was changed"},
		"new entry replaced":  {func() { r.entries[fresh] = event(t, fresh, audit.AuditExported) }, "entry 66049 was replaced"},
		"new entries swapped": {func() { r.entries[fresh], r.entries[fresh+1] = r.entries[fresh+1], r.entries[fresh] }, "out of order"},
		"old entry edited":    {func() { r.entries[old].Event.At++ }, "entry 1795 was changed"},
		"old entry replaced":  {func() { r.entries[old] = other }, "entry 1795 was replaced"},
		"old entry and its tile": {func() {
			r.entries[old] = other
			copy(r.tiles[[2]int64{0, 7}][3*auditlog.HashBytes:], leaf[:])
		}, "tile 7 of level 0"},
		"a hash above what is read": {func() { r.tiles[[2]int64{2, 0}][0] ^= 1 }, "has another root"},
		"all above what is read":    {func() { delete(r.tiles, [2]int64{2, 0}) }, "has lost hashes"},
	} {
		found := tampered(c.change)
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: %q", name, found)
		}
	}
	if found := tampered(func() {}); len(found) > 0 {
		t.Errorf("nothing was changed: %q", found)
	}
}

// TestSample: a small log is read whole, and of a large one as much as was said.
func TestSample(t *testing.T) {
	if p := auditlog.Sample(16*auditlog.TileWidth, 16); !p.Whole() {
		t.Errorf("got %+v", p)
	}
	p := auditlog.Sample(1000*auditlog.TileWidth, 16)
	if q := auditlog.Sample(1000*auditlog.TileWidth, 16); p.Whole() || len(p.Tiles) != 16 || slices.Equal(p.Tiles, q.Tiles) {
		t.Errorf("got %+v, then %+v", p, q)
	}
}
