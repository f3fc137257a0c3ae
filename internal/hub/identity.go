package hub

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/mls/suite"
)

// Practice says what anybody may know of a practice.
func (h *Hub) Practice(ctx context.Context, slug string) (api.Practice, error) {
	p, err := h.store.PracticeBySlug(ctx, slug)
	if err != nil {
		return api.Practice{}, err
	}
	removal, err := h.removalSigner(ctx, p.ID, suite.ID(p.Suite))
	if err != nil {
		return api.Practice{}, err
	}
	now := h.now()
	open, opensAt := p.opening(p.Hours, now)
	sso := ""
	if p.Access.SSO != nil {
		sso = p.Access.SSO.Name
	}
	out := api.Practice{
		StaffSSO: sso,
		ID:       p.ID, Slug: p.Slug, Name: p.Name, Phone: p.Phone, TimeZone: p.TimeZone, Country: p.Country,
		Languages: p.Languages, BrandColor: p.BrandColor, Demo: p.Demo, Open: open, OpensAt: opensAt, Staffed: h.staffed(p.ID),
		WaitMinutes: p.WaitMinutes, AuthorityKey: p.AuthorityKey, RemovalKey: removal.Public(), Suite: p.Suite, Queues: p.queues(now),
		MaxFileBytes: p.MaxFileBytes, ArchiveNote: p.ArchiveNote,
		RecallMinutes: cmp.Or(p.RecallMinutes, 60), IdleMinutesStaff: cmp.Or(p.IdleStaff, 10),
		IdleMinutesPatient: p.PatientIdle(), RiskWords: p.RiskWords, RecordNumbers: p.RecordNumbers, QuickExit: p.QuickExit, Majority: p.majority(),
	}
	return out, h.publicForms(ctx, p.ID, &out)
}

// EmbedOrigins lists the web origins that may show the practice's chat in a
// frame.
func (h *Hub) EmbedOrigins(ctx context.Context, slug string) ([]string, error) {
	p, err := h.store.PracticeBySlug(ctx, slug)
	return p.Origins, err
}

// opening reports whether staff are expected to answer at now and, if not,
// when they next are: Unix milliseconds, 0 if never.
func (s Settings) opening(hours []Hours, now time.Time) (open bool, next int64) {
	if s.AlwaysOpen {
		return true, 0
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return false, 0
	}
	now = now.In(zone)
	if within(hours, now) {
		return true, 0
	}
	minute := now.Hour()*60 + now.Minute()
	for _, o := range hours {
		days := (o.Weekday - int(now.Weekday()) + 7) % 7
		if days == 0 && o.FromMinute <= minute {
			days = 7
		}
		// By the calendar, not by adding hours: a day can have 23 or 25.
		at := time.Date(now.Year(), now.Month(), now.Day()+days, o.FromMinute/60, o.FromMinute%60, 0, 0, zone).UnixMilli()
		if next == 0 || at < next {
			next = at
		}
	}
	return false, next
}

// within reports whether a time, as the practice's clocks have it, is in hours.
func within(hours []Hours, local time.Time) bool {
	minute := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(hours, func(o Hours) bool {
		return o.Weekday == int(local.Weekday()) && o.FromMinute <= minute && minute < o.ToMinute
	})
}

// queues are the practice's queues with how they stand at now. A queue has the
// practice's hours unless it has its own.
func (s Settings) queues(now time.Time) []api.Queue {
	queues := slices.Clone(s.Queues)
	for i := range queues {
		hours, own := s.QueueHours[queues[i].ID]
		if !own {
			hours = s.Hours
		}
		queues[i].Open, queues[i].OpensAt = s.opening(hours, now)
		queues[i].Level = string(s.QueueLevel(queues[i].ID))
	}
	return queues
}

// prove checks a proof of possession and spends its nonce.
func (h *Hub) prove(ctx context.Context, p certificate.Proof, signature []byte) error {
	if len(signature) == 0 || p.Verify(signature) != nil {
		return ErrUnauthenticated
	}
	switch spent, err := h.challenges.spend(ctx, p.Nonce); {
	case err != nil:
		return at("spend a challenge", err)
	case !spent:
		return ErrUnauthenticated
	}
	return nil
}

