package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
	"github.com/sotto-health/sotto/internal/proofing"
)

// newPasskey is what the patient's device sends to add one.
func (d *device) newPasskey(a *passkeytest.Authenticator) api.AddPatientPasskey {
	d.w.t.Helper()
	c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: d.practice.Slug, Person: d.person, Nonce: d.w.nonce()}
	made := a.Create(c, d.person)
	signature, err := d.signer.Sign(certificate.Introduction{Practice: d.practice.ID, Person: d.person, Key: a.Key()}.Signed())
	d.w.must(err)
	return api.AddPatientPasskey{Signature: signature, Passkey: api.PasskeyRegistration{
		Nonce: c.Nonce, Name: "my phone", Credential: made.Credential, ClientData: made.ClientData, Attestation: made.Attestation,
	}}
}

// withPasskey is a matched patient who has one.
func (w *world) withPasskey() (*device, *passkeytest.Authenticator) {
	w.t.Helper()
	d, a := w.patient(), w.authenticator()
	d.prove(proofing.PIN, time.Hour)
	own, err := d.AddPatientPasskey(w.ctx, d.newPasskey(a))
	w.must(err)
	if len(own.Passkeys) != 1 || own.Passkeys[0].Name != "my phone" || own.Person != d.person {
		w.t.Fatalf("%+v", own)
	}
	return d, a
}

// returns is the call by which a new device comes back with a passkey.
func (d *device) returns(a *passkeytest.Authenticator) api.ReturnPatient {
	d.w.t.Helper()
	proof, err := d.Prove(d.w.ctx, d.signer, certificate.PurposeRegister, d.practice.ID)
	d.w.must(err)
	return api.ReturnPatient{
		Practice: d.practice.Slug, PublicKey: d.signer.Public(), Proof: proof,
		Passkey: *d.w.asks(a, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: d.signer.Public()}),
	}
}

func (d *device) comeBack(a *passkeytest.Authenticator) {
	d.w.t.Helper()
	made, err := d.ReturnPatient(d.w.ctx, d.returns(a))
	d.w.must(err)
	d.id, d.person = made.ID, made.Person
	d.signIn()
	d.practice.keeper.certify()
	self, err := d.Self(d.w.ctx)
	d.w.must(err)
	d.certificate = self.Certificate
	d.publish(2)
}

// TestT11APasskeyBringsADeviceBack: with the passkey a new device is the
// patient's and joins their chats; with all that an e-mail account gives, or
// with what is on file, it is nobody's.
func TestT11APasskeyBringsADeviceBack(t *testing.T) {
	w, box := identityWorld(t)
	patient, key := w.withPasskey()
	id := patient.open("nurse")
	thief := w.patient()
	sent, err := thief.SendContactCode(w.ctx, email("bo@mail.example"))
	w.must(err)
	_, code := box.next()
	_, err = thief.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
	w.must(err)
	_, err = thief.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	w.must(err)
	_, err = thief.Conversation(w.ctx, id)
	wantCode(t, err, api.CodeNotFound)

	back := w.newDevice(w.clinic)
	back.comeBack(key)
	if back.person != patient.person || back.id == patient.id {
		t.Fatalf("it is %s of %s, not of %s", back.id, back.person, patient.person)
	}
	own, err := back.Verification(w.ctx)
	w.must(err)
	if own.Verification.Level != "signed-in" || own.Verification.Method != "passkey" || own.Passkeys[0].UsedAt == 0 {
		t.Errorf("%+v", own)
	}
	w.clinic.keeper.admit()
	back.join()
	if back.groups[id] == nil {
		t.Error("the keeper was not asked to let it in")
	}
	if thief.groups[id] != nil {
		t.Error("whoever knows a code and a PIN was let in")
	}
}

