package policy

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write what the rules say now")

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A situation is a resource as one person stands to it.
type situation struct {
	name string
	of   func(person string) Resource
}

func situations() []situation {
	chat := func(change func(r *Resource, person string)) func(string) Resource {
		return func(person string) Resource {
			r := Resource{Practice: "t_1", ID: "c_1", Queue: "q_care", Patient: "p_ana"}
			change(&r, person)
			return r
		}
	}
	return []situation{
		{"a chat of their own", chat(func(r *Resource, p string) { r.Patient = p })},
		{"a chat of their queue that waits", chat(func(*Resource, string) {})},
		{"a chat of their queue that another has taken", chat(func(r *Resource, _ string) {
			r.Served = []string{"p_lee"}
			r.Claimed, r.Wanted, r.Members = true, []string{"p_ana", "p_lee"}, []string{"p_ana", "p_lee"}
		})},
		{"such a chat, and they do not say why they go in", chat(func(r *Resource, _ string) {
			r.Served, r.Unexplained = []string{"p_lee"}, true
			r.Claimed, r.Wanted, r.Members = true, []string{"p_ana", "p_lee"}, []string{"p_ana", "p_lee"}
		})},
		{"a chat of their queue that waits, and they do not say why they go in", chat(func(r *Resource, _ string) { r.Served, r.Unexplained = []string{"p_lee"}, true })},
		{"a chat of another queue", chat(func(r *Resource, _ string) { r.Queue = "q_other" })},
		{"a chat that they take part in", chat(func(r *Resource, p string) {
			r.Queue, r.Wanted, r.Members, r.Served = "q_other", []string{p}, []string{p}, []string{p}
		})},
		{"such a chat, taken by another", chat(func(r *Resource, p string) {
			r.Served = []string{p, "p_lee"}
			r.Claimed, r.Queue, r.Wanted, r.Members = true, "q_other", []string{p, "p_lee"}, []string{p, "p_lee"}
		})},
		{"such a chat, in which they are by an emergency", chat(func(r *Resource, p string) {
			r.Claimed, r.Wanted, r.Members = true, []string{p, "p_lee"}, []string{p, "p_lee"}
			r.Served, r.Urgent = []string{"p_lee"}, []string{p}
		})},
		{"a chat of their queue that is over, and that nobody had taken", chat(func(r *Resource, _ string) { r.Closed = true })},
		{"a chat of their queue that is over, and was others'", chat(func(r *Resource, _ string) { r.Closed, r.Served = true, []string{"p_lee"} })},
		{"such a chat, and they do not say why they open it", chat(func(r *Resource, _ string) { r.Closed, r.Served, r.Unexplained = true, []string{"p_lee"}, true })},
		{"a chat of their queue that is over, in which they took part, and they do not say why they open it", chat(func(r *Resource, p string) {
			r.Closed, r.Served, r.Unexplained = true, []string{p, "p_lee"}, true
		})},
		{"a chat of their queue that is over, in which they took part", chat(func(r *Resource, p string) { r.Closed, r.Served = true, []string{p, "p_lee"} })},
		{"such a chat without consent", chat(func(r *Resource, p string) { r.Wanted, r.Members, r.Withdrawn = []string{p}, []string{p}, true })},
		{"a chat of their own that they have to agree to again", chat(func(r *Resource, p string) { r.Patient, r.Wanted, r.Members, r.Due = p, []string{p}, []string{p}, true })},
		{"a chat that they take part in, whose patient has to agree again", chat(func(r *Resource, p string) { r.Wanted, r.Members, r.Due = []string{p}, []string{p}, true })},
		{"one that they began for somebody else, past their grant", chat(func(r *Resource, p string) {
			r.Patient, r.Wanted, r.Members, r.PastGrant = p, []string{p}, []string{p}, true
		})},
		{"a chat of another practice", chat(func(r *Resource, p string) { r.Practice, r.Patient, r.Wanted = "t_2", p, []string{p} })},
		{"another person", func(string) Resource { return Resource{Practice: "t_1", Person: "p_other"} }},
		{"themselves", func(p string) Resource { return Resource{Practice: "t_1", Person: p} }},
		{"the last administrator", func(string) Resource { return Resource{Practice: "t_1", Person: "p_other", LastAdministrator: true} }},
		{"another person, in what takes two", func(string) Resource {
			return Resource{Practice: "t_1", Person: "p_other", TakesTwo: true, Requester: "p_lee"}
		}},
		{"such a person, for whom they asked for it themselves", func(p string) Resource {
			return Resource{Practice: "t_1", Person: "p_other", TakesTwo: true, Requester: p}
		}},
		{"themselves, for whom another asked for it", func(p string) Resource {
			return Resource{Practice: "t_1", Person: p, TakesTwo: true, Requester: "p_lee"}
		}},
		{"a consent form that others wrote", func(string) Resource { return Resource{Practice: "t_1", Form: "chat", Authors: []string{"p_lee"}} }},
		{"a consent form that they wrote on", func(p string) Resource { return Resource{Practice: "t_1", Form: "chat", Authors: []string{"p_lee", p}} }},
		{"a consent form of another practice", func(string) Resource { return Resource{Practice: "t_2", Form: "chat", Authors: []string{"p_lee"}} }},
		{"the practice", func(string) Resource { return Resource{Practice: "t_1"} }},
	}
}

