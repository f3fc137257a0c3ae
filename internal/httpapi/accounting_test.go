package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// events lists what the demo practice's log says of a kind, the oldest first.
func (w *world) events(kind string) (found []string) {
	w.t.Helper()
	all, err := w.store.WaitingEvents(w.ctx, w.clinic.ID, 1<<20)
	w.must(err)
	entries, err := w.store.LogRange(w.ctx, w.clinic.ID, 0, 1<<20)
	w.must(err)
	for i := range entries {
		if v := entries[i].Event; string(v.Kind) == kind {
			found = append(found, strings.Join([]string{v.Person, v.Patient, v.Detail, v.Reason, v.Object}, " "))
		}
	}
	for _, v := range all {
		if string(v.Kind) == kind {
			found = append(found, strings.Join([]string{v.Person, v.Patient, v.Detail, v.Reason, v.Object}, " "))
		}
	}
	return found
}

// TestT22WhoSawMyMessages: a patient is shown who opened their messages, and
// nobody is shown another's but who answers for that. It is on record.
func TestT22WhoSawMyMessages(t *testing.T) {
	w := newWorld(t)
	ana, bo, nurse := w.patient(), w.patient(), w.staff("dana")
	id := ana.open("nurse")
	nurse.take(id)
	nurse.join()
	nurse.catchUp(id)

	mine, err := ana.Sightings(w.ctx, "")
	w.must(err)
	way := func(all *api.Sightings, way string) *api.Sighting {
		i := slices.IndexFunc(all.Sightings, func(s api.Sighting) bool { return s.Way == way && s.Person == nurse.person })
		if i < 0 {
			return nil
		}
		return &all.Sightings[i]
	}
	for _, want := range []string{"read", "joined"} {
		if s := way(mine, want); s == nil || s.Role != "nurse" || !strings.HasPrefix(s.Name, "Dana") || s.Conversation != id || s.At == 0 || s.Own {
			t.Errorf("%s: %+v in %+v", want, s, mine.Sightings)
		}
	}
	if got := w.events("access.read"); len(got) != 1 || !strings.HasPrefix(got[0], ana.person+" "+ana.person+" what=own") {
		t.Errorf("on record: %q", got)
	}
	theirs, err := bo.Sightings(w.ctx, "")
	w.must(err)
	if theirs.Patient != bo.person || len(theirs.Sightings) != 0 {
		t.Errorf("another patient is shown %+v", theirs)
	}
	resp, body := w.raw("GET", "/v1/audit/sightings?patient="+ana.person, "", "Authorization", "Bearer "+bo.Token())
	if strings.Contains(body, nurse.person) {
		t.Errorf("another patient asks for it, and gets %d %s", resp.StatusCode, body)
	}
	_, err = nurse.Sightings(w.ctx, "")
	wantCode(t, err, api.CodeForbidden)

	officer := w.staffAs(w.clinic, "compliance", "robin")
	for _, name := range []string{ana.person, id} {
		seen, err := officer.SightingsOf(w.ctx, name, "")
		w.must(err)
		if seen.Patient != ana.person || way(seen, "read") == nil {
			t.Errorf("by %s: %+v", name, seen)
		}
	}
	if got := w.events("access.read"); len(got) != 4 || !strings.HasPrefix(got[3], officer.person+" "+ana.person+" what=sightings") {
		t.Errorf("on record: %q", got)
	}
	for _, role := range []string{"nurse", "supervisor", "administrator"} {
		_, err := w.staffAs(w.clinic, role, "one-"+role).SightingsOf(w.ctx, ana.person, "")
		wantCode(t, err, api.CodeForbidden)
	}
	there := w.staffAs(w.newPractice("hilltop"), "compliance", "there")
	for _, name := range []string{ana.person, id, nurse.person, hub.NewID("p"), "x"} {
		_, err := there.SightingsOf(w.ctx, name, "")
		wantCode(t, err, api.CodeNotFound)
	}
	_, err = officer.SightingsOf(w.ctx, nurse.person, "") // no patient
	wantCode(t, err, api.CodeNotFound)
}

