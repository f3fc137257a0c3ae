package api

// An Alert is something in the audit log that somebody should look at: it
// accuses nobody (45 CFR 164.308(a)(1)(ii)(D)).
type Alert struct {
	ID     string `json:"id"`
	Rule   string `json:"rule" enum:"apart,watched,surname,bulk,off-hours,export,no-part,own-link" doc:"apart: saw a patient whom they are to stay away from; watched: saw a watched patient whom they have nothing to do with; surname: saw the record of a patient of their surname; bulk: far more patients in a day than is usual; off-hours: saw a patient at an hour at which nobody expects them; export: took something out then, or unusually often; no-part: went into chats of others and left without a word; own-link: a link to set up a sign-in was used at the address of who made it"`
	Person Person `json:"person" doc:"whom it is about; of who runs the machine, their account as the log has it"`
	// Patient is set if it is about one.
	Patient    string `json:"patient,omitempty" doc:"person id"`
	Day        string `json:"day" doc:"where the practice is"`
	At         int64  `json:"at"`
	Number     int64  `json:"number" doc:"of the entry at which it was noticed"`
	Count      int    `json:"count,omitempty" doc:"patients, exports or chats until then"`
	RaisedAt   int64  `json:"raised_at"`
	DueAt      int64  `json:"due_at" doc:"when somebody should have looked"`
	State      string `json:"state" enum:"open,overdue,look,fine" doc:"open: nobody has looked; overdue: and it is late; look: to be looked into; fine: explained"`
	Note       string `json:"note,omitempty"`
	Reviewer   string `json:"reviewer,omitempty" doc:"name"`
	ReviewedAt int64  `json:"reviewed_at,omitempty"`
}

// A PatientWatch has the log searched for who sees a patient. Person is who is
// to stay away from them; without one it is for everybody who has nothing to do
// with them.
type PatientWatch struct {
	ID      string  `json:"id"`
	Patient string  `json:"patient" doc:"person id"`
	Person  *Person `json:"person,omitempty"`
	Reason  string  `json:"reason" enum:"known,staff,family,asked,other"`
	AddedBy Person  `json:"added_by"`
	AddedAt int64   `json:"added_at"`
}

// Alerts is GET /v1/admin/alerts: the newest first.
type Alerts struct {
	Alerts    []Alert        `json:"alerts"`
	Watches   []PatientWatch `json:"watches"`
	MayReview bool           `json:"may_review"`
}

// ReviewAlert is what somebody found: POST /v1/admin/alerts/{id}/review. Nobody
// reviews one about themselves.
type ReviewAlert struct {
	Verdict string `json:"verdict" enum:"fine,look"`
	Note    string `json:"note" minLength:"1" maxLength:"500" doc:"kept beside the log, never in it"`
}

// NewPatientWatch is POST /v1/admin/patient-watches. There is one of both at
// most: another gives 409.
type NewPatientWatch struct {
	Patient string `json:"patient" maxLength:"64"`
	Person  string `json:"person,omitempty" maxLength:"64" doc:"of the staff, who is to stay away"`
	Reason  string `json:"reason" enum:"known,staff,family,asked,other" doc:"known: many know them; staff: they work here; family: of somebody who works here; asked: they asked for it"`
}
