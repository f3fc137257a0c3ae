package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// requiredWitnesses are those of whom so many must have signed a head of a hub's
// log not longer ago than that. A hub that shows a monitor another log than its
// practice has no signature of theirs for it.
type requiredWitnesses struct {
	keys   []string
	number int
	within time.Duration
}

// leastWitnessed is longer than a hub waits until it asks a witness again about a
// log that has not grown.
const leastWitnessed = 20 * time.Minute

func (c watchAuditCommand) witnesses() (r requiredWitnesses, err error) {
	r = requiredWitnesses{keys: c.Witness, number: c.Quorum, within: c.Witnessed}
	if len(c.Witness) == 0 {
		if c.Quorum != 0 {
			return r, errors.New("--quorum goes with --witness: whose signatures are counted?")
		}
		return r, nil
	}
	seen := make(map[string]bool)
	for i, key := range c.Witness {
		if !auditlog.IsWitnessKey(key) {
			return r, errors.New("--witness is no key of a witness: it printed one when it was started")
		}
		if r.keys[i] = strings.TrimSpace(key); seen[r.keys[i]] {
			return r, errors.New("--witness is there twice")
		}
		seen[r.keys[i]] = true
	}
	switch {
	case c.Hub == "":
		return r, errors.New("--witness goes with --hub")
	case c.Quorum < 0 || c.Quorum > len(c.Witness):
		return r, fmt.Errorf("--quorum is from 1 to %d, as many as --witness were given", len(c.Witness))
	case c.Witnessed < leastWitnessed:
		return r, fmt.Errorf("--witnessed is at least %s: a hub asks a witness again every 15 minutes", leastWitnessed)
	case c.Quorum == 0:
		r.number = len(c.Witness)
	}
	return r, nil
}

// An unwitnessedError says that too few witnesses have signed the log of late.
type unwitnessedError struct {
	signed, required int
	within           time.Duration
	without          []string
}

func (e *unwitnessedError) Error() string {
	return fmt.Sprintf("%d of the %d witnesses that are required have signed the audit log in the last %s, not %s: they are away, or the hub shows this watch another log than it shows them",
		e.signed, e.required, e.within, strings.Join(e.without, ", "))
}

// witnessed looks at the heads that witnesses signed, as the hub shows them. Those
// that the log has not grown from are added to the report and kept at the place.
// It returns an [*unwitnessedError] if too few signed of late.
func (w *watchedHub) witnessed(ctx context.Context, place, verifier string, shown []api.AuditWitness, report *auditlog.Report, now time.Time) error {
	missing := unwitnessedError{required: w.required.number, within: w.required.within}
	for _, key := range w.required.keys {
		name, _, _ := strings.Cut(key, "+")
		newest, signed := auditlog.Checkpoint{}, ""
		for i := range shown {
			c, err := auditlog.OpenCheckpoint([]byte(shown[i].Signed), verifier, key)
			if err == nil && c.WitnessedAt.After(newest.WitnessedAt) {
				newest, signed = c, shown[i].Signed
			}
		}
		if signed == "" {
			missing.without = append(missing.without, name)
			continue
		}
		var damage *auditlog.DamageError
		if err := w.grown(ctx, report.Head, newest); errors.As(err, &damage) {
			damage.How += " (the witness " + name + " signed it)"
			report.Damage = append(report.Damage, damage)
			if err := keepContradiction(place, []byte(signed), now); err != nil {
				return err
			}
			continue
		} else if err != nil {
			return err
		}
		if age := now.Sub(newest.WitnessedAt); age > w.required.within || -age > auditlog.ClockTolerance {
			missing.without = append(missing.without, fmt.Sprintf("%s (it did at %s)", name, when(newest.WitnessedAt)))
			continue
		}
		missing.signed++
	}
	if missing.signed < missing.required && len(report.Damage) == 0 {
		return &missing
	}
	return nil
}
