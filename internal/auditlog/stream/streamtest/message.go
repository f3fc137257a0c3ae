package streamtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Message is a syslog message (RFC 5424, section 6).
type Message struct {
	Facility, Severity     int
	Time                   time.Time // zero if there is none
	Host, App, Process, ID string    // "-" if there is none
	Element                string    // the id of its one element of structured data
	Fields                 map[string]string
	Text                   string
}

var errMessage = errors.New("streamtest: not a syslog message")

// ReadFrame reads one frame: a length in octets, a blank, and so many octets
// (RFC 5425, section 4.3).
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadString(' ')
	if err != nil {
		if err == io.EOF && head != "" {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, " "))
	if err != nil || n < 1 || head[0] == '0' || n > 64<<10 {
		return nil, fmt.Errorf("streamtest: %q begins no frame", head)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}

// Parse reads a message as strictly as the RFC writes it.
func Parse(b []byte) (m Message, err error) {
	s := string(b)
	if !utf8.ValidString(s) || !strings.HasPrefix(s, "<") {
		return m, errMessage
	}
	pri, s, ok := strings.Cut(s[1:], ">1 ")
	n, err := strconv.Atoi(pri)
	if !ok || err != nil || n < 0 || n > 191 {
		return m, errMessage
	}
	m.Facility, m.Severity = n/8, n%8
	var at string
	for _, f := range []struct {
		to   *string
		most int
	}{{&at, 32}, {&m.Host, 255}, {&m.App, 48}, {&m.Process, 128}, {&m.ID, 32}} {
		*f.to, s, ok = strings.Cut(s, " ")
		if !ok || *f.to == "" || len(*f.to) > f.most || strings.ContainsFunc(*f.to, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return m, errMessage
		}
	}
	if at != "-" {
		if m.Time, err = time.Parse(time.RFC3339, at); err != nil {
			return m, errMessage
		}
	}
	if s, err = m.element(s); err != nil {
		return m, err
	}
	if s != "" && s[0] != ' ' {
		return m, errMessage
	}
	text := strings.TrimPrefix(s, " ")
	m.Text = strings.TrimPrefix(text, "\ufeff")
	if m.Text == text && strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return m, errMessage // UTF-8 begins with a mark
	}
	return m, nil
}

// element reads one element of structured data and returns what follows.
func (m *Message) element(s string) (rest string, err error) {
	if !strings.HasPrefix(s, "[") {
		return "", errMessage
	}
	s = s[1:]
	end := strings.IndexAny(s, " ]")
	if end < 1 || end > 32 {
		return "", errMessage
	}
	m.Element, s = s[:end], s[end:]
	m.Fields = make(map[string]string)
	for strings.HasPrefix(s, " ") {
		name, value, ok := strings.Cut(s[1:], `="`)
		if _, twice := m.Fields[name]; !ok || twice || name == "" || len(name) > 32 || strings.ContainsAny(name, " =]\"") {
			return "", errMessage
		}
		var b bytes.Buffer
		for s = value; ; {
			if s == "" {
				return "", errMessage
			}
			if s[0] == '"' {
				break
			}
			if s[0] == ']' || s[0] == '\\' && (len(s) < 2 || !strings.ContainsRune(`"\]`, rune(s[1]))) {
				return "", errMessage
			}
			if s[0] == '\\' {
				s = s[1:]
			}
			b.WriteByte(s[0])
			s = s[1:]
		}
		m.Fields[name], s = b.String(), s[1:]
	}
	if !strings.HasPrefix(s, "]") {
		return "", errMessage
	}
	return s[1:], nil
}
