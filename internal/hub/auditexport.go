package hub

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/policy"
)

// exportBatch is how many entries of an export are in memory at once.
const exportBatch = 500

// An AuditExport is a part of a practice's log that somebody may take out, and
// that is on record already. [AuditExport.Write] writes it.
type AuditExport struct {
	// Most is how many entries there are at most, for who shows progress.
	Most   int64
	Format export.Format
	// Unlike is how many of the entries that [AuditExport.Write] wrote are not what
	// was logged.
	Unlike int64

	hub   *Hub
	query LogQuery
	ended func() // may be nil
}

// ExportAudit lets who answers for the log take out what a filter selects. The
// filter's Cursor and Limit are not looked at. While one runs, which is until it
// is written or ctx ends, another of theirs gives [ErrExportRuns].
func (h *Hub) ExportAudit(ctx context.Context, s *StaffCaller, f AuditFilter, format export.Format) (*AuditExport, error) {
	if err := h.mayStaff(s, policy.ExportAudit, s.practice()); err != nil {
		return nil, err
	}
	// Each reads the whole log, whatever it selects.
	whose := s.Person.Practice + " " + s.Person.ID
	if _, runs := h.exporting.LoadOrStore(whose, struct{}{}); runs {
		return nil, ErrExportRuns
	}
	ended := sync.OnceFunc(func() { h.exporting.Delete(whose) })
	context.AfterFunc(ctx, ended) // also if nothing is ever written
	x, err := h.exportLimited(ctx, s, f, format)
	if err != nil {
		ended()
		return nil, err
	}
	x.ended = ended
	return x, nil
}

func (h *Hub) exportLimited(ctx context.Context, s *StaffCaller, f AuditFilter, format export.Format) (*AuditExport, error) {
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
	return &AuditExport{Most: head.Size, Format: format, hub: h, query: q}, nil
}

// Write writes the events, oldest first, as the log stood when the export
// began. It reads the log by its numbers, whatever is selected: an entry that is
// not what was logged may have been any, so each export has each of those, as
// what it is. After each batch that w has taken it calls progress, if that is not
// nil, with how many entries it has written. An error leaves a part behind that
// must not pass for the whole.
func (x *AuditExport) Write(ctx context.Context, w io.Writer, progress func(written int64)) error {
	if x.ended != nil {
		defer x.ended()
	}
	out, err := export.New(x.Format, w)
	if err != nil {
		return err
	}
	written := int64(0)
	x.Unlike = 0
	for first := int64(0); first < x.Most; first += exportBatch {
		end := min(first+exportBatch, x.Most)
		entries, err := x.hub.store.LogRange(ctx, x.query.Practice, first, int(end-first))
		if err != nil {
			return at("read the audit log", err)
		}
		for _, p := range auditlog.Places(first, end, entries) {
			if p.State != "" {
				x.Unlike++
			} else if !x.query.selects(&p.Entry.Event) {
				continue
			}
			if err := out.Write(x.entry(&p)); err != nil {
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
	}
	return out.Flush()
}

func (x *AuditExport) entry(p *auditlog.Place) export.Entry {
	e := export.Entry{Practice: x.query.Practice, Number: uint64(p.Number), State: p.State} //nolint:gosec // not below 0
	if p.Entry != nil {
		e.Commitment = p.Entry.Commitment
	}
	if p.State != "" {
		e.Found = x.hub.millis()
		return e
	}
	e.Event, e.Salt = p.Entry.Event, p.Entry.Salt
	return e
}

// selects reports whether an event is one that the query asks for, as
// [Audit.LogEntries] selects them; a query with Patients, Conversations or
// Beyond is not for it.
func (q *LogQuery) selects(e *audit.Event) bool {
	is := func(asked, has string) bool { return asked == "" || asked == has }
	frame := e.Kind == audit.FrameSent || e.Kind == audit.HandshakeSent
	return is(q.Outcome, string(e.Outcome)) && is(q.Person, e.Person) && is(q.Subject, e.Subject) && is(q.Object, e.Object) && (q.Object == "" || !frame) &&
		is(q.Conversation, e.Conversation) && is(q.Patient, e.Patient) && (len(q.Kinds) == 0 || slices.Contains(q.Kinds, string(e.Kind))) &&
		e.At >= q.From && (q.Until == 0 || e.At < q.Until)
}
