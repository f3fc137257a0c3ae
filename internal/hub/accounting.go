package hub

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is the accounting of disclosures (45 CFR 164.528): what left the
// practice of a patient's in six years, but for treatment, payment and
// operations, to the patient, and by their authorisation.

const accountedYears = 6

// Where a disclosure is known from; see [api.Disclosure].
const (
	fromHand   = "hand"
	fromRecord = "record"
	fromLog    = "log"
)

// Disclosures keeps what left the practice, for ever (45 CFR 164.528).
type Disclosures interface {
	AddDisclosure(ctx context.Context, d Disclosure) error
	// Disclosures lists all that a query selects by At, newest first, struck ones
	// too.
	Disclosures(ctx context.Context, q DisclosureQuery) ([]Disclosure, error)
	// StrikeDisclosure marks one as a mistake. One that is struck gives
	// [ErrConflict].
	StrikeDisclosure(ctx context.Context, practice, id string, s Strike) (Disclosure, error)
}

// A DisclosureQuery selects disclosures of any of the patients, and those with any
// of the ids, that were made at Since (Unix milliseconds) or later.
type DisclosureQuery struct {
	Practice      string
	Patients, IDs []string
	Since         int64
}

// patientNamed returns the patient of that id, or of the conversation of that
// id, if there is one in the practice.
func (h *Hub) patientNamed(ctx context.Context, practice, id string) (string, error) {
	if validID("c", id) {
		return h.patientOf(ctx, practice, id)
	}
	_, err := h.personOfKind(ctx, practice, id, api.KindPatient)
	return id, err
}

// mayReadAccess refuses who may not see how a patient's affairs were accessed,
// and records the others, for each person of whom something is read. It returns
// what the report is about.
func (h *Hub) mayReadAccess(ctx context.Context, s *StaffCaller, id string, kind audit.Kind, what string) (*reported, error) {
	if err := h.mayStaff(s, policy.ReadAccess, s.practice()); err != nil {
		return nil, err
	}
	patient, err := h.patientNamed(ctx, s.Person.Practice, id)
	if err != nil {
		return nil, err
	}
	p, err := h.reportOn(ctx, s.Person.Practice, patient)
	if err != nil {
		return nil, err
	}
	var reads []audit.Event
	for _, of := range slices.Concat(p.persons, p.writers) {
		reads = append(reads, h.event(ctx, s, kind, "").Of(of).With("what="+what))
	}
	if err := h.store.Record(ctx, reads...); err != nil {
		return nil, at("record a read", err)
	}
	return p, nil
}

// Disclosures is the accounting of a patient, who is named by their id or by
// that of a conversation of theirs.
func (h *Hub) Disclosures(ctx context.Context, s *StaffCaller, id string) (api.Disclosures, error) {
	p, err := h.mayReadAccess(ctx, s, id, audit.AccessRead, "disclosures")
	if err != nil {
		return api.Disclosures{}, err
	}
	return h.disclosures(ctx, s.Person.Practice, p)
}

// ExportDisclosures is [Hub.Disclosures] as a table (RFC 4180), without what was
// struck. Each line has the persons and chats that the table covers, with blanks
// between, if they are more than the patient's own; where nothing left there is
// one line of these alone.
func (h *Hub) ExportDisclosures(ctx context.Context, s *StaffCaller, id string) ([]byte, error) {
	p, err := h.mayReadAccess(ctx, s, id, audit.AccountTaken, "csv")
	if err != nil {
		return nil, err
	}
	all, err := h.disclosures(ctx, s.Person.Practice, p)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"date", "recipient", "address", "what", "purpose", "recorded", "recorder", "source", "persons", "chats"}}
	persons, chats := strings.Join(all.Persons, " "), strings.Join(all.Chats, " ")
	for i := range all.Disclosures {
		if d := &all.Disclosures[i]; d.StruckAt == 0 {
			rows = append(rows, []string{day(d.At), d.Recipient, d.Address, d.What, d.Purpose, day(d.RecordedAt), d.Recorder.ID, d.Source, persons, chats})
		}
	}
	if len(rows) == 1 && persons+chats != "" {
		rows = append(rows, []string{"", "", "", "", "", "", "", "", persons, chats})
	}
	return export.Table(rows), nil
}

func day(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.DateOnly) }

// disclosures are all of six years: an accounting that is cut is none.
func (h *Hub) disclosures(ctx context.Context, practice string, p *reported) (out api.Disclosures, err error) {
	now := h.now()
	out = api.Disclosures{
		Patient: p.patient, Persons: p.joined(), Chats: p.chats,
		From: now.AddDate(-accountedYears, 0, 0).UnixMilli(), Until: now.UnixMilli(), Disclosures: []api.Disclosure{},
	}
	q := p.query(practice)
	q.From = out.From
	for _, k := range append(export.Disclosing(), audit.DisclosureMade) {
		q.Kinds = append(q.Kinds, string(k))
	}
	// What was written down of a chat is kept under who writes in it, and the log
	// says in which chat that was.
	written := DisclosureQuery{Practice: practice, Patients: p.persons, Since: out.From}
	err = h.eachEntry(ctx, q, func(e *auditlog.Entry) {
		switch {
		case e.Event.Kind == audit.DisclosureMade:
			written.IDs = append(written.IDs, e.Event.Object)
		case export.Disclosed(&e.Event):
			spec, _ := audit.SpecOf(e.Event.Kind)
			out.Disclosures = append(out.Disclosures, api.Disclosure{
				At: e.Event.At, RecordedAt: e.Event.At, Source: fromLog, What: spec.Says, Purpose: e.Event.Reason, Number: e.Leaf,
				Recipient: cmp.Or(audit.NoAccount(e.Event.Person), string(e.Event.Role)),
			})
		}
	})
	if err != nil {
		return out, err
	}
	lines, err := h.store.Disclosures(ctx, written)
	if err != nil {
		return out, at("load disclosures", err)
	}
	var ids []string
	for i := range lines {
		ids = append(ids, lines[i].Person)
	}
	people, err := h.persons(ctx, practice, ids)
	if err != nil {
		return out, err
	}
	for i := range lines {
		out.Disclosures = append(out.Disclosures, h.describeDisclosure(&lines[i], people[lines[i].Person]))
	}
	slices.SortStableFunc(out.Disclosures, func(a, b api.Disclosure) int { return cmp.Compare(b.At, a.At) })
	return out, nil
}

