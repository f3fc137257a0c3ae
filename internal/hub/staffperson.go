package hub

import (
	"context"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// mayAnywhere lists what somebody may do upon the practice, upon another
// person of it, or upon a chat of their queues that another has taken: what a
// page should offer at all.
func (h *Hub) mayAnywhere(p *policy.Principal) []string {
	queue := "any"
	if len(p.Queues) > 0 {
		queue = p.Queues[0]
	}
	some := []*policy.Resource{
		{Practice: p.Practice},
		{Practice: p.Practice, Person: "another"},
		{Practice: p.Practice, ID: "any", Queue: queue, Claimed: true, Served: []string{"another"}},
	}
	may := []string{}
	for _, a := range policy.Actions() {
		if slices.ContainsFunc(some, func(r *policy.Resource) bool { return h.policy.May(p, a, r) }) {
			may = append(may, string(a))
		}
	}
	return may
}

// StaffPerson shows one staff person in full to who runs the practice or
// answers for it.
func (h *Hub) StaffPerson(ctx context.Context, s *StaffCaller, id string) (api.StaffPerson, error) {
	p, err := h.staffPerson(ctx, s, id)
	if err != nil {
		return api.StaffPerson{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.PersonSeen, p.ID)); err != nil {
		return api.StaffPerson{}, at("record a read", err)
	}
	out := api.StaffPerson{Person: h.staffMember(p)}
	factors, err := h.factorsOf(ctx, &p)
	if err != nil {
		return api.StaffPerson{}, err
	}
	out.Factors, out.RecoveryCodes, out.Identity = factors.Factors, factors.RecoveryCodes, factors.Identity
	if out.Devices, err = h.devicesOf(ctx, s, p.ID); err != nil {
		return api.StaffPerson{}, err
	}
	if out.Sessions, err = h.sessionsOf(ctx, s, p.ID); err != nil {
		return api.StaffPerson{}, err
	}
	ins, err := h.signInsOf(ctx, p.Practice, p.ID)
	if err != nil {
		return api.StaffPerson{}, err
	}
	if i := slices.IndexFunc(ins, func(r api.SignInRecord) bool { return r.Outcome == OutcomeSignedIn }); i >= 0 {
		out.LastSignIn = &ins[i]
	}
	_, _, out.Conversations, err = h.store.ListConversations(ctx, ConversationQuery{Practice: p.Practice, Participant: p.ID, Order: ByLast, Limit: 1})
	return out, err
}

// RevokeStaffDevice takes all access from a device of a staff person, as when
// it is lost.
func (h *Hub) RevokeStaffDevice(ctx context.Context, s *StaffCaller, person, device string) error {
	p, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return err
	}
	if err := h.mayStaff(s, policy.Revoke, p.resource(false)); err != nil {
		return err
	}
	d, err := h.store.Device(ctx, p.Practice, device)
	if err != nil {
		return err
	}
	if d.Person != p.ID {
		return ErrNotFound
	}
	return h.revokeDevice(ctx, s, p.Practice, device)
}
