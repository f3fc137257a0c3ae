package hub

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/passkey"
)

// This file is what a staff person may do about their own sign-in. Whatever
// changes it needs both factors shown a moment ago, so that a browser left
// open cannot be made somebody else's for good.

// maxFactors is how many passkeys and apps one person may have.
const maxFactors = 20

// Factors lists what the person signs in with.
func (h *Hub) Factors(ctx context.Context, s *StaffCaller) (api.Factors, error) {
	return h.factorsOf(ctx, &s.Person)
}

func (h *Hub) factorsOf(ctx context.Context, p *Person) (api.Factors, error) {
	factors, err := h.store.FactorsOf(ctx, p.Practice, p.ID)
	if err != nil {
		return api.Factors{}, at("load factors", err)
	}
	codes, err := h.store.RecoveryCodes(ctx, p.Practice, p.ID)
	if err != nil {
		return api.Factors{}, at("load recovery codes", err)
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return api.Factors{}, err
	}
	all := api.Factors{Factors: []api.Factor{}, RecoveryCodes: len(codes), Password: passwordPolicy(pr.Access.Password)}
	if all.Identity, err = h.identityOf(ctx, &pr, p.ID); err != nil {
		return api.Factors{}, err
	}
	if p.Password != "" {
		all.Factors = append(all.Factors, api.Factor{ID: "password", Kind: "password", CreatedAt: p.PasswordAt})
	}
	for _, f := range factors {
		all.Factors = append(all.Factors, api.Factor{ID: f.ID, Kind: f.Kind, Name: f.Name, Synced: f.Synced, CreatedAt: f.CreatedAt, UsedAt: f.UsedAt})
	}
	return all, nil
}

// addFactor stores one, if there is room, and uses up what introduces it.
func (h *Hub) addFactor(ctx context.Context, s *StaffCaller, f Factor, use FactorUse) error {
	factors, err := h.store.FactorsOf(ctx, f.Practice, f.Person)
	if err != nil {
		return at("load factors", err)
	}
	if len(factors) >= maxFactors {
		return ErrTooLarge
	}
	added := h.event(ctx, s, audit.FactorAdded, f.ID).With("kind=" + f.Kind)
	return h.once(ctx, added.Object).Using(use).Recording(added).AddFactor(ctx, f)
}

// AddPasskey adds a passkey. If the person has one already, it introduces the
// new one, for the keeper to see.
func (h *Hub) AddPasskey(ctx context.Context, from Source, s *StaffCaller, a api.AddPasskey) error {
	if err := h.proved(s); err != nil {
		return err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return err
	}
	f, err := h.takePasskey(ctx, from.Site, pr.Slug, s.Person, a.Passkey)
	if err != nil {
		return err
	}
	var use FactorUse
	if a.Introduction != nil {
		c := passkey.Challenge{Purpose: passkey.PurposeIntroduce, Practice: pr.Slug, Person: s.Person.ID, Key: f.Key}
		if _, use, err = h.checkPasskey(ctx, from.Site, s.Person.Practice, s.Person.ID, c, a.Introduction); errors.Is(err, ErrUnauthenticated) {
			return malformed("introduction")
		} else if err != nil {
			return err
		}
		f.Introduction = a.Introduction
	}
	err = h.addFactor(ctx, s, f, use)
	if errors.Is(err, ErrFactorUsed) {
		return malformed("introduction")
	}
	return err
}

// OfferApp offers the secret of an authenticator app.
func (h *Hub) OfferApp(ctx context.Context, s *StaffCaller) (api.AppOffer, error) {
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.AppOffer{}, err
	}
	return h.offerApp(pr.Name, s.Person), nil
}

// AddApp adds an authenticator app.
func (h *Hub) AddApp(ctx context.Context, s *StaffCaller, t api.TakeApp) error {
	if err := h.proved(s); err != nil {
		return err
	}
	f, err := h.takeApp(s.Person, t)
	if err != nil {
		return err
	}
	return h.addFactor(ctx, s, f, FactorUse{})
}

// RenameFactor names one of the person's factors anew.
func (h *Hub) RenameFactor(ctx context.Context, s *StaffCaller, id, name string) error {
	return h.store.Recording(h.event(ctx, s, audit.FactorRenamed, id)).RenameFactor(ctx, s.Person.Practice, s.Person.ID, id, name)
}

// DeleteFactor removes one, but not the last that signs the person in. The
// person's other sessions end: who took the phone is signed out.
func (h *Hub) DeleteFactor(ctx context.Context, s *StaffCaller, id string) error {
	if err := h.proved(s); err != nil {
		return err
	}
	if err := h.store.Recording(h.event(ctx, s, audit.FactorRemoved, id)).DeleteFactor(ctx, s.Person.Practice, s.Person.ID, id); err != nil {
		return err
	}
	return h.endOthers(ctx, s)
}

