// Package archive is an audit log as files, to be kept and checked elsewhere.
//
// A log's folder has
//
//	checkpoint              its signed head (C2SP tlog-checkpoint)
//	audit.pub               the public key that signed it (C2SP signed-note)
//	tile/LEVEL/N[.p/WIDTH]  the tree (C2SP tlog-tiles)
//	entries/N[.p/WIDTH].jsonl  the entries behind each tile of level 0
//
// An entry is one line of JSON: its number, salt, commitment, and the event as
// it was logged. Files are whole or not there, with mode 0600; a full tile and
// its entries never change. The checkpoint comes last, so that a folder is what
// its checkpoint says, whenever an export stops.
package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/durable"
)

// The names in a log's folder.
const (
	CheckpointFile = "checkpoint"
	KeyFile        = "audit.pub"
)

// maxFile bounds what is read of a file; 256 events are far shorter.
const maxFile = 4 << 20

// A Folder is where one log lies.
type Folder string

// Is reports whether something of a log is there.
func (f Folder) Is() bool {
	for _, name := range []string{CheckpointFile, KeyFile, "tile", "entries"} {
		if _, err := os.Stat(f.path(name)); err == nil {
			return true
		}
	}
	return false
}

// Open returns the log that lies there.
func (f Folder) Open() (*auditlog.Log, error) {
	signed, err := f.read(CheckpointFile)
	if err != nil {
		return nil, err
	}
	key, err := f.read(KeyFile)
	if err != nil {
		return nil, err
	}
	log := &auditlog.Log{Name: filepath.Base(string(f)), Signed: signed, Verifier: strings.TrimSpace(string(key)), Source: f}
	for name, is := range map[string][]byte{CheckpointFile: signed, KeyFile: key} {
		if len(is) == 0 {
			return log, &auditlog.DamageError{What: "file", Name: name, How: "is missing"}
		}
	}
	return log, nil
}

// Size is how many entries the checkpoint that lies there counts, whoever signed
// it; 0 if there is none.
func (f Folder) Size() (int64, error) {
	signed, err := f.read(CheckpointFile)
	if err != nil || len(signed) == 0 {
		return 0, err
	}
	c, err := auditlog.ReadUnsigned(signed)
	if err != nil {
		return 0, &auditlog.DamageError{What: "file", Name: CheckpointFile, How: "is no checkpoint"}
	}
	return c.Size, nil
}

