package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file holds that nobody alone gives a role with much power, or renews the
// sign-in of who has one: one asks, and another answers.

const (
	grantLife  = 7 * 24 * time.Hour // until a request lapses
	grantUse   = 24 * time.Hour     // in which an approved link is made
	mostGrants = 500                // listed at once
	// grantsShown is how far back they are listed; the log goes further.
	grantsShown = 400 * 24 * time.Hour
	// refusedFor is how long the directory does not ask again for what was
	// refused.
	refusedFor = 30 * 24 * time.Hour
)

// privileged reports whether a role or profession of staff takes two.
func privileged(role string) bool { return roleOf(api.KindStaff, role).Privileged() }

// RequestGrant asks for a role for somebody, or for a link to set up their
// sign-in anew.
func (h *Hub) RequestGrant(ctx context.Context, s *StaffCaller, person string, n api.NewGrantRequest) (api.GrantRequest, error) {
	p, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return api.GrantRequest{}, err
	}
	if err := h.mayStaff(s, policy.RequestGrant, p.resource(false)); err != nil {
		return api.GrantRequest{}, err
	}
	switch {
	case n.Kind == GrantRole && !privileged(n.Role), n.Kind == GrantLink && n.Role != "":
		return api.GrantRequest{}, malformed("role")
	case n.Kind != GrantRole && n.Kind != GrantLink:
		return api.GrantRequest{}, malformed("kind")
	case strings.TrimSpace(n.Reason) == "":
		return api.GrantRequest{}, malformed("reason")
	case p.DisabledAt != 0, n.Kind == GrantRole && n.Role == p.Role:
		return api.GrantRequest{}, ErrConflict
	}
	if err := h.proved(s); err != nil {
		return api.GrantRequest{}, err
	}
	r, err := h.askForGrant(ctx, s, &p, GrantRequest{Kind: n.Kind, Role: n.Role, Requester: s.Person.ID, Reason: strings.TrimSpace(n.Reason)})
	if errors.Is(err, ErrExists) {
		return api.GrantRequest{}, ErrConflict
	} else if err != nil {
		return api.GrantRequest{}, err
	}
	return h.describeGrant(s, &r, map[string]Person{p.ID: p, s.Person.ID: s.Person}), nil
}

func (h *Hub) askForGrant(ctx context.Context, by Actor, p *Person, r GrantRequest) (GrantRequest, error) {
	r = h.asked(p, r)
	return r, h.making(ctx, h.askedFor(ctx, by, &r)).AddGrantRequest(ctx, r)
}

// asked is what is asked for p, from now on.
func (h *Hub) asked(p *Person, r GrantRequest) GrantRequest {
	now := h.now()
	r.ID, r.Practice, r.Person, r.Was = NewID("q"), p.Practice, p.ID, p.Role
	r.RequestedAt, r.ExpiresAt = now.UnixMilli(), now.Add(grantLife).UnixMilli()
	return r
}

func (h *Hub) askedFor(ctx context.Context, by Actor, r *GrantRequest) audit.Event {
	return h.event(ctx, by, audit.GrantRequested, r.Person).With(r.what()).Because(r.Kind, r.ID)
}

// what is asked for, for the log.
func (r *GrantRequest) what() string {
	if r.Kind == GrantLink {
		return "link"
	}
	return "role=" + r.Role + ",was=" + r.Was
}

