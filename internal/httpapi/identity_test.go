package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/mls"
)

// TestGuestProofs: only the holder of the key becomes its guest, once per
// challenge, in the practice it meant.
func TestGuestProofs(t *testing.T) {
	w := newWorld(t)
	other := w.newPractice("hilltop")
	d, thief := w.newDevice(w.clinic), w.newDevice(w.clinic)
	guest := func(proof api.DeviceProof) error {
		_, err := d.NewGuest(w.ctx, api.NewGuest{Practice: "riverside", PublicKey: d.signer.Public(), Proof: proof})
		return err
	}
	prove := func(by *device, purpose, subject string) api.DeviceProof {
		p, err := d.Prove(w.ctx, by.signer, purpose, subject)
		w.must(err)
		return p
	}
	wantCode(t, guest(prove(thief, certificate.PurposeRegister, w.clinic.ID)), api.CodeUnauthenticated)
	wantCode(t, guest(prove(d, certificate.PurposeSession, w.clinic.ID)), api.CodeUnauthenticated)
	wantCode(t, guest(prove(d, certificate.PurposeRegister, other.ID)), api.CodeUnauthenticated)
	late := prove(d, certificate.PurposeRegister, w.clinic.ID)
	w.clock.advance(6 * time.Minute)
	wantCode(t, guest(late), api.CodeUnauthenticated)

	good := prove(d, certificate.PurposeRegister, w.clinic.ID)
	w.must(guest(good))
	wantCode(t, guest(good), api.CodeUnauthenticated) // T29: replayed
	made := "sotto-made-up-nonce"
	sig, err := d.signer.Sign(certificate.Proof{Purpose: certificate.PurposeRegister, Subject: w.clinic.ID, PublicKey: d.signer.Public(), Nonce: made}.Signed())
	w.must(err)
	wantCode(t, guest(api.DeviceProof{Nonce: made, Signature: sig}), api.CodeUnauthenticated)

	first, err := d.NewGuest(w.ctx, api.NewGuest{Practice: "riverside", PublicKey: d.signer.Public(), Proof: prove(d, certificate.PurposeRegister, w.clinic.ID)})
	w.must(err)
	again, err := d.NewGuest(w.ctx, api.NewGuest{Practice: "riverside", PublicKey: d.signer.Public(), Proof: prove(d, certificate.PurposeRegister, w.clinic.ID)})
	w.must(err)
	if first.ID != again.ID || first.Person != again.Person {
		t.Errorf("the same key is two guests: %+v, %+v", first, again)
	}
}

func TestSessionProofs(t *testing.T) {
	w := newWorld(t)
	d, thief := w.patient(), w.newDevice(w.clinic)
	proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeSession, d.id)
	w.must(err)
	if _, err := thief.OpenSession(w.ctx, api.OpenDeviceSession{Device: d.id, Proof: proof}); err != nil {
		t.Fatal(err) // a proof is what counts, not who brings it
	}
	_, err = thief.OpenSession(w.ctx, api.OpenDeviceSession{Device: d.id, Proof: proof})
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = thief.SignInDevice(w.ctx, thief.signer, d.id)
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = thief.SignInDevice(w.ctx, thief.signer, hub.NewID("d"))
	wantCode(t, err, api.CodeUnauthenticated)

	w.clock.advance(13 * time.Hour)
	_, err = d.Self(w.ctx)
	wantCode(t, err, api.CodeUnauthenticated)
}

// TestStaffDeviceNeedsTheCookie: the key alone opens no staff session, and
// not with another person's cookie.
func TestStaffDeviceNeedsTheCookie(t *testing.T) {
	w := newWorld(t)
	dana, sam := w.staff("dana"), w.staff("sam")
	keyOnly := w.client()
	_, err := keyOnly.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
	_, err = sam.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
	noDevice := w.client() // sam's session that is bound to no device yet
	_, err = noDevice.SignIn(w.ctx, sam.in("sam"))
	w.must(err)
	_, err = noDevice.SignInDevice(w.ctx, dana.signer, dana.id)
	wantCode(t, err, api.CodeUnauthenticated)
	proof, err := keyOnly.Prove(w.ctx, dana.signer, certificate.PurposeRegister, w.clinic.ID)
	w.must(err)
	_, err = keyOnly.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: dana.signer.Public(), Proof: proof})
	wantCode(t, err, api.CodeUnauthenticated)
	// Another person cannot register the same key.
	proof, err = sam.Prove(w.ctx, dana.signer, certificate.PurposeRegister, w.clinic.ID)
	w.must(err)
	_, err = sam.NewStaffDevice(w.ctx, api.NewStaffDevice{PublicKey: dana.signer.Public(), Proof: proof})
	wantCode(t, err, api.CodeConflict)
}

