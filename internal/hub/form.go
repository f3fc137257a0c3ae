package hub

import (
	"bytes"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
)

// States of a version of a form.
const (
	FormDraft      = "draft"
	FormSubmitted  = "submitted" // its author is done with it
	FormApproved   = "approved"  // somebody else has said so
	FormPublished  = "published"
	FormSuperseded = "superseded" // by a later version
	FormRetired    = "retired"
)

// A ConsentForm is one version of a form.
type ConsentForm struct {
	Practice    string
	Form        string
	Version     int
	Kind        string // form.Chat ...
	State       string
	PublishedAt int64
	Declined    int // how often it was said no to
	// Texts are as patients see them, by language: empty until published.
	Texts map[string]api.ConsentText
	FormRecord
}

// A FormRecord is what a store keeps of a version as one JSON document.
type FormRecord struct {
	Parts   map[string]form.Parts `json:"parts,omitempty"`
	Readers []string              `json:"readers,omitempty"` // classes that Texts name
	// Departments are those that Texts name; none means the whole practice.
	Departments []string    `json:"departments,omitempty"`
	Others      bool        `json:"others,omitempty"` // Texts name staff of no such department too
	Queues      []string    `json:"queues,omitempty"` // that it stands before; none means all
	InAddition  bool        `json:"in_addition,omitempty"`
	Months      int         `json:"months,omitempty"` // how long an agreement counts; 0 means until taken back
	Authors     []string    `json:"authors,omitempty"`
	Revision    int         `json:"revision,omitempty"`
	History     []FormEvent `json:"history,omitempty"`
	Asked       *FormAsk    `json:"asked,omitempty"`
	File        string      `json:"file,omitempty"` // what the practice's file said, if it came from there; see fileSum
}

// A FormEvent is a step of a version's life.
type FormEvent struct {
	At     int64  `json:"at"`
	Person string `json:"person,omitempty"` // empty for the practice's file
	Act    string `json:"act"`
	Reason string `json:"reason,omitempty"`
}

// Fixed reports whether the version's text can change no more: somebody may
// have agreed to it.
func (f *ConsentForm) Fixed() bool {
	return f.State == FormPublished || f.State == FormSuperseded || f.State == FormRetired
}

// readers are the classes that the text names. The practice's file says what
// every practice had when forms were written there.
func (f *ConsentForm) readers() []string {
	if f.Readers == nil {
		return []string{form.ReadStaff, form.ReadArchive}
	}
	return f.Readers
}

// covers reports whether the form stands before chats of the queue.
func (f *ConsentForm) covers(queue string) bool {
	return len(f.Queues) == 0 || slices.Contains(f.Queues, queue)
}

// head is f without its texts.
func (f *ConsentForm) head() api.FormHead {
	return api.FormHead{
		ID: f.Form, Kind: f.Kind, Version: f.Version, Queues: append([]string{}, f.Queues...),
		InAddition: f.beside(), Needed: form.Needed(f.Kind),
	}
}

// beside reports whether the form stands beside the practice's own chat form.
// Only a chat form can take that one's place.
func (f *ConsentForm) beside() bool { return f.InAddition || f.Kind != form.Chat }

func (f *ConsentForm) api() api.ConsentForm {
	texts := make(map[string]api.ConsentText, len(f.Texts))
	for language, text := range f.Texts {
		text.Kept = form.Kept(language, text.Full)
		texts[language] = text
	}
	return api.ConsentForm{ID: f.Form, Kind: f.Kind, Version: f.Version, PublishedAt: f.PublishedAt, Texts: texts}
}

// forms are all versions of all of a practice's forms.
type forms []ConsentForm

// published are those that can be agreed to now.
func (fs forms) published() forms {
	return slices.DeleteFunc(slices.Clone(fs), func(f ConsentForm) bool { return f.State != FormPublished })
}

func (fs forms) version(id string, version int) (int, bool) {
	i := slices.IndexFunc(fs, func(f ConsentForm) bool { return f.Form == id && f.Version == version })
	return i, i >= 0
}

// before lists the forms that stand before a chat of the queue, in which somebody
// writes for a minor or does not: the queue's own chat form or else the
// practice's, which comes first, and those beside it. If there is no chat form,
// ok is false: no chat.
func (fs forms) before(queue string, forMinor bool) (needed forms, ok bool) {
	var first *ConsentForm
	for i := range fs {
		f := &fs[i]
		switch {
		case f.State != FormPublished || !form.Needed(f.Kind) || !f.covers(queue) || f.Kind == form.Minor && !forMinor:
		case f.beside():
			needed = append(needed, *f)
		case first == nil || first.yields(f):
			first = f
		}
	}
	if first == nil {
		return nil, false
	}
	return append(forms{*first}, needed...), true
}

