package httpapi_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// alerts are those that somebody is shown, by rule and whom they are about,
// after the log was searched.
func (w *world) alerts(by *hub.StaffCaller) (found []string, all api.Alerts) {
	w.t.Helper()
	w.must(w.hub.GrowLogs(w.ctx))
	w.must(w.hub.SearchLogs(w.ctx))
	all, err := w.hub.Alerts(w.ctx, by)
	w.must(err)
	for _, a := range all.Alerts {
		found = append(found, a.Rule+" "+a.Person.ID)
	}
	slices.Sort(found)
	return found, all
}

func (w *world) wantAlerts(by *hub.StaffCaller, when string, want ...string) api.Alerts {
	w.t.Helper()
	found, all := w.alerts(by)
	if slices.Sort(want); !slices.Equal(found, want) {
		w.t.Errorf("%s: %q, want %q", when, found, want)
	}
	return all
}

// alwaysOpen has no hour at which nobody is expected.
func (w *world) alwaysOpen() {
	w.t.Helper()
	set := w.clinic.Practice
	set.AlwaysOpen = true
	_, err := w.hub.SavePractice(w.ctx, set)
	w.must(err)
}

// TestT42Watched: of a watched patient, who has nothing to do with them raises
// an alert when they see them, and of a pair, who is to stay away; who takes the
// waiting chat, or is brought in, does not. Compliance officers and auditors are told, and say what
// it was (T42).
func TestT42Watched(t *testing.T) {
	w := newWorld(t)
	w.alwaysOpen()
	cleo, nurse := w.proven("cleo", "compliance"), w.proven("noa", "nurse")
	patient, dana, lee, boss := w.patient(), w.staff("dana"), w.staff("lee"), w.staffAs(w.clinic, "supervisor", "alex")
	for who, want := range map[*hub.StaffCaller]error{nurse: hub.ErrForbidden, cleo: nil} {
		if _, err := w.hub.WatchPatient(w.ctx, who, api.NewPatientWatch{Patient: patient.person, Reason: "known"}); !errors.Is(err, want) {
			t.Errorf("%s watches a patient: %v", who.Person.Login, err)
		}
	}
	if _, err := w.hub.WatchPatient(w.ctx, cleo, api.NewPatientWatch{Patient: patient.person, Reason: "known"}); !errors.Is(err, hub.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for name, n := range map[string]api.NewPatientWatch{
		"no patient": {Patient: dana.person, Reason: "known"}, "not of the staff": {Patient: patient.person, Person: patient.person, Reason: "family"},
	} {
		if _, err := w.hub.WatchPatient(w.ctx, cleo, n); !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	id := patient.open("nurse")
	dana.take(id)
	_, err := w.hub.BringColleague(w.ctx, w.as(dana), id, api.BringColleague{Person: lee.person})
	w.must(err)
	w.clinic.keeper.admit()
	lee.join()
	_, err = w.hub.PatientPanel(w.ctx, w.as(lee), id)
	w.must(err)
	w.wantAlerts(cleo, "those who look after them")

	_, err = boss.Client.Act(w.ctx, id, "join", "asked")
	w.must(err)
	all := w.wantAlerts(cleo, "somebody else", "watched "+boss.person)
	a := all.Alerts[0]
	if a.Patient != patient.person || a.State != "open" || !all.MayReview || len(all.Watches) != 1 || all.Watches[0].AddedBy.ID != cleo.Person.ID {
		t.Errorf("shown: %+v", all)
	}
	if raised := w.events(string(audit.AlertRaised)); len(raised) != 1 || !strings.Contains(raised[0], "rule=watched") || !strings.Contains(raised[0], a.ID) {
		t.Errorf("the log: %q", raised)
	}
	w.alerts(cleo)
	w.wantAlerts(cleo, "searched again", "watched "+boss.person)

	pair, err := w.hub.WatchPatient(w.ctx, cleo, api.NewPatientWatch{Patient: patient.person, Person: lee.person, Reason: "family"})
	w.must(err)
	_, err = w.hub.PatientPanel(w.ctx, w.as(lee), id)
	w.must(err)
	w.wantAlerts(cleo, "who is to stay away", "watched "+boss.person, "apart "+lee.person)
	w.must(w.hub.EndPatientWatch(w.ctx, cleo, pair.ID))
	if err := w.hub.EndPatientWatch(w.ctx, cleo, pair.ID); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("ended twice: %v", err)
	}
	w.clock.advance(oneDay)
	_, err = w.hub.PatientPanel(w.ctx, w.as(lee), id)
	w.must(err)
	w.wantAlerts(cleo, "no longer", "watched "+boss.person, "apart "+lee.person)
	for _, kind := range []audit.Kind{audit.WatchBegun, audit.WatchEnded} {
		if len(w.events(string(kind))) == 0 {
			t.Errorf("%s is not in the log", kind)
		}
	}
}

// TestT42Reviews: an alert waits, is late after three days, and is reviewed with
// words by somebody whom it is not about (T42).
func TestT42Reviews(t *testing.T) {
	w := newWorld(t)
	w.alwaysOpen()
	cleo, sam, nurse := w.proven("cleo", "compliance"), w.proven("sam", "auditor"), w.proven("noa", "nurse")
	for range 4 { // as many files as none of them takes out in a day
		w.must(w.store.Record(w.ctx, audit.New(w.ctx, w.clock.now().UnixMilli(), audit.Actor{Practice: w.clinic.ID, Role: audit.Staff, Person: cleo.Person.ID}, audit.ConsentsExported, "")))
	}
	all := w.wantAlerts(sam, "many files", "export "+cleo.Person.ID)
	id := all.Alerts[0].ID
	root := audit.WithCommand(w.ctx, &audit.Command{Request: "r", Account: audit.Account("root", "ana")})
	for range 4 {
		w.must(w.store.Record(w.ctx, audit.New(root, w.clock.now().UnixMilli(), audit.Actor{Practice: w.clinic.ID, Role: audit.Operator}, audit.ConsentsExported, "")))
	}
	all = w.wantAlerts(sam, "by the command line", "export "+cleo.Person.ID, "export os:root,sudo=ana")
	for _, a := range all.Alerts {
		if a.Person.Role == string(audit.Operator) {
			_, err := w.hub.ReviewAlert(w.ctx, cleo, a.ID, api.ReviewAlert{Verdict: "fine", Note: "The yearly audit."})
			w.must(err)
		}
	}
	waits := func(want map[*hub.StaffCaller]int) {
		t.Helper()
		for who, n := range want {
			s, err := w.hub.StaffSession(w.ctx, who)
			if err != nil || s.Alerts != n {
				t.Errorf("%d wait for %s (%v), want %d", s.Alerts, who.Person.Login, err, n)
			}
		}
	}
	waits(map[*hub.StaffCaller]int{cleo: 0, sam: 1, nurse: 0})
	fine := api.ReviewAlert{Verdict: "fine", Note: "The yearly audit asked for them."}
	if _, err := w.hub.ReviewAlert(w.ctx, cleo, id, fine); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("their own: %v", err)
	}
	if _, err := w.hub.ReviewAlert(w.ctx, nurse, id, fine); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a nurse: %v", err)
	}
	var malformed *hub.MalformedError
	for _, r := range []api.ReviewAlert{{Verdict: "fine", Note: "  "}, {Verdict: "perhaps", Note: "x"}} {
		if _, err := w.hub.ReviewAlert(w.ctx, sam, id, r); !errors.As(err, &malformed) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := w.hub.ReviewAlert(w.ctx, sam, hub.NewID("a"), fine); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("nothing: %v", err)
	}
	w.clock.advance(72*time.Hour + time.Minute)
	if _, all := w.alerts(sam); !slices.ContainsFunc(all.Alerts, func(a api.Alert) bool { return a.ID == id && a.State == "overdue" }) {
		t.Errorf("after three days: %+v", all.Alerts)
	}
	state, err := w.hub.AlertState(w.ctx, w.clinic.ID, w.clock.now().UnixMilli())
	if err != nil || state != (hub.AlertState{Open: 1, Late: 1}) {
		t.Errorf("state: %+v, %v", state, err)
	}
	a, err := w.hub.ReviewAlert(w.ctx, sam, id, api.ReviewAlert{Verdict: "look", Note: "I ask her."})
	if err != nil || a.State != "look" || a.Reviewer != "sam" || a.ReviewedAt == 0 {
		t.Errorf("to be looked into: %+v, %v", a, err)
	}
	waits(map[*hub.StaffCaller]int{sam: 0})
	_, err = w.hub.ReviewAlert(w.ctx, sam, id, fine)
	w.must(err)
	if _, err := w.hub.ReviewAlert(w.ctx, sam, id, fine); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("again: %v", err)
	}
	if n := len(w.events(string(audit.AlertReviewed))); n != 3 {
		t.Errorf("%d reviews are in the log", n)
	}
}

