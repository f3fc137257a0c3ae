package auditlog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Source is a log as somebody keeps it, whom [Verify] does not believe.
type Source interface {
	// Tile returns the hashes of a tile that should have that many; fewer, or
	// none, if it has not.
	Tile(ctx context.Context, level int, n int64, width int) ([]byte, error)
	// Entries returns, as they stand, the entries behind tile n of level 0, of
	// which there should be that many.
	Entries(ctx context.Context, n int64, width int) ([]Entry, error)
	// Beyond names what is there and belongs to no tree of that size.
	Beyond(ctx context.Context, size int64) ([]*DamageError, error)
}

// A Log is a log and what is signed of it.
type Log struct {
	Name     string // a practice's short name
	Practice string // its id; empty for a log that lies in a folder
	Signed   []byte // its checkpoint
	Verifier string // the public key that should have signed it
	Source   Source
}

// mostDamage is how many places a report names.
const mostDamage = 200

// A Report says what [Verify] found.
type Report struct {
	Head   Head
	Damage []*DamageError
	More   int // places beyond those in Damage
	// Noted names entries that are dated before earlier ones because the clock
	// was set, as the hub itself wrote down.
	Noted []*DamageError
	// From is the time of the first entry, Until the latest of any; zero if there
	// is none.
	From, Until time.Time
}

func (r *Report) add(e *DamageError) {
	if len(r.Damage) == mostDamage {
		r.More++
		return
	}
	r.Damage = append(r.Damage, e)
}

// Verify reads all of a log and names each entry and tile that is not as the
// head says, each earlier checkpoint that the log has not grown from, and each
// entry whose time cannot be right. An error is for what could not be read.
func Verify(ctx context.Context, s Source, head Head, earlier ...Checkpoint) (*Report, error) {
	v := newVerifier(ctx, s, head, earlier)
	return v.run(0, earlier)
}

func newVerifier(ctx context.Context, s Source, head Head, earlier []Checkpoint) *verifier {
	return &verifier{ctx: ctx, source: s, head: head, report: Report{Head: head}, clock: newClockCheck(earlier)}
}

// run reads all from that tile of level 0 on.
func (v *verifier) run(first int64, earlier []Checkpoint) (*Report, error) {
	for _, c := range earlier {
		if c.Size > v.head.Size {
			v.report.add(shrunk(c, v.head))
		}
	}
	for n := first; n*TileWidth < v.head.Size; n++ {
		leaves, err := v.leaves(n, Width(v.head.Size, 0, n))
		if err != nil {
			return nil, err
		}
		for _, leaf := range leaves {
			if err := v.push(0, leaf); err != nil {
				return nil, err
			}
			v.size++
			if err := v.compare(earlier); err != nil {
				return nil, err
			}
		}
	}
	for _, d := range v.clock.left() {
		v.report.add(d)
	}
	v.report.Noted = v.clock.noted
	if v.clock.first != 0 {
		v.report.From, v.report.Until = time.UnixMilli(v.clock.first), time.UnixMilli(v.clock.latest)
	}
	for level := range v.rows {
		if err := v.check(level); err != nil {
			return nil, err
		}
	}
	root, err := Root(v.head.Size, v.read)
	if err != nil {
		return nil, err
	}
	if root != v.head.Root {
		v.report.add(&DamageError{What: "tree", At: v.head.Size, How: "has another root than the log's head: the entries or the head were replaced"})
	}
	beyond, err := v.source.Beyond(v.ctx, v.head.Size)
	for _, e := range beyond {
		v.report.add(e)
	}
	return &v.report, err
}

// Grown returns a [*DamageError] unless the log with that head begins with what
// an earlier checkpoint signed. It reads a few tiles, and no entry.
func Grown(ctx context.Context, s Source, head Head, earlier Checkpoint) error {
	if earlier.Size >= head.Size || earlier.Size == 0 {
		return ProvedGrown(nil, head, earlier)
	}
	proof, err := ProveGrowth(head.Size, earlier.Size, func(level int, n int64) ([]byte, error) {
		return s.Tile(ctx, level, n, Width(head.Size, level, n))
	})
	if err != nil {
		return err
	}
	return ProvedGrown(proof, head, earlier)
}

