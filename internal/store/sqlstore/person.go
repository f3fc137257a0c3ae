package sqlstore

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// AddPerson implements [hub.People].
func (s *Store) AddPerson(ctx context.Context, p hub.Person) error {
	return s.write(ctx, p.Practice, func(t *tx) error { return addPerson(t, p) })
}

// AddInvited implements [hub.People].
func (s *Store) AddInvited(ctx context.Context, p hub.Person, l hub.SetUpLink, ask *hub.GrantRequest) error {
	return s.write(ctx, p.Practice, func(t *tx) error {
		if err := addPerson(t, p); err != nil {
			return err
		}
		if ask != nil {
			if err := insertGrantRequest(t, *ask); err != nil {
				return err
			}
		}
		return insertSetUpLink(t, l)
	})
}

func addPerson(t *tx, p hub.Person) error {
	const insert = `
INSERT INTO person (practice, id, kind, role, name, title, login, password, queues, created_at, disabled_at,
    password_at, failures, external_id, disabled_by_directory)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING`
	var login, external any
	if p.Login != "" {
		login = p.Login
	}
	if p.ExternalID != "" {
		external = p.ExternalID
	}
	added, err := t.exec(insert, p.Practice, p.ID, p.Kind, p.Role, p.Name, p.Title, login, p.Password,
		document(p.Queues), p.CreatedAt, p.DisabledAt, p.PasswordAt, p.Failures, external, integer(p.DisabledByDirectory))
	if err == nil && added == 0 {
		err = hub.ErrExists
	}
	if err != nil || len(p.Departments) == 0 {
		return err
	}
	return putDepartments(t, p.Practice, p.ID, p.Departments)
}

const personColumns = `
SELECT practice, id, kind, role, name, title, coalesce(login, ''), password, queues, created_at, disabled_at,
    password_at, failures, known_failures, coalesce(external_id, ''), disabled_by_directory,
    coalesce((SELECT string_agg(d.department, ',') FROM department_person d WHERE d.practice = person.practice AND d.person = person.id), ''),
    coalesce((SELECT string_agg(q.queue, ',') FROM department_person d CROSS JOIN department_queue q
        WHERE d.practice = person.practice AND d.person = person.id AND q.practice = d.practice AND q.department = d.department), '')
FROM person `

func scanPerson(row scanner) (p hub.Person, err error) {
	var queues, departments, theirs string
	err = row.Scan(&p.Practice, &p.ID, &p.Kind, &p.Role, &p.Name, &p.Title, &p.Login, &p.Password,
		&queues, &p.CreatedAt, &p.DisabledAt, &p.PasswordAt, &p.Failures, &p.KnownFailures, &p.ExternalID, (*flag)(&p.DisabledByDirectory), &departments, &theirs)
	p.Departments, p.DepartmentQueues = words(departments), words(theirs)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(queues), &p.Queues); err != nil {
		return p, errors.New("queues of person " + p.ID + " are damaged")
	}
	return p, nil
}

// Person implements [hub.People].
func (s *Store) Person(ctx context.Context, practice, id string) (hub.Person, error) {
	p, err := scanPerson(s.reader().row(ctx, personColumns+`WHERE practice = $1 AND id = $2`, practice, id))
	return p, s.translate(err)
}

// PersonByLogin implements [hub.People].
func (s *Store) PersonByLogin(ctx context.Context, practice, login string) (hub.Person, error) {
	p, err := scanPerson(s.reader().row(ctx, personColumns+`WHERE practice = $1 AND login = $2`, practice, login))
	return p, s.translate(err)
}

// PersonsByID implements [hub.People].
func (s *Store) PersonsByID(ctx context.Context, practice string, ids []string) ([]hub.Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query := personColumns + `WHERE practice = $1 AND ` + s.dialect.in("id", "$2")
	all, err := collect(ctx, s.reader(), scanPerson, query, practice, document(ids))
	return all, s.translate(err)
}

