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

// NoteLogVerified keeps what a whole check of a practice's live audit log found.
func NoteLogVerified(folder Folder, log *auditlog.Log, problems int, at time.Time) error {
	head, err := auditlog.ReadUnsigned(log.Signed)
	if err != nil {
		return err
	}
	v := verifiedLog{LogVerified: installation.LogVerified{At: at.UTC().Truncate(time.Second), Entries: head.Size, Problems: problems}}
	if problems == 0 {
		v.Signed = string(log.Signed)
	} else if last := readVerifiedLog(folder, log.Name); last != nil {
		v.Signed = last.Signed
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := verifiedLogFile(folder, log.Name)
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(path, append(b, '\n'), 0o600)
}

// inspectLog reads the newest entries of a practice's log and some others, makes
// its root anew, and compares it with each head that was signed before.
func (h *OpenHub) inspectLog(ctx context.Context, p *hub.Practice, parts []installation.LogPart, witnesses []hub.LogWitness) (*installation.LogCheck, error) {
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
	before := signedBefore(p.Slug, parts, witnesses)
	if v := readVerifiedLog(h.folder, p.Slug); v != nil {
		out.Verified = &v.LogVerified
		if v.Signed != "" {
			before["that the last whole check kept"] = []byte(v.Signed)
		}
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

// signedBefore are the heads of a log that were signed before now and are there,
// by what became of them.
func signedBefore(slug string, parts []installation.LogPart, witnesses []hub.LogWitness) map[string][]byte {
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
	return all
}
