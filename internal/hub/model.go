package hub

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/password"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

// A Practice is the covered entity that everything else belongs to.
type Practice struct {
	ID   string
	Slug string // unique, in addresses
	Settings
}

// Settings are what an administrator decides about a practice. A store keeps
// them as one JSON document.
type Settings struct {
	Name         string
	Phone        string
	TimeZone     string // IANA name
	Country      string // ISO 3166-1 alpha-2
	Languages    []string
	BrandColor   string // #rrggbb, or empty
	Demo         bool
	AlwaysOpen   bool
	Hours        []Hours
	WaitMinutes  int
	AuthorityKey []byte // P-256, SEC 1 uncompressed
	Suite        uint16 // MLS cipher suite of new conversations
	Queues       []api.Queue
	Consent      api.ConsentForm // as the practice's file has it; see [Practice.FileForm]
	// ConsentParts are its parts, by language. Consent has Texts only if the
	// file is of before there were parts.
	ConsentParts map[string]form.Parts
	// ConsentReason is why patients will understand it, where it reads above grade
	// 6 or in a language that is not measured.
	ConsentReason string
	MaxFileBytes  int
	ArchiveNote   string
	// Origins are the clinic's web origins that may embed the patient chat,
	// such as "https://www.clinic.example".
	Origins []string
	// QueueHours are the hours of queues that differ from the practice's.
	QueueHours map[string][]Hours
	// RecallMinutes is how long a message can be taken back. Zero means 60.
	RecallMinutes int
	// IdleStaff and IdlePatient are the minutes after which an unused screen
	// hides what is on it. Zero means 10 and 15.
	IdleStaff, IdlePatient int
	// RiskWords are the practice's own, by language. Devices look for them.
	RiskWords map[string][]string
	// Majority is the age in years at which a minor comes of age. Zero means 18.
	Majority int
	// RecordNumbers are the shapes of the practice's record numbers: # stands
	// for a digit, @ for a letter. Staff devices look for them.
	RecordNumbers []string
	// QuickExit offers patients a button that leaves the page at once.
	QuickExit bool
	Access    Access
	Identity  Identity
	Reviews   Reviews
}

// Identity is what a practice decides about how patients show who they are.
type Identity struct {
	// Days is how long a proof of it holds. Zero means 30.
	Days int
	// Sender is how messages with codes name the practice; empty means its
	// Name. A name that tells of an illness has no place on a lock screen.
	Sender string
	// Facts are those that may be asked for beside the date of birth. None
	// means all.
	Facts []roster.Fact
	// Portal is where patients sign in; nil if there is none.
	Portal *Portal
}

// defaultProofDays is the re-verification period of a practice that sets none.
const defaultProofDays = 30

func (i Identity) holds() time.Duration {
	return time.Duration(cmp.Or(i.Days, defaultProofDays)) * 24 * time.Hour
}

// Access is what a practice decides about how its staff sign in. It is the
// practice's: no person can weaken it for themselves.
type Access struct {
	Password password.Policy
	// Networks are the only ones from which staff may sign in and work, by
	// role; "" is for roles that are not named. No entry allows all.
	Networks map[string][]netip.Prefix
	// SSO is the practice's OpenID provider for staff; nil if it has none.
	SSO *SSO
	// Groups say what the groups of the practice's directory are here.
	Groups GroupRules
}

// Minutes without a sign of life after which a staff session locks.
const (
	LeastIdleMinutes   = 2
	MostIdleMinutes    = 30
	defaultIdleMinutes = 10
)

// StaffIdle is after how long without a sign of life a staff session locks.
func (s Settings) StaffIdle() time.Duration {
	minutes := defaultIdleMinutes
	if s.IdleStaff != 0 {
		minutes = min(max(s.IdleStaff, LeastIdleMinutes), MostIdleMinutes)
	}
	return time.Duration(minutes) * time.Minute
}

const usualIdlePatient = 15 // minutes

