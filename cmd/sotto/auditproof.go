package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sotto-health/sotto/internal/auditlog"
)

// verifyProofs checks proofs of single entries, and prints the entries.
func verifyProofs(files []string, keys map[string]string, out io.Writer) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p, err := auditlog.ReadEntryProof(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		c, err := p.Check(keys)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		event := string(p.Encoded)
		if event == "" {
			event = "The event was erased; its place stands."
		}
		fmt.Fprintf(out, "entry %d is one of the %d that %s signed:\n%s\n", p.Number, c.Size, c.Origin, event)
	}
	_, err := fmt.Fprintln(out, "Each entry is as it was written.")
	return err
}