// SetPassword gives the person another password. Their other sessions end.
func (h *Hub) SetPassword(ctx context.Context, s *StaffCaller, chosen string) error {
	if err := h.proved(s); err != nil {
		return err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return err
	}
	if err := checkNewPassword(pr, s.Person, chosen); err != nil {
		return err
	}
	encoded, err := h.passwords.Hash(ctx, chosen)
	if err != nil {
		return at("hash password", err)
	}
	changed := h.event(ctx, s, audit.PasswordChanged, s.Person.ID)
	if err := h.store.Recording(changed).SetPassword(ctx, s.Person.Practice, s.Person.ID, encoded, h.millis()); err != nil {
		return err
	}
	return h.endOthers(ctx, s)
}

func (h *Hub) endOthers(ctx context.Context, s *StaffCaller) error {
	all, err := h.store.StaffSessionsOf(ctx, s.Person.Practice, s.Person.ID, h.millis())
	if err != nil {
		return at("load staff sessions", err)
	}
	for _, o := range all {
		if o.ID != s.session.ID {
			if err := h.endStaff(ctx, o, h.event(ctx, s, audit.SessionEnded, o.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// NewRecoveryCodes replaces the person's recovery codes. They stand in for an
// authenticator app, so without a password they would be of no use.
func (h *Hub) NewRecoveryCodes(ctx context.Context, s *StaffCaller) (api.RecoveryCodes, error) {
	if err := h.proved(s); err != nil {
		return api.RecoveryCodes{}, err
	}
	if s.Person.Password == "" {
		return api.RecoveryCodes{}, ErrConflict
	}
	shown, stored, err := h.newRecoveryCodes(ctx)
	if err != nil {
		return api.RecoveryCodes{}, err
	}
	made := h.event(ctx, s, audit.RecoveryCodes, s.Person.ID)
	return api.RecoveryCodes{Codes: shown}, h.making(ctx, made).ReplaceRecoveryCodes(ctx, s.Person.Practice, s.Person.ID, stored)
}

// SignIns is the history of the person's sign-ins, newest first.
func (h *Hub) SignIns(ctx context.Context, s *StaffCaller) ([]api.SignInRecord, error) {
	records, err := h.signInsOf(ctx, s.Person.Practice, s.Person.ID)
	for i := range records {
		records[i].Seen = records[i].Seen || records[i].ID == signInOf(s.session.ID)
	}
	return records, err
}

func (h *Hub) signInsOf(ctx context.Context, practice, person string) ([]api.SignInRecord, error) {
	all, err := h.store.SignIns(ctx, practice, person, signInsShown)
	if err != nil {
		return nil, at("load sign-ins", err)
	}
	records := make([]api.SignInRecord, len(all))
	for i, n := range all {
		records[i] = api.SignInRecord{
			ID: n.ID, At: n.At, Method: n.Method, Outcome: n.Outcome, Browser: n.Browser, Address: n.Address, New: n.New, Seen: n.Seen,
		}
		if n.Outcome == OutcomeSignedIn {
			records[i].Session = sessionOf(n.ID)
		}
	}
	return records, nil
}

// SeeSignIns says that the person knows all of them. It does not speak for the
// sign-in of the calling session itself: who came in with what they stole can
// not call it known.
func (h *Hub) SeeSignIns(ctx context.Context, s *StaffCaller) error {
	return h.store.SeeSignIns(ctx, s.Person.Practice, s.Person.ID, signInOf(s.session.ID))
}

// signInOf is the entry of the history that tells of the sign-in by which a
// session was opened, and sessionOf that session. They differ by their prefix.
func signInOf(session string) string { return "n" + session[1:] }

func sessionOf(signIn string) string { return "s" + signIn[1:] }

// Vouch stores what a passkey of the person signed for a new device's key. The
// hub checks it, and so does the keeper, before it certifies the device.
func (h *Hub) Vouch(ctx context.Context, from Source, s *StaffCaller, id string, v api.Voucher) error {
	d, err := h.store.Device(ctx, s.Person.Practice, id)
	if err != nil {
		return err
	}
	if d.Person != s.Person.ID {
		return ErrNotFound
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return err
	}
	c := passkey.Challenge{Purpose: passkey.PurposeDevice, Practice: pr.Slug, Person: s.Person.ID, Key: d.PublicKey}
	_, use, err := h.checkPasskey(ctx, from.Site, d.Practice, d.Person, c, &v.Passkey)
	if err == nil {
		vouched := h.event(ctx, s, audit.DeviceVouched, d.ID)
		err = h.store.Using(use).Recording(vouched).PutVoucher(ctx, d.Practice, d.Person, d.ID, v.Passkey)
	}
	if errors.Is(err, ErrUnauthenticated) || errors.Is(err, ErrFactorUsed) {
		return malformed("passkey")
	} else if err != nil {
		return err
	}
	h.ringKeeper(ctx, d.Practice)
	return nil
}

// knownPasskeys is what the keeper is told of the passkeys of a device's owner.
func (h *Hub) knownPasskeys(ctx context.Context, d Device) ([]api.KnownPasskey, error) {
	factors, err := h.store.FactorsOf(ctx, d.Practice, d.Person)
	if err != nil {
		return nil, at("load factors", err)
	}
	var all []api.KnownPasskey
	for _, f := range factors {
		if f.Kind == FactorPasskey {
			all = append(all, api.KnownPasskey{Credential: f.Credential, Key: f.Key, Introduction: f.Introduction, Device: f.IntroducedBy})
		}
	}
	return all, nil
}
