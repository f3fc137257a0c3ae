package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/oidc"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// This file is how a patient shows who they are by signing in at the practice's
// portal. What the portal says raises the one device that asked, and it names a
// record of the practice's or nobody: whoever it is here is found by an exact
// number, or said by staff, and no two persons become one by it. It brings no
// device to chats that were had elsewhere; only a passkey does (T11).

const portalMaxAge = time.Hour

// SealPortalSecret seals the client secret of a practice's portal for its
// settings.
func (h *Hub) SealPortalSecret(practice, secret string) []byte {
	return h.secrets.seal([]byte(secret), "portal", practice)
}

// portal returns a practice that has one, and the portal as a provider.
func (h *Hub) portal(ctx context.Context, practice string) (cachedPractice, oidc.Provider, error) {
	pr, err := h.practice(ctx, practice)
	if err != nil {
		return pr, oidc.Provider{}, err
	}
	s := pr.Identity.Portal
	if s == nil {
		return pr, oidc.Provider{}, ErrNotFound
	}
	p := oidc.Provider{Issuer: s.Issuer, ClientID: s.ClientID, FHIR: s.FHIR}
	if len(s.Secret) > 0 {
		secret, err := h.secrets.open(s.Secret, "portal", practice)
		if err != nil {
			return pr, p, at("open the portal's client secret", err)
		}
		p.Secret = string(secret)
	}
	return pr, p, nil
}

// A portalAttempt is what the device keeps, sealed, and brings back with the
// portal's answer.
type portalAttempt struct {
	oidc.Attempt
	Device string `json:"d"`
}

// BeginPortal returns where to send the patient's browser, and what the device
// must bring back with the answer.
func (h *Hub) BeginPortal(ctx context.Context, from Source, c *Caller) (api.PortalBegun, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.PortalBegun{}, err
	}
	if err := h.rates.allow("portal", network(from.Address), h.limits.SignIns); err != nil {
		return api.PortalBegun{}, err
	}
	pr, p, err := h.portal(ctx, c.Device.Practice)
	if err != nil {
		return api.PortalBegun{}, err
	}
	s := pr.Identity.Portal
	r := oidc.Request{RedirectURL: from.Origin + "/c/" + pr.Slug + "/portal", Scopes: slices.Clone(s.Scopes), MaxAge: portalMaxAge}
	switch {
	case s.MaxAgeMinutes < 0:
		r.MaxAge = oidc.AnyAge
	case s.MaxAgeMinutes > 0:
		r.MaxAge = time.Duration(s.MaxAgeMinutes) * time.Minute
	}
	if s.FHIR != "" {
		r.Scopes = append(r.Scopes, "fhirUser", "launch/patient")
	}
	if s.RecordSystem != "" {
		r.Scopes = append(r.Scopes, "patient/Patient.read")
	}
	a := portalAttempt{Device: c.Device.ID}
	out := api.PortalBegun{}
	if a.Attempt, out.Address, err = h.oidc.Begin(ctx, p, r); err != nil {
		return api.PortalBegun{}, err
	}
	out.Attempt, err = h.sealAttempt(a, "portal-attempt", c.Device.Practice)
	return out, err
}

// openPortalAttempt reads what a device brought back. Another device's, or
// another practice's, is none.
func (h *Hub) openPortalAttempt(c *Caller, f *api.FinishPortal) (a portalAttempt, ok bool) {
	ok = h.unsealAttempt(f.Attempt, "portal-attempt", c.Device.Practice, &a) && a.Device == c.Device.ID && a.Matches(f.State, h.now())
	return a, ok
}

// FinishPortal takes what the portal sent the browser back with. It is good
// once, and for the device alone that began.
func (h *Hub) FinishPortal(ctx context.Context, from Source, c *Caller, f api.FinishPortal) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	if err := h.rates.allow("portal", network(from.Address), h.limits.SignIns); err != nil {
		return api.OwnVerification{}, err
	}
	err := h.finishPortal(ctx, c, &f)
	reason := ""
	var no *oidc.RefusedError
	switch {
	case errors.As(err, &no):
		reason = string(no.Reason)
	case errors.Is(err, ErrNotMatched):
		reason = "not-matched"
	case errors.Is(err, ErrOtherPatient):
		reason = "other-patient"
	case err != nil:
		return api.OwnVerification{}, err
	default:
		return h.OwnVerification(ctx, c)
	}
	if recorded := h.store.Record(ctx, h.notVerified(ctx, c, proofing.Portal, reason)); recorded != nil {
		return api.OwnVerification{}, at("record a refusal", recorded)
	}
	return api.OwnVerification{}, err
}

