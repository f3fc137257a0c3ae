package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// mayStaff is [Hub.may] for a staff person who is signed in, before any device
// of theirs is.
func (h *Hub) mayStaff(s *StaffCaller, a policy.Action, r *policy.Resource) error {
	d := h.policy.Decide(s.Person.principal(), a, r)
	if d.Allowed {
		return nil
	}
	return h.forbidden(d)
}

func (s *StaffCaller) practice() *policy.Resource {
	return &policy.Resource{Practice: s.Person.Practice}
}

// StaffMembers lists the practice's staff for who runs it or answers for it.
func (h *Hub) StaffMembers(ctx context.Context, s *StaffCaller) (api.StaffMembers, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return api.StaffMembers{}, err
	}
	all, err := h.store.PersonsOfKind(ctx, s.Person.Practice, api.KindStaff)
	if err != nil {
		return api.StaffMembers{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil {
		return api.StaffMembers{}, at("record a read", err)
	}
	m := api.StaffMembers{People: make([]api.StaffMember, len(all))}
	for i, p := range all {
		m.People[i] = h.staffMember(p)
	}
	for _, name := range policy.StaffRoles() {
		m.Roles = append(m.Roles, api.RoleInfo{Role: name, Access: string(policy.RoleOf(name)), Privileged: privileged(name)})
	}
	return m, nil
}

func (h *Hub) staffMember(p Person) api.StaffMember {
	queues := p.Queues
	if queues == nil {
		queues = []string{}
	}
	return api.StaffMember{
		Departments: append([]string{}, p.Departments...),
		ID:          p.ID, Login: p.Login, Name: p.Name, Title: p.Title, Role: p.Role, Access: string(roleOf(p.Kind, p.Role)), Queues: queues,
		CreatedAt: p.CreatedAt, DisabledAt: p.DisabledAt, Online: h.board.online(p.ID),
	}
}

// checkQueues refuses queues that the practice does not have.
func (h *Hub) checkQueues(ctx context.Context, practice string, queues []string) error {
	p, err := h.practice(ctx, practice)
	if err != nil {
		return err
	}
	for _, id := range queues {
		if !slices.ContainsFunc(p.Queues, func(q api.Queue) bool { return q.ID == id }) {
			return malformed("queues")
		}
	}
	return nil
}

// AddStaffMember adds a staff person, with a link to set up their sign-in. Who
// has the link is in, so the caller must have shown both factors lately.
func (h *Hub) AddStaffMember(ctx context.Context, s *StaffCaller, n api.NewStaffMember) (api.StaffMemberAdded, error) {
	if err := h.mayStaff(s, policy.AddPerson, s.practice()); err != nil {
		return api.StaffMemberAdded{}, err
	}
	if roleOf(api.KindStaff, n.Role) == "" {
		return api.StaffMemberAdded{}, malformed("role")
	}
	if foldLogin(n.Login) == "" {
		return api.StaffMemberAdded{}, malformed("login")
	}
	if err := h.checkQueues(ctx, s.Person.Practice, n.Queues); err != nil {
		return api.StaffMemberAdded{}, err
	}
	if err := h.proved(s); err != nil {
		return api.StaffMemberAdded{}, err
	}
	role := n.Role
	if privileged(role) {
		role = "" // no rights until somebody else approves
	}
	p, err := h.newStaff(Person{
		Practice: s.Person.Practice, Login: n.Login, Name: n.Name, Title: cmp.Or(n.Title, n.Role), Role: role, Queues: n.Queues,
		Departments: sortedSet(n.Departments),
	})
	if err != nil {
		return api.StaffMemberAdded{}, err
	}
	added := api.StaffMemberAdded{Person: h.staffMember(p)}
	events := []audit.Event{h.added(ctx, s, &p)}
	var ask *GrantRequest
	if role != n.Role {
		r := h.asked(&p, GrantRequest{Kind: GrantRole, Role: n.Role, Requester: s.Person.ID})
		described := h.describeGrant(s, &r, map[string]Person{p.ID: p, s.Person.ID: s.Person})
		ask, added.Request = &r, &described
		events = append(events, h.askedFor(ctx, s, &r))
	}
	var link SetUpLink
	link, added.Link = h.freshLink(p.Practice, p.ID)
	events = append(events, h.event(ctx, s, audit.SetUpLinkMade, p.ID))
	err = h.once(ctx, p.ID).Recording(events...).AddInvited(ctx, p, link, ask)
	if errors.Is(err, ErrExists) {
		return api.StaffMemberAdded{}, ErrConflict
	} else if err != nil {
		return api.StaffMemberAdded{}, at("add a staff person", err)
	}
	return added, nil
}

// SetUpLinkFor makes a link with which a person sets up their sign-in, as when
// they have lost what they sign in with. It opens nothing that is theirs until
// it is used, and then their former factors are gone.
func (h *Hub) SetUpLinkFor(ctx context.Context, s *StaffCaller, person string) (api.SetUpLinkMade, error) {
	p, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return api.SetUpLinkMade{}, err
	}
	if p.DisabledAt != 0 {
		return api.SetUpLinkMade{}, ErrConflict
	}
	takesTwo, err := h.linkTakesTwo(ctx, &p)
	if err != nil {
		return api.SetUpLinkMade{}, err
	}
	var made api.SetUpLinkMade
	err = h.become(s, &p, takesTwo, func(by *Agreement) error {
		made, err = h.newSetUpLink(ctx, s, p.Practice, p.ID, by)
		return err
	})
	return made, err
}