func principal(r Role) *Principal {
	return &Principal{ID: "p_" + string(r), Practice: "t_1", Roles: []Role{r}, Queues: []string{"q_care"}}
}

// TestMatrix walks every role, action and situation (T22), and holds what the
// rules say against what was agreed: testdata/matrix.txt. A change of a rule
// shows there for review.
func TestMatrix(t *testing.T) {
	e := newEngine(t)
	var b strings.Builder
	for _, role := range Roles() {
		fmt.Fprintf(&b, "%s\n", role)
		p := principal(role)
		for _, s := range situations() {
			r := s.of(p.ID)
			var may []string
			for _, a := range Actions() {
				if d := e.Decide(p, a, &r); d.Allowed {
					may = append(may, string(a))
					if len(d.Rules) == 0 {
						t.Errorf("%s may %s, but by no rule", role, a)
					}
				}
			}
			if may == nil {
				may = []string{"nothing"}
			}
			fmt.Fprintf(&b, "  %s: %s\n", s.name, strings.Join(may, " "))
		}
	}
	const file = "testdata/matrix.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the rules say something else than %s; if that is meant, run with -update and review the difference. Now:\n%s", file, &b)
	}
}

// content are the actions that lead to what is said.
var content = []Action{Admit, Frames, Send, Type, Attach, Rejoin}

func anyPrincipal() *rapid.Generator[*Principal] {
	return rapid.Custom(func(t *rapid.T) *Principal {
		return &Principal{
			ID: rapid.SampledFrom([]string{"p_1", "p_2", "p_3"}).Draw(t, "id"), Practice: rapid.SampledFrom([]string{"t_1", "t_2"}).Draw(t, "practice"),
			Roles:       rapid.SliceOfDistinct(rapid.SampledFrom(Roles()), func(r Role) Role { return r }).Draw(t, "roles"),
			Queues:      rapid.SliceOf(rapid.SampledFrom([]string{"q_1", "q_2"})).Draw(t, "queues"),
			Departments: rapid.SliceOf(rapid.SampledFrom([]string{"g_1", "g_2"})).Draw(t, "departments"),
		}
	})
}

