package scim

import (
	"encoding/json"
	"strings"
)

// A Condition is "attribute eq value".
type Condition struct {
	Attribute string // without its schema, in lower case
	Value     string // a boolean is true or false
}

// A Filter is conditions that must all hold (RFC 7644, section 3.4.2.2). Other
// operators are refused: a filter that is understood by half finds the wrong
// people.
type Filter []Condition

const (
	maxFilter     = 2048
	maxConditions = 10
)

// ParseFilter reads a filter. Nothing is one that all fit.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	bad := func() (Filter, error) {
		return nil, invalid("invalidFilter", "conditions of eq, joined by and, are understood")
	}
	if len(s) > maxFilter {
		return bad()
	}
	for rest := strings.TrimSpace(s); rest != ""; {
		if len(f) > 0 {
			word, after, ok := strings.Cut(rest, " ")
			if !ok || !strings.EqualFold(word, "and") || len(f) >= maxConditions {
				return bad()
			}
			rest = strings.TrimLeft(after, " ")
		}
		name, after, ok := strings.Cut(rest, " ")
		if !ok || attribute(name) == "" || strings.ContainsAny(name, `"[]()`) {
			return bad()
		}
		op, after, ok := strings.Cut(strings.TrimLeft(after, " "), " ")
		if !ok || !strings.EqualFold(op, "eq") {
			return bad()
		}
		value, left, ok := literal(strings.TrimLeft(after, " "))
		if !ok {
			return bad()
		}
		f = append(f, Condition{attribute(name), value})
		rest = strings.TrimSpace(left)
		if rest != "" && !strings.HasPrefix(left, " ") {
			return bad()
		}
	}
	return f, nil
}

// literal reads a JSON text or boolean, and returns what follows.
func literal(s string) (value, rest string, ok bool) {
	d := json.NewDecoder(strings.NewReader(s))
	token, err := d.Token()
	if err != nil {
		return "", "", false
	}
	rest = s[d.InputOffset():]
	switch v := token.(type) {
	case string:
		return v, rest, true
	case bool:
		if v {
			return "true", rest, true
		}
		return "false", rest, true
	}
	return "", "", false
}

// User reports whether the user fits. A condition about what is not kept fits
// nobody.
func (f Filter) User(u *User) bool {
	for _, c := range f {
		fits := false
		switch c.Attribute {
		case "id":
			fits = u.ID == c.Value
		case "username":
			fits = strings.EqualFold(u.UserName, c.Value) // caseExact is false (RFC 7643, section 4.1.1)
		case "externalid":
			fits = u.ExternalID == c.Value
		case "displayname":
			fits = strings.EqualFold(u.DisplayName, c.Value)
		case "active":
			fits = u.Active == strings.EqualFold(c.Value, "true")
		}
		if !fits {
			return false
		}
	}
	return true
}

// Group reports whether the group fits.
func (f Filter) Group(g *Group) bool {
	for _, c := range f {
		fits := false
		switch c.Attribute {
		case "id":
			fits = g.ID == c.Value
		case "displayname":
			fits = strings.EqualFold(g.DisplayName, c.Value)
		case "externalid":
			fits = g.ExternalID == c.Value
		}
		if !fits {
			return false
		}
	}
	return true
}
