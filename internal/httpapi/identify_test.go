package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/messenger"
	"github.com/sotto-health/sotto/internal/proofing"
	"github.com/sotto-health/sotto/internal/roster"
)

// A postbox takes what the hub would send.
type postbox struct {
	mu   sync.Mutex
	sent []hub.Message
	came chan struct{}
}

func (p *postbox) Send(_ context.Context, m hub.Message) error {
	p.mu.Lock()
	p.sent = append(p.sent, m)
	p.mu.Unlock()
	p.came <- struct{}{}
	return nil
}

// next waits for a message and returns its code.
func (p *postbox) next() (hub.Message, string) {
	<-p.came
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.sent[len(p.sent)-1]
	return m, m.Text[:proofing.CodeDigits]
}

// identityWorld has a postbox and three patients on file: two of one birthday,
// who live together.
func identityWorld(t *testing.T, more ...worldOption) (*world, *postbox) {
	box := &postbox{came: make(chan struct{}, 64)}
	w := newWorld(t, append(more, func(c *hub.Config, _ *httpapi.Config) {
		c.Messengers = map[proofing.Channel]hub.Messenger{proofing.Email: box, proofing.SMS: box}
	})...)
	w.must(w.hub.ImportRoster(w.ctx, w.clinic.ID, []roster.Entry{
		{Number: "R-" + canary + "-4417", Name: "Ana Pérez", Born: "1984-03-09", Phone: "+1 555 555 0142", Postcode: "60614"},
		{Number: "R-2", Name: "Mia Novak", Born: "1984-03-09", Phone: "+1 555 555 0106", Postcode: "60614"},
		{Number: "R-3", Name: "Bo Lee", Born: "2001-12-31", Email: "bo@mail.example"},
	}))
	w.must(w.hub.IssuePIN(w.ctx, w.clinic.ID, "R-"+canary+"-4417", "123 456"))
	return w, box
}

func email(contact string) api.SendContactCode {
	return api.SendContactCode{Channel: "email", Contact: contact, Language: "en"}
}

func TestContactIsProvedByACode(t *testing.T) {
	w, box := identityWorld(t)
	patient, other := w.patient(), w.patient()
	sent, err := patient.SendContactCode(w.ctx, api.SendContactCode{Channel: "email", Contact: " Ann@Mail.example", Language: "es-MX"})
	w.must(err)
	m, code := box.next()
	if m.To != "ann@mail.example" || !strings.Contains(m.Text, "es su código para Riverside Family Clinic") || sent.Contact != "a•••@m•••.example" {
		t.Errorf("%+v, answered %+v", m, sent)
	}
	if own, err := other.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code}); err == nil {
		t.Errorf("another device is believed: %+v", own)
	}
	own, err := patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	w.must(err)
	if own.Verification.Level != "contact" || own.Verification.Method != "email-code" {
		t.Errorf("%+v", own)
	}
	// T29: a code is good once.
	_, err = patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	wantCode(t, err, api.CodeCodeSpent)
	if logs := w.logs.String(); strings.Contains(logs, code) || strings.Contains(strings.ToLower(logs), "ann@mail") {
		t.Error("the log holds a code or a contact")
	}
}

