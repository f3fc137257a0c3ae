package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

var update = flag.Bool("update", false, "make the golden files anew")

// sample are events of some kinds of each category.
func sample() []Entry {
	var all []audit.Spec
	for _, k := range []audit.Kind{
		audit.SignedIn, audit.SignInRefused, audit.SessionLocked, audit.FactorAdded, audit.PasswordChanged, audit.ConversationOpened, audit.FileDownloaded,
		audit.PeopleListed, audit.ConsentGiven, audit.ConsentWithdrawn, audit.ConversationTaken, audit.MemberAdded, audit.MemberRemoved, audit.FrameSent,
		audit.CertificateIssued, audit.DeviceRevoked, audit.PersonAdded, audit.PersonChanged, audit.PersonDisabled, audit.PracticeConfigured, audit.AuditExported,
		audit.RecordRead, audit.HistoryShared, audit.HubStarted, audit.HubStopped, audit.CallRefused,
	} {
		s, _ := audit.SpecOf(k)
		all = append(all, s)
	}
	return events(all)
}

// every is an event of every kind there is, and one of each purpose that an act
// may have.
func every() []Entry {
	all := events(audit.Vocabulary())
	purposes := slices.Concat(Exempt(), []string{
		"required-by-law", "public-health", "abuse", "oversight", "court", "police", "decedents", "research", "threat", "government", "workers-compensation", "breach", "other",
	})
	for _, e := range []audit.Event{{Kind: audit.RecordRead}, {Kind: audit.DisclosureMade}, {Kind: audit.EmergencyOpened, Reason: "care"}} {
		e.Practice, e.At, e.Outcome, e.Role, e.Conversation, e.Patient = "t_oak", 1795942900000, audit.Done, audit.Operator, "c_knee", "p_ana"
		for _, e.Reason = range slices.DeleteFunc(slices.Concat([]string{e.Reason}, purposes), func(p string) bool { return p == "" }) {
			all = append(all, Entry{uint64(1000 + len(all)), e})
			if e.Kind == audit.EmergencyOpened {
				break
			}
		}
	}
	return all
}

// events are events of kinds, with each field that they may have, some of them
// refused, and by different actors.
func events(kinds []audit.Spec) (all []Entry) {
	for i, s := range kinds {
		e := audit.Event{
			Practice: "t_oak", At: 1795942800000 + int64(i), Kind: s.Kind, Outcome: audit.Done, Role: audit.Staff, Person: "p_dana", Device: "d_laptop",
			Detail: "role=nurse", Reference: "b_1", Rules: []string{"staff-take"}, Address: "192.0.2.7", Request: "0a1b",
		}
		if s.Object != "" {
			e.Object = "o_" + s.Object
		}
		if s.Chat {
			e.Conversation, e.Patient = "c_knee", "p_ana"
		}
		switch i % 4 {
		case 1:
			e.Outcome, e.Reason = audit.Refused, "forbidden"
		case 2:
			e.Role, e.Person, e.Device, e.Address = audit.Nobody, "", "", ""
		case 3:
			e.Role, e.Person, e.Device = audit.Operator, "", ""
		}
		all = append(all, Entry{uint64(i), e})
	}
	return all
}

func written(t *testing.T, f Format, all []Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := New(f, &b)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden holds each format to what it wrote before. The FHIR file is what
// e2e/fhir.test.mjs holds against the official definitions.
func TestGolden(t *testing.T) {
	for _, f := range []Format{CSV, JSONLines, OCSF, FHIR} {
		all := sample()
		if f == FHIR {
			all = every()
		}
		path, got := "testdata/"+string(f)+"."+f.Extension(), written(t, f, all)
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what it was: run with -update and review the difference", f)
		}
	}
	if _, err := New("xml", nil); !errors.Is(err, ErrFormat) {
		t.Errorf("a format that is none: %v", err)
	}
}

