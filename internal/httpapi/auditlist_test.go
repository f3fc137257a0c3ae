package httpapi_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/store/postgres"
	"github.com/sotto-health/sotto/internal/store/postgres/postgrestest"
)

// onEachStore runs a test with a hub on SQLite and with one on PostgreSQL.
func onEachStore(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		stored, err := postgres.Open(t.Context(), postgrestest.NewDatabase(t), postgres.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stored.Close() })
		store := &faultyStore{Store: stored, full: new(atomic.Bool), unwritten: new(atomic.Pointer[audit.Kind])}
		w := newWorld(t, func(hc *hub.Config, _ *httpapi.Config) { hc.Store = store })
		w.store = store
		test(t, w)
	})
}

// An explored log is one with something for each filter to find.
type explored struct {
	*world
	reader       *device
	patient      *device
	conversation string
	all          []api.AuditEvent // newest first
}

// past is when the log's made-up part begins, Unix milliseconds.
const past = 1_700_000_000_000

func explore(t *testing.T, w *world) *explored {
	t.Helper()
	x := &explored{world: w, reader: w.staffAs(w.clinic, "auditor", "ada"), patient: w.patient()}
	x.conversation = x.patient.open("nurse")
	nurse := w.staff("nora", "nurse")
	nurse.take(x.conversation)
	nurse.say(x.conversation, "Hello")
	_, err := nurse.AuditEvents(w.ctx, nil) // is refused
	wantCode(t, err, api.CodeForbidden)
	var more []audit.Event
	kinds := []audit.Kind{audit.ConversationOpened, audit.FileDownloaded, audit.CallRefused}
	for i := range 60 {
		// Several have one time: then their numbers decide.
		e := audit.New(w.ctx, past+int64(i/5), audit.Actor{Practice: w.clinic.ID, Role: audit.Staff, Person: nurse.person}, kinds[i%3], "")
		e = e.In(x.conversation, x.patient.person).About(x.patient.person)
		if e.Kind == audit.CallRefused {
			e = e.AsRefused("forbidden", "role-needed")
		}
		if i%7 == 0 {
			e.Outcome, e.Reason = audit.Failed, "unavailable"
		}
		more = append(more, e)
	}
	w.must(w.store.Record(w.ctx, more...))
	x.all = x.pages(t, url.Values{"limit": {"200"}}, nil)
	return x
}

// pages returns all that a filter selects, page after page, calling between
// after each, if that is not nil.
func (x *explored) pages(t *testing.T, filter url.Values, between func()) (all []api.AuditEvent) {
	t.Helper()
	filter = maps.Clone(filter)
	limit, err := strconv.Atoi(filter.Get("limit"))
	x.must(err)
	for {
		page, err := x.reader.AuditEvents(x.ctx, filter)
		x.must(err)
		if len(page.Events) > limit || page.Next != "" && len(page.Events) < limit {
			t.Errorf("%v: a page of %d has %d events, and more follow: %v", filter, limit, len(page.Events), page.Next != "")
		}
		if all = append(all, page.Events...); len(all) > 5000 {
			t.Fatalf("%v: the pages have no end", filter)
		}
		if page.Next == "" {
			return all
		}
		if between != nil {
			between()
		}
		filter.Set("cursor", page.Next)
	}
}

// known drops what came after the log was looked at first: each look is in it.
func (x *explored) known(events []api.AuditEvent) (numbers []int64) {
	last := slices.MaxFunc(x.all, func(a, b api.AuditEvent) int { return int(a.Number - b.Number) }).Number
	for _, e := range events {
		if e.Number <= last {
			numbers = append(numbers, e.Number)
		}
	}
	return numbers
}

