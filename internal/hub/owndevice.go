package hub

import (
	"cmp"
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/policy"
)

// Devices lists the person's devices, oldest first.
func (h *Hub) Devices(ctx context.Context, s *StaffCaller) ([]api.DeviceInfo, error) {
	return h.devicesOf(ctx, s, s.Person.ID)
}

// devicesOf lists a person's devices, oldest first, to s.
func (h *Hub) devicesOf(ctx context.Context, s *StaffCaller, person string) ([]api.DeviceInfo, error) {
	all, err := h.store.DevicesOf(ctx, s.Person.Practice, person)
	if err != nil {
		return nil, at("load devices", err)
	}
	factors, err := h.store.FactorsOf(ctx, s.Person.Practice, person)
	if err != nil {
		return nil, at("load factors", err)
	}
	passkeys := slices.ContainsFunc(factors, func(f Factor) bool { return f.Kind == FactorPasskey })
	infos := make([]api.DeviceInfo, len(all))
	for i := range all {
		d := &all[i]
		infos[i] = d.info(s.session.Device)
		infos[i].NeedsVoucher = passkeys && d.Voucher == nil && d.CertifiedAt == 0 && d.RevokedAt == 0
	}
	return infos, nil
}

// expiry is when a certificate ends, Unix milliseconds; 0 if there is none.
func expiry(cert []byte) int64 {
	c, err := certificate.Parse(cert)
	if len(cert) == 0 || err != nil {
		return 0
	}
	return c.NotAfter * 1000
}

// OwnDevices lists what speaks for the caller, whether it does so still, and how
// much of it is new to the calling device.
func (h *Hub) OwnDevices(ctx context.Context, c *Caller) (out api.OwnDevices, err error) {
	if d := h.policy.Decide(c.Person.principal(), policy.OwnAudit, c.Person.resource(false)); !d.Allowed {
		return out, h.forbidden(d)
	}
	all, n, err := h.devicesAndNew(ctx, c.Device.Practice, c.Device.Person, c.Device.ID)
	if err != nil {
		return out, err
	}
	out.New, out.Devices = n, make([]api.DeviceInfo, len(all))
	for i := range all {
		out.Devices[i] = all[i].info(c.Device.ID)
	}
	return out, nil
}

// devicesAndNew returns a person's devices, and how many are new to one of them:
// certified after it was, and not shown there. What one device has shown says
// nothing for another, which might not be the same person's (T03). To a session
// without a device all are new but the person's first.
func (h *Hub) devicesAndNew(ctx context.Context, practice, person, device string) (all []Device, n int, err error) {
	seen, err := h.store.DevicesSeen(ctx, practice, cmp.Or(device, person))
	if err != nil {
		return nil, 0, at("load what was seen", err)
	}
	if all, err = h.store.DevicesOf(ctx, practice, person); err != nil {
		return nil, 0, at("load devices", err)
	}
	known := int64(0) // since when the device speaks for the person, or any does
	for i := range all {
		d := &all[i]
		if (device == "" || d.ID == device) && d.CertifiedAt != 0 && (known == 0 || d.CertifiedAt < known) {
			known = d.CertifiedAt
		}
	}
	for i := range all {
		if known != 0 && all[i].CertifiedAt > max(seen, known) {
			n++
		}
	}
	return all, n, nil
}

// SeeOwnDevices says that the calling device has shown which devices speak for
// its person.
func (h *Hub) SeeOwnDevices(ctx context.Context, c *Caller) error {
	return h.store.SeeDevices(ctx, c.Device.Practice, c.Device.ID, h.millis())
}

// info is the device as its person is told of it, on the device current.
func (d *Device) info(current string) api.DeviceInfo {
	i := api.DeviceInfo{
		ID: d.ID, Name: d.Name, Current: d.ID == current, CreatedAt: d.CreatedAt, Certified: d.CertifiedAt != 0, RevokedAt: d.RevokedAt,
		CertifiedAt: d.CertifiedAt, ExpiresAt: expiry(d.Certificate),
	}
	if i.Certified {
		i.Key = certificate.KeyHash(d.PublicKey)
	}
	return i
}

// SeeDevices says that the session's device has shown the person which devices
// speak for them.
func (h *Hub) SeeDevices(ctx context.Context, s *StaffCaller) error {
	return h.store.SeeDevices(ctx, s.Person.Practice, cmp.Or(s.session.Device, s.Person.ID), h.millis())
}

// RevokeOwnDevice takes all access from one of the person's devices.
func (h *Hub) RevokeOwnDevice(ctx context.Context, s *StaffCaller, id string) error {
	d, err := h.store.Device(ctx, s.Person.Practice, id)
	if err != nil {
		return err
	}
	if d.Person != s.Person.ID {
		return ErrNotFound
	}
	return h.revokeDevice(ctx, s, s.Person.Practice, id)
}
