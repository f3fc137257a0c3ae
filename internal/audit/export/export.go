// Package export writes events of the audit log in the forms that other
// programs read: CSV for spreadsheets, JSON lines, OCSF for security monitoring
// and FHIR R4 AuditEvent for health systems; and the accounting of disclosures
// that a patient may ask for (45 CFR 164.528).
//
// What comes out holds what events hold: ids, codes, times and addresses. It is
// written as it is read, event by event, so that a log of any length can be
// exported. The forms are views: what proves that the log was not rewritten are
// its own tiles and checkpoints. An entry that is not what was logged comes out
// as that and nothing else, in each form's own way.
package export

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

// An Entry is one number of a practice's log.
type Entry struct {
	Practice string
	Number   uint64
	// Event, with Salt, makes up the Commitment, which is what the log's tree
	// holds. What is in a State has neither of the two, and what is missing has no
	// Commitment.
	Event      audit.Event
	Salt       audit.Salt
	Commitment audit.Commitment
	// State is empty if Event is what was logged. Found is when it was not found to
	// be, in Unix milliseconds.
	State audit.State
	Found int64
}

// A Writer writes entries. Flush writes what is still held back.
type Writer interface {
	Write(e Entry) error
	Flush() error
}

// A Format is a form of export.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
	OCSF      Format = "ocsf"
	FHIR      Format = "fhir"
)

// Known reports whether f is one of the formats.
func (f Format) Known() bool { return slices.Contains(Formats(), f) }

// Formats lists all.
func Formats() []Format { return []Format{CSV, JSONLines, OCSF, FHIR} }

// ErrFormat reports a format that is none.
var ErrFormat = errors.New("export: no such format")

// New returns a writer of the format to w.
func New(f Format, w io.Writer) (Writer, error) {
	b := bufio.NewWriter(w)
	switch f {
	case CSV:
		return newTable(b)
	case JSONLines:
		return &lines{b, func(e Entry) any { return plainEntry(&e) }}, nil
	case OCSF:
		return &lines{b, func(e Entry) any { return ocsf(&e) }}, nil
	case FHIR:
		return &lines{b, func(e Entry) any { return fhir(&e) }}, nil
	}
	return nil, ErrFormat
}

// MediaType is what the format is called in HTTP.
func (f Format) MediaType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case FHIR:
		return "application/fhir+ndjson"
	}
	return "application/x-ndjson"
}

// Extension is what its files end with.
func (f Format) Extension() string {
	if f == CSV {
		return "csv"
	}
	return "ndjson"
}

// lines writes a JSON document a line.
type lines struct {
	w    *bufio.Writer
	form func(Entry) any
}

func (l *lines) Write(e Entry) error {
	b, err := json.Marshal(l.form(e))
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(b, '\n'))
	return err
}

func (l *lines) Flush() error { return l.w.Flush() }

// A plain entry is an entry as we name its parts.
type plain struct {
	Number       uint64   `json:"number"`
	State        string   `json:"state,omitempty"`
	Time         string   `json:"time,omitempty"` // RFC 3339, UTC
	Kind         string   `json:"kind,omitempty"`
	Says         string   `json:"says"`
	Category     string   `json:"category,omitempty"`
	Outcome      string   `json:"outcome,omitempty"`
	Role         string   `json:"role,omitempty"`
	Person       string   `json:"person,omitempty"`
	Device       string   `json:"device,omitempty"`
	Object       string   `json:"object,omitempty"`
	Conversation string   `json:"conversation,omitempty"`
	Patient      string   `json:"patient,omitempty"`
	Subject      string   `json:"subject,omitempty"`
	Detail       string   `json:"detail,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	Reference    string   `json:"reference,omitempty"`
	Rules        []string `json:"rules,omitempty"`
	Address      string   `json:"address,omitempty"`
	Request      string   `json:"request,omitempty"`
	Practice     string   `json:"practice"`
	Commitment   string   `json:"commitment,omitempty"` // these two in hexadecimal
	Salt         string   `json:"salt,omitempty"`
}

func plainEntry(e *Entry) plain {
	p := plain{Number: e.Number, State: string(e.State), Says: e.State.Says(), Practice: e.Practice}
	if e.State != audit.Missing {
		p.Commitment = hex.EncodeToString(e.Commitment[:])
	}
	if e.State != "" {
		return p
	}
	v := &e.Event
	spec, _ := audit.SpecOf(v.Kind)
	p.Time, p.Kind, p.Says, p.Category, p.Outcome, p.Role = instant(v.At), string(v.Kind), spec.Says, string(spec.Category), string(v.Outcome), string(v.Role)
	p.Person, p.Device, p.Object, p.Conversation, p.Patient, p.Subject = v.Person, v.Device, v.Object, v.Conversation, v.Patient, v.Subject
	p.Detail, p.Reason, p.Reference, p.Rules, p.Address, p.Request = v.Detail, v.Reason, v.Reference, v.Rules, v.Address, v.Request
	p.Salt = hex.EncodeToString(e.Salt[:])
	return p
}

// instant is a time as FHIR and RFC 3339 write it.
func instant(millis int64) string {
	return time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z")
}

// table writes CSV (RFC 4180).
type table struct{ w *bufio.Writer }

func newTable(w *bufio.Writer) (*table, error) {
	t := &table{w}
	return t, WriteRow(w,
		"number", "time", "kind", "says", "category", "outcome", "role", "person", "device", "object", "conversation", "patient", "subject",
		"detail", "reason", "reference", "rules", "address", "request", "practice", "state", "commitment", "salt")
}

func (t *table) Write(e Entry) error {
	p := plainEntry(&e)
	return WriteRow(t.w, strconv.FormatUint(p.Number, 10), p.Time, p.Kind, p.Says, p.Category, p.Outcome, p.Role, p.Person, p.Device, p.Object, p.Conversation,
		p.Patient, p.Subject, p.Detail, p.Reason, p.Reference, strings.Join(p.Rules, " "), p.Address, p.Request, p.Practice, p.State, p.Commitment, p.Salt)
}

func (t *table) Flush() error { return t.w.Flush() }

// Table is a whole table (RFC 4180) of rows as [WriteRow] writes them.
func Table(rows [][]string) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	for _, row := range rows {
		_ = WriteRow(w, row...) // memory takes all
	}
	_ = w.Flush()
	return b.Bytes()
}

// isMachine reports whether an event came from a machine that it names, as what
// was done at a command line does, and from no network address.
func isMachine(v *audit.Event) bool {
	_, err := netip.ParseAddr(v.Address)
	return v.Address != "" && err != nil
}

// WriteRow writes a row of a table that no spreadsheet runs anything of.
func WriteRow(w *bufio.Writer, cells ...string) error {
	for i, c := range cells {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString(cell(c))
	}
	_, err := w.WriteString("\r\n") // a bufio.Writer keeps its first error
	return err
}

// cell quotes what has to be, and disarms what a spreadsheet would run as a
// formula (OWASP, CSV injection; threat T29c).
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		s = "'" + s
	}
	if strings.ContainsAny(s, ",\"\r\n") {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
