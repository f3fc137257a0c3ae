package api

// CreateConversation starts a conversation: PUT /v1/conversations/{id}. The
// patient's device chooses the id (128 random bits, lower-case base32), which
// is also the MLS group id, so a repeated call does no harm. The first commit
// adds the keeper and is stored as the frame at position 1.
type CreateConversation struct {
	Queue    string         `json:"queue" maxLength:"64"`
	Language string         `json:"language" maxLength:"35"`
	Consent  ConsentReceipt `json:"consent"`
	// MoreConsents are those of further forms that stand before the queue.
	MoreConsents []ConsentReceipt `json:"more_consents,omitempty" maxItems:"8"`
	LeftMessage  bool             `json:"left_message,omitempty" doc:"the patient leaves a message and does not wait for the answer"`
	// Invitation is a one-time link that the chat begins by: with the staff
	// person who made it, in its queue.
	Invitation *UseInvitation `json:"invitation,omitempty"`
	// For says that the caller writes for somebody else.
	For       *WritingFor `json:"for,omitempty"`
	Founding  []byte      `json:"founding" maxLength:"1398104" doc:"GroupInfo of epoch 0 with the ratchet tree; its one member is the caller"`
	Commit    []byte      `json:"commit" maxLength:"349528" doc:"adds the keeper's devices, and nobody else"`
	Welcome   []byte      `json:"welcome" maxLength:"1398104"`
	GroupInfo []byte      `json:"group_info" maxLength:"1398104" doc:"of epoch 1"`
}

// A Conversation as the hub knows it. It holds no content and no patient name.
type Conversation struct {
	ID          string                `json:"id"`
	State       string                `json:"state" enum:"waiting,open,closed"`
	Queue       string                `json:"queue"`
	Language    string                `json:"language"`
	Patient     string                `json:"patient" doc:"person id"`
	Assignee    string                `json:"assignee,omitempty" doc:"person id of who took it"`
	Epoch       uint64                `json:"epoch"`
	Head        uint64                `json:"head" doc:"newest position"`
	CreatedAt   int64                 `json:"created_at"`
	WaitingFrom int64                 `json:"waiting_from,omitempty" doc:"set while waiting"`
	LastAt      int64                 `json:"last_at" doc:"newest application frame"`
	ClosedAt    int64                 `json:"closed_at,omitempty"`
	ClosedBy    string                `json:"closed_by,omitempty"`
	Served      []string              `json:"served,omitempty" doc:"once closed: persons of the staff who took part, other than by breaking the glass, and may open it again. With none, all staff of its queue may"`
	Consent     string                `json:"consent" enum:"given,due,withdrawn" doc:"due: the patient is asked to agree again before their next message; staff may go on"`
	Consents    []ConversationConsent `json:"consents" doc:"the newest of each form"`
	Place       int                   `json:"place,omitempty" doc:"place in line, 1 is next; only while waiting"`
	LeftMessage bool                  `json:"left_message,omitempty" doc:"the patient left a message and does not wait at the screen"`
	Rating      int                   `json:"rating,omitempty" doc:"1 to 5, as the patient gave it at the end"`
	Revision    uint64                `json:"revision" doc:"grows with every change of its state: of two descriptions the higher is the newer"`
	// For is what the patient's side is to the one whom the chat is about; empty
	// if they write for themselves.
	For          string        `json:"for,omitempty"`
	ForConfirmed bool          `json:"for_confirmed,omitempty" doc:"the practice has granted it; else it is the writer's own word"`
	Confidential bool          `json:"confidential,omitempty" doc:"hidden from whoever writes for somebody else in it"`
	Participant  []Participant `json:"participants"`
	// Verification is how far the practice knows who the patient is: that of
	// the least proven of the patient's devices in the group.
	Verification Verification `json:"verification"`
}

// A Participant is a person in a conversation, or on the way in or out.
type Participant struct {
	Person Person `json:"person"`
	Since  int64  `json:"since" doc:"when the hub saw the first of its devices join; 0 if not yet"`
	Wanted bool   `json:"wanted" doc:"policy wants this person in the group"`
	Joined bool   `json:"joined" doc:"a device of this person is in the group"`
	// Emergency says that the person went in by breaking the glass, and for now.
	Emergency bool   `json:"emergency,omitempty"`
	Acked     uint64 `json:"acked" doc:"newest position that a device of this person has stored"`
}

// ConversationPage is GET /v1/conversations?box=. A patient has one box: own.
// Staff have waiting, mine, team and closed. The keeper has all.
type ConversationPage struct {
	Conversations []Conversation `json:"conversations"`
	Next          string         `json:"next,omitempty" doc:"cursor of the next page"`
	Total         int            `json:"total"`
}

// Acts upon a conversation, each POST /v1/conversations/{id}/{act}:
//
//	take       staff: of a waiting conversation, become its assignee
//	take-over  staff: become the assignee in another's place; the former one leaves
//	join       staff: become a further participant
//	leave      staff: leave the group
//	close      staff or patient
//	reopen     staff or patient
//	withdraw   patient: take consent back; frames are refused from now on
//
// Who joins or leaves is carried out in the group by the keeper.
//
// To join, take over and reopen may take an [Entry].
type ActResult struct {
	Conversation Conversation `json:"conversation"`
}

