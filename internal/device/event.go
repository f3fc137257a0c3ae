package device

// The vocabulary between the engine and what shows it. It mirrors
// web/src/core/shared/protocol.ts: what holds there for a field holds here.

// A Failure says why something failed, in terms that a page can put in words.
type Failure string

// The failures.
const (
	FailureOffline          Failure = "offline"
	FailureSignedOut        Failure = "signed-out"
	FailureNotAMember       Failure = "not-a-member"
	FailureNotFound         Failure = "not-found"
	FailureTaken            Failure = "taken"
	FailureClosed           Failure = "closed"
	FailureConsentWithdrawn Failure = "consent-withdrawn"
	FailureTooLarge         Failure = "too-large"
	FailureWrongType        Failure = "wrong-type"
	FailureRateLimited      Failure = "rate-limited"
	FailureStorageBlocked   Failure = "storage-blocked"
	FailureStorageFull      Failure = "storage-full"
	FailureUntrusted        Failure = "untrusted"
	FailureCancelled        Failure = "cancelled"
	FailureTooLate          Failure = "too-late" // to take a message back
	FailureInternal         Failure = "internal"
)

// A Connection says whether the hub can be reached.
type Connection string

// The states of connection.
const (
	Connecting Connection = "connecting"
	Online     Connection = "online"
	Offline    Connection = "offline"
	SignedOut  Connection = "signed-out"
)

// A Listener hears what happened. It is called from one goroutine, in order,
// and may call the engine.
type Listener func(Event)

// Kinds of [Event].
const (
	EventConnection   = "connection"   // Connection, Queued
	EventConversation = "conversation" // Conversation
	EventLine         = "line"         // Line
	EventLineRemoved  = "line-removed" // ConversationID, LineID
	EventEmergency    = "emergency"    // staff: there is an emergency access to review, or no longer
	EventDevices      = "devices"      // another device speaks for the person
	EventVerification = "verification" // ConversationID: where staff ask who the patient is; empty if the level has changed
	EventFailed       = "failed"       // Failure: the engine cannot go on
)

// An Event is what changed. Fields that its kind does not name are zero.
type Event struct {
	Kind           string
	Connection     Connection
	Queued         int
	Conversation   *Conversation
	Line           *Line
	ConversationID string
	LineID         string
	Failure        Failure
}

// Kinds of [SendState].
const (
	StateSending   = "sending"
	StateQueued    = "queued"
	StateFull      = "full" // the hub has no room for it now; it goes out once there is some
	StateSent      = "sent"
	StateDelivered = "delivered"
	StateRead      = "read"
	StateFailed    = "failed"
)

// A SendState says how far an own message has come.
type SendState struct {
	Kind     string
	Position uint64  // sent, delivered and read
	Failure  Failure // failed
}

// A FileInfo describes an attachment.
type FileInfo struct {
	Name      string
	MediaType string
	Size      int64 // bytes, before sealing
	Preview   []byte
	Width     int // 0 if not known
	Height    int
}

// Kinds of [Body].
const (
	BodyText       = "text"
	BodyFile       = "file"
	BodyRecalled   = "recalled"
	BodyUnreadable = "unreadable"
)

// A Body is what a message says.
type Body struct {
	Kind string
	Text string
	File *FileInfo
	At   int64 // recalled: when it was, Unix milliseconds
}

// A Message is one line that somebody wrote.
type Message struct {
	ID           string
	Conversation string
	From         string // person
	Mine         bool
	At           int64  // Unix milliseconds
	Position     uint64 // 0 until the hub has taken it
	Body         Body
	State        *SendState // own messages only
	Progress     float64    // of a file on its way, 0 to 1; negative if none is
	Shared       bool       // came as history from the keeper
	Recalling    bool       // own: it is being taken back
}

// Kinds of [Notice].
const (
	NoticeJoined        = "joined"
	NoticeLeft          = "left"
	NoticeRemoved       = "removed"
	NoticeDeviceAdded   = "device-added"
	NoticeDeviceRemoved = "device-removed"
	NoticeClosed        = "closed"
	NoticeReopened      = "reopened"
	NoticeEmergency     = "emergency" // Person went in by breaking the glass, by the hub's word
	NoticeHistoryShared = "history-shared"
	NoticeGap           = "gap"
	NoticeRefused       = "refused"
)

// A Notice is a line of the log that is not a message. Who joined or left comes
// from the roster that this device verified.
type Notice struct {
	ID           string
	Conversation string
	At           int64
	Position     uint64
	Kind         string
	Person       string
	Count        int    // history-shared
	Rule         string // refused: one of the Rule constants
}

// A Line is a message or a notice: exactly one is set.
type Line struct {
	Message *Message
	Notice  *Notice
}

// A Member is a person in a conversation, as this device has verified.
type Member struct {
	Person   string
	Name     string
	Title    string
	Kind     string
	Role     string
	Verified bool // the name is signed by the practice's authority
	Me       bool
	Since    int64
	Devices  int
	Online   bool
	// Emergency says that the person is in by breaking the glass, by the hub's word.
	Emergency bool
}

// A Conversation as its list and header show it.
type Conversation struct {
	ID          string
	State       string
	Queue       string
	Language    string
	Patient     string
	Assignee    string
	CreatedAt   int64
	WaitingFrom int64
	LastAt      int64
	Place       int
	Consent     string
	Joined      bool
	Joining     bool
	Members     []Member
	Unread      int
	Last        string
	Typing      []string
	Draft       string
	LeftMessage bool
	Rating      int
	ClosedBy    string // person
	// Reopens says of a closed one that I took part, or nobody of the staff did,
	// by the hub's word: staff may open it again.
	Reopens bool
	// Verification is how far the practice knows who the patient is, by the
	// hub's word.
	Verification Verification
	// Unconfirmed says, by the hub's word, that who writes does so for somebody
	// else, by their own word alone.
	Unconfirmed bool
}

// A Verification is a step of the identity ladder: see api.Verification. Level
// is empty until the hub has said.
type Verification struct {
	Level, Method string
	At, Until     int64 // Unix milliseconds
}
