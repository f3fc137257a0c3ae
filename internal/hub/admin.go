package hub

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
)

// The methods in this file are for who runs the hub: the command line and, in
// one binary, the keeper's set-up. No route of the API leads here.

// SavePractice creates or changes a practice. An empty id gets a new one.
func (h *Hub) SavePractice(ctx context.Context, p Practice) (Practice, error) {
	if p.ID == "" {
		p.ID = NewID("t")
	}
	if _, err := certificate.NewVerifier(p.ID, p.AuthorityKey); err != nil {
		return Practice{}, err
	}
	configured := h.event(ctx, operator(p.ID), audit.PracticeConfigured, p.ID)
	before, err := h.store.Practice(ctx, p.ID)
	if err == nil {
		configured = configured.With(detail(ProtectionChanges(before.Settings, p.Settings)))
	} else if !errors.Is(err, ErrNotFound) {
		return Practice{}, at("load practice", err)
	}
	events, err := h.applied(ctx, &p)
	if err != nil {
		return Practice{}, err
	}
	if err := h.store.Recording(append(events, configured)...).SavePractice(ctx, p); err != nil {
		return Practice{}, at("store practice", err)
	}
	h.practices.forget(p.ID)
	return p, nil
}

// PracticeBySlug returns a practice as it is stored.
func (h *Hub) PracticeBySlug(ctx context.Context, slug string) (Practice, error) {
	return h.store.PracticeBySlug(ctx, slug)
}

// AddStaff adds a staff person who cannot sign in yet; see NewSetUpLink. The
// id and times of p are set here. A login in use gives [ErrExists].
func (h *Hub) AddStaff(ctx context.Context, p Person) (Person, error) {
	if p.Role == "" {
		return Person{}, errors.New("hub: a staff person needs a role")
	}
	who := operator(p.Practice)
	p, err := h.newStaff(p)
	if err != nil {
		return Person{}, err
	}
	return p, h.making(ctx, h.added(ctx, who, &p)).AddPerson(ctx, p)
}

func (h *Hub) added(ctx context.Context, who Actor, p *Person) audit.Event {
	return h.event(ctx, who, audit.PersonAdded, p.ID).With("role=" + p.Role)
}

// newStaff returns a staff person who is to be added.
func (h *Hub) newStaff(p Person) (Person, error) {
	p.ID, p.Kind, p.CreatedAt, p.DisabledAt, p.Password = NewID("p"), api.KindStaff, h.millis(), 0, ""
	p.Login = foldLogin(p.Login)
	if p.Login == "" || p.Practice == "" || p.Role != "" && roleOf(p.Kind, p.Role) == "" {
		return Person{}, errors.New("hub: a staff person needs a practice, a login and, if any, a role or profession that policy knows")
	}
	return p, nil
}

// ListStaff is Staff for the operator's eyes, who is in the log.
func (h *Hub) ListStaff(ctx context.Context, practice string) ([]Person, error) {
	if err := h.store.Record(ctx, h.event(ctx, operator(practice), audit.PeopleListed, "")); err != nil {
		return nil, at("record a read", err)
	}
	return h.Staff(ctx, practice)
}

// NoteReadmitted records that the keeper is about to be told to forget every
// passkey of a person.
func (h *Hub) NoteReadmitted(ctx context.Context, practice, person string) error {
	if err := h.store.Record(ctx, h.event(ctx, operator(practice), audit.PersonReadmitted, person)); err != nil {
		return at("record that a person begins anew", err)
	}
	return nil
}

// Staff lists a practice's staff.
func (h *Hub) Staff(ctx context.Context, practice string) ([]Person, error) {
	return h.store.PersonsOfKind(ctx, practice, api.KindStaff)
}

