package audit_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/audit"
)

func whole() audit.Event {
	return audit.Event{
		Practice: "t_a", At: 1790000000000, Kind: audit.MemberAdded, Outcome: audit.Refused, Role: audit.Service, Person: "p_b", Device: "d_c",
		Object: "d_e", Subject: "p_h", Conversation: "c_f", Patient: "p_g", Detail: "role=nurse", Reason: "forbidden", Reference: "b_h",
		Rules: []string{"one-practice", "role-needed"}, Address: "fe80::1%eth0", Request: "0a1b",
	}
}

func TestEncodingIsStable(t *testing.T) {
	e := whole()
	got, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"v":1,"practice":"t_a","at":1790000000000,"kind":"member.added","outcome":"refused","role":"service","person":"p_b",` +
		`"device":"d_c","object":"d_e","subject":"p_h","conversation":"c_f","patient":"p_g","detail":"role=nurse","reason":"forbidden","reference":"b_h",` +
		`"rules":["one-practice","role-needed"],"address":"fe80::1%eth0","request":"0a1b"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back, err := audit.Parse(got); err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("read back as %+v, %v", back, err)
	}
}

// TestNoSentenceFits keeps content, names and contact details out: each text of
// an event refuses blanks, signs of mail addresses and letters beyond ASCII.
func TestNoSentenceFits(t *testing.T) {
	for _, words := range []string{"chest pain", "dana@clinic.example", "José", `"`, "<b>", strings.Repeat("a", 257)} {
		e := whole()
		v := reflect.ValueOf(&e).Elem()
		for i := range v.NumField() {
			before := reflect.ValueOf(whole()).Field(i)
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString(words)
			case reflect.Slice:
				f.Set(reflect.ValueOf([]string{words}))
			default:
				continue
			}
			if err := e.Check(); !errors.Is(err, audit.ErrEvent) {
				t.Errorf("%s takes %q", v.Type().Field(i).Name, words)
			}
			v.Field(i).Set(before)
		}
	}
}

// TestVocabulary holds that kinds are told apart and said in words.
func TestVocabulary(t *testing.T) {
	seen := make(map[audit.Kind]bool)
	for _, s := range audit.Vocabulary() {
		if seen[s.Kind] || s.Says == "" || !slices.Contains(audit.Categories(), s.Category) {
			t.Errorf("%+v", s)
		}
		seen[s.Kind] = true
	}
}

// TestActions: each kind says what it does to its object, so that nobody who
// counts reads or deletions elsewhere has to know its name. All access is
// reading, but for its end.
func TestActions(t *testing.T) {
	actions := []audit.Action{audit.Creates, audit.Reads, audit.Updates, audit.Deletes, audit.Executes}
	for _, s := range audit.Vocabulary() {
		if !slices.Contains(actions, s.Action) {
			t.Errorf("%s does %q", s.Kind, s.Action)
		}
		if s.Category == audit.Access && s.Action != audit.Reads && s.Kind != audit.EmergencyEnded {
			t.Errorf("%s is access and does %q", s.Kind, s.Action)
		}
		if audit.Ground(s.Kind, audit.Staff) != "" && s.Action != audit.Reads && s.Kind != audit.EmergencyEnded {
			t.Errorf("%s is read on a ground and does %q", s.Kind, s.Action)
		}
	}
	for kind, want := range map[audit.Kind]audit.Action{
		audit.PatientVerificationRead: audit.Reads, audit.PersonLinksListed: audit.Reads, audit.ConsentsListed: audit.Reads, audit.AuditExported: audit.Reads,
		audit.RecordRead: audit.Reads, audit.GroupDeleted: audit.Deletes, audit.PatientPasskeysOut: audit.Deletes, audit.DeviceRevoked: audit.Deletes,
		audit.KeyReplaced: audit.Updates, audit.PersonEnabled: audit.Updates, audit.PersonDisabled: audit.Updates, audit.CertificateIssued: audit.Creates,
		audit.MemberAdded: audit.Creates, audit.SignedIn: audit.Executes, audit.SignedOut: audit.Executes,
	} {
		if s, _ := audit.SpecOf(kind); s.Action != want {
			t.Errorf("%s does %q, want %q", kind, s.Action, want)
		}
	}
}

// TestEventsKeepToTheirKind refuses fields that a kind does not have.
func TestEventsKeepToTheirKind(t *testing.T) {
	base := audit.New(t.Context(), 1, audit.Actor{Practice: "t_a", Role: audit.Staff, Person: "p_a"}, audit.PeopleListed, "")
	if err := base.Check(); err != nil {
		t.Fatal(err)
	}
	object, failed := base, base
	object.Object, failed.Outcome, failed.Reason = "p_b", audit.Failed, ""
	for _, e := range []audit.Event{object, base.In("c_a", ""), base.AsRefused(""), failed} {
		if e.Check() == nil {
			t.Errorf("%+v is taken", e)
		}
	}
}