func anyResource() *rapid.Generator[*Resource] {
	persons := rapid.SampledFrom([]string{"p_1", "p_2", "p_3"})
	return rapid.Custom(func(t *rapid.T) *Resource {
		return &Resource{
			Practice: rapid.SampledFrom([]string{"t_1", "t_2"}).Draw(t, "practice"), ID: rapid.SampledFrom([]string{"c_1", ""}).Draw(t, "id"),
			Queue: rapid.SampledFrom([]string{"q_1", "q_2"}).Draw(t, "queue"), Patient: persons.Draw(t, "patient"),
			Wanted: rapid.SliceOf(persons).Draw(t, "wanted"), Members: rapid.SliceOf(persons).Draw(t, "members"),
			Withdrawn: rapid.Bool().Draw(t, "withdrawn"), Claimed: rapid.Bool().Draw(t, "claimed"), Closed: rapid.Bool().Draw(t, "closed"),
			Urgent: rapid.SliceOf(persons).Draw(t, "urgent"), Served: rapid.SliceOf(persons).Draw(t, "served"),
			Person:            rapid.SampledFrom([]string{"p_1", "p_2", "p_3", ""}).Draw(t, "person"),
			LastAdministrator: rapid.Bool().Draw(t, "last"), TakesTwo: rapid.Bool().Draw(t, "two"), Requester: persons.Draw(t, "requester"), PastGrant: rapid.Bool().Draw(t, "past"), Unexplained: rapid.Bool().Draw(t, "unexplained"),
			Due: rapid.Bool().Draw(t, "due"), Form: rapid.SampledFrom([]string{"", "chat"}).Draw(t, "form"), Authors: rapid.SliceOf(persons).Draw(t, "authors"),
		}
	})
}

// TestBoundaries holds what must be true of any decision (T22, T29d).
func TestBoundaries(t *testing.T) {
	e := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		p, r := anyPrincipal().Draw(t, "principal"), anyResource().Draw(t, "resource")
		for _, a := range Actions() {
			bounded(t, e, p, a, r)
		}
	})
}

// bounded fails if p may do a to r although that must never be.
func bounded(t *rapid.T, e *Engine, p *Principal, a Action, r *Resource) {
	d := e.Decide(p, a, r)
	runs := slices.Contains(p.Roles, Administrator) || slices.Contains(p.Roles, Auditor)
	// The practice's directory may do to people what administrators may, and no more.
	runsPeople := slices.Contains(p.Roles, Administrator) || slices.Contains(p.Roles, Directory) && a != Configure && a != ArrangeDepartments
	supervises := slices.Contains(p.Roles, Supervisor)
	theirs := slices.Contains(p.Roles, Patient) && r.Patient == p.ID
	in := slices.Contains(r.Wanted, p.ID) || slices.Contains(r.Members, p.ID) || r.Patient == p.ID
	for broken, is := range map[string]bool{
		"in another practice":           r.Practice != p.Practice,
		"without a role":                len(p.Roles) == 0,
		"one who runs the system reads": runs && slices.Contains(content, a),
		"content, and not in the chat":  slices.Contains(content, a) && !in && !slices.Contains(p.Roles, Keeper) && (a != Frames || !slices.Contains(r.Served, p.ID)),
		"without consent":               r.Withdrawn && slices.Contains([]Action{Send, Attach, Take, Join, TakeOver, Reopen, Bring, Transfer, BreakGlass}, a),
		"into a chat that another has taken, or ends it": r.Claimed && slices.Contains([]Action{Join, TakeOver, Close}, a) &&
			!slices.Contains(r.Wanted, p.ID) && !supervises && !theirs,
		"opens again what others answered": a == Reopen && len(r.Served) > 0 && !slices.Contains(r.Served, p.ID) && !supervises && !theirs,
		"lets others into a chat that they are not in": slices.Contains([]Action{Bring, Transfer}, a) &&
			!slices.Contains(r.Wanted, p.ID) && !slices.Contains(p.Roles, Supervisor),
		"sees of a patient beside a chat that they are not in, or ends their grants": r.ID != "" && slices.Contains([]Action{CheckIdentity, EndGrant}, a) &&
			!slices.Contains(r.Wanted, p.ID),
		"an emergency outlasts its hour": r.ID != "" && slices.Contains(r.Urgent, p.ID) && !theirs &&
			slices.Contains([]Action{Take, TakeOver, Bring, Transfer, Close, Hide, SettleIdentity, EndGrant}, a),
		"one who is no clinician breaks the glass": a == BreakGlass && !slices.Contains(p.Roles, Clinician),
		"a queue that they are not given": len(p.Queues)+len(p.Departments) > 0 && !slices.Contains(p.Queues, r.Queue) && !in &&
			slices.Contains([]Action{Take, TakeOver, Join, Leave, Close, Reopen, Bring, Transfer}, a) && (a != Reopen || !slices.Contains(r.Served, p.ID)),
		"writes before they agree again":              r.Due && r.Patient == p.ID && slices.Contains([]Action{Send, Attach, Reopen}, a),
		"one approves a form that they wrote on":      a == ApproveForm && slices.Contains(r.Authors, p.ID),
		"a form that there is not is approved":        a == ApproveForm && r.Form == "",
		"past their grant":                            r.ID != "" && r.PastGrant && r.Patient == p.ID && a != Withdraw,
		"a role for oneself":                          slices.Contains([]Action{Grant, RequestGrant, ApproveGrant}, a) && r.Person == p.ID,
		"much power by one alone":                     slices.Contains([]Action{Grant, Invite}, a) && r.TakesTwo,
		"one confirms their own access":               a == ReviewAccess && r.Person == p.ID,
		"one approves what they asked for":            a == ApproveGrant && r.Requester == p.ID,
		"the last administrator goes":                 slices.Contains([]Action{Disable, Grant, ApproveGrant}, a) && r.LastAdministrator,
		"one who is no administrator runs the system": !runsPeople && slices.Contains([]Action{Grant, RequestGrant, Disable, AddPerson, Configure, ArrangeDepartments}, a),
		"another lets people in":                      !slices.Contains(p.Roles, Keeper) && slices.Contains([]Action{Add, Remove, Certify}, a),
	} {
		if is && d.Allowed {
			t.Fatalf("%s: %v may %s %v by %v", broken, p, a, r, d.Rules)
		}
	}
}

