package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/hub"
)

// listed runs audit list --json with more flags, and returns the page.
func listed(t *testing.T, data string, flags ...string) (page api.AuditPage) {
	t.Helper()
	out := does(t, data, append(words("audit list --json"), flags...))
	if err := json.Unmarshal([]byte(out), &page); err != nil {
		t.Fatalf("%v: no JSON:\n%s", err, out)
	}
	return page
}

// TestAuditList: the operator reads the log a page at a time, as a table and as
// JSON; each look is itself in it.
func TestAuditList(t *testing.T) {
	data := newAuditLog(t)
	out := does(t, data, words("audit list --utc --kind call.refused --limit 2"))
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "NUMBER  TIME") {
		t.Fatalf("a page of two is\n%s", out)
	}
	row := regexp.MustCompile(`^\d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +call\.refused +refused +staff +p_one +- +- +- +- +\S*send\S*( \S+)*$`)
	for _, line := range lines[1:] {
		if !row.MatchString(line) {
			t.Errorf("a row is %q", line)
		}
	}

	seen := make(map[int64]bool)
	last, cursor := int64(1<<62), ""
	for range 4 {
		page := listed(t, data, "--kind", "call.refused", "--limit", "200", "--cursor", cursor)
		for _, e := range page.Events {
			if e.Kind != "call.refused" || seen[e.Number] || e.Number >= last || len(e.Commitment) == 0 {
				t.Fatalf("event %d, a %s, comes after %d", e.Number, e.Kind, last)
			}
			seen[e.Number], last = true, e.Number
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 530 || cursor != "" {
		t.Errorf("the pages have %d of 530, and then %q", len(seen), cursor)
	}
	if n := len(listed(t, data, "--kind", "audit.read").Events); n != 5 { // four before it, and itself
		t.Errorf("%d looks are on record", n)
	}
}

// TestAuditListFilters: each flag narrows the list, and what is no filter is
// refused.
func TestAuditListFilters(t *testing.T) {
	data := newAuditLog(t)
	configured := listed(t, data, "--kind", "practice.configured").Events
	if len(configured) != 1 || configured[0].Role != "operator" {
		t.Fatalf("the practice was configured as %+v", configured)
	}
	day := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }
	for _, c := range []struct {
		flags string
		is    func(*api.AuditEvent) bool
	}{
		{"--category security --outcome refused", func(e *api.AuditEvent) bool { return e.Kind == "call.refused" }},
		{"--outcome refused", func(e *api.AuditEvent) bool { return e.Outcome == "refused" }},
		{"--person p_one", func(e *api.AuditEvent) bool { return e.Person == "p_one" }},
		{"--object " + configured[0].Object, func(e *api.AuditEvent) bool { return e.Object == configured[0].Object }},
		{"--kind call.refused --from " + day(-1) + " --until " + day(1), func(e *api.AuditEvent) bool { return e.Kind == "call.refused" }},
	} {
		events := listed(t, data, words(c.flags)...).Events
		if len(events) == 0 {
			t.Errorf("%s: nothing", c.flags)
		}
		for i := range events {
			if !c.is(&events[i]) {
				t.Errorf("%s: has %+v", c.flags, events[i])
			}
		}
	}
	patient, conversation := hub.NewID("p"), hub.NewID("c")
	for _, flags := range []string{
		"--outcome failed", "--person p_two", "--subject p_one", "--object x", "--from " + day(1), "--until " + day(-1),
	} {
		if events := listed(t, data, words(flags)...).Events; len(events) != 0 {
			t.Errorf("%s: has %+v", flags, events[0])
		}
	}
	for _, flags := range []string{"--patient " + patient, "--conversation " + conversation} { // that it is looked for is about them
		if events := listed(t, data, words(flags)...).Events; len(events) != 1 || events[0].Kind != "audit.read" || events[0].Role != "operator" {
			t.Errorf("%s: has %+v", flags, events)
		}
	}
	for flags, why := range map[string]string{
		"--limit 0": "1 to 200", "--limit 201": "1 to 200", "--kind gossip": "--kind is none", "--category gossip": "--category is none",
		"--cursor here": "--cursor is none", "--patient nobody": "--patient is none", "--conversation nothing": "--conversation is none",
		"--outcome maybe": "--outcome", "--from yesterday": "--from", "--practice elsewhere": "no practice",
	} {
		refuses(t, data, append(words("audit list"), words(flags)...), why)
	}
	refuses(t, t.TempDir(), words("audit list"), "no installation")
	second := practiceFile(t, `"riverside"`, `"hilltop"`)
	does(t, data, []string{"practice", "apply", second})
	for _, line := range []string{"audit list", "controls", "inventory"} {
		refuses(t, data, words(line), "say which --practice: there are 2 (hilltop, riverside)")
	}
	if events := listed(t, data, "--practice", "hilltop", "--person", "p_one").Events; len(events) != 0 {
		t.Errorf("another practice's log has %s", fmt.Sprint(events))
	}
}
