package api

// Colleagues are whom the caller may bring into a conversation, or hand it to:
// GET /v1/staff/conversations/{id}/colleagues. Those who are in it already are
// left out.
type Colleagues struct {
	People []Person `json:"people"`
	Queues []string `json:"queues" doc:"other queues of the practice that it can go to"`
}

// BringColleague brings a colleague into a conversation:
// POST /v1/staff/conversations/{id}/colleagues.
type BringColleague struct {
	Person string `json:"person" maxLength:"64"`
}

// Transfer hands a conversation over: POST /v1/staff/conversations/{id}/transfer.
// To a person: they are its assignee from now on. To a queue: it waits there. In
// both cases the caller leaves it. Exactly one is set.
type Transfer struct {
	Person string `json:"person,omitempty" maxLength:"64"`
	Queue  string `json:"queue,omitempty" maxLength:"64"`
}

// BreakGlass lets a clinician into a conversation that is closed to them, for
// an hour: POST /v1/staff/conversations/{id}/break-glass. It needs both factors
// shown a moment ago. The patient sees it, and it is reviewed.
type BreakGlass struct {
	Reason string `json:"reason" maxLength:"64" doc:"danger, absent, urgent or other. danger: somebody may be hurt; absent: who took it can not be reached; urgent: care can not wait"`
	Words  string `json:"words" maxLength:"500" doc:"why, in ten characters or more; for who reviews it"`
}

// An Emergency is one time that somebody broke the glass.
type Emergency struct {
	ID           string `json:"id"`
	Conversation string `json:"conversation"`
	Queue        string `json:"queue" doc:"that the chat was in"`
	Patient      string `json:"patient"`
	Person       Person `json:"person"`
	Reason       string `json:"reason" enum:"danger,absent,urgent,other"`
	Words        string `json:"words"`
	OpenedAt     int64  `json:"opened_at"`
	EndsAt       int64  `json:"ends_at"`
	EndedAt      int64  `json:"ended_at,omitempty"`
	DueAt        int64  `json:"due_at" doc:"when it should have been reviewed"`
	State        string `json:"state" enum:"open,overdue,look,fine" doc:"open: to be reviewed; overdue: and late; look: to be looked into; fine: reviewed"`
	Note         string `json:"note,omitempty"`
	Reviewer     string `json:"reviewer,omitempty" doc:"person id"`
	ReviewedAt   int64  `json:"reviewed_at,omitempty"`
}

// Emergencies is GET /v1/admin/emergencies: the newest first.
type Emergencies struct {
	Emergencies []Emergency `json:"emergencies"`
}

// ReviewEmergency is what somebody found: POST /v1/admin/emergencies/{id}/review.
// Nobody reviews their own.
type ReviewEmergency struct {
	Verdict string `json:"verdict" enum:"fine,look"`
	Note    string `json:"note" maxLength:"500"`
}
