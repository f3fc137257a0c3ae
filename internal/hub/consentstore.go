package hub

import "context"

// Consents keeps consent forms, each version of them, and the receipts of those
// who agreed.
type Consents interface {
	// ConsentForms lists every version of every form, by form and version.
	ConsentForms(ctx context.Context, practice string) ([]ConsentForm, error)
	// ChangeConsentForms calls change with all forms of the practice, as
	// ConsentForms lists them, and stores what it returns; no other change of the
	// practice's forms, no new conversation and no new receipt of it come in
	// between. If change returns an error nothing is stored. A version that is
	// [ConsentForm.Fixed] keeps its texts: else the error matches [ErrConflict].
	// Declined is not stored.
	ChangeConsentForms(ctx context.Context, practice string, change func(all []ConsentForm) (FormChange, error)) error
	// CountDeclined adds one to Declined of a version that is published now; for
	// any other it gives [ErrNotFound].
	CountDeclined(ctx context.Context, practice, form string, version int) error

	// AddReceipt stores a receipt under the practice's next Sequence and, if it
	// is of a conversation, sets that one's ConsentDue to what settle says of the
	// practice's forms and all receipts of the conversation, r last. Revision
	// grows. If settle returns an error nothing is stored. A receipt of the same
	// Name is returned as it is; if it was taken back, or if the conversation's
	// consent was, the error matches [ErrConsentWithdrawn].
	AddReceipt(ctx context.Context, r Receipt, settle Settle) (Receipt, error)
	// WithdrawReceipt sets WithdrawnAt of a person's receipt if it is 0.
	WithdrawReceipt(ctx context.Context, practice, person, id string, at int64) (Receipt, error)
	// Receipts lists those that match, by Sequence.
	Receipts(ctx context.Context, q ReceiptQuery) ([]Receipt, error)
	// CountReceipts counts by form and version.
	CountReceipts(ctx context.Context, practice string) ([]ReceiptCount, error)
	// CountDue counts conversations whose consent was not taken back, of these
	// queues (none means all): those whose ConsentDue is at or before at, or, if
	// at is 0, all.
	CountDue(ctx context.Context, practice string, queues []string, at int64) (open, closed int, err error)
}

// Settle judges what a conversation stands on: it returns from when on the
// patient has to agree again (0 means not), or why it cannot stand at all. It
// does no I/O and may run again.
type Settle func(forms []ConsentForm, given []Receipt) (due int64, err error)

// A FormChange is what becomes of a practice's forms, and of whom it asks to
// agree again.
type FormChange struct {
	Put []ConsentForm
	Due []Due
}

// Due sets ConsentDue of conversations whose consent was not taken back: to At
// where a receipt of one of Needs is lacking, or everywhere if there are none;
// else to 0, if it was At or before. Nobody whose turn comes earlier is put off.
type Due struct {
	Queue  string
	Others []string // if Queue is empty: the conversations of queues that are not among these
	// ForMinor says in which of them: those about a minor, in which somebody else
	// writes, or all others.
	ForMinor bool
	At       int64
	Needs    []Need
}

// A Need is a version that must have been agreed to, at Since or after it.
type Need struct {
	Form    string
	Version int
	Since   int64
}

// A ReceiptQuery selects receipts; empty fields select all.
type ReceiptQuery struct {
	Practice      string // always set
	ID            string
	Person        string
	Conversations []string // if not nil
	Form          string
	Version       int
	After         uint64 // Sequence
	Limit         int
}

// A ReceiptCount is how many agreed to a version, and how many of those who
// did have taken it back.
type ReceiptCount struct {
	Form             string
	Version          int
	Given, Withdrawn int
}
