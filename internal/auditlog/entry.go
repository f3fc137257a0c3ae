package auditlog

import "github.com/sotto-health/sotto/internal/audit"

// An Entry is one event with its place in a log.
type Entry struct {
	Leaf  int64 // its number, from 0
	Event audit.Event
	// Salt and the event make up the commitment.
	Salt       audit.Salt
	Commitment audit.Commitment
	// Erased says that the event and its salt are gone. The tree stands.
	Erased bool
}

// Check returns a [*DamageError] if the event is not the one that was logged.
func (e *Entry) Check() error {
	if d := e.damage(); d != nil {
		return d
	}
	return nil
}

func (e *Entry) damage() *DamageError {
	if e.Erased {
		return nil
	}
	encoded, err := e.Event.Encode()
	if err != nil {
		return &DamageError{What: "entry", At: e.Leaf, How: "is no longer an event"}
	}
	if audit.Commit(e.Salt, encoded) != e.Commitment {
		return &DamageError{What: "entry", At: e.Leaf, How: "was changed"}
	}
	return nil
}

// A Head is how a log stands.
type Head struct {
	Size int64
	Root Hash
}
