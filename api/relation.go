package api

// WritingFor says that a chat is about somebody else: part of
// [CreateConversation]. The other's name is known only inside the group.
type WritingFor struct {
	Kind string `json:"kind" enum:"parent,guardian,carer,representative" doc:"what the one who writes is to the other"`
	Age  string `json:"age,omitempty" enum:"minor,adult" doc:"of the other, by the writer's own word; left out, a parent or guardian writes for a minor. A form about minors is needed if it says minor, or the grant does"`
	// Relation names a grant of the practice. Without one it is the writer's own
	// word, and staff are told so.
	Relation string `json:"relation,omitempty" maxLength:"64"`
}

// A Relation is what one patient person may do for another (45 CFR
// 164.502(g)). It holds neither's name.
type Relation struct {
	ID       string   `json:"id"`
	Holder   string   `json:"holder" doc:"person id: who acts"`
	Subject  string   `json:"subject" doc:"person id: for whom"`
	Kind     string   `json:"kind" enum:"parent,guardian,carer,representative"`
	Minor    bool     `json:"minor" doc:"the other is a minor: a form about minors stands before the chats"`
	Queues   []string `json:"queues" doc:"none means all"`
	StartsAt int64    `json:"starts_at"`
	EndsAt   int64    `json:"ends_at,omitempty" doc:"0 if it has no end; a minor's ends at the latest on the birthday on which they come of age"`
	Active   bool     `json:"active"`

	Evidence   string `json:"evidence,omitempty" enum:"birth-certificate,court-order,power-of-attorney,identity-document,known-to-practice" doc:"staff only"`
	GrantedBy  string `json:"granted_by,omitempty" doc:"person id; staff only"`
	ApprovedBy string `json:"approved_by,omitempty" doc:"person id; staff only"`
	Stated     bool   `json:"stated,omitempty" doc:"that approved_by agreed is the word of granted_by alone; they were told. Staff only"`
	GrantedAt  int64  `json:"granted_at,omitempty"`
	EndedBy    string `json:"ended_by,omitempty" doc:"person id, if it was taken back; staff only"`
	EndReason  string `json:"end_reason,omitempty" enum:"request,court-order,safety,error,other"`
}

// NewRelation grants one: POST /v1/staff/relations.
type NewRelation struct {
	Holder string `json:"holder" minLength:"1" maxLength:"64"`
	// Subject is the other's person id; empty for somebody who has never
	// written, as a small child.
	Subject  string   `json:"subject,omitempty" maxLength:"64"`
	Kind     string   `json:"kind" enum:"parent,guardian,carer,representative"`
	Age      string   `json:"age,omitempty" enum:"minor,adult" doc:"of the other. Left out, it is minor for a parent or guardian, and wherever born is given. A parent writes for a minor alone"`
	Queues   []string `json:"queues,omitempty" maxItems:"50"`
	EndsAt   int64    `json:"ends_at,omitempty" minimum:"0" maximum:"253402300799999"`
	Born     string   `json:"born,omitempty" maxLength:"32" doc:"YYYY-MM-DD: a minor's date of birth, and nobody else's. The grant ends on the birthday on which they come of age; the date itself is not kept"`
	Evidence string   `json:"evidence" enum:"birth-certificate,court-order,power-of-attorney,identity-document,known-to-practice"`
	// Approver is a supervisor who agreed, by the caller's word: they are told.
	// Empty if the caller is one.
	Approver string `json:"approver,omitempty" maxLength:"64"`
}

// A StatedGrant is one of which somebody else said that the caller agreed.
type StatedGrant struct {
	Relation Relation `json:"relation"`
	By       string   `json:"by" doc:"name of who said so"`
}

// EndRelation takes one back at once: POST /v1/staff/relations/{id}/end.
type EndRelation struct {
	Reason string `json:"reason" enum:"request,court-order,safety,error,other"`
}

