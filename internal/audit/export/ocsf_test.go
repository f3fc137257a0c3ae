package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

// A schema is an excerpt of OCSF's: testdata/ocsf-schema.json says of which
// version, and from where.
type schema struct {
	Source, Version string
	Base            part
	Classes         map[string]part
	Activities      map[string]string
	Profiles        map[string]part
	Objects         map[string]part
	Types           map[string]string // of attributes
	Values          map[string][]int
}

// A part is what a class, a profile or an object has.
type part struct {
	Name               string
	Required, Optional []string
	AtLeastOne         []string `json:"at_least_one"`
	Profiles           []string
	Activities         map[string]string
}

func readSchema(t *testing.T) (s schema) {
	t.Helper()
	b, err := os.ReadFile("testdata/ocsf-schema.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// check returns what is wrong with an event.
func (s *schema) check(e map[string]any) (wrong []string) {
	class, activity := number(e["class_uid"]), number(e["activity_id"])
	of, known := s.Classes[class]
	if !known {
		return []string{"no class " + class}
	}
	may := []part{s.Base, of}
	metadata, _ := e["metadata"].(map[string]any)
	profiles, _ := metadata["profiles"].([]any)
	for _, p := range profiles {
		name, _ := p.(string)
		if !slices.Contains(of.Profiles, name) {
			wrong = append(wrong, "no profile "+name)
		}
		may = append(may, s.Profiles[name])
	}
	wrong = append(wrong, s.checkObject("event", e, may...)...)
	if e["type_uid"] != e["class_uid"].(float64)*100+e["activity_id"].(float64) || number(e["category_uid"]) != class[:1] {
		wrong = append(wrong, "another type or category")
	}
	named, ofClass := of.Activities[activity]
	if _, ofAll := s.Activities[activity]; !ofClass && !ofAll {
		wrong = append(wrong, "no activity "+activity)
	}
	if activity == "0" {
		named = s.Activities[activity]
	}
	if activity != "99" && e["activity_name"] != named {
		wrong = append(wrong, fmt.Sprintf("activity %s is called %v", activity, e["activity_name"]))
	}
	if metadata["version"] != s.Version {
		wrong = append(wrong, "another version")
	}
	return wrong
}

func (s *schema) checkObject(at string, o map[string]any, of ...part) (wrong []string) {
	var may []string
	for _, p := range of {
		for _, name := range p.Required {
			if _, there := o[name]; !there {
				wrong = append(wrong, at+" lacks "+name)
			}
		}
		if len(p.AtLeastOne) > 0 && !slices.ContainsFunc(p.AtLeastOne, func(name string) bool { _, there := o[name]; return there }) {
			wrong = append(wrong, at+" has none of "+strings.Join(p.AtLeastOne, ", "))
		}
		may = slices.Concat(may, p.Required, p.Optional)
	}
	for name, v := range o {
		if !slices.Contains(may, name) {
			wrong = append(wrong, at+" has no "+name)
		}
		if values, bound := s.Values[name]; bound && !slices.ContainsFunc(values, func(n int) bool { return number(v) == strconv.Itoa(n) }) {
			wrong = append(wrong, fmt.Sprintf("%s.%s is %v", at, name, v))
		}
		if inside, ok := v.(map[string]any); ok && name != "unmapped" {
			wrong = append(wrong, s.checkObject(at+"."+name, inside, s.Objects[s.Types[name]])...)
		}
	}
	return wrong
}

func number(v any) string {
	n, _ := v.(float64)
	return strconv.Itoa(int(n))
}

func decoded(t *testing.T, line string) (e map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestOCSFSchema holds an event of every kind there is to what the schema has of
// its class: all that is required, nothing that is not there, and each activity
// by its number and name.
func TestOCSFSchema(t *testing.T) {
	s := readSchema(t)
	if s.Version != ocsfVersion || s.Source == "" {
		t.Errorf("the excerpt is of %q, from %q", s.Version, s.Source)
	}
	seen := make(map[string]bool)
	var whole map[string]any
	for line := range strings.Lines(string(written(t, OCSF, every(t)))) {
		e := decoded(t, line)
		for _, wrong := range s.check(e) {
			t.Errorf("%s: %s", wrong, line)
		}
		seen[number(e["class_uid"])] = true
		if whole == nil && e["src_endpoint"] != nil && e["entity"] != nil {
			whole = e
		}
	}
	if len(seen) != len(s.Classes) {
		t.Errorf("of the excerpt's classes only %v are written", seen)
	}
	for what, spoil := range map[string]func(map[string]any){
		"no entity":         func(e map[string]any) { delete(e, "entity") },
		"no time":           func(e map[string]any) { delete(e, "time") },
		"a user":            func(e map[string]any) { e["user"] = map[string]any{"uid": "p"} },
		"no profile":        func(e map[string]any) { delete(e["metadata"].(map[string]any), "profiles") },
		"an activity":       func(e map[string]any) { e["activity_id"], e["type_uid"] = 77.0, 300477.0 },
		"an actor, nobody":  func(e map[string]any) { e["actor"] = map[string]any{"user": map[string]any{"type_id": 1.0}} },
		"a status":          func(e map[string]any) { e["status_id"] = 7.0 },
		"another category":  func(e map[string]any) { e["category_uid"] = 6.0 },
		"no product's name": func(e map[string]any) { delete(e["metadata"].(map[string]any)["product"].(map[string]any), "name") },
	} {
		b, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		e := decoded(t, string(b))
		spoil(e)
		if len(s.check(e)) == 0 {
			t.Errorf("an event with %s passes", what)
		}
	}
}

// TestOCSFSaysWhoAndWhatFor: whose device it was is in the event, people who are
// let in or shut out are accounts, and what a read was for is no status.
func TestOCSFSaysWhoAndWhatFor(t *testing.T) {
	of := func(k audit.Kind, object string, change func(audit.Event) audit.Event) ocsfEvent {
		e := logged(t, 1, change(audit.New(t.Context(), 1, audit.Actor{Practice: "t", Role: audit.Staff, Person: "p_dana"}, k, object)))
		return ocsf(&e)
	}
	same := func(e audit.Event) audit.Event { return e }
	subject := func(e audit.Event) audit.Event { return e.About("p_kim") }
	for name, c := range map[string]struct {
		event       ocsfEvent
		typ         int
		whose, code string
	}{
		"a certificate":  {of(audit.CertificateIssued, "d_new", subject), 300401, "p_kim", ""},
		"a member":       {of(audit.MemberAdded, "d_new", subject), 300401, "p_kim", ""},
		"who was shut":   {of(audit.PersonDisabled, "p_kim", same), 300105, "p_kim", ""},
		"who was let in": {of(audit.PersonEnabled, "p_kim", same), 300102, "p_kim", ""},
		"a read":         {of(audit.PersonSeen, "p_kim", same), 300402, "p_kim", ""},
		"a list":         {of(audit.PersonLinksListed, "", same), 300402, "", ""},
		"a refused read": {of(audit.PersonSeen, "p_kim", func(e audit.Event) audit.Event { return e.AsRefused("forbidden") }), 300402, "p_kim", "forbidden"},
		"a lapse":        {of(audit.RelationEnded, "r", func(e audit.Event) audit.Event { return e.Because("lapsed", "") }), 300404, "", "lapsed"},
	} {
		whose := c.event.User
		if c.event.Entity != nil {
			whose = c.event.Entity.User
		}
		if got := c.event.TypeUID; got != c.typ || c.event.StatusCode != c.code || (whose == nil) != (c.whose == "") || whose != nil && whose.UID != c.whose {
			t.Errorf("%s: %d about %+v with status %q, want %d, %q and %q", name, got, whose, c.event.StatusCode, c.typ, c.whose, c.code)
		}
	}
}
