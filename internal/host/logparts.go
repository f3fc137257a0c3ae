package host

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/durable"
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

	mu  sync.Mutex // guards all and the file
	all []installation.LogPart
}

// newLogParts begins with what an earlier server noted of the same ways; what is
// not set up any more is forgotten.
func newLogParts(h *OpenHub, c ServeConfig) (*logParts, error) {
	p := &logParts{hub: h, log: c.Log}
	var now []installation.LogPart
	if c.AuditCheckpoints != "" || len(c.AuditWitnesses) > 0 {
		now = append(now, installation.LogPart{Name: installation.Checkpoints, Folder: whole(c.AuditCheckpoints)})
	}
	if c.AuditArchive != "" {
		now = append(now, installation.LogPart{Name: installation.LogArchive, Folder: whole(c.AuditArchive)})
	}
	before := readLogParts(h.folder)
	for _, part := range now {
		i := slices.IndexFunc(before, func(b installation.LogPart) bool { return b.Name == part.Name && b.Folder == part.Folder })
		if i >= 0 {
			part = before[i]
		}
		part.BegunAt = time.Now().UTC().Truncate(time.Second)
		p.all = append(p.all, part)
		h.NoteLogPart(part.Name, part.Problem != "", part.SucceededAt)
	}
	return p, p.write()
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

// note keeps what came of letting a part out, and says what is new and wrong.
func (p *logParts) note(ctx context.Context, name string, failed error, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.all, func(b installation.LogPart) bool { return b.Name == name })
	if i < 0 {
		return
	}
	part := &p.all[i]
	problem, damage := "", new(auditlog.DamageError)
	switch {
	case errors.As(failed, &damage):
		problem, part.Damage = installation.PartContradicts, damage.Error()
		p.log.ErrorContext(ctx, "the audit log contradicts what was let out of it; nothing more is let out", slog.String("part", name), slog.String("damage", damage.Error()))
	case failed != nil:
		problem, part.Damage = installation.PartFails, ""
		p.log.ErrorContext(ctx, "a part of the audit log could not be let out", slog.String("part", name))
	default:
		part.Damage, part.SucceededAt = "", at.UTC().Truncate(time.Second)
	}
	if problem != part.Problem {
		part.Problem, part.Since = problem, at.UTC().Truncate(time.Second)
	}
	p.hub.NoteLogPart(name, problem != "", part.SucceededAt)
	if err := p.write(); err != nil {
		p.log.ErrorContext(ctx, "how the audit log is let out could not be noted")
	}
}