// TestT03CertificatesNameTheirKey: what certifies a device says for which key, in
// one form, so that a second key cannot pass as a renewal of the first. Entries
// from before that stand.
func TestT03CertificatesNameTheirKey(t *testing.T) {
	const hash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	base := audit.New(t.Context(), 1, audit.Actor{Practice: "t_a", Role: audit.Service, Person: "p_k", Device: "d_k"}, audit.CertificateIssued, "d_a").About("p_a")
	for _, detail := range []string{audit.Certified("nurse", hash), "role=nurse", ""} {
		e := base.With(detail)
		if err := e.Check(); err != nil {
			t.Errorf("%q: %v", detail, err)
		}
	}
	for _, detail := range []string{"role=nurse,key=", "role=nurse,key=" + hash[1:], "role=nurse,key=" + hash + "A", "role=nurse,key=" + hash + ",key=" + hash, "role=nurse,key=" + hash[:42] + "V", "key=Ana.Gomez"} {
		e := base.With(detail)
		if err := e.Check(); !errors.Is(err, audit.ErrEvent) {
			t.Errorf("%q is taken", detail)
		}
	}
}

// TestOperatorsAreAccounts: what an operator does at a command line says whose
// account of which machine that was, whatever those are called; an account is
// nobody of the practice, and nobody of the practice is an account.
func TestOperatorsAreAccounts(t *testing.T) {
	operator := audit.Actor{Practice: "t_a", Role: audit.Operator}
	for _, c := range []struct{ name, before, want string }{
		{"kim", "", "os:kim"},
		{"root", "kim", "os:root,sudo=kim"},
		{`CLINIC\Ana Cruz`, "", "os:CLINIC_Ana_Cruz"},
		{strings.Repeat("a", 99), strings.Repeat("b", 99), "os:" + strings.Repeat("a", 27) + ",sudo=" + strings.Repeat("b", 27)},
	} {
		command := &audit.Command{Request: "r1", Account: audit.Account(c.name, c.before)}
		if command.Named() {
			t.Error("named before there is an event")
		}
		e := audit.New(audit.WithCommand(t.Context(), command), 1, operator, audit.PeopleListed, "")
		if err := e.Check(); err != nil || e.Person != c.want || e.Address != "local" || e.Request != "r1" || !command.Named() {
			t.Errorf("%s: %+v, %v", c.name, e, err)
		}
		e.Role = audit.Staff
		if err := e.Check(); !errors.Is(err, audit.ErrEvent) {
			t.Errorf("%s passes for staff", e.Person)
		}
	}
	system := audit.New(audit.WithCommand(t.Context(), &audit.Command{Account: "os:kim"}), 1, audit.Actor{Practice: "t_a", Role: audit.System}, audit.HubStarted, "")
	if system.Person != "" {
		t.Errorf("the hub itself is %q", system.Person)
	}
}

// TestNoAddressKeepsAnEventOut tries what a caller may say of their address.
func TestNoAddressKeepsAnEventOut(t *testing.T) {
	for _, address := range []string{"fe80::1%a b\"", "@", strings.Repeat("1", 999), ""} {
		ctx := audit.WithRequest(t.Context(), audit.Request{ID: "r", Address: address})
		e := audit.New(ctx, 1, audit.Actor{Practice: "t_a", Role: audit.Nobody}, audit.SignInRefused, "").AsRefused("unauthenticated")
		if err := e.Check(); err != nil {
			t.Errorf("from %q: %v", address, err)
		}
	}
}

func TestCommitmentHidesAndBinds(t *testing.T) {
	e := whole()
	b, _ := e.Encode()
	salt := audit.NewSalt()
	if audit.Commit(salt, b) == audit.Commit(audit.NewSalt(), b) {
		t.Error("the salt does not matter")
	}
	if audit.Commit(salt, b) == audit.Commit(salt, append(slices.Clone(b), ' ')) {
		t.Error("the event does not matter")
	}
}

func FuzzParse(f *testing.F) {
	e := whole()
	b, _ := e.Encode()
	f.Add(b)
	f.Add([]byte(`{"v":1,"practice":"t","at":1,"kind":"people.listed","outcome":"done","role":"staff"}`))
	f.Add([]byte(`{"v":1,"practice":"t","at":01,"kind":"people.listed","outcome":"done","role":"staff","role":"staff"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := audit.Parse(b)
		if err != nil {
			return
		}
		again, err := e.Encode()
		if err != nil || string(again) != string(b) {
			t.Errorf("%q came out as %q, %v", b, again, err)
		}
	})
}
