package sqlstore

import (
	"context"
	"errors"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

// AddKeyPackages implements [hub.KeyPackages]. For a device that is revoked it
// gives [hub.ErrConflict].
func (s *Store) AddKeyPackages(ctx context.Context, ks []hub.KeyPackage, most int) error {
	const next = `
SELECT coalesce(max(place), 0) + 1 FROM key_package WHERE practice = $1 AND device = $2`
	const insert = `
INSERT INTO key_package (practice, device, ref, place, data, last_resort, not_after)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING`
	const dropLastResort = `
DELETE FROM key_package WHERE practice = $1 AND device = $2 AND last_resort = 1 AND ref <> $3`
	const dropOldest = `
DELETE FROM key_package
WHERE practice = $1 AND device = $2 AND last_resort = 0 AND data IS NOT NULL AND place <= (
    SELECT place FROM key_package
    WHERE practice = $1 AND device = $2 AND last_resort = 0 AND data IS NOT NULL
    ORDER BY place DESC LIMIT 1 OFFSET $3)`

	if len(ks) == 0 {
		return nil
	}
	practice, device := ks[0].Practice, ks[0].Device
	for _, k := range ks {
		if k.Practice != practice || k.Device != device {
			return errors.New("key packages of several devices")
		}
	}
	return s.write(ctx, practice, func(t *tx) error {
		d, err := s.lockDevice(t, practice, device)
		if err != nil {
			return err
		}
		if d.RevokedAt != 0 {
			return hub.ErrConflict
		}
		var place int64
		if err := t.row(ctx, next, practice, device).Scan(&place); err != nil {
			return err
		}
		for i, k := range ks {
			_, err := t.exec(insert, practice, device, blob(k.Ref), place+int64(i), blob(k.Data),
				integer(k.LastResort), k.NotAfter)
			if err != nil {
				return err
			}
			if k.LastResort {
				if _, err := t.exec(dropLastResort, practice, device, blob(k.Ref)); err != nil {
					return err
				}
			}
		}
		_, err = t.exec(dropOldest, practice, device, max(most, 0))
		return err
	})
}

// ClaimKeyPackages implements [hub.KeyPackages].
func (s *Store) ClaimKeyPackages(ctx context.Context, practice string, devices []string, now int64) (claimed []hub.KeyPackage, err error) {
	const oldest = `
SELECT ref, data, last_resort, not_after FROM key_package
WHERE practice = $1 AND device = $2 AND data IS NOT NULL
    AND (last_resort = 1 OR not_after = 0 OR not_after > $3)
ORDER BY last_resort, place LIMIT 1`
	const use = `
UPDATE key_package SET data = NULL WHERE practice = $1 AND device = $2 AND ref = $3 AND last_resort = 0`

	devices = slices.Clone(devices)
	slices.Sort(devices) // one order of locks for all
	devices = slices.Compact(devices)
	err = s.write(ctx, practice, func(t *tx) error {
		claimed = nil
		for _, device := range devices {
			_, err := s.lockDevice(t, practice, device)
			if isNone(err) {
				continue
			}
			if err != nil {
				return err
			}
			k := hub.KeyPackage{Practice: practice, Device: device}
			var lastResort int64
			err = t.row(ctx, oldest, practice, device, now).Scan(&k.Ref, &k.Data, &lastResort, &k.NotAfter)
			if isNone(err) {
				continue
			}
			if err != nil {
				return err
			}
			k.LastResort = lastResort != 0
			if _, err := t.exec(use, practice, device, k.Ref); err != nil {
				return err
			}
			claimed = append(claimed, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// CountKeyPackages implements [hub.KeyPackages].
func (s *Store) CountKeyPackages(ctx context.Context, practice, device string, now int64) (unused int, hasLastResort bool, err error) {
	const count = `
SELECT count(CASE WHEN last_resort = 0 AND (not_after = 0 OR not_after > $3) THEN 1 END),
    count(CASE WHEN last_resort = 1 THEN 1 END)
FROM key_package WHERE practice = $1 AND device = $2 AND data IS NOT NULL`
	var lastResorts int
	err = s.reader().row(ctx, count, practice, device, now).Scan(&unused, &lastResorts)
	return unused, lastResorts > 0, s.translate(err)
}
