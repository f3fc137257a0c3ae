package password

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFIPSMode: where the program runs in FIPS 140-3 mode, new passwords are
// hashed by PBKDF2, which is approved (SP 800-132), and not by argon2id, which
// is not; nothing has to be set for it. It runs itself again in that mode.
func TestFIPSMode(t *testing.T) {
	if !fips140.Enabled() {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPSMode$")
		again.Env = append(os.Environ(), "GODEBUG=fips140=on")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// What is stored when nothing is set (OWASP Password Storage Cheat Sheet).
	usual, err := NewHasher(Cost{}).Hash(t.Context(), "a good one")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]string{true: "$i=600000$", false: "$m=47104,t=1,p=1$"}[fips140.Enabled()]; !strings.Contains(usual, want) {
		t.Errorf("FIPS mode %v: %.40s, want %s", fips140.Enabled(), usual, want)
	}
	encoded, err := NewHasher(cheap).Hash(t.Context(), "a good one")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]string{true: "$pbkdf2-sha256$", false: "$argon2id$"}[fips140.Enabled()]; !strings.HasPrefix(encoded, want) {
		t.Errorf("FIPS mode %v: %.20s", fips140.Enabled(), encoded)
	}
}
