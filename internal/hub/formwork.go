package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent/form"
	"github.com/sotto-health/sotto/internal/consent/reading"
	"github.com/sotto-health/sotto/internal/policy"
)

// An UnfinishedError says what a form lacks before it may be given to anybody.
type UnfinishedError struct {
	Says string // from a fixed list, with names of languages and parts
}

func (e *UnfinishedError) Error() string { return "form is not finished: " + e.Says }

// Steps of a version's life that a person takes.
const (
	actSave    = "save"
	actSubmit  = "submit"
	actReturn  = "return"
	actApprove = "approve"
	actPublish = "publish"
	actRetire  = "retire"
	actQueues  = "queues"
)

// resource is a version as policy sees it. Where a change waits, its author is
// who asked for it.
func (f *ConsentForm) resource() *policy.Resource {
	authors := f.Authors
	if f.State == FormPublished && f.Asked != nil {
		authors = []string{f.Asked.Person}
	}
	return &policy.Resource{Practice: f.Practice, Form: f.Form, Authors: authors}
}

// mayForm reports whether the caller may take the step; whether the version's
// state lets anybody is for step.
func (h *Hub) mayForm(s *StaffCaller, f *ConsentForm, act string) error {
	action := policy.WriteForm
	if act == actApprove || act == actAllow {
		action = policy.ApproveForm
	}
	return h.mayStaff(s, action, f.resource())
}

// kindOf is what a step is to the log.
func kindOf(act string) audit.Kind {
	switch act {
	case actSubmit, actAskQueues, actAskRetire:
		return audit.FormSubmitted
	case actReturn, actDeny:
		return audit.FormReturned
	case actApprove, actAllow:
		return audit.FormApproved
	case actPublish:
		return audit.FormPublished
	case actRetire:
		return audit.FormRetired
	case actQueues:
		return audit.FormAttached
	}
	return audit.FormSaved
}

// from lists the states in which a step may be taken.
func from(act string) []string {
	switch act {
	case actSubmit:
		return []string{FormDraft}
	case actApprove:
		return []string{FormSubmitted}
	case actReturn:
		return []string{FormSubmitted, FormApproved}
	case actPublish:
		return []string{FormApproved}
	case actRetire, actQueues, actAskQueues, actAskRetire, actAllow, actDeny:
		return []string{FormPublished}
	}
	return nil
}

// ConsentForms lists the practice's forms for who writes them.
func (h *Hub) ConsentForms(ctx context.Context, s *StaffCaller) (api.ConsentForms, error) {
	if err := h.mayStaff(s, policy.ReadForms, s.practice()); err != nil {
		return api.ConsentForms{}, err
	}
	w, err := h.formWork(ctx, s)
	if err != nil {
		return api.ConsentForms{}, err
	}
	out := api.ConsentForms{
		Forms: []api.FormVersion{}, Readers: w.readers, Languages: w.practice.Languages, Queues: []api.Queue{},
		MayEdit: h.mayStaff(s, policy.WriteForm, s.practice()) == nil,
	}
	for _, q := range w.practice.Queues {
		q.Readers = []string{}
		out.Queues = append(out.Queues, q)
	}
	for _, f := range w.forms {
		out.Forms = append(out.Forms, h.version(s, w, &f))
	}
	slices.SortStableFunc(out.Forms, func(a, b api.FormVersion) int {
		if a.Form != b.Form {
			return strings.Compare(a.Form, b.Form)
		}
		return b.Version - a.Version
	})
	out.Again.Open, out.Again.Closed, err = h.store.CountDue(ctx, s.Person.Practice, nil, h.millis())
	return out, err
}

// work is what it takes to describe a practice's forms.
type work struct {
	practice cachedPractice
	forms    forms
	readers  []string
	people   map[string]Person
	counts   []ReceiptCount
	parted   []Department
	staff    []Person
	takes    func(p *Person, queue string) bool
}