// NewSetUpLink returns the token of a new set-up link: the fragment of
// /staff/#setup=TOKEN. Whoever has it can become the person; those made before
// are of no use any more.
func (h *Hub) NewSetUpLink(ctx context.Context, practice, person string) (token string, err error) {
	made, err := h.newSetUpLink(ctx, operator(practice), practice, person, nil)
	return made.Token, err
}

func (h *Hub) newSetUpLink(ctx context.Context, who Actor, practice, person string, by *Agreement) (api.SetUpLinkMade, error) {
	l, made := h.freshLink(practice, person)
	if err := h.making(ctx, h.event(ctx, who, audit.SetUpLinkMade, person)).AddSetUpLink(ctx, l, by); err != nil {
		return api.SetUpLinkMade{}, at("store set-up link", err)
	}
	return made, nil
}

// freshLink returns a new link as it is stored, and as it is shown once.
func (h *Hub) freshLink(practice, person string) (SetUpLink, api.SetUpLinkMade) {
	now := h.now()
	token, hash := newToken()
	l := SetUpLink{
		Token: hash, Practice: practice, Person: person,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(h.sessions.SetUp).UnixMilli(),
	}
	return l, api.SetUpLinkMade{Token: token, ExpiresAt: l.ExpiresAt}
}

// EnrolApp gives a staff person a password and an authenticator app without a
// set-up link, as a demonstration needs. Whatever they had is gone.
func (h *Hub) EnrolApp(ctx context.Context, practice, person, chosen string, secret []byte) error {
	token, err := h.NewSetUpLink(ctx, practice, person)
	if err != nil {
		return err
	}
	e := Enrolment{Factor: Factor{
		ID: NewID("f"), Kind: FactorApp, Secret: h.secrets.seal(secret, "app", person), CreatedAt: h.millis(),
	}}
	if e.Password, err = h.passwords.Hash(ctx, chosen); err != nil {
		return at("hash password", err)
	}
	used := h.event(ctx, operator(practice), audit.SetUpLinkUsed, person).With("kind=" + e.Factor.Kind)
	_, err = h.store.Recording(used).ClaimSetUpLink(ctx, hashToken(token), e, h.millis())
	return err
}

// A Service is a service of a practice with its one device. It is certified
// from the start: who runs the authority runs the service, and vouches for it.
type Service struct {
	Practice    string
	Person      string // id, as in the certificate
	Device      string // id, as in the certificate
	Role        string // certificate.RoleKeeper
	Name        string
	Title       string
	PublicKey   []byte
	Certificate []byte
	NameCard    []byte
}

// EnrolService adds a service, or gives a known one's device its certificate
// anew.
func (h *Hub) EnrolService(ctx context.Context, s Service) error {
	now := h.millis()
	d := Device{
		ID: s.Device, Practice: s.Practice, Person: s.Person, Kind: api.KindService, Role: s.Role,
		PublicKey: s.PublicKey, CreatedAt: now,
	}
	if err := h.checkCertificate(ctx, d, s.Certificate, s.NameCard); err != nil {
		return err
	}
	known, err := h.store.Device(ctx, s.Practice, s.Device)
	switch {
	case errors.Is(err, ErrNotFound):
		p := &Person{ID: s.Person, Practice: s.Practice, Kind: api.KindService, Role: s.Role, Name: s.Name, Title: s.Title, CreatedAt: now}
		if _, err := h.store.Person(ctx, s.Practice, s.Person); err == nil {
			p = nil
		}
		registered := h.event(ctx, operator(s.Practice), audit.DeviceRegistered, d.ID).With("role=" + d.Role).About(d.Person)
		if err := h.store.Recording(registered).AddDevice(ctx, d, p); err != nil {
			return at("store service", err)
		}
	case err != nil:
		return err
	case string(known.PublicKey) != string(s.PublicKey):
		return ErrConflict
	}
	issued := h.event(ctx, operator(s.Practice), audit.CertificateIssued, d.ID).With(audit.Certified(d.Role, certificate.KeyHash(d.PublicKey))).About(d.Person)
	// Everyone whom the service serves reads this entry (AuditOfMember). Whose
	// account it was is in that of practice.configured, with the same request id.
	issued.Person, issued.Address = "", ""
	return h.store.Recording(issued).PutCertificate(ctx, s.Practice, s.Device, s.Certificate, s.NameCard, now)
}

