//go:build linux

package proof

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/totp"
)

// TestBackupOfARunningServerIsRestored makes a backup while four patients and a
// nurse type, lets them go on, kills the server, and restores the backup into a
// new folder. All that was acknowledged before the backup began is there and in
// the record, once and in order; patients are told that the hub has gone back;
// chats go on; both logs say what was done, and the restored one is named as
// shorter than what was published of it.
func TestBackupOfARunningServerIsRestored(t *testing.T) {
	data, backups, heads, address := t.TempDir(), t.TempDir(), t.TempDir(), freeAddress(t)
	seen, restored := filepath.Join(t.TempDir(), "seen"), filepath.Join(t.TempDir(), "restored")
	serve := func(data string) *process {
		return start(t, "sotto", "--data", data, "serve", "--demo", "--unlimited", "--log-level", "error", "--listen", address, "--clinic-listen", freeAddress(t))
	}
	server := serve(data)
	awaitReady(t, address)
	url := "http://" + address
	load := newLoad(t, url, data, 4)
	step := totp.Step(time.Now())
	more := func(n int) {
		t.Helper()
		before := load.acknowledged()
		eventually(t, "messages get through", func() error {
			if got := load.acknowledged() - before; got < n {
				return fmt.Errorf("%d acknowledged", got)
			}
			return nil
		})
	}
	more(60)
	load.mu.Lock()
	before := maps.Clone(load.acked)
	load.mu.Unlock()
	name, _, _ := strings.Cut(run(t, "sotto", "--data", data, "--backups", backups, "backup", "make"), "\n")
	more(60)
	if out := run(t, "sotto", "--data", data, "--backups", backups, "backup", "verify", name); !strings.Contains(out, "The backup is as it was made.") {
		t.Error(out)
	}
	run(t, "sotto", "--data", data, "audit", "export", heads) // what was published elsewhere
	run(t, "sotto", "--data", data, "audit", "watch", seen, "--once")
	load.stop()
	nurse := load.people[len(load.people)-1]
	nurse.close() // her session ends with the restore
	server.kill()
	if out := run(t, "sotto", "--data", data, "audit", "list", "--kind", "backup.made"); !strings.Contains(out, name) {
		t.Errorf("the log does not say that the backup was made: %s", out)
	}

	run(t, "sotto", "--backups", backups, "backup", "restore", name, "--keys", data, "--to", restored, "--checkpoints", heads)
	passwords, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(restored, "demo.json"), passwords, 0o600); err != nil {
		t.Fatal(err)
	}
	out := run(t, "sotto", "--data", restored, "audit", "list", "--kind", "backup.restored")
	if !strings.Contains(out, name) || !strings.Contains(out, "sessions=1,known=") {
		t.Errorf("the restored log does not say so: %s", out)
	}
	old := nurse.client
	checkShorter(t, data, restored, heads, seen)

	eventually(t, "a code of another half minute", func() error {
		if totp.Step(time.Now()) == step {
			return errors.New("the same")
		}
		return nil
	})
	serve(restored)
	awaitReady(t, address)
	if _, err := old.StaffSession(t.Context()); err == nil {
		t.Error("a session of before the restore goes on")
	}
	nurse = demoStaff(t, url, restored, 0)
	patients := load.people[:len(load.people)-1]
	for i, p := range patients {
		id := load.seats[2*i].conversation
		for n := range 3 {
			p.say(id, fmt.Sprintf("patient %d after the restore: %d", i, n))
		}
		nurse.sees(id, fmt.Sprintf("patient %d after the restore: 2", i))
		nurse.say(id, "still here")
		p.sees(id, "still here")
	}
	for i, p := range patients {
		id := load.seats[2*i].conversation
		eventually(t, "the record has what was said before the backup and after", func() error {
			kept, err := recorded(restored, id)
			if err != nil {
				return err
			}
			if !slices.Contains(kept, "still here") {
				return fmt.Errorf("it has %d messages", len(kept))
			}
			return load.acknowledgedIn(before, i, kept)
		})
		lines, err := p.lines(id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(lines, func(l device.Line) bool { return l.Notice != nil && l.Notice.Rule == device.RuleRollBack }) {
			t.Errorf("patient %d is not told that messages were lost", i)
		}
	}
	eventually(t, "the record is whole, the files too that it had not fetched yet", func() error {
		report, err := try("sotto", "--data", restored, "record", "verify")
		if err != nil || !strings.Contains(report, "as it was written") {
			return fmt.Errorf("record verify: %w\n%s", err, report)
		}
		return nil
	})
	if report := run(t, "sotto", "--data", restored, "audit", "verify"); !strings.Contains(report, "what the signed heads say") {
		t.Errorf("audit verify: %s", report)
	}
}

// acknowledgedIn reports what of a patient's chat, of what was acknowledged, is
// not in its record once and in order.
func (l *load) acknowledgedIn(acked map[string]uint64, patient int, kept []string) error {
	for _, s := range l.seats[2*patient : 2*patient+2] {
		at := -1
		for _, text := range s.typed {
			if acked[text] == 0 {
				continue
			}
			i := slices.Index(kept, text)
			if i < 0 || i <= at || slices.Contains(kept[i+1:], text) {
				return fmt.Errorf("%q was acknowledged before the backup, and is not in the record once and in order (%d messages)", text, len(kept))
			}
			at = i
		}
	}
	return nil
}

// checkShorter holds the restored log against what was known of it before.
func checkShorter(t *testing.T, data, restored, heads, seen string) {
	t.Helper()
	if out, err := try("sotto", "--data", restored, "audit", "watch", seen, "--once"); err == nil {
		t.Errorf("who watches the log does not see that it went back: %s", out)
	}
	published, err := filepath.Glob(filepath.Join(heads, "*", "checkpoint"))
	if err != nil || len(published) != 1 {
		t.Fatalf("published: %q, %v", published, err)
	}
	if out := run(t, "sotto", "--data", data, "audit", "verify", "--checkpoint", published[0]); !strings.Contains(out, "as it was written") {
		t.Errorf("the lost log: %s", out)
	}
	out, err := try("sotto", "--data", restored, "audit", "verify", "--checkpoint", published[0])
	if err == nil {
		t.Error("the restored log passes for one that has grown from what was published")
	}
	t.Logf("of the restored log verify says: %s", out)
}