// PersonsOfKind implements [hub.People].
func (s *Store) PersonsOfKind(ctx context.Context, practice, kind string) ([]hub.Person, error) {
	if kind == api.KindPatient {
		return nil, nil // they have no names to list them by
	}
	const query = personColumns + `WHERE practice = $1 AND kind = $2 AND kind <> 'patient' ORDER BY name, id`
	all, err := collect(ctx, s.reader(), scanPerson, query, practice, kind)
	return all, s.translate(err)
}

// AddSetUpLink implements [hub.People].
func (s *Store) AddSetUpLink(ctx context.Context, l hub.SetUpLink, by *hub.Agreement) error {
	return s.write(ctx, l.Practice, func(t *tx) error {
		if err := s.useAgreement(ctx, t, l.Practice, l.Person, by); err != nil {
			return err
		}
		if err := dropLinks(t, l.Practice, l.Person); err != nil {
			return err
		}
		return insertSetUpLink(t, l)
	})
}

func insertSetUpLink(t *tx, l hub.SetUpLink) error {
	const insert = `
INSERT INTO set_up_link (token, practice, person, created_at, expires_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`
	return t.mustOr(hub.ErrExists, insert, l.Token[:], l.Practice, l.Person, l.CreatedAt, l.ExpiresAt, l.UsedAt)
}

// dropLinks ends the links of a person that nobody has used.
func dropLinks(t *tx, practice, person string) error {
	const drop = `DELETE FROM set_up_link WHERE practice = $1 AND person = $2 AND used_at = 0`
	_, err := t.exec(drop, practice, person)
	return err
}

const usableLink = `
SELECT practice, person, created_at, expires_at, used_at
FROM set_up_link WHERE token = $1 AND used_at = 0 AND expires_at > $2`

func scanLink(token [32]byte, row scanner) (hub.SetUpLink, error) {
	l := hub.SetUpLink{Token: token}
	err := row.Scan(&l.Practice, &l.Person, &l.CreatedAt, &l.ExpiresAt, &l.UsedAt)
	return l, err
}

// SetUpLink implements [hub.People].
func (s *Store) SetUpLink(ctx context.Context, token [32]byte, now int64) (hub.SetUpLink, error) {
	l, err := scanLink(token, s.reader().row(ctx, usableLink, token[:], now))
	return l, s.translate(err)
}

// ClaimSetUpLink implements [hub.People].
func (s *Store) ClaimSetUpLink(ctx context.Context, token [32]byte, e hub.Enrolment, now int64) (link hub.SetUpLink, err error) {
	const use = `UPDATE set_up_link SET used_at = $2 WHERE token = $1 AND used_at = 0`
	const dropFactors = `DELETE FROM factor WHERE practice = $1 AND person = $2`
	const dropBrowsers = `DELETE FROM known_browser WHERE practice = $1 AND person = $2`
	err = s.write(ctx, string(token[:]), func(t *tx) error {
		link, err = scanLink(token, t.row(ctx, usableLink+s.dialect.Lock, token[:], now))
		if err != nil {
			return err
		}
		if err := t.must(use, token[:], now); err != nil {
			return err
		}
		link.UsedAt = now
		if err := dropLinks(t, link.Practice, link.Person); err != nil {
			return err
		}
		for _, drop := range []string{dropFactors, dropBrowsers} {
			if _, err := t.exec(drop, link.Practice, link.Person); err != nil {
				return err
			}
		}
		if err := setPassword(t, link.Practice, link.Person, e.Password, now); err != nil {
			return err
		}
		if err := clearFailures(t, link.Practice, link.Person); err != nil {
			return err
		}
		f := e.Factor
		f.Practice, f.Person = link.Practice, link.Person
		if err := addFactor(t, f); err != nil {
			return err
		}
		if err := replaceCodes(t, link.Practice, link.Person, e.Codes); err != nil {
			return err
		}
		return deleteStaffSessions(t, link.Practice, link.Person)
	})
	return link, err
}

// SetPassword implements [hub.People].
func (s *Store) SetPassword(ctx context.Context, practice, person, password string, at int64) error {
	return s.write(ctx, practice, func(t *tx) error { return setPassword(t, practice, person, password, at) })
}

