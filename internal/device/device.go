// Package device is what a member's device does: it keeps MLS sessions, sends
// what people write, in order and exactly once, follows conversations through
// crashes and lost connections, and refuses what a hub or a member must not do.
// The same code runs in the keeper and, as WebAssembly, in browsers.
//
// It trusts the hub with order, durability and delivery, never with content or
// membership: who is in a conversation comes from certificates that it checks
// itself. Whatever must outlive a crash is in the [Store] before anything that
// depends on it leaves the device.
package device

import (
	"context"
	"io"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls/suite"
)

// A Signer holds the device's signature key: ECDSA P-256 with SHA-256, as
// suite 0xF001 has it. In a browser the private half cannot be extracted.
type Signer = suite.Signer

// Surfaces, as in protocol.ts, and the keeper.
const (
	SurfacePatient = "patient"
	SurfaceStaff   = "staff"
	SurfaceService = "service"
)

// A Config is what an [Engine] needs of its host. Store, Hub and Signer must
// be set; the rest works as it is.
type Config struct {
	Store  Store
	Hub    Hub
	Signer Signer
	// Listener hears what changes. Nil means nobody does.
	Listener Listener
	// Sink is given every verified event of every conversation, in order,
	// before the engine forgets how to read it. Nil means that the engine
	// keeps lines itself; with a Sink it keeps none.
	Sink Sink
	// MaxBatch is how many records a Sink is given at most in one call, about.
	// Zero means as many as one page of frames makes.
	MaxBatch int
	// RecordEvery is how often at most messages of one conversation are taken
	// in for a Sink, unless there are many: nobody waits for it to read, and
	// what comes together is kept by one write. Until then the hub's log has
	// them. It is a mean: conversations that get busy together would all be
	// taken in at once. Zero means 4 s.
	RecordEvery time.Duration
	// Suites are the cipher suites that are good enough. Nil means the two
	// hybrid ones, 0xF001 and 0xF002. There is no other way down.
	Suites []suite.ID
	// KeyPackages is how many unused key packages the hub should hold. Zero
	// means 30 for staff and services, and 4 for patients.
	KeyPackages int
	// UpdateEvery is after how much time the device renews its keys in a
	// conversation. Zero means 7 days.
	UpdateEvery time.Duration
	// UpdateAfter is after how many own messages it does so. Zero means 500.
	UpdateAfter int
	// OnWork is told, for the keeper, that the hub may have work. It must not
	// wait. Nil means nobody is.
	OnWork func()
	// Retry is the shortest pause after a failed call. Zero means 500 ms. It
	// doubles up to RetryMost; zero means 30 s.
	Retry, RetryMost time.Duration
	// Renew is within how long the session is opened anew, by the device's key,
	// so that the push connection outlasts it: after four fifths of it at least.
	// Zero means 50 minutes: the hub's last an hour.
	Renew time.Duration
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Log is told, without content, names or keys, what went wrong. Nil drops it.
	Log func(what string, err error)
}

// StartOptions are what the page says about the person.
type StartOptions struct {
	Surface    string
	Practice   string // slug
	DeviceName string
	// Authority is the SHA-256 of the practice's authority key, if the page
	// that embeds the chat pins it.
	Authority []byte
}

// Started is what an engine knows before it has reached the hub.
type Started struct {
	Me            string // person id; empty until registered
	Conversations []Conversation
}

// OpenOptions are what a patient says to begin a conversation. The consent's
// signature is made by the engine.
type OpenOptions struct {
	ID       string // of the conversation, as random as one made here; empty: one is made
	Queue    string
	Language string
	Name     string // goes only into the group
	// LeftMessage says that the patient leaves a message and does not wait.
	LeftMessage bool
	Consent     api.ConsentReceipt
	// Invitation is the one-time link that the chat begins by, if it does.
	Invitation *api.UseInvitation
	// For is set by who writes for somebody else.
	For *api.WritingFor
	// MoreConsents are of further forms that stand before the queue.
	MoreConsents []api.ConsentReceipt
}

