package httpapi_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/httpapi"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/proofing"
)

// unwritten does something while no event can be written.
func (w *world) unwritten(do func() error) {
	w.t.Helper()
	before := w.kinds()
	w.store.unwritten.Store(new(audit.Kind))
	err := do()
	w.store.unwritten.Store(nil)
	var p *api.Problem
	if errors.As(err, &p) && p.Status < http.StatusInternalServerError || p == nil && !errors.Is(err, audit.ErrEvent) {
		w.t.Errorf("answered %v, and nothing says so", err)
	}
	if after := w.kinds(); !maps.Equal(after, before) {
		w.t.Errorf("the log went from %v to %v", before, after)
	}
}

// kinds counts what is in the clinic's log, by kind.
func (w *world) kinds() map[string]int {
	w.t.Helper()
	byRequest, err := w.logged()
	w.must(err)
	n := make(map[string]int)
	for _, events := range byRequest {
		for _, e := range events {
			n[string(e.Kind)]++
		}
	}
	return n
}

func (w *world) times(k audit.Kind) int {
	w.t.Helper()
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(k)})
	w.must(err)
	return len(page.Events)
}

// TestT41RefusedSignInsAreRecordedFirst: who guesses is told that it was wrong
// once it is recorded, with what it counts for, and otherwise nothing: somebody or
// nobody, whatever of it was right (T27).
func TestT41RefusedSignInsAreRecordedFirst(t *testing.T) {
	w := newWorld(t, func(c *hub.Config, _ *httpapi.Config) { c.Limits.SignIns = hub.Rate{PerSecond: 0.01, Burst: 8} })
	dana := w.staff("dana")
	wrong := dana.in("dana")
	wrong.Code = "000000"
	guess := wrong
	guess.Password = "wrong"
	nobody := wrong
	nobody.Login = "nobody"
	passkey := api.SignIn{Practice: "riverside", Authentication: api.Authentication{Passkey: &api.PasskeyAssertion{
		Nonce: "n", Credential: []byte("c"), ClientData: []byte("{}"), AuthenticatorData: []byte("d"), Signature: []byte("s"),
	}}}
	answers := make(map[string]bool)
	kept := func() (failures, signIns int) {
		p, err := w.store.Person(w.ctx, w.clinic.ID, dana.person)
		w.must(err)
		all, err := w.store.SignIns(w.ctx, w.clinic.ID, dana.person, 100)
		w.must(err)
		return p.Failures, len(all)
	}
	_, before := kept()
	for what, s := range map[string]api.SignIn{"a code": wrong, "a password": guess, "nobody": nobody, "a passkey": passkey} {
		hadFailures, hadSignIns := kept()
		w.unwritten(func() error {
			_, err := w.client().SignIn(w.ctx, s)
			var p *api.Problem
			if errors.As(err, &p) {
				answers[string(p.Code)+p.Hint] = true
			}
			return err
		})
		if failures, signIns := kept(); failures != hadFailures || signIns != hadSignIns {
			t.Errorf("%s: %d failures and %d sign-ins are kept, and no event", what, failures-hadFailures, signIns-hadSignIns)
		}
		was := w.times(audit.SignInRefused)
		_, err := w.client().SignIn(w.ctx, s)
		wantCode(t, err, api.CodeUnauthenticated)
		if n := w.times(audit.SignInRefused) - was; n != 1 {
			t.Errorf("%s: answered, and %d events say so", what, n)
		}
	}
	if len(answers) != 1 {
		t.Errorf("the answers tell one from the other: %v", answers)
	}
	if failures, signIns := kept(); failures != 1 || signIns != before+1 {
		t.Errorf("%d failures and %d sign-ins, want one of each more", failures, signIns)
	}
	signIn := func() error { _, err := w.client().SignIn(w.ctx, wrong); return err }
	w.unwritten(signIn) // they are to wait from now on
	was := w.times(audit.SignInRefused)
	for range 2 {
		wantCode(t, signIn(), api.CodeRateLimited)
	}
	if n := w.times(audit.SignInRefused) - was; n != 1 {
		t.Errorf("%d events say that somebody was told to wait, want 1", n)
	}
}

