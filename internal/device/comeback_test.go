package device_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/devicetest"
	"github.com/sotto-health/sotto/internal/hubclient"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/passkey/passkeytest"
)

// vouches is what a passkey signs for the key of a device that comes back.
func (c *clinic) vouches(client *hubclient.Client, a *passkeytest.Authenticator, key []byte) api.PasskeyAssertion {
	c.t.Helper()
	nonce, err := client.Challenge(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	got := a.Get(passkey.Challenge{Purpose: passkey.PurposeReturn, Practice: "clinic", Nonce: nonce.Nonce, Key: key})
	return api.PasskeyAssertion{
		Nonce: nonce.Nonce, Credential: got.Credential, ClientData: got.ClientData, AuthenticatorData: got.Data, Signature: got.Signature, UserHandle: got.User,
	}
}

// TestT11ComeBackWithAPasskey: a patient's browser loses all it had. With the
// passkey the next one is let in by the real keeper, and reads what was said;
// without it, nothing.
func TestT11ComeBackWithAPasskey(t *testing.T) {
	ctx := t.Context()
	c := newClinic(t)
	samsLine := c.client()
	sam := c.start("sam", device.SurfacePatient, samsLine)
	id := c.begins(sam)
	mariasLine := c.signIn("maria", "nurse")
	maria := c.start("maria", device.SurfaceStaff, mariasLine)
	c.takes(maria, id)
	if _, err := mariasLine.PatientVerification(ctx, id, "confirm", api.ConfirmPatient{
		Method: "in-person", Identifiers: []string{"name", "photo"}, Reason: "Sam stood at the desk.",
	}); err != nil {
		t.Fatal(err)
	}
	site, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	key := passkeytest.New(site.Hostname(), c.url)
	own, err := samsLine.Verification(ctx)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := samsLine.Challenge(ctx)
	if err != nil {
		t.Fatal(err)
	}
	made := key.Create(passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: "clinic", Person: own.Person, Nonce: nonce.Nonce}, own.Person)
	signature, err := sam.Introduce(key.Key())
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("the keeper certifies sam's device, which may add a passkey then", func() bool {
		var refused *api.Problem
		_, err := samsLine.AddPatientPasskey(ctx, api.AddPatientPasskey{Signature: signature, Passkey: api.PasskeyRegistration{
			Nonce: nonce.Nonce, Name: "phone", Credential: made.Credential, ClientData: made.ClientData, Attestation: made.Attestation,
		}})
		if err != nil && (!errors.As(err, &refused) || refused.Code != api.CodeUncertified && refused.Code != api.CodeRateLimited) {
			t.Fatal(err)
		}
		return err == nil
	})
	sam.Close()

	line, signer := c.client(), devicetest.NewSigner(t)
	again := c.startOn("sam again", device.SurfacePatient, line, devicetest.NewStore(), signer)
	stranger := passkeytest.New(site.Hostname(), c.url)
	var refused *api.Problem
	if err := again.ComeBack(ctx, c.vouches(line, stranger, signer.Public())); !errors.As(err, &refused) || refused.Code != api.CodeUnauthenticated || again.Registered() {
		t.Fatalf("a strange passkey: %v", err)
	}
	if err := again.ComeBack(ctx, c.vouches(line, key, signer.Public())); err != nil {
		t.Fatal(err)
	}
	c.eventually("the new device reads all", func() bool { return slices.Equal(texts(again, id), []string{"Hello?"}) })
	if _, err := maria.SendText(ctx, id, "Welcome back"); err != nil {
		t.Fatal(err)
	}
	c.eventually("and goes on", func() bool { return slices.Equal(texts(again, id), []string{"Hello?", "Welcome back"}) })
	if err := again.ComeBack(ctx, c.vouches(line, key, signer.Public())); device.FailureOf(err) != device.FailureNotAMember {
		t.Errorf("a device that is somebody's: %v", err)
	}
}
