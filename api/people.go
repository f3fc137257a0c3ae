package api

// A StaffMember is a staff person as administrators see them:
// GET /v1/admin/people.
type StaffMember struct {
	ID     string   `json:"id"`
	Login  string   `json:"login"`
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Role   string   `json:"role" doc:"role or profession, as in the member list: nurse, administrator ..."`
	Access string   `json:"access" doc:"the role that policy knows them by: agent, clinician, supervisor, compliance, administrator, auditor; empty means no rights"`
	Queues []string `json:"queues" doc:"queues that the person is given one by one; with none, and in no department, they work on all"`
	// Departments are ids.
	Departments []string `json:"departments" doc:"whose queues the person works on"`
	CreatedAt   int64    `json:"created_at"`
	DisabledAt  int64    `json:"disabled_at,omitempty"`
	Online      bool     `json:"online"`
}

// StaffMembers is the answer of GET /v1/admin/people.
type StaffMembers struct {
	People []StaffMember `json:"people"`
	Roles  []RoleInfo    `json:"roles" doc:"what a person can be"`
}

// A StaffPerson is all that administrators see of one staff person:
// GET /v1/admin/people/{id}. Of sessions, none is the caller's.
type StaffPerson struct {
	Person        StaffMember `json:"person"`
	Factors       []Factor    `json:"factors" doc:"what the person signs in with"`
	RecoveryCodes int         `json:"recovery_codes" doc:"that are left"`
	// Identity is there if the practice has an OpenID provider.
	Identity      *LinkedIdentity `json:"identity,omitempty"`
	Devices       []DeviceInfo    `json:"devices"`
	Sessions      []SessionInfo   `json:"sessions"`
	LastSignIn    *SignInRecord   `json:"last_sign_in,omitempty"`
	Conversations int             `json:"conversations" doc:"in which the person takes part now"`
}

// A RoleInfo is a role or profession that can be given.
type RoleInfo struct {
	Role   string `json:"role"`
	Access string `json:"access"`
	// Privileged roles are asked for, and given once somebody else approves.
	Privileged bool `json:"privileged"`
}

// NewStaffMember adds a staff person: POST /v1/admin/people. With a privileged
// role it needs both factors shown a moment ago: the person has no role until
// somebody else has approved it.
type NewStaffMember struct {
	Login  string   `json:"login" minLength:"1" maxLength:"128"`
	Name   string   `json:"name" minLength:"1" maxLength:"128"`
	Title  string   `json:"title" maxLength:"64" doc:"shown to patients: Nurse"`
	Role   string   `json:"role" maxLength:"64"`
	Queues []string `json:"queues,omitempty" maxItems:"200"`
	// Departments are ids.
	Departments []string `json:"departments,omitempty" maxItems:"50"`
}

// StaffMemberAdded is its answer. Whoever has the link can become the person:
// it is shown once.
type StaffMemberAdded struct {
	Person StaffMember   `json:"person"`
	Link   SetUpLinkMade `json:"link"`
	// Request is what somebody else has to approve, if the role is privileged.
	Request *GrantRequest `json:"request,omitempty"`
}

// A SetUpLinkMade is a one-time link to choose what one signs in with:
// POST /v1/admin/people/{id}/set-up-link.
type SetUpLinkMade struct {
	Token     string `json:"token" doc:"the fragment of /staff/#setup=TOKEN"`
	ExpiresAt int64  `json:"expires_at"`
}

// ChangeStaffMember changes what is set: PATCH /v1/admin/people/{id}. A new
// role ends the person's sessions and devices; they sign in anew with it.
// Disabling is for good.
type ChangeStaffMember struct {
	Role   *string   `json:"role,omitempty" maxLength:"64"`
	Queues *[]string `json:"queues,omitempty" maxItems:"200"`
	// Departments are ids.
	Departments *[]string `json:"departments,omitempty" maxItems:"50"`
	Disable     bool      `json:"disable,omitempty"`
}

// A PolicyRule is one sentence of who may do what: GET /v1/policy/rules.
type PolicyRule struct {
	ID      string   `json:"id"`
	Says    string   `json:"says"`
	Forbids bool     `json:"forbids"`
	Actions []string `json:"actions" doc:"none means all"`
	Text    string   `json:"text" doc:"in the Cedar language"`
}

// PolicyRules is the answer of GET /v1/policy/rules.
type PolicyRules struct {
	Rules []PolicyRule `json:"rules"`
}

// A PolicyCell is what one role may do of one action.
type PolicyCell struct {
	Role   string   `json:"role"`
	When   []string `json:"when" enum:"always,own-chat,other-chat,taking-part,queue,queue-waiting,queue-taken,elsewhere,not-in,themselves,others,practice" doc:"one is enough; none means never. Elsewhere is a chat of another queue that they do not take part in, not-in any that they do not take part in, practice what is of no chat and no person"`
	Unless []string `json:"unless" enum:"withdrawn,due,past-grant,closed,emergency,last-administrator,author,takes-two,requester" doc:"what takes it away again"`
	Rules  []string `json:"rules" doc:"ids of the rules that allow it, or forbid it"`
}

// A PolicyRow is one action, with what each role may do of it.
type PolicyRow struct {
	Action string       `json:"action"`
	Area   string       `json:"area" enum:"chats,patients,people,practice,oversight,forms"`
	Cells  []PolicyCell `json:"cells" doc:"one for each of the roles, in their order"`
}

// PolicyTable says who may do what, as the engine itself answers about staff
// who are given a queue: GET /v1/admin/policy.
type PolicyTable struct {
	Roles []string    `json:"roles"`
	Rows  []PolicyRow `json:"rows"`
}

// Ways in which somebody can read a conversation.
const (
	ReadsNow   = "reads"      // is in the group and has its keys
	ReadsSoon  = "joining"    // policy wants them in the group
	CouldJoin  = "could_join" // could let themselves in
	DidRead    = "read"       // took part: what was said until they left, and no more
	CannotRead = "cannot"
	// CouldBreakGlass is who could go in by an emergency alone.
	CouldBreakGlass = "emergency"
)

// A ConversationReader is one person as GET /v1/admin/conversations/{id}/readers
// tells: whether they can read what is said, and by which rules.
type ConversationReader struct {
	Person   Person   `json:"person"`
	Way      string   `json:"way" enum:"reads,joining,could_join,read,emergency,cannot"`
	Since    int64    `json:"since,omitempty" doc:"of those in the group"`
	Rules    []string `json:"rules" doc:"ids of the rules that allow it, or forbid it"`
	Disabled bool     `json:"disabled,omitempty"`
}

// ConversationReaders lists the patient, the services and all staff.
type ConversationReaders struct {
	Readers []ConversationReader `json:"readers"`
}
