package api

// A Disclosure is a line of the accounting that a patient may ask for (45 CFR
// 164.528(b)(2)): when, to whom, what, and why.
type Disclosure struct {
	ID         string `json:"id,omitempty" doc:"empty for an entry of the log alone"`
	At         int64  `json:"at" doc:"when it was disclosed, Unix milliseconds"`
	RecordedAt int64  `json:"recorded_at"`
	Recorder   Person `json:"recorder,omitzero" doc:"who wrote it down; none for who runs the system"`
	Source     string `json:"source" enum:"hand,record,log" doc:"hand: somebody wrote it down; record: the sealed record was opened for it; log: the log says that it left, and nobody said more"`
	Recipient  string `json:"recipient"`
	Address    string `json:"address,omitempty"`
	What       string `json:"what"`
	Purpose    string `json:"purpose" doc:"a code, see RecordDisclosure; empty where nobody said"`
	Number     int64  `json:"number,omitempty" doc:"of the entry in the audit log, for source log"`
	StruckAt   int64  `json:"struck_at,omitempty"`
	StruckWhy  string `json:"struck_why,omitempty"`
}

// Disclosures is the accounting of a patient, whole: the newest first.
type Disclosures struct {
	Patient     string       `json:"patient"`
	Persons     []string     `json:"persons,omitempty" doc:"all whom standing links say are this patient, if they are several: what is theirs is here too"`
	Chats       []string     `json:"chats,omitempty" doc:"chats about the patient in which somebody else writes by a grant: what left of them is here too"`
	From        int64        `json:"from" doc:"six years ago"`
	Until       int64        `json:"until"`
	Disclosures []Disclosure `json:"disclosures"`
}

// RecordDisclosure writes down what left the practice outside this system, or
// was taken out of it. What is for treatment, payment or operations, or goes to
// the patient or where the patient authorised it, is not accounted for (45 CFR
// 164.528(a)(1)).
type RecordDisclosure struct {
	At        int64  `json:"at" minimum:"1" maximum:"253402300799999" doc:"when, Unix milliseconds, not after now and at most six years ago"`
	Recipient string `json:"recipient" minLength:"2" maxLength:"200"`
	Address   string `json:"address,omitempty" maxLength:"300"`
	What      string `json:"what" minLength:"2" maxLength:"500" doc:"a brief description, not the content"`
	Purpose   string `json:"purpose" enum:"required-by-law,public-health,abuse,oversight,court,police,decedents,research,threat,government,workers-compensation,breach,other"`
}

// Ways to read the sealed record.
const (
	RecordListed   = "list"
	RecordShown    = "show"
	RecordChecked  = "check"
	RecordAccepted = "accept"
)

// RecordRead says how somebody at the keeper's machine is about to read its
// sealed record, and for whom and what.
type RecordRead struct {
	What         string       `json:"what" enum:"list,show,check,accept" doc:"list: which conversations it holds; show: opens one; check: was checked, and what was found is about to be shown; accept: is taken as it is for whole"`
	Conversation string       `json:"conversation,omitempty" maxLength:"64" doc:"that is shown"`
	Purpose      string       `json:"purpose,omitempty" enum:"operations,treatment,payment,patient,authorization,required-by-law,public-health,abuse,oversight,court,police,decedents,research,threat,government,workers-compensation,breach,other" doc:"of showing it"`
	Recipient    string       `json:"recipient,omitempty" maxLength:"200" doc:"who outside the practice gets it; empty if nobody does"`
	Address      string       `json:"address,omitempty" maxLength:"300" doc:"the recipient's"`
	Found        *RecordFound `json:"found,omitempty" doc:"by a check"`
}

// RecordFound is what a check of the record found, in counts.
type RecordFound struct {
	Conversations int `json:"conversations" minimum:"0" maximum:"2147483647"`
	Records       int `json:"records" minimum:"0" maximum:"2147483647"`
	Problems      int `json:"problems" minimum:"0" maximum:"2147483647"`
}

// StrikeDisclosure says why a line was a mistake. It stays, struck.
type StrikeDisclosure struct {
	Why string `json:"why" minLength:"10" maxLength:"500"`
}

// A Sighting is one time, or several in a row, that somebody got at what a
// patient said.
type Sighting struct {
	At           int64  `json:"at" doc:"the last time, Unix milliseconds"`
	Since        int64  `json:"since" doc:"the first time"`
	Times        int    `json:"times"`
	Way          string `json:"way" enum:"read,file,joined,emergency,record,patient,state,log,tried" doc:"read: opened the messages; file: opened a file; joined: came into the chat; emergency: went into it in an emergency; record: opened the sealed record; patient: looked at who the patient is; state: saw that the chat is there; log: read the audit log about the patient; tried: asked, and was refused"`
	Role         string `json:"role" doc:"role or profession; operator, service or system for what is no person of the staff; empty if not known"`
	Name         string `json:"name,omitempty" doc:"of staff"`
	Person       string `json:"person,omitempty"`
	Own          bool   `json:"own,omitempty" doc:"by the patient"`
	Conversation string `json:"conversation,omitempty"`
}

// Sightings is who saw a patient's messages: the newest first.
type Sightings struct {
	Patient   string     `json:"patient"`
	Persons   []string   `json:"persons,omitempty" doc:"staff only: all whom standing links say are this patient, if they are several; what is theirs is here too"`
	Chats     []string   `json:"chats,omitempty" doc:"staff only: chats about the patient in which somebody else writes by a grant; what is of them is here too"`
	Sightings []Sighting `json:"sightings"`
	Next      string     `json:"next,omitempty" doc:"cursor of the next page"`
}