func checkPublicKey(b []byte) error {
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b); err != nil {
		return malformed("public_key")
	}
	return nil
}

// NewGuest makes a patient who is known by a device's key alone. A key that
// is known already gives that device again, so a repeated call does no harm.
func (h *Hub) NewGuest(ctx context.Context, n api.NewGuest) (api.Device, error) {
	if err := checkPublicKey(n.PublicKey); err != nil {
		return api.Device{}, err
	}
	p, err := h.store.PracticeBySlug(ctx, n.Practice)
	if err != nil {
		return api.Device{}, err
	}
	proof := certificate.Proof{Purpose: certificate.PurposeRegister, Subject: p.ID, PublicKey: n.PublicKey, Nonce: n.Proof.Nonce}
	if err := h.prove(ctx, proof, n.Proof.Signature); err != nil {
		return api.Device{}, err
	}
	now := h.millis()
	person := Person{ID: NewID("p"), Practice: p.ID, Kind: api.KindPatient, Role: "patient", CreatedAt: now}
	d := Device{
		ID: NewID("d"), Practice: p.ID, Person: person.ID, Kind: person.Kind, Role: person.Role,
		Name: n.Name, PublicKey: n.PublicKey, Proof: n.Proof, CreatedAt: now,
	}
	return h.register(ctx, h.store, d, &person)
}

// NewStaffDevice adds a browser of the signed-in staff person.
func (h *Hub) NewStaffDevice(ctx context.Context, s *StaffCaller, n api.NewStaffDevice) (api.Device, error) {
	if err := checkPublicKey(n.PublicKey); err != nil {
		return api.Device{}, err
	}
	proof := certificate.Proof{Purpose: certificate.PurposeRegister, Subject: s.Person.Practice, PublicKey: n.PublicKey, Nonce: n.Proof.Nonce}
	if err := h.prove(ctx, proof, n.Proof.Signature); err != nil {
		return api.Device{}, err
	}
	d, err := h.register(ctx, h.store, Device{
		ID: NewID("d"), Practice: s.Person.Practice, Person: s.Person.ID, Kind: s.Person.Kind, Role: s.Person.Role,
		Name: n.Name, PublicKey: n.PublicKey, Proof: n.Proof, CreatedAt: h.millis(),
	}, nil)
	if err != nil {
		return api.Device{}, err
	}
	return d, h.bind(ctx, s, d.ID)
}

// bind ties a staff session to the one device that it speaks for: whoever
// carries the cookie to another browser gets nothing for it (T23).
func (h *Hub) bind(ctx context.Context, s *StaffCaller, device string) error {
	err := h.store.BindStaffSession(ctx, s.session.ID, device)
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return ErrUnauthenticated
	} else if err != nil {
		return at("bind staff session", err)
	}
	return nil
}

// register stores a device that has proved its key, or finds it again.
func (h *Hub) register(ctx context.Context, store Store, d Device, p *Person) (api.Device, error) {
	who := party{Practice: d.Practice, Role: roleOfKind(d.Kind), Person: d.Person, Device: d.ID}
	err := store.Recording(h.event(ctx, who, audit.DeviceRegistered, d.ID).With("role="+d.Role)).AddDevice(ctx, d, p)
	if errors.Is(err, ErrExists) {
		known, err := h.store.DeviceByKey(ctx, d.Practice, d.PublicKey)
		if err != nil {
			return api.Device{}, err
		}
		samePerson := p != nil && known.Kind == api.KindPatient || known.Person == d.Person
		if !samePerson || known.RevokedAt != 0 {
			return api.Device{}, ErrConflict
		}
		return known.api(), nil
	} else if err != nil {
		return api.Device{}, at("store device", err)
	}
	h.ringKeeper(ctx, d.Practice)
	return d.api(), nil
}