// TestAccountingOfDisclosures: what left the practice is accounted for, by hand
// and by the log; a mistake is struck and stays, but nobody strikes what the system
// itself says left; it is on record who did what.
func TestAccountingOfDisclosures(t *testing.T) {
	w := newWorld(t)
	ana := w.patient()
	id := ana.open("nurse")
	officer, auditor := w.staffAs(w.clinic, "compliance", "robin"), w.staffAs(w.clinic, "auditor", "ada")
	now := w.clock.now().UnixMilli()
	r := api.RecordDisclosure{At: now - 1000, Recipient: "=County health department", Address: "1 Main St, Springfield", What: "Immunisation record", Purpose: "public-health"}

	_, err := auditor.RecordDisclosure(w.ctx, ana.person, r)
	wantCode(t, err, api.CodeForbidden)
	made, err := officer.RecordDisclosure(w.ctx, id, r)
	w.must(err)
	if made.Recorder.ID != officer.person || made.Source != "hand" {
		t.Errorf("made %+v", made)
	}
	for name, change := range map[string]func(*api.RecordDisclosure){
		"tomorrow":        func(r *api.RecordDisclosure) { r.At = now + 86_400_000 },
		"long ago":        func(r *api.RecordDisclosure) { r.At = now - 7*366*86_400_000 },
		"to nobody":       func(r *api.RecordDisclosure) { r.Recipient = "   " },
		"of nothing":      func(r *api.RecordDisclosure) { r.What = "  " },
		"for treatment":   func(r *api.RecordDisclosure) { r.Purpose = "treatment" },
		"at length":       func(r *api.RecordDisclosure) { r.What = strings.Repeat("a", 501) },
		"without purpose": func(r *api.RecordDisclosure) { r.Purpose = "" },
	} {
		bad := r
		change(&bad)
		_, err := officer.RecordDisclosure(w.ctx, ana.person, bad)
		if p := wantCode(t, err, api.CodeMalformed); p.Status != 422 {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	// What an operator takes out of the sealed record.
	w.must(w.hub.NoteOperatorsRecordRead(w.ctx, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: id, Purpose: "operations"}))
	w.must(w.hub.NoteOperatorsRecordRead(w.ctx, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: id, Purpose: "treatment", Recipient: "Dr. Lee"}))
	w.must(w.hub.NoteOperatorsRecordRead(w.ctx, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: id, Purpose: "court", Recipient: "County court"}))
	w.must(w.hub.NoteOperatorsRecordRead(w.ctx, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: id}))

	account, err := auditor.Disclosures(w.ctx, ana.person)
	w.must(err)
	var got []string
	for _, d := range account.Disclosures {
		got = append(got, d.Source+" "+d.Purpose)
		if d.Source == "record" {
			_, err := officer.StrikeDisclosure(w.ctx, d.ID, "That never left the practice.")
			wantCode(t, err, api.CodeForbidden)
		}
	}
	slices.Sort(got)
	if want := []string{"hand public-health", "log ", "record court"}; !slices.Equal(got, want) {
		t.Errorf("accounted for: %q, want %q", got, want)
	}
	table, err := officer.DisclosuresTable(w.ctx, ana.person)
	w.must(err)
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	w.must(err)
	if len(rows) != 4 || !slices.ContainsFunc(rows, func(row []string) bool { return row[1] == "'=County health department" }) {
		t.Errorf("the table: %q", rows)
	}

	_, err = officer.StrikeDisclosure(w.ctx, made.ID, "          x")
	wantCode(t, err, api.CodeNoReason)
	_, err = auditor.StrikeDisclosure(w.ctx, made.ID, "That was another patient.")
	wantCode(t, err, api.CodeForbidden)
	struck, err := officer.StrikeDisclosure(w.ctx, made.ID, "That was another patient.")
	w.must(err)
	if struck.StruckAt == 0 {
		t.Errorf("struck %+v", struck)
	}
	_, err = officer.StrikeDisclosure(w.ctx, made.ID, "That was another patient.")
	wantCode(t, err, api.CodeConflict)
	table, err = officer.DisclosuresTable(w.ctx, id)
	w.must(err)
	if n := bytes.Count(table, []byte("\r\n")); n != 3 {
		t.Errorf("%d rows with what was struck", n)
	}
	account, err = officer.Disclosures(w.ctx, ana.person)
	w.must(err)
	if len(account.Disclosures) != 3 {
		t.Errorf("what was struck is gone: %+v", account.Disclosures)
	}
	for kind, n := range map[string]int{"disclosure.recorded": 2, "disclosure.struck": 1, "disclosures.exported": 2, "record.read": 4, "access.read": 2} {
		if got := w.events(kind); len(got) != n {
			t.Errorf("%s: %q", kind, got)
		}
	}
	for _, e := range w.events("disclosure.recorded") {
		if strings.Contains(e, "County") {
			t.Errorf("the log names somebody: %s", e)
		}
	}
	there := w.staffAs(w.newPractice("hilltop"), "compliance", "there")
	_, err = there.Disclosures(w.ctx, ana.person)
	wantCode(t, err, api.CodeNotFound)
	_, err = there.RecordDisclosure(w.ctx, id, r)
	wantCode(t, err, api.CodeNotFound)
	_, err = there.StrikeDisclosure(w.ctx, made.ID, "That was another patient.")
	wantCode(t, err, api.CodeNotFound)
}

