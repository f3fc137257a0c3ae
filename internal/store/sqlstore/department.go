package sqlstore

import (
	"context"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/hub"
)

// words splits what string_agg joined: ids, which hold no comma.
func words(joined string) []string {
	if joined == "" {
		return nil
	}
	all := strings.Split(joined, ",")
	slices.Sort(all)
	return all
}

const departmentColumns = `
SELECT practice, id, name, created_at, retired_at,
    coalesce((SELECT string_agg(q.queue, ',') FROM department_queue q WHERE q.practice = department.practice AND q.department = department.id), ''),
    (SELECT count(*) FROM department_person p WHERE p.practice = department.practice AND p.department = department.id)
FROM department `

func scanDepartment(row scanner) (d hub.Department, err error) {
	var queues string
	err = row.Scan(&d.Practice, &d.ID, &d.Name, &d.CreatedAt, &d.RetiredAt, &queues, &d.People)
	d.Queues = words(queues)
	return d, err
}

// Departments implements [hub.Departments].
func (s *Store) Departments(ctx context.Context, practice string) ([]hub.Department, error) {
	all, err := collect(ctx, s.reader(), scanDepartment, departmentColumns+`WHERE practice = $1 ORDER BY name, id`, practice)
	return all, s.translate(err)
}

// ChangeDepartment implements [hub.Departments].
func (s *Store) ChangeDepartment(ctx context.Context, practice, id string, change func(*hub.Department, []hub.Department) error) (stored hub.Department, err error) {
	// As with people: who changes what somebody reaches waits for the others.
	const lock = `SELECT id FROM practice WHERE id = $1`
	const put = `
INSERT INTO department (practice, id, name, created_at, retired_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (practice, id) DO UPDATE SET name = excluded.name, retired_at = excluded.retired_at`
	const drop = `DELETE FROM department_queue WHERE practice = $1 AND department = $2`
	const add = `INSERT INTO department_queue (practice, queue, department) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	err = s.write(ctx, practice, func(t *tx) error {
		if _, err := scanString(t.row(ctx, lock+s.dialect.Lock, practice)); err != nil {
			return err
		}
		all, err := collect(ctx, t, scanDepartment, departmentColumns+`WHERE practice = $1 ORDER BY name, id`, practice)
		if err != nil {
			return err
		}
		stored = hub.Department{Practice: practice, ID: id}
		if i := slices.IndexFunc(all, func(d hub.Department) bool { return d.ID == id }); i >= 0 {
			stored = all[i]
			all = slices.Delete(all, i, i+1)
		}
		people := stored.People
		if err := change(&stored, all); err != nil {
			return err
		}
		stored.People = people
		if _, err := t.exec(put, practice, id, stored.Name, stored.CreatedAt, stored.RetiredAt); err != nil {
			return err
		}
		if _, err := t.exec(drop, practice, id); err != nil {
			return err
		}
		for _, queue := range stored.Queues {
			added, err := t.exec(add, practice, queue, id)
			if err == nil && added == 0 {
				err = hub.ErrExists
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return hub.Department{}, err
	}
	slices.Sort(stored.Queues)
	return stored, nil
}

// putDepartments has a person be in these departments and no others. One that
// is not there, or was retired, gives [hub.ErrConflict].
func putDepartments(t *tx, practice, person string, departments []string) error {
	const drop = `DELETE FROM department_person WHERE practice = $1 AND person = $2`
	const add = `
INSERT INTO department_person (practice, person, department)
SELECT practice, CAST($3 AS TEXT), id FROM department WHERE practice = $1 AND id = $2 AND retired_at = 0`
	if _, err := t.exec(drop, practice, person); err != nil {
		return err
	}
	for _, id := range departments {
		added, err := t.exec(add, practice, id, person)
		if err == nil && added == 0 {
			err = hub.ErrConflict
		}
		if err != nil {
			return err
		}
	}
	return nil
}
