package policy

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
)

//go:embed rules/*.cedar
var files embed.FS

// A Rule is one sentence of policy, for people.
type Rule struct {
	ID      string
	Says    string // in plain words
	Forbids bool
	Actions []Action // none means all
	Text    string   // in Cedar
}

// An Engine decides. It never changes, and may be used by many at once.
type Engine struct {
	rules []Rule
	by    map[Action]rules
	table func() []Row
}

// rules are those that can speak of one action.
type rules map[cedar.PolicyID]*cedar.Policy

// All implements cedar.PolicyIterator.
func (r rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for id, p := range r {
			if !yield(id, p) {
				return
			}
		}
	}
}

// New returns the engine of the product's own rules.
func New() (*Engine, error) {
	sub, err := fs.Sub(files, "rules")
	if err != nil {
		return nil, err
	}
	return load(sub)
}

// load reads every .cedar file, in order of name.
func load(from fs.FS) (*Engine, error) {
	names, err := fs.Glob(from, "*.cedar")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	e := &Engine{by: make(map[Action]rules)}
	e.table = sync.OnceValue(e.makeTable)
	for _, a := range Actions() {
		e.by[a] = make(rules)
	}
	for _, name := range names {
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		list, err := cedar.NewPolicyListFromBytes(name, b)
		if err != nil {
			return nil, fmt.Errorf("policy: %s: %w", name, err)
		}
		for _, p := range list {
			if err := e.add(p); err != nil {
				return nil, fmt.Errorf("policy: %s: %w", name, err)
			}
		}
	}
	return e, nil
}

func (e *Engine) add(p *cedar.Policy) error {
	notes := p.Annotations()
	r := Rule{
		ID: string(notes["id"]), Says: string(notes["says"]), Forbids: p.Effect() == cedar.Forbid,
		Text: strings.TrimSpace(string(p.MarshalCedar())),
	}
	switch {
	case r.ID == "" || r.Says == "":
		return errors.New("a rule has no @id or no @says")
	case slices.ContainsFunc(e.rules, func(o Rule) bool { return o.ID == r.ID }):
		return fmt.Errorf("rule %q is there twice", r.ID)
	}
	var err error
	if r.Actions, err = actionsOf(p); err != nil {
		return fmt.Errorf("rule %q: %w", r.ID, err)
	}
	speaksOf := r.Actions
	if len(speaksOf) == 0 {
		speaksOf = Actions()
	}
	for _, a := range speaksOf {
		if e.by[a] == nil {
			return fmt.Errorf("rule %q speaks of %q, which nobody can do", r.ID, a)
		}
		e.by[a][cedar.PolicyID(r.ID)] = p
	}
	e.rules = append(e.rules, r)
	return nil
}

// actionsOf reads which actions a rule's head names; none means any.
func actionsOf(p *cedar.Policy) ([]Action, error) {
	b, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	type entity struct {
		ID string `json:"id"`
	}
	var head struct {
		Action struct {
			Op       string   `json:"op"`
			Entity   *entity  `json:"entity"`
			Entities []entity `json:"entities"`
		} `json:"action"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, err
	}
	var named []Action
	if head.Action.Entity != nil {
		named = append(named, Action(head.Action.Entity.ID))
	}
	for _, each := range head.Action.Entities {
		named = append(named, Action(each.ID))
	}
	if len(named) == 0 && head.Action.Op != "All" {
		return nil, fmt.Errorf("a head with action %q is not understood", head.Action.Op)
	}
	return named, nil
}

// Rules lists all, in the order in which they are written.
func (e *Engine) Rules() []Rule { return slices.Clone(e.rules) }

// Rule returns one by its id.
func (e *Engine) Rule(id string) (Rule, bool) {
	i := slices.IndexFunc(e.rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return e.rules[i], true
}

// Decide answers whether p may do a upon r. A rule that cannot be evaluated
// denies, whatever the others say.
func (e *Engine) Decide(p *Principal, a Action, r *Resource) Decision {
	principal, resource := p.entity(), r.entity()
	about := e.by[a]
	if about == nil {
		return Decision{}
	}
	decision, why := cedar.Authorize(about, cedar.EntityMap{principal.UID: principal, resource.UID: resource}, cedar.Request{
		Principal: principal.UID, Resource: resource.UID, Action: cedar.NewEntityUID("Action", cedar.String(a)),
	})
	d := Decision{Allowed: decision == cedar.Allow && len(why.Errors) == 0}
	for _, reason := range why.Reasons {
		d.Rules = append(d.Rules, string(reason.PolicyID))
	}
	slices.Sort(d.Rules)
	return d
}

// May is Decide for those who do not ask why.
func (e *Engine) May(p *Principal, a Action, r *Resource) bool { return e.Decide(p, a, r).Allowed }

func (p *Principal) entity() cedar.Entity {
	care := slices.ContainsFunc(p.Roles, Role.care)
	return cedar.Entity{
		UID: cedar.NewEntityUID("Caller", cedar.String(p.ID)),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"id": cedar.String(p.ID), "practice": cedar.String(p.Practice), "roles": set(p.Roles),
			"care": cedar.Boolean(care), "queues": set(p.Queues), "allQueues": cedar.Boolean(p.AllQueues()),
		}),
	}
}

func (r *Resource) entity() cedar.Entity {
	return cedar.Entity{
		UID: r.uid(),
		Attributes: cedar.NewRecord(cedar.RecordMap{
			"practice": cedar.String(r.Practice), "queue": cedar.String(r.Queue), "patient": cedar.String(r.Patient),
			"wanted": set(r.Wanted), "members": set(r.Members), "urgent": set(r.Urgent), "served": set(r.Served), "withdrawn": cedar.Boolean(r.Withdrawn), "due": cedar.Boolean(r.Due),
			"form": cedar.String(r.Form), "authors": set(r.Authors),
			"claimed": cedar.Boolean(r.Claimed), "closed": cedar.Boolean(r.Closed),
			"pastGrant": cedar.Boolean(r.PastGrant), "unexplained": cedar.Boolean(r.Unexplained),
			"person": cedar.String(r.Person), "lastAdministrator": cedar.Boolean(r.LastAdministrator),
			"takesTwo": cedar.Boolean(r.TakesTwo), "requester": cedar.String(r.Requester),
		}),
	}
}

func (r *Resource) uid() cedar.EntityUID {
	switch {
	case r.ID != "":
		return cedar.NewEntityUID("Conversation", cedar.String(r.ID))
	case r.Person != "":
		return cedar.NewEntityUID("Person", cedar.String(r.Person))
	}
	return cedar.NewEntityUID("Practice", cedar.String(r.Practice))
}

func set[S ~string](all []S) cedar.Set {
	values := make([]cedar.Value, len(all))
	for i, s := range all {
		values[i] = cedar.String(s)
	}
	return cedar.NewSet(values...)
}
