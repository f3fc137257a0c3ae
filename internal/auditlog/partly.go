package auditlog

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// A Part says which entries of a log [VerifyPart] reads.
type Part struct {
	// From is the number of an entry: it and all after it are read, from the
	// beginning of its tile.
	From int64
	// Tiles are the numbers of full tiles of level 0 before it whose entries are
	// read too.
	Tiles []int64
}

// Sample is the part from an entry on, and so many tiles before it, by chance:
// all, if there are no more. Whoever changes entries cannot know which are
// looked at next.
func Sample(from int64, tiles int) Part {
	before := max(from, 0) / TileWidth
	if before <= int64(tiles) {
		return Part{}
	}
	p := Part{From: from}
	for len(p.Tiles) < tiles {
		if n := rand.Int64N(before); !slices.Contains(p.Tiles, n) { //nolint:gosec // chance is enough: the tiles looked at are no secret
			p.Tiles = append(p.Tiles, n)
		}
	}
	slices.Sort(p.Tiles)
	return p
}

// Whole reports whether the part is all of a log.
func (p Part) Whole() bool { return p.From < TileWidth }

// VerifyPart is [Verify] of a part of a log, and of the tree over all of it: its
// root is made anew from the entries of the part and the hashes that are stored
// of the others, so that what it reads is proved to be what the head says. An
// entry outside of the part can have been changed without its knowing.
func VerifyPart(ctx context.Context, s Source, head Head, p Part, earlier ...Checkpoint) (*Report, error) {
	first := min(max(p.From, 0), head.Size) / TileWidth
	if first == 0 {
		return Verify(ctx, s, head, earlier...)
	}
	v := newVerifier(ctx, s, head, earlier)
	v.size = first * TileWidth
	if err := v.begin(first); err != nil {
		return nil, err
	}
	for _, c := range earlier {
		if c.Size > v.size {
			continue // come by on the way
		}
		if err := v.note(Grown(ctx, s, head, c)); err != nil {
			return nil, err
		}
	}
	for _, n := range p.Tiles {
		if n < 0 || n >= first {
			continue
		}
		if err := v.alone(n); err != nil {
			return nil, err
		}
	}
	return v.run(first, earlier)
}

// begin takes the stored hashes over the tiles before the first that is read.
// That they are what was signed is seen by the root that comes of them.
func (v *verifier) begin(first int64) error {
	v.rows = []row{{n: first}}
	for level, have := 1, first; have > 0; level, have = level+1, have/TileWidth {
		r := row{n: have / TileWidth}
		if width := int(have % TileWidth); width > 0 {
			stored, err := v.source.Tile(v.ctx, level, r.n, Width(v.head.Size, level, r.n))
			if err != nil {
				return err
			}
			if len(stored) < width*HashBytes {
				v.report.add(&DamageError{What: "tile", Level: level, At: r.n, How: "has lost hashes"})
				stored = append(stored, make([]byte, width*HashBytes-len(stored))...)
			}
			r.hashes = append(r.hashes, stored[:width*HashBytes]...)
		}
		v.rows = append(v.rows, r)
	}
	return nil
}

// alone checks the entries of one full tile, and that the tile is in the tree.
func (v *verifier) alone(n int64) error {
	of := newVerifier(v.ctx, v.source, v.head, nil)
	leaves, err := of.leaves(n, TileWidth)
	if err != nil {
		return err
	}
	for _, d := range of.report.Damage {
		v.report.add(d)
	}
	if len(of.report.Damage) > 0 {
		return nil
	}
	// The path from its first leaf upwards is made of all that the tile holds.
	proof, err := ProveEntry(v.head.Size, n*TileWidth, func(level int, place int64) ([]byte, error) {
		return v.source.Tile(v.ctx, level, place, Width(v.head.Size, level, place))
	})
	if err != nil {
		return v.note(err)
	}
	if tlog.CheckRecord(proof, v.head.Size, v.head.Root, n*TileWidth, leaves[0]) != nil {
		v.report.add(&DamageError{What: "tile", At: n, How: "is not in the tree that the log's head is of"})
	}
	return nil
}

// note adds an error that is damage to the report, and returns any other.
func (v *verifier) note(err error) error {
	var damage *DamageError
	if errors.As(err, &damage) {
		v.report.add(damage)
		return nil
	}
	return err
}
