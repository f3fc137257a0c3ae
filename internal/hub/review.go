package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file holds that somebody looks again at what each staff person may do (45
// CFR 164.308(a)(4)(ii)(C)): who is not confirmed in time is late, and what runs
// the practice falls in the end.

const (
	accessSoon = 14 * 24 * time.Hour // before it is due, it is asked for
	// accessFalls is how long after it was due a role falls that nobody confirmed.
	accessFalls = 30 * 24 * time.Hour
	// reviewsShown is how far back confirmations are taken out: for as long as
	// they are kept at least (45 CFR 164.316(b)(2)(i)).
	reviewsShown = 6 * 366 * 24 * time.Hour
	mostReviews  = 100_000
)

// An accessStanding is where the access of a staff person stands.
type accessStanding struct {
	person Person
	last   AccessReview // the zero value if nobody has confirmed it
	due    int64
}

// falls is when the role of p falls that was due then; 0 if it does not. Who
// looks after patients keeps it: to lose them in the middle of care does more
// harm than a late review.
func (a *accessStanding) falls() int64 {
	role := roleOf(a.person.Kind, a.person.Role)
	if !role.Privileged() || role == policy.Supervisor {
		return 0
	}
	return a.due + accessFalls.Milliseconds()
}

// standings lists where the access of everybody with a role stands. It is due so
// long after it was last confirmed, after two people agreed on the role, or
// after the person came; and not before reviews began here.
func (h *Hub) standings(ctx context.Context, practice string, rules Reviews, now int64) ([]accessStanding, error) {
	began, err := h.store.ReviewsBegan(ctx, practice, now)
	if err != nil {
		return nil, at("load when reviews began", err)
	}
	staff, err := h.store.PersonsOfKind(ctx, practice, api.KindStaff)
	if err != nil {
		return nil, at("load staff", err)
	}
	confirmed, err := h.store.AccessConfirmed(ctx, practice)
	if err != nil {
		return nil, at("load access reviews", err)
	}
	grants, err := h.store.GrantRequests(ctx, practice, now-grantsShown.Milliseconds(), mostGrants)
	if err != nil {
		return nil, at("load requests", err)
	}
	agreed := make(map[string]int64)
	for _, g := range grants {
		if g.Kind == GrantRole && g.Decision == GrantApproved {
			agreed[g.Person+g.Role] = max(agreed[g.Person+g.Role], g.DecidedAt)
		}
	}
	var all []accessStanding
	for _, p := range staff {
		if p.DisabledAt != 0 || roleOf(p.Kind, p.Role) == "" {
			continue
		}
		last := confirmed[p.ID]
		since := max(began, p.CreatedAt, last.ReviewedAt, agreed[p.ID+p.Role])
		all = append(all, accessStanding{p, last, since + rules.access().Milliseconds()})
	}
	return all, nil
}

// version stands for what a person may do.
func (p *Person) version() string {
	b, err := json.Marshal([]any{p.Role, sortedSet(p.Queues), p.Departments, p.DepartmentQueues})
	if err != nil {
		panic("hub: " + err.Error()) // strings alone
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// accessState says how urgent it is.
func accessState(due, now int64) string {
	switch {
	case now >= due:
		return "late"
	case now >= due-accessSoon.Milliseconds():
		return "soon"
	}
	return "fine"
}

func (h *Hub) mayReviewAccess(by *Person, person string) error {
	d := h.policy.Decide(by.principal(), policy.ReviewAccess, &policy.Resource{Practice: by.Practice, Person: person})
	if d.Allowed {
		return nil
	}
	return h.forbidden(d)
}

// AccessReviews lists what each staff person may do and when it is due to be
// confirmed, for who may list people: the late before the others, and of these
// those with much power.
func (h *Hub) AccessReviews(ctx context.Context, s *StaffCaller) (api.AccessReviews, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return api.AccessReviews{}, err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.AccessReviews{}, err
	}
	now := h.millis()
	all, err := h.standings(ctx, pr.ID, pr.Reviews, now)
	if err != nil {
		return api.AccessReviews{}, err
	}
	signedIn, err := h.store.LastSignIns(ctx, pr.ID)
	if err != nil {
		return api.AccessReviews{}, at("load sign-ins", err)
	}
	var reviewers []string
	for i := range all {
		reviewers = append(reviewers, all[i].last.Reviewer)
	}
	people, err := h.persons(ctx, pr.ID, reviewers)
	if err != nil {
		return api.AccessReviews{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.PeopleListed, "")); err != nil {
		return api.AccessReviews{}, at("record a read", err)
	}
	out := api.AccessReviews{Reviews: make([]api.AccessReview, len(all)), Days: pr.Reviews.Days()}
	for i := range all {
		a := &all[i]
		out.Reviews[i] = api.AccessReview{
			Person: h.staffMember(a.person), Privileged: privileged(a.person.Role), LastSignIn: signedIn[a.person.ID],
			ConfirmedAt: a.last.ReviewedAt, ConfirmedBy: people[a.last.Reviewer].Name, Changed: a.last.ID != "" && a.last.changed(&a.person),
			DueAt: a.due, State: accessState(a.due, now), FallsAt: a.falls(), Version: a.person.version(),
			MayConfirm: h.mayReviewAccess(&s.Person, a.person.ID) == nil,
		}
	}
	urgency := map[string]int{"late": 0, "soon": 1, "fine": 2}
	slices.SortStableFunc(out.Reviews, func(a, b api.AccessReview) int {
		power := func(r api.AccessReview) int {
			if r.Privileged {
				return 0
			}
			return 1
		}
		return cmp.Or(urgency[a.State]-urgency[b.State], power(a)-power(b), cmp.Compare(a.DueAt, b.DueAt))
	})
	return out, nil
}

// changed reports whether what p may do is another than was confirmed.
func (r *AccessReview) changed(p *Person) bool {
	return r.Role != p.Role || !slices.Equal(sortedSet(r.Queues), sortedSet(p.Queues)) || !slices.Equal(sortedSet(r.Departments), sortedSet(p.Departments))
}

// ConfirmAccess says that what others may do is right, as the caller has seen
// it.
func (h *Hub) ConfirmAccess(ctx context.Context, s *StaffCaller, c api.ConfirmAccess) error {
	if err := h.mayReviewAccess(&s.Person, "another"); err != nil {
		return err
	}
	saw := make(map[string]string, len(c.People))
	var ids []string
	for _, p := range c.People {
		if !validID("p", p.ID) {
			return ErrNotFound
		}
		if err := h.mayReviewAccess(&s.Person, p.ID); err != nil {
			return err
		}
		saw[p.ID] = p.Version
		ids = append(ids, p.ID)
	}
	if len(saw) != len(ids) {
		return malformed("people")
	}
	if err := h.proved(s); err != nil {
		return err
	}
	reviews := make(map[string]AccessReview, len(ids))
	var confirmed []audit.Event
	for _, id := range ids {
		p, err := h.personOfKind(ctx, s.Person.Practice, id, api.KindStaff)
		if err != nil {
			return err
		}
		r := AccessReview{
			ID: NewID("v"), Practice: p.Practice, Person: id, Role: p.Role, Queues: p.Queues, Departments: p.Departments,
			Reviewer: s.Person.ID, ReviewedAt: h.millis(),
		}
		reviews[id] = r
		confirmed = append(confirmed, h.event(ctx, s, audit.AccessConfirmed, id).With("role="+p.Role).Because("", r.ID))
	}
	return h.store.Recording(confirmed...).ConfirmAccess(ctx, s.Person.Practice, ids, func(p Person) (AccessReview, error) {
		r := reviews[p.ID]
		if p.DisabledAt != 0 || p.Role == "" || p.version() != saw[p.ID] || r.changed(&p) {
			return AccessReview{}, ErrConflict
		}
		return r, nil
	})
}

// ExportAccessReviews is who confirmed whose access as a table (RFC 4180), newest
// first.
func (h *Hub) ExportAccessReviews(ctx context.Context, s *StaffCaller) ([]byte, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return nil, err
	}
	if err := h.rates.allow("export", s.Person.ID, h.limits.Exports); err != nil {
		return nil, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.ReviewsExported, "").With("what=access")); err != nil {
		return nil, at("record an export", err)
	}
	all, err := h.store.AccessReviews(ctx, s.Person.Practice, h.now().Add(-reviewsShown).UnixMilli(), mostReviews)
	if err != nil {
		return nil, at("load access reviews", err)
	}
	var ids []string
	for i := range all {
		ids = append(ids, all[i].Person, all[i].Reviewer)
	}
	people, err := h.persons(ctx, s.Person.Practice, ids)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"confirmed", "person", "name", "role", "queues", "departments", "reviewer", "reviewer_name", "id"}}
	for i := range all {
		r := &all[i]
		rows = append(rows, []string{
			instant(r.ReviewedAt), r.Person, people[r.Person].Name, r.Role,
			strings.Join(r.Queues, " "), strings.Join(r.Departments, " "), r.Reviewer, people[r.Reviewer].Name, r.ID,
		})
	}
	return export.Table(rows), nil
}

