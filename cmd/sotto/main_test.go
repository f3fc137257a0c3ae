package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/demo"
)

// sotto runs the program and returns what it printed.
func sotto(t *testing.T, data string, args ...string) (stdout string, err error) {
	t.Helper()
	var out, problems bytes.Buffer
	err = run(t.Context(), append([]string{"--data", data}, args...), &out, &problems)
	return out.String(), err
}

// does runs the program, which must succeed and print all of want.
func does(t *testing.T, data string, args []string, want ...string) string {
	t.Helper()
	out, err := sotto(t, data, args...)
	if err != nil {
		t.Fatalf("sotto %s: %v", strings.Join(args, " "), err)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("sotto %s: no %q in\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

// refuses runs the program, which must fail and say why.
func refuses(t *testing.T, data string, args []string, why string) {
	t.Helper()
	_, err := sotto(t, data, args...)
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("sotto %s: got %v, want an error with %q", strings.Join(args, " "), err, why)
	}
}

func words(line string) []string { return strings.Fields(line) }

// practiceFile writes the demo practice's file, changed, and returns its path.
func practiceFile(t *testing.T, old, replacement string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "practice.json")
	text := strings.Replace(string(demo.PracticeFile), old, replacement, 1)
	if old != "" && text == string(demo.PracticeFile) {
		t.Fatalf("the practice file does not hold %q", old)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPracticeApply(t *testing.T) {
	data := t.TempDir()
	out := does(t, data, []string{"practice", "apply", practiceFile(t, "", "")}, "/c/riverside", "dana.ortiz", "works once")
	if links := regexp.MustCompile(`/staff/#setup=\S{20,}`).FindAllString(out, -1); len(links) != 7 {
		t.Errorf("%d set-up links for 7 staff:\n%s", len(links), out)
	}
	if again := does(t, data, []string{"practice", "apply", practiceFile(t, "+1 555 0100", "+1 555 0199")}, "/c/riverside"); strings.Contains(again, "setup=") {
		t.Errorf("known staff get new links:\n%s", again)
	}
	refuses(t, data, []string{"practice", "apply", practiceFile(t, "Before we start", "Before we begin")}, "give it a new version")
	if second := does(t, data, []string{"practice", "apply", practiceFile(t, `"version": 1`, `"version": 2`)}, "Version 2 of the consent form waits", "#/consents"); strings.Contains(second, "setup=") {
		t.Errorf("known staff get new links:\n%s", second)
	}
	refuses(t, data, []string{"practice", "apply", practiceFile(t, `"version": 1`, `"version": 3`)}, "another version of the consent form waits")
	refuses(t, data, []string{"practice", "apply", practiceFile(t, `"risks"`, `"risk"`)}, "risk")
	refuses(t, data, []string{"practice", "apply", practiceFile(t, `"country": "US"`, `"country": "USA"`)}, "country")
	refuses(t, data, []string{"practice", "apply", practiceFile(t, `"demo": true`, `"dmeo": true`)}, "dmeo")
	refuses(t, data, []string{"practice", "apply", filepath.Join(data, "none.json")}, "none.json")

	pin := strings.TrimSpace(does(t, data, words("practice pin riverside")))
	if hash, err := base64.StdEncoding.DecodeString(pin); err != nil || len(hash) != 32 {
		t.Errorf("pin %q is no SHA-256: %v", pin, err)
	}
	refuses(t, data, words("practice pin elsewhere"), "no keeper")
}

func TestStaff(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	staff := func(line string) []string { return append(words("staff --practice riverside"), words(line)...) }
	does(t, data, staff("list"), "dana.ortiz", "samuel.lee", "kim.tran", "Dana Ortiz", "enabled")

	add := append(staff("add ana.cruz --title Nurse"), "--name", "Ana Cruz")
	first := does(t, data, add, "/staff/#setup=", "Ana Cruz")
	does(t, data, staff("list"), "ana.cruz")
	refuses(t, data, add, "somebody has that login")
	if second := does(t, data, staff("link ANA.CRUZ"), "/staff/#setup="); second == first {
		t.Error("the same link twice")
	}
	refuses(t, data, staff("link nobody"), "nobody has that login")

	does(t, data, staff("disable ana.cruz"), "ana.cruz is disabled")
	list := does(t, data, staff("list"))
	if !regexp.MustCompile(`(?m)^ana\.cruz .* disabled$`).MatchString(list) || !regexp.MustCompile(`(?m)^dana\.ortiz .* enabled$`).MatchString(list) {
		t.Errorf("one is disabled:\n%s", list)
	}
	refuses(t, data, staff("disable nobody"), "nobody has that login")
	refuses(t, data, staff("disable pat.rivera"), "pat.rivera is the last administrator")
	refuses(t, data, staff("disable --last dana.ortiz"), "dana.ortiz is not the last administrator")
	if log := does(t, data, words("audit list --json --kind person.disabled")); strings.Contains(log, "last-administrator") {
		t.Errorf("nobody was meant to be the last:\n%s", log)
	}
	does(t, data, staff("disable --last pat.rivera"), "pat.rivera is disabled")
	does(t, data, words("audit list --json --kind person.disabled"), `"last-administrator"`)
	for _, line := range []string{"staff --practice elsewhere list", "patient --practice elsewhere pin 1", "directory --practice elsewhere tokens", "consent export elsewhere"} {
		refuses(t, data, words(line), `there is no practice "elsewhere"`)
	}
	refuses(t, data, words("staff list"), "--practice")
}

// TestWrongFolder gives a folder that holds nothing: the error names the
// mistake, and nothing is made there.
func TestWrongFolder(t *testing.T) {
	for _, line := range []string{"staff --practice riverside list", "consent export riverside", "record list", "record verify", "record show --purpose operations c_x", "practice pin riverside"} {
		data := filepath.Join(t.TempDir(), "mistyped")
		refuses(t, data, words(line), "there is no")
		if _, err := os.Stat(data); err == nil {
			t.Errorf("sotto %s made the folder", line)
		}
	}
}

func TestHelp(t *testing.T) {
	does(t, t.TempDir(), words("--help"), "serve", "practice", "staff", "record", "bench", "SOTTO_DATA", "end-to-end encrypted")
	does(t, t.TempDir(), words("record --help"), "list", "show", "verify")
	does(t, t.TempDir(), words("record show --help"), "treatment", "court")
	does(t, t.TempDir(), words("serve --help"), "--tls-cert", "--demo", "--metrics-listen")
	if out := does(t, t.TempDir(), words("serve --help")); strings.Contains(out, "unlimited") {
		t.Errorf("help tells of what is for measurements:\n%s", out)
	}
	does(t, t.TempDir(), words("version"), "sotto ")
	refuses(t, t.TempDir(), words("sreve"), "sreve")
	refuses(t, t.TempDir(), words("serve --tls-cert main.go"), "belong together")
}

// TestT54WeakeningIsNamed: a practice file that protects less than before changes
// nothing until each weakened setting is named, and the log tells which were.
func TestT54WeakeningIsNamed(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	weaker := practiceFile(t, "{", `{"idle_minutes":{"staff":20},"reviews":{"access_days":180},"access":{"password":{"min_length":12}},`)
	refuses(t, data, []string{"practice", "apply", weaker}, "idle-staff: 20, was 10")
	refuses(t, data, []string{"practice", "apply", weaker}, "access-review-days: 180, was 90")
	refuses(t, data, []string{"practice", "apply", weaker, "--weaken", "idle-staff"}, "--weaken access-review-days")
	if out := does(t, data, words("audit list --practice riverside --kind practice.configured")); strings.Contains(out, "idle-staff") {
		t.Errorf("refused, and done:\n%s", out)
	}
	does(t, data, []string{"practice", "apply", weaker, "--weaken", "idle-staff,access-review-days"})
	does(t, data, words("audit list --practice riverside --kind practice.configured --json"), "idle-staff=10:20:weaker", "access-review-days=90:180:weaker", "password-length=8:12")
	does(t, data, []string{"practice", "apply", practiceFile(t, "{", `{"access":{"password":{"min_length":12}},`)}) // stronger again
}

// TestRequestsAtTheServer: what waits for a second person can be answered there,
// and what there is not, not.
func TestRequestsAtTheServer(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	if out := does(t, data, words("staff --practice riverside requests")); out != "" {
		t.Errorf("nothing waits, and it says %q", out)
	}
	refuses(t, data, words("staff --practice riverside approve q_none"), "no such request")
}
