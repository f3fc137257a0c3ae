package httpapi_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/passkey"
	"github.com/sotto-health/sotto/internal/totp"
)

// TestOwnFactors walks what a person signs in with: a second app and a passkey
// are added, named and taken away, and each signs in for as long as it is there
// and no longer. Nobody touches another's.
func TestOwnFactors(t *testing.T) {
	w := newWorld(t)
	dana, omar := w.staff("dana"), w.staff("omar")
	own := func(d *device) []api.Factor {
		t.Helper()
		var all api.Factors
		d.asks("GET /v1/staff/factors", nil, &all, http.StatusOK)
		return all.Factors
	}
	named := func(name string) string {
		t.Helper()
		i := slices.IndexFunc(own(dana), func(f api.Factor) bool { return f.Name == name })
		if i < 0 {
			t.Fatalf("no factor is named %q: %+v", name, own(dana))
		}
		return own(dana)[i].ID
	}

	var offer api.AppOffer
	dana.asks("POST /v1/staff/factors/app-offers", nil, &offer, http.StatusOK)
	secret, err := totp.ParseText(offer.Secret)
	w.must(err)
	tablet := &device{w: w, secret: secret}
	omar.asks("POST /v1/staff/factors/apps", api.TakeApp{Offer: offer.Offer, Code: tablet.code(), Name: "tablet"}, nil, http.StatusUnprocessableEntity)
	dana.asks("POST /v1/staff/factors/apps", api.TakeApp{Offer: offer.Offer, Code: tablet.code(), Name: "tablet"}, nil, http.StatusNoContent)
	_, err = w.client().SignIn(w.ctx, tablet.in("dana"))
	w.must(err)

	a := w.authenticator()
	c := passkey.Challenge{Purpose: passkey.PurposeRegister, Practice: "riverside", Person: dana.person, Nonce: w.nonce()}
	made := a.Create(c, dana.person)
	add := api.AddPasskey{Passkey: api.PasskeyRegistration{
		Nonce: c.Nonce, Name: "my phone", Credential: made.Credential, ClientData: made.ClientData, Attestation: made.Attestation,
	}}
	omar.asks("POST /v1/staff/factors/passkeys", add, nil, http.StatusUnprocessableEntity)
	add.Passkey.Nonce = w.nonce() // the first was used up by him
	c.Nonce = add.Passkey.Nonce
	made = a.Create(c, dana.person)
	add.Passkey.ClientData, add.Passkey.Attestation = made.ClientData, made.Attestation
	dana.asks("POST /v1/staff/factors/passkeys", add, nil, http.StatusNoContent)
	w.must(w.signInPasskey(w.asks(a, passkey.Challenge{Purpose: passkey.PurposeSignIn})))

	key := named("my phone")
	omar.asks("PATCH /v1/staff/factors/"+key, api.RenameFactor{Name: "mine"}, nil, http.StatusNotFound)
	omar.asks("DELETE /v1/staff/factors/"+key, nil, nil, http.StatusNotFound)
	dana.asks("PATCH /v1/staff/factors/"+key, api.RenameFactor{Name: "old phone"}, nil, http.StatusNoContent)
	if named("old phone") != key {
		t.Error("another one was named")
	}
	gone := map[string]string{key: "passkey", named("tablet"): "app"}
	for factor, kind := range gone {
		other := w.client()
		_, err = other.SignIn(w.ctx, dana.in("dana"))
		w.must(err)
		dana.asks("DELETE /v1/staff/factors/"+factor, nil, nil, http.StatusNoContent)
		if _, err := other.StaffSession(w.ctx); err == nil {
			t.Errorf("the person's other sessions stay when the %s goes", kind)
		}
	}
	wantCode(t, w.signInPasskey(w.asks(a, passkey.Challenge{Purpose: passkey.PurposeSignIn})), api.CodeUnauthenticated)
	_, err = w.client().SignIn(w.ctx, tablet.in("dana"))
	wantCode(t, err, api.CodeUnauthenticated)
	for _, f := range own(dana) {
		if f.Kind == "app" {
			dana.asks("DELETE /v1/staff/factors/"+f.ID, nil, nil, http.StatusConflict) // the last
		}
	}
	if n := len(own(omar)); n != 2 { // password and app, as set up
		t.Errorf("the other has %d factors", n)
	}
}
