package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// This file keeps who watches the audit logs from outside the database, and
// what each has found against them. What was found stays until the operator
// settles it: a server that starts without the watcher drops nothing.

// WatcherWitness is the name of watchers that sign a log's heads; the others
// are those of the parts that are let out (installation.LogPart).
const WatcherWitness = "witness"

// LastCheck names, beside the watchers, the head that the last whole check of a
// log kept.
const LastCheck = "last-check"

// A LogWatcher holds what is outside of the database against a practice's log.
type LogWatcher struct {
	Practice  string
	Name      string // checkpoints, archive, or [WatcherWitness]
	Target    string // the folder, or the witness's public key
	BegunAt   int64  // Unix milliseconds, as all times here
	SeenAt    int64  // when a hub last said that it is set up there
	StoppedAt int64  // 0 if it is set up
	// Damage is how the log contradicted what was let out of it before, in plain
	// words; empty if it did not, or if that is settled. What a witness found is
	// its [LogWitness]'s.
	Damage    string
	DamagedAt int64
}

// LogWatchers keeps who watches the log.
type LogWatchers interface {
	// SaveWatcher keeps a watcher in place of what was kept of the same name and
	// target.
	SaveWatcher(ctx context.Context, w LogWatcher) error
	// SeeWatcher notes in every practice that one which has not stopped is set up.
	SeeWatcher(ctx context.Context, name, target string, at int64) error
	// LogWatchers lists a practice's by name and target, those that have stopped
	// too.
	LogWatchers(ctx context.Context, practice string) ([]LogWatcher, error)
}

// detail says which watcher it is: a witness by its key's name and hash, a
// folder by eight digits of the hash of its path.
func (w *LogWatcher) detail() string {
	if w.Name == WatcherWitness {
		parts := strings.SplitN(w.Target, "+", 3)
		return "witness=" + strings.Join(parts[:min(2, len(parts))], "+")
	}
	sum := sha256.Sum256([]byte(w.Target))
	return "folder=" + hex.EncodeToString(sum[:4])
}

func (h *Hub) watcherEvent(ctx context.Context, by Actor, kind audit.Kind, w *LogWatcher) audit.Event {
	return h.event(ctx, by, kind, w.Name).With(w.detail())
}

func (h *Hub) contradiction(ctx context.Context, practice string, w *LogWatcher) audit.Event {
	e := h.watcherEvent(ctx, itself(practice), audit.WatcherContradicts, w)
	e.Outcome, e.Reason = audit.Failed, WitnessContradicts
	return e
}

// watchers lists a practice's watchers; a witness that was asked before they
// were kept is one.
func (h *Hub) watchers(ctx context.Context, practice string) ([]LogWatcher, error) {
	all, err := h.store.LogWatchers(ctx, practice)
	if err != nil {
		return nil, at("list the watchers of the log", err)
	}
	witnesses, err := h.LogWitnesses(ctx, practice)
	if err != nil {
		return nil, err
	}
	for _, w := range witnesses {
		if !slices.ContainsFunc(all, func(k LogWatcher) bool { return k.Name == WatcherWitness && k.Target == w.Key }) {
			all = append(all, LogWatcher{Practice: practice, Name: WatcherWitness, Target: w.Key})
		}
	}
	return all, nil
}

// eachWatched calls do with each practice and its watchers.
func (h *Hub) eachWatched(ctx context.Context, do func(practice string, known []LogWatcher) error) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, practice := range practices {
		known, err := h.watchers(ctx, practice)
		if err != nil {
			return err
		}
		if err := do(practice, known); err != nil {
			return err
		}
	}
	return nil
}

// keepWatcher keeps a watcher, with the event of what became of it.
func (h *Hub) keepWatcher(ctx context.Context, w LogWatcher, e audit.Event) error {
	if err := h.store.Recording(e).SaveWatcher(ctx, w); err != nil {
		return at("keep who watches the log", err)
	}
	return nil
}

