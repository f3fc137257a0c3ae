package mls_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"
)

// TestInFIPSMode runs this package's own tests again in Go's FIPS 140-3 mode,
// in which the server and the keeper run.
func TestInFIPSMode(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("already in FIPS mode")
	}
	if testing.Short() {
		t.Skip("runs the tests twice")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.short", "-test.skip=InFIPSMode|Transcript|Fuzz")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=on")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
