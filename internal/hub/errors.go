package hub

import (
	"errors"
	"fmt"
)

// Sentinels to compare with errors.Is. The stores return those that say so in
// the methods' comments, wrapped or not.
var (
	// ErrNotFound: there is no such thing, or the caller may not know of it.
	ErrNotFound = errors.New("not found")
	// ErrExists: the id is in use.
	ErrExists = errors.New("exists already")
	// ErrConflict: the id was used for something else.
	ErrConflict = errors.New("used for something else")
	// ErrNotAMember: the sending device is not in the group.
	ErrNotAMember = errors.New("not a member of the group")
	// ErrClosed: the conversation is closed.
	ErrClosed = errors.New("conversation is closed")
	// ErrConsentWithdrawn: the patient has taken consent back.
	ErrConsentWithdrawn = errors.New("consent withdrawn")
	// ErrRaced: another handshake came first; read the group again.
	ErrRaced = errors.New("group changed meanwhile")
	// ErrFull: the disk or a quota is full, and nothing was stored.
	ErrFull = errors.New("storage is full")
	// ErrUnavailable: the store cannot answer now; trying again may help.
	ErrUnavailable = errors.New("storage is unavailable")
)

// A StaleEpochError reports a frame made in an epoch that is not the group's.
// The sender should process the frames up to Head, then make its own again.
type StaleEpochError struct {
	Sent    uint64 // MLS epoch of the frame (RFC 9420, section 8.1)
	Current uint64 // the group's epoch
	Head    uint64 // newest position of the conversation
}

func (e *StaleEpochError) Error() string {
	return fmt.Sprintf("frame is of epoch %d, the group is at %d", e.Sent, e.Current)
}

// A TakenError reports that somebody else took the conversation first.
type TakenError struct {
	Person string // id of the assignee
	Name   string // as staff may see it; the hub fills it in
}

func (e *TakenError) Error() string { return "taken by " + e.Person }

// An OffsetError reports an upload chunk that does not begin where the stored
// part ends.
type OffsetError struct {
	Length int64 // bytes stored so far
}

func (e *OffsetError) Error() string {
	return fmt.Sprintf("upload continues at byte %d", e.Length)
}
