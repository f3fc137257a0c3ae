package api

// A GrantRequest asks for what one person may not do alone (45 CFR
// 164.308(a)(4)(ii)(B)): to give a role with much power, or to renew the
// sign-in of who has one. Somebody else approves it, who neither asked nor is
// meant. It lapses after seven days.
type GrantRequest struct {
	ID          string `json:"id"`
	Kind        string `json:"kind" enum:"role,link" doc:"role: give the role; link: make a link to set up the person's sign-in anew"`
	Person      Person `json:"person"`
	Role        string `json:"role,omitempty" doc:"of kind role"`
	Was         string `json:"was,omitempty" doc:"the person's role when it was asked; empty for none"`
	Requester   string `json:"requester,omitempty" doc:"person id; empty if the practice's directory asks"`
	RequestedBy string `json:"requested_by,omitempty" doc:"their name"`
	Reason      string `json:"reason,omitempty"`
	RequestedAt int64  `json:"requested_at"`
	ExpiresAt   int64  `json:"expires_at"`
	State       string `json:"state" enum:"open,approved,refused,withdrawn,expired,used" doc:"used: an approved link was made"`
	DecidedBy   string `json:"decided_by,omitempty" doc:"name; empty if it was done at the server"`
	DecidedAt   int64  `json:"decided_at,omitempty"`
	Note        string `json:"note,omitempty"`
	// MayDecide says that the caller is one who can approve or refuse it.
	MayDecide bool `json:"may_decide"`
}

// GrantRequests is GET /v1/admin/requests: the newest first.
type GrantRequests struct {
	Requests []GrantRequest `json:"requests"`
}

// NewGrantRequest asks: POST /v1/admin/people/{id}/requests. It needs both
// factors shown a moment ago.
type NewGrantRequest struct {
	Kind   string `json:"kind" enum:"role,link"`
	Role   string `json:"role,omitempty" maxLength:"64"`
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// DecideGrant answers a request: POST /v1/admin/requests/{id}/decision. It needs
// both factors shown a moment ago. Who asked can withdraw it, and no more.
type DecideGrant struct {
	Decision string `json:"decision" enum:"approve,refuse,withdraw"`
	Note     string `json:"note,omitempty" maxLength:"500"`
}