// TestContactIsProvedByAText: the same by the gateway of a provider of text
// messages, as an operator sets one up.
func TestContactIsProvedByAText(t *testing.T) {
	type text struct{ to, text, user string }
	came := make(chan text, 1)
	provider := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		came <- text{r.PostFormValue("To"), r.PostFormValue("Body"), user}
	}))
	defer provider.Close()
	gateway, err := messenger.NewGateway([]byte(`{"url":"` + provider.URL + `","user":"AC1","password":"x","form":true,"fields":{"To":"{to}","Body":"{text}"}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) {
		c.Messengers = map[proofing.Channel]hub.Messenger{proofing.SMS: gateway}
	})
	patient := w.patient()
	sent, err := patient.SendContactCode(w.ctx, api.SendContactCode{Channel: "sms", Contact: "+1 (555) 555-0142", Language: "en"})
	w.must(err)
	m := <-came
	if m.to != "+15555550142" || m.user != "AC1" || !strings.Contains(m.text, "is your code for Riverside Family Clinic") || sent.Contact != "•••42" {
		t.Errorf("%+v, answered %+v", m, sent)
	}
	code := m.text[:proofing.CodeDigits]
	_, err = w.patient().CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	wantCode(t, err, api.CodeCodeSpent)
	own, err := patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	w.must(err)
	if own.Verification.Level != "contact" || own.Verification.Method != "sms-code" {
		t.Errorf("%+v", own)
	}
	if logs := w.logs.String(); strings.Contains(logs, code) || strings.Contains(logs, "5550142") {
		t.Error("the log holds a code or a number")
	}
}

func TestT28CodesAreNotGuessed(t *testing.T) {
	w, box := identityWorld(t)
	patient := w.patient()
	sent, err := patient.SendContactCode(w.ctx, email("ann@mail.example"))
	w.must(err)
	_, code := box.next()
	wrong := fmt.Sprintf("%06d", (int(code[5]-'0')+1)%10)
	for range proofing.CodeTries {
		_, err := patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: wrong})
		wantCode(t, err, api.CodeNotMatched)
	}
	_, err = patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	wantCode(t, err, api.CodeCodeSpent)
}

func TestT29CodesAreForAShortTime(t *testing.T) {
	w, box := identityWorld(t)
	patient := w.patient()
	sent, err := patient.SendContactCode(w.ctx, email("ann@mail.example"))
	w.must(err)
	_, code := box.next()
	_, err = patient.SendContactCode(w.ctx, email("ann@mail.example"))
	wantCode(t, err, api.CodeRateLimited) // not again at once
	w.clock.advance(proofing.CodeResend)
	again, err := patient.SendContactCode(w.ctx, email("ann@mail.example"))
	w.must(err)
	_, newer := box.next()
	_, err = patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	wantCode(t, err, api.CodeCodeSpent)     // a newer one was sent
	if proofing.CodeLife > 10*time.Minute { // NIST SP 800-63B, 3.1.3.2; ASVS 6.5.5
		t.Errorf("a code is good for %s", proofing.CodeLife)
	}
	w.clock.advance(proofing.CodeLife)
	_, err = patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: again.Attempt, Code: newer})
	wantCode(t, err, api.CodeCodeSpent)
}

// TestT29dMessagesAreLimited: one network has few sent to one contact, by
// however many guests, and other contacts do not pay for it.
func TestT29dMessagesAreLimited(t *testing.T) {
	w, box := identityWorld(t)
	refused := false
	for range 8 {
		_, err := w.patient().SendContactCode(w.ctx, email("victim@mail.example"))
		if refused = err != nil; refused {
			wantCode(t, err, api.CodeRateLimited)
			break
		}
		box.next()
	}
	if !refused {
		t.Error("eight devices flood one address")
	}
	if _, err := w.patient().SendContactCode(w.ctx, email("other@mail.example")); err != nil {
		t.Errorf("another address pays for it: %v", err)
	}
}

func pin(born, answer string) api.MatchPatient {
	return api.MatchPatient{Born: born, Kind: api.MatchByPIN, Answer: answer}
}

func TestPatientsAreMatchedWithTheRoster(t *testing.T) {
	w, _ := identityWorld(t)
	for name, c := range map[string]struct {
		given api.MatchPatient
		want  string // method; empty if it must not match
	}{
		"PIN":                        {pin("1984-03-09", "123456"), "pin"},
		"a phone":                    {api.MatchPatient{Born: "1984-03-09", Kind: "phone", Answer: "(555) 555-0142"}, "facts"},
		"an address":                 {api.MatchPatient{Born: "2001-12-31", Kind: "email", Answer: "BO@mail.example"}, "facts"},
		"the record number's end":    {api.MatchPatient{Born: "1984-03-09", Kind: "record", Answer: "4417"}, "facts"},
		"two of them, by name":       {api.MatchPatient{Born: "1984-03-09", Kind: "postcode", Answer: "60614", Name: "mia"}, "facts"},
		"two of them, and no name":   {api.MatchPatient{Born: "1984-03-09", Kind: "postcode", Answer: "60614"}, ""},
		"another's birthday":         {pin("2001-12-31", "123456"), ""},
		"a fact that is not on file": {api.MatchPatient{Born: "2001-12-31", Kind: "phone", Answer: "555 555 0142"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.patient()
			if c.given.Kind != api.MatchByPIN {
				_, err := d.MatchPatient(w.ctx, c.given)
				wantCode(t, err, api.CodeContactFirst)
				d.prove(proofing.EmailCode, time.Hour)
			}
			own, err := d.MatchPatient(w.ctx, c.given)
			if c.want == "" {
				wantCode(t, err, api.CodeNotMatched)
				return
			}
			w.must(err)
			if own.Verification.Level != "matched" || own.Verification.Method != c.want {
				t.Errorf("%+v", own)
			}
		})
	}
}

// TestT27MatchingSaysNothing: whoever is not on file gets the answer that a
// wrong fact gets, byte for byte, and costs as much: one slow hash, and as many
// records that are opened.
func TestT27MatchingSaysNothing(t *testing.T) {
	w, _ := identityWorld(t)
	var first string
	for name, m := range map[string]api.MatchPatient{
		"nobody of that birthday": pin("1970-01-01", "123456"),
		"a wrong PIN":             pin("1984-03-09", "654321"),
		"no PIN was issued":       pin("2001-12-31", "123456"),
		"a wrong fact":            {Born: "1984-03-09", Kind: "phone", Answer: "555 555 9999"},
		"two fit":                 {Born: "1984-03-09", Kind: "postcode", Answer: "60614"},
	} {
		d := w.patient()
		d.prove(proofing.EmailCode, time.Hour)
		b, err := json.Marshal(m)
		w.must(err)
		before := w.hub.Stats()
		resp, body := w.raw("POST", "/v1/verification/match", string(b), "Authorization", "Bearer "+d.Token())
		if now := w.hub.Stats(); now.Hashes-before.Hashes != 1 || now.Opened-before.Opened != 4 {
			t.Errorf("%s: %d hashes, %d records opened", name, now.Hashes-before.Hashes, now.Opened-before.Opened)
		}
		got := fmt.Sprint(resp.StatusCode, withoutRequestID(body))
		if first == "" {
			first = got
		}
		if got != first || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s, and another: %s", name, got, first)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, canary) || strings.Contains(logs, "1984-03-09") {
		t.Error("the log holds what was given or what is on file")
	}
}

func TestT28FactsAreNotGuessed(t *testing.T) {
	w, _ := identityWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	for range 5 {
		_, err := patient.MatchPatient(w.ctx, pin("1984-03-09", "000000"))
		wantCode(t, err, api.CodeNotMatched)
		w.clock.advance(time.Hour / 4) // as long as a source may have to wait
	}
	_, err := patient.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	wantCode(t, err, api.CodeTriesSpent)
	// A new guest is another device, and must wait as its network must.
	limited := false
	for range 4 {
		_, err := w.patient().MatchPatient(w.ctx, pin("1984-03-09", "000000"))
		limited = limited || codeOf(err) == api.CodeRateLimited
	}
	if !limited {
		t.Error("new guests guess on")
	}
	nurse.signInAgain("dana")
	_, err = nurse.Act(w.ctx, id, "take")
	w.must(err)
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if !seen.TriesSpent || seen.Failures != 5 {
		t.Errorf("staff see %+v", seen)
	}
	_, err = nurse.PatientVerification(w.ctx, id, "reset", nil)
	w.must(err)
	w.clock.advance(time.Hour / 4)
	own, err := patient.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	w.must(err)
	if own.Verification.Level != "matched" {
		t.Errorf("%+v", own)
	}
}

// TestT28ABirthdayIsNotGuessed: strangers together have a hundred tries at a date
// of birth in a day, from however many devices and networks; a right answer is
// then no answer. Who has proved a contact does not pay for them, and a day later
// nobody does.
func TestT28ABirthdayIsNotGuessed(t *testing.T) {
	w, box := identityWorld(t, behindProxy)
	match := func(d *device, address, pin string) int {
		t.Helper()
		b := mustJSON(api.MatchPatient{Born: "1984-03-09", Kind: api.MatchByPIN, Answer: pin})
		resp, _ := w.raw("POST", "/v1/verification/match", b, "Authorization", "Bearer "+d.Token(), "X-Forwarded-For", address)
		return resp.StatusCode
	}
	known := w.patient()
	sent, err := known.SendContactCode(w.ctx, email("ana@mail.example"))
	w.must(err)
	_, code := box.next()
	_, err = known.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	w.must(err)
	last := w.patient()
	for i := range 20 {
		d := w.patient()
		for range 5 {
			if status := match(d, fmt.Sprint("198.51.100.", i), "000000"); status != http.StatusForbidden {
				t.Fatalf("status %d", status)
			}
		}
	}
	for range 6 { // none of which is held against who gives it
		if status := match(last, "203.0.113.5", "123456"); status != http.StatusForbidden {
			t.Errorf("after a hundred tries by others, a right one: %d", status)
		}
	}
	if status := match(known, "198.51.100.3", "123456"); status != http.StatusOK {
		t.Errorf("who has proved a contact, from where others guessed: %d", status)
	}
	// The day ends a day after the first of them, whatever was tried meanwhile.
	w.clock.advance(23 * time.Hour)
	w.clinic.keeper.signIn()
	if status := match(w.patient(), "203.0.113.6", "000000"); status != http.StatusForbidden {
		t.Errorf("an hour before the end: %d", status)
	}
	w.clock.advance(2 * time.Hour)
	w.clinic.keeper.signIn()
	last.signIn()
	if status := match(last, "203.0.113.5", "123456"); status != http.StatusOK {
		t.Errorf("a day later: %d", status)
	}
}

// TestT28MatchingIsNotSprayed: whoever goes through all dates of birth with a fact
// that many share, with a new guest for every few, is stopped: by their network,
// and from many networks by what a practice takes in a day. It says so once. Nobody
// else is kept out who has a PIN, an invitation, or the contact that is on file.
func TestT28MatchingIsNotSprayed(t *testing.T) {
	w, box := identityWorld(t, behindProxy)
	facts := func(born, kind, answer string) api.MatchPatient {
		return api.MatchPatient{Born: born, Kind: kind, Answer: answer}
	}
	match := func(d *device, address string, m api.MatchPatient, want api.Code) {
		t.Helper()
		_, body := w.raw("POST", "/v1/verification/match", mustJSON(m), "Authorization", "Bearer "+d.Token(), "X-Forwarded-For", address)
		var got api.Problem
		w.must(json.Unmarshal([]byte(body), &got))
		if got.Code != want {
			t.Fatalf("%+v: %q, want %q", m, got.Code, want)
		}
	}
	as := func(by proofing.Method) *device {
		d := w.patient()
		if by != "" {
			d.prove(by, time.Hour)
		}
		return d
	}
	day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
	spray := func(address string, n int) {
		t.Helper()
		var d *device
		for i := range n {
			if i%5 == 0 {
				d = as(proofing.EmailCode)
			}
			match(d, address, facts(day.Format(time.DateOnly), "postcode", "60614"), api.CodeNotMatched)
			day = day.AddDate(0, 0, 1)
		}
	}
	ana := pin("1984-03-09", "123456")
	match(as(""), "198.51.100.1", facts("1984-03-09", "phone", "(555) 555-0142"), api.CodeContactFirst)
	spray("198.51.100.1", 30)
	match(as(proofing.EmailCode), "198.51.100.1", facts("1984-03-09", "phone", "(555) 555-0142"), api.CodeRateLimited)
	match(as(""), "198.51.100.1", ana, "")
	for i := range 34 {
		spray(fmt.Sprint("203.0.113.", i), 5)
	}
	match(as(proofing.EmailCode), "192.0.2.1", facts("1984-03-09", "phone", "(555) 555-0142"), api.CodeTriesSpent)
	sprayed := func() (n int) {
		for _, e := range w.events(string(audit.PatientNotVerified)) {
			if strings.Contains(e, "practice-tries-spent") {
				n++
			}
		}
		return n
	}
	if got := sprayed(); got != 1 || w.hub.Stats().Sprays != 1 {
		t.Errorf("the log says %d times that matching is closed", got)
	}
	// Others go on as they did.
	match(as(""), "192.0.2.1", ana, "")
	match(as(proofing.EmailCode), "192.0.2.1", ana, "")
	match(as(proofing.Link), "192.0.2.1", facts("1984-03-09", "phone", "(555) 555-0142"), "")
	bo := w.patient()
	sent, err := bo.SendContactCode(w.ctx, email("bo@mail.example"))
	w.must(err)
	_, code := box.next()
	_, err = bo.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	w.must(err)
	match(bo, "192.0.2.1", facts("1984-03-09", "phone", "(555) 555-0142"), api.CodeTriesSpent) // is not Ana's
	match(bo, "192.0.2.1", facts("2001-12-31", "email", "bo@mail.example"), "")
	w.clock.advance(24*time.Hour + time.Second)
	w.clinic.keeper.signIn()
	match(as(proofing.EmailCode), "192.0.2.1", facts("1984-03-09", "phone", "(555) 555-0142"), "")
}

func codeOf(err error) api.Code {
	if p, ok := err.(*api.Problem); ok {
		return p.Code
	}
	return ""
}

// signInAgain is for a clock that has gone on: the session has locked.
func (d *device) signInAgain(login string) {
	d.w.t.Helper()
	_, err := d.SignIn(d.w.ctx, d.in(login))
	d.w.must(err)
	d.signIn()
}

// TestT22WhoSeesTheRecord: staff in the chat see whom they talk with, and
// nobody else does; patients see no record number at all.
func TestT22WhoSeesTheRecord(t *testing.T) {
	w, _ := identityWorld(t)
	patient, nurse, away := w.patient(), w.staff("dana"), w.staff("kim")
	admin := w.staffAs(w.clinic, "administrator", "root")
	id := patient.open("nurse")
	_, err := patient.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	w.must(err)
	_, err = nurse.Act(w.ctx, id, "take")
	w.must(err)
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Record == nil || seen.Record.Name != "Ana Pérez" || seen.Verification.Method != "pin" || seen.Needed != "matched" {
		t.Errorf("%+v", seen)
	}
	for who, d := range map[string]*device{"a nurse who is not in it": away, "an administrator": admin} {
		for _, act := range []string{"", "ask", "confirm", "reset"} {
			var body any
			if act == "confirm" {
				body = api.ConfirmPatient{Method: "phone", Identifiers: []string{"name", "photo"}, Reason: "long enough to be one"}
			}
			if _, err := d.PatientVerification(w.ctx, id, act, body); codeOf(err) != api.CodeNotFound {
				t.Errorf("%s %q: %v", who, act, err)
			}
		}
	}
	_, body := w.raw("GET", "/v1/conversations/"+id, "", "Authorization", "Bearer "+patient.Token())
	if strings.Contains(body, "4417") || strings.Contains(body, "Ana") {
		t.Errorf("the patient's side has the record: %s", body)
	}
}

// TestT22RefusedLookIsRecorded: who asks about the patient of a chat that is
// not theirs learns nothing, and that they asked is in the log.
func TestT22RefusedLookIsRecorded(t *testing.T) {
	w := newWorld(t)
	patient, away, front := w.patient(), w.staff("kim"), w.staff("fred", "front-desk")
	id := patient.open("nurse")
	refused := func(d *device, call, path string) {
		t.Helper()
		if resp, _ := w.raw("GET", "/v1/staff/conversations/"+id+path, "", "Cookie", "__Host-sotto_staff="+d.Cookie()); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
		want := strings.Join([]string{d.person, patient.person, "call=" + call, "not-theirs-to-know", ""}, " ")
		for end := time.Now().Add(10 * time.Second); !slices.Contains(w.events(string(audit.CallRefused)), want); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("nothing in the log is %q, but %q", want, w.events(string(audit.CallRefused)))
			}
		}
	}
	refused(away, "get-staff-conversations-by-id-verification", "/verification")
	refused(front, "get-staff-conversations-by-id-consents", "/consents")
}

func TestStaffConfirmAndAsk(t *testing.T) {
	w, _ := identityWorld(t)
	patient, nurse := w.patient(), w.staff("dana")
	id := patient.open("nurse")
	_, err := nurse.Act(w.ctx, id, "take")
	w.must(err)
	_, err = nurse.PatientVerification(w.ctx, id, "ask", nil)
	w.must(err)
	_, err = nurse.PatientVerification(w.ctx, id, "ask", nil)
	wantCode(t, err, api.CodeRateLimited)
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.AskedAt == 0 || !own.Steps.PIN || len(own.Steps.Channels) != 2 {
		t.Errorf("the patient is not asked: %+v", own)
	}
	for name, bad := range map[string]api.ConfirmPatient{
		"one identifier":      {Method: "phone", Identifiers: []string{"name", "name"}, Reason: "long enough to be one"},
		"no reason":           {Method: "phone", Identifiers: []string{"name", "photo"}, Reason: "          x"},
		"an unknown one":      {Method: "phone", Identifiers: []string{"name", "ssn"}, Reason: "long enough to be one"},
		"a method of another": {Method: "passkey", Identifiers: []string{"name", "photo"}, Reason: "long enough to be one"},
	} {
		_, err := nurse.PatientVerification(w.ctx, id, "confirm", bad)
		if codeOf(err) != api.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	seen, err := nurse.PatientVerification(w.ctx, id, "confirm", api.ConfirmPatient{
		Method: "phone", Identifiers: []string{"name", "date-of-birth"}, Reason: "Called the number on file.",
	})
	w.must(err)
	if seen.Verification.Level != "matched" || seen.Verification.Method != "phone" || seen.Proofs[0].Staff != nurse.person || patient.level(id).Level != "matched" {
		t.Errorf("%+v", seen)
	}
	if own, err := patient.Verification(w.ctx); err != nil || own.AskedAt != 0 {
		t.Errorf("still asked: %+v, %v", own, err)
	}
}

// TestT29PeriodsAreThePractices: after it, the patient is asked anew.
func TestT29PeriodsAreThePractices(t *testing.T) {
	w, _ := identityWorld(t)
	p := w.clinic.Practice
	p.Identity.Days = 2
	_, err := w.hub.SavePractice(w.ctx, p)
	w.must(err)
	patient := w.patient()
	_, err = patient.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	w.must(err)
	w.clock.advance(48*time.Hour + time.Second)
	patient.signIn()
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.Verification.Level != "guest" || !own.Lapsed {
		t.Errorf("%+v", own)
	}
}