// OwnRelations is GET /v1/relations: for whom the calling patient may write.
type OwnRelations struct {
	Relations []Relation `json:"relations"`
}

// SetConfidential is PUT /v1/staff/conversations/{id}/confidential. A
// confidential chat is hidden from whoever writes for somebody else in it, as
// when an adolescent goes on alone.
type SetConfidential struct {
	Confidential bool `json:"confidential"`
}

// A PersonLink says that two persons are one. Nothing of either is changed,
// moved or rewritten, so that undoing it restores exactly what was.
type PersonLink struct {
	ID       string `json:"id"`
	Person   string `json:"person"`
	Other    string `json:"other"`
	Reason   string `json:"reason" enum:"same-device-lost,portal-match,patient-said,duplicate,other"`
	LinkedBy string `json:"linked_by"`
	LinkedAt int64  `json:"linked_at"`
	UndoneBy string `json:"undone_by,omitempty"`
	UndoneAt int64  `json:"undone_at,omitempty"`
	// UndoneFor is why it was undone; empty while it stands, or if nobody said.
	UndoneFor string `json:"undone_for,omitempty" enum:"not-the-same,patient-said,mistake,other"`
}

// UndoPersonLink is POST /v1/staff/person-links/{id}/undo.
type UndoPersonLink struct {
	Reason string `json:"reason" enum:"not-the-same,patient-said,mistake,other"`
}

// MaxPersonLinksPage is how many links a page holds.
const MaxPersonLinksPage = 50

// PersonLinks is GET /v1/admin/person-links: newest first.
type PersonLinks struct {
	Links []PersonLink `json:"links"`
	Staff []Person     `json:"staff" doc:"who made or undid them"`
	Next  string       `json:"next,omitempty" doc:"cursor of the page after this"`
}

// NewPersonLink is POST /v1/staff/person-links.
type NewPersonLink struct {
	Person string `json:"person" minLength:"1" maxLength:"64"`
	Other  string `json:"other" minLength:"1" maxLength:"64"`
	Reason string `json:"reason" enum:"same-device-lost,portal-match,patient-said,duplicate,other"`
}

// A PatientPanel is what staff see of a patient beside a chat:
// GET /v1/staff/conversations/{id}/patient.
type PatientPanel struct {
	Person string `json:"person"`
	// Persons are all that are linked to be this one, itself included.
	Persons     []string          `json:"persons"`
	Links       []PersonLink      `json:"links" doc:"that stand, and that were undone"`
	Relations   []Relation        `json:"relations" doc:"in which one of them acts, or somebody acts for one of them"`
	Chats       []PastChat        `json:"chats" doc:"of any of them that the caller may know of, the newest first"`
	Hidden      int               `json:"hidden" doc:"how many more there are, which the caller may not know of"`
	MayLink     bool              `json:"may_link"`
	MayGrant    bool              `json:"may_grant"`
	Approvers   []Person          `json:"approvers" doc:"who may agree to a grant; empty if the caller may alone"`
	Majority    int               `json:"majority" doc:"age at which a minor comes of age here"`
	Invitations []StaffInvitation `json:"invitations" doc:"by which these chats began"`
}

// A PastChat is one line of the list.
type PastChat struct {
	ID           string `json:"id"`
	Person       string `json:"person"`
	Queue        string `json:"queue"`
	State        string `json:"state" enum:"waiting,open,closed"`
	CreatedAt    int64  `json:"created_at"`
	LastAt       int64  `json:"last_at"`
	For          string `json:"for,omitempty"`
	Minor        bool   `json:"minor,omitempty" doc:"they write for a minor, by the grant or their own word"`
	Relation     string `json:"relation,omitempty" doc:"the grant by which they write for the other"`
	Confidential bool   `json:"confidential,omitempty"`
}

