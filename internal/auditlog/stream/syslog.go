package stream

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
)

// Parts of a syslog message (RFC 5424, section 6.2).
const (
	facility = 13 // log audit
	critical = 2
	failure  = 3 // error
	warning  = 4
	notice   = 5
	info     = 6

	// elementID names our structured data. 32473 is the enterprise number for
	// documentation (RFC 5612): there is none of ours, and one that is somebody
	// else's would be worse. See docs/decisions/0170.
	elementID = "sotto@32473"

	longestHost  = 255
	longestMsgID = 32
)

// A syslogForm writes records as syslog messages.
type syslogForm struct {
	host string // empty if it is not to be told
	body export.Format
}

// bodies are what a message may have after its structured data: the act in
// words, or the whole entry once more as a line of JSON.
const words export.Format = "words"

// frame appends one message in a frame of its own: its length in octets, a
// blank, and the message (RFC 5425, section 4.3.1).
func (f *syslogForm) frame(b []byte, r *record) ([]byte, error) {
	m, err := f.message(nil, r)
	if err != nil {
		return b, err
	}
	b = strconv.AppendInt(b, int64(len(m)), 10)
	return append(append(b, ' '), m...), nil
}

// message appends one message (RFC 5424, section 6).
func (f *syslogForm) message(b []byte, r *record) ([]byte, error) {
	b = append(b, '<')
	b = strconv.AppendInt(b, facility*8+severity(r), 10)
	b = append(b, ">1 "...)
	if at := r.at(); at.IsZero() {
		b = append(b, '-')
	} else {
		b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
	b = append(header(append(b, ' '), f.host, longestHost), " sotto - "...)
	id := string(r.state)
	if r.event != nil {
		id = string(r.event.Kind)
	}
	b = append(header(b, id, longestMsgID), " ["+elementID...)
	for _, p := range r.fields() {
		b = append(append(append(b, ' '), p.name...), `="`...)
		b = append(parameter(b, p.value), '"')
	}
	b = append(b, "] "...)
	if f.body == words || r.event == nil {
		return text(b, r.says()), nil
	}
	var line bytes.Buffer
	w, err := export.New(f.body, &line)
	if err != nil {
		return nil, err
	}
	e := export.Entry{Practice: r.practice, Number: uint64(r.number), Event: *r.event, Salt: r.entry.Salt, Commitment: r.entry.Commitment} //nolint:gosec // not below 0
	if err := w.Write(e); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return text(b, string(bytes.TrimSuffix(line.Bytes(), []byte("\n")))), nil
}

// severity is by what came of the act.
func severity(r *record) int64 {
	switch {
	case r.alarming():
		return critical
	case r.event == nil:
		return notice
	}
	switch r.event.Outcome {
	case audit.Refused:
		return warning
	case audit.Failed:
		return failure
	}
	return info
}

// header appends a field of the header: printable ASCII without blanks, or "-"
// if there is nothing.
func header(b []byte, s string, most int) []byte {
	if s == "" {
		return append(b, '-')
	}
	for i := range min(len(s), most) {
		if c := s[i]; c > ' ' && c < 0x7f {
			b = append(b, c)
		} else {
			b = append(b, '_')
		}
	}
	return b
}

// parameter appends a value of structured data, escaped (RFC 5424, section
// 6.3.3).
func parameter(b []byte, s string) []byte {
	for _, c := range s {
		switch {
		case c == '"' || c == '\\' || c == ']':
			b = append(b, '\\', byte(c))
		case harmful(c):
			b = append(b, '_')
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return b
}

// harmful is what is replaced: what is not UTF-8, and what could move a terminal
// or end a line where the log is read.
func harmful(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 || c == utf8.RuneError }

// text appends the message's text, marked as UTF-8 if it is more than ASCII
// (RFC 5424, section 6.4).
func text(b []byte, s string) []byte {
	mark := len(b)
	ascii := true
	for _, c := range s {
		if harmful(c) {
			c = '_'
		}
		ascii = ascii && c < utf8.RuneSelf
		b = utf8.AppendRune(b, c)
	}
	if !ascii {
		b = append(b[:mark], append([]byte("\xef\xbb\xbf"), b[mark:]...)...)
	}
	return b
}
