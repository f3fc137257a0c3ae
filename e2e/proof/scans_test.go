//go:build linux

package proof

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/device"
)

// scan returns the bytes of a file of that name, of more than one piece of an
// upload.
func scan(name string) []byte { return bytes.Repeat([]byte(name+"\n"), 700<<10/(len(name)+1)) }

// keepSending sends one file after another, each once the one before is
// acknowledged, so that the server is killed in all parts of an upload.
func (s *seat) keepSending() {
	for n := 1; ; {
		select {
		case <-s.load.quit:
			return
		case <-time.After(100 * time.Millisecond):
		}
		if len(s.scans) > 0 && !s.load.isAcknowledged(s.scans[len(s.scans)-1]) {
			continue
		}
		name := fmt.Sprintf("scan %d of %s.pdf", n, s.name)
		if s.person.sends(s.conversation, name, scan(name)) == nil {
			s.scans = append(s.scans, "file:"+name)
			n++
		} // else the device is down: sent again
	}
}

// sends sends a file, unless the device is being started anew.
func (p *person) sends(conversation, name string, file []byte) error {
	p.restart.RLock()
	defer p.restart.RUnlock()
	info := device.FileInfo{Name: name, MediaType: "application/pdf", Size: int64(len(file))}
	_, err := p.now().SendFile(p.t.Context(), conversation, info, bytes.NewReader(file))
	return err
}

// checkScans checks that the files are among what is seen, once each, and that
// each opens for the other person and from the record as it was sent. Flags in
// how say where the hub is, if it is elsewhere.
func (s *seat) checkScans(other *person, seen []string, data string, how ...string) {
	t := s.load.t
	t.Helper()
	of := slices.DeleteFunc(slices.Clone(seen), func(text string) bool { return !strings.HasPrefix(text, "file:") })
	if !slices.Equal(of, s.scans) {
		t.Errorf("%s sent %q and the others have %q", s.name, s.scans, of)
	}
	lines, err := other.lines(s.conversation)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.Message == nil || l.Message.Body.Kind != device.BodyFile {
			continue
		}
		var opened bytes.Buffer
		_, err := other.now().OpenFile(t.Context(), l.Message.ID, &opened, nil)
		if err != nil || !bytes.Equal(opened.Bytes(), scan(l.Message.Body.File.Name)) {
			t.Errorf("%q opens as %d bytes that are not those sent: %v", l.Message.Body.File.Name, opened.Len(), err)
		}
	}
	eventually(t, "the record has the files", func() error {
		folder, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			return err
		}
		args := slices.Concat([]string{"--data", data, "record"}, how, []string{"show", s.conversation, "--purpose", "operations", "--files", folder, "--json"})
		if _, err := try("sotto", args...); err != nil {
			return err
		}
		return sameFiles(folder, s.scans)
	})
}

// sameFiles says how the files of a folder differ from the scans of these names.
func sameFiles(folder string, scans []string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if len(entries) != len(scans) {
		return fmt.Errorf("%d files of %d", len(entries), len(scans))
	}
	want := make(map[string]bool)
	for _, name := range scans {
		want[string(scan(strings.TrimPrefix(name, "file:")))] = true
	}
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		if !want[string(b)] {
			return fmt.Errorf("%s is none of those sent, or there twice", entry.Name())
		}
		delete(want, string(b))
	}
	return nil
}
