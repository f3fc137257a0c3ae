package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// TestAStandingLogIsNamed: an event that waits and cannot be read stops a log.
// That one does not grow is an error, in the figures, and named by verify, watch
// and doctor, with what to do; the logs of other practices go on. Who has looked
// into it sets the event aside: it is kept, and the log says so and goes on.
func TestAStandingLogIsNamed(t *testing.T) {
	data, seen := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	does(t, data, []string{"practice", "apply", practiceFile(t, "riverside", "lakeside")})
	happens(t, data, 3)
	does(t, data, words("audit verify"), alone)
	does(t, data, []string{"audit", "watch", seen, "--once"})

	h, _ := openHub(t, data)
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

	h, _ = openHub(t, data)
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
	u := unreadable(t, data, first.ID)
	row := fmt.Sprintf("row:%d", u.Row)
	fix := "sotto audit settle " + row + " --reason investigated"
	names(t, data, words("audit verify"), fix, u.Hash())
	if out, _ := sotto(t, data, "doctor"); !strings.Contains(out, fix) || !strings.Contains(out, u.Hash()) {
		t.Errorf("doctor says\n%s", out)
	}

	// It is set aside by who says why, it alone, and is kept.
	const settle = "audit settle "
	refuses(t, data, words(settle+row+" --reason moved"), "--reason investigated")
	refuses(t, data, words(settle+"row:0 --reason investigated"), "or it can be read")
	does(t, data, words(settle+row+" --reason investigated"), u.Hash())
	refuses(t, data, words(settle+row+" --reason investigated"), "or it can be read")
	folder := t.TempDir()
	does(t, data, []string{"audit", "export", folder})
	h, _ = openHub(t, data)
	entries, err := h.LogRange(t.Context(), first.ID, before[first.ID], 10)
	if err := errors.Join(err, h.Close()); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for i := range entries {
		kinds = append(kinds, string(entries[i].Event.Kind))
	}
	if want := []string{"audit-row.set-aside", "audit.exported"}; !slices.Equal(kinds, want) {
		t.Fatalf("the log went on with %q, want %q", kinds, want)
	}
	said := entries[0].Event
	if said.Role != audit.Operator || said.Reason != "investigated" || said.Detail != fmt.Sprintf("row=%d,at=%d,sha256=%s", u.Row, u.At, u.Hash()) {
		t.Errorf("the log says %+v", said)
	}
	kept, err := os.ReadFile(filepath.Join(folder, first.Slug+".unreadable.jsonl"))
	if err != nil || !strings.Contains(string(kept), `"event":"eA=="`) || !strings.Contains(string(kept), u.Hash()) {
		t.Errorf("kept is %s, %v", kept, err)
	}
	does(t, data, words("audit verify"), "as it was written")
	does(t, data, []string{"audit", "verify", folder}, alone)
	does(t, data, []string{"audit", "watch", seen, "--once"})
}

// unreadable is the event of a practice that stops its log.
func unreadable(t *testing.T, data string, practice string) hub.UnreadableEvent {
	t.Helper()
	h, _ := openHub(t, data)
	all, err := h.UnreadableEvents(t.Context(), practice)
	if err := errors.Join(err, h.Close()); err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}
