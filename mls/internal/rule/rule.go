// Package rule is the error for a message that is well formed and breaks a
// rule of RFC 9420. The public packages give it to their users under their own
// names.
package rule

import "fmt"

// A ValidationError says which rule of RFC 9420 something breaks. The file
// docs/mls-validation.md lists all rules and the test of each.
type ValidationError struct {
	// Rule is the section of RFC 9420 and the number we gave the rule in it,
	// such as "12.2-3".
	Rule string
	// Detail says what broke the rule, without quoting any content.
	Detail string
	// Err is the cause, if something else refused: a validator of credentials,
	// or the verification of a signature.
	Err error
}

// Error returns the rule and the detail.
func (e *ValidationError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("mls: rule %s: %s: %v", e.Rule, e.Detail, e.Err)
	}
	return fmt.Sprintf("mls: rule %s: %s", e.Rule, e.Detail)
}

// Unwrap returns the cause.
func (e *ValidationError) Unwrap() error { return e.Err }

// Broken returns an error for the rule called name.
func Broken(name, format string, args ...any) error {
	return &ValidationError{Rule: name, Detail: fmt.Sprintf(format, args...)}
}

// Because returns an error for the rule called name that cause broke.
func Because(name string, cause error, format string, args ...any) error {
	return &ValidationError{Rule: name, Detail: fmt.Sprintf(format, args...), Err: cause}
}
