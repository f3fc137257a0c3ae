package main

import (
	"archive/zip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/doctor"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/installation"
)

func TestControlsCommand(t *testing.T) {
	data := t.TempDir()
	refuses(t, filepath.Join(data, "mistyped"), words("controls"), "there is no installation")
	h, err := (&commands{Data: data}).openHub(t.Context(), hub.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	refuses(t, data, words("controls"), "there is no practice yet")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})

	text, err := sotto(t, data, words("controls")...)
	if err == nil || !strings.Contains(err.Error(), "fall short") || !strings.Contains(text, "helps you meet") {
		t.Errorf("%v\n%s", err, text)
	}
	out, _ := sotto(t, data, words("controls --json")...)
	var report struct {
		Controls []api.Control
		Run      api.ControlRun
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Controls) != len(report.Run.Results) || len(report.Controls) < 60 {
		t.Errorf("%v: %d controls, %d results", err, len(report.Controls), len(report.Run.Results))
	}
	if all, _ := sotto(t, data, words("controls --all")...); !strings.Contains(all, "proved by internal/policy.TestMatrix\n") {
		t.Errorf("no test of its package in\n%s", all)
	}
	if lines := strings.Count(does(t, data, words("controls history"), "met"), "\n"); lines != 3 {
		t.Errorf("%d looks are kept, want 3", lines)
	}
	refuses(t, data, words("controls --practice elsewhere"), "no practice")

	file := filepath.Join(t.TempDir(), "evidence.zip")
	out = does(t, data, []string{"controls", "pack", file}, "sotto controls verify")
	key := regexp.MustCompile(`--key '(.+)'`).FindStringSubmatch(out)[1]
	does(t, data, words("controls key"), key)
	if made := does(t, data, words("audit list --kind key.made"), "evidence"); strings.Count(made, "evidence") != 1 {
		t.Errorf("that the key was made is in the log as\n%s", made)
	}
	does(t, t.TempDir(), []string{"controls", "verify", file, "--key", key}, "as it was made for Riverside Family Clinic")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, data, []string{"controls", "verify", file, "--key", key}, "not valid")
}

// TestCryptographyIsAsked: what the running server offers, and how the database's
// file begins, is what the map says.
func TestCryptographyIsAsked(t *testing.T) {
	data := t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	found := func() map[string]string {
		out, _ := sotto(t, data, words("controls --json")...)
		var report struct{ Run api.ControlRun }
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		codes := map[string]string{}
		for _, r := range report.Run.Results {
			for _, f := range r.Findings {
				codes[f.Evidence] = f.Words[0].Code
			}
		}
		return codes
	}
	if codes := found(); codes["suite"] != "suite.unasked" || codes["database-encrypted"] != "database.encrypted" {
		t.Errorf("at rest: %v", codes)
	}
	serving(t, data)
	if codes := found(); codes["suite"] != "suite.quantum" {
		t.Errorf("while it runs: %v", codes)
	}
}

