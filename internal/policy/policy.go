// Package policy decides who may do what: every call and every change of a
// group's members asks it, and what no rule permits is refused (45 CFR
// 164.308(a)(4), 164.312(a)(1)).
//
// The rules are sentences in the folder rules, in the Cedar language, each with
// an id and with what it says in plain words. A rule that forbids beats any that
// permits. [Engine.Rules] lists them for people; a decision names the rule that
// made it.
//
// The package knows nothing of storage or of the network: who asks brings the
// facts.
package policy

import (
	"maps"
	"slices"
)

// A Role is what a person is to the practice. Rules speak of roles, never of
// professions.
type Role string

// The roles.
const (
	Patient       Role = "patient"
	Agent         Role = "agent"     // front desk: answers, without clinical duties
	Clinician     Role = "clinician" // answers about health
	Supervisor    Role = "supervisor"
	Compliance    Role = "compliance"
	Administrator Role = "administrator" // runs the system and cannot read content
	Auditor       Role = "auditor"       // reads the log and not content
	Service       Role = "service"
	Keeper        Role = "keeper"    // the practice's archive
	Directory     Role = "directory" // the practice's list of its people, by SCIM or single sign-on
)

// Roles lists all, in the order in which people should see them.
func Roles() []Role {
	return []Role{Patient, Agent, Clinician, Supervisor, Compliance, Administrator, Auditor, Service, Keeper, Directory}
}

// professions are the roles of those whose profession stands in their
// certificate and in the member list.
var professions = map[string]Role{
	"nurse": Clinician, "physician": Clinician, "medical-assistant": Clinician, "pharmacist": Clinician, "therapist": Clinician,
	"front-desk": Agent, "billing": Agent, "interpreter": Agent,
}

// RoleOf returns the role of somebody with a profession, or of a role's own
// name. Of what it does not know it returns "", with which nobody may do
// anything.
func RoleOf(profession string) Role {
	if r, ok := professions[profession]; ok {
		return r
	}
	if r := Role(profession); slices.Contains(Roles(), r) {
		return r
	}
	return ""
}

// StaffRoles lists the roles and professions that a staff person can be given,
// professions first.
func StaffRoles() []string {
	return append(sortedProfessions(), string(Agent), string(Clinician), string(Supervisor), string(Compliance), string(Administrator), string(Auditor))
}

func sortedProfessions() []string { return slices.Sorted(maps.Keys(professions)) }

// care are the roles that look after patients.
func (r Role) care() bool { return r == Agent || r == Clinician || r == Supervisor }

// Privileged reports whether the role gives so much that nobody gives it alone:
// to run the system, to answer for it, or to go into others' chats.
func (r Role) Privileged() bool {
	return r == Supervisor || r == Compliance || r == Administrator || r == Auditor
}

// An Action is something that can be done. The vocabulary is closed.
type Action string

// Actions upon a conversation.
const (
	Begin    Action = "conversation.begin"
	Know     Action = "conversation.know" // that it is there, and what the lists show of it
	Take     Action = "conversation.take"
	TakeOver Action = "conversation.take-over"
	Join     Action = "conversation.join"
	Leave    Action = "conversation.leave"
	Close    Action = "conversation.close"
	Reopen   Action = "conversation.reopen"
	Bring    Action = "conversation.bring"    // a colleague into it
	Transfer Action = "conversation.transfer" // to a colleague or to another queue
	// BreakGlass is to go into a chat that is closed to one, in an emergency.
	BreakGlass Action = "conversation.break-glass"
	Withdraw   Action = "conversation.withdraw"
	AgreeForm  Action = "conversation.agree" // to a consent form
	Rate       Action = "conversation.rate"
	Frames     Action = "conversation.frames" // read the log
	Send       Action = "conversation.send"
	Type       Action = "conversation.type"
	Attach     Action = "conversation.attach"
	Admit      Action = "conversation.admit"  // be let into the group, with the keys to what is said
	Add        Action = "conversation.add"    // let somebody in
	Remove     Action = "conversation.remove" // take somebody out
	Renew      Action = "conversation.renew"  // renew one's own keys
	Rejoin     Action = "conversation.rejoin" // come back from outside, by an external commit
	Hide       Action = "conversation.hide"   // from whoever writes for somebody else in it
)

