package hub

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// A patient whom the practice knows can add a passkey, and come back with it on
// another device, or in a browser that lost its state: no code and no fact
// that somebody else may know brings a device to a patient's chats (T11). The
// passkey signs for the device's key, and the keeper checks that before it
// certifies the device.

var (
	// ErrOtherPatient: the passkey, the account at the portal, or what was given of
	// somebody on file, is of another patient than the device's person.
	ErrOtherPatient = errors.New("of another patient")
	// ErrUncertified: the keeper has not certified the device yet.
	ErrUncertified = errors.New("device is not certified yet")
)

// maxPatientPasskeys is how many one patient may have.
const maxPatientPasskeys = 10

// framed is the site of the call, whose passkeys the practice's patients may
// use in the pages that show the chat in a frame.
func (p *cachedPractice) framed(from Source) passkey.Site {
	site := from.Site
	site.Around = p.Origins
	return site
}

func (h *Hub) passkeysOfPatient(ctx context.Context, c *Caller) ([]api.PatientPasskey, error) {
	factors, err := h.store.FactorsOf(ctx, c.Device.Practice, c.Device.Person)
	if err != nil {
		return nil, at("load passkeys", err)
	}
	all := make([]api.PatientPasskey, 0, len(factors))
	for _, f := range factors {
		all = append(all, api.PatientPasskey{ID: f.ID, Name: f.Name, Synced: f.Synced, CreatedAt: f.CreatedAt, UsedAt: f.UsedAt})
	}
	return all, nil
}

// AddPatientPasskey adds a passkey, which the calling device introduces.
func (h *Hub) AddPatientPasskey(ctx context.Context, from Source, c *Caller, a api.AddPatientPasskey) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	practice := c.Device.Practice
	all, err := h.store.VerificationsOf(ctx, practice, []string{c.Device.Person})
	if err != nil {
		return api.OwnVerification{}, at("load verifications", err)
	}
	now := h.millis()
	if !deviceStanding(all, c.Device.ID, now).Level.Reaches(proofing.Matched) {
		return api.OwnVerification{}, ErrForbidden
	}
	if len(c.Device.Certificate) == 0 {
		return api.OwnVerification{}, ErrUncertified // nobody could check the introduction later
	}
	known, err := h.store.FactorsOf(ctx, practice, c.Device.Person)
	if err != nil {
		return api.OwnVerification{}, at("load passkeys", err)
	}
	if len(known) >= maxPatientPasskeys {
		return api.OwnVerification{}, ErrTooLarge
	}
	p, err := h.practice(ctx, practice)
	if err != nil {
		return api.OwnVerification{}, err
	}
	f, err := h.takePasskey(ctx, p.framed(from), p.Slug, c.Person, a.Passkey)
	if err != nil {
		return api.OwnVerification{}, err
	}
	introduction := certificate.Introduction{Practice: practice, Person: c.Device.Person, Key: f.Key}
	if introduction.Verify(c.Device.PublicKey, a.Signature) != nil {
		return api.OwnVerification{}, malformed("signature")
	}
	f.IntroducedBy = &api.DeviceIntroduction{Certificate: c.Device.Certificate, Signature: a.Signature}
	for _, v := range all {
		if v.Device == c.Device.ID && v.Record != "" && v.Holds(now) {
			f.Record = v.Record
		}
	}
	if err := h.store.Recording(h.event(ctx, c, audit.FactorAdded, f.ID).With("kind="+f.Kind)).AddFactor(ctx, f); err != nil {
		return api.OwnVerification{}, err
	}
	h.announceVerification(ctx, practice, c.Device.Person)
	return h.OwnVerification(ctx, c)
}

// RemovePatientPasskey removes one of the calling patient's, if the practice
// knows that it is they.
func (h *Hub) RemovePatientPasskey(ctx context.Context, c *Caller, id string) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	if !validID("f", id) {
		return api.OwnVerification{}, ErrNotFound
	}
	all, err := h.store.VerificationsOf(ctx, c.Device.Practice, []string{c.Device.Person})
	if err != nil {
		return api.OwnVerification{}, at("load verifications", err)
	}
	if !deviceStanding(all, c.Device.ID, h.millis()).Level.Reaches(proofing.Matched) {
		return api.OwnVerification{}, ErrForbidden
	}
	if err := h.store.Recording(h.event(ctx, c, audit.FactorRemoved, id)).DeletePasskey(ctx, c.Device.Practice, c.Device.Person, id); err != nil {
		return api.OwnVerification{}, err
	}
	h.announceVerification(ctx, c.Device.Practice, c.Device.Person)
	return h.OwnVerification(ctx, c)
}

// patientOfPasskey returns the passkey that signed for a device's key, whose it
// is, and what its answer uses up, also if it refuses. Staff's are no patient's,
// whatever they signed. Anything wrong is [ErrUnauthenticated].
func (h *Hub) patientOfPasskey(ctx context.Context, from Source, practice string, key []byte, a *api.PasskeyAssertion) (f Factor, owner Person, use FactorUse, err error) {
	p, err := h.practice(ctx, practice)
	if err != nil {
		return f, owner, use, err
	}
	if err := h.rates.allow("patient-passkey", network(from.Address), h.limits.SignIns); err != nil {
		return f, owner, use, h.noteThrottled(ctx, from, p.Slug, "", err)
	}
	c := passkey.Challenge{Purpose: passkey.PurposeReturn, Practice: p.Slug, Key: key}
	if f, use, err = h.checkPasskey(ctx, p.framed(from), practice, "", c, a); err != nil {
		return f, owner, use, err
	}
	if owner, err = h.store.Person(ctx, practice, f.Person); err != nil {
		return f, owner, use, at("load the owner of a passkey", err)
	}
	if owner.Kind != api.KindPatient || owner.DisabledAt != 0 {
		err = ErrUnauthenticated
	}
	return f, owner, use, err
}

