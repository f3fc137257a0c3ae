package export

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
)

var update = flag.Bool("update", false, "make the golden files anew")

// logged is an event as the log has it.
func logged(t testing.TB, n uint64, e audit.Event) Entry {
	t.Helper()
	encoded, err := e.Encode()
	if err != nil {
		t.Fatalf("%s: %v", e.Kind, err)
	}
	salt := audit.Salt{byte(n)}
	return Entry{Practice: e.Practice, Number: n, Event: e, Salt: salt, Commitment: audit.Commit(salt, encoded)}
}

// unlike are entries that are not what was logged, in each way.
func unlike() []Entry {
	lost := Entry{Practice: "t_oak", Number: 5000, State: audit.Missing, Found: found}
	changed, gone := lost, lost
	changed.Number, changed.State, changed.Commitment = 5001, audit.Damaged, audit.Commitment{1}
	gone.Number, gone.State, gone.Commitment = 5002, audit.Erased, audit.Commitment{2}
	return []Entry{lost, changed, gone}
}

const (
	logTime = 1795942800000
	found   = 1795946400000 // an hour later
)

// sample are events of some kinds of each category, and all of [unlike].
func sample(t testing.TB) []Entry {
	var all []audit.Spec
	for _, k := range []audit.Kind{
		audit.SignedIn, audit.SignInRefused, audit.SessionLocked, audit.FactorAdded, audit.PasswordChanged, audit.ConversationOpened, audit.FileDownloaded,
		audit.PeopleListed, audit.ConsentGiven, audit.ConsentWithdrawn, audit.ConversationTaken, audit.MemberAdded, audit.MemberRemoved, audit.FrameSent,
		audit.CertificateIssued, audit.DeviceRevoked, audit.PersonAdded, audit.PersonChanged, audit.PersonDisabled, audit.PracticeConfigured, audit.AuditExported,
		audit.RecordRead, audit.HistoryShared, audit.HubStarted, audit.HubStopped, audit.CallRefused, audit.PersonEnabled, audit.PersonSeen, audit.AuditRead,
	} {
		s, _ := audit.SpecOf(k)
		all = append(all, s)
	}
	return append(events(t, all), unlike()...)
}

// every is an event of every kind there is, each read by staff and by a patient,
// one of each purpose that an act may have, and all of [unlike].
func every(t testing.TB) []Entry {
	all := events(t, audit.Vocabulary())
	add := func(role audit.Role, k audit.Kind, because string) {
		e := audit.New(t.Context(), logTime+100_000, audit.Actor{Practice: "t_oak", Role: role, Person: "p_one"}, k, "").In("", "p_ana")
		if because != "" {
			e = e.Because(because, "")
		}
		all = append(all, logged(t, uint64(1000+len(all)), e))
	}
	for _, s := range audit.Vocabulary() {
		for _, role := range []audit.Role{audit.Staff, audit.Patient} {
			if audit.Ground(s.Kind, role) != "" {
				add(role, s.Kind, "")
			}
		}
	}
	for _, purpose := range slices.Concat(Exempt(), []string{
		"required-by-law", "public-health", "abuse", "oversight", "court", "police", "decedents", "research", "threat", "government", "workers-compensation", "breach", "other",
	}) {
		add(audit.Operator, audit.RecordRead, purpose)
		add(audit.Operator, audit.DisclosureMade, purpose)
	}
	add(audit.Staff, audit.EmergencyOpened, "care")
	return append(all, unlike()...)
}

