package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is about patients who write for somebody else (45 CFR 164.502(g)).
// A grant lets a person begin chats about another and go on in those; it opens
// nothing that the other wrote themselves. It ends by itself, at the latest on
// the birthday on which a minor comes of age, or is taken back, and then the
// chats begun by it are not there any more for who began them.

// defaultMajority is the age of majority of a practice that sets none.
const defaultMajority = 18

func (s *Settings) majority() int { return cmp.Or(s.Majority, defaultMajority) }

// comesOfAge is the moment at which somebody born on a day comes of age: the
// beginning of that birthday where the practice is. Who was born on a leap day
// does so on the first of March.
func (s *Settings) comesOfAge(born time.Time) int64 {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return time.Date(born.Year()+s.majority(), born.Month(), born.Day(), 0, 0, 0, 0, zone).UnixMilli()
}

func (r *Relation) active(now int64) bool {
	return r.StartsAt <= now && (r.EndsAt == 0 || now < r.EndsAt)
}

func (r *Relation) covers(queue string) bool {
	return len(r.Queues) == 0 || slices.Contains(r.Queues, queue)
}

func (r *Relation) api(now int64) api.Relation {
	queues := r.Queues
	if queues == nil {
		queues = []string{}
	}
	return api.Relation{
		ID: r.ID, Holder: r.Holder, Subject: r.Subject, Kind: r.Kind, Minor: r.Minor, Queues: queues, StartsAt: r.StartsAt, EndsAt: r.EndsAt, Active: r.active(now),
		Evidence: r.Evidence, GrantedBy: r.GrantedBy, ApprovedBy: r.ApprovedBy, Stated: r.stated(), GrantedAt: r.GrantedAt, EndedBy: r.EndedBy, EndReason: r.EndReason,
	}
}

// GrantRelation lets one patient write for another. It takes a supervisor, or
// somebody who states that a supervisor agreed: that one is told, and the log says
// whose word it was.
func (h *Hub) GrantRelation(ctx context.Context, s *StaffCaller, n api.NewRelation) (api.Relation, error) {
	if err := h.mayStaff(s, policy.Relate, s.practice()); err != nil {
		return api.Relation{}, err
	}
	practice := s.Person.Practice
	approver, err := h.approver(ctx, s, n.Approver)
	if err != nil {
		return api.Relation{}, err
	}
	if _, err := h.personOfKind(ctx, practice, n.Holder, api.KindPatient); err != nil {
		return api.Relation{}, err
	}
	if err := h.checkQueues(ctx, practice, n.Queues); err != nil {
		return api.Relation{}, err
	}
	now := h.millis()
	r := Relation{
		ID: NewID("r"), Practice: practice, Holder: n.Holder, Subject: n.Subject, Kind: n.Kind, Queues: n.Queues, Evidence: n.Evidence,
		StartsAt: now, GrantedBy: s.Person.ID, ApprovedBy: approver, GrantedAt: now,
	}
	if r.Minor, err = grantsMinor(&n); err != nil {
		return api.Relation{}, err
	}
	if r.EndsAt, err = h.grantEnds(ctx, practice, n, now); err != nil {
		return api.Relation{}, err
	}
	var subject *Person
	if n.Subject == "" {
		subject = &Person{ID: NewID("p"), Practice: practice, Kind: api.KindPatient, Role: string(policy.Patient), CreatedAt: now}
		r.Subject = subject.ID
	} else if _, err := h.personOfKind(ctx, practice, n.Subject, api.KindPatient); err != nil {
		return api.Relation{}, err
	}
	if r.Subject == r.Holder {
		return api.Relation{}, malformed("subject")
	}
	agreed := "approved="
	if r.stated() {
		agreed = "stated="
	}
	granted := h.event(ctx, s, audit.RelationGranted, r.ID).Of(r.Subject).With(fmt.Sprintf("kind=%s,minor=%t,%s%s", r.Kind, r.Minor, agreed, approver)).Because(r.Evidence, "")
	if err := h.making(ctx, granted).AddRelation(ctx, r, subject); err != nil {
		return api.Relation{}, at("store relation", err)
	}
	if r.stated() {
		h.notify(ctx, Notice{Practice: practice, Persons: []string{approver}, Event: api.Event{Type: api.EventEmergency}})
	}
	return r.api(now), nil
}

// statedShown is how long who is said to have agreed to a grant is told of it.
const statedShown = 7 * 24 * time.Hour

// stated reports whether it is the granter's word alone that another agreed.
func (r *Relation) stated() bool { return r.ApprovedBy != r.GrantedBy }

