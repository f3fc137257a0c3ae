package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// An operation is one of a patch (RFC 7644, section 3.5.2).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// maxOperations bounds a patch.
const maxOperations = 1000

func operations(b []byte) ([]operation, error) {
	var p struct {
		Operations []operation `json:"Operations"`
	}
	if json.Unmarshal(b, &p) != nil || len(p.Operations) == 0 {
		return nil, invalid("invalidSyntax", "Operations are needed")
	}
	if len(p.Operations) > maxOperations {
		return nil, &Error{Status: 413, Detail: "too many operations"}
	}
	for i := range p.Operations {
		o := &p.Operations[i]
		o.Op, o.Path = strings.ToLower(o.Op), strings.TrimSpace(o.Path) // Entra ID writes Add, Replace and Remove
		if o.Op != "add" && o.Op != "replace" && o.Op != "remove" {
			return nil, invalid("invalidSyntax", "op is add, replace or remove")
		}
		if o.Op == "remove" && o.Path == "" {
			return nil, invalid("noTarget", "remove needs a path")
		}
	}
	return p.Operations, nil
}

// attribute is a path or a name without its schema, in lower case.
func attribute(path string) string {
	path = strings.ToLower(strings.TrimSpace(path))
	for _, schema := range []string{UserSchema, GroupSchema} {
		path = strings.TrimPrefix(path, strings.ToLower(schema)+":")
	}
	return path
}

// A resource is what a patch changes, an attribute at a time.
type resource interface {
	set(name string, v any) error
	add(name string, v any) error
	remove(o operation) error
	check() error
}

// patch changes a resource as a patch says.
func patch(r resource, b []byte) error {
	all, err := operations(b)
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := apply(r, o); err != nil {
			return err
		}
	}
	return r.check()
}

func apply(r resource, o operation) error {
	write := r.set
	if o.Op == "add" {
		write = r.add
	}
	fields, whole := o.Value.(map[string]any)
	switch {
	case o.Op == "remove":
		return r.remove(o)
	case o.Path == "" && whole: // Okta
		return each(fields, write)
	case o.Path == "":
		return invalid("invalidSyntax", "without a path the value is an object")
	}
	return write(attribute(o.Path), o.Value)
}

// each writes all fields, in the order of their names.
func each(fields map[string]any, write func(name string, v any) error) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := write(attribute(name), fields[name]); err != nil {
			return err
		}
	}
	return nil
}

// Patch changes the user as a patch says.
func (u *User) Patch(b []byte) error {
	return u.change(func(next *User) error { return patch(next, b) })
}

// Patch changes the group as a patch says.
func (g *Group) Patch(b []byte) error { return patch(g, b) }

// add sets an attribute: a user has none of many values that is kept.
func (u *User) add(name string, v any) error { return u.set(name, v) }

// set sets an attribute. Those that are not kept are passed over.
func (u *User) set(name string, v any) (err error) {
	switch name {
	case "username":
		u.UserName, err = text(v)
	case "externalid":
		u.ExternalID, err = text(v)
	case "displayname":
		u.DisplayName, err = text(v)
	case "title":
		u.Title, err = text(v)
	case "name.formatted":
		u.Name.Formatted, err = text(v)
	case "name.givenname":
		u.Name.Given, err = text(v)
	case "name.familyname":
		u.Name.Family, err = text(v)
	case "active":
		u.Active, err = truth(v)
	case "name":
		fields, ok := v.(map[string]any)
		if !ok {
			return invalid("invalidValue", "name is an object")
		}
		return each(fields, func(part string, v any) error { return u.set("name."+part, v) })
	}
	return err
}

func (u *User) remove(o operation) error {
	switch name := attribute(o.Path); name {
	case "username", "active":
		return invalid("mutability", "userName and active cannot be removed")
	case "name":
		u.Name = Name{}
		return nil
	default:
		return u.set(name, "")
	}
}

func (g *Group) add(name string, v any) error {
	if name != "members" {
		return g.set(name, v)
	}
	more, err := members(v)
	if err == nil {
		g.Members = unique(append(g.Members, more...))
	}
	return err
}

func (g *Group) set(name string, v any) (err error) {
	switch name {
	case "displayname":
		g.DisplayName, err = text(v)
	case "externalid":
		g.ExternalID, err = text(v)
	case "members":
		g.Members, err = members(v)
		g.Members = unique(g.Members)
	default:
		if strings.HasPrefix(name, "members[") { // to pass it over would answer that it was done
			return invalid("invalidPath", "some of the members are selected to be removed only")
		}
	}
	return err
}

// remove takes members out: all, those in the value (Entra ID), or the one that
// the path selects.
func (g *Group) remove(o operation) error {
	name, selected, selects := strings.Cut(o.Path, "[")
	if attribute(name) != "members" {
		if attribute(name) == "displayname" {
			return invalid("mutability", "displayName cannot be removed")
		}
		return g.set(attribute(name), "")
	}
	var gone []Member
	switch {
	case selects:
		f, err := ParseFilter(strings.TrimSuffix(strings.TrimSpace(selected), "]"))
		if err != nil || len(f) != 1 || f[0].Attribute != "value" {
			return invalid("invalidPath", "members[value eq \"id\"] is understood")
		}
		gone = []Member{{f[0].Value}}
	case o.Value != nil:
		var err error
		if gone, err = members(o.Value); err != nil {
			return err
		}
	default:
		g.Members = nil
		return nil
	}
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m Member) bool { return slices.Contains(gone, m) })
	return nil
}

func members(v any) ([]Member, error) {
	list, ok := v.([]any)
	if one, single := v.(map[string]any); single {
		list, ok = []any{one}, true
	}
	if !ok || len(list) > MaxMembers {
		return nil, invalid("invalidValue", "members is a list of at most 10000")
	}
	var all []Member
	for _, each := range list {
		fields, ok := each.(map[string]any)
		if !ok {
			return nil, invalid("invalidValue", "a member is an object with a value")
		}
		id, err := text(fields["value"])
		if err != nil || id == "" {
			return nil, invalid("invalidValue", "a member is an object with a value")
		}
		all = append(all, Member{id})
	}
	return all, nil
}

func unique(all []Member) []Member {
	seen := make(map[Member]bool, len(all))
	return slices.DeleteFunc(all, func(m Member) bool {
		again := seen[m]
		seen[m] = true
		return again
	})
}

func text(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || len(s) > MaxText {
		return "", invalid("invalidValue", "a text of at most 255 bytes is needed")
	}
	return s, nil
}

// truth reads a boolean, also as Entra ID writes it.
func truth(v any) (bool, error) {
	switch b := v.(type) {
	case bool:
		return b, nil
	case string:
		if strings.EqualFold(b, "true") || strings.EqualFold(b, "false") {
			return strings.EqualFold(b, "true"), nil
		}
	}
	return false, invalid("invalidValue", "active is true or false")
}