// DisablePerson takes all access from a person at once: sessions, connections
// and devices end, the keeper removes the devices from every group, and their
// conversations go to whoever else is there, or wait again. Who is disabled
// stays so until [Hub.EnablePerson]. The last administrator gives a [*ForbiddenError], as everywhere.
func (h *Hub) DisablePerson(ctx context.Context, practice, person string) error {
	return h.disable(ctx, practice, person, false)
}

// DisableLastAdministrator is DisablePerson for the one whom that refuses, and
// for nobody else: [ErrConflict]. It is in the log for what it is.
func (h *Hub) DisableLastAdministrator(ctx context.Context, practice, person string) error {
	return h.disable(ctx, practice, person, true)
}

func (h *Hub) disable(ctx context.Context, practice, person string, theLast bool) error {
	disabled, now := h.event(ctx, operator(practice), audit.PersonDisabled, person), h.millis()
	if theLast {
		disabled = disabled.Because("last-administrator", "")
	}
	p, err := h.store.Recording(disabled).ChangePerson(ctx, practice, person, now, func(p *Person, last bool) error {
		switch {
		case p.DisabledByDirectory: // from now on by the practice: the directory does not undo it
			p.DisabledByDirectory = false
			return nil
		case p.DisabledAt != 0:
			return errNoChange
		case !theLast: // the command line has no more rights over people than the directory
			return changeStaff(h.directory(practice), p, last, api.ChangeStaffMember{Disable: true}, now)
		case !last:
			return ErrConflict
		}
		p.DisabledAt = now
		return nil
	})
	if errors.Is(err, errNoChange) {
		p, err = h.store.Person(ctx, practice, person)
	}
	if err != nil {
		return err
	}
	h.accessEnded(ctx, p)
	return nil
}

// EnablePerson gives a person access again, whoever disabled them, in the role
// they had; a role with much power, which two people give, is not given back.
// They have no devices and are in no conversation. [ErrConflict] if they are not
// disabled.
func (h *Hub) EnablePerson(ctx context.Context, practice, person string) (Person, error) {
	known, err := h.store.Person(ctx, practice, person)
	if err != nil {
		return Person{}, err
	}
	enabled := h.event(ctx, operator(practice), audit.PersonEnabled, person)
	if privileged(known.Role) {
		enabled = enabled.With("role=,was=" + known.Role)
	}
	return h.store.Recording(enabled).ChangePerson(ctx, practice, person, h.millis(), func(p *Person, _ bool) error {
		if p.DisabledAt == 0 || p.Role != known.Role {
			return ErrConflict
		}
		if privileged(p.Role) {
			p.Role = ""
		}
		p.DisabledAt, p.DisabledByDirectory = 0, false
		return nil
	})
}

// RevokeDevice takes all access from one device, as when a laptop is lost.
func (h *Hub) RevokeDevice(ctx context.Context, practice, device string) error {
	return h.revokeDevice(ctx, operator(practice), practice, device)
}

func (h *Hub) revokeDevice(ctx context.Context, who Actor, practice, device string) error {
	d, err := h.store.Device(ctx, practice, device)
	if err != nil {
		return err
	}
	revoked := h.event(ctx, who, audit.DeviceRevoked, device).About(d.Person)
	if err := h.store.Recording(revoked).RevokeDevice(ctx, practice, device, h.millis()); err != nil {
		return err
	}
	h.endSessions(ctx, practice, Ending{Device: device})
	h.proposeAllRemovals(ctx, practice)
	h.ringKeeper(ctx, practice)
	return nil
}
