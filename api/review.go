package api

// An AccessReview is what a staff person may do, and when somebody last
// confirmed that it is right (45 CFR 164.308(a)(4)(ii)(C)).
type AccessReview struct {
	Person     StaffMember `json:"person"`
	Privileged bool        `json:"privileged" doc:"the role takes two people to give"`
	LastSignIn int64       `json:"last_sign_in,omitempty" doc:"absent if none is kept"`
	// ConfirmedAt is absent if nobody has confirmed it yet, but for the two
	// people who agreed on the role.
	ConfirmedAt int64  `json:"confirmed_at,omitempty"`
	ConfirmedBy string `json:"confirmed_by,omitempty" doc:"name"`
	Changed     bool   `json:"changed" doc:"since it was last confirmed"`
	DueAt       int64  `json:"due_at"`
	State       string `json:"state" enum:"late,soon,fine" doc:"soon: due within two weeks"`
	// FallsAt is when the role falls if nobody confirms it by then: of those who
	// run the practice or answer for it, and look after no patient.
	FallsAt int64 `json:"falls_at,omitempty"`
	// Version stands for what they may do as it is listed here. Who confirms
	// sends it back.
	Version    string `json:"version"`
	MayConfirm bool   `json:"may_confirm" doc:"by the caller"`
}

// AccessReviews is GET /v1/admin/reviews/access: the most urgent first.
type AccessReviews struct {
	Reviews []AccessReview `json:"reviews"`
	Days    int            `json:"days" doc:"how long a confirmation holds"`
}

// ConfirmAccess says that what each may do is right: POST
// /v1/admin/reviews/access. It needs both factors shown a moment ago. If the
// access of one has changed since it was listed, nothing is confirmed.
type ConfirmAccess struct {
	People []ConfirmedPerson `json:"people" minItems:"1" maxItems:"200"`
}

// A ConfirmedPerson is one of them.
type ConfirmedPerson struct {
	ID      string `json:"id" maxLength:"64"`
	Version string `json:"version" maxLength:"64" doc:"as it was listed"`
}