// PatientIdle is after how many minutes without a sign of life a patient's
// screen is hidden.
func (s Settings) PatientIdle() int { return cmp.Or(s.IdlePatient, usualIdlePatient) }

// from returns where somebody with the role or profession may come from: what is
// said of the profession, else of its role, else of all others. One that is
// named without a network comes from nowhere.
func (a Access) from(role string) (networks []netip.Prefix, anywhere bool) {
	for _, name := range []string{role, string(policy.RoleOf(role))} {
		if networks, named := a.Networks[name]; named && name != "" {
			return networks, false
		}
	}
	return a.Networks[""], len(a.Networks[""]) == 0
}

// allows reports whether somebody with the role may come from the address.
func (a Access) allows(role, address string) bool {
	networks, anywhere := a.from(role)
	if anywhere {
		return true
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip.Unmap()) })
}

// Hours are when staff are expected to answer, in the practice's time zone.
type Hours struct {
	Weekday    int // time.Weekday: 0 is Sunday
	FromMinute int // since midnight
	ToMinute   int // since midnight, exclusive; at most 1440
}

// A Person is a patient, a staff person or a service of one practice. For a
// patient, Name, Title and Login are always empty.
type Person struct {
	ID         string
	Practice   string
	Kind       string // api.KindPatient ...
	Role       string
	Name       string
	Title      string
	Login      string // unique within the practice, case folded; staff only
	Password   string // encoded hash; empty if the person has none
	PasswordAt int64  // when it was chosen
	// Failures are the wrong codes of an app after the right password since the
	// person last showed both factors, by strangers; KnownFailures those in
	// browsers that the person has signed in from, and in sessions.
	Failures, KnownFailures int
	// Queues are those given to a staff person one by one, beside those of their
	// departments. With neither, they work on all.
	Queues []string
	// Departments are those that a staff person is in, by id; DepartmentQueues
	// the queues that belong to them now. Only the store sets the latter.
	Departments, DepartmentQueues []string
	ExternalID                    string // the practice's directory's id of the person; empty if it keeps them not
	CreatedAt                     int64
	DisabledAt                    int64 // 0 while enabled
	DisabledByDirectory           bool  // and not by the practice; never while enabled
}

// A SetUpLink lets one person choose what to sign in with, once.
type SetUpLink struct {
	Token     [32]byte // SHA-256 of the token in the link
	Practice  string
	Person    string
	CreatedAt int64
	ExpiresAt int64
	UsedAt    int64 // 0 if unused
}

// A StaffSession is one signed-in browser of a staff person.
type StaffSession struct {
	Token     [32]byte // SHA-256 of the cookie's value
	ID        string   // names it to its owner
	Practice  string
	Person    string
	Device    string // the one device that it may speak for; empty until there is one
	Method    string // MethodPasskey ...
	Browser   string // as it names itself
	Address   string // where it signed in from
	CreatedAt int64
	ExpiresAt int64
	UsedAt    int64 // the person's last sign of life
	ProvedAt  int64 // when both factors were last shown
	LockedAt  int64 // 0 unless locked
	Provider  ProviderSession
	// BrowserKey names the key of the browser that it was opened in, without
	// which the cookie is worth nothing; empty if the browser showed none.
	BrowserKey string
}

// A ProviderSession is the session at an OpenID provider by which a staff
// session was opened. It is empty if there is none.
type ProviderSession struct {
	Issuer  string
	Subject string
	Sid     string
	Hint    []byte // the ID token, sealed; stored, and read by SessionHint alone
}

// An IdentityLink says who at an OpenID provider a person is.
type IdentityLink struct {
	Practice  string
	Issuer    string
	Subject   string
	Person    string
	Way       string // LinkedByDirectory ...
	CreatedAt int64
}

// What a [DirectoryToken] is for.
const (
	ForDirectory = "directory" // keeps the practice's people, by SCIM
	ForWatch     = "watch"     // reads the signed heads of the practice's log, and no more
)

