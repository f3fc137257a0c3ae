package device

import (
	"context"
	"errors"

	"github.com/sotto-health/sotto/api"
)

// A failureError is an error whose [Failure] is known.
type failureError struct {
	failure Failure
	err     error
}

func (e *failureError) Error() string {
	if e.err == nil {
		return "device: " + string(e.failure)
	}
	return "device: " + string(e.failure) + ": " + e.err.Error()
}

func (e *failureError) Unwrap() error { return e.err }

func fail(f Failure, err error) error { return &failureError{f, err} }

// FailureOf says what a page may know of err, and is the only code that does.
func FailureOf(err error) Failure {
	var known *failureError
	var problem *api.Problem
	switch {
	case errors.As(err, &known):
		return known.failure
	case errors.As(err, &problem):
		return failureOfCode(problem.Code)
	case errors.Is(err, context.Canceled):
		return FailureCancelled
	default:
		return FailureInternal
	}
}

func failureOfCode(code api.Code) Failure {
	switch code {
	case api.CodeUnauthenticated:
		return FailureSignedOut
	case api.CodeForbidden, api.CodeNotAMember, api.CodeConsentMissing:
		return FailureNotAMember
	case api.CodeConsentWithdrawn:
		return FailureConsentWithdrawn
	case api.CodeClosed:
		return FailureClosed
	case api.CodeNotFound:
		return FailureNotFound
	case api.CodeTaken:
		return FailureTaken
	case api.CodeTooLarge:
		return FailureTooLarge
	case api.CodeRateLimited:
		return FailureRateLimited
	case api.CodeUnavailable, api.CodeFull:
		return FailureOffline
	default:
		return FailureInternal
	}
}

// lasting reports whether the hub's refusal of a frame will not go away by
// itself, so that the message fails and the person decides.
func lasting(err error) bool {
	var problem *api.Problem
	if !errors.As(err, &problem) {
		return false
	}
	switch problem.Code {
	case api.CodeUnauthenticated, api.CodeRateLimited, api.CodeUnavailable, api.CodeFull, api.CodeInternal, api.CodeStaleEpoch:
		return false
	default:
		return true
	}
}

// codeOf returns the hub's code, or "" if err is no refusal of the hub.
func codeOf(err error) api.Code {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return problem.Code
	}
	return ""
}