// staffPerson loads a staff person of the caller's practice whom the caller
// may know of.
func (h *Hub) staffPerson(ctx context.Context, s *StaffCaller, id string) (Person, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return Person{}, err
	}
	return h.personOfKind(ctx, s.Person.Practice, id, api.KindStaff)
}

// personOfKind loads a person of the practice. One of another kind is as if
// they were not there.
func (h *Hub) personOfKind(ctx context.Context, practice, id, kind string) (Person, error) {
	if !validID("p", id) {
		return Person{}, ErrNotFound
	}
	p, err := h.store.Person(ctx, practice, id)
	if err == nil && p.Kind != kind {
		err = ErrNotFound
	}
	return p, err
}

// resource is the person as policy sees one who is acted upon.
func (p *Person) resource(last bool) *policy.Resource {
	return &policy.Resource{Practice: p.Practice, Person: p.ID, LastAdministrator: last}
}

// ChangeStaffMember changes a person's role or queues, or disables them. With
// a new role, and when disabled, all sessions and devices of the person end at
// once, and the keeper takes the devices out of every group.
func (h *Hub) ChangeStaffMember(ctx context.Context, s *StaffCaller, person string, n api.ChangeStaffMember) (api.StaffMember, error) {
	known, err := h.staffPerson(ctx, s, person)
	if err != nil {
		return api.StaffMember{}, err
	}
	if n.Role != nil && *n.Role == "" {
		return api.StaffMember{}, malformed("role")
	}
	may := func(a policy.Action, r *policy.Resource) error {
		if err := h.mayStaff(s, a, r); err != nil {
			return err
		}
		return h.proved(s)
	}
	after, err := h.changePerson(ctx, s, may, &known, n)
	if err != nil {
		return api.StaffMember{}, err
	}
	return h.staffMember(after), nil
}

// changed is the event of a change to a person who was as known is.
func (h *Hub) changed(ctx context.Context, by Actor, known *Person, n api.ChangeStaffMember) audit.Event {
	kind := audit.PersonChanged
	if n.Disable {
		kind = audit.PersonDisabled
	}
	var of []string
	if n.Role != nil {
		of = append(of, "role="+*n.Role, "was="+known.Role)
	}
	if n.Queues != nil {
		of = append(append(of, "queues="), *n.Queues...)
	}
	if n.Departments != nil {
		of = append(append(of, "departments="), *n.Departments...)
	}
	return h.event(ctx, by, kind, known.ID).With(strings.Join(of, ","))
}

// changePerson does what n says to a person, as far as may allows.
func (h *Hub) changePerson(ctx context.Context, by Actor, may permission, known *Person, n api.ChangeStaffMember) (Person, error) {
	if n.Queues != nil {
		if err := h.checkQueues(ctx, known.Practice, *n.Queues); err != nil {
			return Person{}, err
		}
	}
	if n.Role != nil && *n.Role != "" && roleOf(api.KindStaff, *n.Role) == "" {
		return Person{}, malformed("role")
	}
	var before Person
	now := h.millis()
	after, err := h.store.Recording(h.changed(ctx, by, known, n)).ChangePerson(ctx, known.Practice, known.ID, now, func(p *Person, last bool) error {
		before = *p
		return changeStaff(may, p, last, n, now)
	})
	if err != nil {
		return Person{}, err
	}
	if before.Role != after.Role || before.DisabledAt != after.DisabledAt {
		h.accessEnded(ctx, after)
	} else {
		h.queuesChanged(ctx, after.Practice, after.ID)
	}
	return after, nil
}

// changeStaff does what n says to p.
func changeStaff(may permission, p *Person, last bool, n api.ChangeStaffMember, now int64) error {
	if p.DisabledAt != 0 && p.DisabledByDirectory && n.Disable { // for good: the directory does not enable them
		p.DisabledByDirectory = false
		return may(policy.Disable, p.resource(last))
	}
	if p.DisabledAt != 0 {
		return ErrConflict
	}
	if n.Role != nil || n.Queues != nil || n.Departments != nil {
		losing := last && n.Role != nil && *n.Role != p.Role
		about := p.resource(losing)
		about.TakesTwo = n.Role != nil && *n.Role != p.Role && privileged(*n.Role)
		if err := may(policy.Grant, about); err != nil {
			return err
		}
	}
	if n.Role != nil {
		p.Role = *n.Role
	}
	if n.Queues != nil {
		p.Queues = *n.Queues
	}
	if n.Departments != nil {
		p.Departments = sortedSet(*n.Departments)
	}
	if n.Disable {
		if err := may(policy.Disable, p.resource(last)); err != nil {
			return err
		}
		p.DisabledAt = now
	}
	return nil
}

