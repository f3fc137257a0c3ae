package hub

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// usualLevel is what a queue asks for unless the practice says otherwise.
const usualLevel = proofing.Matched

// QueueLevel is how far the patients of a queue must have shown who they are
// before staff discuss their health.
func (s Settings) QueueLevel(queue string) proofing.Level {
	for _, q := range s.Queues {
		if q.ID == queue && q.Level != "" {
			return proofing.Level(q.Level)
		}
	}
	return usualLevel
}

// OwnVerification says how far the calling patient's device has come.
func (h *Hub) OwnVerification(ctx context.Context, c *Caller) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	practice, now := c.Device.Practice, h.millis()
	all, err := h.store.VerificationsOf(ctx, practice, []string{c.Device.Person})
	if err != nil {
		return api.OwnVerification{}, at("load verifications", err)
	}
	standing := deviceStanding(all, c.Device.ID, now)
	out := api.OwnVerification{Verification: verification(standing), Person: c.Device.Person}
	for _, v := range all {
		if v.Device == c.Device.ID && !v.Holds(now) && !standing.Level.Reaches(v.Level) {
			out.Lapsed = true
		}
	}
	own, err := h.store.IdentityCheck(ctx, practice, c.Device.ID)
	if err != nil {
		return out, at("load tries", err)
	}
	asked, err := h.store.IdentityCheck(ctx, practice, c.Device.Person)
	if err != nil {
		return out, at("load tries", err)
	}
	if out.Passkeys, err = h.passkeysOfPatient(ctx, c); err != nil {
		return out, err
	}
	out.TriesSpent, out.AskedAt = own.Failures >= matchTries, asked.AskedAt
	if out.Steps, err = h.steps(ctx, practice); err != nil {
		return out, err
	}
	out.Steps.Portal, out.PortalWaits, err = h.portalStep(ctx, c)
	return out, err
}

func verification(p proofing.Proof) api.Verification {
	return api.Verification{Level: string(p.Level), Method: string(p.Method), At: p.At, Until: p.Until}
}

func deviceStanding(of []Verification, device string, now int64) proofing.Proof {
	var proofs []proofing.Proof
	for _, v := range of {
		if v.Device == device {
			proofs = append(proofs, v.Proof)
		}
	}
	return proofing.Standing(proofs, now)
}

// patientDevices lists the patient's devices that are in the group.
func (v *Conversation) patientDevices() (devices []string) {
	for _, m := range v.Members {
		if m.Person == v.Patient {
			devices = append(devices, m.Device)
		}
	}
	return devices
}

// standing is that of the patient in the conversation: of the least proven of
// their devices that are in the group.
func (v *Conversation) standing(of []Verification, now int64) proofing.Proof {
	var all []proofing.Proof
	for _, device := range v.patientDevices() {
		all = append(all, deviceStanding(of, device, now))
	}
	return proofing.Least(all)
}

// verifications loads those of the patients of some conversations, by person.
func (h *Hub) verifications(ctx context.Context, practice string, vs []Conversation) (map[string][]Verification, error) {
	var patients []string
	for i := range vs {
		patients = append(patients, vs[i].Patient)
	}
	slices.Sort(patients)
	all, err := h.store.VerificationsOf(ctx, practice, slices.Compact(patients))
	if err != nil {
		return nil, at("load verifications", err)
	}
	byPerson := make(map[string][]Verification)
	for _, v := range all {
		byPerson[v.Person] = append(byPerson[v.Person], v)
	}
	return byPerson, nil
}

// notVerified is what the log has of a device that did not show who its patient is.
func (h *Hub) notVerified(ctx context.Context, c *Caller, by proofing.Method, reason string) audit.Event {
	return h.event(ctx, c, audit.PatientNotVerified, c.Device.ID).Of(c.Device.Person).With("method=" + string(by)).AsRefused(reason)
}

// sameRecord refuses, with [ErrOtherPatient], a record of another patient than a
// person has ever shown to be: what somebody proves makes no two patients one.
// The store refuses it too, in the transaction that would make it so.
func (h *Hub) sameRecord(ctx context.Context, practice, person, record string) error {
	all, err := h.store.VerificationsOf(ctx, practice, []string{person})
	if err != nil {
		return at("load verifications", err)
	}
	if record != "" && slices.ContainsFunc(all, func(v Verification) bool { return v.Record != "" && v.Record != record }) {
		return ErrOtherPatient
	}
	return nil
}

