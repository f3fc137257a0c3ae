package httpapi_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// TestT43AnIdleLockIsRecorded: that a session has locked by itself is in the log
// once, as the hub's own act, also if nothing was open and it has ended since;
// what its owner locked is no such thing.
func TestT43AnIdleLockIsRecorded(t *testing.T) {
	w := newWorld(t)
	dana, omar := w.staff("dana"), w.staff("omar")
	s, err := dana.StaffSession(w.ctx)
	w.must(err)
	w.raw("POST", "/v1/staff/lock", "{}", "Cookie", "__Host-sotto_staff="+omar.Cookie())
	w.clock.advance(9 * time.Minute)
	w.must(w.hub.Sweep(w.ctx))
	locks := func() (by []string) {
		for _, e := range w.events("session.locked") {
			if strings.Contains(e, " idle ") {
				by = append(by, e)
			}
		}
		return by
	}
	if got := locks(); got != nil {
		t.Errorf("before it locked: %q", got)
	}
	w.clock.advance(2 * time.Minute)
	for range 2 {
		w.must(w.hub.Sweep(w.ctx))
		w.must(w.hub.CheckSessions(w.ctx))
	}
	want := []string{"  minutes=10 idle " + s.ID}
	if got := locks(); !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	for range 2 { // the second time they are back before anybody looks
		_, err = dana.Unlock(w.ctx, api.Authentication{Password: phrase, Code: dana.code()})
		w.must(err)
		w.clock.advance(11 * time.Minute)
	}
	want = append(want, want[0])
	if got := locks(); !slices.Equal(got, want) {
		t.Errorf("of one who was faster than the sweep the log says %q, want %q", got, want)
	}
	w.clock.advance(13 * time.Hour)
	w.must(w.hub.Sweep(w.ctx))
	if got := locks(); !slices.Equal(got, append(want, want[0])) {
		t.Errorf("after it ended the log says %q", got)
	}

	w.proven("lee", "supervisor")
	w.clock.advance(13 * time.Hour)
	w.store.unwritten.Store(new(audit.SessionLocked))
	if w.hub.Sweep(w.ctx) == nil {
		t.Error("nobody is told that it cannot be recorded")
	}
	left, err := w.store.QuietStaffSessions(w.ctx, w.clock.now().UnixMilli())
	if w.must(err); len(left) > 0 {
		t.Errorf("meanwhile %d sessions that have expired are kept", len(left))
	}
}
