package hub

import "github.com/sotto-health/sotto/api"

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
	Consent      api.ConsentForm
	MaxFileBytes int
	ArchiveNote  string
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
	Login      string   // unique within the practice, case folded; staff only
	Password   string   // encoded argon2id hash; empty until set up
	Queues     []string // what a staff person works on; empty means all
	CreatedAt  int64
	DisabledAt int64 // 0 while enabled
}

// A SetUpLink lets one person choose a password, once.
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
	Practice  string
	Person    string
	CreatedAt int64
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
}

// A DeviceSession authorises the calls of one device.
type DeviceSession struct {
	Token     [32]byte // SHA-256 of the bearer token
	Practice  string
	Device    string
	Staff     [32]byte // the staff session it ends with; zero if none
	CreatedAt int64
	ExpiresAt int64
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
	Epoch       uint64
	Head        uint64
	LeftMessage bool
	Rating      int    // 1 to 5; 0 if none was given
	Revision    uint64 // grows with every UpdateConversation

	Participants []Participant // in the order of their first being wanted
	Members      []Member      // devices now in the group
}

// A Participant is a person whom policy wants, or wanted, in the group.
type Participant struct {
	Person string
	Wanted bool
	Since  int64 // when the first of its devices joined; 0 if none has yet
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

// A Receipt is the consent that a patient gave with a conversation.
type Receipt struct {
	api.ConsentReceipt
	Practice     string
	Conversation string
	Person       string
	Device       string
	ReceivedAt   int64
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
