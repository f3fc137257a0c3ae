// Package record is the practice's sealed archive: every conversation's
// verified events and attachments, kept under the practice's own key.
//
// Each conversation has a data key of its own, wrapped by the archive's key
// (envelope encryption). Its records are sealed one by one, numbered, and each
// is bound to the hash of the one before, so that none can be changed, moved,
// put in or left out unseen. A manifest, chained and sealed likewise, notes how
// far every conversation had come, so that a log cut short is seen too. A
// checkpoint, a file apart from the archive, notes how far the manifest had
// come (see [Config]), so that a manifest cut short or an archive put back to an
// earlier state is seen; where both could be put back together, the number and
// hash that Verify reports can be written down elsewhere. Attachments stay sealed as
// their senders sealed them; their keys are in the records.
//
// The archive is a set of objects that are written once and never changed, in
// a folder (see [Folder]) or whatever else implements [Objects]. It keeps what
// it is given and decides nothing: package keeper verifies, and feeds it.
package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/keeper"
)

// Errors of the archive.
var (
	// ErrWrongKey: the archive was made with another key.
	ErrWrongKey = errors.New("the archive cannot be opened with this key")
	// ErrDamaged: something is not as it was written. Verify says what.
	ErrDamaged = errors.New("archive is damaged")
	// ErrUnknown: the archive has no such conversation.
	ErrUnknown = errors.New("no such conversation in the archive")
)

const (
	// manifestEvery is how long a change may be missing from the manifest.
	manifestEvery = 10 * time.Second
	// mostCached is how many conversations are held ready for appending.
	mostCached = 4096
	// maxSegment bounds what is read of one object of records.
	maxSegment = 64 << 20
)

// An Archive is an open archive. Its methods may be called from several
// goroutines.
type Archive struct {
	objects Objects
	keys    keys
	config  Config

	mu    sync.Mutex          // guards logs and dirty
	logs  map[string]*tail    // by conversation
	dirty map[string]headline // not yet in the manifest

	manifest sync.Mutex // held while an object of the manifest is written
	stop     func()     // ends the goroutine that writes the manifest
	stopped  chan struct{}
}

var _ keeper.Archive = (*Archive)(nil)

// A tail is what appending to a conversation needs.
type tail struct {
	mu     sync.Mutex
	loaded bool
	chain  chain
	sealer *sealer
	known  map[place]bool
}

// A place is where a record belongs in its conversation.
type place struct {
	position uint64
	index    int
}

// A headline says how far a conversation's log goes.
type headline struct {
	count uint64
	hash  [32]byte // of record number count
}

// Open opens the archive in a folder, which is made if it is not there. The
// key has 32 bytes. Close the archive to have its manifest complete.
func Open(folder string, key []byte, c Config) (*Archive, error) {
	objects, err := OpenFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return New(context.Background(), objects, key, c)
}

// New opens the archive that objects hold.
func New(ctx context.Context, objects Objects, key []byte, c Config) (*Archive, error) {
	keys, err := deriveKeys(key)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	a := &Archive{
		objects: objects,
		keys:    keys,
		config:  c,
		logs:    make(map[string]*tail),
		dirty:   make(map[string]headline),
		stop:    cancel,
		stopped: make(chan struct{}),
	}
	if err := a.begin(ctx); err != nil {
		cancel()
		return nil, err
	}
	go a.keepManifest(running)
	return a, nil
}

