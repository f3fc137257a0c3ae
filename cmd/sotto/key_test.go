package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/doctor"
)

// TestT54LostHubKeys: a key of the hub's that is lost is found and named, and
// none is made in its place but by a command that the audit log tells of.
func TestT54LostHubKeys(t *testing.T) {
	for _, name := range []string{"audit", "factors", "patients"} {
		t.Run(name, func(t *testing.T) {
			data, _ := newRecord(t)
			key := filepath.Join(data, "hub", name+".key")
			refuses(t, data, words("key replace "+name), "only one that is lost is replaced")
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
			refuses(t, data, words("audit list"), "hub/"+name+".key is lost")
			if levels, _ := diagnose(t, data); levels["keys"] != doctor.Fail {
				t.Errorf("the doctor: %q", levels)
			}
			if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("another was made: %v", err)
			}
			does(t, data, words("key replace "+name), "the audit log says so")
			does(t, data, words("audit list --kind key.replaced"), "operator", name)
			if levels, _ := diagnose(t, data); levels["keys"] != doctor.OK {
				t.Errorf("the doctor, after: %q", levels)
			}
			refuses(t, data, words("key replace "+name), "only one that is lost is replaced")
		})
	}
}

// TestT54LostEvidenceKey: once packs were signed, or the key's public part was
// given out, no other is made in its place without a word either.
func TestT54LostEvidenceKey(t *testing.T) {
	data, _ := newRecord(t)
	key, pack := filepath.Join(data, "hub", "evidence.key"), filepath.Join(t.TempDir(), "evidence.zip")
	does(t, data, []string{"controls", "pack", pack})
	first := does(t, data, words("controls key"))
	refuses(t, data, words("key replace evidence"), "only one that is lost is replaced")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refuses(t, data, words("controls key"), "hub/evidence.key is lost")
	refuses(t, data, []string{"controls", "pack", pack + "2"}, "hub/evidence.key is lost")
	if levels, _ := diagnose(t, data); levels["keys"] != doctor.Fail {
		t.Errorf("the doctor: %q", levels)
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("another was made: %v", err)
	}
	does(t, data, words("key replace evidence"), "the audit log says so")
	does(t, data, words("audit list --kind key.replaced"), "operator", "evidence")
	if levels, _ := diagnose(t, data); levels["keys"] != doctor.OK {
		t.Errorf("the doctor, after: %q", levels)
	}
	if again := does(t, data, words("controls key")); again == first {
		t.Error("the key is the same")
	}
}

// TestOldKeysAreChanged: what the doctor says of an old key ends the finding, for
// who does it. That of patients.key is none: another one locks patients out.
func TestOldKeysAreChanged(t *testing.T) {
	data, _ := newRecord(t)
	does(t, data, words("controls key")) // which makes it
	old := func(name string) string {
		key := filepath.Join(data, "hub", name+".key")
		write(t, regexp.MustCompile(`(?m)^# Made on .*$`).ReplaceAll(read(t, key), []byte("# Made on 2020-01-02")), key)
		return key
	}
	for _, name := range []string{"audit", "factors", "evidence"} {
		key := old(name)
		if said, _ := sotto(t, data, words("doctor")...); !strings.Contains(said, "run sotto key replace "+name) {
			t.Errorf("the doctor of an old %s.key:\n%s", name, said)
		}
		if err := os.Rename(key, filepath.Join(t.TempDir(), "old")); err != nil {
			t.Fatal(err)
		}
		does(t, data, words("key replace "+name), "the audit log says so")
		if levels, _ := diagnose(t, data); levels["key-age"] != "" || levels["keys"] != doctor.OK {
			t.Errorf("the doctor of a new %s.key: %q", name, levels)
		}
	}
	old("patients")
	if levels, _ := diagnose(t, data); levels["key-age"] != doctor.OK {
		t.Errorf("the doctor of an old patients.key: %q", levels)
	}
	if said, _ := sotto(t, data, words("doctor")...); strings.Contains(said, "key replace patients") {
		t.Errorf("the doctor has patients.key replaced:\n%s", said)
	}
}

// TestT54AllHubKeysLost: where several are lost, none can be replaced alone, for
// the hub does not open; all together can.
func TestT54AllHubKeysLost(t *testing.T) {
	data, _ := newRecord(t)
	lost := func(name string) string { return filepath.Join(data, "hub", name+".key") }
	for _, name := range []string{"audit", "factors"} {
		if err := os.Remove(lost(name)); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, data, words("key replace audit"), "hub/factors.key is lost")
	if _, err := os.Stat(lost("audit")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a key was made that the log does not tell of: %v", err)
	}
	does(t, data, words("key replace audit factors"), "hub/audit.key", "hub/factors.key")
	does(t, data, words("audit list --kind key.replaced"), "audit", "factors")
}
