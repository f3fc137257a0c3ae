// Package keeper is the practice's own member: it certifies devices, admits and
// removes whom policy says, sends late joiners the transcript so far, and keeps
// the practice's record. It is a device like any other underneath, and every
// person in a conversation sees it in the member list.
package keeper

import (
	"context"
	"io"
)

// An Archive keeps the practice's record of its conversations, sealed. What it
// is given is plaintext: an Archive seals it before it reaches a disk.
type Archive interface {
	// Append adds records of one conversation, in order of position and index.
	// They are durable when it returns nil. A record whose position and index
	// it has already is skipped: after a crash the last ones come again.
	Append(ctx context.Context, conversation string, records []Record) error
	// Records calls each with the conversation's records, oldest first, and
	// stops at its first error. A conversation that it does not know has none.
	Records(ctx context.Context, conversation string, each func(Record) error) error
	// PutAttachment keeps a sealed attachment; its key is in the record that
	// names it. It reads sealed to its end, and replaces an unfinished one.
	PutAttachment(ctx context.Context, conversation, attachment string, sealed io.Reader) error
	// HasAttachment reports whether all of an attachment is kept.
	HasAttachment(ctx context.Context, conversation, attachment string) (bool, error)
}

// Kinds of [Record]. The keeper may write others; an Archive keeps any.
const (
	KindMessage       = "message" // Content is MIMI content (package content)
	KindJoined        = "joined"
	KindLeft          = "left"
	KindRemoved       = "removed"
	KindDeviceAdded   = "device-added"
	KindDeviceRemoved = "device-removed"
	KindClosed        = "closed"
	KindReopened      = "reopened"
	KindEmergency     = "emergency" // Person was let in by breaking the glass
	KindGap           = "gap"
	KindRefused       = "refused"
)

// A Record is one event of a conversation, as the keeper verified it.
type Record struct {
	Position uint64 // in the conversation's log
	Index    int    // several records can come of one frame
	Kind     string
	At       int64  // Unix milliseconds, the hub's clock
	Person   string // id
	Device   string // id
	Sender   []byte // SHA-256 of the sending device's signature key
	Content  []byte // of a message: MIMI content, which holds text, or an attachment's id, key and hash
	Rule     string // of a refusal
}