func (h *Hub) formWork(ctx context.Context, s *StaffCaller) (w work, err error) {
	if w.practice, err = h.practice(ctx, s.Person.Practice); err != nil {
		return w, err
	}
	if w.forms, err = h.store.ConsentForms(ctx, s.Person.Practice); err != nil {
		return w, err
	}
	if w.readers, err = h.readers(ctx, s.Person.Practice); err != nil {
		return w, err
	}
	if w.parted, err = h.store.Departments(ctx, s.Person.Practice); err != nil {
		return w, err
	}
	if w.staff, err = h.store.PersonsOfKind(ctx, s.Person.Practice, api.KindStaff); err != nil {
		return w, err
	}
	w.takes = h.takes
	if w.counts, err = h.store.CountReceipts(ctx, s.Person.Practice); err != nil {
		return w, err
	}
	var ids []string
	for _, f := range w.forms {
		for _, e := range f.History {
			ids = append(ids, e.Person)
		}
	}
	w.people, err = h.persons(ctx, s.Person.Practice, ids)
	return w, err
}

// staffOf names the departments whose staff work on the queues (none: on all of
// the practice's), if each of the queues belongs to one, and tells whether staff
// of no such department work there too.
func (w *work) staffOf(queues []string) (names []string, others bool) {
	if len(queues) == 0 {
		for _, q := range w.practice.Queues {
			queues = append(queues, q.ID)
		}
	}
	var ids []string
	for _, queue := range queues {
		i := slices.IndexFunc(w.parted, func(d Department) bool { return d.RetiredAt == 0 && slices.Contains(d.Queues, queue) })
		if i < 0 {
			return nil, false
		}
		if d := w.parted[i]; !slices.Contains(ids, d.ID) {
			ids, names = append(ids, d.ID), append(names, d.Name)
		}
	}
	return names, slices.ContainsFunc(w.staff, func(p Person) bool {
		return !slices.ContainsFunc(p.Departments, func(id string) bool { return slices.Contains(ids, id) }) &&
			slices.ContainsFunc(queues, func(queue string) bool { return w.takes(&p, queue) })
	})
}

// unnamed reports whether staff whom the text of a published version does not
// name would read chats of the queues.
func (w *work) unnamed(f *ConsentForm, queues []string) bool {
	if len(f.Departments) == 0 {
		return false // it names the whole practice
	}
	now, others := w.staffOf(queues)
	return len(now) == 0 || len(form.Widened(f.Departments, now)) > 0 || others && !f.Others
}

// rendered are a version's texts: as published, or as they would be.
func (w *work) rendered(f *ConsentForm) map[string]api.ConsentText {
	if f.Fixed() {
		return f.Texts
	}
	texts := make(map[string]api.ConsentText)
	facts := form.Facts{Practice: w.practice.Name, Readers: w.readers}
	facts.Departments, facts.Others = w.staffOf(f.Queues)
	for language, parts := range f.Parts {
		if text, ok := parts.Render(language, facts); ok {
			texts[language] = text
		}
	}
	return texts
}

func (h *Hub) version(s *StaffCaller, w work, f *ConsentForm) api.FormVersion {
	v := api.FormVersion{
		Form: f.Form, Kind: f.Kind, Version: f.Version, State: f.State, Queues: append([]string{}, f.Queues...), InAddition: f.beside(),
		Months: f.Months, PublishedAt: f.PublishedAt, Revision: f.Revision, Readers: w.readers, Widened: []string{}, History: []api.FormEvent{},
		Languages: w.languages(f), May: []string{}, Declined: f.Declined,
	}
	if f.Fixed() {
		v.Readers, v.Widened = f.readers(), append(v.Widened, form.Widened(f.readers(), w.readers)...)
		if w.unnamed(f, f.Queues) {
			v.Widened = append(v.Widened, form.ReadStaff)
		}
	}
	for _, e := range f.History {
		v.History = append(v.History, api.FormEvent{At: e.At, Person: e.Person, Name: w.people[e.Person].Name, Act: e.Act, Reason: e.Reason})
	}
	if f.Parts != nil {
		v.Parts = make(map[string]api.FormParts)
		for language, p := range f.Parts {
			v.Parts[language] = api.FormParts(p)
		}
	}
	for _, act := range []string{actSave, actSubmit, actReturn, actApprove, actPublish, actQueues, actRetire} {
		ready := slices.Contains(from(act), f.State) || act == actSave && f.State == FormDraft
		if ready && h.mayForm(s, f, act) == nil {
			v.May = append(v.May, act)
		}
	}
	if f.waits(h.millis()) {
		v.Waits, v.May = f.Asked.api(w.people), append(v.May, h.mayAnswer(s, f)...)
	}
	if i := slices.IndexFunc(w.counts, func(c ReceiptCount) bool { return c.Form == f.Form && c.Version == f.Version }); i >= 0 {
		v.Agreed, v.Withdrawn = w.counts[i].Given, w.counts[i].Withdrawn
	}
	return v
}