// NewInvitation makes a one-time link with which a patient begins a chat with
// the calling staff person: POST /v1/staff/invitations.
type NewInvitation struct {
	Queue    string `json:"queue" minLength:"1" maxLength:"64"`
	Language string `json:"language" minLength:"2" maxLength:"35"`
	Hours    int    `json:"hours,omitempty" minimum:"0" maximum:"336" doc:"until the link ends, at most 336; 0 means 72"`
	// Channel is how the link travels. By email and sms the hub sends it, and
	// nobody else ever sees it: then it proves the contact that it was sent to.
	Channel string `json:"channel,omitempty" enum:"link,email,sms" doc:"link, which is shown to the caller, if left out"`
	Contact string `json:"contact,omitempty" maxLength:"254" doc:"address or number that it is sent to"`
	Agreed  bool   `json:"agreed,omitempty" doc:"the caller says that the patient agreed to be written to there; without, nothing is sent"`
}

// A StaffInvitation is a link's state, as its maker sees it. The link itself
// is shown once.
type StaffInvitation struct {
	ID           string `json:"id"`
	State        string `json:"state" enum:"sent,failed,opened,used,expired,revoked" doc:"failed: the message could not be sent"`
	Channel      string `json:"channel" enum:"link,email,sms"`
	Contact      string `json:"contact,omitempty" doc:"where it was sent, most of it hidden"`
	Queue        string `json:"queue"`
	Language     string `json:"language"`
	Level        string `json:"level" enum:"guest,contact" doc:"what its use proves: contact if the hub sent it, and else nothing"`
	CreatedAt    int64  `json:"created_at"`
	ExpiresAt    int64  `json:"expires_at"`
	OpenedAt     int64  `json:"opened_at,omitempty"`
	UsedAt       int64  `json:"used_at,omitempty"`
	Conversation string `json:"conversation,omitempty"`
}

// InvitationMade is the answer, with the token unless the hub has sent it. It
// belongs into the fragment of an address, /c/{slug}#i={token}, where no server
// and no log sees it.
type InvitationMade struct {
	Invitation StaffInvitation `json:"invitation"`
	Token      string          `json:"token,omitempty"`
	Path       string          `json:"path,omitempty" doc:"of the link on the practice's chat pages"`
}

// StaffInvitations is GET /v1/staff/invitations: the caller's own, newest first.
type StaffInvitations struct {
	Invitations []StaffInvitation `json:"invitations"`
	Channels    []string          `json:"channels" doc:"by which the hub can send links: email, sms"`
}

// OpenInvitation binds a link to the browser that opens it first:
// POST /v1/invitations/open. Holder is a secret of that browser. A link that is
// unknown, used, revoked, over, or opened elsewhere gives the same 404.
type OpenInvitation struct {
	Practice string `json:"practice" maxLength:"64" doc:"slug"`
	Token    string `json:"token" minLength:"16" maxLength:"64"`
	Holder   string `json:"holder" minLength:"16" maxLength:"64"`
}

// An OpenedInvitation says no more than where the chat will begin: nobody has
// shown yet who they are.
type OpenedInvitation struct {
	Queue     string `json:"queue"`
	Language  string `json:"language"`
	ExpiresAt int64  `json:"expires_at"`
}

// UseInvitation is the part of [CreateConversation] that spends one.
type UseInvitation struct {
	Token  string `json:"token" minLength:"16" maxLength:"64"`
	Holder string `json:"holder" minLength:"16" maxLength:"64"`
}

// HoldBack says that a staff person was warned before a message and what they
// did: POST /v1/staff/conversations/{id}/hold-backs. It never holds what was
// typed.
type HoldBack struct {
	Kinds  []string `json:"kinds" minItems:"1" maxItems:"10" doc:"what the device found: ssn, card, record, birth-date, phone, email, diagnosis, medicine, result; attachment"`
	Reason string   `json:"reason" enum:"not-health,urgent,known-otherwise,their-own-words,other" doc:"why it was sent all the same"`
}
