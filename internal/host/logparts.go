package host

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

// logPartsFile is in the hub's folder: it tells sotto doctor how the audit logs
// were let out, also once the server has stopped. It holds no secret.
const logPartsFile = "audit-parts.json"

func readLogParts(f Folder) []installation.LogPart {
	parts := []installation.LogPart{}
	b, err := os.ReadFile(filepath.Join(f.HubPart(), logPartsFile))
	if err != nil || json.Unmarshal(b, &parts) != nil {
		return []installation.LogPart{}
	}
	return parts
}

// logParts keeps how each way fares in which a server lets the audit logs out.
type logParts struct {
	hub *OpenHub
	log *slog.Logger
	set []hub.LogWatcher // who watches the logs by this server's settings

	mu  sync.Mutex // guards all and the file
	all []installation.LogPart
}

// watcherOf is who watches the logs by a part that is let out.
func watcherOf(p *installation.LogPart) hub.LogWatcher {
	return hub.LogWatcher{Name: p.Name, Target: p.Folder}
}

// watcherLease is how long a watcher counts as set up that no hub of the
// database says it has: a hub that is started again is back by then.
const watcherLease = 5 * retireEvery

// setWatchers has the hub know who watches the logs by this server's settings.
// Where no other hub can share the database, all others have stopped.
func (p *logParts) setWatchers(ctx context.Context) error {
	lease := watcherLease
	if p.hub.broker == nil {
		lease = 0
	}
	return p.hub.SetWatchers(ctx, p.set, lease)
}

// newLogParts begins with what an earlier server noted of the same ways, and
// records in the logs what is set up now and was not, or is no more. That a log
// contradicted what was let out of it stays, whatever is set up.
func newLogParts(ctx context.Context, h *OpenHub, c ServeConfig) (*logParts, error) {
	p := &logParts{hub: h, log: c.Log}
	var now []installation.LogPart
	if c.AuditCheckpoints != "" || len(c.AuditWitnesses) > 0 {
		now = append(now, installation.LogPart{Name: installation.Checkpoints, Folder: whole(c.AuditCheckpoints)})
	}
	if c.AuditArchive != "" {
		now = append(now, installation.LogPart{Name: installation.LogArchive, Folder: whole(c.AuditArchive)})
	}
	before := readLogParts(h.folder)
	if err := p.takeOver(ctx, before); err != nil {
		return nil, err
	}
	for _, part := range now {
		w := watcherOf(&part)
		i := slices.IndexFunc(before, func(b installation.LogPart) bool { return w.Is(watcherOf(&b)) })
		if i >= 0 {
			part = before[i]
		}
		part.BegunAt = time.Now().UTC().Truncate(time.Second)
		p.all = append(p.all, part)
		if part.Folder != "" {
			p.set = append(p.set, w)
		}
	}
	for _, w := range c.AuditWitnesses {
		p.set = append(p.set, hub.LogWatcher{Name: hub.WatcherWitness, Target: w.Key})
	}
	if err := p.setWatchers(ctx); err != nil {
		return nil, err
	}
	if err := p.look(ctx); err != nil {
		return nil, err
	}
	return p, p.write()
}

// takeOver keeps in the database what a server of before it kept watchers there
// had found.
func (p *logParts) takeOver(ctx context.Context, before []installation.LogPart) error {
	known, err := p.hub.Watchers(ctx)
	if err != nil {
		return err
	}
	for i := range before {
		b := &before[i]
		w := watcherOf(b)
		if b.Problem == installation.PartContradicts && !slices.ContainsFunc(known, w.Is) {
			if err := p.hub.NoteDamage(ctx, b.Name, b.Folder, b.Damage); err != nil {
				return err
			}
		}
	}
	return nil
}

// renew says that what is set up is, also in the logs of practices that are new,
// records what no hub says any more, and notes what the operator has settled,
// again and again until ctx ends.
func (p *logParts) renew(ctx context.Context) {
	repeat(ctx, retireEvery, func() {
		err := p.setWatchers(ctx)
		if err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			err = p.look(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "who watches the audit log could not be noted")
		}
	})
}

// look gives the parts what is kept of their contradictions, and tells the
// figures of all, those that are set up no more too.
func (p *logParts) look(ctx context.Context) error {
	known, err := p.hub.Watchers(ctx)
	if err != nil {
		return err
	}
	p.all = withDamage(p.all, known)
	stopped := make(map[string]bool)
	for i := range known {
		if w := &known[i]; w.Name != hub.WatcherWitness {
			stopped[w.Name] = stopped[w.Name] || w.Damage != ""
		}
	}
	for i := range p.all {
		part := &p.all[i]
		p.hub.NoteLogPart(part.Name, part.Problem != "" || stopped[part.Name], part.SucceededAt)
		delete(stopped, part.Name)
	}
	for name, contradicts := range stopped {
		p.hub.NoteLogPart(name, contradicts, time.Time{})
	}
	return nil
}