// begin compares the key with the one that the archive was made with. The
// first to open an archive makes it; one that has lost its mark or its
// checkpoint does not get another as if nothing had been: see Accept.
func (a *Archive) begin(ctx context.Context) error {
	mark, err := getAll(ctx, a.objects, markName, 1<<10)
	marked := err == nil
	if marked {
		err = a.keys.checkMark(mark)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	if marked && a.hasCheckpoint() {
		return nil
	}
	fresh, err := a.fresh(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("open archive: %w", err)
	case !fresh && !marked:
		return a.proveKey(ctx)
	case !fresh:
		return nil
	}
	if !marked {
		if err := a.putMark(ctx); errors.Is(err, fs.ErrExist) {
			return a.begin(ctx) // somebody else has made it meanwhile
		} else if err != nil {
			return err
		}
	}
	if a.config.Checkpoint == "" {
		return nil
	}
	return a.writeCheckpoint(checkpoint{hash: startOfManifest()})
}

func (a *Archive) putMark(ctx context.Context) error {
	return a.objects.Put(ctx, markName, bytes.NewReader(a.keys.mark()))
}

// hasCheckpoint reports whether there is one, good or bad, or none is wanted.
func (a *Archive) hasCheckpoint() bool {
	if a.config.Checkpoint == "" {
		return true
	}
	_, err := a.readCheckpoint()
	return !errors.Is(err, fs.ErrNotExist)
}

// fresh reports whether nothing has ever been archived here.
func (a *Archive) fresh(ctx context.Context) (bool, error) {
	if a.config.Checkpoint != "" && a.hasCheckpoint() {
		return false, nil
	}
	for _, prefix := range []string{manifestPrefix, conversationPrefix} {
		if names, err := a.objects.List(ctx, prefix); err != nil || len(names) > 0 {
			return false, err
		}
	}
	return true, nil
}

// proveKey checks the key against what it has sealed, where the mark is gone.
func (a *Archive) proveKey(ctx context.Context) error {
	if a.config.Checkpoint != "" {
		if _, err := a.readCheckpoint(); err == nil {
			return nil
		}
	}
	conversations, err := a.Conversations(ctx)
	if err != nil {
		return err
	}
	for _, c := range conversations {
		if _, err := a.sealer(ctx, c); err == nil {
			return nil
		}
	}
	return ErrWrongKey
}

// Close completes the manifest.
func (a *Archive) Close() error {
	a.stop()
	<-a.stopped
	return a.WriteManifest(context.Background())
}

// keepManifest writes the manifest from time to time. A failure is left to the
// next time, and to Close, which reports it.
func (a *Archive) keepManifest(ctx context.Context) {
	defer close(a.stopped)
	tick := time.NewTicker(manifestEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.WriteManifest(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "archive: manifest not written, will be tried again")
			}
		}
	}
}

// Append implements keeper.Archive.
func (a *Archive) Append(ctx context.Context, conversation string, records []keeper.Record) error {
	if !isID(conversation) {
		return fmt.Errorf("conversation id: %w", fs.ErrInvalid)
	}
	t := a.tail(conversation)
	t.mu.Lock()
	defer t.mu.Unlock()
	for range 3 {
		err := a.append(ctx, conversation, t, records)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		t.loaded = false // somebody else appended: look again
	}
	return errors.New("archive is being written by another program")
}

func (a *Archive) append(ctx context.Context, conversation string, t *tail, records []keeper.Record) error {
	if !t.loaded {
		if err := a.load(ctx, conversation, t); err != nil {
			return err
		}
	}
	next := t.chain
	var segment []sealed
	var added []place
	for _, r := range records {
		p := place{r.Position, r.Index}
		if t.known[p] || slices.Contains(added, p) {
			continue
		}
		segment = append(segment, next.seal(t.sealer, r))
		added = append(added, p)
	}
	if len(segment) == 0 {
		return nil
	}
	name := segmentName(conversation, segment[0].number, segment[len(segment)-1].number)
	if err := a.objects.Put(ctx, name, bytes.NewReader(marshalSegment(segment))); err != nil {
		t.loaded = false // it may be there all the same
		return fmt.Errorf("archive records: %w", err)
	}
	t.chain = next
	for _, p := range added {
		t.known[p] = true
	}
	a.mu.Lock()
	a.dirty[conversation] = headline{next.count, next.hash}
	a.mu.Unlock()
	return nil
}

// tail returns a conversation's, perhaps not loaded.
func (a *Archive) tail(conversation string) *tail {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.logs[conversation]
	if t == nil {
		for other := range a.logs { // any: what is dropped is read again
			if len(a.logs) < mostCached {
				break
			}
			delete(a.logs, other)
		}
		t = new(tail)
		a.logs[conversation] = t
	}
	return t
}