// A DirectoryToken is what a program of the practice's shows, as a bearer: its
// directory, or a monitor of its log.
type DirectoryToken struct {
	Token     [32]byte // SHA-256 of it
	ID        string
	Practice  string
	Name      string // as administrators know it
	Purpose   string // ForDirectory ...
	CreatedAt int64
	ExpiresAt int64
}

// A DirectoryGroup is a group of a practice's directory.
type DirectoryGroup struct {
	ID         string
	Practice   string
	Name       string // unique within the practice
	ExternalID string // the directory's own id of it; may be empty
	Members    []string
	CreatedAt  int64
}

// A Follower is somebody who has to be made what their groups say.
type Follower struct {
	Person string
	Had    bool  // was in a group that gave something, which it may not any more
	Mark   int64 // of the last change; no two are alike
}

// Ways in which an identity came to be linked.
const (
	LinkedByDirectory     = "directory" // the directory's id was in the provider's token
	LinkedByAdministrator = "administrator"
	LinkedByOwner         = "owner" // signed in with both factors
)

// Ways to sign in.
const (
	MethodPasskey  = "passkey"
	MethodApp      = "app" // password and authenticator app
	MethodRecovery = "recovery-code"
	MethodSetUp    = "set-up"
	MethodSSO      = "sso" // at the practice's OpenID provider
)

// Kinds of factor.
const (
	FactorPasskey = "passkey"
	FactorApp     = "app" // an authenticator app; it needs the password beside it
)

// A Factor is a passkey or an authenticator app of a staff person.
type Factor struct {
	ID         string
	Practice   string
	Person     string
	Kind       string
	Name       string // as its owner knows it
	Credential []byte // a passkey's id, unique within the practice; nil for an app
	Key        []byte // a passkey's public key, COSE
	Secret     []byte // an app's, sealed
	// Counter is a passkey's signature counter, or the newest period (RFC 6238)
	// whose code was used.
	Counter int64
	Synced  bool // a passkey that is on all of its owner's machines
	// Introduction is the signature by which an older passkey introduced this
	// one; nil for the first.
	Introduction *api.PasskeyAssertion
	// IntroducedBy is how a device introduced a patient's; nil for staff's.
	IntroducedBy *api.DeviceIntroduction
	Record       string // of the roster, that a patient was matched with then
	CreatedAt    int64
	UsedAt       int64
}

// A FactorUse is a code or a signature that is to be used up. The zero value
// uses nothing.
type FactorUse struct {
	Practice string
	Person   string
	// Factor is the app or the passkey, whose Counter moves forward to Counter
	// and whose UsedAt to At. The use fails unless that is forward, or both
	// counters are 0. It is empty for a recovery code.
	Factor   string
	Counter  int64
	At       int64
	Recovery []byte // the hash of a recovery code, which is deleted
}

// A RecoveryCode stands in for an authenticator app, once.
type RecoveryCode struct {
	Salt []byte // the same for all of a person's
	Hash []byte
}

// An Enrolment is what a person signs in with from now on, in place of all
// that was before.
type Enrolment struct {
	Password string // encoded hash; empty with a passkey
	Factor   Factor
	Codes    []RecoveryCode
}

// A SignIn is an entry of a person's history.
type SignIn struct {
	ID       string
	Practice string
	Person   string
	At       int64
	Method   string
	Outcome  string // OutcomeSignedIn ...
	Browser  string
	Address  string
	New      bool // from a browser that was not known
	Seen     bool // its owner was shown it
}

// Outcomes of a sign-in that are kept. Wrong passwords are not: anybody can
// type one.
const (
	OutcomeSignedIn    = "signed-in"
	OutcomeCodeRefused = "code-refused" // the password was right
)

// A KnownBrowser is one that a person has signed in from. It is spared the
// limits that are there for strangers, and opens nothing.
type KnownBrowser struct {
	Token     [32]byte // SHA-256 of its cookie's value
	Practice  string
	Person    string
	ExpiresAt int64
}

