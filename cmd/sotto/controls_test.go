package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
)

func TestControlsCommand(t *testing.T) {
	data := t.TempDir()
	refuses(t, filepath.Join(data, "mistyped"), words("controls"), "there is no installation")
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
	if lines := strings.Count(does(t, data, words("controls history"), "met"), "\n"); lines != 2 {
		t.Errorf("%d looks are kept, want 2", lines)
	}
	refuses(t, data, words("controls --practice elsewhere"), "no practice")

	file := filepath.Join(t.TempDir(), "evidence.zip")
	out = does(t, data, []string{"controls", "pack", file}, "sotto controls verify")
	key := regexp.MustCompile(`--key '(.+)'`).FindStringSubmatch(out)[1]
	does(t, data, words("controls key"), key)
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

func TestInventoryCommand(t *testing.T) {
	data, picture := t.TempDir(), filepath.Join(t.TempDir(), "flows.svg")
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	does(t, data, []string{"inventory", "--svg", picture}, "hub/database.key", "Record keeper", "Hub's database (SQLite)", "->")
	does(t, data, words("inventory --json"), `"flows"`)
	if b, err := os.ReadFile(picture); err != nil || !strings.HasPrefix(string(b), "<svg ") {
		t.Errorf("%v: %.20q", err, b)
	}
}
