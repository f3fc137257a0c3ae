package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// AppendFrame implements [hub.Frames].
func (s *Store) AppendFrame(ctx context.Context, a hub.Append) (hub.Appended, error) {
	return s.QueueFrame(ctx, a)()
}

// QueueFrame implements [hub.Frames].
func (s *Store) QueueFrame(ctx context.Context, a hub.Append) (wait func() (hub.Appended, error)) {
	w := s.writers[shardOf(a.Conversation, len(s.writers))]
	var appended hub.Appended
	j := w.enqueue(ctx, func(t *tx) (err error) {
		var patient string
		appended, patient, err = s.appendFrame(ctx, t, a)
		if err != nil || appended.Duplicate {
			return err
		}
		return recordFrame(t, s.recording, patient, appended.Position)
	})
	return func() (hub.Appended, error) {
		if err := w.wait(j); err != nil {
			return hub.Appended{}, s.translate(err)
		}
		return appended, nil
	}
}

// appendFrame also returns whose conversation it is.
func (s *Store) appendFrame(ctx context.Context, t *tx, a hub.Append) (_ hub.Appended, patient string, _ error) {
	// The lock comes before everything else is read, so that what is read is
	// of now and stays so.
	const lock = `
SELECT number, log, epoch, head, state, withdrawn_at, consent_due, patient,
    CASE WHEN writes_for <> '' AND (confidential = 1 OR EXISTS (SELECT 1 FROM relation r
        WHERE r.practice = $1 AND r.id = conversation.relation AND r.ends_at > 0 AND r.ends_at <= $3)) THEN 1 ELSE 0 END
FROM conversation WHERE practice = $1 AND id = $2`
	const advance = `
UPDATE conversation SET head = $3, epoch = $4, last_at = CASE WHEN CAST($5 AS BIGINT) > 0 THEN $5 ELSE last_at END
WHERE practice = $1 AND id = $2`

	f := a.Frame
	var epoch, head uint64
	var state string
	var withdrawnAt, due, pastGrant int64
	var l logKey
	err := t.row(ctx, lock+s.dialect.Lock, a.Practice, a.Conversation, f.ReceivedAt).
		Scan(&l.practice, &l.log, &epoch, &head, &state, &withdrawnAt, &due, &patient, &pastGrant)
	if err != nil {
		return hub.Appended{}, "", err
	}
	admit := func() error {
		switch {
		case withdrawnAt != 0 && !a.EvenWithdrawn:
			return hub.ErrConsentWithdrawn
		case pastGrant != 0 && f.Person == patient:
			return hub.ErrNotAMember
		case due != 0 && due <= f.ReceivedAt && f.Kind == api.FrameApplication && f.Person == patient:
			return hub.ErrConsentDue
		case state == api.StateClosed && !a.EvenClosed:
			return hub.ErrClosed
		}
		if !a.External {
			if in, err := isMember(ctx, t, a.Practice, a.Conversation, f.Device); err != nil {
				return err
			} else if !in {
				return hub.ErrNotAMember
			}
		}
		if f.Epoch != epoch {
			return &hub.StaleEpochError{Sent: f.Epoch, Current: epoch, Head: head}
		}
		if a.Handshake != nil {
			return s.checkHandshake(ctx, t, a)
		}
		return nil
	}
	refusal := admit()
	if refusal != nil && s.dialect.Classify(refusal) != Foreign {
		return hub.Appended{}, "", refusal
	}
	f.Position = head + 1
	fresh := false
	if refusal == nil {
		if fresh, err = insertFrame(t, l, f); err != nil {
			return hub.Appended{}, "", err
		}
	}
	if !fresh {
		// What was sent before gets the same answer again, whatever has become
		// of the conversation. It is looked for only here: most was not.
		before, err := sentBefore(ctx, t, l, f)
		if err == nil && !before.Duplicate {
			err = cmp.Or(refusal, hub.ErrConflict)
		}
		return before, patient, err
	}
	if h := a.Handshake; h != nil {
		epoch = h.Epoch
	}
	var lastAt int64
	if f.Kind == api.FrameApplication {
		lastAt = f.ReceivedAt
	}
	n, err := t.exec(advance, a.Practice, a.Conversation, signed(f.Position), signed(epoch), lastAt)
	if err != nil {
		return hub.Appended{}, "", err
	}
	if n != 1 {
		return hub.Appended{}, "", fmt.Errorf("conversation went away under its lock")
	}
	if a.Handshake != nil {
		if err := s.applyHandshake(ctx, t, a, f); err != nil {
			return hub.Appended{}, "", err
		}
	}
	return hub.Appended{Position: f.Position, ReceivedAt: f.ReceivedAt}, patient, nil
}

// A logKey is what the frames of one conversation are stored under.
type logKey struct{ practice, log int64 }

// sentKey stands for a frame's device and client id in an index. Half a
// SHA-256 keeps the index small, and nobody finds two frames that share it.
func sentKey(f hub.Frame) []byte {
	sum := sha256.Sum256([]byte(f.Device + "\x00" + f.ClientID))
	return sum[:len(sum)/2]
}