// ProvedGrown is [Grown] by a proof that somebody gave who has the log; of equal
// sizes there is none.
func ProvedGrown(proof []Hash, head Head, earlier Checkpoint) error {
	switch {
	case earlier.Size > head.Size:
		return shrunk(earlier, head)
	case earlier.Size == 0, earlier.Size == head.Size && earlier.Root == head.Root:
		return nil
	case earlier.Size == head.Size, CheckGrowth(proof, head.Size, head.Root, earlier.Size, earlier.Root) != nil:
		return forked(earlier)
	}
	return nil
}

func shrunk(c Checkpoint, head Head) *DamageError {
	return &DamageError{What: "checkpoint", At: c.Size, How: fmt.Sprintf(
		"was signed, and the log has shrunk to %d: entries %d to %d were cut off, or an older copy was put back", head.Size, head.Size, c.Size-1)}
}

func forked(c Checkpoint) *DamageError {
	return &DamageError{What: "checkpoint", At: c.Size, How: fmt.Sprintf(
		"was signed, and the log forked from it: its first %d entries are no longer those", c.Size)}
}

// A verifier builds the tree anew, holding the last tile of each level.
type verifier struct {
	ctx    context.Context
	source Source
	head   Head
	report Report
	clock  *clockCheck
	size   int64
	rows   []row
}

type row struct {
	n      int64 // the tile's number
	hashes []byte
}

// read is [Tiles] of the tree built so far, of whose last tiles alone its root
// is made.
func (v *verifier) read(level int, n int64) ([]byte, error) {
	if level < len(v.rows) && v.rows[level].n == n {
		return v.rows[level].hashes, nil
	}
	return nil, nil
}

func (v *verifier) push(level int, h Hash) error {
	if level == len(v.rows) {
		v.rows = append(v.rows, row{})
	}
	r := &v.rows[level]
	r.hashes = append(r.hashes, h[:]...)
	if len(r.hashes) < TileWidth*HashBytes {
		return nil
	}
	if err := v.check(level); err != nil {
		return err
	}
	up := summit(r.hashes)
	r.n, r.hashes = r.n+1, nil
	return v.push(level+1, up)
}

// check compares the last tile of a level above the leaves with what is stored.
func (v *verifier) check(level int) error {
	r := &v.rows[level]
	width := len(r.hashes) / HashBytes
	if level == 0 || width == 0 {
		return nil
	}
	stored, err := v.source.Tile(v.ctx, level, r.n, width)
	if err != nil {
		return err
	}
	if how := difference(stored, r.hashes); how != "" {
		v.report.add(&DamageError{What: "tile", Level: level, At: r.n, How: how})
	}
	return nil
}

// difference says how a tile differs from what it should be; empty if it does
// not.
func difference(got, want []byte) string {
	switch {
	case bytes.Equal(got, want):
		return ""
	case len(got) == 0:
		return "is missing"
	case len(got) < len(want):
		return "has lost hashes"
	case len(got) > len(want):
		return "has hashes added"
	}
	for i := 0; i < len(want); i += HashBytes {
		if !bytes.Equal(got[i:i+HashBytes], want[i:i+HashBytes]) {
			return fmt.Sprintf("was changed at hash %d", i/HashBytes)
		}
	}
	return ""
}

// compare compares the tree built so far with the checkpoints of its size.
func (v *verifier) compare(earlier []Checkpoint) error {
	for _, c := range earlier {
		if c.Size != v.size {
			continue
		}
		root, err := Root(v.size, v.read)
		if err != nil {
			return err
		}
		if root != c.Root {
			v.report.add(forked(c))
		}
	}
	return nil
}

