package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is the emergency access procedure (45 CFR 164.312(a)(2)(ii)): a
// clinician goes into a chat that is closed to them, for a reason and an hour,
// in the sight of the patient, and somebody else looks at it afterwards.

const (
	emergencyLife   = time.Hour
	emergencyReview = 72 * time.Hour // until it should have been looked at
	mostEmergencies = 500            // listed at once
	// emergenciesShown is how far back they are listed; the log goes further.
	emergenciesShown = 400 * 24 * time.Hour
	leastWords       = 10  // of a reason
	endedAtOnce      = 100 // in one sweep
)

// BreakGlass lets the caller into a conversation that is closed to them.
func (h *Hub) BreakGlass(ctx context.Context, s *StaffCaller, id string, b api.BreakGlass) (api.Emergency, error) {
	if !validID("c", id) {
		return api.Emergency{}, ErrNotFound
	}
	before, err := h.store.Conversation(ctx, s.Person.Practice, id)
	if err != nil {
		return api.Emergency{}, err
	}
	about := h.about(&before)
	if err := h.mayStaff(s, policy.BreakGlass, about); err != nil {
		if h.mayStaff(s, policy.Know, about) != nil {
			return api.Emergency{}, errHidden
		}
		return api.Emergency{}, err
	}
	switch b.Reason {
	case "danger", "absent", "urgent", "other":
	default:
		return api.Emergency{}, ErrNoReason
	}
	if len([]rune(strings.TrimSpace(b.Words))) < leastWords {
		return api.Emergency{}, ErrNoReason
	}
	if err := h.proved(s); err != nil {
		return api.Emergency{}, err
	}
	now := h.now()
	e := Emergency{
		ID: NewID("e"), Practice: before.Practice, Conversation: id, Queue: before.Queue, Patient: before.Patient, Person: s.Person.ID,
		Reason: b.Reason, Words: strings.TrimSpace(b.Words), OpenedAt: now.UnixMilli(),
		EndsAt: now.Add(emergencyLife).UnixMilli(), DueAt: now.Add(emergencyReview).UnixMilli(),
	}
	opened := h.event(ctx, s, audit.EmergencyOpened, e.ID).In(id, before.Patient).Because(b.Reason, e.ID)
	after, err := h.making(ctx, opened).OpenEmergency(ctx, e, func(v *Conversation) error {
		if err := h.mayStaff(s, policy.BreakGlass, h.about(v)); err != nil { // it may have changed
			return err
		}
		v.wantUrgently(s.Person.ID)
		return nil
	})
	if err != nil {
		return api.Emergency{}, err
	}
	h.log.WarnContext(ctx, "emergency access", slog.String("emergency", e.ID), slog.String("conversation", id), slog.String("person", e.Person))
	h.moved(ctx, &before, &after)
	h.tellOfEmergency(ctx, &e)
	return h.describeEmergency(&e, s.Person), nil
}

// wantUrgently is want for who broke the glass: it makes nobody one who took part.
func (v *Conversation) wantUrgently(person string) {
	if i := slices.IndexFunc(v.Participants, func(p Participant) bool { return p.Person == person }); i >= 0 {
		v.Participants[i].Wanted = true
		return
	}
	v.Participants = append(v.Participants, Participant{Person: person, Wanted: true})
}

// tellOfEmergency has those who are told of e look again, now.
func (h *Hub) tellOfEmergency(ctx context.Context, e *Emergency) {
	reviewers, err := h.reviewers(ctx, e.Practice)
	if err != nil { // they find it when they next ask
		h.log.WarnContext(ctx, "emergency access not announced", slog.String("emergency", e.ID))
		return
	}
	h.notify(ctx, Notice{Practice: e.Practice, Persons: h.toldOf(e, reviewers), Event: api.Event{Type: api.EventEmergency}})
}

// reviewers lists the staff who may review emergency accesses.
func (h *Hub) reviewers(ctx context.Context, practice string) ([]Person, error) {
	all, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
	if err != nil {
		return nil, at("load staff", err)
	}
	return slices.DeleteFunc(all, func(p Person) bool {
		return p.DisabledAt != 0 || !h.policy.May(p.principal(), policy.ReviewEmergency, &policy.Resource{Practice: practice})
	}), nil
}

// toldOf lists which reviewers are told of an emergency access. Where nobody is
// there for its queue, everybody is who may review it: somebody always is.
func (h *Hub) toldOf(e *Emergency, reviewers []Person) []string {
	about := &policy.Resource{Practice: e.Practice, ID: e.Conversation, Queue: e.Queue, Patient: e.Patient}
	var told, could []string
	for _, p := range reviewers {
		if p.ID == e.Person {
			continue
		}
		could = append(could, p.ID)
		if h.policy.May(p.principal(), policy.HearEmergency, about) {
			told = append(told, p.ID)
		}
	}
	if len(told) == 0 {
		return could
	}
	return told
}

// toReview counts what a person has been told of and nobody has judged.
func (h *Hub) toReview(ctx context.Context, p *Person) (int, error) {
	if !h.policy.May(p.principal(), policy.ReviewEmergency, &policy.Resource{Practice: p.Practice}) {
		return 0, nil
	}
	all, err := h.store.UnreviewedEmergencies(ctx, p.Practice)
	if err != nil {
		return 0, at("load emergencies", err)
	}
	if len(all) == 0 {
		return 0, nil
	}
	reviewers, err := h.reviewers(ctx, p.Practice)
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range all {
		if slices.Contains(h.toldOf(&all[i], reviewers), p.ID) {
			n++
		}
	}
	return n, nil
}

