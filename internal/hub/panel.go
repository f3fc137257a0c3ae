package hub

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is what staff see of a patient beside a chat, and how two persons
// are said to be one. Nothing is ever joined by itself, and nothing is
// rewritten: a link stands beside what it links, and without it all is as it
// was.

// mostLinked bounds how many persons can be one.
const mostLinked = 20

// aliases are all persons that standing links say are the same, and the links
// of any of them.
func (h *Hub) aliases(ctx context.Context, practice, person string) (persons []string, links []PersonLink, err error) {
	persons = []string{person}
	for {
		if links, err = h.store.PersonLinksOf(ctx, practice, persons); err != nil {
			return nil, nil, at("load links of persons", err)
		}
		before := len(persons)
		for _, l := range links {
			for _, p := range []string{l.Person, l.Other} {
				if l.UndoneAt == 0 && !slices.Contains(persons, p) {
					persons = append(persons, p)
				}
			}
		}
		if len(persons) == before {
			return persons, links, nil
		}
	}
}

func (l *PersonLink) api() api.PersonLink {
	return api.PersonLink{ID: l.ID, Person: l.Person, Other: l.Other, Reason: l.Reason, LinkedBy: l.LinkedBy, LinkedAt: l.LinkedAt, UndoneBy: l.UndoneBy, UndoneAt: l.UndoneAt, UndoneFor: l.UndoneFor}
}

// LinkPersons says that two persons are one.
func (h *Hub) LinkPersons(ctx context.Context, s *StaffCaller, n api.NewPersonLink) (api.PersonLink, error) {
	if err := h.mayStaff(s, policy.Unite, s.practice()); err != nil {
		return api.PersonLink{}, err
	}
	if n.Reason == "" {
		return api.PersonLink{}, malformed("reason")
	}
	for _, id := range []string{n.Person, n.Other} {
		if _, err := h.personOfKind(ctx, s.Person.Practice, id, api.KindPatient); err != nil {
			return api.PersonLink{}, err
		}
	}
	same, _, err := h.aliases(ctx, s.Person.Practice, n.Person)
	if err != nil {
		return api.PersonLink{}, err
	}
	others, _, err := h.aliases(ctx, s.Person.Practice, n.Other)
	if err != nil {
		return api.PersonLink{}, err
	}
	if slices.Contains(same, n.Other) || len(same)+len(others) > mostLinked {
		return api.PersonLink{}, ErrConflict
	}
	l := PersonLink{
		ID: NewID("l"), Practice: s.Person.Practice, Person: min(n.Person, n.Other), Other: max(n.Person, n.Other), Reason: n.Reason,
		LinkedBy: s.Person.ID, LinkedAt: h.millis(),
	}
	linked := h.event(ctx, s, audit.PersonsLinked, l.ID).Of(l.Person).About(l.Other).With("other="+l.Other).Because(l.Reason, "")
	if err := h.making(ctx, linked).AddPersonLink(ctx, l); err != nil {
		return api.PersonLink{}, err
	}
	return l.api(), nil
}

// UnlinkPersons undoes it, and says why.
func (h *Hub) UnlinkPersons(ctx context.Context, s *StaffCaller, id, reason string) (api.PersonLink, error) {
	if err := h.mayStaff(s, policy.Unite, s.practice()); err != nil {
		return api.PersonLink{}, err
	}
	if !validID("l", id) {
		return api.PersonLink{}, ErrNotFound
	}
	if reason == "" {
		return api.PersonLink{}, malformed("reason")
	}
	l, err := h.store.PersonLink(ctx, s.Person.Practice, id)
	if err != nil {
		return api.PersonLink{}, err
	}
	undone := h.event(ctx, s, audit.PersonsUnlinked, id).Of(l.Person).About(l.Other).Because(reason, "")
	l, err = h.store.Recording(undone).UndoPersonLink(ctx, s.Person.Practice, id, s.Person.ID, reason, h.millis())
	return l.api(), err
}

