// Package auditlog is the Merkle tree over a practice's events, and what is
// signed, proved and checked of it.
//
// Each practice has one log. Its tree is that of RFC 6962, section 2, as
// golang.org/x/mod/sumdb/tlog makes it; leaf n is the [audit.Commitment] of the
// practice's event n. The tree lies in tiles of 256 hashes (C2SP tlog-tiles),
// its head in signed checkpoints (C2SP tlog-checkpoint). So whoever holds one
// checkpoint can find every later change of what came before it, with this
// program or with another's.
//
// The package knows nothing of SQL or of the network: the store brings tiles
// and takes them.
package auditlog

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sotto-health/sotto/internal/audit"
)

// TileHeight is that of C2SP tlog-tiles: a tile has up to 1<<TileHeight hashes.
const TileHeight = 8

// TileWidth is how many hashes a full tile has.
const TileWidth = 1 << TileHeight

// A Hash is a node of the tree.
type Hash = tlog.Hash

// HashBytes is the length of a [Hash].
const HashBytes = tlog.HashSize

// Tiles reads stored tiles: the hashes of tile number n of a level that are
// there, one after the other, or nothing if there are none.
type Tiles func(level int, n int64) ([]byte, error)

// LeafHash is the leaf of an event with that commitment.
func LeafHash(c audit.Commitment) Hash { return tlog.RecordHash(c[:]) }

// Grow appends leaves to the tree of the given size. It calls write with each
// tile that changes, whole.
func Grow(size int64, read Tiles, write func(level int, n int64, data []byte) error, leaves []Hash) error {
	for level := 0; len(leaves) > 0; level++ {
		at := size >> (level * TileHeight) // hashes that the level has
		var up []Hash
		for len(leaves) > 0 {
			n, used := at/TileWidth, at%TileWidth
			var data []byte
			if used > 0 {
				var err error
				if data, err = read(level, n); err != nil {
					return err
				}
				if int64(len(data)) < used*HashBytes {
					return &DamageError{What: "tile", Level: level, At: n, How: "has lost hashes"}
				}
				data = append([]byte(nil), data[:used*HashBytes]...)
			}
			take := min(int64(len(leaves)), TileWidth-used)
			for _, l := range leaves[:take] {
				data = append(data, l[:]...)
			}
			if err := write(level, n, data); err != nil {
				return err
			}
			leaves, at = leaves[take:], at+take
			if at%TileWidth == 0 {
				up = append(up, summit(data))
			}
		}
		leaves = up
	}
	return nil
}

// summit is the hash over a full tile.
func summit(data []byte) Hash {
	row := make([]Hash, TileWidth)
	for i := range row {
		copy(row[i][:], data[i*HashBytes:])
	}
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}

// Reader returns the nodes of the tree from its tiles. It checks nothing: see
// [Root] and the proofs for what does.
func Reader(read Tiles) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		hashes := make([]Hash, len(indexes))
		held := make(map[tlog.Tile][]byte)
		for i, index := range indexes {
			t := tlog.TileForIndex(TileHeight, index)
			whole := tlog.Tile{H: TileHeight, L: t.L, N: t.N}
			data, ok := held[whole]
			if !ok {
				var err error
				if data, err = read(t.L, t.N); err != nil {
					return nil, err
				}
				held[whole] = data
			}
			if len(data) < t.W*HashBytes {
				return nil, &DamageError{What: "tile", Level: t.L, At: t.N, How: "has lost hashes"}
			}
			h, err := tlog.HashFromTile(t, data[:t.W*HashBytes], index)
			if err != nil {
				return nil, fmt.Errorf("auditlog: %w", err)
			}
			hashes[i] = h
		}
		return hashes, nil
	})
}

// Root returns the hash of the tree's first size leaves.
func Root(size int64, read Tiles) (Hash, error) {
	return tlog.TreeHash(size, Reader(read))
}

// ProveEntry returns the proof that a leaf is in the tree of that size (RFC
// 9162, section 2.1.3).
func ProveEntry(size, leaf int64, read Tiles) ([]Hash, error) {
	if leaf < 0 || leaf >= size {
		return nil, ErrNoSuchEntry
	}
	return tlog.ProveRecord(size, leaf, Reader(read))
}

// CheckEntry checks what [ProveEntry] returned against a root.
func CheckEntry(proof []Hash, size int64, root Hash, leaf int64, c audit.Commitment) error {
	return tlog.CheckRecord(proof, size, root, leaf, LeafHash(c))
}

// ProveGrowth returns the proof that the tree of size later begins with that
// of size earlier (RFC 9162, section 2.1.4).
func ProveGrowth(later, earlier int64, read Tiles) ([]Hash, error) {
	if earlier < 1 || earlier > later {
		return nil, ErrNoSuchEntry
	}
	return tlog.ProveTree(later, earlier, Reader(read))
}

// CheckGrowth checks what [ProveGrowth] returned.
func CheckGrowth(proof []Hash, later int64, laterRoot Hash, earlier int64, earlierRoot Hash) error {
	return tlog.CheckTree(proof, later, laterRoot, earlier, earlierRoot)
}

// ErrNoSuchEntry says that the log has no entry of that number, or was never
// of that size.
var ErrNoSuchEntry = errors.New("auditlog: no such entry")
