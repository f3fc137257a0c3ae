package hub

import (
	"context"

	"github.com/sotto-health/sotto/internal/audit/alert"
)

// An Alert is something in the log that somebody should look at.
type Alert struct {
	ID       string
	Practice string
	alert.Alert
	RaisedAt int64
	AlertReview
}

// An AlertReview is what somebody found; the zero value if nobody looked.
type AlertReview struct {
	Verdict    string // VerdictFine ...
	Note       string
	Reviewer   string // person
	ReviewedAt int64
}

// A PatientWatch has the log searched for who sees a patient.
type PatientWatch struct {
	ID       string
	Practice string
	alert.Watch
	Reason  string // a code
	AddedBy string // person
	AddedAt int64
}

// A LogSearch is how far a practice's log was searched, and what is remembered
// of its staff.
type LogSearch struct {
	Position int64 // number of the next entry
	State    []byte
}

// Alerts keeps what was found in the logs, for ever.
type Alerts interface {
	// LogSearch returns the zero value before the first.
	LogSearch(ctx context.Context, practice string) (LogSearch, error)
	// SaveLogSearch keeps how far the log was searched and what was found, in one
	// transaction. It gives [ErrConflict] if the position is not before: another
	// hub was there first.
	SaveLogSearch(ctx context.Context, practice string, before int64, now LogSearch, found []Alert) error
	// Alerts lists a practice's newest, from since on.
	Alerts(ctx context.Context, practice string, since int64, limit int) ([]Alert, error)
	// OpenAlerts lists those at which nobody has looked, oldest first.
	OpenAlerts(ctx context.Context, practice string) ([]Alert, error)
	// CountOpenAlerts counts those that are not about a person.
	CountOpenAlerts(ctx context.Context, practice, person string) (int, error)
	// ReviewAlert gives [ErrForbidden] if it is about the reviewer, and
	// [ErrConflict] if it was found fine.
	ReviewAlert(ctx context.Context, practice, id string, r AlertReview) (Alert, error)

	// AddPatientWatch gives [ErrExists] if there is one of both already.
	AddPatientWatch(ctx context.Context, w PatientWatch) error
	EndPatientWatch(ctx context.Context, practice, id string) error
	PatientWatch(ctx context.Context, practice, id string) (PatientWatch, error)
	// PatientWatches lists a practice's, oldest first.
	PatientWatches(ctx context.Context, practice string) ([]PatientWatch, error)
}