// TestAuditFilters: each filter of the list, and several at once, gives what it
// asks for and all of it, newest first, page by page.
func TestAuditFilters(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		x := explore(t, w)
		if newestFirst := slices.IsSortedFunc(x.all, func(a, b api.AuditEvent) int {
			return int(max(-1, min(1, b.At-a.At))*2 + max(-1, min(1, b.Number-a.Number)))
		}); !newestFirst || len(x.all) < 80 {
			t.Fatalf("%d events, in order: %v", len(x.all), newestFirst)
		}
		category := make(map[string]string)
		for _, k := range audit.Vocabulary() {
			category[string(k.Kind)] = string(k.Category)
		}
		device := x.patient.id
		for name, f := range map[string]struct {
			query string
			is    func(*api.AuditEvent) bool
		}{
			"kind":         {"kind=file.downloaded", func(e *api.AuditEvent) bool { return e.Kind == "file.downloaded" }},
			"category":     {"category=keys", func(e *api.AuditEvent) bool { return category[e.Kind] == "keys" }},
			"done":         {"outcome=done", func(e *api.AuditEvent) bool { return e.Outcome == "done" }},
			"refused":      {"outcome=refused", func(e *api.AuditEvent) bool { return e.Outcome == "refused" }},
			"failed":       {"outcome=failed", func(e *api.AuditEvent) bool { return e.Outcome == "failed" }},
			"person":       {"person=" + x.patient.person, func(e *api.AuditEvent) bool { return e.Person == x.patient.person }},
			"subject":      {"subject=" + x.patient.person, func(e *api.AuditEvent) bool { return e.Subject == x.patient.person }},
			"object":       {"object=" + device, func(e *api.AuditEvent) bool { return e.Object == device }},
			"conversation": {"conversation=" + x.conversation, func(e *api.AuditEvent) bool { return e.Conversation == x.conversation }},
			"patient":      {"patient=" + x.patient.person, func(e *api.AuditEvent) bool { return e.Patient == x.patient.person }},
			"from":         {"from=" + fmt.Sprint(past+8), func(e *api.AuditEvent) bool { return e.At >= past+8 }},
			"until":        {"until=" + fmt.Sprint(past+8), func(e *api.AuditEvent) bool { return e.At < past+8 }},
			"from until":   {fmt.Sprintf("from=%d&until=%d", past+3, past+5), func(e *api.AuditEvent) bool { return e.At >= past+3 && e.At < past+5 }},
			"several": {fmt.Sprintf("category=access&outcome=done&conversation=%s&until=%d", x.conversation, past+9), func(e *api.AuditEvent) bool {
				return category[e.Kind] == "access" && e.Outcome == "done" && e.Conversation == x.conversation && e.At < past+9
			}},
			"kind over category": {"kind=file.downloaded&category=access", func(e *api.AuditEvent) bool { return e.Kind == "file.downloaded" }},
		} {
			t.Run(name, func(t *testing.T) {
				var want []int64
				for i := range x.all {
					if f.is(&x.all[i]) {
						want = append(want, x.all[i].Number)
					}
				}
				query, err := url.ParseQuery(f.query + "&limit=7")
				x.must(err)
				got := x.pages(t, query, nil)
				if known := x.known(got); len(want) == 0 || !slices.Equal(known, want) {
					t.Errorf("%s: numbers %v, want %v", f.query, known, want)
				}
				// Each look is in the log, where the filter selects looks too.
				first, err := x.reader.AuditEvents(x.ctx, query)
				x.must(err)
				if m := first.Matching; m == nil || m.More || m.Count < int64(len(got)) || m.Count > int64(len(x.pages(t, query, nil))) {
					t.Errorf("%s: said to match: %+v, there were %d", f.query, m, len(got))
				}
			})
		}
		for name, query := range map[string]string{
			"nobody": "person=p_nobody", "no subject": "subject=p_nobody", "no object": "object=d_none", "before all": "until=1", "no time": "from=9&until=9",
			"upside down": fmt.Sprintf("from=%d&until=%d", past+5, past), "no such pair": "kind=file.downloaded&person=" + x.patient.person,
		} {
			values, err := url.ParseQuery(query)
			x.must(err)
			if page, err := x.reader.AuditEvents(x.ctx, values); err != nil || len(page.Events) != 0 || page.Next != "" || *page.Matching != (api.AuditMatching{}) {
				t.Errorf("%s: %d events, %+v, %v", name, len(page.Events), page.Matching, err)
			}
		}
	})
}

// TestAuditPagesStandStill: the log grows while somebody turns its pages. What
// was there is given once and in order, whatever comes meanwhile, also with the
// time of what is being looked at.
func TestAuditPagesStandStill(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		x := explore(t, w)
		came := int64(0)
		got := x.pages(t, url.Values{"limit": {"9"}}, func() {
			came++
			e := audit.New(w.ctx, past+came%12, audit.Actor{Practice: w.clinic.ID, Role: audit.Operator}, audit.PeopleListed, "")
			w.must(w.store.Record(w.ctx, e, e))
		})
		var want []int64
		for _, e := range x.all {
			want = append(want, e.Number)
		}
		if known := x.known(got); !slices.Equal(known, want) {
			t.Errorf("%d events, want %d: %v", len(known), len(want), known)
		}
		seen := make(map[int64]bool)
		for _, e := range got {
			if seen[e.Number] {
				t.Errorf("entry %d is given twice", e.Number)
			}
			seen[e.Number] = true
		}
	})
}

// A busyStore lets something come to the log after each list of it.
type busyStore struct {
	hub.Store
	comes func()
}

func (s *busyStore) LogEntries(ctx context.Context, q hub.LogQuery) ([]auditlog.Entry, error) {
	found, err := s.Store.LogEntries(ctx, q)
	if s.comes != nil {
		s.comes()
	}
	return found, err
}