// A Device is one browser, app or process: one MLS client.
type Device struct {
	ID          string
	Practice    string
	Person      string
	Kind        string
	Role        string
	Name        string // as its owner knows it; may be empty
	PublicKey   []byte // P-256, SEC 1 uncompressed; unique within the practice
	Proof       api.DeviceProof
	Certificate []byte // nil until certified
	NameCard    []byte
	CreatedAt   int64
	CertifiedAt int64
	RevokedAt   int64 // 0 unless revoked
	// Voucher is what a passkey of its person signed for it; nil if none did.
	Voucher *api.PasskeyAssertion
}

// A DeviceSession authorises the calls of one device.
type DeviceSession struct {
	Token     [32]byte // SHA-256 of the bearer token
	Practice  string
	Device    string
	Staff     string // id of the staff session it ends with; empty if none
	CreatedAt int64
	ExpiresAt int64
}

// A Verification is one step that a patient's device took on the identity
// ladder, or a staff person for it.
type Verification struct {
	Practice string
	Person   string
	Device   string
	proofing.Proof
	Record string // id in the practice's roster; empty unless matched by it
	Staff  string // person who vouched; empty if none did
	Reason string // why they could
	// Contact is the one that a code proved, as in the Facts of a [RosterEntry].
	Contact []byte
	// WrongRecord says, when it is put, that the record which the person was
	// matched with is somebody else's: all proofs with a record are forgotten,
	// and no passkey or account at the portal from before brings it back.
	WrongRecord bool
}

// A RosterEntry is a patient as the practice has them on file. Number, Born and
// Facts are keyed hashes; Sealed is a roster.Entry.
type RosterEntry struct {
	Practice string
	ID       string
	Number   []byte
	Born     []byte
	Facts    map[roster.Fact][]byte
	Sealed   []byte
	PIN      []byte // slow hash; empty if none was issued
}

// A ContactCode is a one-time code that was sent to somebody's contact.
type ContactCode struct {
	Practice  string
	ID        string
	Device    string // the only one that it is good for
	Channel   proofing.Channel
	Contact   []byte // keyed hash
	Sealed    []byte
	Code      []byte // keyed hash
	Tries     int    // wrong ones
	CreatedAt int64
	ExpiresAt int64
	UsedAt    int64 // 0 while it is good
}

// An IdentityCheck is how it went with a device, or with a date of birth; or
// when staff asked a person.
type IdentityCheck struct {
	Failures int
	BeganAt  int64 // when the first of Failures was
	AskedAt  int64
}

// A KeyPackage is one published key package.
type KeyPackage struct {
	Practice   string
	Device     string
	Ref        []byte // RFC 9420, section 5.2; unique within the device
	Data       []byte
	LastResort bool
	NotAfter   int64 // Unix milliseconds; 0 if it does not say
}

// A Conversation as stored: what its row holds, and who is in it.
type Conversation struct {
	ID          string
	Practice    string
	Queue       string
	Language    string
	Patient     string
	Assignee    string
	State       string // api.StateWaiting ...
	CreatedAt   int64
	WaitingFrom int64 // 0 unless waiting
	LastAt      int64 // newest application frame; CreatedAt if none
	ClosedAt    int64
	ClosedBy    string
	WithdrawnAt int64 // consent; 0 while given
	ConsentDue  int64 // from when on the patient has to agree again; 0 if not
	Epoch       uint64
	Head        uint64
	LeftMessage bool
	Rating      int    // 1 to 5; 0 if none was given
	Revision    uint64 // grows with every UpdateConversation

	// WritesFor is what the patient's side is to the one whom the chat is about;
	// empty if that is themselves. Relation is the grant by which they write, if
	// the practice gave one, and RelationEnds when that ends (0: never).
	WritesFor    string
	Relation     string
	RelationEnds int64
	// ForMinor says that the other is a minor: then forms about minors stand
	// before the conversation (45 CFR 164.502(g)(3)).
	ForMinor bool
	// Confidential hides the conversation from whoever writes for somebody else.
	Confidential bool

	Participants []Participant // in the order of their first being wanted
	Members      []Member      // devices now in the group
}