// leaves checks the entries behind tile n and the tile against each other, and
// returns those hashes of the two that the rest of the tree bears out.
func (v *verifier) leaves(n int64, width int) ([]Hash, error) {
	stored, err := v.source.Tile(v.ctx, 0, n, width)
	if err != nil {
		return nil, err
	}
	entries, err := v.source.Entries(v.ctx, n, width)
	if err != nil {
		return nil, err
	}
	base := n * TileWidth
	slots, named := v.place(base, width, entries)
	whole := len(stored) == width*HashBytes
	// As the entries have it; what they lack, as the tile has it.
	own := make([]byte, 0, width*HashBytes)
	lacking := false
	for i, e := range slots {
		switch {
		case e != nil:
			h := LeafHash(e.Commitment)
			own = append(own, h[:]...)
		case whole:
			own = append(own, stored[i*HashBytes:][:HashBytes]...)
		default:
			own, lacking = append(own, make([]byte, HashBytes)...), true
		}
	}
	if bytes.Equal(own, stored) {
		return hashes(stored), nil
	}
	if !whole {
		v.report.add(&DamageError{What: "tile", At: n, How: difference(stored, own)})
		if lacking {
			v.report.add(&DamageError{What: "tile", At: n, How: "cannot be made anew: entries are missing"})
		}
		return hashes(own), nil
	}
	storedFits, err := v.fits(n, stored)
	if err != nil {
		return nil, err
	}
	if storedFits {
		v.replaced(base, slots, named, stored)
		return hashes(stored), nil
	}
	ownFits, err := v.fits(n, own)
	if err != nil {
		return nil, err
	}
	how := difference(stored, own)
	if !ownFits {
		how += ", or the entries were: neither is what the tree above was made of"
	}
	v.report.add(&DamageError{What: "tile", At: n, How: how})
	return hashes(own), nil
}

// place puts entries where their numbers say, and names those that are changed,
// missing, twice there, out of order or of elsewhere.
func (v *verifier) place(base int64, width int, entries []Entry) (slots []*Entry, named []bool) {
	slots, named = make([]*Entry, width), make([]bool, width)
	last := base - 1
	for i := range entries {
		e := &entries[i]
		at := e.Leaf - base
		if at < 0 || at >= int64(width) {
			v.report.add(&DamageError{What: "entry", At: e.Leaf, How: "was added: its number has no place there"})
			continue
		}
		if slots[at] != nil {
			v.report.add(&DamageError{What: "entry", At: e.Leaf, How: "was added: its number is there twice"})
			continue
		}
		if e.Leaf < last {
			v.report.add(&DamageError{What: "entry", At: e.Leaf, How: fmt.Sprintf("is out of order: it stands after entry %d", last)})
		}
		inOrder := e.Leaf > last
		last = max(last, e.Leaf)
		slots[at] = e
		if e.Erased {
			named[at] = true
			v.report.add(&DamageError{What: "entry", At: e.Leaf, How: "was erased: its hash is there and its event is not"})
		} else if d := e.damage(); d != nil {
			named[at] = true
			v.report.add(d)
		} else if inOrder {
			for _, d := range v.clock.entry(e) {
				v.report.add(d)
			}
		}
	}
	for i := 0; i < width; i++ {
		first := i
		for i < width && slots[i] == nil {
			i++
		}
		if i > first {
			how := "is missing: dropped from the log"
			if i-first > 1 {
				how = "are missing: dropped from the log"
			}
			v.report.add(&DamageError{What: "entry", At: base + int64(first), Through: base + int64(i-1), How: how})
		}
	}
	return slots, named
}

// replaced names the entries that are whole and not those of the tree.
func (v *verifier) replaced(base int64, slots []*Entry, named []bool, stored []byte) {
	leaves := hashes(stored)
	for i, e := range slots {
		if e == nil || named[i] {
			continue
		}
		h := LeafHash(e.Commitment)
		if h == leaves[i] {
			continue
		}
		how := "was replaced: it is not the one that was logged"
		if was := slices.Index(leaves, h); was >= 0 {
			how = fmt.Sprintf("is out of order: entry %d was put in its place", base+int64(was))
		}
		v.report.add(&DamageError{What: "entry", At: e.Leaf, How: how})
	}
}

// fits reports whether tile n of level 0 with those hashes is the one that the
// tree above it was made of.
func (v *verifier) fits(n int64, data []byte) (bool, error) {
	if len(data) == TileWidth*HashBytes {
		up := n / TileWidth
		parent, err := v.source.Tile(v.ctx, 1, up, Width(v.head.Size, 1, up))
		at := int(n%TileWidth) * HashBytes
		if err != nil || len(parent) < at+HashBytes {
			return false, err
		}
		sum := summit(data)
		return bytes.Equal(sum[:], parent[at:at+HashBytes]), nil
	}
	root, err := Root(v.head.Size, func(level int, place int64) ([]byte, error) {
		if level == 0 {
			return data, nil
		}
		return v.read(level, place)
	})
	return root == v.head.Root, err
}

func hashes(data []byte) []Hash {
	all := make([]Hash, len(data)/HashBytes)
	for i := range all {
		copy(all[i][:], data[i*HashBytes:])
	}
	return all
}