// Actions upon a practice and its people.
const (
	ListOwn      Action = "conversations.own"
	ListQueues   Action = "conversations.queues"
	ListAll      Action = "conversations.all"
	Certify      Action = "device.certify"
	Work         Action = "practice.work" // ask what the keeper has to do
	Configure    Action = "practice.configure"
	AddPerson    Action = "person.add"
	Grant        Action = "person.grant"   // give or take a role
	RequestGrant Action = "person.request" // ask for what takes two: see [Role.Privileged]
	ApproveGrant Action = "person.approve" // or refuse, what another asked for
	// ReviewAccess is to confirm that what somebody may do is right.
	ReviewAccess  Action = "person.review"
	Disable       Action = "person.disable"
	Revoke        Action = "person.revoke" // a device
	Invite        Action = "person.invite" // with a link to set up their sign-in anew
	ListPeople    Action = "person.list"
	Identify      Action = "patient.identify"            // show who one is
	Propose       Action = "patient.invite"              // a one-time link for a patient to begin a chat with one
	Relate        Action = "patient.relate"              // let one patient act for another
	EndGrant      Action = "patient.end-grant"           // take that back
	Agree         Action = "patient.agree"               // to another's grant, or grant alone
	Unite         Action = "patient.unite"               // say that two persons are one, and undo it
	CheckIdentity Action = "conversation.check-identity" // see what is known of the patient, and ask who they are
	// SettleIdentity is to say who the patient is, and to take back what showed it.
	SettleIdentity Action = "conversation.settle-identity"
	ReadAudit      Action = "audit.read"
	ExportAudit    Action = "audit.export"     // take it out as a file
	SignActivity   Action = "audit.review"     // sign off that one has looked at it
	OwnAudit       Action = "audit.own"        // what concerns oneself
	Explain        Action = "policy.explain"   // who can read a conversation, and why
	Inspect        Action = "practice.inspect" // how the installation meets the rules
	// ReadAccess is to see who saw a patient's messages, and what left the practice.
	ReadAccess       Action = "patient.access"
	RecordDisclosure Action = "patient.disclose" // write down what left it
	// ArrangeDepartments is to make, rename and retire departments and to say
	// which queues belong to them.
	ArrangeDepartments Action = "practice.departments"
	// ReviewEmergency is to see who broke the glass, and to judge it.
	ReviewEmergency Action = "emergency.review"
	// HearEmergency is to be told at once that somebody broke the glass there.
	HearEmergency Action = "emergency.hear"

	ReadForms    Action = "consent.forms"    // drafts of consent forms, and how many agreed
	WriteForm    Action = "consent.write"    // and submit, publish, retire
	ApproveForm  Action = "consent.approve"  // another's
	ReadReceipts Action = "consent.receipts" // who agreed
)

// Actions lists all.
func Actions() []Action {
	return []Action{
		Begin, Know, Take, TakeOver, Join, Leave, Close, Reopen, Bring, Transfer, BreakGlass, Withdraw, AgreeForm, Rate, Frames, Send, Type, Attach, Admit, Add, Remove, Renew, Rejoin,
		ListOwn, ListQueues, ListAll, Certify, Work, Configure, ArrangeDepartments, AddPerson, Grant, RequestGrant, ApproveGrant, ReviewAccess, Disable, Revoke, Invite, ListPeople, Identify, CheckIdentity, SettleIdentity, Propose, Relate, EndGrant, Agree, Unite, ReadAudit, ExportAudit, SignActivity, OwnAudit, Explain, Hide, Inspect, ReviewEmergency, HearEmergency, ReadAccess, RecordDisclosure,
		ReadForms, WriteForm, ApproveForm, ReadReceipts,
	}
}

// A Principal is who asks.
type Principal struct {
	ID       string // of the person
	Practice string
	Roles    []Role
	// Queues that a staff person is given, one by one or by their departments.
	Queues []string
	// Departments that a staff person is in, by id.
	Departments []string
}

// AllQueues reports whether somebody is given every queue: they look after
// patients, and are held to no queue and no department. Who is in a department
// that has no queues is given none.
func (p *Principal) AllQueues() bool {
	return slices.ContainsFunc(p.Roles, Role.care) && len(p.Queues) == 0 && len(p.Departments) == 0
}

// A Resource is what is asked about: a conversation, if it has an ID; else a
// person, if it has a Person; else the practice itself.
type Resource struct {
	Practice string

	// Of a conversation:
	ID        string
	Queue     string
	Patient   string   // person id
	Wanted    []string // persons whom the practice wants in the group
	Members   []string // persons who are in the group
	Withdrawn bool     // consent was taken back
	Urgent    []string // persons who are in by an emergency, and for its hour
	Served    []string // staff who took part, now or before, other than by an emergency
	Claimed   bool     // a staff person has taken it: it is closed to those who are not in it
	Closed    bool     // it is over
	// PastGrant says that the patient's side writes for somebody else and may
	// no longer: the practice's grant has ended, or the chat is confidential.
	PastGrant bool
	Due       bool // the patient has to agree again before they write
	// Unexplained says that whoever goes in has not said why.
	Unexplained bool

	// Of a version of a consent form, which is of the practice:
	Form    string
	Authors []string // persons who have written on it

	// Of a person:
	Person            string
	LastAdministrator bool
	// TakesTwo says that what is done gives much power, and that no second
	// person has agreed.
	TakesTwo  bool
	Requester string // person who asked for what is approved
}

// NoConsent is the id of the rule that forbids what needs a consent which the
// patient has taken back.
const NoConsent = "nobody-without-consent"

// AgreeFirst is the id of the rule that asks a patient to agree again before
// they go on.
const AgreeFirst = "agree-again-first"

// SayWhy is the id of the rule that asks a supervisor for the reason why they
// go into a chat that others had.
const SayWhy = "supervisors-say-why"

// A Decision is the answer, with the rules that made it.
type Decision struct {
	Allowed bool
	// Rules are ids: of those that permit, or of those that forbid. None means
	// that no rule permits.
	Rules []string
}
