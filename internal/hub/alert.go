package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/alert"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file searches the log for what looks like curiosity, tells who answers
// for it, and keeps what they found (45 CFR 164.308(a)(1)(ii)(D); T42). What is
// looked for is package alert's.

const (
	searchBatch = 500
	// searchMost bounds one call: what is left waits for the next.
	searchMost = 20_000
	// alertDue is until when somebody should have looked.
	alertDue = 72 * time.Hour
	// alertFresh is how old a thing can be and still raise an alert: what is
	// older, as when a log is searched for the first time, only teaches what is
	// usual.
	alertFresh  = 7 * 24 * time.Hour
	alertsShown = 400 * 24 * time.Hour
	mostAlerts  = 500 // listed at once
	mostWatched = 200 // patients of a practice
	// knownFor is how long who answered a patient has to do with them.
	knownFor = 180 * 24 * time.Hour
	// alertForgets is how long habits of who does nothing are kept.
	alertForgets = 60 * 24 * time.Hour
)

// SearchLogs searches what is new in the logs of all practices. Call it every
// few seconds; several hubs may. A log that cannot be searched holds up no other:
// the errors of all are joined.
func (h *Hub) SearchLogs(ctx context.Context) error {
	all, err := h.Practices(ctx)
	if err != nil {
		return err
	}
	var failed error
	for i := range all {
		if err := h.searchLog(ctx, &all[i]); err != nil && !errors.Is(err, ErrConflict) { // another hub did it
			failed = errors.Join(failed, at("search the audit log", err))
		}
	}
	return failed
}

func (h *Hub) searchLog(ctx context.Context, p *Practice) error {
	head, err := h.store.LogHead(ctx, p.ID)
	if err != nil {
		return err
	}
	search, err := h.store.LogSearch(ctx, p.ID)
	if err != nil || search.Position >= head.Size {
		return err
	}
	set, err := h.searchSetting(ctx, p)
	if err != nil {
		return err
	}
	var state alert.State
	if len(search.State) > 0 {
		if err := json.Unmarshal(search.State, &state); err != nil {
			return fmt.Errorf("read what is remembered: %w", err)
		}
	}
	before, found := search.Position, []Alert(nil)
	for last := min(head.Size, before+searchMost); search.Position < last; {
		end := min(search.Position+searchBatch, last)
		entries, err := h.store.LogRange(ctx, p.ID, search.Position, searchBatch)
		if err != nil {
			return err
		}
		for i := range entries {
			if entries[i].Leaf >= end { // it came meanwhile, or one before it is gone
				break
			}
			alerts, err := state.Look(set, entries[i].Leaf, &entries[i].Event)
			if err != nil {
				return err
			}
			found = append(found, h.toRaise(p.ID, alerts)...)
		}
		search.Position = end
	}
	state.Forget(h.now().Add(-alertForgets).In(set.Zone))
	if search.State, err = json.Marshal(state); err != nil {
		return err
	}
	return h.raiseAlerts(ctx, p.ID, before, search, found)
}

// toRaise are the alerts that are of now.
func (h *Hub) toRaise(practice string, alerts []alert.Alert) (found []Alert) {
	now := h.now()
	for _, a := range alerts {
		if a.At >= now.Add(-alertFresh).UnixMilli() {
			found = append(found, Alert{ID: NewID("a"), Practice: practice, Alert: a, RaisedAt: now.UnixMilli()})
		}
	}
	return found
}

// raiseAlerts keeps how far the log was searched, with what was found, and tells who
// answers for it.
func (h *Hub) raiseAlerts(ctx context.Context, practice string, before int64, search LogSearch, found []Alert) error {
	var raised []audit.Event
	for _, a := range found {
		raised = append(raised, h.event(ctx, itself(practice), audit.AlertRaised, a.ID).About(a.Person).Of(a.Patient).With("rule="+string(a.Rule)))
	}
	if err := h.store.Recording(raised...).SaveLogSearch(ctx, practice, before, search, found); err != nil || len(found) == 0 {
		return err
	}
	told, err := h.alertReviewers(ctx, practice)
	if err != nil {
		return err
	}
	h.notify(ctx, Notice{Practice: practice, Persons: told, Event: api.Event{Type: api.EventEmergency}})
	return nil
}

// alertReviewers are who may say what an alert was.
func (h *Hub) alertReviewers(ctx context.Context, practice string) ([]string, error) {
	all, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
	if err != nil {
		return nil, at("load staff", err)
	}
	var may []string
	for i := range all {
		if all[i].DisabledAt == 0 && h.policy.May(all[i].principal(), policy.SignActivity, &policy.Resource{Practice: practice}) {
			may = append(may, all[i].ID)
		}
	}
	return may, nil
}

