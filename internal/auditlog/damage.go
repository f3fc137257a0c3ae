package auditlog

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A DamageError names a place of a log that is not as it was signed.
type DamageError struct {
	What  string // "entry", "tile", "checkpoint", "tree", "key" or "file"
	Level int    // a tile's
	At    int64  // the entry's number, the tile's, or the tree's size
	// Through is the last of several entries; 0 if it is one.
	Through int64
	Name    string // a file's
	How     string // in plain words
}

func (e *DamageError) Error() string {
	switch {
	case e.What == "tile":
		return fmt.Sprintf("tile %d of level %d (%s) %s", e.At, e.Level, TilePath(e.Level, e.At, TileWidth), e.How)
	case e.Name != "":
		return fmt.Sprintf("%s %s %s", e.What, e.Name, e.How)
	case e.Through > e.At:
		return fmt.Sprintf("entries %d to %d %s", e.At, e.Through, e.How)
	}
	return fmt.Sprintf("%s %d %s", e.What, e.At, e.How)
}

// TilePath is where a tile of that many hashes lies (C2SP tlog-tiles).
func TilePath(level int, n int64, width int) string {
	path := tlog.Tile{H: TileHeight, L: level, N: n, W: width}.Path()
	return "tile/" + strings.TrimPrefix(path, fmt.Sprintf("tile/%d/", TileHeight))
}

// Width is how many hashes tile n of a level has in the tree of that size.
func Width(size int64, level int, n int64) int {
	have := size>>(level*TileHeight) - n*TileWidth
	return int(max(0, min(have, TileWidth)))
}