// TestCertificates: the hub takes only what clients will accept.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	d := w.newDevice(w.clinic)
	proof, err := d.Prove(w.ctx, d.signer, certificate.PurposeRegister, w.clinic.ID)
	w.must(err)
	made, err := d.NewGuest(w.ctx, api.NewGuest{Practice: "riverside", PublicKey: d.signer.Public(), Proof: proof})
	w.must(err)
	d.id, d.person = made.ID, made.Person
	d.signIn()
	keeper, other, forger := w.clinic.keeper, w.newPractice("hilltop"), w.newDevice(w.clinic)
	work, err := keeper.Work(w.ctx)
	w.must(err)
	if len(work.Certificates) != 1 || work.Certificates[0].Device.ID != d.id {
		t.Fatalf("work %+v", work)
	}
	r := work.Certificates[0]
	if p := (certificate.Proof{Purpose: certificate.PurposeRegister, Subject: w.clinic.ID, PublicKey: r.PublicKey, Nonce: r.Proof.Nonce}); p.Verify(r.Proof.Signature) != nil {
		t.Error("the keeper cannot check the proof")
	}
	forger.id, forger.person = d.id, d.person
	for name, cert := range map[string][]byte{
		"nothing":                     {1},
		"of another authority":        w.issue(other, d, "patient", "patient"),
		"for another key":             w.issue(w.clinic, forger, "patient", "patient"),
		"for another kind":            w.issue(w.clinic, d, "staff", "nurse"),
		"for another role":            w.issue(w.clinic, d, "patient", "keeper"),
		"of another device's session": keeper.certificate,
	} {
		_, err := keeper.PutCertificate(w.ctx, d.id, api.PutCertificate{Certificate: cert})
		if p := wantCode(t, err, api.CodeMalformed); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %+v", name, p)
		}
	}
	_, err = other.keeper.PutCertificate(w.ctx, d.id, api.PutCertificate{Certificate: w.issue(other, d, "patient", "patient")})
	wantCode(t, err, api.CodeNotFound)
	keeper.certify()
	self, err := d.Self(w.ctx)
	w.must(err)
	if len(self.Certificate) == 0 {
		t.Error("not certified")
	}
}

// TestKeyPackages: each is used once, the last resort for ever, and others'
// are refused (T07).
func TestKeyPackages(t *testing.T) {
	w := newWorld(t)
	nurse, keeper, patient := w.staff("dana"), w.clinic.keeper, w.patient()
	seen := make(map[string]int)
	for range 6 {
		c, err := keeper.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: nurse.person})
		w.must(err)
		if len(c) != 1 || c[0].Device != nurse.id {
			t.Fatalf("claimed %+v", c)
		}
		seen[string(c[0].Package)]++
		if again := seen[string(c[0].Package)]; again > 1 && !c[0].LastResort {
			t.Error("a key package was given twice")
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d key packages were given, want 3 and the last resort", len(seen))
	}
	n, err := nurse.CountKeyPackages(w.ctx)
	w.must(err)
	if n.Unused != 0 || !n.HasLastResort {
		t.Errorf("left: %+v", n)
	}
	_, err = keeper.ClaimKeyPackages(w.ctx, api.ClaimKeyPackages{Person: patient.person})
	wantCode(t, err, api.CodeNoKeyPackage)
	err = patient.PublishKeyPackages(w.ctx, api.PublishKeyPackages{Packages: [][]byte{keyPackageMessage(nurse.packages[0])}})
	wantCode(t, err, api.CodeMalformed)
	err = patient.PublishKeyPackages(w.ctx, api.PublishKeyPackages{Packages: [][]byte{[]byte(canary)}})
	wantCode(t, err, api.CodeMalformed)
	long, err := mls.NewKeyPackage(nurse.config(), w.suite, nurse.signer, nurse.credential(), mls.KeyPackageOptions{Lifetime: 1000 * 24 * time.Hour})
	w.must(err)
	err = nurse.PublishKeyPackages(w.ctx, api.PublishKeyPackages{LastResort: keyPackageMessage(long)})
	wantCode(t, err, api.CodeMalformed)
}