// TestT42Searched: a log is searched once, whoever of several hubs does it; what
// is old when it is first searched raises nothing; and the routes are for those
// who answer for it.
func TestT42Searched(t *testing.T) {
	w := newWorld(t)
	w.alwaysOpen()
	sam, cleo := w.proven("sam", "auditor"), w.member("cleo", "compliance").Person
	exports := func(who string, n int) {
		for range n {
			w.must(w.store.Record(w.ctx, audit.New(w.ctx, w.clock.now().UnixMilli(), audit.Actor{Practice: w.clinic.ID, Role: audit.Staff, Person: who}, audit.ConsentsExported, "")))
		}
	}
	export := func(n int) { exports(cleo.ID, n) }
	export(4)
	w.must(w.hub.GrowLogs(w.ctx))
	w.clock.advance(8 * oneDay)
	w.wantAlerts(sam, "long ago")
	export(600) // more than are read at once
	w.wantAlerts(sam, "more than three times as many", "export "+cleo.ID)
	search, err := w.store.LogSearch(w.ctx, w.clinic.ID)
	w.must(err)
	if err := w.store.SaveLogSearch(w.ctx, w.clinic.ID, search.Position-1, search, nil); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("behind another hub: %v", err)
	}

	// An entry that comes after the head was read is looked at by the next search,
	// and once: one export more than these would be unusual.
	late := w.member("max", "nurse").Person.ID
	exports(late, 2)
	comes := func() {
		exports(late, 1)
		w.must(w.hub.GrowLogs(w.ctx))
	}
	w.store.meanwhile.Store(&comes)
	w.wantAlerts(sam, "one comes meanwhile", "export "+cleo.ID)
	w.wantAlerts(sam, "and is searched", "export "+cleo.ID)
	exports(late, 1)
	w.wantAlerts(sam, "one more", "export "+cleo.ID, "export "+late)

	w.clinic.keeper.signIn()
	officer, nurse := w.staffAs(w.clinic, "compliance", "robin"), w.staff("dana")
	var all api.Alerts
	officer.asks("GET /v1/admin/alerts", nil, &all, http.StatusOK)
	if len(all.Alerts) != 2 {
		t.Errorf("over HTTP: %+v", all)
	}
	nurse.asks("GET /v1/admin/alerts", nil, nil, http.StatusForbidden)
	officer.asks("POST /v1/admin/alerts/"+all.Alerts[0].ID+"/review", api.ReviewAlert{Verdict: "fine"}, nil, http.StatusUnprocessableEntity)
	officer.asks("POST /v1/admin/alerts/"+all.Alerts[0].ID+"/review", api.ReviewAlert{Verdict: "fine", Note: "asked for"}, nil, http.StatusOK)
	var watch api.PatientWatch
	officer.asks("POST /v1/admin/patient-watches", api.NewPatientWatch{Patient: w.patient().person, Reason: "known"}, &watch, http.StatusOK)
	nurse.asks("DELETE /v1/admin/patient-watches/"+watch.ID, nil, nil, http.StatusForbidden)
	officer.asks("DELETE /v1/admin/patient-watches/"+watch.ID, nil, nil, http.StatusNoContent)
}
