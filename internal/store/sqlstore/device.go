package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// AddDevice implements [hub.Devices]. The device has no certificate yet, so no
// group lacks it.
func (s *Store) AddDevice(ctx context.Context, d hub.Device, p *hub.Person) error {
	const insert = `
INSERT INTO device (practice, id, person, kind, role, name, public_key, proof_nonce, proof_signature,
    certificate, name_card, created_at, certified_at, revoked_at, voucher)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING`
	return s.write(ctx, d.Practice, func(t *tx) error {
		added, err := t.exec(insert, d.Practice, d.ID, d.Person, d.Kind, d.Role, d.Name, blob(d.PublicKey),
			d.Proof.Nonce, blob(d.Proof.Signature), orNull(d.Certificate), orNull(d.NameCard),
			d.CreatedAt, d.CertifiedAt, d.RevokedAt, optional(d.Voucher))
		if err != nil {
			return err
		}
		if added == 0 {
			return hub.ErrExists
		}
		if p != nil {
			if err := addPerson(t, *p); err != nil {
				return err
			}
		}
		return nil
	})
}

const deviceFields = `d.practice, d.id, d.person, d.kind, d.role, d.name, d.public_key, d.proof_nonce,
    d.proof_signature, d.certificate, d.name_card, d.created_at, d.certified_at, d.revoked_at, d.voucher`

const deviceColumns = `SELECT ` + deviceFields + ` FROM device d `

func deviceTargets(d *hub.Device) []any {
	return []any{
		&d.Practice, &d.ID, &d.Person, &d.Kind, &d.Role, &d.Name, &d.PublicKey, &d.Proof.Nonce,
		&d.Proof.Signature, &d.Certificate, &d.NameCard, &d.CreatedAt, &d.CertifiedAt, &d.RevokedAt,
		optionalTarget(&d.Voucher),
	}
}

func scanDevice(row scanner) (d hub.Device, err error) {
	err = row.Scan(deviceTargets(&d)...)
	return d, err
}

// Device implements [hub.Devices].
func (s *Store) Device(ctx context.Context, practice, id string) (hub.Device, error) {
	d, err := scanDevice(s.reader().row(ctx, deviceColumns+`WHERE d.practice = $1 AND d.id = $2`, practice, id))
	return d, s.translate(err)
}

// DeviceByID implements [hub.Devices].
func (s *Store) DeviceByID(ctx context.Context, id string) (hub.Device, error) {
	d, err := scanDevice(s.reader().row(ctx, deviceColumns+`WHERE d.id = $1`, id))
	return d, s.translate(err)
}

// DeviceByKey implements [hub.Devices].
func (s *Store) DeviceByKey(ctx context.Context, practice string, publicKey []byte) (hub.Device, error) {
	const query = deviceColumns + `WHERE d.practice = $1 AND d.public_key = $2`
	d, err := scanDevice(s.reader().row(ctx, query, practice, blob(publicKey)))
	return d, s.translate(err)
}

// DevicesOf implements [hub.Devices].
func (s *Store) DevicesOf(ctx context.Context, practice, person string) ([]hub.Device, error) {
	const query = deviceColumns + `WHERE d.practice = $1 AND d.person = $2 ORDER BY d.created_at, d.id`
	all, err := collect(ctx, s.reader(), scanDevice, query, practice, person)
	return all, s.translate(err)
}

// PutVoucher implements [hub.Devices].
func (s *Store) PutVoucher(ctx context.Context, practice, person, device string, voucher api.PasskeyAssertion) error {
	const update = `
UPDATE device SET voucher = $4
WHERE practice = $1 AND id = $2 AND person = $3 AND certified_at = 0 AND revoked_at = 0`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(update, practice, device, person, document(voucher))
	})
}