// TestDenied: what is not in the vocabulary, nobody may do.
func TestDenied(t *testing.T) {
	e := newEngine(t)
	if d := e.Decide(principal(Administrator), "system.explode", &Resource{Practice: "t_1"}); d.Allowed {
		t.Errorf("an unknown action is allowed: %v", d)
	}
	if RoleOf("wizard") != "" || RoleOf("") != "" {
		t.Error("an unknown profession has a role")
	}
}

// TestBadRules: rules that do not mean what their writer thinks are refused at
// the start, and one that fails when it is asked denies.
func TestBadRules(t *testing.T) {
	for name, text := range map[string]string{
		"no id":             `@says("x") permit (principal, action, resource);`,
		"no words":          `@id("x") permit (principal, action, resource);`,
		"twice":             `@id("x") @says("x") permit (principal, action, resource); @id("x") @says("x") permit (principal, action, resource);`,
		"unknown action":    `@id("x") @says("x") permit (principal, action == Action::"conversation.reed", resource);`,
		"a group of action": `@id("x") @says("x") permit (principal, action in Action::"x", resource);`,
		"not Cedar":         `allow everybody`,
	} {
		if _, err := load(fstest.MapFS{"a.cedar": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	e, err := load(fstest.MapFS{"a.cedar": {Data: []byte(`
		@id("all") @says("all") permit (principal, action, resource);
		@id("broken") @says("broken") forbid (principal, action, resource) when { resource.colour == "red" };`)}})
	if err != nil {
		t.Fatal(err)
	}
	if e.May(principal(Clinician), Know, &Resource{Practice: "t_1"}) {
		t.Error("allowed although a rule that forbids could not be evaluated")
	}
}

// TestDocument keeps docs/policy.md, which people read, what the rules say.
func TestDocument(t *testing.T) {
	const file = "../../docs/policy.md"
	now := Document(newEngine(t))
	if *update {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != now {
		t.Error("docs/policy.md is old: run go test ./internal/policy -update")
	}
}

func BenchmarkDecide(b *testing.B) {
	e := newEngine(b)
	p := principal(Clinician)
	r := Resource{Practice: "t_1", ID: "c_1", Queue: "q_care", Patient: "p_ana", Wanted: []string{p.ID, "p_ana"}, Members: []string{p.ID, "p_ana"}}
	b.ReportAllocs()
	for b.Loop() {
		e.May(p, Send, &r)
	}
}