// TestT41FactorsAreUsedWhereRecorded: an app's code, a recovery code and a
// passkey's counter are used up with the event of the session that they open or
// unlock, or all stays as it was.
func TestT41FactorsAreUsedWhereRecorded(t *testing.T) {
	w := newWorld(t)
	_, token := w.link("dana")
	dana := w.newDevice(w.clinic)
	var done *api.SetUpDone
	var err error
	dana.secret, done, err = dana.SetUpApp(w.ctx, token, phrase, w.clock.now())
	w.must(err)
	dana.person = done.Session.Person.ID
	key := w.authenticator()
	key.Counter = 1
	made := key.Create(passkey.Challenge{}, dana.person)
	w.must(w.store.AddFactor(w.ctx, hub.Factor{
		ID: hub.NewID("f"), Practice: w.clinic.ID, Person: dana.person, Kind: hub.FactorPasskey, Credential: made.Credential, Key: key.Key(), Counter: 1,
	}))
	kept := func() string {
		codes, err := w.store.RecoveryCodes(w.ctx, w.clinic.ID, dana.person)
		w.must(err)
		factors, err := w.store.FactorsOf(w.ctx, w.clinic.ID, dana.person)
		w.must(err)
		sessions, err := w.store.StaffSessionsOf(w.ctx, w.clinic.ID, dana.person, 0)
		w.must(err)
		return fmt.Sprint(len(codes), factors, sessions)
	}
	signIn := func(a api.Authentication) error {
		s := api.SignIn{Practice: "riverside", Authentication: a}
		if a.Passkey == nil {
			s.Login = "dana"
		}
		_, err := w.client().SignIn(w.ctx, s)
		return err
	}
	unlock := func(a api.Authentication) error { _, err := dana.Unlock(w.ctx, a); return err }
	for what, tt := range map[string]struct {
		do       func(api.Authentication) error
		purpose  passkey.Challenge
		recovery string
	}{
		"signs in": {signIn, passkey.Challenge{Purpose: passkey.PurposeSignIn}, done.RecoveryCodes[0]},
		"unlocks":  {unlock, passkey.Challenge{Purpose: passkey.PurposeConfirm, Person: dana.person}, done.RecoveryCodes[1]},
	} {
		typed := func(code string) func() api.Authentication {
			return func() api.Authentication { return api.Authentication{Password: phrase, Code: code} }
		}
		for with, show := range map[string]func() api.Authentication{
			"a passkey": func() api.Authentication { return api.Authentication{Passkey: w.asks(key, tt.purpose)} }, // an answer is good once, come what may
			"an app":    typed(dana.code()), "a recovery code": typed(tt.recovery),
		} {
			before := kept()
			w.unwritten(func() error { return tt.do(show()) })
			if after := kept(); after != before {
				t.Errorf("%s %s: kept is %s, was %s, and nothing says so", with, what, after, before)
			}
			w.must(tt.do(show()))
			if kept() == before {
				t.Errorf("%s %s, and nothing was used", with, what)
			}
		}
	}
}