// events are events of kinds as acts make them, with each field that they may
// have, some of them refused, and by different actors.
func events(t testing.TB, kinds []audit.Spec) (all []Entry) {
	ctx := audit.WithRequest(t.Context(), audit.Request{ID: "0a1b", Address: "192.0.2.7"})
	staff := audit.Actor{Practice: "t_oak", Role: audit.Staff, Person: "p_dana", Device: "d_laptop"}
	operator := audit.Actor{Practice: "t_oak", Role: audit.Operator}
	console := audit.WithCommand(t.Context(), &audit.Command{Request: "9f8e", Account: audit.Account("root", "ops"), Machine: "chat-1"})
	actors := []audit.Actor{staff, staff, {Practice: "t_oak", Role: audit.Nobody}, operator}
	for i, s := range kinds {
		object := ""
		if s.Object != "" {
			object = "o_" + s.Object
		}
		from := ctx
		if actors[i%len(actors)] == operator {
			from = console
		}
		e := audit.New(from, logTime+int64(i), actors[i%len(actors)], s.Kind, object).About("p_kim").With("role=nurse").By("staff-take")
		e.Reference = "b_1"
		if s.Chat {
			e = e.In("c_knee", "p_ana")
		}
		if i%len(actors) == 1 {
			e = e.AsRefused("forbidden", "staff-take")
		}
		all = append(all, logged(t, uint64(i), e))
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
		all := sample(t)
		if f == FHIR {
			all = every(t)
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

// TestALineCanBeHeldAgainstTheLog: what a line of JSON or a row of a table says
// makes up the commitment that it names, and with that it can be found whether
// the log has it so (docs/operate.md). One that was altered makes up another.
func TestALineCanBeHeldAgainstTheLog(t *testing.T) {
	type line struct {
		Number                                                                                              uint64
		Practice, Time, Kind, Outcome, Role, Person, Device, Object, Subject, Conversation, Patient, Detail string
		Reason, Reference, Address, Request, State, Salt, Commitment                                        string
		Rules                                                                                               []string
	}
	holds := func(l line) bool {
		at, err := time.Parse(time.RFC3339Nano, l.Time)
		if err != nil {
			return false
		}
		e := audit.Event{
			Practice: l.Practice, At: at.UnixMilli(), Kind: audit.Kind(l.Kind), Outcome: audit.Outcome(l.Outcome), Role: audit.Role(l.Role), Person: l.Person,
			Device: l.Device, Object: l.Object, Subject: l.Subject, Conversation: l.Conversation, Patient: l.Patient, Detail: l.Detail, Reason: l.Reason,
			Reference: l.Reference, Rules: l.Rules, Address: l.Address, Request: l.Request,
		}
		encoded, err := e.Encode()
		var salt audit.Salt
		n, hexErr := hex.Decode(salt[:], []byte(l.Salt))
		c := audit.Commit(salt, encoded)
		return err == nil && hexErr == nil && n == len(salt) && hex.EncodeToString(c[:]) == l.Commitment
	}
	all := every(t)
	rows, err := csv.NewReader(bytes.NewReader(written(t, CSV, all))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(written(t, JSONLines, all))))
	for i := range all {
		var fromJSON line
		if err := json.Unmarshal([]byte(lines[i]), &fromJSON); err != nil {
			t.Fatal(err)
		}
		cells := make(map[string]any)
		for column, name := range rows[0] {
			cells[name] = rows[i+1][column]
		}
		cells["number"], cells["rules"] = json.Number(rows[i+1][0]), strings.Fields(rows[i+1][16])
		b, err := json.Marshal(cells)
		if err != nil {
			t.Fatal(err)
		}
		var fromCSV line
		if err := json.Unmarshal(b, &fromCSV); err != nil {
			t.Fatal(err)
		}
		for form, l := range map[Format]line{JSONLines: fromJSON, CSV: fromCSV} {
			if l.State != string(all[i].State) || l.Number != all[i].Number || holds(l) != (l.State == "") || (l.Commitment == "") != (all[i].State == audit.Missing) {
				t.Errorf("%s: %+v", form, l)
			}
			if l.Detail += "x"; holds(l) {
				t.Errorf("%s: an altered line holds: %+v", form, l)
			}
		}
	}
}

// TestT40NothingPassesForLogged: in each form an entry that is not what was
// logged is there, says so, and has nothing of what it says now.
func TestT40NothingPassesForLogged(t *testing.T) {
	says := map[Format]string{CSV: ",%s,", JSONLines: `"state":"%s"`, OCSF: `"status_code":"%s"`, FHIR: `"outcomeDesc":"%s"`}
	for _, e := range unlike() {
		e.Event = audit.Event{Practice: "t_oak", At: 7, Kind: audit.SignedIn, Person: "p_forged", Detail: "forged"}
		for _, f := range Formats() {
			got := string(written(t, f, []Entry{e}))
			if !strings.Contains(got, fmt.Sprintf(says[f], e.State)) || !strings.Contains(got, strconv.FormatUint(e.Number, 10)) || strings.Contains(got, "forged") {
				t.Errorf("%s of what is %s: %s", f, e.State, got)
			}
		}
	}
}

// TestT29cNoFormulas: no cell of a table is one that a spreadsheet runs, and
// the table reads back as it was meant.
func TestT29cNoFormulas(t *testing.T) {
	for _, evil := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", `="a","b"`, "a\n=b"} {
		b := written(t, CSV, []Entry{{Practice: "t", Number: 1, Event: audit.Event{Kind: audit.SignedIn, Person: evil, Detail: `a,"b"`}}})
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
