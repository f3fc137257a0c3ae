//go:build linux

package proof

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/hubclient"
)

// TestDiskFull fills the hub's disk while people talk. What is sent then, words
// and files, is refused as storage-full and waits; nothing that was acknowledged
// is lost, and once there is room again what waited goes out by itself: from a
// hub that ran on, and from one that was killed on the full disk.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, 24<<20)
	c := newClinic(t, disk)
	nurse := c.staff(t, "dana.ortiz")
	patient := newPerson(t, device.SurfacePatient, newClient(t, c.clients.url()))
	var refused atomic.Int64
	patient.hub = func(client *hubclient.Client) device.Hub { return &refusals{client, &refused} }
	patient.begins()
	id := patient.open("Patient")
	want := []string{"before 1", "before 2"}
	patient.say(id, want[0])
	nurse.take(id)
	nurse.sees(id, want[0])
	patient.say(id, want[1])
	nurse.sees(id, want[1])

	file := &seat{load: &load{t: t}, person: patient, conversation: id, name: "the patient"}
	for _, kill := range []bool{false, true} {
		fill(t, disk)
		// The log may have room left of its own: say things until it has not.
		before := refused.Load()
		eventually(t, "the hub says that it is full", func() error {
			if refused.Load() > before {
				return nil
			}
			if settled := acknowledgedTexts(t, patient, id); len(settled) == len(want) {
				want = append(want, fmt.Sprint("full ", len(want)))
				patient.say(id, want[len(want)-1])
			}
			return fmt.Errorf("it has taken %d messages, and refuses none", len(want)-1)
		})
		want = append(want, fmt.Sprint("typed while it is full ", len(want)))
		patient.say(id, want[len(want)-1])
		name := fmt.Sprintf("scan, killed %v.pdf", kill)
		if err := patient.sends(id, name, scan(name)); err != nil {
			t.Fatal(err)
		}
		file.scans = append(file.scans, "file:"+name)
		settled := acknowledgedTexts(t, patient, id)
		if slices.Contains(settled, want[len(want)-1]) {
			t.Error("what was typed while the disk was full counts as sent")
		}
		t.Logf("killed: %v; %d of %d messages were acknowledged before the disk was full", kill, len(settled), len(want))

		if kill {
			c.hub.kill()
		}
		empty(t, disk)
		if kill {
			c.hub.start()
			awaitReady(t, c.address)
		}
		arrives(t, c, id, []*person{patient, nurse}, want, file.scans)
		file.checkScans(nurse, file.scans, c.keepData, "--hub", "http://"+c.address)
	}
}

// arrives waits until all and the record have what was typed, once and in order,
// and the files, which go beside it.
func arrives(t *testing.T, c *clinic, id string, people []*person, want, files []string) {
	t.Helper()
	for _, p := range people {
		eventually(t, "all that was typed has arrived, once and in order", func() error {
			texts, err := p.texts(id)
			if err != nil || !arrived(texts, want, files) {
				return fmt.Errorf("the %s sees %q, %w", p.surface, texts, err)
			}
			return nil
		})
	}
	eventually(t, "it is in the record", func() error {
		texts, err := recorded(c.keepData, id, "--hub", "http://"+c.address)
		if err != nil || !arrived(texts, want, files) {
			return fmt.Errorf("the record has %q, %w", texts, err)
		}
		return nil
	})
}

func arrived(seen, want, files []string) bool {
	isFile := func(text string) bool { return strings.HasPrefix(text, "file:") }
	words := slices.DeleteFunc(slices.Clone(seen), isFile)
	rest := slices.DeleteFunc(slices.Clone(seen), func(text string) bool { return !isFile(text) })
	return slices.Equal(words, want) && slices.Equal(rest, files)
}

// acknowledgedTexts returns what the hub has taken of a person's own messages.
func acknowledgedTexts(t *testing.T, p *person, conversation string) (texts []string) {
	t.Helper()
	lines, err := p.lines(conversation)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if m := l.Message; m != nil && m.Mine && m.Position > 0 && m.Body.Kind == device.BodyText {
			texts = append(texts, m.Body.Text)
		}
	}
	return texts
}

// refusals counts the frames that a hub has no room for.
type refusals struct {
	*hubclient.Client
	count *atomic.Int64
}

func (r *refusals) Send(ctx context.Context, conversation string, frame api.SendFrame) (*api.Sent, error) {
	sent, err := r.Client.Send(ctx, conversation, frame)
	if hubclient.IsCode(err, api.CodeFull) {
		r.count.Add(1)
	}
	return sent, err
}

// smallDisk mounts a file system of so many bytes. Where that is not allowed
// the test does not run, and says so.
func smallDisk(t *testing.T, size int) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		notRun(t, "no small disk can be mounted here (%v): run as root. internal/store/sqlite tests a full database file", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return folder
}

func filler(disk string) string { return filepath.Join(disk, "filler") }

// fill leaves no byte free.
func fill(t *testing.T, disk string) {
	t.Helper()
	f, err := os.OpenFile(filler(disk), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	rand.Read(block)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func empty(t *testing.T, disk string) {
	t.Helper()
	if err := os.Remove(filler(disk)); err != nil {
		t.Fatal(err)
	}
}
