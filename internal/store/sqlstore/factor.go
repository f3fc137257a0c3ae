package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/proofing"
)

// AddFactor implements [hub.Factors].
func (s *Store) AddFactor(ctx context.Context, f hub.Factor) error {
	return s.write(ctx, f.Practice, func(t *tx) error { return addFactor(t, f) })
}

func addFactor(t *tx, f hub.Factor) error {
	const insert = `
INSERT INTO factor (practice, id, person, kind, name, credential, public_key, secret, counter, synced, introduction,
    created_at, used_at, introduced_by, record)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING`
	added, err := t.exec(insert, f.Practice, f.ID, f.Person, f.Kind, f.Name, orNull(f.Credential), blob(f.Key), blob(f.Secret),
		f.Counter, integer(f.Synced), optional(f.Introduction), f.CreatedAt, f.UsedAt, optional(f.IntroducedBy), f.Record)
	if err == nil && added == 0 {
		err = hub.ErrExists
	}
	return err
}

const factorColumns = `
SELECT practice, id, person, kind, name, credential, public_key, secret, counter, synced, introduction, created_at, used_at,
    introduced_by, record
FROM factor `

func scanFactor(row scanner) (f hub.Factor, err error) {
	err = row.Scan(&f.Practice, &f.ID, &f.Person, &f.Kind, &f.Name, &f.Credential, &f.Key, &f.Secret,
		&f.Counter, (*flag)(&f.Synced), optionalTarget(&f.Introduction), &f.CreatedAt, &f.UsedAt,
		optionalTarget(&f.IntroducedBy), &f.Record)
	return f, err
}

const factorsOfPerson = factorColumns + `WHERE practice = $1 AND person = $2 ORDER BY created_at, id`

// FactorsOf implements [hub.Factors].
func (s *Store) FactorsOf(ctx context.Context, practice, person string) ([]hub.Factor, error) {
	all, err := collect(ctx, s.reader(), scanFactor, factorsOfPerson, practice, person)
	return all, s.translate(err)
}

// FactorByCredential implements [hub.Factors].
func (s *Store) FactorByCredential(ctx context.Context, practice string, credential []byte) (hub.Factor, error) {
	const query = factorColumns + `WHERE practice = $1 AND credential = $2`
	f, err := scanFactor(s.reader().row(ctx, query, practice, blob(credential)))
	return f, s.translate(err)
}

// Using implements [hub.Factors].
func (s *Store) Using(use hub.FactorUse) hub.Store {
	view := *s
	view.use = &use
	return &view
}

// UseFactor implements [hub.Factors].
func (s *Store) UseFactor(ctx context.Context, use hub.FactorUse) error {
	return s.write(ctx, use.Practice, func(t *tx) error { return useFactor(t, use) })
}

// usingUp returns what uses a factor up, followed by fn.
func usingUp(use hub.FactorUse, fn func(*tx) error) func(*tx) error {
	return func(t *tx) error {
		if err := useFactor(t, use); err != nil {
			return err
		}
		return fn(t)
	}
}

func useFactor(t *tx, u hub.FactorUse) error {
	const update = `
UPDATE factor SET counter = $4, used_at = $5
WHERE practice = $1 AND person = $2 AND id = $3 AND (counter < $6 OR counter = 0 AND CAST($7 AS BIGINT) = 0)`
	const drop = `DELETE FROM recovery_code WHERE practice = $1 AND person = $2 AND hash = $3`
	switch {
	case u.Factor != "":
		return t.mustOr(hub.ErrFactorUsed, update, u.Practice, u.Person, u.Factor, u.Counter, u.At, u.Counter, u.Counter)
	case len(u.Recovery) != 0:
		return t.mustOr(hub.ErrFactorUsed, drop, u.Practice, u.Person, u.Recovery)
	default:
		return nil
	}
}

// RenameFactor implements [hub.Factors].
func (s *Store) RenameFactor(ctx context.Context, practice, person, id, name string) error {
	const update = `UPDATE factor SET name = $4 WHERE practice = $1 AND id = $2 AND person = $3`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(update, practice, id, person, name)
	})
}

// DeleteFactor implements [hub.Factors].
func (s *Store) DeleteFactor(ctx context.Context, practice, person, id string) error {
	const drop = `DELETE FROM factor WHERE practice = $1 AND id = $2`
	return s.write(ctx, practice, func(t *tx) error {
		// The person's row is locked, so that two cannot each leave the other.
		p, err := scanPerson(t.row(ctx, personColumns+`WHERE practice = $1 AND id = $2`+s.dialect.Lock, practice, person))
		if err != nil {
			return err
		}
		all, err := collect(ctx, t, scanFactor, factorsOfPerson, practice, person)
		if err != nil {
			return err
		}
		found, enough := false, false
		for _, f := range all {
			switch {
			case f.ID == id:
				found = true
			case f.Kind == hub.FactorPasskey, p.Password != "":
				enough = true
			}
		}
		if !found {
			return hub.ErrNotFound
		}
		if !enough {
			return hub.ErrLastFactor
		}
		_, err = t.exec(drop, practice, id)
		return err
	})
}

// DeletePasskey implements [hub.Factors].
func (s *Store) DeletePasskey(ctx context.Context, practice, person, id string) error {
	const drop = `DELETE FROM factor WHERE practice = $1 AND person = $2 AND id = $3 AND kind = $4`
	return s.write(ctx, practice, func(t *tx) error {
		return t.must(drop, practice, person, id, hub.FactorPasskey)
	})
}

// ForgetPasskeys implements [hub.Factors].
func (s *Store) ForgetPasskeys(ctx context.Context, practice, person string, devices []string, at int64) error {
	const factors = `DELETE FROM factor WHERE practice = $1 AND person = $2 AND kind = $3`
	const proofs = `DELETE FROM verification WHERE practice = $1 AND person = $2 AND method = $3`
	return s.write(ctx, practice, func(t *tx) error {
		if err := t.must(factors, practice, person, hub.FactorPasskey); err != nil {
			return err
		}
		if _, err := t.exec(proofs, practice, person, string(proofing.Passkey)); err != nil {
			return err
		}
		for _, d := range devices {
			if err := s.revoke(t, practice, d, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReplaceRecoveryCodes implements [hub.Factors].
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, practice, person string, codes []hub.RecoveryCode) error {
	return s.write(ctx, practice, func(t *tx) error { return replaceCodes(t, practice, person, codes) })
}

func replaceCodes(t *tx, practice, person string, codes []hub.RecoveryCode) error {
	const drop = `DELETE FROM recovery_code WHERE practice = $1 AND person = $2`
	const insert = `INSERT INTO recovery_code (practice, person, hash, salt) VALUES ($1, $2, $3, $4)`
	if _, err := t.exec(drop, practice, person); err != nil {
		return err
	}
	for _, c := range codes {
		if _, err := t.exec(insert, practice, person, c.Hash, c.Salt); err != nil {
			return err
		}
	}
	return nil
}

// RecoveryCodes implements [hub.Factors].
func (s *Store) RecoveryCodes(ctx context.Context, practice, person string) ([]hub.RecoveryCode, error) {
	const query = `SELECT salt, hash FROM recovery_code WHERE practice = $1 AND person = $2`
	all, err := collect(ctx, s.reader(), func(row scanner) (c hub.RecoveryCode, err error) {
		err = row.Scan(&c.Salt, &c.Hash)
		return c, err
	}, query, practice, person)
	return all, s.translate(err)
}
