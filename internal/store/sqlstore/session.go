package sqlstore

import (
	"context"

	"github.com/sotto-health/sotto/internal/hub"
)

// AddStaffSession implements [hub.StaffSessions].
func (s *Store) AddStaffSession(ctx context.Context, n hub.StaffSession) error {
	const insert = `
INSERT INTO staff_session (token, id, practice, person, device, method, browser, address, created_at, expires_at,
    used_at, proved_at, locked_at, issuer, subject, sid, hint, browser_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT DO NOTHING`
	return s.write(ctx, n.Practice, func(t *tx) error {
		added, err := t.exec(insert, n.Token[:], n.ID, n.Practice, n.Person, n.Device, n.Method, n.Browser, n.Address,
			n.CreatedAt, n.ExpiresAt, n.UsedAt, n.ProvedAt, n.LockedAt, n.Provider.Issuer, n.Provider.Subject, n.Provider.Sid, orNull(n.Provider.Hint), n.BrowserKey)
		if err == nil && added == 0 {
			err = hub.ErrExists
		}
		return err
	})
}

const sessionColumns = `
SELECT token, id, practice, person, device, method, browser, address, created_at, expires_at, used_at, proved_at, locked_at,
    issuer, subject, sid, browser_key
FROM staff_session `

func scanSession(row scanner) (n hub.StaffSession, err error) {
	var token []byte
	err = row.Scan(&token, &n.ID, &n.Practice, &n.Person, &n.Device, &n.Method, &n.Browser, &n.Address,
		&n.CreatedAt, &n.ExpiresAt, &n.UsedAt, &n.ProvedAt, &n.LockedAt, &n.Provider.Issuer, &n.Provider.Subject, &n.Provider.Sid, &n.BrowserKey)
	copy(n.Token[:], token)
	return n, err
}

// StaffSession implements [hub.StaffSessions].
func (s *Store) StaffSession(ctx context.Context, token [32]byte, now int64) (hub.StaffSession, error) {
	found, err := scanSession(s.reader().row(ctx, sessionColumns+`WHERE token = $1 AND expires_at > $2`, token[:], now))
	return found, s.translate(err)
}

// StaffSessionsByID implements [hub.StaffSessions].
func (s *Store) StaffSessionsByID(ctx context.Context, ids []string) ([]hub.StaffSession, error) {
	query := sessionColumns + `WHERE ` + s.dialect.in("id", "$1")
	all, err := collect(ctx, s.reader(), scanSession, query, document(ids))
	return all, s.translate(err)
}

// StaffSessionsOf implements [hub.StaffSessions].
func (s *Store) StaffSessionsOf(ctx context.Context, practice, person string, now int64) ([]hub.StaffSession, error) {
	const query = sessionColumns + `
WHERE practice = $1 AND person = $2 AND expires_at > $3 ORDER BY created_at DESC, id`
	all, err := collect(ctx, s.reader(), scanSession, query, practice, person, now)
	return all, s.translate(err)
}

// changeSession runs an update of one session.
func (s *Store) changeSession(ctx context.Context, update, id string, args ...any) error {
	return s.write(ctx, id, func(t *tx) error {
		return t.must(update, append([]any{id}, args...)...)
	})
}

// UseStaffSession implements [hub.StaffSessions].
func (s *Store) UseStaffSession(ctx context.Context, id string, at int64) error {
	const update = `
UPDATE staff_session SET used_at = CASE WHEN used_at < $2 THEN $3 ELSE used_at END WHERE id = $1`
	return s.changeSession(ctx, update, id, at, at)
}

// LockStaffSession implements [hub.StaffSessions].
func (s *Store) LockStaffSession(ctx context.Context, id string, at int64) error {
	const update = `
UPDATE staff_session SET locked_at = CASE WHEN locked_at = 0 THEN $2 ELSE locked_at END WHERE id = $1`
	return s.changeSession(ctx, update, id, at)
}