// askByGroups asks for a privileged role that a person's groups give, unless it
// is asked for already or was refused lately.
func (h *Hub) askByGroups(ctx context.Context, p *Person, role string) error {
	before, err := h.store.GrantRequestsFor(ctx, p.Practice, p.ID)
	if err != nil {
		return at("load requests", err)
	}
	refused := func(r GrantRequest) bool {
		return r.Requester == "" && r.Role == role && r.Decision == GrantRefused && h.millis()-r.DecidedAt < refusedFor.Milliseconds()
	}
	if slices.ContainsFunc(before, refused) {
		return nil
	}
	_, err = h.askForGrant(ctx, provider(p.Practice), p, GrantRequest{Kind: GrantRole, Role: role})
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// GrantRequests lists what was asked for, for who may list people.
func (h *Hub) GrantRequests(ctx context.Context, s *StaffCaller) (api.GrantRequests, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return api.GrantRequests{}, err
	}
	all, err := h.store.GrantRequests(ctx, s.Person.Practice, h.now().Add(-grantsShown).UnixMilli(), mostGrants)
	if err != nil {
		return api.GrantRequests{}, at("load requests", err)
	}
	var ids []string
	for _, r := range all {
		ids = append(ids, r.Person, r.Requester, r.Decider)
	}
	people, err := h.persons(ctx, s.Person.Practice, ids)
	if err != nil {
		return api.GrantRequests{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil {
		return api.GrantRequests{}, at("record a read", err)
	}
	out := api.GrantRequests{Requests: make([]api.GrantRequest, len(all))}
	for i := range all {
		out.Requests[i] = h.describeGrant(s, &all[i], people)
	}
	return out, nil
}

// DecideGrant answers what another asked for, or takes back what the caller did.
func (h *Hub) DecideGrant(ctx context.Context, s *StaffCaller, id string, d api.DecideGrant) (api.GrantRequest, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return api.GrantRequest{}, err
	}
	if !validID("q", id) {
		return api.GrantRequest{}, ErrNotFound
	}
	r, err := h.store.GrantRequest(ctx, s.Person.Practice, id)
	if err != nil {
		return api.GrantRequest{}, err
	}
	may := func(last bool) error {
		return h.mayStaff(s, policy.ApproveGrant, &policy.Resource{
			Practice: r.Practice, Person: r.Person, Requester: r.Requester, LastAdministrator: last,
		})
	}
	switch d.Decision {
	case GrantApproved, GrantRefused:
		err = may(false)
	case GrantWithdrawn:
		if r.Requester != s.Person.ID {
			err = ErrForbidden
		}
	default:
		err = malformed("decision")
	}
	if err != nil {
		return api.GrantRequest{}, err
	}
	if err := h.proved(s); err != nil {
		return api.GrantRequest{}, err
	}
	r, err = h.decideGrant(ctx, s, &r, GrantDecision{Decision: d.Decision, Decider: s.Person.ID, Note: strings.TrimSpace(d.Note)}, may)
	if err != nil {
		return api.GrantRequest{}, err
	}
	people, err := h.persons(ctx, r.Practice, []string{r.Person, r.Requester, s.Person.ID})
	if err != nil {
		return api.GrantRequest{}, err
	}
	return h.describeGrant(s, &r, people), nil
}

func (h *Hub) decideGrant(ctx context.Context, by Actor, r *GrantRequest, d GrantDecision, may func(last bool) error) (GrantRequest, error) {
	d.At = h.millis()
	kind := map[string]audit.Kind{GrantApproved: audit.GrantApproved, GrantRefused: audit.GrantRefused, GrantWithdrawn: audit.GrantWithdrawn}[d.Decision]
	answered := h.event(ctx, by, kind, r.Person).With(r.what()).Because(r.Kind, r.ID)
	var after Person
	var change func(*Person, bool) error
	if d.Decision == GrantApproved && r.Kind == GrantRole {
		change = func(p *Person, last bool) error {
			if p.DisabledAt != 0 {
				return ErrConflict
			}
			if err := may(last && p.Role != r.Role); err != nil {
				return err
			}
			p.Role = r.Role
			after = *p
			return nil
		}
	}
	decided, err := h.store.Recording(answered).DecideGrantRequest(ctx, r.Practice, r.ID, d, change)
	if err == nil && change != nil {
		h.accessEnded(ctx, after)
	}
	return decided, err
}

// OpenGrants lists what waits for an answer, for who runs the hub.
func (h *Hub) OpenGrants(ctx context.Context, practice string) ([]GrantRequest, error) {
	return h.store.OpenGrantRequests(ctx, practice, h.millis())
}

// AnswerGrant is [Hub.DecideGrant] for who runs the hub: the way of a practice
// in which nobody else can answer. [ErrForbidden] for the last administrator.
func (h *Hub) AnswerGrant(ctx context.Context, practice, id, decision, note string) (GrantRequest, error) {
	if decision != GrantApproved && decision != GrantRefused {
		return GrantRequest{}, malformed("decision")
	}
	r, err := h.store.GrantRequest(ctx, practice, id)
	if err != nil {
		return GrantRequest{}, err
	}
	return h.decideGrant(ctx, operator(practice), &r, GrantDecision{Decision: decision, Note: note}, func(last bool) error {
		if last {
			return ErrForbidden
		}
		return nil
	})
}

// toApprove counts the requests that a person may answer.
func (h *Hub) toApprove(ctx context.Context, p *Person) (int, error) {
	who := p.principal()
	if !h.policy.May(who, policy.ApproveGrant, &policy.Resource{Practice: p.Practice, Person: "another"}) {
		return 0, nil
	}
	open, err := h.store.OpenGrantRequests(ctx, p.Practice, h.millis())
	if err != nil {
		return 0, at("load requests", err)
	}
	n := 0
	for _, r := range open {
		if h.mayDecide(who, &r) {
			n++
		}
	}
	return n, nil
}

func (h *Hub) mayDecide(who *policy.Principal, r *GrantRequest) bool {
	return h.policy.May(who, policy.ApproveGrant, &policy.Resource{Practice: r.Practice, Person: r.Person, Requester: r.Requester})
}

func (h *Hub) describeGrant(s *StaffCaller, r *GrantRequest, people map[string]Person) api.GrantRequest {
	state := map[string]string{GrantApproved: "approved", GrantRefused: "refused", GrantWithdrawn: "withdrawn"}[r.Decision]
	switch {
	case r.UsedAt != 0:
		state = "used"
	case r.Decision == "" && h.millis() >= r.ExpiresAt:
		state = "expired"
	case r.Decision == "":
		state = "open"
	}
	return api.GrantRequest{
		ID: r.ID, Kind: r.Kind, Person: h.person(people[r.Person]), Role: r.Role, Was: r.Was, Requester: r.Requester,
		RequestedBy: people[r.Requester].Name, Reason: r.Reason, RequestedAt: r.RequestedAt, ExpiresAt: r.ExpiresAt, State: state,
		DecidedBy: people[r.Decider].Name, DecidedAt: r.DecidedAt, Note: r.Note,
		MayDecide: state == "open" && h.mayDecide(s.Person.principal(), r),
	}
}

// become does what lets whoever has it become the person, with the agreement that
// it uses up: where that takes two, another must have agreed, and nobody does it
// who has not shown both factors lately.
func (h *Hub) become(s *StaffCaller, p *Person, takesTwo bool, do func(*Agreement) error) error {
	about := p.resource(false)
	if err := h.mayStaff(s, policy.Invite, about); err != nil {
		return err
	}
	if err := h.proved(s); err != nil {
		return err
	}
	if !takesTwo {
		return do(nil)
	}
	now := h.now()
	err := do(&Agreement{Requester: s.Person.ID, Since: now.Add(-grantUse).UnixMilli(), At: now.UnixMilli()})
	if errors.Is(err, ErrNotAgreed) {
		about.TakesTwo = true
		return cmp.Or(h.mayStaff(s, policy.Invite, about), ErrForbidden)
	}
	return err
}

// linkTakesTwo reports whether somebody has a privileged role and can sign in:
// whoever has a new link of theirs becomes them.
func (h *Hub) linkTakesTwo(ctx context.Context, p *Person) (bool, error) {
	if !privileged(p.Role) {
		return false, nil
	}
	factors, err := h.store.FactorsOf(ctx, p.Practice, p.ID)
	if err != nil {
		return false, at("load factors", err)
	}
	if p.Password != "" || len(factors) > 0 {
		return true, nil
	}
	pr, err := h.practice(ctx, p.Practice)
	if err != nil {
		return false, err
	}
	account, err := h.identityOf(ctx, &pr, p.ID)
	return account != nil && account.Linked, err
}
