package alert_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/alert"
)

// A log is the events of a practice that is open from 8 to 18, Monday to
// Friday, looked at as they come.
type log struct {
	t     *testing.T
	state alert.State
	set   alert.Setting
	leaf  int64
	found []alert.Alert
}

func newLog(t *testing.T) *log {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	l := &log{t: t}
	wrote := make(map[[2]string]bool)
	l.set = alert.Setting{
		Zone: zone,
		Open: func(at time.Time) bool {
			return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && 8 <= at.Hour() && at.Hour() < 18
		},
		Known: func(person, patient string, _ int64) (bool, error) { return wrote[[2]string{person, patient}], nil },
	}
	return l
}

// Monday is the first day of a log.
func (l *log) day(n, hour, minute int) time.Time {
	return time.Date(2026, time.March, 2+n, hour, minute, 0, 0, l.set.Zone)
}

func (l *log) does(at time.Time, person string, kind audit.Kind, patient string) {
	l.look(audit.Event{At: at.UnixMilli(), Kind: kind, Person: person, Patient: patient, Conversation: "c_" + patient})
}

func (l *log) look(e audit.Event) {
	e.Role, e.Outcome = audit.Staff, audit.Done
	if audit.IsAccount(e.Person) {
		e.Role = audit.Operator
	}
	found, err := l.state.Look(&l.set, l.leaf, &e)
	if err != nil {
		l.t.Fatal(err)
	}
	l.leaf++
	l.found = append(l.found, found...)
}

// works is a usual day: chats that wait are taken, read and answered.
func (l *log) works(day int, person string, from, patients int) {
	for i := range patients {
		at := l.day(day, from, 0).Add(time.Duration(i) * 8 * time.Hour / time.Duration(patients))
		who := fmt.Sprintf("p_%s_%d_%d", person, day, i)
		l.does(at, person, audit.ConversationTaken, who)
		l.does(at.Add(time.Minute), person, audit.ConversationOpened, who)
		l.does(at.Add(2*time.Minute), person, audit.FrameSent, who)
	}
}

func (l *log) wants(when string, want ...alert.Rule) {
	l.t.Helper()
	var got []alert.Rule
	for _, a := range l.found {
		got = append(got, a.Rule)
	}
	l.found = nil
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("%s:\n%s", when, diff)
	}
}

// settled is a log with a nurse, Kim, who has worked there for two weeks.
func settled(t *testing.T) *log {
	l := newLog(t)
	for day := range 12 {
		if day%7 < 5 {
			l.works(day, "kim", 9, 12)
		}
	}
	l.wants("two weeks of work")
	return l
}

func TestT42Bulk(t *testing.T) {
	l := settled(t)
	l.works(14, "kim", 9, 37)
	l.wants("more than three times the busiest day", alert.Bulk)
	l.works(14, "kim", 9, 60)
	l.wants("still the same day")
	l.works(15, "kim", 9, 60)
	l.wants("as on a day before")

	l = settled(t)
	l.works(14, "kim", 9, 36)
	l.wants("three times the busiest day")
	l.works(14, "lou", 9, 37)
	l.wants("somebody new is held to the others", alert.Bulk)
}

func TestT42Hours(t *testing.T) {
	l := settled(t)
	l.does(l.day(14, 18, 30), "kim", audit.ConversationOpened, "p_a")
	l.wants("stays somewhat longer", alert.Hours) // the last chat of a usual day is before 17
	l.does(l.day(15, 3, 0), "kim", audit.PatientSeen, "p_a")
	l.does(l.day(15, 3, 1), "kim", audit.PatientSeen, "p_b")
	l.wants("at night, once a day", alert.Hours)
	for day := 21; day < 25; day++ {
		l.does(l.day(day, 3, 0), "kim", audit.PatientSeen, "p_a")
	}
	l.wants("until it is theirs", alert.Hours)
	l.does(l.day(25, 3, 0), "kim", audit.ConversationsListed, "")
	l.does(l.day(25, 12, 0), "lou", audit.ConversationOpened, "p_a")
	l.wants("a list, and somebody new at noon")
	l.set.Open = func(time.Time) bool { return true }
	l.does(l.day(26, 4, 0), "lou", audit.ConversationOpened, "p_a")
	l.wants("a practice that never closes")
}

