package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// ask calls a route as a signed-in staff person.
func (d *device) ask(route string, body, answer any) *http.Response {
	d.w.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	text := ""
	if body != nil {
		text = mustJSON(body)
	}
	resp, got := d.w.raw(method, path, text, "Cookie", "__Host-sotto_staff="+d.Cookie())
	if answer != nil && resp.StatusCode < 300 {
		d.w.must(json.Unmarshal([]byte(got), answer))
	}
	return resp
}

func (d *device) asks(route string, body, answer any, want int) {
	d.w.t.Helper()
	if resp := d.ask(route, body, answer); resp.StatusCode != want {
		d.w.t.Errorf("%s %v: status %d, want %d", route, body, resp.StatusCode, want)
	}
}

// TestT22Departments: staff work on the queues of their departments and on
// those given to them, see nothing of others, and follow when a queue moves.
// Whose department has no queue is not thereby given all of them.
func TestT22Departments(t *testing.T) {
	w := newWorld(t)
	admin, nurse, patient := w.staffAs(w.clinic, "administrator", "ada"), w.staffAs(w.clinic, "nurse", "nan"), w.patient()
	theirs, others := patient.open("nurse"), patient.open("front-desk")
	sees := func(ids ...string) {
		t.Helper()
		page, err := nurse.Conversations(w.ctx, "waiting", "")
		w.must(err)
		var got []string
		for _, v := range page.Conversations {
			got = append(got, v.ID)
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			t.Errorf("sees %v, want %v", got, ids)
		}
		for _, id := range []string{theirs, others} {
			if _, err := nurse.Conversation(w.ctx, id); (err == nil) != slices.Contains(ids, id) {
				t.Errorf("%s: %v, want it to be seen: %v", id, err, slices.Contains(ids, id))
			}
		}
	}
	sees(theirs, others) // held to nothing

	var made api.Department
	admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Triage"}, &made, 200)
	path := "PATCH /v1/admin/departments/" + made.ID
	person := "PATCH /v1/admin/people/" + nurse.person
	admin.asks(person, api.ChangeStaffMember{Departments: &[]string{made.ID}}, nil, 200)
	sees()
	admin.asks(path, api.ChangeDepartment{Queues: &[]string{"nurse"}}, nil, 200)
	sees(theirs)
	admin.asks(person, api.ChangeStaffMember{Queues: &[]string{"front-desk"}}, nil, 200)
	sees(theirs, others)
	admin.asks(path, api.ChangeDepartment{Queues: &[]string{}}, nil, 200)
	sees(others)

	// A queue belongs to one, a name is of one, and one with people stays.
	admin.asks(path, api.ChangeDepartment{Queues: &[]string{"nurse"}}, nil, 200)
	admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Second", Queues: []string{"nurse"}}, nil, 409)
	admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: " triage "}, nil, 409)
	admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: " "}, nil, 422)
	admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Third", Queues: []string{"none"}}, nil, 422)
	admin.asks(path, api.ChangeDepartment{Retire: true}, nil, 409)
	admin.asks(person, api.ChangeStaffMember{Departments: &[]string{}}, nil, 200)
	admin.asks(path, api.ChangeDepartment{Retire: true}, nil, 200)
	admin.asks(person, api.ChangeStaffMember{Departments: &[]string{made.ID}}, nil, 409)
	admin.asks(path, api.ChangeDepartment{Queues: &[]string{"nurse"}}, nil, 409)
	admin.asks("PATCH /v1/admin/departments/"+hub.NewID("g"), api.ChangeDepartment{Retire: true}, nil, 404)

	// Not one's own, and not by who does not run the practice.
	admin.asks("PATCH /v1/admin/people/"+admin.person, api.ChangeStaffMember{Departments: &[]string{}}, nil, 403)
	nurse.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Mine"}, nil, 403)
	var list api.Departments
	admin.asks("GET /v1/admin/departments", nil, &list, 200)
	if len(list.Departments) != 1 || list.Departments[0].RetiredAt == 0 || len(list.Departments[0].Queues) != 0 {
		t.Errorf("departments: %+v", list)
	}
}

// TestT22DepartmentsReachOpenConnections: who is taken off a queue hears
// nothing more of it, by a connection that is open as by one that comes after;
// and who is given one hears of it.
func TestT22DepartmentsReachOpenConnections(t *testing.T) {
	bySocketAndPoll(t, func(t *testing.T, w *world, listen func(*device) *listener) {
		admin, nurse, patient := w.staffAs(w.clinic, "administrator", "ada"), w.staffAs(w.clinic, "nurse", "nan"), w.patient()
		var triage, desk api.Department
		admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Triage", Queues: []string{"nurse"}}, &triage, 200)
		admin.asks("POST /v1/admin/departments", api.NewDepartment{Name: "Desk"}, &desk, 200)
		person := "PATCH /v1/admin/people/" + nurse.person
		admin.asks(person, api.ChangeStaffMember{Departments: &[]string{triage.ID}}, nil, 200)

		hears := func(l *listener, id string) {
			t.Helper()
			l.until("chat "+id, func(e api.Event) bool { return e.Summary != nil && e.Summary.ID == id })
		}
		deaf := func(l *listener, id string) {
			t.Helper()
			l.stop()
			<-l.ended
			close(l.events)
			for e := range l.events {
				if e.Summary != nil && e.Summary.ID == id {
					t.Errorf("a queue that is no longer theirs: %+v", e.Summary)
				}
			}
		}
		first := listen(nurse)
		hears(first, patient.open("nurse"))
		admin.asks(person, api.ChangeStaffMember{Departments: &[]string{desk.ID}}, nil, 200)
		gone := patient.open("nurse")
		second := listen(nurse)
		unheard := patient.open("nurse")
		admin.asks("PATCH /v1/admin/departments/"+desk.ID, api.ChangeDepartment{Queues: &[]string{"front-desk"}}, nil, 200)
		third := listen(nurse)
		hears(third, patient.open("front-desk"))
		admin.asks("PATCH /v1/admin/departments/"+desk.ID, api.ChangeDepartment{Queues: &[]string{}}, nil, 200)
		moved := patient.open("front-desk")
		fourth := listen(nurse)
		deaf(first, gone)
		deaf(second, unheard)
		deaf(third, moved)
		deaf(fourth, moved)
	})
}