// TestT41PasskeysAreUsedWhereRecorded: a passkey's counter moves with the event of
// what it introduced, vouched for or brought back, or of a refusal, or all stays as
// it was.
func TestT41PasskeysAreUsedWhereRecorded(t *testing.T) {
	w, _ := identityWorld(t)
	patient, own := w.withPasskey()
	nurse, browser, staffs := w.passkeyStaff("omar")
	other := w.patient()
	other.prove(proofing.PIN, time.Hour)
	proof, err := browser.Prove(w.ctx, browser.signer, certificate.PurposeRegister, w.clinic.ID)
	w.must(err)
	made, err := browser.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: browser.signer.Public(), Proof: proof})
	w.must(err)
	post := func(path string, body any) error {
		resp, _ := w.raw(http.MethodPost, path, mustJSON(body), "Cookie", "__Host-sotto_staff="+browser.Cookie())
		if resp.StatusCode >= http.StatusBadRequest {
			return &api.Problem{Status: resp.StatusCode}
		}
		return nil
	}
	own.Counter, staffs.Counter = 1, 1
	back := w.newDevice(w.clinic)
	used := func() (counters int64) {
		for _, person := range []string{patient.person, nurse.ID} {
			factors, err := w.store.FactorsOf(w.ctx, w.clinic.ID, person)
			w.must(err)
			for _, f := range factors {
				counters += f.Counter
			}
		}
		return counters
	}
	raise := func(d *device) error {
		p := w.asks(own, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: d.signer.Public()})
		_, err := d.UsePatientPasskey(w.ctx, api.UsePatientPasskey{Passkey: *p})
		return err
	}
	for _, tt := range []struct {
		what string
		do   func() error
		code api.Code
	}{
		{"vouches for a device", func() error {
			c := passkey.Challenge{Purpose: passkey.PurposeDevice, Person: nurse.ID, Key: browser.signer.Public()}
			return post("/v1/staff/devices/"+made.ID+"/voucher", api.Voucher{Passkey: *w.asks(staffs, c)})
		}, ""},
		{"brings a device back", func() error { _, err := back.ReturnPatient(w.ctx, back.returns(own)); return err }, ""},
		{"brings it back again", func() error { _, err := back.ReturnPatient(w.ctx, back.returns(own)); return err }, ""},
		{"raises a device", func() error { return raise(patient) }, ""},
		{"is another's", func() error { return raise(other) }, api.CodeOtherPatient},
		{"introduces another", func() error {
			made := w.authenticator()
			c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: "riverside", Person: nurse.ID, Nonce: w.nonce()}
			r := made.Create(c, nurse.ID)
			return post("/v1/staff/factors/passkeys", api.AddPasskey{
				Passkey:      api.PasskeyRegistration{Nonce: c.Nonce, Name: "another", Credential: r.Credential, ClientData: r.ClientData, Attestation: r.Attestation},
				Introduction: w.asks(staffs, passkey.Challenge{Purpose: passkey.PurposeIntroduce, Person: nurse.ID, Key: made.Key()}),
			})
		}, ""},
	} {
		before := used()
		w.unwritten(tt.do)
		if after := used(); after != before {
			t.Errorf("%s: counters are %v, were %v, and nothing says so", tt.what, after, before)
		}
		if err := tt.do(); tt.code != "" {
			wantCode(t, err, tt.code)
		} else {
			w.must(err)
		}
		if used() == before {
			t.Errorf("%s, and nothing was used", tt.what)
		}
	}
}

// TestT41CodesAreTriedWhereRecorded: a try at a contact's code is counted, and one
// that is right is used, with the event that says so, or neither.
func TestT41CodesAreTriedWhereRecorded(t *testing.T) {
	w, box := identityWorld(t)
	patient := w.patient()
	sent, err := patient.SendContactCode(w.ctx, email("ann@mail.example"))
	w.must(err)
	_, code := box.next()
	wrong := fmt.Sprintf("%06d", (int(code[5]-'0')+1)%10)
	try := func(code string) error {
		_, err := patient.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
		return err
	}
	for range proofing.CodeTries {
		w.unwritten(func() error { return try(wrong) })
	}
	wantCode(t, try(wrong), api.CodeNotMatched) // the first that counts
	w.unwritten(func() error { return try(code) })
	own, err := patient.Verification(w.ctx)
	w.must(err)
	if own.Verification.Level != "guest" {
		t.Errorf("shown to be %+v, and nothing says so", own.Verification)
	}
	w.must(try(code))
	if missed, right := w.times(audit.PatientNotVerified), w.times(audit.PatientVerified); missed != 1 || right != 1 {
		t.Errorf("%d wrong and %d right tries in the log", missed, right)
	}
}

