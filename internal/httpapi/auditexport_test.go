package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/hub"
)

// many records n reads of the demo practice's, about a patient.
func (w *world) many(n int, patient string) {
	w.t.Helper()
	all := make([]audit.Event, n)
	for i := range all {
		all[i] = audit.New(w.ctx, w.clock.now().UnixMilli(), audit.Actor{Practice: w.clinic.ID, Role: audit.Operator}, audit.AuditRead, "").
			Of(patient).With(fmt.Sprintf("number=%d", i))
	}
	w.must(w.store.Record(w.ctx, all...))
}

// TestExport: auditors and compliance officers take the log out, whole and in
// order, in each form, over more than one batch; that is itself on record.
func TestExport(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	const n = 1234
	w.many(n, patient.person)
	auditor := w.staffAs(w.clinic, "auditor", "ada")

	var b bytes.Buffer
	filter := url.Values{"kind": {"audit.read"}, "patient": {patient.person}}
	w.must(auditor.ExportAudit(w.ctx, "csv", filter, &b))
	rows, err := csv.NewReader(&b).ReadAll()
	w.must(err)
	if len(rows) != n+1 {
		t.Fatalf("%d rows, want a head and %d", len(rows), n)
	}
	detail := 13
	for i, row := range rows[1:] {
		if row[detail] != fmt.Sprintf("number=%d", i) {
			t.Fatalf("row %d says %q: not the oldest first, or one is missing", i, row[detail])
		}
	}
	for _, format := range export.Formats()[1:] {
		b.Reset()
		w.must(auditor.ExportAudit(w.ctx, string(format), filter, &b))
		lines := 0
		for line := range strings.Lines(b.String()) {
			if lines++; !json.Valid([]byte(line)) {
				t.Fatalf("%s: no JSON: %s", format, line)
			}
		}
		if lines != n {
			t.Errorf("%s: %d lines, want %d", format, lines, n)
		}
	}
	b.Reset()
	w.must(auditor.ExportAudit(w.ctx, "jsonl", url.Values{"kind": {"audit.exported"}}, &b))
	if got := b.String(); strings.Count(got, "\n") != 5 || !strings.Contains(got, `"detail":"format=fhir`) || !strings.Contains(got, `"person":"`+auditor.person+`"`) ||
		!strings.Contains(got, `"patient":"`+patient.person+`"`) {
		t.Errorf("the exports are not on record:\n%s", got)
	}
}

// TestExportsSelectAsTheListDoes: whatever is asked for, an export has the events
// that the list on the page has.
func TestExportsSelectAsTheListDoes(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	sent := nurse.say(id, "hello")
	auditor := w.staffAs(w.clinic, "auditor", "ada")
	first, err := auditor.AuditEvents(w.ctx, url.Values{"conversation": {id}})
	w.must(err)
	middle := strconv.FormatInt(first.Events[len(first.Events)/2].At, 10)
	for _, filter := range []url.Values{
		{"conversation": {id}},
		{"patient": {patient.person}, "category": {"membership"}},
		{"person": {nurse.person}, "outcome": {"done"}},
		{"subject": {nurse.person}},
		{"object": {nurse.id}},
		{"object": {fmt.Sprint(sent.Position)}},
		{"kind": {"frame.sent"}},
		{"conversation": {id}, "from": {middle}},
		{"conversation": {id}, "until": {middle}},
		{"category": {"keys"}, "person": {"p_none"}},
	} {
		filter.Set("until", cmp.Or(filter.Get("until"), strconv.FormatInt(w.clock.now().UnixMilli()+1, 10)))
		var listed, exported []int64
		page, err := auditor.AuditEvents(w.ctx, filter)
		w.must(err)
		w.clock.advance(time.Second) // looking is an event itself
		for _, e := range page.Events {
			listed = append(listed, e.Number)
		}
		slices.Sort(listed)
		var b bytes.Buffer
		w.must(auditor.ExportAudit(w.ctx, "jsonl", filter, &b))
		w.clock.advance(time.Second)
		for line := range strings.Lines(b.String()) {
			var e struct{ Number int64 }
			w.must(json.Unmarshal([]byte(line), &e))
			exported = append(exported, e.Number)
		}
		if !slices.Equal(listed, exported) {
			t.Errorf("%v: listed %v and exported %v", filter, listed, exported)
		}
	}
}

// TestT22ExportIsForAuditors: nobody else takes the log out, and none takes out
// that of another practice.
func TestT22ExportIsForAuditors(t *testing.T) {
	w := newWorld(t)
	for _, role := range []string{"nurse", "front-desk", "supervisor", "administrator"} {
		err := w.staffAs(w.clinic, role, "one-"+role).ExportAudit(w.ctx, "csv", nil, new(bytes.Buffer))
		wantCode(t, err, api.CodeForbidden)
	}
	patient := w.patient()
	w.many(3, patient.person)
	other := w.staffAs(w.newPractice("hilltop"), "compliance", "there")
	var b bytes.Buffer
	w.must(other.ExportAudit(w.ctx, "jsonl", url.Values{"patient": {patient.person}}, &b))
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "audit.exported") { // its own call alone
		t.Errorf("another practice's officer got %s", got)
	}
	for name, query := range map[string]url.Values{
		"an unknown form": {"format": {"xml"}}, "no form": {"format": {""}}, "no patient": {"patient": {"p_x"}}, "a category that is none": {"category": {"gossip"}},
	} {
		if err := other.ExportAudit(w.ctx, "csv", query, &b); err == nil {
			t.Errorf("%s: exported", name)
		} else {
			wantCode(t, err, api.CodeMalformed)
		}
	}
}

