// Package form is what a consent form is made of before anybody agrees to it:
// its kinds, the parts that the law asks for (45 CFR 164.508(c), 42 CFR 2.31),
// and the text that patients see, which is made from those parts and from who
// really reads.
//
// It knows nothing of storage, of who may write a form, or of receipts.
package form

import (
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
)

// Kinds of form: what is agreed to. A receipt of one is worth nothing for
// another.
const (
	Chat      = "chat"      // to write with the practice
	Text      = "text"      // text messages to a phone
	Mail      = "email"     // notices by e-mail
	Assistant = "assistant" // a computer program reads and answers
	Minor     = "minor"     // somebody else decides for a child
	Part2     = "part2"     // records of treatment for substance use, 42 CFR Part 2
)

// Kinds lists all, in the order in which people should see them.
func Kinds() []string { return []string{Chat, Text, Mail, Assistant, Minor, Part2} }

// Needed reports whether a form of the kind stands before a conversation. The
// others are offered: a patient may say no to them and still chat.
func Needed(kind string) bool { return kind == Chat || kind == Minor || kind == Part2 }

// Classes of reader.
const (
	ReadStaff     = "staff"     // the staff who work on the queue
	ReadArchive   = "archive"   // the practice's keeper
	ReadAssistant = "assistant" // a computer program that takes part
)

// Parts are what an author writes in one language. Who can read is not among
// them: that comes from the practice's configuration.
type Parts struct {
	Title     string   `json:"title"`
	Points    []string `json:"points"` // the short form
	Purpose   string   `json:"purpose"`
	Collected string   `json:"collected"`
	Kept      string   `json:"kept"`
	Risks     string   `json:"risks"`
	Withdraw  string   `json:"withdraw"`
	Contact   string   `json:"contact"`
}

// Limits of parts, in bytes; of points, how many.
const (
	MaxTitle = 200
	MaxPart  = 4000
	MaxPoint = 400
	MaxMany  = 8
)

// Names of the parts, in the order in which they are read.
func Names() []string {
	return []string{"title", "points", "purpose", "collected", "kept", "risks", "withdraw", "contact"}
}

func (p *Parts) part(name string) string {
	switch name {
	case "title":
		return p.Title
	case "points":
		return strings.Join(p.Points, "\n")
	case "purpose":
		return p.Purpose
	case "collected":
		return p.Collected
	case "kept":
		return p.Kept
	case "risks":
		return p.Risks
	case "withdraw":
		return p.Withdraw
	case "contact":
		return p.Contact
	}
	return ""
}

// Missing lists the parts that are empty. A form that lacks one cannot be
// given to anybody: each is a core element (45 CFR 164.508(c)(1) and (2)).
func (p *Parts) Missing() []string {
	var missing []string
	for _, name := range Names() {
		if strings.TrimSpace(p.part(name)) == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// TooLong names a part that is past its limit, or returns "".
func (p *Parts) TooLong() string {
	if len(p.Title) > MaxTitle {
		return "title"
	}
	if len(p.Points) > MaxMany || slices.ContainsFunc(p.Points, func(s string) bool { return len(s) > MaxPoint }) {
		return "points"
	}
	for _, name := range Names()[2:] {
		if len(p.part(name)) > MaxPart {
			return name
		}
	}
	return ""
}

// Facts are what the practice's configuration says, and no author can write
// otherwise.
type Facts struct {
	Practice string
	Readers  []string // classes
	// Departments are those whose staff work on the queues that the form stands
	// before; none means that the whole practice is named.
	Departments []string
	// Others says that staff who are in none of Departments work there too.
	Others bool
}

// Render returns the text that a patient sees: the parts under their headings,
// with who can read in its place. ok is false for a language that has no words
// here for that.
func (p *Parts) Render(language string, f Facts) (text api.ConsentText, ok bool) {
	w, ok := wordsOf(language)
	if !ok {
		return api.ConsentText{}, false
	}
	var all []string
	add := func(heading, body string) {
		if body = oneLine(body); body != "" {
			all = append(all, heading+": "+body)
		}
	}
	add(w.purpose, p.Purpose)
	add(w.collected, p.Collected)
	add(w.readers, w.who(f))
	add(w.kept, p.Kept)
	add(w.risks, p.Risks)
	add(w.withdraw, p.Withdraw)
	add(w.contact, p.Contact)
	text = api.ConsentText{Title: oneLine(p.Title), Points: []string{}, Full: strings.Join(all, "\n\n")}
	for _, point := range p.Points {
		if point = oneLine(point); point != "" {
			text.Points = append(text.Points, point)
		}
	}
	text.SHA256 = consent.Hash(text)
	return text, true
}

// Kept returns the paragraph of a text, as Render made it, that says how long
// what is collected is kept, or "" if none does: what a patient should read again
// when they take their agreement back.
func Kept(language, full string) string {
	w, ok := wordsOf(language)
	if !ok {
		return ""
	}
	for paragraph := range strings.SplitSeq(full, "\n\n") {
		if strings.HasPrefix(paragraph, w.kept+": ") {
			return paragraph
		}
	}
	return ""
}

// Widened lists the classes of reader that there are now and that a form did
// not name: nobody has agreed to them.
func Widened(named, now []string) []string {
	var more []string
	for _, class := range now {
		if !slices.Contains(named, class) {
			more = append(more, class)
		}
	}
	return more
}

// oneLine puts s on one line: blank lines part paragraphs.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
