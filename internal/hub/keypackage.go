package hub

import (
	"context"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// fewKeyPackages is when a device is asked to publish more.
const fewKeyPackages = 10

// claimKeeper is how a patient names the keeper whose id it does not know.
const claimKeeper = "keeper"

// PublishKeyPackages stores key packages of the calling device, each checked:
// its signature, its credential, that it is not valid for too long (RFC 9420,
// section 7.2), and that it is for the practice's suite.
func (h *Hub) PublishKeyPackages(ctx context.Context, c *Caller, pub api.PublishKeyPackages) (api.KeyPackageCount, error) {
	if len(pub.Packages) > api.MaxKeyPackagesPerCall {
		return api.KeyPackageCount{}, ErrTooLarge
	}
	var ks []KeyPackage
	for _, b := range pub.Packages {
		k, err := h.checkKeyPackage(ctx, c, b, "packages")
		if err != nil {
			return api.KeyPackageCount{}, err
		}
		ks = append(ks, k)
	}
	if pub.LastResort != nil {
		k, err := h.checkKeyPackage(ctx, c, pub.LastResort, "last_resort")
		if err != nil {
			return api.KeyPackageCount{}, err
		}
		k.LastResort = true
		ks = append(ks, k)
	}
	if len(ks) > 0 {
		published := h.event(ctx, c, audit.KeyPackagesPublished, c.Device.ID).With(fmt.Sprintf("count=%d", len(ks)))
		if err := h.store.Recording(published).AddKeyPackages(ctx, ks, h.limits.KeyPackage); err != nil {
			return api.KeyPackageCount{}, at("store key packages", err)
		}
		h.ringKeeper(ctx, c.Device.Practice)
	}
	return h.CountKeyPackages(ctx, c)
}

func (h *Hub) checkKeyPackage(ctx context.Context, c *Caller, b []byte, field string) (KeyPackage, error) {
	if len(b) > api.MaxKeyPackageBytes {
		return KeyPackage{}, ErrTooLarge
	}
	p, err := h.practice(ctx, c.Device.Practice)
	if err != nil {
		return KeyPackage{}, err
	}
	kp, err := parseKeyPackage(b)
	if err != nil || uint16(kp.Suite) != p.Suite {
		return KeyPackage{}, malformed(field)
	}
	s, err := suite.Lookup(kp.Suite)
	if err != nil || kp.Verify(s) != nil || kp.Leaf.Lifetime.LongerThan(delivery.DefaultMaxLifetime) {
		return KeyPackage{}, malformed(field)
	}
	cert, err := p.verifier.VerifyFor(kp.Leaf.Credential.Identity, kp.Leaf.SignatureKey, h.now())
	if err != nil || cert.Device != c.Device.ID {
		return KeyPackage{}, malformed(field)
	}
	k := KeyPackage{Practice: p.ID, Device: c.Device.ID, Ref: kp.Ref(s), Data: b}
	k.NotAfter = int64(min(kp.Leaf.Lifetime.NotAfter, 1<<50)) * 1000
	return k, nil
}

// parseKeyPackage reads a key package, framed as an MLS message or bare.
func parseKeyPackage(b []byte) (*wire.KeyPackage, error) {
	if m, err := wire.ParseMessage(b); err == nil && m.KeyPackage != nil {
		return m.KeyPackage, nil
	}
	return wire.ParseKeyPackage(b)
}

// CountKeyPackages says how many the calling device has left.
func (h *Hub) CountKeyPackages(ctx context.Context, c *Caller) (api.KeyPackageCount, error) {
	n, last, err := h.store.CountKeyPackages(ctx, c.Device.Practice, c.Device.ID, h.millis())
	return api.KeyPackageCount{Unused: n, HasLastResort: last}, err
}

// ClaimKeyPackages takes one key package for each certified device of a
// person. A patient gets the keeper's and nobody else's; the keeper those of
// staff and services.
func (h *Hub) ClaimKeyPackages(ctx context.Context, c *Caller, claim api.ClaimKeyPackages) ([]api.ClaimedKeyPackage, error) {
	if err := h.allowDevice("claim", c, h.limits.Claims); err != nil {
		return nil, err
	}
	ds, err := h.claimable(ctx, c, claim.Person)
	if err != nil {
		return nil, err
	}
	persons := make(map[string]string, len(ds)) // by device
	var ids []string
	for _, d := range ds {
		if d.Certificate != nil && d.RevokedAt == 0 && (len(claim.Devices) == 0 || slices.Contains(claim.Devices, d.ID)) {
			persons[d.ID] = d.Person
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return nil, ErrNoKeyPackage
	}
	var claims []audit.Event
	for _, id := range ids {
		claims = append(claims, h.event(ctx, c, audit.KeyPackageClaimed, id).About(persons[id]))
	}
	ks, err := h.store.Recording(claims...).ClaimKeyPackages(ctx, c.Device.Practice, ids, h.millis())
	if err != nil {
		return nil, at("claim key packages", err)
	}
	if len(ks) == 0 {
		h.askForKeyPackages(ctx, c.Device.Practice, ids)
		return nil, ErrNoKeyPackage
	}
	out := make([]api.ClaimedKeyPackage, len(ks))
	for i, k := range ks {
		out[i] = api.ClaimedKeyPackage{Device: k.Device, Person: persons[k.Device], Package: k.Data, LastResort: k.LastResort}
	}
	h.askForKeyPackages(ctx, c.Device.Practice, ids)
	return out, nil
}

// claimable returns the devices that the caller may add. Whom it may not add
// is the same to it as nobody.
func (h *Hub) claimable(ctx context.Context, c *Caller, person string) ([]Device, error) {
	switch {
	case person == claimKeeper:
		return h.keepers(ctx, c.Device.Practice)
	case h.mayInPractice(c, policy.Work) == nil:
		return h.store.DevicesOf(ctx, c.Device.Practice, person)
	}
	return nil, ErrForbidden
}

// keepers lists the devices of the practice's keepers.
func (h *Hub) keepers(ctx context.Context, practice string) ([]Device, error) {
	services, err := h.store.PersonsOfKind(ctx, practice, api.KindService)
	if err != nil {
		return nil, at("load services", err)
	}
	var ds []Device
	for _, s := range services {
		if s.Role != certificate.RoleKeeper || s.DisabledAt != 0 {
			continue
		}
		of, err := h.store.DevicesOf(ctx, practice, s.ID)
		if err != nil {
			return nil, at("load keeper", err)
		}
		ds = append(ds, of...)
	}
	return ds, nil
}

// askForKeyPackages tells devices that have few left to publish more.
func (h *Hub) askForKeyPackages(ctx context.Context, practice string, devices []string) {
	for _, d := range devices {
		n, _, err := h.store.CountKeyPackages(ctx, practice, d, h.millis())
		if err == nil && n < fewKeyPackages {
			h.notify(ctx, Notice{Practice: practice, Devices: []string{d}, Event: api.Event{Type: api.EventKeyPackages}})
		}
	}
}