// PersonLinks lists who was said to be one with whom, by whom, when and why.
func (h *Hub) PersonLinks(ctx context.Context, s *StaffCaller, q PersonLinkQuery, cursor string) (api.PersonLinks, error) {
	if err := h.mayStaff(s, policy.Unite, s.practice()); err != nil {
		return api.PersonLinks{}, err
	}
	if q.Person != "" && !validID("p", q.Person) {
		return api.PersonLinks{}, malformed("person")
	}
	if cursor != "" {
		at, id, ok := strings.Cut(cursor, ".")
		before, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || !validID("l", id) {
			return api.PersonLinks{}, malformed("cursor")
		}
		q.Before, q.BeforeID = before, id
	}
	q.Practice, q.Limit = s.Person.Practice, api.MaxPersonLinksPage+1
	all, err := h.store.ListPersonLinks(ctx, q)
	if err != nil {
		return api.PersonLinks{}, at("list links of persons", err)
	}
	out := api.PersonLinks{Links: []api.PersonLink{}, Staff: []api.Person{}}
	if len(all) > api.MaxPersonLinksPage {
		all = all[:api.MaxPersonLinksPage]
		last := all[len(all)-1]
		out.Next = strconv.FormatInt(last.LinkedAt, 10) + "." + last.ID
	}
	var staff []string
	for _, l := range all {
		out.Links = append(out.Links, l.api())
		staff = append(staff, l.LinkedBy, l.UndoneBy)
	}
	known, err := h.persons(ctx, s.Person.Practice, staff)
	if err != nil {
		return api.PersonLinks{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		out.Staff = append(out.Staff, h.person(known[id]))
	}
	return out, h.store.Record(ctx, h.event(ctx, s, audit.PersonLinksListed, ""))
}

// PatientPanel is what is known of the patient of a conversation, for who takes
// part in it.
func (h *Hub) PatientPanel(ctx context.Context, s *StaffCaller, conversation string) (api.PatientPanel, error) {
	v, err := h.staffConversation(ctx, s, conversation, policy.CheckIdentity)
	if err != nil {
		return api.PatientPanel{}, err
	}
	pr, err := h.practice(ctx, v.Practice)
	if err != nil {
		return api.PatientPanel{}, err
	}
	out := api.PatientPanel{
		Person: v.Patient, Links: []api.PersonLink{}, Relations: []api.Relation{}, Chats: []api.PastChat{}, Approvers: []api.Person{},
		Invitations: []api.StaffInvitation{}, MayLink: h.mayStaff(s, policy.Unite, s.practice()) == nil, MayGrant: true, Majority: pr.majority(),
	}
	var links []PersonLink
	if out.Persons, links, err = h.aliases(ctx, v.Practice, v.Patient); err != nil {
		return api.PatientPanel{}, err
	}
	for _, l := range links {
		out.Links = append(out.Links, l.api())
	}
	if err := h.panelRelations(ctx, v.Practice, &out); err != nil {
		return api.PatientPanel{}, err
	}
	if err := h.panelChats(ctx, s, v.Practice, &out); err != nil {
		return api.PatientPanel{}, err
	}
	if h.mayStaff(s, policy.Agree, s.practice()) != nil {
		if out.Approvers, err = h.approvers(ctx, s); err != nil {
			return api.PatientPanel{}, err
		}
	}
	seen := h.event(ctx, s, audit.PatientSeen, v.Patient).In(v.ID, v.Patient)
	return out, h.store.Record(ctx, seen)
}

func (h *Hub) panelRelations(ctx context.Context, practice string, out *api.PatientPanel) error {
	all, err := h.store.RelationsOf(ctx, practice, out.Persons)
	if err != nil {
		return at("load relations", err)
	}
	now := h.millis()
	for _, r := range all {
		out.Relations = append(out.Relations, r.api(now))
	}
	return nil
}

// panelChats lists the chats of all that are this person, and counts those of
// which the caller may not know.
func (h *Hub) panelChats(ctx context.Context, s *StaffCaller, practice string, out *api.PatientPanel) error {
	vs, _, total, err := h.store.ListConversations(ctx, ConversationQuery{Practice: practice, Patients: out.Persons, Order: ByLast, Limit: api.MaxConversationsPage})
	if err != nil {
		return at("list chats", err)
	}
	out.Hidden = total - len(vs)
	var ids []string
	for _, v := range vs {
		if h.mayStaff(s, policy.Know, h.about(&v)) != nil {
			out.Hidden++
			continue
		}
		ids = append(ids, v.ID)
		out.Chats = append(out.Chats, api.PastChat{
			ID: v.ID, Person: v.Patient, Queue: v.Queue, State: v.State, CreatedAt: v.CreatedAt, LastAt: v.LastAt, For: v.WritesFor, Minor: v.ForMinor, Relation: v.Relation, Confidential: v.Confidential,
		})
	}
	invitations, err := h.store.InvitationsTo(ctx, practice, ids)
	if err != nil {
		return at("load invitations", err)
	}
	for _, i := range invitations {
		out.Invitations = append(out.Invitations, i.api(h.millis()))
	}
	return nil
}

// approvers are who may agree to a grant.
func (h *Hub) approvers(ctx context.Context, s *StaffCaller) ([]api.Person, error) {
	staff, err := h.store.PersonsOfKind(ctx, s.Person.Practice, api.KindStaff)
	if err != nil {
		return nil, at("list staff", err)
	}
	all := []api.Person{}
	for _, p := range staff {
		if p.DisabledAt == 0 && h.policy.May(p.principal(), policy.Agree, s.practice()) {
			all = append(all, h.person(p))
		}
	}
	slices.SortFunc(all, func(a, b api.Person) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
