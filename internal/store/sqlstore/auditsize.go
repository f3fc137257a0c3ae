package sqlstore

import (
	"context"
	"database/sql"
)

// sampled is how many of the newest entries tell what one takes.
const sampled = 1000

// LogBytes returns what the audit logs of all practices take of the disk, with
// their indexes. Where the engine cannot tell without reading all of it, it is
// an estimate from the newest entries, right to a third or so; either way it
// costs no more at ten million entries than at a thousand.
func (s *Store) LogBytes(ctx context.Context) (int64, error) {
	if s.dialect.LogBytes != "" {
		var bytes int64
		err := s.reader().row(ctx, s.dialect.LogBytes).Scan(&bytes)
		return bytes, s.translate(err)
	}
	// Of each entry the row and its place in each index that has it, each with some
	// twelve bytes of numbers and headers for every column.
	const query = `
SELECT (SELECT COALESCE(SUM(size), 0) FROM audit_log), COUNT(*), SUM(
    length(kind) + length(outcome) + length(role) + length(person) + length(device) + length(object) + length(subject) + length(conversation)
    + length(patient) + length(detail) + length(reason) + length(reference) + length(rules) + length(address) + length(request)
    + length(salt) + length(commitment) + 40
    + 2 * 16 + length(kind) + length(outcome) + 20
    + CASE WHEN person <> '' THEN length(person) + length(kind) + length(outcome) + 20 ELSE 0 END
    + CASE WHEN subject <> '' THEN length(subject) + 20 ELSE 0 END
    + CASE WHEN object <> '' AND kind <> 'frame.sent' AND kind <> 'handshake.sent' THEN length(object) + 20 ELSE 0 END
    + CASE WHEN conversation <> '' THEN length(conversation) + length(kind) + length(person) + length(outcome) + 20 ELSE 0 END
    + CASE WHEN patient <> '' THEN length(patient) + length(kind) + length(person) + length(outcome) + 20 ELSE 0 END
    + CASE WHEN outcome <> 'done' THEN length(outcome) + length(person) + length(kind) + 20 ELSE 0 END)
FROM (SELECT * FROM audit_entry ORDER BY rowid DESC LIMIT $1)`
	var entries, seen int64
	var bytes sql.NullInt64
	if err := s.reader().row(ctx, query, sampled).Scan(&entries, &seen, &bytes); err != nil {
		return 0, s.translate(err)
	}
	if seen == 0 {
		return 0, nil
	}
	const hashes = 33        // of an entry's in the tiles
	const full, part = 10, 8 // pages are four fifths full
	return entries * (bytes.Int64/seen + hashes) * full / part, nil
}

// LogKept returns the number and the time, in Unix milliseconds, of the oldest
// entry that a practice's log has, and how many it has: they are counted, so ask
// rarely. All are zero for an empty log.
func (s *Store) LogKept(ctx context.Context, practice string) (first, at, count int64, err error) {
	number, err := s.logNumber(ctx, practice)
	if err != nil {
		return 0, 0, 0, s.translate(err)
	}
	const oldest = `SELECT leaf, at FROM audit_entry WHERE practice = $1 ORDER BY leaf LIMIT 1`
	err = s.reader().row(ctx, oldest, number).Scan(&first, &at)
	if isNone(err) {
		return 0, 0, 0, nil
	} else if err != nil {
		return 0, 0, 0, s.translate(err)
	}
	err = s.reader().row(ctx, `SELECT COUNT(*) FROM audit_entry WHERE practice = $1`, number).Scan(&count)
	return first, at, count, s.translate(err)
}