// statedGrants are the standing grants of which others said lately that p agreed.
func (h *Hub) statedGrants(ctx context.Context, p *Person) ([]api.StatedGrant, error) {
	out := []api.StatedGrant{}
	if !h.policy.May(p.principal(), policy.Agree, &policy.Resource{Practice: p.Practice}) {
		return out, nil
	}
	now := h.millis()
	all, err := h.store.RelationsStated(ctx, p.Practice, p.ID, now-statedShown.Milliseconds(), now)
	if err != nil {
		return nil, at("load stated grants", err)
	}
	for _, r := range all {
		by, err := h.store.Person(ctx, p.Practice, r.GrantedBy)
		if err != nil {
			return nil, at("load who granted", err)
		}
		out = append(out, api.StatedGrant{Relation: r.api(now), By: by.Name})
	}
	return out, nil
}

// approver returns who answers for a grant: the caller, if policy lets them
// alone, or another who may and of whom the caller says that they agreed.
func (h *Hub) approver(ctx context.Context, s *StaffCaller, other string) (string, error) {
	if other == "" {
		return s.Person.ID, h.mayStaff(s, policy.Agree, s.practice())
	}
	if !validID("p", other) {
		return "", malformed("approver")
	}
	p, err := h.store.Person(ctx, s.Person.Practice, other)
	if errors.Is(err, ErrNotFound) {
		return "", malformed("approver")
	} else if err != nil {
		return "", err
	}
	if p.DisabledAt != 0 || !h.policy.May(p.principal(), policy.Agree, s.practice()) {
		return "", malformed("approver")
	}
	return p.ID, nil
}

// grantsMinor reports whether a new grant is for a minor: as staff say, and else by
// what the holder is to the other. A parent's is for nobody else.
func grantsMinor(n *api.NewRelation) (bool, error) {
	minor := minorBy(n.Age, n.Kind) || n.Age == "" && n.Born != ""
	switch {
	case n.Kind == "parent" && !minor:
		return false, malformed("age")
	case minor != (n.Born != ""): // a minor's has an end, and nobody else's birthday is asked for
		return false, malformed("born")
	}
	return minor, nil
}

// minorBy is what is said of the other's age, or else follows from what one is
// to them.
func minorBy(age, kind string) bool {
	return age == "minor" || age == "" && (kind == "parent" || kind == "guardian")
}

// grantEnds is when a new grant ends. A minor's cannot be without end.
func (h *Hub) grantEnds(ctx context.Context, practice string, n api.NewRelation, now int64) (int64, error) {
	ends := n.EndsAt
	if n.Born != "" {
		born, err := time.Parse(time.DateOnly, n.Born)
		if err != nil {
			return 0, malformed("born")
		}
		p, err := h.practice(ctx, practice)
		if err != nil {
			return 0, err
		}
		if birthday := p.comesOfAge(born); ends == 0 || birthday < ends {
			ends = birthday
		}
	}
	if ends != 0 && ends <= now {
		return 0, malformed("ends_at")
	}
	return ends, nil
}

// EndRelation takes a grant back, at once. To who may not, one that is not there
// is as one that is.
func (h *Hub) EndRelation(ctx context.Context, s *StaffCaller, id string, n api.EndRelation) (api.Relation, error) {
	refused := h.mayStaff(s, policy.EndGrant, s.practice())
	r, err := Relation{}, ErrNotFound
	if validID("r", id) {
		r, err = h.store.Relation(ctx, s.Person.Practice, id)
	}
	if refused != nil && (err != nil || !h.mayEndByChat(ctx, s, &r)) {
		return api.Relation{}, refused
	}
	if err != nil {
		return api.Relation{}, err
	}
	now := h.millis()
	ended := h.event(ctx, s, audit.RelationEnded, id).Of(r.Subject).Because(n.Reason, "")
	r, err = h.store.Recording(ended).EndRelation(ctx, s.Person.Practice, id, s.Person.ID, n.Reason, now)
	if err != nil {
		return api.Relation{}, err
	}
	if err := h.settle(ctx, r); err != nil { // it is in force all the same; the sweep tries again
		h.log.WarnContext(ctx, "chats of an ended grant are still open", slog.String("relation", id))
	}
	return r.api(now), nil
}

// mayEndByChat reports whether a staff person takes part in a chat by which they
// may end a grant.
func (h *Hub) mayEndByChat(ctx context.Context, s *StaffCaller, r *Relation) bool {
	var persons []string
	for _, p := range []string{r.Holder, r.Subject} {
		same, _, err := h.aliases(ctx, r.Practice, p)
		if err != nil {
			return false
		}
		persons = append(persons, same...)
	}
	vs, _, _, err := h.store.ListConversations(ctx, ConversationQuery{
		Practice: r.Practice, Patients: persons, Participant: s.Person.ID, Order: ByLast, Limit: api.MaxConversationsPage,
	})
	return err == nil && slices.ContainsFunc(vs, func(v Conversation) bool { return h.mayStaff(s, policy.EndGrant, h.about(&v)) == nil })
}

