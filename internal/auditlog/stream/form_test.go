package stream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/stream/streamtest"
)

var update = flag.Bool("update", false, "make the golden files anew")

// longest is the longest message that receivers should take (RFC 5425, section
// 4.3.1).
const longest = 8192

// logged is an entry as the log has it.
func logged(t testing.TB, leaf int64, e audit.Event) auditlog.Entry {
	t.Helper()
	encoded, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	salt := audit.Salt{1}
	return auditlog.Entry{Leaf: leaf, Event: e, Salt: salt, Commitment: audit.Commit(salt, encoded)}
}

// sample is a log with entries of each outcome, one that was changed, one that
// is gone and one that was erased.
func sample(t testing.TB) []record {
	t.Helper()
	e := func(leaf int64, change func(*audit.Event)) auditlog.Entry {
		v := audit.Event{
			Practice: "t_oak", At: 1795942800123 + leaf, Kind: audit.MemberAdded, Outcome: audit.Done, Role: audit.Staff, Person: "p_dana", Device: "d_laptop",
			Object: "d_new", Subject: "p_kim", Conversation: "c_knee", Patient: "p_ana", Detail: "role=nurse", Reference: "b_1", Rules: []string{"staff-take", "one-practice"},
			Address: "192.0.2.7", Request: "0a1b",
		}
		change(&v)
		return logged(t, leaf, v)
	}
	all := []auditlog.Entry{
		e(7, func(*audit.Event) {}),
		e(8, func(v *audit.Event) {
			*v = audit.Event{Practice: "t_oak", At: 1795942800200, Kind: audit.SignInRefused, Outcome: audit.Refused, Role: audit.Nobody, Reason: "unauthenticated", Address: "2001:db8::7"}
		}),
		e(9, func(v *audit.Event) {
			*v = audit.Event{Practice: "t_oak", At: 1795942800300, Kind: audit.StreamFailed, Outcome: audit.Failed, Role: audit.System, Object: "otlp", Reason: "away"}
		}),
		e(10, func(*audit.Event) {}),
		// 11 is gone
		{Leaf: 12, Erased: true, Commitment: audit.Commitment{2}},
	}
	all[3].Event.Detail = "Ana Ruiz has a rash" // somebody wrote into the database
	return records("t_oak", 7, 13, all)
}

