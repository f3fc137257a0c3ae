package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	auditarchive "github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

// How much of an audit log is read with each look, in tiles of 256 entries: so
// much that a practice's first years are read whole, and that a look at ten
// million entries takes no longer.
const (
	newestTiles  = 8
	sampledTiles = 16
)

// keptByCheck says of a head that it is a [verifiedLog]'s.
const keptByCheck = "that the last whole check kept"

// verifiedLog is what a whole check of a log leaves.
type verifiedLog struct {
	installation.LogVerified
	// Signed is the head of the last check that found nothing.
	Signed string `json:"signed"`
}

func verifiedLogFile(folder Folder, slug string) string {
	return filepath.Join(folder.HubPart(), "audit-verified", slug+".json")
}

func readVerifiedLog(folder Folder, slug string) *verifiedLog {
	b, err := os.ReadFile(verifiedLogFile(folder, slug))
	v := new(verifiedLog)
	if err != nil || json.Unmarshal(b, v) != nil {
		return nil
	}
	return v
}

func writeVerifiedLog(folder Folder, slug string, v *verifiedLog) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := verifiedLogFile(folder, slug)
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, append(b, '\n'), 0o600)
}

// NoteLogVerified keeps what a whole check of a practice's live audit log found.
// A head that was kept gives way only to one that has grown from it: to another
// it returns a [*auditlog.DamageError], and keeps what was.
func NoteLogVerified(ctx context.Context, folder Folder, log *auditlog.Log, problems int, at time.Time) error {
	head, err := auditlog.ReadUnsigned(log.Signed)
	if err != nil {
		return err
	}
	v := &verifiedLog{LogVerified: installation.LogVerified{At: at.UTC().Truncate(time.Second), Entries: head.Size, Problems: problems}}
	last := readVerifiedLog(folder, log.Name)
	switch kept := last != nil && last.Signed != ""; {
	case problems > 0 && kept:
		v.Signed = last.Signed
	case problems > 0:
	case kept:
		if err := last.grown(ctx, log); err != nil {
			return err
		}
		fallthrough
	default:
		v.Signed = string(log.Signed)
	}
	return writeVerifiedLog(folder, log.Name, v)
}

// grown returns a [*auditlog.DamageError] unless the log has grown from the head
// that was kept.
func (v *verifiedLog) grown(ctx context.Context, log *auditlog.Log) error {
	now, err := auditlog.OpenCheckpoint(log.Signed, log.Verifier)
	if err != nil {
		return err
	}
	last, err := auditlog.OpenCheckpoint([]byte(v.Signed), log.Verifier)
	if err != nil {
		return &auditlog.DamageError{What: "checkpoint", Name: log.Name, How: keptByCheck + " is not signed by the log's key"}
	}
	return auditlog.Grown(ctx, log.Source, auditlog.Head{Size: now.Size, Root: now.Root}, last)
}

// SettleLastCheck forgets, of each log that contradicts it, the head that the
// last whole check kept, and records that with the operator's reason, a code. It
// returns of how many. What that check found stays until the next.
func (h *OpenHub) SettleLastCheck(ctx context.Context, reason string) (settled int, err error) {
	logs, err := h.AuditLogs(ctx, false)
	if err != nil {
		return 0, err
	}
	for _, log := range logs {
		v := readVerifiedLog(h.folder, log.Name)
		if v == nil || v.Signed == "" {
			continue
		}
		var damage *auditlog.DamageError
		if err := v.grown(ctx, log); err == nil {
			continue
		} else if !errors.As(err, &damage) {
			return settled, err
		}
		kept, err := auditlog.ReadUnsigned([]byte(v.Signed))
		if err != nil {
			kept.Size = -1 // it is no head
		}
		if err := h.NoteLastCheckSettled(ctx, log.Practice, kept.Size, reason); err != nil {
			return settled, err
		}
		v.Signed = ""
		if err := writeVerifiedLog(h.folder, log.Name, v); err != nil {
			return settled, err
		}
		settled++
	}
	return settled, nil
}

// SignedBefore are the heads of each practice's log, by its id, that were signed
// before now, by what became of them: those that a whole check of it has to
// compare it with. Ask before the log itself: it grows.
func (h *OpenHub) SignedBefore(ctx context.Context) (map[string]map[string][]byte, error) {
	parts, err := h.inspectParts(ctx, readLogParts(h.folder))
	if err != nil {
		return nil, err
	}
	practices, err := h.store.Practices(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string][]byte, len(practices))
	for i := range practices {
		p := &practices[i]
		witnesses, err := h.LogWitnesses(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		all[p.ID] = signedBefore(p.Slug, parts, witnesses, readVerifiedLog(h.folder, p.Slug))
	}
	return all, nil
}