// QuietStaffSessions implements [hub.StaffSessions].
func (s *Store) QuietStaffSessions(ctx context.Context, since int64) ([]hub.StaffSession, error) {
	all, err := collect(ctx, s.reader(), scanSession, sessionColumns+`WHERE locked_at = 0 AND used_at <= $1`, since)
	return all, s.translate(err)
}

// LockQuietStaffSession implements [hub.StaffSessions].
func (s *Store) LockQuietStaffSession(ctx context.Context, id string, used, at int64) error {
	const update = `UPDATE staff_session SET locked_at = $3 WHERE id = $1 AND locked_at = 0 AND used_at = $2`
	return s.changeSession(ctx, update, id, used, at)
}

// RenewStaffSession implements [hub.StaffSessions].
func (s *Store) RenewStaffSession(ctx context.Context, id string, token [32]byte, at int64) error {
	const update = `
UPDATE staff_session SET token = $2, used_at = $3, proved_at = $4, locked_at = 0 WHERE id = $1`
	return s.changeSession(ctx, update, id, token[:], at, at)
}

// BindStaffSession implements [hub.StaffSessions].
func (s *Store) BindStaffSession(ctx context.Context, id, device string) error {
	const revoked = `SELECT id FROM device WHERE practice = $1 AND id = $2 AND revoked_at > 0`
	const bind = `UPDATE staff_session SET device = $2 WHERE id = $1`
	return s.write(ctx, id, func(t *tx) error {
		found, err := scanSession(t.row(ctx, sessionColumns+`WHERE id = $1`+s.dialect.Lock, id))
		if err != nil {
			return err
		}
		if found.Device == device {
			return nil
		}
		if found.Device != "" {
			gone, err := collect(ctx, t, scanString, revoked, found.Practice, found.Device)
			if err != nil {
				return err
			}
			if len(gone) == 0 {
				return hub.ErrConflict
			}
		}
		_, err = t.exec(bind, id, device)
		return err
	})
}

// DeleteStaffSession implements [hub.StaffSessions].
func (s *Store) DeleteStaffSession(ctx context.Context, id string) error {
	return s.write(ctx, id, func(t *tx) error { return deleteStaffSession(t, id) })
}

func deleteStaffSession(t *tx, id string) error {
	const deviceSessions = `DELETE FROM device_session WHERE staff = $1`
	const session = `DELETE FROM staff_session WHERE id = $1`
	if _, err := t.exec(deviceSessions, id); err != nil {
		return err
	}
	_, err := t.exec(session, id)
	return err
}

// deleteStaffSessions ends all of a person's, and the device sessions with them.
func deleteStaffSessions(t *tx, practice, person string) error {
	const deviceSessions = `
DELETE FROM device_session
WHERE staff IN (SELECT id FROM staff_session WHERE practice = $1 AND person = $2)`
	const sessions = `DELETE FROM staff_session WHERE practice = $1 AND person = $2`
	if _, err := t.exec(deviceSessions, practice, person); err != nil {
		return err
	}
	_, err := t.exec(sessions, practice, person)
	return err
}

// AddKnownBrowser implements [hub.StaffSessions].
func (s *Store) AddKnownBrowser(ctx context.Context, b hub.KnownBrowser) error {
	const insert = `INSERT INTO known_browser (token, practice, person, expires_at) VALUES ($1, $2, $3, $4)`
	return s.write(ctx, b.Practice, func(t *tx) error {
		_, err := t.exec(insert, b.Token[:], b.Practice, b.Person, b.ExpiresAt)
		return err
	})
}

// KnownBrowser implements [hub.StaffSessions].
func (s *Store) KnownBrowser(ctx context.Context, token [32]byte, now int64) (hub.KnownBrowser, error) {
	const query = `SELECT practice, person, expires_at FROM known_browser WHERE token = $1 AND expires_at > $2`
	b := hub.KnownBrowser{Token: token}
	err := s.reader().row(ctx, query, token[:], now).Scan(&b.Practice, &b.Person, &b.ExpiresAt)
	return b, s.translate(err)
}