// eachEntry reads all that a query selects, however much it is, a batch at a time.
func (h *Hub) eachEntry(ctx context.Context, q LogQuery, do func(*auditlog.Entry)) error {
	if err := h.asItStands(ctx, &q); err != nil {
		return err
	}
	q.Limit = exportBatch
	for {
		batch, err := h.store.LogEntries(ctx, q)
		if err != nil {
			return at("read the audit log", err)
		}
		for i := range batch {
			do(&batch[i])
		}
		if len(batch) < q.Limit {
			return nil
		}
		last := &batch[len(batch)-1]
		q.Beyond = &LogPlace{At: last.Event.At, Leaf: last.Leaf}
	}
}

func (h *Hub) describeDisclosure(d *Disclosure, by Person) api.Disclosure {
	out := api.Disclosure{
		ID: d.ID, At: d.At, RecordedAt: d.RecordedAt, Source: d.Source, Recipient: d.Recipient, Address: d.Address, What: d.What,
		Purpose: d.Purpose, StruckAt: d.StruckAt, StruckWhy: d.StruckWhy,
	}
	if by.ID != "" {
		out.Recorder = h.person(by)
	}
	return out
}

// RecordDisclosure writes down what left the practice outside this system.
func (h *Hub) RecordDisclosure(ctx context.Context, s *StaffCaller, id string, r api.RecordDisclosure) (api.Disclosure, error) {
	if err := h.mayStaff(s, policy.RecordDisclosure, s.practice()); err != nil {
		return api.Disclosure{}, err
	}
	patient, err := h.patientNamed(ctx, s.Person.Practice, id)
	if err != nil {
		return api.Disclosure{}, err
	}
	d := Disclosure{
		ID: NewID("x"), Practice: s.Person.Practice, Patient: patient, At: r.At, RecordedAt: h.millis(), Person: s.Person.ID, Source: fromHand,
		Recipient: strings.TrimSpace(r.Recipient), Address: strings.TrimSpace(r.Address), What: strings.TrimSpace(r.What), Purpose: r.Purpose,
	}
	switch {
	case d.At > d.RecordedAt || d.At < h.now().AddDate(-accountedYears, 0, 0).UnixMilli():
		return api.Disclosure{}, malformed("at")
	case len(d.Recipient) < 2:
		return api.Disclosure{}, malformed("recipient")
	case len(d.What) < 2:
		return api.Disclosure{}, malformed("what")
	}
	made := h.event(ctx, s, audit.DisclosureMade, d.ID).Of(patient).Because(d.Purpose, d.ID)
	if validID("c", id) { // it can be about somebody else than who writes in it
		made = made.In(id, patient)
	}
	if err := h.making(ctx, made).AddDisclosure(ctx, d); err != nil {
		return api.Disclosure{}, at("store a disclosure", err)
	}
	return h.describeDisclosure(&d, s.Person), nil
}

// StrikeDisclosure marks a line that somebody wrote down as a mistake: it stays,
// struck, with the reason. One that came of opening the sealed record is the
// system's own word that it left, and nobody takes it out of the account.
func (h *Hub) StrikeDisclosure(ctx context.Context, s *StaffCaller, id string, r api.StrikeDisclosure) (api.Disclosure, error) {
	if err := h.mayStaff(s, policy.RecordDisclosure, s.practice()); err != nil {
		return api.Disclosure{}, err
	}
	why := strings.TrimSpace(r.Why)
	if len([]rune(why)) < leastWords {
		return api.Disclosure{}, ErrNoReason
	}
	if !validID("x", id) {
		return api.Disclosure{}, ErrNotFound
	}
	found, err := h.store.Disclosures(ctx, DisclosureQuery{Practice: s.Person.Practice, IDs: []string{id}})
	switch {
	case err != nil:
		return api.Disclosure{}, at("load a disclosure", err)
	case len(found) == 0:
		return api.Disclosure{}, ErrNotFound
	case found[0].Source != fromHand:
		return api.Disclosure{}, &ForbiddenError{Says: "The sealed record was opened for this. It stays in the account; write down beside it what is to be said of it."}
	}
	struck := h.event(ctx, s, audit.DisclosureStruck, id).Because("mistake", id)
	d, err := h.store.Recording(struck).StrikeDisclosure(ctx, s.Person.Practice, id, Strike{At: h.millis(), By: s.Person.ID, Why: why})
	if err != nil {
		return api.Disclosure{}, err
	}
	p, err := h.persons(ctx, d.Practice, []string{d.Person})
	return h.describeDisclosure(&d, p[d.Person]), err
}