// SetWatchers notes in every practice who watches its log by this hub's
// settings, and records who is new. It also notes and records that those have
// stopped which no hub has said for the lease to have: with 0, all others, as
// where no other hub can have them. Call it more often than the lease.
func (h *Hub) SetWatchers(ctx context.Context, set []LogWatcher, lease time.Duration) error {
	for i := range set {
		if err := h.store.SeeWatcher(ctx, set[i].Name, set[i].Target, h.millis()); err != nil {
			return at("keep who watches the log", err)
		}
	}
	err := h.eachWatched(ctx, func(practice string, known []LogWatcher) error {
		for _, w := range set {
			w.Practice = practice
			i := slices.IndexFunc(known, w.Is)
			if i >= 0 && known[i].StoppedAt == 0 && known[i].BegunAt != 0 {
				continue
			}
			if i >= 0 {
				w = known[i]
			}
			w.BegunAt, w.SeenAt, w.StoppedAt = h.millis(), h.millis(), 0
			if err := h.keepWatcher(ctx, w, h.watcherEvent(ctx, itself(practice), audit.WatcherConfigured, &w)); err != nil {
				return err
			}
		}
		for _, w := range known {
			elsewhere := lease > 0 && h.millis()-w.SeenAt < lease.Milliseconds()
			if w.StoppedAt != 0 || elsewhere || slices.ContainsFunc(set, w.Is) {
				continue
			}
			w.StoppedAt = h.millis()
			if err := h.keepWatcher(ctx, w, h.watcherEvent(ctx, itself(practice), audit.WatcherStopped, &w)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.witnessFigures(ctx)
}

// Is reports whether both are the same one, whatever was found by it.
func (w *LogWatcher) Is(other LogWatcher) bool {
	return w.Name == other.Name && w.Target == other.Target
}

// witnessFigures has [Hub.Stats] tell of witnesses that are asked no more and
// contradict the log, and of none that is not kept.
func (h *Hub) witnessFigures(ctx context.Context) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	kept := make(map[string]bool)
	for _, practice := range practices {
		all, err := h.LogWitnesses(ctx, practice)
		if err != nil {
			return err
		}
		for i := range all {
			if w := &all[i]; w.Counts() {
				kept[w.Name()] = true
				if w.StoppedAt != 0 {
					h.witnesses.Store(w.Name(), true)
				}
			}
		}
	}
	h.witnesses.Range(func(name, _ any) bool {
		if !kept[name.(string)] {
			h.witnesses.Delete(name)
		}
		return true
	})
	return nil
}

// NoteDamage keeps and records, in every practice, that the logs contradict
// what was let out of them to a watcher that is no witness. What is kept of it
// already stays, with its time.
func (h *Hub) NoteDamage(ctx context.Context, name, target, damage string) error {
	return h.eachWatched(ctx, func(practice string, known []LogWatcher) error {
		w := LogWatcher{Practice: practice, Name: name, Target: target, BegunAt: h.millis()}
		if i := slices.IndexFunc(known, w.Is); i >= 0 {
			w = known[i]
		}
		if w.Damage != "" {
			return nil
		}
		w.Damage, w.DamagedAt = damage, h.millis()
		return h.keepWatcher(ctx, w, h.contradiction(ctx, practice, &w))
	})
}

// Watchers lists who watches the logs of all practices, once each; one that
// found damage in any of them is listed with the first.
func (h *Hub) Watchers(ctx context.Context) (all []LogWatcher, err error) {
	err = h.eachWatched(ctx, func(_ string, known []LogWatcher) error {
		for _, w := range known {
			switch i := slices.IndexFunc(all, w.Is); {
			case i < 0:
				all = append(all, w)
			case all[i].Damage == "":
				all[i] = w
			}
		}
		return nil
	})
	return all, err
}

// SettleWatcher ends, in every practice, what a watcher has found against the
// log, and records it with the operator's reason, a code. Which is the name of
// a part, or of a witness, whose head is then forgotten too: also one that was
// signed before the log's key was replaced, which nothing now can be compared
// with; the event says by which key. It returns how many
// findings it ended: 0 if there were none. If the log still contradicts a watcher
// that is set up, the finding comes again when that looks next.
func (h *Hub) SettleWatcher(ctx context.Context, which, reason string) (settled int, err error) {
	err = h.eachWatched(ctx, func(practice string, known []LogWatcher) error {
		witnesses, err := h.LogWitnesses(ctx, practice)
		if err != nil {
			return err
		}
		for _, w := range known {
			e := h.watcherEvent(ctx, operator(practice), audit.WatcherSettled, &w).Because(reason, "")
			before := ""
			i := slices.IndexFunc(witnesses, func(k LogWitness) bool {
				return w.Name == WatcherWitness && k.Key == w.Target && k.Name() == which
			})
			if i >= 0 && len(witnesses[i].Signed) > 0 {
				if before, err = h.anotherKey(practice, witnesses[i].Signed); err != nil {
					return err
				}
			}
			switch {
			case w.Name == which && w.Damage != "":
				w.Damage, w.DamagedAt = "", 0
				err = h.keepWatcher(ctx, w, e)
			case i >= 0 && (witnesses[i].Problem == WitnessContradicts || before != ""):
				if before != "" {
					e = e.With(e.Detail + ",key=" + before)
				}
				if err = h.store.Recording(e).DropWitness(ctx, practice, w.Target); err != nil {
					err = at("settle what contradicts the log", err)
				}
			default:
				continue
			}
			if err != nil {
				return err
			}
			settled++
		}
		return nil
	})
	return settled, err
}

// anotherKey returns which key signed a head of the log, if that is not the one
// it has now: one that was lost and replaced.
func (h *Hub) anotherKey(practice string, signed []byte) (key string, err error) {
	s, err := auditlog.NewSigner(h.auditSeed, practice)
	if err != nil {
		return "", err
	}
	if _, err := auditlog.OpenCheckpoint(signed, s.Verifier()); err == nil {
		return "", nil
	}
	return cmp.Or(auditlog.SignedBy(signed), "none"), nil
}

// NoteLastCheckSettled records that the operator, for a reason, a code, lets the
// head of the last whole check go, which had that many entries.
func (h *Hub) NoteLastCheckSettled(ctx context.Context, practice string, entries int64, reason string) error {
	e := h.event(ctx, operator(practice), audit.WatcherSettled, LastCheck).With(fmt.Sprintf("entries=%d", entries)).Because(reason, "")
	if err := h.store.Record(ctx, e); err != nil {
		return at("settle what contradicts the log", err)
	}
	return nil
}