func (d *Device) api() api.Device {
	return api.Device{
		ID: d.ID, Practice: d.Practice, Person: d.Person, Kind: d.Kind, Role: d.Role,
		Certificate: d.Certificate, NameCard: d.NameCard, CreatedAt: d.CreatedAt, RevokedAt: d.RevokedAt,
	}
}

// OpenDeviceSession trades a proof for a bearer token. A staff device also
// needs its person's cookie session, staff, and its token ends with it.
func (h *Hub) OpenDeviceSession(ctx context.Context, staff *StaffCaller, o api.OpenDeviceSession) (api.DeviceSession, error) {
	d, err := h.store.DeviceByID(ctx, o.Device)
	if errors.Is(err, ErrNotFound) {
		return api.DeviceSession{}, ErrUnauthenticated
	} else if err != nil {
		return api.DeviceSession{}, at("load device", err)
	}
	proof := certificate.Proof{Purpose: certificate.PurposeSession, Subject: d.ID, PublicKey: d.PublicKey, Nonce: o.Proof.Nonce}
	if err := h.prove(ctx, proof, o.Proof.Signature); err != nil {
		return api.DeviceSession{}, h.refusedDevice(ctx, &d, err)
	}
	if d.RevokedAt != 0 {
		return api.DeviceSession{}, h.refusedDevice(ctx, &d, ErrUnauthenticated)
	}
	now := h.now()
	token, hash := newToken()
	s := DeviceSession{
		Token: hash, Practice: d.Practice, Device: d.ID,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(h.sessions.Device).UnixMilli(),
	}
	if d.Kind == api.KindStaff {
		if staff == nil || staff.Person.ID != d.Person || staff.Person.Practice != d.Practice {
			return api.DeviceSession{}, h.refusedDevice(ctx, &d, ErrUnauthenticated)
		}
		if err := h.PasswordGood(ctx, staff); err != nil {
			return api.DeviceSession{}, err
		}
		if err := h.bind(ctx, staff, d.ID); err != nil {
			return api.DeviceSession{}, err
		}
		s.Staff, s.ExpiresAt = staff.session.ID, min(s.ExpiresAt, staff.ExpiresAt())
	}
	who := party{Practice: d.Practice, Role: roleOfKind(d.Kind), Person: d.Person, Device: d.ID}
	if err := h.store.Recording(h.event(ctx, who, audit.DeviceSignedIn, d.ID)).AddDeviceSession(ctx, s); err != nil {
		return api.DeviceSession{}, at("store session", err)
	}
	return api.DeviceSession{Token: token, ExpiresAt: s.ExpiresAt, Device: d.api()}, nil
}

// refusedDevice records that somebody was not let in as a device, which they
// may not have.
func (h *Hub) refusedDevice(ctx context.Context, d *Device, refusal error) error {
	if !errors.Is(refusal, ErrUnauthenticated) {
		return refusal
	}
	e := h.event(ctx, nobody(d.Practice), audit.DeviceSignedIn, d.ID).AsRefused("unauthenticated")
	if err := h.store.Record(ctx, e); err != nil {
		return at("record a refusal", err)
	}
	return refusal
}

// CloseDeviceSession ends the sessions of the caller's device, of which it has
// two while one is renewed, and their connections.
func (h *Hub) CloseDeviceSession(ctx context.Context, c *Caller) error {
	out := h.event(ctx, c, audit.DeviceSignedOut, c.Device.ID)
	if err := h.store.Recording(out).DeleteDeviceSessions(ctx, c.Device.Practice, c.Device.ID); err != nil {
		return err
	}
	h.endSessions(ctx, c.Device.Practice, Ending{Device: c.Device.ID})
	return nil
}

// Self returns the calling device as it stands, certificate and all.
func (h *Hub) Self(ctx context.Context, c *Caller) (api.Device, error) {
	d, err := h.store.Device(ctx, c.Device.Practice, c.Device.ID)
	return d.api(), err
}

// maxCertificates is how many requests a page of work holds.
const maxCertificates = 200

