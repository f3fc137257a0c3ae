package host

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// measureEvery is how often the audit logs' storage is measured.
const measureEvery = time.Hour

// measureLogs measures what the audit logs take of disks, at once and then again
// and again, until ctx ends.
func measureLogs(ctx context.Context, h *OpenHub, archive string, say *slog.Logger) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		if bytes, err := h.store.LogBytes(ctx); err == nil {
			h.NoteLogStorage(bytes, folderBytes(archive))
		} else if ctx.Err() == nil {
			say.WarnContext(ctx, "what the audit log takes of the disk could not be measured")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// folderBytes are those of the files of a folder; 0 without one.
func folderBytes(folder string) (bytes int64) {
	if folder == "" {
		return 0
	}
	_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what is gone meanwhile takes nothing
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// inspectStorage adds what the audit logs take. The server that runs has measured
// it; another program looks itself.
func (h *OpenHub) inspectStorage(ctx context.Context, f *installation.Facts) error {
	noted := h.Stats()
	f.Database.LogBytes = noted.LogBytes
	if noted.LogBytes == 0 {
		var err error
		if f.Database.LogBytes, err = h.store.LogBytes(ctx); err != nil {
			return err
		}
	}
	if f.Server == nil || f.Server.AuditArchive == nil {
		return nil
	}
	f.Server.AuditArchive.Bytes = noted.ArchiveBytes
	if noted.ArchiveBytes == 0 {
		f.Server.AuditArchive.Bytes = folderBytes(f.Server.AuditArchive.Folder)
	}
	return nil
}

// inspectKept adds since when the log is kept, and whether all of it is there.
func (h *OpenHub) inspectKept(ctx context.Context, p *installation.Practice) error {
	// The size first: entries are only added.
	if p.LogSize <= 0 {
		return nil
	}
	first, at, count, err := h.store.LogKept(ctx, p.ID)
	if err != nil {
		return err
	}
	if p.LogWhole = first == 0 && count >= p.LogSize; count > 0 {
		p.LogBegan = moment(at)
	}
	return nil
}
