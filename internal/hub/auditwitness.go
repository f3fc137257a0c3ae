package hub

import (
	"context"
	"strings"

	"github.com/sotto-health/sotto/api"
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

// NoteWitness keeps what came of asking a witness.
func (h *Hub) NoteWitness(ctx context.Context, w LogWitness) error {
	h.witnesses.Store(w.Name(), w.Problem != "")
	if err := h.store.SaveWitness(ctx, w); err != nil {
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

// ForgetWitnesses drops what is known of witnesses that are asked no more.
func (h *Hub) ForgetWitnesses(ctx context.Context, practice string, asked map[string]bool) error {
	all, err := h.LogWitnesses(ctx, practice)
	if err != nil {
		return err
	}
	for _, w := range all {
		if asked[w.Key] {
			continue
		}
		if err := h.store.DropWitness(ctx, practice, w.Key); err != nil {
			return at("forget a witness", err)
		}
	}
	return nil
}

func (h *Hub) auditWitnesses(ctx context.Context, practice string) ([]api.AuditWitness, error) {
	all, err := h.LogWitnesses(ctx, practice)
	if err != nil {
		return nil, err
	}
	out := make([]api.AuditWitness, len(all))
	for i := range all {
		w := &all[i]
		out[i] = api.AuditWitness{Name: w.Name(), Verifier: w.Key, Size: w.Size, At: w.At, Signed: string(w.Signed), Problem: w.Problem}
	}
	return out, nil
}