// TestKeepersMachineRecordsReads: where the hub is elsewhere, the keeper's device
// has it in the audit log that the sealed record is read, and in the patient's
// accounting of disclosures if it leaves the practice; nobody else says so.
func TestKeepersMachineRecordsReads(t *testing.T) {
	w := newWorld(t)
	ana := w.patient()
	id := ana.open("nurse")
	keeper, officer := w.clinic.keeper, w.staffAs(w.clinic, "compliance", "robin")
	for _, d := range []*device{ana, w.staff("dana")} {
		wantCode(t, d.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordListed}), api.CodeForbidden)
	}
	for name, bad := range map[string]api.RecordRead{
		"nothing":                {},
		"no conversation":        {What: api.RecordShown, Purpose: "operations"},
		"no id":                  {What: api.RecordShown, Conversation: "knee", Purpose: "operations"},
		"an unknown purpose":     {What: api.RecordShown, Conversation: id, Purpose: "curiosity"},
		"a check without counts": {What: api.RecordChecked},
		"a check below nothing":  {What: api.RecordChecked, Found: &api.RecordFound{Problems: -1}},
	} {
		if err := keeper.NoteRecordRead(w.ctx, bad); !hubclient.IsCode(err, api.CodeMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := api.RecordRead{What: api.RecordShown, Conversation: hub.NewID("c"), Purpose: "court", Recipient: "County court"}
	wantCode(t, keeper.NoteRecordRead(w.ctx, other), api.CodeNotFound)

	w.must(keeper.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordListed}))
	w.must(keeper.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordAccepted}))
	w.must(keeper.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordChecked, Found: &api.RecordFound{Conversations: 3, Records: 17, Problems: 1}}))
	w.must(keeper.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordShown, Conversation: id, Purpose: "operations"}))
	w.must(keeper.NoteRecordRead(w.ctx, api.RecordRead{What: api.RecordShown, Conversation: id, Purpose: "court", Recipient: "County court"}))

	var got []string
	for _, kind := range []audit.Kind{audit.RecordRead, audit.RecordVerified} {
		page, err := officer.AuditEvents(w.ctx, url.Values{"kind": {string(kind)}})
		w.must(err)
		for _, e := range slices.Backward(page.Events) {
			if e.Role != string(audit.Operator) || e.Device != keeper.id {
				t.Errorf("%s is by %s on %s", kind, e.Role, e.Device)
			}
			got = append(got, strings.Join([]string{e.Conversation, e.Patient, e.Reason, e.Detail}, " "))
		}
	}
	if want := []string{"   what=list", id + " " + ana.person + " operations ", id + " " + ana.person + " court ", "   accept=yes", "   conversations=3,records=17,problems=1"}; !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
	account, err := officer.Disclosures(w.ctx, ana.person)
	w.must(err)
	if len(account.Disclosures) != 1 || account.Disclosures[0].Purpose != "court" || account.Disclosures[0].Recipient != "County court" {
		t.Errorf("accounted for: %+v", account.Disclosures)
	}
}
