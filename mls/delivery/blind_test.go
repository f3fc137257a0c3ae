package delivery_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBlind fails if a program that links this package comes to hold the code
// of MLS that decrypts. (The standard library's ECDSA draws its nonces with
// AES, so crypto/cipher is always there.)
func TestBlind(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if dep == "crypto/hpke" || strings.HasSuffix(dep, "/chacha20poly1305") || strings.HasSuffix(dep, "/mls/internal/secret") || strings.HasSuffix(dep, "/mls") {
			t.Errorf("package delivery imports %s", dep)
		}
	}
}
