package hub

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file holds that somebody looks at the audit log again and again, and says
// so (45 CFR 164.308(a)(1)(ii)(D)): time is cut into periods, and one that nobody
// signed off stays a gap.

const (
	// activityGrace is how long after a period it should be signed off.
	activityGrace = 14 * 24 * time.Hour
	// mostFigured bounds the time that figures are asked of.
	mostFigured = 366 * 24 * time.Hour
)

// The states of a period.
const (
	periodOpen   = "open"
	periodWaits  = "waits"
	periodGap    = "gap"
	periodSigned = "signed"
)

// An activityPeriod is a part of the log; review is the zero value if nobody has
// signed it off.
type activityPeriod struct {
	from, until int64
	review      ActivityReview
}

func (p *activityPeriod) state(now int64) string {
	switch {
	case p.review.SignedAt != 0:
		return periodSigned
	case now < p.until:
		return periodOpen
	case now < p.until+activityGrace.Milliseconds():
		return periodWaits
	}
	return periodGap
}

// activity cuts a practice's time into periods, the oldest first, from the day on
// which reviews began. What was signed off stays as it was signed; the rest is
// cut by what the practice says now.
func (h *Hub) activity(ctx context.Context, p *Practice, now int64) ([]activityPeriod, error) {
	began, err := h.store.ReviewsBegan(ctx, p.ID, now)
	if err != nil {
		return nil, at("load when reviews began", err)
	}
	signed, err := h.store.ActivityReviews(ctx, p.ID, 0)
	if err != nil {
		return nil, at("load activity reviews", err)
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	year, month, date := time.UnixMilli(began).In(zone).Date()
	from := time.Date(year, month, date, 0, 0, 0, 0, zone)
	var all []activityPeriod
	for {
		next := from.AddDate(0, 0, p.Reviews.LogDays())
		one := activityPeriod{from: from.UnixMilli(), until: next.UnixMilli()}
		if len(signed) > 0 && signed[0].From <= one.from {
			one = activityPeriod{signed[0].From, signed[0].Until, signed[0]}
			signed = signed[1:]
		} else if len(signed) > 0 {
			one.until = min(one.until, signed[0].From)
		}
		all = append(all, one)
		if one.until > now {
			return all, nil
		}
		from = time.UnixMilli(one.until).In(zone)
	}
}

// ActivityReviews lists the periods of the log and who signed them off, for who
// may read it.
func (h *Hub) ActivityReviews(ctx context.Context, s *StaffCaller) (api.ActivityReviews, error) {
	if err := h.readsAudit(ctx, s, &AuditFilter{}, "reviews"); err != nil {
		return api.ActivityReviews{}, err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.ActivityReviews{}, err
	}
	now := h.millis()
	all, err := h.activity(ctx, &pr.Practice, now)
	if err != nil {
		return api.ActivityReviews{}, err
	}
	people, err := h.signers(ctx, pr.ID, all)
	if err != nil {
		return api.ActivityReviews{}, err
	}
	out := api.ActivityReviews{Days: pr.Reviews.LogDays(), MaySign: h.mayStaff(s, policy.SignActivity, s.practice()) == nil, Periods: make([]api.ActivityPeriod, len(all))}
	for i := range all {
		p := &all[len(all)-1-i]
		out.Periods[i] = api.ActivityPeriod{
			From: p.from, Until: p.until, DueAt: p.until + activityGrace.Milliseconds(), State: p.state(now),
			SignedBy: people[p.review.Reviewer].Name, SignedAt: p.review.SignedAt, Note: p.review.Note,
		}
	}
	return out, nil
}

func (h *Hub) signers(ctx context.Context, practice string, all []activityPeriod) (map[string]Person, error) {
	var ids []string
	for i := range all {
		ids = append(ids, all[i].review.Reviewer)
	}
	return h.persons(ctx, practice, ids)
}

// figured lists what a reviewer should look at, in this order, beside exports,
// whose kinds count together.
func figured() []audit.Kind {
	return []audit.Kind{
		audit.SignInRefused, audit.CallRefused, audit.EmergencyOpened, audit.PersonChanged, audit.GrantApproved, audit.PersonDisabled,
		audit.AccessLapsed, audit.PracticeConfigured,
	}
}

// ActivityFigures counts what the log has of a time that a reviewer should look
// at.
func (h *Hub) ActivityFigures(ctx context.Context, s *StaffCaller, from, until int64) (api.ActivityFigures, error) {
	if err := h.readsAudit(ctx, s, &AuditFilter{}, "figures"); err != nil {
		return api.ActivityFigures{}, err
	}
	if until <= from || until-from > mostFigured.Milliseconds() {
		return api.ActivityFigures{}, malformed("until")
	}
	if err := h.growLog(ctx, s.Person.Practice); err != nil {
		return api.ActivityFigures{}, err
	}
	var kinds []string
	for _, k := range figured() {
		kinds = append(kinds, string(k))
	}
	exports := 0
	for _, spec := range audit.Vocabulary() {
		if spec.Category == audit.Export {
			kinds = append(kinds, string(spec.Kind))
			exports++
		}
	}
	counts, err := h.store.CountLog(ctx, s.Person.Practice, kinds, from, until)
	if err != nil {
		return api.ActivityFigures{}, at("count the audit log", err)
	}
	var out api.ActivityFigures
	for _, k := range figured() {
		out.Figures = append(out.Figures, api.ActivityFigure{Kind: string(k), Count: counts[string(k)]})
	}
	taken := api.ActivityFigure{Category: string(audit.Export)}
	for _, k := range kinds[len(kinds)-exports:] {
		taken.Count += counts[k]
	}
	out.Figures = append(out.Figures, taken)
	return out, nil
}

// SignActivity says that the caller has looked at the log of a period that is
// over.
func (h *Hub) SignActivity(ctx context.Context, s *StaffCaller, a api.SignActivity) error {
	if err := h.mayStaff(s, policy.SignActivity, s.practice()); err != nil {
		return err
	}
	note := strings.TrimSpace(a.Note)
	if note == "" {
		return malformed("note")
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return err
	}
	now := h.millis()
	all, err := h.activity(ctx, &pr.Practice, now)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p activityPeriod) bool { return p.from == a.From && p.until == a.Until })
	if i < 0 || all[i].state(now) != periodWaits && all[i].state(now) != periodGap {
		return ErrConflict
	}
	if err := h.proved(s); err != nil {
		return err
	}
	signed := h.event(ctx, s, audit.LogReviewed, "").With("from=" + day(a.From) + ",until=" + day(a.Until) + ",state=" + all[i].state(now))
	return h.making(ctx, signed).AddActivityReview(ctx, ActivityReview{
		Practice: pr.ID, From: a.From, Until: a.Until, Reviewer: s.Person.ID, Note: note, SignedAt: now,
	})
}

