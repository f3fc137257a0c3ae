//go:build linux

package proof

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// notRun skips a test for what this machine lacks, and adds it to the file of
// those that did not run, if scripts/test names one: its summary shows them.
func notRun(t *testing.T, why string, args ...any) {
	t.Helper()
	why = fmt.Sprintf(why, args...)
	if list := os.Getenv("SOTTO_NOT_RUN"); list != "" {
		f, err := os.OpenFile(list, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(why, "\n")
		_, err = fmt.Fprintf(f, "%s: %s\n", t.Name(), first)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Skip(why)
}