func instant(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }

// toConfirm counts the people whose access waits for a confirmation that p can
// give.
func (h *Hub) toConfirm(ctx context.Context, pr *Practice, p *Person) (int, error) {
	if h.mayReviewAccess(p, "another") != nil {
		return 0, nil
	}
	now := h.millis()
	all, err := h.standings(ctx, pr.ID, pr.Reviews, now)
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range all {
		if accessState(all[i].due, now) != "fine" && h.mayReviewAccess(p, all[i].person.ID) == nil {
			n++
		}
	}
	return n, nil
}

// AccessLate counts, as of now, those whose access should have been confirmed
// by then, for who runs the hub.
func (h *Hub) AccessLate(ctx context.Context, p *Practice, now int64) (late int, err error) {
	all, err := h.standings(ctx, p.ID, p.Reviews, now)
	for i := range all {
		if accessState(all[i].due, now) == "late" {
			late++
		}
	}
	return late, err
}

// dropUnconfirmed takes the roles that nobody confirmed for too long from who
// has them, but for the last administrator's.
func (h *Hub) dropUnconfirmed(ctx context.Context) error {
	practices, err := h.store.Practices(ctx)
	if err != nil {
		return at("load practices", err)
	}
	now := h.millis()
	for i := range practices {
		all, err := h.standings(ctx, practices[i].ID, practices[i].Reviews, now)
		if err != nil {
			return err
		}
		for j := range all {
			if falls := all[j].falls(); falls == 0 || now < falls {
				continue
			}
			if err := h.dropRole(ctx, &all[j].person); err != nil {
				return at("drop a role", err)
			}
		}
	}
	return nil
}

func (h *Hub) dropRole(ctx context.Context, p *Person) error {
	dropped := h.event(ctx, itself(p.Practice), audit.AccessLapsed, p.ID).With("role=,was=" + p.Role)
	after, err := h.store.Recording(dropped).ChangePerson(ctx, p.Practice, p.ID, h.millis(), func(now *Person, last bool) error {
		if last || now.Role != p.Role || now.DisabledAt != 0 {
			return errNoChange
		}
		now.Role = ""
		return nil
	})
	if errors.Is(err, errNoChange) {
		return nil
	} else if err != nil {
		return err
	}
	h.log.WarnContext(ctx, "a role fell that nobody confirmed", slog.String("person", p.ID))
	h.accessEnded(ctx, after)
	return nil
}