// sortedSet is ids without order or repetition.
func sortedSet(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// Rules lists the sentences of policy, for everybody who is signed in.
func (h *Hub) Rules() api.PolicyRules {
	var out api.PolicyRules
	for _, r := range h.policy.Rules() {
		rule := api.PolicyRule{ID: r.ID, Says: r.Says, Forbids: r.Forbids, Actions: []string{}, Text: r.Text}
		for _, a := range r.Actions {
			rule.Actions = append(rule.Actions, string(a))
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}

// PolicyTable says who may do what, for those who answer for it. It is of the
// program and not of the practice, so to read it is not recorded.
func (h *Hub) PolicyTable(s *StaffCaller) (api.PolicyTable, error) {
	if err := h.mayStaff(s, policy.Inspect, s.practice()); err != nil {
		return api.PolicyTable{}, err
	}
	out := api.PolicyTable{Roles: texts(policy.Roles())}
	for _, r := range h.policy.Table() {
		row := api.PolicyRow{Action: string(r.Action), Area: r.Area, Cells: make([]api.PolicyCell, len(r.Cells))}
		for i, c := range r.Cells {
			row.Cells[i] = api.PolicyCell{Role: string(c.Role), When: texts(c.When), Unless: texts(c.Unless), Rules: texts(c.Rules)}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// texts is never nil, which would be null on the wire.
func texts[S ~string](all []S) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return out
}

// Readers answers who can read a conversation, and why.
func (h *Hub) Readers(ctx context.Context, s *StaffCaller, id string) (api.ConversationReaders, error) {
	v, err := h.staffConversation(ctx, s, id, policy.Explain)
	if err != nil {
		return api.ConversationReaders{}, err
	}
	about := h.about(&v)
	about.Unexplained = false // they could say why
	if err := h.store.Record(ctx, h.event(ctx, s, audit.ReadersExplained, "").In(v.ID, v.Patient)); err != nil {
		return api.ConversationReaders{}, at("record a read", err)
	}
	var all []Person
	for _, kind := range []string{api.KindService, api.KindStaff} {
		of, err := h.store.PersonsOfKind(ctx, v.Practice, kind)
		if err != nil {
			return api.ConversationReaders{}, err
		}
		all = append(all, of...)
	}
	patient, err := h.store.Person(ctx, v.Practice, v.Patient)
	if err != nil {
		return api.ConversationReaders{}, err
	}
	var out api.ConversationReaders
	for _, p := range append([]Person{patient}, all...) {
		out.Readers = append(out.Readers, h.reader(&v, about, &p))
	}
	return out, nil
}

func (h *Hub) reader(v *Conversation, about *policy.Resource, p *Person) api.ConversationReader {
	r := api.ConversationReader{Person: h.person(*p), Disabled: p.DisabledAt != 0, Way: api.CannotRead}
	if i := slices.IndexFunc(v.Participants, func(x Participant) bool { return x.Person == p.ID }); i >= 0 {
		r.Since = v.Participants[i].Since
	}
	who := p.principal()
	enter := policy.Join
	if v.State == api.StateClosed {
		enter = policy.Reopen // which brings in who does it
	}
	reads, joins := h.policy.Decide(who, policy.Frames, about), h.policy.Decide(who, enter, about)
	switch in := slices.Contains(about.Members, p.ID); {
	case in: // and has the keys, even if policy no longer wants it: the keeper takes them out
		r.Way, r.Rules = api.ReadsNow, reads.Rules
	case p.DisabledAt != 0:
	case slices.Contains(about.Wanted, p.ID) && reads.Allowed:
		r.Way, r.Rules = api.ReadsSoon, reads.Rules
	case joins.Allowed && p.Kind == api.KindStaff && h.policy.May(who, policy.Know, about):
		r.Way, r.Rules = api.CouldJoin, joins.Rules
	case reads.Allowed && slices.Contains(about.Served, p.ID):
		r.Way, r.Rules = api.DidRead, reads.Rules
	case h.policy.May(who, policy.BreakGlass, about):
		r.Way, r.Rules = api.CouldBreakGlass, h.policy.Decide(who, policy.BreakGlass, about).Rules
	default:
		r.Rules = joins.Rules
	}
	if r.Way != api.ReadsNow && r.Way != api.ReadsSoon {
		r.Since = 0
	}
	if r.Rules == nil {
		r.Rules = []string{}
	}
	return r
}