// load reads how far a conversation has come, and makes its key if it is new.
// Damage does not stop the archive from growing: it is for Verify to tell.
func (a *Archive) load(ctx context.Context, conversation string, t *tail) error {
	s, err := a.sealer(ctx, conversation)
	if errors.Is(err, ErrUnknown) {
		wrapped, made := a.keys.newDataKey(conversation)
		err = a.objects.Put(ctx, keyName(conversation), bytes.NewReader(wrapped))
		if err != nil {
			return fmt.Errorf("archive key: %w", err)
		}
		s = made
	} else if err != nil {
		return err
	}
	t.sealer, t.chain, t.known = s, newChain(conversation), make(map[place]bool)
	err = a.segments(ctx, conversation, func(in span, segment []sealed, err error) error {
		if errors.Is(err, ErrDamaged) {
			t.chain.count = max(t.chain.count, in.last)
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range segment {
			if opened, err := s.open(r); err == nil {
				t.known[place{opened.Position, opened.Index}] = true
			}
			t.chain.count, t.chain.hash = max(t.chain.count, r.number), r.hash(conversation)
		}
		return nil
	})
	t.loaded = err == nil
	return err
}

// sealer opens a conversation's data key.
func (a *Archive) sealer(ctx context.Context, conversation string) (*sealer, error) {
	wrapped, err := getAll(ctx, a.objects, keyName(conversation), 1<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return a.keys.openDataKey(conversation, wrapped)
}

// segments calls each with a conversation's segments in order, or with why one
// cannot be read.
func (a *Archive) segments(ctx context.Context, conversation string, each func(span, []sealed, error) error) error {
	names, err := a.objects.List(ctx, segmentPrefix(conversation))
	if err != nil {
		return err
	}
	for _, name := range names { // numbers have leading zeros: in order
		in, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		data, err := getAll(ctx, a.objects, name, maxSegment)
		var segment []sealed
		if err == nil {
			segment, err = parseSegment(data)
		}
		if err := each(in, segment, err); err != nil {
			return err
		}
	}
	return nil
}

// Records implements keeper.Archive. It stops with [ErrDamaged] where a record
// is not as it was written.
func (a *Archive) Records(ctx context.Context, conversation string, each func(keeper.Record) error) error {
	if !isID(conversation) {
		return nil
	}
	s, err := a.sealer(ctx, conversation)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	at := newChain(conversation)
	return a.segments(ctx, conversation, func(_ span, segment []sealed, err error) error {
		if err != nil {
			return err
		}
		for _, r := range segment {
			opened, err := s.open(r)
			if err != nil {
				return err
			}
			if !at.follows(r) {
				return fmt.Errorf("record %d: %w", r.number, ErrDamaged)
			}
			at.take(r)
			if err := each(opened); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutAttachment implements keeper.Archive. One that is there stays as it is.
func (a *Archive) PutAttachment(ctx context.Context, conversation, attachment string, sealed io.Reader) error {
	if !isID(conversation) || !isID(attachment) {
		return fmt.Errorf("attachment id: %w", fs.ErrInvalid)
	}
	err := a.objects.Put(ctx, attachmentName(conversation, attachment), sealed)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("archive attachment: %w", err)
	}
	return nil
}

// HasAttachment implements keeper.Archive.
func (a *Archive) HasAttachment(ctx context.Context, conversation, attachment string) (bool, error) {
	if !isID(conversation) || !isID(attachment) {
		return false, nil
	}
	r, err := a.objects.Get(ctx, attachmentName(conversation, attachment))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.Close()
}

// Conversations lists the archive's conversations by id.
func (a *Archive) Conversations(ctx context.Context) ([]string, error) {
	names, err := a.objects.List(ctx, conversationPrefix)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		id, _, _ := strings.Cut(strings.TrimPrefix(name, conversationPrefix), "/")
		if len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return slices.Compact(ids), nil
}