// A Sink receives what the device has verified. The keeper's archive is one.
type Sink interface {
	// Record takes records of one conversation, in order of position. After a
	// crash the last ones may come again, with equal positions; a Sink keeps
	// one of each. On an error the engine stays where it is and tries again.
	Record(ctx context.Context, conversation string, records []Record) error
}

// Kinds of [Record]. The others are those of [Notice].
const RecordMessage = "message"

// A Record is one verified event of a conversation.
type Record struct {
	Position uint64
	Index    int // several notices can come of one commit
	Kind     string
	At       int64 // Unix milliseconds, the hub's clock
	Person   string
	Device   string
	Sender   []byte // SHA-256 of the sending device's signature key
	Content  []byte // of a message: MIMI content
	Rule     string // of a refusal
}

// ListPage is what [Engine.List] returns.
type ListPage struct {
	Conversations []Conversation
	Next          string
	Total         int
}

// engineCalls is what a host calls: the Core of protocol.ts, in Go.
type engineCalls interface {
	// Start restores what is kept, and begins to connect in the background.
	Start(ctx context.Context, options StartOptions) (*Started, error)
	// Close stops the background work and returns when it has ended.
	Close()
	// SetListener replaces the listener.
	SetListener(listener Listener)
	// Open begins a conversation and returns once it is kept here. One that is
	// here already, by its id, is left as it is.
	Open(ctx context.Context, options OpenOptions) (conversation string, err error)
	// SendTextOnce keeps a message and sends it when it can. What comes twice
	// with the same salt is one message. Draft is what is being typed by then.
	SendTextOnce(ctx context.Context, conversation string, salt []byte, text, draft string) (message string, err error)
	// SendFileOnce seals the file, keeps it, and sends it when it can. It returns
	// once all of file is read and kept. The salt is as that of a text.
	SendFileOnce(ctx context.Context, conversation string, salt []byte, info FileInfo, file io.Reader) (message string, err error)
	// Retry sends a failed message again.
	Retry(ctx context.Context, message string) error
	// Cancel drops a message that has not been sent, or stops OpenFile.
	Cancel(ctx context.Context, message string) error
	// Recall takes an own message back. Staff give one of content's reasons.
	Recall(ctx context.Context, message string, reason uint8) error
	// Lines returns at most limit lines before the position, oldest first;
	// before 0 means the newest, with those not yet sent.
	Lines(ctx context.Context, conversation string, before uint64, limit int) ([]Line, error)
	// OpenFile writes a message's file to w as it comes and is checked. Only
	// after a nil error is it whole. progress may be nil.
	OpenFile(ctx context.Context, message string, w io.Writer, progress func(done, total int64)) (*FileInfo, error)
	// MarkRead says that the person has seen everything up to position.
	MarkRead(ctx context.Context, conversation string, position uint64) error
	// SetTyping tells the others; it is never stored.
	SetTyping(ctx context.Context, conversation string, typing bool) error
	// SaveDraft keeps what is typed and not sent.
	SaveDraft(ctx context.Context, conversation, text string) error
	// SafetyCode returns six groups of five digits that are the same on both
	// sides if both see the same devices.
	SafetyCode(ctx context.Context, conversation, person string) (string, error)
	// Leaves returns every device that holds the conversation's keys.
	Leaves(ctx context.Context, conversation string) ([]Leaf, error)
	// Act does one of the acts of api.ActResult.
	Act(ctx context.Context, conversation, act string) error
	// Rate says how a closed conversation was, 1 to 5.
	Rate(ctx context.Context, conversation string, score int) error
	// List returns a box of conversations from the hub.
	List(ctx context.Context, box, cursor string) (*ListPage, error)
	// Forget removes everything that the device holds, and closes the engine.
	Forget(ctx context.Context) error
	// Reconnect ends the pause after a failure: the network is back, or the
	// person has signed in.
	Reconnect()
}

var _ engineCalls = (*Engine)(nil)