// ArchiveFolders are where the server keeps the logs as files too; each
// practice's is in a folder of its short name.
func (h *OpenHub) ArchiveFolders() (all []string) {
	for _, part := range readLogParts(h.folder) {
		if part.Name == installation.LogArchive && part.Folder != "" {
			all = append(all, part.Folder)
		}
	}
	return all
}

// inspectLog reads the newest entries of a practice's log and some others, makes
// its root anew, and compares it with each head that was signed before.
func (h *OpenHub) inspectLog(ctx context.Context, p *hub.Practice, parts []installation.LogPart, witnesses []hub.LogWitness) (*installation.LogCheck, error) {
	verified := readVerifiedLog(h.folder, p.Slug)
	before := signedBefore(p.Slug, parts, witnesses, verified) // first: the log grows
	log, err := h.AuditLog(ctx, p)
	if err != nil {
		return nil, err
	}
	c, err := auditlog.OpenCheckpoint(log.Signed, log.Verifier)
	if err != nil {
		return nil, err
	}
	out := new(installation.LogCheck)
	found := func(d error) {
		if out.Problems++; out.First == "" {
			out.First = d.Error()
		}
	}
	if verified != nil {
		out.Verified = &verified.LogVerified
	}
	var earlier []auditlog.Checkpoint
	for which, signed := range before {
		e, err := auditlog.OpenCheckpoint(signed, log.Verifier)
		if err != nil {
			found(fmt.Errorf("the checkpoint %s is not signed by the log's key: one of the two was changed", which))
			continue
		}
		earlier = append(earlier, e)
	}
	out.Heads = len(before)
	part := auditlog.Sample(c.Size-newestTiles*auditlog.TileWidth, sampledTiles)
	out.Whole = part.Whole()
	report, err := auditlog.VerifyPart(ctx, log.Source, auditlog.Head{Size: c.Size, Root: c.Root}, part, earlier...)
	var damage *auditlog.DamageError
	if errors.As(err, &damage) {
		found(damage)
		return out, nil
	} else if err != nil {
		return nil, err
	}
	for _, d := range report.Damage {
		found(d)
	}
	out.Problems += report.More
	return out, nil
}

// inspectArchive looks at each archive of a practice's log, which grows without
// reading what is there, and notes with the part if that is not as it was written.
func (h *OpenHub) inspectArchive(ctx context.Context, parts []installation.LogPart, p *hub.Practice) error {
	for i := range parts {
		part := &parts[i]
		if part.Name != installation.LogArchive || part.Problem == installation.PartContradicts || part.Problem == installation.PartDamaged {
			continue
		}
		log, err := h.AuditLog(ctx, p)
		if err != nil {
			continue // that it cannot be read is a finding
		}
		damage, err := auditarchive.Folder(filepath.Join(part.Folder, p.Slug)).Look(ctx, log.Verifier, newestTiles, sampledTiles)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			part.Problem, part.Damage = installation.PartDamaged, p.Slug+" could not be read"
		case len(damage) > 0:
			part.Problem, part.Damage = installation.PartDamaged, fmt.Sprintf("%s: %v (%d in all)", p.Slug, damage[0], len(damage))
		}
	}
	return nil
}

// signedBefore are the heads of a log that were signed before now and are there,
// by what became of them.
func signedBefore(slug string, parts []installation.LogPart, witnesses []hub.LogWitness, verified *verifiedLog) map[string][]byte {
	all := make(map[string][]byte)
	for i := range parts {
		if parts[i].Folder == "" {
			continue
		}
		which := map[string]string{installation.Checkpoints: "that was published", installation.LogArchive: "that was archived"}[parts[i].Name]
		if signed, err := os.ReadFile(filepath.Join(parts[i].Folder, slug, auditarchive.CheckpointFile)); err == nil {
			all[which] = signed
		}
	}
	for i := range witnesses {
		if len(witnesses[i].Signed) > 0 {
			all["that the witness "+witnesses[i].Name()+" signed"] = witnesses[i].Signed
		}
	}
	if verified != nil && verified.Signed != "" {
		all[keptByCheck] = []byte(verified.Signed)
	}
	return all
}
