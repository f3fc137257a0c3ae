package sqlstore

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// ListConversations implements [hub.Conversations].
func (s *Store) ListConversations(ctx context.Context, q hub.ConversationQuery) (page []hub.Conversation, next string, total int, err error) {
	column, descending, ok := orderOf(q.Order)
	if !ok {
		return nil, "", 0, fmt.Errorf("unknown order %q", q.Order)
	}
	where, args := s.conditions(q)
	count := `SELECT count(*) FROM conversation c WHERE ` + where
	countArgs := args

	compare, direction := ">", "ASC"
	if descending {
		compare, direction = "<", "DESC"
	}
	if q.Cursor != "" {
		at, id, ok := parseCursor(q.Order, q.Cursor)
		if !ok {
			return nil, "", 0, hub.ErrNotFound
		}
		where += fmt.Sprintf(` AND (c.%s, c.id) %s ($%d, $%d)`, column, compare, len(args)+1, len(args)+2)
		args = append(args[:len(args):len(args)], at, id)
	}
	query := fmt.Sprintf(`SELECT %s FROM conversation c WHERE %s ORDER BY c.%s %s, c.id %s LIMIT $%d`,
		conversationFields, where, column, direction, direction, len(args)+1)
	limit := max(q.Limit, 1)
	args = append(args[:len(args):len(args)], limit+1)

	err = s.snapshot(ctx, func(r querier) error {
		if err := r.row(ctx, count, countArgs...).Scan(&total); err != nil {
			return err
		}
		if page, err = collect(ctx, r, scanConversation, query, args...); err != nil {
			return err
		}
		if next = ""; len(page) > limit {
			page = page[:limit]
			next = cursorAfter(q.Order, page[limit-1])
		}
		for i := range page {
			if err := fillConversation(ctx, r, &page[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", 0, err
	}
	return page, next, total, nil
}

// conditions turns a query into SQL. The number of different texts it makes
// is small, because values go into args.
func (s *Store) conditions(q hub.ConversationQuery) (where string, args []any) {
	conditions := []string{`c.practice = $1`}
	args = []any{q.Practice}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, strings.ReplaceAll(condition, "%d", strconv.Itoa(len(args))))
	}
	switch q.State {
	case "":
	case api.StateWaiting, api.StateOpen, api.StateClosed:
		// A literal, so that the indexes of one state's rows are of use.
		conditions = append(conditions, `c.state = '`+q.State+`'`)
	default:
		conditions = append(conditions, `1 = 0`)
	}
	if q.Patient != "" {
		add(`c.patient = $%d`, q.Patient)
	}
	if len(q.Patients) > 0 {
		add(s.dialect.in("c.patient", "$%d"), document(q.Patients))
	}
	if q.Standing != 0 {
		add(`NOT (c.writes_for <> '' AND (c.confidential = 1 OR EXISTS (SELECT 1 FROM relation r
    WHERE r.practice = $1 AND r.id = c.relation AND r.ends_at > 0 AND r.ends_at <= $%d)))`, q.Standing)
	}
	if q.Relation != "" {
		add(`c.relation <> '' AND c.relation = $%d`, q.Relation)
	}
	if q.Participant != "" {
		add(`c.id IN (SELECT p.conversation FROM participant p WHERE p.practice = $1 AND p.person = $%d AND p.wanted = 1)`,
			q.Participant)
	}
	if q.NotParticipant != "" {
		add(`NOT EXISTS (SELECT 1 FROM participant n
    WHERE n.practice = $1 AND n.conversation = c.id AND n.person = $%d AND n.wanted = 1)`, q.NotParticipant)
	}
	if len(q.Queues) > 0 {
		add(s.dialect.in("c.queue", "$%d"), document(q.Queues))
	}
	return strings.Join(conditions, " AND "), args
}

func orderOf(order string) (column string, descending, ok bool) {
	switch order {
	case hub.ByWaiting:
		return "waiting_from", false, true
	case hub.ByLast:
		return "last_at", true, true
	case hub.ByCreated:
		return "created_at", false, true
	}
	return "", false, false
}

// A cursor names the last conversation of a page by its place in the order,
// so that what comes and goes meanwhile shifts nothing.
func cursorAfter(order string, c hub.Conversation) string {
	at := map[string]int64{hub.ByWaiting: c.WaitingFrom, hub.ByLast: c.LastAt, hub.ByCreated: c.CreatedAt}[order]
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %s", order, at, c.ID))
}

func parseCursor(order, cursor string) (at int64, id string, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, "", false
	}
	word := strings.Split(string(text), " ")
	if len(word) != 3 || word[0] != order || strings.ContainsFunc(word[2], notInID) {
		return 0, "", false
	}
	at, err = strconv.ParseInt(word[1], 10, 64)
	return at, word[2], err == nil
}

// notInID reports characters that no id has. Some would upset an engine.
func notInID(r rune) bool { return r <= ' ' || r > '~' }