func (h *Hub) finishPortal(ctx context.Context, c *Caller, f *api.FinishPortal) error {
	practice := c.Device.Practice
	pr, p, err := h.portal(ctx, practice)
	if err != nil {
		return err
	}
	a, ok := h.openPortalAttempt(c, f)
	if !ok {
		return &oidc.RefusedError{Reason: oidc.ReasonState}
	}
	if err := h.spendAttempt(ctx, "portal", a.State); err != nil {
		return err
	}
	who, err := h.oidc.Finish(ctx, p, a.Attempt, oidc.Answer{State: f.State, Code: f.Code, Issuer: f.Issuer, Error: f.Error})
	if err != nil {
		return err
	}
	if p.FHIR != "" && !who.Themself(p) {
		return ErrOtherPatient // a parent's or a helper's own account
	}
	account := PortalAccount{
		Practice: practice, Account: h.patients.index(practice, "portal/"+who.Issuer, who.Subject),
		Person: c.Device.Person, Device: c.Device.ID, At: h.millis(),
	}
	if account.Record, err = h.recordOfAccount(ctx, pr.Identity.Portal, p, who, account); err != nil {
		return err
	}
	if account.Record == "" {
		waits := h.event(ctx, c, audit.PortalWaits, c.Device.ID).Of(c.Device.Person)
		if err := h.store.Recording(waits).SeePortalAccount(ctx, account); err != nil {
			return at("note an account", err)
		}
		h.announceVerification(ctx, practice, c.Device.Person)
		return nil
	}
	if err := h.ownRecord(ctx, practice, account.Person, account.Record); err != nil {
		return err
	}
	known, err := h.store.PortalAccount(ctx, practice, account.Account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return at("load an account", err)
	}
	v := Verification{Practice: practice, Person: c.Device.Person, Device: c.Device.ID, Record: account.Record}
	if err := h.proof(ctx, &v, proofing.Portal, h.now()); err != nil {
		return err
	}
	var events []audit.Event
	if known.Record != account.Record || known.Person != account.Person {
		events = append(events, h.event(ctx, c, audit.PortalLinked, c.Device.ID).Of(c.Device.Person))
	}
	events = append(events, h.patientVerified(ctx, c, &v))
	if err := h.store.Recording(events...).SeePortalAccount(ctx, account, v); errors.Is(err, ErrExists) {
		return ErrNotMatched // the record is another account's
	} else if err != nil {
		return at("note an account", err)
	}
	return h.raised(ctx, &v)
}

// recordOfAccount returns the record whose patient an account is, or "" if
// nobody can say yet. A number finds it only by being the very number on file;
// where numbers lead to several, or elsewhere than was said before, it is
// [ErrNotMatched]. What staff have said about an account stands.
func (h *Hub) recordOfAccount(ctx context.Context, s *Portal, p oidc.Provider, who *oidc.Identity, a PortalAccount) (string, error) {
	known, err := h.store.PortalAccount(ctx, a.Practice, a.Account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", at("load an account", err)
	}
	var numbers []string
	if s.RecordClaim != "" {
		numbers = who.Values(s.RecordClaim)
	}
	if s.RecordSystem != "" {
		more, err := h.oidc.Numbers(ctx, p, who, s.RecordSystem)
		if err != nil {
			return "", err
		}
		numbers = append(numbers, more...)
	}
	found := known.Record
	for _, n := range numbers {
		e, err := h.rosterByNumber(ctx, a.Practice, n)
		if errors.Is(err, ErrNotFound) {
			continue
		} else if err != nil {
			return "", at("look in the roster", err)
		}
		switch {
		case known.Staff != "" && known.Record == "":
			// Staff took it away: no number gives it back.
		case found != "" && found != e.ID:
			return "", ErrNotMatched
		default:
			found = e.ID
		}
	}
	return found, nil
}

