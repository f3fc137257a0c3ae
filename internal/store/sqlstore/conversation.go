package sqlstore

import (
	"context"
	"fmt"

	"github.com/sotto-health/sotto/internal/hub"
)

// CreateConversation implements [hub.Conversations].
func (s *Store) CreateConversation(ctx context.Context, n hub.NewConversation) error {
	const used = `SELECT id FROM conversation WHERE id = $1`
	const number = `UPDATE practice SET logs = logs + 1 WHERE id = $1 RETURNING number, logs`
	const insert = `
INSERT INTO conversation (practice, id, queue, language, patient, assignee, state, created_at, waiting_from,
    last_at, closed_at, closed_by, withdrawn_at, epoch, head, number, log, left_message, writes_for, relation, for_minor, consent_due, work_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 0)
ON CONFLICT DO NOTHING`
	const group = `
INSERT INTO mls_group (practice, conversation, state, info, handshake)
VALUES ($1, $2, $3, $4, $5)`
	c := n.Conversation
	return s.write(ctx, c.ID, func(t *tx) error {
		if ids, err := collect(ctx, t, scanString, used, c.ID); err != nil {
			return err
		} else if len(ids) > 0 {
			return hub.ErrExists
		}
		var l logKey
		if err := t.change(number, c.Practice).Scan(&l.practice, &l.log); err != nil {
			return err
		}
		if n.Settle != nil { // the practice's row is locked: no form is published meanwhile
			forms, err := formsOf(ctx, t, c.Practice)
			if err != nil {
				return err
			}
			if c.ConsentDue, err = n.Settle(forms, n.Receipts); err != nil {
				return err
			}
		}
		added, err := t.exec(insert, c.Practice, c.ID, c.Queue, c.Language, c.Patient, c.Assignee, c.State,
			c.CreatedAt, c.WaitingFrom, c.LastAt, c.ClosedAt, c.ClosedBy, c.WithdrawnAt,
			signed(n.Group.Epoch), signed(n.First.Position), l.practice, l.log, integer(c.LeftMessage), c.WritesFor, c.Relation, integer(c.ForMinor), c.ConsentDue)
		if err != nil {
			return err
		}
		if added == 0 {
			return hub.ErrExists
		}
		if err := spendInvitation(t, c, n.Invitation); err != nil {
			return err
		}
		for i, p := range c.Participants {
			if err := addParticipant(t, c, p, i); err != nil {
				return err
			}
		}
		for _, m := range c.Members {
			if err := addMember(t, c.Practice, c.ID, m); err != nil {
				return err
			}
		}
		_, err = t.exec(group, c.Practice, c.ID, blob(n.Group.State), blob(n.Group.Info), signed(n.Group.Handshake))
		if err != nil {
			return err
		}
		if err := addReceipts(t, c.Practice, n.Receipts); err != nil {
			return err
		}
		if _, err := insertFrame(t, l, n.First); err != nil { // the log is new: nothing was sent before
			return err
		}
		for _, w := range n.Welcomes {
			if err := addWelcome(t, c.Practice, c.ID, n.First, w); err != nil {
				return err
			}
		}
		return s.settleConversation(t, c.Practice, c.ID)
	})
}

