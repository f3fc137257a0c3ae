// Package scim is the part of SCIM 2.0 (RFC 7643, RFC 7644) by which a practice's
// directory keeps its people here: users and groups, filters of "eq" and "and",
// pages, and patches as Okta and Entra ID write them.
//
// It reads and writes documents and decides nothing: it knows nothing of
// storage, HTTP or who may do what. What it does not know of a user, such as an
// address, it drops.
package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Schemas.
const (
	UserSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	GroupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// Limits.
const (
	MaxText    = 255    // bytes of a text
	MaxMembers = 10_000 // of a group
	MaxPage    = 200    // resources of a page
)

// An Error is a refusal in SCIM's own words (RFC 7644, section 3.12). Detail is
// ours and quotes nothing.
type Error struct {
	Status int
	Type   string // invalidFilter, uniqueness ...; may be empty
	Detail string
}

func (e *Error) Error() string { return "scim: " + e.Detail }

// MarshalJSON writes it as section 3.12 asks: the status is a text.
func (e *Error) MarshalJSON() ([]byte, error) {
	status, err := json.Marshal(e.Status)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Schemas []string `json:"schemas"`
		Status  string   `json:"status"`
		Type    string   `json:"scimType,omitempty"`
		Detail  string   `json:"detail"`
	}{[]string{errorSchema}, string(status), e.Type, e.Detail})
}

func invalid(kind, detail string) error { return &Error{Status: 400, Type: kind, Detail: detail} }

// A Name is a user's name, as far as it is kept.
type Name struct {
	Formatted string `json:"formatted,omitempty"`
	Given     string `json:"givenName,omitempty"`
	Family    string `json:"familyName,omitempty"`
}

// Meta is what the server says of a resource.
type Meta struct {
	Type     string `json:"resourceType"`
	Location string `json:"location"`
	Version  string `json:"version"`
}

// A User is a staff person as the directory sees one.
type User struct {
	Schemas     []string `json:"schemas"`
	ID          string   `json:"id,omitempty"`
	ExternalID  string   `json:"externalId,omitempty"`
	UserName    string   `json:"userName"`
	Name        Name     `json:"name"`
	DisplayName string   `json:"displayName,omitempty"`
	Title       string   `json:"title,omitempty"`
	Active      bool     `json:"active"`
	Meta        *Meta    `json:"meta,omitempty"`
}

// Shown is what the user is called.
func (u *User) Shown() string {
	for _, name := range []string{u.DisplayName, u.Name.Formatted, strings.TrimSpace(u.Name.Given + " " + u.Name.Family), u.UserName} {
		if name != "" {
			return name
		}
	}
	return ""
}

// A Member is one of a group's.
type Member struct {
	Value string `json:"value"`
}

// A Group is a group of the directory.
type Group struct {
	Schemas     []string `json:"schemas"`
	ID          string   `json:"id,omitempty"`
	ExternalID  string   `json:"externalId,omitempty"`
	DisplayName string   `json:"displayName"`
	Members     []Member `json:"members,omitempty"`
	Meta        *Meta    `json:"meta,omitempty"`
}

// A List is a page of an answer (RFC 7644, section 3.4.2).
type List struct {
	Schemas   []string `json:"schemas"`
	Total     int      `json:"totalResults"`
	Start     int      `json:"startIndex"`
	Count     int      `json:"itemsPerPage"`
	Resources []any    `json:"Resources"`
}

// Page returns the resources from start, which counts from 1.
func Page[T any](all []T, start, count int) List {
	start = max(start, 1)
	count = min(max(count, 0), MaxPage)
	l := List{Schemas: []string{listSchema}, Total: len(all), Start: start, Resources: []any{}}
	for i := start - 1; i < len(all) && len(l.Resources) < count; i++ {
		l.Resources = append(l.Resources, all[i])
	}
	l.Count = len(l.Resources)
	return l
}

// Version is a weak tag of a resource without its Meta (RFC 7644, section 3.14).
func Version(resource any) string {
	b, err := json.Marshal(resource)
	if err != nil {
		panic("scim: " + err.Error()) // plain fields: cannot happen
	}
	sum := sha256.Sum256(b)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// ParseUser reads a whole user. One that does not say is active.
func ParseUser(b []byte) (User, error) {
	fields, err := object(b)
	if err != nil {
		return User{}, err
	}
	u := User{Active: true}
	if err := each(fields, u.set); err != nil {
		return User{}, err
	}
	return u, u.check()
}

// Replace makes of the user what a whole one says. What that leaves out stays as
// it is, also whether the user is active (RFC 7644, section 3.5.1, lets servers
// choose); null clears it.
func (u *User) Replace(b []byte) error {
	fields, err := object(b)
	if err != nil {
		return err
	}
	return u.change(func(next *User) error {
		next.UserName = ""
		return each(fields, next.set)
	})
}

// change has write change the user. What they are called follows from the names
// that it gives, and not from some of them and some of before; if it gives none,
// they are called what they were.
func (u *User) change(write func(*User) error) error {
	next := *u
	next.DisplayName, next.Name = "", Name{}
	if err := write(&next); err != nil {
		return err
	}
	if next.DisplayName == "" && next.Name == (Name{}) {
		next.DisplayName, next.Name = u.DisplayName, u.Name
	}
	*u = next
	return u.check()
}

func (u *User) check() error {
	if strings.TrimSpace(u.UserName) == "" {
		return invalid("invalidValue", "userName is needed")
	}
	return nil
}

// ParseGroup reads a whole group.
func ParseGroup(b []byte) (Group, error) {
	fields, err := object(b)
	if err != nil {
		return Group{}, err
	}
	var g Group
	if err := each(fields, g.set); err != nil {
		return Group{}, err
	}
	return g, g.check()
}

func (g *Group) check() error {
	switch {
	case strings.TrimSpace(g.DisplayName) == "":
		return invalid("invalidValue", "displayName is needed")
	case len(g.Members) > MaxMembers:
		return &Error{Status: 413, Detail: "too many members"}
	}
	return nil
}

func object(b []byte) (map[string]any, error) {
	var fields map[string]any
	if json.Unmarshal(b, &fields) != nil || fields == nil {
		return nil, invalid("invalidSyntax", "the body is no JSON object")
	}
	return fields, nil
}
