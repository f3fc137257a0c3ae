package hub

import (
	"context"
	"errors"
)

// A GrantRequest asks for what one person may not do alone: see
// [api.GrantRequest].
type GrantRequest struct {
	ID          string
	Practice    string
	Kind        string // GrantRole or GrantLink
	Person      string // for whom
	Role        string // of GrantRole
	Was         string // the person's role when it was asked
	Requester   string // person; empty for the practice's directory
	Reason      string
	RequestedAt int64
	ExpiresAt   int64
	Decision    string // one of the decisions; empty until then
	Decider     string // person; empty at the server
	DecidedAt   int64
	Note        string
	UsedAt      int64 // when the link was made; 0 until then
}

// What can be asked for.
const (
	GrantRole = "role"
	GrantLink = "link" // to set up a person's sign-in anew
)

// What can be answered.
const (
	GrantApproved  = "approve"
	GrantRefused   = "refuse"
	GrantWithdrawn = "withdraw"
)

// A GrantDecision is what was answered.
type GrantDecision struct {
	Decision, Decider, Note string
	At                      int64
}

// Grants keeps what was asked for and answered, for ever.
type Grants interface {
	// AddGrantRequest gives [ErrExists] while one of that kind waits for the person.
	AddGrantRequest(ctx context.Context, r GrantRequest) error
	GrantRequest(ctx context.Context, practice, id string) (GrantRequest, error)
	// GrantRequests lists a practice's from since on, newest first.
	GrantRequests(ctx context.Context, practice string, since int64, limit int) ([]GrantRequest, error)
	// OpenGrantRequests lists those that wait for an answer, the oldest first.
	OpenGrantRequests(ctx context.Context, practice string, now int64) ([]GrantRequest, error)
	// GrantRequestsFor lists all that were for a person, newest first.
	GrantRequestsFor(ctx context.Context, practice, person string) ([]GrantRequest, error)
	// DecideGrantRequest keeps an answer and, if change is not nil, does to the
	// person what it says, as [People.ChangePerson] does: both, or neither. One
	// that was answered or has lapsed gives [ErrConflict].
	DecideGrantRequest(ctx context.Context, practice, id string, d GrantDecision, change func(p *Person, last bool) error) (GrantRequest, error)
}

// An Agreement is the approved request of somebody for a link for a person. What
// it allows uses it up, in the same transaction.
type Agreement struct {
	Requester string
	Since     int64 // it was answered after that
	At        int64 // when it is used
}

// ErrNotAgreed: there is no such request, or it has been used.
var ErrNotAgreed = errors.New("nobody has agreed")