// searchSetting is what the rules need to know of a practice. Who is said to be
// one with a watched patient is watched too.
func (h *Hub) searchSetting(ctx context.Context, p *Practice) (*alert.Setting, error) {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	set := &alert.Setting{Zone: zone, Open: func(at time.Time) bool { return p.expects(at) }}
	watches, err := h.store.PatientWatches(ctx, p.ID)
	if err != nil {
		return nil, at("load watched patients", err)
	}
	same := make(map[string][]string) // with a watched patient
	for _, w := range watches {
		persons, _, err := h.aliases(ctx, p.ID, w.Patient)
		if err != nil {
			return nil, err
		}
		for _, one := range persons {
			set.Watches = append(set.Watches, alert.Watch{Patient: one, Person: w.Person})
			same[one] = persons
		}
	}
	set.Known = func(person, patient string, leaf int64) (bool, error) {
		for _, one := range same[patient] {
			if known, err := h.dealtWith(ctx, p.ID, person, one, leaf); known || err != nil {
				return known, err
			}
		}
		return false, nil
	}
	return set, nil
}

// expects reports whether staff are expected at work: the practice or one of its
// queues has hours then. One that has none set is at work by day.
func (s *Settings) expects(at time.Time) bool {
	if len(s.Hours) == 0 && len(s.QueueHours) == 0 && !s.AlwaysOpen {
		return 7 <= at.Hour() && at.Hour() < 20
	}
	if s.AlwaysOpen || within(s.Hours, at) {
		return true
	}
	for _, hours := range s.QueueHours {
		if within(hours, at) {
			return true
		}
	}
	return false
}

// dealtWith reports whether a person answered a patient, took their waiting chat,
// or was brought or handed to them, before an entry of the log.
func (h *Hub) dealtWith(ctx context.Context, practice, person, patient string, leaf int64) (bool, error) {
	since := h.now().Add(-knownFor).UnixMilli()
	for _, q := range []LogQuery{
		{Person: person, Kinds: []string{string(audit.FrameSent), string(audit.ConversationTaken)}},
		{Object: person, Kinds: []string{string(audit.ColleagueBrought), string(audit.ConversationMoved)}},
	} {
		q.Practice, q.Patient, q.From, q.Outcome, q.Limit, q.Forward = practice, patient, since, string(audit.Done), 1, true
		found, err := h.store.LogEntries(ctx, q)
		if err != nil {
			return false, at("look for what somebody has to do with a patient", err)
		}
		if len(found) > 0 && found[0].Leaf < leaf {
			return true, nil
		}
	}
	return false, nil
}

// Alerts lists what was found in the log, newest first, and who is watched.
func (h *Hub) Alerts(ctx context.Context, s *StaffCaller) (api.Alerts, error) {
	if err := h.readsAudit(ctx, s, &AuditFilter{}, "alerts"); err != nil {
		return api.Alerts{}, err
	}
	found, err := h.store.Alerts(ctx, s.Person.Practice, h.now().Add(-alertsShown).UnixMilli(), mostAlerts)
	if err != nil {
		return api.Alerts{}, at("list alerts", err)
	}
	watches, err := h.store.PatientWatches(ctx, s.Person.Practice)
	if err != nil {
		return api.Alerts{}, at("list watched patients", err)
	}
	var ids []string
	for i := range found {
		ids = append(ids, found[i].Person, found[i].Reviewer)
	}
	for i := range watches {
		ids = append(ids, watches[i].Person, watches[i].AddedBy)
	}
	people, err := h.persons(ctx, s.Person.Practice, ids)
	if err != nil {
		return api.Alerts{}, err
	}
	out := api.Alerts{Alerts: []api.Alert{}, Watches: []api.PatientWatch{}, MayReview: h.mayStaff(s, policy.SignActivity, s.practice()) == nil}
	for i := range found {
		out.Alerts = append(out.Alerts, h.describeAlert(&found[i], people))
	}
	for _, w := range watches {
		one := api.PatientWatch{ID: w.ID, Patient: w.Patient, Reason: w.Reason, AddedBy: h.person(people[w.AddedBy]), AddedAt: w.AddedAt}
		if w.Person != "" {
			who := h.person(people[w.Person])
			one.Person = &who
		}
		out.Watches = append(out.Watches, one)
	}
	return out, nil
}

func (h *Hub) describeAlert(a *Alert, people map[string]Person) api.Alert {
	due := a.RaisedAt + alertDue.Milliseconds()
	state := a.Verdict
	switch {
	case state == "" && h.millis() > due:
		state = "overdue"
	case state == "":
		state = "open"
	}
	who := h.person(people[a.Person])
	if audit.IsAccount(a.Person) {
		who = api.Person{ID: a.Person, Role: string(audit.Operator), Name: a.Person}
	}
	return api.Alert{
		ID: a.ID, Rule: string(a.Rule), Person: who, Patient: a.Patient, Day: a.Day, At: a.At, Number: a.Leaf, Count: a.Count,
		RaisedAt: a.RaisedAt, DueAt: due, State: state, Note: a.Note, Reviewer: people[a.Reviewer].Name, ReviewedAt: a.ReviewedAt,
	}
}