// An Entry says why somebody goes into a conversation. A supervisor has to say
// it (else reason-needed) where somebody else has taken it or, to reopen, where they
// were never in it. The audit log keeps it; the others see who came, as always.
type Entry struct {
	Reason string `json:"reason,omitempty" enum:"coaching,asked,complaint,absent,safety,other" doc:"coaching: to look at the work or to help with it; asked: by a colleague; complaint: about this chat; absent: who has it is not there; safety: somebody could come to harm"`
}

// Rating is POST /v1/conversations/{id}/rating, by the patient of a closed
// conversation. It is a number and nothing else: frames are refused once a
// conversation is closed, so what the patient thinks cannot be said inside the
// group, and words about care must not be said outside it.
type Rating struct {
	Score int `json:"score" minimum:"1" maximum:"5" doc:"1 (bad) to 5 (very good)"`
}

// SendFrame appends a frame: POST /v1/conversations/{id}/frames. It is
// idempotent by ClientID. On success the frame is durable.
type SendFrame struct {
	ClientID  string `json:"client_id" minLength:"8" maxLength:"64" doc:"chosen by the device, never reused for other bytes"`
	Kind      string `json:"kind" enum:"application,commit,proposal"`
	Payload   []byte `json:"payload" maxLength:"349528" doc:"MLSMessage"`
	Welcome   []byte `json:"welcome,omitempty" maxLength:"1398104" doc:"with a commit that adds"`
	GroupInfo []byte `json:"group_info,omitempty" maxLength:"1398104" doc:"with every commit: of the new epoch"`
	History   bool   `json:"history,omitempty" doc:"the keeper alone: an application frame that hands over what was said before somebody joined; it is recorded as history.shared"`
}

// Sent says where a frame stands.
type Sent struct {
	Position   uint64 `json:"position" doc:"the first is 1"`
	ReceivedAt int64  `json:"received_at"`
}

// A Frame of a conversation's log.
type Frame struct {
	Position   uint64 `json:"position"`
	Kind       string `json:"kind"`
	Epoch      uint64 `json:"epoch" doc:"the MLS epoch it was made in"`
	Device     string `json:"device" doc:"who sent it, as the hub saw; the MLS signature is what counts"`
	Person     string `json:"person"`
	ClientID   string `json:"client_id"`
	ReceivedAt int64  `json:"received_at"`
	Payload    []byte `json:"payload"`
}

// FramePage is GET /v1/conversations/{id}/frames?after=&limit=.
type FramePage struct {
	Frames []Frame `json:"frames"`
	Head   uint64  `json:"head"`
}

// A Welcome waits for a device that was added to a group:
// GET /v1/welcomes. It is deleted by DELETE /v1/welcomes/{id} once the joined
// state is stored.
type Welcome struct {
	ID           string `json:"id"`
	Conversation string `json:"conversation"`
	Position     uint64 `json:"position" doc:"of the commit that added the device; frames after it can be read"`
	Payload      []byte `json:"payload"`
}

// WelcomePage lists the calling device's.
type WelcomePage struct {
	Welcomes []Welcome `json:"welcomes"`
}

// GroupInfo is GET /v1/conversations/{id}/group-info. To hold it is to be able
// to join (RFC 9420, section 12.4.3.2), so only who policy admits gets it.
type GroupInfo struct {
	GroupInfo []byte `json:"group_info"`
	Epoch     uint64 `json:"epoch"`
	Head      uint64 `json:"head"`
}

// Ack says that the calling device has stored all frames up to Position:
// POST /v1/conversations/{id}/ack.
type Ack struct {
	Position uint64 `json:"position" minimum:"0" maximum:"9007199254740991"`
}

// Typing is POST /v1/conversations/{id}/typing. It is never stored.
type Typing struct {
	Typing bool `json:"typing"`
}

// Work is what the keeper has to bring about: GET /v1/work. It is the
// difference between what policy wants and what the groups are, so to do it
// twice does no harm.
type Work struct {
	Groups       []GroupWork          `json:"groups"`
	Certificates []CertificateRequest `json:"certificates"`
}

// GroupWork is one conversation's.
type GroupWork struct {
	Conversation string   `json:"conversation"`
	Add          []Device `json:"add" doc:"certified devices of wanted persons that are not in the group"`
	Remove       []Device `json:"remove" doc:"devices in the group whose person is not wanted, or that are revoked"`
}

// NewAttachment reserves room for a sealed file:
// POST /v1/conversations/{id}/attachments. Bytes follow by PATCH
// /v1/attachments/{id} with the headers Upload-Offset and Content-Type
// application/offset+octet-stream (tus 1.0); HEAD tells Upload-Offset; GET
// (with Range) downloads it once complete; DELETE drops an unfinished one. The
// same call again, of the same id, reserves nothing more: it tells how much has
// been received.
type NewAttachment struct {
	ID   string `json:"id,omitempty" maxLength:"64" doc:"chosen by the device: a_ and 128 random bits in lower-case base32; the hub chooses if there is none"`
	Size int64  `json:"size" minimum:"1" maximum:"27262976" doc:"sealed bytes"`
}

// An Attachment is a sealed file, or a part of one.
type Attachment struct {
	ID       string `json:"id"`
	Size     int64  `json:"size"`
	Received int64  `json:"received" doc:"size only once the file is complete, and others can download it"`
}