// TestABrokenExportIsNoWhole: where the log cannot be read on, the receiver
// notices, and nothing of what went wrong is in the operator's log.
func TestABrokenExportIsNoWhole(t *testing.T) {
	w := newWorld(t)
	w.many(1100, w.patient().person)
	auditor := w.staffAs(w.clinic, "auditor", "ada")
	w.store.pages.Store(3)
	var b bytes.Buffer
	if err := auditor.ExportAudit(w.ctx, "csv", nil, &b); err == nil {
		t.Errorf("%d bytes passed for the whole", b.Len())
	}
	w.store.pages.Store(0)
	if b.Len() == 0 {
		t.Error("nothing came before the break: it is not written as it is read")
	}
	if logs := w.logs.String(); !strings.Contains(logs, "an export broke off") || strings.Contains(logs, canary) {
		t.Errorf("the operator's log: %s", logs)
	}
}

// TestExportsAreLimited: who takes out too much too often waits.
func TestExportsAreLimited(t *testing.T) {
	w := newWorld(t)
	auditor := w.staffAs(w.clinic, "auditor", "ada")
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = auditor.ExportAudit(w.ctx, "csv", url.Values{"kind": {"hub.started"}}, new(bytes.Buffer))
	}
	wantCode(t, err, api.CodeRateLimited)
}

// TestOneExportAtATime: an export reads the whole log, so a person has one at a
// time; another officer has theirs, and the next begins once it has ended,
// however it did.
func TestOneExportAtATime(t *testing.T) {
	w := newWorld(t)
	auditor, officer := w.staffAs(w.clinic, "auditor", "ada"), w.staffAs(w.clinic, "compliance", "robin")
	export := func(of *device) error { return of.ExportAudit(w.ctx, "csv", nil, new(bytes.Buffer)) }
	who, err := w.hub.AuthenticateLocked(w.ctx, auditor.Cookie())
	w.must(err)
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	_, err = w.hub.ExportAudit(ctx, who, hub.AuditFilter{}, "csv")
	w.must(err)
	p := wantCode(t, export(auditor), api.CodeExportRuns)
	if p.Status != http.StatusConflict || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	w.must(export(officer))
	stop() // the request ends, and nothing was written
	for err = export(auditor); err != nil && w.ctx.Err() == nil; err = export(auditor) {
		wantCode(t, err, api.CodeExportRuns) // until its end is seen
	}
	_, err = w.hub.ExportAudit(w.ctx, who, hub.AuditFilter{Kind: "none"}, "csv")
	if err == nil {
		t.Error("no such kind")
	}
	w.must(export(auditor))
}

// TestNamesBesideTheLog: who reads the log learns what staff in it are called,
// and nothing of patients; the events themselves hold no name.
func TestNamesBesideTheLog(t *testing.T) {
	w := newWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	nurse.take(id)
	page, err := w.staffAs(w.clinic, "auditor", "ada").AuditEvents(w.ctx, url.Values{"conversation": {id}})
	w.must(err)
	if page.Names[nurse.person] == "" {
		t.Errorf("the nurse has no name in %v", page.Names)
	}
	if name, named := page.Names[patient.person]; named {
		t.Errorf("the patient is called %q", name)
	}
	for _, e := range page.Events {
		if strings.Contains(e.Encoded, page.Names[nurse.person]) {
			t.Errorf("%s holds a name", e.Kind)
		}
	}
}

// TestPagesOfTheLog: what the list is asked for is what it gives, page by page.
func TestPagesOfTheLog(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	w.many(7, patient.person)
	auditor := w.staffAs(w.clinic, "auditor", "ada")
	filter := url.Values{"kind": {"audit.read"}, "patient": {patient.person}, "until": {fmt.Sprint(w.clock.now().UnixMilli())}, "limit": {"3"}}
	var numbers []int64
	for range 4 {
		page, err := auditor.AuditEvents(w.ctx, filter)
		w.must(err)
		if len(page.Events) > 3 {
			t.Fatalf("a page of 3 has %d events", len(page.Events))
		}
		for _, e := range page.Events {
			if e.Kind != "audit.read" || e.Patient != patient.person {
				t.Errorf("%s about %s was not asked for", e.Kind, e.Patient)
			}
			numbers = append(numbers, e.Number)
		}
		if page.Next == "" {
			break
		}
		filter.Set("cursor", page.Next)
	}
	if len(numbers) != 7 || !slices.IsSortedFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) }) {
		t.Errorf("the pages have %v", numbers)
	}
}
