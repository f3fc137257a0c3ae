package hub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/alert"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// What staff see and do about who a patient is. It is for those who take part
// in the chat: 45 CFR 164.514(h) asks them to know whom they tell.

// askAgain is how soon a patient may be asked again: a request that comes over
// and over teaches people to wave it through (T28).
const askAgain = 30 * time.Second

// PatientVerification says how the patient of a conversation was proved, and
// which record of the practice they were matched with.
func (h *Hub) PatientVerification(ctx context.Context, s *StaffCaller, id string) (api.PatientVerification, error) {
	v, err := h.staffConversation(ctx, s, id, policy.CheckIdentity)
	if err != nil {
		return api.PatientVerification{}, err
	}
	out, err := h.describeVerification(ctx, v)
	if err != nil {
		return out, err
	}
	e := h.event(ctx, s, audit.PatientVerificationRead, "").In(v.ID, v.Patient)
	if own := surname(s.Person.Name); out.Record != nil && own != "" && surname(out.Record.Name) == own {
		e = e.With(alert.SameSurname)
	}
	if err := h.store.Record(ctx, e); err != nil {
		return api.PatientVerification{}, at("record a read", err)
	}
	return out, nil
}

func (h *Hub) describeVerification(ctx context.Context, v Conversation) (api.PatientVerification, error) {
	all, err := h.store.VerificationsOf(ctx, v.Practice, []string{v.Patient})
	if err != nil {
		return api.PatientVerification{}, at("load verifications", err)
	}
	p, err := h.practice(ctx, v.Practice)
	if err != nil {
		return api.PatientVerification{}, err
	}
	now := h.millis()
	out := api.PatientVerification{Verification: verification(v.standing(all, now)), Needed: string(p.QueueLevel(v.Queue)), Proofs: []api.PatientProof{}}
	in := v.patientDevices()
	records := make(map[string]bool)
	for _, one := range all {
		if !slices.Contains(in, one.Device) {
			continue
		}
		out.Proofs = append(out.Proofs, api.PatientProof{
			Verification: verification(one.Proof), Device: one.Device, Lapsed: !one.Holds(now), Staff: one.Staff, Reason: one.Reason,
		})
		if one.Record == "" || !one.Holds(now) {
			continue
		}
		records[one.Record] = true
		e, err := h.store.RosterEntry(ctx, v.Practice, one.Record)
		if errors.Is(err, ErrNotFound) {
			continue
		} else if err != nil {
			return out, at("load a roster entry", err)
		}
		entry, err := h.openRecord(e)
		if err != nil {
			return out, err
		}
		out.Record = &api.PatientRecord{Number: entry.Number, Name: entry.Name}
	}
	if len(records) > 1 { // two devices, two records: staff must look
		out.Record, out.Conflict = nil, true
	}
	for _, device := range in {
		c, err := h.store.IdentityCheck(ctx, v.Practice, device)
		if err != nil {
			return out, at("load tries", err)
		}
		out.Failures = max(out.Failures, c.Failures)
	}
	out.TriesSpent = out.Failures >= matchTries
	asked, err := h.store.IdentityCheck(ctx, v.Practice, v.Patient)
	if err != nil {
		return out, at("load tries", err)
	}
	out.AskedAt = asked.AskedAt
	factors, err := h.store.FactorsOf(ctx, v.Practice, v.Patient)
	if err != nil {
		return out, at("load passkeys", err)
	}
	out.Passkeys = len(factors)
	return out, h.describePortal(ctx, v.Practice, v.Patient, &out)
}

// AskPatient asks the patient of a conversation to show who they are.
func (h *Hub) AskPatient(ctx context.Context, s *StaffCaller, id string) (api.PatientVerification, error) {
	v, err := h.staffConversation(ctx, s, id, policy.CheckIdentity)
	if err != nil {
		return api.PatientVerification{}, err
	}
	if v.State == api.StateClosed {
		return api.PatientVerification{}, ErrClosed
	}
	last, err := h.store.IdentityCheck(ctx, v.Practice, v.Patient)
	if err != nil {
		return api.PatientVerification{}, at("load tries", err)
	}
	if left := last.AskedAt + askAgain.Milliseconds() - h.millis(); left > 0 {
		return api.PatientVerification{}, &RateError{RetryAfter: time.Duration(left) * time.Millisecond}
	}
	e := h.event(ctx, s, audit.PatientAsked, "").In(v.ID, v.Patient)
	if err := h.store.Recording(e).SetIdentityAsked(ctx, v.Practice, v.Patient, h.millis()); err != nil {
		return api.PatientVerification{}, at("note the request", err)
	}
	h.notify(ctx, Notice{Practice: v.Practice, Persons: []string{v.Patient}, Event: api.Event{Type: api.EventVerification, ConversationID: v.ID}})
	return h.describeVerification(ctx, v)
}

