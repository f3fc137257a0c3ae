package hub

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
)

// detail is what a filter asks for, in codes: ids, and nothing that could be a
// name somebody typed.
func (f *AuditFilter) detail() string {
	out := ""
	add := func(name, value string, known bool) {
		if value == "" {
			return
		}
		if !known {
			value = "other"
		}
		out += "," + name + "=" + value
	}
	add("kind", f.Kind, true) // query has checked both
	add("category", f.Category, true)
	add("outcome", f.Outcome, slices.Contains([]string{string(audit.Done), string(audit.Refused), string(audit.Failed)}, f.Outcome))
	for _, of := range []struct{ name, id string }{{"person", f.Person}, {"subject", f.Subject}, {"object", f.Object}} {
		add(of.name, of.id, of.id != "" && validID(of.id[:1], of.id))
	}
	for _, of := range []struct {
		name string
		at   int64
	}{{"from", f.From}, {"until", f.Until}} {
		if of.at != 0 {
			add(of.name, strconv.FormatInt(of.at, 10), true)
		}
	}
	return out
}

// lookedUp says of e, which reads the log by a filter, whom it was about: one
// event for each person that the filter names, by their id, their device's or
// their conversation's, so that it is found where that person looks.
func (h *Hub) lookedUp(ctx context.Context, e audit.Event, f *AuditFilter) ([]audit.Event, error) {
	e = e.In(f.Conversation, f.Patient).With(e.Detail + f.detail())
	if f.Conversation != "" && f.Patient == "" {
		patient, err := h.patientOf(ctx, e.Practice, f.Conversation)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		e.Patient = patient
	}
	all := []audit.Event{e}
	for _, id := range []string{f.Person, f.Subject, f.Object} {
		about, err := h.ofPerson(ctx, e, id)
		if errors.Is(err, ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(o audit.Event) bool {
			return o.Patient == about.Patient && o.Subject == about.Subject && o.Conversation == about.Conversation
		}) {
			all = append(all, about)
		}
	}
	if first := &all[0]; len(all) > 1 && first.Patient == "" && first.Conversation == "" {
		return all[1:], nil
	}
	return all, nil
}

// ofPerson is e as one about whom an id belongs to; [ErrNotFound] if to nobody.
func (h *Hub) ofPerson(ctx context.Context, e audit.Event, id string) (audit.Event, error) {
	switch {
	case validID("c", id):
		patient, err := h.patientOf(ctx, e.Practice, id)
		return e.In(id, patient), err
	case validID("d", id):
		d, err := h.store.Device(ctx, e.Practice, id)
		if err != nil {
			return e, err
		}
		id = d.Person
	case !validID("p", id):
		return e, ErrNotFound
	}
	p, err := h.store.Person(ctx, e.Practice, id)
	if err != nil {
		return e, err
	}
	if p.Kind == api.KindPatient {
		return e.In(e.Conversation, p.ID), nil
	}
	return e.About(p.ID), nil
}