func TestT23NoPasskeyNoReturn(t *testing.T) {
	w, _ := identityWorld(t)
	patient, key := w.withPasskey()
	_, _, staffKey := w.passkeyStaff("omar")
	framed, unverified, strange := *key, *key, w.authenticator()
	framed.CrossSite, unverified.Unverified = true, true
	strange.User = []byte(patient.person)
	used := w.newDevice(w.clinic).returns(key)
	first := w.newDevice(w.clinic)
	replayed := first.returns(key)
	made, err := first.ReturnPatient(w.ctx, replayed)
	w.must(err)
	if made.Person != patient.person {
		t.Fatal("the good one is another's")
	}
	for name, call := range map[string]func(d *device) api.ReturnPatient{
		"nobody was verified":         func(d *device) api.ReturnPatient { return d.returns(&unverified) },
		"a passkey that is not known": func(d *device) api.ReturnPatient { return d.returns(strange) },
		"a passkey of staff (T23)":    func(d *device) api.ReturnPatient { return d.returns(staffKey) },
		"the answer for another device": func(d *device) api.ReturnPatient {
			r := d.returns(key)
			r.Passkey = used.Passkey
			return r
		},
		"an answer that was used (T29)": func(d *device) api.ReturnPatient {
			r := d.returns(key)
			r.Passkey = replayed.Passkey
			return r
		},
		"a staff sign-in": func(d *device) api.ReturnPatient {
			r := d.returns(key)
			r.Passkey = *w.asks(key, passkey.Challenge{Purpose: passkey.PurposeSignIn})
			return r
		},
		"a look-alike page": func(d *device) api.ReturnPatient {
			other := *key
			other.Origin = "https://riverside-clinic.example"
			return d.returns(&other)
		},
		"no proof of the device's key": func(d *device) api.ReturnPatient {
			r := d.returns(key)
			r.Proof.Signature[8] ^= 1
			return r
		},
		"a practice that there is not": func(d *device) api.ReturnPatient {
			r := d.returns(key)
			r.Practice = "nowhere"
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.newDevice(w.clinic).ReturnPatient(w.ctx, call(w.newDevice(w.clinic)))
			wantCode(t, err, api.CodeUnauthenticated)
		})
	}
	// In a page of the clinic that may show the chat it works, in others not.
	framed.Around = "https://www.clinic.example"
	if _, err := w.newDevice(w.clinic).ReturnPatient(w.ctx, w.newDevice(w.clinic).returns(&framed)); err != nil {
		t.Errorf("in the clinic's page: %v", err)
	}
	framed.Around = "https://evil.example"
	_, err = w.newDevice(w.clinic).ReturnPatient(w.ctx, w.newDevice(w.clinic).returns(&framed))
	wantCode(t, err, api.CodeUnauthenticated)
}

// TestT23PatientsNeverBecomeStaff: a patient's passkey and session open nothing
// of staff's, and theirs nothing of a patient's.
func TestT23PatientsNeverBecomeStaff(t *testing.T) {
	w, _ := identityWorld(t)
	patient, key := w.withPasskey()
	wantCode(t, w.signInPasskey(w.asks(key, passkey.Challenge{Purpose: passkey.PurposeSignIn})), api.CodeUnauthenticated)
	wantCode(t, w.signInPasskey(w.asks(key, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: patient.signer.Public()})), api.CodeUnauthenticated)
	resp, _ := w.raw("GET", "/v1/staff/factors", "", "Authorization", "Bearer "+patient.Token())
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a patient's session at staff's: %d", resp.StatusCode)
	}
	resp, body := w.raw("POST", "/v1/verification/passkeys/remove", `{"id":"f_aaaaaaaaaaaaaaaaaaaaaaaaaa"}`, "Cookie", "__Host-sotto_staff=x")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a staff cookie at a patient's: %d %s", resp.StatusCode, body)
	}
	nurse := w.staff("dana")
	for name, err := range map[string]error{
		"add":    second(nurse.AddPatientPasskey(w.ctx, nurse.newPasskey(w.authenticator()))),
		"remove": second(nurse.RemovePatientPasskey(w.ctx, "f_aaaaaaaaaaaaaaaaaaaaaaaaaa")),
		"use": second(nurse.UsePatientPasskey(w.ctx, api.UsePatientPasskey{
			Passkey: *w.asks(key, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: nurse.signer.Public()}),
		})),
	} {
		if codeOf(err) != api.CodeForbidden {
			t.Errorf("staff %s: %v", name, err)
		}
	}
	// A device that is staff's does not become a patient's by a passkey.
	_, err := nurse.ReturnPatient(w.ctx, nurse.returns(key))
	wantCode(t, err, api.CodeConflict)
}

