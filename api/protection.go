package api

// A Protection is one setting that protects: it is the practice's, and nobody
// can weaken it for themselves. Those that can be set are set in the practice
// file, at the server (sotto practice apply).
type Protection struct {
	ID    string `json:"id" enum:"idle-staff,idle-patient,password-length,networks,proof-days,level,sso-only,sso-age,sso-second-factor,portal-age,group-administrators,access-review-days,activity-review-days,origins,session-hours,step-up-minutes,link-hours,emergency-minutes,review-hours,request-days"`
	Of    string `json:"of,omitempty" doc:"of level: the queue"`
	Value string `json:"value" doc:"a number, yes, no, a level, or claims and their values"`
	// Usual is what holds if the practice says nothing.
	Usual string `json:"usual"`
	// Weaker says that the value protects less than the usual one.
	Weaker bool `json:"weaker"`
	// Fixed ones are the product's: no practice changes them.
	Fixed bool `json:"fixed"`
	Least int  `json:"least,omitempty" doc:"of what can be set within bounds"`
	Most  int  `json:"most,omitempty"`
}

// A ProtectionChange is one time that such a setting was changed, at the server.
type ProtectionChange struct {
	At     int64  `json:"at"`
	ID     string `json:"id"`
	Of     string `json:"of,omitempty"`
	From   string `json:"from"`
	To     string `json:"to"`
	Weaker bool   `json:"weaker"`
}

// Protections is GET /v1/admin/protections.
type Protections struct {
	Protections []Protection       `json:"protections"`
	Changes     []ProtectionChange `json:"changes" doc:"by the audit log, newest first"`
}
