package hub

import (
	"context"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// A LogWitness is what came of asking a witness to sign the head of a log.
type LogWitness struct {
	Practice string
	Key      string // its public key, as text (C2SP signed-note)
	// Size is that of the log when it last signed, At when that was by its clock,
	// in Unix milliseconds, and Signed the checkpoint with its signature. All are
	// empty if it never did.
	Size    int64
	At      int64
	Signed  []byte
	TriedAt int64  // Unix milliseconds
	Problem string // one of the witness problems; empty if it signed
	// StoppedAt is when it was found to be asked no more; 0 if it is asked. It is
	// its watcher's, and not saved with the witness.
	StoppedAt int64
}

// Problems of witnesses.
const (
	WitnessAway        = "away"          // it does not answer
	WitnessRefuses     = "refuses"       // it does not know the log's key
	WitnessBad         = "bad-signature" // what it sends is not its signature
	WitnessContradicts = "contradicts"   // it has signed another history
)

// Name is the witness's own name.
func (w *LogWitness) Name() string {
	name, _, _ := strings.Cut(w.Key, "+")
	return name
}

// Counts reports whether what is known of it is to be told: it is asked, or has
// signed another history and nobody has settled that.
func (w *LogWitness) Counts() bool { return w.StoppedAt == 0 || w.Problem == WitnessContradicts }

// NoteWitness keeps what came of asking a witness, whose problem was before
// until now. That it contradicts the log, or agrees with it again, is recorded;
// one that contradicts it and then does not answer goes on to contradict it.
func (h *Hub) NoteWitness(ctx context.Context, before string, w LogWitness) error {
	watcher := &LogWatcher{Name: WatcherWitness, Target: w.Key}
	store := h.store
	switch {
	case before == WitnessContradicts && w.Problem == "":
		store = store.Recording(h.watcherEvent(ctx, itself(w.Practice), audit.WatcherSettled, watcher))
	case before == WitnessContradicts:
		w.Problem = before
	case w.Problem == WitnessContradicts:
		store = store.Recording(h.contradiction(ctx, w.Practice, watcher))
	}
	h.witnesses.Store(w.Name(), w.Problem != "")
	if err := store.SaveWitness(ctx, w); err != nil {
		return at("keep a witness's signature", err)
	}
	return nil
}

// LogWitnesses lists what is known of the witnesses of a practice's log.
func (h *Hub) LogWitnesses(ctx context.Context, practice string) ([]LogWitness, error) {
	all, err := h.store.LogWitnesses(ctx, practice)
	if err != nil {
		return nil, at("list the witnesses of the log", err)
	}
	return all, nil
}

func (h *Hub) auditWitnesses(ctx context.Context, practice string) ([]api.AuditWitness, error) {
	all, err := h.LogWitnesses(ctx, practice)
	if err != nil {
		return nil, err
	}
	out := make([]api.AuditWitness, 0, len(all))
	for i := range all {
		if w := &all[i]; w.Counts() {
			out = append(out, api.AuditWitness{Name: w.Name(), Verifier: w.Key, Size: w.Size, At: w.At, Signed: string(w.Signed), Problem: w.Problem})
		}
	}
	return out, nil
}