// TestT42OperatorsExport: the command line is no way around it, and what a machine
// does each night makes the night nobody's usual hours but its own.
func TestT42OperatorsExport(t *testing.T) {
	l := settled(t)
	root := audit.Account("root", "")
	l.does(l.day(14, 3, 0), root, audit.AuditExported, "")
	l.wants("at 3 a.m.", alert.Export)
	for range 4 {
		l.does(l.day(15, 10, 0), root, audit.ConsentsExported, "")
	}
	l.wants("many at once", alert.Export)
	for day := 21; day < 40; day++ {
		l.does(l.day(day, 3, 0), audit.Account("backup", ""), audit.AuditExported, "")
	}
	l.wants("until it is the machine's habit", slices.Repeat([]alert.Rule{alert.Export}, 5)...)
	l.does(l.day(40, 3, 0), "lou", audit.PatientSeen, "p_a")
	l.wants("somebody new at the machine's hour", alert.Hours)
	l.does(l.day(41, 3, 0), root, audit.BackupMade, "")
	l.wants("what takes nothing out")
}

func TestT42Export(t *testing.T) {
	l := settled(t)
	l.does(l.day(14, 3, 0), "cleo", audit.AuditExported, "")
	l.wants("at 3 a.m.", alert.Export)
	for range 4 {
		l.does(l.day(14, 10, 0), "sam", audit.AccountTaken, "")
	}
	l.wants("many at once", alert.Export)
	if l.does(l.day(15, 10, 0), "cleo", audit.AuditExported, ""); len(l.found) > 0 {
		t.Errorf("one by day: %+v", l.found)
	}
}

func TestT42NoPart(t *testing.T) {
	l := settled(t)
	into := func(day, chats int, answers bool) {
		for i := range chats {
			who := fmt.Sprintf("p_other_%d_%d", day, i)
			l.does(l.day(day, 10, i), "kim", audit.ConversationJoined, who)
			if answers {
				l.does(l.day(day, 10, i), "kim", audit.FrameSent, who)
			}
			l.does(l.day(day, 11, i), "kim", audit.ConversationLeft, who)
		}
	}
	into(14, 9, true)
	into(15, 3, false)
	l.wants("helps, and looks in now and then")
	into(16, 4, false)
	l.wants("looks around", alert.Idle)
	into(17, 4, false)
	l.wants("as on another day: a supervisor does")
	for i := range 6 { // never leaves: it counts when the day is over
		l.does(l.day(18, 10, i), "kim", audit.ConversationJoined, fmt.Sprint("p_", i))
	}
	into(21, 6, false)
	l.wants("no more than on a day that ended with six")
}

func TestT42Watched(t *testing.T) {
	l := settled(t)
	l.set.Watches = []alert.Watch{{Patient: "p_vip"}, {Patient: "p_ex", Person: "kim"}}
	l.does(l.day(14, 10, 0), "kim", audit.PatientSeen, "p_vip")
	l.does(l.day(14, 10, 1), "kim", audit.ConversationOpened, "p_vip")
	l.wants("a stranger", alert.Watched)
	if l.does(l.day(15, 10, 0), "kim", audit.ConversationJoined, "p_ex"); len(l.found) != 1 || l.found[0].Rule != alert.Apart || l.found[0].Patient != "p_ex" || l.found[0].Day != "2026-03-17" {
		t.Errorf("somebody to stay away from: %+v", l.found)
	}
	l.found = nil
	l.does(l.day(15, 10, 0), "lou", audit.ConversationJoined, "p_ex")
	l.does(l.day(15, 10, 1), "lou", audit.ConversationTaken, "p_vip")
	l.wants("who may, and who takes a chat that waits")
	l.set.Known = func(person, _ string, leaf int64) (bool, error) { return person == "dana" && leaf == l.leaf, nil }
	l.does(l.day(15, 11, 0), "dana", audit.ConversationOpened, "p_vip")
	l.wants("who answers them")
	down := errors.New("down")
	l.set.Known = func(string, string, int64) (bool, error) { return false, down }
	e := audit.Event{At: l.day(16, 10, 0).UnixMilli(), Kind: audit.PatientSeen, Role: audit.Staff, Outcome: audit.Done, Person: "alex", Patient: "p_vip"}
	if _, err := l.state.Look(&l.set, l.leaf, &e); !errors.Is(err, down) {
		t.Errorf("nobody can tell: %v", err)
	}
}

