package hub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/form"
)

// actApply is the step that whoever has the server takes, with the practice's
// file.
const actApply = "apply"

// FileForm is what becomes of the practice's forms when its file is applied. The
// very first form of a practice is published, as there is nobody yet who could
// approve it. Any later one waits until somebody in the practice approves it
// ([FormSubmitted]), and what is published stays. Both must be finished, as a
// form that a person submits: else the error is an [*UnfinishedError].
//
// A version that is there already is left as it is, if the file says what it
// said then: else the error matches [ErrConflict]. An older one than there is
// is passed over. While another version of the form is on its way to patients
// the error matches [ErrFormState].
func (p *Practice) FileForm(all []ConsentForm, now int64) (FormChange, error) {
	file := p.Consent
	newest, waits := 0, false
	for i := range all {
		f := &all[i]
		if f.Form != file.ID {
			continue
		}
		if f.Version == file.Version {
			if !p.says(f) {
				return FormChange{}, fmt.Errorf("consent form: %w", ErrConflict)
			}
			return FormChange{}, nil
		}
		newest, waits = max(newest, f.Version), waits || !f.Fixed()
	}
	switch {
	case newest > file.Version:
		return FormChange{}, nil
	case waits:
		return FormChange{}, fmt.Errorf("consent form: %w", ErrFormState)
	}
	f := ConsentForm{
		Practice: p.ID, Form: file.ID, Version: file.Version, Kind: cmp.Or(file.Kind, form.Chat), State: FormSubmitted, Texts: map[string]api.ConsentText{},
		FormRecord: FormRecord{
			Parts: p.ConsentParts, Revision: 1, File: p.fileSum(),
			History: []FormEvent{{At: now, Act: actApply, Reason: p.ConsentReason}},
		},
	}
	w := work{practice: cachedPractice{Practice: *p}, readers: f.readers()}
	languages := w.languages(&f)
	if err := unfinished(languages); err != nil {
		return FormChange{}, err
	}
	if what := vouched(languages); what != "" && p.ConsentReason == "" {
		return FormChange{}, &UnfinishedError{what + ": say why patients will understand it (reason)"}
	}
	if len(all) == 0 {
		f.Texts, f.State, f.PublishedAt = w.rendered(&f), FormPublished, file.PublishedAt
	}
	return FormChange{Put: []ConsentForm{f}}, nil
}

// says reports whether the practice's file says what it said when it brought f.
func (p *Practice) says(f *ConsentForm) bool {
	if f.File != "" {
		return f.File == p.fileSum()
	}
	return f.Fixed() && len(p.ConsentParts) == 0 && sameTexts(f.Texts, p.Consent.Texts) // of before there were parts
}

// fileSum names what the practice's file says in its form: SHA-256, in hex.
func (p *Practice) fileSum() string {
	b, _ := json.Marshal(p.ConsentParts) // strings only
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// applied are the events of what FileForm will do, by what is there now.
func (h *Hub) applied(ctx context.Context, p *Practice) ([]audit.Event, error) {
	if p.Consent.ID == "" {
		return nil, nil
	}
	all, err := h.store.ConsentForms(ctx, p.ID)
	if err != nil {
		return nil, at("load consent forms", err)
	}
	c, err := p.FileForm(all, h.millis())
	if err != nil {
		return nil, err
	}
	var events []audit.Event
	for _, f := range c.Put {
		act := actSubmit
		if f.State == FormPublished {
			act = actPublish
		}
		events = append(events, h.event(ctx, operator(p.ID), kindOf(act), f.Form).With("version="+strconv.Itoa(f.Version)))
	}
	return events, nil
}

// FormWaits reports whether the version that the practice's file brought waits
// for somebody to approve or publish it.
func (h *Hub) FormWaits(ctx context.Context, practice, id string, version int) (bool, error) {
	all, err := h.store.ConsentForms(ctx, practice)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(f ConsentForm) bool { return f.Form == id && f.Version == version && !f.Fixed() }), nil
}

func sameTexts(a, b map[string]api.ConsentText) bool {
	if len(a) != len(b) {
		return false
	}
	for language, text := range a {
		other, ok := b[language]
		if !ok || !bytes.Equal(consent.Hash(text), consent.Hash(other)) {
			return false
		}
	}
	return true
}