// ownRecord is sameRecord for what patients show by themselves: a record that
// staff said is not the person's is refused too.
func (h *Hub) ownRecord(ctx context.Context, practice, person, record string) error {
	if err := h.sameRecord(ctx, practice, person, record); err != nil {
		return err
	}
	wrong, err := h.store.SaidWrong(ctx, practice, person, record)
	if err != nil {
		return at("look for what staff said", err)
	}
	if wrong {
		return ErrOtherPatient
	}
	return nil
}

// raise notes a proof that a device of a patient has given, or staff for it,
// and tells both sides. From when it counts and until when is the hub's to say.
// A record of another patient than the person's gives [ErrOtherPatient].
func (h *Hub) raise(ctx context.Context, who Actor, v Verification, by proofing.Method) error {
	return h.raiseAll(ctx, who, []Verification{v}, by)
}

// raiseAll is raise for several devices of one patient: all are raised, or none.
func (h *Hub) raiseAll(ctx context.Context, who Actor, all []Verification, by proofing.Method) error {
	events := make([]audit.Event, len(all))
	for i := range all {
		if err := h.proof(ctx, &all[i], by, h.now()); err != nil {
			return err
		}
		events[i] = h.patientVerified(ctx, who, &all[i])
	}
	if err := h.store.Recording(events...).PutVerification(ctx, all...); err != nil {
		return at("store verification", err)
	}
	return h.raised(ctx, &all[0])
}

// raised tells both sides of a proof that is stored.
func (h *Hub) raised(ctx context.Context, v *Verification) error {
	if v.Level.Reaches(proofing.Matched) { // whoever asked has their answer
		if err := h.store.SetIdentityAsked(ctx, v.Practice, v.Person, 0); err != nil {
			return at("note the answer", err)
		}
	}
	h.announceVerification(ctx, v.Practice, v.Person)
	return nil
}

// proof sets what was proved, and how long it holds.
func (h *Hub) proof(ctx context.Context, v *Verification, by proofing.Method, now time.Time) error {
	p, err := h.practice(ctx, v.Practice)
	if err != nil {
		return err
	}
	v.Proof = proofing.Proof{Level: by.Level(), Method: by, At: now.UnixMilli(), Until: now.Add(p.Identity.holds()).UnixMilli()}
	return nil
}

func (h *Hub) patientVerified(ctx context.Context, who Actor, v *Verification) audit.Event {
	detail := "method=" + string(v.Method)
	if v.WrongRecord {
		detail += ",record=wrong"
	}
	return h.event(ctx, who, audit.PatientVerified, v.Device).Of(v.Person).With(detail)
}

// announceVerification tells a patient's devices, and everybody in their chats
// that are not closed, that the level may have changed.
func (h *Hub) announceVerification(ctx context.Context, practice, person string) {
	ctx = context.WithoutCancel(ctx)
	h.notify(ctx, Notice{Practice: practice, Persons: []string{person}, Event: api.Event{Type: api.EventVerification}})
	for _, state := range []string{api.StateWaiting, api.StateOpen} {
		vs, _, _, err := h.store.ListConversations(ctx, ConversationQuery{
			Practice: practice, Patient: person, State: state, Order: ByCreated, Limit: api.MaxConversationsPage,
		})
		if err != nil {
			h.log.WarnContext(ctx, "verification not announced", slog.String("person", person))
			continue
		}
		for i := range vs {
			if err := h.summariseIt(ctx, vs[i]); err != nil {
				h.log.WarnContext(ctx, "conversation not announced", slog.String("conversation", vs[i].ID))
			}
		}
	}
}

// maxLapses is how many lapsed verifications one sweep announces.
const maxLapses = 1000

// announceLapses tells of the levels that have lapsed since the last sweep.
// They count for nothing from their time on, told of or not.
func (h *Hub) announceLapses(ctx context.Context) error {
	now := h.millis()
	since := h.lapsesTold.Swap(now)
	if since == 0 {
		return nil // whoever connects to a hub that begins learns it anyhow
	}
	lapsed, err := h.store.LapsedVerifications(ctx, since, now, maxLapses)
	if err != nil {
		return at("list what has lapsed", err)
	}
	told := make(map[string]bool)
	for _, v := range lapsed {
		if !told[v.Person] {
			told[v.Person] = true
			h.announceVerification(ctx, v.Practice, v.Person)
		}
	}
	return nil
}