// A Participant is a person whom policy wants, or wanted, in the group.
type Participant struct {
	Person string
	Wanted bool
	Since  int64 // when the first of its devices joined; 0 if none has yet
	Proper bool  // was wanted at some time as anybody is, and not by an emergency
	// Left is the head of the log when they were wanted no longer; 0 while they
	// are. The store alone sets it.
	Left uint64
	// Of who broke the glass there; the store alone sets these.
	Broke     int64 // when, the first time; 0 if never
	Emergency bool  // their hour is not over yet
}

// A Member is a device in the group, or one that was.
type Member struct {
	Device string
	Person string
	From   uint64 // position of the commit that added it; 1 for the founder
	Until  uint64 // position of the commit that removed it; 0 while in
	Since  int64  // when it was added
	Acked  uint64 // newest position that it has stored
}

// A Frame of a conversation's log.
type Frame struct {
	Position   uint64 // the first is 1; the store numbers them
	Kind       string // api.FrameApplication ...
	Epoch      uint64 // the MLS epoch it was made in
	Device     string
	Person     string
	ClientID   string
	ReceivedAt int64
	Payload    []byte
}

// A Welcome waits for a device that a commit added.
type Welcome struct {
	ID           string
	Conversation string
	Device       string
	Position     uint64 // of the commit
	Payload      []byte
}

// A Group is what the delivery service knows of an MLS group.
type Group struct {
	State     []byte // delivery.PublicGroup, marshalled
	Info      []byte // GroupInfo of the current epoch, as its committer sent it
	Epoch     uint64
	Handshake uint64 // position of the newest handshake in State
}

// A Receipt is what a patient agreed to, as the hub keeps it.
type Receipt struct {
	api.ConsentReceipt
	ID           string
	Practice     string
	Conversation string // empty for what goes beyond one
	Person       string
	Device       string
	Sequence     uint64 // the store numbers a practice's; the first is 1
	ReceivedAt   int64
	WithdrawnAt  int64 // 0 while it stands
}

// Name is the same for the same receipt, whatever its signature.
func (r *Receipt) Name() string {
	return hex.EncodeToString(consent.Of(r.Practice, r.Conversation, r.Device, r.ConsentReceipt).Name())
}

// An Attachment is a sealed file of a conversation. Its bytes are in [Blobs].
type Attachment struct {
	ID           string
	Practice     string
	Conversation string
	Device       string // who uploads it
	Size         int64  // sealed bytes
	CreatedAt    int64
	CompletedAt  int64 // 0 while bytes are missing
}

// An Emergency is one time that somebody broke the glass.
type Emergency struct {
	ID           string
	Practice     string
	Conversation string
	Patient      string
	Person       string
	Queue        string // that the chat was in
	Reason       string // code: see [api.BreakGlass]
	Words        string // what the person wrote
	OpenedAt     int64
	EndsAt       int64
	EndedAt      int64  // 0 while it lasts
	DueAt        int64  // when it should have been reviewed
	Verdict      string // VerdictFine ...; empty until there is one
	Note         string
	Reviewer     string // person id
	ReviewedAt   int64
}

// A Disclosure is what left the practice of a patient's.
type Disclosure struct {
	ID         string
	Practice   string
	Patient    string
	At         int64 // when it was disclosed
	RecordedAt int64
	Person     string // who wrote it down; empty for an operator
	Source     string // "hand" or "record": see [api.Disclosure]
	Recipient  string
	Address    string
	What       string
	Purpose    string // code: see [api.RecordDisclosure]
	StruckAt   int64  // 0 while it stands
	StruckBy   string // person id
	StruckWhy  string
}

// A Strike says who took a disclosure for a mistake, and why.
type Strike struct {
	At      int64
	By, Why string
}

// An EmergencyReview is what somebody found of an emergency access.
type EmergencyReview struct {
	Verdict, Note, Reviewer string
	At                      int64
}

// Verdicts upon an emergency access.
const (
	VerdictFine = "fine"
	VerdictLook = "look" // it has to be looked into; it can still become fine
)
