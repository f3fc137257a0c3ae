package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/hub"
)

// disclosed takes a conversation out of the sealed record, for a court.
func (w *world) disclosed(conversation, recipient string) {
	w.t.Helper()
	w.must(w.hub.NoteOperatorsRecordRead(w.ctx, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: conversation, Purpose: "court", Recipient: recipient}))
}

// recipients are who got what an accounting lists, in order of their names.
func (w *world) recipients(of *device, patient string) (names []string) {
	w.t.Helper()
	account, err := of.Disclosures(w.ctx, patient)
	w.must(err)
	for _, d := range account.Disclosures {
		names = append(names, d.Recipient)
	}
	slices.Sort(names)
	return names
}

// covered are the persons and chats that an accounting says on each line of its
// table that it covers, and how many lines there are.
func (w *world) covered(of *device, patient string) (persons, chats string, lines int) {
	w.t.Helper()
	table, err := of.DisclosuresTable(w.ctx, patient)
	w.must(err)
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	w.must(err)
	for i, row := range rows[1:] {
		if p, c := row[slices.Index(rows[0], "persons")], row[slices.Index(rows[0], "chats")]; i == 0 {
			persons, chats = p, c
		} else if p != persons || c != chats {
			w.t.Errorf("line %d covers %q, %q, and the first %q, %q", i, p, c, persons, chats)
		}
	}
	return persons, chats, len(rows) - 1
}

func sawIn(all *api.Sightings, by *device, conversation string) bool {
	return slices.ContainsFunc(all.Sightings, func(s api.Sighting) bool {
		return s.Way == "read" && s.Person == by.person && s.Conversation == conversation
	})
}

// TestT22ReportsJoinWhomStaffLinked: the reports for who answers for access have
// the chats of all persons that are one, as long as the link stands, and each of
// them is told of it; a patient sees their own person's alone.
func TestT22ReportsJoinWhomStaffLinked(t *testing.T) {
	w := newWorld(t)
	before, now, nurse := w.patient(), w.patient(), w.staff("dana")
	first, second := before.open("nurse"), now.open("nurse")
	for _, id := range []string{first, second} {
		nurse.take(id)
		nurse.join()
		nurse.catchUp(id)
	}
	w.disclosed(first, "First court")
	w.disclosed(second, "Second court")
	officer, super := w.staffAs(w.clinic, "compliance", "robin"), w.member("sam", "supervisor")
	alone := func(when string) {
		t.Helper()
		seen, err := officer.SightingsOf(w.ctx, now.person, "")
		w.must(err)
		if sawIn(seen, nurse, first) || !sawIn(seen, nurse, second) || seen.Persons != nil {
			t.Errorf("%s: %+v", when, seen)
		}
		if got := w.recipients(officer, now.person); !slices.Equal(got, []string{"Second court"}) {
			t.Errorf("%s: %q", when, got)
		}
		if persons, chats, lines := w.covered(officer, now.person); persons+chats != "" || lines != 1 {
			t.Errorf("%s the table has %d lines of %q, %q", when, lines, persons, chats)
		}
	}
	alone("before they are linked")
	link, err := w.hub.LinkPersons(w.ctx, super, api.NewPersonLink{Person: now.person, Other: before.person, Reason: "patient-said"})
	w.must(err)

	told := len(w.events("access.read"))
	seen, err := officer.SightingsOf(w.ctx, now.person, "")
	w.must(err)
	if !sawIn(seen, nurse, first) || !sawIn(seen, nurse, second) || len(seen.Persons) != 2 || seen.Patient != now.person {
		t.Errorf("linked: %+v", seen)
	}
	if got := w.events("access.read")[told:]; len(got) != 2 || !slices.ContainsFunc(got, func(e string) bool { return e == officer.person+" "+before.person+" what=sightings review " }) {
		t.Errorf("on record: %q", got)
	}
	if got := w.recipients(officer, now.person); !slices.Equal(got, []string{"First court", "Second court"}) {
		t.Errorf("linked: %q", got)
	}
	if persons, _, lines := w.covered(officer, now.person); persons != strings.Join(seen.Persons, " ") || lines != 2 {
		t.Errorf("linked, the table has %d lines of %q", lines, persons)
	}
	mine, err := now.Sightings(w.ctx, "")
	w.must(err)
	if sawIn(mine, nurse, first) || !sawIn(mine, nurse, second) || mine.Persons != nil {
		t.Errorf("a link shows a patient another person's chats: %+v", mine)
	}
	_, err = w.hub.UnlinkPersons(w.ctx, super, link.ID, "not-the-same")
	w.must(err)
	alone("after they were unlinked")
}