// emergencies lists who is in each conversation by an emergency now.
func (h *Hub) emergencies(ctx context.Context, practice string) (map[string][]string, error) {
	all, err := h.store.LastingEmergencies(ctx, practice)
	if err != nil {
		return nil, at("load emergencies", err)
	}
	in := make(map[string][]string, len(all))
	for _, e := range all {
		in[e.Conversation] = append(in[e.Conversation], e.Person)
	}
	return in, nil
}

// EndEmergencies takes out whoever is in by an emergency whose hour is over.
// Call it every few seconds.
func (h *Hub) EndEmergencies(ctx context.Context) error {
	over, err := h.store.EndingEmergencies(ctx, h.millis(), endedAtOnce)
	if err != nil {
		return at("load emergencies", err)
	}
	for _, e := range over {
		if err := h.endEmergency(ctx, e); err != nil {
			return at("end an emergency", err)
		}
	}
	return nil
}

func (h *Hub) endEmergency(ctx context.Context, e Emergency) error {
	now := h.millis()
	before, err := h.store.Conversation(ctx, e.Practice, e.Conversation)
	if err != nil {
		return err
	}
	ended := h.event(ctx, itself(e.Practice), audit.EmergencyEnded, e.ID).In(e.Conversation, e.Patient)
	after, err := h.store.Recording(ended).EndEmergency(ctx, e, now, func(v *Conversation) error {
		return leave(v, &Person{ID: e.Person}, now)
	})
	if errors.Is(err, errNoChange) { // they left before
		_, err = h.store.Recording(ended).EndEmergency(ctx, e, now, nil)
		return err
	}
	if err == nil {
		h.moved(ctx, &before, &after)
	}
	return err
}

// emergencyLeft ends the emergencies of those whom a change has put out, so that
// what they are let into later, as anybody is, lasts. Should that fail, they are
// put out when the hour is over, as they would be without it.
func (h *Hub) emergencyLeft(ctx context.Context, before, after *Conversation) {
	for _, p := range before.Participants {
		if !before.urgent(p.Person) || after.wants(p.Person) {
			continue
		}
		all, err := h.store.LastingEmergencies(ctx, after.Practice)
		for _, e := range all {
			if e.Conversation == after.ID && e.Person == p.Person {
				ended := h.event(ctx, itself(e.Practice), audit.EmergencyEnded, e.ID).In(e.Conversation, e.Patient)
				_, failed := h.store.Recording(ended).EndEmergency(ctx, e, h.millis(), nil)
				err = errors.Join(err, failed)
			}
		}
		if err != nil {
			h.log.WarnContext(ctx, "emergency access not ended", slog.String("conversation", after.ID))
		}
	}
}

// Emergencies lists who broke the glass, for who reviews it.
func (h *Hub) Emergencies(ctx context.Context, s *StaffCaller) (api.Emergencies, error) {
	if err := h.mayStaff(s, policy.ReviewEmergency, s.practice()); err != nil {
		return api.Emergencies{}, err
	}
	all, err := h.store.Emergencies(ctx, s.Person.Practice, h.now().Add(-emergenciesShown).UnixMilli(), mostEmergencies)
	if err != nil {
		return api.Emergencies{}, err
	}
	var ids []string
	for _, e := range all {
		ids = append(ids, e.Person)
	}
	people, err := h.persons(ctx, s.Person.Practice, ids)
	if err != nil {
		return api.Emergencies{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.EmergenciesListed, "")); err != nil {
		return api.Emergencies{}, at("record a read", err)
	}
	out := api.Emergencies{Emergencies: make([]api.Emergency, len(all))}
	for i := range all {
		out.Emergencies[i] = h.describeEmergency(&all[i], people[all[i].Person])
	}
	return out, nil
}

// ReviewEmergency keeps what somebody other than who broke the glass found.
func (h *Hub) ReviewEmergency(ctx context.Context, s *StaffCaller, id string, r api.ReviewEmergency) (api.Emergency, error) {
	if err := h.mayStaff(s, policy.ReviewEmergency, s.practice()); err != nil {
		return api.Emergency{}, err
	}
	if r.Verdict != VerdictFine && r.Verdict != VerdictLook {
		return api.Emergency{}, malformed("verdict")
	}
	if !validID("e", id) {
		return api.Emergency{}, ErrNotFound
	}
	reviewed := h.event(ctx, s, audit.EmergencyReviewed, id).Because(r.Verdict, id)
	e, err := h.store.Recording(reviewed).ReviewEmergency(ctx, s.Person.Practice, id, EmergencyReview{
		Verdict: r.Verdict, Note: strings.TrimSpace(r.Note), Reviewer: s.Person.ID, At: h.millis(),
	})
	if err != nil {
		return api.Emergency{}, err
	}
	p, err := h.store.Person(ctx, e.Practice, e.Person)
	if err != nil {
		return api.Emergency{}, err
	}
	h.tellOfEmergency(ctx, &e)
	return h.describeEmergency(&e, p), nil
}

func (h *Hub) describeEmergency(e *Emergency, who Person) api.Emergency {
	state := e.Verdict
	switch {
	case state == "" && h.millis() > e.DueAt:
		state = "overdue"
	case state == "":
		state = "open"
	}
	return api.Emergency{
		ID: e.ID, Conversation: e.Conversation, Queue: e.Queue, Patient: e.Patient, Person: h.person(who), Reason: e.Reason, Words: e.Words,
		OpenedAt: e.OpenedAt, EndsAt: e.EndsAt, EndedAt: e.EndedAt, DueAt: e.DueAt, State: state, Note: e.Note,
		Reviewer: e.Reviewer, ReviewedAt: e.ReviewedAt,
	}
}
