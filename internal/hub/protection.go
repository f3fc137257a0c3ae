package hub

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// This file is about the settings that protect. They are the practice's: no call
// of anybody changes one, only the practice file does, at the server, and what
// is weakened there is named before and recorded (45 CFR 164.308(a)(1)(ii)(B)).

// A ProtectionChange is one protecting setting that differs between two.
type ProtectionChange struct {
	ID       string // of [api.Protection]; of a queue's level "level.QUEUE"
	From, To string
	Weaker   bool // To protects less than From
}

func number(n int) string { return strconv.Itoa(n) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// protections are the values of those that a practice sets.
func (s Settings) protections() []api.Protection {
	sso := cmp.Or(s.Access.SSO, &SSO{})
	all := []api.Protection{
		{ID: "idle-staff", Value: number(int(s.StaffIdle() / time.Minute)), Usual: number(defaultIdleMinutes), Least: LeastIdleMinutes, Most: MostIdleMinutes},
		{ID: "idle-patient", Value: number(s.PatientIdle()), Usual: number(usualIdlePatient)},
		{ID: "password-length", Value: number(s.Access.Password.Least()), Usual: number(password.LeastWithFactor), Least: password.LeastWithFactor, Most: password.MostRequired},
		{ID: "networks", Value: number(len(s.Access.Networks)), Usual: "0"},
		{ID: "proof-days", Value: number(cmp.Or(s.Identity.Days, defaultProofDays)), Usual: number(defaultProofDays)},
		{ID: "sso-only", Value: yes(sso.Only), Usual: "no"},
		{ID: "sso-age", Value: number(min(cmp.Or(sso.MaxAgeMinutes, MostIdleMinutes), MostIdleMinutes)), Usual: number(MostIdleMinutes)},
		{ID: "sso-second-factor", Value: sso.secondFactor(), Usual: new(SSO).secondFactor()},
		{ID: "portal-age", Value: s.portalMinutes(), Usual: number(int(portalMaxAge / time.Minute))},
		{ID: "group-administrators", Value: yes(s.Access.Groups.Administrators), Usual: "no"},
		{ID: "access-review-days", Value: number(s.Reviews.Days()), Usual: number(usualAccessDays), Least: LeastAccessDays, Most: MostAccessDays},
		{ID: "activity-review-days", Value: number(s.Reviews.LogDays()), Usual: number(usualActivityDays), Least: LeastActivityDays, Most: MostActivityDays},
		{ID: "origins", Value: number(len(s.Origins)), Usual: "0"},
	}
	for _, q := range s.Queues {
		all = append(all, api.Protection{ID: "level", Of: q.ID, Value: string(s.QueueLevel(q.ID)), Usual: string(usualLevel)})
	}
	for i := range all {
		// A practice's own pages embed its chat: that is what it is for.
		all[i].Weaker = all[i].ID != "origins" && weakerValue(all[i].ID, all[i].Usual, all[i].Value)
	}
	return all
}

// secondFactor lists what a provider's token may say of two factors: "amr=mfa".
func (s *SSO) secondFactor() string {
	var all []string
	for _, r := range s.requirements() {
		for _, v := range r.Values {
			all = append(all, r.Claim+"="+v)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// portalMinutes is how long ago a patient may have signed in at the portal, or
// no, if that does not matter.
func (s Settings) portalMinutes() string {
	switch p := s.Identity.Portal; {
	case p == nil || p.MaxAgeMinutes == 0:
		return number(int(portalMaxAge / time.Minute))
	case p.MaxAgeMinutes < 0:
		return "no"
	default:
		return number(p.MaxAgeMinutes)
	}
}

// weakerValue reports whether the second value protects less than the first.
func weakerValue(id, from, to string) bool {
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	switch id {
	case "idle-staff", "idle-patient", "proof-days", "sso-age", "access-review-days", "activity-review-days", "origins":
		return err1 != nil || err2 != nil || b > a
	case "password-length", "networks":
		return err1 != nil || err2 != nil || b < a
	case "portal-age":
		return err1 == nil && (err2 != nil || b > a)
	case "sso-second-factor":
		was := strings.Fields(from)
		return slices.ContainsFunc(strings.Fields(to), func(v string) bool { return !slices.Contains(was, v) })
	case "sso-only":
		return from == "yes" && to != "yes"
	case "group-administrators":
		return from != "yes" && to == "yes"
	case "level":
		return !proofing.Level(to).Reaches(proofing.Level(from))
	}
	return true // nobody said which way is safe
}

// ProtectionChanges lists what protects otherwise after than before.
func ProtectionChanges(before, after Settings) []ProtectionChange {
	key := func(p api.Protection) string {
		if p.Of != "" {
			return p.ID + "." + p.Of
		}
		return p.ID
	}
	was := make(map[string]string)
	for _, p := range before.protections() {
		was[key(p)] = p.Value
	}
	var changes []ProtectionChange
	for _, p := range after.protections() {
		from, known := was[key(p)]
		if known && from != p.Value {
			changes = append(changes, ProtectionChange{ID: key(p), From: from, To: p.Value, Weaker: weakerValue(p.ID, from, p.Value)})
		}
	}
	// As many networks or origins can still be others.
	if len(before.Access.Networks) > 0 && before.Access.opens(after.Access) {
		changes = named(changes, "networks", len(before.Access.Networks), len(after.Access.Networks))
	}
	if slices.ContainsFunc(after.Origins, func(o string) bool { return !slices.Contains(before.Origins, o) }) {
		changes = named(changes, "origins", len(before.Origins), len(after.Origins))
	}
	return changes
}

// named makes the change of id a weaker one, or adds it.
func named(changes []ProtectionChange, id string, from, to int) []ProtectionChange {
	i := slices.IndexFunc(changes, func(c ProtectionChange) bool { return c.ID == id })
	if i < 0 {
		return append(changes, ProtectionChange{ID: id, From: number(from), To: number(to), Weaker: true})
	}
	changes[i].Weaker = true
	return changes
}

// opens reports whether somebody may come from somewhere after that they could
// not come from before.
func (a Access) opens(after Access) bool {
	for _, role := range append(policy.StaffRoles(), "") {
		was, wasAnywhere := a.from(role)
		is, anywhere := after.from(role)
		if wasAnywhere {
			continue
		}
		if anywhere {
			return true
		}
		for _, p := range is {
			within := func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) }
			if !slices.ContainsFunc(was, within) {
				return true
			}
		}
	}
	return false
}

// detail is what the log says of changes.
func detail(changes []ProtectionChange) string {
	var parts []string
	for _, c := range changes {
		part := c.ID + "=" + c.From + ":" + c.To
		if c.Weaker {
			part += ":weaker"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

// mostConfigured bounds how far back changes are looked for in the log.
const mostConfigured = 200

// Protections lists the settings that protect, and how they were changed, for
// who runs the practice or answers for it.
func (h *Hub) Protections(ctx context.Context, s *StaffCaller) (api.Protections, error) {
	if err := h.mayStaff(s, policy.Inspect, s.practice()); err != nil {
		return api.Protections{}, err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.Protections{}, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.ControlsRead, "").With("what=protections")); err != nil {
		return api.Protections{}, at("record a read", err)
	}
	out := api.Protections{Protections: pr.protections(), Changes: []api.ProtectionChange{}}
	for _, fixed := range []struct {
		id string
		n  time.Duration
		of time.Duration
	}{
		{"session-hours", h.sessions.Staff, time.Hour},
		{"step-up-minutes", provedLife, time.Minute},
		{"link-hours", h.sessions.SetUp, time.Hour},
		{"emergency-minutes", emergencyLife, time.Minute},
		{"review-hours", emergencyReview, time.Hour},
		{"request-days", grantLife, 24 * time.Hour},
	} {
		n := number(int(fixed.n / fixed.of))
		out.Protections = append(out.Protections, api.Protection{ID: fixed.id, Value: n, Usual: n, Fixed: true})
	}
	page, err := h.auditPage(ctx, LogQuery{Practice: pr.ID, Kinds: []string{string(audit.PracticeConfigured)}}, "", mostConfigured)
	if err != nil {
		return api.Protections{}, err
	}
	for _, e := range page.Events {
		for part := range strings.SplitSeq(e.Detail, ",") {
			id, values, ok := strings.Cut(part, "=")
			fields := strings.Split(values, ":")
			if !ok || len(fields) < 2 {
				continue
			}
			c := api.ProtectionChange{At: e.At, From: fields[0], To: fields[1], Weaker: len(fields) > 2}
			c.ID, c.Of, _ = strings.Cut(id, ".")
			out.Changes = append(out.Changes, c)
		}
	}
	return out, nil
}
