package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is what the practice's directory may do to people, by SCIM or by
// the groups in a provider's token, and what it means for anybody that their
// access ends.

// A permission asks policy on behalf of somebody.
type permission func(policy.Action, *policy.Resource) error

// directory is the permission of a practice's directory.
func (h *Hub) directory(practice string) permission {
	who := &policy.Principal{ID: "directory", Practice: practice, Roles: []policy.Role{policy.Directory}}
	return func(a policy.Action, r *policy.Resource) error {
		if d := h.policy.Decide(who, a, r); !d.Allowed {
			return h.forbidden(d)
		}
		return nil
	}
}

// assignRole gives a person the role and queues that their groups give. Who is
// an administrator here stays one unless groups may say who is: such a person
// signs in otherwise.
func (h *Hub) assignRole(ctx context.Context, p Person, role string, queues []string) (Person, error) {
	if p.Role == role && sameSet(p.Queues, queues) {
		return p, nil
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return p, err
	}
	if roleOf(p.Kind, p.Role) == policy.Administrator && !pr.Access.Groups.Administrators {
		return p, ErrNoRole
	}
	if queues == nil {
		queues = []string{}
	}
	if privileged(role) && p.Role != role {
		// Who runs the directory does not give it alone. Until somebody has
		// approved it the person stays what they are, if that is not privileged.
		if err := h.askByGroups(ctx, &p, role); err != nil {
			return p, err
		}
		if role = p.Role; privileged(role) {
			role = ""
		}
	}
	n := api.ChangeStaffMember{Role: &role, Queues: &queues}
	if p.Role == role {
		n.Role = nil
	}
	return h.changePerson(ctx, provider(p.Practice), h.directory(p.Practice), &p, n)
}

func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}

// accessEnded is called once a person's access is over: it ends their sessions
// and connections, and has their devices taken out of every conversation. Those
// in which they can serve no more are others' from now on: all, of somebody who
// does not come back or has no role in care.
func (h *Hub) accessEnded(ctx context.Context, p Person) {
	h.endSessions(ctx, p.Practice, Ending{Person: p.ID})
	if p.Kind == api.KindStaff {
		h.leaveAll(ctx, &p)
	}
	h.proposeAllRemovals(ctx, p.Practice)
	h.ringKeeper(ctx, p.Practice)
}

// leaveAll has a person leave every conversation that they take part in and could
// not be let into any more, and says whether there was one. If it fails halfway,
// the devices are revoked all the same, and the sweep tries again.
func (h *Hub) leaveAll(ctx context.Context, p *Person) (left bool) {
	q := ConversationQuery{Practice: p.Practice, Participant: p.ID, Order: ByCreated, Limit: api.MaxConversationsPage}
	for {
		page, next, _, err := h.store.ListConversations(ctx, q)
		if err != nil {
			h.log.WarnContext(ctx, "conversations of who lost access could not be listed", slog.String("person", p.ID))
			return left
		}
		for _, v := range page {
			if h.couldServe(p, &v) {
				continue
			}
			now := h.millis()
			gone := h.event(ctx, itself(p.Practice), audit.ConversationLeft, "").In(v.ID, v.Patient).About(p.ID).Because("access-ended", "")
			after, err := h.store.Recording(gone).UpdateConversation(ctx, p.Practice, v.ID, func(v *Conversation) error { return leave(v, p, now) })
			if err == nil {
				left, err = true, h.summariseIt(ctx, after)
			}
			if err != nil && !errors.Is(err, errNoChange) { // another hub was faster
				h.log.WarnContext(ctx, "who lost access could not be taken out", slog.String("conversation", v.ID))
			}
		}
		if q.Cursor = next; next == "" {
			return left
		}
	}
}

// settleServing has whoever is in care no more leave the chats that they are
// left in, as where their access ended and the hub stopped before they had left:
// such a chat waits for nobody, and nobody answers it.
func (h *Hub) settleServing(ctx context.Context) error {
	practices, err := h.PracticeIDs(ctx)
	if err != nil {
		return err
	}
	for _, practice := range practices {
		staff, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
		if err != nil {
			return at("load staff", err)
		}
		left := false
		for i := range staff {
			if p := &staff[i]; p.DisabledAt != 0 || !h.speaks(p.principal()) {
				left = h.leaveAll(ctx, p) || left
			}
		}
		if left {
			h.proposeAllRemovals(ctx, practice)
			h.ringKeeper(ctx, practice)
		}
	}
	return nil
}