// yields reports whether o stands in f's place: one of a queue before one of
// all, and else the newer.
func (f *ConsentForm) yields(o *ConsentForm) bool {
	if (len(f.Queues) == 0) != (len(o.Queues) == 0) {
		return len(f.Queues) == 0
	}
	return o.PublishedAt >= f.PublishedAt
}

// stands is the [Settle] of a conversation of the queue: from when on its
// patient has to agree again. Strict, it refuses what is due at now already.
func stands(queue string, forMinor bool, now int64, strict bool) Settle {
	return func(all []ConsentForm, given []Receipt) (int64, error) {
		needed, ok := forms(all).before(queue, forMinor)
		if !ok {
			if strict {
				return 0, ErrConsentMissing
			}
			return now, nil
		}
		due := int64(0)
		for _, f := range needed {
			until, ok := f.agreed(given)
			if !ok || until != 0 && until <= now {
				if strict {
					return 0, ErrConsentMissing
				}
				return now, nil
			}
			if until != 0 && (due == 0 || until < due) {
				due = until
			}
		}
		return due, nil
	}
}

// dues asks everybody again who has not agreed to what stands before their
// conversation now, in each of the queues and in those that are no more.
func (fs forms) dues(queues []api.Queue, now int64) []Due {
	var all []Due
	var ids []string
	for _, q := range queues {
		ids = append(ids, q.ID)
	}
	for _, forMinor := range []bool{false, true} {
		for _, q := range ids {
			all = append(all, fs.due(q, forMinor, now))
		}
		others := fs.due("", forMinor, now)
		others.Others = ids
		all = append(all, others)
	}
	return all
}

func (fs forms) due(queue string, forMinor bool, now int64) Due {
	d := Due{Queue: queue, ForMinor: forMinor, At: now}
	needed, _ := fs.before(queue, forMinor)
	for _, f := range needed {
		n := Need{Form: f.Form, Version: f.Version}
		if f.Months != 0 {
			n.Since = time.UnixMilli(now).UTC().AddDate(0, -f.Months, 0).UnixMilli()
		}
		d.Needs = append(d.Needs, n)
	}
	return d
}

// with are fs with each of put in its place.
func (fs forms) with(put []ConsentForm) forms {
	out := slices.Clone(fs)
	for _, f := range put {
		if i, ok := out.version(f.Form, f.Version); ok {
			out[i] = f
		} else {
			out = append(out, f)
		}
	}
	return out
}

// agreed reports whether one of the receipts is of this very version, and until
// when that counts; 0 is for ever.
func (f *ConsentForm) agreed(given []Receipt) (until int64, ok bool) {
	for _, r := range given {
		if r.Form == f.Form && r.Version == f.Version && r.WithdrawnAt == 0 {
			until, ok = f.until(r.ReceivedAt), true // the newest
		}
	}
	return until, ok
}

func (f *ConsentForm) until(given int64) int64 {
	if f.Months == 0 {
		return 0
	}
	return time.UnixMilli(given).UTC().AddDate(0, f.Months, 0).UnixMilli()
}

// clockSkew is how far a device's clock may be off (T29): its word on when
// something was agreed to is kept, and no more. What counts is the hub's time.
const clockSkew = 25 * time.Hour

// check holds a receipt against the published form that it names: the device
// signed it, for this purpose, of this very text, and not before there was one.
func (f *ConsentForm) check(r api.ConsentReceipt, practice, conversation string, d *Device, now int64) error {
	text, ok := f.Texts[r.Language]
	skew := clockSkew.Milliseconds()
	switch {
	case !ok, r.Kind != f.Kind, r.Method != consent.Checkbox, !bytes.Equal(r.SHA256, consent.Hash(text)):
		return ErrConsentMissing
	case r.At > now+skew, r.At < min(f.PublishedAt, now)-skew:
		return ErrConsentMissing // dated back, or ahead (T50)
	case consent.Of(practice, conversation, d.ID, r).Verify(d.PublicKey, r.Signature) != nil:
		return ErrConsentMissing
	}
	return nil
}