func setPassword(t *tx, practice, person, password string, at int64) error {
	const update = `
UPDATE person SET password = $3, password_at = CASE WHEN CAST($4 AS BIGINT) = 0 THEN password_at ELSE $5 END
WHERE practice = $1 AND id = $2`
	return t.must(update, practice, person, password, at, at)
}

// RefuseSignIn implements [hub.People].
func (s *Store) RefuseSignIn(ctx context.Context, n hub.SignIn, counts bool) error {
	const count = `
UPDATE person SET failures = failures + $3, known_failures = known_failures + $4 WHERE practice = $1 AND id = $2`
	const keep = `
INSERT INTO sign_in (practice, id, person, at, method, outcome, browser, address, stranger, seen)
SELECT practice, $3, id, $4, $5, $6, $7, $8, $9, $10 FROM person WHERE practice = $1 AND id = $2`
	return s.write(ctx, n.Practice, func(t *tx) error {
		if _, err := t.exec(count, n.Practice, n.Person, integer(counts && n.New), integer(counts && !n.New)); err != nil {
			return err
		}
		_, err := t.exec(keep, n.Practice, n.Person, n.ID, n.At, n.Method, n.Outcome, n.Browser, n.Address, integer(n.New), integer(n.Seen))
		return err
	})
}

// ClearFailures implements [hub.People].
func (s *Store) ClearFailures(ctx context.Context, practice, person string) error {
	return s.write(ctx, practice, func(t *tx) error { return clearFailures(t, practice, person) })
}

func clearFailures(t *tx, practice, person string) error {
	const update = `UPDATE person SET failures = 0, known_failures = 0 WHERE practice = $1 AND id = $2`
	_, err := t.exec(update, practice, person)
	return err
}

// AddSignIn implements [hub.People].
func (s *Store) AddSignIn(ctx context.Context, n hub.SignIn) error {
	const insert = `
INSERT INTO sign_in (practice, id, person, at, method, outcome, browser, address, stranger, seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	return s.write(ctx, n.Practice, func(t *tx) error {
		_, err := t.exec(insert, n.Practice, n.ID, n.Person, n.At, n.Method, n.Outcome, n.Browser, n.Address, integer(n.New), integer(n.Seen))
		return err
	})
}

// SignIns implements [hub.People].
func (s *Store) SignIns(ctx context.Context, practice, person string, limit int) ([]hub.SignIn, error) {
	const query = `
SELECT practice, id, person, at, method, outcome, browser, address, stranger, seen
FROM sign_in WHERE practice = $1 AND person = $2 ORDER BY at DESC, id LIMIT $3`
	all, err := collect(ctx, s.reader(), func(row scanner) (n hub.SignIn, err error) {
		err = row.Scan(&n.Practice, &n.ID, &n.Person, &n.At, &n.Method, &n.Outcome, &n.Browser, &n.Address, (*flag)(&n.New), (*flag)(&n.Seen))
		return n, err
	}, query, practice, person, limit)
	return all, s.translate(err)
}

// SeeDevices implements [hub.People].
func (s *Store) SeeDevices(ctx context.Context, practice, viewer string, at int64) error {
	const note = `
INSERT INTO devices_seen (practice, viewer, at) VALUES ($1, $2, $3)
ON CONFLICT (practice, viewer) DO UPDATE SET at = $3 WHERE devices_seen.at < $3`
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(note, practice, viewer, at)
		return err
	})
}

// DevicesSeen implements [hub.People].
func (s *Store) DevicesSeen(ctx context.Context, practice, viewer string) (at int64, err error) {
	const query = `SELECT at FROM devices_seen WHERE practice = $1 AND viewer = $2`
	err = s.reader().row(ctx, query, practice, viewer).Scan(&at)
	if isNone(err) {
		return 0, nil
	}
	return at, s.translate(err)
}

// SeeSignIns implements [hub.People].
func (s *Store) SeeSignIns(ctx context.Context, practice, person, but string) error {
	const update = `UPDATE sign_in SET seen = 1 WHERE practice = $1 AND person = $2 AND seen = 0 AND id <> $3`
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(update, practice, person, but)
		return err
	})
}
