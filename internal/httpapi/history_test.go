package httpapi_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/sotto-health/sotto/api"
)

// TestSharedHistoryIsRecorded: that the keeper hands over what was said before
// somebody joined is on record with the frame's position; nobody else may say so.
func TestSharedHistoryIsRecorded(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("nurse")
	id := patient.open("nurse")
	patient.say(id, "hello")
	nurse.take(id)
	keeper := w.clinic.keeper
	keeper.catchUp(id)
	shared := keeper.seal(id, "the transcript so far")
	shared.History = true
	sent, err := keeper.Send(w.ctx, id, shared)
	w.must(err)

	for who, d := range map[string]*device{"the patient": patient, "a nurse": nurse} {
		d.catchUp(id)
		forged := d.seal(id, "said before, they say")
		forged.History = true
		_, err := d.Send(w.ctx, id, forged)
		if err == nil {
			t.Errorf("%s passes for the keeper", who)
			continue
		}
		wantCode(t, err, api.CodeForbidden)
	}
	commit := api.SendFrame{ClientID: keeper.clientID(), Kind: api.FrameCommit, Payload: shared.Payload, GroupInfo: shared.Payload, History: true}
	_, err = keeper.Send(w.ctx, id, commit)
	wantCode(t, err, api.CodeMalformed)

	page, err := w.staffAs(w.clinic, "auditor", "ada").AuditEvents(w.ctx, url.Values{"kind": {"history.shared"}})
	w.must(err)
	if len(page.Events) != 1 {
		t.Fatalf("%d events are on record", len(page.Events))
	}
	if e := page.Events[0]; e.Role != "service" || e.Device != keeper.id || e.Conversation != id || e.Patient != patient.person ||
		e.Object != strconv.FormatUint(sent.Position, 10) {
		t.Errorf("on record is %+v", e)
	}
}
