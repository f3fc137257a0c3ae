package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/content/cbor"
)

// An entry of the manifest is an object of its own: how far the conversations
// that grew since the entry before had come, sealed, and chained by hash.
type entry struct {
	number uint64 // the first is 1
	before [32]byte
	box    []byte
}

// maxManifest bounds one entry.
const maxManifest = 64 << 20

func (e entry) hash() [32]byte {
	return sha256.Sum256(bound("manifest", "", number(e.number), e.before[:], e.box))
}

func (e entry) marshal() []byte {
	var w cbor.Writer
	w.Array(4)
	w.Uint(formatVersion)
	w.Uint(e.number)
	w.Bytes(e.before[:])
	w.Bytes(e.box)
	return w.Written()
}

func parseEntry(b []byte) (entry, error) {
	r := cbor.NewReader(b)
	r.Tuple(4)
	if v := r.Uint(1<<16 - 1); r.Err() == nil && v != formatVersion {
		return entry{}, fmt.Errorf("manifest of version %d: %w", v, ErrDamaged)
	}
	e := entry{number: r.Uint(1<<63 - 1)}
	before := r.Bytes(32)
	e.box = r.Bytes(maxManifest)
	if r.Err() == nil && copy(e.before[:], before) != 32 {
		r.Fail("hash")
	}
	if r.Finish() != nil {
		return entry{}, fmt.Errorf("manifest cannot be read: %w", ErrDamaged)
	}
	return e, nil
}

func marshalHeads(heads map[string]headline) []byte {
	var w cbor.Writer
	w.Array(len(heads))
	for _, conversation := range slices.Sorted(maps.Keys(heads)) {
		head := heads[conversation]
		w.Array(3)
		w.Text(conversation)
		w.Uint(head.count)
		w.Bytes(head.hash[:])
	}
	return w.Written()
}

func parseHeads(b []byte) (map[string]headline, error) {
	r := cbor.NewReader(b)
	heads := make(map[string]headline)
	for n := r.Array(1 << 24); n > 0 && r.Err() == nil; n-- {
		r.Tuple(3)
		conversation := r.Text(64)
		head := headline{count: r.Uint(1<<63 - 1)}
		if hash := r.Bytes(32); r.Err() == nil && copy(head.hash[:], hash) != 32 {
			r.Fail("hash")
		}
		heads[conversation] = head
	}
	if r.Finish() != nil {
		return nil, fmt.Errorf("manifest cannot be read: %w", ErrDamaged)
	}
	return heads, nil
}

// WriteManifest notes how far conversations have come since the last time. It
// happens by itself every few seconds and on Close.
func (a *Archive) WriteManifest(ctx context.Context) error {
	a.manifest.Lock()
	defer a.manifest.Unlock()
	a.mu.Lock()
	heads := maps.Clone(a.dirty)
	a.mu.Unlock()
	if len(heads) == 0 {
		return nil
	}
	next, err := a.nextEntry(ctx)
	if err != nil {
		return err
	}
	next.box = a.keys.manifest.Seal(nil, nil, marshalHeads(heads), bound("manifest", "", number(next.number), next.before[:]))
	if err := a.objects.Put(ctx, manifestName(next.number), bytes.NewReader(next.marshal())); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := a.advance(ctx, next); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for conversation, head := range heads {
		if a.dirty[conversation] == head {
			delete(a.dirty, conversation)
		}
	}
	return nil
}

// nextEntry follows the newest there is.
func (a *Archive) nextEntry(ctx context.Context) (entry, error) {
	names, err := a.objects.List(ctx, manifestPrefix)
	if err != nil {
		return entry{}, err
	}
	next := entry{number: 1, before: startOfManifest()}
	for _, name := range slices.Backward(names) {
		n, ok := parseManifestName(name)
		if !ok {
			continue
		}
		last, err := a.entry(ctx, name)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return entry{}, err
		}
		// After a damaged entry go on all the same: Verify tells.
		return entry{number: n + 1, before: last.hash()}, nil
	}
	return next, nil
}

func (a *Archive) entry(ctx context.Context, name string) (entry, error) {
	data, err := getAll(ctx, a.objects, name, maxManifest)
	if err != nil {
		return entry{}, err
	}
	return parseEntry(data)
}

func parseManifestName(name string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(name, manifestPrefix), 10, 63)
	return n, err == nil && manifestName(n) == name
}

// readManifest returns all that the manifest notes of each conversation, and
// the hashes of its entries. Its newest number and hash, and what is wrong with
// it, go to report.
func (a *Archive) readManifest(ctx context.Context, report *Report) (map[string][]headline, map[uint64][32]byte, error) {
	noted := make(map[string][]headline)
	hashes := map[uint64][32]byte{0: startOfManifest()}
	names, err := a.objects.List(ctx, manifestPrefix)
	if err != nil {
		return nil, nil, err
	}
	expected, before, known := uint64(1), startOfManifest(), true
	for _, name := range names {
		n, ok := parseManifestName(name)
		if !ok {
			report.add(Problem{What: Stray, Object: name})
			continue
		}
		for ; expected < n; expected++ {
			report.add(Problem{What: Missing, Object: manifestName(expected)})
			known = false
		}
		expected = n + 1
		e, err := a.entry(ctx, name)
		var heads map[string]headline
		if err == nil {
			var plain []byte
			plain, err = a.keys.manifest.Open(nil, nil, e.box, bound("manifest", "", number(e.number), e.before[:]))
			if err != nil || e.number != n {
				err = ErrDamaged
			} else {
				heads, err = parseHeads(plain)
			}
		}
		switch {
		case errors.Is(err, ErrDamaged):
			report.add(Problem{What: Changed, Object: name})
			known = false
			continue
		case errors.Is(err, fs.ErrNotExist):
			report.add(Problem{What: Missing, Object: name})
			known = false
			continue
		case err != nil:
			return nil, nil, err
		case known && e.before != before:
			report.add(Problem{What: Moved, Object: name})
		}
		for conversation, head := range heads {
			noted[conversation] = append(noted[conversation], head)
		}
		before, known = e.hash(), true
		hashes[n] = before
		report.Manifest, report.ManifestHash = n, fmt.Sprintf("%x", before)
	}
	return noted, hashes, nil
}