// sentBefore looks for the frame by its client id. It is the same if its kind
// and bytes are.
func sentBefore(ctx context.Context, t *tx, l logKey, f hub.Frame) (hub.Appended, error) {
	const query = `
SELECT position, received_at, kind, payload FROM frame WHERE practice = $1 AND log = $2 AND sent = $3`
	before := hub.Appended{Duplicate: true}
	var kind string
	var payload []byte
	err := t.row(ctx, query, l.practice, l.log, sentKey(f)).
		Scan(&before.Position, &before.ReceivedAt, &kind, &payload)
	switch {
	case isNone(err):
		return hub.Appended{}, nil
	case err != nil:
		return hub.Appended{}, err
	case kind != f.Kind || !bytes.Equal(payload, f.Payload):
		return hub.Appended{}, hub.ErrConflict
	}
	return before, nil
}

func isMember(ctx context.Context, q querier, practice, conversation, device string) (bool, error) {
	const query = `
SELECT count(*) FROM member
WHERE practice = $1 AND conversation = $2 AND device = $3 AND until_position = 0`
	var n int
	err := q.row(ctx, query, practice, conversation, device).Scan(&n)
	return n > 0, err
}

// insertFrame returns false, and changes nothing, if the frame was sent before.
func insertFrame(t *tx, l logKey, f hub.Frame) (fresh bool, err error) {
	const insert = `
INSERT INTO frame (practice, log, position, sent, kind, epoch, device, person, client_id, received_at, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (practice, log, sent) DO NOTHING`
	n, err := t.exec(insert, l.practice, l.log, signed(f.Position), sentKey(f), f.Kind, signed(f.Epoch), f.Device,
		f.Person, f.ClientID, f.ReceivedAt, blob(f.Payload))
	return n > 0, err
}

// Frames implements [hub.Frames]. Head and frames are of one moment, because
// one statement reads both.
func (s *Store) Frames(ctx context.Context, practice, conversation string, after, upTo uint64, limit int) (frames []hub.Frame, head uint64, err error) {
	const query = `
SELECT c.head, coalesce(f.position, 0), coalesce(f.kind, ''), coalesce(f.epoch, 0), coalesce(f.device, ''),
    coalesce(f.person, ''), coalesce(f.client_id, ''), coalesce(f.received_at, 0), f.payload
FROM conversation c LEFT JOIN frame f
    ON f.practice = c.number AND f.log = c.log AND f.position > $3 AND f.position <= $4
WHERE c.practice = $1 AND c.id = $2
ORDER BY f.position LIMIT $5`
	if upTo == 0 {
		upTo = 1<<63 - 1
	}
	frames, err = collect(ctx, s.reader(), func(row scanner) (f hub.Frame, err error) {
		err = row.Scan(&head, &f.Position, &f.Kind, &f.Epoch, &f.Device, &f.Person, &f.ClientID, &f.ReceivedAt, &f.Payload)
		return f, err
	}, query, practice, conversation, signed(after), signed(upTo), max(limit, 1))
	switch {
	case err != nil:
		return nil, 0, s.translate(err)
	case len(frames) == 0:
		return nil, 0, hub.ErrNotFound
	case frames[0].Position == 0: // the conversation alone
		return nil, head, nil
	}
	return frames, head, nil
}

// Member implements [hub.Frames].
func (s *Store) Member(ctx context.Context, practice, conversation, device string) (hub.Member, error) {
	const query = `
SELECT device, person, from_position, until_position, since, acked FROM member
WHERE practice = $1 AND conversation = $2 AND device = $3`
	m, err := scanMember(s.reader().row(ctx, query, practice, conversation, device))
	return m, s.translate(err)
}

// Welcomes implements [hub.Frames].
func (s *Store) Welcomes(ctx context.Context, practice, device string) ([]hub.Welcome, error) {
	const query = `
SELECT id, conversation, device, position, payload FROM welcome
WHERE practice = $1 AND device = $2 ORDER BY created_at, position, id`
	all, err := collect(ctx, s.reader(), func(row scanner) (w hub.Welcome, err error) {
		err = row.Scan(&w.ID, &w.Conversation, &w.Device, &w.Position, &w.Payload)
		return w, err
	}, query, practice, device)
	return all, s.translate(err)
}

// DeleteWelcome implements [hub.Frames].
func (s *Store) DeleteWelcome(ctx context.Context, practice, device, id string) error {
	const del = `DELETE FROM welcome WHERE practice = $1 AND device = $2 AND id = $3`
	return s.write(ctx, practice, func(t *tx) error {
		_, err := t.exec(del, practice, device, id)
		return err
	})
}

func addWelcome(t *tx, practice, conversation string, commit hub.Frame, w hub.Welcome) error {
	const insert = `
INSERT INTO welcome (practice, device, id, conversation, position, created_at, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := t.exec(insert, practice, w.Device, w.ID, conversation, signed(commit.Position), commit.ReceivedAt,
		blob(w.Payload))
	return err
}