// languages says how far a version is in each language of the practice, and in
// any other that it is written in.
func (w *work) languages(f *ConsentForm) []api.FormLanguage {
	texts := w.rendered(f)
	names := slices.Clone(w.practice.Languages)
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		if !slices.Contains(names, language) {
			names = append(names, language)
		}
	}
	out := make([]api.FormLanguage, len(names))
	for i, language := range names {
		l := api.FormLanguage{Language: language, Missing: form.Names(), Reading: api.ReadingGrade{Hard: []string{}}}
		text, there := texts[language]
		if parts, written := f.Parts[language]; written {
			l.Missing = append([]string{}, parts.Missing()...)
		} else if there {
			l.Missing = []string{} // of the practice's file, in one piece
		}
		if there {
			l.Text, l.Reading = &text, grade(language, text)
		}
		out[i] = l
	}
	return out
}

// grade measures what a patient reads.
func grade(language string, t api.ConsentText) api.ReadingGrade {
	m := reading.Of(language, strings.Join(append(append([]string{t.Title}, t.Points...), t.Full), "\n"))
	g := api.ReadingGrade{Measured: m.Measured, Grade: m.Grade, Score: m.Score, Above: m.Above(), Vouched: m.Vouched(), Hard: append([]string{}, m.Hard...)}
	if m.Score != 0 {
		g.Scale = m.Word()
	}
	return g
}

// unfinished returns why a version in these languages cannot be given to
// anybody yet.
func unfinished(languages []api.FormLanguage) error {
	for _, l := range languages {
		if l.Text == nil {
			return &UnfinishedError{"language " + l.Language + " is not there"}
		}
		if len(l.Missing) > 0 {
			return &UnfinishedError{"language " + l.Language + " lacks " + strings.Join(l.Missing, ", ")}
		}
	}
	return nil
}

// vouched returns what people must say why, if anything: the text reads above
// the aim in a language, or cannot be measured in it.
func vouched(languages []api.FormLanguage) (what string) {
	i := slices.IndexFunc(languages, func(l api.FormLanguage) bool { return l.Reading.Vouched })
	switch {
	case i < 0:
		return ""
	case languages[i].Reading.Measured:
		return "language " + languages[i].Language + " reads above grade 6"
	}
	return "how hard language " + languages[i].Language + " reads cannot be measured"
}

// partsOf checks and takes over what an author sent.
func partsOf(d api.DraftForm) (map[string]form.Parts, error) {
	parts := make(map[string]form.Parts)
	for language, p := range d.Parts {
		if !slices.Contains(form.Languages(), language) {
			return nil, malformed("parts")
		}
		got := form.Parts(p)
		if tooLong := got.TooLong(); tooLong != "" {
			return nil, malformed("parts." + tooLong)
		}
		parts[language] = got
	}
	return parts, nil
}

