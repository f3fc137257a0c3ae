package host

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/internal/auditlog"
	auditarchive "github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/installation"
)

// archiveEvery is how often the audit logs are archived.
const archiveEvery = 10 * time.Minute

// archiveLogs keeps the audit logs in a folder too, each in SLUG: at once and
// then again and again, until ctx ends. A full tile is written once, so the
// folder can be of a kind that lets nobody change what is there. A log that
// contradicts what is archived is not archived over it.
func archiveLogs(ctx context.Context, h *OpenHub, folder string, parts *logParts) {
	begun := false
	letOut(ctx, archiveEvery, installation.LogArchive, parts, func(sizes map[string]int64) error {
		if !begun {
			if err := h.NoteAuditExport(ctx); err != nil {
				return err // nothing is archived before that it is has been recorded
			}
			begun = true
		}
		return archiveOnce(ctx, h, folder, sizes)
	})
}

// archiveOnce archives each log as far as it has come. Sizes are how far each was
// archived before, which it brings up to date.
func archiveOnce(ctx context.Context, h *OpenHub, folder string, sizes map[string]int64) error {
	logs, err := h.AuditLogs(ctx, true)
	if err != nil {
		return err
	}
	for _, log := range logs {
		err = errors.Join(err, archiveLog(ctx, log, auditarchive.Folder(filepath.Join(folder, log.Name)), sizes))
	}
	return err
}

func archiveLog(ctx context.Context, log *auditlog.Log, folder auditarchive.Folder, sizes map[string]int64) error {
	there, err := folder.Size()
	if err != nil {
		return err
	}
	if err := stillThere("archive", log.Name, there, sizes); err != nil {
		return err
	}
	head, err := folder.Grow(ctx, log)
	if err == nil {
		sizes[log.Name] = head.Size
	}
	return err
}