// TestServicesAreNamedWithoutSecrets sets up mail, text messages and an
// identity provider: each is named where the installation is described and
// judged, and nothing of what opens them is.
func TestServicesAreNamedWithoutSecrets(t *testing.T) {
	const canary = "canary"
	data, folder := t.TempDir(), t.TempDir()
	settings, picture, zipped := filepath.Join(folder, "sms.json"), filepath.Join(folder, "flows.svg"), filepath.Join(folder, "evidence.zip")
	gateway := `{"url": "https://canary-a:canary-b@sms.provider.example:8443/canary-c/Messages?key=canary-d", "headers": {"X-Key": "canary-e"},
		"user": "canary-f", "password": "canary-g", "fields": {"Body": "{text}", "Token": "canary-h"}}`
	if err := os.WriteFile(settings, []byte(gateway), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOTTO_SMTP", "smtps://canary-i:canary-j@mail.provider.example:4650/canary-k")
	t.Setenv("SOTTO_SMTP_FROM", "canary-l@clinic.example")
	t.Setenv("SOTTO_SMS", settings)
	t.Setenv("CLIENT_SECRET", "canary-m")
	sso := `"access": {"sso": {"name": "Account", "issuer": "https://login.provider.example/canary-n", "client_id": "canary-o", "client_secret_env": "CLIENT_SECRET", "only": true}}, `
	portal := `"identity": {"portal": {"name": "MyClinic", "issuer": "https://portal.provider.example/canary-p", "client_id": "canary-q", "client_secret_env": "CLIENT_SECRET", "fhir": "https://fhir.provider.example/canary-r"}}, `
	does(t, data, []string{"practice", "apply", practiceFile(t, `"demo": true`, sso+portal+`"demo": true`)})
	serving(t, data)

	shown := map[string]string{"inventory": does(t, data, []string{"inventory", "--svg", picture}), "inventory as JSON": does(t, data, words("inventory --json"))}
	shown["controls"], _ = sotto(t, data, words("controls --all")...)
	shown["controls as JSON"], _ = sotto(t, data, words("controls --json")...)
	does(t, data, []string{"controls", "pack", zipped})
	for name, file := range map[string]string{"picture": picture, "note of the server": filepath.Join(data, "hub", "running.json")} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown[name] = string(b)
	}
	z, err := zip.OpenReader(zipped)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		b, err := fs.ReadFile(z, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		shown[f.Name] = string(b)
	}
	var evidence struct{ Facts installation.Facts }
	if err := json.Unmarshal([]byte(shown["evidence.json"]), &evidence); err != nil {
		t.Fatal(err)
	}
	if p := evidence.Facts.Practices[0].Provider; p == nil || *p != (installation.Provider{Host: "login.provider.example", Only: true, TwoFactors: true}) {
		t.Errorf("the provider is %+v", p)
	}
	if all, known := evidence.Facts.Messengers(); !known || len(all) != 2 {
		t.Errorf("the messengers are %+v, known: %v", all, known)
	}
	for where, text := range shown {
		if strings.Contains(text, canary) {
			t.Errorf("%s: a secret is in it:\n%s", where, text)
		}
		hosts := []string{"mail.provider.example", "sms.provider.example", "login.provider.example", "portal.provider.example", "fhir.provider.example"}
		switch where {
		case "manifest.txt", "README.txt", "evidence.pdf": // hashes, words, and what is compressed
			hosts = nil
		case "note of the server":
			hosts = hosts[:2] // it is not of a practice
		}
		for _, h := range hosts {
			if !strings.Contains(text, h) {
				t.Errorf("%s does not name %s", where, h)
			}
		}
	}
	levels, _ := diagnose(t, data)
	if levels["links"] != doctor.Warn {
		t.Errorf("that links are not sent is %q", levels["links"])
	}
}

func TestInventoryCommand(t *testing.T) {
	data, picture := t.TempDir(), filepath.Join(t.TempDir(), "flows.svg")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	does(t, data, []string{"inventory", "--svg", picture}, "hub/database.key", "Record keeper", "Hub's database (SQLite)", "->")
	does(t, data, words("inventory --json"), `"flows"`)
	if b, err := os.ReadFile(picture); err != nil || !strings.HasPrefix(string(b), "<svg ") {
		t.Errorf("%v: %.20q", err, b)
	}

	// Where the audit log goes beside the database is known while a server runs.
	log := t.TempDir()
	serving(t, data, "--audit-archive", filepath.Join(log, "log"), "--audit-checkpoints", filepath.Join(log, "heads"))
	does(t, data, words("inventory --json"), `"id": "audit-archive"`, `"to": "audit-archive"`, `"id": "audit-checkpoints"`, `"to": "audit-checkpoints"`, `"id": "audit-log"`)
	if out, _ := sotto(t, data, words("controls --json")...); !strings.Contains(out, "The oldest entry of the audit log is its first") {
		t.Errorf("how old the log is is not said:\n%s", out)
	}
	var all struct {
		Assets []struct {
			ID    string `json:"id"`
			Bytes int64  `json:"bytes"`
		} `json:"assets"`
	}
	appears(t, filepath.Join(log, "log", "riverside", "checkpoint"))
	if err := json.Unmarshal([]byte(does(t, data, words("inventory --json"))), &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all.Assets {
		if (a.ID == "audit-log" || a.ID == "audit-archive") && a.Bytes < 500 {
			t.Errorf("%s takes %d bytes", a.ID, a.Bytes)
		}
	}
}