// waitingAccount is the newest account that the patient signed in with and that
// is nobody's yet.
func waitingAccount(all []PortalAccount) (PortalAccount, bool) {
	i := slices.IndexFunc(all, func(a PortalAccount) bool { return a.Record == "" })
	if i < 0 {
		return PortalAccount{}, false
	}
	return all[i], true
}

// LinkPortal has a staff person say which record the account is that the
// patient of a conversation signed in with. The device that did is raised, as
// of then.
func (h *Hub) LinkPortal(ctx context.Context, s *StaffCaller, id string, n api.LinkPortal) (api.PatientVerification, error) {
	v, err := h.settles(ctx, s, id)
	if err != nil {
		return api.PatientVerification{}, err
	}
	all, err := h.store.PortalAccountsOf(ctx, v.Practice, v.Patient)
	if err != nil {
		return api.PatientVerification{}, at("load accounts", err)
	}
	a, ok := waitingAccount(all)
	if !ok {
		return api.PatientVerification{}, ErrConflict
	}
	e, err := h.rosterByNumber(ctx, v.Practice, n.Number)
	if errors.Is(err, ErrNotFound) {
		return api.PatientVerification{}, malformed("number")
	} else if err != nil {
		return api.PatientVerification{}, at("look in the roster", err)
	}
	a.Record, a.Staff = e.ID, s.Person.ID
	raised := Verification{Practice: v.Practice, Person: a.Person, Device: a.Device, Record: a.Record, Staff: s.Person.ID}
	if err := h.proof(ctx, &raised, proofing.Portal, time.UnixMilli(a.At)); err != nil {
		return api.PatientVerification{}, err
	}
	linked := h.event(ctx, s, audit.PortalLinked, a.Device).In(v.ID, v.Patient)
	err = h.store.Recording(linked, h.patientVerified(ctx, s, &raised)).SeePortalAccount(ctx, a, raised)
	switch {
	case errors.Is(err, ErrExists), errors.Is(err, ErrOtherPatient):
		return api.PatientVerification{}, ErrConflict
	case err != nil:
		return api.PatientVerification{}, at("link an account", err)
	}
	if err := h.raised(ctx, &raised); err != nil {
		return api.PatientVerification{}, err
	}
	return h.describeVerification(ctx, v)
}

// UnlinkPortal has a staff person say that the accounts which the patient of a
// conversation signed in with are not theirs. What they have proved is gone,
// and from then on only staff say whose they are.
func (h *Hub) UnlinkPortal(ctx context.Context, s *StaffCaller, id string) (api.PatientVerification, error) {
	v, err := h.settles(ctx, s, id)
	if err != nil {
		return api.PatientVerification{}, err
	}
	e := h.event(ctx, s, audit.PortalUnlinked, "").In(v.ID, v.Patient)
	if err := h.store.Recording(e).DropPortalAccounts(ctx, v.Practice, v.Patient, s.Person.ID); err != nil {
		return api.PatientVerification{}, err
	}
	h.announceVerification(ctx, v.Practice, v.Patient)
	return h.describeVerification(ctx, v)
}

// describePortal adds how the patient's account at the portal stands.
func (h *Hub) describePortal(ctx context.Context, practice, patient string, out *api.PatientVerification) error {
	all, err := h.store.PortalAccountsOf(ctx, practice, patient)
	if err != nil {
		return at("load accounts", err)
	}
	if a, ok := waitingAccount(all); ok {
		out.PortalWaits = a.At
	}
	out.PortalLinked = slices.ContainsFunc(all, func(a PortalAccount) bool { return a.Record != "" })
	return nil
}

// portalStep is the portal's name, and since when staff have an account to say
// something about that this device signed in with.
func (h *Hub) portalStep(ctx context.Context, c *Caller) (name string, waits int64, err error) {
	p, err := h.practice(ctx, c.Device.Practice)
	if err != nil || p.Identity.Portal == nil {
		return "", 0, err
	}
	all, err := h.store.PortalAccountsOf(ctx, c.Device.Practice, c.Device.Person)
	if err != nil {
		return "", 0, at("load accounts", err)
	}
	if a, ok := waitingAccount(all); ok && a.Device == c.Device.ID {
		waits = a.At
	}
	return cmp.Or(p.Identity.Portal.Name, p.Name), waits, nil
}
