package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/host"
)

// TestAStandingLogIsNamed: an event that waits and cannot be read stops a log.
// That one does not grow is an error, in the figures, and named by verify, watch
// and doctor; the logs of other practices go on.
func TestAStandingLogIsNamed(t *testing.T) {
	data, seen := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	does(t, data, []string{"practice", "apply", practiceFile(t, "riverside", "lakeside")})
	happens(t, data, 3)
	does(t, data, words("audit verify"), "as it was written")
	does(t, data, []string{"audit", "watch", seen, "--once"})

	open := func() *host.OpenHub {
		h, err := host.Open(t.Context(), host.HubConfig{Folder: host.Folder(data), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := open()
	stopped, err := h.Practices(t.Context())
	if err != nil || len(stopped) != 2 {
		t.Fatal(stopped, err)
	}
	before := make(map[string]int64)
	for _, p := range stopped {
		if before[p.ID], err = h.LogSize(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.NoteAuditExport(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	first := stopped[0]
	if stopped[1].ID < first.ID {
		first = stopped[1] // whose turn comes first
	}
	tamper(t, data, "UPDATE audit_pending SET event = x'78', at = at - 3600000 WHERE practice = '"+first.ID+"'")

	h = open()
	if err := h.GrowLogs(t.Context()); err == nil {
		t.Error("a log that does not grow is no error")
	}
	for _, p := range stopped {
		size, err := h.LogSize(t.Context(), p.ID)
		if want := before[p.ID] + 1; err != nil || p.ID != first.ID && size != want || p.ID == first.ID && size != want-1 {
			t.Errorf("%s: %d entries after %d, %v", p.Slug, size, before[p.ID], err)
		}
	}
	if err := h.GrowLogs(t.Context()); err == nil {
		t.Error("it is no error any more")
	}
	if b := h.Stats().LogBacklog; b.Events != 1 || b.Oldest == 0 {
		t.Errorf("the figures are %+v", b)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	stands := first.Slug + ": the log does not grow: 1 events wait"
	names(t, data, words("audit verify"), stands)
	names(t, data, []string{"audit", "watch", seen, "--once"}, stands)
	out, _ := sotto(t, data, "doctor")
	if !strings.Contains(out, "The audit log does not grow: 1 events wait") {
		t.Errorf("doctor says\n%s", out)
	}
}
