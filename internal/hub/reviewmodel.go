package hub

import (
	"cmp"
	"context"
	"time"
)

// Reviews is how often a practice looks again at who may do what, and at its log.
type Reviews struct {
	// AccessDays is how long a confirmation of somebody's access holds. Zero
	// means 90.
	AccessDays int
	// ActivityDays is how long the periods are of which the log is signed off.
	// Zero means 30.
	ActivityDays int
}

// Bounds and usual values of [Reviews], days.
const (
	LeastAccessDays = 30
	MostAccessDays  = 365
	usualAccessDays = 90

	LeastActivityDays = 7
	MostActivityDays  = 92
	usualActivityDays = 30
)

// Days is how long a confirmation holds.
func (r Reviews) Days() int { return cmp.Or(r.AccessDays, usualAccessDays) }

// LogDays is how long a period of the log is.
func (r Reviews) LogDays() int { return cmp.Or(r.ActivityDays, usualActivityDays) }

func (r Reviews) access() time.Duration { return time.Duration(r.Days()) * 24 * time.Hour }

// An AccessReview is one time that somebody confirmed what a person may do, and
// what that was.
type AccessReview struct {
	ID          string
	Practice    string
	Person      string
	Role        string
	Queues      []string // given one by one
	Departments []string
	Reviewer    string // person
	ReviewedAt  int64
}

// AccessReviews keeps who confirmed whose access, for ever.
type AccessReviews interface {
	// ReviewsBegan returns since when the practice's reviews are due: now, for
	// the first who asks, and the same for everybody from then on.
	ReviewsBegan(ctx context.Context, practice string, now int64) (int64, error)
	// ConfirmAccess calls confirm with each person as they are, and keeps what it
	// returns: all, or none if it returns an error. No other change of the
	// practice's people comes in between. confirm may run again.
	ConfirmAccess(ctx context.Context, practice string, persons []string, confirm func(Person) (AccessReview, error)) error
	// AccessReviews lists a practice's from since on, newest first.
	AccessReviews(ctx context.Context, practice string, since int64, limit int) ([]AccessReview, error)
	// AccessConfirmed returns the newest of each staff person, by their id; who
	// has none is left out.
	AccessConfirmed(ctx context.Context, practice string) (map[string]AccessReview, error)
	// LastSignIns tells when each staff person last signed in, by their id; who
	// did not as far back as is kept is left out.
	LastSignIns(ctx context.Context, practice string) (map[string]int64, error)
}

// An ActivityReview is one time that somebody signed off that they had looked at
// the log of a period.
type ActivityReview struct {
	Practice    string
	From, Until int64 // of the period
	Reviewer    string
	Note        string // what they found
	SignedAt    int64
}

// ActivityReviews keeps who looked at the log, for ever.
type ActivityReviews interface {
	// AddActivityReview gives [ErrConflict] if a part of the period is signed off.
	AddActivityReview(ctx context.Context, r ActivityReview) error
	// ActivityReviews lists a practice's of periods from since on, oldest first.
	ActivityReviews(ctx context.Context, practice string, since int64) ([]ActivityReview, error)
	// CountLog counts the entries of each kind in the practice's log that are at
	// from or later and before until. A kind without any is left out.
	CountLog(ctx context.Context, practice string, kinds []string, from, until int64) (map[string]int64, error)
}