// ConfirmPatient notes that a staff person has checked who the patient is, in
// person or by phone, by two identifiers. All devices of the patient in the
// chat are raised by it. The record that they were matched with stays, unless
// the check showed that it is somebody else's.
func (h *Hub) ConfirmPatient(ctx context.Context, s *StaffCaller, id string, n api.ConfirmPatient) (api.PatientVerification, error) {
	v, err := h.settles(ctx, s, id)
	if err != nil {
		return api.PatientVerification{}, err
	}
	by := proofing.Method(n.Method)
	if by != proofing.InPerson && by != proofing.Phone {
		return api.PatientVerification{}, malformed("method")
	}
	known := []string{"name", "date-of-birth", "address", "phone", "record-number", "photo"}
	identifiers := slices.Clone(n.Identifiers)
	if slices.ContainsFunc(identifiers, func(i string) bool { return !slices.Contains(known, i) }) {
		return api.PatientVerification{}, malformed("identifiers")
	}
	slices.Sort(identifiers)
	if identifiers = slices.Compact(identifiers); len(identifiers) < 2 {
		return api.PatientVerification{}, malformed("identifiers")
	}
	reason := strings.TrimSpace(n.Reason)
	if len(reason) < 10 {
		return api.PatientVerification{}, malformed("reason")
	}
	devices := v.patientDevices()
	if len(devices) == 0 {
		return api.PatientVerification{}, ErrNotAMember
	}
	kept := make([]Verification, len(devices))
	for i, device := range devices {
		kept[i] = Verification{Practice: v.Practice, Person: v.Patient, Device: device, Staff: s.Person.ID, Reason: strings.Join(identifiers, ",") + ": " + reason, WrongRecord: n.WrongRecord}
	}
	if err := h.raiseAll(ctx, s, kept, by); err != nil {
		return api.PatientVerification{}, err
	}
	return h.describeVerification(ctx, v)
}

// settles loads a conversation whose patient a staff person is to say something
// of that lasts.
func (h *Hub) settles(ctx context.Context, s *StaffCaller, id string) (Conversation, error) {
	v, err := h.staffConversation(ctx, s, id, policy.CheckIdentity)
	if err != nil {
		return v, err
	}
	return v, h.mayStaff(s, policy.SettleIdentity, h.about(&v))
}

// LetPatientTryAgain gives the patient's devices their tries back.
func (h *Hub) LetPatientTryAgain(ctx context.Context, s *StaffCaller, id string) (api.PatientVerification, error) {
	v, err := h.settles(ctx, s, id)
	if err != nil {
		return api.PatientVerification{}, err
	}
	e := h.event(ctx, s, audit.PatientTriesReset, "").In(v.ID, v.Patient)
	if err := h.store.Recording(e).ClearIdentityFailures(ctx, v.Practice, v.patientDevices(), v.Patient, h.millis()); err != nil {
		return api.PatientVerification{}, at("clear tries", err)
	}
	h.announceVerification(ctx, v.Practice, v.Patient)
	return h.describeVerification(ctx, v)
}

// ForgetPasskeys removes all passkeys of the patient of a conversation, who has
// lost one, and what they have proved. Whoever found it may have come in by it,
// so that devices which came by a passkey are revoked. Others stay: from one of
// them, once matched again, the patient can add another.
func (h *Hub) ForgetPasskeys(ctx context.Context, s *StaffCaller, id string) (api.PatientVerification, error) {
	v, err := h.settles(ctx, s, id)
	if err != nil {
		return api.PatientVerification{}, err
	}
	came, err := h.cameByPasskey(ctx, v.Practice, v.Patient)
	if err != nil {
		return api.PatientVerification{}, err
	}
	events := []audit.Event{h.event(ctx, s, audit.PatientPasskeysOut, "").In(v.ID, v.Patient)}
	for _, d := range came {
		events = append(events, h.event(ctx, s, audit.DeviceRevoked, d).About(v.Patient))
	}
	if err := h.store.Recording(events...).ForgetPasskeys(ctx, v.Practice, v.Patient, came, h.millis()); err != nil {
		return api.PatientVerification{}, err
	}
	for _, d := range came {
		h.endSessions(ctx, v.Practice, Ending{Device: d})
	}
	// One that came while this was stored; with no passkey left, none comes now.
	late, err := h.cameByPasskey(ctx, v.Practice, v.Patient)
	for _, d := range late {
		err = errors.Join(err, h.revokeDevice(ctx, s, v.Practice, d))
	}
	if err != nil {
		return api.PatientVerification{}, err
	}
	h.proposeAllRemovals(ctx, v.Practice)
	h.ringKeeper(ctx, v.Practice)
	h.announceVerification(ctx, v.Practice, v.Patient)
	if v, err = h.store.Conversation(ctx, v.Practice, v.ID); err != nil {
		return api.PatientVerification{}, err
	}
	return h.describeVerification(ctx, v)
}

// cameByPasskey lists the devices of a patient that a passkey vouched for.
func (h *Hub) cameByPasskey(ctx context.Context, practice, person string) ([]string, error) {
	all, err := h.store.DevicesOf(ctx, practice, person)
	if err != nil {
		return nil, at("load devices", err)
	}
	var came []string
	for _, d := range all {
		if d.Voucher != nil && d.RevokedAt == 0 {
			came = append(came, d.ID)
		}
	}
	return came, nil
}
