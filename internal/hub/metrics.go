package hub

import (
	"sync/atomic"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// counters count since the start.
type counters struct {
	application, handshakes, orphans, opened, sprays atomic.Uint64
}

func (c *counters) frame(kind string) {
	if kind == api.FrameApplication {
		c.application.Add(1)
		return
	}
	c.handshakes.Add(1)
}

// Stats is how the hub fares. It names nobody.
type Stats struct {
	Connections  int    // open now
	Applications uint64 // application frames stored since the start
	Handshakes   uint64 // commits and proposals stored since the start
	Orphans      uint64 // files that no row named, deleted since the start
	Opened       uint64 // records of the roster opened since the start, and decoys of them
	Sprays       uint64 // how often too many wrong facts closed matching for a day, since the start
	Hashes       uint64 // slow hashes of passwords, PINs and recovery codes since the start
	// Witnesses says of each witness, by its name, whether it did not sign when
	// it was asked last.
	Witnesses map[string]bool
	// Streams says how those of the audit log fare, by their names.
	Streams map[string]auditlog.StreamFigures
	// LogParts says how the audit logs are let out of the database, by part.
	LogParts map[string]LogPartFigures
	// LogBytes and ArchiveBytes are what the audit logs take in the database and in
	// the archive's folder, as [Hub.NoteLogStorage] was told; 0 until then.
	LogBytes, ArchiveBytes int64
	// LogBacklog is what of all practices waited for its numbers in the logs when
	// they were to grow last. It names no practice.
	LogBacklog LogBacklog
}

// LogPartFigures say how one of the ways fares in which audit logs are let out.
type LogPartFigures struct {
	Problem     bool
	SucceededAt time.Time // zero if it never did
}

// NoteLogPart keeps how a part fares, for the figures.
func (h *Hub) NoteLogPart(name string, problem bool, succeeded time.Time) {
	h.logParts.Store(name, LogPartFigures{problem, succeeded})
}

// NoteLogStorage takes what the audit logs take of disks, in bytes.
func (h *Hub) NoteLogStorage(log, archive int64) {
	h.logBytes.Store(log)
	h.archiveBytes.Store(archive)
}

// Stats returns the present figures.
func (h *Hub) Stats() Stats {
	witnesses := make(map[string]bool)
	h.witnesses.Range(func(name, problem any) bool {
		witnesses[name.(string)] = problem.(bool)
		return true
	})
	streams := make(map[string]auditlog.StreamFigures)
	h.streams.Range(func(name, figures any) bool {
		streams[name.(string)] = figures.(auditlog.StreamFigures)
		return true
	})
	parts := make(map[string]LogPartFigures)
	h.logParts.Range(func(name, figures any) bool {
		parts[name.(string)] = figures.(LogPartFigures)
		return true
	})
	var backlog LogBacklog
	if noted := h.logBacklog.Load(); noted != nil {
		backlog = *noted
	}
	return Stats{
		LogBacklog:   backlog,
		LogParts:     parts,
		Witnesses:    witnesses,
		Streams:      streams,
		LogBytes:     h.logBytes.Load(),
		ArchiveBytes: h.archiveBytes.Load(),
		Connections:  h.board.count(),
		Applications: h.counters.application.Load(),
		Handshakes:   h.counters.handshakes.Load(),
		Orphans:      h.counters.orphans.Load(),
		Opened:       h.counters.opened.Load(),
		Sprays:       h.counters.sprays.Load(),
		Hashes:       h.passwords.Done(),
	}
}
