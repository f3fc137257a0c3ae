package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// testDepartments: what a person works on follows the departments that they are
// in, and a queue belongs to one.
func testDepartments(t *testing.T, store hub.Store) {
	ctx, here, elsewhere := t.Context(), newClinic(t, store), newClinic(t, store)
	put := func(id, name string, queues ...string) (hub.Department, error) {
		return store.ChangeDepartment(ctx, here.id, id, func(d *hub.Department, _ []hub.Department) error {
			d.Name, d.Queues, d.CreatedAt = name, queues, 7
			return nil
		})
	}
	one, other := newID("g"), newID("g")
	_, err := put(one, "Women's health", "births", "visits")
	must(t, err)
	_, err = put(other, "Pharmacy")
	must(t, err)
	_, err = put(other, "Pharmacy", "births")
	wants(t, err, hub.ErrExists)

	p := hub.Person{ID: newID("p"), Practice: here.id, Kind: api.KindStaff, Role: "nurse", Login: newID("login"), CreatedAt: 1, Departments: []string{one}}
	must(t, store.AddPerson(ctx, p))
	reaches := func(departments, queues []string) {
		t.Helper()
		got, err := store.Person(ctx, here.id, p.ID)
		must(t, err)
		if diff := cmp.Diff([][]string{departments, queues}, [][]string{got.Departments, got.DepartmentQueues}); diff != "" {
			t.Errorf("departments and queues: %s", diff)
		}
	}
	move := func(to ...string) error {
		_, err := store.ChangePerson(ctx, here.id, p.ID, 5, func(p *hub.Person, _ bool) error { p.Departments = to; return nil })
		return err
	}
	reaches([]string{one}, []string{"births", "visits"})
	_, err = put(one, "Women's health", "visits")
	must(t, err)
	reaches([]string{one}, []string{"visits"})
	must(t, move(other))
	reaches([]string{other}, nil)
	wants(t, move(newID("g")), hub.ErrConflict)
	reaches([]string{other}, nil)

	all, err := store.Departments(ctx, here.id)
	must(t, err)
	want := []hub.Department{
		{ID: other, Practice: here.id, Name: "Pharmacy", People: 1, CreatedAt: 7},
		{ID: one, Practice: here.id, Name: "Women's health", Queues: []string{"visits"}, CreatedAt: 7},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("departments: %s", diff)
	}
	none, err := store.Departments(ctx, elsewhere.id)
	must(t, err)
	if len(none) != 0 {
		t.Errorf("another practice has %v", none)
	}
	refusal := errors.New("no")
	_, err = store.ChangeDepartment(ctx, here.id, one, func(d *hub.Department, others []hub.Department) error {
		if len(others) != 1 || others[0].ID != other {
			t.Errorf("told of %v", others)
		}
		d.Name = "X"
		return refusal
	})
	wants(t, err, refusal)
	_, err = store.ChangeDepartment(ctx, here.id, one, func(d *hub.Department, _ []hub.Department) error { d.RetiredAt, d.Queues = 9, nil; return nil })
	must(t, err)
	wants(t, move(one), hub.ErrConflict)
	_, err = put(other, "Pharmacy", "visits") // it is free again
	must(t, err)
	reaches([]string{other}, []string{"visits"})
}
