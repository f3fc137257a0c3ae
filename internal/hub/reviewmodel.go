package hub

import (
	"cmp"
	"context"
	"time"
)

// Reviews is how often a practice looks again at who may do what.
type Reviews struct {
	// AccessDays is how long a confirmation of somebody's access holds. Zero
	// means 90.
	AccessDays int
}

// Bounds and usual values of [Reviews], days.
const (
	LeastAccessDays = 30
	MostAccessDays  = 365
	usualAccessDays = 90
)

// Days is how long a confirmation holds.
func (r Reviews) Days() int { return cmp.Or(r.AccessDays, usualAccessDays) }

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
