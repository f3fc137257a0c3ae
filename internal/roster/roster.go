// Package roster holds what a practice has on file of its patients, as far as
// it is needed to tell whether somebody is one of them: an [Entry], its forms
// for comparing, and its CSV file.
//
// It stores nothing and keeps nothing secret: package hub seals entries before
// a store gets them. Its errors name lines and columns and never quote a value.
package roster

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/proofing"
)

// Limits.
const (
	MaxFileBytes = 64 << 20
	maxField     = 200 // bytes
	MinPIN       = 6   // digits
	MaxPIN       = 12
)

// ErrInvalid is matched by every error about what somebody wrote.
var ErrInvalid = errors.New("roster is not valid")

// An Entry is one patient as the practice has them on file.
type Entry struct {
	Number   string `json:"number"` // medical record number, unique in the practice
	Name     string `json:"name"`
	Born     string `json:"born"` // 1984-03-09
	Phone    string `json:"phone,omitempty"`
	Email    string `json:"email,omitempty"`
	Postcode string `json:"postcode,omitempty"`
}

// A Fact is a kind of second fact, beside the date of birth.
type Fact string

// The facts that somebody can be asked for.
const (
	Phone    Fact = "phone"
	Email    Fact = "email"
	Postcode Fact = "postcode"
	Number   Fact = "record" // the last four of the record number
)

// Facts lists all.
func Facts() []Fact { return []Fact{Phone, Email, Postcode, Number} }

// Clean returns the form in which two people's ways of writing a fact are the
// same, or "" for what can be none.
func (f Fact) Clean(value string) string {
	if len(value) > maxField {
		return ""
	}
	alphanumeric := func(s string) string {
		return strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
				return r
			}
			return -1
		}, strings.ToUpper(s))
	}
	switch f {
	case Phone:
		digits := proofing.Digits(value)
		if len(digits) < 7 {
			return ""
		}
		return digits[max(0, len(digits)-10):] // with or without the country
	case Email:
		clean, err := proofing.Email.Clean(value)
		if err != nil {
			return ""
		}
		return clean
	case Postcode:
		code := alphanumeric(value)
		if len(code) == 9 && proofing.Digits(code) == code {
			code = code[:5] // ZIP+4
		}
		if len(code) < 3 {
			return ""
		}
		return code
	case Number:
		code := alphanumeric(value)
		if len(code) < 4 {
			return ""
		}
		return code[len(code)-4:]
	}
	return ""
}

// Of returns the entry's own fact, clean; "" if it has none.
func (e *Entry) Of(f Fact) string {
	switch f {
	case Phone:
		return f.Clean(e.Phone)
	case Email:
		return f.Clean(e.Email)
	case Postcode:
		return f.Clean(e.Postcode)
	case Number:
		return f.Clean(e.Number)
	}
	return ""
}

// CleanDate returns a date as 1984-03-09, or "" for what is none or cannot be
// a living person's.
func CleanDate(value string, now time.Time) string {
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(value))
	if err != nil || day.After(now) || day.Year() < now.Year()-130 {
		return ""
	}
	return day.Format(time.DateOnly)
}

// CleanPIN returns a PIN's digits, or "" for what can be none.
func CleanPIN(value string) string {
	if digits := proofing.Digits(value); len(digits) >= MinPIN && len(digits) <= MaxPIN && len(value) <= 2*MaxPIN {
		return digits
	}
	return ""
}

// SharesName reports whether two names have a word in common, without case.
// People use short names and new surnames: it only ever tells two people of one
// birthday apart.
func SharesName(a, b string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == ',' || r == '.' || r == '-' })
	}
	return slices.ContainsFunc(words(a), func(w string) bool { return slices.Contains(words(b), w) })
}

// Check returns an error that names the field which is wrong.
func (e *Entry) Check(now time.Time) error {
	for name, value := range map[string]string{"number": e.Number, "name": e.Name, "phone": e.Phone, "email": e.Email, "postcode": e.Postcode} {
		if len(value) > maxField || strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("%w: %s is too long or has line breaks", ErrInvalid, name)
		}
	}
	switch {
	case strings.TrimSpace(e.Number) == "":
		return fmt.Errorf("%w: number is missing", ErrInvalid)
	case strings.TrimSpace(e.Name) == "":
		return fmt.Errorf("%w: name is missing", ErrInvalid)
	case CleanDate(e.Born, now) != e.Born:
		return fmt.Errorf("%w: born: a date such as 1984-03-09", ErrInvalid)
	}
	for f, value := range map[Fact]string{Phone: e.Phone, Email: e.Email, Postcode: e.Postcode} {
		if value != "" && f.Clean(value) == "" {
			return fmt.Errorf("%w: %s cannot be used", ErrInvalid, f)
		}
	}
	return nil
}

// columnNames are those of the CSV file. The first three are needed.
func columnNames() []string { return []string{"number", "name", "born", "phone", "email", "postcode"} }

// ParseCSV reads a file whose first line names its columns: number, name and
// born, and phone, email and postcode if they are there. All of it is good, or
// none is returned.
func ParseCSV(r io.Reader, now time.Time) ([]Entry, error) {
	columns := columnNames()
	in := csv.NewReader(io.LimitReader(r, MaxFileBytes))
	in.ReuseRecord, in.TrimLeadingSpace = true, true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: no line that names the columns", ErrInvalid)
	}
	at := make(map[string]int)
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("%w: column %d: the columns are %s", ErrInvalid, i+1, strings.Join(columns, ", "))
		}
		at[name] = i
	}
	for _, needed := range columns[:3] {
		if _, ok := at[needed]; !ok {
			return nil, fmt.Errorf("%w: column %s is missing", ErrInvalid, needed)
		}
	}
	var all []Entry
	seen := make(map[string]bool)
	for line := 2; ; line++ {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%w: line %d: not as many columns as the first, or a quote is open", ErrInvalid, line)
		}
		field := func(name string) string {
			if i, ok := at[name]; ok {
				return strings.Clone(strings.TrimSpace(fields[i]))
			}
			return ""
		}
		e := Entry{Number: field("number"), Name: field("name"), Born: field("born"), Phone: field("phone"), Email: field("email"), Postcode: field("postcode")}
		if err := e.Check(now); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if seen[e.Number] {
			return nil, fmt.Errorf("%w: line %d: its number is on an earlier line too", ErrInvalid, line)
		}
		seen[e.Number] = true
		all = append(all, e)
	}
}
