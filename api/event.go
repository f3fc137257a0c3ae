package api

// Types of event. Events flow over a WebSocket at /v1/events, whose first
// client message is a [Hello]; where proxies break WebSockets, the same events
// come from GET /v1/events/poll?cursor= (held for up to 25 s).
//
// A push is a doorbell with a payload: the log of frames is the truth. After
// "ready" a client fetches what it lacks of each conversation, and it does the
// same when the positions of frame events leave a gap.
const (
	EventReady        = "ready"        // first event of a connection
	EventFrame        = "frame"        // Conversation id + Frame
	EventConversation = "conversation" // Summary: new, taken, closed, membership ...
	EventAck          = "ack"          // ConversationID, Person, Position
	EventTyping       = "typing"       // ConversationID, Person, Typing; lapses after 6 s
	EventPresence     = "presence"     // Person, Online
	EventWelcome      = "welcome"      // fetch /v1/welcomes
	EventCertificate  = "certificate"  // fetch /v1/devices/self
	EventWork         = "work"         // keeper: fetch /v1/work
	EventEnded        = "ended"        // the session is over; sign in again
	EventKeyPackages  = "key-packages" // few are left: publish more
	EventEmergency    = "emergency"    // staff: somebody broke the glass, or it was reviewed, or said that the person agreed to a grant: fetch /v1/staff/session
	EventDevices      = "devices"      // another device was certified for the person, or staff signed in from an unknown browser: fetch /v1/staff/session, or a patient's device /v1/devices
	EventVerification = "verification" // patient: fetch /v1/verification; with a ConversationID, staff there ask who they are
)

// An Event is one message from the hub. Fields that a type does not name are
// absent.
type Event struct {
	Type           string        `json:"type"`
	ConversationID string        `json:"conversation_id,omitempty"`
	Frame          *Frame        `json:"frame,omitempty"`
	Summary        *Conversation `json:"summary,omitempty"`
	Person         string        `json:"person,omitempty"`
	Position       uint64        `json:"position,omitempty"`
	Typing         bool          `json:"typing,omitempty"`
	Online         bool          `json:"online,omitempty"`
	Heads          []Head        `json:"heads,omitempty" doc:"with ready: every conversation the device is in"`
	Cursor         string        `json:"cursor,omitempty" doc:"polling only: pass it to the next poll"`
}

// A Head is how far a conversation's log goes.
type Head struct {
	Conversation string `json:"conversation"`
	Head         uint64 `json:"head"`
}

// Hello is the first message on the WebSocket, due within 5 seconds. The token
// is here because a browser cannot set headers on a WebSocket and a URL is no
// place for it.
type Hello struct {
	Type    string `json:"type" enum:"hello"`
	Token   string `json:"token" maxLength:"256"`
	Compact bool   `json:"compact,omitempty" doc:"frames come as binary messages, and what the device itself sends does not come back but for the reply"`
}

// A ClientMessage is any later message from the client: "ack" and "typing" as
// the calls of the same name, "send" as [SendFrame] (answered by a [Reply]
// with the same Call), "ping" (answered by "pong").
type ClientMessage struct {
	Type           string     `json:"type" enum:"send,ack,typing,ping"`
	Call           uint64     `json:"call,omitempty" minimum:"0" maximum:"9007199254740991"`
	ConversationID string     `json:"conversation_id,omitempty" maxLength:"64"`
	Position       uint64     `json:"position,omitempty" minimum:"0" maximum:"9007199254740991"`
	Typing         bool       `json:"typing,omitempty"`
	Frame          *SendFrame `json:"frame,omitempty"`
}

// A Reply answers a "send" on the WebSocket; its type is "reply".
type Reply struct {
	Type    string   `json:"type"`
	Call    uint64   `json:"call"`
	Sent    *Sent    `json:"sent,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// EventPage is GET /v1/events/poll.
type EventPage struct {
	Events []Event `json:"events"`
	Cursor string  `json:"cursor"`
	Reset  bool    `json:"reset" doc:"the cursor is too old: fetch heads as after ready"`
}