// settleRelations carries out grants that have ended by themselves.
func (h *Hub) settleRelations(ctx context.Context) error {
	const most = 100
	ended, err := h.store.EndedRelations(ctx, h.millis(), most)
	if err != nil {
		return at("load ended grants", err)
	}
	for _, r := range ended {
		if err := h.settle(ctx, r); err != nil {
			return at("carry out the end of a grant", err)
		}
	}
	return nil
}

// settle closes the chats that were begun by a grant and has who began them
// taken out of the groups. That a grant ended by itself is recorded with it, once,
// whichever hub is the first.
func (h *Hub) settle(ctx context.Context, r Relation) error {
	cursor := ""
	for {
		vs, next, _, err := h.store.ListConversations(ctx, ConversationQuery{Practice: r.Practice, Relation: r.ID, Order: ByCreated, Cursor: cursor, Limit: api.MaxConversationsPage})
		if err != nil {
			return err
		}
		for _, v := range vs {
			if err := h.takeOutPatient(ctx, v, true); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	store := h.store
	if r.EndedBy == "" {
		store = h.store.Recording(h.event(ctx, itself(r.Practice), audit.RelationEnded, r.ID).Of(r.Subject).Because("lapsed", ""))
	}
	if err := store.SettleRelation(ctx, r.Practice, r.ID); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// takeOutPatient has the patient's side taken out of a group.
func (h *Hub) takeOutPatient(ctx context.Context, before Conversation, closing bool) error {
	now := h.millis()
	kind := audit.ConversationLeft
	if closing && before.State != api.StateClosed {
		kind = audit.ConversationClosed
	}
	done := h.event(ctx, itself(before.Practice), kind, "").In(before.ID, before.Patient).Because("relation-ended", "")
	v, err := h.store.Recording(done).UpdateConversation(ctx, before.Practice, before.ID, func(v *Conversation) error {
		v.want(v.Patient, false)
		if closing && v.State != api.StateClosed {
			v.end("", now)
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.moved(ctx, &before, &v)
	return nil
}

// moved tells everybody that a conversation is another now.
func (h *Hub) moved(ctx context.Context, before, after *Conversation) {
	h.keepFrom(ctx, before, after)
	if err := h.summariseIt(ctx, *after); err != nil {
		h.log.WarnContext(ctx, "conversation not announced", slog.String("conversation", after.ID))
	}
	h.proposeRemovals(ctx, after.Practice, after.ID)
	h.ringKeeper(ctx, after.Practice)
	h.lineMoved(ctx, before, after)
}

// keepFrom pushes no more to the devices of whoever writes for somebody else and
// may no longer, or again to those of who may: until the keeper has taken them
// out they could read what is said.
func (h *Hub) keepFrom(ctx context.Context, before, after *Conversation) {
	n := Notice{Practice: after.Practice, Conversation: after.ID}
	switch was, is := h.about(before).PastGrant, h.about(after).PastGrant; {
	case is:
		n.Left = after.patientDevices()
	case was:
		n.Joined = after.patientDevices()
	default:
		return
	}
	h.notify(ctx, n)
}

// seat pushes what is said in a conversation to the devices in the group whose
// person is wanted there, and nothing to the others: the keeper has yet to take
// them out, and they have the keys until then. It goes by the conversation as it
// is now, which may be later than v, and one after the other, so that the last
// word is the newest.
func (h *Hub) seat(ctx context.Context, v *Conversation) {
	ctx = context.WithoutCancel(ctx)
	defer h.locks.lock("seats " + v.ID)()
	if now, err := h.store.Conversation(ctx, v.Practice, v.ID); err == nil {
		v = &now
	}
	n := Notice{Practice: v.Practice, Conversation: v.ID}
	for _, m := range v.Members {
		switch {
		case !v.wants(m.Person):
			n.Left = append(n.Left, m.Device)
		case m.Person != v.Patient: // of the patient's side a grant decides: see keepFrom
			n.Joined = append(n.Joined, m.Device)
		}
	}
	if len(n.Left)+len(n.Joined) != 0 {
		h.notify(ctx, n)
	}
}

// OwnRelations lists for whom the calling patient may write now.
func (h *Hub) OwnRelations(ctx context.Context, c *Caller) (api.OwnRelations, error) {
	if err := h.mayInPractice(c, policy.Begin); err != nil {
		return api.OwnRelations{}, err
	}
	all, err := h.store.RelationsOf(ctx, c.Device.Practice, []string{c.Device.Person})
	if err != nil {
		return api.OwnRelations{}, err
	}
	now := h.millis()
	own := api.OwnRelations{Relations: []api.Relation{}}
	for _, r := range all {
		if r.Holder == c.Device.Person && r.active(now) {
			shown := r.api(now)
			shown.Evidence, shown.GrantedBy, shown.ApprovedBy, shown.EndedBy = "", "", "", ""
			shown.Stated = false
			own.Relations = append(own.Relations, shown)
		}
	}
	return own, nil
}

// writesFor notes in a new conversation that it is about somebody else, and the
// grant by which: the one that is named, or the only one that fits. A grant that
// is another's, or over, or for other queues is as if it were not there.
func (h *Hub) writesFor(ctx context.Context, c *Caller, v *Conversation, f *api.WritingFor) error {
	if f == nil {
		return nil
	}
	v.WritesFor, v.ForMinor = f.Kind, minorBy(f.Age, f.Kind)
	all, err := h.store.RelationsOf(ctx, v.Practice, []string{c.Device.Person})
	if err != nil {
		return at("load relations", err)
	}
	var granted []Relation
	for _, r := range all {
		if r.Holder == c.Device.Person && r.active(h.millis()) && r.covers(v.Queue) && (f.Relation == r.ID || f.Relation == "" && r.Kind == f.Kind) {
			granted = append(granted, r)
		}
	}
	switch {
	case len(granted) == 1:
		v.WritesFor, v.Relation = granted[0].Kind, granted[0].ID
		v.ForMinor = granted[0].Minor || f.Age == "minor"
	case f.Relation != "":
		return ErrNotFound
	}
	return nil
}

// Hide keeps a conversation from whoever writes for somebody else in it, or no
// longer.
func (h *Hub) Hide(ctx context.Context, s *StaffCaller, id string, hide bool) (api.Conversation, error) {
	before, err := h.staffConversation(ctx, s, id, policy.Know)
	if err != nil {
		return api.Conversation{}, err
	}
	if err := h.mayStaff(s, policy.Hide, h.about(&before)); err != nil {
		return api.Conversation{}, err
	}
	if before.WritesFor == "" {
		return api.Conversation{}, ErrConflict
	}
	kind := audit.ChatHidden
	if !hide {
		kind = audit.ChatShown
	}
	v, err := h.store.Recording(h.event(ctx, s, kind, "").In(id, before.Patient)).UpdateConversation(ctx, before.Practice, id, func(v *Conversation) error {
		v.Confidential = hide
		v.want(v.Patient, !h.about(v).PastGrant)
		return nil
	})
	if err != nil {
		return api.Conversation{}, err
	}
	h.moved(ctx, &before, &v)
	return h.describe(ctx, v)
}

// staffConversation loads one to which a signed-in staff person may do one of
// the actions. Any other is as if it were not there, but that they tried is
// recorded.
func (h *Hub) staffConversation(ctx context.Context, s *StaffCaller, id string, actions ...policy.Action) (Conversation, error) {
	if !validID("c", id) {
		return Conversation{}, ErrNotFound
	}
	v, err := h.store.Conversation(ctx, s.Person.Practice, id)
	if err != nil {
		return Conversation{}, err
	}
	about := h.about(&v)
	if !slices.ContainsFunc(actions, func(a policy.Action) bool { return h.mayStaff(s, a, about) == nil }) {
		return Conversation{}, errHidden
	}
	return v, nil
}

// HoldBack records that a staff person sent, all the same, what their device
// took for health information.
func (h *Hub) HoldBack(ctx context.Context, s *StaffCaller, id string, n api.HoldBack) error {
	v, err := h.staffConversation(ctx, s, id, policy.Know)
	if err != nil {
		return err
	}
	if err := h.mayStaff(s, policy.Send, h.about(&v)); err != nil {
		return err
	}
	known := []string{"ssn", "card", "record", "birth-date", "phone", "email", "diagnosis", "medicine", "result", "attachment"}
	var kinds string
	for _, k := range n.Kinds {
		if !slices.Contains(known, k) {
			return malformed("kinds")
		}
		kinds += "," + k
	}
	confirmed := h.event(ctx, s, audit.SentAllTheSame, NewID("b")).In(v.ID, v.Patient).With("found="+kinds[1:]).Because(n.Reason, "")
	if err := h.once(ctx, confirmed.Object).Record(ctx, confirmed); err != nil {
		return at("record a confirmation", err)
	}
	return nil
}