func TestT42Surname(t *testing.T) {
	l := settled(t)
	for _, detail := range []string{"", alert.SameSurname} {
		l.look(audit.Event{At: l.day(14, 10, 0).UnixMilli(), Kind: audit.PatientVerificationRead, Person: "kim", Patient: "p_tran", Detail: detail})
	}
	l.wants("the record of a namesake", alert.Surname)
}

// TestT43OwnLink: who makes a link and uses it becomes somebody else, alone.
func TestT43OwnLink(t *testing.T) {
	l := settled(t)
	made := func(object, address string) {
		l.look(audit.Event{At: l.day(14, 9, 0).UnixMilli(), Kind: audit.SetUpLinkMade, Person: "robin", Object: object, Address: address})
	}
	used := func(object, address string) {
		l.look(audit.Event{At: l.day(15, 10, 0).UnixMilli(), Kind: audit.SetUpLinkUsed, Person: object, Object: object, Address: address})
	}
	made("p_new", "192.0.2.1")
	used("p_new", "192.0.2.2")
	used("p_new", "192.0.2.1") // of no link that is known
	l.wants("a colleague at their own machine")
	made("p_lost", "192.0.2.1")
	l.look(audit.Event{At: l.day(14, 11, 0).UnixMilli(), Kind: audit.SetUpLinkMade, Person: "os:jane", Object: "p_lost", Address: "local"})
	used("p_lost", "192.0.2.1")
	l.wants("a link that the operator made later")
	made("p_made-up", "192.0.2.1")
	used("p_made-up", "192.0.2.1")
	if len(l.found) != 1 || l.found[0].Person != "robin" {
		t.Errorf("found %+v, not one about who made the link", l.found)
	}
	l.wants("where who made it was", alert.OwnLink)
}

// TestOnlyStaffAreLookedAt: a patient, the keeper, and what was refused raise
// nothing.
func TestOnlyStaffAreLookedAt(t *testing.T) {
	l := settled(t)
	for _, e := range []audit.Event{
		{Role: audit.Patient, Person: "p_a", Outcome: audit.Done},
		{Role: audit.Service, Person: "p_keeper", Outcome: audit.Done},
		{Role: audit.Staff, Person: "kim", Outcome: audit.Refused},
		{Role: audit.Operator, Outcome: audit.Done},
	} {
		e.At, e.Kind, e.Patient = l.day(14, 3, 0).UnixMilli(), audit.ConversationOpened, "p_a"
		found, err := l.state.Look(&l.set, 0, &e)
		if err != nil || len(found) > 0 {
			t.Errorf("%+v: %v %v", e, found, err)
		}
	}
}

// TestStateIsKept: what is remembered goes through JSON, and holds no more than
// it needs.
func TestStateIsKept(t *testing.T) {
	l := settled(t)
	for day := range 60 {
		kept, err := json.Marshal(l.state)
		if err != nil {
			t.Fatal(err)
		}
		l.state = alert.State{}
		if err := json.Unmarshal(kept, &l.state); err != nil {
			t.Fatal(err)
		}
		l.works(14+day, "kim", 9, 12)
	}
	if n := len(l.state.People["kim"].Days); n != 28 {
		t.Errorf("%d days are remembered", n)
	}
	if slices.ContainsFunc(l.found, func(a alert.Alert) bool { return a.Rule != alert.Hours }) {
		t.Errorf("usual days: %+v", l.found)
	}
	l.found = nil
	l.does(l.day(74, 3, 0), "kim", audit.PatientSeen, "p_a")
	l.wants("after all that", alert.Hours)
}

// TestClockAhead: a clock that was a year ahead silences nobody once it is right
// again.
func TestClockAhead(t *testing.T) {
	l := settled(t)
	l.set.Watches = []alert.Watch{{Patient: "p_ex", Person: "kim"}}
	l.does(l.day(14+364, 10, 0), "kim", audit.PatientSeen, "p_ex")
	l.wants("ahead", alert.Apart)
	l.does(l.day(14, 10, 0), "kim", audit.PatientSeen, "p_ex")
	l.does(l.day(15, 10, 0), "kim", audit.PatientSeen, "p_ex")
	l.wants("right again, on each day", alert.Apart, alert.Apart)
}

// TestForgets: habits are kept of who does something.
func TestForgets(t *testing.T) {
	l := settled(t)
	l.works(40, "lou", 9, 3)
	l.state.Forget(l.day(30, 0, 0))
	if _, kept := l.state.People["kim"]; kept || l.state.People["lou"] == nil {
		t.Errorf("kept: %v", l.state.People)
	}
}