// TestT41AgreementsAreUsedByWhatIsRecorded: what another agreed to is used up by
// the link or the account that is made by it, and stays while that cannot be
// recorded, or fails.
func TestT41AgreementsAreUsedByWhatIsRecorded(t *testing.T) {
	w, _ := ssoWorld(t)
	robin, ava, cleo := w.proven("robin", "administrator"), w.proven("ava", "administrator"), w.proven("cleo", "compliance")
	other := w.member("other", "nurse")
	w.must(w.hub.LinkIdentity(w.ctx, w.clinic.ID, other.Person.ID, "taken"))
	who := cleo.Person.ID
	agree := func() {
		t.Helper()
		asked, err := w.hub.RequestGrant(w.ctx, robin, who, api.NewGrantRequest{Kind: "link", Reason: "lost her phone"})
		w.must(err)
		_, err = w.hub.DecideGrant(w.ctx, ava, asked.ID, api.DecideGrant{Decision: "approve"})
		w.must(err)
	}
	link := func() error { _, err := w.hub.SetUpLinkFor(w.ctx, robin, who); return err }
	account := func(subject string) func() error {
		return func() error { return w.hub.LinkStaffIdentity(w.ctx, robin, who, subject) }
	}
	agree()
	w.unwritten(link)
	w.must(link())
	if err := link(); !errors.Is(err, hub.ErrForbidden) {
		t.Errorf("a second link by one agreement: %v", err)
	}
	agree()
	w.unwritten(account("new"))
	if err := account("taken")(); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("another's account is linked: %v", err)
	}
	w.must(account("new")())
}

// TestT41LapsesAreSettledWhereRecorded: that a grant ended by itself is settled
// with the event that says so, once.
func TestT41LapsesAreSettledWhereRecorded(t *testing.T) {
	w := newWorld(t)
	super, mother := w.member("sam", "supervisor"), w.patient()
	r, err := w.hub.GrantRelation(w.ctx, super, api.NewRelation{
		Holder: mother.person, Kind: "parent", Born: w.clock.now().AddDate(-10, 0, 0).Format(time.DateOnly), Evidence: "birth-certificate",
	})
	w.must(err)
	w.clock.advance(time.UnixMilli(r.EndsAt).Sub(w.clock.now()) + time.Minute)
	w.unwritten(func() error { return w.hub.Sweep(w.ctx) })
	for range 2 {
		w.must(w.hub.Sweep(w.ctx))
	}
	if n := w.times(audit.RelationEnded); n != 1 {
		t.Errorf("%d events say that it ended", n)
	}
}

// TestT41UploadsAreDroppedWhereRecorded: an upload that never ended is dropped with
// the event that says so, once.
func TestT41UploadsAreDroppedWhereRecorded(t *testing.T) {
	w := newWorld(t)
	patient := w.patient()
	a, err := patient.NewAttachment(w.ctx, patient.open("nurse"), api.NewAttachment{Size: 100})
	w.must(err)
	w.clock.advance(25 * time.Hour)
	w.unwritten(func() error { return w.hub.Sweep(w.ctx) })
	if _, err := w.store.Attachment(w.ctx, w.clinic.ID, a.ID); err != nil {
		t.Errorf("it is dropped, and nothing says so: %v", err)
	}
	for range 2 {
		w.must(w.hub.Sweep(w.ctx))
	}
	page, err := w.hub.AuditEventsFor(w.ctx, w.clinic.ID, hub.AuditFilter{Kind: string(audit.FileDropped)})
	w.must(err)
	if len(page.Events) != 1 || page.Events[0].Object != a.ID || page.Events[0].Patient != patient.person || page.Events[0].Role != string(audit.System) {
		t.Errorf("the log has %+v", page.Events)
	}
	if _, err := w.store.Attachment(w.ctx, w.clinic.ID, a.ID); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("it is not dropped: %v", err)
	}
}

// TestT41AnAccountIsLinkedWhereRecorded: that a portal's account is a patient's
// is kept with the event that says so, and a later sign-in leaves no second one.
func TestT41AnAccountIsLinkedWhereRecorded(t *testing.T) {
	w, p := portalWorld(t, byNumber(number("R-3")))
	patient := w.patient()
	accounts := func() int {
		all, err := w.store.PortalAccountsOf(w.ctx, w.clinic.ID, patient.person)
		w.must(err)
		return len(all)
	}
	w.unwritten(func() error { _, err := patient.atPortal(p); return err })
	if n := accounts(); n != 0 {
		t.Errorf("%d accounts are linked, and nothing says so", n)
	}
	for range 2 {
		w.clock.advance(10 * time.Second) // calls are limited
		_, err := patient.atPortal(p)
		w.must(err)
	}
	if linked, verified := w.times(audit.PortalLinked), w.times(audit.PatientVerified); linked != 1 || verified != 2 || accounts() != 1 {
		t.Errorf("%d events say that it was linked, %d that the patient was verified, of %d accounts", linked, verified, accounts())
	}
}
