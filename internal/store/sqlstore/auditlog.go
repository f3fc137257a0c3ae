package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/hub"
)

// LogsWaiting implements [hub.Audit].
func (s *Store) LogsWaiting(ctx context.Context) ([]hub.LogBacklog, error) {
	const query = `SELECT practice, COUNT(*), MIN(at) FROM audit_pending GROUP BY practice ORDER BY practice`
	all, err := collect(ctx, s.reader(), func(row scanner) (b hub.LogBacklog, err error) {
		return b, row.Scan(&b.Practice, &b.Events, &b.Oldest)
	}, query)
	return all, s.translate(err)
}

// GrowLog implements [hub.Audit].
func (s *Store) GrowLog(ctx context.Context, practice string, limit int) (n int, err error) {
	const take = `
DELETE FROM audit_pending WHERE id IN (SELECT id FROM audit_pending WHERE practice = $1 ORDER BY id LIMIT $2)
RETURNING id, salt, event`
	const advance = `UPDATE audit_log SET size = $2, root = $3 WHERE practice = $1`
	type row struct {
		id    int64
		entry auditlog.Entry
	}
	err = s.write(ctx, practice, func(t *tx) error {
		number, head, err := s.lockLog(ctx, t, practice)
		if err != nil {
			return err
		}
		rows, err := collect(ctx, t, func(from scanner) (r row, err error) {
			var salt, encoded []byte
			if err := from.Scan(&r.id, &salt, &encoded); err != nil {
				return r, err
			}
			if r.entry.Event, err = audit.Parse(encoded); err != nil {
				return r, err
			}
			copy(r.entry.Salt[:], salt)
			r.entry.Commitment = audit.Commit(r.entry.Salt, encoded)
			return r, nil
		}, take, practice, limit)
		if n = len(rows); n > 0 || err != nil {
			t.changed = true
		}
		if err != nil || n == 0 {
			return err
		}
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) }) // they come in any order
		leaves := make([]auditlog.Hash, n)
		for i := range rows {
			r := &rows[i]
			r.entry.Leaf = head.Size + int64(i)
			leaves[i] = auditlog.LeafHash(r.entry.Commitment)
			if err := insertEntry(t, number, &r.entry); err != nil {
				return err
			}
		}
		read := func(level int, place int64) ([]byte, error) { return logTile(ctx, t, number, level, place) }
		if err := auditlog.Grow(head.Size, read, func(level int, place int64, hashes []byte) error {
			return putTile(t, number, level, place, hashes)
		}, leaves); err != nil {
			return err
		}
		root, err := auditlog.Root(head.Size+int64(n), read)
		if err != nil {
			return err
		}
		_, err = t.exec(advance, practice, head.Size+int64(n), root[:])
		return err
	})
	return n, err
}

// lockLog returns a practice's log, which nobody else grows meanwhile.
func (s *Store) lockLog(ctx context.Context, t *tx, practice string) (number int64, head auditlog.Head, err error) {
	const begin = `
INSERT INTO audit_log (practice, number, size, root) SELECT id, number, 0, $2 FROM practice WHERE id = $1
ON CONFLICT DO NOTHING`
	const lock = `SELECT number, size, root FROM audit_log WHERE practice = $1`
	number, head, err = scanLog(t.row(ctx, lock+s.dialect.Lock, practice))
	if !isNone(err) {
		return number, head, err
	}
	empty, err := auditlog.Root(0, nil)
	if err != nil {
		return 0, head, err
	}
	if _, err := t.exec(begin, practice, empty[:]); err != nil {
		return 0, head, err
	}
	return scanLog(t.row(ctx, lock+s.dialect.Lock, practice))
}

func scanLog(row scanner) (number int64, head auditlog.Head, err error) {
	var root []byte
	err = row.Scan(&number, &head.Size, &root)
	copy(head.Root[:], root)
	return number, head, err
}

