package host

import (
	"context"
	"errors"
	"path/filepath"
	"time"

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
	letOut(ctx, archiveEvery, installation.LogArchive, parts, func() error {
		if !begun {
			if err := h.NoteAuditExport(ctx); err != nil {
				return err // nothing is archived before that it is has been recorded
			}
			begun = true
		}
		return archiveOnce(ctx, h, folder)
	})
}

func archiveOnce(ctx context.Context, h *OpenHub, folder string) error {
	logs, err := h.AuditLogs(ctx, true)
	if err != nil {
		return err
	}
	for _, log := range logs {
		_, e := auditarchive.Folder(filepath.Join(folder, log.Name)).Grow(ctx, log)
		err = errors.Join(err, e)
	}
	return err
}
