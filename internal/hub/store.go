package hub

import (
	"context"
	"io"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// SignInsKept is how long the history of sign-ins goes back.
const SignInsKept = 180 * 24 * time.Hour

// A Store is everything the hub keeps but for sealed files. Each method is one
// transaction: on a nil error its effect is whole and durable, on any other
// nothing happened. All methods may be called at once from many goroutines;
// writes that wait together should share one commit to disk.
//
// Every method that reads one thing returns an error matching [ErrNotFound] if
// it is not there or belongs to another practice. Any write may return one
// that matches [ErrFull], and any method one that matches [ErrUnavailable].
// Times are Unix milliseconds, chosen by the hub.
type Store interface {
	Practices
	Consents
	People
	StaffSessions
	Identities
	Directories
	Factors
	Devices
	Verifications
	Roster
	ContactCodes
	IdentityChecks
	PortalAccounts
	KeyPackages
	Conversations
	Frames
	Attachments
	Shared
	Audit
	LogStreams
	LogWatchers
	ControlRuns
	Relations
	Invitations
	Emergencies
	Grants
	AccessReviews
	ActivityReviews
	Alerts
	Disclosures
	Departments
	RequestKeys

	// DeleteExpired drops sessions, known browsers, set-up links and spent nonces
	// that ended before now, sign-ins older than [SignInsKept], requests' keys
	// older than [RequestKeysKept], and key packages past NotAfter (never a last
	// resort).
	DeleteExpired(ctx context.Context, now int64) error
	// Ping reports whether the store can answer.
	Ping(ctx context.Context) error
}

// Emergencies keeps every time that somebody broke the glass, for ever.
type Emergencies interface {
	// OpenEmergency keeps e and changes its conversation as UpdateConversation
	// does, unless change is nil: both, or neither.
	OpenEmergency(ctx context.Context, e Emergency, change func(*Conversation) error) (Conversation, error)
	// Emergencies lists a practice's from since on, newest first.
	Emergencies(ctx context.Context, practice string, since int64, limit int) ([]Emergency, error)
	// UnreviewedEmergencies lists those that nobody has judged, the oldest first.
	UnreviewedEmergencies(ctx context.Context, practice string) ([]Emergency, error)
	// LastingEmergencies lists those of a practice that have not ended.
	LastingEmergencies(ctx context.Context, practice string) ([]Emergency, error)
	// EndingEmergencies lists those of all practices that are overdue to end.
	EndingEmergencies(ctx context.Context, now int64, limit int) ([]Emergency, error)
	// EndEmergency is OpenEmergency to set EndedAt, if it is 0.
	EndEmergency(ctx context.Context, e Emergency, at int64, change func(*Conversation) error) (Conversation, error)
	// ReviewEmergency sets what somebody found. One that was found to be fine
	// gives [ErrConflict], and one of the reviewer's own [ErrForbidden].
	ReviewEmergency(ctx context.Context, practice, id string, r EmergencyReview) (Emergency, error)
}

// ControlRuns keeps what was found of a practice's controls, for ever.
type ControlRuns interface {
	// AddControlRun gives [ErrExists] if the practice has one of that id.
	AddControlRun(ctx context.Context, r api.ControlRun) error
	// LastControlRun returns the newest by At.
	LastControlRun(ctx context.Context, practice string) (api.ControlRun, error)
	// ControlRuns lists those from since on, newest first, without Results.
	ControlRuns(ctx context.Context, practice string, since int64, limit int) ([]api.ControlRun, error)
}

// Practices keeps the practices and the consent forms they have published.
type Practices interface {
	// SavePractice creates or replaces a practice by its id, and stores what
	// [Practice.FileForm] makes of its consent form. A slug that another
	// practice uses gives [ErrExists].
	SavePractice(ctx context.Context, p Practice) error
	Practice(ctx context.Context, id string) (Practice, error)
	PracticeBySlug(ctx context.Context, slug string) (Practice, error)
	// Practices lists all, by slug. There are few.
	Practices(ctx context.Context) ([]Practice, error)
}

// People keeps persons, their set-up links and the history of their sign-ins.
type People interface {
	// AddPerson gives [ErrExists] if the id, or the login within the practice,
	// is in use.
	AddPerson(ctx context.Context, p Person) error
	// AddInvited is AddPerson with a link to set up their sign-in and, unless it
	// is nil, what is asked for them: all of it, or nothing.
	AddInvited(ctx context.Context, p Person, l SetUpLink, ask *GrantRequest) error
	Person(ctx context.Context, practice, id string) (Person, error)
	// PersonByLogin looks for a staff person; login is case folded already.
	PersonByLogin(ctx context.Context, practice, login string) (Person, error)
	// PersonsByID returns those that exist, in any order.
	PersonsByID(ctx context.Context, practice string, ids []string) ([]Person, error)
	// PersonsOfKind lists a practice's staff, or its services, by name.
	PersonsOfKind(ctx context.Context, practice, kind string) ([]Person, error)
	// ChangePerson stores what change makes of a person's Role, Queues,
	// Departments (which must exist and not be retired: [ErrConflict]),
	// DisabledAt and DisabledByDirectory, and nothing if it returns an error.
	// last says that the person is the practice's only administrator who is not disabled; no other change
	// of its people runs meanwhile. With a new role, or when disabled, every
	// device is revoked and every session ended, and so is an unused set-up link,
	// unless it is for who stays and has nothing to sign in with yet.
	ChangePerson(ctx context.Context, practice, id string, at int64, change func(p *Person, last bool) error) (Person, error)

	// AddSetUpLink stores a link; unused ones of the person are none any more. It
	// uses up by, unless that is nil, or gives [ErrNotAgreed].
	AddSetUpLink(ctx context.Context, l SetUpLink, by *Agreement) error
	// SetUpLink returns an unused link that has not expired at now.
	SetUpLink(ctx context.Context, token [32]byte, now int64) (SetUpLink, error)
	// ClaimSetUpLink uses such a link: the enrolment replaces all that the
	// person signed in with, the failures are 0, and the person's staff
	// sessions, known browsers and other links are deleted. A second claim gives
	// [ErrNotFound], a passkey that the practice knows [ErrExists].
	ClaimSetUpLink(ctx context.Context, token [32]byte, e Enrolment, now int64) (SetUpLink, error)
	// SetPassword replaces the encoded hash. at is when the password was chosen;
	// 0 leaves that as it is, as when its cost rises.
	SetPassword(ctx context.Context, practice, person, password string, at int64) error
	// RefuseSignIn keeps a refused sign-in and, if it counts, adds one to its
	// person's Failures, or to KnownFailures unless n.New. Of who is no Person it
	// does the same work and keeps nothing (T27).
	RefuseSignIn(ctx context.Context, n SignIn, counts bool) error
	// ClearFailures makes Failures and KnownFailures 0.
	ClearFailures(ctx context.Context, practice, person string) error

	AddSignIn(ctx context.Context, s SignIn) error
	// SignIns lists a person's, newest first.
	SignIns(ctx context.Context, practice, person string, limit int) ([]SignIn, error)
	// SeeSignIns marks all of a person's as seen but one, which may be "".
	SeeSignIns(ctx context.Context, practice, person, but string) error
	// SeeDevices notes that a viewer, which is a device or a staff person without
	// one, was shown which devices were certified until then, Unix milliseconds.
	// It never goes back.
	SeeDevices(ctx context.Context, practice, viewer string, at int64) error
	// DevicesSeen returns what was noted so; 0 if nothing was.
	DevicesSeen(ctx context.Context, practice, viewer string) (int64, error)
}

// StaffSessions keeps staff sessions and the browsers that were known by them.
type StaffSessions interface {
	AddStaffSession(ctx context.Context, s StaffSession) error
	// StaffSession returns one that has not expired at now.
	StaffSession(ctx context.Context, token [32]byte, now int64) (StaffSession, error)
	// StaffSessionsByID returns those that exist, in any order, expired or not.
	StaffSessionsByID(ctx context.Context, ids []string) ([]StaffSession, error)
	// StaffSessionsOf lists a person's, newest first.
	StaffSessionsOf(ctx context.Context, practice, person string, now int64) ([]StaffSession, error)
	// UseStaffSession moves UsedAt forward to at. A session that is gone gives
	// [ErrNotFound].
	UseStaffSession(ctx context.Context, id string, at int64) error
	// LockStaffSession sets LockedAt if it is 0.
	LockStaffSession(ctx context.Context, id string, at int64) error
	// QuietStaffSessions lists those that are not locked and were not used since,
	// expired or not.
	QuietStaffSessions(ctx context.Context, since int64) ([]StaffSession, error)
	// LockQuietStaffSession sets LockedAt of one that is not locked and was last
	// used then; of another it gives [ErrNotFound].
	LockQuietStaffSession(ctx context.Context, id string, used, at int64) error
	// RenewStaffSession gives a session a new token, unlocks it, and sets
	// UsedAt and ProvedAt.
	RenewStaffSession(ctx context.Context, id string, token [32]byte, at int64) error
	// BindStaffSession sets Device if it is empty, or if the device that it
	// names is revoked; another gives [ErrConflict].
	BindStaffSession(ctx context.Context, id, device string) error
	// DeleteStaffSession also deletes the device sessions that end with it. To
	// delete one that is gone is no error.
	DeleteStaffSession(ctx context.Context, id string) error

	AddKnownBrowser(ctx context.Context, b KnownBrowser) error
	// KnownBrowser returns one that has not expired at now.
	KnownBrowser(ctx context.Context, token [32]byte, now int64) (KnownBrowser, error)
}

// Identities keeps who people are at their practice's OpenID provider, and the
// sessions that were opened by it.
type Identities interface {
	// LinkIdentity gives [ErrExists] if the identity is linked, or the person
	// has another of the same issuer. It uses up by as AddSetUpLink does.
	LinkIdentity(ctx context.Context, l IdentityLink, by *Agreement) error
	IdentityLink(ctx context.Context, practice, issuer, subject string) (IdentityLink, error)
	IdentityOf(ctx context.Context, practice, person, issuer string) (IdentityLink, error)
	UnlinkIdentity(ctx context.Context, practice, person, issuer string) error
	PersonByExternalID(ctx context.Context, practice, id string) (Person, error)

	SetSessionProvider(ctx context.Context, id string, p ProviderSession) error
	// SessionHint returns a session's ProviderSession.Hint.
	SessionHint(ctx context.Context, id string) ([]byte, error)
	// EndProviderSessions deletes the staff sessions that were opened at the
	// issuer by the subject and with the sid, of which one may be empty, and
	// returns them. It deletes as DeleteStaffSession does.
	EndProviderSessions(ctx context.Context, practice, issuer, subject, sid string) ([]StaffSession, error)
}

// Directories keeps what practices' directories keep here by SCIM, beside
// people.
type Directories interface {
	AddDirectoryToken(ctx context.Context, t DirectoryToken) error
	// DirectoryToken returns one that has not expired at now.
	DirectoryToken(ctx context.Context, token [32]byte, now int64) (DirectoryToken, error)
	// DirectoryTokens lists a practice's, oldest first, expired ones too.
	DirectoryTokens(ctx context.Context, practice string) ([]DirectoryToken, error)
	DeleteDirectoryToken(ctx context.Context, practice, id string) error

	// SaveDirectoryGroup replaces a group that is as it was before, or creates
	// one, with an empty before. One that is not gives [ErrConflict], and a name
	// that another group of the practice has [ErrExists].
	SaveDirectoryGroup(ctx context.Context, before, g DirectoryGroup) error
	DirectoryGroup(ctx context.Context, practice, id string) (DirectoryGroup, error)
	// DirectoryGroups lists a practice's, by name.
	DirectoryGroups(ctx context.Context, practice string) ([]DirectoryGroup, error)
	DeleteDirectoryGroup(ctx context.Context, practice, id string) error
	// Followers lists whom a change to groups, or to the rules for them, may have
	// changed: SaveDirectoryGroup, DeleteDirectoryGroup and SavePractice keep them.
	Followers(ctx context.Context, practice string) ([]Follower, error)
	// Followed forgets followers who are by now what their groups say. Of whom
	// there was another change meanwhile is kept.
	Followed(ctx context.Context, practice string, who []Follower) error

	// NamePerson stores a staff person's Login, Name, Title and ExternalID, unless
	// these, the role or whether they are disabled are not as before any more:
	// [ErrConflict]. A login or an id that another has gives [ErrExists].
	NamePerson(ctx context.Context, before, p Person) error
}

// Factors keeps what staff sign in with besides a password.
type Factors interface {
	// AddFactor gives [ErrExists] if the practice knows the passkey.
	AddFactor(ctx context.Context, f Factor) error
	// FactorsOf lists a person's, oldest first.
	FactorsOf(ctx context.Context, practice, person string) ([]Factor, error)
	FactorByCredential(ctx context.Context, practice string, credential []byte) (Factor, error)
	// Using returns a view of the store, as Recording does, whose write also uses
	// up a code or a signature, first: for what somebody does by showing it. If it
	// was used already, the write does nothing and gives [ErrFactorUsed].
	Using(use FactorUse) Store
	// UseFactor does nothing but what Using does: for a refusal, and its event.
	UseFactor(ctx context.Context, use FactorUse) error
	RenameFactor(ctx context.Context, practice, person, id, name string) error
	// DeleteFactor removes a person's factor. If neither a passkey nor a
	// password with an app would be left, it gives [ErrLastFactor].
	DeleteFactor(ctx context.Context, practice, person, id string) error
	// DeletePasskey removes a patient's, the last one too. Another person's, or
	// none, gives [ErrNotFound].
	DeletePasskey(ctx context.Context, practice, person, id string) error
	// ForgetPasskeys removes all of a patient's, and what they have proved, and
	// revokes devices of theirs. If there is no passkey it gives [ErrNotFound].
	ForgetPasskeys(ctx context.Context, practice, person string, devices []string, at int64) error

	// ReplaceRecoveryCodes drops a person's codes and stores these.
	ReplaceRecoveryCodes(ctx context.Context, practice, person string, codes []RecoveryCode) error
	RecoveryCodes(ctx context.Context, practice, person string) ([]RecoveryCode, error)
}

// Devices keeps devices and their sessions.
type Devices interface {
	// AddDevice adds a device and, if p is not nil, its person, which is new.
	// A public key that the practice knows gives [ErrExists].
	AddDevice(ctx context.Context, d Device, p *Person) error
	Device(ctx context.Context, practice, id string) (Device, error)
	// DeviceByID is Device where the practice is not known yet.
	DeviceByID(ctx context.Context, id string) (Device, error)
	DeviceByKey(ctx context.Context, practice string, publicKey []byte) (Device, error)
	// DevicesOf lists a person's devices, oldest first, revoked ones too.
	DevicesOf(ctx context.Context, practice, person string) ([]Device, error)
	// PutVoucher sets the voucher of a person's device that has no certificate
	// yet; for any other it gives [ErrNotFound].
	PutVoucher(ctx context.Context, practice, person, device string, voucher api.PasskeyAssertion) error
	// PutCertificate sets Certificate, NameCard and CertifiedAt. For a revoked
	// device it gives [ErrConflict].
	PutCertificate(ctx context.Context, practice, device string, certificate, nameCard []byte, at int64) error
	// RevokeDevice sets RevokedAt if it is 0, and deletes the device's
	// sessions, key packages and welcomes.
	RevokeDevice(ctx context.Context, practice, device string, at int64) error
	// Uncertified lists devices with no certificate that are not revoked,
	// oldest first.
	Uncertified(ctx context.Context, practice string, limit int) ([]Device, error)

	AddDeviceSession(ctx context.Context, s DeviceSession) error
	// DeviceSession returns one that has not expired at now, and its device.
	DeviceSession(ctx context.Context, token [32]byte, now int64) (DeviceSession, Device, error)
	DeleteDeviceSessions(ctx context.Context, practice, device string) error
}

// Verifications keeps how far each device of a patient has shown who they are.
type Verifications interface {
	// PutVerification replaces what each device of one patient had of the same
	// level: of all, or of none. A Record that the person had by a proof of that
	// level which still held stays where none is given. If anything kept of the
	// person, lapsed or not, has another Record than is given, or nobody of staff
	// gives one that they said is wrong, it gives [ErrOtherPatient].
	PutVerification(ctx context.Context, all ...Verification) error
	// SaidWrong reports whether staff said that a record is not the person's.
	SaidWrong(ctx context.Context, practice, person, record string) (bool, error)
	// VerificationsOf lists those of some patients, lapsed ones too, oldest first.
	VerificationsOf(ctx context.Context, practice string, persons []string) ([]Verification, error)
	// LapsedVerifications lists those of all practices that lapsed in (after,
	// upTo], the earliest first.
	LapsedVerifications(ctx context.Context, after, upTo int64, limit int) ([]Verification, error)
}

// Roster keeps what a practice has on file of its patients.
type Roster interface {
	// PutRoster adds entries, or replaces those of the same Number: their ID
	// stays, and their PIN unless Born changes. All are stored, or none.
	PutRoster(ctx context.Context, practice string, all []RosterEntry) error
	// RosterByBorn lists those of a date of birth, by id.
	RosterByBorn(ctx context.Context, practice string, born []byte) ([]RosterEntry, error)
	RosterByNumber(ctx context.Context, practice string, number []byte) (RosterEntry, error)
	RosterEntry(ctx context.Context, practice, id string) (RosterEntry, error)
	SetRosterPIN(ctx context.Context, practice, id string, pin []byte) error
	// HasRoster reports whether anybody is on file.
	HasRoster(ctx context.Context, practice string) (bool, error)
}

// ContactCodes keeps the one-time codes that were sent to contacts.
type ContactCodes interface {
	// AddContactCode stores one and uses up all others of the device.
	AddContactCode(ctx context.Context, c ContactCode) error
	// LastContactCode returns the device's newest, used or not.
	LastContactCode(ctx context.Context, practice, device string) (ContactCode, error)
	// MissContactCode counts a wrong try of a device's code. One that is used,
	// expired at now, tried most times or another device's gives [ErrNotFound].
	MissContactCode(ctx context.Context, practice, device, id string, now int64, most int) error
	// UseContactCode uses up what MissContactCode would count a try of, at v.At,
	// and does what PutVerification does: both, or neither.
	UseContactCode(ctx context.Context, id string, v Verification, most int) error
}

// IdentityChecks keeps how often wrong facts were given, and whom staff asked.
type IdentityChecks interface {
	// IdentityCheck returns the zero value for a subject that is not known.
	IdentityCheck(ctx context.Context, practice, subject string) (IdentityCheck, error)
	// CountIdentityFailure adds one to each subject's and returns how many each
	// then has. Where the first was before since, or there is none, they begin anew.
	// What is to be recorded of these numbers is stored with them, as by Recording.
	CountIdentityFailure(ctx context.Context, practice string, subjects []string, now, since int64, recorded func(failures []int) []audit.Event) ([]int, error)
	// It forgets which records the person has shown to be, of proofs that had lapsed
	// by now, and which staff said are not theirs, so that they are who they show
	// to be anew: a record can have got another number.
	ClearIdentityFailures(ctx context.Context, practice string, subjects []string, person string, now int64) error
	// SetIdentityAsked notes when staff asked a person; 0 that they no longer do.
	SetIdentityAsked(ctx context.Context, practice, person string, at int64) error
}

// KeyPackages keeps what devices have published to be added by.
type KeyPackages interface {
	// AddKeyPackages stores ks, all of one device. One that is there already
	// (by Ref) is passed over. A last resort replaces the device's former one.
	// If more than most would be unused, the oldest are dropped.
	AddKeyPackages(ctx context.Context, ks []KeyPackage, most int) error
	// ClaimKeyPackages takes, for each of the devices, its oldest key package
	// that has not expired at now, and deletes it; or, if none is left, returns
	// the last resort and keeps it. A device that has neither is left out.
	// Two claims never get the same package unless it is a last resort.
	ClaimKeyPackages(ctx context.Context, practice string, devices []string, now int64) ([]KeyPackage, error)
	CountKeyPackages(ctx context.Context, practice, device string, now int64) (unused int, hasLastResort bool, err error)
}

// Conversations keeps conversations, who is in them, and their MLS groups.
type Conversations interface {
	// CreateConversation stores a whole new conversation: its row with
	// Participants and Members, the receipts, the group, the first frame at
	// position 1 and the welcomes. An id in use, in any practice, gives
	// [ErrExists]. ConsentDue is what Settle says, if it is set, of the
	// practice's forms at that moment; if it returns an error, nothing is stored.
	CreateConversation(ctx context.Context, n NewConversation) error
	// Conversation returns it with Participants and Members.
	Conversation(ctx context.Context, practice, id string) (Conversation, error)
	// UpdateConversation loads a conversation, calls change, and stores what
	// change left in Assignee, State, WaitingFrom, ClosedAt, ClosedBy,
	// WithdrawnAt, Confidential and in Participants (new ones at the end, Wanted changed); no
	// other field. With WithdrawnAt, that of its receipts is set. It returns the conversation as stored. No other write of
	// the conversation happens in between. change does no I/O and may run
	// again if the transaction must; if it returns an error, nothing is stored
	// and that error is returned as it is.
	UpdateConversation(ctx context.Context, practice, id string, change func(*Conversation) error) (Conversation, error)
	// MoveConversation is UpdateConversation that stores Queue too, and in
	// ConsentDue what settle says of the practice's forms at that moment and the
	// receipts that the patient gave in the conversation. If settle returns an
	// error, nothing is stored and that error is returned as it is.
	MoveConversation(ctx context.Context, practice, id string, change func(*Conversation) error, settle Settle) (Conversation, error)
	// ListConversations returns one page with Participants and Members, the
	// cursor of the next ("" if none) and how many there are in all pages.
	ListConversations(ctx context.Context, q ConversationQuery) (page []Conversation, next string, total int, err error)
	// PlaceInLine counts the waiting conversations of the same practice and
	// queue that have waited longer (by WaitingFrom, then ID), plus one.
	PlaceInLine(ctx context.Context, c Conversation) (int, error)
	// Heads lists every conversation that the device is in, with its head.
	Heads(ctx context.Context, practice, device string) ([]Head, error)
	// Group returns the group's public state.
	Group(ctx context.Context, practice, conversation string) (Group, error)
	// Work lists the conversations, the longest undone first, where a wanted
	// person has a certified, unrevoked device that is not in the group (Add,
	// unless consent was taken back),
	// or where a device in the group is revoked or its person not wanted
	// (Remove). Services count as persons.
	Work(ctx context.Context, practice string, limit int) ([]Work, error)
	// Ack moves the member device's Acked forward to position, never back, and
	// not past the head. It reports whether it moved. A device that is not in
	// the group gives [ErrNotAMember].
	Ack(ctx context.Context, practice, conversation, device string, position uint64) (moved bool, err error)
}

// A NewConversation is all that [Conversations.CreateConversation] stores.
type NewConversation struct {
	Conversation Conversation // Head 1, Epoch that of Group
	Receipts     []Receipt
	Settle       Settle
	Group        Group // Handshake is 1
	First        Frame // Position 1
	Welcomes     []Welcome
	// Invitation is spent with it, if there is one: if it cannot be,
	// CreateConversation gives [ErrNotFound].
	Invitation *SpentInvitation
}

// Orders of a list of conversations. Equal times are ordered by id, the same way.
const (
	ByWaiting = "waiting" // WaitingFrom, oldest first
	ByLast    = "last"    // LastAt, newest first
	ByCreated = "created" // CreatedAt, oldest first
)

// A ConversationQuery selects conversations; empty fields select all.
type ConversationQuery struct {
	Practice string // always set
	State    string
	Patient  string
	// Participant is a person who is wanted in the conversation.
	Participant string
	// Patients are some persons' own; none selects all.
	Patients []string
	// Relation is the grant by which they were begun.
	Relation string
	// Standing leaves out those in which the patient's side writes for somebody
	// else and may no longer at this time. Zero leaves out none.
	Standing int64
	// NotParticipant is a person who is not.
	NotParticipant string
	Queues         []string
	Order          string
	Cursor         string // as ListConversations returned it; a bad one gives [ErrNotFound]
	Limit          int
}

// A Head is how far a conversation's log goes.
type Head struct {
	Conversation string
	Head         uint64
}

// Work is what one group lacks of what policy wants.
type Work struct {
	Conversation string
	Add, Remove  []Device
}

// Frames keeps the logs of frames and the welcomes.
type Frames interface {
	// AppendFrame stores a frame at the next position, or says why not. It
	// checks, in this order and in the transaction that stores:
	//
	//   - the same device has sent this ClientID in this conversation before:
	//     with the same Kind and Payload it returns that frame's position and
	//     time, and Duplicate; with others [ErrConflict];
	//   - unless EvenWithdrawn, consent is withdrawn: [ErrConsentWithdrawn];
	//   - the sender is the patient's side, writes for somebody else and may no
	//     longer, at ReceivedAt: [ErrNotAMember];
	//   - it is an application frame of the patient, who has to agree again
	//     since ConsentDue or before: [ErrConsentDue];
	//   - unless EvenClosed, the conversation is closed: [ErrClosed];
	//   - unless External, the device is not in the group: [ErrNotAMember];
	//   - Frame.Epoch is not the conversation's: [*StaleEpochError];
	//   - with a Handshake, its After is not the group's: [ErrRaced].
	//
	// An application frame also sets the conversation's LastAt.
	AppendFrame(ctx context.Context, a Append) (Appended, error)
	// QueueFrame is AppendFrame in two steps: frames of one conversation stand
	// in the order in which they were queued, and wait returns once its frame is
	// durable. Who queues must wait.
	QueueFrame(ctx context.Context, a Append) (wait func() (Appended, error))
	// Frames returns those at positions in (after, upTo], at most limit, in
	// order, and the conversation's head. upTo 0 means no bound.
	Frames(ctx context.Context, practice, conversation string, after, upTo uint64, limit int) (frames []Frame, head uint64, err error)
	// Member returns a device's membership, also a past one.
	Member(ctx context.Context, practice, conversation, device string) (Member, error)

	// Welcomes lists a device's, oldest first.
	Welcomes(ctx context.Context, practice, device string) ([]Welcome, error)
	// DeleteWelcome is no error if it is gone.
	DeleteWelcome(ctx context.Context, practice, device, id string) error
}

// An Append is one frame to be stored, and what changes with it.
type Append struct {
	Practice     string
	Conversation string
	Frame        Frame // Position is not set
	// EvenClosed and EvenWithdrawn let the keeper's handshakes through.
	EvenClosed    bool
	EvenWithdrawn bool
	// External is set for an external commit: its device joins by it.
	External bool
	// Handshake is set for a commit or a proposal.
	Handshake *Handshake
}

// A Handshake is what a commit or a proposal makes of the group. The store
// replaces the group's state, and sets the group's Handshake to the frame's
// position, in the transaction that stores the frame.
type Handshake struct {
	After uint64 // Group.Handshake that State was made from
	State []byte
	// Info is the new epoch's GroupInfo; nil for a proposal.
	Info []byte
	// Epoch is the epoch after this frame; for a proposal, the same.
	Epoch uint64
	// Removed are devices that leave, unless they are in Added too. Their
	// Until is set, and their unread welcomes of this conversation deleted.
	Removed []string
	// Added are devices that join. Only Device and Person are set; From is the
	// frame's position and Since its time, Acked is From. One that was in
	// before comes back; one that is in now keeps its row as it is. A
	// participant whose Since is 0 gets the frame's time; a person who is no
	// participant becomes one, not wanted.
	Added []Member
	// Welcomes for Added; Position is not set.
	Welcomes []Welcome
}

// Appended says where a frame stands.
type Appended struct {
	Position   uint64
	ReceivedAt int64
	Duplicate  bool
}

// Shared keeps what the hubs of one store have in common.
type Shared interface {
	// Secret returns the secret of that name, which is fresh for the first who
	// asks and the same for everybody from then on.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)
	// SpendNonce gives [ErrExists] if the nonce was spent before. It is
	// remembered until DeleteExpired is called with a later time than expires.
	SpendNonce(ctx context.Context, nonce []byte, expires int64) error
}

// Attachments keeps what is known of sealed files.
type Attachments interface {
	AddAttachment(ctx context.Context, a Attachment) error
	Attachment(ctx context.Context, practice, id string) (Attachment, error)
	// CompleteAttachment sets CompletedAt, or gives [ErrConflict] if it is set.
	CompleteAttachment(ctx context.Context, practice, id string, at int64) error
	// DeleteAttachment drops one that is not complete; a complete one gives
	// [ErrConflict].
	DeleteAttachment(ctx context.Context, practice, id string) error
	// UnfinishedAttachments lists those of all practices that were begun before a
	// time and are not complete, the oldest first.
	UnfinishedAttachments(ctx context.Context, before int64, limit int) ([]Attachment, error)
	// PendingBytes is the size of the conversation's unfinished attachments.
	PendingBytes(ctx context.Context, practice, conversation string) (int64, error)
}

// Blobs keeps the sealed bytes of attachments, by attachment id.
type Blobs interface {
	// Append writes r's bytes at offset and returns the new length. If offset
	// is not the present length it returns an [*OffsetError] and reads nothing.
	// It reads at most most bytes. What was written before r failed stays, so
	// that an upload resumes; on return the bytes counted are durable. One id
	// is appended to by one caller at a time; a second gets [ErrUnavailable].
	Append(ctx context.Context, practice, id string, offset, most int64, r io.Reader) (length int64, err error)
	// Length is 0 if nothing is stored.
	Length(ctx context.Context, practice, id string) (int64, error)
	// Open returns [ErrNotFound] if nothing is stored.
	Open(ctx context.Context, practice, id string) (io.ReadSeekCloser, error)
	// Delete is no error if nothing is stored.
	Delete(ctx context.Context, practice, id string) error
}

// A Sweeper is a [Blobs] that can tell which files nobody knows.
type Sweeper interface {
	// Sweep deletes the files last written before the time given that known
	// says no to, and returns how many.
	Sweep(ctx context.Context, before time.Time, known func(ctx context.Context, practice, id string) (bool, error)) (deleted int, err error)
}
