package host

import (
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// TestClockWatch: what the clock is set by is noted once, when it is much, also
// if it came by little and little; time that only passes is not.
func TestClockWatch(t *testing.T) {
	var w clockWatch
	for _, look := range []struct{ told, passed, want time.Duration }{
		{time.Hour, time.Hour, 0},
		{2*time.Hour + 30*time.Second, 2 * time.Hour, 0},
		{2*time.Hour + 61*time.Second, 2 * time.Hour, 61 * time.Second},
		{3*time.Hour + 61*time.Second, 3 * time.Hour, 0},
		{time.Hour, 4 * time.Hour, -3*time.Hour - 61*time.Second},
		{2 * time.Hour, 5 * time.Hour, 0},
	} {
		got := w.changed(look.told, look.passed)
		if got != look.want {
			t.Errorf("%v of %v: %v, want %v", look.told, look.passed, got, look.want)
		}
		w.noted += got
	}
}

// TestT40StartNotesTheClock starts a hub whose clock is behind its log, as one
// is whose clock was set back while it was stopped.
func TestT40StartNotesTheClock(t *testing.T) {
	ctx := t.Context()
	h := openHub(t, t.TempDir())
	const here = "t_here"
	makePractice(t, h)
	ahead := audit.New(ctx, time.Now().Add(time.Hour).UnixMilli(), audit.Actor{Practice: here, Role: audit.System}, audit.PeopleListed, "")
	if err := h.store.Record(ctx, ahead); err != nil {
		t.Fatal(err)
	}
	check := func(damage, noted int) []auditlog.Entry {
		t.Helper()
		logs, err := h.AuditLogs(ctx, true)
		if err != nil {
			t.Fatal(err)
		}
		c, err := auditlog.OpenCheckpoint(logs[0].Signed, logs[0].Verifier)
		if err != nil {
			t.Fatal(err)
		}
		report, err := auditlog.Verify(ctx, logs[0].Source, auditlog.Head{Size: c.Size, Root: c.Root})
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Damage) != damage || len(report.Noted) != noted {
			t.Errorf("%v, noted %v", report.Damage, report.Noted)
		}
		all, err := h.store.LogRange(ctx, here, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for range 2 {
		if err := h.NoteStarted(ctx, "tls=yes"); err != nil {
			t.Fatal(err)
		}
	}
	notes := 0
	for _, e := range check(0, 1) {
		if e.Event.Kind == audit.ClockChanged {
			notes++
			if !strings.HasPrefix(e.Event.Detail, "back=3") {
				t.Errorf("detail %q", e.Event.Detail)
			}
		}
	}
	if notes != 1 {
		t.Errorf("%d notes of one change", notes)
	}
	if err := h.NoteClockChanged(ctx, 90*time.Second); err != nil {
		t.Fatal(err)
	}
	all := check(0, 1)
	if last := all[len(all)-1].Event; last.Kind != audit.ClockChanged || last.Detail != "ahead=90" {
		t.Errorf("%+v", last)
	}
}
