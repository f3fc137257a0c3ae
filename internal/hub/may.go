package hub

import (
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file brings the facts to package policy, which alone decides.

// roleOf returns what a person is to policy. What somebody is is said by their
// kind first: no staff person has a patient's role or a service's.
func roleOf(kind, role string) policy.Role {
	r := policy.RoleOf(role)
	service := r == policy.Keeper || r == policy.Service || r == policy.Directory
	if (r == policy.Patient) != (kind == api.KindPatient) || service != (kind == api.KindService) {
		return ""
	}
	return r
}

// principal is the person as policy sees them.
func (p *Person) principal() *policy.Principal {
	who := &policy.Principal{ID: p.ID, Practice: p.Practice, Departments: p.Departments}
	who.Queues = append(append(who.Queues, p.Queues...), p.DepartmentQueues...)
	if r := roleOf(p.Kind, p.Role); r != "" {
		who.Roles = []policy.Role{r}
	}
	return who
}

// resource is the conversation as policy sees it.
func (v *Conversation) resource() *policy.Resource {
	r := &policy.Resource{
		Practice: v.Practice, ID: v.ID, Queue: v.Queue, Patient: v.Patient, Withdrawn: v.WithdrawnAt != 0,
		Claimed: v.State == api.StateOpen && v.Assignee != "", Closed: v.State == api.StateClosed,
	}
	for _, p := range v.Participants {
		if p.Wanted {
			r.Wanted = append(r.Wanted, p.Person)
		}
		if p.Wanted && p.Emergency {
			r.Urgent = append(r.Urgent, p.Person)
		}
	}
	r.Served = v.served()
	for _, m := range v.Members {
		if !slices.Contains(r.Members, m.Person) {
			r.Members = append(r.Members, m.Person)
		}
	}
	return r
}

// about is the conversation as policy sees it now.
func (h *Hub) about(v *Conversation) *policy.Resource {
	r, now := v.resource(), h.millis() // policy has no clock
	ended := v.RelationEnds != 0 && now >= v.RelationEnds
	r.PastGrant = v.WritesFor != "" && (ended || v.Confidential)
	r.Due = v.due(now)
	r.Unexplained = true // unless who acts says why: see Hub.Act
	return r
}

// may returns nil if the caller may do a upon r, and else why not.
func (h *Hub) may(c *Caller, a policy.Action, r *policy.Resource) error {
	d := h.policy.Decide(c.principal, a, r)
	switch {
	case d.Allowed:
		return nil
	case slices.Contains(d.Rules, policy.NoConsent):
		return ErrConsentWithdrawn
	case slices.Contains(d.Rules, policy.AgreeFirst):
		return ErrConsentDue
	}
	return h.forbidden(d)
}

func (h *Hub) forbidden(d policy.Decision) error {
	if slices.Contains(d.Rules, policy.SayWhy) {
		return ErrSayWhy
	}
	e := &ForbiddenError{Rules: d.Rules}
	for _, id := range d.Rules {
		if r, ok := h.policy.Rule(id); ok {
			e.Says = r.Says // one is enough to know what to do
		}
	}
	return e
}

// mayInPractice is may upon the caller's practice.
func (h *Hub) mayInPractice(c *Caller, a policy.Action) error {
	return h.may(c, a, &policy.Resource{Practice: c.Device.Practice})
}

// mayKnow reports whether the caller may know that the conversation exists.
func (h *Hub) mayKnow(c *Caller, v *Conversation) bool {
	return h.may(c, policy.Know, h.about(v)) == nil
}

// speaks reports whether the person may send where they are in the group. The
// store holds each frame to that.
func (h *Hub) speaks(p *policy.Principal) bool {
	return h.policy.May(p, policy.Send, &policy.Resource{
		Practice: p.Practice, ID: "any", Patient: p.ID, Wanted: []string{p.ID}, Members: []string{p.ID},
	})
}