// PutCertificate implements [hub.Devices].
func (s *Store) PutCertificate(ctx context.Context, practice, device string, certificate, nameCard []byte, at int64) error {
	const update = `
UPDATE device SET certificate = $3, name_card = $4, certified_at = $5 WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		d, err := s.changeDevice(t, practice, device)
		if err != nil {
			return err
		}
		if d.RevokedAt != 0 {
			return hub.ErrConflict
		}
		if _, err := t.exec(update, practice, device, orNull(certificate), orNull(nameCard), at); err != nil {
			return err
		}
		return s.settlePerson(t, practice, d.Person)
	})
}

// RevokeDevice implements [hub.Devices].
func (s *Store) RevokeDevice(ctx context.Context, practice, device string, at int64) error {
	return s.write(ctx, practice, func(t *tx) error { return s.revoke(t, practice, device, at) })
}

// lockDevice reads a device that no other transaction then changes. What
// belongs to a device is written under its lock.
func (s *Store) lockDevice(t *tx, practice, id string) (hub.Device, error) {
	const query = deviceColumns + `WHERE d.practice = $1 AND d.id = $2`
	return scanDevice(t.row(t.ctx, query+s.dialect.Lock, practice, id))
}

// changeDevice locks a device whose membership of groups will change with it.
func (s *Store) changeDevice(t *tx, practice, id string) (hub.Device, error) {
	d, err := s.lockDevice(t, practice, id)
	if err != nil {
		return d, err
	}
	return d, s.lockPerson(t, practice, d.Person)
}

func (s *Store) revoke(t *tx, practice, device string, at int64) error {
	const update = `
UPDATE device SET revoked_at = $3 WHERE practice = $1 AND id = $2 AND revoked_at = 0`
	d, err := s.changeDevice(t, practice, device)
	if err != nil {
		return err
	}
	if _, err := t.exec(update, practice, device, at); err != nil {
		return err
	}
	for _, del := range []string{
		sessionsOfDevice,
		`DELETE FROM key_package WHERE practice = $1 AND device = $2`,
		`DELETE FROM welcome WHERE practice = $1 AND device = $2`,
	} {
		if _, err := t.exec(del, practice, device); err != nil {
			return err
		}
	}
	return s.settlePerson(t, practice, d.Person)
}

// Uncertified implements [hub.Devices].
func (s *Store) Uncertified(ctx context.Context, practice string, limit int) ([]hub.Device, error) {
	const query = deviceColumns + `
WHERE d.practice = $1 AND d.certified_at = 0 AND d.revoked_at = 0
ORDER BY d.created_at, d.id LIMIT $2`
	all, err := collect(ctx, s.reader(), scanDevice, query, practice, limit)
	return all, s.translate(err)
}

// AddDeviceSession implements [hub.Devices].
func (s *Store) AddDeviceSession(ctx context.Context, n hub.DeviceSession) error {
	const insert = `
INSERT INTO device_session (token, practice, device, staff, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`
	return s.write(ctx, n.Practice, func(t *tx) error {
		return t.mustOr(hub.ErrExists, insert, n.Token[:], n.Practice, n.Device, n.Staff, n.CreatedAt, n.ExpiresAt)
	})
}

// DeviceSession implements [hub.Devices].
func (s *Store) DeviceSession(ctx context.Context, token [32]byte, now int64) (hub.DeviceSession, hub.Device, error) {
	const query = `
SELECT s.practice, s.device, s.staff, s.created_at, s.expires_at, ` + deviceFields + `
FROM device_session s JOIN device d ON d.practice = s.practice AND d.id = s.device
WHERE s.token = $1 AND s.expires_at > $2`
	var d hub.Device
	found := hub.DeviceSession{Token: token}
	targets := append([]any{&found.Practice, &found.Device, &found.Staff, &found.CreatedAt, &found.ExpiresAt},
		deviceTargets(&d)...)
	err := s.reader().row(ctx, query, token[:], now).Scan(targets...)
	return found, d, s.translate(err)
}

const sessionsOfDevice = `DELETE FROM device_session WHERE practice = $1 AND device = $2`

// DeleteDeviceSessions implements [hub.Devices].
func (s *Store) DeleteDeviceSessions(ctx context.Context, practice, device string) error {
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(sessionsOfDevice, practice, device)
		return err
	})
}