// ReviewAlert says what an alert was. Nobody reviews one about themselves.
func (h *Hub) ReviewAlert(ctx context.Context, s *StaffCaller, id string, r api.ReviewAlert) (api.Alert, error) {
	if err := h.mayStaff(s, policy.SignActivity, s.practice()); err != nil {
		return api.Alert{}, err
	}
	if r.Verdict != VerdictFine && r.Verdict != VerdictLook {
		return api.Alert{}, malformed("verdict")
	}
	note := strings.TrimSpace(r.Note)
	if note == "" {
		return api.Alert{}, malformed("note")
	}
	if !validID("a", id) {
		return api.Alert{}, ErrNotFound
	}
	reviewed := h.event(ctx, s, audit.AlertReviewed, id).Because(r.Verdict, id)
	a, err := h.store.Recording(reviewed).ReviewAlert(ctx, s.Person.Practice, id, AlertReview{
		Verdict: r.Verdict, Note: note, Reviewer: s.Person.ID, ReviewedAt: h.millis(),
	})
	if err != nil {
		return api.Alert{}, err
	}
	people, err := h.persons(ctx, a.Practice, []string{a.Person, a.Reviewer})
	return h.describeAlert(&a, people), err
}

// WatchPatient has the log searched for who sees a patient.
func (h *Hub) WatchPatient(ctx context.Context, s *StaffCaller, n api.NewPatientWatch) (api.PatientWatch, error) {
	if err := h.mayStaff(s, policy.SignActivity, s.practice()); err != nil {
		return api.PatientWatch{}, err
	}
	if _, err := h.personOfKind(ctx, s.Person.Practice, n.Patient, api.KindPatient); err != nil {
		return api.PatientWatch{}, err
	}
	out := api.PatientWatch{ID: NewID("w"), Patient: n.Patient, Reason: n.Reason, AddedBy: h.person(s.Person), AddedAt: h.millis()}
	if n.Person != "" {
		who, err := h.personOfKind(ctx, s.Person.Practice, n.Person, api.KindStaff)
		if err != nil {
			return api.PatientWatch{}, err
		}
		described := h.person(who)
		out.Person = &described
	}
	all, err := h.store.PatientWatches(ctx, s.Person.Practice)
	if err != nil {
		return api.PatientWatch{}, at("load watched patients", err)
	}
	if len(all) >= mostWatched {
		return api.PatientWatch{}, ErrConflict
	}
	begun := h.event(ctx, s, audit.WatchBegun, out.ID).About(n.Person).Of(n.Patient).Because(n.Reason, "")
	return out, h.making(ctx, begun).AddPatientWatch(ctx, PatientWatch{
		ID: out.ID, Practice: s.Person.Practice, Watch: alert.Watch{Patient: n.Patient, Person: n.Person}, Reason: n.Reason, AddedBy: s.Person.ID, AddedAt: out.AddedAt,
	})
}

// EndPatientWatch ends it: what is in the log stays there.
func (h *Hub) EndPatientWatch(ctx context.Context, s *StaffCaller, id string) error {
	if err := h.mayStaff(s, policy.SignActivity, s.practice()); err != nil {
		return err
	}
	if !validID("w", id) {
		return ErrNotFound
	}
	w, err := h.store.PatientWatch(ctx, s.Person.Practice, id)
	if err != nil {
		return err
	}
	if w.Person == s.Person.ID { // who is to stay away does not end it
		return ErrForbidden
	}
	ended := h.event(ctx, s, audit.WatchEnded, id).About(w.Person).Of(w.Patient)
	return h.store.Recording(ended).EndPatientWatch(ctx, s.Person.Practice, id)
}

// alertsFor counts the alerts at which nobody has looked and p may.
func (h *Hub) alertsFor(ctx context.Context, p *Person) (int, error) {
	if !h.policy.May(p.principal(), policy.SignActivity, &policy.Resource{Practice: p.Practice}) {
		return 0, nil
	}
	n, err := h.store.CountOpenAlerts(ctx, p.Practice, p.ID)
	if err != nil {
		return 0, at("count alerts", err)
	}
	return n, nil
}

// An AlertState counts a practice's alerts at which nobody has looked, those of
// them that are late, and the entries of its log that were not searched yet.
type AlertState struct {
	Open, Late int
	Unsearched int64
}

// AlertState tells, as of now, for who runs the hub.
func (h *Hub) AlertState(ctx context.Context, practice string, now int64) (s AlertState, err error) {
	head, err := h.store.LogHead(ctx, practice)
	if err != nil {
		return s, at("load the log's head", err)
	}
	search, err := h.store.LogSearch(ctx, practice)
	if err != nil {
		return s, at("load how far the log was searched", err)
	}
	s.Unsearched = head.Size - search.Position
	open, err := h.store.OpenAlerts(ctx, practice)
	if err != nil {
		return s, at("load alerts", err)
	}
	s.Open = len(open)
	for i := range open {
		if now > open[i].RaisedAt+alertDue.Milliseconds() {
			s.Late++
		}
	}
	return s, nil
}

// surname is the last word of a name, in which people of one family agree most
// often.
func surname(name string) string {
	words := strings.Fields(strings.ToLower(name))
	if len(words) < 2 {
		return ""
	}
	return words[len(words)-1]
}
