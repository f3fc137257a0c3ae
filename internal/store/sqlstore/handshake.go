package sqlstore

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/internal/hub"
)

// checkHandshake refuses a handshake whose state was made from another than
// the group's present one.
func (s *Store) checkHandshake(ctx context.Context, t *tx, a hub.Append) error {
	const query = `SELECT handshake FROM mls_group WHERE practice = $1 AND conversation = $2`
	var present uint64
	if err := t.row(ctx, query, a.Practice, a.Conversation).Scan(&present); err != nil {
		return err
	}
	if a.Handshake.After != present {
		return hub.ErrRaced
	}
	return nil
}

// applyHandshake stores what frame f makes of the group.
func (s *Store) applyHandshake(ctx context.Context, t *tx, a hub.Append, f hub.Frame) error {
	const group = `
UPDATE mls_group SET state = $3, handshake = $4 WHERE practice = $1 AND conversation = $2`
	const info = `
UPDATE mls_group SET info = $3 WHERE practice = $1 AND conversation = $2`
	h := a.Handshake
	if _, err := t.exec(group, a.Practice, a.Conversation, blob(h.State), signed(f.Position)); err != nil {
		return err
	}
	if h.Info != nil {
		if _, err := t.exec(info, a.Practice, a.Conversation, h.Info); err != nil {
			return err
		}
	}
	for _, device := range h.Removed {
		stays := slices.ContainsFunc(h.Added, func(m hub.Member) bool { return m.Device == device })
		if stays {
			continue
		}
		if err := removeMember(t, a, f, device); err != nil {
			return err
		}
	}
	for _, m := range h.Added {
		if err := admitMember(ctx, t, a, f, m); err != nil {
			return err
		}
	}
	for _, w := range h.Welcomes {
		if err := addWelcome(t, a.Practice, a.Conversation, f, w); err != nil {
			return err
		}
	}
	if len(h.Removed)+len(h.Added) == 0 {
		return nil
	}
	return s.settleConversation(t, a.Practice, a.Conversation)
}

func removeMember(t *tx, a hub.Append, f hub.Frame, device string) error {
	const leave = `
UPDATE member SET until_position = $4
WHERE practice = $1 AND conversation = $2 AND device = $3 AND until_position = 0`
	const unread = `DELETE FROM welcome WHERE practice = $1 AND device = $2 AND conversation = $3`
	if _, err := t.exec(leave, a.Practice, a.Conversation, device, signed(f.Position)); err != nil {
		return err
	}
	_, err := t.exec(unread, a.Practice, device, a.Conversation)
	return err
}

func admitMember(ctx context.Context, t *tx, a hub.Append, f hub.Frame, m hub.Member) error {
	const join = `
INSERT INTO member (practice, conversation, device, person, from_position, until_position, since, acked)
VALUES ($1, $2, $3, $4, $5, 0, $6, $5)
ON CONFLICT (practice, conversation, device) DO UPDATE SET person = excluded.person,
    from_position = excluded.from_position, until_position = 0, since = excluded.since, acked = excluded.acked
WHERE member.until_position <> 0`
	const arrive = `
UPDATE participant SET since = $4 WHERE practice = $1 AND conversation = $2 AND person = $3 AND since = 0`
	const appear = `
INSERT INTO participant (practice, conversation, person, place, wanted, since)
SELECT $1, $2, $3, coalesce(max(place), -1) + 1, 0, CAST($4 AS BIGINT) FROM participant WHERE practice = $1 AND conversation = $2
ON CONFLICT (practice, conversation, person) DO NOTHING`
	_, err := t.exec(join, a.Practice, a.Conversation, m.Device, m.Person, signed(f.Position), f.ReceivedAt)
	if err != nil {
		return err
	}
	if _, err := t.exec(arrive, a.Practice, a.Conversation, m.Person, f.ReceivedAt); err != nil {
		return err
	}
	_, err = t.exec(appear, a.Practice, a.Conversation, m.Person, f.ReceivedAt)
	return err
}
