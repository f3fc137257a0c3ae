//go:build linux

package proof

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCurlOfTheDocumentation runs the commands of docs/api.md, "With curl",
// against a demo: each answers, and a guest and a file come of them.
func TestCurlOfTheDocumentation(t *testing.T) {
	for _, name := range []string{"bash", "curl", "jq", "openssl", "python3"} {
		if _, err := exec.LookPath(name); err != nil {
			notRun(t, "the commands of docs/api.md: no %s here", name)
		}
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## With curl\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1)
	if len(blocks) != 3 {
		t.Fatalf("docs/api.md has %d blocks of commands with curl; want 3", len(blocks))
	}

	data, address, folder := t.TempDir(), freeAddress(t), t.TempDir()
	start(t, "sotto", "--data", data, "serve", "--demo", "--log-level", "error", "--listen", address, "--clinic-listen", freeAddress(t))
	awaitReady(t, address)
	url := "http://" + address
	shell := func(commands string, env ...string) string {
		t.Helper()
		// A refusal ends it, which the commands themselves do not look for.
		const strict = "set -euxo pipefail\ncurl() { command curl -S --fail-with-body --max-time 60 \"$@\"; }\n"
		cmd := exec.CommandContext(t.Context(), "bash", "-c", strict+commands)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
		var problems bytes.Buffer
		cmd.Stderr = &problems
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s%s", err, out, &problems)
		}
		return string(out)
	}

	guest := strings.Replace(blocks[0][1]+blocks[1][1], "http://localhost:8480", url, 1)
	if out := shell(guest); !strings.Contains(out, `"nonce"`) || !strings.Contains(out, `"certificate"`) || !strings.Contains(out, `"ready"`) {
		t.Errorf("no challenge, no device of its own, or no events:\n%s", out)
	}

	patient := newPatient(t, url)
	sealed := make([]byte, 2_000_000)
	_, _ = rand.Read(sealed) // never fails
	if err := os.WriteFile(filepath.Join(folder, "sealed"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	id := patient.open("Sam")
	eventually(t, "the hub has the conversation", func() error {
		_, err := patient.client.Conversation(t.Context(), id)
		return err
	})
	out := shell(blocks[2][1], "HUB="+url, "C="+id, "TOKEN="+patient.client.Token())
	if part, err := os.ReadFile(filepath.Join(folder, "part")); err != nil || !bytes.Equal(part, sealed[:65536]) {
		t.Errorf("%d bytes of the file came back, %v:\n%s", len(part), err, out)
	}
}