// CertificateRequests lists the devices that wait for the keeper.
func (h *Hub) CertificateRequests(ctx context.Context, c *Caller) ([]api.CertificateRequest, error) {
	if err := h.mayInPractice(c, policy.Work); err != nil {
		return nil, err
	}
	ds, err := h.store.Uncertified(ctx, c.Device.Practice, maxCertificates)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(ds))
	for i, d := range ds {
		ids[i] = d.Person
	}
	people, err := h.persons(ctx, c.Device.Practice, ids)
	if err != nil {
		return nil, err
	}
	requests := make([]api.CertificateRequest, len(ds))
	for i, d := range ds {
		p := people[d.Person]
		requests[i] = api.CertificateRequest{Device: d.api(), PublicKey: d.PublicKey, Proof: d.Proof, Name: p.Name, Title: p.Title, Voucher: d.Voucher}
		if d.Kind == api.KindStaff || d.Voucher != nil {
			if requests[i].Passkeys, err = h.knownPasskeys(ctx, d); err != nil {
				return nil, err
			}
		}
	}
	return requests, nil
}

// PutCertificate certifies a device. The certificate must be the authority's,
// for this very device and key, or nobody would accept it later. If the keeper
// overruled the person's passkeys for it, the log says so, or it is not stored.
func (h *Hub) PutCertificate(ctx context.Context, c *Caller, device string, put api.PutCertificate) (api.Device, error) {
	if err := h.mayInPractice(c, policy.Certify); err != nil {
		return api.Device{}, err
	}
	d, err := h.store.Device(ctx, c.Device.Practice, device)
	if err != nil {
		return api.Device{}, err
	}
	if err := h.checkCertificate(ctx, d, put.Certificate, put.NameCard); err != nil {
		return api.Device{}, err
	}
	if put.Readmitted && d.Kind != api.KindStaff {
		return api.Device{}, malformed("readmitted")
	}
	issued := []audit.Event{h.event(ctx, c, audit.CertificateIssued, d.ID).With(audit.Certified(d.Role, certificate.KeyHash(d.PublicKey))).About(d.Person)}
	if put.Readmitted {
		issued[0] = issued[0].Because("readmitted", "")
		issued = append(issued, h.event(ctx, c, audit.PersonReadmitted, d.Person).With("device="+d.ID))
	}
	if err := h.store.Recording(issued...).PutCertificate(ctx, d.Practice, d.ID, put.Certificate, put.NameCard, h.millis()); err != nil {
		return api.Device{}, at("store certificate", err)
	}
	d.Certificate, d.NameCard = put.Certificate, put.NameCard
	h.callers.drop(func(o *Caller) bool { return o.Device.ID == d.ID })
	h.notify(ctx, Notice{Practice: d.Practice, Devices: []string{d.ID}, Event: api.Event{Type: api.EventCertificate}})
	if d.Kind != api.KindService {
		h.notify(ctx, Notice{Practice: d.Practice, Persons: []string{d.Person}, Except: d.ID, Event: api.Event{Type: api.EventDevices}})
	}
	h.ringKeeper(ctx, d.Practice)
	return d.api(), nil
}

func (h *Hub) checkCertificate(ctx context.Context, d Device, cert, card []byte) error {
	p, err := h.practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	got, err := p.verifier.VerifyFor(cert, d.PublicKey, h.now())
	if err != nil || got.Device != d.ID || got.Person != d.Person || got.Kind != d.Kind || got.Role != d.Role {
		return malformed("certificate")
	}
	if d.Kind == api.KindPatient {
		if len(card) != 0 {
			return malformed("name_card")
		}
		return nil
	}
	if _, err := p.verifier.VerifyCard(card, d.Person); err != nil {
		return malformed("name_card")
	}
	return nil
}

// persons loads those that exist, by id. Ids may repeat, and be of others.
func (h *Hub) persons(ctx context.Context, practice string, ids []string) (map[string]Person, error) {
	found, err := h.store.PersonsByID(ctx, practice, slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, at("load persons", err)
	}
	byID := make(map[string]Person, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	return byID, nil
}