// raiseByPasskey raises a device of a passkey's owner by its answer.
func (h *Hub) raiseByPasskey(ctx context.Context, who Actor, f *Factor, use FactorUse, device string) error {
	v := Verification{Practice: f.Practice, Person: f.Person, Device: device, Record: f.Record}
	if err := h.proof(ctx, &v, proofing.Passkey, h.now()); err != nil {
		return err
	}
	if err := h.store.Using(use).Recording(h.patientVerified(ctx, who, &v)).PutVerification(ctx, v); err != nil {
		return at("store verification", err)
	}
	return h.raised(ctx, &v)
}

// refusePasskey records a refusal, and uses up with it the answer of the passkey
// that was refused, if it was right and is not yet.
func (h *Hub) refusePasskey(ctx context.Context, use FactorUse, refused audit.Event) error {
	err := h.store.Recording(refused).UseFactor(ctx, use)
	if errors.Is(err, ErrFactorUsed) {
		err = h.store.Record(ctx, refused)
	}
	if err != nil {
		return at("record a refusal", err)
	}
	return nil
}

// UsePatientPasskey raises the calling device, which is the passkey's owner's
// already. A device that has chats of its own becomes nobody else's: persons
// are never merged by what somebody proves. Then it gives [ErrOtherPatient].
func (h *Hub) UsePatientPasskey(ctx context.Context, from Source, c *Caller, u api.UsePatientPasskey) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	f, person, use, err := h.patientOfPasskey(ctx, from, c.Device.Practice, c.Device.PublicKey, &u.Passkey)
	switch {
	case err == nil && person.ID != c.Device.Person:
		err = ErrOtherPatient
	case err == nil:
		err = h.raiseByPasskey(ctx, c, &f, use, c.Device.ID)
	}
	reason := "not-matched"
	switch {
	case err == nil:
		return h.OwnVerification(ctx, c)
	case errors.Is(err, ErrUnauthenticated), errors.Is(err, ErrFactorUsed):
		err = ErrNotMatched
	case errors.Is(err, ErrOtherPatient):
		reason = "other-patient"
	default:
		return api.OwnVerification{}, err
	}
	if recorded := h.refusePasskey(ctx, use, h.notVerified(ctx, c, proofing.Passkey, reason)); recorded != nil {
		return api.OwnVerification{}, recorded
	}
	return api.OwnVerification{}, err
}

// ReturnPatient makes a device of the patient whose passkey signed for its key.
func (h *Hub) ReturnPatient(ctx context.Context, from Source, n api.ReturnPatient) (api.Device, error) {
	if err := h.AllowGuest(from.Address); err != nil {
		return api.Device{}, err
	}
	if err := checkPublicKey(n.PublicKey); err != nil {
		return api.Device{}, err
	}
	p, err := h.store.PracticeBySlug(ctx, n.Practice)
	if errors.Is(err, ErrNotFound) {
		return api.Device{}, ErrUnauthenticated
	} else if err != nil {
		return api.Device{}, at("load practice", err)
	}
	proof := certificate.Proof{Purpose: certificate.PurposeRegister, Subject: p.ID, PublicKey: n.PublicKey, Nonce: n.Proof.Nonce}
	if err := h.prove(ctx, proof, n.Proof.Signature); err != nil {
		return api.Device{}, err
	}
	f, person, use, err := h.patientOfPasskey(ctx, from, p.ID, n.PublicKey, &n.Passkey)
	if err == nil {
		err = h.ownRecord(ctx, p.ID, person.ID, f.Record) // before there is a device
	}
	var d api.Device
	if err == nil {
		d, err = h.returned(ctx, &f, use, Device{
			ID: NewID("d"), Practice: p.ID, Person: person.ID, Kind: person.Kind, Role: person.Role,
			Name: n.Name, PublicKey: n.PublicKey, Proof: n.Proof, Voucher: &n.Passkey, CreatedAt: h.millis(),
		})
	}
	reason := "unauthenticated"
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, ErrFactorUsed):
		err = ErrUnauthenticated
	case errors.Is(err, ErrOtherPatient):
		reason = "other-patient"
	case !errors.Is(err, ErrUnauthenticated):
		return api.Device{}, err
	}
	no := h.event(ctx, nobody(p.ID), audit.SignInRefused, "").With("method=" + MethodPasskey).AsRefused(reason)
	if recorded := h.refusePasskey(ctx, use, no); recorded != nil {
		return api.Device{}, recorded
	}
	return api.Device{}, err
}

// returned registers and raises a device of a passkey's owner by its answer, which
// is used up with the first of the two that was not done before.
func (h *Hub) returned(ctx context.Context, f *Factor, use FactorUse, n Device) (api.Device, error) {
	d, err := h.register(ctx, h.store.Using(use), n, nil)
	if err != nil {
		return d, err
	}
	if d.ID == n.ID {
		use = FactorUse{}
	}
	who := party{Practice: d.Practice, Role: roleOfKind(d.Kind), Person: d.Person, Device: d.ID}
	return d, h.raiseByPasskey(ctx, who, f, use, d.ID)
}