// ExportActivityReviews is the periods of the log and who signed them off as a
// table (RFC 4180), gaps too, newest first.
func (h *Hub) ExportActivityReviews(ctx context.Context, s *StaffCaller) ([]byte, error) {
	if err := h.mayStaff(s, policy.ExportAudit, s.practice()); err != nil {
		return nil, err
	}
	if err := h.rates.allow("export", s.Person.ID, h.limits.Exports); err != nil {
		return nil, err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return nil, err
	}
	if err := h.store.Record(ctx, h.event(ctx, s, audit.ReviewsExported, "").With("what=activity")); err != nil {
		return nil, at("record an export", err)
	}
	now := h.millis()
	all, err := h.activity(ctx, &pr.Practice, now)
	if err != nil {
		return nil, err
	}
	people, err := h.signers(ctx, pr.ID, all)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"from", "until", "state", "signed", "reviewer", "reviewer_name", "note"}}
	for _, p := range slices.Backward(all) {
		at := ""
		if p.review.SignedAt != 0 {
			at = instant(p.review.SignedAt)
		}
		rows = append(rows, []string{instant(p.from), instant(p.until), p.state(now), at, p.review.Reviewer, people[p.review.Reviewer].Name, p.review.Note})
	}
	return export.Table(rows), nil
}

// toSign counts the periods that wait for a sign-off that p can give.
func (h *Hub) toSign(ctx context.Context, pr *Practice, p *Person) (int, error) {
	if !h.policy.May(p.principal(), policy.SignActivity, &policy.Resource{Practice: p.Practice}) {
		return 0, nil
	}
	state, err := h.ActivityState(ctx, pr, h.millis())
	return state.Waits + state.Gaps, err
}

// An ActivityState counts the periods of a practice's log that are over.
type ActivityState struct{ Signed, Waits, Gaps int }

// ActivityState tells, as of now, how far the log was looked at, for who runs the
// hub.
func (h *Hub) ActivityState(ctx context.Context, p *Practice, now int64) (s ActivityState, err error) {
	all, err := h.activity(ctx, p, now)
	for i := range all {
		switch all[i].state(now) {
		case periodSigned:
			s.Signed++
		case periodWaits:
			s.Waits++
		case periodGap:
			s.Gaps++
		}
	}
	return s, err
}