func second[T any](_ T, err error) error { return err }

func TestWhoMayAddAPasskey(t *testing.T) {
	w, _ := identityWorld(t)
	guest := w.patient()
	_, err := guest.AddPatientPasskey(w.ctx, guest.newPasskey(w.authenticator()))
	wantCode(t, err, api.CodeForbidden)
	guest.prove(proofing.EmailCode, time.Hour)
	_, err = guest.AddPatientPasskey(w.ctx, guest.newPasskey(w.authenticator()))
	wantCode(t, err, api.CodeForbidden)
	guest.prove(proofing.PIN, time.Hour)
	a := w.authenticator()
	unsigned := guest.newPasskey(a)
	unsigned.Signature[8] ^= 1
	_, err = guest.AddPatientPasskey(w.ctx, unsigned)
	wantCode(t, err, api.CodeMalformed)
	other := w.patient()
	other.prove(proofing.PIN, time.Hour)
	stolen := guest.newPasskey(a)
	_, err = other.AddPatientPasskey(w.ctx, stolen) // signs another's id
	wantCode(t, err, api.CodeMalformed)
	for range 10 {
		_, err = guest.AddPatientPasskey(w.ctx, guest.newPasskey(w.authenticator()))
		w.must(err)
	}
	_, err = guest.AddPatientPasskey(w.ctx, guest.newPasskey(w.authenticator()))
	wantCode(t, err, api.CodeTooLarge)
}

// TestT29APasskeyProvesAnew: once the practice's period is over, the passkey is
// all that is asked for; and it moves no device from one patient to another.
func TestT29APasskeyProvesAnew(t *testing.T) {
	w, _ := identityWorld(t)
	patient := w.patient()
	_, err := patient.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
	w.must(err)
	key := w.authenticator()
	_, err = patient.AddPatientPasskey(w.ctx, patient.newPasskey(key))
	w.must(err)
	use := func(d *device, a *passkeytest.Authenticator) (*api.OwnVerification, error) {
		return d.UsePatientPasskey(w.ctx, api.UsePatientPasskey{
			Passkey: *w.asks(a, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: d.signer.Public()}),
		})
	}
	other, strange := w.patient(), w.authenticator()
	const period = 30 * 24 * time.Hour // the default
	w.clock.advance(period - time.Second)
	patient.signIn()
	if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "matched" || own.Steps.Days != 30 {
		t.Errorf("before its time: %+v, %v", own, err)
	}
	w.clock.advance(time.Second)
	patient.signIn()
	if own, err := patient.Verification(w.ctx); err != nil || own.Verification.Level != "guest" || !own.Lapsed {
		t.Errorf("at its time: %+v, %v", own, err)
	}
	_, err = patient.RemovePatientPasskey(w.ctx, "f_aaaaaaaaaaaaaaaaaaaaaaaaaa")
	wantCode(t, err, api.CodeForbidden) // whoever holds the device is not known
	own, err := use(patient, key)
	w.must(err)
	if got := own.Verification; got.Level != "signed-in" || got.Until-got.At != period.Milliseconds() || own.Lapsed {
		t.Errorf("%+v", own)
	}
	other.signIn()
	_, err = use(other, key)
	wantCode(t, err, api.CodeOtherPatient)
	_, err = use(patient, strange)
	wantCode(t, err, api.CodeNotMatched)
	if own, err := other.Verification(w.ctx); err != nil || own.Person == patient.person || own.Verification.Level != "guest" {
		t.Errorf("persons were merged: %+v, %v", own, err)
	}
}