// TestFHIRPurpose: what an act was for is its purpose, by HL7's code where there
// is one, and no description of how it came out; a refusal's reason is.
func TestFHIRPurpose(t *testing.T) {
	of := func(k audit.Kind, o audit.Outcome, reason string) fhirEvent {
		return fhir(Entry{1, audit.Event{Practice: "t", Kind: k, Outcome: o, Reason: reason}})
	}
	for name, c := range map[string]struct {
		event           fhirEvent
		purpose, result string
	}{
		"for operations": {of(audit.RecordRead, audit.Done, "operations"), "operations HOPERAT", ""},
		"for a court":    {of(audit.DisclosureMade, audit.Done, "court"), "court HLEGAL", ""},
		"for a decedent": {of(audit.DisclosureMade, audit.Done, "decedents"), "decedents", ""},
		"an emergency":   {of(audit.EmergencyOpened, audit.Done, "care"), "care BTG", ""},
		"refused":        {of(audit.RecordRead, audit.Refused, "forbidden"), "", "forbidden"},
		"another act":    {of(audit.RelationEnded, audit.Done, "lapsed"), "", "lapsed"},
	} {
		var codes []string
		for _, p := range c.event.Purpose {
			for _, coding := range p.Coding {
				codes = append(codes, coding.Code)
			}
		}
		if got := strings.Join(codes, " "); got != c.purpose || c.event.OutcomeDesc != c.result {
			t.Errorf("%s: purpose %q and outcome %q, want %q and %q", name, got, c.event.OutcomeDesc, c.purpose, c.result)
		}
	}
}

// TestT29cNoFormulas: no cell of a table is one that a spreadsheet runs, and
// the table reads back as it was meant.
func TestT29cNoFormulas(t *testing.T) {
	for _, evil := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `="a","b"`, "a\n=b"} {
		b := written(t, CSV, []Entry{{1, audit.Event{Practice: "t", Kind: audit.SignedIn, Person: evil, Detail: `a,"b"`}}})
		rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q: %d rows, %v", evil, len(rows), err)
		}
		for _, c := range rows[1] {
			if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
				t.Errorf("%q came out as the cell %q", evil, c)
			}
		}
		if rows[1][13] != `a,"b"` {
			t.Errorf("a detail came out as %q", rows[1][13])
		}
	}
}

// TestOCSFShape holds what every OCSF event has (schema.ocsf.io, version 1.3.0,
// base event), and what the classes that we use require.
func TestOCSFShape(t *testing.T) {
	for line := range strings.Lines(string(written(t, OCSF, events(audit.Vocabulary())))) {
		var e struct {
			ActivityID  *int           `json:"activity_id"`
			CategoryUID int            `json:"category_uid"`
			ClassUID    int            `json:"class_uid"`
			TypeUID     int            `json:"type_uid"`
			Time        int64          `json:"time"`
			SeverityID  int            `json:"severity_id"`
			Metadata    map[string]any `json:"metadata"`
			User        map[string]any `json:"user"`
			Actor       map[string]any `json:"actor"`
			Entity      map[string]any `json:"entity"`
			App         map[string]any `json:"app"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.ActivityID == nil || e.CategoryUID != e.ClassUID/1000 || e.TypeUID != e.ClassUID*100+*e.ActivityID || e.Time == 0 || e.SeverityID == 0 ||
			e.Metadata["version"] != ocsfVersion || e.Metadata["product"] == nil {
			t.Errorf("not an event: %s", line)
		}
		well := map[int]bool{
			authentication: e.User != nil, accountChange: e.User != nil && e.Actor != nil, entityManagement: e.Entity != nil && e.Actor != nil, lifecycle: e.App != nil,
		}
		if !well[e.ClassUID] {
			t.Errorf("class %d lacks what it requires: %s", e.ClassUID, line)
		}
	}
}

func TestDisclosures(t *testing.T) {
	e := func(k audit.Kind, change func(*audit.Event)) *audit.Event {
		v := &audit.Event{Practice: "t", At: 5, Kind: k, Outcome: audit.Done, Role: audit.Operator, Patient: "p_ana", Conversation: "c"}
		change(v)
		return v
	}
	same := func(*audit.Event) {}
	if !Disclosed(e(audit.RecordRead, same)) || !Disclosed(e(audit.RecordRead, func(v *audit.Event) { v.Reason = "court" })) {
		t.Error("the record was opened for somebody, and that is no disclosure")
	}
	for what, x := range map[string]*audit.Event{
		"seen for treatment":    e(audit.ConversationOpened, same),
		"within the practice":   e(audit.HistoryShared, same),
		"refused":               e(audit.RecordRead, func(v *audit.Event) { v.Outcome = audit.Refused }),
		"their own":             e(audit.RecordRead, func(v *audit.Event) { v.Role = audit.Patient }),
		"for operations":        e(audit.RecordRead, func(v *audit.Event) { v.Reason = "operations" }),
		"written down by hand":  e(audit.RecordRead, func(v *audit.Event) { v.Reference = "x_1" }),
		"the writing down":      e(audit.DisclosureMade, same),
		"an export of this log": e(audit.AuditExported, same),
	} {
		if Disclosed(x) {
			t.Errorf("%s counts as a disclosure", what)
		}
	}
}
