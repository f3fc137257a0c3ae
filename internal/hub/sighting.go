package hub

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// ways say how somebody got at what a patient said, by the kinds of event that
// say so. What is not here is no way to it.
var ways = map[audit.Kind]string{
	audit.ConversationOpened: "read", audit.FileDownloaded: "file",
	audit.ConversationTaken: "joined", audit.ConversationTakenOver: "joined", audit.ConversationJoined: "joined", audit.MemberRejoined: "joined",
	audit.EmergencyOpened: "emergency", audit.RecordRead: "record",
	audit.PatientSeen: "patient", audit.PatientVerificationRead: "patient",
	audit.ConversationSeen: "state", audit.AuditRead: "log", audit.AccessRead: "log", audit.AuditExported: "log", audit.CallRefused: "tried",
}

// untold are the kinds about a chat, of those that patients are shown of theirs,
// that they are not shown, each with the reason.
var untold = map[audit.Kind]string{
	audit.FrameSent:         "the chat shows each message",
	audit.HandshakeSent:     "the chat shows who came and went by it",
	audit.RemovalProposed:   "member.removed says so once it is done",
	audit.FileDropped:       "nobody got the file",
	audit.EmergencyReviewed: "it judges who went in, which emergency.opened tells",
	audit.DisclosureMade:    "the practice accounts for it when asked, and may have been told to wait with that (45 CFR 164.528(a)(2))",
	audit.DisclosureStruck:  "as disclosure.recorded",
}

// aboutPatients are the kinds that a patient is shown of those about them: who
// got at what they said, what was done with their chats, and what they agreed to.
func aboutPatients() (kinds []audit.Kind) {
	for _, s := range audit.Vocabulary() {
		switch s.Category {
		case audit.Access, audit.Consent, audit.Membership, audit.Export:
			if s.Chat && untold[s.Kind] == "" {
				kinds = append(kinds, s.Kind)
			}
		default:
			if ways[s.Kind] != "" {
				kinds = append(kinds, s.Kind)
			}
		}
	}
	return kinds
}

// sightingsRead is how many events a page of sightings is made from.
const sightingsRead = mostAuditPage

// Sightings lists who saw a patient's messages, for who answers for that. The
// patient is named by their id or by that of a conversation of theirs.
func (h *Hub) Sightings(ctx context.Context, s *StaffCaller, id, cursor string) (api.Sightings, error) {
	p, err := h.mayReadAccess(ctx, s, id, audit.AccessRead, "sightings")
	if err != nil {
		return api.Sightings{}, err
	}
	out, err := h.sightings(ctx, s.Person.Practice, p, cursor)
	out.Persons, out.Chats = p.joined(), p.chats
	return out, err
}

// OwnSightings lists for a patient who saw their messages, and theirs alone:
// that staff linked another person with them proves nothing about who holds this
// device, so the other's chats are not in it, nor what others write for them.
func (h *Hub) OwnSightings(ctx context.Context, c *Caller, cursor string) (api.Sightings, error) {
	if !c.Patient() {
		return api.Sightings{}, ErrForbidden
	}
	if err := h.may(c, policy.OwnAudit, c.Person.resource(false)); err != nil {
		return api.Sightings{}, err
	}
	if err := h.recordOnce(ctx, c, h.event(ctx, c, audit.AccessRead, "").Of(c.Person.ID).With("what=own")); err != nil {
		return api.Sightings{}, err
	}
	return h.sightings(ctx, c.Device.Practice, &reported{patient: c.Person.ID, persons: []string{c.Person.ID}}, cursor)
}

func (h *Hub) sightings(ctx context.Context, practice string, p *reported, cursor string) (api.Sightings, error) {
	q := p.query(practice)
	for k := range ways {
		q.Kinds = append(q.Kinds, string(k))
	}
	page, err := h.auditPage(ctx, q, cursor, sightingsRead)
	if err != nil {
		return api.Sightings{}, err
	}
	var ids []string
	for i := range page.Events {
		ids = append(ids, page.Events[i].Person)
	}
	people, err := h.persons(ctx, practice, ids)
	if err != nil {
		return api.Sightings{}, err
	}
	out := api.Sightings{Patient: p.patient, Sightings: []api.Sighting{}, Next: page.Next}
	for i := range page.Events {
		e := &page.Events[i]
		seen, ok := sighting(e, people[e.Person], p.persons)
		if !ok {
			continue
		}
		if n := len(out.Sightings); n > 0 && again(&out.Sightings[n-1], &seen) {
			last := &out.Sightings[n-1]
			last.Since, last.Times = seen.At, last.Times+1
			continue
		}
		out.Sightings = append(out.Sightings, seen)
	}
	return out, nil
}

// sighting is an event in few words. Who has not shown who they are, and the
// patient who looks at this, by any of their persons, are left out.
func sighting(e *api.AuditEvent, p Person, own []string) (s api.Sighting, ok bool) {
	kind := audit.Kind(e.Kind)
	way := ways[kind]
	switch audit.Outcome(e.Outcome) {
	case audit.Refused:
		way = "tried"
	case audit.Failed:
		return s, false
	}
	s = api.Sighting{At: e.At, Since: e.At, Times: 1, Way: way, Role: e.Role, Person: audit.NoAccount(e.Person), Own: slices.Contains(own, e.Person), Conversation: e.Conversation}
	switch {
	case e.Role == string(audit.Nobody), s.Own && (way == "log" || way == "state" || way == "joined"):
		return s, false
	case p.ID != "" && !s.Own:
		s.Role = p.Role
		if p.Kind == api.KindStaff {
			s.Name = p.Name
		}
	case e.Role == string(audit.Staff):
		s.Role = "" // of somebody who is gone
	}
	return s, true
}

// again reports whether the earlier sighting is the later one over again: the
// same person, way and chat, on the same day (UTC).
func again(later, earlier *api.Sighting) bool {
	return later.Person == earlier.Person && later.Role == earlier.Role && later.Way == earlier.Way &&
		later.Conversation == earlier.Conversation && day(later.At) == day(earlier.At)
}
