package api

// BeginSSO begins to sign in at the practice's OpenID provider:
// POST /v1/staff/sso/begin. The answer comes with a cookie, which belongs to
// the attempt: only the browser that has it can finish.
type BeginSSO struct {
	Practice string `json:"practice" maxLength:"64" doc:"slug"`
	// Purpose is what the person wants: a session, or to show again who they are
	// (as POST /v1/staff/unlock and step-up do), or to link the account there to
	// the person signed in here.
	Purpose string `json:"purpose" enum:"sign-in,confirm,link"`
	Page    string `json:"page" enum:"staff,admin" doc:"which to go on with"`
}

// SSOBegun says where to send the browser. It comes back to
// /staff/sso/SLUG with the parameters of [FinishSSO].
type SSOBegun struct {
	Address string `json:"address"`
}

// FinishSSO hands over what the provider sent the browser back with:
// POST /v1/staff/sso/finish.
type FinishSSO struct {
	Practice string `json:"practice" maxLength:"64" doc:"slug, from the path that the browser came back to"`
	State    string `json:"state" maxLength:"256"`
	Code     string `json:"code,omitempty" maxLength:"8192"`
	Issuer   string `json:"iss,omitempty" maxLength:"1024" doc:"RFC 9207"`
	Error    string `json:"error,omitempty" maxLength:"256"`
}

// SSODone is the session, and the page to go on with.
type SSODone struct {
	Session StaffSession `json:"session"`
	Page    string       `json:"page" enum:"staff,admin"`
}

// SSOSignedOut is the answer of POST /v1/staff/sso/sign-out: the session here
// is over. Address ends it at the provider too; empty if it has no such place.
type SSOSignedOut struct {
	Address string `json:"address,omitempty"`
}

// A LinkedIdentity is the person's account at the practice's OpenID provider:
// part of [Factors].
type LinkedIdentity struct {
	Provider string `json:"provider" doc:"its name, as people know it"`
	Linked   bool   `json:"linked"`
	LinkedAt int64  `json:"linked_at,omitempty"`
}

// LinkIdentity says who a person is at the practice's OpenID provider:
// PUT /v1/admin/people/{id}/identity.
type LinkIdentity struct {
	Subject string `json:"subject" minLength:"1" maxLength:"255" doc:"the claim sub"`
}
