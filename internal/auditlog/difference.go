package auditlog

import (
	"context"
	"errors"
	"fmt"
)

// mostMoved is by how many places entries are looked for that stand elsewhere
// than before: beyond that, they count as changed.
const mostMoved = 1 << 16

// mostStretches is how many differences are named one by one.
const mostStretches = 8

// Differences say which entries of a log are not those of an earlier copy of it.
type Differences struct {
	// Damage names the first of them, in order: entries that were changed or
	// added by their numbers now, those that were dropped by their numbers then.
	Damage []*DamageError
	More   int // places beyond those in Damage
	// Compared is how many entries of the earlier copy were compared: all that it
	// has, unless Compare fails. Of these, so many were changed or dropped, and so
	// many were added among them.
	Compared, Changed, Dropped, Added int64
}

// An EarlierError is a [*DamageError] of the earlier copy: nothing can be said
// from there on.
type EarlierError struct{ Damage *DamageError }

func (e *EarlierError) Error() string { return e.Damage.Error() }
func (e *EarlierError) Unwrap() error { return e.Damage }

// Compare compares the hashes of a log with those of an earlier copy, of which
// tiles alone are read: only below hashes that differ, so that two logs of ten
// million entries that differ in one take a few. Each tile is held to the head
// of its side: if it is not of it, Compare returns a [*DamageError], or an
// [*EarlierError] that has one.
func Compare(ctx context.Context, now Source, head Head, earlier Source, was Head) (*Differences, error) {
	c := comparison{now: tree{ctx: ctx, source: now, head: head}, was: tree{ctx: ctx, source: earlier, head: was}}
	err := c.was.begin()
	if err == nil {
		if err := c.now.begin(); err != nil {
			return &c.found, err
		}
		err = c.run()
		c.name()
		c.found.Compared = c.then
	}
	var damage *DamageError
	if errors.As(err, &damage) && c.was.broken {
		return &c.found, &EarlierError{damage}
	}
	return &c.found, err
}

type comparison struct {
	now, was tree
	found    Differences
	// at and then are the numbers that come next, now and in the earlier copy.
	at, then int64
	last     stretch
}

func (c *comparison) run() error {
	for c.at < c.now.head.Size && c.then < c.was.head.Size {
		if err := c.now.ctx.Err(); err != nil {
			return err
		}
		same, err := c.same()
		if err != nil {
			return err
		}
		if same > 0 {
			c.at, c.then = c.at+same, c.then+same
			continue
		}
		now, was, err := c.meet()
		if err != nil {
			return err
		}
		c.differ(now, was)
	}
	if left := c.was.head.Size - c.then; left > 0 {
		c.differ(0, left)
	}
	return nil
}

// same returns of how many entries the highest hash is that both have next; 0 if
// they differ.
func (c *comparison) same() (int64, error) {
	for level := len(c.was.edge) - 1; level >= 0; level-- {
		span := int64(1) << (level * TileHeight)
		if c.at%span != 0 || c.then%span != 0 || c.at+span > c.now.head.Size || c.then+span > c.was.head.Size {
			continue
		}
		equal, err := c.equal(level, c.at/span, c.then/span)
		if err != nil || equal {
			return span, err
		}
	}
	return 0, nil
}

func (c *comparison) equal(level int, at, then int64) (bool, error) {
	was, err := c.was.hash(level, then)
	if err != nil {
		return false, err
	}
	now, err := c.now.hash(level, at)
	return now == was, err
}

// meet returns after how many entries of each side both have the same again. If
// they do not, it is as many of each as were looked at.
func (c *comparison) meet() (now, was int64, err error) {
	for window := int64(16); ; window = min(window*2, mostMoved) {
		now, was = min(window, c.now.head.Size-c.at), min(window, c.was.head.Size-c.then)
		place := make(map[Hash]int64, was)
		for i := range was {
			h, err := c.was.hash(0, c.then+i)
			if err != nil {
				return 0, 0, err
			}
			place[h] = i
		}
		nearest, met := [2]int64{}, false
		for i := range now {
			h, err := c.now.hash(0, c.at+i)
			if err != nil {
				return 0, 0, err
			}
			if j, is := place[h]; is && (!met || i+j < nearest[0]+nearest[1]) {
				nearest, met = [2]int64{i, j}, true
			}
		}
		if met {
			return nearest[0], nearest[1], nil
		}
		if window == mostMoved || now < window && was < window {
			both := min(now, was)
			return both, both, nil
		}
	}
}

