package hub

import (
	"errors"
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/password"
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
	// ErrFactorUsed: the code or the signature was used already.
	ErrFactorUsed = errors.New("factor was used already")
	// ErrNotAMember: the sending device is not in the group.
	ErrNotAMember = errors.New("not a member of the group")
	// ErrClosed: the conversation is closed.
	ErrClosed = errors.New("conversation is closed")
	// ErrConsentWithdrawn: the patient has taken consent back.
	ErrConsentWithdrawn = errors.New("consent withdrawn")
	// ErrConsentDue: the patient has to agree to what has changed first.
	ErrConsentDue = errors.New("consent is due again")
	// ErrExportRuns: the person takes the log out already; one export at a time.
	ErrExportRuns = errors.New("an export runs already")
	// ErrFormState: a form of that state does not let this be done.
	ErrFormState = errors.New("not in this state of the form")
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

// A ForbiddenError is [ErrForbidden] with the sentences of policy that decided
// so; none means that no rule allows it.
type ForbiddenError struct {
	Rules []string // ids
	Says  string
}

func (e *ForbiddenError) Error() string   { return "forbidden by policy" }
func (e *ForbiddenError) Is(o error) bool { return o == ErrForbidden }

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

// What the hub itself refuses with.
var (
	// ErrUnauthenticated: no valid session; sign in again.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrLocked: the session is locked until its owner shows both factors.
	ErrLocked = errors.New("session is locked")
	// ErrNotSignedIn is [ErrUnauthenticated] of a sign-in: whatever of it was wrong.
	ErrNotSignedIn = fmt.Errorf("%w: sign-in refused", ErrUnauthenticated)
	// ErrStepUp: both factors must be shown again before this is done.
	ErrStepUp = errors.New("both factors are needed again")
	// ErrNoReason: what is asked for needs a reason, picked and in words.
	ErrNoReason = errors.New("a reason is needed")
	// ErrSayWhy: a chat that somebody else has is entered for one of the reasons of [api.Entry].
	ErrSayWhy = errors.New("a reason to enter is needed")
	// ErrPasswordExpired: the practice wants another password first.
	ErrPasswordExpired = errors.New("password has expired")
	// ErrNetwork: the practice does not let this person work from there.
	ErrNetwork = errors.New("not from this network")
	// ErrSecondFactor: the provider does not say that two factors were shown.
	ErrSecondFactor = errors.New("the provider showed one factor")
	// ErrNotLinked: the account at the provider is nobody's here.
	ErrNotLinked = errors.New("not linked")
	// ErrNoRole: the person is in no group that gives a role.
	ErrNoRole = errors.New("no role by any group")
	// ErrSSOOnly: the practice wants staff to sign in at its provider.
	ErrSSOOnly = errors.New("single sign-on only")
	// ErrLastFactor: nothing would be left to sign in with.
	ErrLastFactor = errors.New("last factor")
	// ErrForbidden: the caller's kind or role may not do this to anything.
	ErrForbidden = errors.New("not allowed")
	// ErrConsentMissing: there is no valid receipt of a published form.
	ErrConsentMissing = errors.New("consent missing")
	// ErrNoKeyPackage: no device of that person can be added now.
	ErrNoKeyPackage = errors.New("no key package left")
	// ErrTooLarge: a part of the request is past its limit.
	ErrTooLarge = errors.New("too large")
)

// A MalformedError says which part of a request cannot be used. Field is a
// name from the API's definition, never anything the caller sent.
type MalformedError struct {
	Field string
}

func (e *MalformedError) Error() string { return "malformed: " + e.Field }

func malformed(field string) error { return &MalformedError{Field: field} }

// A WeakPasswordError reports a password that the practice does not take.
type WeakPasswordError struct {
	Fault password.Fault
}

func (e *WeakPasswordError) Error() string { return "password is refused: " + string(e.Fault) }

// A HandshakeError reports a handshake that would break the group or that
// policy refuses. Rule is from a fixed list and holds nothing of the message.
type HandshakeError struct {
	Rule string
	Err  error // why, if a lower layer found it
}

func (e *HandshakeError) Error() string {
	if e.Err != nil {
		return "handshake refused: " + e.Rule + ": " + e.Err.Error()
	}
	return "handshake refused: " + e.Rule
}

// Unwrap returns the lower layer's reason.
func (e *HandshakeError) Unwrap() error { return e.Err }

// A RateError reports that the caller asks too often.
type RateError struct {
	RetryAfter time.Duration
}

func (e *RateError) Error() string { return "asked too often" }

// A StepError says at which step of ours an error came up. Unlike the text of
// Err, which may quote data, a Step may be logged.
type StepError struct {
	Step Step
	Err  error
}

// A Step names something the hub does. It is always a constant: nothing that
// a caller sent can become one unseen.
type Step string

func (e *StepError) Error() string { return string(e.Step) + ": " + e.Err.Error() }

// Unwrap returns what came up.
func (e *StepError) Unwrap() error { return e.Err }

func at(s Step, err error) error { return &StepError{Step: s, Err: err} }
