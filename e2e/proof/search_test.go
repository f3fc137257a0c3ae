//go:build linux

package proof

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// A needle is one way in which something could lie about.
type needle struct {
	what string
	form []byte
}

// A search looks for several things at once, in every form that a program
// might give them on the way.
type search struct {
	needles []needle
	masked  []needle // the same, as they are after mask
}

// newSearch makes a search for texts (letters and digits) and for keys (bytes).
func newSearch(texts map[string]string, keys map[string][]byte) *search {
	s := new(search)
	for what, text := range texts {
		s.add(what, []byte(text))
		s.put(what+" in lower case", []byte(strings.ToLower(text)))
		s.put(what+" in upper case", []byte(strings.ToUpper(text)))
		var little, big []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
		}
		s.put(what+" in UTF-16LE", little)
		s.put(what+" in UTF-16BE", big)
	}
	for what, key := range keys {
		s.add(what, key)
	}
	return s
}

// and returns a search for what both look for.
func (s *search) and(other *search) *search {
	return &search{slices.Concat(s.needles, other.needles), slices.Concat(s.masked, other.masked)}
}

func (s *search) add(what string, b []byte) {
	s.put(what, b)
	s.put(what+" in hex", []byte(hex.EncodeToString(b)))
	s.put(what+" in upper-case hex", []byte(strings.ToUpper(hex.EncodeToString(b))))
	for shift := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			// The first and last characters also depend on what stands beside.
			text := encoding.EncodeToString(append(make([]byte, shift), b...))
			first, whole := (shift*8+5)/6, (shift+len(b))*8/6
			s.put(fmt.Sprintf("%s in %s, shifted by %d", what, name, shift), []byte(text[first:whole]))
		}
	}
}

func (s *search) put(what string, form []byte) {
	if slices.ContainsFunc(s.needles, func(n needle) bool { return bytes.Equal(n.form, form) }) {
		return
	}
	s.needles = append(s.needles, needle{what, form})
	s.masked = append(s.masked, needle{what + ", masked", mask(form)})
}

// mask combines each byte with the one four places on. A WebSocket client XORs
// what it sends with a key of four bytes that repeats (RFC 6455, section 5.3);
// that key falls out of the combination, whatever it is.
func mask(b []byte) []byte {
	if len(b) <= 4 {
		return nil
	}
	out := make([]byte, len(b)-4)
	for i := range out {
		out[i] = b[i] ^ b[i+4]
	}
	return out
}

// in returns what it finds in r.
func (s *search) in(r io.Reader) (found []string, size int64, err error) {
	longest := 0
	for _, n := range s.needles {
		longest = max(longest, len(n.form))
	}
	buffer, kept := make([]byte, 4<<20), 0
	empty := make([]byte, len(buffer)) // as most of a core dump is
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		size += int64(n)
		if !bytes.Equal(buffer[:kept+n], empty[:kept+n]) {
			for _, n := range find(s.needles, buffer[:kept+n]) {
				if !slices.Contains(found, n) {
					found = append(found, n)
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return found, size, nil
		case err != nil:
			return found, size, err
		}
		kept = copy(buffer, buffer[len(buffer)-longest+1:])
	}
}

func find(needles []needle, b []byte) (found []string) {
	for _, n := range needles {
		if bytes.Contains(b, n.form) {
			found = append(found, n.what)
		}
	}
	return found
}

// inTraffic returns what it finds in what was sent one way over one connection.
func (s *search) inTraffic(b []byte) []string {
	return append(find(s.needles, b), find(s.masked, mask(b))...)
}

// inFolder returns what it finds in files, and in their names.
func (s *search) inFolder(folder string) (found []string, size int64, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a program's temporary file
		} else if err != nil {
			return err
		}
		for _, what := range find(s.needles, []byte(d.Name())) {
			found = append(found, what+" in the name "+path)
		}
		if d.IsDir() {
			return nil
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		defer f.Close()
		here, n, err := s.in(f)
		for _, what := range here {
			found = append(found, what+" in "+path)
		}
		size += n
		return err
	})
	return found, size, err
}

// newMark returns letters and digits that are nowhere else.
func newMark() string { return "Zq" + rand.Text()[:18] }

// TestSearch shows that the search finds what it is for, also where a chunk
// ends and under a WebSocket's mask.
func TestSearch(t *testing.T) {
	mark, key := newMark(), []byte(rand.Text())
	s := newSearch(map[string]string{"mark": mark}, map[string][]byte{"key": key})
	folder := t.TempDir()
	for _, n := range s.needles {
		for _, at := range []int{0, 100, 4<<20 - 1, 4<<20 - len(n.form) + 1, 4 << 20, 9 << 20} {
			b := make([]byte, at, at+len(n.form)+5)
			b = append(append(b, n.form...), "after"...)
			found, size, err := s.in(bytes.NewReader(b))
			if err != nil || !slices.Contains(found, n.what) || size != int64(len(b)) {
				t.Errorf("%s at %d: found %q in %d bytes, %v", n.what, at, found, size, err)
			}
		}
		sent := append([]byte("before"), n.form...)
		for i := range sent {
			sent[i] ^= [4]byte{0x81, 0xfe, 0x03, 0x7f}[i%4]
		}
		if found := s.inTraffic(sent); !slices.Contains(found, n.what+", masked") {
			t.Errorf("%s under a mask: found %q", n.what, found)
		}
	}
	inside := base64.StdEncoding.EncodeToString([]byte(`{"a":"` + mark + `","b":2}`))
	if found, _, err := s.in(strings.NewReader(inside)); err != nil || len(found) != 1 {
		t.Errorf("inside base64: found %q, %v", found, err)
	}
	if err := os.WriteFile(filepath.Join(folder, mark+".txt"), []byte("x"+mark), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, size, err := s.inFolder(folder); err != nil || len(found) != 2 || size == 0 {
		t.Errorf("in a folder: found %q, %v", found, err)
	}
	other := newSearch(map[string]string{"other": newMark()}, nil)
	if found, _, err := other.inFolder(folder); err != nil || len(found) != 0 {
		t.Errorf("found what is not there: %q, %v", found, err)
	}
}
