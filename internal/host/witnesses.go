package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/witness"
	"github.com/sotto-health/sotto/internal/hub"
)

// witnessAnew is after how long a witness is asked again about a log that has
// not grown: its signature says that this was still the head by then.
const witnessAnew = 15 * time.Minute

// cosign has each witness sign the head of each log, all at once, and adds
// their signatures to it. A witness that is away holds nothing up for longer
// than its call; what came of each is kept.
func cosign(ctx context.Context, h *OpenHub, logs []*auditlog.Log, parties []witness.Party, client *witness.Client, now time.Time, say *slog.Logger) error {
	var mu sync.Mutex // guards failed and the signatures of logs
	var failed error
	var all sync.WaitGroup
	for _, log := range logs {
		known, err := h.LogWitnesses(ctx, log.Practice)
		if err != nil {
			return err
		}
		signed := log.Signed // as the log signed it: that is what all witnesses get
		for _, p := range parties {
			last := hub.LogWitness{Practice: log.Practice, Key: p.Key}
			for _, w := range known {
				if w.Key == p.Key {
					last = w
				}
			}
			all.Go(func() {
				line, err := askOne(ctx, h, log, signed, p, last, client, now, say)
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
				if line != nil {
					log.Signed = auditlog.WithCosignature(log.Signed, line)
				}
			})
		}
	}
	all.Wait()
	return failed
}

func askOne(ctx context.Context, h *OpenHub, log *auditlog.Log, signed []byte, p witness.Party, last hub.LogWitness, client *witness.Client, now time.Time, say *slog.Logger) ([]byte, error) {
	head, err := auditlog.ReadUnsigned(signed)
	if err != nil {
		return nil, err
	}
	if last.Size == head.Size && last.Problem == "" && now.Sub(time.UnixMilli(last.TriedAt)) < witnessAnew {
		line, _, err := auditlog.FindCosignature(signed, last.Signed[min(len(signed), len(last.Signed)):], p.Key)
		if err == nil {
			return line, nil
		}
	}
	got, err := client.Ask(ctx, p, signed, last.Size, func(earlier int64) ([]auditlog.Hash, error) {
		return auditlog.ProveGrowth(head.Size, earlier, func(level int, n int64) ([]byte, error) {
			return log.Source.Tile(ctx, level, n, auditlog.Width(head.Size, level, n))
		})
	})
	if ctx.Err() != nil {
		return nil, nil // stopping; nothing is said of the witness
	}
	before := last.Problem
	last.TriedAt, last.Problem = now.UnixMilli(), ""
	var contradiction *witness.ContradictionError
	switch {
	case err == nil:
		last.Size, last.At, last.Signed = head.Size, got.At.UnixMilli(), auditlog.WithCosignature(signed, got.Line)
	case errors.As(err, &contradiction):
		last.Problem = hub.WitnessContradicts
	case errors.Is(err, witness.ErrRefuses):
		last.Problem = hub.WitnessRefuses
	case errors.Is(err, witness.ErrSignature):
		last.Problem = hub.WitnessBad
	case errors.Is(err, witness.ErrAway):
		last.Problem = hub.WitnessAway
	default:
		return nil, err
	}
	if last.Problem != "" && last.Problem != before {
		say.ErrorContext(ctx, "a witness did not sign the head of an audit log",
			slog.String("log", log.Name), slog.String("witness", p.Name()), slog.String("problem", last.Problem), slog.String("reason", err.Error()))
	}
	return got.Line, h.NoteWitness(ctx, before, last)
}