// differ notes that so many entries are there now in place of so many that were.
func (c *comparison) differ(now, was int64) {
	if c.last.at+c.last.now != c.at || c.last.then+c.last.was != c.then {
		c.name()
		c.last = stretch{at: c.at, then: c.then}
	}
	c.last.now, c.last.was = c.last.now+now, c.last.was+was
	c.at, c.then = c.at+now, c.then+was
}

// A stretch is where so many entries are now in place of so many that were.
type stretch struct{ at, now, then, was int64 }

// name adds the last stretch to what was found.
func (c *comparison) name() {
	s := c.last
	changed := min(s.now, s.was)
	c.found.Changed += changed
	c.found.Dropped += s.was - changed
	c.found.Added += s.now - changed
	switch {
	case changed > 0 && s.then+s.was == c.was.head.Size:
		c.add(s.at, changed, "was changed, and none that follows is as it was: the log forked there, or that entry was the last", "are others than were logged, and none that follows is as it was: the log forked there")
	case changed > 0:
		c.add(s.at, changed, "was changed: it is not the one that was logged", "were changed: they are not those that were logged")
	}
	c.add(s.then+changed, s.was-changed, "was dropped", "were dropped")
	c.add(s.at+changed, s.now-changed, "was added: it was not there", "were added: they were not there")
}

func (c *comparison) add(at, n int64, one, many string) {
	switch {
	case n == 0:
	case len(c.found.Damage) == mostStretches:
		c.found.More++
	case n == 1:
		c.found.Damage = append(c.found.Damage, &DamageError{What: "entry", At: at, How: one})
	default:
		c.found.Damage = append(c.found.Damage, &DamageError{What: "entry", At: at, Through: at + n - 1, How: many})
	}
}

// A tree reads tiles that are proved to be of a head, and keeps the last of each
// level.
type tree struct {
	ctx    context.Context
	source Source
	head   Head
	edge   [][]byte // of each level the tile that is not full, which the root is made of
	full   []row    // of each level the last tile that was read
	broken bool     // a tile was not of the head
}

// begin reads the tiles that are not full, and fails unless the root is of them.
func (t *tree) begin() error {
	if t.head.Size == 0 {
		return nil
	}
	for level := 0; t.head.Size>>(level*TileHeight) > 0; level++ {
		n := t.head.Size >> ((level + 1) * TileHeight)
		var data []byte
		if width := Width(t.head.Size, level, n); width > 0 {
			var err error
			if data, err = t.read(level, n, width); err != nil {
				return err
			}
		}
		t.edge, t.full = append(t.edge, data), append(t.full, row{n: -1})
	}
	root, err := Root(t.head.Size, func(level int, n int64) ([]byte, error) {
		if len(t.edge[level]) == 0 || n != t.head.Size>>((level+1)*TileHeight) {
			return nil, fmt.Errorf("auditlog: tile %d of level %d is not at the edge", n, level)
		}
		return t.edge[level], nil
	})
	if err == nil && root != t.head.Root {
		t.broken = true
		err = &DamageError{What: "tree", At: t.head.Size, How: "has another root than its head"}
	}
	return err
}

func (t *tree) read(level int, n int64, width int) ([]byte, error) {
	data, err := t.source.Tile(t.ctx, level, n, width)
	if err != nil {
		return nil, err
	}
	if len(data) != width*HashBytes {
		t.broken = true
		return nil, &DamageError{What: "tile", Level: level, At: n, How: "is missing or has not its length"}
	}
	return data, nil
}

// hash returns hash number i of a level.
func (t *tree) hash(level int, i int64) (h Hash, err error) {
	n := i / TileWidth
	data := t.edge[level]
	if n != t.head.Size>>((level+1)*TileHeight) {
		if data, err = t.tile(level, n); err != nil {
			return h, err
		}
	}
	copy(h[:], data[i%TileWidth*HashBytes:])
	return h, nil
}

// tile returns a full one.
func (t *tree) tile(level int, n int64) ([]byte, error) {
	if t.full[level].n == n {
		return t.full[level].hashes, nil
	}
	above, err := t.hash(level+1, n)
	if err != nil {
		return nil, err
	}
	data, err := t.read(level, n, TileWidth)
	if err != nil {
		return nil, err
	}
	if summit(data) != above {
		t.broken = true
		return nil, &DamageError{What: "tile", Level: level, At: n, How: "is not the one that the tree above was made of"}
	}
	t.full[level] = row{n, data}
	return data, nil
}
