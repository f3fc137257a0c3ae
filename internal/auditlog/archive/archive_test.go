package archive

import (
	"bytes"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
)

// FuzzLine: a line that checks is the line that was written, to the byte.
func FuzzLine(f *testing.F) {
	e := auditlog.Entry{Leaf: 5, Salt: audit.NewSalt(), Event: audit.New(f.Context(), 1, audit.Actor{Practice: "t_a", Role: audit.Operator}, audit.PeopleListed, "")}
	encoded, err := e.Event.Encode()
	if err != nil {
		f.Fatal(err)
	}
	e.Commitment = audit.Commit(e.Salt, encoded)
	line, err := formatLine(&e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"number":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got := parseLine(line)
		if got.Erased || got.Check() != nil {
			return
		}
		again, err := formatLine(&got)
		if err != nil || !bytes.Equal(again, line) {
			t.Errorf("%q was read as %q, %v", line, again, err)
		}
	})
}
