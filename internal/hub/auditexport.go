package hub

import (
	"context"
	"io"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/policy"
)

// exportBatch is how many events of an export are in memory at once.
const exportBatch = 500

// An AuditExport is a part of a practice's log that somebody may take out, and
// that is on record already. [AuditExport.Write] writes it.
type AuditExport struct {
	// Most is how many events there are at most, for who shows progress.
	Most   int64
	Format export.Format

	hub   *Hub
	query LogQuery
}

// ExportAudit lets who answers for the log take out what a filter selects. The
// filter's Cursor and Limit are not looked at.
func (h *Hub) ExportAudit(ctx context.Context, s *StaffCaller, f AuditFilter, format export.Format) (*AuditExport, error) {
	if err := h.mayStaff(s, policy.ExportAudit, s.practice()); err != nil {
		return nil, err
	}
	if err := h.rates.allow("export", s.Person.ID, h.limits.Exports); err != nil {
		return nil, err
	}
	return h.exportAudit(ctx, s, s.Person.Practice, f, format)
}

// ExportAuditFor is [Hub.ExportAudit] for who runs the hub: no route leads here.
func (h *Hub) ExportAuditFor(ctx context.Context, practice string, f AuditFilter, format export.Format) (*AuditExport, error) {
	return h.exportAudit(ctx, operator(practice), practice, f, format)
}

func (h *Hub) exportAudit(ctx context.Context, who Actor, practice string, f AuditFilter, format export.Format) (*AuditExport, error) {
	if !format.Known() {
		return nil, malformed("format")
	}
	q, err := f.query(practice)
	if err != nil {
		return nil, err
	}
	events, err := h.lookedUp(ctx, h.event(ctx, who, audit.AuditExported, "").With("format="+string(format)), &f)
	if err != nil {
		return nil, err
	}
	if err := h.store.Record(ctx, events...); err != nil {
		return nil, at("record the export", err)
	}
	if err := h.growLog(ctx, practice); err != nil {
		return nil, err
	}
	head, err := h.store.LogHead(ctx, practice)
	if err != nil {
		return nil, at("load the log's head", err)
	}
	q.Forward, q.Limit = true, exportBatch
	return &AuditExport{Most: head.Size, Format: format, hub: h, query: q}, nil
}

// Write writes the events, oldest first, as the log stood when the export
// began. After each batch that w has taken it calls progress, if that is not
// nil, with how many events it has written. An error leaves a part behind that
// must not pass for the whole.
func (x *AuditExport) Write(ctx context.Context, w io.Writer, progress func(written int64)) error {
	out, err := export.New(x.Format, w)
	if err != nil {
		return err
	}
	q, written := x.query, int64(0)
	for {
		batch, err := x.hub.store.LogEntries(ctx, q)
		if err != nil {
			return at("read the audit log", err)
		}
		for i := range batch {
			if batch[i].Leaf >= x.Most {
				continue // it came after the export began
			}
			if err := out.Write(export.Entry{Number: uint64(batch[i].Leaf), Event: batch[i].Event}); err != nil {
				return err
			}
			written++
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if progress != nil {
			progress(written)
		}
		if len(batch) < q.Limit {
			return nil
		}
		last := &batch[len(batch)-1]
		q.Beyond = &LogPlace{At: last.Event.At, Leaf: last.Leaf}
	}
}
