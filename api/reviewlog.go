package api

// An ActivityPeriod is a part of the audit log that somebody signs off once it
// is over (45 CFR 164.308(a)(1)(ii)(D)).
type ActivityPeriod struct {
	From  int64  `json:"from" doc:"midnight where the practice is"`
	Until int64  `json:"until"`
	DueAt int64  `json:"due_at"`
	State string `json:"state" enum:"open,waits,gap,signed" doc:"open: not over yet; gap: nobody signed it off in time"`
	// Of one that is signed off:
	SignedBy string `json:"signed_by,omitempty" doc:"name"`
	SignedAt int64  `json:"signed_at,omitempty"`
	Note     string `json:"note,omitempty" doc:"what was found"`
}

// ActivityReviews is GET /v1/admin/reviews/activity: the newest first.
type ActivityReviews struct {
	Periods []ActivityPeriod `json:"periods"`
	Days    int              `json:"days" doc:"how long a period is"`
	MaySign bool             `json:"may_sign"`
}

// An ActivityFigure is how many entries of a kind, or of a category, there are.
type ActivityFigure struct {
	Kind     string `json:"kind,omitempty"`
	Category string `json:"category,omitempty"`
	Count    int64  `json:"count"`
}

// ActivityFigures is GET /v1/admin/reviews/activity/figures: what to look at.
type ActivityFigures struct {
	Figures []ActivityFigure `json:"figures"`
}

// SignActivity says that the caller has looked at the log of a period: POST
// /v1/admin/reviews/activity. It needs both factors shown a moment ago. One that
// is not over, or is signed off already, gives 409.
type SignActivity struct {
	From  int64  `json:"from" minimum:"1" maximum:"253402300799999"`
	Until int64  `json:"until" minimum:"2" maximum:"253402300799999"`
	Note  string `json:"note" minLength:"1" maxLength:"2000" doc:"what was found; kept beside the log, never in it"`
}
