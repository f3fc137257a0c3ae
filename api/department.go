package api

// A Department is a part of the practice, whose people work on its queues.
type Department struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Queues    []string `json:"queues" doc:"that belong to it; a queue belongs to one department at most"`
	People    int      `json:"people" doc:"who are in it"`
	CreatedAt int64    `json:"created_at"`
	RetiredAt int64    `json:"retired_at,omitempty"`
}

// Departments is the answer of GET /v1/admin/departments.
type Departments struct {
	Departments []Department `json:"departments" doc:"by name, retired ones included"`
}

// NewDepartment makes one: POST /v1/admin/departments.
type NewDepartment struct {
	Name   string   `json:"name" minLength:"1" maxLength:"80"`
	Queues []string `json:"queues,omitempty" maxItems:"200"`
}

// ChangeDepartment changes what is set: PATCH /v1/admin/departments/{id}. One
// that has people cannot be retired; retiring is for good.
type ChangeDepartment struct {
	Name   *string   `json:"name,omitempty" minLength:"1" maxLength:"80"`
	Queues *[]string `json:"queues,omitempty" maxItems:"200"`
	Retire bool      `json:"retire,omitempty"`
}
