package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/sotto-health/sotto/internal/content/cbor"
	"github.com/sotto-health/sotto/internal/durable"
)

// Names of what is not where it belongs, beside the names of objects.
const (
	markName       = "archive"
	checkpointName = "checkpoint"
)

// A Config is what an archive may have beside its objects and its key. Its
// zero value is ready for use.
type Config struct {
	// Checkpoint is a file that notes, sealed, how far the manifest had come. It
	// belongs apart from the objects: with it an archive whose newest or only
	// entries were taken away, or that was put back as a whole, is noticed.
	// Empty means none.
	Checkpoint string
}

// A Noted is the manifest's head as an earlier Verify reported it and somebody
// wrote it down.
type Noted struct {
	Manifest uint64
	Hash     string
}

// A checkpoint is how far the manifest had come.
type checkpoint struct {
	number uint64
	hash   [32]byte
	// since is not 0 if the file was gone while there was a manifest, and was
	// made anew at the entry of that number.
	since uint64
}

func startOfManifest() [32]byte { return sha256.Sum256(bound("manifest start", "")) }

func (a *Archive) readCheckpoint() (checkpoint, error) {
	sealed, err := os.ReadFile(a.config.Checkpoint)
	if err != nil {
		return checkpoint{}, err
	}
	damaged := fmt.Errorf("checkpoint cannot be read: %w", ErrDamaged)
	plain, err := a.keys.manifest.Open(nil, nil, sealed, bound("checkpoint", ""))
	if err != nil {
		return checkpoint{}, damaged
	}
	r := cbor.NewReader(plain)
	r.Tuple(4)
	if v := r.Uint(1<<16 - 1); r.Err() == nil && v != formatVersion {
		return checkpoint{}, fmt.Errorf("checkpoint of version %d: %w", v, ErrDamaged)
	}
	c := checkpoint{number: r.Uint(1<<63 - 1)}
	hash := r.Bytes(32)
	c.since = r.Uint(1<<63 - 1)
	if r.Finish() != nil || copy(c.hash[:], hash) != 32 {
		return checkpoint{}, damaged
	}
	return c, nil
}

func (a *Archive) writeCheckpoint(c checkpoint) error {
	var w cbor.Writer
	w.Array(4)
	w.Uint(formatVersion)
	w.Uint(c.number)
	w.Bytes(c.hash[:])
	w.Uint(c.since)
	sealed := a.keys.manifest.Seal(nil, nil, w.Written(), bound("checkpoint", ""))
	if err := durable.WriteFile(a.config.Checkpoint, sealed, 0o600); err != nil {
		return fmt.Errorf("write the archive's checkpoint: %w", err)
	}
	return nil
}

// advance moves the checkpoint on to a new entry of the manifest, but only
// along the manifest that it has seen: after a roll-back it stays, and Verify
// goes on to tell.
func (a *Archive) advance(ctx context.Context, e entry) error {
	if a.config.Checkpoint == "" {
		return nil
	}
	at, err := a.readCheckpoint()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		slog.WarnContext(ctx, "archive: its checkpoint was gone and is made anew; sotto record verify tells until it is accepted")
		at.since = e.number
	case errors.Is(err, ErrDamaged):
		slog.WarnContext(ctx, "archive: its checkpoint cannot be read and stays as it is; sotto record verify tells")
		return nil
	case err != nil:
		return err
	default:
		if seen, err := a.hashOf(ctx, at.number, e); err != nil || seen != at.hash {
			slog.WarnContext(ctx, "archive: it is not the one that its checkpoint saw; sotto record verify tells")
			return nil
		}
	}
	at.number, at.hash = e.number, e.hash()
	return a.writeCheckpoint(at)
}

// hashOf returns the hash of an entry of the manifest that newest follows, near
// or far.
func (a *Archive) hashOf(ctx context.Context, n uint64, newest entry) ([32]byte, error) {
	switch {
	case n >= newest.number:
		return [32]byte{}, ErrDamaged
	case n == newest.number-1:
		return newest.before, nil
	case n == 0:
		return startOfManifest(), nil
	}
	e, err := a.entry(ctx, manifestName(n))
	return e.hash(), err
}

// compareCheckpoint holds the manifest's hashes against what the checkpoint,
// read before them, has seen.
func (a *Archive) compareCheckpoint(at checkpoint, unread error, hashes map[uint64][32]byte, report *Report) error {
	switch {
	case a.config.Checkpoint == "":
		return nil
	case errors.Is(unread, fs.ErrNotExist):
		report.add(Problem{What: Missing, Object: checkpointName})
		return nil
	case errors.Is(unread, ErrDamaged):
		report.add(Problem{What: Changed, Object: checkpointName})
		return nil
	case unread != nil:
		return unread
	}
	if at.since > 0 {
		report.add(Problem{What: Missing, Object: checkpointName + " before " + manifestName(at.since)})
	}
	report.compareHead(at.number, at.hash, hashes)
	return nil
}

// compareHead reports what is missing or another at a known head of the
// manifest.
func (r *Report) compareHead(n uint64, hash [32]byte, hashes map[uint64][32]byte) {
	const most = 1000 // named one by one
	for missing := max(r.Manifest, n-min(n, most)) + 1; missing <= n; missing++ {
		r.add(Problem{What: Missing, Object: manifestName(missing)})
	}
	if found, there := hashes[n]; there && found != hash {
		p := Problem{What: Changed, Object: manifestName(n)}
		if !slices.Contains(r.Problems, p) {
			r.add(p)
		}
	}
}

// Accept takes the archive's mark and manifest as they are for whole from now
// on, after somebody has looked into what Verify said of them. What else is
// wrong stays wrong.
func (a *Archive) Accept(ctx context.Context) error {
	if err := a.putMark(ctx); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if a.config.Checkpoint == "" {
		return nil
	}
	next, err := a.nextEntry(ctx)
	if err != nil {
		return err
	}
	return a.writeCheckpoint(checkpoint{number: next.number - 1, hash: next.before})
}
