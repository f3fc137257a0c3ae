package hub

import "context"

// A Relation lets one patient person act for another from StartsAt until
// EndsAt (45 CFR 164.502(g)).
type Relation struct {
	ID         string
	Practice   string
	Holder     string // person who acts
	Subject    string // person for whom
	Kind       string // api.Relation.Kind
	Minor      bool   // Subject is one, until EndsAt at the latest
	Queues     []string
	Evidence   string
	StartsAt   int64
	EndsAt     int64 // 0: open. Taking it back moves it here
	GrantedBy  string
	ApprovedBy string // if not who granted it, then by their word
	GrantedAt  int64
	EndedBy    string // who took it back; empty if nobody did
	EndReason  string
}

// A PersonLink says that two persons are one, until it is undone.
type PersonLink struct {
	ID       string
	Practice string
	Person   string // of the two the one whose id is smaller
	Other    string
	Reason   string
	LinkedBy string
	LinkedAt int64
	UndoneBy string
	UndoneAt int64 // 0 while it stands
	// UndoneFor is why; empty while it stands.
	UndoneFor string
}

// A PersonLinkQuery asks for the links of a practice, newest first.
type PersonLinkQuery struct {
	Practice string
	// Standing is "standing" or "undone"; empty means both.
	Standing string
	Person   string // of whom they are; empty means anybody
	// Before and BeforeID are of the last link of the page before.
	Before   int64
	BeforeID string
	Limit    int
}

// An Invitation is a one-time link with which a patient begins a chat with a
// staff person.
type Invitation struct {
	ID           string
	Practice     string
	Token        [32]byte // SHA-256 of the token in the link
	Queue        string
	Language     string
	Level        string // that its use proves
	Staff        string // person who made it
	Channel      string // how it travels: "link", or a [proofing.Channel] by which the hub sent it
	Contact      []byte // where it was sent, sealed; nil if it was not
	CreatedAt    int64
	ExpiresAt    int64
	OpenedAt     int64 // 0 until then; from then on it works in one browser only
	UsedAt       int64
	RevokedAt    int64
	FailedAt     int64  // when it could not be sent
	Conversation string // that it began
}

// A SpentInvitation names one to be used up with what it begins.
type SpentInvitation struct {
	Token, Holder [32]byte
	At            int64
}

// Relations keeps who may act for whom, and who is whom.
type Relations interface {
	// AddRelation stores a relation and, if subject is not nil, its subject,
	// which is new.
	AddRelation(ctx context.Context, r Relation, subject *Person) error
	Relation(ctx context.Context, practice, id string) (Relation, error)
	// RelationsOf lists those in which one of the persons acts, or somebody acts
	// for one of them; ended ones too, the oldest first.
	RelationsOf(ctx context.Context, practice string, persons []string) ([]Relation, error)
	// RelationsStated lists those, granted at since or later and not over at now, of
	// which somebody else said that the approver agreed; at most 100, newest first.
	RelationsStated(ctx context.Context, practice, approver string, since, now int64) ([]Relation, error)
	// EndRelation takes one back: EndsAt becomes at, unless it ended before; then
	// it gives [ErrConflict].
	EndRelation(ctx context.Context, practice, id, by, reason string, at int64) (Relation, error)
	// EndedRelations lists those of all practices that have ended at now and are
	// not settled, the earliest first.
	EndedRelations(ctx context.Context, now int64, limit int) ([]Relation, error)
	// SettleRelation notes that the end has been carried out. [ErrNotFound] if
	// that was noted before.
	SettleRelation(ctx context.Context, practice, id string) error

	// AddPersonLink gives [ErrExists] if the two are linked already, by one link
	// or by several: links make no ring.
	AddPersonLink(ctx context.Context, l PersonLink) error
	// PersonLink returns one, undone or not.
	PersonLink(ctx context.Context, practice, id string) (PersonLink, error)
	// PersonLinksOf lists those of some persons, undone ones too, the oldest first.
	PersonLinksOf(ctx context.Context, practice string, persons []string) ([]PersonLink, error)
	// UndoPersonLink gives [ErrNotFound] unless it stands.
	UndoPersonLink(ctx context.Context, practice, id, by, reason string, at int64) (PersonLink, error)
	// ListPersonLinks lists links, newest first.
	ListPersonLinks(ctx context.Context, q PersonLinkQuery) ([]PersonLink, error)
}

// Invitations keeps one-time links. [Conversations.CreateConversation] spends
// them.
type Invitations interface {
	AddInvitation(ctx context.Context, i Invitation) error
	// OpenInvitation binds one to a browser's secret, by its hash. One that is
	// unknown, used, revoked, over at now, or bound to another gives
	// [ErrNotFound].
	OpenInvitation(ctx context.Context, practice string, token, holder [32]byte, now int64) (Invitation, error)
	// Invitation is by its token, in whatever state.
	InvitationByToken(ctx context.Context, practice string, token [32]byte) (Invitation, error)
	// InvitationsBy lists a staff person's, the newest first.
	InvitationsBy(ctx context.Context, practice, staff string, limit int) ([]Invitation, error)
	// InvitationsTo lists those by which the conversations began.
	InvitationsTo(ctx context.Context, practice string, conversations []string) ([]Invitation, error)
	// FailInvitation notes that one could not be sent.
	FailInvitation(ctx context.Context, practice, id string, at int64) error
	// RevokeInvitation ends a staff person's link. One that is used or revoked
	// gives [ErrConflict].
	RevokeInvitation(ctx context.Context, practice, id, staff string, at int64) (Invitation, error)
}