// TestDisclosuresOfAChatAboutAChild: what left of a chat in which a parent writes
// for a child is in the child's accounting and in the parent's (45 CFR 164.528).
func TestDisclosuresOfAChatAboutAChild(t *testing.T) {
	w := newWorld(t)
	mother, child, nurse := w.patient(), w.patient(), w.staff("dana")
	_, err := w.hub.GrantRelation(w.ctx, w.member("sam", "supervisor"), api.NewRelation{
		Holder: mother.person, Subject: child.person, Kind: "parent", Born: "2015-06-01", Evidence: "birth-certificate",
	})
	w.must(err)
	chat, own := mother.beginFor("nurse", "parent"), mother.open("nurse")
	nurse.take(chat)
	nurse.join()
	nurse.catchUp(chat)
	officer := w.staffAs(w.clinic, "compliance", "robin")
	if persons, chats, lines := w.covered(officer, child.person); persons != "" || chats != chat || lines != 1 {
		t.Errorf("before anything left the table has %d lines of %q, %q", lines, persons, chats)
	}
	w.disclosed(chat, "Family court")
	w.disclosed(own, "Traffic court")
	console := audit.WithCommand(w.ctx, &audit.Command{Request: "9f8e", Account: audit.Account("kim", ""), Machine: "chat-1"})
	w.must(w.hub.NoteOperatorsRecordRead(console, w.clinic.ID, api.RecordRead{What: api.RecordShown, Conversation: chat}))
	_, err = officer.RecordDisclosure(w.ctx, chat, api.RecordDisclosure{At: w.clock.now().UnixMilli() - 1000, Recipient: "County health", What: "Rash", Purpose: "public-health"})
	w.must(err)

	if got, want := w.recipients(officer, child.person), []string{"County health", "Family court", "operator"}; !slices.Equal(got, want) {
		t.Errorf("the child's: %q, want %q", got, want)
	}
	if _, chats, lines := w.covered(officer, child.person); chats != chat || lines != 3 {
		t.Errorf("the child's table has %d lines of %q", lines, chats)
	}
	if got, want := w.recipients(officer, mother.person), []string{"County health", "Family court", "Traffic court", "operator"}; !slices.Equal(got, want) {
		t.Errorf("the mother's: %q, want %q", got, want)
	}
	seen, err := officer.SightingsOf(w.ctx, child.person, "")
	w.must(err)
	if !sawIn(seen, nurse, chat) || sawIn(seen, nurse, own) || !slices.Equal(seen.Chats, []string{chat}) {
		t.Errorf("who saw what is about the child: %+v", seen)
	}
	mine, err := child.Sightings(w.ctx, "")
	w.must(err)
	table, err := officer.DisclosuresTable(w.ctx, mother.person)
	w.must(err)
	_, log := w.raw("GET", "/v1/audit/own", "", "Authorization", "Bearer "+mother.Token())
	if !strings.Contains(log, `"role":"operator"`) {
		t.Errorf("the mother is not told that an operator read: %s", log)
	}
	if shown := mustJSON(seen) + mustJSON(mine) + string(table) + log; strings.Contains(shown, "os:kim") || strings.Contains(shown, "chat-1") {
		t.Errorf("a patient's reports name an account of the machine: %s", shown)
	}
	if sawIn(mine, nurse, chat) || mine.Chats != nil {
		t.Errorf("the child is shown the mother's chat: %+v", mine)
	}
	if told := w.events("access.read"); !slices.Contains(told, officer.person+" "+mother.person+" what=sightings review ") {
		t.Errorf("the mother is not told: %q", told)
	}
}

// TestAccountingIsWhole: however much the log and what was written down have of
// six years, all that must be accounted for is in the accounting.
func TestAccountingIsWhole(t *testing.T) {
	w := newWorld(t)
	ana := w.patient()
	id := ana.open("nurse")
	officer := w.staffAs(w.clinic, "compliance", "robin")
	const many = 1100
	w.disclosed(id, "The oldest court")
	for i := range many {
		d := hub.Disclosure{ID: hub.NewID("x"), Practice: w.clinic.ID, Patient: ana.person, At: w.clock.now().UnixMilli(), Source: "hand", Recipient: strconv.Itoa(i), What: "x-ray", Purpose: "court"}
		w.must(w.store.AddDisclosure(w.ctx, d))
	}
	opened := func(why string) []audit.Event {
		var all []audit.Event
		for range many {
			all = append(all, audit.Event{Practice: w.clinic.ID, At: w.clock.now().UnixMilli(), Kind: audit.RecordRead, Outcome: audit.Done, Role: audit.Operator, Patient: ana.person, Conversation: id, Reason: why})
		}
		return all
	}
	w.must(w.store.Record(w.ctx, opened("")...))
	w.must(w.store.Record(w.ctx, opened("operations")...))

	names := w.recipients(officer, ana.person)
	if len(names) != 2*many+1 || !slices.Contains(names, "The oldest court") {
		t.Errorf("%d of %d", len(names), 2*many+1)
	}
	table, err := officer.DisclosuresTable(w.ctx, ana.person)
	w.must(err)
	if n := bytes.Count(table, []byte("\r\n")); n != 2*many+2 {
		t.Errorf("the table has %d lines", n)
	}
}
