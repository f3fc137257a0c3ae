package httpapi_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
)

// TestT01LogsHoldNoContent plays good requests and bad ones, and a full disk,
// with a canary in each field, and looks for it in the log and the metrics.
func TestT01LogsHoldNoContent(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana."+canary)
	id := patient.open("nurse")
	nurse.take(id)
	l := nurse.listen()
	patient.catchUp(id)
	patient.say(id, canary)
	l.next(api.EventFrame)
	w.store.full.Store(true)
	_, err := patient.Send(w.ctx, id, patient.seal(id, canary))
	wantCode(t, err, api.CodeFull)
	w.store.full.Store(false)
	for path, methods := range w.described().Paths {
		for method := range methods {
			p := fill(path, canary)
			w.raw(strings.ToUpper(method), p+"?box="+canary+"&cursor="+canary, `{"`+canary+`":"`+canary+`"}`,
				"Authorization", "Bearer "+patient.Token(), "Upload-Offset", canary, "User-Agent", canary, "Referer", canary)
			w.raw(strings.ToUpper(method), p, canary, "Authorization", "Bearer "+canary, "Cookie", "__Host-sotto_staff="+canary)
		}
	}
	w.raw("GET", "/"+canary, "")
	_, err = nurse.SignIn(w.ctx, api.SignIn{Practice: canary, Login: canary, Authentication: api.Authentication{Password: canary, Code: canary}})
	wantCode(t, err, api.CodeUnauthenticated)
	w.must(nurse.SignOut(w.ctx))
	l.next(api.EventEnded)

	for line := range strings.Lines(w.logs.String()) {
		if strings.Contains(line, canary) {
			t.Errorf("the log holds what was given to us: %s", line)
		}
	}
	if !strings.Contains(w.logs.String(), `"route":"POST /v1/conversations/{id}/frames","status":507`) {
		t.Error("the log does not tell of the full disk")
	}
	if waiting, err := w.hub.LogsWaiting(w.ctx); err != nil || len(waiting) != 1 {
		t.Fatal(waiting, err)
	}
	w.hub.NoteLogPart("archive", true, time.Unix(1790000000, 0))
	rec := httptest.NewRecorder()
	w.api.Metrics().ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), "GET", "/metrics", nil))
	metrics := rec.Body.String()
	if strings.Contains(metrics, canary) || strings.Contains(metrics, patient.id) || strings.Contains(metrics, w.clinic.ID) {
		t.Error("the metrics name somebody")
	}
	for _, want := range []string{
		"sotto_application_frames_total 1", "sotto_http_calls_total{", "sotto_connections",
		`sotto_audit_part_problem{part="archive"} 1`, `sotto_audit_part_last_success_timestamp_seconds{part="archive"} 1.79e+09`,
		"sotto_audit_waiting_events ", "sotto_audit_waiting_since_timestamp_seconds 1.",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
