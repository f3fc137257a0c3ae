package hub

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// A Department is a part of the practice. Its people work on its queues (45 CFR
// 164.308(a)(4)(ii)(B), 164.514(d)(2)).
type Department struct {
	ID        string
	Practice  string
	Name      string
	Queues    []string // each belongs to one department at most
	People    int      // who are in it
	CreatedAt int64
	RetiredAt int64 // 0 while it is there
}

// Departments keeps the practice's departments. Who is in one is kept with the
// person: see [People.ChangePerson].
type Departments interface {
	// Departments lists all, also those that were retired, by name.
	Departments(ctx context.Context, practice string) ([]Department, error)
	// ChangeDepartment stores what change makes of a department, and nothing if
	// it returns an error. One that is not there has no CreatedAt, and is made.
	// change is told of all others; no other change of the practice's people or
	// departments runs meanwhile. A queue of another's gives [ErrExists].
	ChangeDepartment(ctx context.Context, practice, id string, change func(d *Department, others []Department) error) (Department, error)
}

// mostDepartments is how many a practice can have, retired ones included.
const mostDepartments = 500

func (d *Department) api() api.Department {
	queues := d.Queues
	if queues == nil {
		queues = []string{}
	}
	return api.Department{ID: d.ID, Name: d.Name, Queues: queues, People: d.People, CreatedAt: d.CreatedAt, RetiredAt: d.RetiredAt}
}

// Departments lists the practice's departments, for who may list its people.
func (h *Hub) Departments(ctx context.Context, s *StaffCaller) (api.Departments, error) {
	if err := h.mayStaff(s, policy.ListPeople, s.practice()); err != nil {
		return api.Departments{}, err
	}
	all, err := h.store.Departments(ctx, s.Person.Practice)
	if err != nil {
		return api.Departments{}, at("load departments", err)
	}
	out := api.Departments{Departments: make([]api.Department, len(all))}
	for i := range all {
		out.Departments[i] = all[i].api()
	}
	return out, nil
}

// AddDepartment makes one, for who has shown both factors lately.
func (h *Hub) AddDepartment(ctx context.Context, s *StaffCaller, n api.NewDepartment) (api.Department, error) {
	return h.arrange(ctx, s, NewID("g"), api.ChangeDepartment{Name: &n.Name, Queues: &n.Queues}, true)
}

// ChangeDepartment renames a department, says which queues belong to it, or
// retires it. Its people lose and gain queues with it, at once, so for all but
// the name the caller must have shown both factors lately.
func (h *Hub) ChangeDepartment(ctx context.Context, s *StaffCaller, id string, n api.ChangeDepartment) (api.Department, error) {
	if !validID("g", id) {
		return api.Department{}, ErrNotFound
	}
	return h.arrange(ctx, s, id, n, false)
}

func (h *Hub) arrange(ctx context.Context, s *StaffCaller, id string, n api.ChangeDepartment, adds bool) (api.Department, error) {
	if err := h.mayStaff(s, policy.ArrangeDepartments, s.practice()); err != nil {
		return api.Department{}, err
	}
	reaches := n.Queues != nil || n.Retire
	if reaches {
		if err := h.proved(s); err != nil {
			return api.Department{}, err
		}
	}
	if n.Queues != nil {
		if err := h.checkQueues(ctx, s.Person.Practice, *n.Queues); err != nil {
			return api.Department{}, err
		}
	}
	if n.Name != nil && strings.TrimSpace(*n.Name) == "" {
		return api.Department{}, malformed("name")
	}
	now := h.millis()
	changed := h.event(ctx, s, audit.DepartmentChanged, id)
	if n.Queues != nil {
		changed = changed.With(strings.Join(append([]string{"queues="}, *n.Queues...), ","))
	}
	if n.Retire {
		changed = h.event(ctx, s, audit.DepartmentRetired, id)
	}
	d, err := h.making(ctx, changed).ChangeDepartment(ctx, s.Person.Practice, id, func(d *Department, others []Department) error {
		switch {
		case adds && len(others) >= mostDepartments:
			return ErrTooLarge
		case adds:
			d.CreatedAt = now
		case d.CreatedAt == 0:
			return ErrNotFound
		case d.RetiredAt != 0, n.Retire && d.People > 0:
			// Who is in no department is held to none: people are moved by hand.
			return ErrConflict
		}
		return d.change(n, others, now)
	})
	if errors.Is(err, ErrExists) {
		return api.Department{}, ErrConflict
	} else if err != nil {
		return api.Department{}, err
	}
	if reaches {
		h.queuesChanged(ctx, d.Practice, "")
	}
	return d.api(), nil
}

func (d *Department) change(n api.ChangeDepartment, others []Department, now int64) error {
	if n.Name != nil {
		d.Name = strings.TrimSpace(*n.Name)
		if slices.ContainsFunc(others, func(o Department) bool { return o.RetiredAt == 0 && strings.EqualFold(o.Name, d.Name) }) {
			return ErrConflict
		}
	}
	if n.Queues != nil {
		d.Queues = slices.Compact(slices.Sorted(slices.Values(*n.Queues)))
	}
	if n.Retire {
		d.RetiredAt, d.Queues = now, nil
	}
	return nil
}
