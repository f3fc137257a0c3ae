package hub

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
)

// A reported patient is all that the reports about them go by.
type reported struct {
	patient string   // who was asked for
	persons []string // they, and all whom standing links say are the same
	// chats are those about one of the persons in which somebody else writes by a
	// grant (45 CFR 164.502(g)), and writers who that is. A chat that somebody
	// says is about another, without a grant, is about nobody the hub knows.
	chats, writers []string
}

// reportOn finds what a report about a patient covers. What is linked counts as
// long as the link stands.
func (h *Hub) reportOn(ctx context.Context, practice, patient string) (*reported, error) {
	p := &reported{patient: patient}
	var err error
	if p.persons, _, err = h.aliases(ctx, practice, patient); err != nil {
		return nil, err
	}
	grants, err := h.store.RelationsOf(ctx, practice, p.persons)
	if err != nil {
		return nil, at("load relations", err)
	}
	for i := range grants {
		if !slices.Contains(p.persons, grants[i].Subject) {
			continue // one of them writes for somebody else: that is under their own person
		}
		if err := h.addChatsBy(ctx, p, &grants[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// addChatsBy adds the chats that were begun by a grant, also by one that is over.
func (h *Hub) addChatsBy(ctx context.Context, p *reported, grant *Relation) error {
	q := ConversationQuery{Practice: grant.Practice, Relation: grant.ID, Order: ByCreated, Limit: api.MaxConversationsPage}
	for {
		vs, next, _, err := h.store.ListConversations(ctx, q)
		if err != nil {
			return at("list chats", err)
		}
		for i := range vs {
			p.chats = append(p.chats, vs[i].ID)
			if !slices.Contains(p.persons, vs[i].Patient) && !slices.Contains(p.writers, vs[i].Patient) {
				p.writers = append(p.writers, vs[i].Patient)
			}
		}
		if q.Cursor = next; next == "" {
			return nil
		}
	}
}

// joined are the persons, if they are several.
func (p *reported) joined() []string {
	if len(p.persons) == 1 {
		return nil
	}
	return p.persons
}

// query selects what the audit log has of them.
func (p *reported) query(practice string) LogQuery {
	return LogQuery{Practice: practice, Patients: p.persons, Conversations: p.chats}
}