func (f Folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// read returns nil for a file that is not there, and only then.
func (f Folder) read(name string) ([]byte, error) {
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// Tile implements [auditlog.Source].
func (f Folder) Tile(_ context.Context, level int, n int64, width int) ([]byte, error) {
	return f.read(auditlog.TilePath(level, n, width))
}

// Entries implements [auditlog.Source].
func (f Folder) Entries(_ context.Context, n int64, width int) ([]auditlog.Entry, error) {
	text, err := f.read(entriesPath(n, width))
	if err != nil {
		return nil, err
	}
	var all []auditlog.Entry
	for line := range bytes.Lines(text) {
		e := parseLine(line)
		if e.Leaf < 0 {
			e.Leaf = n*auditlog.TileWidth + int64(len(all))
		}
		all = append(all, e)
	}
	return all, nil
}

// Beyond implements [auditlog.Source].
func (f Folder) Beyond(_ context.Context, size int64) (all []*auditlog.DamageError, err error) {
	own := filesOf(size)
	err = f.files(func(name string, _ fs.DirEntry) error {
		if _, is := own[name]; !is {
			all = append(all, &auditlog.DamageError{What: "file", Name: name, How: "was added: it is no part of the log (an export that was cut off leaves such; export again)"})
		}
		return nil
	})
	return all, err
}

// anyLength is that of a file whose length its name does not say.
const anyLength = -1

// filesOf are the files of a log of so many entries, with how long they are.
func filesOf(size int64) map[string]int64 {
	own := map[string]int64{CheckpointFile: anyLength, KeyFile: anyLength}
	for level := 0; size>>(level*auditlog.TileHeight) > 0; level++ {
		for n := int64(0); ; n++ {
			w := auditlog.Width(size, level, n)
			if w == 0 {
				break
			}
			own[auditlog.TilePath(level, n, w)] = int64(w * auditlog.HashBytes)
			if level == 0 {
				own[entriesPath(n, w)] = anyLength
			}
		}
	}
	return own
}

// files calls fn with the name of each file.
func (f Folder) files(fn func(name string, file fs.DirEntry) error) error {
	return filepath.WalkDir(string(f), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(string(f), path)
		if err != nil {
			return err
		}
		return fn(filepath.ToSlash(name), d)
	})
}

func entriesPath(n int64, width int) string {
	return "entries/" + strings.TrimPrefix(auditlog.TilePath(0, n, width), "tile/0/") + ".jsonl"
}

// A line is an entry in its file.
type line struct {
	Number     *int64          `json:"number"`
	Salt       []byte          `json:"salt,omitempty"`
	Commitment []byte          `json:"commitment"`
	Event      json.RawMessage `json:"event,omitempty"`
}

// parseLine reads an entry. What is no entry gives one whose Check fails, with
// number -1 if it has none.
func parseLine(text []byte) auditlog.Entry {
	var l line
	if err := json.Unmarshal(text, &l); err != nil || l.Number == nil || *l.Number < 0 {
		return auditlog.Entry{Leaf: -1}
	}
	e := auditlog.Entry{Leaf: *l.Number}
	if len(l.Commitment) == len(e.Commitment) {
		copy(e.Commitment[:], l.Commitment)
	}
	if e.Erased = len(l.Salt) == 0 && len(l.Event) == 0; e.Erased || len(l.Salt) != audit.SaltBytes {
		return e
	}
	copy(e.Salt[:], l.Salt)
	v, err := audit.Parse(l.Event)
	if err != nil {
		return e
	}
	e.Event = v
	// What else a line says would be read by people and checked by nobody.
	if again, err := formatLine(&e); err == nil && !bytes.Equal(again, text) {
		e.Event = audit.Event{}
	}
	return e
}

func formatLine(e *auditlog.Entry) ([]byte, error) {
	l := line{Number: &e.Leaf, Commitment: e.Commitment[:]}
	if !e.Erased {
		if err := e.Check(); err != nil {
			return nil, err
		}
		encoded, err := e.Event.Encode()
		if err != nil {
			return nil, err
		}
		l.Salt, l.Event = e.Salt[:], encoded
	}
	text, err := json.Marshal(l)
	return append(text, '\n'), err
}

// Write puts a log into the folder. If an earlier export, or a part of one, is
// there, it is continued. It is never overwritten: a log that has not grown
// from it, or differs from it, gives a [*auditlog.DamageError].
func (f Folder) Write(ctx context.Context, log *auditlog.Log) (auditlog.Head, error) {
	head, _, err := f.continues(ctx, log)
	if err != nil {
		return head, err
	}
	return head, f.write(ctx, log, head, 0, true)
}

// Grow is [Folder.Write] of what the log has more than its checkpoint here says:
// files from before are believed to be there, which Verify tells of.
func (f Folder) Grow(ctx context.Context, log *auditlog.Log) (auditlog.Head, error) {
	return f.grow(ctx, log, true)
}

// GrowTree is [Folder.Grow] without the entries: 32 bytes of each are kept, which
// say nothing of it, and are enough for [auditlog.Compare].
func (f Folder) GrowTree(ctx context.Context, log *auditlog.Log) error {
	_, err := f.grow(ctx, log, false)
	return err
}

func (f Folder) grow(ctx context.Context, log *auditlog.Log, entries bool) (auditlog.Head, error) {
	head, earlier, err := f.continues(ctx, log)
	if err != nil || earlier > 0 && earlier == head.Size {
		return head, err
	}
	return head, f.write(ctx, log, head, earlier, entries)
}

// write puts the tiles that hold entries from a number on, with their entries if
// it is told so, and the checkpoint.
func (f Folder) write(ctx context.Context, log *auditlog.Log, head auditlog.Head, from int64, entries bool) error {
	if err := durable.MakeFolder(string(f), 0o700); err != nil {
		return err
	}
	if err := f.put(KeyFile, []byte(log.Verifier+"\n")); err != nil {
		return err
	}
	for level := 0; head.Size>>(level*auditlog.TileHeight) > 0; level++ {
		first := from >> (level * auditlog.TileHeight) / auditlog.TileWidth
		for n := first; auditlog.Width(head.Size, level, n) > 0; n++ {
			if err := f.putTile(ctx, log.Source, level, n, auditlog.Width(head.Size, level, n), entries); err != nil {
				return err
			}
		}
	}
	if err := durable.WriteFile(f.path(CheckpointFile), log.Signed, 0o600); err != nil {
		return err
	}
	return f.prune(ctx, head.Size)
}

// continues returns the log's head and how many entries are there already, and
// an error unless the log has grown from them.
func (f Folder) continues(ctx context.Context, log *auditlog.Log) (head auditlog.Head, there int64, err error) {
	c, err := auditlog.OpenCheckpoint(log.Signed, log.Verifier)
	if err != nil {
		return head, 0, err
	}
	head = auditlog.Head{Size: c.Size, Root: c.Root}
	signed, err := f.read(CheckpointFile)
	if err != nil || len(signed) == 0 {
		return head, 0, err
	}
	earlier, err := auditlog.OpenCheckpoint(signed, log.Verifier)
	if err != nil {
		return head, 0, &auditlog.DamageError{What: "checkpoint", Name: CheckpointFile, How: "of the earlier export was not signed by the log's key: take an empty folder"}
	}
	return head, earlier.Size, auditlog.Grown(ctx, log.Source, head, earlier)
}

func (f Folder) putTile(ctx context.Context, s auditlog.Source, level int, n int64, width int, withEntries bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hashes, err := s.Tile(ctx, level, n, width)
	if err != nil {
		return err
	}
	if len(hashes) != width*auditlog.HashBytes {
		return &auditlog.DamageError{What: "tile", Level: level, At: n, How: "has lost hashes"}
	}
	if err := f.put(auditlog.TilePath(level, n, width), hashes); err != nil || level > 0 || !withEntries {
		return err
	}
	entries, err := s.Entries(ctx, n, width)
	if err != nil {
		return err
	}
	var text []byte
	for i := range width {
		at := n*auditlog.TileWidth + int64(i)
		if i >= len(entries) || entries[i].Leaf != at {
			return &auditlog.DamageError{What: "entry", At: at, How: "is missing"}
		}
		line, err := formatLine(&entries[i])
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	return f.put(entriesPath(n, width), text)
}

// put writes a file that never changes. It makes no hard link, which shares of
// object stores do not know: two who write at once write the same.
func (f Folder) put(name string, data []byte) error {
	there, err := f.read(name)
	switch {
	case err != nil || bytes.Equal(there, data) && there != nil:
		return err
	case there != nil:
		return &auditlog.DamageError{What: "file", Name: name, How: "of an earlier export is not what the log has now"}
	}
	path := f.path(name)
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, data, 0o600)
}

// prune drops what an earlier, shorter export, or one that was cut off, left.
func (f Folder) prune(ctx context.Context, size int64) error {
	left, err := f.Beyond(ctx, size)
	for _, e := range left {
		name := e.Name
		ours := strings.HasPrefix(name, "tile/") || strings.HasPrefix(name, "entries/")
		if ours && strings.Contains(name, ".p/") || strings.HasPrefix(filepath.Base(name), durable.TempPrefix) {
			err = errors.Join(err, os.Remove(f.path(name)))
		}
	}
	if err != nil {
		return fmt.Errorf("drop what an earlier export left: %w", err)
	}
	return nil
}