// validForm reports whether the id is of small letters, digits and "-".
func validForm(id string) bool {
	return len(id) >= 2 && len(id) <= 64 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// draft is a version as an author would have it.
func (h *Hub) draft(ctx context.Context, s *StaffCaller, id string, d api.DraftForm) (ConsentForm, error) {
	if !validForm(id) {
		return ConsentForm{}, malformed("form")
	}
	if !slices.Contains(form.Kinds(), d.Kind) {
		return ConsentForm{}, malformed("kind")
	}
	parts, err := partsOf(d)
	if err != nil {
		return ConsentForm{}, err
	}
	if err := h.checkQueues(ctx, s.Person.Practice, d.Queues); err != nil {
		return ConsentForm{}, err
	}
	return ConsentForm{
		Practice: s.Person.Practice, Form: id, Version: 1, Kind: d.Kind, State: FormDraft, Texts: map[string]api.ConsentText{},
		FormRecord: FormRecord{Parts: parts, Queues: d.Queues, InAddition: d.InAddition, Months: d.Months},
	}, nil
}

// PreviewForm shows a draft as a patient would see it, and stores nothing.
func (h *Hub) PreviewForm(ctx context.Context, s *StaffCaller, id string, d api.DraftForm) (api.FormVersion, error) {
	if err := h.mayStaff(s, policy.WriteForm, s.practice()); err != nil {
		return api.FormVersion{}, err
	}
	f, err := h.draft(ctx, s, id, d)
	if err != nil {
		return api.FormVersion{}, err
	}
	w, err := h.formWork(ctx, s)
	if err != nil {
		return api.FormVersion{}, err
	}
	return h.version(s, w, &f), nil
}

// SaveDraft saves the draft of a form's next version, and begins one if there
// is none.
func (h *Hub) SaveDraft(ctx context.Context, s *StaffCaller, id string, d api.DraftForm) (api.FormVersion, error) {
	if err := h.mayStaff(s, policy.WriteForm, s.practice()); err != nil {
		return api.FormVersion{}, err
	}
	draft, err := h.draft(ctx, s, id, d)
	if err != nil {
		return api.FormVersion{}, err
	}
	done := h.event(ctx, s, audit.FormSaved, id)
	err = h.store.Recording(done).ChangeConsentForms(ctx, s.Person.Practice, func(all []ConsentForm) (FormChange, error) {
		f := draft
		for _, before := range all {
			if before.Form != id {
				continue
			}
			if before.Kind != f.Kind {
				return FormChange{}, malformed("kind") // another purpose is another form (T50)
			}
			switch before.State {
			case FormDraft:
				f.Version, f.Authors, f.History, f.Revision = before.Version, before.Authors, before.History, before.Revision
			case FormSubmitted, FormApproved:
				return FormChange{}, ErrFormState
			default:
				f.Version = max(f.Version, before.Version+1)
			}
		}
		if f.Revision != d.Base {
			return FormChange{}, ErrConflict // somebody saved meanwhile
		}
		if !slices.Contains(f.Authors, s.Person.ID) {
			f.Authors = append(slices.Clone(f.Authors), s.Person.ID)
		}
		f.note(s.Person.ID, actSave, "", h.millis())
		return FormChange{Put: []ConsentForm{f}}, nil
	})
	if err != nil {
		return api.FormVersion{}, err
	}
	return h.latest(ctx, s, id, 0)
}

// note adds to the version's history; saves that follow one another are one.
func (f *ConsentForm) note(person, act, reason string, now int64) {
	f.Revision++
	f.History = slices.Clone(f.History)
	if n := len(f.History); n > 0 && act == actSave && f.History[n-1].Act == actSave && f.History[n-1].Person == person {
		f.History = f.History[:n-1]
	}
	f.History = append(f.History, FormEvent{At: now, Person: person, Act: act, Reason: reason})
}

// reasonFor is why a version goes on although no figure says that its text reads
// plainly: what was said at the newest of these steps.
func (f *ConsentForm) reasonFor(acts ...string) string {
	for _, e := range slices.Backward(f.History) {
		if slices.Contains(acts, e.Act) {
			return e.Reason
		}
	}
	return ""
}

// latest describes a version, or a form's newest if it is 0.
func (h *Hub) latest(ctx context.Context, s *StaffCaller, id string, version int) (api.FormVersion, error) {
	w, err := h.formWork(ctx, s)
	if err != nil {
		return api.FormVersion{}, err
	}
	for _, f := range slices.Backward(w.forms) {
		if f.Form == id && (version == 0 || f.Version == version) {
			return h.version(s, w, &f), nil
		}
	}
	return api.FormVersion{}, ErrNotFound
}

// reaches reports whether an act decides what patients are asked to agree to.
// Such an act takes both factors, shown a moment ago: a browser that somebody
// left open must not speak for the practice.
func reaches(act string) bool {
	return slices.Contains([]string{actApprove, actPublish, actRetire, actQueues, actAskQueues, actAskRetire, actAllow}, act)
}

// ActOnForm takes a step of a version's life. Of a published version whose
// change waits for a second person, to approve or return answers that.
func (h *Hub) ActOnForm(ctx context.Context, s *StaffCaller, id string, version int, act string, a api.FormAct) (api.FormVersion, error) {
	reason := strings.TrimSpace(a.Reason)
	switch act {
	case actRetire:
		return h.detach(ctx, s, id, version, FormAsk{Act: actRetire, Reason: reason})
	case actApprove, actReturn:
		all, err := h.store.ConsentForms(ctx, s.Person.Practice)
		if err != nil {
			return api.FormVersion{}, err
		}
		if i, ok := forms(all).version(id, version); ok && all[i].waits(h.millis()) {
			return h.answer(ctx, s, &all[i], map[string]string{actApprove: actAllow, actReturn: actDeny}[act], reason, a.Base)
		}
	case actSubmit, actPublish:
	default:
		return api.FormVersion{}, ErrNotFound
	}
	return h.changeForm(ctx, s, id, version, act, func(w *work, f *ConsentForm, c *FormChange) error {
		return h.step(s, w, f, act, reason, c)
	})
}

// AttachForm changes which queues a published form stands before. If it would
// stand before fewer, that waits for a second person.
func (h *Hub) AttachForm(ctx context.Context, s *StaffCaller, id string, version int, q api.FormQueues) (api.FormVersion, error) {
	if !validForm(id) {
		return api.FormVersion{}, ErrNotFound
	}
	if err := h.checkQueues(ctx, s.Person.Practice, q.Queues); err != nil {
		return api.FormVersion{}, err
	}
	return h.detach(ctx, s, id, version, FormAsk{Act: actQueues, Queues: q.Queues, InAddition: q.InAddition})
}

func joined(queues []string) string { return strings.Join(queues, ", ") }

// changeForm changes one version under the store's lock, as far as the caller
// may and its state lets anybody.
func (h *Hub) changeForm(ctx context.Context, s *StaffCaller, id string, version int, act string, change func(*work, *ConsentForm, *FormChange) error) (api.FormVersion, error) {
	if err := h.mayStaff(s, policy.ReadForms, s.practice()); err != nil {
		return api.FormVersion{}, err
	}
	w, err := h.formWork(ctx, s)
	if err != nil {
		return api.FormVersion{}, err
	}
	asked := false
	done := []audit.Event{h.event(ctx, s, kindOf(act), id).With("version=" + strconv.Itoa(version))}
	if i, ok := w.forms.version(id, version); ok && act == actAllow && w.forms[i].Asked != nil {
		done = append(done, h.event(ctx, s, kindOf(w.forms[i].Asked.Act), id).With("version="+strconv.Itoa(version)))
	}
	err = h.store.Recording(done...).ChangeConsentForms(ctx, s.Person.Practice, func(all []ConsentForm) (FormChange, error) {
		w := w
		w.forms = all
		i, ok := w.forms.version(id, version)
		if !ok {
			return FormChange{}, ErrNotFound
		}
		f := all[i]
		if err := h.mayForm(s, &f, act); err != nil {
			return FormChange{}, err
		}
		if !slices.Contains(from(act), f.State) {
			return FormChange{}, ErrFormState
		}
		if reaches(act) {
			if err := h.proved(s); err != nil {
				return FormChange{}, err
			}
		}
		var c FormChange
		if err := change(&w, &f, &c); err != nil {
			return FormChange{}, err
		}
		c.Put = append(c.Put, f)
		if asked = form.Needed(f.Kind) && slices.Contains([]string{actPublish, actRetire, actQueues, actAllow}, act); asked {
			c.Due = w.forms.with(c.Put).dues(w.practice.Queues, h.millis())
		}
		return c, nil
	})
	if err != nil {
		return api.FormVersion{}, err
	}
	h.log.InfoContext(ctx, "consent form", slog.String("act", act), slog.Int("version", version), slog.String("person", s.Person.ID))
	if asked {
		h.askAgain(ctx, s.Person.Practice)
	}
	return h.latest(ctx, s, id, version)
}

// step carries out a step. The draft's author and its approver are two people:
// policy says so.
func (h *Hub) step(s *StaffCaller, w *work, f *ConsentForm, act, reason string, c *FormChange) error {
	now := h.millis()
	switch act {
	case actSubmit, actApprove:
		languages := w.languages(f)
		if err := unfinished(languages); err != nil {
			return err
		}
		if what := vouched(languages); what != "" && reason == "" {
			return &UnfinishedError{what + ": say why patients will understand it"}
		}
		f.State = FormSubmitted
		if act == actApprove {
			f.State = FormApproved
		}
	case actReturn:
		if reason == "" {
			return malformed("reason")
		}
		f.State = FormDraft
	case actPublish:
		languages := w.languages(f)
		if err := unfinished(languages); err != nil {
			return err
		}
		// Measured again: who reads may have changed the text since.
		if what := vouched(languages); what != "" && (f.reasonFor(actSubmit, actApply) == "" || f.reasonFor(actApprove) == "") {
			return &UnfinishedError{what + ", and not both people have said why patients will understand it"}
		}
		f.Texts, f.Readers = w.rendered(f), w.readers
		f.Departments, f.Others = w.staffOf(f.Queues)
		f.State, f.PublishedAt = FormPublished, now
		for _, before := range w.forms {
			if before.Form == f.Form && before.State == FormPublished {
				before.State = FormSuperseded
				c.Put = append(c.Put, before)
			}
		}
	default:
		return errors.New("no such step")
	}
	f.note(s.Person.ID, act, reason, now)
	return nil
}

// FormAgain counts who would be asked again if the version were published now.
func (h *Hub) FormAgain(ctx context.Context, s *StaffCaller, id string, version int) (api.FormAgain, error) {
	if err := h.mayStaff(s, policy.ReadForms, s.practice()); err != nil {
		return api.FormAgain{}, err
	}
	all, err := h.store.ConsentForms(ctx, s.Person.Practice)
	if err != nil {
		return api.FormAgain{}, err
	}
	i, ok := forms(all).version(id, version)
	if !ok {
		return api.FormAgain{}, ErrNotFound
	}
	var out api.FormAgain
	if form.Needed(all[i].Kind) {
		out.Open, out.Closed, err = h.store.CountDue(ctx, s.Person.Practice, all[i].Queues, 0)
	}
	return out, err
}

// receipts lists who agreed, by opaque id, for who answers for it.
func (h *Hub) receipts(ctx context.Context, s *StaffCaller, q ReceiptQuery, kind audit.Kind) ([]Receipt, error) {
	if err := h.mayStaff(s, policy.ReadReceipts, s.practice()); err != nil {
		return nil, err
	}
	which := fmt.Sprintf("form=%s,version=%d,after=%d", cmp.Or(q.Form, "all"), q.Version, q.After)
	if err := h.store.Record(ctx, h.event(ctx, s, kind, "").With(which)); err != nil {
		return nil, at("record who looks", err)
	}
	q.Practice = s.Person.Practice
	return h.store.Receipts(ctx, q)
}

// ConsentReceipts is one page of who agreed; export says that it leaves as a
// file.
func (h *Hub) ConsentReceipts(ctx context.Context, s *StaffCaller, q ReceiptQuery, export bool) (api.ConsentReceipts, error) {
	kind := audit.ConsentsListed
	if export {
		kind = audit.ConsentsExported
	}
	rs, err := h.receipts(ctx, s, q, kind)
	if err != nil {
		return api.ConsentReceipts{}, err
	}
	all, err := h.store.ConsentForms(ctx, s.Person.Practice)
	if err != nil {
		return api.ConsentReceipts{}, err
	}
	out, now := api.ConsentReceipts{Receipts: []api.Agreement{}}, h.millis()
	for _, r := range rs {
		out.Receipts = append(out.Receipts, r.api(forms(all).current(&r, now)))
	}
	if len(rs) == q.Limit {
		out.Next = rs[len(rs)-1].Sequence
	}
	return out, nil
}