// withDamage returns parts with the contradictions that are kept of them, and
// without those that are kept no more: what was settled begins with what is there.
func withDamage(parts []installation.LogPart, known []hub.LogWatcher) []installation.LogPart {
	parts = slices.Clone(parts)
	for i := range parts {
		part := &parts[i]
		w := watcherOf(part)
		at := slices.IndexFunc(known, w.Is)
		switch {
		case at >= 0 && known[at].Damage != "":
			damaged(part, &known[at])
		case part.Problem == installation.PartContradicts:
			part.Problem, part.Damage, part.Since, part.Sizes = "", "", time.Time{}, nil
		}
	}
	return parts
}

func damaged(part *installation.LogPart, w *hub.LogWatcher) {
	part.Problem, part.Damage, part.Since = installation.PartContradicts, w.Damage, moment(w.DamagedAt).Truncate(time.Second)
}

// inspectParts returns how the audit logs are let out, and with it each part
// that is set up no more and that they contradict.
func (h *OpenHub) inspectParts(ctx context.Context, parts []installation.LogPart) ([]installation.LogPart, error) {
	known, err := h.Watchers(ctx)
	if err != nil {
		return nil, err
	}
	parts = withDamage(parts, known)
	for i := range known {
		w := &known[i]
		if w.Damage == "" || slices.ContainsFunc(parts, func(p installation.LogPart) bool { return w.Is(watcherOf(&p)) }) {
			continue
		}
		part := installation.LogPart{Name: w.Name, Folder: w.Target, BegunAt: moment(w.BegunAt)}
		damaged(&part, w)
		parts = append(parts, part)
	}
	return parts, nil
}

// whole is a path from the root, for whoever looks from elsewhere; empty stays
// empty.
func whole(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func (p *logParts) write() error {
	b, err := json.MarshalIndent(p.all, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(p.hub.folder.HubPart(), logPartsFile), append(b, '\n'), 0o600)
}

// letOut lets a part out again, with how far it was let out of each log, and
// notes what came of it.
func (p *logParts) letOut(ctx context.Context, name string, at time.Time, again func(sizes map[string]int64) error) {
	sizes, err := p.sizes(ctx, name)
	if err == nil {
		err = again(sizes)
	}
	if ctx.Err() == nil {
		p.note(ctx, name, err, sizes, at)
	}
}

// sizes is how far a part was let out of each log, less what the operator has
// settled since.
func (p *logParts) sizes(ctx context.Context, name string) (map[string]int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.look(ctx); err != nil {
		return nil, err
	}
	all := make(map[string]int64)
	for i := range p.all {
		if p.all[i].Name == name {
			maps.Copy(all, p.all[i].Sizes)
		}
	}
	return all, nil
}

// note keeps what came of letting a part out, and says what is new and wrong.
func (p *logParts) note(ctx context.Context, name string, failed error, sizes map[string]int64, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.all, func(b installation.LogPart) bool { return b.Name == name })
	if i < 0 {
		return
	}
	part := &p.all[i]
	if sizes != nil {
		part.Sizes = sizes
	}
	problem, damage := "", new(auditlog.DamageError)
	switch {
	case errors.As(failed, &damage):
		problem = installation.PartFails // until it is kept that it contradicts
		p.log.ErrorContext(ctx, "the audit log contradicts what was let out of it; nothing more is let out", slog.String("part", name), slog.String("damage", damage.Error()))
		if err := p.hub.NoteDamage(ctx, name, part.Folder, damage.Error()); err != nil {
			p.log.ErrorContext(ctx, "that the audit log contradicts what was let out of it could not be kept")
		}
	case failed != nil:
		problem = installation.PartFails
		p.log.ErrorContext(ctx, "a part of the audit log could not be let out", slog.String("part", name))
	default:
		part.SucceededAt = at.UTC().Truncate(time.Second)
	}
	if part.Problem != installation.PartContradicts && problem != part.Problem {
		part.Problem, part.Since = problem, at.UTC().Truncate(time.Second)
	}
	if err := p.look(ctx); err != nil {
		p.log.ErrorContext(ctx, "who watches the audit log could not be read")
	}
	if err := p.write(); err != nil {
		p.log.ErrorContext(ctx, "how the audit log is let out could not be noted")
	}
}
