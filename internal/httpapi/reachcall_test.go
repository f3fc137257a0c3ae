package httpapi_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/mls/wire"
)

// This file makes the calls of the walk in reach_test.go: what each route is
// about, and a body that its schema takes.

// endsCaller reports whether a route ends the session of who calls it, or
// changes what they sign in with.
func endsCaller(route string) bool {
	return slices.Contains([]string{
		"post /v1/staff/sign-out", "post /v1/staff/sso/sign-out", "post /v1/staff/lock", "delete /v1/staff/sessions/{id}",
		"delete /v1/device-sessions/self", "delete /v1/staff/devices/{id}", "put /v1/staff/password", "post /v1/key-packages", "post /v1/staff/step-up", "post /v1/staff/unlock",
	}, route)
}

// call is the path and the body with which d calls a route about what is p's;
// without a p, about what never was.
func (r *reach) call(route string, p *practice, d *device, chat string) (path, body string) {
	r.t.Helper()
	method, described, _ := strings.Cut(route, " ")
	path = described
	for _, name := range inPath.FindAllString(path, -1) {
		path = strings.Replace(path, name, r.subject(route, name, p, d, chat), 1)
	}
	query := make(url.Values)
	for _, q := range r.schemas.Paths[described][method].Parameters {
		if q.In == "query" && q.Required {
			query.Set(q.Name, fmt.Sprint(r.schemas.sample(&q.Schema)))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, r.body(route, d, chat)
}

// subject is what a route is about: id is the name in its path.
func (r *reach) subject(route, name string, p *practice, d *device, chat string) string {
	r.t.Helper()
	own := d
	if own == nil {
		own = r.owner
	}
	switch _, path, _ := strings.Cut(route, " "); {
	case name == "{form}":
		return "chat"
	case name == "{version}":
		return "1"
	case strings.Contains(path, "conversations/{id}"):
		return chat
	case strings.HasPrefix(path, "/v1/attachments/"):
		return r.attachment(route, p, chat)
	case strings.HasPrefix(path, "/v1/admin/people/{id}/devices"):
		if name == "{device}" {
			return hub.NewID("d")
		}
		return r.person(p)
	case strings.HasPrefix(path, "/v1/admin/people/"):
		return r.person(p)
	case strings.HasPrefix(path, "/v1/admin/departments/"):
		return r.department(p)
	case strings.HasPrefix(path, "/v1/admin/requests/"):
		return r.request(p)
	case strings.HasPrefix(path, "/v1/admin/emergencies/"):
		return r.emergency(p)
	case strings.HasPrefix(path, "/v1/staff/invitations/"):
		return r.invitation(p, own.person)
	case strings.HasPrefix(path, "/v1/staff/relations/"):
		return r.relation(p)
	case strings.HasPrefix(path, "/v1/staff/person-links/"):
		return r.link(p)
	case p == r.clinic && strings.Contains(path, "/devices/{id}"):
		return own.id
	case strings.Contains(path, "/devices/{id}"):
		if p == nil {
			return hub.NewID("d")
		}
		return p.keeper.id
	}
	return hub.NewID("z")
}

// there is a conversation of the other practice, for routes about one.
func (r *reach) there(route string) string {
	if !ofChat(route[strings.Index(route, " ")+1:]) {
		return ""
	}
	if r.chats["elsewhere"] == "" {
		r.callers["elsewhere"] = r.patientOf(r.elsewhere)
		r.chats["elsewhere"] = r.callers["elsewhere"].open("nurse")
	}
	return r.chats["elsewhere"]
}

// attachment is one of the conversation's, half there or whole.
func (r *reach) attachment(route string, p *practice, chat string) string {
	r.t.Helper()
	if p == nil {
		return hub.NewID("a")
	}
	owner := r.owner
	if p == r.elsewhere {
		owner = r.callers["elsewhere"]
	}
	a, err := owner.NewAttachment(r.ctx, chat, api.NewAttachment{Size: 4})
	r.must(err)
	if !strings.HasPrefix(route, "patch ") {
		_, err = owner.Upload(r.ctx, a.ID, 0, []byte("seal"))
		r.must(err)
	}
	return a.ID
}

func (r *reach) person(p *practice) string {
	r.t.Helper()
	if p == nil {
		return hub.NewID("p")
	}
	added, err := r.hub.AddStaff(r.ctx, hub.Person{Practice: p.ID, Role: "billing", Name: "Bo", Title: "Billing", Login: hub.NewID("p")})
	r.must(err)
	return added.ID
}

func (r *reach) department(p *practice) string {
	id := hub.NewID("g")
	if p != nil {
		_, err := r.store.ChangeDepartment(r.ctx, p.ID, id, func(d *hub.Department, _ []hub.Department) error {
			d.Name, d.CreatedAt = id, 1
			return nil
		})
		r.must(err)
	}
	return id
}

func (r *reach) request(p *practice) string {
	id := hub.NewID("q")
	if p != nil {
		r.must(r.store.AddGrantRequest(r.ctx, hub.GrantRequest{
			ID: id, Practice: p.ID, Kind: hub.GrantRole, Person: r.person(p), Role: "supervisor", Was: "billing", Reason: "she leads",
			RequestedAt: r.clock.now().UnixMilli(), ExpiresAt: r.clock.now().UnixMilli() + 1e9,
		}))
	}
	return id
}

func (r *reach) emergency(p *practice) string {
	id := hub.NewID("e")
	if p != nil {
		_, err := r.store.OpenEmergency(r.ctx, hub.Emergency{
			ID: id, Practice: p.ID, Conversation: hub.NewID("c"), Patient: r.owner.person, Person: r.colleague().person, Reason: "danger",
			Words: "it was needed", OpenedAt: r.clock.now().UnixMilli(), EndsAt: 1, EndedAt: 1, DueAt: 1,
		}, nil)
		r.must(err)
	}
	return id
}

func (r *reach) invitation(p *practice, by string) string {
	id := hub.NewID("i")
	if p != nil {
		i := hub.Invitation{ID: id, Practice: p.ID, Queue: "nurse", Language: "en", Staff: by, Channel: "link", CreatedAt: 1, ExpiresAt: r.clock.now().UnixMilli() + 1e9}
		copy(i.Token[:], id)
		r.must(r.store.AddInvitation(r.ctx, i))
	}
	return id
}

func (r *reach) relation(p *practice) string {
	id := hub.NewID("r")
	if p != nil {
		r.must(r.store.AddRelation(r.ctx, hub.Relation{
			ID: id, Practice: p.ID, Holder: hub.NewID("p"), Subject: hub.NewID("p"), Kind: "carer", Evidence: "letter", StartsAt: 1, GrantedAt: 1,
		}, nil))
	}
	return id
}

func (r *reach) link(p *practice) string {
	id := hub.NewID("l")
	if p != nil {
		one, other := hub.NewID("p"), hub.NewID("p")
		r.must(r.store.AddPersonLink(r.ctx, hub.PersonLink{ID: id, Practice: p.ID, Person: min(one, other), Other: max(one, other), Reason: "same", LinkedAt: 1}))
	}
	return id
}

// body is one that the route's schema takes.
func (r *reach) body(route string, d *device, chat string) string {
	r.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	switch route {
	case "post /v1/conversations/{id}/frames":
		m := wire.Message{Private: &wire.PrivateMessage{GroupID: []byte(chat), Epoch: 1, Type: wire.ContentApplication}}
		return mustJSON(api.SendFrame{ClientID: "12345678", Kind: api.FrameApplication, Payload: m.Marshal()})
	case "patch /v1/attachments/{id}":
		return "seal"
	case "post /v1/staff/step-up", "post /v1/staff/unlock":
		if d != nil && d.secret != nil {
			return mustJSON(api.Authentication{Password: phrase, Code: d.code()})
		}
	case "patch /v1/admin/people/{id}":
		return `{"queues":["nurse"]}`
	case "post /v1/admin/people/{id}/requests":
		return `{"kind":"role","role":"supervisor","reason":"she leads the ward"}`
	case "post /v1/admin/people":
		return fmt.Sprintf(`{"name":"Bo","login":%q,"role":"billing","title":"Billing","queues":[]}`, hub.NewID("p"))
	case "post /v1/staff/conversations/{id}/transfer":
		return `{"queue":"front-desk"}`
	case "post /v1/staff/conversations/{id}/colleagues":
		return mustJSON(api.BringColleague{Person: r.colleague().person})
	case "post /v1/staff/conversations/{id}/break-glass":
		return `{"reason":"danger","words":"it cannot wait any longer"}`
	case "post /v1/key-packages/claim":
		return `{"person":"keeper"}`
	}
	content := r.schemas.Paths[path][method].RequestBody.Content
	if len(content) == 0 {
		return ""
	}
	s := content["application/json"].Schema
	return mustJSON(r.schemas.sample(&s))
}

// schemas is what tests read of the API's description.
type schemas struct {
	Paths map[string]map[string]struct {
		Security   []map[string][]string
		Parameters []struct {
			Name, In string
			Required bool
			Schema   schema
		}
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref             string `json:"$ref"`
	Type            any
	Enum            []any
	Required        []string
	Properties      map[string]*schema
	Items           *schema
	MinLength       int
	MinItems        int
	MaxLength       *int
	MaxItems        *int
	Format          string
	Minimum         *float64
	Maximum         *float64
	ContentEncoding string
	Pattern         string
}

// sample makes the smallest document that a schema takes.
func (s *schemas) sample(of *schema) any {
	if name, ok := strings.CutPrefix(of.Ref, "#/components/schemas/"); ok {
		named := s.Components.Schemas[name]
		return s.sample(&named)
	}
	kind, _ := of.Type.(string)
	if several, ok := of.Type.([]any); ok {
		kind, _ = several[0].(string)
	}
	switch {
	case len(of.Enum) > 0:
		return of.Enum[0]
	case kind == "object":
		made := make(map[string]any)
		for _, name := range of.Required {
			made[name] = s.sample(of.Properties[name])
		}
		return made
	case kind == "array":
		made := []any{}
		for range of.MinItems {
			made = append(made, s.sample(of.Items))
		}
		return made
	case kind == "boolean":
		return true
	case kind == "integer", kind == "number":
		if of.Minimum != nil && *of.Minimum > 1 {
			return *of.Minimum
		}
		return 1
	case of.ContentEncoding == "base64":
		return []byte(strings.Repeat("x", max(1, of.MinLength)))
	}
	return strings.Repeat("x", max(1, of.MinLength))
}