func insertEntry(t *tx, number int64, e *auditlog.Entry) error {
	const insert = `
INSERT INTO audit_entry (practice, leaf, at, kind, outcome, role, person, device, object, subject, conversation, patient,
    detail, reason, reference, rules, address, request, salt, commitment)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`
	v := &e.Event
	_, err := t.exec(insert, number, e.Leaf, v.At, string(v.Kind), string(v.Outcome), string(v.Role), v.Person, v.Device,
		v.Object, v.Subject, v.Conversation, v.Patient, v.Detail, v.Reason, v.Reference, strings.Join(v.Rules, " "),
		v.Address, v.Request, e.Salt[:], e.Commitment[:])
	return err
}

const entryColumns = `
SELECT leaf, at, kind, outcome, role, person, device, object, subject, conversation, patient,
    detail, reason, reference, rules, address, request, salt, commitment
FROM audit_entry WHERE practice = $1`

// entryScanner reads entries of a practice.
func entryScanner(practice string) func(scanner) (auditlog.Entry, error) {
	return func(row scanner) (e auditlog.Entry, err error) {
		var rules string
		var salt, commitment []byte
		v := &e.Event
		err = row.Scan(&e.Leaf, &v.At, &v.Kind, &v.Outcome, &v.Role, &v.Person, &v.Device, &v.Object, &v.Subject, &v.Conversation,
			&v.Patient, &v.Detail, &v.Reason, &v.Reference, &rules, &v.Address, &v.Request, &salt, &commitment)
		e.Erased = len(salt) == 0
		copy(e.Salt[:], salt)
		copy(e.Commitment[:], commitment)
		v.Practice = practice
		if rules != "" {
			v.Rules = strings.Split(rules, " ")
		}
		return e, err
	}
}

func logTile(ctx context.Context, q querier, number int64, level int, place int64) (hashes []byte, err error) {
	const query = `SELECT hashes FROM audit_tile WHERE practice = $1 AND level = $2 AND place = $3`
	err = q.row(ctx, query, number, level, place).Scan(&hashes)
	if isNone(err) {
		return nil, nil
	}
	return hashes, err
}

func putTile(t *tx, number int64, level int, place int64, hashes []byte) error {
	const put = `
INSERT INTO audit_tile (practice, level, place, hashes) VALUES ($1, $2, $3, $4)
ON CONFLICT (practice, level, place) DO UPDATE SET hashes = $4`
	_, err := t.exec(put, number, level, place, hashes)
	return err
}

// logNumber returns the number of a practice, which never changes.
func (s *Store) logNumber(ctx context.Context, practice string) (number int64, err error) {
	if known, ok := s.numbers.Load(practice); ok {
		return known.(int64), nil
	}
	err = s.reader().row(ctx, `SELECT number FROM practice WHERE id = $1`, practice).Scan(&number)
	if err == nil {
		s.numbers.Store(practice, number)
	}
	return number, err
}

// LogHead implements [hub.Audit].
func (s *Store) LogHead(ctx context.Context, practice string) (auditlog.Head, error) {
	const query = `SELECT number, size, root FROM audit_log WHERE practice = $1`
	_, head, err := scanLog(s.reader().row(ctx, query, practice))
	if isNone(err) {
		head.Root, err = auditlog.Root(0, nil)
	}
	return head, s.translate(err)
}

// LogTile implements [hub.Audit].
func (s *Store) LogTile(ctx context.Context, practice string, level int, n int64) ([]byte, error) {
	number, err := s.logNumber(ctx, practice)
	if err != nil {
		return nil, s.translate(err)
	}
	hashes, err := logTile(ctx, s.reader(), number, level, n)
	return hashes, s.translate(err)
}

// LogRange implements [hub.Audit].
func (s *Store) LogRange(ctx context.Context, practice string, first int64, limit int) ([]auditlog.Entry, error) {
	number, err := s.logNumber(ctx, practice)
	if err != nil {
		return nil, s.translate(err)
	}
	const query = entryColumns + ` AND leaf >= $2 ORDER BY leaf LIMIT $3`
	all, err := collect(ctx, s.reader(), entryScanner(practice), query, number, first, max(limit, 1))
	return all, s.translate(err)
}