// TestLostPasskeys: a patient removes their own; staff in the chat remove all,
// and nobody else does.
func TestLostPasskeys(t *testing.T) {
	w, _ := identityWorld(t)
	patient, lost := w.withPasskey()
	other, _ := w.withPasskey()
	nurse, away := w.staff("dana"), w.staff("kim")
	id := patient.open("nurse")
	_, err := nurse.Act(w.ctx, id, "take")
	w.must(err)
	own, err := patient.Verification(w.ctx)
	w.must(err)
	_, err = other.RemovePatientPasskey(w.ctx, own.Passkeys[0].ID)
	wantCode(t, err, api.CodeNotFound)
	back := w.newDevice(w.clinic)
	back.comeBack(lost)
	w.clinic.keeper.admit()
	back.join()
	_, err = away.PatientVerification(w.ctx, id, "forget-passkeys", nil)
	wantCode(t, err, api.CodeNotFound)
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Passkeys != 1 {
		t.Errorf("staff see %d passkeys", seen.Passkeys)
	}
	seen, err = nurse.PatientVerification(w.ctx, id, "forget-passkeys", nil)
	w.must(err)
	if seen.Passkeys != 0 {
		t.Errorf("%d passkeys are left", seen.Passkeys)
	}
	_, err = w.newDevice(w.clinic).ReturnPatient(w.ctx, w.newDevice(w.clinic).returns(lost))
	wantCode(t, err, api.CodeUnauthenticated)
	// Whoever found it is out: the session, the key and the place in the chat.
	_, err = back.Verification(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
	proof, err := back.Prove(w.ctx, back.signer, certificate.PurposeSession, back.id)
	w.must(err)
	_, err = back.OpenSession(w.ctx, api.OpenDeviceSession{Device: back.id, Proof: proof})
	wantCode(t, err, api.CodeUnauthenticated)
	w.clinic.keeper.catchUp(id)
	w.clinic.keeper.admit()
	for _, m := range w.clinic.keeper.groups[id].Members() {
		if c, err := certificate.Parse(m.Credential.Identity); err != nil || c.Device == back.id {
			t.Error("the device that came by the lost passkey is still in the chat")
		}
	}
	if _, err := patient.Verification(w.ctx); err != nil {
		t.Errorf("the patient's first device is out too: %v", err)
	}
	_, err = nurse.PatientVerification(w.ctx, id, "forget-passkeys", nil)
	wantCode(t, err, api.CodeNotFound)
	again := w.authenticator()
	own, err = patient.AddPatientPasskey(w.ctx, patient.newPasskey(again))
	w.must(err)
	own, err = patient.RemovePatientPasskey(w.ctx, own.Passkeys[0].ID)
	w.must(err)
	if len(own.Passkeys) != 0 {
		t.Errorf("%+v", own.Passkeys)
	}
	if logs := w.logs.String(); strings.Contains(logs, "my phone") {
		t.Error("the log holds a passkey's name")
	}
}

// TestT22NothingMergesPersons: two guests who match one record, by the same
// facts and the same contact, stay two, and neither sees the other's chats.
// Only staff say that two persons are one.
func TestT22NothingMergesPersons(t *testing.T) {
	w, box := identityWorld(t)
	nurse := w.staff("dana")
	one, two := w.patient(), w.patient()
	var chats []string
	for _, d := range []*device{one, two} {
		sent, err := d.SendContactCode(w.ctx, email("ana@mail.example"))
		w.must(err)
		_, code := box.next()
		_, err = d.CheckContactCode(w.ctx, api.CheckContactCode{Attempt: sent.Attempt, Code: code})
		w.must(err)
		_, err = d.MatchPatient(w.ctx, pin("1984-03-09", "123456"))
		w.must(err)
		_, err = d.AddPatientPasskey(w.ctx, d.newPasskey(w.authenticator()))
		w.must(err)
		id := d.open("nurse")
		_, err = nurse.Act(w.ctx, id, "take")
		w.must(err)
		chats = append(chats, id)
	}
	if one.person == two.person {
		t.Fatal("one guest became the other")
	}
	for i, d := range []*device{two, one} {
		_, err := d.Conversation(w.ctx, chats[i])
		wantCode(t, err, api.CodeNotFound)
	}
	links, err := w.store.PersonLinksOf(w.ctx, w.clinic.ID, []string{one.person, two.person})
	w.must(err)
	if len(links) != 0 {
		t.Errorf("the hub linked them: %+v", links)
	}
}

// TestT11NobodyBecomesASecondPatient: who has shown to be one patient shows to be
// no other, on any device of theirs, also once the first proof has lapsed. Staff
// can say that it was wrong; a passkey from before then brings nobody back.
func TestT11NobodyBecomesASecondPatient(t *testing.T) {
	w, _ := identityWorld(t)
	nurse := w.staff("dana")
	w.must(w.hub.IssuePIN(w.ctx, w.clinic.ID, "R-3", "654321"))
	ana, bo := pin("1984-03-09", "123456"), pin("2001-12-31", "654321")
	known := func() (*device, *passkeytest.Authenticator, string) {
		t.Helper()
		d, key := w.patient(), w.authenticator()
		id := d.open("nurse")
		nurse.take(id)
		_, err := d.MatchPatient(w.ctx, ana)
		w.must(err)
		_, err = d.AddPatientPasskey(w.ctx, d.newPasskey(key))
		w.must(err)
		return d, key, id
	}
	see := func(id, number string) {
		t.Helper()
		seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
		w.must(err)
		if seen.Conflict || seen.Record == nil || seen.Record.Number != number {
			t.Errorf("staff see %+v, want %s", seen.Record, number)
		}
	}
	number := "R-" + canary + "-4417"

	wrong, old, chat := known()
	_, err := nurse.PatientVerification(w.ctx, chat, "confirm", api.ConfirmPatient{
		Method: "phone", Identifiers: []string{"name", "date-of-birth"}, Reason: "I know their voice.",
	})
	w.must(err)
	_, err = wrong.MatchPatient(w.ctx, bo)
	wantCode(t, err, api.CodeOtherPatient)
	see(chat, number)
	_, err = nurse.PatientVerification(w.ctx, chat, "confirm", api.ConfirmPatient{
		Method: "phone", Identifiers: []string{"name", "date-of-birth"}, Reason: "It is their son who writes.", WrongRecord: true,
	})
	w.must(err)
	nothingFromBefore := func() {
		t.Helper()
		_, err := wrong.UsePatientPasskey(w.ctx, api.UsePatientPasskey{
			Passkey: *w.asks(old, passkey.Challenge{Purpose: passkey.PurposeReturn, Key: wrong.signer.Public()}),
		})
		wantCode(t, err, api.CodeOtherPatient)
		_, err = w.newDevice(w.clinic).ReturnPatient(w.ctx, w.newDevice(w.clinic).returns(old))
		wantCode(t, err, api.CodeOtherPatient)
		_, err = wrong.MatchPatient(w.ctx, ana)
		wantCode(t, err, api.CodeOtherPatient)
	}
	nothingFromBefore() // also while they have shown to be nobody else
	_, err = wrong.MatchPatient(w.ctx, bo)
	w.must(err)
	nothingFromBefore()
	if all, err := w.store.DevicesOf(w.ctx, w.clinic.ID, wrong.person); len(all) != 1 || err != nil {
		t.Errorf("%d devices came of it, %v", len(all)-1, err)
	}
	see(chat, "R-3")

	patient, key, id := known()
	back := w.newDevice(w.clinic)
	back.comeBack(key)
	w.clinic.keeper.admit()
	back.join()
	for _, d := range []*device{patient, back} {
		_, err := d.MatchPatient(w.ctx, bo)
		wantCode(t, err, api.CodeOtherPatient)
		see(id, number)
	}
	// It is a wrong try, or one device could ask of many whether they are on file.
	seen, err := nurse.PatientVerification(w.ctx, id, "", nil)
	w.must(err)
	if seen.Failures != 1 {
		t.Errorf("%d wrong tries", seen.Failures)
	}
	w.clock.advance(31 * 24 * time.Hour)
	patient.signIn()
	_, err = patient.MatchPatient(w.ctx, bo)
	wantCode(t, err, api.CodeOtherPatient)
	_, err = patient.MatchPatient(w.ctx, ana)
	w.must(err)
	nurse.signInAgain("dana")
	see(id, number)
}