// TestForms holds what others parse: a change must show in a diff.
func TestForms(t *testing.T) {
	all := sample(t)
	write := func(name string, got []byte) {
		t.Helper()
		path := "testdata/" + name
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil { //nolint:gosec // no secret
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
	for _, body := range []export.Format{words, export.JSONLines, export.OCSF} {
		var b []byte
		for i := range all {
			var err error
			if b, err = (&syslogForm{host: "hub1", body: body}).message(b, &all[i]); err != nil {
				t.Fatal(err)
			}
			b = append(b, '\n')
		}
		write("syslog-"+string(body)+".txt", b)
	}
	b, err := otlpRequestOf(all, "v1.2.3", "hub1", time.Unix(1795942900, 0))
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", " "); err != nil {
		t.Fatal(err)
	}
	write("otlp.json", append(indented.Bytes(), '\n'))
}

// TestT40AChangedEntryIsNotSent: an entry that is not as it was logged may say
// anything; that it is so is sent, and nothing of what it says.
func TestT40AChangedEntryIsNotSent(t *testing.T) {
	all := sample(t)
	states := []audit.State{"", "", "", audit.Damaged, audit.Missing, audit.Erased}
	for i := range all {
		if all[i].state != states[i] || all[i].number != int64(7+i) {
			t.Errorf("%d is %q of %d, want %q", i, all[i].state, all[i].number, states[i])
		}
	}
	b, err := otlpRequestOf(all, "", "", time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		for _, body := range []export.Format{words, export.JSONLines, export.OCSF} {
			if b, err = (&syslogForm{body: body}).message(b, &all[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, word := range []string{"Ana", "Ruiz", "rash"} {
		if bytes.Contains(b, []byte(word)) {
			t.Errorf("%q of a changed entry was sent", word)
		}
	}
}

// TestMessagesAreShort: the longest event there can be makes a message that
// every receiver should take, and each kind fits the message's id.
func TestMessagesAreShort(t *testing.T) {
	id, detail := strings.Repeat("x", 64), strings.Repeat("d", 256)
	for _, spec := range audit.Vocabulary() {
		if len(spec.Kind) > longestMsgID {
			t.Errorf("%s is longer than an id of a message", spec.Kind)
		}
		e := audit.Event{
			Practice: id, At: 1795942800123, Kind: spec.Kind, Outcome: audit.Refused, Role: audit.Service, Person: id, Device: id, Subject: id, Patient: id,
			Detail: detail, Reason: id, Reference: id, Address: id, Request: id,
		}
		if spec.Object != "" {
			e.Object = id
		}
		if spec.Chat {
			e.Conversation = id
		}
		for range 16 {
			e.Rules = append(e.Rules, id)
		}
		r := records(id, 1<<40, 1<<40+1, []auditlog.Entry{logged(t, 1<<40, e)})
		for _, body := range []export.Format{words, export.JSONLines, export.OCSF} {
			b, err := (&syslogForm{host: strings.Repeat("h", 300), body: body}).message(nil, &r[0])
			if err != nil || len(b) > longest {
				t.Errorf("%s with %s: %d octets, %v", spec.Kind, body, len(b), err)
			}
			if _, err := streamtest.Parse(b); err != nil {
				t.Errorf("%s: %v", b, err)
			}
		}
	}
}

// FuzzT29cFrame: whatever stands in an event, a frame holds exactly one message
// whose fields are what went in, but for what could end a line or move a
// terminal.
func FuzzT29cFrame(f *testing.F) {
	f.Add("p_dana", `a"b]c\d`, "192.0.2.7", "hub1")
	f.Add("", "\n<34>1 - - - - - - forged", "\x00\x1b[2J", "häß lich")
	f.Add("\xff\xfe", "]\\", `"`, "")
	f.Add("5 <34>", "é\u2028\u0085", "\u200f", "]")
	f.Fuzz(func(t *testing.T, person, detail, address, host string) {
		e := audit.Event{Practice: "t_a", At: 1, Kind: audit.SignedIn, Outcome: audit.Done, Role: audit.Staff, Person: person, Detail: detail, Address: address}
		r := &record{practice: "t_a", number: 3, event: &e, entry: new(auditlog.Entry)}
		for _, body := range []export.Format{words, export.JSONLines} {
			b, err := (&syslogForm{host: host, body: body}).frame(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(bytes.NewReader(b))
			one, err := streamtest.ReadFrame(in)
			if err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			if rest, _ := in.Peek(1); len(rest) > 0 {
				t.Errorf("%q is more than a frame", b)
			}
			m, err := streamtest.Parse(one)
			if err != nil {
				t.Fatalf("%q: %v", one, err)
			}
			if bytes.ContainsAny(one, "\n\r\x00\x1b") {
				t.Errorf("%q holds a control character", one)
			}
			for name, value := range map[string]string{"person": person, "detail": detail, "address": address} {
				if got := m.Fields[name]; got != tame(value) {
					t.Errorf("%s is %q, want %q", name, got, tame(value))
				}
			}
		}
		// The same in OTLP: JSON that says what went in.
		b, err := otlpRequestOf([]record{*r}, "v1", host, time.Unix(1, 0))
		if err != nil || !json.Valid(b) {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// tame is a value without what is replaced.
func tame(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == utf8.RuneError {
			return '_'
		}
		return c
	}, s)
}

// FuzzAnswer: what a receiver answers is never taken for more than it says.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}`), "120")
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":3}}`), "Wed, 21 Oct 2037 07:28:00 GMT")
	f.Add([]byte(`{}`), "-1")
	f.Fuzz(func(t *testing.T, body []byte, after string) {
		if rejectedBy(body) < 0 {
			t.Errorf("%q rejects fewer than none", body)
		}
		if d := retryAfter(after, time.Unix(1, 0)); d < 0 || d > longestWait {
			t.Errorf("%q waits %v", after, d)
		}
	})
}

func TestAnswers(t *testing.T) {
	for body, want := range map[string]int64{
		`{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}`: 3, `{"partialSuccess":{"rejectedLogRecords":4}}`: 4,
		`{}`: 0, ``: 0, `<html>`: 0, `{"partialSuccess":{"rejectedLogRecords":"-3"}}`: 0, `{"partialSuccess":{}}`: 0,
	} {
		if got := rejectedBy([]byte(body)); got != want {
			t.Errorf("%s rejects %d, want %d", body, got, want)
		}
	}
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "99999999": longestWait, "soon": 0,
		"Sun, 29 Nov 2026 09:02:00 GMT": 2 * time.Minute, "Sun, 29 Nov 2026 08:00:00 GMT": 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("%q waits %v, want %v", s, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	ca := streamtest.NewAuthority(t)
	cert, key := ca.Client()
	file := func(mode os.FileMode, text string) string {
		path := t.TempDir() + "/f"
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	openKey := file(0o644, "x")
	headers := file(0o600, "# from the vault\nAuthorization: Bearer canary-secret\n\nX-Scope-OrgID: clinic\n")
	for name, c := range map[string]struct {
		env    map[string]string
		code   string // of the refusal
		target string
	}{
		"nothing":                    {map[string]string{}, "", ""},
		"syslog over TLS":            {map[string]string{"SOTTO_SYSLOG": "tls://siem.example:6515", "SOTTO_SYSLOG_CA": ca.File, "SOTTO_SYSLOG_CERT": cert, "SOTTO_SYSLOG_KEY": key}, "", "tls://siem.example:6515"},
		"its own port":               {map[string]string{"SOTTO_SYSLOG": "tls://siem.example"}, "", "tls://siem.example:6514"},
		"plain, this machine":        {map[string]string{"SOTTO_SYSLOG": "tcp://127.0.0.1:514"}, "", "tcp://127.0.0.1:514"},
		"plain, another machine":     {map[string]string{"SOTTO_SYSLOG": "tcp://siem.example:514"}, plainText, ""},
		"UDP":                        {map[string]string{"SOTTO_SYSLOG": "udp://127.0.0.1:514"}, badAddress, ""},
		"no scheme":                  {map[string]string{"SOTTO_SYSLOG": "siem.example:6514"}, badAddress, ""},
		"a password in the address":  {map[string]string{"SOTTO_SYSLOG": "tls://canary-secret:canary-secret@siem.example"}, badAddress, ""},
		"no such CA":                 {map[string]string{"SOTTO_SYSLOG": "tls://a", "SOTTO_SYSLOG_CA": "/nowhere"}, badCA, ""},
		"no CA in it":                {map[string]string{"SOTTO_SYSLOG": "tls://a", "SOTTO_SYSLOG_CA": headers}, badCA, ""},
		"a certificate without key":  {map[string]string{"SOTTO_SYSLOG": "tls://a", "SOTTO_SYSLOG_CERT": cert}, badPair, ""},
		"an open key":                {map[string]string{"SOTTO_SYSLOG": "tls://a", "SOTTO_SYSLOG_CERT": cert, "SOTTO_SYSLOG_KEY": openKey}, badPair, ""},
		"no such body":               {map[string]string{"SOTTO_SYSLOG": "tls://a", "SOTTO_SYSLOG_BODY": "csv"}, badBody, ""},
		"a CA of nothing":            {map[string]string{"SOTTO_SYSLOG_CA": ca.File}, alone, ""},
		"no such beginning":          {map[string]string{"SOTTO_STREAM_START": "yesterday"}, badStart, ""},
		"OTLP":                       {map[string]string{"SOTTO_OTLP": "https://c.example/v1/logs", "SOTTO_OTLP_HEADERS": headers}, "", "https://c.example/v1/logs"},
		"OTLP, without a path":       {map[string]string{"SOTTO_OTLP": "https://c.example"}, "", "https://c.example/v1/logs"},
		"OTLP, plain":                {map[string]string{"SOTTO_OTLP": "http://c.example/v1/logs"}, plainText, ""},
		"OTLP, plain, this machine":  {map[string]string{"SOTTO_OTLP": "http://localhost:4318/v1/logs"}, "", "http://localhost:4318/v1/logs"},
		"OTLP, a token in the query": {map[string]string{"SOTTO_OTLP": "https://c.example/v1/logs?token=canary-secret"}, badAddress, ""},
		"open headers":               {map[string]string{"SOTTO_OTLP": "https://c.example", "SOTTO_OTLP_HEADERS": openKey}, badHeaders, ""},
		"no headers":                 {map[string]string{"SOTTO_OTLP": "https://c.example", "SOTTO_OTLP_HEADERS": file(0o600, "canary-secret")}, badHeaders, ""},
		"headers of nothing":         {map[string]string{"SOTTO_OTLP_HEADERS": headers}, alone, ""},
	} {
		all, err := FromEnvironment(func(name string) string { return c.env[name] })
		var refused *SettingError
		switch {
		case c.code != "":
			if !errors.As(err, &refused) || refused.Code != c.code || refused.Fix == "" || strings.Contains(err.Error(), "canary-secret") {
				t.Errorf("%s: got %v, want %s with a fix and no secret", name, err, c.code)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.target == "" && len(all) > 0, c.target != "" && (len(all) != 1 || all[0].Target != c.target):
			t.Errorf("%s: got %+v, want %q", name, all, c.target)
		}
		if name == "OTLP" && (all[0].header.Get("Authorization") != "Bearer canary-secret" || all[0].header.Get("X-Scope-OrgID") != "clinic" || len(all[0].header) != 2) {
			t.Errorf("headers are %v", reflect.ValueOf(all[0].header).Len())
		}
	}
}
