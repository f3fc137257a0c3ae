//go:build linux

package proof

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchRuns measures for a moment, so that the measuring itself works when
// somebody wants to know. What comes out depends on the machine, and is not
// looked at.
func TestBenchRuns(t *testing.T) {
	out, err := exec.Command(filepath.Join(programs, "sotto"), "bench", "--conversations", "2", "--duration", "500ms", "--idle", "8").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"as many as possible", "half of that", "messages/s decrypted", "p99", "processor a message: clients", "bytes a message", "the hub alone", "frames/s on disk", "bytes a connection", "events/s recorded and numbered", "auditing takes"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
}