func addParticipant(t *tx, c hub.Conversation, p hub.Participant, place int) error {
	const insert = `
INSERT INTO participant (practice, conversation, person, place, wanted, since, proper)
VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := t.exec(insert, c.Practice, c.ID, p.Person, place, integer(p.Wanted), p.Since, integer(p.Proper))
	return err
}

func addMember(t *tx, practice, conversation string, m hub.Member) error {
	const insert = `
INSERT INTO member (practice, conversation, device, person, from_position, until_position, since, acked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := t.exec(insert, practice, conversation, m.Device, m.Person, signed(m.From), signed(m.Until),
		m.Since, signed(m.Acked))
	return err
}

const conversationFields = `c.practice, c.id, c.queue, c.language, c.patient, c.assignee, c.state, c.created_at,
    c.waiting_from, c.last_at, c.closed_at, c.closed_by, c.withdrawn_at, c.epoch, c.head,
    c.left_message, c.rating, c.revision, c.consent_due, c.writes_for, c.relation, c.for_minor, c.confidential,
    coalesce((SELECT r.ends_at FROM relation r WHERE c.relation <> '' AND r.practice = c.practice AND r.id = c.relation), 0)`

func scanConversation(row scanner) (c hub.Conversation, err error) {
	var left, minor, confidential int64
	err = row.Scan(&c.Practice, &c.ID, &c.Queue, &c.Language, &c.Patient, &c.Assignee, &c.State, &c.CreatedAt,
		&c.WaitingFrom, &c.LastAt, &c.ClosedAt, &c.ClosedBy, &c.WithdrawnAt, &c.Epoch, &c.Head,
		&left, &c.Rating, &c.Revision, &c.ConsentDue, &c.WritesFor, &c.Relation, &minor, &confidential, &c.RelationEnds)
	c.LeftMessage, c.ForMinor, c.Confidential = left != 0, minor != 0, confidential != 0
	return c, err
}

const oneConversation = `
SELECT ` + conversationFields + ` FROM conversation c WHERE c.practice = $1 AND c.id = $2`

// Conversation implements [hub.Conversations].
func (s *Store) Conversation(ctx context.Context, practice, id string) (c hub.Conversation, err error) {
	err = s.snapshot(ctx, func(q querier) error {
		if c, err = scanConversation(q.row(ctx, oneConversation, practice, id)); err != nil {
			return err
		}
		return fillConversation(ctx, q, &c)
	})
	if err != nil {
		return hub.Conversation{}, err
	}
	return c, nil
}

// fillConversation reads who is in a conversation.
func fillConversation(ctx context.Context, q querier, c *hub.Conversation) (err error) {
	const participants = `
SELECT p.person, p.wanted, p.since, p.proper, p.left_at_head,
    coalesce((SELECT min(e.opened_at) FROM emergency e
        WHERE e.practice = p.practice AND e.opened_at >= $3 AND e.conversation = p.conversation AND e.person = p.person), 0),
    (SELECT count(*) FROM emergency e
        WHERE e.practice = p.practice AND e.ended_at = 0 AND e.opened_at >= $3 AND e.conversation = p.conversation AND e.person = p.person)
FROM participant p WHERE p.practice = $1 AND p.conversation = $2 ORDER BY p.place`
	const members = `
SELECT device, person, from_position, until_position, since, acked FROM member
WHERE practice = $1 AND conversation = $2 AND until_position = 0 ORDER BY from_position, device`
	c.Participants, err = collect(ctx, q, func(row scanner) (p hub.Participant, err error) {
		var wanted, proper, lasting int64
		err = row.Scan(&p.Person, &wanted, &p.Since, &proper, &p.Left, &p.Broke, &lasting)
		p.Wanted, p.Proper, p.Emergency = wanted != 0, proper != 0, lasting != 0
		return p, err
	}, participants, c.Practice, c.ID, c.CreatedAt) // nobody broke the glass before, so an index of time serves
	if err != nil {
		return err
	}
	c.Members, err = collect(ctx, q, scanMember, members, c.Practice, c.ID)
	return err
}

func scanMember(row scanner) (m hub.Member, err error) {
	err = row.Scan(&m.Device, &m.Person, &m.From, &m.Until, &m.Since, &m.Acked)
	return m, err
}

// UpdateConversation implements [hub.Conversations].
func (s *Store) UpdateConversation(ctx context.Context, practice, id string, change func(*hub.Conversation) error) (stored hub.Conversation, err error) {
	err = s.write(ctx, id, func(t *tx) error {
		stored, err = s.changeConversation(t, practice, id, change, nil)
		return err
	})
	return stored, err
}

// MoveConversation implements [hub.Conversations].
func (s *Store) MoveConversation(ctx context.Context, practice, id string, change func(*hub.Conversation) error, settle hub.Settle) (stored hub.Conversation, err error) {
	const lock = `SELECT id FROM practice WHERE id = $1`
	err = s.write(ctx, practice, func(t *tx) error {
		// The practice before the conversation, as whoever publishes does.
		if _, err := scanString(t.row(ctx, lock+s.dialect.Lock, practice)); err != nil {
			return err
		}
		stored, err = s.changeConversation(t, practice, id, change, settle)
		return err
	})
	return stored, err
}

// changeConversation is what [Store.UpdateConversation] and
// [Store.MoveConversation] do: with settle it moves.
func (s *Store) changeConversation(t *tx, practice, id string, change func(*hub.Conversation) error, settle hub.Settle) (stored hub.Conversation, err error) {
	const update = `
UPDATE conversation SET assignee = $3, state = $4, waiting_from = $5, closed_at = $6, closed_by = $7, withdrawn_at = $8,
    rating = $9, revision = $10, confidential = $11, queue = $12, consent_due = $13
WHERE practice = $1 AND id = $2`
	const want = `
UPDATE participant SET wanted = $4, proper = $5, left_at_head = $6 WHERE practice = $1 AND conversation = $2 AND person = $3`

	before, err := scanConversation(t.row(t.ctx, oneConversation+s.dialect.Lock, practice, id))
	if err != nil {
		return stored, err
	}
	if err := fillConversation(t.ctx, t, &before); err != nil {
		return stored, err
	}
	after := before
	after.Participants = append([]hub.Participant(nil), before.Participants...)
	after.Members = append([]hub.Member(nil), before.Members...)
	if err := change(&after); err != nil {
		return stored, err
	}
	stored = before
	stored.Assignee, stored.State, stored.WaitingFrom = after.Assignee, after.State, after.WaitingFrom
	stored.ClosedAt, stored.ClosedBy, stored.WithdrawnAt = after.ClosedAt, after.ClosedBy, after.WithdrawnAt
	stored.Rating, stored.Revision, stored.Confidential = after.Rating, before.Revision+1, after.Confidential
	stored.Participants = after.Participants
	if settle != nil {
		stored.Queue = after.Queue
		if stored.ConsentDue, err = settledBy(t, before, settle); err != nil {
			return stored, err
		}
	}
	if err := checkParticipants(before.Participants, after.Participants); err != nil {
		return stored, err
	}
	_, err = t.exec(update, practice, id, stored.Assignee, stored.State, stored.WaitingFrom,
		stored.ClosedAt, stored.ClosedBy, stored.WithdrawnAt, stored.Rating, signed(stored.Revision), integer(stored.Confidential), stored.Queue, stored.ConsentDue)
	if err != nil {
		return stored, err
	}
	moved := before.WithdrawnAt == 0 && stored.WithdrawnAt != 0
	if moved {
		if err := withdrawReceipts(t, practice, id, stored.WithdrawnAt); err != nil {
			return stored, err
		}
	}
	for i := range stored.Participants {
		p := &stored.Participants[i]
		switch {
		case p.Wanted:
			p.Left = 0
		case i < len(before.Participants) && !before.Participants[i].Wanted:
			p.Left = before.Participants[i].Left
		default:
			p.Left = before.Head
		}
		switch {
		case i >= len(before.Participants):
			moved = true
			err = addParticipant(t, stored, *p, i)
		case p.Wanted != before.Participants[i].Wanted || p.Proper != before.Participants[i].Proper:
			moved = true
			_, err = t.exec(want, practice, id, p.Person, integer(p.Wanted), integer(p.Proper), signed(p.Left))
		}
		if err != nil {
			return stored, err
		}
	}
	if !moved {
		return stored, nil
	}
	return stored, s.settleConversation(t, practice, id)
}

// settledBy is what settle says of the practice's forms and of what the patient
// gave in the conversation, whose rows are locked.
func settledBy(t *tx, c hub.Conversation, settle hub.Settle) (int64, error) {
	forms, err := formsOf(t.ctx, t, c.Practice)
	if err != nil {
		return 0, err
	}
	given, err := receiptsIn(t, c.Practice, c.ID, c.Patient)
	if err != nil {
		return 0, err
	}
	return settle(forms, given)
}

// checkParticipants holds a change to what the hub may do to participants. To
// break it is a mistake of the program.
func checkParticipants(before, after []hub.Participant) error {
	if len(after) < len(before) {
		return fmt.Errorf("participants were dropped")
	}
	seen := make(map[string]bool, len(after))
	for i, p := range after {
		if i < len(before) && p.Person != before[i].Person || seen[p.Person] {
			return fmt.Errorf("participants were moved or doubled")
		}
		seen[p.Person] = true
	}
	return nil
}

// PlaceInLine implements [hub.Conversations].
func (s *Store) PlaceInLine(ctx context.Context, c hub.Conversation) (int, error) {
	const ahead = `
SELECT count(*) FROM conversation
WHERE practice = $1 AND queue = $2 AND state = 'waiting' AND (waiting_from, id) < ($3, $4)`
	var n int
	err := s.reader().row(ctx, ahead, c.Practice, c.Queue, c.WaitingFrom, c.ID).Scan(&n)
	return n + 1, s.translate(err)
}

// Heads implements [hub.Conversations].
func (s *Store) Heads(ctx context.Context, practice, device string) ([]hub.Head, error) {
	const query = `
SELECT c.id, c.head
FROM member m CROSS JOIN conversation c
WHERE m.practice = $1 AND m.device = $2 AND m.until_position = 0 AND c.practice = m.practice AND c.id = m.conversation
    AND EXISTS (SELECT 1 FROM participant p
        WHERE p.practice = m.practice AND p.conversation = m.conversation AND p.person = m.person AND p.wanted = 1)
ORDER BY c.id`
	all, err := collect(ctx, s.reader(), func(row scanner) (h hub.Head, err error) {
		err = row.Scan(&h.Conversation, &h.Head)
		return h, err
	}, query, practice, device)
	return all, s.translate(err)
}

// Group implements [hub.Conversations].
func (s *Store) Group(ctx context.Context, practice, conversation string) (g hub.Group, err error) {
	const query = `
SELECT g.state, g.info, c.epoch, g.handshake
FROM mls_group g CROSS JOIN conversation c
WHERE g.practice = $1 AND g.conversation = $2 AND c.practice = g.practice AND c.id = g.conversation`
	err = s.reader().row(ctx, query, practice, conversation).Scan(&g.State, &g.Info, &g.Epoch, &g.Handshake)
	return g, s.translate(err)
}

// OpenGroupHeads counts the conversations of a practice that are not closed, by
// the first bytes of their groups' states. It reads each state.
func (s *Store) OpenGroupHeads(ctx context.Context, practice string, length int) (map[string]int, error) {
	const query = `
SELECT substr(g.state, 1, $2) AS head, count(*)
FROM conversation c JOIN mls_group g ON g.practice = c.practice AND g.conversation = c.id
WHERE c.practice = $1 AND c.state IN ('waiting', 'open')
GROUP BY 1`
	counts := make(map[string]int)
	_, err := collect(ctx, s.reader(), func(row scanner) (struct{}, error) {
		var head []byte
		var n int
		err := row.Scan(&head, &n)
		counts[string(head)] += n
		return struct{}{}, err
	}, query, practice, length)
	return counts, s.translate(err)
}

// Ack implements [hub.Conversations].
func (s *Store) Ack(ctx context.Context, practice, conversation, device string, position uint64) (moved bool, err error) {
	const read = `
SELECT m.acked, c.head
FROM member m CROSS JOIN conversation c
WHERE m.practice = $1 AND m.conversation = $2 AND m.device = $3 AND m.until_position = 0
    AND c.practice = m.practice AND c.id = m.conversation`
	const update = `
UPDATE member SET acked = $4
WHERE practice = $1 AND conversation = $2 AND device = $3 AND until_position = 0 AND acked < $4`
	err = s.write(ctx, conversation, func(t *tx) error {
		moved = false
		var acked, head uint64
		err := t.row(ctx, read, practice, conversation, device).Scan(&acked, &head)
		if isNone(err) {
			return hub.ErrNotAMember
		}
		if err != nil || min(position, head) <= acked {
			return err
		}
		n, err := t.exec(update, practice, conversation, device, signed(min(position, head)))
		moved = n > 0
		return err
	})
	return moved, err
}
