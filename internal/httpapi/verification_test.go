package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/demo"
	"github.com/sotto-health/sotto/internal/hub"
	practicefile "github.com/sotto-health/sotto/internal/practice"
	"github.com/sotto-health/sotto/internal/proofing"
)

// prove puts a proof of a device into the store, as if it had been given now.
func (d *device) prove(by proofing.Method, holds time.Duration) {
	d.w.t.Helper()
	now := d.w.clock.now()
	d.w.must(d.w.store.PutVerification(d.w.ctx, hub.Verification{
		Practice: d.practice.ID, Person: d.person, Device: d.id,
		Proof: proofing.Proof{Level: by.Level(), Method: by, At: now.UnixMilli(), Until: now.Add(holds).UnixMilli()},
	}))
}

// level is what somebody who knows of the conversation sees of its patient.
func (d *device) level(id string) api.Verification {
	d.w.t.Helper()
	c, err := d.Conversation(d.w.ctx, id)
	d.w.must(err)
	return c.Verification
}

func TestLevelShowsOnBothSides(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	for who, d := range map[string]*device{"patient": patient, "nurse": nurse} {
		if got := d.level(id); got != (api.Verification{Level: "guest"}) {
			t.Errorf("%s sees %+v of a guest", who, got)
		}
	}
	patient.prove(proofing.PIN, time.Hour)
	for who, d := range map[string]*device{"patient": patient, "nurse": nurse} {
		got := d.level(id)
		if got.Level != "matched" || got.Method != "pin" || got.Until-got.At != time.Hour.Milliseconds() {
			t.Errorf("%s sees %+v", who, got)
		}
	}
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.Verification != patient.level(id) {
		t.Errorf("the patient's device: %+v", own)
	}
	page, err := nurse.Conversations(w.ctx, "waiting", "")
	w.must(err)
	if got := page.Conversations[0].Verification.Level; got != "matched" {
		t.Errorf("the list says %s", got)
	}
	_, err = nurse.Verification(w.ctx)
	wantCode(t, err, api.CodeForbidden)
}

// TestT29LevelLapsesByTheHubsClock: what a device's clock says is not asked.
func TestT29LevelLapsesByTheHubsClock(t *testing.T) {
	w := newWorld(t)
	patient := w.patient() // whose session lasts: staff would be locked
	id := patient.open("nurse")
	patient.prove(proofing.EmailCode, 2*time.Hour)
	patient.prove(proofing.PIN, time.Hour)
	w.clock.advance(59 * time.Minute)
	if got := patient.level(id).Level; got != "matched" {
		t.Errorf("lapsed before its time: %s", got)
	}
	w.clock.advance(time.Minute)
	if got := patient.level(id).Level; got != "contact" {
		t.Errorf("not lapsed at its time: %s", got)
	}
	w.clock.advance(-2 * time.Hour)
	if got := patient.level(id).Level; got != "guest" {
		t.Errorf("a proof from the future counts: %s", got)
	}
}

func TestQueuesStateTheirLevel(t *testing.T) {
	w := newWorld(t)
	p, err := w.client().Practice(w.ctx, "riverside")
	w.must(err)
	for _, q := range p.Queues {
		if q.Level != "matched" {
			t.Errorf("%s asks for %q", q.ID, q.Level)
		}
	}
	// And one that the practice's file says of a queue.
	text := strings.Replace(string(demo.PracticeFile), `"id": "nurse"`, `"id": "nurse", "level": "signed-in"`, 1)
	file, err := practicefile.Parse([]byte(text))
	w.must(err)
	settings := file.Settings()
	w.clinic.Queues = settings.Queues
	_, err = w.hub.SavePractice(w.ctx, w.clinic.Practice)
	w.must(err)
	p, err = w.client().Practice(w.ctx, "riverside")
	w.must(err)
	for _, q := range p.Queues {
		if want := pick(q.ID == "nurse", "signed-in", "matched"); q.Level != want {
			t.Errorf("%s asks for %q, not %q", q.ID, q.Level, want)
		}
	}
}