// TestAnAuditPageIsOfOneLog: what comes to the log while a page is made is
// neither listed nor counted there.
func TestAnAuditPageIsOfOneLog(t *testing.T) {
	busy := new(busyStore)
	w := newWorld(t, func(h *hub.Config, _ *httpapi.Config) { busy.Store, h.Store = h.Store, busy })
	reader := w.staffAs(w.clinic, "auditor", "ada")
	busy.comes = func() {
		w.must(w.store.Record(w.ctx, audit.New(w.ctx, past, audit.Actor{Practice: w.clinic.ID, Role: audit.Operator}, audit.PeopleListed, "")))
		_, err := w.store.GrowLog(w.ctx, w.clinic.ID, 1000)
		w.must(err)
	}
	for _, filter := range []url.Values{{"kind": {string(audit.PeopleListed)}}, {"kind": {string(audit.PeopleListed)}}, {"limit": {"200"}}} {
		page, err := reader.AuditEvents(w.ctx, filter)
		w.must(err)
		if page.Next != "" || page.Matching == nil || page.Matching.Count != int64(len(page.Events)) {
			t.Errorf("%v: %d events are listed and %+v are said to be there", filter, len(page.Events), page.Matching)
		}
	}
}

// TestAuditListLimits: how much a page has, and what is no filter. Each refusal
// has its code, and none has the caller's words.
func TestAuditListLimits(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		x := explore(t, w)
		w.many(300, x.patient.person)
		for query, want := range map[string]int{"": 50, "limit=1": 1, "limit=200": 200} {
			values, err := url.ParseQuery(query)
			x.must(err)
			if page, err := x.reader.AuditEvents(x.ctx, values); err != nil || len(page.Events) != want || page.Next == "" {
				t.Errorf("%q: %d events, want %d (%v)", query, len(page.Events), want, err)
			}
		}
		long := strings.Repeat("x", 65)
		for _, query := range []string{
			"limit=0", "limit=201", "limit=-1", "limit=many", "limit=1.5", "limit=99999999999999999999",
			"kind=gossip", "kind=" + long, "category=gossip", "category=" + long, "outcome=maybe", "outcome=DONE",
			"patient=nobody", "patient=c_x", "conversation=nothing", "conversation=" + x.patient.person, "person=" + long, "subject=" + long, "object=" + long,
			"from=-1", "from=yesterday", "from=2026-01-01", "until=-1", "until=soon", "until=99999999999999999999",
			"cursor=here", "cursor=1", "cursor=1.", "cursor=.1", "cursor=1.x", "cursor=1.2.3", "cursor=" + long,
		} {
			values, err := url.ParseQuery(query)
			x.must(err)
			_, err = x.reader.AuditEvents(x.ctx, values)
			if p := wantCode(t, err, api.CodeMalformed); p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusBadRequest {
				t.Errorf("%s: status %d", query, p.Status)
			}
		}
	})
}

// TestT22TheLogIsForAuditors: no other role reads the log, whatever the filter,
// nor without a session; an auditor reads their own practice's alone. Who tried is
// in the log.
func TestT22TheLogIsForAuditors(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		x := explore(t, w)
		filters := []url.Values{nil, {"patient": {x.patient.person}}, {"conversation": {x.conversation}}, {"kind": {"call.refused"}}, {"limit": {"1"}}}
		tried := make(map[string]bool)
		refused := func(d *device, code api.Code) {
			t.Helper()
			for _, f := range filters {
				page, err := d.AuditEvents(w.ctx, f)
				if len(page.Events) > 0 {
					t.Errorf("%s got events", d.person)
				}
				wantCode(t, err, code)
			}
		}
		for _, role := range []string{"nurse", "front-desk", "supervisor", "administrator"} {
			d := w.staffAs(w.clinic, role, "one-"+role, "nurse")
			refused(d, api.CodeForbidden)
			tried[d.person] = true
		}
		refused(x.patient, api.CodeUnauthenticated) // a patient's device is nobody there
		refused(w.clinic.keeper, api.CodeUnauthenticated)
		refused(w.newDevice(w.clinic), api.CodeUnauthenticated)
		for _, role := range []string{"auditor", "compliance"} {
			if page, err := w.staffAs(w.clinic, role, "another-"+role).AuditEvents(w.ctx, nil); err != nil || len(page.Events) == 0 {
				t.Errorf("a %s gets %d events, %v", role, len(page.Events), err)
			}
		}
		hilltop := w.newPractice("hilltop")
		there := w.staffAs(hilltop, "auditor", "theo")
		for _, e := range (&explored{world: w, reader: there}).pages(t, url.Values{"limit": {"50"}}, nil) {
			if e.Person == x.reader.person || e.Patient == x.patient.person {
				t.Errorf("another practice's auditor got entry %d", e.Number)
			}
		}
		if page, err := there.AuditEvents(w.ctx, url.Values{"patient": {x.patient.person}}); err != nil || len(page.Events) != 1 || page.Events[0].Person != there.person {
			t.Errorf("another practice's auditor got %v, %v: their own look alone is there", page.Events, err)
		}
		for _, e := range x.pages(t, url.Values{"kind": {"call.refused"}, "limit": {"50"}}, nil) {
			delete(tried, e.Person)
		}
		if len(tried) > 0 {
			t.Errorf("nothing says that %v tried", tried)
		}
	})
}
